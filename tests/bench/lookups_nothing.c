// SPDX-License-Identifier: BSD-2-Clause
// libnss_nothing.so.2: answers nothing and does nothing. What loading it costs is glibc's
// share of any module's first lookup.
#include <errno.h>
#include <nss.h>
#include <pwd.h>

__attribute__((visibility("default"))) enum nss_status
_nss_nothing_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len, int *errnop);

enum nss_status _nss_nothing_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t len,
                                        int *errnop)
{
    (void)name;
    (void)pw;
    (void)buf;
    (void)len;
    *errnop = ENOENT;
    return NSS_STATUS_NOTFOUND;
}
