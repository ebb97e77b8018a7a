// SPDX-License-Identifier: BSD-2-Clause
// What the request says to rollcall-source-ldap.
#include "syncd/sources/ldap_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syncd/sources/ldap_dn.h"

static const char *text(const json_t *section, const char *key)
{
    return json_string_value(json_object_get(section, key));
}

// An entry, a group of 100,000 members included, and no more than a host can bear.
#define MESSAGE_MAX (32 * 1024 * 1024)
#define STEP_MAX    10 // seconds to connect, to shake hands, to bind

static int word_of(const char *word, const char *const *words, int n, int *ret)
{
    for (int i = 0; word && i < n; i++)
        if (strcmp(word, words[i]) == 0) {
            *ret = i;
            return 0;
        }
    return -EINVAL;
}

// The first line of the file: whoever writes it by an editor ends it with a newline.
static int read_password(int fd, struct rollcall_secret *ret)
{
    ssize_t n = pread(fd, ret->bytes, ROLLCALL_SECRET_MAX, 0);

    ret->len = n > 0 ? (size_t)n : 0;
    for (size_t i = 0; i < ret->len; i++)
        if (ret->bytes[i] == '\n' || ret->bytes[i] == '\r' || ret->bytes[i] == 0) {
            explicit_bzero(ret->bytes + i, ret->len - i);
            ret->len = i;
        }
    return n < 0 || ret->len == 0 ? -EINVAL : 0;
}

static const char *file_path(const json_t *section, const char *key, char *buf, size_t len)
{
    json_t *fd = json_object_get(json_object_get(section, "files"), key);

    if (!json_is_integer(fd))
        return NULL;
    snprintf(buf, len, "/proc/self/fd/%d", (int)json_integer_value(fd));
    return buf;
}

static int take_bind(struct dir_settings *s, const json_t *section, char *why, size_t why_len)
{
    static const char *const words[] = {"simple", "external", "gssapi", "none"};
    json_t *fd = json_object_get(json_object_get(section, "files"), "password_file");
    int bind = 0;

    if (word_of(text(section, "bind"), words, 4, &bind) < 0) {
        snprintf(why, why_len, "bind is none of simple, external, gssapi, none");
        return -EINVAL;
    }
    s->session.bind = (enum rollcall_ldap_bind)bind;
    s->session.bind_dn = text(section, "bind_dn");
    s->session.password = &s->password;
    if (bind == ROLLCALL_LDAP_BIND_SIMPLE &&
        (!json_is_integer(fd) || read_password((int)json_integer_value(fd), &s->password) < 0)) {
        snprintf(why, why_len, "the first line of password_file is empty or too long");
        return -EINVAL;
    }
    s->session.ca_file = file_path(section, "ca_file", s->ca_file, sizeof(s->ca_file));
    s->session.cert_file = file_path(section, "cert_file", s->cert_file, sizeof(s->cert_file));
    s->session.key_file = file_path(section, "key_file", s->key_file, sizeof(s->key_file));
    s->session.keytab = file_path(section, "keytab", s->keytab, sizeof(s->keytab));
    return 0;
}

static int take_servers(struct dir_settings *s, const json_t *section, char *why, size_t why_len)
{
    json_t *uri = json_object_get(section, "uri"), *item;
    size_t i;

    json_array_foreach(uri, i, item) if (i < ROLLCALL_LDAP_URIS_MAX && json_is_string(item))
        s->uris[s->session.n_uris++] = json_string_value(item);
    s->session.uris = s->uris;
    s->session.timeout = s->timeout < STEP_MAX ? s->timeout : STEP_MAX;
    s->session.message_max = MESSAGE_MAX;
    return take_bind(s, section, why, why_len);
}

static int take_base(const json_t *section, const char *key, const char *base, char **ret,
                     char *why, size_t why_len)
{
    const char *dn = text(section, key) ?: base;
    struct berval v = {dn ? strlen(dn) : 0, (char *)(uintptr_t)dn};

    *ret = dn ? dir_dn(&v) : NULL;
    if (*ret)
        return 0;
    snprintf(why, why_len, "%s is no DN: write dc=example,dc=com", key);
    return -EINVAL;
}

static int take_tree(struct dir_settings *s, const json_t *section, char *why, size_t why_len)
{
    const char *user = text(section, "user_filter") ?: s->map.user_filter,
               *group = text(section, "group_filter") ?: s->map.group_filter;
    char *base = NULL;
    int r;

    s->base = text(section, "base");
    r = take_base(section, "base", NULL, &base, why, why_len);
    if (r == 0)
        r = take_base(section, "user_base", s->base, &s->user_base, why, why_len);
    if (r == 0)
        r = take_base(section, "group_base", s->base, &s->group_base, why, why_len);
    if (r == 0 && (!dir_dn_below(s->user_base, base) || !dir_dn_below(s->group_base, base))) {
        snprintf(why, why_len, "user_base and group_base have to be inside of base");
        r = -EINVAL;
    }
    ldap_memfree(base);
    if (r < 0)
        return r;
    s->map.user_base = s->user_base;
    s->map.group_base = s->group_base;
    if (asprintf(&s->filter, "(|%s%s%s%s%s%s)", *user == '(' ? "" : "(", user,
                 *user == '(' ? "" : ")", *group == '(' ? "" : "(", group,
                 *group == '(' ? "" : ")") < 0)
        return -ENOMEM;
    return 0;
}

// FNV-1a: it tells one configuration from the next, and stands against nobody.
static void fingerprint(struct dir_settings *s, const json_t *section)
{
    char *texts[] = {json_dumps(json_object_get(section, "map"), JSON_COMPACT | JSON_ENCODE_ANY)};
    const char *parts[] = {s->base,
                           s->user_base,
                           s->group_base,
                           s->filter,
                           text(section, "schema"),
                           text(section, "bind_dn"),
                           texts[0],
                           ROLLCALL_VERSION};
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (const char *p = parts[i] ? parts[i] : ""; *p; p++)
            h = (h ^ (unsigned char)*p) * 0x100000001b3u;
        h = (h ^ 0xff) * 0x100000001b3u;
    }
    free(texts[0]);
    snprintf(s->fingerprint, sizeof(s->fingerprint), "%016llx", (unsigned long long)h);
}

int dir_settings_read(int fd, struct dir_settings *s, char *why, size_t why_len)
{
    static const char *const syncs[] = {"auto", "persist", "refresh", "poll", "dirsync", "usn"};
    const json_t *section;
    int r, sync;

    *s = (struct dir_settings){0};
    if (source_request_read(fd, &s->request) < 0) {
        snprintf(why, why_len,
                 "rollcall-source-ldap is started by rollcall-syncd; see rollcall.conf(5)");
        return -EINVAL;
    }
    section = json_object_get(s->request.json, "section");
    s->once = s->request.once;
    s->poll = s->request.poll > 0 && s->request.poll < 86400 ? (unsigned)s->request.poll : 60;
    s->timeout = (unsigned)json_integer_value(json_object_get(section, "timeout"));
    s->page = (int)json_integer_value(json_object_get(section, "page"));
    if (s->timeout < 1 || s->timeout > 86400)
        s->timeout = 300;
    if (word_of(text(section, "sync"), syncs, 6, &sync) < 0) {
        snprintf(why, why_len, "sync is none of auto, persist, refresh, poll, dirsync, usn");
        return -EINVAL;
    }
    s->sync = (enum dir_sync_mode)sync;
    r = dir_map_init(&s->map, text(section, "schema") ?: "", json_object_get(section, "map"), why,
                     why_len);
    if (r == 0)
        r = take_tree(s, section, why, why_len);
    if (r == 0)
        r = take_servers(s, section, why, why_len);
    if (r == 0)
        r = rollcall_ldap_options_check(&s->session, why, why_len);
    if (r == 0)
        fingerprint(s, section);
    return r;
}

void dir_settings_done(struct dir_settings *s)
{
    rollcall_secret_erase(&s->password);
    dir_map_done(&s->map);
    ldap_memfree(s->user_base);
    ldap_memfree(s->group_base);
    free(s->filter);
    source_request_done(&s->request);
}
