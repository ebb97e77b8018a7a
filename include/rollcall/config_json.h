// SPDX-License-Identifier: BSD-2-Clause
// What belongs to sources of type json alone: one member for each row below "// json" in
// lib/config_table_web.c. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_JSON_H
#define ROLLCALL_CONFIG_JSON_H

#include <stdint.h>

#include "rollcall/config_list.h"

struct rollcall_json_config {
    char *preset;
    char *rows, *count, *timestamp, *next; // JSON pointers
    struct rollcall_list statuses;
    char *page_param, *size_param; // query parameters' names
    uint64_t first_page;
    char *key_header;
    char *zone, *dates, *midnight, *end, *lock_at; // what dates mean
};

#endif
