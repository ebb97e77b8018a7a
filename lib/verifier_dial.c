// SPDX-License-Identifier: BSD-2-Clause
// A way to a verifier: through systemd's socket, or by starting one. libc only; lives in
// strangers' processes, so it touches no signal disposition, no environment and no
// descriptor but its own.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/protocol.h"

static int dial(const char *path, int64_t deadline, int *ret)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int left = rollcall_deadline_left(deadline);
    struct timeval patience = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    struct ucred peer;
    socklen_t len = sizeof(peer);
    _cleanup_close_ int fd = -1;

    if (strlen(path) >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    if (left == 0) // to the kernel, no patience is patience for ever
        return -ETIMEDOUT;
    memcpy(to.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    // connect() waits as long as a send may where the queue of a dead systemd is full.
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        return -errno; // cppcheck-suppress resourceLeak ; the cleanup attribute closes it
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return -errno;
    if (peer.uid != 0) // somebody else listens where the verifier should
        return -EPERM;
    *ret = ROLLCALL_TAKE_FD(fd);
    return 0;
}

// The attributes and descriptors of a child that owes nothing to the program it is born in.
static int prepare(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files, int fd)
{
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                           POSIX_SPAWN_SETSIGMASK);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attr, &all);
    if (r == 0)
        r = posix_spawnattr_setsigmask(attr, &none);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(files, fd, STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
    return -r;
}

static int spawn(const char *program, int fd, pid_t *ret)
{
    char *const argv[] = {(char *)(uintptr_t)program, NULL}, *const envp[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int r;

    if (posix_spawnattr_init(&attr) != 0)
        return -ENOMEM;
    if (posix_spawn_file_actions_init(&files) != 0) {
        posix_spawnattr_destroy(&attr);
        return -ENOMEM;
    }
    r = prepare(&attr, &files, fd);
    if (r == 0)
        r = -posix_spawn(ret, program, &files, &attr, argv, envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return r;
}

// Above 2: programs that run with closed standard streams hand us those numbers.
static int raise_fd(int *fd)
{
    int high;

    if (*fd > STDERR_FILENO)
        return 0;
    high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (high < 0)
        return -errno;
    close(*fd);
    *fd = high;
    return 0;
}

static int start(const char *program, struct rollcall_verifier_link *ret)
{
    _cleanup_close_ int ours = -1, theirs = -1;
    int pair[2], r;
    pid_t pid = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    ours = pair[0];
    theirs = pair[1];
    r = raise_fd(&ours);
    if (r == 0)
        r = raise_fd(&theirs);
    if (r == 0)
        r = spawn(program, theirs, &pid);
    if (r < 0)
        return r;
    // Where the program ignores SIGCHLD the child may be gone already: then there is
    // nothing to watch, and its closed socket says the rest.
    ret->pidfd = pidfd_open(pid, 0);
    ret->fd = ROLLCALL_TAKE_FD(ours);
    return 0;
}

static int await_hello(int fd, int64_t deadline)
{
    _cleanup_packet_ struct rollcall_packet hello = {0};
    int type, r = rollcall_packet_receive(fd, &hello, rollcall_deadline_left(deadline), &type);

    if (r == -EBADMSG || (r == 0 && type != ROLLCALL_PACKET_HELLO))
        return -EPROTO;
    return r;
}

int rollcall_verifier_dial(const char *socket_path, const char *program, int64_t deadline,
                           struct rollcall_verifier_link *ret)
{
    struct rollcall_verifier_link link = ROLLCALL_VERIFIER_LINK_NONE;
    int r = socket_path ? dial(socket_path, deadline, &link.fd) : -ENOENT;

    if (r == 0) {
        r = await_hello(link.fd, deadline);
        if (r == 0) {
            *ret = link;
            return 0;
        }
        rollcall_verifier_hang_up(&link);
        if (r != -EPIPE)
            return r;
    } else if (r != -ENOENT && r != -ECONNREFUSED) {
        return r;
    }
    if (!program || geteuid() != 0)
        return -ECONNREFUSED;
    if (start(program, &link) < 0)
        return -ECONNREFUSED;
    r = await_hello(link.fd, deadline);
    if (r < 0) {
        rollcall_verifier_hang_up(&link);
        return r == -EPIPE ? -ECONNREFUSED : r;
    }
    *ret = link;
    return 0;
}

void rollcall_verifier_hang_up(struct rollcall_verifier_link *link)
{
    int saved = errno;

    if (link->fd >= 0)
        close(link->fd);
    if (link->pidfd >= 0) {
        struct pollfd p = {.fd = link->pidfd, .events = POLLIN};
        siginfo_t info;
        int r;
        do
            r = poll(&p, 1, ROLLCALL_VERIFIER_LAST_WORDS_MS);
        while (r < 0 && errno == EINTR);
        if (r == 0)
            pidfd_send_signal(link->pidfd, SIGKILL, NULL, 0);
        while (waitid(P_PIDFD, (id_t)link->pidfd, &info, WEXITED) < 0 && errno == EINTR)
            ;
        close(link->pidfd);
    }
    *link = ROLLCALL_VERIFIER_LINK_NONE;
    errno = saved;
}
