// SPDX-License-Identifier: BSD-2-Clause
// RFC 4533: the server says what changed since a cookie, and goes on saying it.
// OpenLDAP's slapo-syncprov and 389-ds's content synchronization.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/emit.h"
#include "syncd/sources/ldap_follow.h"
#include "syncd/sources/wait.h"

#define GONE_QUIET_MS 2000  // so that a tree that is deleted is one batch for the breaker
#define GONE_MAX_MS   30000 // of deletions that do not stop
#define CONFIRM_MS    2000  // between the two listings that an absence needs
#define BATCH_MS      200   // of changes that do not stop
#define E_REFRESH     LDAP_SYNC_REFRESH_REQUIRED

struct syncing {
    struct dir_follow *f;
    int msgid;
    bool persist, whole;
    bool present;   // what the server did not name in this refresh is gone
    bool refreshed; // the refresh is over
    // persist
    struct dir_cookie safe; // whoever is not yet said to be gone came after this one
    int64_t first_gone, last_gone, confirm_at, opened_at;
};

// ---- asking ----

static enum dir_outcome out_of_memory(struct dir_follow *f)
{
    snprintf(f->why, sizeof(f->why), "there is no memory");
    return DIR_LOST;
}

static enum dir_outcome rubbish(struct dir_follow *f, const char *what)
{
    snprintf(f->why, sizeof(f->why), "%s: %s", rollcall_ldap_uri(f->session), what);
    return DIR_REFUSED;
}

static enum dir_outcome ask(struct syncing *s)
{
    struct dir_follow *f = s->f;
    struct berval *value = dir_sync_request(s->persist, &f->cookie);
    LDAPControl control = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_SYNC,
                           .ldctl_iscritical = 1};
    LDAPControl *controls[] = {&control, NULL};
    int code;

    if (!value)
        return out_of_memory(f);
    control.ldctl_value = *value;
    code = ldap_search_ext(rollcall_ldap_handle(f->session), f->set->base, LDAP_SCOPE_SUBTREE,
                           f->set->filter, (char **)(uintptr_t)f->set->map.attributes, 0, controls,
                           NULL, NULL, 0, &s->msgid);
    ber_bvfree(value);
    return code == LDAP_SUCCESS ? DIR_READ : dir_result(f, code);
}

// ---- what the server says ----

static enum dir_outcome take_cookie(struct syncing *s, const struct berval *cookie)
{
    if (cookie->bv_len > 0 && dir_cookie_set(&s->f->cookie, cookie) < 0)
        return rubbish(s->f, "its cookie is longer than 6000 bytes");
    return DIR_READ;
}

static void open_listing(struct syncing *s)
{
    if (s->f->say.open)
        return;
    dir_say_begin(&s->f->say, DIR_DELTA, dir_now());
    s->opened_at = source_now_ms();
}

static enum dir_outcome take_gone(struct syncing *s, const unsigned char *uuid)
{
    if (s->f->n_gone == 0) {
        s->first_gone = source_now_ms();
        s->safe = s->f->cookie; // of what came before
    }
    s->last_gone = source_now_ms();
    return dir_note_gone(s->f, uuid);
}

static int take_id(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx)
{
    struct syncing *s = ctx;
    struct dir_known_entry *e;

    if (deleted)
        return take_gone(s, uuid) == DIR_READ ? 0 : -ENOMEM;
    e = dir_known_find(s->f->known, uuid);
    if (e)
        e->seen = true;
    s->present = true;
    return 0;
}

static enum dir_outcome take_change(struct syncing *s, LDAPMessage *m,
                                    const struct dir_sync_state *state)
{
    size_t before = s->f->n_gone;
    enum dir_outcome r;

    if (state->state == LDAP_SYNC_DELETE)
        return take_gone(s, state->uuid);
    if (state->state == LDAP_SYNC_PRESENT) {
        take_id(state->uuid, false, s);
        return DIR_READ;
    }
    open_listing(s);
    r = dir_take_entry(s->f, m, state->uuid);
    if (s->f->n_gone > before && before == 0) {
        s->first_gone = s->last_gone = source_now_ms();
        s->safe = s->f->cookie;
    }
    return r;
}

static enum dir_outcome on_entry(struct syncing *s, LDAPMessage *m)
{
    LDAPControl **controls = NULL, *c;
    struct dir_sync_state state;
    enum dir_outcome r = DIR_REFUSED;

    if (ldap_get_entry_controls(rollcall_ldap_handle(s->f->session), m, &controls) != LDAP_SUCCESS)
        return rubbish(s->f, "an entry's controls cannot be read");
    c = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
    if (!c || dir_sync_state_parse(&c->ldctl_value, &state) < 0)
        r = rubbish(s->f, "an entry came without a sync state that can be read (RFC 4533, 2.3)");
    else
        r = take_change(s, m, &state);
    if (r == DIR_READ)
        r = take_cookie(s, &state.cookie);
    ldap_controls_free(controls);
    return r;
}

static enum dir_outcome on_info(struct syncing *s, LDAPMessage *m)
{
    char *oid = NULL;
    struct berval *value = NULL;
    struct dir_sync_info info;
    enum dir_outcome r = DIR_READ;

    if (ldap_parse_intermediate(rollcall_ldap_handle(s->f->session), m, &oid, &value, NULL, 0) !=
        LDAP_SUCCESS)
        return rubbish(s->f, "an intermediate response cannot be read");
    if (oid && strcmp(oid, LDAP_SYNC_INFO) == 0) {
        if (!value || dir_sync_info_parse(value, &info, take_id, s) < 0) {
            r = rubbish(s->f, "a sync info message cannot be read (RFC 4533, 2.5)");
        } else {
            s->present = s->present || info.kind == DIR_INFO_PRESENT;
            s->refreshed =
                s->refreshed || ((info.kind == DIR_INFO_PRESENT || info.kind == DIR_INFO_DELETE) &&
                                 info.refresh_done);
            r = take_cookie(s, &info.cookie);
        }
    }
    ldap_memfree(oid);
    ber_bvfree(value);
    return r;
}

// A server that is behind what was read already: a replica that lags, or a backup.
static enum dir_outcome is_behind(struct dir_follow *f)
{
    snprintf(f->why, sizeof(f->why),
             "%s is behind what was read before: a replica that lags, or a directory that was "
             "restored from a backup; nothing is taken from it until it was written to again",
             rollcall_ldap_uri(f->session));
    return DIR_REFUSED;
}

static enum dir_outcome on_error(struct syncing *s, int code)
{
    struct dir_follow *f = s->f;
    bool cookie = f->cookie.len > 0;
    enum dir_outcome r = dir_result(f, code);

    if (code == LDAP_UNWILLING_TO_PERFORM && strstr(f->why, "newer than provider"))
        return is_behind(f);
    if (cookie && r == DIR_REFUSED && !s->refreshed && code != LDAP_NO_SUCH_OBJECT &&
        code != LDAP_INSUFFICIENT_ACCESS && code != LDAP_REFERRAL &&
        code != LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
        return DIR_AFRESH; // 4096, or another word for a cookie that it does not know
    if (code == E_REFRESH)
        return DIR_AFRESH;
    return s->refreshed && r == DIR_REFUSED ? DIR_LOST : r;
}

static enum dir_outcome on_result(struct syncing *s, LDAPMessage *m)
{
    LDAP *ld = rollcall_ldap_handle(s->f->session);
    LDAPControl **controls = NULL, *c;
    struct dir_sync_done done = {0};
    int code = LDAP_OTHER;
    enum dir_outcome r = DIR_READ;

    if (ldap_parse_result(ld, m, &code, NULL, NULL, NULL, &controls, 0) != LDAP_SUCCESS)
        return rubbish(s->f, "the end of the search cannot be read");
    if (code != LDAP_SUCCESS) {
        ldap_controls_free(controls);
        return on_error(s, code);
    }
    c = ldap_control_find(LDAP_CONTROL_SYNC_DONE, controls, NULL);
    if (!c || dir_sync_done_parse(&c->ldctl_value, &done) < 0)
        r = rubbish(s->f, "the search ended without a sync done that can be read (RFC 4533, 2.4)");
    else
        r = take_cookie(s, &done.cookie);
    if (r == DIR_READ && !s->whole && !done.refresh_deletes && !s->refreshed)
        s->present = true;
    ldap_controls_free(controls);
    if (r == DIR_READ && s->persist) {
        snprintf(s->f->why, sizeof(s->f->why), "%s ended the search that was to go on",
                 rollcall_ldap_uri(s->f->session));
        return DIR_LOST;
    }
    s->refreshed = true;
    return r;
}

static enum dir_outcome on_message(struct syncing *s, LDAPMessage *m)
{
    switch (ldap_msgtype(m)) {
    case LDAP_RES_SEARCH_ENTRY:
        return on_entry(s, m);
    case LDAP_RES_INTERMEDIATE:
        return on_info(s, m);
    case LDAP_RES_SEARCH_RESULT:
        return on_result(s, m);
    case LDAP_RES_SEARCH_REFERENCE:
        dir_take_reference(s->f);
        return DIR_READ;
    default:
        return rubbish(s->f, "a message came that belongs to no search");
    }
}

// ---- the refresh ----

static void unseen_is_gone(struct dir_known_entry *e, void *ctx)
{
    if (!e->seen && !e->absent)
        dir_note_gone(ctx, e->uuid);
}

static enum dir_outcome finish_whole(struct syncing *s)
{
    struct dir_follow *f = s->f;
    struct dir_cookie before;

    if (dir_say_cookie(&f->say, &before) && dir_cookie_older(&f->cookie, &before))
        return is_behind(f);
    dir_say_commit(&f->say, &f->cookie);
    if (!f->set->once)
        dir_say_check(&f->say, &f->cookie);
    f->complete = true;
    f->afresh = false;
    f->recheck = f->unconfirmed = true;
    return DIR_READ;
}

static enum dir_outcome finish_refresh(struct syncing *s)
{
    struct dir_follow *f = s->f;

    if (s->whole)
        return finish_whole(s);
    // Whoever just began does not know who was there: only a whole listing tells.
    if ((s->present || f->n_gone > 0) && !f->complete)
        return DIR_AFRESH;
    if (s->present)
        dir_known_each(f->known, unseen_is_gone, f);
    open_listing(s);
    dir_say_commit(&f->say, &f->cookie);
    dir_say_gone(f);
    return DIR_READ;
}

static enum dir_outcome refresh(struct syncing *s)
{
    struct dir_follow *f = s->f;
    enum dir_outcome r;

    // What came before an end that was none is not committed, and its cookie neither.
    if (!dir_say_cookie(&f->say, &f->cookie) || f->afresh || dir_whole_is_due(f))
        f->cookie.len = 0;
    s->whole = f->cookie.len == 0;
    f->n_gone = 0;
    f->say.open = f->say.in_order = false;
    if (s->whole) {
        f->complete = false;
        dir_known_forget(f->known);
        dir_say_begin(&f->say, DIR_WHOLE, dir_now());
        emit_flush();
    } else {
        dir_known_unsee(f->known);
    }
    r = ask(s);
    while (r == DIR_READ && !s->refreshed) {
        LDAPMessage *m = NULL;
        int n = rollcall_ldap_wait(f->session, s->msgid, LDAP_MSG_ONE, f->set->timeout, &m, f->why,
                                   sizeof(f->why));
        if (n < 0)
            return DIR_LOST;
        if (n == 0) {
            snprintf(f->why, sizeof(f->why), "%s says nothing for %u s in the middle of its answer",
                     rollcall_ldap_uri(f->session), f->set->timeout);
            return DIR_LOST;
        }
        r = on_message(s, m);
        ldap_msgfree(m);
    }
    return r == DIR_READ ? finish_refresh(s) : r;
}

// ---- persist ----

static const struct dir_cookie *cookie_to_commit(const struct syncing *s)
{
    return s->f->n_gone > 0 ? &s->safe : &s->f->cookie;
}

static enum dir_outcome settle_gone(struct syncing *s)
{
    struct dir_follow *f = s->f;
    int64_t now = source_now_ms();

    if (f->n_gone > 0 &&
        (now - s->last_gone >= GONE_QUIET_MS || now - s->first_gone >= GONE_MAX_MS)) {
        if (!f->complete)
            return DIR_AFRESH;
        dir_say_gone(f);
        if (!f->complete)
            return DIR_AFRESH;
        s->confirm_at = now + CONFIRM_MS;
    }
    if (f->unconfirmed && s->confirm_at == 0)
        s->confirm_at = now + (f->recheck ? (int64_t)f->set->poll * 1000 : CONFIRM_MS);
    if (f->unconfirmed && f->n_gone == 0 && now >= s->confirm_at) {
        s->confirm_at = 0;
        return dir_confirm_gone(f);
    }
    return DIR_READ;
}

// All that has come by now, or 200 ms of it.
static enum dir_outcome drain(struct syncing *s)
{
    struct dir_follow *f = s->f;
    enum dir_outcome r = DIR_READ;

    while (r == DIR_READ) {
        LDAPMessage *m = NULL;
        int n =
            rollcall_ldap_wait(f->session, s->msgid, LDAP_MSG_ONE, 0, &m, f->why, sizeof(f->why));
        if (n < 0)
            return DIR_LOST;
        if (n == 0)
            break;
        r = on_message(s, m);
        ldap_msgfree(m);
        if (f->say.open && source_now_ms() - s->opened_at > BATCH_MS)
            break;
    }
    if (r == DIR_READ && f->say.open)
        dir_say_commit(&f->say, cookie_to_commit(s));
    return r;
}

// Nothing came: is the server still there? What was said is true for as long as it is.
static enum dir_outcome beat(struct dir_follow *f)
{
    static char *const nothing[] = {(char *)(uintptr_t) "1.1", NULL};
    LDAP *ld = rollcall_ldap_handle(f->session);
    LDAPMessage *m = NULL;
    int64_t asked = dir_now();
    int msgid, code = LDAP_OTHER;

    if (ldap_search_ext(ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", (char **)(uintptr_t)nothing, 0,
                        NULL, NULL, NULL, 0, &msgid) != LDAP_SUCCESS) {
        snprintf(f->why, sizeof(f->why), "%s: the connection is gone",
                 rollcall_ldap_uri(f->session));
        return DIR_LOST;
    }
    if (!dir_wait_for(f, msgid, &m))
        return DIR_LOST;
    if (ldap_parse_result(ld, m, &code, NULL, NULL, NULL, NULL, 1) != LDAP_SUCCESS ||
        code != LDAP_SUCCESS)
        return dir_result(f, code) == DIR_READ ? DIR_READ : DIR_LOST;
    emit_as_of(f->set->map.hub ? f->say.hub.as_of : asked);
    emit_flush();
    return DIR_READ;
}

// What the refresh had of the heartbeat counts once the server answered after it: by then all that
// was changed before is read.
static void take_beat_of_refresh(struct dir_follow *f)
{
    bool newer = f->say.seen.generation > f->say.hub.generation;

    f->say.hub = f->say.seen;
    if (!newer)
        return;
    dir_say_begin(&f->say, DIR_DELTA, dir_now());
    dir_say_commit(&f->say, &f->cookie);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static enum dir_outcome persist(struct syncing *s)
{
    struct dir_follow *f = s->f;
    int64_t next_beat = source_now_ms() + (int64_t)f->set->poll * 1000;
    enum dir_outcome r = DIR_READ;
    bool answered = false;

    f->say.in_order = true;
    while (r == DIR_READ) {
        int64_t until = next_beat, now;
        r = drain(s);
        if (r == DIR_READ && answered && f->set->map.hub && f->n_gone == 0)
            take_beat_of_refresh(f);
        answered = false;
        if (r == DIR_READ)
            r = settle_gone(s);
        now = source_now_ms();
        if (r == DIR_READ && now >= next_beat) {
            r = dir_whole_is_due(f) ? DIR_AFRESH : beat(f);
            next_beat = now + (int64_t)f->set->poll * 1000;
            answered = true;
            continue; // what came meanwhile
        }
        if (f->n_gone > 0)
            until = least(until, s->last_gone + GONE_QUIET_MS);
        if (f->unconfirmed)
            until = least(until, s->confirm_at ? s->confirm_at : now);
        if (r == DIR_READ)
            source_wait(until - now, rollcall_ldap_fd(f->session));
    }
    return r;
}

enum dir_outcome dir_follow_sync(struct dir_follow *f, bool go_on)
{
    struct syncing s = {.f = f, .persist = go_on};
    enum dir_outcome r = refresh(&s);

    if (r == DIR_AFRESH && f->cookie.len > 0) {
        fprintf(stderr, "%s: read again from the beginning: its cookie is of no use any more\n",
                rollcall_ldap_uri(f->session));
        if (s.msgid > 0)
            ldap_abandon_ext(rollcall_ldap_handle(f->session), s.msgid, NULL, NULL);
        f->afresh = true;
        s = (struct syncing){.f = f, .persist = go_on};
        r = refresh(&s);
    }
    if (r != DIR_READ || !go_on)
        return r;
    return persist(&s);
}
