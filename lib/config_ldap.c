// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type ldap. What only the directory or libldap can
// tell is said by rollcall-source-ldap when it starts.
#include <string.h>
#include <strings.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)
#define WARN(s, ...)  config_complain_of(s, true, __VA_ARGS__)

static void check_uris(struct config_state *s, const struct rollcall_source_config *src)
{
    static const char *const schemes[] = {"ldaps://", "ldap://", "ldapi://"};
    const struct rollcall_list *uri = &src->ldap.uri;

    if (uri->n == 0)
        ERROR(s, "[source %s] has no uri; write uri = ldaps://ldap1.example.com", src->name);
    if (uri->n > 16)
        ERROR(s, "[source %s] has more than 16 uris", src->name);
    for (size_t i = 0; i < uri->n; i++) {
        bool known = false;
        for (size_t k = 0; k < 3; k++)
            known = known || strncasecmp(uri->item[i], schemes[k], strlen(schemes[k])) == 0;
        if (!known)
            ERROR(s, "[source %s] uri: \"%s\" must begin with ldaps://, ldap:// or ldapi://",
                  src->name, uri->item[i]);
    }
}

static bool all_local(const struct rollcall_list *uri)
{
    for (size_t i = 0; i < uri->n; i++)
        if (strncasecmp(uri->item[i], "ldapi://", 8) != 0)
            return false;
    return true;
}

static void check_bind(struct config_state *s, const struct rollcall_source_config *src)
{
    const char *bind = src->ldap.bind;

    if (strcmp(bind, "simple") == 0 && (!src->ldap.bind_dn || !src->file[ROLLCALL_FILE_PASSWORD]))
        ERROR(s, "[source %s] bind = simple needs bind_dn and password_file", src->name);
    if (strcmp(bind, "simple") != 0 && (src->ldap.bind_dn || src->file[ROLLCALL_FILE_PASSWORD]))
        ERROR(s, "[source %s] bind = %s takes neither bind_dn nor password_file", src->name, bind);
    if (strcmp(bind, "gssapi") == 0 && !src->file[ROLLCALL_FILE_KEYTAB])
        ERROR(s, "[source %s] bind = gssapi needs a keytab", src->name);
    if (strcmp(bind, "external") == 0 && !src->file[ROLLCALL_FILE_CERT] &&
        !all_local(&src->ldap.uri))
        ERROR(s, "[source %s] bind = external needs cert_file and key_file", src->name);
    if (!src->file[ROLLCALL_FILE_CERT] != !src->file[ROLLCALL_FILE_KEY])
        ERROR(s, "[source %s] cert_file and key_file go together", src->name);
}

static void check_map(struct config_state *s, const struct rollcall_source_config *src)
{
    for (size_t i = 0; i < src->ldap.map.n; i++) {
        const char *colon = strchr(src->ldap.map.item[i], ':');
        if (!colon || colon == src->ldap.map.item[i] || !colon[1])
            ERROR(s,
                  "[source %s] map: \"%s\" must be NAME:ATTRIBUTE, such as "
                  "employeeNumber:acmeStaffNo",
                  src->name, src->ldap.map.item[i]);
    }
}

void config_check_ldap(struct config_state *s, const struct rollcall_source_config *src)
{
    check_uris(s, src);
    if (!src->ldap.base)
        ERROR(s, "[source %s] has no base; write base = dc=example,dc=com", src->name);
    check_bind(s, src);
    check_map(s, src);
    // A directory's own answer proves that it is there.
    if (src->poll > 3600)
        WARN(s, "[source %s] poll is longer than an hour: a server that is gone is noticed as late",
             src->name);
}
