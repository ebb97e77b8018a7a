// SPDX-License-Identifier: BSD-2-Clause
// Another NSS service with one account, oliver, outside our range of ids: somebody whom
// our module must leave alone.
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
#define OLIVER   3000

EXPORTED enum nss_status _nss_other_getpwnam_r(const char *name, struct passwd *ret, char *buf,
                                               size_t len, int *errnop);
EXPORTED enum nss_status _nss_other_getpwuid_r(uid_t uid, struct passwd *ret, char *buf, size_t len,
                                               int *errnop);

static enum nss_status answer(struct passwd *ret, char *buf, size_t len, int *errnop)
{
    static const char text[] = "oliver\0x\0Oliver Other\0/\0/bin/sh";

    if (len < sizeof(text)) {
        *errnop = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    memcpy(buf, text, sizeof(text));
    *ret = (struct passwd){.pw_name = buf,
                           .pw_passwd = buf + 7,
                           .pw_uid = OLIVER,
                           .pw_gid = OLIVER,
                           .pw_gecos = buf + 9,
                           .pw_dir = buf + 22,
                           .pw_shell = buf + 24};
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_other_getpwnam_r(const char *name, struct passwd *ret, char *buf, size_t len,
                                      int *errnop)
{
    if (strcmp(name, "oliver") == 0)
        return answer(ret, buf, len, errnop);
    *errnop = ENOENT;
    return NSS_STATUS_NOTFOUND;
}

enum nss_status _nss_other_getpwuid_r(uid_t uid, struct passwd *ret, char *buf, size_t len,
                                      int *errnop)
{
    if (uid == OLIVER)
        return answer(ret, buf, len, errnop);
    *errnop = ENOENT;
    return NSS_STATUS_NOTFOUND;
}
