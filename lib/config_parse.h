// SPDX-License-Identifier: BSD-2-Clause
// The parts of reading a configuration. Only lib/config*.c include it.
#ifndef ROLLCALL_CONFIG_PARSE_H
#define ROLLCALL_CONFIG_PARSE_H

#include "rollcall/config.h"

struct config_seen { // which option was set where: one spelling and one place a file
    char key[200];   // the section, a line's end, and the option; or none, for the section's line
    unsigned in_file;
    const char *file; // of what counts; NULL: the table's default
    int line;
};

struct config_state {
    struct rollcall_config *config;
    struct rollcall_findings *findings;
    const char *file;
    int line;
    unsigned in_file;
    bool first_file;
    struct config_seen *seen;
    size_t n_seen;
    char **files; // names of those that were read
    size_t n_files;
    char ignored[100]; // a section that was complained of once
};

void config_complain(struct rollcall_findings *f, bool warning, const char *file, int line,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));
// Of what must hold together, once all is read. The message begins with its [section], and is
// told with the place of the option that is named behind it, or of the section.
void config_complain_of(struct config_state *s, bool warning, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A section's line: complains of what is no section, and makes a named one, so that
// [source hr] with nothing below it is missed what it lacks.
void config_enter(struct config_state *state, const char *section);
void config_take(struct config_state *state, const char *section, const char *name,
                 const char *value);
void config_finish(struct config_state *state); // defaults and what must hold together
// Whether a file sets this option, not the table's default.
bool config_was_set(const struct config_state *s, const char *section, const char *name);
// What must hold together in a source of this type.
void config_check_ldap(struct config_state *s, const struct rollcall_source_config *src);
void config_check_graph(struct config_state *s, const struct rollcall_source_config *src);
void config_check_okta(struct config_state *s, const struct rollcall_source_config *src);
void config_check_json(struct config_state *s, const struct rollcall_source_config *src);
void config_check_scim(struct config_state *s, const struct rollcall_source_config *src);
void config_check_pingone(struct config_state *s, const struct rollcall_source_config *src);
// Of all types over an API: addresses, the credential's name.
void config_check_web(struct config_state *s, const struct rollcall_source_config *src);
// https://HOST[:PORT][/PATH] with no user, password or fragment in it; NULL is acceptable too.
void config_check_https(struct config_state *s, const struct rollcall_source_config *src,
                        const char *option, const char *url);
// Complains where none or more than one of these files is set: "password_file", ...
void config_check_one_secret(struct config_state *s, const struct rollcall_source_config *src,
                             const enum rollcall_source_file *files, size_t n);
// Every option that was set is one of its type's.
void config_check_types(struct config_state *s, const struct rollcall_source_config *src);
void config_source_done(struct rollcall_source_config *src); // frees what it holds
void config_check_sinks(struct config_state *s);
void config_state_done(struct config_state *state);

#endif
