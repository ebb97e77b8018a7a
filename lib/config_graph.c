// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type graph: Entra ID (Microsoft Graph).
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/config_parse.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)

static bool is_uuid(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-'
                                                    : !isxdigit((unsigned char)text[i]))
            return false;
    return n == 36;
}

static void check_uuid(struct config_state *s, const struct rollcall_source_config *src,
                       const char *option, const char *text)
{
    if (text && !is_uuid(text))
        ERROR(s,
              "[source %s] %s: \"%s\" must be an id such as 11111111-2222-4333-8444-555555555555",
              src->name, option, text);
}

// Whoever signs in there signed up by themselves.
static void check_workforce(struct config_state *s, const struct rollcall_source_config *src,
                            const char *option, const char *url)
{
    static const char *const customers[] = {".ciamlogin.com", ".b2clogin.com"};
    const char *host = url ? strstr(url, "://") : NULL;
    size_t len = host ? strcspn(host + 3, "/:?#") : 0;

    config_check_https(s, src, option, url);
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(customers[i]);
        if (len >= n && strncasecmp(host + 3 + len - n, customers[i], n) == 0)
            ERROR(s,
                  "[source %s] %s: %.*s signs customers in. Populations never mix: run a rollcall "
                  "of its own for them, on machines of their own",
                  src->name, option, (int)len, host + 3);
    }
}

static void check_ids(struct config_state *s, const struct rollcall_source_config *src)
{
    check_uuid(s, src, "tenant", src->graph.tenant);
    check_uuid(s, src, "device_id", src->graph.device_id);
    for (size_t i = 0; i < src->web.assigned_groups.n; i++)
        check_uuid(s, src, "assigned_groups", src->web.assigned_groups.item[i]);
    if (src->web.domain.n == 0)
        ERROR(s,
              "[source %s] has no domain; write domain = acme.com, so that alice@acme.com is alice",
              src->name);
}

void config_check_graph(struct config_state *s, const struct rollcall_source_config *src)
{
    static const enum rollcall_source_file secrets[] = {ROLLCALL_FILE_CREDENTIAL, ROLLCALL_FILE_KEY,
                                                        ROLLCALL_FILE_SECRET};

    if (!src->graph.tenant)
        ERROR(s, "[source %s] has no tenant; write the tenant's id: tenant = 1111...", src->name);
    if (!src->web.client_id)
        ERROR(s, "[source %s] has no client_id; write the id of the app registration", src->name);
    check_ids(s, src);
    check_workforce(s, src, "auth_url", src->web.auth_url);
    check_workforce(s, src, "api_url", src->web.api_url);
    check_workforce(s, src, "token_url", src->web.token_url);
    config_check_one_secret(s, src, secrets, sizeof(secrets) / sizeof(secrets[0]));
}
