// SPDX-License-Identifier: BSD-2-Clause
// members [MEMBERS]: what a change in a large group costs, from the source's words to the
// board, and the public file apart. Half as many people again are in the company; the
// group is in another, and that one in linux-users. Works in the current folder; decides nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "syncd/engine/core_internal.h"
#include "tests/bench/measured.h"

#define TIMES 21

static struct engine_core *core;
static int64_t now = 1800000000;
static unsigned steps;

// ---- the source's words ----

static void say(const struct rollcall_message *m)
{
    must(engine_core_message(core, "ad", m, now), "a message");
}

static void begin(bool difference)
{
    say(&(struct rollcall_message){.kind = ROLLCALL_MESSAGE_BEGIN,
                                   .full = true,
                                   .as_of = ++now,
                                   .since = difference ? "c" : NULL});
}

static void commit(uint64_t rows)
{
    say(&(struct rollcall_message){.kind = ROLLCALL_MESSAGE_COMMIT, .cursor = "c", .rows = rows});
}

static void say_person(unsigned i)
{
    char number[24], name[24], dn[80];
    const char *alias = dn;
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_USER};

    snprintf(number, sizeof(number), "%u", i);
    snprintf(name, sizeof(name), "p%u", i);
    snprintf(dn, sizeof(dn), "uid=p%u,ou=people,dc=example,dc=com", i);
    m.user = (struct rollcall_user_record){.id = number,
                                           .employee_number = number,
                                           .user_name = name,
                                           .status = ROLLCALL_STATUS_ACTIVE,
                                           .start = ROLLCALL_TIME_UNSET,
                                           .end = ROLLCALL_TIME_UNSET,
                                           .terminated_at = ROLLCALL_TIME_UNSET,
                                           .has_uid = true,
                                           .uid = ROLLCALL_ID_DEFAULT_MIN + 1 + i,
                                           .aliases = {&alias, 1},
                                           .dn = dn};
    say(&m);
}

// The list anew, in lines of 1000; without one of them, or whole.
static void say_list(unsigned members, unsigned without)
{
    static char dn[1000][80];
    static const char *line[1000];

    for (unsigned at = 0; at < members;) {
        size_t n = 0;
        for (; n < 1000 && at < members; at++) {
            if (at == without)
                continue;
            snprintf(dn[n], sizeof(dn[n]), "uid=p%u,ou=people,dc=example,dc=com", at);
            line[n] = dn[n];
            n++;
        }
        say(&(struct rollcall_message){.kind = ROLLCALL_MESSAGE_MEMBERS,
                                       .group_id = "large",
                                       .values_present = true,
                                       .more = at < members,
                                       .values = {line, n}});
    }
}

static void say_inside(const char *child, const char *parent)
{
    say(&(struct rollcall_message){.kind = ROLLCALL_MESSAGE_GROUP,
                                   .group_id = child,
                                   .group_name = child,
                                   .parents_present = true,
                                   .parents = {&parent, parent != NULL}});
}

// ---- measuring ----

static void one_member(unsigned members)
{
    char dn[80];
    const char *one = dn;
    struct rollcall_message m = {.kind = ROLLCALL_MESSAGE_MEMBERS, .group_id = "large"};

    snprintf(dn, sizeof(dn), "uid=p%u,ou=people,dc=example,dc=com", steps / 2 % members);
    if (steps % 2)
        m.add = (struct rollcall_strings){&one, 1};
    else
        m.remove = (struct rollcall_strings){&one, 1};
    say(&m);
}

static void list_again(unsigned members)
{
    say_list(members, steps % 2 ? members : steps);
}

static void edge(unsigned members)
{
    (void)members;
    say_inside("middle", steps % 2 ? "linux-users" : NULL);
}

static void measure(const char *what, unsigned members, unsigned times, void (*change)(unsigned))
{
    double said[TIMES], taken[TIMES], published[TIMES], used = 0;

    for (unsigned i = 0; i < times; i++, steps++) {
        double t = wall(), c = cpu();
        begin(true);
        change(members);
        said[i] = wall() - t;
        t = wall();
        commit(0);
        taken[i] = wall() - t;
        used += cpu() - c;
        t = wall();
        must(engine_core_publish(core, now), "publish");
        published[i] = wall() - t;
    }
    qsort(said, times, sizeof(*said), compare);
    qsort(taken, times, sizeof(*taken), compare);
    qsort(published, times, sizeof(*published), compare);
    printf("  %-38s said %8.2f ms, taken %8.2f ms (CPU of both %8.2f ms), published %7.1f ms\n",
           what, said[times / 2] * 1e3, taken[times / 2] * 1e3, used / times * 1e3,
           published[times / 2] * 1e3);
}

static void first(unsigned members)
{
    unsigned people = members + members / 2;
    double t = wall(), c = cpu();

    begin(false);
    say_inside("large", "middle");
    say_inside("middle", "linux-users");
    say_list(members, members);
    for (unsigned i = 0; i < people; i++)
        say_person(i);
    commit(people);
    printf(
        "%u people, %u of them in one group that is in two others; the first listing took %.1f s "
        "(%.1f s of CPU)\n",
        people, members, wall() - t, cpu() - c);
    must(engine_core_publish(core, now), "publish");
}

int main(int argc, char **argv)
{
    static char ad[] = "ad", type[] = "exec", allowed[] = "linux-users";
    static struct rollcall_config config = {.id_min = ROLLCALL_ID_DEFAULT_MIN,
                                            .id_max = ROLLCALL_ID_DEFAULT_MAX,
                                            .enumerate = true,
                                            .has_allow_groups = true,
                                            .breaker_window = 1,
                                            .breaker_explicit_share = 10000,
                                            .n_sources = 1};
    struct engine_paths paths = paths_here();
    struct engine_hooks hooks = {0};
    unsigned long members = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000;

    if (members < 1000 || members > 1000000) {
        fprintf(stderr, "members [MEMBERS]: 1000 to 1000000, in a folder of its own\n");
        return 2;
    }
    config.allow_groups.item[config.allow_groups.n++] = allowed;
    config.source[0] =
        (struct rollcall_source_config){.name = ad,
                                        .type = type,
                                        .role = ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY,
                                        .lease = 86400};
    must(engine_core_open(&config, &paths, &hooks, now, &core), "open");
    first((unsigned)members);
    measure("one member (add or remove)", (unsigned)members, TIMES - 1, one_member);
    measure("the list again, one member other", (unsigned)members, 4, list_again);
    measure("the group leaves linux-users, or comes", (unsigned)members, 2, edge);
    engine_core_close(core);
    return 0;
}
