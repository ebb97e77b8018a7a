// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/verifier/network_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/verifier/credential.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

#define SEND_MS 2000

// ---- the holder ----

static bool become(uid_t uid, gid_t gid)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
           setresuid(uid, uid, uid) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_DUMPABLE, 0) == 0 && getuid() == uid && geteuid() == uid;
}

static bool arrange(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null >= 0 && dup2(fd, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
           dup2(null, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0u, 0) == 0;
}

// The arguments are files that it will have to read: certificates of directories.
static _Noreturn void answer_one(const struct rollcall_config *config, pid_t holder)
{
    static char name[] = ROLLCALL_PASSWORD_LDAP, quiet[] = "LDAPNOINIT=1";
    char *argv[ROLLCALL_SOURCES_MAX + 2] = {name}, *const envp[] = {quiet, NULL};
    int n = 1;

    for (size_t i = 0; i < config->n_sources; i++)
        if (config->source[i].file[ROLLCALL_FILE_CA])
            argv[n++] = config->source[i].file[ROLLCALL_FILE_CA];

    // It ends with the holder, and the holder with the verifier.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == holder)
        execve(name, argv, envp);
    _exit(127);
}

// Until it has ended, or nobody waits for it any more.
static bool served(pid_t child)
{
    int pidfd = pidfd_open(child, 0), status = -1;
    struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = STDIN_FILENO}};

    while (pidfd >= 0 && p[0].revents == 0 && p[1].revents == 0)
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
    if (pidfd < 0 || p[0].revents == 0)
        return false;
    close(pidfd);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static _Noreturn void hold(const struct rollcall_config *config)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    pid_t self = getpid();

    for (;;) {
        pid_t child;
        if (poll(&p, 1, -1) < 0) {
            if (errno == EINTR)
                continue;
            _exit(1);
        }
        if (!(p.revents & POLLIN) || (p.revents & POLLHUP))
            _exit(0);
        child = fork();
        if (child == 0)
            answer_one(config, self);
        // One that failed may have left its request unread.
        if (child < 0 || !served(child))
            _exit(1);
    }
}

static _Noreturn void begin_to_hold(struct verifier *v, int fd, uid_t uid, gid_t gid)
{
    explicit_bzero(v->key, sizeof(v->key)); // of a child, whose parent has read it
    credential_forget();
    if ((v->host_network >= 0 && setns(v->host_network, CLONE_NEWNET) < 0) || !arrange(fd) ||
        !become(uid, gid) || setsid() < 0) {
        syslog(LOG_ERR, "no password can be checked at a directory: %s", strerror(errno));
        _exit(1);
    }
    hold(v->config);
}

static int start_holder(struct verifier *v)
{
    _cleanup_close_ int ours = -1, theirs = -1;
    int pair[2], r;
    uid_t uid;
    gid_t gid;
    pid_t pid;

    r = privilege_find_user(ROLLCALL_USER_PASSWORD, &uid, &gid);
    if (r < 0)
        return r;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    ours = pair[0];
    theirs = pair[1];
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        begin_to_hold(v, theirs, uid, gid);
    v->network = (struct network_child){.fd = ROLLCALL_TAKE_FD(ours), .pid = pid};
    return 0;
}

void network_child_hold(struct verifier *v)
{
    int r = password_of_directory(v) ? start_holder(v) : 0;

    if (r < 0)
        syslog(LOG_ERR, "no password can be checked at a directory: %s%s", strerror(-r),
               r == -ENOENT ? "; there is no user " ROLLCALL_USER_PASSWORD : "");
}

// ---- the verifier's side ----

static int wait_answer(struct network_child *c, int ms, int peer, struct rollcall_packet *p)
{
    int64_t deadline = rollcall_deadline_in(ms),
            word = rollcall_deadline_in(ROLLCALL_VERIFIER_WAIT_EVERY_MS);

    for (;;) {
        struct pollfd at[2] = {{.fd = c->fd, .events = POLLIN}, {.fd = peer, .events = POLLIN}};
        int left = rollcall_deadline_left(deadline), next = rollcall_deadline_left(word), type, r;
        if (left == 0)
            return -ETIMEDOUT;
        if (next == 0) {
            r = say_wait(peer, NULL);
            if (r < 0)
                return r;
            word = rollcall_deadline_in(ROLLCALL_VERIFIER_WAIT_EVERY_MS);
            next = ROLLCALL_VERIFIER_WAIT_EVERY_MS;
        }
        r = poll(at, 2, left < next ? left : next);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r > 0 && at[1].revents) // it hung up: it has nothing to say now
            return -EPIPE;
        if (r > 0 && at[0].revents) {
            r = rollcall_packet_receive(c->fd, p, 0, &type);
            return r == -EPIPE ? -ECHILD : r;
        }
    }
}

int network_child_ask(struct network_child *c, const struct rollcall_check_request *q, int peer,
                      struct rollcall_check_answer *ret)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int r = c->fd < 0 ? -ECHILD : rollcall_check_request_pack(q, &p);

    if (r == 0)
        r = rollcall_packet_send(c->fd, &p, SEND_MS);
    if (r == -EPIPE)
        r = -ECHILD; // not the peer
    rollcall_packet_erase(&p);
    if (r == 0)
        r = wait_answer(c, (q->seconds + 1) * 1000, peer, &p);
    if (r == 0)
        r = rollcall_check_answer_read(&p, ret);
    if (r < 0)
        network_child_end(c); // a late answer would be taken for the next one
    return r;
}

void network_child_end(struct network_child *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    // It has another user, so it cannot be killed from here; it ends with its socket, and init
    // reaps what is left when we have ended.
    if (c->pid > 0)
        waitpid(c->pid, NULL, WNOHANG);
    c->pid = 0;
}
