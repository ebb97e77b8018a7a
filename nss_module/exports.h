// SPDX-License-Identifier: BSD-2-Clause
// What glibc looks up in libnss_rollcall.so.2; glibc has no public header for it
// (manual, "NSS Module Function Internals").
#ifndef ROLLCALL_NSS_EXPORTS_H
#define ROLLCALL_NSS_EXPORTS_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <shadow.h>

enum nss_status _nss_rollcall_getpwnam_r(const char *, struct passwd *, char *, size_t, int *);
enum nss_status _nss_rollcall_getpwuid_r(uid_t, struct passwd *, char *, size_t, int *);
enum nss_status _nss_rollcall_setpwent(int);
enum nss_status _nss_rollcall_endpwent(void);
enum nss_status _nss_rollcall_getpwent_r(struct passwd *, char *, size_t, int *);
enum nss_status _nss_rollcall_getgrnam_r(const char *, struct group *, char *, size_t, int *);
enum nss_status _nss_rollcall_getgrgid_r(gid_t, struct group *, char *, size_t, int *);
enum nss_status _nss_rollcall_setgrent(int);
enum nss_status _nss_rollcall_endgrent(void);
enum nss_status _nss_rollcall_getgrent_r(struct group *, char *, size_t, int *);
enum nss_status _nss_rollcall_initgroups_dyn(const char *, gid_t, long int *, long int *, gid_t **,
                                             long int, int *);
enum nss_status _nss_rollcall_getspnam_r(const char *, struct spwd *, char *, size_t, int *);

#endif
