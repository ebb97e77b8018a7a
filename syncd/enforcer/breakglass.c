// SPDX-License-Identifier: BSD-2-Clause
// What happened to the emergency account while nobody kept an audit log, and its end where the
// process that was to see to it is gone.
#include <stdio.h>
#include <unistd.h>

#include "pam_module/breakglass/breakglass.h"
#include "rollcall/paths.h"
#include "rollcall/timeparse.h"
#include "syncd/enforcer/enforcer.h"

#define PATIENCE_MS 2000

static void put(json_t *o, const char *key, const char *text)
{
    json_t *value = *text ? json_string(text) : NULL;

    if (value)
        json_object_set_new(o, key, value);
}

// Nothing is said to a log that has not taken what was said before: the event waits in the file.
static int record(void *ctx, const struct rollcall_breakglass *b,
                  const struct rollcall_breakglass_event *e)
{
    char uid[16], happened[40], code[16];
    int r = audit_log_sync(ctx);
    json_t *o;

    if (r < 0)
        return r;
    o = json_pack("{s:s}", "event", rollcall_breakglass_event_name(e->kind));
    snprintf(uid, sizeof(uid), "%u", b->uid);
    snprintf(code, sizeof(code), "%u", e->code);
    put(o, "user", b->account);
    put(o, "uid", uid);
    put(o, "happened", rollcall_time_format(e->at, -1, happened, sizeof(happened)));
    if (e->code)
        put(o, e->kind == ROLLCALL_BREAKGLASS_SEALED ? "codes" : "code", code);
    put(o, "service", e->service);
    put(o, "tty", e->tty);
    put(o, "rhost", e->rhost);
    put(o, "by", e->by);
    r = audit_log_append(ctx, o, 0, getpid());
    return r < 0 ? r : audit_log_sync(ctx);
}

void breakglass_look(struct audit_log *log)
{
    breakglass_end(ROLLCALL_BREAKGLASS_STATE, NULL, PATIENCE_MS);
    breakglass_record(ROLLCALL_BREAKGLASS_STATE, record, log);
}
