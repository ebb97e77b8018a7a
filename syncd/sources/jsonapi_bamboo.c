// SPDX-License-Identifier: BSD-2-Clause
// BambooHR: a report of all employees with the members that are mapped, and a feed of changes that
// says when the report is worth reading.
// https://documentation.bamboohr.com/reference/request-custom-report (said to be replaced by
// datasets one day; the body is JSON for a Content-Type of application/json to the letter, unknown
// fields are left out without a word),
// https://documentation.bamboohr.com/reference/get-changed-employee-ids
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/jsonapi.h"

#define OVERLAP 60 // seconds

// The first name of each pointer is a field of the report.
static char *report_body(const struct hr *hr)
{
    json_t *fields = json_array(), *seen = json_object();
    json_t *o;
    char *text;

    for (int f = 0; f < HR_FIELDS; f++)
        for (size_t i = 0; i < hr->rules.place[f].n; i++) {
            const struct pointer *p = &hr->rules.place[f].pointer[i];
            if (p->n == 0 || json_object_get(seen, p->token[0]))
                continue;
            json_object_set_new(seen, p->token[0], json_true());
            json_array_append_new(fields, json_string(p->token[0]));
        }
    for (size_t i = 0; i < hr->rules.n_required; i++) {
        const char *name = hr->rules.required[i].path ?: hr->rules.required[i].pointer.token[0];
        if (name && !json_object_get(seen, name))
            json_array_append_new(fields, json_string(name));
    }
    o = json_pack("{s:s, s:o}", "title", "rollcall", "fields", fields);
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    json_decref(seen);
    return text;
}

static void on_head(void *ctx, const struct http_answer *a)
{
    struct listing *l = ctx;

    if (!l->open && a->date > 0)
        l->as_of = a->date;
}

int hr_read_report(struct listing *l)
{
    _cleanup_free_ char *body = report_body(l->hr), *base = NULL, *url = NULL;
    struct http_request q = {
        .content_type = "application/json", .take = hr_page_feed, .head = on_head, .ctx = l};
    struct http_answer a = {0};
    int r;

    if (!body || asprintf(&base, "%s/reports/custom", l->hr->url) < 0)
        return -ENOMEM;
    // Without onlyCurrent=false whoever begins or leaves later is not there.
    url = http_url(base, "format", "JSON", "onlyCurrent", "false", NULL);
    r = url ? hr_page_begin(l) : -ENOMEM;
    if (r < 0)
        return r;
    q.url = url;
    q.body = body;
    q.header[q.n_headers++] = l->hr->header;
    r = web_send(l->w, &q, &a);
    http_answer_done(&a);
    if (l->fed && (r == 0 || rows_why(l->rows)[0])) {
        int e = hr_page_end(l, base);
        r = r < 0 ? r : e;
    } else if (r == 0) {
        r = hr_page_end(l, base);
    }
    return r;
}

int hr_changes(struct web *w)
{
    struct hr *hr = w->own;
    _cleanup_free_ char *base = NULL, *url = NULL;
    char since[ROLLCALL_TIME_TEXT], *said;
    struct http_answer a = {0};
    struct http_request q = {.header = {hr->header}, .n_headers = 1};
    const json_t *employees;
    int r;

    if (asprintf(&base, "%s/employees/changed", hr->url) < 0)
        return -ENOMEM;
    rollcall_time_format(hr->latest - OVERLAP, -1, since, sizeof(since));
    url = http_url(base, "since", since, NULL); // escaped: a + would be a blank
    if (!url)
        return -ENOMEM;
    q.url = url;
    r = web_send(w, &q, &a);
    employees = json_object_get(a.json, "employees");
    if (r == 0 && !json_is_object(employees) && !json_is_array(employees)) {
        snprintf(w->why, sizeof(w->why), "%.250s: the answer has no employees", base);
        r = -EBADMSG;
    }
    said = r == 0 ? json_dumps(employees, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (said && json_object_size(employees) > 0)
        r = !hr->changes || strcmp(said, hr->changes) != 0;
    if (said) {
        free(hr->heard);
        hr->heard = said;
    }
    http_answer_done(&a);
    return r;
}
