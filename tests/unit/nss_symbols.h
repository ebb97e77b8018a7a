// SPDX-License-Identifier: BSD-2-Clause
// The module's entries, as dlsym finds them. For the one test that loads it.
#ifndef TESTS_NSS_SYMBOLS_H
#define TESTS_NSS_SYMBOLS_H

#include <dlfcn.h>

#include "nss_module/exports.h"

static __typeof__(&_nss_rollcall_getpwnam_r) getpwnam_of;
static __typeof__(&_nss_rollcall_getpwuid_r) getpwuid_of;
static __typeof__(&_nss_rollcall_setpwent) setpwent_of;
static __typeof__(&_nss_rollcall_getpwent_r) getpwent_of;
static __typeof__(&_nss_rollcall_getgrnam_r) getgrnam_of;
static __typeof__(&_nss_rollcall_getgrgid_r) getgrgid_of;
static __typeof__(&_nss_rollcall_setgrent) setgrent_of;
static __typeof__(&_nss_rollcall_getgrent_r) getgrent_of;
static __typeof__(&_nss_rollcall_initgroups_dyn) initgroups_of;
static __typeof__(&_nss_rollcall_getspnam_r) getspnam_of;

static void *symbol(void *so, const char *name)
{
    void *p = dlsym(so, name);

    if (!p)
        fail_msg("no %s", name);
    return p;
}

#endif
