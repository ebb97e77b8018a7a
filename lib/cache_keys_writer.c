// SPDX-License-Identifier: BSD-2-Clause
// The keys file: what sshd's command may read.
#include "rollcall/cache_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cache_build.h"
#include "rollcall/account.h"

struct key_ring {
    struct rc_keys_record *record; // by slot
    uint64_t *name;
};

static int add_keys(struct rc_build *b, const struct rollcall_keys_account *a, struct key_ring *all)
{
    struct rc_keys_record r = {.uid = a->uid, .name_len = (uint8_t)strlen(a->name), .used = 1};
    uint64_t start;

    if (r.name_len == 0 || strlen(a->name) > ROLLCALL_NAME_MAX)
        return -EINVAL;
    if (a->slot >= rc_build_head(b)->slots || rc_build_len(b) > UINT32_MAX)
        return -ERANGE;
    r.pool = (uint32_t)rc_build_write(b, a->name, r.name_len + 1u);
    start = rc_build_len(b);
    for (size_t i = 0; i < a->n_keys; i++) {
        rc_build_write(b, a->keys[i], strlen(a->keys[i]));
        rc_build_write(b, "\n", 1);
    }
    r.keys_len = (uint32_t)(rc_build_len(b) - start);
    r.check = rc_check16(&r, sizeof(r), a->slot);
    all->record[a->slot] = r;
    all->name[a->slot] = rc_hash_bytes(&b->self, a->name, r.name_len);
    rc_build_head(b)->count++;
    return 0;
}

static bool keys_name(void *ctx, uint64_t i, uint64_t *ret_hash, uint32_t *ret_ref)
{
    const struct key_ring *all = ctx;

    *ret_ref = (uint32_t)i;
    *ret_hash = all->name[i];
    return all->record[i].used;
}

static int verify_keys(const struct rc_map *m, void *ctx)
{
    const struct rc_keys_record *r = rc_section(m, RC_RECORDS);

    (void)ctx;
    for (uint32_t slot = 0; slot < m->head->slots; slot++) {
        const char *name;
        if (!r[slot].used)
            continue;
        name = rc_pool(m, r[slot].pool, (uint64_t)r[slot].name_len + 1 + r[slot].keys_len);
        if (!name || !rc_build_found(m, RC_NAMES, rc_hash_bytes(m, name, r[slot].name_len), slot))
            return -EBADMSG;
    }
    return 0;
}

static int write_keys(struct rc_build *b, const struct rollcall_keys_feed *feed,
                      struct key_ring *all)
{
    struct rollcall_keys_account a;
    size_t slots = feed->slots;
    int r = 0;

    all->record = calloc(slots + 1, sizeof(*all->record));
    all->name = calloc(slots + 1, sizeof(*all->name));
    if (!all->record || !all->name)
        return -ENOMEM;
    rc_build_begin(b, RC_POOL);
    while (r >= 0 && (r = feed->next_account(feed->ctx, &a)) > 0)
        r = add_keys(b, &a, all);
    rc_build_end(b);
    if (r < 0)
        return r;
    rc_build_section(b, RC_RECORDS, all->record, sizeof(*all->record) * slots);
    return rc_build_index(b, RC_NAMES, rc_build_head(b)->count, slots, keys_name, all);
}

int rollcall_keys_write(const char *path, const struct rollcall_keys_feed *feed, gid_t group)
{
    struct rc_build b = {.fd = -1};
    struct key_ring all = {0};
    int r = rc_build_open(&b, path, ROLLCALL_MAGIC_KEYS, feed->generation, feed->ledger_id,
                          feed->slots);

    rc_build_head(&b)->id_min = ROLLCALL_ID_DEFAULT_MIN;
    rc_build_head(&b)->id_max = ROLLCALL_ID_DEFAULT_MAX;
    if (r == 0)
        r = write_keys(&b, feed, &all);
    if (r == 0)
        r = rc_build_finish(&b, 0640, group, sizeof(struct rc_keys_record), verify_keys, NULL);
    rc_build_close(&b);
    free(all.record);
    free(all.name);
    return r;
}
