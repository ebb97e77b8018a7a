// SPDX-License-Identifier: BSD-2-Clause
// Active Directory, and Samba's. DirSync says which objects changed since a cookie, of them
// only what changed and no computed attribute: each is read again as a whole, by its GUID.
// Where the account may not have it, objects with a newer uSNChanged are looked for.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/emit.h"
#include "syncd/sources/ldap_ad.h"
#include "syncd/sources/ldap_dn.h"
#include "syncd/sources/ldap_follow.h"
#include "syncd/sources/wait.h"

#define CHANGED_MAX 20000  // more are read faster with all the others
#define ROUNDS_MAX  100000 // of one DirSync that does not come to its end
#define CONFIRM_MS  2000   // between the two listings that an absence needs
#define DELETED                                                                                    \
    "(&(isDeleted=TRUE)(|(objectClass=person)(objectClass=group))(!(objectClass=computer)))"

struct following {
    struct dir_follow *f;
    struct dir_ad_place here; // of this server, as of this round
    struct dir_ad_place read; // how far was read
    bool begun;               // `read` says something
    bool own_objects;         // the right is missing: what this account may see, and no more
    char *tree, *settings;    // DNs: of the naming context, of the server's NTDS settings
    const char *attributes[DIR_FIELDS + 24]; // that change; ends with NULL
    unsigned char (*changed)[DIR_UUID];
    size_t n_changed, room;
    bool taking; // the objects of a DirSync count
    bool doubt;  // somebody may be gone whom only a whole listing tells
    bool again;  // that listing is due
};

static enum dir_outcome refuse(struct dir_follow *f, const char *what)
{
    snprintf(f->why, sizeof(f->why), "%s: %s", rollcall_ldap_uri(f->session), what);
    return DIR_REFUSED;
}

static enum dir_outcome no_memory(struct dir_follow *f)
{
    refuse(f, "there is no memory");
    return DIR_LOST;
}

// ---- the server and where it stands ----

static char *text_of(const struct dir_entry *e, const char *name)
{
    const struct dir_attr *a = dir_attr(e, name);

    return a && !memchr(a->values[0].bv_val, 0, a->values[0].bv_len)
               ? strndup(a->values[0].bv_val, a->values[0].bv_len)
               : NULL;
}

// The naming context that the base is in: DirSync takes no other base.
static void choose_tree(struct following *a, const struct dir_entry *root)
{
    const struct dir_attr *all = dir_attr(root, "namingContexts");
    struct berval base = {strlen(a->f->set->base), (char *)(uintptr_t)a->f->set->base};
    char *below = dir_dn(&base);
    size_t longest = 0;

    for (size_t i = 0; below && all && i < all->n; i++) {
        char *dn = dir_dn(&all->values[i]);
        if (dn && strlen(dn) > longest && dir_dn_below(below, dn)) {
            longest = strlen(dn);
            free(a->tree);
            a->tree = strndup(all->values[i].bv_val, all->values[i].bv_len);
        }
        ldap_memfree(dn);
    }
    ldap_memfree(below);
}

static enum dir_outcome take_root(void *ctx, LDAPMessage *m)
{
    struct following *a = ctx;
    _cleanup_free_ char *host = NULL;
    struct dir_entry root;

    if (dir_entry_read(a->f, m, &root) < 0)
        return refuse(a->f, "its root entry cannot be read");
    host = text_of(&root, "dnsHostName");
    if (host && *host && !strpbrk(host, " \n"))
        snprintf(a->here.host, sizeof(a->here.host), "%s", host);
    if (dir_number(&root, "highestCommittedUSN", &a->here.usn) <= 0)
        a->here.usn = -1;
    free(a->settings);
    a->settings = text_of(&root, "dsServiceName");
    if (!a->tree)
        choose_tree(a, &root);
    dir_entry_done(&root);
    return DIR_READ;
}

static enum dir_outcome take_settings(void *ctx, LDAPMessage *m)
{
    struct following *a = ctx;
    const struct dir_attr *id;
    unsigned char uuid[DIR_UUID];
    struct dir_entry e;

    if (dir_entry_read(a->f, m, &e) < 0)
        return refuse(a->f, "the entry of its NTDS settings cannot be read");
    id = dir_attr(&e, "invocationId");
    if (id && dir_guid_parse(&id->values[0], uuid) == 0)
        dir_uuid_text(uuid, a->here.invocation);
    dir_entry_done(&e);
    return DIR_READ;
}

// Before all else: what is read after it is at least as new.
static enum dir_outcome find_place(struct following *a)
{
    static const char *const root[] = {"dnsHostName", "highestCommittedUSN", "dsServiceName",
                                       "namingContexts", NULL};
    static const char *const settings[] = {"invocationId", NULL};
    struct dir_follow *f = a->f;
    enum dir_outcome r;

    a->here.host[0] = a->here.invocation[0] = 0;
    r = dir_read_one(f, "", "(objectClass=*)", root, take_root, a);
    if (r == DIR_READ && a->settings)
        r = dir_read_one(f, a->settings, "(objectClass=*)", settings, take_settings, a);
    if (r == DIR_READ &&
        (!a->here.host[0] || !a->here.invocation[0] || a->here.usn < 0 || !a->tree))
        r = refuse(
            f, "dnsHostName, highestCommittedUSN or invocationId are not to be read, or base is "
               "in none of its naming contexts; write sync = poll");
    return r;
}

// ---- DirSync ----

// Of all that are asked for, what a controller of Active Directory stores: others are
// computed, or another server's.
static void choose_attributes(struct following *a)
{
    static const char *const never[] = {"entryUUID",
                                        "nsUniqueId",
                                        "modifyTimestamp",
                                        "msDS-User-Account-Control-Computed",
                                        "nsAccountLock",
                                        "loginDisabled",
                                        "pwdStartTime",
                                        "pwdAccountLockedTime",
                                        "pwdEndTime",
                                        "loginExpirationTime",
                                        "krbPrincipalExpiration"};
    size_t n = 0;

    a->attributes[n++] = "name"; // a move within the tree
    a->attributes[n++] = "isDeleted";
    for (size_t i = 0; a->f->set->map.attributes[i] && n + 1 < DIR_FIELDS + 24; i++) {
        const char *name = a->f->set->map.attributes[i];
        bool stored = true;
        for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++)
            stored = stored && strcasecmp(name, never[k]) != 0;
        if (stored)
            a->attributes[n++] = name;
    }
    a->attributes[n] = NULL;
}

static enum dir_outcome note_changed(struct following *a, const unsigned char uuid[DIR_UUID])
{
    if (a->n_changed == CHANGED_MAX)
        return DIR_AFRESH;
    if (a->n_changed == a->room) {
        size_t room = a->room ? a->room * 2 : 64;
        unsigned char(*p)[DIR_UUID] = realloc(a->changed, room * sizeof(*p));
        if (!p)
            return no_memory(a->f);
        a->changed = p;
        a->room = room;
    }
    memcpy(a->changed[a->n_changed++], uuid, DIR_UUID);
    return DIR_READ;
}

// Somebody is not there, or not one of ours.
static enum dir_outcome is_none(struct following *a, const unsigned char uuid[DIR_UUID])
{
    if (dir_known_find(a->f->known, uuid))
        return dir_note_gone(a->f, uuid);
    a->doubt = a->doubt || !a->f->complete;
    return DIR_READ;
}

static enum dir_outcome take_object(void *ctx, LDAPMessage *m)
{
    struct following *a = ctx;
    unsigned char uuid[DIR_UUID];
    struct dir_entry e;
    bool deleted;
    int r;

    if (!a->taking)
        return DIR_READ;
    if (dir_entry_read(a->f, m, &e) < 0)
        return refuse(a->f, "an object of DirSync's answer cannot be read");
    r = dir_entry_uuid(&e, uuid);
    deleted = dir_is(&e, "isDeleted", "TRUE");
    dir_entry_done(&e);
    if (r < 0)
        return refuse(a->f, "an object of DirSync's answer has no objectGUID");
    return deleted ? is_none(a, uuid) : note_changed(a, uuid);
}

static enum dir_outcome one_dirsync(struct following *a, const char *filter,
                                    struct dir_cookie *cookie, bool *ret_more)
{
    struct dir_follow *f = a->f;
    LDAP *ld = rollcall_ldap_handle(f->session);
    LDAPControl *controls[] = {NULL, NULL}, **said = NULL;
    enum dir_outcome r;
    int msgid, code;

    if (dir_dirsync_request(ld, a->own_objects, cookie, &controls[0]) < 0)
        return no_memory(f);
    f->code = LDAP_SUCCESS;
    code = ldap_search_ext(ld, a->tree, LDAP_SCOPE_SUBTREE, filter,
                           (char **)(uintptr_t)a->attributes, 0, controls, NULL, NULL, 0, &msgid);
    ldap_control_free(controls[0]);
    r = code == LDAP_SUCCESS ? dir_answer(f, msgid, take_object, a, &said) : dir_result(f, code);
    if (r == DIR_READ && dir_dirsync_answer(ld, said, cookie, ret_more) < 0)
        r = refuse(f, "its answer to DirSync has no cookie that can be read, or one of more than "
                      "6000 bytes");
    ldap_controls_free(said);
    return r;
}

// A cookie that it does not know gets one of many words, Samba's the same as a control that
// it does not have. Asked without one, it says what it means.
static bool is_about_cookie(int code)
{
    return code != LDAP_SUCCESS && code != LDAP_NO_SUCH_OBJECT && code != LDAP_REFERRAL &&
           code != LDAP_INSUFFICIENT_ACCESS;
}

static enum dir_outcome dirsync(struct following *a, struct dir_cookie *cookie)
{
    struct dir_follow *f = a->f;
    _cleanup_free_ char *filter = NULL;
    bool more = true;

    if (asprintf(&filter, "(|%s" DELETED ")", f->set->filter) < 0)
        return no_memory(f);
    for (unsigned i = 0; more; i++) {
        struct dir_cookie before = *cookie;
        enum dir_outcome r = one_dirsync(a, filter, cookie, &more);
        if (r == DIR_REFUSED && f->code == LDAP_INSUFFICIENT_ACCESS && !a->own_objects) {
            a->own_objects = true;
            continue;
        }
        if (r == DIR_REFUSED && before.len > 0 && is_about_cookie(f->code))
            return DIR_AFRESH;
        if (r != DIR_READ)
            return r;
        if (more && (i == ROUNDS_MAX || (before.len == cookie->len &&
                                         memcmp(before.bytes, cookie->bytes, before.len) == 0)))
            return refuse(f, "its answers to DirSync come to no end");
    }
    return DIR_READ;
}

// ---- what both say ----

static enum dir_outcome take_listed(void *ctx, LDAPMessage *m)
{
    struct following *a = ctx;
    unsigned char uuid[DIR_UUID];
    struct dir_entry e;
    int r = dir_entry_read(a->f, m, &e);

    if (r == 0) {
        r = dir_entry_uuid(&e, uuid);
        dir_entry_done(&e);
    }
    if (r < 0)
        return refuse(a->f, "an object has no objectGUID that this account may read");
    return dir_take_entry(a->f, m, uuid);
}

static int keep_place(struct following *a, const struct dir_ad_place *p)
{
    a->read = *p;
    a->begun = true;
    return dir_ad_place_write(p, &a->f->cookie);
}

static enum dir_outcome read_whole(struct following *a)
{
    struct dir_follow *f = a->f;
    struct dir_ad_place place = a->here;
    enum dir_outcome r = DIR_READ;

    f->complete = a->begun = a->taking = false;
    f->n_gone = 0;
    f->cookie.len = 0;
    if (place.dirsync) // a cookie of now; the objects come better by pages
        r = dirsync(a, &place.server);
    if (r != DIR_READ)
        return r;
    dir_known_forget(f->known);
    dir_say_begin(&f->say, DIR_WHOLE, dir_now());
    emit_flush();
    r = dir_search(f, f->set->filter, f->set->map.attributes, take_listed, a);
    if (r != DIR_READ)
        return r;
    if (keep_place(a, &place) < 0)
        return refuse(f, "its cookie is longer than 6000 bytes");
    dir_say_commit(&f->say, &f->cookie);
    if (!f->set->once)
        dir_say_check(&f->say, &f->cookie);
    f->complete = true;
    f->afresh = a->again = false;
    f->recheck = f->unconfirmed = true;
    return DIR_READ;
}

struct rereading {
    struct following *a;
    bool found;
    const unsigned char *uuid;
};

static enum dir_outcome take_reread(void *ctx, LDAPMessage *m)
{
    struct rereading *t = ctx;

    t->found = true;
    return dir_take_entry(t->a->f, m, t->uuid);
}

static enum dir_outcome reread(struct following *a, const unsigned char uuid[DIR_UUID])
{
    struct dir_follow *f = a->f;
    struct rereading t = {.a = a, .uuid = uuid};
    char dn[DIR_UUID_TEXT + 8], id[DIR_UUID_TEXT];
    enum dir_outcome r;

    dir_uuid_text(uuid, id);
    snprintf(dn, sizeof(dn), "<GUID=%s>", id);
    r = dir_read_one(f, dn, f->set->filter, f->set->map.attributes, take_reread, &t);
    if (r == DIR_REFUSED && f->code == LDAP_NO_SUCH_OBJECT)
        r = DIR_READ;
    if (r != DIR_READ)
        return r;
    // Not in the tree, or out of the filter: dir_take_entry noted it where it was known.
    return t.found && dir_known_find(f->known, uuid) ? DIR_READ : is_none(a, uuid);
}

// Deletions stand in a listing of their own; until it is said, the place is the one before.
static enum dir_outcome finish_changes(struct following *a, const struct dir_ad_place *place)
{
    struct dir_follow *f = a->f;

    if (f->say.open && f->n_gone > 0)
        dir_say_commit(&f->say, &f->cookie);
    if (keep_place(a, place) < 0)
        return refuse(f, "its cookie is longer than 6000 bytes");
    if (f->say.open)
        dir_say_commit(&f->say, &f->cookie);
    dir_say_gone(f);
    return DIR_READ;
}

static enum dir_outcome dirsync_changes(struct following *a, int64_t asked)
{
    struct dir_follow *f = a->f;
    struct dir_ad_place place = a->here;
    enum dir_outcome r;

    a->taking = true;
    a->n_changed = 0;
    a->doubt = false;
    place.server = a->read.server;
    r = dirsync(a, &place.server);
    if (r == DIR_READ && a->n_changed > 0)
        dir_say_begin(&f->say, DIR_DELTA, asked);
    for (size_t i = 0; r == DIR_READ && i < a->n_changed; i++)
        r = reread(a, a->changed[i]);
    if (r == DIR_READ && a->doubt)
        return DIR_AFRESH;
    return r == DIR_READ ? finish_changes(a, &place) : r;
}

static enum dir_outcome usn_changes(struct following *a, int64_t asked)
{
    struct dir_follow *f = a->f;
    struct dir_ad_place place = a->here;
    _cleanup_free_ char *filter = NULL;
    enum dir_outcome r = DIR_READ;

    if (place.usn == a->read.usn)
        return DIR_READ;
    if (asprintf(&filter, "(&%s(uSNChanged>=%" PRId64 "))", f->set->filter, a->read.usn + 1) < 0)
        return no_memory(f);
    dir_say_begin(&f->say, DIR_DELTA, asked);
    r = dir_search(f, filter, f->set->map.attributes, take_listed, a);
    return r == DIR_READ ? finish_changes(a, &place) : r;
}

// What is deleted or hidden is shown to no ordinary account: the ids of all are compared.
static enum dir_outcome compare(struct following *a)
{
    bool unknown = false;
    enum dir_outcome r;

    if (a->here.dirsync && !a->own_objects)
        return DIR_READ;
    if (!a->f->complete) { // nothing to compare with, after a start
        a->again = true;
        return DIR_READ;
    }
    r = dir_compare_ids(a->f, &unknown);
    if (r == DIR_READ)
        dir_say_gone(a->f);
    a->again = unknown;
    return r;
}

static enum dir_outcome read_changes(struct following *a)
{
    struct dir_follow *f = a->f;
    int64_t asked = dir_now();
    enum dir_outcome r;

    f->n_gone = 0;
    f->say.open = false;
    r = a->here.dirsync ? dirsync_changes(a, asked) : usn_changes(a, asked);
    if (r == DIR_READ)
        r = compare(a);
    if (r != DIR_READ)
        return r;
    emit_as_of(asked);
    emit_flush();
    return DIR_READ;
}

static bool can_go_on(struct following *a)
{
    struct dir_follow *f = a->f;

    if (!a->begun && dir_say_cookie(&f->say, &f->cookie))
        a->begun = dir_ad_place_read(&f->cookie, &a->read) == 0;
    return a->begun && !f->afresh && !a->again && !dir_whole_is_due(f) &&
           dir_ad_goes_on(&a->read, &a->here);
}

static enum dir_outcome one_round(struct following *a)
{
    enum dir_outcome r = find_place(a);

    if (r != DIR_READ)
        return r;
    r = can_go_on(a) ? read_changes(a) : DIR_AFRESH;
    return r == DIR_AFRESH ? read_whole(a) : r;
}

static void rest(const struct dir_follow *f)
{
    dir_rest(f->unconfirmed && !f->recheck ? CONFIRM_MS : (int64_t)f->set->poll * 1000);
}

enum dir_outcome dir_follow_ad(struct dir_follow *f, bool by_dirsync)
{
    struct following a = {.f = f, .here.dirsync = by_dirsync};
    enum dir_outcome r;

    // Of a domain's tree there are always parts elsewhere: DNS, the configuration.
    f->referred = true;
    choose_attributes(&a);
    r = one_round(&a);
    while (r == DIR_READ && !f->set->once) {
        rest(f);
        r = f->unconfirmed ? dir_confirm_gone(f) : DIR_READ;
        a.again = a.again || r == DIR_AFRESH;
        if (r == DIR_READ || r == DIR_AFRESH)
            r = one_round(&a);
    }
    free(a.tree);
    free(a.settings);
    free(a.changed);
    return r;
}
