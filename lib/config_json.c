// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in a source of type json: an HR system's API or file. What only the
// pointers can tell is said by rollcall-source-json when it starts.
#include <string.h>

#include "lib/config_parse.h"
#include "rollcall/lifecycle.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)

static bool is_preset(const struct rollcall_source_config *src, const char *name)
{
    return src->json.preset && strcmp(src->json.preset, name) == 0;
}

static bool maps_one_of(const struct rollcall_list *map, const char *const *names)
{
    for (size_t i = 0; i < map->n; i++)
        for (size_t k = 0; names[k]; k++)
            if (strncmp(map->item[i], names[k], strlen(names[k])) == 0 &&
                map->item[i][strlen(names[k])] == ':')
                return true;
    return false;
}

static void check_map(struct config_state *s, const struct rollcall_source_config *src)
{
    static const char *const id[] = {"id", NULL}, *const status[] = {"status",
                                                                     "active",
                                                                     "employment.status",
                                                                     "employment.active",
                                                                     "record.status",
                                                                     NULL};
    const struct rollcall_list *map = &src->ldap.map;

    for (size_t i = 0; i < map->n; i++) {
        const char *colon = strchr(map->item[i], ':');
        if (!colon || colon == map->item[i] || (colon[1] != '/' && strcmp(colon, ":-") != 0))
            ERROR(s,
                  "[source %s] map: \"%s\" must be NAME:POINTER, such as "
                  "employeeNumber:/worker/number",
                  src->name, map->item[i]);
    }
    if (!is_preset(src, "none"))
        return;
    if (!maps_one_of(map, id))
        ERROR(s,
              "[source %s] has no preset, and map names no id; write map = id:/workerId, ...: what "
              "never changes of a person",
              src->name);
    if ((src->role & ROLLCALL_ROLE_AUTHORITY) && !maps_one_of(map, status))
        ERROR(s,
              "[source %s] says who is employed, but map names neither status nor active: nobody "
              "would be",
              src->name);
}

static void check_sign_in(struct config_state *s, const struct rollcall_source_config *src)
{
    bool secret = src->file[ROLLCALL_FILE_SECRET] || src->file[ROLLCALL_FILE_CREDENTIAL],
         password = src->file[ROLLCALL_FILE_PASSWORD], basic = src->user || password;

    if (src->file[ROLLCALL_FILE_SECRET] && src->file[ROLLCALL_FILE_CREDENTIAL])
        ERROR(s, "[source %s] needs one alone of secret_file and credential", src->name);
    if (!src->user != !password)
        ERROR(s, "[source %s] user and password_file go together", src->name);
    if (!src->web.client_id != !src->web.token_url || (src->web.client_id && (basic || !secret)))
        ERROR(s, "[source %s] client_id, token_url and secret_file (or credential) go together",
              src->name);
    if (src->json.key_header && !secret)
        ERROR(s, "[source %s] key_header needs secret_file (or credential)", src->name);
    if (basic && secret && !src->json.key_header)
        ERROR(s, "[source %s] has two secrets: password_file, and one for a token", src->name);
    if (is_preset(src, "bamboohr") && (!secret || basic))
        ERROR(s, "[source %s] preset = bamboohr needs secret_file with the API key, and no user",
              src->name);
    if (!basic && !secret && !src->file[ROLLCALL_FILE_CERT])
        ERROR(s, "[source %s] needs user and password_file, secret_file, or cert_file and key_file",
              src->name);
}

static void check_paging(struct config_state *s, const struct rollcall_source_config *src)
{
    const char *paging = src->web.paging;

    if (paging && (strcmp(paging, "auto") == 0 || strcmp(paging, "index") == 0))
        ERROR(s, "[source %s] paging = %s is of type scim", src->name, paging);
    if (paging && (strcmp(paging, "next") == 0 || strcmp(paging, "cursor") == 0) && !src->json.next)
        ERROR(s, "[source %s] paging = %s needs next = /POINTER", src->name, paging);
    if (src->path && paging && strcmp(paging, "none") != 0)
        ERROR(s, "[source %s] is a file, which has no pages; paging belongs to url", src->name);
    if (is_preset(src, "bamboohr") && paging)
        ERROR(s, "[source %s] preset = bamboohr reads one report; it has no paging", src->name);
}

void config_check_json(struct config_state *s, const struct rollcall_source_config *src)
{
    if (!src->web.url == !src->path)
        ERROR(s, "[source %s] needs url = https://... or path = /..., one of them", src->name);
    check_map(s, src);
    check_paging(s, src);
    if (src->web.url)
        check_sign_in(s, src);
    else if (src->user || src->file[ROLLCALL_FILE_PASSWORD] || src->file[ROLLCALL_FILE_SECRET] ||
             src->web.client_id)
        ERROR(s, "[source %s] is a file, which needs no user and no secret", src->name);
}
