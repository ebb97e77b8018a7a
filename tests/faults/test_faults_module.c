// SPDX-License-Identifier: BSD-2-Clause
// pam_rollcall.so while its n-th call fails, for every n: never a success by a fault, never
// root refused, no hang, no crash.
#include <limits.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <dlfcn.h>

#include <cmocka.h>

#include "rollcall/breakglass.h"
#include "rollcall/protocol.h"
#include "tests/faults/faults.h"
#include "tests/unit/four_people.h"
#include "tests/unit/scratch.h"

// Longer than the module may take (8 s), on a machine that is busy.
#define SOCKET    "run/verifier.sock"
#define HANGS_MS  60000
#define CALLS_MAX 500

static char module[PATH_MAX + 64];
static pid_t listener = -1;

// ---- a verifier that says what the file run/says says ----

static void serve(int fd)
{
    struct rollcall_packet p;
    char says[2] = "1";
    int type, file = open("run/says", O_RDONLY | O_CLOEXEC);

    if (file < 0 || read(file, says, 1) != 1)
        _exit(1);
    close(file);
    rollcall_packet_start(&p, ROLLCALL_PACKET_HELLO);
    if (rollcall_packet_send(fd, &p, 5000) < 0 || rollcall_packet_receive(fd, &p, 5000, &type) < 0)
        _exit(1);
    if (type == ROLLCALL_PACKET_LOGIN) {
        rollcall_packet_start(&p, ROLLCALL_PACKET_PROMPT);
        rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, "Code: ");
        if (rollcall_packet_send(fd, &p, 5000) < 0 ||
            rollcall_packet_receive(fd, &p, 5000, &type) < 0)
            _exit(1);
    }
    rollcall_packet_start(&p, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_CODE, says[0] - '0');
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, "Offline for 3 days.");
    rollcall_packet_send(fd, &p, 5000);
    _exit(0);
}

static void listen_for_ever(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    signal(SIGCHLD, SIG_IGN);
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0)
        _exit(1);
    for (;;) {
        int peer = accept(fd, NULL, NULL);
        if (peer >= 0 && fork() == 0)
            serve(peer);
        close(peer);
    }
}

static void start_listener(void)
{
    listener = fork();
    assert_true(listener >= 0);
    if (listener == 0)
        listen_for_ever();
    while (access(SOCKET, F_OK) < 0)
        usleep(1000);
}

static void stop_listener(void)
{
    if (listener > 0) {
        kill(listener, SIGKILL);
        waitpid(listener, NULL, 0);
    }
    listener = -1;
    unlink(SOCKET);
}

// ---- an application ----

static int converse(int n, const struct pam_message **m, struct pam_response **r, void *ctx)
{
    struct pam_response *out = calloc((size_t)n, sizeof(*out));

    (void)ctx;
    for (int i = 0; out && i < n; i++)
        if (m[i]->msg_style == PAM_PROMPT_ECHO_ON || m[i]->msg_style == PAM_PROMPT_ECHO_OFF)
            out[i].resp = strdup("123456");
    *r = out;
    return out ? PAM_SUCCESS : PAM_BUF_ERR;
}

struct told {
    int auth, account, session, fired;
    long count;
};

struct scenario {
    const char *name, *service, *user;
    bool listening, authenticates; // systemd's socket; or a direct start
    char says;
    bool root, may;  // always in; may come in at all
    bool auth_alone; // in its account phase an error is "ignore", for it is everybody's
};

static void phases(const struct scenario *s, pam_handle_t *pamh, struct told *t)
{
    t->auth = s->authenticates ? pam_authenticate(pamh, 0) : -1;
    t->account = pam_acct_mgmt(pamh, 0);
    t->session = pam_open_session(pamh, 0);
}

// In a process of its own: what faults leave behind is nobody else's.
static void one_run(const struct scenario *s, long nth, enum faults_mode mode, int out)
{
    static const struct pam_conv conv = {.conv = converse};
    pam_handle_t *pamh = NULL;
    struct told t = {0};
    void *so;
    void (*arm)(const char *, long, enum faults_mode);
    long (*disarm)(int *);

    if (pam_start_confdir(s->service, s->user, &conv, "pam.d", &pamh) != PAM_SUCCESS)
        _exit(90);
    so = dlopen(module, RTLD_NOW | RTLD_NOLOAD);
    if (!so)
        _exit(91);
    // ISO C has no conversion between the two kinds of pointers; POSIX has.
    *(void **)&arm = dlsym(so, "faults_arm");
    *(void **)&disarm = dlsym(so, "faults_disarm");
    if (!arm || !disarm)
        _exit(92);
    arm("", nth, mode);
    phases(s, pamh, &t);
    t.count = disarm(&t.fired);
    pam_end(pamh, t.session);
    if (write(out, &t, sizeof(t)) != (ssize_t)sizeof(t))
        _exit(93);
    _exit(0);
}

static struct told run(const struct scenario *s, long nth, enum faults_mode mode)
{
    struct told t = {0};
    struct pollfd p = {.events = POLLIN};
    int pipes[2], status = 0;
    pid_t pid;

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        one_run(s, nth, mode, pipes[1]);
    close(pipes[1]);
    p.fd = pipes[0];
    if (poll(&p, 1, HANGS_MS) != 1) {
        kill(pid, SIGKILL);
        fail_msg("%s: hangs when call %ld fails (mode %d)", s->name, nth, mode);
    }
    if (read(pipes[0], &t, sizeof(t)) != (ssize_t)sizeof(t))
        t.count = -1;
    close(pipes[0]);
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || t.count < 0)
        fail_msg("%s: ends with status %#x when call %ld fails (mode %d)", s->name, status, nth,
                 mode);
    return t;
}

static void judge(const struct scenario *s, const struct told *t, long nth, enum faults_mode mode)
{
    bool in = t->account == PAM_SUCCESS && (!s->authenticates || t->auth == PAM_SUCCESS);

    if (s->auth_alone && t->auth == PAM_SUCCESS && !s->may)
        fail_msg("%s: is authenticated when call %ld fails (mode %d)", s->name, nth, mode);
    if (s->auth_alone)
        return;

    if (s->root && !(in && t->session == PAM_SUCCESS))
        fail_msg("%s: root is refused (%d %d %d) when call %ld fails (mode %d)", s->name, t->auth,
                 t->account, t->session, nth, mode);
    if (!s->root && !s->may &&
        (in || (s->authenticates && (t->auth == PAM_SUCCESS || t->account == PAM_SUCCESS))))
        fail_msg("%s: comes in (%d %d %d) when call %ld fails (mode %d)", s->name, t->auth,
                 t->account, t->session, nth, mode);
    // Who failed to authenticate has no account phase that says yes.
    if (!s->root && s->authenticates && t->auth != PAM_SUCCESS && t->account == PAM_SUCCESS)
        fail_msg("%s: account succeeds without auth when call %ld fails (mode %d)", s->name, nth,
                 mode);
}

static void every_call(const struct scenario *s)
{
    long n, runs = 0, let_in = 0;
    struct told clean;

    scratch_write("run/says", &s->says, 1);
    if (s->listening)
        start_listener();
    clean = run(s, 0, FAULTS_ONCE);
    judge(s, &clean, 0, FAULTS_ONCE);
    assert_true(clean.account == PAM_SUCCESS || !(s->root || s->may) || s->auth_alone);
    assert_true(!s->auth_alone || clean.account == PAM_PERM_DENIED);
    for (enum faults_mode mode = FAULTS_ONCE; mode < FAULTS_MODES; mode++)
        for (n = 1; n <= CALLS_MAX; n++, runs++) {
            struct told t = run(s, n, mode);
            judge(s, &t, n, mode);
            let_in += t.account == PAM_SUCCESS;
            // A signal is no failure: the answer is the one of a run without.
            if (mode == FAULTS_EINTR && t.fired)
                assert_true(t.auth == clean.auth && t.account == clean.account);
            if (t.count < n) // clean: there is no n-th call
                break;
            assert_int_not_equal(n, CALLS_MAX);
        }
    stop_listener();
    print_message("%-44s %3ld calls, %4ld faults; let in all the same: %ld\n", s->name, clean.count,
                  runs, let_in);
}

// ---- what is tried ----

#define TEST(test, ...)                                                                            \
    static void test(void **state)                                                                 \
    {                                                                                              \
        static const struct scenario s = {.name = #test, __VA_ARGS__};                             \
        (void)state;                                                                               \
        every_call(&s);                                                                            \
    }

TEST(who_may_come_in_by_the_socket, .service = "sshd", .user = "alice", .listening = true,
     .authenticates = true, .says = '0', .may = true)
TEST(who_may_come_in_by_a_direct_start, .service = "sshd", .user = "alice", .authenticates = true,
     .says = '0', .may = true)
TEST(who_typed_a_wrong_code, .service = "sshd", .user = "alice", .listening = true,
     .authenticates = true, .says = '1')
TEST(who_typed_a_wrong_code_after_a_direct_start, .service = "login", .user = "alice",
     .authenticates = true, .says = '1')
TEST(who_is_locked_and_a_verifier_says_yes, .service = "sshd", .user = "dave", .listening = true,
     .authenticates = true, .says = '0')
TEST(who_left_and_a_verifier_says_yes, .service = "login", .user = "bob", .listening = true,
     .authenticates = true, .says = '0')
TEST(whom_nobody_knows_and_a_verifier_says_yes, .service = "sshd", .user = "nobody-has-this-name",
     .listening = true, .authenticates = true, .says = '0')
TEST(who_has_a_key_alone, .service = "sshd", .user = "alice", .says = '0')
TEST(who_has_no_ticket, .service = "sudo", .user = "alice", .listening = true, .says = '1')
TEST(a_leavers_cron_job, .service = "cron", .user = "bob", .says = '0')
TEST(a_locked_persons_cron_job, .service = "cron", .user = "dave", .says = '0')
TEST(an_employees_cron_job, .service = "cron", .user = "alice", .says = '0', .may = true)
TEST(root, .service = "sshd", .user = "root", .authenticates = true, .says = '1', .root = true)
// The line of break-glass.
TEST(the_emergency_account_with_a_wrong_code, .service = "glass", .user = "glass",
     .authenticates = true, .says = '1', .auth_alone = true)
TEST(root_at_the_line_of_break_glass, .service = "glass-local", .user = "root",
     .authenticates = true, .says = '1', .root = true)
TEST(a_local_person_at_the_line_of_break_glass, .service = "glass-local", .user = "larry",
     .authenticates = true, .says = '1', .root = true)

// ---- the place ----

static void write_service(const char *name)
{
    static const char *const phase[] = {"auth", "account", "session"};
    char path[64], text[4096];
    size_t n = 0;

    for (int i = 0; i < 3; i++)
        n += (size_t)snprintf(
            text + n, sizeof(text) - n,
            "%s [success=done ignore=ignore default=die] %s\n%s required pam_permit.so\n", phase[i],
            module, phase[i]);
    snprintf(path, sizeof(path), "pam.d/%s", name);
    scratch_write(path, text, n);
}

static void write_glass_service(const char *name, const char *behind)
{
    char path[64], text[4096];
    int n = snprintf(text, sizeof(text),
                     "auth [success=done default=ignore] %s breakglass\nauth required %s\n"
                     "account [success=ignore perm_denied=die default=ignore] %s breakglass\n"
                     "account required pam_permit.so\nsession required pam_permit.so\n",
                     module, behind, module);

    snprintf(path, sizeof(path), "pam.d/%s", name);
    scratch_write(path, text, (size_t)n);
}

static void seal(void)
{
    struct rollcall_breakglass b = {
        .uid = 1000, .account = "glass", .services = "glass", .open_for = 3600};
    static const char passwd[] = "root:x:0:0::/root:/bin/sh\nlarry:x:1001:1001::/:/bin/sh\n"
                                 "glass:x:1000:1000::/:/bin/sh\n";

    assert_int_equal(rollcall_breakglass_create("state/breakglass/state", &b), 0);
    scratch_write("state/passwd", passwd, sizeof(passwd) - 1);
    write_glass_service("glass", "pam_deny.so");
    write_glass_service("glass-local", "pam_permit.so");
}

static int prepare(void **state)
{
    static const char *const folders[] = {"state", "state/cache", "pam.d", "run", "libexec"};
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    (void)state;
    assert_true(n > 0);
    exe[n] = 0;
    scratch_enter();
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(mkdir(folders[i], 0755), 0);
    // Started directly, this program is the verifier.
    assert_int_equal(symlink(exe, "libexec/rollcall-verifier"), 0);
    assert_int_equal(symlink(exe, "libexec/rollcall-breakglass"), 0);
    *strrchr(exe, '/') = 0;
    snprintf(module, sizeof(module), "%s/faults/pam_rollcall.so", exe);
    write_service("sshd");
    write_service("login");
    write_service("sudo");
    write_service("cron");
    seal();
    return four_people_write("state/cache/board", "state/cache/private", time(NULL));
}

static int leave(void **state)
{
    stop_listener();
    return scratch_leave(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_come_in_by_the_socket),
        cmocka_unit_test(who_may_come_in_by_a_direct_start),
        cmocka_unit_test(who_typed_a_wrong_code),
        cmocka_unit_test(who_typed_a_wrong_code_after_a_direct_start),
        cmocka_unit_test(who_is_locked_and_a_verifier_says_yes),
        cmocka_unit_test(who_left_and_a_verifier_says_yes),
        cmocka_unit_test(whom_nobody_knows_and_a_verifier_says_yes),
        cmocka_unit_test(who_has_a_key_alone),
        cmocka_unit_test(who_has_no_ticket),
        cmocka_unit_test(a_leavers_cron_job),
        cmocka_unit_test(a_locked_persons_cron_job),
        cmocka_unit_test(an_employees_cron_job),
        cmocka_unit_test(root),
        cmocka_unit_test(the_emergency_account_with_a_wrong_code),
        cmocka_unit_test(root_at_the_line_of_break_glass),
        cmocka_unit_test(a_local_person_at_the_line_of_break_glass),
    };

    if (argc > 0 &&
        (strstr(argv[0], "rollcall-verifier") || strstr(argv[0], "rollcall-breakglass")))
        serve(STDIN_FILENO);
    if (geteuid() != 0) {
        print_message("only root has a verifier to ask: nothing tried\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, prepare, leave);
}
