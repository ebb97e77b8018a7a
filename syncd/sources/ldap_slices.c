// SPDX-License-Identifier: BSD-2-Clause
// Members of a group that Active Directory shows a slice of at a time: 1500 of them, or what
// its MaxValRange says. Half a group would put people out; so it is all of them or none.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/ldap_ad.h"
#include "syncd/sources/ldap_follow.h"

#define VALUES_MAX 1000000
#define SLICES_MAX 20000
#define BYTES_MAX  (128 * 1024 * 1024)

static enum dir_outcome wrong(struct dir_follow *f, const char *what)
{
    snprintf(f->why, sizeof(f->why), "%s: the members of a group come in slices, and %s",
             rollcall_ldap_uri(f->session), what);
    return DIR_REFUSED;
}

// The values of `from` behind those of `to`; what they point at is the messages'.
static int append(struct dir_attr *to, const struct dir_attr *from)
{
    struct berval *all = ber_memrealloc(to->values, (to->n + from->n + 1) * sizeof(*all));

    if (!all)
        return -ENOMEM;
    to->values = all;
    memcpy(all + to->n, from->values, from->n * sizeof(*all));
    to->n += from->n;
    all[to->n] = (struct berval){0, NULL};
    return 0;
}

static size_t bytes_of(const struct dir_attr *a)
{
    size_t bytes = 0;

    for (size_t i = 0; i < a->n; i++)
        bytes += a->values[i].bv_len;
    return bytes;
}

static struct dir_attr *slice_in(struct dir_entry *e, const char *name, struct dir_slice *ret,
                                 int *ret_found)
{
    for (size_t i = 0; i < e->n; i++) {
        *ret_found = dir_slice_parse(&e->attr[i].name, name, ret);
        if (*ret_found != 0)
            return &e->attr[i];
    }
    return NULL;
}

static enum dir_outcome ask_slice(struct dir_follow *f, const char *dn, const char *name,
                                  size_t from, LDAPMessage **ret)
{
    char wanted[300];
    char *attributes[] = {wanted, NULL};
    LDAP *ld = rollcall_ldap_handle(f->session);
    LDAPMessage *m = NULL;
    int msgid, code;

    snprintf(wanted, sizeof(wanted), "%.200s;range=%zu-*", name, from);
    code = ldap_search_ext(ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL, NULL,
                           NULL, 0, &msgid);
    if (code != LDAP_SUCCESS)
        return dir_result(f, code);
    if (!dir_wait_for(f, msgid, &m))
        return DIR_LOST;
    if (ldap_parse_result(ld, m, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
        code = LDAP_PROTOCOL_ERROR;
    *ret = m;
    return code == LDAP_SUCCESS ? DIR_READ : dir_result(f, code);
}

// One slice more onto `all`. `ret_message` holds its bytes, also where it is refused.
static enum dir_outcome next_slice(struct dir_follow *f, const char *dn, const char *name,
                                   struct dir_attr *all, bool *ret_last, LDAPMessage **ret_message)
{
    enum dir_outcome r = ask_slice(f, dn, name, all->n, ret_message);
    struct dir_slice s = {0};
    struct dir_entry part;
    struct dir_attr *a;
    LDAPMessage *m;
    int found = 0;

    if (r != DIR_READ)
        return r;
    m = ldap_first_entry(rollcall_ldap_handle(f->session), *ret_message);
    if (!m || dir_entry_read(f, m, &part) < 0)
        return wrong(f, "one cannot be read");
    a = slice_in(&part, name, &s, &found);
    // Members that left since move the others up; the group comes again as changed.
    if (found <= 0 || a->n == 0 || s.low != all->n || (!s.last && s.high - s.low + 1 != a->n))
        r = wrong(f, "one is missing");
    else if (append(all, a) < 0)
        r = wrong(f, "there is no memory for them");
    else if (all->n > VALUES_MAX || bytes_of(all) > BYTES_MAX)
        r = wrong(f, "there are more than 1,000,000, or than 128 MiB of them");
    dir_entry_done(&part);
    *ret_last = s.last;
    return r;
}

static enum dir_outcome all_slices(struct dir_follow *f, const struct berval *entry_dn,
                                   const char *name, struct dir_attr *all,
                                   struct dir_slices *slices)
{
    _cleanup_free_ char *dn = strndup(entry_dn->bv_val, entry_dn->bv_len);
    enum dir_outcome r = DIR_READ;
    bool last = false;

    while (dn && r == DIR_READ && !last) {
        LDAPMessage **list = realloc(slices->message, (slices->n + 1) * sizeof(LDAPMessage *));
        LDAPMessage *m = NULL;
        if (!list)
            return wrong(f, "there is no memory for them");
        slices->message = list;
        if (slices->n == SLICES_MAX)
            return wrong(f, "there are more than 20,000 slices");
        r = next_slice(f, dn, name, all, &last, &m);
        if (m)
            slices->message[slices->n++] = m;
    }
    return dn ? r : wrong(f, "there is no memory for them");
}

enum dir_outcome dir_slices_read(struct dir_follow *f, struct dir_entry *e,
                                 struct dir_slices *slices)
{
    const char *name = f->set->map.attribute[DIR_GROUP_MEMBERS];
    struct dir_slice s = {0};
    int found = 0;
    struct dir_attr *a = name ? slice_in(e, name, &s, &found) : NULL;
    enum dir_outcome r = DIR_READ;

    if (!a)
        return DIR_READ;
    if (found < 0 || s.low != 0 || a->n == 0 || (!s.last && s.high + 1 != a->n))
        return wrong(f, "the first cannot be read");
    if (!s.last)
        r = all_slices(f, &e->dn, name, a, slices);
    // Beside it stands the plain attribute, with no value.
    for (size_t i = 0; i < e->n; i++)
        if (e->attr[i].n == 0)
            e->attr[i].name.bv_len = 0;
    a->name.bv_len = strlen(name);
    return r;
}

void dir_slices_done(struct dir_slices *slices)
{
    for (size_t i = 0; i < slices->n; i++)
        ldap_msgfree(slices->message[i]);
    free(slices->message);
    *slices = (struct dir_slices){0};
}
