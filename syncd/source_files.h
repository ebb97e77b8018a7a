// SPDX-License-Identifier: BSD-2-Clause
// Files of a source that root reads: docs/doors/source-pipe.md, "Files".
#ifndef ROLLCALL_SYNCD_SOURCE_FILES_H
#define ROLLCALL_SYNCD_SOURCE_FILES_H

#include "rollcall/config.h"

struct source_files {
    struct {
        char *bytes; // NULL: not set
        size_t len;
    } file[ROLLCALL_SOURCE_FILES];
};

// As root. 0, or a negative errno with a sentence in `why`.
int source_files_read(const struct rollcall_source_config *source, struct source_files *ret,
                      char *why, size_t why_len);
// As the source's user: descriptors from ROLLCALL_SOURCE_FILES_FD on; what is in memory is
// erased. All other descriptors above 2 have to be closed.
int source_files_place(struct source_files *files);

#endif
