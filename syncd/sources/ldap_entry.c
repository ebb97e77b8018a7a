// SPDX-License-Identifier: BSD-2-Clause
// One entry of a directory.
#include "syncd/sources/ldap_entry.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_word(const struct berval *v, const char *word)
{
    return v->bv_len == strlen(word) && strncasecmp(v->bv_val, word, v->bv_len) == 0;
}

const struct dir_attr *dir_attr(const struct dir_entry *e, const char *name)
{
    for (size_t i = 0; name && i < e->n; i++)
        if (is_word(&e->attr[i].name, name))
            return e->attr[i].n > 0 ? &e->attr[i] : NULL;
    return NULL;
}

bool dir_is(const struct dir_entry *e, const char *name, const char *word)
{
    const struct dir_attr *a = dir_attr(e, name);

    return a && is_word(&a->values[0], word);
}

bool dir_has_value(const struct dir_entry *e, const char *name, const char *word)
{
    const struct dir_attr *a = dir_attr(e, name);

    for (size_t i = 0; a && i < a->n; i++)
        if (is_word(&a->values[i], word))
            return true;
    return false;
}

int dir_number(const struct dir_entry *e, const char *name, int64_t *ret)
{
    const struct dir_attr *a = dir_attr(e, name);
    char text[24], *end;
    long long n;

    if (!a)
        return 0;
    if (a->values[0].bv_len == 0 || a->values[0].bv_len >= sizeof(text))
        return -EBADMSG;
    memcpy(text, a->values[0].bv_val, a->values[0].bv_len);
    text[a->values[0].bv_len] = 0;
    if (!isdigit((unsigned char)text[*text == '-']) || strlen(text) != a->values[0].bv_len)
        return -EBADMSG;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno != 0 || *end)
        return -EBADMSG;
    *ret = n;
    return 1;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int dir_uuid_parse(const struct berval *text, unsigned char ret[DIR_UUID])
{
    unsigned char uuid[DIR_UUID];
    size_t n = 0;

    for (size_t i = 0; i < text->bv_len; i++) {
        int d = hex(text->bv_val[i]);
        if (text->bv_val[i] == '-' && n > 0 && n % 2 == 0)
            continue;
        if (d < 0 || n >= (size_t)2 * DIR_UUID)
            return -EBADMSG;
        uuid[n / 2] = (unsigned char)(n % 2 == 0 ? d << 4 : uuid[n / 2] | d);
        n++;
    }
    if (n != (size_t)2 * DIR_UUID)
        return -EBADMSG;
    memcpy(ret, uuid, DIR_UUID);
    return 0;
}

// Hex with hyphens before the bytes whose bits are set in `hyphens`.
static void to_text(const unsigned char *uuid, unsigned hyphens, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (unsigned i = 0; i < DIR_UUID; i++) {
        if (hyphens >> i & 1)
            ret[at++] = '-';
        ret[at++] = digits[uuid[i] >> 4];
        ret[at++] = digits[uuid[i] & 15];
    }
    ret[at] = 0;
}

void dir_uuid_text(const unsigned char uuid[DIR_UUID], char ret[DIR_UUID_TEXT])
{
    to_text(uuid, 1u << 4 | 1u << 6 | 1u << 8 | 1u << 10, ret);
}

void dir_unique_id_text(const unsigned char uuid[DIR_UUID], char ret[DIR_UUID_TEXT])
{
    to_text(uuid, 1u << 4 | 1u << 8 | 1u << 12, ret);
}

// Its first three numbers are little-endian (MS-DTYP, 2.3.4.2); as text they are turned.
static void turn_guid(const unsigned char *guid, unsigned char *ret)
{
    static const unsigned char from[DIR_UUID] = {3, 2, 1,  0,  5,  4,  7,  6,
                                                 8, 9, 10, 11, 12, 13, 14, 15};

    for (int i = 0; i < DIR_UUID; i++)
        ret[i] = guid[from[i]];
}

void dir_guid_filter(const unsigned char uuid[DIR_UUID], char ret[DIR_GUID_FILTER])
{
    unsigned char guid[DIR_UUID];

    turn_guid(uuid, guid);
    for (size_t i = 0; i < DIR_UUID; i++)
        snprintf(ret + 3 * i, 4, "\\%02x", guid[i]);
}

int dir_guid_parse(const struct berval *guid, unsigned char ret[DIR_UUID])
{
    if (guid->bv_len != DIR_UUID)
        return -EBADMSG;
    turn_guid((const unsigned char *)guid->bv_val, ret);
    return 0;
}

int dir_entry_uuid(const struct dir_entry *e, unsigned char ret[DIR_UUID])
{
    const struct dir_attr *a = dir_attr(e, "entryUUID") ?: dir_attr(e, "nsUniqueId");
    const struct dir_attr *guid = dir_attr(e, "objectGUID");

    if (a)
        return dir_uuid_parse(&a->values[0], ret);
    return guid && dir_guid_parse(&guid->values[0], ret) == 0 ? 0 : -ENOENT;
}
