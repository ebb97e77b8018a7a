// SPDX-License-Identifier: BSD-2-Clause
// A secret that somebody types.
#ifndef CLI_SILENT_H
#define CLI_SILENT_H

#include <stddef.h>

// A line of standard input, not shown while it is typed on a terminal. 0; -EMSGSIZE: it does not
// fit; or -errno. The caller erases `answer`.
int cli_ask_silently(const char *prompt, char *answer, size_t len);

#endif
