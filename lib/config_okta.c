// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type okta: Okta.
#include <string.h>
#include <strings.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)
#define WARN(s, ...)  config_complain_of(s, true, __VA_ARGS__)

static void check_org(struct config_state *s, const struct rollcall_source_config *src)
{
    const char *org = src->okta.org;

    if (!org)
        ERROR(s, "[source %s] has no org; write org = https://acme.okta.com", src->name);
    config_check_https(s, src, "org", org);
    if (org && strcasestr(org, ".auth0.com"))
        ERROR(s,
              "[source %s] org: \"%s\" is Auth0 (Okta Customer Identity Cloud), where customers "
              "are; they are kept apart from employees, and it is not read",
              src->name, org);
    if (!src->okta.org_id)
        ERROR(s,
              "[source %s] has no org_id, which pins the org; it is the \"id\" of "
              "%s/.well-known/okta-organization",
              src->name, org ? org : "https://acme.okta.com");
}

static void check_population(struct config_state *s, const struct rollcall_source_config *src)
{
    // Customers may be in the same org, and no member of the API says so.
    if (src->web.assigned_groups.n == 0 && src->web.user_types.n == 0 && src->okta.realms.n == 0)
        WARN(s,
             "[source %s] nothing says which users of the org are employees; write "
             "assigned_groups, user_types or realms",
             src->name);
}

void config_check_okta(struct config_state *s, const struct rollcall_source_config *src)
{
    static const enum rollcall_source_file secrets[] = {ROLLCALL_FILE_KEY, ROLLCALL_FILE_SECRET,
                                                        ROLLCALL_FILE_CREDENTIAL};

    check_org(s, src);
    config_check_one_secret(s, src, secrets, sizeof(secrets) / sizeof(secrets[0]));
    if (src->web.client_id && src->file[ROLLCALL_FILE_SECRET])
        ERROR(s,
              "[source %s] client_id needs key_file: Okta takes no client secret for its own API "
              "(secret_file alone is an API token)",
              src->name);
    if (!src->web.client_id && src->file[ROLLCALL_FILE_KEY])
        ERROR(s, "[source %s] key_file needs client_id, the id of the service app", src->name);
    check_population(s, src);
}
