// SPDX-License-Identifier: BSD-2-Clause
// What belongs to sources of type scim alone: one member for each row below "// scim" in
// lib/config_table_web.c. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_SCIM_H
#define ROLLCALL_CONFIG_SCIM_H

#include "rollcall/config_list.h"

struct rollcall_scim_config {
    char *groups_from;   // "members", "users"
    char *active_absent; // "keep", "deny", "active"
    char *extension;     // a URN
};

#endif
