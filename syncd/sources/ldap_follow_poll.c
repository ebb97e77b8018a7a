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

static enum dir_outcome on_entry(struct polling *p, LDAPMessage *m)
{
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

// One page, or all where there are none. `cookie` is the page's.
static enum dir_outcome read_page(struct polling *p, int msgid, struct berval *cookie)
{
    struct dir_follow *f = p->f;
    LDAP *ld = rollcall_ldap_handle(f->session);
    enum dir_outcome r = DIR_READ;

    for (;;) {
        LDAPMessage *m = NULL;
        LDAPControl **controls = NULL, *c;
        int code = LDAP_OTHER, n = rollcall_ldap_wait(f->session, msgid, LDAP_MSG_ONE,
                                                      f->set->timeout, &m, f->why, sizeof(f->why));
        if (n <= 0) {
            if (n == 0)
                snprintf(f->why, sizeof(f->why),
                         "%s says nothing for %u s in the middle of its answer",
                         rollcall_ldap_uri(f->session), f->set->timeout);
            return DIR_LOST;
        }
        if (ldap_msgtype(m) == LDAP_RES_SEARCH_ENTRY)
            r = on_entry(p, m);
        else if (ldap_msgtype(m) == LDAP_RES_SEARCH_REFERENCE)
            dir_take_reference(f);
        if (ldap_msgtype(m) != LDAP_RES_SEARCH_RESULT) {
            ldap_msgfree(m);
            if (r != DIR_READ)
                return r;
            continue;
        }
        if (ldap_parse_result(ld, m, &code, NULL, NULL, NULL, &controls, 1) != LDAP_SUCCESS)
            code = LDAP_PROTOCOL_ERROR;
        c = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
        if (c && ldap_parse_pageresponse_control(ld, c, NULL, cookie) != LDAP_SUCCESS)
            *cookie = (struct berval){0, NULL};
        ldap_controls_free(controls);
        return code == LDAP_SUCCESS ? DIR_READ : dir_result(f, code);
    }
}

static enum dir_outcome search(struct polling *p, const char *filter, const char *const *attributes)
{
    struct dir_follow *f = p->f;
    LDAP *ld = rollcall_ldap_handle(f->session);
    struct berval cookie = {0, NULL};
    enum dir_outcome r;

    do {
        LDAPControl *page = NULL, *controls[2] = {NULL, NULL};
        int msgid, code = LDAP_SUCCESS;
        if (f->set->page > 0)
            code = ldap_create_page_control(ld, f->set->page, &cookie, 0, &page);
        controls[0] = page;
        if (code == LDAP_SUCCESS)
            code =
                ldap_search_ext(ld, f->set->base, LDAP_SCOPE_SUBTREE, filter,
                                (char **)(uintptr_t)attributes, 0, controls, NULL, NULL, 0, &msgid);
        ldap_control_free(page);
        ber_memfree(cookie.bv_val);
        cookie = (struct berval){0, NULL};
        r = code == LDAP_SUCCESS ? read_page(p, msgid, &cookie) : dir_result(f, code);
    } while (r == DIR_READ && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
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
    r = search(p, f->set->filter, f->set->map.attributes);
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
    r = search(&p, f->set->filter, ids);
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
    r = search(p, filter, f->set->map.attributes);
    if (r != DIR_READ)
        return r;
    dir_say_commit(&f->say, NULL);
    r = dir_compare_ids(f, &unknown);
    if (r != DIR_READ)
        return r;
    dir_say_gone(f);
    if (unknown) // older than what was seen, and new: moved into the tree, or shown by now
        f->complete = false;
    emit_as_of(asked);
    emit_flush();
    return DIR_READ;
}

enum dir_outcome dir_follow_poll(struct dir_follow *f)
{
    struct polling p = {.f = f};
    enum dir_outcome r = read_whole(&p);

    while (r == DIR_READ && !f->set->once) {
        int64_t until = dir_now_ms() + (int64_t)f->set->poll * 1000, now;
        while ((now = dir_now_ms()) < until)
            dir_pause(until - now, -1);
        if (f->unconfirmed)
            r = dir_confirm_gone(f);
        if (r == DIR_AFRESH)
            f->complete = false;
        else if (r != DIR_READ)
            break;
        r = !f->complete || !p.newest[0] || dir_whole_is_due(f) ? read_whole(&p) : read_newer(&p);
    }
    return r;
}
