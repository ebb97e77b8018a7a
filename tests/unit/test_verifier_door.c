// SPDX-License-Identifier: BSD-2-Clause
// The verifier's door: packets, good and hostile, and the ways to a verifier.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/protocol.h"

static void make_packet(struct rollcall_packet *p)
{
    rollcall_packet_start(p, ROLLCALL_PACKET_LOGIN);
    assert_int_equal(rollcall_packet_put_text(p, ROLLCALL_FIELD_USER, "alice"), 0);
    assert_int_equal(rollcall_packet_put_text(p, ROLLCALL_FIELD_TTY, NULL), 0);
    assert_int_equal(rollcall_packet_put_text(p, ROLLCALL_FIELD_RHOST, ""), 0);
    assert_int_equal(rollcall_packet_put_number(p, ROLLCALL_FIELD_CALLER, -7), 0);
}

static void what_is_put_in_comes_out(void **state)
{
    struct rollcall_packet p;
    char text[16] = "untouched";
    int64_t number = 0;
    int type = 0;

    (void)state;
    make_packet(&p);
    assert_int_equal(rollcall_packet_check(&p, &type), 0);
    assert_int_equal(type, ROLLCALL_PACKET_LOGIN);
    assert_int_equal(rollcall_packet_get_text(&p, ROLLCALL_FIELD_TTY, text, sizeof(text)), -ENOENT);
    assert_string_equal(text, "untouched");
    assert_int_equal(rollcall_packet_get_text(&p, ROLLCALL_FIELD_USER, text, sizeof(text)), 0);
    assert_string_equal(text, "alice");
    assert_int_equal(rollcall_packet_get_text(&p, ROLLCALL_FIELD_RHOST, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(rollcall_packet_get_number(&p, ROLLCALL_FIELD_CALLER, &number), 0);
    assert_int_equal(number, -7);
}

static void a_text_does_not_overrun_its_buffer_and_a_number_is_no_text(void **state)
{
    struct rollcall_packet p;
    char text[5];
    int64_t number = 42;

    (void)state;
    make_packet(&p);
    assert_int_equal(rollcall_packet_get_text(&p, ROLLCALL_FIELD_USER, text, sizeof(text)),
                     -EMSGSIZE);
    assert_int_equal(rollcall_packet_get_number(&p, ROLLCALL_FIELD_USER, &number), -EBADMSG);
    assert_int_equal(number, 42);
}

static void a_text_with_a_nul_inside_is_refused(void **state)
{
    struct rollcall_packet p;
    char text[16];

    (void)state;
    make_packet(&p);
    p.bytes[8 + 4 + 2] = 0; // al\0ce
    assert_int_equal(rollcall_packet_get_text(&p, ROLLCALL_FIELD_USER, text, sizeof(text)),
                     -EBADMSG);
}

static void a_packet_that_is_cut_anywhere_is_refused_or_has_fewer_fields(void **state)
{
    struct rollcall_packet p;
    size_t whole;
    unsigned good = 0;
    int type;

    (void)state;
    make_packet(&p);
    whole = p.len;
    for (p.len = 0; p.len < whole; p.len++)
        good += rollcall_packet_check(&p, &type) == 0;
    assert_int_equal(good, 3); // after the head, after user, after rhost
}

static void a_wrong_head_a_doubled_tag_and_a_long_field_are_refused(void **state)
{
    struct rollcall_packet p;
    int type;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        make_packet(&p);
        p.bytes[i] ^= 0x40;
        assert_int_equal(rollcall_packet_check(&p, &type), i == 4 ? 0 : -EBADMSG);
    }
    make_packet(&p);
    assert_int_equal(rollcall_packet_put_text(&p, ROLLCALL_FIELD_USER, "root"), 0);
    assert_int_equal(rollcall_packet_check(&p, &type), -EBADMSG);
    make_packet(&p);
    p.bytes[8 + 2] = 0xff;
    p.bytes[8 + 3] = 0xff;
    assert_int_equal(rollcall_packet_check(&p, &type), -EBADMSG);
    p.len = ROLLCALL_PACKET_MAX + 1;
    assert_int_equal(rollcall_packet_check(&p, &type), -EBADMSG);
}

static void no_bytes_whatever_are_read_past_the_end(void **state)
{
    struct rollcall_packet p;
    unsigned seed = 12345;
    char text[64];
    int64_t number;
    int type;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        make_packet(&p);
        for (int k = 0; k < 4; k++) {
            seed = seed * 1103515245u + 12345u;
            p.bytes[8 + (seed >> 16) % (p.len - 8)] = (unsigned char)(seed >> 8);
        }
        if (rollcall_packet_check(&p, &type) < 0)
            assert_int_equal(rollcall_packet_get_text(&p, ROLLCALL_FIELD_USER, text, sizeof(text)),
                             -EBADMSG);
        rollcall_packet_get_number(&p, ROLLCALL_FIELD_CALLER, &number);
    }
}

static void what_does_not_fit_is_not_put_in(void **state)
{
    struct rollcall_packet p;
    char text[ROLLCALL_PACKET_MAX];
    size_t before;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    rollcall_packet_start(&p, ROLLCALL_PACKET_PROMPT);
    before = p.len;
    assert_int_equal(rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text), -EMSGSIZE);
    assert_int_equal(p.len, before);
    text[ROLLCALL_PACKET_TEXT_MAX] = 0;
    assert_int_equal(rollcall_packet_put_text(&p, ROLLCALL_FIELD_TEXT, text), 0);
}

static void receive_tells_silence_absence_and_rubbish_apart(void **state)
{
    struct rollcall_packet p, got;
    char big[ROLLCALL_PACKET_MAX + 1] = "RCV1";
    int pair[2], type;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(rollcall_packet_receive(pair[0], &got, 0, &type), -ETIMEDOUT);
    make_packet(&p);
    assert_int_equal(rollcall_packet_send(pair[1], &p, 0), 0);
    assert_int_equal(rollcall_packet_receive(pair[0], &got, -1, &type), 0);
    assert_int_equal(got.len, p.len);
    assert_int_equal(send(pair[1], big, sizeof(big), 0), (int)sizeof(big));
    assert_int_equal(rollcall_packet_receive(pair[0], &got, -1, &type), -EBADMSG);
    assert_int_equal(send(pair[1], "hi", 2, 0), 2);
    assert_int_equal(rollcall_packet_receive(pair[0], &got, -1, &type), -EBADMSG);
    close(pair[1]);
    assert_int_equal(rollcall_packet_receive(pair[0], &got, -1, &type), -EPIPE);
    assert_int_equal(rollcall_packet_send(pair[0], &p, -1), -EPIPE);
    close(pair[0]);
}

// ---- the ways to a verifier ----

#define HELLO "printf 'RCV1\\001\\000\\000\\000' >&0\n"

struct place {
    char folder[64], program[96], socket[96];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    snprintf(p->folder, sizeof(p->folder), "/tmp/rollcall-door-XXXXXX");
    if (!mkdtemp(p->folder)) {
        free(p);
        return -1;
    }
    snprintf(p->program, sizeof(p->program), "%s/verifier", p->folder);
    snprintf(p->socket, sizeof(p->socket), "%s/sock", p->folder);
    *state = p;
    return 0;
}

static int drop_place(void **state)
{
    struct place *p = *state;

    unlink(p->program);
    unlink(p->socket);
    rmdir(p->folder);
    free(p);
    return 0;
}

static void write_program(const struct place *p, const char *body)
{
    FILE *file = fopen(p->program, "w");

    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s", body);
    fclose(file);
    assert_int_equal(chmod(p->program, 0700), 0);
    if (geteuid() != 0)
        skip(); // only root starts a verifier
}

static int dial_of(const struct place *p, const char *program, struct rollcall_verifier_link *ret)
{
    return rollcall_verifier_dial(p->socket, program, rollcall_deadline_in(5000), ret);
}

static void where_nobody_listens_root_starts_one_that_owes_us_nothing(void **state)
{
    struct place *p = *state;
    struct rollcall_verifier_link link = ROLLCALL_VERIFIER_LINK_NONE;
    struct sigaction before, after;
    int leak = fcntl(STDERR_FILENO, F_DUPFD, 77);

    assert_int_equal(leak, 77);
    // No environment, none of our descriptors, its own session.
    write_program(p, "[ -z \"$(/bin/cat /proc/$$/environ)\" ] || exit 1\n"
                     "[ ! -e /proc/$$/fd/77 ] || exit 1\n"
                     "set -- $(/bin/cat /proc/$$/stat)\n"
                     "[ \"$6\" = $$ ] || exit 1\n" HELLO "/bin/cat <&0 >/dev/null\n");
    assert_int_equal(sigaction(SIGCHLD, NULL, &before), 0);
    assert_int_equal(dial_of(p, p->program, &link), 0);
    assert_true(link.fd > STDERR_FILENO && link.pidfd > STDERR_FILENO);
    rollcall_verifier_hang_up(&link);
    assert_int_equal(link.fd, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // reaped
    assert_int_equal(errno, ECHILD);
    assert_int_equal(sigaction(SIGCHLD, NULL, &after), 0);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
    close(leak);
}

static void without_a_program_nobody_is_started(void **state)
{
    struct place *p = *state;
    struct rollcall_verifier_link link = ROLLCALL_VERIFIER_LINK_NONE;

    assert_int_equal(dial_of(p, NULL, &link), -ECONNREFUSED);
    assert_int_equal(dial_of(p, p->program, &link), -ECONNREFUSED);
    assert_int_equal(link.fd, -1);
}

static void a_verifier_that_dies_before_its_hello_is_no_verifier(void **state)
{
    struct place *p = *state;
    struct rollcall_verifier_link link = ROLLCALL_VERIFIER_LINK_NONE;

    write_program(p, "exit 0\n");
    assert_int_equal(dial_of(p, p->program, &link), -ECONNREFUSED);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_verifier_that_says_something_else_first_is_not_listened_to(void **state)
{
    struct place *p = *state;
    struct rollcall_verifier_link link = ROLLCALL_VERIFIER_LINK_NONE;

    write_program(p,
                  "printf 'RCV1\\003\\000\\000\\000' >&0\n"); // a result: yes, before any question
    assert_int_equal(dial_of(p, p->program, &link), -EPROTO);
}

static void where_the_socket_answers_nobody_is_started(void **state)
{
    struct place *p = *state;
    struct rollcall_verifier_link link = ROLLCALL_VERIFIER_LINK_NONE;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct rollcall_packet hello;
    pid_t pid;

    write_program(p, "exit 1\n");
    memcpy(at.sun_path, p->socket, strlen(p->socket) + 1);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, 4), 0);
    pid = fork();
    if (pid == 0) {
        int fd = accept(listener, NULL, NULL);
        rollcall_packet_start(&hello, ROLLCALL_PACKET_HELLO);
        _exit(fd >= 0 && rollcall_packet_send(fd, &hello, -1) == 0 ? 0 : 1);
    }
    assert_int_equal(dial_of(p, p->program, &link), 0);
    assert_int_equal(link.pidfd, -1);
    rollcall_verifier_hang_up(&link);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_comes_out),
        cmocka_unit_test(a_text_does_not_overrun_its_buffer_and_a_number_is_no_text),
        cmocka_unit_test(a_text_with_a_nul_inside_is_refused),
        cmocka_unit_test(a_packet_that_is_cut_anywhere_is_refused_or_has_fewer_fields),
        cmocka_unit_test(a_wrong_head_a_doubled_tag_and_a_long_field_are_refused),
        cmocka_unit_test(no_bytes_whatever_are_read_past_the_end),
        cmocka_unit_test(what_does_not_fit_is_not_put_in),
        cmocka_unit_test(receive_tells_silence_absence_and_rubbish_apart),
        cmocka_unit_test_setup_teardown(where_nobody_listens_root_starts_one_that_owes_us_nothing,
                                        make_place, drop_place),
        cmocka_unit_test_setup_teardown(without_a_program_nobody_is_started, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(a_verifier_that_dies_before_its_hello_is_no_verifier,
                                        make_place, drop_place),
        cmocka_unit_test_setup_teardown(
            a_verifier_that_says_something_else_first_is_not_listened_to, make_place, drop_place),
        cmocka_unit_test_setup_teardown(where_the_socket_answers_nobody_is_started, make_place,
                                        drop_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
