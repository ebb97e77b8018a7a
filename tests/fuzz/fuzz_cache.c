// SPDX-License-Identifier: BSD-2-Clause
// libFuzzer over every reader of a cache file. The first byte says which file it is; the
// header's size and check are put right, so that the fuzzer reaches what lies behind.
#define XXH_INLINE_ALL
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cache_map.h"
#include "tests/unit/cache_fixture.h"
#include "tests/unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct {
    const char *magic;
    int (*walk)(const char *path);
} files[] = {{ROLLCALL_MAGIC_ACCOUNTS, fixture_walk_accounts},
             {ROLLCALL_MAGIC_PRIVATE, fixture_walk_private},
             {ROLLCALL_MAGIC_KEYS, fixture_walk_keys},
             {ROLLCALL_MAGIC_BOARD, fixture_walk_board}};

// Seeds: one good file of each kind, in the folder that libFuzzer is given.
static void seed(const char *corpus)
{
    fixture_accounts("./a", 5, 1, false);
    fixture_private("./p", 5);
    fixture_keys("./k", 5);
    fixture_board("./b", 5, 1, NULL);
    for (int i = 0; i < 4; i++) {
        size_t len;
        unsigned char *data = scratch_read((const char *[]){"./a", "./p", "./k", "./b"}[i], &len);
        unsigned char *with = malloc(len + 1);
        char path[4200];
        with[0] = (unsigned char)i;
        memcpy(with + 1, data, len);
        snprintf(path, sizeof(path), "%s/seed-%d", corpus, i);
        scratch_write(path, with, len + 1);
        free(with);
        free(data);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char corpus[4096];

    for (int i = 1; i < *argc; i++)
        if ((*argv)[i][0] != '-' && realpath((*argv)[i], corpus)) {
            // Later arguments are relative to where we were started.
            (*argv)[i] = strdup(corpus);
            scratch_enter();
            seed(corpus);
            return 0;
        }
    scratch_enter();
    return 0;
}

static void repair(unsigned char *copy, size_t len, int kind, ino_t inode)
{
    if (kind < 3 && len >= sizeof(struct rc_header)) {
        struct rc_header h;
        memcpy(&h, copy, sizeof(h));
        memcpy(h.magic, files[kind].magic, 8);
        h.endian = ROLLCALL_CACHE_ENDIAN;
        h.version = ROLLCALL_CACHE_VERSION;
        h.file_size = len;
        h.head_check = XXH3_64bits(&h, offsetof(struct rc_header, head_check));
        memcpy(copy, &h, sizeof(h));
    } else if (kind == 3 && len >= RC_BOARD_HEAD) {
        struct rc_board_header *h = aligned_alloc(64, (sizeof(*h) + 63) / 64 * 64);
        memcpy(h, copy, sizeof(*h));
        memcpy(h->magic, files[kind].magic, 8);
        h->inode = inode;
        h->head_check = XXH3_64bits(h, offsetof(struct rc_board_header, head_check));
        memcpy(copy, h, sizeof(*h));
        free(h);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy;
    struct stat st;

    if (size < 2)
        return 0;
    copy = malloc(size - 1);
    memcpy(copy, data + 1, size - 1);
    if (stat("./input", &st) < 0) {
        scratch_write("./input", "", 0);
        stat("./input", &st);
    }
    repair(copy, size - 1, data[0] & 3, st.st_ino);
    scratch_write("./input", copy, size - 1);
    (void)files[data[0] & 3].walk("./input");
    free(copy);
    return 0;
}
