// SPDX-License-Identifier: BSD-2-Clause
// Alice, Bob, Carol and Dave.
#include "tests/unit/four_people.h"

#include <string.h>
#include <unistd.h>

#include "rollcall/account.h"
#include "rollcall/cache_writer.h"

#define FIRST (ROLLCALL_ID_DEFAULT_MIN + 100)

static const struct {
    const char *name, *former;
    enum rollcall_state state;
    enum rollcall_reason reason;
    uint8_t flags;
} people[] = {
    {"alice", "", ROLLCALL_STATE_ACTIVE, ROLLCALL_REASON_EMPLOYED, ROLLCALL_FLAG_ALLOWED_HERE},
    {"bob", "", ROLLCALL_STATE_ACTIVE, ROLLCALL_REASON_EMPLOYED, ROLLCALL_FLAG_ALLOWED_HERE},
    {"carol", "carola", ROLLCALL_STATE_ACTIVE, ROLLCALL_REASON_EMPLOYED, 0},
    {"dave", "", ROLLCALL_STATE_LOCKED, ROLLCALL_REASON_ADMIN_LOCK, ROLLCALL_FLAG_ALLOWED_HERE},
};
#define N_PEOPLE (sizeof(people) / sizeof(people[0]))

struct feeding {
    unsigned fed;
    int64_t now;
};

static int next_person(void *ctx, struct rollcall_person *ret)
{
    struct feeding *f = ctx;
    unsigned i = f->fed;

    if (i == N_PEOPLE)
        return 0;
    *ret = (struct rollcall_person){
        .slot = i,
        .uid = FIRST + i,
        .gid = FIRST + i,
        .name = people[i].name,
        .former_name = people[i].former,
        .display_name = "Somebody \033[2J",
        .employee_number = "1001",
        .immutable_id = "hr:1001",
        .home = "/home/x",
        .shell = "/bin/bash",
        .dn = "",
        .state = people[i].state,
        .reason = people[i].reason,
        .since = f->now - 1000,
        .not_before = ROLLCALL_TIME_UNSET,
        .not_after = strcmp(people[i].name, "bob") == 0 ? f->now : ROLLCALL_TIME_UNSET,
        .hr_time = ROLLCALL_TIME_UNSET,
        .received = f->now - 1000,
        .flags = people[i].flags,
    };
    f->fed++;
    return 1;
}

static int fill(void *ctx, struct rollcall_board_writer *w)
{
    const struct feeding *f = ctx;
    struct rollcall_lease lease = {.as_of = f->now - 60, .length = 3600, .source = "hr"};

    for (unsigned i = 0; i < N_PEOPLE; i++) {
        struct rollcall_word word = {
            .state = people[i].state, .flags = people[i].flags, .uid = FIRST + i};
        int r = rollcall_board_store(w, i, &word);
        if (r < 0)
            return r;
    }
    rollcall_board_set_generation(w, 7);
    return rollcall_board_set_lease(w, 0, &lease);
}

int four_people_write(const char *board, const char *private_, int64_t now)
{
    static const uint8_t ledger[16] = "ledger of a test";
    struct feeding f = {.now = now};
    struct rollcall_board_writer *w = NULL;
    struct rollcall_private_feed feed = {.next_person = next_person, .ctx = &f, .generation = 7};
    int r;

    memcpy(feed.ledger_id, ledger, 16);
    r = rollcall_board_create(board, N_PEOPLE, ledger, ROLLCALL_ID_DEFAULT_MIN,
                              ROLLCALL_ID_DEFAULT_MAX, false, fill, &f, &w);
    if (r < 0)
        return r;
    rollcall_board_writer_close(w);
    return rollcall_private_write(private_, &feed, getgid());
}
