// SPDX-License-Identifier: BSD-2-Clause
// A secret that somebody types, into a file of root's. It is in no argument, no log and no answer.
#ifndef CLI_SOURCE_SECRET_H
#define CLI_SOURCE_SECRET_H

#include <stddef.h>

// Reads a line of standard input without echo and makes `path` of it: 0600, its folder 0700 where
// it has to be made, never over what stands there. 0; -EEXIST; -ECANCELED: an empty line; or
// another negative errno.
int source_secret_ask(const char *prompt, const char *path);

#endif
