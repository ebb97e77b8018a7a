// SPDX-License-Identifier: BSD-2-Clause
// Sources that are silent: an alarm past expect_every, warnings at 50 and 80 % of an
// authority's lease, an alarm when it is over, and one record when it is heard again. What
// an administrator adds to a lease stands here too.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "syncd/engine/core_internal.h"

#define REASON_LEN 200

static const char *const levels[] = {"heard", "late", "lease-50", "lease-80", "lease-over"};

int64_t lease_extended(struct engine_core *core, const char *source)
{
    char key[64];

    snprintf(key, sizeof(key), "extended:%s", source);
    return store_number(&core->store, 0, "SELECT value FROM meta WHERE key = ?", "s", key);
}

int64_t lease_ends(struct engine_core *core, const struct rollcall_source_config *src,
                   int64_t as_of)
{
    int64_t end = as_of + (int64_t)src->lease, extended = lease_extended(core, src->name);

    return extended > end ? extended : end;
}

static unsigned level_of(struct engine_core *core, const struct rollcall_source_config *src,
                         int64_t as_of, int64_t now)
{
    int64_t length = lease_ends(core, src, as_of) - as_of, used = now - as_of;

    if (src->role & ROLLCALL_ROLE_AUTHORITY) {
        if (used >= length)
            return 4;
        if (used >= length / 100 * 80)
            return 3;
        if (used >= length / 100 * 50)
            return 2;
    }
    return src->expect_every && used > (int64_t)src->expect_every;
}

// A level is said once when it is reached. What was said before a restart is said again:
// the log of a host that restarts in an alarm has it.
void alarms_tick(struct engine_core *core, int64_t now)
{
    if (now / 60 == core->alarms_looked / 60)
        return;
    core->alarms_looked = now;
    for (size_t i = 0; i < core->config->n_sources; i++) {
        const struct rollcall_source_config *src = &core->config->source[i];
        int64_t as_of = store_number(&core->store, 0, "SELECT as_of FROM source WHERE name = ?",
                                     "s", src->name);
        unsigned level = as_of > 0 ? level_of(core, src, as_of, now) : 0;
        json_t *record;
        if (level == core->alarm_level[i])
            continue;
        record =
            json_pack("{s:s, s:s, s:s, s:I}", "event", level ? "source-silent" : "source-heard",
                      "source", src->name, "level", levels[level], "as_of", (json_int_t)as_of);
        if (level && src->role & ROLLCALL_ROLE_AUTHORITY)
            put_time(record, "lease_ends", lease_ends(core, src, as_of));
        engine_audit(core, record);
        core->alarm_level[i] = level;
    }
}

// ---- rollcall lease extend ----

static int fault(json_t **ret, int error, const char *code, const char *hint)
{
    *ret = json_pack("{s:s, s:s}", "error", code, "hint", hint);
    return error;
}

int engine_core_lease_extend(struct engine_core *core, const char *source, int64_t until,
                             const char *by, const char *reason, int64_t now, json_t **ret)
{
    const struct rollcall_source_config *src = rollcall_config_source(core->config, source);
    char key[64];
    int r;

    if (!src || !(src->role & ROLLCALL_ROLE_AUTHORITY))
        return fault(ret, -ENOENT, "unknown-source", "no authority of this name is configured");
    if (until <= now || until > now + (int64_t)src->lease)
        return fault(ret, -EINVAL, "refused",
                     "a lease is extended by at most its own length from now on");
    if (reason && strlen(reason) > REASON_LEN)
        return fault(ret, -EINVAL, "bad-request", "the reason is longer than 200 bytes");
    snprintf(key, sizeof(key), "extended:%s", source);
    r = store_run(&core->store, "INSERT OR REPLACE INTO meta VALUES(?, ?)", "si", key, until);
    if (r < 0)
        return fault(ret, r, "internal", strerror(-r));
    engine_audit(core, json_pack("{s:s, s:s, s:I, s:s, s:s*}", "event", "lease-extended", "source",
                                 source, "until", (json_int_t)until, "by", by, "reason", reason));
    lease_publish(core, now);
    *ret = json_pack("{s:s, s:I}", "source", source, "until", (json_int_t)until);
    return 0;
}
