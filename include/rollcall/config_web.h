// SPDX-License-Identifier: BSD-2-Clause
// What sources over an API have in common: a member for each row of lib/config_table_web.c that
// is not of one type alone. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_WEB_H
#define ROLLCALL_CONFIG_WEB_H

#include <stdint.h>

#include "rollcall/config_list.h"

struct rollcall_web_config {
    char *url, *token_url, *proxy;
    char *api_url, *auth_url; // in place of what a word of the type means
    char *paging;             // NULL: the type's own
    char *client_id, *key_id, *scope;
    struct rollcall_list assigned_groups, member_groups, require_attributes, user_types, domain;
    uint64_t full_every; // seconds; 0: the type's own
};

#endif
