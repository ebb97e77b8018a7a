// SPDX-License-Identifier: BSD-2-Clause
// rollcall-verifier while the n-th call of a function fails, for every function and n: the real
// program as a child of this one, over its real door. Never a yes by a fault, nothing half done, no
// hang, no crash.
#include <errno.h>
#include <limits.h>
#include <liboath/oath.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/account.h"
#include "tests/faults/faults.h"
#include "tests/unit/built.h"
#include "tests/unit/four_people.h"
#include "tests/unit/scratch.h"

#define PATIENCE_MS  60000 // the verifier waits 5 s at most for anything but a person
#define ALICE        (ROLLCALL_ID_DEFAULT_MIN + 100)
#define DAVE         (ALICE + 3)
#define VERIFIER_UID 65533

static char program[PATH_MAX + 64];
static const uint8_t host_key[HOST_KEY_LEN] = "0123456789abcdef0123456789abcdef";
#define SECRET_LEN 20
static const char secret[SECRET_LEN + 1] = "12345678901234567890";
static struct rollcall_secret recovery, access_code;

// ---- what stands in the account's file ----

static struct credential_file open_file(uint32_t uid)
{
    struct credential_file f;
    int folder = open("state/credentials", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(credential_open(folder, host_key, uid, &f), 0);
    close(folder);
    return f;
}

static int read_credential(uint32_t uid, struct credential *ret)
{
    struct credential_file f = open_file(uid);
    int r = credential_read(&f, ret);

    credential_close(&f);
    return r;
}

// What the slot says that a torn or lost newest one would leave. Destroys the newest. -EBADMSG:
// nothing; it is the last look of a run.
#define SLOT_SIZE 4096
static int read_older(uint32_t uid, struct credential *ret)
{
    static const unsigned char zero[SLOT_SIZE];
    struct credential_file f = open_file(uid);
    int r = credential_read(&f, ret);

    if (r == 0 && f.sequence > 0) {
        off_t at = (off_t)(f.sequence % 2) * SLOT_SIZE;
        assert_int_equal(pwrite(f.fd, zero, sizeof(zero), at), sizeof(zero));
        r = credential_read(&f, ret);
    }
    credential_close(&f);
    return r;
}

static void write_once(const struct credential *c)
{
    struct credential_file f = open_file(c->uid);
    struct credential old;

    assert_int_equal(credential_read(&f, &old), 0);
    assert_int_equal(credential_write(&f, c), 0);
    credential_close(&f);
}

static void write_credential(const struct credential *c)
{
    struct credential_file f = open_file(c->uid);
    struct credential old;
    int r = credential_read(&f, &old);

    assert_true(r == 0 || (r == -EBADMSG && credential_destroy(&f) == 0));
    assert_int_equal(credential_write(&f, c), 0);
    assert_int_equal(credential_write(&f, c), 0);
    assert_int_equal(fchown(f.fd, VERIFIER_UID, 0), 0);
    credential_close(&f);
}

static struct credential enrolled(uint32_t uid)
{
    struct credential c = {.version = CREDENTIAL_VERSION,
                           .uid = uid,
                           .totp = {.enrolled = 1, .digits = 6, .secret_len = SECRET_LEN},
                           .salt = "salt of a test"};

    memcpy(c.totp.secret, secret, SECRET_LEN);
    assert_int_equal(code_hash(c.salt, CODE_RECOVERY, &recovery, c.recovery[3]), 0);
    return c;
}

static void who_has_a_factor(uint32_t uid)
{
    struct credential c = enrolled(uid);

    write_credential(&c);
}

static void who_failed_often(uint32_t uid)
{
    struct credential c = enrolled(uid);

    c.outside.in_all = (struct failures){.count = THROTTLE_SOFT + 1, .last = time(NULL)};
    c.outside.of[FACTOR_TOTP] = c.outside.in_all;
    write_credential(&c);
}

static void whose_code_is_burnt(uint32_t uid)
{
    struct credential c = enrolled(uid);

    write_credential(&c);
    c.totp.last_step = (uint64_t)time(NULL) / TOTP_STEP + 2;
    write_once(&c); // the older slot does not know
}

static void who_is_new(uint32_t uid)
{
    struct credential c = {.version = CREDENTIAL_VERSION,
                           .uid = uid,
                           .salt = "salt of a test",
                           .access_until = time(NULL) + 3600};

    assert_int_equal(code_hash(c.salt, CODE_ACCESS, &access_code, c.access), 0);
    write_credential(&c);
}

// ---- a conversation ----

struct scenario {
    const char *name, *user;
    uint32_t uid;
    enum rollcall_packet_type request;
    const char *types; // "code", "recovery", "access", or a text
    void (*before)(uint32_t uid);
    bool may;     // a yes may come of it
    bool startup; // the calls before the hello too
    // After a yes: does the file say so too? After anything else: is nothing half done?
    // Returns what is wrong, or NULL.
    const char *(*after)(const struct scenario *s, bool yes, bool wrong_seen);
};

struct told {
    bool yes, wrong_seen;
    long count;
    int fired;
};

static void app_code(const char *key, char ret[16])
{
    assert_int_equal(oath_totp_generate(key, SECRET_LEN, time(NULL), TOTP_STEP, 0, 6, ret),
                     OATH_OK);
}

// "No camera? Enter this key:  JBSW Y3DP ...": what the app on the phone would do.
static void learn_key(const char *prompt, char key[64])
{
    const char *at = strstr(prompt, "Enter this key:  ");
    char *bin = NULL, text[64];
    size_t n = 0, len = 0;

    for (at += 17; *at && *at != '\n' && n + 1 < sizeof(text); at++)
        if (*at != ' ')
            text[n++] = *at;
    text[n] = 0;
    assert_int_equal(oath_base32_decode(text, n, &bin, &len), OATH_OK);
    assert_true(len <= 64);
    memcpy(key, bin, len);
    free(bin);
}

static void answer_to(const struct scenario *s, const char *prompt, char ret[64])
{
    char key[64] = "";

    if (strstr(prompt, "Enter this key:  ")) {
        learn_key(prompt, key);
        app_code(key, ret);
    } else if (strstr(prompt, "type \"saved\"")) {
        snprintf(ret, 64, "saved");
    } else if (!strstr(prompt, "Code from your app")) {
        snprintf(ret, 64, "000000");
    } else if (strcmp(s->types, "code") == 0) {
        app_code(secret, ret);
    } else if (strcmp(s->types, "recovery") == 0) {
        snprintf(ret, 64, "%.32s", recovery.bytes);
    } else if (strcmp(s->types, "access") == 0) {
        snprintf(ret, 64, "%.32s", access_code.bytes);
    } else {
        snprintf(ret, 64, "%s", s->types);
    }
}

// The verifier waits by then, so that as many calls come before the next as in the run that
// named them. On a machine where it does not, another call fails than the one that is named.
static void let_it_wait(void)
{
    usleep(4000);
}

static int send_request(const struct scenario *s, int fd)
{
    struct rollcall_packet p;

    let_it_wait();
    rollcall_packet_start(&p, s->request);
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, s->user);
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_SERVICE, "sshd");
    rollcall_packet_put_text(&p, ROLLCALL_FIELD_BY, "a test");
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_SECONDS, 3600);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_REPLACE, 1);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_UID, s->uid);
    rollcall_packet_put_number(&p, ROLLCALL_FIELD_SESSION, getsid(0));
    return rollcall_packet_send(fd, &p, 5000);
}

// -ETIMEDOUT where the verifier hangs; otherwise it came to an end.
static int converse(const struct scenario *s, int fd, struct told *t)
{
    struct rollcall_packet p;
    char text[ROLLCALL_PACKET_TEXT_MAX + 1], answer[64];
    int64_t code = -1;
    int type, r = rollcall_packet_receive(fd, &p, PATIENCE_MS, &type);

    if (r == 0)
        r = send_request(s, fd);
    while (r == 0) {
        r = rollcall_packet_receive(fd, &p, PATIENCE_MS, &type);
        if (r == 0 && type == ROLLCALL_PACKET_RESULT) {
            t->yes = rollcall_packet_get_number(&p, ROLLCALL_FIELD_CODE, &code) == 0 && code == 0;
            return 0;
        }
        if (r < 0 || type != ROLLCALL_PACKET_PROMPT ||
            rollcall_packet_get_text(&p, ROLLCALL_FIELD_TEXT, text, sizeof(text)) < 0)
            break;
        t->wrong_seen = t->wrong_seen || strstr(text, "not accepted");
        answer_to(s, text, answer);
        rollcall_packet_start(&p, ROLLCALL_PACKET_ANSWER);
        rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, answer);
        let_it_wait();
        r = rollcall_packet_send(fd, &p, 5000);
    }
    return r;
}

static pid_t start(const char *faults, int fd, int report)
{
    char setting[64];
    char *const argv[] = {program, NULL}, *const envp[] = {setting, NULL};
    pid_t pid = fork();

    snprintf(setting, sizeof(setting), "FAULTS=%s", faults);
    if (pid == 0) {
        if (dup2(fd, 0) < 0 || dup2(report, 3) < 0)
            _exit(98);
        close_range(4, UINT_MAX, 0);
        execve(program, argv, envp);
        _exit(97);
    }
    assert_true(pid > 0);
    return pid;
}

// What stands on the pipe that the verifier reports on.
static size_t report_of(int fd, char *buf, size_t len)
{
    size_t n = 0;
    ssize_t got;

    while (n + 1 < len && (got = read(fd, buf + n, len - n - 1)) > 0)
        n += (size_t)got;
    buf[n] = 0;
    return n;
}

static struct told run(const struct scenario *s, const char *faults, char *report, size_t len)
{
    struct told t = {.count = -1};
    int pair[2], pipes[2], status = 0, r;
    const char *last;
    pid_t pid;

    unlink("state/credentials/0");
    if (s->before)
        s->before(s->uid);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid = start(faults, pair[1], pipes[1]);
    close(pair[1]);
    close(pipes[1]);
    r = converse(s, pair[0], &t);
    close(pair[0]);
    if (r == -ETIMEDOUT) {
        kill(pid, SIGKILL);
        fail_msg("%s: hangs at %s", s->name, faults);
    }
    report_of(pipes[0], report, len);
    close(pipes[0]);
    waitpid(pid, &status, 0);
    // 0, 1 and 2 are its own; a sanitizer's is another.
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 2)
        fail_msg("%s: ends with status %#x at %s", s->name, status, faults);
    last = strrchr(report, '\n');
    while (last && last > report && last[-1] != '\n')
        last--;
    assert_non_null(last);
    t.count = strtol(last, NULL, 10);
    t.fired = last[strcspn(last, " ")] == ' ' && last[strcspn(last, " ") + 1] == '1';
    return t;
}

static void judge(const struct scenario *s, const struct told *t, const char *faults)
{
    const char *wrong = s->after ? s->after(s, t->yes, t->wrong_seen) : NULL;

    if (t->yes && !s->may)
        wrong = "a yes";
    if (wrong)
        fail_msg("%s: %s, at %s", s->name, wrong, faults);
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static bool has_mode(const char *name, enum faults_mode mode)
{
    static const char *const halves[] = {"read", "write", "pread", "pwrite", "send", NULL};
    static const char *const interrupted[] = {"send", "recvmsg", "poll", NULL};

    return mode < FAULTS_SHORT || is_one_of(name, mode == FAULTS_SHORT ? halves : interrupted);
}

// How often it is called is the machine's matter, or that of a hash table's seed; of every other
// function a call that is named is there again, or the test does not try what it says.
static bool may_be_absent(const char *name)
{
    static const char *const names[] = {"malloc",  "calloc", "realloc", "strdup",
                                        "recvmsg", "poll",   "fcntl",   NULL};

    return is_one_of(name, names);
}

// One call fails in every way that it has. Returns how many ways that were.
static long fail_at(const struct scenario *s, const char *name, long n, const struct told *clean,
                    long *ret_yes)
{
    static char report[1 << 20];
    long runs = 0;

    for (enum faults_mode mode = FAULTS_ONCE; mode < FAULTS_MODES; mode++) {
        char faults[FAULTS_NAME_MAX + 32];
        struct told t;
        if (!has_mode(name, mode))
            continue;
        snprintf(faults, sizeof(faults), "%s:%ld:%d%s", name, n, mode, s->startup ? "" : "h");
        t = run(s, faults, report, sizeof(report));
        judge(s, &t, faults);
        if (!t.fired && !may_be_absent(name))
            fail_msg("%s: there is no %s", s->name, faults);
        *ret_yes += t.yes;
        if (mode == FAULTS_EINTR && t.fired)
            assert_int_equal(t.yes, clean->yes);
        runs++;
    }
    return runs;
}

// Which of its function's calls stands at `at`.
static long number_of(const char *names, const char *at, const char *name)
{
    size_t len = strlen(name);
    long n = 1;

    for (const char *line = names; line < at; line = strchr(line, '\n') + 1)
        n += strncmp(line, name, len) == 0 && line[len] == '\n';
    return n;
}

static void every_call(const struct scenario *s)
{
    static char names[1 << 20];
    struct told clean = run(s, s->startup ? ":0:0" : ":0:0h", names, sizeof(names));
    long runs = 0, yes = 0, n = 0;

    judge(s, &clean, "none");
    assert_int_equal(clean.yes, s->may);
    // The last line is the report itself.
    for (const char *at = names; n < clean.count; at = strchr(at, '\n') + 1, n++) {
        char name[FAULTS_NAME_MAX];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "\n"), at);
        runs += fail_at(s, name, number_of(names, at, name), &clean, &yes);
    }
    print_message("%-40s %3ld calls, %4ld faults; a yes all the same: %ld\n", s->name, n, runs,
                  yes);
}

// ---- what must stand in the file afterwards ----

// After a yes both slots are looked at: what is to be gone is gone with the second write, and a
// write that was lost and said to be done leaves it in one of them.
static const char *burnt_and_charged(const struct scenario *s, bool yes, bool wrong_seen)
{
    uint64_t burnt = (uint64_t)time(NULL) / TOTP_STEP - 2;
    struct credential c;

    if (read_credential(s->uid, &c) < 0)
        return "the file does not open any more";
    if (yes && c.totp.last_step < burnt)
        return "let in, and the code is not burnt";
    if (yes && read_older(s->uid, &c) == 0 && c.totp.enrolled && c.totp.last_step < burnt)
        return "let in, and in the older slot the code is not burnt";
    // Whoever cannot be looked up is nobody, and no code of nobody's is right.
    return wrong_seen && c.outside.in_all.count == 0 && access("state/credentials/0", F_OK) < 0
               ? "told that it was wrong, and not charged"
               : NULL;
}

static const char *used_once(const struct scenario *s, bool yes, bool wrong_seen)
{
    struct credential c;

    (void)wrong_seen;
    if (read_credential(s->uid, &c) < 0)
        return "the file does not open any more";
    if (yes && recovery_left(&c) != 0)
        return "let in, and the code is good once more";
    return yes && read_older(s->uid, &c) == 0 && recovery_left(&c) != 0
               ? "let in, and in the older slot the code is good once more"
               : NULL;
}

static bool has_access_code(const struct credential *c)
{
    static const uint8_t none[CODE_HASH_LEN];

    return memcmp(c->access, none, CODE_HASH_LEN) != 0;
}

static const char *all_or_nothing(const struct scenario *s, bool yes, bool wrong_seen)
{
    struct credential c;

    (void)wrong_seen;
    if (read_credential(s->uid, &c) < 0)
        return "the file does not open any more";
    if (c.totp.enrolled ? recovery_left(&c) != RECOVERY_CODES : !has_access_code(&c))
        return "half enrolled";
    if (yes && (!c.totp.enrolled || has_access_code(&c)))
        return "let in, and not enrolled";
    return yes && read_older(s->uid, &c) == 0 && has_access_code(&c)
               ? "enrolled, and in the older slot the access code is good"
               : NULL;
}

static const char *gone(const struct scenario *s, bool yes, bool wrong_seen)
{
    struct credential c;
    int r = read_credential(s->uid, &c);

    (void)wrong_seen;
    if (yes && (r < 0 || c.totp.enrolled || recovery_left(&c) > 0))
        return "said to be gone, and it is there";
    return yes && read_older(s->uid, &c) == 0 && (c.totp.enrolled || recovery_left(&c) > 0)
               ? "said to be gone, and it is in the older slot"
               : NULL;
}

static const char *another_secret(const struct scenario *s, bool yes, bool wrong_seen)
{
    struct credential c;

    (void)wrong_seen;
    if (read_credential(s->uid, &c) < 0)
        return "the file does not open any more";
    if (yes && (!c.totp.enrolled || memcmp(c.totp.secret, secret, SECRET_LEN) == 0))
        return "enrolled, and the file has the older secret";
    return yes && read_older(s->uid, &c) == 0 && memcmp(c.totp.secret, secret, SECRET_LEN) == 0
               ? "enrolled, and the older slot has the older secret"
               : NULL;
}

// ---- what is tried ----

#define TEST(test, ...)                                                                            \
    static void test(void **state)                                                                 \
    {                                                                                              \
        static const struct scenario s = {.name = #test, __VA_ARGS__};                             \
        (void)state;                                                                               \
        every_call(&s);                                                                            \
    }
#define LOGIN .request = ROLLCALL_PACKET_LOGIN

TEST(a_right_code, LOGIN, .user = "alice", .uid = ALICE, .types = "code", .may = true,
     .startup = true, .before = who_has_a_factor, .after = burnt_and_charged)
TEST(a_wrong_code, LOGIN, .user = "alice", .uid = ALICE, .types = "000000",
     .before = who_has_a_factor, .after = burnt_and_charged)
TEST(a_code_that_was_used, LOGIN, .user = "alice", .uid = ALICE, .types = "code",
     .before = whose_code_is_burnt, .after = burnt_and_charged)
TEST(a_right_code_after_too_many_failures, LOGIN, .user = "alice", .uid = ALICE, .types = "code",
     .before = who_failed_often)
TEST(a_locked_persons_right_code, LOGIN, .user = "dave", .uid = DAVE, .types = "code",
     .before = who_has_a_factor)
TEST(a_name_that_nobody_has, LOGIN, .user = "nobody-here", .types = "code")
TEST(a_recovery_code, LOGIN, .user = "alice", .uid = ALICE, .types = "recovery", .may = true,
     .before = who_has_a_factor, .after = used_once)
TEST(a_first_enrolment, LOGIN, .user = "alice", .uid = ALICE, .types = "access", .may = true,
     .before = who_is_new, .after = all_or_nothing)
TEST(a_ticket_that_is_not_there, .request = ROLLCALL_PACKET_TICKET, .user = "alice", .uid = ALICE)
TEST(roots_enrolment, .request = ROLLCALL_PACKET_ENROL, .user = "alice", .uid = ALICE, .may = true,
     .before = who_has_a_factor, .after = another_secret)
TEST(roots_reset, .request = ROLLCALL_PACKET_RESET, .user = "alice", .uid = ALICE, .may = true,
     .before = who_has_a_factor, .after = gone)
TEST(the_enforcers_destruction, .request = ROLLCALL_PACKET_DESTROY, .user = "alice", .uid = ALICE,
     .may = true, .before = who_has_a_factor, .after = gone)
TEST(an_access_code_for_a_leaver, .request = ROLLCALL_PACKET_CODE, .user = "nobody-here")

// ---- the place ----

static int prepare(void **state)
{
    static const char *const folders[] = {"state",       "state/cache", "state/credentials", "run",
                                          "run/tickets", "etc",         "etc/secrets"};
    static const char config[] = "[rollcall]\ntimezone = UTC\n[source hr]\ntype = csv\n"
                                 "role = authority, directory\npath = /x.csv\n[access]\n"
                                 "allow_groups = linux-users\n[mfa]\nfactors = totp, recovery\n"
                                 "enrol = access-code\n";
    // The verifier's user, of root's group: the cache's `private` is that group's.
    static const char passwd[] = "rollcall-verifier:x:65533:0::/:/bin/false\n";
    char build[PATH_MAX];

    (void)state;
    built_folder(build);
    snprintf(program, sizeof(program), "%s/tests/faults/rollcall-verifier", build);
    scratch_enter();
    assert_int_equal(chmod(".", 0755), 0);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(mkdir(folders[i], i == 2 || i == 4 || i == 6 ? 0700 : 0755), 0);
    assert_int_equal(chown("state/credentials", VERIFIER_UID, 0), 0);
    assert_int_equal(chown("run/tickets", VERIFIER_UID, 0), 0);
    scratch_write("etc/rollcall.conf", config, sizeof(config) - 1);
    scratch_write("etc/secrets/host-key", host_key, HOST_KEY_LEN);
    scratch_write("passwd", passwd, sizeof(passwd) - 1);
    assert_int_equal(code_make(CODE_RECOVERY, &recovery), 0);
    assert_int_equal(code_make(CODE_ACCESS, &access_code), 0);
    return four_people_write("state/cache/board", "state/cache/private", time(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_code),
        cmocka_unit_test(a_wrong_code),
        cmocka_unit_test(a_code_that_was_used),
        cmocka_unit_test(a_right_code_after_too_many_failures),
        cmocka_unit_test(a_locked_persons_right_code),
        cmocka_unit_test(a_name_that_nobody_has),
        cmocka_unit_test(a_recovery_code),
        cmocka_unit_test(a_first_enrolment),
        cmocka_unit_test(a_ticket_that_is_not_there),
        cmocka_unit_test(roots_enrolment),
        cmocka_unit_test(roots_reset),
        cmocka_unit_test(the_enforcers_destruction),
        cmocka_unit_test(an_access_code_for_a_leaver),
    };

    if (geteuid() != 0) {
        print_message("only root starts a verifier: nothing tried\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
