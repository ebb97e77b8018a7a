// SPDX-License-Identifier: BSD-2-Clause
// What belongs to sources of type json alone: one member for each row below "// json" in
// lib/config_table_web.c. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_JSON_H
#define ROLLCALL_CONFIG_JSON_H

#include "rollcall/config_list.h"

struct rollcall_json_config {
    char *preset;
};

#endif
