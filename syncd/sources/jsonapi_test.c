// SPDX-License-Identifier: BSD-2-Clause
// What `rollcall source test` hears of a list: how many records have each member that is mapped,
// which would be refused and why, and ten people.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncd/sources/jsonapi.h"

#define PEOPLE_SHOWN 10
#define CAUSES_SHOWN 10

struct coverage {
    uint64_t records, people, left_out, unreadable, warned;
    uint64_t has[HR_FIELDS];
    unsigned shown;
    struct {
        char text[300];
        uint64_t n;
    } cause[CAUSES_SHOWN];
};

struct coverage *hr_coverage_new(void)
{
    return calloc(1, sizeof(struct coverage));
}

// Causes that differ by the value that they quote are one.
static void count_cause(struct coverage *c, const char *where, const char *text)
{
    size_t alike = strcspn(text, "\"");

    for (size_t i = 0; i < CAUSES_SHOWN; i++) {
        const char *known = strstr(c->cause[i].text, ": ");
        if (c->cause[i].n > 0 && (!known || strncmp(known + 2, text, alike) != 0))
            continue;
        if (c->cause[i].n++ == 0)
            snprintf(c->cause[i].text, sizeof(c->cause[i].text), "%.60s: %.230s", where, text);
        return;
    }
}

// A record that is given up at one member may have the others all the same.
static bool has(const struct hr *hr, int f, const struct value *row, const struct hr_said *said)
{
    const struct hr_place *p = &hr->rules.place[f];

    for (size_t i = 0; f <= HR_EMPLOYMENTS && i < p->n; i++) {
        const struct value *v = pointer_get(&p->pointer[i], row);
        if (v && !(value_is(v, VALUE_TEXT) && value_len(v) == 0))
            return true;
    }
    return said->has >> f & 1;
}

void hr_coverage_row(struct coverage *c, const struct hr *hr, const struct value *row,
                     enum hr_outcome outcome, const struct hr_said *said, const char *fault,
                     const char *where)
{
    c->records++;
    for (int f = 0; f < HR_FIELDS; f++)
        c->has[f] += has(hr, f, row, said);
    c->left_out += outcome == HR_LEFT_OUT;
    c->unreadable += outcome == HR_UNREADABLE;
    if (outcome == HR_UNREADABLE)
        count_cause(c, where, fault ? fault : said->text);
    else if (outcome == HR_LEFT_OUT)
        count_cause(c, where, said->reason);
    else if (said->warning[0])
        count_cause(c, where, said->warning);
    if (outcome != HR_PERSON)
        return;
    c->people++;
    c->warned += said->warning[0] != 0;
    if (c->shown < PEOPLE_SHOWN) {
        c->shown++;
        emit_user_text(said->json, said->len, where);
    }
}

static const char *level_of(enum hr_field f, uint64_t n, uint64_t records)
{
    bool needed = f == HR_ID || f == HR_EMPLOYEE_NUMBER;

    if (n == records)
        return "ok";
    if (needed)
        return n == 0 ? "error" : "warning";
    // What nobody has is called otherwise, more often than not.
    return n == 0 ? "warning" : "ok";
}

static void say_members(struct web *w, const struct hr *hr)
{
    const struct coverage *c = hr->coverage;
    char text[300];

    for (int f = 0; f < HR_FIELDS; f++) {
        const struct hr_place *p = &hr->rules.place[f];
        if (p->n == 0)
            continue;
        snprintf(text, sizeof(text), "%s (%s%s): %" PRIu64 " of %" PRIu64 " records have it",
                 hr_field_names[f], p->pointer[0].text, p->n > 1 ? ", ..." : "", c->has[f],
                 c->records);
        web_finding(w, level_of((enum hr_field)f, c->has[f], c->records), "attribute", text);
    }
}

void hr_coverage_say(struct web *w, const struct hr *hr)
{
    const struct coverage *c = hr->coverage;
    char text[400];

    snprintf(text, sizeof(text),
             "%" PRIu64 " records: %" PRIu64 " people, %" PRIu64 " left out, %" PRIu64
             " that cannot be read",
             c->records, c->people, c->left_out, c->unreadable);
    web_finding(w, c->people == 0 ? "error" : c->unreadable > 0 ? "warning" : "ok", "people", text);
    say_members(w, hr);
    for (size_t i = 0; i < CAUSES_SHOWN && c->cause[i].n > 0; i++) {
        snprintf(text, sizeof(text), "%s (%" PRIu64 " like this)", c->cause[i].text, c->cause[i].n);
        web_finding(w, "warning", "record", text);
    }
}
