// SPDX-License-Identifier: BSD-2-Clause
// Reading a list of a SCIM server to its end (RFC 7644, 3.4.2; RFC 9865), and not taking for an
// end what is none. What servers say of totals is a hint: a list ends where a page is empty, or
// where all that was promised came over more than one page.
#ifndef ROLLCALL_SOURCES_SCIM_LIST_H
#define ROLLCALL_SOURCES_SCIM_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "syncd/sources/value.h"
#include "syncd/sources/web.h"

struct scim_server {
    const char *base;          // https://HOST/PATH, without a slash at its end
    bool by_cursor, may_index; // may_index: where there are no cursors, the other way is taken
    bool honest;               // its totals were right
    bool single;               // no page but the first is wanted
    unsigned count;            // entries of a page: shrinks where the server says so
    struct values *page;       // the room of the page in work
};

// Errors beside those of web_get():
#define SCIM_AGAIN   (-ERESTART)   // the list has to be read from its beginning: see `why`
#define SCIM_NO_SUCH (-EOPNOTSUPP) // the server knows no such filter

struct scim_pass {
    const char *path;   // "/Users"
    const char *filter; // or NULL
    const char *etag;   // the last page of this list that was alone; or NULL
    // What came of it:
    uint64_t received; // entries, less those that came twice
    bool exact;        // as many as the server said there are
    int64_t total;     // as it said, or -1
    char *tag;         // the entity tag of a list of one page, the caller's; or NULL
};

// Takes an entry, which is gone with its page. 1: this pass met it already. An error ends the pass.
typedef int scim_take(void *ctx, const struct value *row);

// Reads all of a list. 1: it is as it was when `etag` was given (nothing was taken). 0, or an
// error with a sentence in w->why.
int scim_list(struct web *w, struct scim_server *s, struct scim_pass *pass, scim_take *take,
              void *ctx);
// One entry by its id: 0 and *ret, until the next answer; -ENOENT: the server says that it has
// none.
int scim_one(struct web *w, const struct scim_server *s, const char *path, const char *id,
             const struct value **ret);
// What the server says it can do; a server that says nothing can as little as that.
int scim_discover(struct web *w, struct scim_server *s, const char *paging);

#endif
