// SPDX-License-Identifier: BSD-2-Clause
// Listings of PingOne's people. Its API has no delta: each pass reads all of them, and says what
// differs from the last one. In between, single people that the log named are read again.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollcall/random.h"
#include "syncd/sources/json_text.h"
#include "syncd/sources/pingone.h"
#include "syncd/sources/wait.h"

#define PASSES_MAX     3 // begun again because somebody changed while it was read
#define PROGRESS_EVERY 5000
#define SAID_MAX       (64 * 1024) // six texts of 1 KiB with all of it escaped, and 64 groups

struct say {
    bool delta, open;
    uint64_t rows, met, repeated;
    bool sure;                                            // what comes now is the user's own word
    struct pingone_changed doubtful[PINGONE_CHANGED_MAX]; // to be looked at again
    size_t n_doubtful;
    char text[SAID_MAX]; // what is said of the record in work
    size_t n_text;
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

// What is said of the record, as text: it is hashed, and where it is new it is said.
static int write_down(struct say *say, const struct pingone_record *rec, enum pingone_word word,
                      bool disabled)
{
    json_t *content =
        word == PINGONE_PERSON
            ? json_incref(rec->user)
            : json_pack("[s, b, s*]", word == PINGONE_DROPPED ? rec->reason : rec->why,
                        word == PINGONE_DROPPED && disabled, rec->name);
    size_t n = content ? json_text(content, say->text, sizeof(say->text)) : 0;

    json_decref(content);
    say->n_text = n;
    return n > 0 && n <= sizeof(say->text) ? 0 : -ENOMEM; // SAID_MAX is more than any can have
}

// `over`: it is disabled, and was something else before.
static void say_record(struct web *w, struct say *say, const struct pingone_record *rec,
                       enum pingone_word word, bool disabled, bool over)
{
    begin(w, say);
    if (word == PINGONE_PERSON) {
        emit_user_text(say->text, say->n_text, rec->id);
        say->rows++;
    } else if (word == PINGONE_DROPPED) {
        // Being left out ends no session. That one is disabled has to be heard of whoever was a
        // person, and makes nobody one.
        emit_dropped_as(rec->id, rec->reason, disabled ? "disabled" : NULL, rec->name);
    } else {
        emit_problem(rec->name ?: rec->id ?: "a user", rec->id, over, rec->why);
    }
}

// Takes `groups`. 0; -ECANCELED: met before in this pass, and otherwise; 1: another than before,
// and to be read alone first.
static int say_user(struct web *w, struct say *say, const json_t *user, json_t *groups,
                    bool assigned)
{
    struct pingone *p = w->own;
    struct pingone_record rec;
    enum pingone_word word = pingone_take(user, &p->rules, assigned, &rec);
    enum listed_word said = LISTED_NEW;
    bool again = false, changed = false;
    bool disabled = json_is_false(json_object_get(user, "enabled"));
    int r;

    if (word == PINGONE_PERSON)
        json_object_set(rec.user, "groups", groups);
    json_decref(groups);
    r = write_down(say, &rec, word, disabled);
    if (r == 0 && rec.id) {
        struct listed_hash hash;
        listed_bytes_begin(p->listed);
        listed_bytes(p->listed, say->text, say->n_text);
        hash = listed_bytes_end(p->listed);
        changed = listed_changed(p->listed, rec.id, hash);
        again = changed && !say->sure && say->n_doubtful < PINGONE_CHANGED_MAX;
        if (!again)
            said = listed_record(p->listed, rec.id, hash, word != PINGONE_PROBLEM);
    }
    say->repeated += said == LISTED_REPEATED;
    if (r == 0 && said == LISTED_NEW && !again)
        say_record(w, say, &rec, word, disabled, changed && disabled);
    json_decref(rec.user);
    return r < 0 ? r : again ? 1 : said == LISTED_TWICE ? -ECANCELED : 0;
}

// A user of another environment in this one's list: whoever answers is not whom we asked.
static int check_environment(struct web *w, const json_t *user)
{
    const char *id = person_text(json_object_get(user, "environment"), "id");

    if (!id || strcmp(id, web_option(w, "environment")) == 0)
        return 0;
    snprintf(w->why, sizeof(w->why), "the list has a user of the environment %.40s", id);
    return -EBADMSG;
}

// ---- one alone ----

// 0; -ENOENT: not there; -ENODATA: in which groups it is cannot be told; -ECANCELED as above.
static int read_one(struct web *w, struct say *say, const char *id)
{
    struct pingone *p = w->own;
    struct http_answer a = {0};
    char base[600];
    char *url;
    bool assigned;
    json_t *groups;
    int r;

    if ((size_t)snprintf(base, sizeof(base), "%s/%s", p->users, id) >= sizeof(base))
        return -ENAMETOOLONG;
    url = http_url(base, "include", "memberOfGroupIDs", NULL);
    r = url ? web_get(w, url, &a) : -ENOMEM;
    free(url);
    if (r >= 0 && strcmp(person_text(a.json, "id") ?: "", id) != 0) {
        snprintf(w->why, sizeof(w->why),
                 "PingOne answers with another user than the one asked for");
        r = -EBADMSG;
    }
    if (r >= 0)
        r = check_environment(w, a.json);
    if (r >= 0)
        r = pingone_groups_in(w, a.json, &groups, &assigned);
    if (r >= 0)
        r = say_user(w, say, a.json, groups, assigned);
    http_answer_done(&a);
    return r;
}

// ---- all of them ----

static int each_user(struct web *w, const json_t *user, const char *fault, void *ctx)
{
    struct say *say = ctx;
    bool assigned;
    json_t *groups;
    int r = check_environment(w, user);

    if (r < 0)
        return r;
    if (++say->met % PROGRESS_EVERY == 0)
        emit_progress(say->met, 0);
    if (!user) {
        emit_problem("a user", NULL, false, fault);
        return 0;
    }
    groups = pingone_groups_of(w->own, person_text(user, "id"), &assigned);
    r = groups ? say_user(w, say, user, groups, assigned) : -ENOMEM;
    if (r == 1) {
        snprintf(say->doubtful[say->n_doubtful].id, sizeof(say->doubtful[0].id), "%s",
                 person_text(user, "id"));
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
static int look_again(struct web *w, struct say *say)
{
    int r = 0;

    say->sure = true;
    for (size_t i = 0; i < say->n_doubtful && r >= 0; i++) {
        r = read_one(w, say, say->doubtful[i].id);
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
    int r = 0;

    listed_begin(p->listed);
    for (size_t i = 0; i < p->log.n_changed && r >= 0; i++)
        r = read_named(w, &say, &p->log.changed[i]);
    if (r < 0) // one whose address fails keeps nobody else from being read
        return due ? read_all(w) : web_failed(w, r);
    p->log.n_changed = 0;
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
