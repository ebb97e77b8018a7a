// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: what a directory sends. An entry, given as names and values, becomes a person
// or a group; whatever comes of it has to be a message that the engine takes. And the
// controls of RFC 4533, which are BER within BER.
#include <ldap.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/ldap_control.h"
#include "syncd/sources/ldap_dn.h"
#include "syncd/sources/ldap_map.h"
#include "syncd/sources/ldap_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
    const uint8_t *at, *end;
};

// A value of its own size, so that a read past its end is seen.
static struct berval take(struct input *in, size_t most)
{
    struct berval v = {0, NULL};
    size_t n = in->at < in->end ? *in->at++ : 0;

    n = n == 255 ? most : n; // the rest
    v.bv_len = (size_t)(in->end - in->at) < n ? (size_t)(in->end - in->at) : n;
    v.bv_val = malloc(v.bv_len ? v.bv_len : 1);
    if (!v.bv_val)
        abort();
    memcpy(v.bv_val, in->at, v.bv_len);
    in->at += v.bv_len;
    return v;
}

static void must_be_message(const char *op, const char *key, json_t *value)
{
    json_t *o = json_pack("{s:s, s:o}", "op", op, key, value);
    char *line = o ? json_dumps(o, JSON_COMPACT) : NULL, why[300];
    struct rollcall_message m;

    if (!line || rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        abort();
    rollcall_message_done(&m);
    free(line);
    json_decref(o);
}

static void take_group(const struct dir_map *map, const struct dir_entry *e, const char *dn)
{
    struct dir_group g;
    char why[300];

    if (dir_group_take(map, e, dn, &g, why, sizeof(why)) < 0)
        return;
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; g.members[k] && i < g.members[k]->n; i++) {
            json_t *alias = dir_member(map, &g.members[k]->values[i]);
            if (alias && (json_string_length(alias) == 0 || json_string_length(alias) > 1024))
                abort();
            json_decref(alias);
        }
    must_be_message("group", "group", g.group);
}

static void take_entry(const struct dir_map *map, struct input *in)
{
    static struct dir_entry e;
    static struct berval values[64];
    size_t n = 0;
    char why[300], *dn;
    json_t *user;

    e.n = 0;
    e.dn = take(in, 2000);
    while (in->at < in->end && n < 64 && e.n < DIR_ATTRS_MAX) {
        size_t names = 0, which = *in->at++, more;
        while (map->attributes[names])
            names++;
        which %= names ? names : 1;
        e.attr[e.n] = (struct dir_attr){
            {strlen(map->attributes[which]), (char *)(uintptr_t)map->attributes[which]},
            &values[n],
            0};
        for (more = in->at < in->end ? *in->at++ % 4 : 0; more > 0 && n < 64; more--) {
            values[n++] = take(in, 70000);
            e.attr[e.n].n++;
        }
        e.n++;
    }
    dn = dir_dn(&e.dn);
    if (dn) {
        dir_kind_of(map, &e, dn);
        if (dir_user_take(map, &e, "06cf9b60-7d60-1041-8377-6f34ca63212b", dn, &user, why,
                          sizeof(why)) == 0)
            must_be_message("user", "user", user);
        take_group(map, &e, dn);
    }
    ldap_memfree(dn);
    for (size_t i = 0; i < n; i++)
        free(values[i].bv_val);
    free(e.dn.bv_val);
}

static int ignore(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx)
{
    static volatile unsigned char sum;

    for (int i = 0; i < DIR_UUID; i++)
        sum = (unsigned char)(sum + uuid[i]);
    *(bool *)ctx = deleted;
    return 0;
}

static void take_control(uint8_t which, struct input *in)
{
    size_t n = (size_t)(in->end - in->at);
    struct berval v = {n, calloc(1, n + 1)}; // liber puts a NUL behind what it reads
    struct dir_cookie a = {0}, b = {0};
    union {
        struct dir_sync_state state;
        struct dir_sync_done done;
        struct dir_sync_info info;
    } got;
    bool deleted;

    if (!v.bv_val)
        abort();
    memcpy(v.bv_val, in->at, n);
    if (which % 4 == 0 && dir_sync_state_parse(&v, &got.state) == 0)
        dir_cookie_set(&a, &got.state.cookie);
    else if (which % 4 == 1 && dir_sync_done_parse(&v, &got.done) == 0)
        dir_cookie_set(&a, &got.done.cookie);
    else if (which % 4 == 2 && dir_sync_info_parse(&v, &got.info, ignore, &deleted) == 0)
        dir_cookie_set(&a, &got.info.cookie);
    else if (which % 4 == 3)
        dir_cookie_set(&a, &v);
    memcpy(&b, &a, sizeof(b));
    if (b.len > 20)
        b.bytes[20] ^= 1;
    dir_cookie_older(&a, &b);
    ber_bvfree(dir_sync_request(which & 8, &a));
    free(v.bv_val);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const schemas[] = {"rfc2307", "rfc2307bis", "inetorgperson", "ad"};
    static struct dir_map maps[4];
    struct input in = {data + 1, data + len};
    char why[300];

    if (!maps[0].user_filter) {
        json_t *changes = json_pack("[s, s, s]", "status:title", "end:description", "start:sn");
        rollcall_timezone_use("UTC");
        for (int i = 0; i < 4; i++)
            if (dir_map_init(&maps[i], schemas[i], changes, why, sizeof(why)) < 0)
                abort();
        json_decref(changes);
    }
    if (len < 2)
        return 0;
    if (data[0] & 0x80)
        take_control(data[0], &in);
    else
        take_entry(&maps[data[0] % 4], &in);
    return 0;
}
