// SPDX-License-Identifier: BSD-2-Clause
// The audit log's chain and references, on real files.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/audit_log.h"
#include "rollcall/audit_chain.h"
#include "rollcall/audit.h"

struct log {
    char folder[64], path[96];
    char last[ROLLCALL_CHAIN_HEX + 1];
    int seq;
};

static int make_log(void **state)
{
    struct log *log = calloc(1, sizeof(*log));

    snprintf(log->folder, sizeof(log->folder), "/tmp/rollcall-audit-XXXXXX");
    if (!mkdtemp(log->folder)) {
        free(log);
        return -1;
    }
    snprintf(log->path, sizeof(log->path), "%s/audit.jsonl", log->folder);
    memset(log->last, '0', ROLLCALL_CHAIN_HEX);
    *state = log;
    return 0;
}

static int drop_log(void **state)
{
    struct log *log = *state;
    char file[112];

    for (int i = 0; i < 4; i++) {
        snprintf(file, sizeof(file), i ? "%s.%d" : "%s", log->path, i);
        unlink(file);
    }
    rmdir(log->folder);
    free(log);
    return 0;
}

static void append(struct log *log, const char *ref)
{
    char line[512], chain[ROLLCALL_CHAIN_HEX + 1];
    FILE *file = fopen(log->path, "a");
    int n = snprintf(line, sizeof(line), "{\"seq\":%d,\"event\":\"login-refused\",\"ref\":\"%s\"",
                     ++log->seq, ref);

    assert_non_null(file);
    assert_int_equal(rollcall_audit_chain(log->last, line, (size_t)n, chain), 0);
    fprintf(file, "%s,\"chain\":\"%s\"}\n", line, chain);
    fclose(file);
    memcpy(log->last, chain, sizeof(chain));
}

static void rotate(struct log *log)
{
    char one[112], two[112];

    snprintf(one, sizeof(one), "%s.1", log->path);
    snprintf(two, sizeof(two), "%s.2", log->path);
    rename(one, two);
    assert_int_equal(rename(log->path, one), 0);
}

static void patch(const char *path, long at, char to)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    fputc(to, file);
    fclose(file);
}

static void the_chain_is_sha256_over_the_value_before_and_the_line(void **state)
{
    char zero[ROLLCALL_CHAIN_HEX + 1], chain[ROLLCALL_CHAIN_HEX + 1];

    (void)state;
    memset(zero, '0', ROLLCALL_CHAIN_HEX);
    zero[ROLLCALL_CHAIN_HEX] = 0;
    assert_int_equal(rollcall_audit_chain(zero, "{\"seq\":1", 8, chain), 0);
    // printf '%064d{"seq":1' 0 | sha256sum
    assert_string_equal(chain, "edd7bbf300ddb9d140940b17b11365df850931012f4a356f7a5c3015e0f0d0f2");
}

static void a_whole_chain_over_rotated_files_holds(void **state)
{
    struct log *log = *state;
    struct cli_audit_report report;

    append(log, "R-000001");
    append(log, "R-000002");
    rotate(log);
    append(log, "R-000003");
    rotate(log);
    append(log, "R-000004");
    assert_int_equal(cli_audit_verify(log->path, &report), 0);
    assert_string_equal(report.bad_file, "");
    assert_int_equal(report.records, 4);
    assert_int_equal(report.files, 3);
    assert_int_equal(report.first_seq, 1);
    assert_int_equal(report.last_seq, 4);
}

static void one_changed_letter_is_found_and_named(void **state)
{
    struct log *log = *state;
    struct cli_audit_report report;

    append(log, "R-000001");
    append(log, "R-000002");
    patch(log->path, 40, 'X');
    assert_int_equal(cli_audit_verify(log->path, &report), 0);
    assert_string_equal(report.bad_file, log->path);
    assert_int_equal(report.bad_line, 1);
}

static void a_record_that_was_taken_out_is_found(void **state)
{
    struct log *log = *state;
    struct cli_audit_report report;

    append(log, "R-000001");
    log->seq++; // 2 is missing, though the chain was calculated without it
    append(log, "R-000003");
    assert_int_equal(cli_audit_verify(log->path, &report), 0);
    assert_int_equal(report.bad_line, 2);
}

static void a_line_that_is_cut_off_is_found(void **state)
{
    struct log *log = *state;
    struct cli_audit_report report;
    struct stat st;

    append(log, "R-000001");
    append(log, "R-000002");
    assert_int_equal(stat(log->path, &st), 0);
    assert_int_equal(truncate(log->path, st.st_size - 1), 0);
    assert_int_equal(cli_audit_verify(log->path, &report), 0);
    assert_int_equal(report.bad_line, 2);
}

static void the_oldest_kept_file_may_start_in_the_middle(void **state)
{
    struct log *log = *state;
    struct cli_audit_report report;

    append(log, "R-000001");
    assert_int_equal(unlink(log->path), 0);
    append(log, "R-000002");
    append(log, "R-000003");
    assert_int_equal(cli_audit_verify(log->path, &report), 0);
    assert_string_equal(report.bad_file, "");
    assert_int_equal(report.first_seq, 2);
}

static void a_fifo_in_place_of_the_log_is_refused_and_not_waited_for(void **state)
{
    struct log *log = *state;
    struct cli_audit_report report;

    assert_int_equal(mkfifo(log->path, 0600), 0);
    assert_int_equal(cli_audit_verify(log->path, &report), -EINVAL);
    assert_string_equal(report.bad_file, log->path);
}

static void a_reference_is_found_in_a_rotated_file(void **state)
{
    struct log *log = *state;
    json_t *record = NULL;

    append(log, "R-7F3K92");
    rotate(log);
    append(log, "R-000002");
    assert_int_equal(cli_audit_find(log->path, "R-7F3K92", &record), 0);
    assert_int_equal(json_integer_value(json_object_get(record, "seq")), 1);
    json_decref(record);
    assert_int_equal(cli_audit_find(log->path, "R-999999", &record), -ENOENT);
}

static void a_reference_is_read_as_people_say_it(void **state)
{
    char ref[9] = "";

    (void)state;
    assert_int_equal(cli_reference_read("R-7F3K92", ref), 0);
    assert_string_equal(ref, "R-7F3K92");
    assert_int_equal(cli_reference_read("r-7f3kol", ref), 0);
    assert_string_equal(ref, "R-7F3K01");
    assert_int_equal(cli_reference_read("7f3k92", ref), 0);
    assert_string_equal(ref, "R-7F3K92");
    assert_int_equal(cli_reference_read("R-7F3K9", ref), -EINVAL);
    assert_int_equal(cli_reference_read("R-7F3K9\"", ref), -EINVAL);
    assert_int_equal(cli_reference_read("", ref), -EINVAL);
}

static int format(char *buf, size_t len, const char *event, ...)
{
    va_list pairs;
    int n;

    va_start(pairs, event);
    n = rollcall_audit_format(buf, len, event, pairs);
    va_end(pairs);
    return n;
}

static void a_record_of_a_hostile_name_is_still_one_line_of_json(void **state)
{
    char buf[256];
    json_t *record;
    int n = format(buf, sizeof(buf), "login-refused", "user", "a\"\\\n\033\xff\xc3\xbc", "rhost",
                   (char *)NULL, "service", "sshd", (char *)NULL);

    (void)state;
    assert_true(n > 0);
    assert_int_equal((size_t)n, strlen(buf));
    assert_null(strchr(buf, '\n'));
    record = json_loads(buf, 0, NULL);
    assert_non_null(record);
    assert_string_equal(json_string_value(json_object_get(record, "user")),
                        "a\"\\\n\033\xef\xbf\xbd\xc3\xbc");
    assert_null(json_object_get(record, "rhost"));
    assert_string_equal(json_string_value(json_object_get(record, "service")), "sshd");
    json_decref(record);
}

static void a_record_that_does_not_fit_is_refused_whole(void **state)
{
    char buf[64];

    (void)state;
    for (size_t len = 0; len < 32; len++)
        assert_int_equal(format(buf, len, "login-refused", "user", "alice", (char *)NULL), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_is_sha256_over_the_value_before_and_the_line),
        cmocka_unit_test_setup_teardown(a_whole_chain_over_rotated_files_holds, make_log, drop_log),
        cmocka_unit_test_setup_teardown(one_changed_letter_is_found_and_named, make_log, drop_log),
        cmocka_unit_test_setup_teardown(a_record_that_was_taken_out_is_found, make_log, drop_log),
        cmocka_unit_test_setup_teardown(a_line_that_is_cut_off_is_found, make_log, drop_log),
        cmocka_unit_test_setup_teardown(the_oldest_kept_file_may_start_in_the_middle, make_log,
                                        drop_log),
        cmocka_unit_test_setup_teardown(a_fifo_in_place_of_the_log_is_refused_and_not_waited_for,
                                        make_log, drop_log),
        cmocka_unit_test_setup_teardown(a_reference_is_found_in_a_rotated_file, make_log, drop_log),
        cmocka_unit_test(a_reference_is_read_as_people_say_it),
        cmocka_unit_test(a_record_of_a_hostile_name_is_still_one_line_of_json),
        cmocka_unit_test(a_record_that_does_not_fit_is_refused_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
