// SPDX-License-Identifier: BSD-2-Clause
// A list of a configuration.
#ifndef ROLLCALL_CONFIG_LIST_H
#define ROLLCALL_CONFIG_LIST_H

#include <stddef.h>

#define ROLLCALL_CONFIG_LIST_MAX 64

struct rollcall_list {
    char *item[ROLLCALL_CONFIG_LIST_MAX];
    size_t n;
};

#endif
