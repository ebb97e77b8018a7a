// SPDX-License-Identifier: BSD-2-Clause
// The log of activities between two passes: a hint whom to read again, never a word about
// anybody. Entries come late and out of order, so each look goes back a while (OVERLAP), and
// what was seen is not seen again. (PingOne API: Audit activities; it has a lower rate limit.)
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/parse.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/pingone.h"

#define OVERLAP     120  // seconds
#define AHEAD       3600 // seconds: a bound that the API wants, beyond what a clock may be off
#define ENTRIES_MAX 5000 // of one look; more: all people are read

struct look {
    int64_t newest;
    size_t n;
};

static int64_t server_now(struct web *w)
{
    int64_t skew = 0;

    http_skew(w->http, &skew);
    return time(NULL) + skew;
}

void pingone_log_begin(struct web *w)
{
    struct pingone *p = w->own;

    p->log.since = server_now(w);
}

static bool seen(struct pingone *p, const struct value *entry)
{
    const char *id = person_value_text(entry, "id");
    struct listed_hash h;

    if (!id)
        return false;
    h = listed_bytes_hash(p->listed, id, strlen(id));
    for (size_t i = 0; i < PINGONE_EVENTS; i++)
        if (p->log.seen[i].low == h.low && p->log.seen[i].high == h.high)
            return true;
    p->log.seen[p->log.next++ % PINGONE_EVENTS] = h;
    return false;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

// The types are those that a subscription may ask for (Ping's Terraform provider, pingone_webhook,
// included_action_types). Signing in changes nobody, and is most of the log.
static bool matters(const char *action)
{
    static const char *const noise[] = {"USER.ACCESS_", "USER.SLO_", "USER.QUOTA_"};
    static const char *const ours[] = {"USER.", "MEMBER_OF_GROUP.", "GROUP.", "POPULATION."};

    for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
        if (begins(action, noise[i]))
            return false;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (begins(action, ours[i]))
            return true;
    return false;
}

// A membership is named by its group; whose it is stands in its address alone:
// .../users/ID/memberOfGroups/ID.
static bool user_of(const struct value *resource, char id[37])
{
    const char *type = person_value_text(resource, "type");
    const char *own = person_value_text(resource, "id");
    const char *href = person_value_text(resource, "href"), *at;

    if (type && strcmp(type, "USER") == 0 && own)
        return snprintf(id, 37, "%s", own) == 36 && rollcall_is_uuid(id);
    if (!type || strcmp(type, "MEMBER_OF_GROUP") != 0 || !href)
        return false;
    at = strstr(href, "/users/");
    if (!at || strlen(at) < 7 + 37 || at[7 + 36] != '/')
        return false;
    snprintf(id, 37, "%.36s", at + 7);
    return rollcall_is_uuid(id);
}

static void note(struct pingone_log *log, const char *id, bool deleted)
{
    for (size_t i = 0; i < log->n_changed; i++) {
        if (strcmp(log->changed[i].id, id) == 0) {
            log->changed[i].deleted = log->changed[i].deleted || deleted;
            return;
        }
    }
    if (log->n_changed == PINGONE_CHANGED_MAX) {
        log->whole = true;
        return;
    }
    snprintf(log->changed[log->n_changed].id, sizeof(log->changed[0].id), "%s", id);
    log->changed[log->n_changed].ill = false;
    log->changed[log->n_changed++].deleted = deleted;
}

static int each_entry(struct web *w, const struct value *entry, const char *fault, void *ctx)
{
    struct pingone *p = w->own;
    struct look *look = ctx;
    const char *action = person_value_text(value_get(entry, "action"), "type");
    const char *at = person_value_text(entry, "recordedAt");
    enum rollcall_time_kind kind;
    bool named = false;
    int64_t t;

    (void)fault; // an entry that cannot be read matters to nobody: the passes go on
    if (++look->n > ENTRIES_MAX) {
        p->log.whole = true;
        return -ECANCELED;
    }
    if (at && rollcall_time_parse(at, &kind, &t) == 0 && t > look->newest)
        look->newest = t;
    if (!action || !matters(action) || seen(p, entry))
        return 0;
    for (const struct value *r = person_value_list(value_get(entry, "resources")); r; r = r->next) {
        char id[37];
        if (!user_of(r, id))
            continue;
        note(&p->log, id, strcmp(action, "USER.DELETED") == 0);
        named = true;
    }
    p->log.whole = p->log.whole || !named; // a group, a population: whoever is in it
    return 0;
}

static int look(struct web *w, struct look *look)
{
    static const char *const wanted[] = {"id", "recordedAt", "action", "resources", NULL};
    struct pingone *p = w->own;
    char from[ROLLCALL_TIME_TEXT], to[ROLLCALL_TIME_TEXT], filter[200], base[600];
    char *url;
    int r;

    rollcall_time_format(p->log.since - OVERLAP, -1, from, sizeof(from));
    rollcall_time_format(server_now(w) + AHEAD, -1, to, sizeof(to));
    snprintf(filter, sizeof(filter), "recordedAt gt \"%s\" and recordedAt lt \"%s\"", from, to);
    snprintf(base, sizeof(base), "%s/activities", p->env);
    url = http_url(base, "filter", filter, "limit", PINGONE_PAGE, NULL);
    r = url ? pingone_pages(w, url, "activities", wanted, each_entry, look) : -ENOMEM;
    free(url);
    return r;
}

int pingone_hint(struct web *w)
{
    struct pingone *p = w->own;
    struct look l = {.newest = p->log.since};
    int r;

    if (p->log.denied)
        return 0;
    r = look(w, &l);
    if (r == -EACCES) { // the passes go on without it
        fprintf(stderr,
                "the log of activities is not for this application (%s); changes are seen "
                "every poll\n",
                w->why);
        p->log.denied = true;
        return 0;
    }
    if (r < 0 && r != -ECANCELED)
        return r;
    p->log.since = l.newest;
    return p->log.n_changed > 0 || p->log.whole;
}
