// SPDX-License-Identifier: BSD-2-Clause
// Files: opened without following links, read with a bound, replaced whole.
// libc only: modules use it.
#ifndef ROLLCALL_SAFEIO_H
#define ROLLCALL_SAFEIO_H

#include <stddef.h>
#include <sys/types.h>

// open(2) with O_CLOEXEC, O_NOFOLLOW, O_NOCTTY added. fd or negative errno.
int rollcall_open(const char *path, int flags, mode_t mode);
// A regular file's content, NUL-terminated for convenience. -EFBIG beyond max,
// -EISDIR/-EINVAL for what is no regular file (FIFOs are not waited for).
int rollcall_read_file(const char *path, size_t max, char **ret, size_t *ret_len);
int rollcall_write_all(int fd, const void *data, size_t len);
// Writes beside `path`, fsyncs, renames, fsyncs the folder.
int rollcall_replace_file(const char *path, const void *data, size_t len, mode_t mode);
// The same, owned by uid and gid; -1 leaves one as it comes.
int rollcall_replace_file_as(const char *path, const void *data, size_t len, mode_t mode, uid_t uid,
                             gid_t gid);
// The end of a file that was written beside `path`, as `tmp`, behind `fd`: it is fsynced and
// renamed, and the folder fsynced. r < 0 says that the writing failed: tmp is removed, and r
// returned.
int rollcall_put_in_place(const char *tmp, int fd, const char *path, int r);
// fsync of the folder that holds `path`.
int rollcall_sync_folder(const char *path);

#endif
