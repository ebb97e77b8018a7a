// SPDX-License-Identifier: BSD-2-Clause
// A company for tests of the engine's core.
#include "tests/unit/company.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "tests/unit/hr_source.h"

enum { STATE_DB, JOURNAL, LEDGER, BOARD, ACCOUNTS, PRIVATE, KEYS, PASSWD, UID_MAP };

static void on_audit(void *ctx, const json_t *record)
{
    struct company *c = ctx;

    json_array_append_new(c->audit, json_deep_copy(record));
}

static void on_ring(void *ctx)
{
    struct company *c = ctx;

    c->rings++;
}

static bool on_clock(void *ctx)
{
    struct company *c = ctx;

    return c->synchronised;
}

static void on_phase(void *ctx, const char *phase)
{
    struct company *c = ctx;

    (void)phase;
    if (++c->phases == c->die_at)
        _exit(9); // as by SIGKILL: nothing is written, nothing is closed
}

static void name_paths(struct company *c)
{
    static const char *const names[] = {"state.db", "locks.journal", "ids.ledger",
                                        "board",    "accounts",      "private",
                                        "keys",     "passwd",        "uid-map"};

    for (size_t i = 0; i < 9; i++)
        snprintf(c->path[i], sizeof(c->path[i]), "%s/%s", c->folder, names[i]);
    c->paths = (struct engine_paths){.state_db = c->path[STATE_DB],
                                     .journal = c->path[JOURNAL],
                                     .ledger = c->path[LEDGER],
                                     .board = c->path[BOARD],
                                     .accounts = c->path[ACCOUNTS],
                                     .private_ = c->path[PRIVATE],
                                     .keys = c->path[KEYS],
                                     .passwd = c->path[PASSWD],
                                     .group = c->path[PASSWD],
                                     .uid_map = c->path[UID_MAP],
                                     .verifier_gid = getgid(),
                                     .keys_gid = getgid()};
}

static void hire(struct company *c, size_t i)
{
    struct colleague *p = &c->staff[i];

    snprintf(p->number, sizeof(p->number), "%u", (unsigned)(1000 + i));
    snprintf(p->name, sizeof(p->name), "p%u", (unsigned)i);
    snprintf(p->title, sizeof(p->title), "Person %u", (unsigned)i);
    p->listed = true;
    p->row = employee(p->number, p->name);
    p->row.display_name = p->title;
}

struct colleague *company_hire(struct company *c, const char *number, const char *name)
{
    struct colleague *p = &c->staff[c->n++];

    *p = c->staff[0];
    snprintf(p->number, sizeof(p->number), "%s", number);
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->listed = true;
    p->row.id = p->row.employee_number = p->number;
    p->row.user_name = p->name;
    return p;
}

struct company *company_open(size_t n)
{
    struct company *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    assert_true(n <= COMPANY_STAFF);
    snprintf(c->folder, sizeof(c->folder), "/tmp/rollcall-company-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    name_paths(c);
    c->config = hr_alone();
    c->audit = json_array();
    c->now = COMPANY_NOW;
    c->as_of = COMPANY_NOW - 60;
    c->n = n;
    for (size_t i = 0; i < n; i++)
        hire(c, i);
    assert_int_equal(company_restart(c), 0);
    return c;
}

void company_close(struct company *c)
{
    static const char *const tails[] = {"", "-wal", "-shm", ".lost", ".delta"};
    char command[128];

    engine_core_close(c->core);
    json_decref(c->audit);
    for (size_t i = 0; i < 9; i++)
        for (size_t k = 0; k < 5; k++) {
            snprintf(command, sizeof(command), "%s%s", c->path[i], tails[k]);
            unlink(command);
        }
    for (int64_t t = COMPANY_NOW; t <= c->now; t++) { // what a loss set aside
        if (rmdir(c->folder) == 0)
            break;
        for (size_t k = 0; k < 3; k++) {
            snprintf(command, sizeof(command), "%s.lost-%lld%s", c->path[STATE_DB], (long long)t,
                     tails[k]);
            unlink(command);
        }
    }
    rmdir(c->folder);
    free(c);
}

int company_setup(void **state)
{
    *state = company_open(10);
    return 0;
}

int company_teardown(void **state)
{
    company_close(*state);
    return 0;
}

int company_restart(struct company *c)
{
    struct engine_hooks hooks = {.audit = on_audit,
                                 .ring = on_ring,
                                 .phase = on_phase,
                                 .clock_synchronised = on_clock,
                                 .ctx = c};

    company_kill(c);
    return engine_core_open(&c->config, &c->paths, &hooks, c->now, &c->core);
}

void company_kill(struct company *c)
{
    c->core = engine_core_close(c->core);
}

int company_begin(struct company *c, int64_t as_of)
{
    struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = true, .as_of = as_of, .version = "v"};

    return engine_core_message(c->core, "hr", &m, c->now);
}

int company_say(struct company *c, const struct colleague *who)
{
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_USER, .user = who->row};

    return engine_core_message(c->core, "hr", &m, c->now);
}

int company_commit(struct company *c, uint64_t rows)
{
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_COMMIT, .cursor = "cursor", .rows = rows};

    return engine_core_message(c->core, "hr", &m, c->now);
}

void company_publish(struct company *c)
{
    int r = engine_core_publish(c->core, c->now);

    if (r < 0)
        print_error("publish: %s\n", strerror(-r));
    assert_int_equal(r, 0);
}

int company_same_listing(struct company *c)
{
    uint64_t rows = 0;
    int r = company_begin(c, c->as_of);

    if (r < 0)
        return r;
    for (size_t i = 0; i < c->n; i++) {
        if (!c->staff[i].listed)
            continue;
        assert_int_equal(company_say(c, &c->staff[i]), 0);
        rows++;
    }
    r = company_commit(c, rows);
    company_publish(c);
    return r;
}

int company_listing(struct company *c)
{
    c->now += 60;
    c->as_of = c->now;
    return company_same_listing(c);
}

void company_wait(struct company *c, int64_t seconds)
{
    c->now += seconds;
    assert_int_equal(engine_core_tick(c->core, c->now), 0);
    company_publish(c);
}

struct rollcall_admission company_ask(const struct company *c, const char *name)
{
    struct rollcall_admission a;

    rollcall_admission_look_up(c->path[BOARD], c->path[PRIVATE], name, 0, c->now, &a, NULL, NULL,
                               0);
    return a;
}

enum rollcall_state company_state(const struct company *c, const char *name)
{
    return company_ask(c, name).state;
}

bool company_ends_sessions(const struct company *c, const char *name)
{
    return company_ask(c, name).ends_sessions;
}

uid_t company_uid(const struct company *c, const char *name)
{
    char buf[ROLLCALL_ADMISSION_BUF];
    struct rollcall_admission a;
    struct rollcall_person p;

    rollcall_admission_look_up(c->path[BOARD], c->path[PRIVATE], name, 0, c->now, &a, &p, buf,
                               sizeof(buf));
    return p.uid;
}

unsigned company_events(const struct company *c, const char *event)
{
    const json_t *record;
    unsigned n = 0;
    size_t i;

    json_array_foreach(c->audit, i, record) n +=
        strcmp(json_string_value(json_object_get(record, "event")), event) == 0;
    return n;
}

void company_forget(struct company *c)
{
    json_array_clear(c->audit);
    c->rings = 0;
}

const char *company_held(struct company *c, char buf[32])
{
    json_t *status = NULL, *held;

    buf[0] = 0;
    assert_int_equal(engine_core_status(c->core, c->now, &status), 0);
    held = json_object_get(status, "held");
    assert_true(json_array_size(held) <= 1);
    if (json_array_size(held) == 1)
        snprintf(buf, 32, "%s", json_string_value(json_object_get(json_array_get(held, 0), "id")));
    json_decref(status);
    return buf;
}

int company_approve(struct company *c, const char *what)
{
    json_t *answer = NULL;
    int r = engine_core_approve(c->core, what, "root", c->now, &answer);

    json_decref(answer);
    company_publish(c);
    return r;
}
