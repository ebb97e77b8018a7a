// SPDX-License-Identifier: BSD-2-Clause
// What the request says to rollcall-source-ldap.
#ifndef ROLLCALL_SOURCES_LDAP_SETTINGS_H
#define ROLLCALL_SOURCES_LDAP_SETTINGS_H

#include "rollcall/ldap_session.h"
#include "syncd/sources/emit.h"
#include "syncd/sources/ldap_map.h"

enum dir_sync_mode {
    DIR_SYNC_AUTO,
    DIR_SYNC_PERSIST,
    DIR_SYNC_REFRESH,
    DIR_SYNC_POLL,
    DIR_SYNC_DIRSYNC,
    DIR_SYNC_USN,
};

struct dir_settings {
    struct source_request request; // owns the strings
    struct rollcall_ldap_options session;
    const char *uris[ROLLCALL_LDAP_URIS_MAX];
    struct rollcall_secret password;
    char ca_file[40], cert_file[40], key_file[40], keytab[40]; // /proc/self/fd/N
    struct dir_map map;
    const char *base;
    char *user_base, *group_base; // normalised, or NULL
    char *filter;                 // people and groups
    enum dir_sync_mode sync;
    int page;
    unsigned poll, timeout; // seconds
    bool once;
    char fingerprint[17]; // of all that decides what is read: a cursor of another one is none
};

// -EINVAL with a sentence.
int dir_settings_read(int fd, struct dir_settings *s, char *why, size_t why_len);
void dir_settings_done(struct dir_settings *s);

#endif
