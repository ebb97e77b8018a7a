// SPDX-License-Identifier: BSD-2-Clause
// Listings of PingOne's people. Its API has no delta: each pass reads all of them, and says what
// differs from the last one. In between, single people that the log named are read again.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/random.h"
#include "syncd/sources/pingone.h"
#include "syncd/sources/wait.h"

#define FAILED_MAX     3 // people in a row who cannot be had: it is PingOne, and not they
#define PASSES_MAX     3 // begun again because somebody changed while it was read
#define PROGRESS_EVERY 1000

struct say {
    bool delta, open;
    uint64_t rows, met, repeated;
    bool sure;                                            // what comes now is the user's own word
    struct pingone_changed doubtful[PINGONE_CHANGED_MAX]; // to be looked at again
    size_t n_doubtful;
    char text[PINGONE_SAID_MAX]; // what is said of the record in work
};

// ---- a listing ----

// Each listing has a time of its own, though the clock stand still or go back.
static void begin(struct web *w, struct say *say)
{
    struct pingone *p = w->own;
    int64_t now = time(NULL);
    char version[24];
    uint64_t id = 0;

    if (say->open)
        return;
    p->as_of = now > p->as_of ? now : p->as_of + 1;
    if (rollcall_random(&id, sizeof(id)) < 0)
        exit(1); // two listings of one name would be one to the engine
    snprintf(version, sizeof(version), "%016llx", (unsigned long long)id);
    json_object_set_new(w->cursor, "listing", json_string(version));
    emit_begin(!say->delta, p->as_of, version, now,
               !say->delta && listed_known(p->listed) ? p->since : NULL);
    say->open = true;
}

static void commit(struct web *w, const struct say *say)
{
    struct pingone *p = w->own;

    web_commit(w, say->rows);
    listed_keep(p->listed, !say->delta);
    free(p->since);
    p->since = json_dumps(w->cursor, JSON_COMPACT | JSON_SORT_KEYS); // as web_commit said it
    if (!p->since)
        listed_forget(p->listed);
}

// ---- one of them ----

// `off`: it is disabled; `over`: and was something else before; `stands`: and nobody can tell
// whether it is one of ours.
static void say_record(struct web *w, struct say *say, const struct pingone_record *rec,
                       enum pingone_word word, size_t len, bool off, bool over, bool stands)
{
    begin(w, say);
    if (word == PINGONE_PERSON) {
        emit_user_text(say->text, len, rec->id);
        say->rows++;
    } else if (word == PINGONE_DROPPED && stands) {
        emit_problem(rec->name ?: rec->id, rec->id, true, "is disabled");
    } else if (word == PINGONE_DROPPED) {
        // Being left out ends no session. That one is disabled has to be heard of whoever was a
        // person, and makes nobody one.
        emit_dropped_as(rec->id, rec->reason, off ? "disabled" : NULL, rec->name);
    } else {
        emit_problem(rec->name ?: rec->id ?: "a user", rec->id, over, rec->why);
    }
}

// 0; -ECANCELED: met before in this pass, and otherwise; 1: another than before, and to be read
// alone first.
static int say_user(struct web *w, struct say *say, const struct value *user,
                    const struct pingone_in *in)
{
    struct pingone *p = w->own;
    struct json_writer out = {.buf = say->text, .room = sizeof(say->text)};
    struct pingone_record rec;
    enum pingone_word word = pingone_take(user, &p->rules, in, &out, &rec);
    enum listed_word said = LISTED_NEW;
    bool again = false, changed = false, off = value_is(value_get(user, "enabled"), VALUE_FALSE);
    // Whether it is one of ours is not to be told: what takes access away is said all the same.
    bool stands = word == PINGONE_DROPPED && strcmp(rec.reason, "unassigned") == 0 &&
                  pingone_assigned_unknown(p);

    if (stands && !off)
        return 0;
    if (out.len > out.room) // PINGONE_SAID_MAX is more than any can have
        return -ENOMEM;
    if (rec.id) {
        struct listed_hash hash = listed_bytes_hash(p->listed, out.buf, out.len);
        changed = listed_changed(p->listed, rec.id, hash);
        again = changed && !say->sure && say->n_doubtful < PINGONE_CHANGED_MAX;
        // What is a problem as long as nobody can tell is something else when somebody can.
        if (!again)
            said = listed_record(p->listed, rec.id, hash, word != PINGONE_PROBLEM && !stands);
    }
    say->repeated += said == LISTED_REPEATED;
    if (said == LISTED_NEW && !again)
        say_record(w, say, &rec, word, out.len, off, changed && off, stands);
    return again ? 1 : said == LISTED_TWICE ? -ECANCELED : 0;
}

// A user of another environment in this one's list: whoever answers is not whom we asked.
static int check_environment(struct web *w, const struct value *user)
{
    const char *id = person_value_text(value_get(user, "environment"), "id");

    if (!id || strcmp(id, web_option(w, "environment")) == 0)
        return 0;
    snprintf(w->why, sizeof(w->why), "the list has a user of the environment %.40s", id);
    return -EBADMSG;
}

// ---- one alone ----

// 0; -ENOENT: not there; -ENODATA: in which groups it is cannot be told; -EREMOTEIO: it is this one
// that cannot be had, and not PingOne; -ECANCELED as above.
static int read_one(struct web *w, struct say *say, const char *id)
{
    struct pingone *p = w->own;
    const char *buf[PINGONE_GROUPS_MAX + 1];
    struct http_answer a = {0};
    struct pingone_in in;
    char base[600];
    char *url;
    int r;

    if ((size_t)snprintf(base, sizeof(base), "%s/%s", p->users, id) >= sizeof(base))
        return -ENAMETOOLONG;
    url = http_url(base, "include", "memberOfGroupIDs", NULL);
    r = url ? web_send(
                  w, &(struct http_request){.url = url, .values = p->values, .no_5xx_again = true},
                  &a)
            : -ENOMEM;
    free(url);
    if (r == -EBADMSG || r == -ETIMEDOUT || (r == -EAGAIN && a.status >= 500))
        r = -EREMOTEIO;
    if (r >= 0 && strcmp(person_value_text(a.value, "id") ?: "", id) != 0) {
        snprintf(w->why, sizeof(w->why),
                 "PingOne answers with another user than the one asked for");
        r = -EBADMSG;
    }
    if (r >= 0)
        r = check_environment(w, a.value);
    if (r >= 0)
        r = pingone_groups_in(w, a.value, buf, &in);
    if (r >= 0)
        r = say_user(w, say, a.value, &in);
    http_answer_done(&a);
    values_empty(p->values);
    return r;
}

// ---- all of them ----

static int each_user(struct web *w, const struct value *user, const char *fault, void *ctx)
{
    const char *buf[PINGONE_GROUPS_MAX + 1];
    struct say *say = ctx;
    const struct pingone *p = w->own;
    struct pingone_in in;
    int r = check_environment(w, user);

    if (r < 0)
        return r;
    if (++say->met % PROGRESS_EVERY == 0)
        emit_progress(say->met, p->count > say->met ? p->count : 0);
    if (!user) {
        emit_problem("a user", NULL, false, fault);
        return 0;
    }
    in = pingone_groups_of(w->own, person_value_text(user, "id"), buf);
    r = say_user(w, say, user, &in);
    if (r == 1) {
        snprintf(say->doubtful[say->n_doubtful].id, sizeof(say->doubtful[0].id), "%s",
                 person_value_text(user, "id"));
        say->n_doubtful++;
        r = 0;
    }
    // Pages that differ in their address alone would never end.
    if (r == 0 && say->repeated > 10000 && say->repeated > say->met / 2) {
        snprintf(w->why, sizeof(w->why), "PingOne lists the same users again and again");
        return -EBADMSG;
    }
    return r;
}

// Lists lag behind, and their pages shift while they are read: before somebody is said to have
// changed, or to have left a group, the user itself is asked.
static void say_ill(struct web *w, struct say *say, const char *id)
{
    char why[HTTP_WHY_MAX + 100];

    snprintf(why, sizeof(why),
             "cannot be read: %s. What is known stands, and it is asked for again", w->why);
    begin(w, say);
    emit_problem(id, id, false, why);
}

static int look_again(struct web *w, struct say *say)
{
    struct pingone *p = w->own;
    size_t failed = 0;
    int r = 0;

    say->sure = true;
    for (size_t i = 0; i < say->n_doubtful && r >= 0; i++) {
        const char *id = say->doubtful[i].id;
        r = read_one(w, say, id);
        failed = r == -EREMOTEIO ? failed + 1 : 0;
        if (failed >= FAILED_MAX)
            return -EAGAIN;
        if (r == -EREMOTEIO) { // it is in the list, and no more is known of it
            say_ill(w, say, id);
            listed_bytes_begin(p->listed);
            listed_record(p->listed, id, listed_bytes_end(p->listed), false);
            r = 0;
        }
        r = r == -ENOENT ? 0 : r == -ENODATA ? -EBADMSG : r; // gone: the listing lacks it
    }
    return r;
}

static int pass(struct web *w)
{
    struct pingone *p = w->own;
    struct say say = {.sure = !listed_known(p->listed)};
    char *url;
    int r;

    listed_begin(p->listed);
    begin(w, &say);
    r = pingone_groups_read(w);
    if (r < 0)
        return r;
    pingone_groups_say(p);
    pingone_groups_gone_say(w);
    p->count = 0;
    url = http_url(p->users, "limit", PINGONE_PAGE, NULL);
    r = url ? pingone_pages(w, url, "users", pingone_wanted(p), each_user, &say) : -ENOMEM;
    free(url);
    if (r >= 0)
        r = look_again(w, &say);
    if (r < 0)
        return r;
    if (say.met == 0) {
        // A worker without its role in a population gets an empty list, and no error.
        snprintf(w->why, sizeof(w->why),
                 "PingOne lists nobody: has the worker application the role Identity Data Read "
                 "Only in the populations?");
        return -EACCES;
    }
    if (listed_known(p->listed))
        listed_absent(p->listed, emit_absent);
    commit(w, &say);
    return 0;
}

static enum web_outcome read_all(struct web *w)
{
    struct pingone *p = w->own;
    int r = -ECANCELED;

    pingone_log_begin(w);
    for (int i = 0; i < PASSES_MAX && r == -ECANCELED; i++)
        r = pass(w);
    if (r == -ECANCELED)
        snprintf(w->why, sizeof(w->why), "somebody changed while the users were read, each time");
    if (r < 0)
        return web_failed(w, r);
    p->log.n_changed = 0;
    p->log.whole = false;
    p->read_at = source_now_ms();
    return WEB_READ;
}

// ---- those that the log named ----

static int read_named(struct web *w, struct say *say, const struct pingone_changed *c)
{
    struct pingone *p = w->own;
    int r = read_one(w, say, c->id);

    if (r == -ENOENT && c->deleted) {
        begin(w, say); // the log says it, and so does the user's own address
        emit_deleted(c->id, "locked");
        listed_gone(p->listed, c->id);
        return 0;
    }
    if (r == -ENOENT || r == -ENODATA) {
        p->log.whole = true;
        return 0;
    }
    return r == -ECANCELED ? 0 : r; // the log named nobody twice
}

// Before all of them, where both are due: lists lag, and what the log named is forgotten with them.
static enum web_outcome read_changed(struct web *w, bool due)
{
    struct pingone *p = w->own;
    struct say say = {.delta = true, .sure = true};
    struct pingone_changed keep[PINGONE_CHANGED_MAX];
    size_t left = 0;
    bool down = false;
    int r = 0;

    listed_begin(p->listed);
    for (size_t i = 0; i < p->log.n_changed && r >= 0 && !down; i++) {
        struct pingone_changed *c = &p->log.changed[i];
        r = read_named(w, &say, c);
        if (r != -EREMOTEIO)
            continue;
        if (!c->ill)
            say_ill(w, &say, c->id);
        c->ill = true;
        keep[left++] = *c; // asked for again with the next ones
        down = left == FAILED_MAX && i + 1 == FAILED_MAX;
        r = 0;
    }
    if (r < 0 || down) // what the log named is kept, and the list tells of all
        return due ? read_all(w) : web_failed(w, r < 0 ? r : -EAGAIN);
    memcpy(p->log.changed, keep, left * sizeof(keep[0]));
    p->log.n_changed = left;
    if (say.open)
        commit(w, &say);
    return p->log.whole || due ? read_all(w) : WEB_READ;
}

enum web_outcome pingone_read(struct web *w)
{
    struct pingone *p = w->own;
    bool due = source_now_ms() - p->read_at >= (int64_t)w->request.poll * 900;

    // However much the log has to say, all of them are read every `poll`.
    if (p->log.n_changed > 0 && listed_known(p->listed))
        return read_changed(w, due);
    return read_all(w);
}
