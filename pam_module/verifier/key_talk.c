// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/verifier/key_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/random.h"

#define SEND_MS 2000
#define END_MS  3000
// To be plugged in, opened and touched, and some: then the program hangs.
#define ALL_MS ((ROLLCALL_KEY_PLUG_S + ROLLCALL_KEY_TOUCH_S + 15) * 1000)
_Static_assert(ALL_MS < ROLLCALL_VERIFIER_WAIT_MS, "the client has more patience than we");

static int spawn(int fd, pid_t *ret)
{
    static char name[] = ROLLCALL_SECURITY_KEY;
    char *const argv[] = {name, NULL}, *const envp[] = {NULL};
    posix_spawn_file_actions_t files;
    int r = posix_spawn_file_actions_init(&files);

    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (r == 0)
        r = posix_spawn(ret, name, &files, NULL, argv, envp);
    posix_spawn_file_actions_destroy(&files);
    return -r;
}

int key_talk_begin(struct key_talk *t, const struct rollcall_key_request *request)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    _cleanup_close_ int theirs = -1;
    int pair[2], r;

    key_talk_end(t);
    t->request = *request;
    if (rollcall_random(t->request.challenge, sizeof(t->request.challenge)) < 0)
        return -EIO;
    r = rollcall_key_request_pack(&t->request, &p);
    // The PIN goes to the device and is nowhere else from here on.
    rollcall_secret_erase(&t->request.pin);
    if (r < 0)
        return r;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    t->fd = pair[0];
    theirs = pair[1];
    r = spawn(theirs, &t->pid);
    if (r == 0)
        r = rollcall_packet_send(t->fd, &p, SEND_MS);
    if (r < 0) {
        syslog(LOG_ERR, ROLLCALL_SECURITY_KEY " could not be asked: %s", strerror(-r));
        key_talk_end(t);
    }
    return r;
}

static const char *words(enum rollcall_key_state state)
{
    return state == ROLLCALL_KEY_PLUG    ? "Plug in your security key, and touch it."
           : state == ROLLCALL_KEY_TOUCH ? "Touch your security key."
                                         : NULL;
}

int say_wait(int peer, const char *text)
{
    struct rollcall_packet p;

    rollcall_packet_start(&p, ROLLCALL_PACKET_WAIT);
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text);
    return rollcall_packet_send(peer, &p, SEND_MS);
}

static int hear(struct key_talk *t)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int64_t state = 0;
    int type, r = rollcall_packet_receive(t->fd, &p, 0, &type);

    if (r == -ETIMEDOUT)
        return 0;
    if (r < 0)
        return -EPROTO;
    if (type == ROLLCALL_PACKET_KEY_STATE) {
        if (rollcall_packet_get_number(&p, ROLLCALL_FIELD_STATUS, &state) < 0 ||
            (state != ROLLCALL_KEY_PLUG && state != ROLLCALL_KEY_TOUCH))
            return -EPROTO;
        t->state = (enum rollcall_key_state)state;
        return 0;
    }
    r = rollcall_key_reply_read(&p, &t->reply);
    t->replied = r == 0;
    return r == 0 ? 0 : -EPROTO;
}

bool key_talk_replied(struct key_talk *t)
{
    while (!t->replied && t->fd >= 0) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        if (poll(&p, 1, 0) != 1)
            return false;
        if (hear(t) < 0)
            key_talk_end(t); // it is no more
    }
    return t->replied;
}

int key_talk_wait(struct key_talk *t, int peer)
{
    int64_t deadline = rollcall_deadline_in(ALL_MS), word = 0;
    enum rollcall_key_state said = 0;

    while (!t->replied) {
        struct pollfd p[2] = {{.fd = t->fd, .events = POLLIN}, {.fd = peer, .events = POLLIN}};
        int left, r;
        if (t->fd < 0)
            return -EPROTO;
        if (rollcall_deadline_left(deadline) == 0)
            return -ETIMEDOUT;
        left = rollcall_deadline_left(word);
        if (left == 0 || said != t->state) {
            r = say_wait(peer, said != t->state ? words(t->state) : NULL);
            if (r < 0)
                return r;
            said = t->state;
            word = rollcall_deadline_in(ROLLCALL_VERIFIER_WAIT_EVERY_MS);
            left = ROLLCALL_VERIFIER_WAIT_EVERY_MS;
        }
        r = poll(p, 2, left);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r > 0 && p[1].revents) // it hung up: it has nothing to say now
            return -EPIPE;
        if (r > 0 && p[0].revents && (r = hear(t)) < 0)
            return r;
    }
    return 0;
}

void key_talk_end(struct key_talk *t)
{
    if (t->fd >= 0)
        close(t->fd);
    if (t->pid > 0) {
        int pidfd = pidfd_open(t->pid, 0);
        struct pollfd p = {.fd = pidfd, .events = POLLIN};
        if (pidfd < 0 || poll(&p, 1, END_MS) == 0)
            kill(t->pid, SIGKILL);
        while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        if (pidfd >= 0)
            close(pidfd);
    }
    rollcall_key_request_erase(&t->request);
    *t = (struct key_talk){.fd = -1};
}
