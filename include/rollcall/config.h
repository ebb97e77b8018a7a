// SPDX-License-Identifier: BSD-2-Clause
// Configuration: rollcall.conf and conf.d/*.conf, INI. One table (lib/config_table*.c)
// defines every option and makes the parser, rollcall.conf(5) and `rollcall
// check-config`. A load gives a whole, immutable configuration or errors, never half.
#ifndef ROLLCALL_CONFIG_H
#define ROLLCALL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rollcall/config_graph.h"
#include "rollcall/config_json.h"
#include "rollcall/config_list.h"
#include "rollcall/config_okta.h"
#include "rollcall/config_pingone.h"
#include "rollcall/config_scim.h"
#include "rollcall/config_web.h"

#define ROLLCALL_SOURCES_MAX 14 // as many authorities as a board holds leases of
#define ROLLCALL_SINKS_MAX   2

enum rollcall_when_missing { ROLLCALL_MISSING_LOCK = 0, ROLLCALL_MISSING_KEEP = 1 };

// Files of a source that root reads and hands over as descriptors, in this order from
// ROLLCALL_SOURCE_FILES_FD on: docs/doors/source-pipe.md.
enum rollcall_source_file {
    ROLLCALL_FILE_PASSWORD = 0,
    ROLLCALL_FILE_KEYTAB,
    ROLLCALL_FILE_CA,
    ROLLCALL_FILE_CERT,
    ROLLCALL_FILE_KEY,
    ROLLCALL_FILE_SECRET,
    ROLLCALL_FILE_CREDENTIAL, // no path: the name of a systemd credential
    ROLLCALL_SOURCE_FILES
};
#define ROLLCALL_SOURCE_FILES_FD 3

// What belongs to type = ldap. Words as they are written.
struct rollcall_ldap_config {
    struct rollcall_list uri, map, ack_uri;
    char *schema, *sync, *bind, *bind_dn;
    char *base, *user_base, *group_base, *user_filter, *group_filter;
    uint64_t page;
};

// A source; a sink is a process of the same kind, and has the options that both have.
struct rollcall_source_config {
    bool sink;
    char *name;    // of the section: [source NAME], [sink NAME]
    char *type;    // "csv", "exec", "ldap", "graph", "okta", "json", "scim", "pingone"
    unsigned role; // ROLLCALL_ROLE_*
    char *path;    // csv; json, where it has no url
    char *command; // exec: absolute path of a program, no arguments
    char *user;    // exec: whom it runs as, or NULL; json, scim: the name for Basic
    uint64_t expect_every, poll, timeout, default_end; // seconds; 0: not set
    uint64_t lease; // seconds; of [lifecycle] or the default for files
    int when_missing;
    char *worker_type, *join_prefix;
    bool key_marks;                    // its word on hardware keys counts
    char *file[ROLLCALL_SOURCE_FILES]; // paths, or NULL
    struct rollcall_ldap_config ldap;
    struct rollcall_web_config web;
    struct rollcall_graph_config graph;
    struct rollcall_okta_config okta;
    struct rollcall_json_config json;
    struct rollcall_scim_config scim;
    struct rollcall_pingone_config pingone;
};

struct rollcall_local_group_config {
    char *name;
    struct rollcall_list from; // immutable group ids
};

struct rollcall_service_config {
    char *name;     // PAM service: sshd, sudo, login
    char *require;  // "single", "multi", "phishing-resistant"; NULL: the default
    uint64_t grace; // seconds; 0: none
    bool has_grace;
};

enum rollcall_mode { ROLLCALL_MODE_ENFORCE = 0, ROLLCALL_MODE_OBSERVE = 1 };

enum rollcall_locked { ROLLCALL_LOCKED_VISIBLE = 0, ROLLCALL_LOCKED_HIDDEN = 1 };

#define ROLLCALL_FACTOR_TOTP     1u // what this build can really check
#define ROLLCALL_FACTOR_RECOVERY 2u
#define ROLLCALL_FACTOR_FIDO2    4u

enum rollcall_totp_digits { ROLLCALL_TOTP_6_DIGITS = 0, ROLLCALL_TOTP_8_DIGITS = 1 };

// How many members a group may list. Membership itself does not depend on it.
struct rollcall_members_config {
    bool none;
    uint32_t limit; // a group of more lists none; 0: no limit
};

struct rollcall_config {
    int mode;
    char *timezone, *contact;
    struct rollcall_list labels;
    struct rollcall_source_config source[ROLLCALL_SOURCES_MAX];
    size_t n_sources;
    struct rollcall_source_config sink[ROLLCALL_SINKS_MAX];
    size_t n_sinks;
    uint64_t dates_ahead; // seconds: how far ahead a date may stand in a sink
    struct rollcall_list allow_groups;
    bool has_allow_groups;
    char *publish; // "all" or "allowed"
    bool enumerate, former_names;
    int locked; // enum rollcall_locked
    struct rollcall_members_config group_members;
    struct rollcall_local_group_config local_group[32];
    size_t n_local_groups;
    struct rollcall_list factors; // as written
    unsigned usable_factors;      // ROLLCALL_FACTOR_* of those that this build has
    char *enrol;
    char *first;                         // "local-password", "ldap-password" or NULL
    char *append;                        // "otp" or NULL
    uint64_t password_cache;             // seconds; 0: none is kept
    uint64_t bind_failures, bind_window; // seconds
    uint64_t password_age;               // seconds; 0: for ever
    char *fido2_rp, *fido2_roots;        // NULL: the host's name; nobody
    struct rollcall_list fido2_aaguids;  // 32 hexadecimal digits each; none: every model
    int totp_algorithm;                  // as in a credential: sha1, sha256, sha512
    int totp_digits;                     // enum rollcall_totp_digits
    struct rollcall_list multi_groups, phishing_resistant_groups; // whose members need more
    struct rollcall_service_config service[32];
    size_t n_services;
    uint64_t lease; // 0: 72 h, files 10 days
    struct rollcall_list lease_exempt_group;
    uint64_t breaker_window;
    uint64_t breaker_inferred_count, breaker_explicit_count;
    uint32_t breaker_inferred_share, breaker_explicit_share; // hundredths of a per cent
    uint32_t id_min, id_max;
    bool kill_services;
    char *breakglass_account; // NULL: none
    uint64_t breakglass_open_for;
    struct rollcall_list breakglass_services;
};

struct rollcall_finding {
    bool warning; // else an error
    char file[256];
    int line; // 0: the file as a whole
    char text[512];
};

struct rollcall_findings {
    struct rollcall_finding *item;
    size_t n, errors;
};

// `path`'s drop-ins stand in conf.d beside it. 0 with *ret, or -EINVAL with errors in
// *findings (warnings come with 0 too); -ENOENT where there is no configuration at all.
int rollcall_config_load(const char *path, struct rollcall_config **ret,
                         struct rollcall_findings *findings);
// The same as if a drop-in with this text stood behind all others; `name` is its path in findings.
int rollcall_config_load_with(const char *path, const char *name, const char *text,
                              struct rollcall_config **ret, struct rollcall_findings *findings);
struct rollcall_config *rollcall_config_free(struct rollcall_config *config); // returns NULL
void rollcall_findings_free(struct rollcall_findings *findings);
// "FILE:LINE: what is wrong" of the first error; NULL where there is none.
const char *rollcall_findings_first(const struct rollcall_findings *findings, char *buf,
                                    size_t len);
void rollcall_findings_print(const struct rollcall_findings *findings, FILE *to);

const struct rollcall_source_config *rollcall_config_source(const struct rollcall_config *config,
                                                            const char *name);
// The section of a process as launcher and engine name it: a source's name, "@" and a sink's.
const struct rollcall_source_config *rollcall_config_process(const struct rollcall_config *config,
                                                             const char *name);
// What it says a hub has judged already: the breaker's and rule 11's answers are in it.
bool rollcall_source_is_hub(const struct rollcall_source_config *source);
// NULL where the service has no section; sudo-i and su-l share sudo's and su's.
const struct rollcall_service_config *rollcall_config_service(const struct rollcall_config *config,
                                                              const char *service);
// Whether it reads an API or, of type json, a file in its place.
bool rollcall_source_is_web(const struct rollcall_source_config *source);
// The option that names this file: "password_file".
const char *rollcall_source_file_option(enum rollcall_source_file file);
// One source's section for the source pipe, new reference: every option of its type that is set
// or has a default, lists as arrays, durations in seconds, files as descriptors. No secret
// stands in it.
json_t *rollcall_config_source_json(const struct rollcall_source_config *source);
// What is written to a source's standard input (docs/source-protocol.md); new reference. `cursor`
// may be NULL.
json_t *rollcall_config_request(const struct rollcall_config *config,
                                const struct rollcall_source_config *source, const char *cursor,
                                bool once);

// An option of a source of this type, as the table has it. Strings are static; `words` ("a|b")
// and `standard` may be NULL. False: it has none of this name.
struct rollcall_option {
    const char *words, *standard, *sentence;
    bool list;
};
bool rollcall_config_source_option(const char *type, const char *name, struct rollcall_option *ret);

// rollcall.conf(5), from the table.
void rollcall_config_man_options(FILE *to);

#endif
