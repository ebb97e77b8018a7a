// SPDX-License-Identifier: BSD-2-Clause
// What belongs to sources of type pingone alone: one member for each row below "// pingone" in
// lib/config_table_web.c. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_PINGONE_H
#define ROLLCALL_CONFIG_PINGONE_H

#include "rollcall/config_list.h"

struct rollcall_pingone_config {
    char *environment, *region;
    struct rollcall_list populations, identity_providers;
};

#endif
