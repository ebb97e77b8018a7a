// SPDX-License-Identifier: BSD-2-Clause
// Records what a process asks of the disk: every write, sync, rename, link and unlink below
// one folder, of our own code and of SQLite's, by standing in front of libc's functions; and
// every store into a mapped file, by looking at the mapping between two of those.
#ifndef TESTS_TORTURE_RECORDER_H
#define TESTS_TORTURE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum op_kind {
    OP_WRITE,    // file, at, data
    OP_SIZE,     // file, at: the size it has from now on
    OP_ROOM,     // file, at: the size it has at least
    OP_SYNC,     // file: what came before is on the disk
    OP_NAME,     // file gets `name`: created, linked
    OP_RENAME,   // file gets `name`, and loses `from`
    OP_UNLINK,   // `name` goes
    OP_SYNC_DIR, // of `name`: names given and taken before are on the disk
    OP_FORGET,   // all files and names anew: what follows is on the disk,
    OP_STANDS,   // up to here
    OP_MARK,     // the test's own
};

#define OP_NAME_MAX 48
struct op {
    enum op_kind kind;
    int file, mark;
    uint64_t at;
    size_t len;
    unsigned char *data;
    char name[OP_NAME_MAX], from[OP_NAME_MAX]; // relative to the root
};

struct recording {
    struct op *op;
    size_t n, room;
    ino_t *ino; // of each file
    int files;
};

// Starts: what stands in the folders of `root` is on the disk. Names are "state/x" and
// "cache/x". Files whose name ends in -shm are no files: SQLite makes them anew.
void recorder_start(const char *root);
// While it is paused nothing is recorded; going on takes what stands for being on the disk.
void recorder_pause(void);
void recorder_go_on(void);
void recorder_mark(int mark, const void *data, size_t len);
const struct recording *recorder_stop(void);
void recorder_free(void);

#endif
