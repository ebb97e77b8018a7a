// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-okta, inside. How it speaks the protocol: docs/source-protocol.md. Functions
// return 0 or a negative errno with a sentence in w->why; -ESTALE: the cursor is worth nothing.
#ifndef ROLLCALL_SOURCES_OKTA_H
#define ROLLCALL_SOURCES_OKTA_H

#include "syncd/sources/listed.h"
#include "syncd/sources/okta_event.h"
#include "syncd/sources/okta_map.h"
#include "syncd/sources/web.h"

#define OKTA_GROUPS_MAX 10000
#define OKTA_PAGE_MAX   (512u * 1024 * 1024) // bytes of a page's values; its body has at most 32 MiB
#define OKTA_SHORT      32 // bytes of an id in a set, with its NUL; Okta's have 20

// Ids, each once, in no order.
struct okta_ids {
    char (*id)[OKTA_SHORT]; // padded with zeros
    size_t n, room;
    uint32_t *slot; // of `id`, by its hash: the place there plus one
    size_t slots;   // a power of two
};

// A group whose members are said. `id` is how the section names it, so that the name in
// allow_groups and the group at Okta are tied once: `oid` is remembered in the cursor.
struct okta_group {
    char oid[OKTA_ID_MAX + 1], id[OKTA_ID_MAX + 1];
    char *name;
    bool assigned; // in assigned_groups: who is in none of these is nobody here
    bool known;    // its list was read before
    bool unread;   // its list cannot be had now: what is known of it stands
    bool gone;     // of an assigned one: Okta has it no more, `members` are the last known
    struct okta_ids members; // of an assigned one
    struct okta_ids before;  // as they were before the list in work, where there was one
    bool was_known;
};

struct okta {
    const char *org; // https://HOST[:PORT]
    char *origin;    // owns it
    char *token_url;
    struct okta_rules rules;
    struct okta_map *map; // owned
    bool every_group;     // groups = *
    bool has_assigned;
    struct okta_group *group;
    size_t n_groups;
    bool loaded;  // the groups are known to this process, with the members of the assigned ones
    json_t *pins; // as the cursor has them, for a cursor that begins afresh

    struct values *values, *one; // the page in work; an object that was asked for alone
    struct listed *listed;       // what the last whole listing said; NULL: no memory for it
    // Objects that were asked for by id, {id: {"object": it, or null: gone; "ms": when}}: lists may
    // lag behind these, and what was taken away must not come back by an older word.
    json_t *truth;
    // What the last looks at changes found, {id: lastUpdated}: their windows overlap.
    json_t *recent, *recent_groups;
    char *committed; // the last cursor, as it was said
    int64_t skew;    // the server's clock less ours, seconds
    int64_t next_poll_ms, next_log_ms, next_groups_ms;
    int64_t pruned_ms;
    int64_t committed_ms; // the last commit, for a cursor that must not grow old

    // What is to be read again, and the log's bookmark behind the hints that ask for it. Users:
    // {id: true where an object that is not found is gone}, `first` those that may take something
    // away. moved: {user: {group: true}}. groups: {group: when}.
    json_t *first, *users, *moved, *groups;
    // People who cannot be read though the org answers: okta_late.c.
    json_t *late;
    bool restored;                            // what the cursor has of them was taken
    bool brief;                               // an answer of 5xx is not waited for
    bool want_whole;                          // who is one of ours was not known, and is now
    int64_t groups_after_ms, groups_pause_ms; // lists that could not be had are asked for again
    int status;                               // of the last answer of a listing
    char *log;
    bool watch;     // the log is looked at between the pages of a listing
    bool patient;   // and what cannot be had now is waited for
    uint64_t done;  // people of that listing so far
    uint64_t total; // of them, about; 0: not known
    int64_t silence_ms, next_whole_ms;
    unsigned misses;  // looks at changes in a row that could not be had
    bool log_refused; // said once
};

// ---- okta_read.c ----

// Each array of a listing by pages, to `take`; waits where the limits are nearly used up.
// -ECANCELED: the log has something to take away, which goes before; where `watch` is set.
int okta_pages(struct web *w, char *url, int (*take)(struct web *w, const json_t *list, void *ctx),
               void *ctx);
// The same of lists of people, as values that live as long as `take` works; it must read no other
// list meanwhile. `wanted` as in struct http_request.
int okta_rows(struct web *w, char *url, const char *const *wanted,
              int (*take)(struct web *w, const struct value *list, void *ctx), void *ctx);
// An object that was asked for by id (NULL: it is gone), and its age.
void okta_truth_note(struct okta *o, const char *id, json_t *object);
// Whether a list's object (its id, its lastUpdated, or NULL) is older than what is known by id;
// *ret, where that is to be said.
bool okta_truth_newer(const struct okta *o, const char *id, const char *at, const json_t **ret);
// Says one object as a person, a drop or a problem; counts people in *rows. `full`: of a listing.
void okta_say(struct web *w, const json_t *object, bool full, uint64_t *rows);
void okta_say_value(struct web *w, const struct value *object, bool full, uint64_t *rows);
int okta_read_whole(struct web *w);
int okta_read_changed(struct web *w);
int64_t okta_server_now(const struct okta *o);
// `as_of` of what is asked for now: the earlier of the two clocks.
int64_t okta_as_of(const struct okta *o);
// "2026-11-22T10:00:00.000Z"
const char *okta_instant(int64_t t, char *buf, size_t len);
// Moves the cursor and commits; `log`: the bookmark counts, for all before it was said.
void okta_commit(struct web *w, uint64_t rows, bool log);
// Waits where the limit that this answer tells of is nearly used up; -ECANCELED as okta_pages.
int okta_pace_waits(struct web *w, const struct http_answer *a);

// ---- okta.c ----

// Whatever the log tells since the cursor, said; in a process that just began with who is in
// which assigned group, and what happened lately.
int okta_go_on(struct web *w);

// ---- okta_log.c ----

// Asks the log what happened since the bookmark, or makes one.
int okta_log_look(struct web *w);
// Asks once more for what happened lately, before a process that just began believes a list.
int okta_log_recent(struct web *w);
bool okta_log_asks(const struct okta *o);
bool okta_log_takes(const struct okta *o);
// Something of it can be read now.
bool okta_log_due(const struct okta *o);
// The groups that this one is in by its own word, into `in`: {oid: true}.
int okta_user_groups(struct web *w, const char *user, json_t *in);
// Reads what hints asked for, and says it.
int okta_read_hinted(struct web *w);

// ---- okta_ids.c ----

bool okta_ids_has(const struct okta_ids *ids, const char *id);
// 0, also where it is in already; -EBADMSG: it is too long. Neither costs more with more ids.
int okta_ids_add(struct okta_ids *ids, const char *id);
void okta_ids_remove(struct okta_ids *ids, const char *id);
void okta_ids_done(struct okta_ids *ids);

// ---- okta_late.c ----

bool okta_late_note(struct okta *o, const char *id, bool deleted);
void okta_late_over(struct okta *o, const char *id);
bool okta_late_has(const struct okta *o, const char *id);
bool okta_late_fits(const struct okta *o); // all of them into a cursor
const char *okta_late_due(const struct okta *o, bool *ret_deleted);
void okta_late_keep(const struct okta *o, json_t *cursor);
void okta_late_restore(struct okta *o, const json_t *cursor);

// ---- okta_groups.c ----

// Which groups matter, by name or id; pins names in the cursor. Nobody is assigned until their
// members were read: `loaded` is the caller's to set.
int okta_groups_find(struct web *w);
// Says a group and its members, inside of a listing. What an assigned group won or lost is put
// into o->users, where the group was known before.
int okta_group_say(struct web *w, struct okta_group *g);
// Puts the groups whose members changed since `since` (server time) into o->groups.
int okta_groups_changed(struct web *w, int64_t since);
// About how many people there are, into o->total.
void okta_groups_count(struct web *w);
struct okta_group *okta_group_by_oid(struct okta *o, const char *oid);
bool okta_is_assigned(const struct okta *o, const char *user);
// One of assigned_groups is gone, and this process never read who was in it: whoever is in no other
// may be one of ours, and stays as known.
bool okta_assigned_unknown(const struct okta *o);
// Says, inside of a listing, that groups are gone, and what follows.
void okta_groups_gone_say(struct web *w);
void okta_groups_done(struct okta *o);
// The user was read to be in the groups `in`, {oid: true}, after hints about the groups `asked`:
// says the difference, inside of a listing.
void okta_moved_say(struct web *w, const char *user, const json_t *asked, const json_t *in);

// ---- okta_check.c ----

void okta_test(struct web *w);

#endif
