// SPDX-License-Identifier: BSD-2-Clause
// A user of PingOne into a user of rollcall's, or why it is none. Pure.
// developer.pingidentity.com, PingOne API: Users; patrickcping/pingone-go-sdk-v2, management.
#ifndef ROLLCALL_SOURCES_PINGONE_MAP_H
#define ROLLCALL_SOURCES_PINGONE_MAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "rollcall/json_writer.h"
#include "syncd/sources/person.h"
#include "syncd/sources/value.h"

// Borrowed, all of it.
struct pingone_rules {
    struct person_rules shared;
    const json_t *populations;        // ids; NULL or empty: all of them
    const json_t *identity_providers; // ids of external ones that count as ours
    const char *employee_number;      // path of the attribute; NULL: externalId
};

enum pingone_word {
    PINGONE_PERSON,
    PINGONE_DROPPED, // no person of this company's
    PINGONE_PROBLEM, // cannot be read
};

// In which groups the user is.
struct pingone_in {
    const char *const *groups; // their ids, NULL behind the last; NULL: that is not said
    bool assigned;             // one of assigned_groups, or none are configured
};

struct pingone_record {
    const char *id;     // borrowed from the user; NULL where it has none
    const char *reason; // PINGONE_DROPPED: as `dropped` says it
    const char *name;   // for the sysadmin's eyes, borrowed, or NULL
    char why[200];      // PINGONE_PROBLEM: a sentence; PINGONE_PERSON: a warning, or ""
};

// `out` gets what is said of the user, from its beginning: a person's JSON, or what tells one drop
// or problem from another.
enum pingone_word pingone_take(const struct value *user, const struct pingone_rules *rules,
                               const struct pingone_in *in, struct json_writer *out,
                               struct pingone_record *ret);

// The environment's solutionType (billOfMaterials): NULL where it is one of a workforce; else a
// sentence that says why not, and what to do. `type` is NULL where the answer has none, or could
// not be read; then the populations have to be named.
const char *pingone_not_a_workforce(const char *type, bool populations_named);

#endif
