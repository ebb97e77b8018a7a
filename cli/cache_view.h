// SPDX-License-Identifier: BSD-2-Clause
// What can be answered from the mapped cache files alone, in the members that syncd
// itself would use (docs/doors/syncd-control.md), so that one printer serves both.
#ifndef CLI_CACHE_VIEW_H
#define CLI_CACHE_VIEW_H

#include <jansson.h>
#include <stdint.h>

#include "rollcall/admission.h"
#include "rollcall/cache.h"

struct cli_cache_paths {
    const char *board, *private_;
};
extern const struct cli_cache_paths cli_cache_default;

// {"generation", "mode", "people": {…}, "sources": [{"name", "as_of", "lease_ends"}],
// "clock_mark"}. 0 and a new reference, or the error of the file that could not be read, and its
// path.
int cli_cache_status(const struct cli_cache_paths *paths, int64_t now, json_t **ret,
                     const char **ret_path);
// 0, -ENOENT with {"similar": […]} in *ret, or -EBADMSG (no cache; nothing in *ret).
int cli_cache_user(const struct cli_cache_paths *paths, const char *name, int64_t now,
                   json_t **ret);
// Names that one letter more, less or other makes of this one; empty where there is no cache.
json_t *cli_cache_similar(const struct cli_cache_paths *paths, const char *name);
// May they come in here, as PAM would decide now: {"admitted", "cause", "sentence", …}.
json_t *cli_cache_admission(const struct cli_cache_paths *paths, const char *name, int64_t now);

// A sentence for a cause of the admission or of the audit log; never NULL.
const char *cli_cause_sentence(const char *cause);

#endif
