// SPDX-License-Identifier: BSD-2-Clause
// What the files of rollcall-source-pingone share.
#ifndef ROLLCALL_SOURCES_PINGONE_H
#define ROLLCALL_SOURCES_PINGONE_H

#include "syncd/sources/listed.h"
#include "syncd/sources/pingone_map.h"
#include "syncd/sources/web.h"

#define PINGONE_GROUPS_MAX  64
#define PINGONE_SAID_MAX    (64 * 1024) // six texts of 1 KiB with all of it escaped, and 64 groups
#define PINGONE_ALONE_MAX   (64u * 1024 * 1024) // bytes of the values of one that is read alone
#define PINGONE_WANTED_MAX  64
#define PINGONE_CHANGED_MAX 100   // people that are read one by one
#define PINGONE_EVENTS      4096  // that are known from the last look
#define PINGONE_PAGE        "500" // people; the server may give fewer (2. of its paging page)

// A group whose members are asked for, as of the pass in work.
struct pingone_group {
    const char *id;             // the section's
    bool assigned;              // of assigned_groups
    bool there;                 // else, of an assigned one, `member` is who was in it at last
    bool known;                 // `member` was read to its end by this process
    char *name;                 // or NULL
    struct listed_hash *member; // of ids: open addressing; a place of all zeros is free
    size_t n, room;
};

struct pingone_changed {
    char id[37];
    bool deleted; // the log says so
    bool ill;     // could not be had when it was last asked for, and that was said
};

// What the log of activities said since the last look.
struct pingone_log {
    int64_t since; // of recordedAt; 0: not looked at yet
    struct listed_hash seen[PINGONE_EVENTS];
    size_t next;
    struct pingone_changed changed[PINGONE_CHANGED_MAX];
    size_t n_changed;
    bool whole;  // more, or other things, than can be read one by one
    bool denied; // we may not read it: said once
};

struct pingone {
    char *env;   // https://api.pingone.eu/v1/environments/ID
    char *users; // .../users
    char *api, *auth, *token_url, *token_origin;
    struct pingone_rules rules;
    const char *wanted[PINGONE_WANTED_MAX + 1]; // members of a user, NULL behind the last
    char *wanted_text[PINGONE_WANTED_MAX];      // those of them that are ours
    size_t n_wanted;                            // 0: all
    struct values *values;                      // the record in work
    struct listed *listed;
    struct pingone_group group[PINGONE_GROUPS_MAX];
    size_t n_groups;
    char *since;     // the cursor of what was committed last, or NULL
    int64_t as_of;   // of the last listing
    uint64_t count;  // of the list in work, as its last page said; 0: not known
    int64_t read_at; // when all of them were read (ms, monotonic)
    struct pingone_log log;
};

// Pages (pingone_page.c): each record of `_embedded.member` of `url`, and of what `_links.next`
// leads to, goes to `each` while the page still comes, so it must ask nothing of the server; its
// error ends it. `record` is NULL with a sentence in `fault` where it cannot be read. Errors of
// web_get; -EBADMSG with a sentence where it is no list, leads elsewhere, or goes round in a
// circle.
typedef int pingone_each(struct web *w, const struct value *record, const char *fault, void *ctx);
// `wanted`: the members of a record that are looked at, NULL behind the last; NULL: all.
int pingone_pages(struct web *w, const char *url, const char *member, const char *const *wanted,
                  pingone_each *each, void *ctx);

// Groups (pingone_group.c): reads who is in each of them. Errors of web_get.
int pingone_groups_read(struct web *w);
// Says those that are new, or called otherwise.
void pingone_groups_say(struct pingone *p);
// Says, inside of a listing, that assigned groups are gone.
void pingone_groups_gone_say(struct web *w);
// One of assigned_groups is gone, and this process never read who was in it: whoever is in no other
// may be one of ours, and stays as known.
bool pingone_assigned_unknown(const struct pingone *p);
// The groups that this one is in; `buf` holds their ids.
struct pingone_in pingone_groups_of(const struct pingone *p, const char *id,
                                    const char *buf[PINGONE_GROUPS_MAX + 1]);
// The same of a user that was read alone, by its memberOfGroupIDs. Whoever is in a group by
// another group may not stand there, and it may not be there at all: where the group's list had
// the user, it is asked once more. -ENODATA: it has no id; errors of web_get.
int pingone_groups_in(struct web *w, const struct value *user,
                      const char *buf[PINGONE_GROUPS_MAX + 1], struct pingone_in *ret);
void pingone_groups_done(struct pingone *p);

// Reading (pingone_read.c), and the log (pingone_log.c).
enum web_outcome pingone_read(struct web *w);
int pingone_hint(struct web *w);
// All of them are read from now on: what the log says of earlier times is in it.
void pingone_log_begin(struct web *w);
// `rollcall source test` (pingone_test.c).
void pingone_test(struct web *w);

// For pingone_pages of users.
static inline const char *const *pingone_wanted(const struct pingone *p)
{
    return p->n_wanted ? p->wanted : NULL;
}

// The environment's solutionType; NULL: not said, or not for our eyes. The caller's. Errors of
// web_get.
int pingone_solution(struct web *w, char **ret);

#endif
