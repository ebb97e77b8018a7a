// SPDX-License-Identifier: BSD-2-Clause
// One entry of a directory as it was read: names and values, with lengths, and nothing
// believed of them. Pure.
#ifndef ROLLCALL_SOURCES_LDAP_ENTRY_H
#define ROLLCALL_SOURCES_LDAP_ENTRY_H

#include <lber.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIR_ATTRS_MAX 96
#define DIR_UUID      16

struct dir_attr {
    struct berval name;
    struct berval *values;
    size_t n;
};

struct dir_entry {
    struct berval dn;
    struct dir_attr attr[DIR_ATTRS_MAX];
    size_t n;
};

// The attribute by its name, letters of either case; NULL where it is absent or has no value.
// Values under an option (";lang-de") are another attribute.
const struct dir_attr *dir_attr(const struct dir_entry *e, const char *name);
// The first value equals the word, letters of either case.
bool dir_is(const struct dir_entry *e, const char *name, const char *word);
bool dir_has_value(const struct dir_entry *e, const char *name, const char *word);
// The first value as a whole number, sign allowed. 1, 0 where absent, -EBADMSG.
int dir_number(const struct dir_entry *e, const char *name, int64_t *ret);

// 16 bytes from "xxxxxxxx-xxxx-..." (RFC 4530) or nsUniqueId's "xxxxxxxx-xxxxxxxx-...".
int dir_uuid_parse(const struct berval *text, unsigned char ret[DIR_UUID]);
#define DIR_UUID_TEXT 37
void dir_uuid_text(const unsigned char uuid[DIR_UUID], char ret[DIR_UUID_TEXT]);
// nsUniqueId's form.
void dir_unique_id_text(const unsigned char uuid[DIR_UUID], char ret[DIR_UUID_TEXT]);
// objectGUID's bytes as a filter writes them, \\xx each.
#define DIR_GUID_FILTER (3 * DIR_UUID + 1)
void dir_guid_filter(const unsigned char uuid[DIR_UUID], char ret[DIR_GUID_FILTER]);
// A GUID of Active Directory. -EBADMSG where it has not 16 bytes.
int dir_guid_parse(const struct berval *guid, unsigned char ret[DIR_UUID]);
// From entryUUID, nsUniqueId or objectGUID, whichever the entry has; -ENOENT.
int dir_entry_uuid(const struct dir_entry *e, unsigned char ret[DIR_UUID]);

#endif
