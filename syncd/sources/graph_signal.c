// SPDX-License-Identifier: BSD-2-Clause
// What Entra ID Protection thinks of accounts, and what Intune says of this machine. Neither keeps
// the rest from being read: a permission or a licence that is missing is said once.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "syncd/sources/graph.h"
#include "syncd/sources/wait.h"

#define RETRY_FIRST_MS 4000
#define RETRY_MAX_MS   3600000

// Of identityProtection a tenant has one request a second, and a 429 does not say for how long
// (https://learn.microsoft.com/graph/throttling-limits).
static const struct graph_pace gently = {.pause_ms = 1200, .budget = 5};

bool graph_retry_due(const struct graph_retry *r)
{
    return !r->off || source_now_ms() >= r->at;
}

void graph_retry_failed(struct graph_retry *r)
{
    r->pause = r->off ? r->pause * 2 : RETRY_FIRST_MS;
    if (r->pause > RETRY_MAX_MS)
        r->pause = RETRY_MAX_MS;
    r->off = true;
    r->at = source_now_ms() + r->pause;
}

bool graph_retry_over(struct graph_retry *r)
{
    bool was = r->off;

    *r = (struct graph_retry){0};
    return was;
}

static void say_off(struct graph *g, const char *what, const char *permission, int r)
{
    char text[HTTP_WHY_MAX + 300];

    snprintf(text, sizeof(text), "%s is not read: %s%s%s", what, g->w->why,
             r == -EACCES ? "; the application lacks " : "", r == -EACCES ? permission : "");
    emit_warning(g->w->request.name, NULL, text);
}

static void say_on(struct graph *g, const char *what)
{
    char text[100];

    snprintf(text, sizeof(text), "%s is read again", what);
    emit_warning(g->w->request.name, NULL, text);
}

// What is there no more, is forbidden, not licensed or no list may be so for long: said once, and
// asked for after growing pauses. All else is asked for again at once.
static bool is_passing(int r)
{
    return r != -EACCES && r != -ENOENT && r != -EBADMSG;
}

// ---- risk ----

// https://learn.microsoft.com/graph/api/riskyuser-list
static int take_risky(struct graph *g, const struct value *item, void *ctx)
{
    const char *word = graph_risk(item);
    unsigned char id[GRAPH_ID];
    char text[GRAPH_ID_TEXT];

    (void)g;
    if (!graph_id_parse(value_text(value_get(item, "id")), id))
        return -EBADMSG;
    if (strcmp(word, "none") != 0)
        json_object_set_new(ctx, graph_id_text(id, text), json_string(word));
    return 0;
}

static int touch_changed(struct graph *g, const json_t *a, json_t *b)
{
    unsigned char id[GRAPH_ID];
    json_t *word;
    const char *text;
    int r = 0;

    json_object_foreach(b, text, word)
    {
        if (r == 0 && !json_equal(json_object_get(a, text), word) && graph_id_parse(text, id))
            r = graph_touch(g, id);
    }
    return r;
}

int graph_read_risk(struct graph *g)
{
    json_t *now = json_object();
    char base[700];
    int r;

    snprintf(base, sizeof(base), "%s/identityProtection/riskyUsers", g->set.base);
    r = graph_read_list(
        g, http_url(base, "$select", "id,riskLevel,riskState,isDeleted", "$top", "500", NULL),
        take_risky, now, &gently);
    if (r == 0 && g->risk) {
        r = touch_changed(g, g->risk, now);
        if (r == 0)
            r = touch_changed(g, now, g->risk);
    } else if (r == 0) { // it was not known what was said: whoever is at risk is said again
        r = touch_changed(g, NULL, now);
    }
    if (r < 0 && !is_passing(r)) {
        if (!g->risk_retry.off)
            say_off(g, "identityProtection/riskyUsers (it needs Entra ID P2)",
                    "IdentityRiskyUser.Read.All", r);
        graph_retry_failed(&g->risk_retry);
        r = 0;
    } else if (r == 0) {
        if (graph_retry_over(&g->risk_retry))
            say_on(g, "identityProtection/riskyUsers");
        json_decref(g->risk);
        g->risk = json_incref(now);
    }
    json_decref(now);
    return r;
}

// ---- this machine ----

struct device {
    bool found;
    int compliant, managed;
};

static int tristate(const struct value *o, const char *name)
{
    const struct value *v = value_get(o, name);

    return value_is(v, VALUE_TRUE) ? 1 : value_is(v, VALUE_FALSE) ? 0 : -1;
}

static int take_device(struct graph *g, const struct value *item, void *ctx)
{
    struct device *d = ctx;
    const char *id = value_text(value_get(item, "deviceId"));

    if (!id || strcasecmp(id, g->set.device) != 0)
        return 0;
    *d = (struct device){true, tristate(item, "isCompliant"), tristate(item, "isManaged")};
    if (tristate(item, "accountEnabled") != 1) // it was disabled there
        d->compliant = 0;
    return 0;
}

// https://learn.microsoft.com/graph/api/device-list
void graph_read_device(struct graph *g)
{
    struct device d = {false, -1, -1};
    char base[700], filter[100], word[sizeof(g->device_said)];
    int r;

    snprintf(base, sizeof(base), "%s/devices", g->set.base);
    snprintf(filter, sizeof(filter), "deviceId eq '%s'", g->set.device);
    r = graph_read_list(g,
                        http_url(base, "$filter", filter, "$select",
                                 "id,deviceId,accountEnabled,isCompliant,isManaged", NULL),
                        take_device, &d, &gently);
    if (r < 0 && !is_passing(r)) {
        if (!g->device_retry.off)
            say_off(g, "this machine's compliance", "Device.Read.All", r);
        graph_retry_failed(&g->device_retry);
    }
    if (r < 0)
        return;
    if (graph_retry_over(&g->device_retry))
        say_on(g, "this machine's compliance");
    if (!d.found) // deleted there, or never there: compliant it is not
        d.compliant = d.managed = 0;
    snprintf(word, sizeof(word), "%d %d", d.compliant, d.managed);
    if (strcmp(word, g->device_said) == 0)
        return;
    snprintf(g->device_said, sizeof(g->device_said), "%s", word);
    emit_device(d.compliant, d.managed, g->set.device);
    emit_flush();
}
