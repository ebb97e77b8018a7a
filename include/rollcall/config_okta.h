// SPDX-License-Identifier: BSD-2-Clause
// What belongs to sources of type okta alone: one member for each row below "// okta" in
// lib/config_table_web.c. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_OKTA_H
#define ROLLCALL_CONFIG_OKTA_H

#include <stdint.h>

#include "rollcall/config_list.h"

struct rollcall_okta_config {
    char *org, *org_id;
    uint64_t log_poll; // seconds
    struct rollcall_list realms;
};

#endif
