// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/fuzz_nss_seed.h"

#include <string.h>

#include "rollcall/cache_writer.h"
#include "tests/fuzz/cache_shape.h"
#include "tests/unit/scratch.h"

#define PEOPLE 6u
#define GROUPS 2u
#define FORMER 2u

static const uint8_t ledger[16] = "ledger of a test";

struct feeding {
    uint32_t people, groups, former, positions[GROUPS];
    char name[16], home[32], gecos[96];
    gid_t local;
};

static int next_group(void *ctx, struct rollcall_snapshot_group *ret)
{
    static const char *const names[GROUPS] = {"engineers", "designers"};
    struct feeding *f = ctx;

    if (f->groups == GROUPS)
        return 0;
    *ret =
        (struct rollcall_snapshot_group){.gid = SEED_STAFF + f->groups, .name = names[f->groups]};
    f->groups++;
    return 1;
}

static int next_account(void *ctx, struct rollcall_snapshot_account *ret)
{
    struct feeding *f = ctx;
    uint32_t i = f->people++;

    if (i == PEOPLE)
        return 0;
    snprintf(f->name, sizeof(f->name), i == 4 ? "p4-longer-name" : "p%u", i);
    snprintf(f->home, sizeof(f->home), i == 2 ? "/srv/%s" : "/home/%s", f->name);
    snprintf(f->gecos, sizeof(f->gecos), "Person %u%s", i,
             i == 1 ? " with a name that fills more than a record" : "");
    f->local = 27;
    f->positions[0] = 0;
    f->positions[1] = 1;
    *ret = (struct rollcall_snapshot_account){.slot = i,
                                              .uid = SEED_STAFF + 100 + i,
                                              .gid = SEED_STAFF + 100 + i,
                                              .name = f->name,
                                              .gecos = f->gecos,
                                              .home = f->home,
                                              .shell = i % 2 ? "/bin/bash" : "/bin/sh",
                                              .groups = f->positions,
                                              .n_groups = i % 3,
                                              .local_gids = &f->local,
                                              .n_local = i == 3};
    return 1;
}

static int next_former(void *ctx, struct rollcall_snapshot_former *ret)
{
    static const char *const names[FORMER] = {"old-name", "older-name"};
    struct feeding *f = ctx;

    if (f->former == FORMER)
        return 0;
    *ret = (struct rollcall_snapshot_former){.slot = f->former, .name = names[f->former]};
    f->former++;
    return 1;
}

static int fill(void *ctx, struct rollcall_board_writer *w)
{
    (void)ctx;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct rollcall_word word = {.state =
                                         i == 5 ? ROLLCALL_STATE_LOCKED : ROLLCALL_STATE_ACTIVE,
                                     .flags = ROLLCALL_FLAG_ALLOWED_HERE,
                                     .uid = SEED_STAFF + 100 + i};
        int r = rollcall_board_store(w, i, &word);
        if (r < 0)
            return r;
    }
    return rollcall_board_set_generation(w, 1);
}

// What a seed asks: every call, by everybody's name, with room and without; then the same
// while files are replaced, words stored, seconds go by and calls fail.
static void plan(unsigned number, struct seed_plan *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < 24; i++) {
        unsigned kind = number % 2 ? (i % 3 ? i % 8 : 8 + (i / 3 + number) % 7) : i % 8;
        unsigned how = number == 2 ? i : number % 2 ? i % 4 : i / 8;
        ret->acts[i][0] = (uint8_t)(kind + 15 * how);
        ret->acts[i][1] = (uint8_t)(i * 7 + number + (i > 20 ? 160 : 0));
    }
    ret->leave = number & 4 ? AMONG_THREADS : 0;
    if (number > 5)
        ret->faults[number % sizeof(ret->faults)] = (uint8_t)(number * 13);
}

static size_t join(const struct seed_plan *p, const char *accounts, const char *board,
                   unsigned char *ret)
{
    size_t len, at = sizeof(*p), board_len;
    unsigned char *data = scratch_read(accounts, &len), *words = scratch_read(board, &board_len);
    uint16_t len16 = (uint16_t)len;

    memcpy(ret, p, sizeof(*p));
    memcpy(ret + at, &len16, 2);
    memcpy(ret + at + 2, data, len);
    at += 2 + len;
    // The writer rounds the board up; a few words do here.
    at += shape_fold_board(words, RC_BOARD_HEAD + 8 * (PEOPLE + 2), ret + at);
    free(words);
    free(data);
    return at;
}

static void write_files(const char *accounts, const char *board, unsigned number)
{
    struct feeding f = {0};
    struct rollcall_snapshot_feed feed = {.next_group = next_group,
                                          .next_account = next_account,
                                          .next_former = number % 4 == 1 ? NULL : next_former,
                                          .ctx = &f,
                                          .slots = PEOPLE,
                                          .generation = 1,
                                          .id_min = ROLLCALL_ID_DEFAULT_MIN,
                                          .id_max = ROLLCALL_ID_DEFAULT_MAX,
                                          .observe = number == 3,
                                          .hide_locked = number > 4};
    struct rollcall_board_writer *w = NULL;

    memcpy(feed.ledger_id, ledger, 16);
    if (rollcall_snapshot_write(accounts, &feed) < 0 ||
        rollcall_board_create(board, PEOPLE, ledger, feed.id_min, feed.id_max, feed.observe, fill,
                              NULL, &w) < 0)
        abort();
    rollcall_board_writer_close(w);
}

void seed_nss(const char *corpus, void (*run)(const unsigned char *data, size_t len))
{
    static unsigned char input[SEED_ROOM];
    char folder[] = "/tmp/rollcall-fuzz-XXXXXX", accounts[64], board[64], path[4200];
    struct seed_plan p;

    if (!mkdtemp(folder))
        abort();
    snprintf(accounts, sizeof(accounts), "%s/accounts", folder);
    snprintf(board, sizeof(board), "%s/board", folder);
    for (unsigned i = 0; i < 8; i++) {
        size_t len;
        write_files(accounts, board, i);
        plan(i, &p);
        len = join(&p, accounts, board, input);
        run(input, len);
        snprintf(path, sizeof(path), "%s/seed-%u", corpus ? corpus : "", i);
        if (corpus)
            scratch_write(path, input, len);
    }
    remove(accounts);
    remove(board);
    remove(folder);
}
