// SPDX-License-Identifier: BSD-2-Clause
// rollcall-breakglass: one conversation on descriptor 0 about the emergency account, started by
// pam_rollcall.so as root; `--end`: ends what is over. Nothing else of rollcall need be there.
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "pam_module/breakglass/breakglass.h"
#include "rollcall/audit.h"
#include "rollcall/cgroup.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/protocol.h"

#define TRIES      3
#define SLIPS      5 // of the pen, in all
#define REQUEST_MS 10000
#define HUMAN_MS   (10 * 60 * 1000)
#define LOOK_MS    2000
#define WAITS      20 // for the file, 3 s each

struct talk {
    int peer;
    char user[256], service[64], rhost[256], tty[64], host[65];
};

// ---- packets ----

static int say_result(const struct talk *t, enum rollcall_result code, const char *text)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_RESULT);
    r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_CODE, code);
    if (r == 0)
        r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text);
    return r == 0 ? rollcall_packet_send(t->peer, &p, 5000) : r;
}

static int say_wait(const struct talk *t, const char *text)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_WAIT);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text);
    return r == 0 ? rollcall_packet_send(t->peer, &p, 5000) : r;
}

// What is typed is seen: it is long, stands on paper, and is worth nothing afterwards.
static int ask(const struct talk *t, const char *text, struct rollcall_secret *ret)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    int type, r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_PROMPT);
    r = rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text);
    if (r == 0)
        r = rollcall_packet_put_number(&p, ROLLCALL_FIELD_ECHO, 1);
    if (r == 0)
        r = rollcall_packet_send(t->peer, &p, 5000);
    if (r == 0)
        r = rollcall_packet_receive(t->peer, &p, HUMAN_MS, &type);
    if (r < 0)
        return r;
    if (type != ROLLCALL_PACKET_ANSWER)
        return -EPROTO;
    r = rollcall_packet_get_text(&p, ROLLCALL_FIELD_TEXT, ret->bytes, sizeof(ret->bytes));
    ret->len = r == 0 ? strlen(ret->bytes) : 0;
    return r == -ENOENT ? 0 : r;
}

static void take_text(const struct rollcall_packet *p, enum rollcall_field field, char *buf,
                      size_t len)
{
    if (rollcall_packet_get_text(p, field, buf, len) < 0)
        *buf = 0;
    // An application's words are outside text, and go to terminals.
    for (; *buf; buf++)
        if (*buf < ' ' || *buf > '~')
            *buf = '?';
}

// ---- the end of the opening ----

static void watch_to_the_end(void)
{
    int r;

    while ((r = breakglass_end(ROLLCALL_BREAKGLASS_STATE, NULL, LOOK_MS)) == 0 || r == -EBUSY)
        poll(NULL, 0, LOOK_MS);
}

// A process of its own, of no terminal and no session of the login's. It tells everybody, too: a
// log that hangs holds nobody up.
static void leave_a_watch(int peer, const char *sentence)
{
    pid_t pid = fork();

    if (pid > 0)
        return;
    if (pid < 0) {
        breakglass_tell(sentence);
        breakglass_tell("BREAK-GLASS: no process could be left behind to end the opening");
        return;
    }
    close(peer);
    setsid();
    if (chdir("/") < 0)
        _exit(1);
    breakglass_tell(sentence);
    watch_to_the_end();
    _exit(0);
}

// ---- the conversation ----

// `error`: why a code could not be used, or 0. A log that hangs keeps nobody from the next try, and
// only a few processes wait for it. 0; -EBUSY, -EAGAIN: there was nobody to tell it.
static int report(const struct talk *t, const char *cause, int error)
{
    int r = breakglass_aside_of_few();

    if (r <= 0)
        return r;
    if (error)
        syslog(LOG_AUTHPRIV | LOG_ERR, "break-glass cannot open: %s", strerror(error));
    syslog(LOG_AUTHPRIV | LOG_WARNING, "breakglass-refused user=%s service=%s cause=%s", t->user,
           t->service, cause);
    rollcall_audit(ROLLCALL_AUDIT_SOCK, "breakglass-refused", "user", t->user, "service",
                   t->service, "tty", *t->tty ? t->tty : NULL, "rhost", *t->rhost ? t->rhost : NULL,
                   "cause", cause, NULL);
    _exit(0);
}

static int opened(const struct talk *t, const struct rollcall_breakglass *b)
{
    char sentence[600], until[32];
    uint32_t code = 0;
    time_t end = time(NULL) + (time_t)b->open_for;
    struct tm tm;

    for (int i = 0; i < ROLLCALL_BREAKGLASS_EVENTS; i++)
        if (b->event[i].kind == ROLLCALL_BREAKGLASS_OPENED)
            code = b->event[i].code;
    strftime(until, sizeof(until), "%H:%M", localtime_r(&end, &tm));
    snprintf(
        sentence, sizeof(sentence),
        "BREAK-GLASS: %s was opened on %s by sealed code %u (%s %s %.64s), until %s. If you do "
        "not know why, it is an attack: rollcall breakglass close",
        b->account, t->host, code, t->service, t->tty, t->rhost, until);
    leave_a_watch(t->peer, sentence);
    snprintf(sentence, sizeof(sentence),
             "This account is open until %s; %u sealed codes are left. Everybody has been told.",
             until, rollcall_breakglass_left(b));
    return say_result(t, ROLLCALL_RESULT_YES, sentence);
}

static int refused(const struct talk *t, int r, int64_t pause)
{
    char text[160];

    if (r == -EBUSY) {
        snprintf(text, sizeof(text), "Too many wrong codes. Try again in %lld seconds.",
                 (long long)pause);
        // No code passes unrecorded: this one stands in the file, as those that are charged do.
        if (report(t, "throttled", 0) < 0)
            breakglass_charge(ROLLCALL_BREAKGLASS_STATE);
        return say_result(t, ROLLCALL_RESULT_THROTTLED, text);
    }
    report(t, "state-unwritable", -r);
    return say_result(t, ROLLCALL_RESULT_NOT_NOW, NULL);
}

// Whoever has a shell can have so many codes looked at that the file is hardly ever free: that
// may cost an emergency time, and never the code.
static int use_code(const struct talk *t, const struct rollcall_secret *code, int64_t *ret_pause,
                    struct rollcall_breakglass *ret)
{
    const struct breakglass_where where = {t->service, t->tty, t->rhost};
    int r = -EAGAIN;

    for (int i = 0; i < WAITS && r == -EAGAIN; i++) {
        if (i > 0 && say_wait(t, i == 1 ? "Other codes are being looked at; wait." : NULL) < 0)
            return -EPIPE;
        r = breakglass_use_code(ROLLCALL_BREAKGLASS_STATE, code, &where, ret_pause, ret);
    }
    return r;
}

static int converse(const struct talk *t)
{
    const char *before = "This account opens with a sealed code, and everybody is told.";
    int tries = 0;

    for (int slips = 0; tries < TRIES && slips < SLIPS;) {
        _cleanup_secret_ struct rollcall_secret typed = {0}, code = {0};
        struct rollcall_breakglass b;
        char text[256];
        int64_t pause = 0;
        int r;
        snprintf(text, sizeof(text), "\n%s\nSealed code: ", before);
        r = ask(t, text, &typed);
        if (r < 0)
            return r;
        if (sealed_code_read(&typed, &code) < 0) {
            before = "That is no sealed code: 20 letters and digits. Look again.";
            slips++;
            continue;
        }
        r = use_code(t, &code, &pause, &b);
        if (r == 1)
            return opened(t, &b);
        if (r < 0)
            return refused(t, r, pause);
        report(t, "wrong-code", 0);
        before = "That code was not accepted. Was it used already?";
        tries++;
    }
    return say_result(t, ROLLCALL_RESULT_REFUSED, NULL);
}

static int serve(struct talk *t)
{
    _cleanup_packet_ struct rollcall_packet p = {0};
    struct rollcall_breakglass b;
    uint32_t uid;
    int type, r;

    rollcall_packet_start(&p, ROLLCALL_PACKET_HELLO);
    r = rollcall_packet_send(t->peer, &p, 5000);
    if (r == 0)
        r = rollcall_packet_receive(t->peer, &p, REQUEST_MS, &type);
    if (r < 0)
        return r;
    if (type != ROLLCALL_PACKET_LOGIN)
        return say_result(t, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL);
    take_text(&p, ROLLCALL_FIELD_USER, t->user, sizeof(t->user));
    take_text(&p, ROLLCALL_FIELD_SERVICE, t->service, sizeof(t->service));
    take_text(&p, ROLLCALL_FIELD_RHOST, t->rhost, sizeof(t->rhost));
    take_text(&p, ROLLCALL_FIELD_TTY, t->tty, sizeof(t->tty));
    // The module has looked; this one decides.
    if (rollcall_breakglass_read(ROLLCALL_BREAKGLASS_STATE, &b) < 0 ||
        strcmp(b.account, t->user) != 0 || !rollcall_breakglass_serves(&b, t->service) ||
        rollcall_breakglass_local_uid(t->user, &uid) < 0 || uid != b.uid || uid == 0)
        return say_result(t, ROLLCALL_RESULT_REFUSED, NULL);
    return converse(t);
}

static void confine(void)
{
    static const struct rlimit none = {0, 0};

    umask(077);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);      // nobody waits for what is told aside
    if (unshare(CLONE_NEWNET) < 0) // where it may not, it has no use for one all the same
        errno = 0;
}

int main(int argc, char **argv)
{
    struct talk t = {.peer = STDIN_FILENO, .host = "this host"};
    struct ucred peer;
    socklen_t len = sizeof(peer);
    bool end = argc > 1 && strcmp(argv[1], "--end") == 0;

    openlog("rollcall-breakglass", LOG_PID, LOG_AUTHPRIV);
    if (geteuid() != 0 ||
        (!end && (getsockopt(t.peer, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != 0))) {
        fprintf(stderr, "rollcall-breakglass is started by pam_rollcall.so; see rollcall(8)\n");
        return 2;
    }
    // su is its caller still, who may end what is theirs: the watch and what tells everybody.
    if (setresuid(0, 0, 0) < 0)
        return 2;
    rollcall_leave_cgroup();
    if (gethostname(t.host, sizeof(t.host) - 1) < 0)
        snprintf(t.host, sizeof(t.host), "this host");
    confine();
    if (end)
        return breakglass_end(ROLLCALL_BREAKGLASS_STATE, argc > 2 ? argv[2] : NULL, 5000) == 1 ? 0
                                                                                               : 1;
    return serve(&t) < 0;
}
