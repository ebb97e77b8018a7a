// SPDX-License-Identifier: BSD-2-Clause
// What a program gives up before it meets hostile bytes. Each program says itself what it
// keeps and which calls it loses; how they are lost stands here once. Links libseccomp.
#ifndef ROLLCALL_CONFINEMENT_H
#define ROLLCALL_CONFINEMENT_H

#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#define CONFINEMENT_READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CONFINEMENT_WRITE LANDLOCK_ACCESS_FS_WRITE_FILE
#define CONFINEMENT_RUN   LANDLOCK_ACCESS_FS_EXECUTE

// Soft and hard.
void confinement_limit(int what, rlim_t n);
// No core, no tracer, and no more rights from what a program is marked with. 0 or -errno.
int confinement_keep_down(void);

// ---- files, by Landlock (landlock(7)) ----
// A ruleset by which nothing of the disk is read, written, run, made or removed. -errno: the
// kernel has no Landlock.
int confinement_files(void);
// A folder with all below it, or a file, for which what is said of folders does not count. A
// path that is not there is passed over, and so is a ruleset that is an error.
void confinement_allow(int ruleset, const char *path, uint64_t access);
// From now on, in this process and all that it starts. Takes the ruleset, or the error that
// confinement_files gave.
void confinement_files_close(int ruleset);

// ---- calls, by seccomp ----
// These fail with EPERM, whatever their arguments. ctx may be NULL. 0 or -errno.
int confinement_refuse(scmp_filter_ctx ctx, const int *calls, size_t n);
// From now on, unless r is an error already. Takes ctx, NULL too. 0 or -errno.
int confinement_calls_close(scmp_filter_ctx ctx, int r);

#endif
