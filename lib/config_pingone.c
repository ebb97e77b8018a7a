// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type pingone: PingOne.
#include <string.h>

#include "lib/config_parse.h"
#include "rollcall/parse.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)

// They stand in the addresses and filters that are asked for.
static void check_ids(struct config_state *s, const struct rollcall_source_config *src,
                      const char *option, const struct rollcall_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!rollcall_is_uuid(list->item[i]))
            ERROR(s, "[source %s] %s: \"%s\" is no id such as 8a1f0c5e-7e7c-4a51-9d0a-3d1f0b7a6c11",
                  src->name, option, list->item[i]);
}

static void check_place(struct config_state *s, const struct rollcall_source_config *src)
{
    const struct rollcall_web_config *web = &src->web;
    const char *region = src->pingone.region;

    if (region && (web->api_url || web->auth_url))
        ERROR(s, "[source %s] has region and api_url or auth_url; either says where it is",
              src->name);
    if (!region && !(web->api_url && web->auth_url))
        ERROR(
            s,
            "[source %s] does not say where the environment is; write region = eu, or api_url and "
            "auth_url",
            src->name);
    config_check_https(s, src, "api_url", web->api_url);
    config_check_https(s, src, "auth_url", web->auth_url);
}

static void check_map(struct config_state *s, const struct rollcall_source_config *src)
{
    static const char number[] = "employeeNumber:";

    for (size_t i = 0; i < src->ldap.map.n; i++) {
        const char *text = src->ldap.map.item[i];
        size_t len = strlen(text);
        if (strncmp(text, number, sizeof(number) - 1) != 0 || len < sizeof(number) ||
            len > sizeof(number) + 100)
            ERROR(s,
                  "[source %s] map: \"%s\" must be employeeNumber, a colon and the attribute that "
                  "holds it",
                  src->name, text);
    }
}

void config_check_pingone(struct config_state *s, const struct rollcall_source_config *src)
{
    static const enum rollcall_source_file secrets[] = {ROLLCALL_FILE_SECRET,
                                                        ROLLCALL_FILE_CREDENTIAL};

    if (!src->pingone.environment)
        ERROR(s, "[source %s] has no environment; write the environment's id", src->name);
    else if (!rollcall_is_uuid(src->pingone.environment))
        ERROR(s, "[source %s] environment: \"%s\" is no id of an environment", src->name,
              src->pingone.environment);
    check_place(s, src);
    check_ids(s, src, "populations", &src->pingone.populations);
    check_ids(s, src, "member_groups", &src->web.member_groups);
    check_ids(s, src, "assigned_groups", &src->web.assigned_groups);
    check_ids(s, src, "identity_providers", &src->pingone.identity_providers);
    check_map(s, src);
    if (!src->web.client_id)
        ERROR(s, "[source %s] has no client_id; write the id of the worker application", src->name);
    config_check_one_secret(s, src, secrets, sizeof(secrets) / sizeof(secrets[0]));
}
