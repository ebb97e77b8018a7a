// SPDX-License-Identifier: BSD-2-Clause
// What the files of rollcall-source-graph share. Pages of Microsoft's reference are named beside
// what follows them; the facts behind all of it are in rollcall-source-graph(8).
#ifndef ROLLCALL_SOURCES_GRAPH_H
#define ROLLCALL_SOURCES_GRAPH_H

#include "syncd/sources/graph_assigned.h"
#include "syncd/sources/graph_map.h"
#include "syncd/sources/listed.h"
#include "syncd/sources/web.h"

#define GRAPH_TOKEN_AGE   561600 // 6.5 days: a deltaLink of directory objects lives 7
#define GRAPH_CURSOR_AGE  43200  // a cursor is committed anew after half a day of nothing new
#define GRAPH_PAGE_MAX    (512u * 1024 * 1024) // bytes of a page's values; its body has at most 32 MiB
#define GRAPH_TOUCH_MAX   500 // users that are read one by one; beyond, all are read
#define GRAPH_SIGNAL_EACH 60  // seconds between two looks at riskyUsers and the device

#define LEAVE_PERMISSION  "User-LifeCycleInfo.Read.All"

// What is configured, as it is used.
struct graph_set {
    char login[320], base[320]; // https://HOST; https://HOST/v1.0
    char origin[300];           // of Graph
    char token[400], token_origin[300], scope[340];
    const char *tenant, *device;
    bool signals; // has the role
    struct graph_rules rules;
    char select[2400]; // of users, without employeeLeaveDateTime
    char fingerprint[17];
};

// The listing in work. It begins with the first word that there is to say.
struct graph_listing {
    bool open, full;
    int64_t as_of;
    uint64_t rows, done, news;
    uint64_t total; // of `done`, about; 0: not known
    json_t *lists;  // full: groups whose list of members goes on
};

// What cannot be read: asked for again after a pause that grows, and said when it is over.
struct graph_retry {
    bool off;
    int64_t at, pause; // ms
};

struct graph {
    struct web *w;
    struct graph_set set;
    json_t *map;
    struct graph_assigned *assigned; // NULL: no assigned_groups
    struct values *values;           // the page in work
    struct listed *said;             // of this listing, so that nobody is said twice in it
    struct graph_listing in;
    bool ready;                     // the state below is that of the cursor
    char *users, *groups;           // where the next round goes on, or NULL
    char *next_users, *next_groups; // found by this round; they count with its commit
    int64_t committed_at, last_as_of, again_after;
    bool again; // the listing before was a whole one: a second whole one confirms who is missing
    bool leave; // employeeLeaveDateTime is read
    struct graph_retry leave_retry, risk_retry, device_retry;
    json_t *touch;   // users to be read by themselves: id to a number, see graph_touch
    json_t *enabled; // of those: ids that the feed says are enabled
    json_t *ill;     // of those in touch: ids that could not be had when they were last asked for
    json_t *off;     // id to when (ms) the feed said that it is disabled or deleted, of late
    json_t *risk;    // id to a word, of those at risk; NULL: not known
    int64_t risk_at, device_at; // 0: not asked yet
    char device_said[120];
};

// graph_settings.c
int graph_settings(struct web *w, struct http_settings *http, struct auth_settings *auth);
// The URL of the first request of a feed, and of one user. The caller frees it.
char *graph_users_url(const struct graph *g, const char *path);
bool graph_is_link(const struct graph *g, const char *url); // of the host that was configured

// graph_say.c: the listing.
void graph_begin(struct graph *g); // of reading: nobody was said yet
void graph_open(struct graph *g, bool full);
void graph_open_delta(struct graph *g); // if none is open
void graph_commit(struct graph *g);
void graph_abort(struct graph *g);
int graph_say_user(struct graph *g, const struct value *object); // -EBADMSG: has no id
int graph_say_removed(struct graph *g, const struct value *object);
// The user is read by itself, in this listing or the next; what was begun and not committed is
// begun again.
int graph_touch(struct graph *g, const unsigned char id[GRAPH_ID]);
int graph_touch_later(struct graph *g, const unsigned char id[GRAPH_ID]); // in the next one
// `on`: the feed says that it is enabled; a user that says otherwise is older than that.
int graph_touch_changed(struct graph *g, const unsigned char id[GRAPH_ID], bool on);
// The feed says that it is disabled or deleted: for a while nothing older brings it back.
void graph_note_off(struct graph *g, const unsigned char id[GRAPH_ID]);
int graph_say_touched(struct graph *g);
// An object of before the feed's word that it is disabled or deleted: it brings nobody back.
bool graph_is_before_off(const struct graph *g, const char *id, const struct value *object);
// Such a one stands in a whole listing: what is known stands, and it is read by itself later.
void graph_say_held(struct graph *g, const char *id);
int graph_touch_assigned(struct graph *g); // who came in or fell out by the last settling
size_t graph_touched(const struct graph *g);

// graph_state.c: the cursor.
void graph_restore(struct graph *g);
void graph_keep(struct graph *g); // into w->cursor

// graph_feed.c: users/delta and groups/delta. Each reads on to its deltaLink.
// -ESTALE: the token counts no more. -EPERM: the server does not let this $select be read.
int graph_read_users(struct graph *g, bool whole);
int graph_read_groups(struct graph *g, bool whole);
int graph_read_assigned(struct graph *g); // follows groups in groups
// Pages of a collection that has no delta.
typedef int (*graph_item)(struct graph *g, const struct value *item, void *ctx);
struct graph_pace {
    unsigned pause_ms; // between two pages
    unsigned budget;   // seconds of a request; 0: the usual
};
int graph_read_list(struct graph *g, char *url, graph_item take, void *ctx,
                    const struct graph_pace *pace);

// graph_signal.c
bool graph_retry_due(const struct graph_retry *r);
void graph_retry_failed(struct graph_retry *r);
// True where it was off until now.
bool graph_retry_over(struct graph_retry *r);
int graph_read_risk(struct graph *g);    // who changed is touched
void graph_read_device(struct graph *g); // said where it is new

// graph_test.c
int graph_identity(struct web *w);
void graph_test(struct web *w);
// `r`. Adds to w->why which permission a 403 lacks.
int graph_needs(struct graph *g, int r, const char *permission);

#endif
