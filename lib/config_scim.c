// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type scim: a SCIM 2.0 server.
#include <string.h>
#include <strings.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)

static bool requires_number(const struct rollcall_source_config *src)
{
    for (size_t i = 0; i < src->web.require_attributes.n; i++)
        if (strcasecmp(src->web.require_attributes.item[i], "employeeNumber") == 0)
            return true;
    return false;
}

// A SCIM server may serve employees or an online shop's customers, and nothing in the protocol
// says which.
static void check_population(struct config_state *s, const struct rollcall_source_config *src)
{
    if (src->web.assigned_groups.n == 0 && src->web.user_types.n == 0 && !requires_number(src))
        ERROR(s,
              "[source %s] nothing in SCIM says whether a User is an employee or a customer: write "
              "who counts, as assigned_groups, user_types or require_attributes = employeeNumber",
              src->name);
}

static void check_sign_in(struct config_state *s, const struct rollcall_source_config *src)
{
    bool basic = src->file[ROLLCALL_FILE_PASSWORD], oauth = src->web.client_id;
    static const enum rollcall_source_file files[] = {
        ROLLCALL_FILE_SECRET, ROLLCALL_FILE_CREDENTIAL, ROLLCALL_FILE_PASSWORD};

    config_check_one_secret(s, src, files, sizeof(files) / sizeof(files[0]));
    if (basic != !!src->user)
        ERROR(s, "[source %s] user and password_file go together: the name and password of Basic",
              src->name);
    if (oauth != !!src->web.token_url || (oauth && basic))
        ERROR(s,
              "[source %s] client_id, token_url and secret_file go together: OAuth client "
              "credentials",
              src->name);
    if (src->web.scope && !oauth)
        ERROR(s, "[source %s] scope needs client_id and token_url", src->name);
}

static void check_map(struct config_state *s, const struct rollcall_source_config *src)
{
    static const char *const names[] = {"start:", "end:", "status:", "sshPublicKeys:"};

    for (size_t i = 0; i < src->ldap.map.n; i++) {
        const char *text = src->ldap.map.item[i];
        bool known = false;
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            known = known || (strncmp(text, names[k], strlen(names[k])) == 0 &&
                              text[strlen(names[k])] && strlen(text) <= 200);
        if (!known)
            ERROR(
                s,
                "[source %s] map: \"%s\" must be start, end, status or sshPublicKeys, a colon and "
                "where it is in the extension, such as end:lastDay or status:/job/state",
                src->name, text);
    }
}

static void check_pages(struct config_state *s, const struct rollcall_source_config *src)
{
    const char *paging = src->web.paging;

    if (src->ldap.page == 0)
        ERROR(s, "[source %s] page = 0: a SCIM server is asked for pages of at least one",
              src->name);
    if (paging && strcmp(paging, "auto") != 0 && strcmp(paging, "index") != 0 &&
        strcmp(paging, "cursor") != 0)
        ERROR(s,
              "[source %s] paging = %s is of type json; a SCIM server takes auto, index or cursor",
              src->name, paging);
}

void config_check_scim(struct config_state *s, const struct rollcall_source_config *src)
{
    if (!src->web.url)
        ERROR(s, "[source %s] has no url; write url = https://scim.example.com/v2", src->name);
    check_pages(s, src);
    check_population(s, src);
    check_sign_in(s, src);
    check_map(s, src);
    if (src->scim.extension && strncasecmp(src->scim.extension, "urn:", 4) != 0)
        ERROR(s, "[source %s] extension: \"%s\" must be a URN, such as urn:acme:hr:2.0:User",
              src->name, src->scim.extension);
}
