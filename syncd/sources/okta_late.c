// SPDX-License-Identifier: BSD-2-Clause
// People whose object cannot be read though the org answers otherwise: each is asked for again by
// itself, after a pause that grows, and holds up nobody else.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/okta.h"
#include "syncd/sources/wait.h"

#define PAUSE_MS     2000
#define PAUSE_MAX_MS 300000
#define KEPT_MAX     100 // in a cursor; with more, the bookmark stays where it was

static json_t *find(const struct okta *o, const char *id)
{
    return json_object_get(o->late, id);
}

bool okta_late_has(const struct okta *o, const char *id)
{
    return id && find(o, id);
}

bool okta_late_fits(const struct okta *o)
{
    return json_object_size(o->late) <= KEPT_MAX;
}

// True where it is the first time.
bool okta_late_note(struct okta *o, const char *id, bool deleted)
{
    json_t *entry = find(o, id);
    json_int_t pause = json_integer_value(json_object_get(entry, "pause"));

    deleted = deleted || json_is_true(json_object_get(entry, "deleted"));
    pause = pause > 0 ? pause * 2 : PAUSE_MS;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    json_object_set_new(o->late, id,
                        json_pack("{s:b, s:I, s:I}", "deleted", deleted, "pause", pause, "at",
                                  (json_int_t)source_now_ms() + pause));
    return !entry;
}

void okta_late_over(struct okta *o, const char *id)
{
    json_object_del(o->late, id);
}

// The id of one who is due, or NULL; *ret_deleted: a log event said that it was deleted.
const char *okta_late_due(const struct okta *o, bool *ret_deleted)
{
    int64_t now = source_now_ms();
    const char *id;
    json_t *entry;

    json_object_foreach(o->late, id, entry)
    {
        if (json_integer_value(json_object_get(entry, "at")) > now)
            continue;
        *ret_deleted = json_is_true(json_object_get(entry, "deleted"));
        return id;
    }
    return NULL;
}

void okta_late_keep(const struct okta *o, json_t *cursor)
{
    json_t *kept = json_object(), *entry;
    const char *id;

    json_object_foreach(o->late, id, entry)
    {
        if (json_object_size(kept) < KEPT_MAX)
            json_object_set(kept, id, json_object_get(entry, "deleted"));
    }
    if (json_object_size(kept) > 0)
        json_object_set(cursor, "late", kept);
    else
        json_object_del(cursor, "late");
    json_decref(kept);
}

// Whoever begins with a cursor asks for them at once.
void okta_late_restore(struct okta *o, const json_t *cursor)
{
    json_t *deleted;
    const char *id;

    json_object_foreach(json_object_get(cursor, "late"), id, deleted)
    {
        if (strlen(id) <= OKTA_ID_MAX && !json_object_get(o->first, id))
            json_object_set_new(o->users, id, json_boolean(json_is_true(deleted)));
    }
}
