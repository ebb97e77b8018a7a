// SPDX-License-Identifier: BSD-2-Clause
// Searches that come to an end: one answer, a tree by pages, one entry.
#include <stdio.h>
#include <string.h>

#include "syncd/sources/ldap_follow.h"

enum dir_outcome dir_answer(struct dir_follow *f, int msgid, dir_take *take, void *ctx,
                            LDAPControl ***ret_controls)
{
    enum dir_outcome r = DIR_READ;

    for (;;) {
        LDAPMessage *m = NULL;
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
            r = take(ctx, m);
        else if (ldap_msgtype(m) == LDAP_RES_SEARCH_REFERENCE)
            dir_take_reference(f);
        if (ldap_msgtype(m) != LDAP_RES_SEARCH_RESULT) {
            ldap_msgfree(m);
            if (r == DIR_READ)
                continue;
            ldap_abandon_ext(rollcall_ldap_handle(f->session), msgid, NULL, NULL);
            return r;
        }
        if (ldap_parse_result(rollcall_ldap_handle(f->session), m, &code, NULL, NULL, NULL,
                              ret_controls, 1) != LDAP_SUCCESS)
            code = LDAP_PROTOCOL_ERROR;
        return code == LDAP_SUCCESS ? DIR_READ : dir_result(f, code);
    }
}

static enum dir_outcome read_page(struct dir_follow *f, int msgid, struct berval *cookie,
                                  dir_take *take, void *ctx)
{
    LDAPControl **controls = NULL, *c;
    enum dir_outcome r = dir_answer(f, msgid, take, ctx, &controls);

    c = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    if (c && ldap_parse_pageresponse_control(rollcall_ldap_handle(f->session), c, NULL, cookie) !=
                 LDAP_SUCCESS)
        *cookie = (struct berval){0, NULL};
    ldap_controls_free(controls);
    return r;
}

enum dir_outcome dir_search(struct dir_follow *f, const char *filter, const char *const *attributes,
                            dir_take *take, void *ctx)
{
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
        r = code == LDAP_SUCCESS ? read_page(f, msgid, &cookie, take, ctx) : dir_result(f, code);
    } while (r == DIR_READ && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    return r;
}

enum dir_outcome dir_read_one(struct dir_follow *f, const char *dn, const char *filter,
                              const char *const *attributes, dir_take *take, void *ctx)
{
    int msgid,
        code = ldap_search_ext(rollcall_ldap_handle(f->session), dn, LDAP_SCOPE_BASE, filter,
                               (char **)(uintptr_t)attributes, 0, NULL, NULL, NULL, 0, &msgid);

    if (code != LDAP_SUCCESS)
        return dir_result(f, code);
    f->code = LDAP_SUCCESS;
    return dir_answer(f, msgid, take, ctx, NULL);
}
