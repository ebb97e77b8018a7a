// SPDX-License-Identifier: BSD-2-Clause
// Which directory, and how often. Pure.
#include "pam_module/verifier/directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// ---- where ----

// Without the blanks that may stand around its commas.
static bool same_up_to_blanks(const char *a, const char *b)
{
    for (;;) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;
        if (strncasecmp(a, b, 1) != 0)
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

static bool holds(const char *base, const char *dn)
{
    bool start = true;

    for (const char *at = dn; *at; at++) {
        if (start && same_up_to_blanks(at, base))
            return true;
        start = *at == ',';
        if (*at == '\\' && at[1]) // what it stands before is of a value
            at++;
    }
    return false;
}

static bool came_from(const struct rollcall_source_config *s, const char *id)
{
    size_t n = strlen(s->name);

    return strncmp(id, s->name, n) == 0 && id[n] == ':';
}

const struct rollcall_source_config *directory_of(const struct rollcall_config *config,
                                                  const char *id, const char *dn)
{
    const struct rollcall_source_config *best = NULL;

    for (size_t i = 0; config && i < config->n_sources; i++) {
        const struct rollcall_source_config *s = &config->source[i];
        if (!s->type || strcmp(s->type, "ldap") != 0 || !s->ldap.base)
            continue;
        if (came_from(s, id))
            return s;
        if (*dn ? holds(s->ldap.base, dn) &&
                      (!best || strlen(s->ldap.base) > strlen(best->ldap.base))
                : !best)
            best = s;
    }
    return best;
}

int directory_address(const struct rollcall_source_config *s, struct rollcall_check_request *ret)
{
    size_t used = 0;
    int n;

    *ret->uris = 0;
    for (size_t i = 0; i < s->ldap.uri.n; i++) {
        // What asks has no local sockets.
        if (strncasecmp(s->ldap.uri.item[i], "ldapi://", 8) == 0)
            continue;
        n = snprintf(ret->uris + used, sizeof(ret->uris) - used, "%s%s", used ? " " : "",
                     s->ldap.uri.item[i]);
        if (n < 0 || (size_t)n >= sizeof(ret->uris) - used)
            return -EMSGSIZE;
        used += (size_t)n;
    }
    n = snprintf(ret->ca, sizeof(ret->ca), "%s",
                 s->file[ROLLCALL_FILE_CA] ? s->file[ROLLCALL_FILE_CA] : "");
    if (n < 0 || (size_t)n >= sizeof(ret->ca))
        return -EMSGSIZE;
    if (used == 0)
        return -ENOENT;
    ret->active_directory = s->ldap.schema && strcmp(s->ldap.schema, "ad") == 0;
    return 0;
}

bool directory_admits(enum rollcall_check_status status)
{
    return status == ROLLCALL_CHECK_TAKEN || status == ROLLCALL_CHECK_MUST_CHANGE;
}

// ---- how often ----

static struct failures *told(struct credential *c, enum side side)
{
    return side == SIDE_INSIDE ? &c->inside.of[FACTOR_BIND] : &c->outside.of[FACTOR_BIND];
}

static void age(struct failures *f, const struct bind_budget *b, int64_t now)
{
    // A failure of a time to come is one of a clock that was set back since.
    if (f->last > now)
        f->last = now;
    if (now - f->last >= b->window)
        f->count = 0;
}

bool budget_take(struct credential *c, enum side side, const struct bind_budget *b, int64_t now)
{
    uint32_t limit = side == SIDE_OUTSIDE && b->limit > 1 ? b->limit - 1 : b->limit;
    struct failures *mine = told(c, side);

    age(&c->outside.of[FACTOR_BIND], b, now);
    age(&c->inside.of[FACTOR_BIND], b, now);
    if (c->outside.of[FACTOR_BIND].count + c->inside.of[FACTOR_BIND].count >= limit)
        return false;
    mine->count++;
    mine->last = now;
    return true;
}

void budget_settle(struct credential *c, enum side side, enum rollcall_check_status status)
{
    if (rollcall_check_proves(status)) {
        c->outside.of[FACTOR_BIND] = c->inside.of[FACTOR_BIND] = (struct failures){0};
        return;
    }
    // A directory that could not be asked has counted nothing.
    if ((status == ROLLCALL_CHECK_UNREACHABLE || status == ROLLCALL_CHECK_FAILED) &&
        told(c, side)->count > 0)
        told(c, side)->count--;
}
