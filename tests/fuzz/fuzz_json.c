// SPDX-License-Identifier: BSD-2-Clause
// Fuzz target: what an HR system sends. The first byte chooses rules and pieces; the rest is the
// document. Whatever comes of an element has to be a message that the engine takes.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/jsonapi_map.h"
#include "syncd/sources/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const sections[] = {
    "{\"preset\":\"workday-raas\",\"require_attributes\":[\"Worker_Type\"],\"lock_at\":\"17:00\","
    "\"map\":[\"groups:/Groups\",\"sshPublicKeys:/Keys\",\"uidNumber:/Uid\"]}",
    "{\"preset\":\"bamboohr\",\"domain\":[\"acme.com\"],\"dates\":\"month-first\","
    "\"midnight\":\"date\",\"end\":\"first-day-out\"}",
    "{\"preset\":\"successfactors\",\"user_types\":[\"E\"],"
    "\"map\":[\"employment.userType:/type\",\"employment.primary:/primary\"]}",
    "{\"rows\":\"/\",\"map\":[\"id:/id\",\"status:/s\",\"terminatedAt:/t\",\"zone:/z\"],"
    "\"statuses\":[\"A:active\"]}",
};

static void must_be_message(const char *user)
{
    char *line, why[300];
    struct rollcall_message m;

    if (asprintf(&line, "{\"op\":\"user\",\"user\":%s}", user) < 0 ||
        rollcall_message_parse(line, strlen(line), &m, why, sizeof(why)) < 0)
        abort();
    rollcall_message_done(&m);
    free(line);
}

static void must_be_text(const char *text)
{
    json_t *s = json_string(text);

    if (!s)
        abort();
    json_decref(s);
}

static int take(void *ctx, const struct value *row, uint64_t number, const char *fault)
{
    struct hr_said said;

    (void)number;
    if (!row != !!fault)
        abort();
    if (!row)
        return 0;
    if (hr_take(ctx, row, 1795521600, &said) == HR_PERSON)
        must_be_message(said.json);
    must_be_text(said.id);
    must_be_text(said.name);
    must_be_text(said.text);
    must_be_text(said.warning);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct hr_rules rules[4];
    static json_t *held[4]; // the rules borrow from them
    static struct pointer next;
    struct rows_settings s = {.beside = {&next}, .row = take};
    size_t step;
    struct rows *r;
    int e = 0;

    if (!rules[0].zone) {
        char why[300];
        for (int i = 0; i < 4; i++) {
            held[i] = json_loads(sections[i], 0, NULL);
            if (hr_rules_init(&rules[i], held[i], "Europe/Berlin", why, sizeof(why)) < 0)
                abort();
        }
        if (pointer_parse("/d/__next", &next) < 0)
            abort();
    }
    if (len < 1)
        return 0;
    s.list = &rules[data[0] % 4].rows;
    s.ctx = &rules[data[0] % 4];
    step = (size_t)(data[0] / 4) + 1;
    r = rows_new(&s);
    if (!r)
        abort();
    for (size_t i = 1; i < len && e == 0; i += step)
        e = rows_feed(r, (const char *)data + i, len - i < step ? len - i : step);
    if (rows_end(r) < 0)
        must_be_text(rows_why(r));
    rows_free(r);
    return 0;
}
