// SPDX-License-Identifier: BSD-2-Clause
// Whom to end, and whom it has ended already.
#include "syncd/enforcer/duty.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/log.h"
#include "rollcall/paths.h"
#include "rollcall/timeparse.h"
#include "rollcall/verifier_client.h"
#include "syncd/enforcer/cache_watch.h"

#define PATIENCE_MS 5000
// A login that was let in just before the lock may begin just after the sweep; who was
// ended is looked at again for as long.
#define WATCH_SECONDS 120
#define NOTES         4096
// Between two looks at everybody, only those are judged whose word or date asks for it.
#define FULL_SECONDS 600

// What was done about a slot.
struct done {
    uint32_t uid;
    bool ended, destroyed, uncached;
    bool survived;       // the last sweep left something
    int64_t watch_until; // CLOCK_BOOTTIME
};

struct note {
    uint32_t uid;
    struct lock_words words;
};

struct duty {
    struct audit_log *log;
    struct done *done; // by slot
    uint32_t n_done;
    struct note note[NOTES]; // a ring
    size_t notes;
    int64_t next_date;
    bool kill_services, observe, unreadable;
    uint64_t sweeps, ended;
    int64_t last_sweep;
    int left; // people who still had a process when it was over
    uint8_t board_id[16];
    int64_t looked;      // dates up to here have been looked at
    int64_t looked_full; // CLOCK_BOOTTIME of the last look at everybody
    struct cache_watch watch;
};

int duty_open(struct audit_log *log, struct duty **ret)
{
    struct rollcall_findings findings;
    struct rollcall_config *config = NULL;
    struct duty *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    d->log = log;
    d->next_date = ROLLCALL_TIME_UNSET;
    if (rollcall_config_load(ROLLCALL_CONF, &config, &findings) == 0)
        d->kill_services = config->kill_services;
    rollcall_config_free(config);
    rollcall_findings_free(&findings);
    *ret = d;
    return 0;
}

struct duty *duty_close(struct duty *d)
{
    if (d)
        free(d->done);
    free(d);
    return NULL;
}

static void take_word(const json_t *record, const char *key, char buf[40])
{
    const char *s = json_string_value(json_object_get(record, key));

    snprintf(buf, 40, "%s", s ? s : "");
}

void duty_note_lock(struct duty *d, const json_t *record)
{
    const char *event = json_string_value(json_object_get(record, "event"));
    struct note *n;

    if (!event || strcmp(event, "lock") != 0)
        return;
    n = &d->note[d->notes++ % NOTES];
    n->uid = (uint32_t)json_integer_value(json_object_get(record, "uid"));
    take_word(record, "reason", n->words.reason);
    take_word(record, "hr_time", n->words.hr_time);
    take_word(record, "received", n->words.received);
    take_word(record, "locked", n->words.locked);
}

static bool words_of(const struct duty *d, uint32_t uid, struct lock_words *ret)
{
    for (size_t i = d->notes, k = 0; i > 0 && k < NOTES; i--, k++)
        if (d->note[(i - 1) % NOTES].uid == uid) {
            *ret = d->note[(i - 1) % NOTES].words;
            return true;
        }
    return false;
}

static void time_word(int64_t t, char buf[40])
{
    if (t != ROLLCALL_TIME_UNSET && t > 0)
        rollcall_time_format(t, -1, buf, 40);
}

static struct done *done_of(struct duty *d, uint32_t slot, uint32_t uid)
{
    if (!d->done || slot >= d->n_done) {
        uint32_t want = slot + 1024;
        struct done *p = realloc(d->done, want * sizeof(*p));
        if (!p)
            return NULL;
        memset(p + d->n_done, 0, (want - d->n_done) * sizeof(*p));
        d->done = p;
        d->n_done = want;
    }
    if (d->done[slot].uid != uid)
        d->done[slot] = (struct done){.uid = uid};
    return &d->done[slot];
}

// ---- dates that are reached with nobody else there to say so ----

static void tighten(struct duty *d, const struct rollcall_person *p,
                    const struct rollcall_word *word, int64_t now)
{
    struct rollcall_board *board = NULL;
    char hr[40] = "", at[40];
    json_t *o;
    int r;

    if (p->not_after == ROLLCALL_TIME_UNSET || now < p->not_after ||
        word->state >= ROLLCALL_STATE_TERMINATED)
        return;
    r = rollcall_board_open_tighten(ROLLCALL_BOARD, &board);
    if (r == 0)
        r = rollcall_board_tighten(board, p->slot, p->uid, ROLLCALL_STATE_TERMINATED);
    rollcall_board_close(board);
    if (r < 0)
        return;
    time_word(p->not_after, hr);
    o = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "event", "lock", "user", p->name,
                  "uid", (json_int_t)p->uid, "state", "terminated", "reason", "end-date", "source",
                  "enforcer", "hr_time", hr, "locked", now_text(at));
    duty_note_lock(d, o);
    audit_log_append(d->log, o, 0, getpid());
}

// ---- gathering ----

struct gathering {
    struct leaver *leaver;
    uint32_t *slot;
    size_t n, room;
};

static bool listed(const struct gathering *g, uint32_t slot)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->slot[i] == slot)
            return true;
    return false;
}

static void gather_one(struct duty *d, const struct rollcall_person *p,
                       const struct rollcall_admission *a, const struct rollcall_board_facts *facts,
                       struct gathering *g)
{
    struct leaver *l;

    if (g->n == g->room) {
        size_t want = g->room ? g->room * 2 : 16;
        struct leaver *x = realloc(g->leaver, want * sizeof(*x));
        uint32_t *y;
        if (!x)
            return;
        g->leaver = x;
        y = realloc(g->slot, want * sizeof(*y));
        if (!y)
            return;
        g->slot = y;
        g->room = want;
    }
    g->slot[g->n] = p->slot;
    l = &g->leaver[g->n++];
    *l = (struct leaver){
        .target = {.uid = p->uid, .id_min = facts->id_min, .id_max = facts->id_max}};
    snprintf(l->name, sizeof(l->name), "%s", p->name);
    if (!subordinate_range(p->name, p->uid, &l->target.sub_start, &l->target.sub_count))
        l->target.sub_count = 0;
    if (!words_of(d, p->uid, &l->words)) {
        snprintf(l->words.reason, sizeof(l->words.reason), "%s", rollcall_reason_name(a->reason));
        time_word(p->hr_time, l->words.hr_time);
        time_word(p->received, l->words.received);
    }
}

static void destroy_factors(struct duty *d, const struct rollcall_person *p, struct done *done)
{
    int r = rollcall_verifier_destroy(p->uid);

    done->destroyed = r == 0;
    audit_log_append(d->log,
                     json_pack("{s:s, s:s, s:I, s:s}", "event",
                               r == 0 ? "destroyed" : "destroy-failed", "user", p->name, "uid",
                               (json_int_t)p->uid, "hint",
                               r == 0 ? "factors and tickets are gone" : strerror(-r)),
                     0, getpid());
}

static int64_t boot_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec;
}

static void judge(struct duty *d, const struct rollcall_board *board,
                  const struct rollcall_board_facts *facts, const struct rollcall_person *p,
                  int64_t now, struct gathering *g)
{
    struct rollcall_word word;
    struct rollcall_admission a;
    struct done *done;
    int r;

    if (!rollcall_id_in_compiled_limits(p->uid) || p->uid <= facts->id_min ||
        p->uid > facts->id_max)
        return;
    r = rollcall_board_read(board, p->slot, p->uid, &word);
    rollcall_admission_decide(facts, &word, r, p, NULL, now, &a);
    done = done_of(d, p->slot, p->uid);
    if (!done || r < 0)
        return;
    if (!a.ends_sessions) {
        *done = (struct done){.uid = p->uid};
        return;
    }
    if (!facts->observe)
        tighten(d, p, &word, now);
    if (!done->ended || boot_seconds() < done->watch_until)
        gather_one(d, p, &a, facts, g);
    if (word.state == ROLLCALL_STATE_PURGED && !done->destroyed && !facts->observe)
        destroy_factors(d, p, done);
}

static void report(struct duty *d, struct leaver *l, const struct rollcall_board_facts *facts,
                   bool all_gone)
{
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:s, s:i, s:i}", "event",
                  facts->observe ? "would-end-sessions"
                  : all_gone     ? "sessions-ended"
                                 : "sessions-survive",
                  "user", l->name, "uid", (json_int_t)l->target.uid, "reason", l->words.reason,
                  "processes", (int)l->processes, "rounds", (int)l->rounds);
    const char *const keys[] = {"hr_time", "received", "locked", "first_kill", "last_process_gone"};
    const char *const values[] = {l->words.hr_time, l->words.received, l->words.locked,
                                  l->first_kill, l->last_gone};

    for (size_t i = 0; i < 5; i++)
        if (*values[i])
            json_object_set_new(o, keys[i], json_string(values[i]));
    if (l->spared)
        json_object_set_new(o, "spared", l->spared);
    rollcall_log(all_gone ? LOG_NOTICE : LOG_ERR, all_gone ? "sessions-ended" : "sessions-survive",
                 "user", l->name, "reason", l->words.reason, NULL);
    audit_log_append(d->log, o, 0, getpid());
}

// What this host kept of a directory's password goes with a lock, after the sessions. Only where
// the person has factors here at all. 0 or negative errno.
static int drop_cache(uid_t uid, struct done *done)
{
    char path[PATH_MAX];
    int r;

    snprintf(path, sizeof(path), ROLLCALL_CREDENTIALS_DIR "/%u", uid);
    r = access(path, F_OK) != 0 ? 0 : rollcall_verifier_drop_cache(uid);
    done->uncached = r == 0;
    return r;
}

static void end_sessions(struct duty *d, struct gathering *g,
                         const struct rollcall_board_facts *facts)
{
    sweep(g->leaver, g->n, d->kill_services, facts->observe, PATIENCE_MS);

    d->sweeps++;
    d->last_sweep = time(NULL);
    for (size_t i = 0; i < g->n; i++) {
        struct leaver *l = &g->leaver[i];
        struct done *done = &d->done[g->slot[i]];
        bool gone = l->left == 0 || facts->observe, again = done->ended;
        if (gone && !again)
            done->watch_until = boot_seconds() + WATCH_SECONDS;
        done->ended = gone;
        d->left += !gone;
        d->ended += l->processes;
        // What stays was said the first time; that the last is gone which had stayed, is to be
        // said as well.
        if (l->processes || !gone || done->survived || (!again && (l->spared || facts->observe)))
            report(d, l, facts, gone);
        else
            json_decref(l->spared);
        done->survived = !gone;
    }
    // A verifier that hangs takes one wait of a look, not one for each leaver: the next lock may
    // be there already. The next look tries again.
    for (size_t i = 0; i < g->n && !facts->observe; i++)
        if (!d->done[g->slot[i]].uncached &&
            drop_cache(g->leaver[i].target.uid, &d->done[g->slot[i]]) == -ETIMEDOUT)
            break;
}

static void judge_everybody(struct duty *d, const struct rollcall_board *board,
                            const struct rollcall_private *private,
                            const struct rollcall_board_facts *facts, int64_t now,
                            struct gathering *g)
{
    struct rollcall_person p;
    uint32_t cursor = 0;

    while (rollcall_private_next(private, &cursor, &p) == 0)
        judge(d, board, facts, &p, now, g);
}

// Is there something to do about a slot, or to take back?
static bool wants_judging(const struct duty *d, uint32_t slot, enum rollcall_state state)
{
    const struct done *done = slot < d->n_done ? &d->done[slot] : NULL;

    if (state < ROLLCALL_STATE_SUSPENDED)
        return done && (done->ended || done->destroyed);
    return !done || !done->ended || boot_seconds() < done->watch_until ||
           (state == ROLLCALL_STATE_PURGED && !done->destroyed);
}

// A glance at each word: the person's record is read only where there is something to do.
static void judge_words(struct duty *d, const struct rollcall_board *board,
                        const struct rollcall_private *private,
                        const struct rollcall_board_facts *facts, int64_t now, struct gathering *g)
{
    struct rollcall_person p;

    for (uint32_t slot = 0; slot < facts->slots; slot++)
        if (wants_judging(d, slot, rollcall_board_glance(board, slot)) &&
            rollcall_private_by_slot(private, slot, &p) == 0)
            judge(d, board, facts, &p, now, g);
}

static void judge_dates(struct duty *d, const struct rollcall_board *board,
                        const struct rollcall_private *private,
                        const struct rollcall_board_facts *facts, int64_t now, struct gathering *g)
{
    struct rollcall_person p;
    uint32_t cursor = 0;

    while (rollcall_private_dated(private, d->looked - 1, now, &cursor, &p) == 0)
        if (!listed(g, p.slot))
            judge(d, board, facts, &p, now, g);
}

static void look_with(struct duty *d, const struct rollcall_board *board,
                      const struct rollcall_private *private)
{
    struct rollcall_board_facts facts;
    struct gathering g = {0};
    int64_t now = time(NULL);
    bool full = now < d->looked || boot_seconds() - d->looked_full >= FULL_SECONDS;

    rollcall_board_facts(board, &facts);
    // A new board is a syncd that started: everybody is looked at again.
    if (memcmp(d->board_id, facts.board_id, 16) != 0) {
        memcpy(d->board_id, facts.board_id, 16);
        if (d->done)
            memset(d->done, 0, d->n_done * sizeof(*d->done));
        full = true;
    }
    if (full) {
        judge_everybody(d, board, private, &facts, now, &g);
        d->looked_full = boot_seconds();
    } else {
        judge_words(d, board, private, &facts, now, &g);
        judge_dates(d, board, private, &facts, now, &g);
    }
    d->looked = now;
    d->left = 0;
    if (g.n)
        end_sessions(d, &g, &facts);
    d->next_date = rollcall_private_next_date(private, now);
    free(g.leaver);
    free(g.slot);
}

void duty_look(struct duty *d)
{
    struct rollcall_board *board = NULL;
    struct rollcall_private *private = NULL;
    int r = rollcall_board_open(ROLLCALL_BOARD, &board);

    if (r == 0)
        r = rollcall_private_open(ROLLCALL_PRIVATE, &private);
    if (r == 0)
        look_with(d, board, private);
    else
        d->next_date = ROLLCALL_TIME_UNSET;
    d->unreadable = r < 0;
    rollcall_private_close(private);
    rollcall_board_close(board);
    cache_watch_look(&d->watch);
}

int64_t duty_next_date(const struct duty *d)
{
    return d->next_date;
}

json_t *duty_dry_run(struct duty *d, uint32_t uid)
{
    struct rollcall_private *private = NULL;
    struct rollcall_board *board = NULL;
    struct rollcall_board_facts facts;
    struct rollcall_person p;
    struct target t = {.uid = uid};
    json_t *ends, *stays;
    int r = rollcall_board_open(ROLLCALL_BOARD, &board);

    if (r == 0)
        r = rollcall_board_facts(board, &facts);
    rollcall_board_close(board);
    if (r == 0)
        r = rollcall_private_open(ROLLCALL_PRIVATE, &private);
    if (r == 0)
        r = rollcall_private_by_uid(private, uid, &p);
    if (r == 0 && !subordinate_range(p.name, uid, &t.sub_start, &t.sub_count))
        t.sub_count = 0;
    rollcall_private_close(private);
    if (r < 0)
        return json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "unknown-user", "hint",
                         "no account of ours has this uid");
    t.id_min = facts.id_min;
    t.id_max = facts.id_max;
    sweep_dry_run(&t, d->kill_services, &ends, &stays);
    return json_pack("{s:b, s:I, s:I, s:o, s:o}", "ok", 1, "uid", (json_int_t)uid, "sessions",
                     (json_int_t)json_array_size(ends), "ends", ends, "stays", stays);
}

json_t *duty_status(const struct duty *d)
{
    char id[33];
    json_t *o;

    for (int i = 0; i < 16; i++)
        snprintf(id + 2 * i, 3, "%02x", d->board_id[i]);
    o = json_pack("{s:b, s:s, s:I, s:I, s:I, s:[]}", "ok", 1, "board_id", id, "sweeps",
                  (json_int_t)d->sweeps, "ended", (json_int_t)d->ended, "last_sweep",
                  (json_int_t)d->last_sweep, "problems");
    if (d->unreadable)
        json_array_append_new(json_object_get(o, "problems"),
                              json_string("the cache cannot be read: nothing is ended"));
    cache_watch_problems(&d->watch, json_object_get(o, "problems"));
    return o;
}

int duty_left(const struct duty *d)
{
    return d->unreadable ? -1 : d->left;
}
