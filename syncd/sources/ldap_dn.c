// SPDX-License-Identifier: BSD-2-Clause
// DNs as names that can be compared byte for byte.
#include "syncd/sources/ldap_dn.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"

static void lower(struct berval *v)
{
    for (ber_len_t i = 0; i < v->bv_len; i++)
        if (v->bv_val[i] >= 'A' && v->bv_val[i] <= 'Z')
            v->bv_val[i] = (char)(v->bv_val[i] + ('a' - 'A'));
}

static void collapse_spaces(struct berval *v)
{
    ber_len_t to = 0;

    for (ber_len_t i = 0; i < v->bv_len; i++)
        if (v->bv_val[i] != ' ' || (to > 0 && v->bv_val[to - 1] != ' '))
            v->bv_val[to++] = v->bv_val[i];
    while (to > 0 && v->bv_val[to - 1] == ' ')
        to--;
    v->bv_len = to;
}

static int compare(const struct berval *a, const struct berval *b)
{
    ber_len_t n = a->bv_len < b->bv_len ? a->bv_len : b->bv_len;
    int c = n ? memcmp(a->bv_val, b->bv_val, n) : 0; // an empty value is NULL

    return c ? c : (a->bv_len > b->bv_len) - (a->bv_len < b->bv_len);
}

static int by_name(const void *a, const void *b)
{
    const LDAPAVA *x = *(LDAPAVA *const *)a, *y = *(LDAPAVA *const *)b;
    int c = compare(&x->la_attr, &y->la_attr);

    return c ? c : compare(&x->la_value, &y->la_value);
}

char *dir_dn(const struct berval *dn)
{
    _cleanup_free_ char *copy = NULL; // in a message there is no NUL behind a value
    LDAPDN parsed = NULL;
    char *text = NULL;

    if (dn->bv_len == 0 || memchr(dn->bv_val, 0, dn->bv_len))
        return NULL;
    copy = strndup(dn->bv_val, dn->bv_len);
    if (!copy || ldap_str2dn(copy, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return NULL;
    for (size_t i = 0; parsed && parsed[i]; i++) {
        size_t n = 0;
        for (; parsed[i][n]; n++) {
            lower(&parsed[i][n]->la_attr);
            lower(&parsed[i][n]->la_value);
            collapse_spaces(&parsed[i][n]->la_value);
        }
        if (n > 1)
            qsort(parsed[i], n, sizeof(void *), by_name);
    }
    if (parsed && ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        text = NULL;
    ldap_dnfree(parsed);
    return text;
}

bool dir_dn_below(const char *dn, const char *base)
{
    size_t n = strlen(dn), m = strlen(base);

    return n >= m && strcmp(dn + n - m, base) == 0 && (n == m || m == 0 || dn[n - m - 1] == ',');
}
