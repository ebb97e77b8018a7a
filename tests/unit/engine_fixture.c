// SPDX-License-Identifier: BSD-2-Clause
// The engine's core in a folder of its own; see the header.
#include "tests/unit/engine_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rollcall/account.h"
#include "tests/unit/hr_source.h"

static void on_audit(void *ctx, const json_t *record)
{
    struct engine *e = ctx;

    json_array_append_new(e->audit, json_deep_copy(record));
}

static void on_ring(void *ctx)
{
    ((struct engine *)ctx)->rings++;
}

static void open_core(struct engine *e)
{
    const struct engine_hooks hooks = {.audit = on_audit, .ring = on_ring, .ctx = e};

    assert_int_equal(engine_core_open(&e->config, &e->paths, &hooks, e->now, &e->core), 0);
}

void engine_add_source(struct engine *e, const char *name, unsigned role)
{
    struct rollcall_source_config *s = &e->config.source[e->config.n_sources++];

    *s = (struct rollcall_source_config){
        .name = strdup(name), .type = strdup("csv"), .role = role, .lease = 10 * DAY};
}

static const char *in_dir(struct engine *e, int i, const char *name)
{
    snprintf(e->path[i], sizeof(e->path[i]), "%s/%s", e->dir, name);
    return e->path[i];
}

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    assert_true(fd >= 0);
    close(fd);
}

int engine_setup(void **state)
{
    struct engine *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    e->now = START;
    e->audit = json_array();
    snprintf(e->dir, sizeof(e->dir), "%s/rollcall-core-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(e->dir));
    e->paths = (struct engine_paths){
        .state_db = in_dir(e, 0, "state.db"),
        .journal = in_dir(e, 1, "locks"),
        .ledger = in_dir(e, 2, "ids"),
        .board = in_dir(e, 3, "board"),
        .accounts = in_dir(e, 4, "accounts"),
        .private_ = in_dir(e, 5, "private"),
        .keys = in_dir(e, 6, "keys"),
        .passwd = in_dir(e, 7, "passwd"),
        .group = in_dir(e, 8, "group"),
        .uid_map = in_dir(e, 9, "uid-map"),
        .verifier_gid = getgid(),
        .keys_gid = getgid(),
    };
    touch(e->paths.passwd);
    touch(e->paths.group);
    e->config.id_min = ROLLCALL_ID_DEFAULT_MIN;
    e->config.id_max = ROLLCALL_ID_DEFAULT_MIN + 1000000;
    e->config.lease = 3 * DAY;
    e->config.enumerate = true;
    e->config.breaker_window = DAY;
    e->config.breaker_inferred_count = 3;
    e->config.breaker_explicit_count = 4;
    e->config.has_allow_groups = true;
    e->config.allow_groups.item[0] = strdup("linux-users");
    e->config.allow_groups.n = 1;
    engine_add_source(e, "hr", ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY);
    open_core(e);
    *state = e;
    return 0;
}

static void remove_dir(const char *path)
{
    DIR *d = opendir(path);

    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));)
        if (f->d_name[0] != '.')
            unlinkat(dirfd(d), f->d_name, 0);
    closedir(d);
    rmdir(path);
}

int engine_teardown(void **state)
{
    struct engine *e = *state;

    engine_core_close(e->core);
    remove_dir(e->dir);
    json_decref(e->audit);
    for (size_t i = 0; i < e->config.n_sources; i++) {
        free(e->config.source[i].name);
        free(e->config.source[i].type);
    }
    free(e->config.allow_groups.item[0]);
    free(e);
    return 0;
}

void engine_reopen(struct engine *e)
{
    e->core = engine_core_close(e->core);
    open_core(e);
}

void engine_lose_state(struct engine *e)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[128];

    e->core = engine_core_close(e->core);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s%s", e->paths.state_db, tails[i]);
        unlink(path);
    }
    open_core(e);
}

struct rollcall_user_record row(const char *number, const char *name)
{
    return employee(number, name);
}

void crowd(struct rollcall_user_record *rows, size_t n)
{
    static char number[256][24], name[256][24];

    assert_true(n <= 256);
    for (size_t i = 0; i < n; i++) {
        snprintf(number[i], sizeof(number[i]), "%zu", 1000 + i);
        snprintf(name[i], sizeof(name[i]), "p%zu", i);
        rows[i] = row(number[i], name[i]);
    }
}

static int send(struct engine *e, const char *source, const struct rollcall_message *m)
{
    return engine_core_message(e->core, source, m, e->now);
}

int begin(struct engine *e, const char *source, bool full, int64_t as_of)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_BEGIN, .full = full, .as_of = as_of, .version = "v"};

    return send(e, source, &m);
}

void say_row(struct engine *e, const char *source, const struct rollcall_user_record *u)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_USER, .user = *u};

    assert_int_equal(send(e, source, &m), 0);
}

void say_broken(struct engine *e, const char *source, const char *number, bool terminated)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_PROBLEM,
                                       .id = number,
                                       .text = "the row cannot be read",
                                       .where = "people.csv:7",
                                       .says_terminated = terminated};

    assert_int_equal(send(e, source, &m), 0);
}

void say_gone(struct engine *e, const char *source, const char *id)
{
    const struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_GONE, .id = id};

    assert_int_equal(send(e, source, &m), 0);
}

int commit(struct engine *e, const char *source, uint64_t rows)
{
    const struct rollcall_message m = {
        .kind = ROLLCALL_MESSAGE_COMMIT, .cursor = "c", .rows = rows};

    return send(e, source, &m);
}

void listing(struct engine *e, const struct rollcall_user_record *rows, size_t n)
{
    e->now++;
    assert_int_equal(begin(e, "hr", true, e->now), 0);
    for (size_t i = 0; i < n; i++)
        say_row(e, "hr", &rows[i]);
    assert_int_equal(commit(e, "hr", n), 0);
}

void say_alone(struct engine *e, const char *source, const struct rollcall_user_record *u)
{
    assert_int_equal(begin(e, source, false, e->now), 0);
    say_row(e, source, u);
    assert_int_equal(commit(e, source, 1), 0);
}

void tick(struct engine *e, int64_t now)
{
    e->now = now;
    assert_int_equal(engine_core_tick(e->core, now), 0);
}

static int64_t slot_of(struct engine *e, const char *name)
{
    return store_number(&e->core->store, -1, "SELECT slot FROM person WHERE name = ?", "s", name);
}

static struct rollcall_word word_of(struct engine *e, const char *name)
{
    struct rollcall_word stored, board;
    int64_t slot = slot_of(e, name);

    if (slot < 0)
        return (struct rollcall_word){0};
    assert_int_equal(person_word(e->core, (uint32_t)slot, &stored), 0);
    assert_int_equal(rollcall_board_get(e->core->board, (uint32_t)slot, &board), 0);
    assert_int_equal(board.state, stored.state);
    assert_int_equal(board.flags, stored.flags);
    assert_int_equal(board.uid, stored.uid);
    return board;
}

enum rollcall_state state_of(struct engine *e, const char *name)
{
    return word_of(e, name).state;
}

uint8_t flags_of_person(struct engine *e, const char *name)
{
    return word_of(e, name).flags;
}

int64_t uid_of(struct engine *e, const char *name)
{
    return word_of(e, name).uid;
}

const char *reason_of(struct engine *e, const char *name)
{
    return rollcall_reason_name((enum rollcall_reason)store_number(
        &e->core->store, 0, "SELECT reason FROM person WHERE name = ?", "s", name));
}

static bool is(const json_t *record, const char *key, const char *value)
{
    const char *s = json_string_value(json_object_get(record, key));

    return s && strcmp(s, value) == 0;
}

size_t audited(const struct engine *e, const char *event, const char *id)
{
    size_t n = 0, i;
    json_t *o;

    json_array_foreach(e->audit, i, o) n += is(o, "event", event) && (!id || is(o, "id", id));
    return n;
}

bool audited_why(const struct engine *e, const char *event, const char *text)
{
    size_t i;
    json_t *o;

    json_array_foreach(e->audit, i, o)
    {
        const char *why = json_string_value(json_object_get(o, "why"));
        if (is(o, "event", event) && why && strstr(why, text))
            return true;
    }
    return false;
}

void engine_forget(struct engine *e)
{
    json_array_clear(e->audit);
    e->rings = 0;
}

const char *the_hold(struct engine *e, char buf[24])
{
    int64_t id = store_number(&e->core->store, -1, "SELECT id FROM hold", "");

    snprintf(buf, 24, "%lld", (long long)id);
    return id < 0 ? "" : buf;
}
