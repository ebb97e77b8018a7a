// SPDX-License-Identifier: BSD-2-Clause
// Ways of following a directory. Each is a file ldap_follow_*.c with one function that reads
// until something ends it; rollcall-source-ldap chooses by what the server offers.
#ifndef ROLLCALL_SOURCES_LDAP_FOLLOW_H
#define ROLLCALL_SOURCES_LDAP_FOLLOW_H

#include "syncd/sources/ldap_known.h"
#include "syncd/sources/ldap_say.h"
#include "syncd/sources/ldap_settings.h"

enum dir_outcome {
    DIR_READ,    // read to its end (with `once`, or between two polls)
    DIR_LOST,    // the connection is gone or the server is silent: another one may do
    DIR_REFUSED, // it answered, and not with what can be taken
    DIR_AFRESH,  // its cookie is worth nothing: read again from the beginning
};

struct dir_follow {
    const struct dir_settings *set;
    struct rollcall_ldap *session;
    struct dir_known *known;
    bool complete; // `known` has all that the last listing had
    struct dir_say say;
    struct dir_cookie cookie;        // the server's last one
    bool afresh;                     // the next listing has to be whole
    bool referred;                   // said already that a part is elsewhere
    char why[1200];                  // with LOST and REFUSED
    int code;                        // the server's, where it gave one
    unsigned char (*gone)[DIR_UUID]; // not yet said
    size_t n_gone, gone_room;
    // A second listing is due: for those said to be gone; for all that the last whole listing
    // may have lacked.
    bool unconfirmed, recheck;
    int64_t jitter; // seconds
};

typedef enum dir_outcome dir_take(void *ctx, LDAPMessage *m);

// Once a day, give or take an hour, all is read again: what no change tells, such as a right to
// read that was taken or given, is seen then.
bool dir_whole_is_due(const struct dir_follow *f);

// RFC 4533; syncs once, or for as long as it is told of changes.
enum dir_outcome dir_follow_sync(struct dir_follow *f, bool persist);
// Looks for newer entries, and compares which ones there are.
enum dir_outcome dir_follow_poll(struct dir_follow *f);
// Active Directory: DirSync (MS-ADTS, 3.1.1.3.4.1.3), or what has a newer uSNChanged.
enum dir_outcome dir_follow_ad(struct dir_follow *f, bool dirsync);
// Asks for the ids of all; whoever is known and not among them is noted as gone. `ret_unknown`:
// there are others.
enum dir_outcome dir_compare_ids(struct dir_follow *f, bool *ret_unknown);

// ---- searches that end: ldap_search.c ----

// Each entry of an answer is given to `take`, until it is not content. The controls of the
// result, where they are asked for, are the caller's also where the answer is an error.
enum dir_outcome dir_answer(struct dir_follow *f, int msgid, dir_take *take, void *ctx,
                            LDAPControl ***ret_controls);
// All below the base, by pages.
enum dir_outcome dir_search(struct dir_follow *f, const char *filter, const char *const *attributes,
                            dir_take *take, void *ctx);
// One entry, where it exists and the filter is true of it.
enum dir_outcome dir_read_one(struct dir_follow *f, const char *dn, const char *filter,
                              const char *const *attributes, dir_take *take, void *ctx);

// ---- what they share: ldap_read.c ----

int64_t dir_now(void); // seconds
// Waits until `ms` are over, or somebody's entry is asked for.
void dir_rest(int64_t ms);

// The values stay in `m`. -E2BIG, -EBADMSG. dir_entry_done frees what was allocated.
int dir_entry_read(struct dir_follow *f, LDAPMessage *m, struct dir_entry *ret);
void dir_entry_done(struct dir_entry *e);
// The members of a group that came in slices (member;range=0-1499), all of them, into `e`.
// Their bytes stay in `slices`.
struct dir_slices {
    LDAPMessage **message;
    size_t n;
};
enum dir_outcome dir_slices_read(struct dir_follow *f, struct dir_entry *e,
                                 struct dir_slices *slices);
void dir_slices_done(struct dir_slices *slices);
// An entry into the listing that is open.
enum dir_outcome dir_take_entry(struct dir_follow *f, LDAPMessage *m,
                                const unsigned char uuid[DIR_UUID]);
// The whole answer to one question, within the timeout. false, with the reason in `why`: none.
bool dir_wait_for(struct dir_follow *f, int msgid, LDAPMessage **ret);
// A result that is no success, into `why`.
enum dir_outcome dir_result(struct dir_follow *f, int code);
void dir_take_reference(struct dir_follow *f);
// The heartbeat of a hub's directory, before anything else is asked for: what is read after it is
// at least as new as it says. Of another directory nothing.
enum dir_outcome dir_read_beat(struct dir_follow *f);

// An entry that is no more; said by dir_say_gone.
enum dir_outcome dir_note_gone(struct dir_follow *f, const unsigned char uuid[DIR_UUID]);
// Says a difference with whoever is gone; a second one has to agree (lifecycle, rule 6).
void dir_say_gone(struct dir_follow *f);
// That second one, after asking the server once more: for each, and where a whole listing
// came before for the ids of all.
enum dir_outcome dir_confirm_gone(struct dir_follow *f);

#endif
