// SPDX-License-Identifier: BSD-2-Clause
// Users of the local file, which is read itself: NSS would name our own people too.
#ifndef ROLLCALL_LOCAL_USERS_H
#define ROLLCALL_LOCAL_USERS_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// The next one of an open file in the format of passwd(5); `ret` points into `buf`. A line that is
// longer than `buf` is stepped over. False at the end, and where the file cannot be read.
bool rollcall_local_user_next(FILE *f, struct passwd *ret, char *buf, size_t len);

#endif
