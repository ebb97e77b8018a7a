// SPDX-License-Identifier: BSD-2-Clause
// What must hold together in every source over an API, and to which types options belong.
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/config_parse.h"
#include "lib/config_table.h"

#define ERROR(s, ...) config_complain_of(s, false, __VA_ARGS__)

// "graph, okta or json"
static void types_text(const char *types, char *text, size_t len)
{
    size_t n = 0;

    for (const char *p = types; *p && n < len; p += strcspn(p, "|"), p += *p == '|') {
        const char *before = p == types ? "" : strchr(p, '|') ? ", " : " or ";
        n += (size_t)snprintf(text + n, len - n, "%s%.*s", before, (int)strcspn(p, "|"), p);
    }
}

void config_check_types(struct config_state *s, const struct rollcall_source_config *src)
{
    const struct option_definition *d;
    char section[100], types[100];

    snprintf(section, sizeof(section), "source %s", src->name);
    for (size_t i = 0; (d = config_option(i)); i++) {
        if (strcmp(d->section, "source") != 0 || config_option_of_type(d, src->type) ||
            !config_was_set(s, section, d->name))
            continue;
        types_text(d->types, types, sizeof(types));
        ERROR(s, "[source %s] is of type %s; %s belongs to type %s", src->name, src->type, d->name,
              types);
    }
}

static bool host_acceptable(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr("-._:[]", host[i]))
            return false;
    return len > 0;
}

void config_check_https(struct config_state *s, const struct rollcall_source_config *src,
                        const char *option, const char *url)
{
    if (!url)
        return;
    if (strncasecmp(url, "https://", 8) != 0 ||
        !host_acceptable(url + 8, strcspn(url + 8, "/?#")) || strpbrk(url, "# \"\\<>"))
        ERROR(s,
              "[source %s] %s: \"%s\" must be https://HOST/PATH, with no name, password or '#' in "
              "it",
              src->name, option, url);
}

void config_check_one_secret(struct config_state *s, const struct rollcall_source_config *src,
                             const enum rollcall_source_file *files, size_t n)
{
    char all[200] = "";
    size_t set = 0, len = 0;

    for (size_t i = 0; i < n; i++) {
        set += src->file[files[i]] != NULL;
        len += (size_t)snprintf(all + len, len < sizeof(all) ? sizeof(all) - len : 0, "%s%s",
                                i == 0       ? ""
                                : i + 1 == n ? " or "
                                             : ", ",
                                rollcall_source_file_option(files[i]));
    }
    if (set != 1)
        ERROR(s, "[source %s] needs %s%s", src->name, set == 0 ? "" : "one alone of ", all);
}

static void check_credential(struct config_state *s, const struct rollcall_source_config *src)
{
    const char *name = src->file[ROLLCALL_FILE_CREDENTIAL];

    if (name && (strchr(name, '/') || *name == '.'))
        ERROR(s,
              "[source %s] credential = %s: write the name that LoadCredential= gives it, not a "
              "path",
              src->name, name);
}

static void check_proxy(struct config_state *s, const struct rollcall_source_config *src)
{
    const char *proxy = src->web.proxy;

    if (proxy && (strncasecmp(proxy, "http://", 7) != 0 || !strchr(proxy + 7, ':') ||
                  !host_acceptable(proxy + 7, strlen(proxy + 7))))
        ERROR(s, "[source %s] proxy: \"%s\" must be http://HOST:PORT", src->name, proxy);
}

void config_check_web(struct config_state *s, const struct rollcall_source_config *src)
{
    config_check_https(s, src, "url", src->web.url);
    config_check_https(s, src, "token_url", src->web.token_url);
    check_proxy(s, src);
    check_credential(s, src);
    if (src->file[ROLLCALL_FILE_CERT] && !src->file[ROLLCALL_FILE_KEY])
        ERROR(s, "[source %s] cert_file needs key_file", src->name);
}
