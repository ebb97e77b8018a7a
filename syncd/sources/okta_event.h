// SPDX-License-Identifier: BSD-2-Clause
// An event of the System Log as a hint: whose object to read again. Never more, for events come
// late, twice and out of order, and the object is the truth. Pure.
#ifndef ROLLCALL_SOURCES_OKTA_EVENT_H
#define ROLLCALL_SOURCES_OKTA_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncd/sources/okta_map.h"

struct okta_event {
    char user[OKTA_ID_MAX + 1];  // to be read again, or ""
    char group[OKTA_ID_MAX + 1]; // whose members changed, or ""
    bool membership;             // the user came into the group, or left it
    bool deleted;                // of the user: an object that is not found is gone
    bool taking;                 // may take access away: these are read first
};

// False where it says nothing to us: of another kind, no success, without a target.
bool okta_event_take(const json_t *event, struct okta_event *ret);

// The `filter` that asks the log for these kinds alone. The caller frees it.
char *okta_event_filter(void);

// Milliseconds until the log may be asked again. X-Rate-Limit-* of its last answer, -1 where it
// had none; `reset_in` seconds from its Date. At most half of what is announced is used, and the
// last tenth is left to others.
int64_t okta_log_pause(int64_t wanted_ms, int64_t limit, int64_t remaining, int64_t reset_in);
// The same before the next page of a listing: as fast as it goes, down to the last tenth.
int64_t okta_page_pause(int64_t limit, int64_t remaining, int64_t reset_in);

#endif
