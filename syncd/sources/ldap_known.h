// SPDX-License-Identifier: BSD-2-Clause
// Which entries the last listing had, by their UUIDs: what a server does not name in its
// present phase (RFC 4533, 3.3.1) is gone. About 40 bytes an entry.
#ifndef ROLLCALL_SOURCES_LDAP_KNOWN_H
#define ROLLCALL_SOURCES_LDAP_KNOWN_H

#include "syncd/sources/ldap_map.h"

struct dir_known_entry {
    unsigned char uuid[DIR_UUID];
    enum dir_kind kind; // DIR_NOBODY: a free place
    bool seen;          // since dir_known_unsee
    bool absent;        // said to be absent, and not yet named again
    bool leaving;       // gone, and not yet said to be
    char *group;        // id of a group as it was said, or NULL
};

#define DIR_ENTRIES_MAX 4000000 // a server that never stops must not take the host's memory

struct dir_known;
struct dir_known *dir_known_new(size_t max);
struct dir_known *dir_known_free(struct dir_known *k);
void dir_known_forget(struct dir_known *k); // all of it
size_t dir_known_count(const struct dir_known *k);

// NULL where there is none.
struct dir_known_entry *dir_known_find(struct dir_known *k, const unsigned char uuid[DIR_UUID]);
// Found or made; seen, not absent. NULL: no memory, or too many. `group` is copied.
struct dir_known_entry *dir_known_put(struct dir_known *k, const unsigned char uuid[DIR_UUID],
                                      enum dir_kind kind, const char *group);
void dir_known_remove(struct dir_known *k, const unsigned char uuid[DIR_UUID]);
void dir_known_unsee(struct dir_known *k);
// Walks all entries; the callback must not put or remove.
void dir_known_each(struct dir_known *k, void (*each)(struct dir_known_entry *e, void *ctx),
                    void *ctx);

#endif
