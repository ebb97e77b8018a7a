// SPDX-License-Identifier: BSD-2-Clause
// The System Log's events, and how often it may be asked.
#include "syncd/sources/okta_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"

#define TAKING     1u
#define MEMBERSHIP 2u
#define DELETED    4u

// https://developer.okta.com/docs/reference/api/event-types/
static const struct {
    const char *name;
    unsigned what;
} kinds[] = {
    {"user.lifecycle.deactivate", TAKING},
    {"user.lifecycle.suspend", TAKING},
    {"user.lifecycle.delete.initiated", TAKING | DELETED},
    {"user.lifecycle.delete.completed", TAKING | DELETED},
    {"user.lifecycle.unsuspend", 0},
    {"user.lifecycle.activate", 0},
    {"user.lifecycle.reactivate", 0},
    {"user.lifecycle.create", 0},
    {"user.account.lock", 0},
    {"user.account.unlock", 0},
    {"user.account.unlock_by_admin", 0},
    {"user.account.update_profile", 0},
    {"group.user_membership.add", MEMBERSHIP},
    {"group.user_membership.remove", MEMBERSHIP | TAKING},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

char *okta_event_filter(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    if (!f)
        return NULL;
    for (size_t i = 0; i < N_KINDS; i++)
        fprintf(f, "%seventType eq \"%s\"", i ? " or " : "", kinds[i].name);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void take_target(const json_t *target, struct okta_event *e)
{
    const char *type = person_text(target, "type"), *id = person_text(target, "id");

    if (!type || !id || strlen(id) > OKTA_ID_MAX)
        return;
    if (strcmp(type, "User") == 0 && !*e->user)
        snprintf(e->user, sizeof(e->user), "%s", id);
    if (strcmp(type, "UserGroup") == 0 && !*e->group)
        snprintf(e->group, sizeof(e->group), "%s", id);
}

bool okta_event_take(const json_t *event, struct okta_event *ret)
{
    const char *name = person_text(event, "eventType");
    const char *result = person_text(json_object_get(event, "outcome"), "result");
    const json_t *targets = json_object_get(event, "target");
    struct okta_event e = {0};
    size_t k = 0;

    while (k < N_KINDS && strcmp(kinds[k].name, name ? name : "") != 0)
        k++;
    if (k == N_KINDS || !result || strcmp(result, "SUCCESS") != 0)
        return false;
    for (size_t i = 0; i < json_array_size(targets); i++)
        take_target(json_array_get(targets, i), &e);
    e.membership = kinds[k].what & MEMBERSHIP;
    e.deleted = kinds[k].what & DELETED;
    e.taking = kinds[k].what & TAKING;
    if (!*e.user && !(e.membership && *e.group))
        return false;
    *ret = e;
    return true;
}

// ---- how fast ----

#define WINDOW 60 // seconds: limits are by the minute

static int64_t bounded(int64_t reset_in)
{
    // A clock that is set wrong must not stop us for longer than a window.
    return reset_in < 1 ? 1 : reset_in > WINDOW ? WINDOW : reset_in;
}

int64_t okta_log_pause(int64_t wanted_ms, int64_t limit, int64_t remaining, int64_t reset_in)
{
    int64_t ms = wanted_ms, left = remaining - limit / 10;

    if (limit <= 0 || remaining < 0) // none said, or of concurrency: these say nothing of a pace
        return ms;
    if (limit < 2 * WINDOW * 1000 && 2 * WINDOW * 1000 / limit > ms)
        ms = 2 * WINDOW * 1000 / limit;
    if (left <= 0)
        return ms > bounded(reset_in) * 1000 ? ms : bounded(reset_in) * 1000;
    if (bounded(reset_in) * 1000 / left > ms)
        ms = bounded(reset_in) * 1000 / left;
    return ms;
}

int64_t okta_page_pause(int64_t limit, int64_t remaining, int64_t reset_in)
{
    return limit <= 0 || remaining < 0 || remaining > limit / 10 ? 0 : bounded(reset_in) * 1000;
}
