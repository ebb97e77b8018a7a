// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a sink.
#include <string.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)

static bool all_local(const struct rollcall_list *uri)
{
    for (size_t i = 0; i < uri->n; i++)
        if (strncmp(uri->item[i], "ldapi://", 8) != 0)
            return false;
    return true;
}

static void check_bind(struct config_state *s, const struct rollcall_source_config *k)
{
    bool simple = strcmp(k->ldap.bind, "simple") == 0;

    if (simple && (!k->ldap.bind_dn || !k->file[ROLLCALL_FILE_PASSWORD]))
        ERROR(s, "[sink %s] bind = simple needs bind_dn and password_file", k->name);
    if (!simple && (k->ldap.bind_dn || k->file[ROLLCALL_FILE_PASSWORD]))
        ERROR(s, "[sink %s] bind = %s takes neither bind_dn nor password_file", k->name,
              k->ldap.bind);
    if (strcmp(k->ldap.bind, "gssapi") == 0 && !k->file[ROLLCALL_FILE_KEYTAB])
        ERROR(s, "[sink %s] bind = gssapi needs a keytab", k->name);
    if (strcmp(k->ldap.bind, "external") == 0 && !k->file[ROLLCALL_FILE_CERT] &&
        !all_local(&k->ldap.uri))
        ERROR(s, "[sink %s] bind = external needs cert_file and key_file", k->name);
    if (!k->file[ROLLCALL_FILE_CERT] != !k->file[ROLLCALL_FILE_KEY])
        ERROR(s, "[sink %s] cert_file and key_file go together", k->name);
}

void config_check_sinks(struct config_state *s)
{
    for (size_t i = 0; i < s->config->n_sinks; i++) {
        const struct rollcall_source_config *k = &s->config->sink[i];
        if (strlen(k->name) > 30) // with "@" before it in the launcher's messages
            ERROR(s, "[sink %s] the name is longer than 30 bytes", k->name);
        if (!k->type)
            ERROR(s, "[sink %s] has no type; write type = ldap", k->name);
        if (k->ldap.uri.n == 0)
            ERROR(s, "[sink %s] has no uri; write uri = ldaps://ldap0.example.com", k->name);
        if (!k->ldap.base)
            ERROR(s, "[sink %s] has no base; write base = dc=example,dc=com", k->name);
        if (k->ldap.bind)
            check_bind(s, k);
    }
}
