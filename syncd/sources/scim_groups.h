// SPDX-License-Identifier: BSD-2-Clause
// Who is in the assigned groups, through groups in groups. Ids are kept as keyed hashes, 8 bytes
// each: a company's groups are longer than its people.
#ifndef ROLLCALL_SOURCES_SCIM_GROUPS_H
#define ROLLCALL_SOURCES_SCIM_GROUPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scim_groups;

struct scim_groups *scim_groups_new(void); // NULL: no memory, or no random bytes
void scim_groups_free(struct scim_groups *g);

// A reading of all groups begins; what is asked goes by the last one that was closed.
void scim_groups_begin(struct scim_groups *g);
int scim_groups_group(struct scim_groups *g, const char *id);
int scim_groups_member(struct scim_groups *g, const char *id); // of the last group
// All are there. -ENOENT: one of `assigned` is not: whoever was in them stays in, beside whom the
// others have. -ENODATA: nobody is in any of them: it stands as it was. *ret_changed: other people
// are in them than before.
// `assigned` NULL: all members count, of any group or of none.
int scim_groups_close(struct scim_groups *g, const json_t *assigned, bool *ret_changed);
// Was this group in the reading that was closed last? How many are in the assigned ones?
bool scim_groups_is(const struct scim_groups *g, const char *id);
size_t scim_groups_count(const struct scim_groups *g);
bool scim_groups_has(const struct scim_groups *g, const char *id);

#endif
