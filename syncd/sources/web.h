// SPDX-License-Identifier: BSD-2-Clause
// The frame that all sources over an API share: the request, the connection and the credentials
// from its section, when to read again, which failures are said, and what `rollcall source test`
// hears. A source is a file with a table of the functions below and a main() that calls web_main.
#ifndef ROLLCALL_SOURCES_WEB_H
#define ROLLCALL_SOURCES_WEB_H

#include "syncd/sources/emit.h"
#include "syncd/sources/http.h"
#include "syncd/sources/oauth.h"

struct web {
    struct source_request request; // owns the strings
    json_t *section;               // borrowed from it
    struct http *http;
    struct auth *auth;
    // An object of the source's own, empty: none. web_commit says it; where a reading fails before,
    // it is again what was committed last.
    json_t *cursor;
    char why[HTTP_WHY_MAX];
    void *own;       // the source's
    int failed;      // by web_failed
    unsigned errors; // among the findings
    json_t *committed;
};

enum web_outcome {
    WEB_READ,    // said and committed, or nothing was new
    WEB_LATER,   // it could not be read now, `why` says the cause: again after a growing pause
    WEB_REFUSED, // what is configured cannot work: said, and the program ends with 1
    WEB_AFRESH,  // the cursor is worth nothing: again at once, with an empty one
};

struct web_source {
    const char *type;
    // Checks the section; names the origins, and how to sign in. -EINVAL with a sentence in
    // w->why. Strings live as long as `w`. What is an option or a file of that name stands there
    // already: proxy, ca_file, user, client_id, token_url, scope, key_id, key_file, cert_file;
    // the secret is secret_file, password_file or credential. Times are made of `timeout`.
    int (*settings)(struct web *w, struct http_settings *http, struct auth_settings *auth);
    // Is this the tenant, org or environment that was pinned, and one of a workforce? Asked
    // before the first read of each process. 0; -EPERM with a sentence: WEB_REFUSED; any other
    // error as WEB_LATER.
    int (*identity)(struct web *w);
    // One listing, whole or a delta, from its `begin` to its `commit`; or emit_as_of.
    enum web_outcome (*read)(struct web *w);
    // Between two reads, every `hint_every` seconds or never (NULL): a cheap look whether
    // something happened. 1: read at once; 0; negative: WEB_LATER.
    int (*hint)(struct web *w);
    unsigned hint_every;
    // What test says beside what it says for all: permissions, attributes, people. Each by
    // web_finding and emit_user.
    void (*test)(struct web *w);
    void (*done)(struct web *w); // frees `own`; or NULL
};

int web_main(const struct web_source *source);

// Option of the section: its text or NULL; a list as a JSON array or NULL; the path of a file
// that was handed over ("secret_file"), or NULL.
const char *web_option(const struct web *w, const char *name);
const json_t *web_list(const struct web *w, const char *name);
const char *web_file(struct web *w, const char *name);
bool web_list_has(const struct web *w, const char *name, const char *value);

// GET with the source's credentials. An answer other than 2xx (or 304, where an etag was sent) is
// an error with a sentence in w->why that ends with the server's own words: -EACCES for 401 and
// 403, -ENOENT for 404, -ESTALE for 410, -EAGAIN for 429 and 5xx, -EBADMSG for the rest; `ret` is
// given in any case where the server answered, so that the caller can look at its body: begin
// with {0} and always call http_answer_done.
int web_get(struct web *w, const char *url, struct http_answer *ret);
int web_send(struct web *w, const struct http_request *request, struct http_answer *ret);
// Has the page that comes next on its way while this one is taken: see http_ahead(). What nobody
// asked for in the end is dropped with the reading.
void web_ahead(struct web *w, const struct http_request *request);
// By an error of these, `why` being said already: WEB_AFRESH for -ESTALE, WEB_LATER for the rest.
// WEB_REFUSED never comes of it, for a credential that is revoked today may be good tomorrow. With
// -EACCES or -EPROTO the program ends with 1 once it is said: the engine starts it again after a
// pause, with the secrets and certificates that the files hold then. The last state stands.
enum web_outcome web_failed(struct web *w, int error);

// A group of assigned_groups that is not there, said inside of a listing: a typo, or it was
// deleted. `known`: this process read who was in it, and that stands. Where it is not, who is in
// none of the others stands as known, and nobody counts as absent. `where`: "in the org"; `write`:
// "its id".
void web_group_lost(struct web *w, const char *group, const char *where, const char *write,
                    bool known);
// None of them is there when the source begins, with nothing committed: nobody would be one of
// ours, and whoever wrote it hears so before anything is read. -EBADMSG, with the sentence in
// `why`.
int web_groups_none(struct web *w, const char *group, const char *where, const char *write);
bool web_begins(const struct web *w); // nothing was ever committed

// Commits with w->cursor (an object) as it is then, and `rows` counted.
void web_commit(struct web *w, uint64_t rows);

// A line of `rollcall source test`: level "ok", "warning" or "error"; `what` is short ("clock"),
// `text` a sentence that says what to do.
void web_finding(struct web *w, const char *level, const char *what, const char *text);
__attribute__((format(printf, 4, 5))) void web_find(struct web *w, const char *level,
                                                    const char *what, const char *format, ...);

#endif
