// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-scim: people and groups of a SCIM 2.0 server (RFC 7643, RFC 7644), pulled.
//
// What a listing means. Pages by index are not stable: somebody may slip through between two of
// them. So whoever is missing from a whole pass is asked for by id (or looked for in a second
// pass) before it is said, and the engine waits for a second listing besides. Between whole
// passes, where the server can say who changed since, that alone is asked.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "rollcall/lifecycle.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/scim.h"
#include "syncd/sources/wait.h"

#define AGAIN_MAX     8  // times that a list is begun anew within one reading
#define CHANGES_BACK  60 // seconds before the latest change seen that are asked for again

#define SAID_ROOM     ((size_t)8 * 1024 * 1024) // of one person

#define ONLY_INACTIVE "active eq false"

enum { PEOPLE, INACTIVE, GROUPS };
static const char *const paths[] = {"/Users", "/Users", "/Groups"};

// ---- settings ----

static int choose_sign_in(struct web *w, struct auth_settings *auth)
{
    if (auth->client_id)
        auth->kind = AUTH_SECRET;
    else if (auth->user)
        auth->kind = AUTH_BASIC;
    else
        auth->kind = AUTH_BEARER;
    if (auth->kind == AUTH_SECRET && !auth->token_url) {
        snprintf(w->why, sizeof(w->why), "client_id needs token_url");
        return -EINVAL;
    }
    return 0;
}

static void take_rules(struct web *w, struct scim *s)
{
    const char *absent = web_option(w, "active_absent") ?: "keep";
    const char *groups = web_option(w, "groups_from") ?: "members";

    s->rules =
        (struct scim_rules){.require_attributes = web_list(w, "require_attributes"),
                            .user_types = web_list(w, "user_types"),
                            .domain = web_list(w, "domain"),
                            .extension = web_option(w, "extension"),
                            .active_absent = strcmp(absent, "deny") == 0     ? SCIM_ABSENT_DENY
                                             : strcmp(absent, "active") == 0 ? SCIM_ABSENT_ACTIVE
                                                                             : SCIM_ABSENT_KEEP,
                            .groups_of_user = strcmp(groups, "users") == 0};
    s->assigned = web_list(w, "assigned_groups");
    if (json_array_size(s->assigned) == 0)
        s->assigned = NULL;
}

static json_int_t number(const struct web *w, const char *name, json_int_t unsaid)
{
    json_int_t n = json_integer_value(json_object_get(w->section, name));

    return n > 0 ? n : unsaid;
}

static bool has_allow_list(const struct scim *s)
{
    const json_t *one;
    size_t i;

    if (s->assigned || json_array_size(s->rules.user_types) > 0)
        return true;
    json_array_foreach(s->rules.require_attributes, i, one)
    {
        if (strcasecmp(json_string_value(one) ?: "", "employeeNumber") == 0)
            return true;
    }
    return false;
}

// Where a service keeps its customers' accounts apart, its name says so.
static bool is_of_customers(const char *url)
{
    static const char *const hosts[] = {".auth0.com", ".b2clogin.com", ".ciamlogin.com"};
    const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
    size_t n = strcspn(host, ":/?#");

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t k = strlen(hosts[i]);
        if (n > k && strncasecmp(host + n - k, hosts[i], k) == 0)
            return true;
    }
    return false;
}

static int check(struct scim *s, const char *url)
{
    const char *fault = scim_rules_map(&s->rules, web_list(s->w, "map"));

    if (!url)
        fault = "there is no url";
    else if (is_of_customers(url))
        fault =
            "this is a service for customers' accounts (CIAM). Customers sign up by themselves, "
            "and nobody of them may come to log in here: run it apart from rollcall";
    else if (!fault && !has_allow_list(s))
        fault = "nothing in SCIM says whether a User is an employee or a customer: write who "
                "counts, as assigned_groups, user_types or require_attributes = employeeNumber";
    if (fault)
        snprintf(s->w->why, sizeof(s->w->why), "%s", fault);
    return fault ? -EINVAL : 0;
}

static int settings(struct web *w, struct http_settings *http, struct auth_settings *auth)
{
    const char *url = web_option(w, "url");
    struct scim *s = calloc(1, sizeof(*s));
    char *base;

    if (!s)
        return -ENOMEM;
    w->own = s;
    s->w = w;
    take_rules(w, s);
    if (check(s, url) < 0)
        return -EINVAL;
    base = strdup(url);
    s->people = listed_new(false);
    s->groups = listed_new(false);
    s->in = scim_groups_new();
    s->persons = scim_groups_new();
    s->said = values_new(SAID_ROOM);
    s->server.page = values_new(HTTP_VALUES_MAX);
    if (!s->said || !s->server.page || !base || !s->people || !s->groups || !s->in || !s->persons) {
        free(base);
        snprintf(w->why, sizeof(w->why), "there is no memory");
        return -ENOMEM;
    }
    for (size_t n = strlen(base); n > 0 && base[n - 1] == '/'; n--)
        base[n - 1] = 0;
    s->server.base = base;
    s->server.count = (unsigned)number(w, "page", 500);
    s->full_every = (uint64_t)number(w, "full_every", 3600);
    s->changed = ROLLCALL_TIME_UNSET;
    http->origin[0] = base;
    http->origin[1] = auth->token_url;
    return choose_sign_in(w, auth);
}

static void done(struct web *w)
{
    struct scim *s = w->own;

    if (!s)
        return;
    listed_free(s->people);
    listed_free(s->groups);
    scim_groups_free(s->in);
    scim_groups_free(s->persons);
    for (size_t i = 0; i < 3; i++)
        free(s->tag[i]);
    free(s->cursor);
    free(s->since);
    values_free(s->said);
    values_free(s->server.page);
    free((char *)(uintptr_t)s->server.base);
    free(s);
}

static int ignore_row(void *ctx, const struct value *row)
{
    (void)ctx;
    (void)row;
    return 0;
}

// A page of one User shows that url and credential are right; what the server can is asked then.
static int identity(struct web *w)
{
    struct scim *s = w->own;
    struct scim_server one = {
        .base = s->server.base, .count = 1, .single = true, .page = s->server.page};
    struct scim_pass pass = {.path = "/Users"};
    int r = scim_list(w, &one, &pass, ignore_row, NULL);

    free(pass.tag);
    return r < 0 ? r : scim_discover(w, &s->server, web_option(w, "paging") ?: "auto");
}

// ---- lists ----

static int list(struct scim *s, int which, const char *filter, scim_take *take)
{
    struct scim_pass pass = {.path = paths[which], .filter = filter};
    int r = scim_list(s->w, &s->server, &pass, take, s);

    if (which == PEOPLE && !filter)
        s->total = s->server.honest ? pass.total : -1;
    if (which == INACTIVE || !filter) {
        free(s->tag[which]);
        s->tag[which] = ROLLCALL_TAKE(pass.tag);
    }
    free(pass.tag);
    if (r == 0 && which == PEOPLE && !filter && !pass.exact && !listed_known(s->people)) {
        // Nothing to compare with, and the totals do not agree: whoever slipped through between
        // two pages is met by a second look.
        struct scim_pass second = {.path = paths[which]};
        s->later_pass = true;
        r = scim_list(s->w, &s->server, &second, take, s);
        s->later_pass = false;
        free(second.tag);
    }
    return r;
}

static const char *first_gone(const struct scim *s)
{
    const json_t *one;
    size_t i;

    json_array_foreach(s->assigned, i, one)
    {
        if (!scim_groups_is(s->in, json_string_value(one)))
            return json_string_value(one);
    }
    return "";
}

// Who is in the assigned groups. One that is not there, or all of them empty, says nothing of
// anybody's employment, and keeps nobody else from being locked; who begins with nobody in any of
// them wrote something wrong.
static int take_assigned(struct scim *s, bool *ret_changed)
{
    int r = scim_groups_close(s->in, s->assigned, ret_changed);
    bool nobody =
        web_begins(s->w) && !s->in_known && (r == -ENODATA || scim_groups_count(s->in) == 0);

    s->in_known = s->in_known || r == 0;
    s->in_unknown = r < 0 && !s->in_known;
    if (r == -ENOENT && nobody)
        return web_groups_none(s->w, first_gone(s), "on the server", "the id (not the name)");
    if (r == -ENODATA)
        snprintf(s->w->why, sizeof(s->w->why),
                 "nobody is in assigned_groups: either they are empty, or the server shows no "
                 "members; then write groups_from = users. What was read before stands");
    if (r == -ENODATA && nobody)
        return -EBADMSG;
    if (r == -ENOENT)
        scim_say_gone(s);
    if (r == -ENODATA)
        scim_say_empty(s, s->w->why);
    return r == -ENOENT || r == -ENODATA ? 0 : r;
}

static int read_groups(struct scim *s, bool *ret_changed)
{
    int r;

    *ret_changed = false;
    if (s->rules.groups_of_user)
        return 0;
    scim_groups_begin(s->in);
    r = list(s, GROUPS, NULL, scim_take_group);
    if (r == 0 && s->full && listed_known(s->groups))
        r = scim_confirm(s, "/Groups");
    return r == 0 && s->assigned ? take_assigned(s, ret_changed) : r;
}

// Servers that leave disabled people out of their lists name them when they are asked for.
static int read_inactive(struct scim *s)
{
    int r;

    if (s->no_active_filter || s->shows_inactive)
        return 0;
    s->only_inactive = s->later_pass = true;
    r = list(s, INACTIVE, ONLY_INACTIVE, scim_take_user);
    s->only_inactive = s->later_pass = false;
    if (r == SCIM_NO_SUCH)
        s->no_active_filter = true;
    return r == SCIM_NO_SUCH ? 0 : r;
}

static int64_t later_than_last(const struct scim *s)
{
    int64_t now = (int64_t)time(NULL),
            last = json_integer_value(json_object_get(s->w->cursor, "as_of"));

    // A listing counts as a second one only with a later time of its own.
    if (now == last) {
        source_pause(1000);
        now = (int64_t)time(NULL);
    }
    return now;
}

static int whole(struct scim *s)
{
    int64_t began = source_now_ms();
    bool changed;
    int r;

    scim_begin(s, true, later_than_last(s));
    r = read_groups(s, &changed);
    if (r == 0)
        r = list(s, PEOPLE, NULL, scim_take_user);
    if (r == 0 && s->met == 0) {
        snprintf(s->w->why, sizeof(s->w->why),
                 "%s/Users: the list is empty, and it is taken for a fault", s->server.base);
        r = -EBADMSG;
    }
    s->shows_inactive = r == 0 && s->saw_inactive;
    if (r == 0)
        r = read_inactive(s);
    if (r == 0 && listed_known(s->people))
        r = scim_confirm(s, "/Users");
    if (r < 0)
        return r;
    scim_commit(s);
    s->wholes++;
    s->whole_at = began;
    s->changed = s->latest;
    return 0;
}

// ---- what changed since ----

static int read_changes(struct scim *s)
{
    char since[ROLLCALL_TIME_TEXT], filter[100];
    int r;

    s->asked = s->changed - CHANGES_BACK;
    rollcall_time_format(s->asked, -1, since, sizeof(since));
    snprintf(filter, sizeof(filter), "meta.lastModified gt \"%s\"", since);
    r = list(s, PEOPLE, filter, scim_take_user);
    s->asked = 0;
    // The one who changed last has to be among them: nobody at all is no answer to this.
    if (r == SCIM_NO_SUCH || (r == 0 && (s->no_filter || s->met == 0))) {
        if (s->changes == SCIM_CHANGES_UNTRIED || r == SCIM_NO_SUCH || s->no_filter)
            s->changes = SCIM_CHANGES_UNKNOWN;
        return SCIM_NO_SUCH;
    }
    if (r == 0)
        s->changes = SCIM_CHANGES_KNOWN;
    return r;
}

// 1: a whole pass is needed after all.
static int increment(struct scim *s)
{
    bool changed = false;
    int r;

    scim_begin(s, false, (int64_t)time(NULL));
    r = read_changes(s);
    if (r == SCIM_NO_SUCH)
        return 1;
    if (r == 0)
        r = read_inactive(s);
    if (r == 0)
        r = read_groups(s, &changed);
    if (r < 0 || changed) // who came into an assigned group did not change
        return r < 0 ? r : 1;
    scim_commit(s);
    if (s->latest > s->changed)
        s->changed = s->latest;
    return 0;
}

// Nothing changed, as the entity tags of lists that fit into a page show (RFC 7644, 3.14).
static int as_it_was(struct scim *s)
{
    int64_t began = (int64_t)time(NULL);

    for (int i = PEOPLE; i <= GROUPS; i++) {
        bool asked = i == PEOPLE || (i == INACTIVE && !s->no_active_filter && !s->shows_inactive) ||
                     (i == GROUPS && !s->rules.groups_of_user);
        struct scim_pass pass = {
            .path = paths[i], .filter = i == INACTIVE ? ONLY_INACTIVE : NULL, .etag = s->tag[i]};
        struct scim_server one = s->server;
        int r;
        one.single = true;
        if (asked && !s->tag[i])
            return 0;
        r = asked ? scim_list(s->w, &one, &pass, ignore_row, s) : 1;
        if (asked)
            free(pass.tag);
        if (r < 1)
            return r;
    }
    emit_as_of(began);
    emit_flush();
    return 1;
}

// No filter shows who was deleted. But where the server counts right, its count does.
static bool is_count_changed(struct scim *s)
{
    struct scim_server none = s->server;
    struct scim_pass pass = {.path = paths[PEOPLE]};

    if (s->total < 0)
        return false;
    none.count = 0; // RFC 7644, 3.4.2.4: the total alone
    none.single = true;
    none.by_cursor = false;
    if (scim_list(s->w, &none, &pass, ignore_row, s) < 0)
        pass.total = s->total; // what is asked next says why
    free(pass.tag);
    return pass.total >= 0 && pass.total != s->total;
}

static bool is_whole_due(const struct scim *s)
{
    return s->wholes < 2 || s->absences || s->changes == SCIM_CHANGES_UNKNOWN ||
           s->changed == ROLLCALL_TIME_UNSET ||
           source_now_ms() - s->whole_at >= (int64_t)s->full_every * 1000;
}

static int read_once(struct scim *s)
{
    int r = s->wholes >= 2 && !s->absences ? as_it_was(s) : 0;

    if (r != 0)
        return r < 0 ? r : 0;
    r = is_whole_due(s) || is_count_changed(s) ? 1 : increment(s);
    return r == 1 ? whole(s) : r;
}

static enum web_outcome read_all(struct web *w)
{
    struct scim *s = w->own;
    int r = 0;

    // From its beginning again where the server says so: a cursor that ran out, pages too large.
    for (int i = 0; i < AGAIN_MAX; i++) {
        r = read_once(s);
        // What these lists were was taken, and not said: it is no state to compare with.
        for (int k = PEOPLE; r < 0 && k <= GROUPS; k++) {
            free(s->tag[k]);
            s->tag[k] = NULL;
        }
        if (r != SCIM_AGAIN && !(r == 0 && s->again))
            break;
    }
    return r < 0 ? web_failed(w, r == SCIM_AGAIN || r == SCIM_NO_SUCH ? -EBADMSG : r) : WEB_READ;
}

int main(void)
{
    static const struct web_source source = {.type = "scim",
                                             .settings = settings,
                                             .identity = identity,
                                             .read = read_all,
                                             .test = scim_test,
                                             .done = done};

    return web_main(&source);
}
