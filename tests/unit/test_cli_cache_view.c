// SPDX-License-Identifier: BSD-2-Clause
// What the command says from the cache files alone, over files of the real writers.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cache_view.h"
#include "cli/control.h"
#include "tests/unit/four_people.h"

#define NOW INT64_C(1795521600)

struct cache {
    char folder[64], board[96], private_[96];
    struct cli_cache_paths paths;
};

static int make_cache(void **state)
{
    struct cache *c = calloc(1, sizeof(*c));

    snprintf(c->folder, sizeof(c->folder), "/tmp/rollcall-view-XXXXXX");
    if (!mkdtemp(c->folder)) {
        free(c);
        return -1;
    }
    snprintf(c->board, sizeof(c->board), "%s/board", c->folder);
    snprintf(c->private_, sizeof(c->private_), "%s/private", c->folder);
    c->paths = (struct cli_cache_paths){c->board, c->private_};
    *state = c;
    return four_people_write(c->board, c->private_, NOW);
}

static int drop_cache(void **state)
{
    struct cache *c = *state;

    unlink(c->board);
    unlink(c->private_);
    rmdir(c->folder);
    free(c);
    return 0;
}

static void status_counts_people_as_the_board_and_the_dates_say_it_now(void **state)
{
    struct cache *c = *state;
    _cleanup_json_ json_t *status = NULL;
    const char *path;
    const json_t *counts, *source;

    assert_int_equal(cli_cache_status(&c->paths, NOW, &status, &path), 0);
    assert_int_equal(cli_int_of(status, "generation", 0), 7);
    assert_string_equal(cli_text_of(status, "mode"), "enforce");
    counts = json_object_get(status, "people");
    assert_int_equal(cli_int_of(counts, "total", 0), 4);
    assert_int_equal(cli_int_of(counts, "active", 0), 2);
    assert_int_equal(cli_int_of(counts, "terminated", 0), 1); // bob's date is reached
    assert_int_equal(cli_int_of(counts, "locked", 0), 1);
    source = json_array_get(json_object_get(status, "sources"), 0);
    assert_string_equal(cli_text_of(source, "name"), "hr");
    assert_int_equal(cli_int_of(source, "lease_ends", 0), NOW - 60 + 3600);
}

static void a_missing_or_damaged_board_is_named(void **state)
{
    struct cache *c = *state;
    json_t *status = NULL;
    const char *path = NULL;
    int fd = open(c->board, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "XXXX", 4, 0), 4);
    close(fd);
    assert_int_equal(cli_cache_status(&c->paths, NOW, &status, &path), -EBADMSG);
    assert_string_equal(path, c->board);
    assert_int_equal(unlink(c->board), 0);
    assert_int_equal(cli_cache_status(&c->paths, NOW, &status, &path), -ENOENT);
    assert_null(status);
}

static void a_person_is_told_with_the_state_of_this_instant(void **state)
{
    struct cache *c = *state;
    _cleanup_json_ json_t *before = NULL, *after = NULL;

    assert_int_equal(cli_cache_user(&c->paths, "bob", NOW - 1, &before), 0);
    assert_string_equal(cli_text_of(before, "state"), "active");
    assert_int_equal(cli_int_of(before, "not_after", 0), NOW);
    assert_int_equal(cli_cache_user(&c->paths, "bob", NOW, &after), 0);
    assert_string_equal(cli_text_of(after, "state"), "terminated");
    assert_string_equal(cli_text_of(after, "reason"), "end-date");
    assert_null(json_object_get(after, "not_before"));
}

static void an_unknown_name_earns_a_suggestion(void **state)
{
    struct cache *c = *state;
    _cleanup_json_ json_t *answer = NULL;

    assert_int_equal(cli_cache_user(&c->paths, "alcie", NOW, &answer), -ENOENT);
    assert_string_equal(json_string_value(json_array_get(json_object_get(answer, "similar"), 0)),
                        "alice");
}

static void without_a_cache_nobody_is_unknown(void **state)
{
    struct cache *c = *state;
    json_t *answer = NULL;

    assert_int_equal(unlink(c->private_), 0);
    assert_int_equal(cli_cache_user(&c->paths, "alice", NOW, &answer), -EBADMSG);
    assert_null(answer);
}

static void expect_cause(const struct cache *c, const char *name, int64_t now, const char *cause)
{
    _cleanup_json_ json_t *a = cli_cache_admission(&c->paths, name, now);

    assert_string_equal(cli_text_of(a, "cause"), cause);
    assert_int_equal(json_is_true(json_object_get(a, "admitted")), strcmp(cause, "admitted") == 0);
    assert_true(strlen(cli_text_of(a, "sentence")) > 0);
}

static void why_gives_the_cause_that_pam_would_give(void **state)
{
    struct cache *c = *state;

    expect_cause(c, "alice", NOW, "admitted");
    expect_cause(c, "alice", NOW + 3600, "lease-over");
    expect_cause(c, "bob", NOW, "ended");
    expect_cause(c, "carol", NOW, "not-allowed-here");
    expect_cause(c, "dave", NOW, "state");
    expect_cause(c, "nobody-of-ours", NOW, "unknown-account");
    assert_int_equal(unlink(c->board), 0);
    expect_cause(c, "alice", NOW, "cache-unreadable");
}

static void every_cause_of_the_admission_has_words(void **state)
{
    const char *none = cli_cause_sentence("no such cause");

    (void)state;
    for (int cause = ROLLCALL_ADMIT; cause <= ROLLCALL_REFUSE_FORMER_NAME; cause++)
        assert_string_not_equal(
            cli_cause_sentence(rollcall_admission_cause_name((enum rollcall_admission_cause)cause)),
            none);
}

static void every_cause_of_verifier_and_module_has_words(void **state)
{
    static const char *const causes[] = {"too-weak",
                                         "configuration-unreadable",
                                         "password-expired",
                                         "disabled-at-directory",
                                         "not-now-at-directory",
                                         "wrong-code",
                                         "wrong-key",
                                         "no-factor",
                                         "throttled",
                                         "breakglass-closed",
                                         "state-unwritable",
                                         "verifier-unreachable"};
    const char *none = cli_cause_sentence("no such cause");

    (void)state;
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
        assert_string_not_equal(cli_cause_sentence(causes[i]), none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(status_counts_people_as_the_board_and_the_dates_say_it_now,
                                        make_cache, drop_cache),
        cmocka_unit_test_setup_teardown(a_missing_or_damaged_board_is_named, make_cache,
                                        drop_cache),
        cmocka_unit_test_setup_teardown(a_person_is_told_with_the_state_of_this_instant, make_cache,
                                        drop_cache),
        cmocka_unit_test_setup_teardown(an_unknown_name_earns_a_suggestion, make_cache, drop_cache),
        cmocka_unit_test_setup_teardown(without_a_cache_nobody_is_unknown, make_cache, drop_cache),
        cmocka_unit_test_setup_teardown(why_gives_the_cause_that_pam_would_give, make_cache,
                                        drop_cache),
        cmocka_unit_test(every_cause_of_the_admission_has_words),
        cmocka_unit_test(every_cause_of_verifier_and_module_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
