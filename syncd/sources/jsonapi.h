// SPDX-License-Identifier: BSD-2-Clause
// The parts of rollcall-source-json: whose list it is, how it goes on, and what is said of it.
#ifndef ROLLCALL_SOURCES_JSONAPI_H
#define ROLLCALL_SOURCES_JSONAPI_H

#include "syncd/sources/jsonapi_map.h"
#include "syncd/sources/rows.h"
#include "syncd/sources/listed.h"
#include "syncd/sources/web.h"

enum hr_kind { HR_API, HR_FILE, HR_BAMBOO };

struct coverage; // jsonapi_test.c

struct hr {
    enum hr_kind kind;
    struct hr_rules rules;
    struct pointer next, count, timestamp; // beside the list; of no text: none
    const char *url, *paging, *page_param, *size_param;
    uint64_t page, first_page;
    char *origin, *token_origin;
    struct listed *listed;
    char *since;               // the cursor of what `listed` knows, or NULL
    char of[33];               // what a listing is made by: section, zone, version
    bool confirm;              // the last listing lacked somebody: only another one tells
    struct http_header header; // with a secret in it
    char secret[700];
    char *heard, *changes;     // BambooHR: what its feed said last, and before the last listing
    int64_t latest;            // and since when it is asked
    struct coverage *coverage; // of `rollcall source test`, in place of saying
};

// One listing, from its first byte to its commit.
struct listing {
    struct web *w;
    struct hr *hr;
    struct rows *rows;  // of the page in work
    uint64_t page_rows; // of it, the number of elements
    bool fed;           // it has a body
    char first[129];    // its first id
    int64_t now, as_of; // when it was asked for; as of when the data are
    bool open, same;    // `begin` was said; the server says that nothing changed
    char *etag, *modified;
    char complaint[200]; // why an element ended the reading
    char *count;         // as a page said it last
    uint64_t came, said; // elements; `user` lines
};

int hr_listing_init(struct listing *l, struct web *w); // -ENOMEM
void hr_listing_done(struct listing *l);
// A page, or a file, is read by these three: an error stands in w->why.
int hr_page_begin(struct listing *l);
int hr_page_feed(void *l, const char *bytes, size_t len);
int hr_page_end(struct listing *l, const char *what);
// All of it came.
int hr_listing_check(struct listing *l);
void hr_listing_commit(struct listing *l);

// jsonapi_pages.c: all pages. `conditional`: the server may say that nothing changed.
int hr_read_pages(struct listing *l, bool conditional);
// jsonapi_file.c: the file, once it has been quiet; and whether it was written since.
int hr_read_file(struct listing *l);
int hr_file_hint(struct web *w);
// jsonapi_bamboo.c: the report; and whether something happened (1, 0, or an error).
int hr_read_report(struct listing *l);
int hr_changes(struct web *w);

// jsonapi_test.c
struct coverage *hr_coverage_new(void);
void hr_coverage_row(struct coverage *c, const struct hr *hr, const struct value *row,
                     enum hr_outcome outcome, const struct hr_said *said, const char *fault,
                     const char *where);
void hr_coverage_say(struct web *w, const struct hr *hr);

// The day in the source's zone: what depends on the date is read again with each.
void hr_today(const struct hr *hr, char ret[11]);

#endif
