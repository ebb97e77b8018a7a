// SPDX-License-Identifier: BSD-2-Clause
// Requests to the directory.
#include <stdlib.h>
#include <string.h>

#include "syncd/sinks/sink.h"

static LDAP *handle(const struct sink *s)
{
    return rollcall_ldap_handle(s->session);
}

static void sent(struct sink *s, struct sink_requests *q, int r, int msgid, const char *what,
                 int ignore)
{
    if (r != LDAP_SUCCESS)
        sink_die("%s: %s", rollcall_ldap_uri(s->session), ldap_err2string(r));
    if (q->n == sizeof(q->item) / sizeof(q->item[0]))
        sink_finish(s, q);
    q->item[q->n].msgid = msgid;
    q->item[q->n].ignore = ignore;
    q->item[q->n].vital = false;
    snprintf(q->item[q->n].what, sizeof(q->item[q->n].what), "%s", what);
    q->n++;
}

void sink_insist(struct sink_requests *q)
{
    q->item[q->n - 1].vital = true;
}

void sink_add(struct sink *s, struct sink_requests *q, const char *dn, LDAPMod **mods,
              const char *what, int ignore)
{
    int msgid, r = ldap_add_ext(handle(s), dn, mods, NULL, NULL, &msgid);

    sent(s, q, r, msgid, what, ignore);
}

void sink_modify(struct sink *s, struct sink_requests *q, const char *dn, LDAPMod **mods,
                 const char *what, int ignore, bool permissive)
{
    // A value that is there already, or gone already, is no error.
    LDAPControl control = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_X_PERMISSIVE_MODIFY};
    LDAPControl *controls[] = {permissive ? &control : NULL, NULL};
    int msgid, r = ldap_modify_ext(handle(s), dn, mods, controls, NULL, &msgid);

    sent(s, q, r, msgid, what, ignore);
}

// What one entry may be refused for while all others are taken. Whatever else the directory
// says, access that it does not give first of all, is true of the next entry, too.
static bool is_of_the_entry(int code)
{
    return code == LDAP_INVALID_SYNTAX || code == LDAP_CONSTRAINT_VIOLATION ||
           code == LDAP_TYPE_OR_VALUE_EXISTS || code == LDAP_NO_SUCH_ATTRIBUTE ||
           code == LDAP_OBJECT_CLASS_VIOLATION || code == LDAP_NAMING_VIOLATION ||
           code == LDAP_ALREADY_EXISTS;
}

static unsigned finish_one(struct sink *s, int msgid, const char *what, int ignore, bool vital)
{
    LDAPMessage *m = NULL;
    char why[400], said[300];
    int code, r = rollcall_ldap_wait(s->session, msgid, LDAP_MSG_ALL, s->options.timeout, &m, why,
                                     sizeof(why));

    if (r <= 0)
        sink_die("%s: %s", what, r == 0 ? "the directory does not answer" : why);
    r = ldap_parse_result(handle(s), m, &code, NULL, NULL, NULL, NULL, 1);
    if (r != LDAP_SUCCESS)
        sink_die("%s: %s", what, ldap_err2string(r));
    if (code == LDAP_SUCCESS || code == ignore)
        return 0;
    if (vital || !is_of_the_entry(code))
        sink_die("%s: %s %s", what, ldap_err2string(code),
                 rollcall_ldap_said(s->session, code, said, sizeof(said)));
    sink_problem("%s: %s %s", what, ldap_err2string(code),
                 rollcall_ldap_said(s->session, code, said, sizeof(said)));
    return 1;
}

unsigned sink_finish(struct sink *s, struct sink_requests *q)
{
    unsigned failed = 0;

    for (size_t i = 0; i < q->n; i++)
        failed +=
            finish_one(s, q->item[i].msgid, q->item[i].what, q->item[i].ignore, q->item[i].vital);
    q->n = 0;
    return failed;
}

// ---- reading ----

static int by_text(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;

    return strcmp(json_string_value(*x), json_string_value(*y));
}

static json_t *values_of(LDAP *ld, LDAPMessage *m, const char *attribute)
{
    struct berval **v = ldap_get_values_len(ld, m, attribute);
    int n = ldap_count_values_len(v), used = 0;
    json_t **list = calloc((size_t)n + 1, sizeof(json_t *)), *a = json_array();

    for (int i = 0; list && i < n; i++) {
        json_t *text = json_stringn(v[i]->bv_val, v[i]->bv_len);
        if (text && strlen(json_string_value(text)) == v[i]->bv_len)
            list[used++] = text;
        else
            json_decref(text);
    }
    if (used > 1)
        qsort(list, (size_t)used, sizeof(json_t *), by_text);
    for (int i = 0; i < used; i++)
        json_array_append_new(a, list[i]);
    free(list);
    ldap_value_free_len(v);
    return a;
}

static json_t *entry_of(LDAP *ld, LDAPMessage *m)
{
    BerElement *ber = NULL;
    json_t *o = json_object();
    char *dn = ldap_get_dn(ld, m);

    json_object_set_new(o, "dn", json_string(dn ? dn : ""));
    ldap_memfree(dn);
    for (char *a = ldap_first_attribute(ld, m, &ber); a; a = ldap_next_attribute(ld, m, ber)) {
        json_object_set_new(o, a, values_of(ld, m, a));
        ldap_memfree(a);
    }
    ber_free(ber, 0);
    return o;
}

void sink_search(struct sink *s, const char *base, int scope, const char *filter,
                 const char *const *attributes, void (*each)(void *ctx, json_t *entry), void *ctx)
{
    LDAP *ld = handle(s);
    int msgid, code = 0;
    int r = ldap_search_ext(ld, base, scope, filter, (char **)(uintptr_t)attributes, 0, NULL, NULL,
                            NULL, LDAP_NO_LIMIT, &msgid);

    if (r != LDAP_SUCCESS)
        sink_die("%s: %s", rollcall_ldap_uri(s->session), ldap_err2string(r));
    for (;;) {
        LDAPMessage *m = NULL;
        char why[400];
        r = rollcall_ldap_wait(s->session, msgid, LDAP_MSG_ONE, s->options.timeout, &m, why,
                               sizeof(why));
        if (r <= 0)
            sink_die("%s: %s", base, r == 0 ? "the directory does not answer" : why);
        if (ldap_msgtype(m) == LDAP_RES_SEARCH_ENTRY) {
            json_t *entry = entry_of(ld, m);
            each(ctx, entry);
            json_decref(entry);
        }
        if (ldap_msgtype(m) == LDAP_RES_SEARCH_RESULT) {
            r = ldap_parse_result(ld, m, &code, NULL, NULL, NULL, NULL, 1);
            if (r != LDAP_SUCCESS || (code != LDAP_SUCCESS && code != LDAP_NO_SUCH_OBJECT))
                sink_die("%s: %s", base, ldap_err2string(r != LDAP_SUCCESS ? r : code));
            return;
        }
        ldap_msgfree(m);
    }
}

// ---- writing ----

void sink_mods_put(struct sink_mods *m, int op, const char *attribute, const json_t *values)
{
    size_t n = json_array_size(values);
    LDAPMod *mod = &m->mod[m->n];

    if (m->n == sizeof(m->mod) / sizeof(m->mod[0]) || (n == 0 && op == LDAP_MOD_ADD))
        return;
    *mod = (LDAPMod){.mod_op = op, .mod_type = (char *)(uintptr_t)attribute};
    mod->mod_values = n ? calloc(n + 1, sizeof(char *)) : NULL;
    if (n && !mod->mod_values)
        sink_die("there is no memory");
    for (size_t i = 0; i < n; i++)
        mod->mod_values[i] = (char *)(uintptr_t)json_string_value(json_array_get(values, i));
    m->list[m->n++] = mod;
    m->list[m->n] = NULL;
}

void sink_mods_done(struct sink_mods *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->mod[i].mod_values);
    m->n = 0;
}
