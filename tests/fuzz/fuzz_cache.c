// SPDX-License-Identifier: BSD-2-Clause
// libFuzzer over the readers of private, its delta, keys and board that PAM, verifier,
// enforcer, command and rollcall-authorized-keys use. The first byte of an input says which
// file it is, the second what is not put right, six more which calls fail; of a private file
// with a delta, two bytes say where the delta begins.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cache.h"
#include "rollcall/paths.h"
#include "tests/fuzz/cache_shape.h"
#include "tests/fuzz/memory_files.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define ROOM   32768
#define PEOPLE 5u
enum { WHICH, LEAVE, FAULTS, DELTA = FAULTS + 6, FILE_AT = DELTA + 2 };

static struct memory_file file[] = {{.path = ROLLCALL_ACCOUNTS},
                                    {.path = ROLLCALL_PRIVATE},
                                    {.path = ROLLCALL_KEYS},
                                    {.path = ROLLCALL_BOARD},
                                    {.path = ROLLCALL_PRIVATE ROLLCALL_DELTA_SUFFIX}};
#define delta (&file[4])
static int (*const walk[])(const char *) = {fixture_walk_accounts, fixture_walk_private,
                                            fixture_walk_keys, fixture_walk_board};
static unsigned long walks, found;

// Opened for writing, as the enforcer does: what it takes as a word it may only tighten.
static void tighten(void)
{
    struct rollcall_board *b = NULL;
    struct rollcall_word word;

    if (rollcall_board_open_tighten(ROLLCALL_BOARD, &b) < 0)
        return;
    for (uint32_t i = 0; i < PEOPLE + 2; i++) {
        if (rollcall_board_read(b, i, FIXTURE_FIRST + i, &word) < 0)
            continue;
        if (word.state < ROLLCALL_STATE_LOCKED) {
            if (rollcall_board_tighten(b, i, word.uid, ROLLCALL_STATE_LOCKED) == 0 &&
                (rollcall_board_read(b, i, word.uid, &word) < 0 ||
                 word.state != ROLLCALL_STATE_LOCKED))
                abort();
        } else if (rollcall_board_tighten(b, i, word.uid, ROLLCALL_STATE_ACTIVE) == 0) {
            abort();
        }
        (void)rollcall_board_glance(b, i);
    }
    rollcall_board_close(b);
}

// Everybody in the private file, by every way that leads to a person.
static void by_slots_and_uids(void)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person person;
    uint8_t ledger[16];
    uint64_t generation;

    if (rollcall_private_open(ROLLCALL_PRIVATE, &p) < 0)
        return;
    rollcall_private_generation(p, &generation, ledger);
    for (uint32_t i = 0; i < PEOPLE + 2; i++) {
        if (rollcall_private_by_slot(p, i, &person) == 0 && person.slot != i)
            abort();
        if (rollcall_private_by_uid(p, FIXTURE_FIRST + i, &person) == 0 &&
            person.uid != FIXTURE_FIRST + i)
            abort();
        found += rollcall_private_by_name(p, "old", &person) == 0;
    }
    found += rollcall_private_current(p, ROLLCALL_PRIVATE);
    rollcall_private_close(p);
}

static void put_files(const uint8_t *data, size_t size, enum shape which)
{
    static unsigned char content[ROOM], second[ROOM];
    uint16_t at;

    for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
        file[i].absent = true;
    memcpy(&at, data + DELTA, 2);
    data += FILE_AT;
    size -= FILE_AT;
    if (which == SHAPE_BOARD) {
        size = shape_unfold_board(data, size, content, sizeof(content));
    } else {
        memcpy(content, data, size);
    }
    file[which] =
        (struct memory_file){file[which].path, content, size, 100, MEMORY_FILES_OWNER, false};
    if (which == SHAPE_PRIVATE && at > 0 && at < size) {
        memcpy(second, content + at, size - at);
        file[which].len = at;
        *delta =
            (struct memory_file){delta->path, second, size - at, 101, MEMORY_FILES_OWNER, false};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum shape which;
    int r;

    if (size <= FILE_AT || size > ROOM)
        return 0;
    which = data[WHICH] & 3;
    put_files(data, size, which);
    if (which == SHAPE_BOARD)
        shape_repair_board(file[which].data, file[which].len, NULL, 0, file[which].ino,
                           data[LEAVE]);
    else
        shape_repair(file[which].data, file[which].len, which, data[LEAVE]);
    if (!delta->absent)
        shape_repair(delta->data, delta->len, SHAPE_PRIVATE, data[LEAVE]);
    memory_files_show(file, sizeof(file) / sizeof(file[0]), data + FAULTS, DELTA - FAULTS);
    r = walk[which](file[which].path);
    walks++;
    found += r > 0 ? (unsigned)r : 0;
    if (which == SHAPE_BOARD)
        tighten();
    if (which == SHAPE_PRIVATE)
        by_slots_and_uids();
    // Whoever could not open closes nothing, and keeps nothing.
    if (memory_files_descriptors() != 0 || memory_files_mappings() != 0)
        abort();
    memory_files_hide();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static unsigned char board[ROOM];
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1, how = shape_random(&random);
    size_t n, at = 0;
    uint16_t delta_at;

    if (size <= FILE_AT || size > ROOM || how % 8 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    if (how % 8 == 1) {
        LLVMFuzzerMutate(data + LEAVE, FILE_AT - LEAVE, FILE_AT - LEAVE);
        return size;
    }
    if ((data[WHICH] & 3) != SHAPE_BOARD) {
        memcpy(&delta_at, data + DELTA, 2);
        if ((data[WHICH] & 3) == SHAPE_PRIVATE && how / 8 % 2 && delta_at < size - FILE_AT)
            at = delta_at;
        for (unsigned k = 0; k <= how / 16 % 4; k++)
            shape_mutate(data + FILE_AT + at, size - FILE_AT - at, data[WHICH] & 3, &random);
        return size;
    }
    n = shape_unfold_board(data + FILE_AT, size - FILE_AT, board, sizeof(board));
    shape_mutate(board, n, SHAPE_BOARD, &random);
    if (n > RC_BOARD_HEAD)
        shape_fold_board(board, n, data + FILE_AT);
    return size;
}

// ---- the first inputs: a good file of each kind ----

static void seed(const char *corpus, const char *path, unsigned number, const uint8_t *head)
{
    static unsigned char input[ROOM];
    size_t len, more = 0;
    unsigned char *data = scratch_read(path, &len), *second = NULL;
    char to[4200];

    memcpy(input, head, FILE_AT);
    if (head[WHICH] == SHAPE_BOARD)
        // The writer rounds the board up; a few words do here.
        len = shape_fold_board(data, RC_BOARD_HEAD + 8 * (PEOPLE + 2), input + FILE_AT);
    else
        memcpy(input + FILE_AT, data, len);
    if (head[DELTA]) {
        uint16_t at = (uint16_t)len;
        memcpy(input + DELTA, &at, 2);
        second = scratch_read("delta", &more);
        memcpy(input + FILE_AT + len, second, more);
    }
    (void)LLVMFuzzerTestOneInput(input, FILE_AT + len + more);
    snprintf(to, sizeof(to), "%s/seed-%u", corpus ? corpus : "", number);
    if (corpus)
        scratch_write(to, input, FILE_AT + len + more);
    free(second);
    free(data);
}

__attribute__((destructor)) static void say_what_was_reached(void)
{
    fprintf(stderr, "walks: %lu, found: %lu, faults injected: %u\n", walks, found,
            memory_files_faults_injected);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[] = {"accounts", "private", "keys", "board"};
    char folder[] = "/tmp/rollcall-fuzz-XXXXXX", here[4096], corpus[4096];
    bool have = false;

    for (int i = 1; i < *argc && !have; i++)
        have = (*argv)[i][0] != '-' && realpath((*argv)[i], corpus);
    // libFuzzer's paths stay as they are: back to where we were.
    if (!getcwd(here, sizeof(here)) || !mkdtemp(folder) || chdir(folder) < 0)
        abort();
    fixture_accounts("./accounts", PEOPLE, 1, false);
    fixture_private("./private", PEOPLE);
    fixture_private("./delta", 2);
    fixture_keys("./keys", PEOPLE);
    fixture_board("./board", PEOPLE, 1, NULL);
    for (unsigned i = 0; i < 5; i++) {
        uint8_t head[FILE_AT] = {[WHICH] = i < 4 ? (uint8_t)i : SHAPE_PRIVATE, [DELTA] = i == 4};
        unsigned long before = found;
        seed(have ? corpus : NULL, names[head[WHICH]], i, head);
        if (found == before) {
            fprintf(stderr, "nothing is found in seed %u\n", i);
            abort();
        }
    }
    for (int i = 0; i < 4; i++)
        remove(names[i]);
    remove("delta");
    return chdir(here) == 0 && remove(folder) == 0 ? 0 : -1;
}
