// SPDX-License-Identifier: BSD-2-Clause
// For servers that know no RFC 4533: every poll, entries that are newer than the newest
// seen, and a list of the ids of all of them, for whoever is gone. Once a day all of it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/emit.h"
#include "syncd/sources/ldap_follow.h"
#include "syncd/sources/wait.h"

struct polling {
    struct dir_follow *f;
    char newest[32]; // modifyTimestamp, "" where the server shows none
    bool ids_alone;  // the search in work is for ids
    bool unknown;    // an id came that no search brought before
};

static void note_newest(struct polling *p, const struct dir_entry *e)
{
    const struct dir_attr *a = dir_attr(e, "modifyTimestamp");
    char text[32];

    if (!a || a->values[0].bv_len >= sizeof(text))
        return;
    memcpy(text, a->values[0].bv_val, a->values[0].bv_len);
    text[a->values[0].bv_len] = 0;
    // It goes into a filter: digits, a point and Z, and nothing else.
    if (strspn(text, "0123456789.Z") == strlen(text) && strcmp(text, p->newest) > 0)
        snprintf(p->newest, sizeof(p->newest), "%s", text);
}

static enum dir_outcome on_entry(void *ctx, LDAPMessage *m)
{
    struct polling *p = ctx;
    struct dir_follow *f = p->f;
    struct dir_known_entry *k;
    struct dir_entry e;
    unsigned char uuid[DIR_UUID];
    enum dir_outcome r = DIR_READ;

    if (dir_entry_read(f, m, &e) < 0 || dir_entry_uuid(&e, uuid) < 0) {
        dir_entry_done(&e);
        snprintf(f->why, sizeof(f->why),
                 "%s: an entry has neither entryUUID nor nsUniqueId nor objectGUID that this "
                 "account may read",
                 rollcall_ldap_uri(f->session));
        return DIR_REFUSED;
    }
    note_newest(p, &e);
    dir_entry_done(&e);
    if (!p->ids_alone)
        return dir_take_entry(f, m, uuid);
    k = dir_known_find(f->known, uuid);
    if (k)
        k->seen = true;
    else
        p->unknown = true;
    return r;
}

static enum dir_outcome read_whole(struct polling *p)
{
    struct dir_follow *f = p->f;
    enum dir_outcome r;

    f->complete = false;
    f->n_gone = 0;
    dir_known_forget(f->known);
    p->newest[0] = 0;
    dir_say_begin(&f->say, DIR_WHOLE, dir_now());
    emit_flush();
    r = dir_search(f, f->set->filter, f->set->map.attributes, on_entry, p);
    if (r != DIR_READ)
        return r;
    dir_say_commit(&f->say, NULL);
    if (!f->set->once)
        dir_say_check(&f->say, NULL);
    f->complete = true;
    f->recheck = f->unconfirmed = true;
    return DIR_READ;
}

static void unseen_is_gone(struct dir_known_entry *e, void *ctx)
{
    if (!e->seen && !e->absent)
        dir_note_gone(ctx, e->uuid);
}

enum dir_outcome dir_compare_ids(struct dir_follow *f, bool *ret_unknown)
{
    static const char *const ids[] = {"entryUUID", "nsUniqueId", "objectGUID", NULL};
    struct polling p = {.f = f, .ids_alone = true};
    enum dir_outcome r;

    dir_known_unsee(f->known);
    r = dir_search(f, f->set->filter, ids, on_entry, &p);
    if (r != DIR_READ)
        return r;
    dir_known_each(f->known, unseen_is_gone, f);
    *ret_unknown = p.unknown;
    return DIR_READ;
}

static enum dir_outcome read_newer(struct polling *p)
{
    struct dir_follow *f = p->f;
    _cleanup_free_ char *filter = NULL;
    int64_t asked = dir_now();
    bool unknown = false;
    enum dir_outcome r;

    if (asprintf(&filter, "(&%s(modifyTimestamp>=%s))", f->set->filter, p->newest) < 0)
        return DIR_LOST;
    dir_say_begin(&f->say, DIR_DELTA, asked);
    r = dir_search(f, filter, f->set->map.attributes, on_entry, p);
    if (r != DIR_READ)
        return r;
    dir_say_commit(&f->say, NULL);
    r = dir_compare_ids(f, &unknown);
    if (r != DIR_READ)
        return r;
    dir_say_gone(f);
    if (unknown) // older than what was seen, and new: moved into the tree, or shown by now
        f->complete = false;
    emit_as_of(f->set->map.hub ? f->say.hub.as_of : asked); // of a hub: as old as its authorities
    emit_flush();
    return DIR_READ;
}

enum dir_outcome dir_follow_poll(struct dir_follow *f)
{
    struct polling p = {.f = f};
    enum dir_outcome r = read_whole(&p);

    while (r == DIR_READ && !f->set->once) {
        dir_rest((int64_t)f->set->poll * 1000);
        if (f->unconfirmed)
            r = dir_confirm_gone(f);
        if (r == DIR_AFRESH)
            f->complete = false;
        else if (r != DIR_READ)
            break;
        r = dir_read_beat(f);
        if (r != DIR_READ)
            break;
        r = !f->complete || !p.newest[0] || dir_whole_is_due(f) ? read_whole(&p) : read_newer(&p);
    }
    return r;
}
