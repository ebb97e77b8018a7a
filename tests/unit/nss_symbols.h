// SPDX-License-Identifier: BSD-2-Clause
// The module under test, over a cache in the working folder, and its entries as dlsym
// finds them. For the tests that load it.
#ifndef TESTS_NSS_SYMBOLS_H
#define TESTS_NSS_SYMBOLS_H

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nss_module/exports.h"
#include "tests/unit/built.h"
#include "tests/unit/scratch.h"

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

// `ret_build` is the folder that everything is built in. Before the working folder changes.
static void load_module(char ret_build[PATH_MAX])
{
    char path[PATH_MAX + 64];
    void *so;

    built_folder(ret_build);
    snprintf(path, sizeof(path), "%s/tests/nss/libnss_rollcall.so.2", ret_build);
    so = dlopen(path, RTLD_NOW);
    if (!so)
        fail_msg("%s", dlerror());
    getpwnam_of = symbol(so, "_nss_rollcall_getpwnam_r");
    getpwuid_of = symbol(so, "_nss_rollcall_getpwuid_r");
    setpwent_of = symbol(so, "_nss_rollcall_setpwent");
    getpwent_of = symbol(so, "_nss_rollcall_getpwent_r");
    getgrnam_of = symbol(so, "_nss_rollcall_getgrnam_r");
    getgrgid_of = symbol(so, "_nss_rollcall_getgrgid_r");
    setgrent_of = symbol(so, "_nss_rollcall_setgrent");
    getgrent_of = symbol(so, "_nss_rollcall_getgrent_r");
    initgroups_of = symbol(so, "_nss_rollcall_initgroups_dyn");
    getspnam_of = symbol(so, "_nss_rollcall_getspnam_r");
}

// The module as a process has it that has looked nothing up yet: a file of its own, in the
// working folder.
static __attribute__((unused)) __typeof__(&_nss_rollcall_getpwnam_r)
load_fresh_module(const char *build)
{
    static unsigned n;
    char from[PATH_MAX + 64], to[64];
    unsigned char *elf;
    size_t len;
    void *so;

    snprintf(from, sizeof(from), "%s/tests/nss/libnss_rollcall.so.2", build);
    snprintf(to, sizeof(to), "./fresh-%d-%u.so", (int)getpid(), n++);
    elf = scratch_read(from, &len);
    scratch_write(to, elf, len);
    free(elf);
    so = dlopen(to, RTLD_NOW | RTLD_LOCAL);
    remove(to);
    if (!so)
        fail_msg("%s", dlerror());
    return symbol(so, "_nss_rollcall_getpwnam_r");
}

#endif
