// SPDX-License-Identifier: BSD-2-Clause
// A company of any size, and a walk over what readers can reach.
#include "tests/unit/cache_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/cache_map.h"

const uint8_t fixture_ledger[16] = "ledger of a test";

struct feeding {
    uint32_t at, people, groups;
    char name[33], home[64], gecos[256], key[200];
    const char *keys[2];
    uint32_t positions[1];
    gid_t local[1];
};

static void person(struct feeding *f)
{
    snprintf(f->name, sizeof(f->name), "p%u", f->at);
    snprintf(f->home, sizeof(f->home), f->at % 3 ? "/home/p%u" : "/srv/people/%u", f->at);
    if (f->at % 5)
        snprintf(f->gecos, sizeof(f->gecos), "Person %u", f->at);
    else
        snprintf(f->gecos, sizeof(f->gecos), "Person %u with a name that fills more than a record",
                 f->at);
}

static int next_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct feeding *f = ctx;

    if (f->at == f->people)
        return 0;
    person(f);
    f->local[0] = 27;
    *ret = (struct rollcall_snapshot_account){.slot = f->at,
                                              .uid = FIXTURE_FIRST + f->at,
                                              .gid = FIXTURE_FIRST + f->at,
                                              .name = f->name,
                                              .gecos = f->gecos,
                                              .home = f->home,
                                              .shell = f->at % 2 ? "/bin/bash" : "/bin/sh",
                                              .groups = f->positions,
                                              .n_groups = 1,
                                              .local_gids = f->local,
                                              .n_local = f->at % 2 ? 0 : 1};
    f->at++;
    return 1;
}

static int next_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    struct feeding *f = ctx;

    if (f->groups++ > 0)
        return 0;
    *ret = (struct rollcall_snapshot_group){.gid = FIXTURE_STAFF, .name = "engineers"};
    return 1;
}

int fixture_accounts(const char *path, uint32_t people, uint64_t generation, bool observe)
{
    struct feeding f = {.people = people};
    struct rollcall_snapshot_feed feed = {.next_account = next_account,
                                          .next_group = next_group,
                                          .ctx = &f,
                                          .slots = people,
                                          .generation = generation,
                                          .id_min = ROLLCALL_ID_DEFAULT_MIN,
                                          .id_max = ROLLCALL_ID_DEFAULT_MAX,
                                          .observe = observe};

    memcpy(feed.ledger_id, fixture_ledger, 16);
    return rollcall_snapshot_write(path, &feed);
}

static int next_person(void *ctx, struct rollcall_person *ret)
{
    struct feeding *f = ctx;

    if (f->at == f->people)
        return 0;
    person(f);
    *ret = (struct rollcall_person){.slot = f->at,
                                    .uid = FIXTURE_FIRST + f->at,
                                    .gid = FIXTURE_FIRST + f->at,
                                    .name = f->name,
                                    // p1 was p2 once: the name is another's now
                                    .former_name = f->at == 1   ? "p2"
                                                   : f->at == 3 ? "old"
                                                                : "",
                                    .display_name = f->gecos,
                                    .employee_number = "1",
                                    .immutable_id = "hr:1",
                                    .home = f->home,
                                    .shell = "/bin/sh",
                                    .dn = f->at % 2 ? "uid=p,ou=people,dc=example,dc=com" : "",
                                    .state = ROLLCALL_STATE_ACTIVE,
                                    .reason = ROLLCALL_REASON_EMPLOYED,
                                    .not_before = ROLLCALL_TIME_UNSET,
                                    .not_after =
                                        f->at % 2 ? 1000 - (int64_t)f->at : ROLLCALL_TIME_UNSET,
                                    .hr_time = ROLLCALL_TIME_UNSET};
    f->at++;
    return 1;
}

int fixture_private(const char *path, uint32_t people)
{
    struct feeding f = {.people = people};
    struct rollcall_private_feed feed = {.next_person = next_person, .ctx = &f, .generation = 1};

    memcpy(feed.ledger_id, fixture_ledger, 16);
    return rollcall_private_write(path, &feed, getgid());
}

static int next_keys(void *ctx, struct rollcall_keys_account *ret)
{
    struct feeding *f = ctx;

    if (f->at == f->people)
        return 0;
    person(f);
    snprintf(f->key, sizeof(f->key),
             "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeyOfPerson%06uxxxxxxxxxxxxxxxxxxxxxxxxx p%u",
             f->at, f->at);
    f->keys[0] = f->key;
    f->keys[1] = f->key;
    *ret = (struct rollcall_keys_account){.slot = f->at,
                                          .uid = FIXTURE_FIRST + f->at,
                                          .name = f->name,
                                          .keys = f->keys,
                                          .n_keys = f->at % 3};
    f->at++;
    return 1;
}

int fixture_keys(const char *path, uint32_t people)
{
    return fixture_keys_of(path, people, fixture_ledger);
}

int fixture_keys_of(const char *path, uint32_t people, const uint8_t ledger_id[16])
{
    struct feeding f = {.people = people};
    struct rollcall_keys_feed feed = {
        .next_account = next_keys, .ctx = &f, .slots = people, .generation = 1};

    memcpy(feed.ledger_id, ledger_id, 16);
    return rollcall_keys_write(path, &feed, getgid());
}

static int fill(void *ctx, struct rollcall_board_writer *w)
{
    const struct feeding *f = ctx;
    struct rollcall_lease lease = {.as_of = 1000, .length = 3600, .source = "hr"};

    for (uint32_t i = 0; i < f->people; i++) {
        struct rollcall_word word = {.state = ROLLCALL_STATE_ACTIVE,
                                     .flags = ROLLCALL_FLAG_ALLOWED_HERE,
                                     .uid = FIXTURE_FIRST + i};
        int r = rollcall_board_store(w, i, &word);
        if (r < 0)
            return r;
    }
    rollcall_board_set_generation(w, f->at);
    return rollcall_board_set_lease(w, 0, &lease);
}

int fixture_board(const char *path, uint32_t people, uint64_t generation,
                  struct rollcall_board_writer **ret)
{
    struct feeding f = {.people = people, .at = (uint32_t)generation};
    struct rollcall_board_writer *w = NULL;
    int r = rollcall_board_create(path, people, fixture_ledger, ROLLCALL_ID_DEFAULT_MIN,
                                  ROLLCALL_ID_DEFAULT_MAX, false, fill, &f, &w);

    if (r < 0)
        return r;
    if (ret)
        *ret = w;
    else
        rollcall_board_writer_close(w);
    return 0;
}

// ---- walks ----

static volatile unsigned char touched;

static void touch(const char *p, size_t len)
{
    for (size_t i = 0; p && i < len; i++)
        touched ^= (unsigned char)p[i];
}

int fixture_walk_accounts(const char *path)
{
    struct rc_account_record a;
    struct rc_group_record g;
    struct rc_map m;
    uint32_t slot;
    int good = 0, r;

    r = rc_map_open(path, ROLLCALL_MAGIC_ACCOUNTS, sizeof(a), &m);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < m.head->slots && i < 4096; i++) {
        char name[33];
        int n = snprintf(name, sizeof(name), "p%u", i);
        if (rc_account_at(&m, i, &a)) {
            touch(rc_pool(&m, a.pool, a.home_len), a.home_len);
            touch((const char *)((const uint32_t *)rc_section(&m, RC_MSHIPS) + a.mship),
                  4 * (a.n_groups + (size_t)a.n_local));
        }
        good += rc_account_by_name(&m, name, (size_t)n, &slot, &a) && slot == i;
        good += rc_account_by_uid(&m, FIXTURE_FIRST + i, &slot, &a) && slot == i;
    }
    for (uint32_t i = 0; i < m.head->groups && i < 4096; i++)
        if (rc_group_at(&m, i, &g))
            touch((const char *)rc_group_list(&m, &g),
                  g.n_members ? (size_t)g.n_members + g.members_len : 0);
    good += rc_group_by_name(&m, "engineers", 9, &g);
    good += rc_group_by_gid(&m, FIXTURE_STAFF, &g);
    (void)rc_account_by_name(&m, "nobody-here", 11, &slot, &a);
    rc_map_close(&m);
    return good;
}

int fixture_walk_private(const char *path)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person person;
    uint32_t cursor = 0;
    int good = 0, r = rollcall_private_open(path, &p);

    if (r < 0)
        return r;
    for (int i = 0; i < 4096 && rollcall_private_next(p, &cursor, &person) == 0; i++) {
        struct rollcall_person found;
        touch(person.shell, strlen(person.shell));
        touch(person.dn, strlen(person.dn));
        good += rollcall_private_by_name(p, person.name, &found) == 0 && found.slot == person.slot;
        good += rollcall_private_by_uid(p, person.uid, &found) == 0 && found.slot == person.slot;
    }
    (void)rollcall_private_by_name(p, "nobody-here", &person);
    (void)rollcall_private_next_date(p, 0);
    rollcall_private_close(p);
    return good;
}

static int see(void *ctx, const char *key, size_t len)
{
    touch(key, len);
    ++*(int *)ctx;
    return 0;
}

int fixture_walk_keys(const char *path)
{
    struct rollcall_keys *k = NULL;
    int good = 0, r = rollcall_keys_open(path, &k);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < 64; i++) {
        char name[33];
        uint32_t slot;
        uid_t uid;
        snprintf(name, sizeof(name), "p%u", i);
        (void)rollcall_keys_by_name(k, name, &slot, &uid, see, &good);
    }
    rollcall_keys_close(k);
    return good;
}

int fixture_walk_board(const char *path)
{
    struct rollcall_board_facts facts;
    struct rollcall_board *b = NULL;
    struct rollcall_word word;
    int good = 0, r = rollcall_board_open(path, &b);

    if (r < 0)
        return r;
    rollcall_board_facts(b, &facts);
    for (uint32_t i = 0; i < 4096; i++)
        good += rollcall_board_read(b, i, FIXTURE_FIRST + i, &word) == 0;
    rollcall_board_close(b);
    return good;
}
