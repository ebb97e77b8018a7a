// SPDX-License-Identifier: BSD-2-Clause
// What sources over an API have in common: a member for each row of lib/config_table_web.c that
// is not of one type alone. Text is NULL and a list empty where it is not set.
#ifndef ROLLCALL_CONFIG_WEB_H
#define ROLLCALL_CONFIG_WEB_H

#include "rollcall/config_list.h"

struct rollcall_web_config {
    char *url, *token_url, *proxy;
    char *client_id, *key_id, *scope;
    struct rollcall_list assigned_groups, require_attributes, user_types, domain;
};

#endif
