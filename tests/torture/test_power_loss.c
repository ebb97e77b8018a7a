// SPDX-License-Identifier: BSD-2-Clause
// test_power_loss [N]: power is lost at every point of what the engine asks of the disk, in
// a life with publications, locks, lifts, a layoff and two compactions of the journal. Each
// state that the disk may then hold is looked at as a reader would who comes before the
// engine, and then started from: nothing that was told to anybody may be otherwise.
// N: states by chance at each point, besides the two extremes.
#include <errno.h>
#include <limits.h>
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

#include "rollcall/account.h"
#include "rollcall/cache_map.h"
#include "rollcall/parse.h"
#include "syncd/engine/core_internal.h"
#include "tests/torture/disk.h"
#include "tests/torture/engine.h"
#include "tests/unit/scratch.h"

#define PEOPLE 32u // p0 to p31, slots alike
#define GONE   20u // of them in the layoff, from slot 8 on
#define NOW    INT64_C(1795521600)
#define IDS    64u
#define FILLED 4100u // records after which the journal wants to be smaller

// What the engine told somebody, in its order with what it asked of the disk.
enum mark {
    LOCKING,    // uint32_t slot: may be locked from now on
    LOCKED,     // uint32_t slot: its journal's append returned
    BY_ADMIN,   // uint32_t slot: the same, by an administrator
    TOLD,       // uint32_t slot: the caller has been told that it is locked
    LIFTING,    // uint32_t slot: may be lifted from now on
    LIFTED,     // uint32_t slot: the caller has been told
    GAVE,       // struct rollcall_ledger_entry
    PUBLISHING, // uint64_t generation: begins
    PUBLISHED,  // uint64_t generation: done
};

static uint64_t by_chance = 1;
static int64_t now = NOW;
static bool recording; // the engine that runs is the recorded one

// ---- marks ----

// The linker's --wrap brings the engine's calls here.
int __real_rollcall_journal_append(struct rollcall_journal *j, struct rollcall_journal_entry *e,
                                   size_t n);
int __wrap_rollcall_journal_append(struct rollcall_journal *j, struct rollcall_journal_entry *e,
                                   size_t n);
int __real_rollcall_ledger_append(struct rollcall_ledger *l, const struct rollcall_ledger_entry *e,
                                  size_t n);
int __wrap_rollcall_ledger_append(struct rollcall_ledger *l, const struct rollcall_ledger_entry *e,
                                  size_t n);

int __wrap_rollcall_journal_append(struct rollcall_journal *j, struct rollcall_journal_entry *e,
                                   size_t n)
{
    int r = __real_rollcall_journal_append(j, e, n);

    for (size_t i = 0; recording && r == 0 && i < n; i++)
        if (e[i].state > ROLLCALL_STATE_ACTIVE)
            recorder_mark(e[i].reason == ROLLCALL_REASON_ADMIN_LOCK ? BY_ADMIN : LOCKED, &e[i].slot,
                          sizeof(e[i].slot));
    return r;
}

int __wrap_rollcall_ledger_append(struct rollcall_ledger *l, const struct rollcall_ledger_entry *e,
                                  size_t n)
{
    int r = __real_rollcall_ledger_append(l, e, n);

    for (size_t i = 0; recording && r == 0 && i < n; i++)
        recorder_mark(GAVE, &e[i], sizeof(e[i]));
    return r;
}

// ---- the life that is recorded ----

static struct engine_core *start(const struct engine_hooks *hooks)
{
    struct engine_core *core = NULL;

    assert_int_equal(engine_start(hooks, now, &core), 0);
    return core;
}

static void publish(struct engine_core *core)
{
    uint64_t generation = core->generation + 1;

    recorder_mark(PUBLISHING, &generation, sizeof(generation));
    assert_int_equal(engine_core_publish(core, now), 0);
    recorder_mark(PUBLISHED, &generation, sizeof(generation));
}

static void told(enum mark mark, uint32_t slot)
{
    recorder_mark((int)mark, &slot, sizeof(slot));
}

static void lock(struct engine_core *core, uint32_t slot)
{
    json_t *answer = NULL;
    char name[16];

    snprintf(name, sizeof(name), "p%u", slot);
    told(LOCKING, slot);
    assert_int_equal(engine_core_lock(core, name, "root", "test", ++now, &answer), 0);
    told(TOLD, slot);
    json_decref(answer);
}

static void lift(struct engine_core *core, uint32_t slot)
{
    json_t *answer = NULL;
    char name[16];

    snprintf(name, sizeof(name), "p%u", slot);
    told(LIFTING, slot);
    assert_int_equal(engine_core_unlock(core, name, "root", ++now, &answer), 0);
    told(LIFTED, slot);
    json_decref(answer);
}

// HR's file: everybody below `people`; those of `leavers` are on leave, those of `ended`
// terminated, a bit each.
static void list(struct engine_core *core, uint32_t people, uint32_t leavers, uint32_t ended)
{
    static const char *const groups[] = {"linux-users", "engineers"};

    now += 60;
    assert_int_equal(engine_list_begin(core, now), 0);
    for (uint32_t slot = 0; slot < people; slot++) {
        char number[16], name[16];
        struct engine_row row = {.number = number,
                                 .name = name,
                                 .status = ended >> slot & 1     ? ROLLCALL_STATUS_TERMINATED
                                           : leavers >> slot & 1 ? ROLLCALL_STATUS_LEAVE
                                                                 : ROLLCALL_STATUS_ACTIVE,
                                 .groups = groups,
                                 .n_groups = 1 + slot % 2};
        snprintf(number, sizeof(number), "%u", 1000 + slot);
        snprintf(name, sizeof(name), "p%u", slot);
        assert_int_equal(engine_list_row(core, &row, now), 0);
    }
    assert_int_equal(engine_list_commit(core, people, now), 0);
}

// Years of locks and lifts, which need no recording: one person's, lifted in the end.
static void fill_journal(struct engine_core *core)
{
    struct rollcall_journal_entry *e = calloc(FILLED, sizeof(*e));
    struct rollcall_word word;
    size_t n = 0;

    assert_non_null(e);
    recorder_pause();
    recording = false;
    assert_int_equal(person_word(core, 13, &word), 0);
    for (; n < FILLED; n++)
        e[n] = (struct rollcall_journal_entry){.slot = 13,
                                               .uid = word.uid,
                                               .state = n % 2 ? ROLLCALL_STATE_ACTIVE
                                                              : ROLLCALL_STATE_LOCKED,
                                               .reason = ROLLCALL_REASON_ADMIN_LOCK,
                                               .at = now,
                                               .hr_time = ROLLCALL_TIME_UNSET};
    assert_int_equal(rollcall_journal_append(core->journal, e, n), 0);
    assert_int_equal(store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES('journal', ?)",
                               "i", (int64_t)e[n - 1].sequence),
                     0);
    free(e);
    recording = true;
    recorder_go_on();
}

static struct engine_core *restart(struct engine_core *core)
{
    const struct engine_hooks hooks = {0};

    engine_core_close(core);
    return start(&hooks);
}

// A company begins, and ordinary days.
static struct engine_core *first_days(struct engine_core *core)
{
    core = restart(core);
    list(core, PEOPLE - 1, 0, 0);
    publish(core);
    lock(core, 1);
    lock(core, 2);
    publish(core); // a delta
    lift(core, 1);
    publish(core);
    told(LOCKING, 3);
    told(LOCKING, 4);
    list(core, PEOPLE, 1u << 4, 1u << 3); // an end, a leave, and somebody new
    told(TOLD, 3);
    told(TOLD, 4);
    publish(core);
    core = restart(core);
    told(LIFTING, 4);
    list(core, PEOPLE, 0, 1u << 3);
    told(LIFTED, 4);
    publish(core);
    assert_int_equal(engine_core_reconfigure(core, engine_config(), now), 0); // a fresh board
    publish(core);
    return core;
}

// The journal is full and is written anew: with locks in it, and without any.
static struct engine_core *compactions(struct engine_core *core)
{
    fill_journal(core);
    assert_true(rollcall_journal_wants_compaction(core->journal));
    lock(core, 5);
    lock(core, 1);
    lift(core, 1);
    lock(core, 6);
    lift(core, 6);
    publish(core);
    lift(core, 2);
    lift(core, 5);
    told(LIFTING, 3);
    list(core, PEOPLE, 0, 0); // p3 is hired again
    told(LIFTED, 3);
    publish(core);
    fill_journal(core);
    assert_true(rollcall_journal_wants_compaction(core->journal));
    list(core, PEOPLE, 0, 0);
    assert_false(rollcall_journal_wants_compaction(core->journal));
    assert_int_equal(
        store_number(&core->store, -1, "SELECT count(*) FROM person WHERE state > 1", ""), 0);
    core = restart(core); // from a journal in which nothing stands
    lock(core, 9);
    publish(core);
    for (uint32_t slot = 8; slot < 8 + GONE; slot++)
        told(LOCKING, slot);
    list(core, PEOPLE, 0, ((1u << GONE) - 1) << 8); // more than a sector of the journal
    for (uint32_t slot = 8; slot < 8 + GONE; slot++)
        told(TOLD, slot);
    publish(core);
    return core;
}

static const struct recording *record(const char *root)
{
    recorder_start(root);
    recording = true;
    engine_core_close(compactions(first_days(NULL)));
    recording = false;
    return recorder_stop();
}

// ---- what is expected ----

struct expected {
    uint64_t version; // moves with each mark
    bool locked[PEOPLE], by_admin[PEOPLE], told[PEOPLE], active[PEOPLE];
    struct rollcall_ledger_entry id[IDS];
    uint32_t n_ids;
    uint64_t published, publishing;
};

static void expect(struct expected *e, const struct op *op)
{
    uint64_t generation = 0;
    uint32_t slot = 0;

    e->version++;
    if (op->len == sizeof(slot))
        memcpy(&slot, op->data, sizeof(slot));
    if (op->len == sizeof(generation))
        memcpy(&generation, op->data, sizeof(generation));
    switch ((enum mark)op->mark) {
    case LOCKING:
        e->active[slot] = false;
        break;
    case BY_ADMIN:
        e->by_admin[slot] = true;
        __attribute__((fallthrough));
    case LOCKED:
        e->locked[slot] = true;
        break;
    case TOLD:
        e->told[slot] = e->locked[slot] = true;
        break;
    case LIFTING:
        e->locked[slot] = e->by_admin[slot] = e->told[slot] = false;
        break;
    case LIFTED:
        e->active[slot] = true;
        break;
    case GAVE:
        assert_true(e->n_ids < IDS);
        memcpy(&e->id[e->n_ids++], op->data, sizeof(e->id[0]));
        break;
    case PUBLISHING:
        e->publishing = generation;
        break;
    case PUBLISHED:
        e->published = generation;
        break;
    }
}

// ---- a state of the disk ----

struct tally {
    uint64_t prefixes, states, same, extremes, chances, damaged, carried, listed, stateless;
};

struct trial {
    const struct expected *e;
    enum disk_luck luck;
    size_t at;
    bool stateless; // state.db and board are gone besides
    bool damaged, carried, lost;
    uint64_t standing; // generation of `accounts` before the engine started
};

static void on_audit(void *ctx, const json_t *record)
{
    struct trial *t = ctx;
    const char *event = json_string_value(json_object_get(record, "event"));

    t->damaged = t->damaged || strcmp(event, "journal-damaged") == 0;
    t->carried = t->carried || strcmp(event, "locks-carried-over") == 0;
    t->lost =
        t->lost || strcmp(event, "state-lost") == 0 || strcmp(event, "ledger-unreadable") == 0;
}

static void fault(const struct trial *t, const char *what, uint64_t of)
{
    static const char *const luck[] = {"lost", "kept", "there by chance"};

    fail_msg("after operation %zu, with what was not synced %s: %s (%llu)", t->at, luck[t->luck],
             what, (unsigned long long)of);
}

static uint64_t whole_accounts(const struct trial *t)
{
    struct rc_map m;
    uint64_t generation;
    int r = rc_map_open(CACHE_DIR "/accounts", ROLLCALL_MAGIC_ACCOUNTS,
                        sizeof(struct rc_account_record), &m);

    if (r == -ENOENT)
        return 0;
    if (r < 0 || !rc_map_body_intact(&m))
        fault(t, "accounts is not whole", (uint64_t)-r);
    generation = m.head->generation;
    rc_map_close(&m);
    return generation;
}

static void check_private(const struct trial *t)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person person;
    uint32_t cursor = 0, n = 0;
    int r = rollcall_private_open(CACHE_DIR "/private", &p);

    if (r < 0)
        fault(t, "private does not open", (uint64_t)-r);
    while ((r = rollcall_private_next(p, &cursor, &person)) == 0)
        n++;
    rollcall_private_close(p);
    if (r != -ENOENT || n < PEOPLE - 1)
        fault(t, "private is not whole", n);
}

static enum rollcall_state board_state(const struct trial *t, uint32_t slot, uint32_t uid)
{
    struct rollcall_board *board = NULL;
    struct rollcall_word word = {0};
    int r = rollcall_board_open(CACHE_DIR "/board", &board);

    if (r < 0)
        fault(t, "the board does not open", (uint64_t)-r);
    if (rollcall_board_read(board, slot, uid, &word) < 0)
        word.state = ROLLCALL_STATE_NONE;
    rollcall_board_close(board);
    return word.state;
}

static uint32_t uid_of(const struct expected *e, uint32_t slot)
{
    for (uint32_t i = 0; i < e->n_ids; i++)
        if (e->id[i].kind == ROLLCALL_LEDGER_PERSON && e->id[i].slot == slot)
            return e->id[i].id;
    return 0;
}

// What a login would read that comes before the engine runs.
static void check_before(struct trial *t)
{
    const struct expected *e = t->e;
    struct rollcall_keys *keys = NULL;

    if (!e->published)
        return; // nobody was told of any cache
    if (t->standing == 0)
        fault(t, "accounts is gone", e->published);
    if (t->standing > e->publishing)
        fault(t, "accounts of a generation to come", t->standing);
    check_private(t);
    if (rollcall_keys_open(CACHE_DIR "/keys", &keys) < 0)
        fault(t, "keys does not open", 0);
    rollcall_keys_close(keys);
    for (uint32_t slot = 0; slot < PEOPLE; slot++)
        if (e->told[slot] && board_state(t, slot, uid_of(e, slot)) == ROLLCALL_STATE_ACTIVE)
            fault(t, "before the engine starts, a lock is gone: slot", slot);
}

static void check_ids(const struct trial *t, struct engine_core *core)
{
    for (uint32_t i = 0; i < t->e->n_ids; i++) {
        const struct rollcall_ledger_entry *id = &t->e->id[i];
        bool person = id->kind == ROLLCALL_LEDGER_PERSON;
        if (store_number(&core->store, -1, "SELECT number FROM ledger WHERE kind = ? AND key = ?",
                         "is", (int64_t)id->kind, id->key) != (int64_t)id->id)
            fault(t, "an id is gone", id->id);
        if (person && store_number(&core->store, -1,
                                   "SELECT slot FROM person WHERE key = ?"
                                   " AND uid = ?",
                                   "si", id->key, (int64_t)id->id) != (int64_t)id->slot)
            fault(t, "a person has moved: uid", id->id);
    }
}

static void check_locks(const struct trial *t)
{
    for (uint32_t slot = 0; slot < PEOPLE; slot++) {
        uint32_t uid = uid_of(t->e, slot);
        enum rollcall_state state = uid ? board_state(t, slot, uid) : ROLLCALL_STATE_NONE;
        if (t->e->locked[slot] && state < ROLLCALL_STATE_SUSPENDED)
            fault(t, "an acknowledged lock is gone: slot", slot);
        if (t->e->active[slot] && state != ROLLCALL_STATE_ACTIVE && !t->damaged && !t->stateless)
            fault(t, "a lock that was lifted is back: slot", slot);
    }
}

// The same people at the same company: each with the number of before. What HR said it
// takes back by this, what an administrator said it does not.
static void check_listing(const struct trial *t, struct engine_core *core)
{
    list(core, PEOPLE, 0, 0);
    check_ids(t, core);
    for (uint32_t slot = 0; slot < PEOPLE; slot++)
        if (t->e->by_admin[slot] &&
            board_state(t, slot, uid_of(t->e, slot)) < ROLLCALL_STATE_LOCKED)
            fault(t, "an administrator's lock is gone: slot", slot);
}

static void try_state(struct trial *t, struct tally *tally)
{
    const struct engine_hooks hooks = {.audit = on_audit, .ctx = t};
    struct engine_core *core = NULL;
    int64_t was = now;
    uint64_t after;
    int r;

    t->standing = whole_accounts(t);
    // Then journal and ledger are all there is.
    if (t->stateless)
        unlink(CACHE_DIR "/board");
    else
        check_before(t);
    now += 3600;
    r = engine_start(&hooks, now, &core);
    if (r < 0)
        fault(t, "the engine does not start", (uint64_t)-r);
    if (t->lost && !t->stateless)
        fault(t, "the engine found its state lost", 0);
    if (t->damaged && t->luck != DISK_SOME)
        fault(t, "the engine found its journal damaged", 0);
    check_ids(t, core);
    check_locks(t);
    assert_int_equal(engine_core_publish(core, now), 0);
    after = whole_accounts(t);
    if (after <= t->standing || (after <= t->e->published && !t->stateless))
        fault(t, "a generation is given twice", after);
    if (t->stateless || tally->states % 16 == 0) {
        check_listing(t, core);
        tally->listed++;
    }
    engine_core_close(core);
    tally->damaged += t->damaged;
    tally->carried += t->carried;
    now = was;
}

static void empty_folder(const char *path)
{
    if (nftw(path, scratch_remove, 8, FTW_DEPTH | FTW_PHYS) < 0 || mkdir(path, 0755) < 0)
        abort();
}

static void try_one(struct disk *d, struct trial t, struct tally *tally, const char *root)
{
    if (!disk_make(d, t.luck, t.stateless ? "state/state.db" : NULL, t.e->version, root)) {
        tally->same++;
        return;
    }
    try_state(&t, tally);
    tally->states++;
    tally->extremes += t.luck != DISK_SOME;
    tally->chances += t.luck == DISK_SOME;
    tally->stateless += t.stateless;
    empty_folder(STATE_DIR);
    empty_folder(CACHE_DIR);
}

static void try_all(struct disk *d, const struct expected *e, size_t at, struct tally *tally,
                    const char *root)
{
    uint64_t chances = by_chance * (disk_syncs_next(d) ? 4 : 1);
    struct trial t = {.e = e, .at = at};

    for (t.luck = DISK_LOST; t.luck <= DISK_KEPT; t.luck++) {
        t.stateless = false;
        try_one(d, t, tally, root);
        // Locks and ids have files of their own, for the day on which all else is lost.
        t.stateless = true;
        try_one(d, t, tally, root);
    }
    t.luck = DISK_SOME;
    t.stateless = false;
    for (uint64_t i = 0; i < chances; i++)
        try_one(d, t, tally, root);
}

static void power_may_be_lost_at_any_point_and_no_lock_no_id_and_no_cache_is_otherwise(void **state)
{
    char root[PATH_MAX + 8];
    const struct recording *r;
    struct expected e = {0};
    struct tally tally = {0};
    const struct op *op;
    struct disk *d;

    (void)state;
    assert_non_null(getcwd(root, PATH_MAX));
    memcpy(root + strlen(root), "/state", 7);
    engine_folders();
    r = record(root);
    empty_folder(STATE_DIR);
    empty_folder(CACHE_DIR);
    d = disk_new(r);
    for (size_t at = 1; (op = disk_step(d)); at++) {
        if (op->kind == OP_MARK)
            expect(&e, op);
        tally.prefixes++;
        try_all(d, &e, at, &tally, root);
    }
    disk_free(d);
    printf("power lost at %llu points: %llu states started from (%llu with all lost or all kept, "
           "%llu by chance), %llu were the same as one before\n",
           (unsigned long long)tally.prefixes, (unsigned long long)tally.states,
           (unsigned long long)tally.extremes, (unsigned long long)tally.chances,
           (unsigned long long)tally.same);
    printf("%u ids; %llu journals torn in the middle, %llu starts that carried a lock over from "
           "the board, %llu without state.db and board, %llu listings after\n",
           e.n_ids, (unsigned long long)tally.damaged, (unsigned long long)tally.carried,
           (unsigned long long)tally.stateless, (unsigned long long)tally.listed);
    recorder_free();
    assert_true(tally.states > 1000 && e.n_ids > PEOPLE);
}

static int prepare(void **state)
{
    (void)state;
    setenv("TMPDIR", scratch_memory(), 0);
    scratch_enter();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            power_may_be_lost_at_any_point_and_no_lock_no_id_and_no_cache_is_otherwise),
    };
    if (argc > 1 && rollcall_parse_u64(argv[1], 0, 100000, &by_chance) < 0)
        return 2;
    return cmocka_run_group_tests(tests, prepare, scratch_leave);
}
