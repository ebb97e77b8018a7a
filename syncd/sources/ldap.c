// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-ldap: people and groups of a directory. Connects, finds out what the
// server can, follows it in that way, and begins again when the connection is lost: what
// was read stays known, so that another server of the same directory has to say what
// changed and no more.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include "syncd/sources/emit.h"
#include "syncd/sources/ldap_ack.h"
#include "syncd/sources/ldap_follow.h"
#include "syncd/sources/wait.h"

#define PAUSE_FIRST_MS 500
#define PAUSE_MAX_MS   60000

// ---- what the server can ----

struct abilities {
    bool sync;    // RFC 4533
    bool ad;      // Active Directory's tree, or Samba's
    bool dirsync; // its control
};

#define ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

static enum dir_outcome ask_abilities(struct dir_follow *f, struct abilities *ret)
{
    static char *const names[] = {(char *)(uintptr_t) "supportedControl",
                                  (char *)(uintptr_t) "supportedCapabilities", NULL};
    LDAP *ld = rollcall_ldap_handle(f->session);
    struct timeval limit = {.tv_sec = (time_t)f->set->timeout};
    LDAPMessage *m = NULL, *e;
    int code = ldap_search_ext_s(ld, "", LDAP_SCOPE_BASE, "(objectClass=*)",
                                 (char **)(uintptr_t)names, 0, NULL, NULL, &limit, 1, &m);
    struct dir_entry root;

    *ret = (struct abilities){0};
    e = code == LDAP_SUCCESS ? ldap_first_entry(ld, m) : NULL;
    if (e && dir_entry_read(f, e, &root) == 0) {
        ret->sync = dir_has_value(&root, "supportedControl", LDAP_CONTROL_SYNC);
        ret->ad = dir_has_value(&root, "supportedCapabilities", ACTIVE_DIRECTORY);
        ret->dirsync = dir_has_value(&root, "supportedControl", LDAP_CONTROL_X_DIRSYNC);
        dir_entry_done(&root);
    }
    ldap_msgfree(m);
    return code == LDAP_SUCCESS ? DIR_READ : dir_result(f, code);
}

static enum dir_outcome sync_every_poll(struct dir_follow *f)
{
    enum dir_outcome r = dir_follow_sync(f, false);

    while (r == DIR_READ && !f->set->once) {
        int64_t pause = f->unconfirmed && !f->recheck ? 2000 : (int64_t)f->set->poll * 1000;
        dir_rest(pause);
        r = f->unconfirmed ? dir_confirm_gone(f) : DIR_READ;
        if (r == DIR_READ)
            r = dir_read_beat(f);
        if (r == DIR_READ)
            r = dir_follow_sync(f, false);
    }
    return r;
}

static enum dir_sync_mode best_of(const struct abilities *can)
{
    if (can->sync)
        return DIR_SYNC_PERSIST;
    if (can->ad)
        return can->dirsync ? DIR_SYNC_DIRSYNC : DIR_SYNC_USN;
    return DIR_SYNC_POLL;
}

static enum dir_outcome follow_ad(struct dir_follow *f, enum dir_sync_mode mode)
{
    enum dir_outcome r = DIR_REFUSED;

    f->code = LDAP_UNAVAILABLE_CRITICAL_EXTENSION;
    if (mode == DIR_SYNC_DIRSYNC)
        r = dir_follow_ad(f, true);
    if (r == DIR_REFUSED && (mode == DIR_SYNC_USN || f->set->sync == DIR_SYNC_AUTO) &&
        (f->code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION || f->code == LDAP_INSUFFICIENT_ACCESS ||
         f->code == LDAP_UNWILLING_TO_PERFORM))
        r = dir_follow_ad(f, false);
    return r;
}

static enum dir_outcome follow(struct dir_follow *f)
{
    enum dir_sync_mode mode = f->set->sync;
    struct abilities can;
    enum dir_outcome r = ask_abilities(f, &can);

    f->say.hub = f->say.seen = f->say.committed;
    if (r == DIR_READ)
        r = dir_read_beat(f);
    if (r != DIR_READ)
        return r;
    if (mode == DIR_SYNC_AUTO)
        mode = best_of(&can);
    if (mode == DIR_SYNC_DIRSYNC || mode == DIR_SYNC_USN)
        return follow_ad(f, mode);
    if (mode != DIR_SYNC_POLL && !can.sync) {
        snprintf(f->why, sizeof(f->why),
                 "%s does not offer RFC 4533 (control " LDAP_CONTROL_SYNC
                 "); write sync = poll, or load slapo-syncprov there",
                 rollcall_ldap_uri(f->session));
        return DIR_REFUSED;
    }
    if (mode == DIR_SYNC_POLL)
        return dir_follow_poll(f);
    r = mode == DIR_SYNC_REFRESH || f->set->once ? sync_every_poll(f) : dir_follow_sync(f, true);
    // slapd offers it for all of its databases as soon as the module is loaded.
    if (r == DIR_REFUSED && f->code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION &&
        f->set->sync == DIR_SYNC_AUTO)
        return dir_follow_poll(f);
    return r;
}

// ---- one server after the other ----

// Each cause once, until something was read.
static void complain(const struct dir_settings *set, const char *why, char *last, size_t len)
{
    if (strcmp(last, why) == 0)
        return;
    snprintf(last, len, "%s", why);
    emit_refusal(set->request.name, why);
    emit_flush();
}

static int read_directory(struct dir_settings *set, struct dir_follow *f)
{
    char last[1200] = "";
    int64_t pause = PAUSE_FIRST_MS;

    for (;;) {
        uint64_t before = f->say.counter;
        enum dir_outcome r = DIR_LOST;
        int e = rollcall_ldap_open(&set->session, &f->session, f->why, sizeof(f->why));
        if (e == 0) {
            r = follow(f);
            set->session.first = (rollcall_ldap_which(f->session) + 1) % set->session.n_uris;
            f->session = rollcall_ldap_close(f->session);
        }
        f->say.open = false;
        if (e == -EACCES || e == -EINVAL || (set->once && r != DIR_READ && r != DIR_AFRESH)) {
            complain(set, f->why, last, sizeof(last));
            return 1; // started again, it is given the files as they are then
        }
        if (set->once && r == DIR_READ)
            return 0;
        if (f->say.counter != before) {
            pause = PAUSE_FIRST_MS;
            last[0] = 0;
        }
        if (r == DIR_AFRESH)
            f->afresh = true;
        else
            complain(set, f->why, last, sizeof(last));
        source_pause(source_jitter(pause));
        pause = pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
    }
}

int main(void)
{
    static char out[256 * 1024];
    struct dir_settings set;
    struct dir_follow f = {.set = &set};
    uint32_t jitter = 0;
    char why[600];
    int r;

    signal(SIGPIPE, SIG_IGN);                  // a server that hung up
    setvbuf(stdout, out, _IOFBF, sizeof(out)); // with none of ours, glibc takes 4 KiB
    prctl(PR_SET_DUMPABLE, 0);                 // the launcher's word about it ended with exec
    r = dir_settings_read(0, &set, why, sizeof(why));
    if (r < 0) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    source_on_input(dir_ack_input);
    if (set.map.hub && !set.once)
        dir_ack_start(&set);
    f.known = dir_known_new(DIR_ENTRIES_MAX);
    if (!f.known) {
        fprintf(stderr, "there is no memory\n");
        return 1;
    }
    if (getrandom(&jitter, sizeof(jitter), GRND_NONBLOCK) < 0)
        jitter = 0;
    f.jitter = jitter % 3600;
    dir_say_init(&f.say, &set);
    r = read_directory(&set, &f);
    dir_known_free(f.known);
    free(f.gone);
    json_decref(f.say.groups);
    json_decref(f.say.waiting);
    dir_settings_done(&set);
    return r;
}
