// SPDX-License-Identifier: BSD-2-Clause
// A verifier that was started for one login reaches files' sockets and no other.
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "pam_module/verifier/verifier.h"
#include "tests/unit/scratch.h"

static int inet_port;

static socklen_t address(const char *name, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path + (*name == '@'), name + (*name == '@'), strlen(name + (*name == '@')));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

static int listen_at(const char *name)
{
    struct sockaddr_un at;
    socklen_t len = address(name, &at);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static bool reaches(const char *name)
{
    struct sockaddr_un at;
    socklen_t len = address(name, &at);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&at, len) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool reaches_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)inet_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static int look(char abstract_name[64])
{
    return (reaches("named") ? 1 : 0) | (reaches(abstract_name) ? 2 : 0) | (reaches_port() ? 4 : 0);
}

static void only_sockets_that_are_files_are_reached(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    char name[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), named, abstract, status;
    pid_t pid;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    inet_port = ntohs(at.sin_port);
    snprintf(name, sizeof(name), "@rollcall-test-%d", (int)getpid());
    named = listen_at("named");
    abstract = listen_at(name);
    assert_int_equal(look(name), 7);
    pid = fork();
    if (pid == 0)
        _exit(network_leave(true) == 0 ? look(name) : 64);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    // Who is not root has no namespace to take where the kernel knows nothing newer.
    assert_int_equal(WEXITSTATUS(status) & (geteuid() == 0 ? ~0 : ~2), 1);
    close(named);
    close(abstract);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_sockets_that_are_files_are_reached)};

    return cmocka_run_group_tests(tests, scratch_setup, scratch_leave);
}
