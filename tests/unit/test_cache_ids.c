// SPDX-License-Identifier: BSD-2-Clause
// The index of ids: whatever ids a directory gives, the writer finds a factor that deals them
// out, and the reader finds everybody; whatever factor a file names, a reader is safe.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/cache_build.h"
#include "lib/cache_find.h"
#include "rollcall/account.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

#define FIRST  ROLLCALL_ID_DEFAULT_MIN
#define RANGE  (ROLLCALL_ID_DEFAULT_MAX - ROLLCALL_ID_DEFAULT_MIN)
#define IDS    4000u
#define GOLDEN 0x9e3779b97f4a7c15u

struct set {
    uint32_t id[IDS], n;
    uint32_t away;    // of whom the first bucket does not know
    uint32_t at_home; // in the very place where a reader looks first
    uint64_t factor;
};

static struct set set;
static uint64_t state_of_random = 20261125;

static uint64_t any(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return state_of_random;
}

static bool nth(void *ctx, uint64_t i, uint32_t *ret_id, uint32_t *ret_ref)
{
    (void)ctx;
    *ret_id = set.id[i];
    *ret_ref = (uint32_t)i;
    return true;
}

// Of every bucket the last place is filled last: a reader goes on from no other.
static bool filled_in_order(const struct rc_map *m)
{
    const struct rc_bucket *b = rc_section(m, RC_IDS);

    for (uint64_t i = 0; i < m->head->section[RC_IDS].len / sizeof(*b); i++)
        for (unsigned k = 0; k < RC_BUCKET_SLOTS; k++)
            if (b[i].ref[k] == RC_EMPTY && b[i].ref[RC_BUCKET_SLOTS - 1] != RC_EMPTY)
                return false;
    return true;
}

static bool in_its_place(const struct rc_map *m, uint64_t hash, uint32_t wanted)
{
    const struct rc_bucket *b = rc_section(m, RC_IDS);
    struct rc_home home = rc_home_of(hash, (uint32_t)(m->head->section[RC_IDS].len / sizeof(*b)));

    return b[home.bucket].ref[home.place] == wanted;
}

static bool in_its_bucket(const struct rc_map *m, uint64_t hash, uint32_t wanted)
{
    struct rc_probe p;
    uint32_t found;

    rc_probe_start(m, RC_IDS, hash, m->head->slots, &p);
    p.left = 0;
    while ((found = rc_probe_next(&p)) != RC_EMPTY && found != wanted)
        ;
    return found == wanted;
}

static int all_are_found(const struct rc_map *m, void *ctx)
{
    (void)ctx;
    set.away = set.at_home = 0;
    if (!filled_in_order(m))
        return -EBADMSG;
    set.factor = m->head->id_factor;
    for (uint32_t i = 0; i < set.n; i++) {
        if (!rc_build_found(m, RC_IDS, rc_hash_uid(m, set.id[i]), i))
            return -EBADMSG;
        set.away += !in_its_bucket(m, rc_hash_uid(m, set.id[i]), i);
        set.at_home += in_its_place(m, rc_hash_uid(m, set.id[i]), i);
    }
    return 0;
}

// A file of that index alone, as a reader has it.
static int written(void)
{
    static const uint8_t ledger[16];
    static const uint64_t records[IDS];
    struct rc_build b;
    int r = rc_build_open(&b, "./ids", ROLLCALL_MAGIC_PRIVATE, 1, ledger, set.n);

    rc_build_head(&b)->id_min = ROLLCALL_ID_DEFAULT_MIN;
    rc_build_head(&b)->id_max = ROLLCALL_ID_DEFAULT_MAX;
    if (r == 0) {
        rc_build_section(&b, RC_RECORDS, records, sizeof(*records) * set.n);
        r = rc_build_id_index(&b, RC_IDS, set.n, set.n, nth, NULL);
    }
    if (r == 0)
        r = rc_build_finish(&b, 0600, (gid_t)-1, sizeof(*records), all_are_found, NULL);
    rc_build_close(&b);
    return r;
}

// Everybody is found, and nearly everybody in one look.
static void assert_dealt_out(const char *what, uint64_t number)
{
    int r = written();

    if (r < 0 || set.away > set.n / 8)
        fail_msg("%s %llu: %d, %u of %u away", what, (unsigned long long)number, r, set.away,
                 set.n);
}

static void steps_of(uint32_t step)
{
    set.n = RANGE / step < IDS ? RANGE / step : IDS;
    for (uint32_t i = 0; i < set.n; i++)
        set.id[i] = FIRST + i * step;
}

// The steps of the golden ratio's fraction are the worst for the first factor.
static void ids_at_any_step_are_dealt_out(void **state)
{
    (void)state;
    for (uint32_t a = 1, b = 2; b < RANGE / 1000; b += a, a = b - a) {
        steps_of(b);
        assert_dealt_out("step", b);
    }
    for (uint32_t bit = 0; (1u << bit) < RANGE / 1000; bit++)
        for (int off = -1; off <= 1; off++) {
            steps_of(bit > 0 ? (1u << bit) + (uint32_t)off : 1);
            assert_dealt_out("step", set.id[1] - FIRST);
        }
    for (int round = 0; round < 150; round++) {
        steps_of(1 + (uint32_t)(any() % (RANGE / 1000)));
        assert_dealt_out("step", set.id[1] - FIRST);
    }
}

static void ids_at_random_are_dealt_out(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        uint32_t width = RANGE >> any() % 14;
        set.n = 1 + (uint32_t)(any() % IDS);
        for (uint32_t i = 0; i < set.n; i++)
            set.id[i] = FIRST + (uint32_t)(any() % width);
        assert_dealt_out("random ids in", width);
    }
}

// Domains of a directory, each with its own beginning, or steps within steps.
static void ids_in_blocks_are_dealt_out(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        uint32_t block = 1 + (uint32_t)(any() % 200), step = 1 + (uint32_t)(any() % 2600);
        uint32_t apart = block * step + (uint32_t)(any() % (RANGE / IDS * 4));
        set.n = IDS;
        for (uint32_t i = 0; i < IDS; i++)
            set.id[i] = FIRST + (i / block * apart + i % block * step) % RANGE;
        assert_dealt_out("blocks of", block);
    }
}

// Whoever chooses ids knows the first factor, and puts all into a few of its buckets.
static void ids_chosen_against_the_first_factor_are_dealt_out(void **state)
{
    (void)state;
    for (uint32_t part = 0; part < 256; part += 51) {
        set.n = 0;
        for (uint32_t id = FIRST; set.n < IDS; id++)
            if ((id * GOLDEN) >> 56 == part)
                set.id[set.n++] = id;
        assert_dealt_out("chosen", part);
        assert_true(set.factor != GOLDEN);
    }
}

static void ids_that_follow_each_other_take_the_first_factor(void **state)
{
    (void)state;
    steps_of(1);
    assert_dealt_out("step", 1);
    assert_true(set.factor == GOLDEN);
    assert_int_equal(set.away, 0);
    assert_int_equal(set.at_home, set.n);
}

// The processor goes on from there by itself: most are where a reader looks first.
static void most_ids_at_random_stand_at_home(void **state)
{
    (void)state;
    set.n = IDS;
    for (uint32_t i = 0; i < set.n; i++)
        set.id[i] = FIRST + (uint32_t)(any() % RANGE);
    assert_dealt_out("random ids of", set.n);
    assert_in_range(set.at_home, set.n / 4 * 3, set.n);
}

// As they were before anybody had a home: each bucket filled from its front.
static void to_the_front(struct rc_bucket *b)
{
    unsigned n = 0;

    for (unsigned k = 0; k < RC_BUCKET_SLOTS; k++) {
        uint32_t tag = b->tag[k], ref = b->ref[k];
        if (ref == RC_EMPTY)
            continue;
        b->tag[k] = 0;
        b->ref[k] = RC_EMPTY;
        b->tag[n] = tag;
        b->ref[n++] = ref;
    }
}

static void a_file_whose_buckets_are_filled_from_the_front_is_read_as_well(void **state)
{
    static const enum rc_section indexes[] = {RC_NAMES, RC_IDS, RC_GNAMES, RC_GIDS};
    struct rc_header h;
    unsigned char *data;
    size_t len;
    int whole;

    (void)state;
    assert_int_equal(fixture_accounts("./accounts", 200, 1, false), 0);
    whole = fixture_walk_accounts("./accounts");
    data = scratch_read("./accounts", &len);
    memcpy(&h, data, sizeof(h));
    for (unsigned s = 0; s < 4; s++) {
        struct rc_span at = h.section[indexes[s]];
        for (uint64_t i = 0; i < at.len / sizeof(struct rc_bucket); i++)
            to_the_front((struct rc_bucket *)(void *)(data + at.off) + i);
    }
    scratch_write("./accounts", data, len);
    assert_int_equal(fixture_walk_accounts("./accounts"), whole);
    free(data);
}

// More of one id than a reader would look through: an error, and no end of tries.
static void one_id_too_often_is_refused(void **state)
{
    (void)state;
    set.n = RC_PROBES * RC_BUCKET_SLOTS + 1;
    for (uint32_t i = 0; i < set.n; i++)
        set.id[i] = FIRST;
    assert_int_equal(written(), -EEXIST);
    assert_int_equal(access("./ids.new", F_OK), -1);
}

static void any_factor_is_safe_to_read(void **state)
{
    static const uint64_t telling[] = {0, 1, 2, 1ull << 32, 1ull << 63, ~0ull, GOLDEN};
    struct rc_header h;
    unsigned char *data;
    size_t len;
    int whole;

    (void)state;
    assert_int_equal(fixture_accounts("./accounts", 200, 1, false), 0);
    whole = fixture_walk_accounts("./accounts");
    data = scratch_read("./accounts", &len);
    memcpy(&h, data, sizeof(h));
    for (unsigned i = 0; i < 200; i++) {
        h.id_factor = i < 7 ? telling[i] : any();
        h.gid_factor = i < 7 ? telling[6 - i] : any();
        h.head_check = XXH3_64bits(&h, offsetof(struct rc_header, head_check));
        memcpy(data, &h, sizeof(h));
        scratch_write("./accounts", data, len);
        assert_in_range(fixture_walk_accounts("./accounts"), 1, (uintmax_t)whole);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_at_any_step_are_dealt_out),
        cmocka_unit_test(ids_at_random_are_dealt_out),
        cmocka_unit_test(ids_in_blocks_are_dealt_out),
        cmocka_unit_test(ids_chosen_against_the_first_factor_are_dealt_out),
        cmocka_unit_test(ids_that_follow_each_other_take_the_first_factor),
        cmocka_unit_test(most_ids_at_random_stand_at_home),
        cmocka_unit_test(a_file_whose_buckets_are_filled_from_the_front_is_read_as_well),
        cmocka_unit_test(one_id_too_often_is_refused),
        cmocka_unit_test(any_factor_is_safe_to_read),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_leave);
}
