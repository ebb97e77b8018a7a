// SPDX-License-Identifier: BSD-2-Clause
// The lock journal and the ids ledger, cut and turned over at every byte.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "lib/record_log.h"
#include "rollcall/cache_writer.h"
#include "tests/unit/scratch.h"

#define LEDGER_RECORD 248u

struct seen {
    unsigned n;
    struct rollcall_journal_entry entry[16384];
    struct rollcall_ledger_entry id[512];
};
static struct seen seen;

static int see_lock(void *ctx, const struct rollcall_journal_entry *e)
{
    (void)ctx;
    if (seen.n < 16384)
        seen.entry[seen.n] = *e;
    seen.n++;
    return 0;
}

static int see_id(void *ctx, const struct rollcall_ledger_entry *e)
{
    (void)ctx;
    if (seen.n < 512)
        seen.id[seen.n] = *e;
    seen.n++;
    return 0;
}

static struct rollcall_journal *journal(unsigned *ret_damaged)
{
    struct rollcall_journal *j = NULL;

    seen.n = 0;
    assert_int_equal(rollcall_journal_open("./locks", see_lock, NULL, ret_damaged, &j), 0);
    return j;
}

static void append_locks(struct rollcall_journal *j, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct rollcall_journal_entry e = {
            .slot = i, .uid = 5000 + i, .state = ROLLCALL_STATE_LOCKED, .at = 77};
        assert_int_equal(rollcall_journal_append(j, &e, 1), 0);
    }
}

// A journal of n locks, as it stands on the disk.
static unsigned char *written_locks(unsigned n, size_t *ret_len)
{
    unsigned damaged;
    struct rollcall_journal *j = journal(&damaged);

    append_locks(j, n);
    rollcall_journal_close(j);
    return scratch_read("./locks", ret_len);
}

static int fresh(void **state)
{
    (void)state;
    unlink("./locks");
    unlink("./ids");
    return 0;
}

static void locks_come_back_in_order(void **state)
{
    unsigned damaged;
    struct rollcall_journal *j = journal(&damaged);

    (void)state;
    append_locks(j, 5);
    rollcall_journal_close(j);
    j = journal(&damaged);
    assert_int_equal(seen.n, 5);
    assert_int_equal(damaged, 0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(seen.entry[i].slot, i);
        assert_int_equal(seen.entry[i].sequence, i);
    }
    append_locks(j, 1);
    rollcall_journal_close(j);
    j = journal(&damaged);
    assert_int_equal(seen.n, 6);
    assert_int_equal(seen.entry[5].sequence, 5);
    rollcall_journal_close(j);
}

static void a_journal_cut_at_any_byte_keeps_every_whole_lock_before_it(void **state)
{
    size_t len;
    unsigned char *data = written_locks(4, &len);
    struct rollcall_journal *j;
    unsigned damaged;

    (void)state;
    for (size_t cut = RECORD_LOG_HEAD; cut <= RECORD_LOG_HEAD + 4 * 64; cut++) {
        scratch_write("./locks", data, cut);
        j = journal(&damaged);
        assert_int_equal(seen.n, (cut - RECORD_LOG_HEAD) / 64);
        append_locks(j, 1); // and it goes on from there
        rollcall_journal_close(j);
        j = journal(&damaged);
        assert_int_equal(seen.n, (cut - RECORD_LOG_HEAD) / 64 + 1);
        rollcall_journal_close(j);
    }
    free(data);
}

static void one_damaged_lock_costs_that_lock_alone_and_is_counted(void **state)
{
    size_t len;
    unsigned char *data = written_locks(4, &len);
    struct rollcall_journal *j;
    unsigned damaged;

    (void)state;
    for (size_t at = RECORD_LOG_HEAD; at < RECORD_LOG_HEAD + 4 * 64; at++) {
        data[at] ^= 0x20;
        scratch_write("./locks", data, len);
        j = journal(&damaged);
        assert_int_equal(seen.n, 3);
        assert_int_equal(damaged, at < RECORD_LOG_HEAD + 3 * 64); // the last is a torn tail
        rollcall_journal_close(j);
        data[at] ^= 0x20;
    }
    free(data);
}

static void locks_behind_a_lost_extent_are_found(void **state)
{
    unsigned damaged;
    struct rollcall_journal *j = journal(&damaged);
    unsigned char *data;
    size_t len;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        static struct rollcall_journal_entry many[1000];
        for (unsigned k = 0; k < 1000; k++)
            many[k] = (struct rollcall_journal_entry){
                .slot = i * 1000 + k, .uid = 5000, .state = ROLLCALL_STATE_TERMINATED};
        assert_int_equal(rollcall_journal_append(j, many, 1000), 0);
    }
    rollcall_journal_close(j);
    data = scratch_read("./locks", &len);
    memset(data + RECORD_LOG_HEAD + 64, 0, 5000 * 64);
    scratch_write("./locks", data, len);
    j = journal(&damaged);
    assert_int_equal(seen.n, 1000);
    assert_int_equal(damaged, 5000);
    rollcall_journal_close(j);
    free(data);
}

static void a_lock_falls_on_a_full_disk_until_the_preallocation_is_used_up(void **state)
{
    struct rlimit was, none;
    unsigned damaged, stored = 0;
    struct rollcall_journal *j = journal(&damaged);
    struct stat st;
    int r = 0;

    (void)state;
    assert_int_equal(stat("./locks", &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    // Not a byte more than is preallocated; what would grow the file fails.
    none = (struct rlimit){.rlim_cur = (rlim_t)st.st_size, .rlim_max = was.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    while (r == 0 && stored < 1000) {
        static struct rollcall_journal_entry block[64];
        for (int i = 0; i < 64; i++)
            block[i] = (struct rollcall_journal_entry){.slot = stored * 64 + (unsigned)i,
                                                       .state = ROLLCALL_STATE_LOCKED};
        r = rollcall_journal_append(j, block, 64);
        stored += r == 0;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_true(r < 0);
    assert_int_equal(stored * 64, (st.st_size - RECORD_LOG_HEAD) / 64);
    rollcall_journal_close(j);
    j = journal(&damaged);
    assert_int_equal(seen.n, stored * 64);
    rollcall_journal_close(j);
}

static void compaction_keeps_what_stands_and_goes_on_counting(void **state)
{
    struct rollcall_journal_entry standing = {.slot = 3, .state = ROLLCALL_STATE_LOCKED};
    unsigned damaged;
    struct rollcall_journal *j = journal(&damaged);

    (void)state;
    append_locks(j, 9);
    assert_int_equal(rollcall_journal_compact(j, &standing, 1), 0);
    append_locks(j, 1);
    rollcall_journal_close(j);
    j = journal(&damaged);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.entry[0].slot, 3);
    assert_int_equal(seen.entry[0].sequence, 9);
    assert_int_equal(seen.entry[1].sequence, 10);
    rollcall_journal_close(j);
}

// ---- ledger ----

static struct rollcall_ledger *ledger(int want)
{
    struct rollcall_ledger *l = NULL;

    seen.n = 0;
    assert_int_equal(rollcall_ledger_open("./ids", see_id, NULL, &l), want);
    return l;
}

static void append_ids(struct rollcall_ledger *l, uint32_t first, unsigned n)
{
    struct rollcall_ledger_entry e[64] = {0};

    for (unsigned i = 0; i < n; i++) {
        e[i] = (struct rollcall_ledger_entry){
            .kind = ROLLCALL_LEDGER_PERSON, .slot = first + i, .id = 70000 + first + i};
        snprintf(e[i].key, sizeof(e[i].key), "hr\t%u", first + i);
    }
    assert_int_equal(rollcall_ledger_append(l, e, n), 0);
}

// A ledger of two batches, as it stands on the disk. The last record of a batch is synced
// behind its others.
static unsigned char *written_ids(unsigned first_batch, unsigned second_batch, size_t *ret_len)
{
    struct rollcall_ledger *l = ledger(0);

    append_ids(l, 0, first_batch);
    append_ids(l, first_batch, second_batch);
    rollcall_ledger_close(l);
    return scratch_read("./ids", ret_len);
}

static void ids_come_back_and_the_ledgers_own_id_stays(void **state)
{
    struct rollcall_ledger *l = ledger(0);
    uint8_t id[16];

    (void)state;
    memcpy(id, rollcall_ledger_id(l), 16);
    append_ids(l, 0, 3);
    append_ids(l, 3, 1);
    rollcall_ledger_close(l);
    l = ledger(0);
    assert_int_equal(seen.n, 4);
    assert_string_equal(seen.id[3].key, "hr\t3");
    assert_memory_equal(rollcall_ledger_id(l), id, 16);
    rollcall_ledger_close(l);
}

static void a_batch_that_power_loss_tore_in_any_way_was_never_given_out(void **state)
{
    size_t len;
    unsigned char *data = written_ids(2, 4, &len); // the second is records 2 to 5
    struct rollcall_ledger *l;

    (void)state;
    // Its last record never came; of the others, any may have reached the disk.
    memset(data + RECORD_LOG_HEAD + 5 * LEDGER_RECORD, 0, LEDGER_RECORD);
    for (unsigned there = 0; there < 8; there++) {
        unsigned char *torn = malloc(len);
        memcpy(torn, data, len);
        for (unsigned i = 0; i < 3; i++)
            if (!(there & 1u << i))
                memset(torn + RECORD_LOG_HEAD + (2 + i) * LEDGER_RECORD, 0, LEDGER_RECORD);
        scratch_write("./ids", torn, len);
        free(torn);
        l = ledger(0);
        assert_int_equal(seen.n, 2);
        append_ids(l, 20, 1); // over what was torn, with its rest behind it
        rollcall_ledger_close(l);
        l = ledger(0);
        assert_int_equal(seen.n, 3);
        assert_int_equal(seen.id[2].slot, 20);
        rollcall_ledger_close(l);
    }
    free(data);
}

static void a_ledger_cut_at_any_byte_has_only_whole_batches(void **state)
{
    size_t len;
    unsigned char *data = written_ids(2, 3, &len);

    (void)state;
    for (size_t cut = RECORD_LOG_HEAD; cut <= RECORD_LOG_HEAD + 5 * LEDGER_RECORD; cut++) {
        size_t whole = (cut - RECORD_LOG_HEAD) / LEDGER_RECORD;
        scratch_write("./ids", data, cut);
        rollcall_ledger_close(ledger(0));
        assert_int_equal(seen.n, whole < 2 ? 0 : whole < 5 ? 2 : 5);
    }
    free(data);
}

static void a_hole_in_what_was_given_out_closes_the_ledger(void **state)
{
    size_t len;
    unsigned char *data = written_ids(3, 1, &len);

    (void)state;
    for (size_t at = 0; at < RECORD_LOG_HEAD + 3 * LEDGER_RECORD; at++) {
        if (at >= sizeof(struct record_log_head) && at < RECORD_LOG_HEAD)
            continue;
        data[at] ^= 1;
        scratch_write("./ids", data, len);
        ledger(-EBADMSG);
        data[at] ^= 1;
    }
    scratch_write("./ids", data, len);
    rollcall_ledger_close(ledger(0));
    assert_int_equal(seen.n, 4);
    free(data);
}

static void a_file_of_another_kind_is_refused_and_left_alone(void **state)
{
    struct rollcall_journal *j = NULL;
    unsigned damaged;
    size_t len;
    unsigned char *data;

    (void)state;
    rollcall_ledger_close(ledger(0));
    assert_int_equal(rollcall_journal_open("./ids", see_lock, NULL, &damaged, &j), -EBADMSG);
    scratch_write("./locks", "not a journal\n", 14);
    assert_int_equal(rollcall_journal_open("./locks", see_lock, NULL, &damaged, &j), -EBADMSG);
    data = scratch_read("./locks", &len);
    assert_int_equal(len, 14);
    assert_memory_equal(data, "not a journal\n", 14);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(locks_come_back_in_order, fresh),
        cmocka_unit_test_setup(a_journal_cut_at_any_byte_keeps_every_whole_lock_before_it, fresh),
        cmocka_unit_test_setup(one_damaged_lock_costs_that_lock_alone_and_is_counted, fresh),
        cmocka_unit_test_setup(locks_behind_a_lost_extent_are_found, fresh),
        cmocka_unit_test_setup(a_lock_falls_on_a_full_disk_until_the_preallocation_is_used_up,
                               fresh),
        cmocka_unit_test_setup(compaction_keeps_what_stands_and_goes_on_counting, fresh),
        cmocka_unit_test_setup(ids_come_back_and_the_ledgers_own_id_stays, fresh),
        cmocka_unit_test_setup(a_batch_that_power_loss_tore_in_any_way_was_never_given_out, fresh),
        cmocka_unit_test_setup(a_ledger_cut_at_any_byte_has_only_whole_batches, fresh),
        cmocka_unit_test_setup(a_hole_in_what_was_given_out_closes_the_ledger, fresh),
        cmocka_unit_test_setup(a_file_of_another_kind_is_refused_and_left_alone, fresh),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_leave);
}
