// SPDX-License-Identifier: BSD-2-Clause
// What all ways of following a directory share.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/emit.h"
#include "syncd/sources/ldap_ack.h"
#include "syncd/sources/ldap_follow.h"
#include "syncd/sources/wait.h"

#define WHOLE_EVERY     (24 * 3600)
#define HUB_WHOLE_EVERY (30 * WHOLE_EVERY)

int64_t dir_now(void)
{
    return time(NULL);
}

bool dir_whole_is_due(const struct dir_follow *f)
{
    // Of a hub's directory there may be ten thousand readers.
    int64_t every = f->set->map.hub ? HUB_WHOLE_EVERY : WHOLE_EVERY;

    return dir_now() - f->say.whole_at > every + f->jitter * (every / WHOLE_EVERY);
}

void dir_rest(int64_t ms)
{
    int64_t until = source_now_ms() + ms, now;

    while ((now = source_now_ms()) < until && !dir_is_asked())
        source_wait(until - now, -1);
}

// ---- entries ----

// It is another attribute then, that nobody asked for, and whoever may write one may write it
// under any number of them. A range is the server's own word: "member;range=0-1499".
static bool is_under_an_option(const struct berval *name)
{
    static const char range[] = ";range=";
    const char *option = memchr(name->bv_val, ';', name->bv_len);
    size_t left = option ? name->bv_len - (size_t)(option - name->bv_val) : 0;

    return option &&
           (left < sizeof(range) - 1 || strncasecmp(option, range, sizeof(range) - 1) != 0);
}

int dir_entry_read(struct dir_follow *f, LDAPMessage *m, struct dir_entry *ret)
{
    LDAP *ld = rollcall_ldap_handle(f->session);
    BerElement *ber = NULL;
    int r = 0;

    ret->n = 0;
    if (ldap_get_dn_ber(ld, m, &ber, &ret->dn) != LDAP_SUCCESS)
        return -EBADMSG;
    for (;;) {
        struct dir_attr a = {0};
        if (ldap_get_attribute_ber(ld, m, ber, &a.name, &a.values) != LDAP_SUCCESS) {
            r = -EBADMSG;
            break;
        }
        if (!a.name.bv_val)
            break;
        if (is_under_an_option(&a.name)) {
            ber_memfree(a.values);
            continue;
        }
        for (; a.values && a.values[a.n].bv_val; a.n++)
            ;
        if (ret->n == DIR_ATTRS_MAX) {
            ber_memfree(a.values);
            r = -E2BIG;
            break;
        }
        ret->attr[ret->n++] = a;
    }
    ber_free(ber, 0);
    if (r < 0)
        dir_entry_done(ret);
    return r;
}

void dir_entry_done(struct dir_entry *e)
{
    for (size_t i = 0; i < e->n; i++)
        ber_memfree(e->attr[i].values);
    e->n = 0;
}

enum dir_outcome dir_take_entry(struct dir_follow *f, LDAPMessage *m,
                                const unsigned char uuid[DIR_UUID])
{
    struct dir_slices slices = {0};
    enum dir_outcome sliced;
    struct dir_entry e;
    bool is_beat;
    int r = dir_entry_read(f, m, &e);

    if (r == -E2BIG) {
        char id[DIR_UUID_TEXT];
        dir_uuid_text(uuid, id);
        emit_problem(id, id, false, "the server sends more than 96 attributes of this entry");
        return dir_known_put(f->known, uuid, DIR_USER, NULL) ? DIR_READ : DIR_LOST;
    }
    if (r < 0) {
        snprintf(f->why, sizeof(f->why), "%s: an entry cannot be read: it is no valid BER",
                 rollcall_ldap_uri(f->session));
        return DIR_LOST;
    }
    is_beat = f->set->map.hub && dir_hub_is_beat(&e);
    sliced = dir_slices_read(f, &e, &slices);
    r = sliced == DIR_READ ? dir_say_entry(&f->say, &e, uuid, f->known) : DIR_NOBODY;
    dir_entry_done(&e);
    dir_slices_done(&slices);
    if (sliced != DIR_READ)
        return sliced;
    if (r < 0) {
        snprintf(f->why, sizeof(f->why), "%s: more than %d entries, or no memory for them",
                 rollcall_ldap_uri(f->session), DIR_ENTRIES_MAX);
        return DIR_REFUSED;
    }
    // It moved out of the tree, or is no person any more.
    if (r == DIR_NOBODY && dir_known_find(f->known, uuid) && !is_beat)
        return dir_note_gone(f, uuid);
    return DIR_READ;
}

void dir_take_reference(struct dir_follow *f)
{
    if (!f->referred)
        fprintf(stderr,
                "%s: a part of the tree is on another server (a referral), and is not read; name "
                "that server in a source of its own\n",
                rollcall_ldap_uri(f->session));
    f->referred = true;
}

bool dir_wait_for(struct dir_follow *f, int msgid, LDAPMessage **ret)
{
    int n = rollcall_ldap_wait(f->session, msgid, LDAP_MSG_ALL, f->set->timeout, ret, f->why,
                               sizeof(f->why));

    if (n == 0)
        snprintf(f->why, sizeof(f->why), "%s does not answer for %u s",
                 rollcall_ldap_uri(f->session), f->set->timeout);
    return n > 0;
}

enum dir_outcome dir_result(struct dir_follow *f, int code)
{
    static const struct {
        int code;
        const char *advice;
    } known[] = {
        {LDAP_SIZELIMIT_EXCEEDED,
         "the server gives this account fewer entries than there are; raise its "
         "size limit (slapd: limits dn.exact=... size=unlimited)"},
        {LDAP_ADMINLIMIT_EXCEEDED, "the server's look-through limit for this account is too low"},
        {LDAP_TIMELIMIT_EXCEEDED, "the server's time limit for this account is too low"},
        {LDAP_NO_SUCH_OBJECT, "the base does not exist, or this account may not see it"},
        {LDAP_UNAVAILABLE_CRITICAL_EXTENSION, "it does not offer RFC 4533 or DirSync for this "
                                              "base; load slapo-syncprov there, or write "
                                              "sync = poll"},
        {LDAP_REFERRAL, "the base is on another server; name that one in uri"},
        {LDAP_INSUFFICIENT_ACCESS, "this account may not read there"},
        {LDAP_INVALID_DN_SYNTAX, "base is no DN"},
        {LDAP_FILTER_ERROR, "user_filter or group_filter is no filter"},
    };
    char said[300];

    f->code = code;
    rollcall_ldap_said(f->session, code, said, sizeof(said));
    snprintf(f->why, sizeof(f->why), "%s: %s", rollcall_ldap_uri(f->session), said);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].code == code)
            snprintf(f->why, sizeof(f->why), "%s: %s: %s", rollcall_ldap_uri(f->session), said,
                     known[i].advice);
    return code == LDAP_BUSY || code == LDAP_UNAVAILABLE || code == LDAP_SERVER_DOWN ? DIR_LOST
                                                                                     : DIR_REFUSED;
}

// ---- the hub's heartbeat ----

enum dir_outcome dir_read_beat(struct dir_follow *f)
{
    LDAP *ld = rollcall_ldap_handle(f->session);
    struct timeval limit = {.tv_sec = (time_t)f->set->timeout};
    LDAPMessage *m = NULL, *e;
    char dn[600];
    struct dir_entry beat;
    int code;

    if (!f->set->map.hub)
        return DIR_READ;
    snprintf(dn, sizeof(dn), "cn=rollcall-heartbeat,%s", f->set->base);
    code = ldap_search_ext_s(ld, dn, LDAP_SCOPE_BASE, "(objectClass=rollcallHeartbeat)",
                             (char **)(uintptr_t)dir_hub_attributes, 0, NULL, NULL, &limit, 1, &m);
    e = code == LDAP_SUCCESS ? ldap_first_entry(ld, m) : NULL;
    if (e && dir_entry_read(f, e, &beat) == 0) {
        dir_hub_take_beat(&beat, &f->say.hub);
        dir_hub_take_beat(&beat, &f->say.seen);
        dir_entry_done(&beat);
    }
    ldap_msgfree(m);
    if (code != LDAP_SUCCESS && code != LDAP_NO_SUCH_OBJECT)
        return dir_result(f, code);
    if (f->say.hub.as_of > 0)
        return DIR_READ;
    snprintf(f->why, sizeof(f->why),
             "%s: no hub has written %s there yet, or its authorities have not spoken",
             rollcall_ldap_uri(f->session), dn);
    return DIR_REFUSED;
}

// ---- who is gone ----

enum dir_outcome dir_note_gone(struct dir_follow *f, const unsigned char uuid[DIR_UUID])
{
    struct dir_known_entry *e;

    if (f->n_gone == f->gone_room) {
        size_t room = f->gone_room ? f->gone_room * 2 : 64;
        unsigned char(*p)[DIR_UUID] = realloc(f->gone, room * sizeof(*p));
        if (!p) {
            snprintf(f->why, sizeof(f->why), "there is no memory");
            return DIR_LOST;
        }
        f->gone = p;
        f->gone_room = room;
    }
    e = dir_known_find(f->known, uuid);
    if (e)
        e->leaving = true;
    memcpy(f->gone[f->n_gone++], uuid, DIR_UUID);
    return DIR_READ;
}

// A person's entry that is no more says nothing about employment: it may have been moved,
// hidden or deleted by mistake. It is an absence as in any listing, and the breaker's.
void dir_say_gone(struct dir_follow *f)
{
    if (f->n_gone == 0)
        return;
    dir_say_begin(&f->say, DIR_DIFFERENCE, dir_now());
    for (size_t i = 0; i < f->n_gone; i++) {
        struct dir_known_entry *e = dir_known_find(f->known, f->gone[i]);
        char id[DIR_UUID_TEXT];
        if (!e || e->absent || !e->leaving) // it came back meanwhile
            continue;
        e->leaving = false;
        if (e->kind == DIR_USER) {
            dir_uuid_text(e->uuid, id);
            emit_absent(id);
            e->absent = true;
            f->unconfirmed = true;
            continue;
        }
        if (e->group && dir_say_group_gone(&f->say, e))
            f->complete = false; // only a whole listing says who is in the one that waited
        dir_known_remove(f->known, f->gone[i]);
    }
    f->n_gone = 0;
    dir_say_commit(&f->say, &f->cookie);
}

struct asking {
    struct dir_follow *f;
    char filter[8192];
    size_t len, n;
    unsigned char uuid[40][DIR_UUID];
};

static void ask_for(struct dir_known_entry *e, void *ctx)
{
    struct asking *a = ctx;
    char id[DIR_UUID_TEXT], unique[DIR_UUID_TEXT], guid[DIR_GUID_FILTER];

    if (!e->absent || a->n == sizeof(a->uuid) / sizeof(a->uuid[0]))
        return;
    dir_uuid_text(e->uuid, id);
    dir_unique_id_text(e->uuid, unique);
    dir_guid_filter(e->uuid, guid);
    memcpy(a->uuid[a->n++], e->uuid, DIR_UUID);
    a->len += (size_t)snprintf(a->filter + a->len, sizeof(a->filter) - a->len,
                               "(entryUUID=%s)(nsUniqueId=%s)(objectGUID=%s)", id, unique, guid);
}

// Whoever is found after all is said again; all others of this round are settled, unless there
// is an entry that might be anybody's.
static enum dir_outcome ask(struct dir_follow *f, struct asking *a)
{
    LDAP *ld = rollcall_ldap_handle(f->session);
    struct timeval limit = {.tv_sec = (time_t)f->set->timeout};
    LDAPMessage *all = NULL;
    char filter[9300];
    unsigned unread = 0;
    int code;

    snprintf(filter, sizeof(filter), "(&%s(|%s))", f->set->filter, a->filter);
    code = ldap_search_ext_s(ld, f->set->base, LDAP_SCOPE_SUBTREE, filter,
                             (char **)(uintptr_t)f->set->map.attributes, 0, NULL, NULL, &limit, 0,
                             &all);
    if (code != LDAP_SUCCESS && code != LDAP_NO_SUCH_OBJECT) {
        ldap_msgfree(all);
        return dir_result(f, code);
    }
    for (LDAPMessage *m = ldap_first_entry(ld, all); m; m = ldap_next_entry(ld, m)) {
        struct dir_entry e;
        unsigned char uuid[DIR_UUID];
        bool taken = dir_entry_read(f, m, &e) == 0;
        if (taken) {
            taken =
                dir_entry_uuid(&e, uuid) == 0 && dir_say_entry(&f->say, &e, uuid, f->known) >= 0;
            dir_entry_done(&e);
        }
        unread += !taken;
    }
    ldap_msgfree(all);
    if (unread > 0) {
        snprintf(f->why, sizeof(f->why),
                 "%s: %u entries that were asked for by their ids cannot be read; nobody is taken "
                 "for gone",
                 rollcall_ldap_uri(f->session), unread);
        return DIR_REFUSED;
    }
    for (size_t i = 0; i < a->n; i++) {
        struct dir_known_entry *e = dir_known_find(f->known, a->uuid[i]);
        if (e && e->absent)
            dir_known_remove(f->known, a->uuid[i]);
    }
    return DIR_READ;
}

static void is_user(struct dir_known_entry *e, void *ctx)
{
    *(bool *)ctx = *(bool *)ctx || e->kind == DIR_USER;
}

enum dir_outcome dir_confirm_gone(struct dir_follow *f)
{
    enum dir_outcome r = DIR_READ;
    bool unknown = false, anybody = false;

    if (f->recheck)
        r = dir_compare_ids(f, &unknown);
    if (r != DIR_READ || unknown) // shown by now, and no change will tell
        return r == DIR_READ ? DIR_AFRESH : r;
    // A directory of nobody is looked at again and again: they may be hidden.
    dir_known_each(f->known, is_user, &anybody);
    f->recheck = f->unconfirmed = !anybody;
    dir_say_begin(&f->say, DIR_DIFFERENCE, dir_now());
    while (r == DIR_READ) {
        struct asking a = {.f = f};
        dir_known_each(f->known, ask_for, &a);
        if (a.n == 0)
            break;
        r = ask(f, &a);
    }
    if (r != DIR_READ) { // the listing is not committed: another begin drops it
        f->unconfirmed = true;
        // Whoever was found is known again here, and still missing there.
        f->afresh = f->afresh || f->say.done > 0;
        return r;
    }
    dir_say_commit(&f->say, &f->cookie);
    dir_say_gone(f); // whom the comparison missed: by one listing as yet
    return DIR_READ;
}
