// SPDX-License-Identifier: BSD-2-Clause
// What belongs to sources of type graph alone: one member for each row below "// graph" in
// lib/config_table_web.c. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_GRAPH_H
#define ROLLCALL_CONFIG_GRAPH_H

#include "rollcall/config_list.h"

struct rollcall_graph_config {
    char *tenant;
    char *cloud;        // global, usgov, dod, china
    char *device_id;    // of this machine
    char *no_user_type; // drop, member
};

#endif
