// SPDX-License-Identifier: BSD-2-Clause
// Files that stand in memory alone, for a fuzz target whose subject opens and maps them.
// While they are shown, the calls that build.mk wraps (open, close, read, fstat,
// stat, lstat, statx, mmap, munmap, time) are answered from here, without a system call, and may
// fail as the input says. A mapping is a block of its own of just the file's size: one byte past
// it, or a byte of it after munmap, is seen by AddressSanitizer.
#ifndef TESTS_FUZZ_MEMORY_FILES_H
#define TESTS_FUZZ_MEMORY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MEMORY_FILES_FOLDER "fuzz/cache"
#define MEMORY_FILES_OWNER  4711 // of the folder
#define MEMORY_FILES_BORN   8    // every file, in ns

struct memory_file {
    const char *path;
    unsigned char *data;
    size_t len;
    ino_t ino;
    uid_t owner;
    bool absent;
};

// `faults`: a byte for each call that can fail, in the order of the calls; 0 and what is
// behind the end: it does not. Paths that do not begin with "fuzz/" are the machine's.
void memory_files_show(struct memory_file *files, size_t n, const uint8_t *faults, size_t n_faults);
void memory_files_hide(void);

// Descriptors and mappings that the subject has now. Both must be 0 where it has none.
unsigned memory_files_descriptors(void);
unsigned memory_files_mappings(void);

// What everybody who has the file mapped sees at once, as through a shared mapping.
void memory_files_poke(struct memory_file *file, size_t at, const void *bytes, size_t len);
// Mapping number `i` of the file, or NULL behind the last.
const unsigned char *memory_files_mapping(const struct memory_file *file, size_t i,
                                          size_t *ret_len);

extern int64_t memory_files_now;               // what time() says
void memory_files_among_threads(bool threads); // what __libc_single_threaded says
extern unsigned memory_files_faults_injected;  // since the start

#endif
