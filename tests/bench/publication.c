// SPDX-License-Identifier: BSD-2-Clause
// publication PEOPLE...: what writing the files of the cache costs, from a real state.db,
// and what a lock costs beside it. Prints figures and how they stand to the targets; decides
// nothing. Works in the current folder.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollcall/account.h"
#include "syncd/engine/core_internal.h"
#include "tests/bench/measured.h"

#define GROUPS_EACH 10
#define MEMBERS     200 // of a group
#define NOW         1800000000

static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");

    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

static long memory_kib(const char *what)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[200];
    long n = 0;

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, what, strlen(what)) == 0)
            n = strtol(line + strlen(what), NULL, 10);
    if (f)
        fclose(f);
    return n;
}

// ---- the company, put into the database ----

static void add_groups(struct store *s, uint32_t people)
{
    uint32_t groups = people * GROUPS_EACH / MEMBERS;

    for (uint32_t i = 0; i < groups; i++) {
        char name[32];
        snprintf(name, sizeof(name), "team-%u", i);
        must(store_run(s, "INSERT INTO grp(source, id, name, gid) VALUES('hr', ?, ?, ?)", "ssi",
                       name, name, (int64_t)(ROLLCALL_ID_DEFAULT_MIN + 100000000 + i)),
             "a group");
    }
}

static void add_person(struct store *s, uint32_t slot, uint32_t people)
{
    uint32_t number[GROUPS_EACH], apart = people / MEMBERS ? people / MEMBERS : 1;
    char name[32], gecos[64], key[32], home[48], id[40];

    // Ten groups apart from each other, ascending; each gets 200 members.
    for (uint32_t i = 0; i < GROUPS_EACH; i++)
        number[i] = 1 + i * apart + slot % apart;
    snprintf(name, sizeof(name), "user%07u", slot);
    snprintf(gecos, sizeof(gecos), "Person Number %u", slot);
    snprintf(key, sizeof(key), "%u", slot);
    snprintf(home, sizeof(home), "/home/%s", name);
    snprintf(id, sizeof(id), "hr:%u", slot);
    must(store_run(s,
                   "INSERT INTO person(slot, key, uid, gid, name, gecos, display_name, home, shell,"
                   " immutable_id, groups, state, reason, flags, authority, since, received)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?, '/bin/bash', ?, ?, 1, 1, 1, 0, ?, ?)",
                   "isiisssssbii", (int64_t)slot, key,
                   (int64_t)(ROLLCALL_ID_DEFAULT_MIN + 1 + slot),
                   (int64_t)(ROLLCALL_ID_DEFAULT_MIN + 1 + slot), name, gecos, gecos, home, id,
                   (const void *)number, sizeof(number), (int64_t)NOW, (int64_t)NOW),
         "a person");
}

static void fill(uint32_t people, const struct rollcall_config *config)
{
    struct store s;
    bool lost;

    must(store_open("state.db", NOW, &s, &lost), "state.db");
    must(store_exec(&s, "PRAGMA synchronous = OFF; BEGIN"), "begin");
    add_groups(&s, people);
    for (uint32_t slot = 0; slot < people; slot++)
        add_person(&s, slot, people);
    must(store_run(&s, "INSERT INTO meta VALUES('options', ?)", "i", options_hash(config)),
         "options");
    must(store_exec(&s, "COMMIT"), "commit");
    store_close(&s);
}

// ---- measuring ----

static off_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : 0;
}

static void target(const char *what, double is, double most, const char *unit)
{
    printf("  target: %-46s %9.3f %-8s at most %7.3f: %s\n", what, is, unit, most,
           is <= most ? "met" : "MISSED");
}

struct cost {
    double cpu, wall;
    double file, before, peak; // MB
};

static struct cost measure(struct engine_core *core, unsigned what, const char *path)
{
    struct cost c = {0};

    forget_peak();
    c.before = (double)memory_kib("VmRSS:") * 1024 / 1e6;
    c.cpu = cpu();
    c.wall = wall();
    must(publish_files(core, what, NOW), path);
    c.cpu = cpu() - c.cpu;
    c.wall = wall() - c.wall;
    c.peak = (double)memory_kib("VmHWM:") * 1024 / 1e6;
    c.file = (double)size_of(path) / 1e6;
    printf("  %-9s %7.1f MB: %6.0f ms CPU, %6.0f ms; memory %6.1f MB before, %6.1f MB at most "
           "(%.2f times the file, %.2f for this alone)\n",
           path, c.file, c.cpu * 1e3, c.wall * 1e3, c.before, c.peak, c.peak / c.file,
           (c.peak - c.before) / c.file);
    fflush(stdout);
    return c;
}

static void judge(const struct cost *c, const char *path, uint32_t people)
{
    char what[64];

    if (people == 100000 || people == 1000000) {
        snprintf(what, sizeof(what), "%s, CPU", path);
        target(what, c->cpu * 1e3, people == 100000 ? 200 : 2500, "ms");
    }
    snprintf(what, sizeof(what), "%s, memory for this alone", path);
    target(what, (c->peak - c->before) / c->file, 1.2, "files");
}

// ---- a lock ----

#define LOCKS 200

// The word alone, as every process's next lookup sees it; then the record alone.
static void measure_parts(struct engine_core *core, uint32_t people)
{
    static double store[LOCKS], append[LOCKS];

    for (uint32_t i = 0; i < LOCKS; i++) {
        uint32_t slot = (uint32_t)((uint64_t)i * people / LOCKS);
        struct rollcall_word word = {.state = ROLLCALL_STATE_LOCKED,
                                     .authority = ROLLCALL_AUTHORITY_NONE,
                                     .uid = ROLLCALL_ID_DEFAULT_MIN + 1 + slot};
        struct rollcall_journal_entry e = {
            .slot = slot, .uid = word.uid, .state = word.state, .at = NOW};
        double t = wall();
        must(rollcall_board_store(core->board, slot, &word), "store");
        store[i] = wall() - t;
        t = wall();
        must(rollcall_journal_append(core->journal, &e, 1), "journal");
        append[i] = wall() - t;
    }
    qsort(store, LOCKS, sizeof(*store), compare);
    qsort(append, LOCKS, sizeof(*append), compare);
    printf("  a lock's store: %.1f us median, %.1f us slowest of %d; its journal record, made "
           "durable: %.2f ms median, %.2f ms slowest\n",
           store[LOCKS / 2] * 1e6, store[LOCKS - 1] * 1e6, LOCKS, append[LOCKS / 2] * 1e3,
           append[LOCKS - 1] * 1e3);
    target("a lock's store, slowest", store[LOCKS - 1] * 1e3, 1, "ms");
    target("a lock's journal record, median", append[LOCKS / 2] * 1e3, 10, "ms");
}

static int lock_one(struct engine_core *core, struct changes *changes, void *ctx)
{
    uint32_t slot = *(uint32_t *)ctx;

    must(store_run(&core->store, "UPDATE person SET admin_lock = 1 WHERE slot = ?", "i",
                   (int64_t)slot),
         "lock");
    return person_merge(core, slot, NULL, NOW, changes);
}

static void measure_lock(struct engine_core *core, uint32_t people)
{
    double c = cpu(), w = wall();
    int n = 20;

    for (int i = 0; i < n; i++) {
        uint32_t slot = (uint32_t)i * (people / 20);
        must(effects_transaction(core, NOW, lock_one, &slot), "lock");
        must(engine_core_publish(core, NOW), "publish");
    }
    printf("  a lock and its publication: %.2f ms CPU, %.2f ms (board, journal, state.db and "
           "private.delta, each made durable)\n",
           (cpu() - c) / n * 1e3, (wall() - w) / n * 1e3);
}

static void one_size(uint32_t people)
{
    struct rollcall_config config = {
        .id_min = ROLLCALL_ID_DEFAULT_MIN, .id_max = ROLLCALL_ID_DEFAULT_MAX, .enumerate = true};
    struct engine_paths paths = paths_here();
    struct engine_hooks hooks = {0};
    struct engine_core *core;
    struct cost accounts, private;

    fill(people, &config);
    printf("%u people, %u groups of %d, %d each\n", people, people * GROUPS_EACH / MEMBERS, MEMBERS,
           GROUPS_EACH);
    must(engine_core_open(&config, &paths, &hooks, NOW, &core), "open");
    // What the database keeps in memory anyway is not publication's.
    store_number(&core->store, 0, "SELECT sum(length(name) + length(groups)) FROM person", "");
    accounts = measure(core, DIRTY_ACCOUNTS, "accounts");
    core->changed.overflow = true; // all of it, not a delta
    private = measure(core, DIRTY_PRIVATE, "private");
    core->dirty = 0;
    measure_lock(core, people);
    measure_parts(core, people);
    judge(&accounts, "accounts", people);
    judge(&private, "private", people);
    engine_core_close(core);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char folder[] = "publication.XXXXXX";
        unsigned long people = strtoul(argv[i], NULL, 10);
        if (people < 400 || people > 10000000 || !mkdtemp(folder) || chdir(folder) < 0) {
            fprintf(stderr, "publication PEOPLE...: 400 to 10000000, in a folder of its own\n");
            return 2;
        }
        one_size((uint32_t)people);
        if (chdir("..") < 0)
            return 1;
    }
    return 0;
}
