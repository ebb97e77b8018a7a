// SPDX-License-Identifier: BSD-2-Clause
// May this account come in now? One pure decision for PAM module, verifier,
// enforcer, authorized-keys and `rollcall user --why`. Takes time and facts,
// reads nothing. What is unknown, damaged or out of range is a refusal.
#ifndef ROLLCALL_ADMISSION_H
#define ROLLCALL_ADMISSION_H

#include "rollcall/cache.h"

enum rollcall_admission_cause {
    ROLLCALL_ADMIT = 0,
    ROLLCALL_REFUSE_UNKNOWN,     // nobody of that name
    ROLLCALL_REFUSE_NO_CACHE,    // board or private absent, damaged or mismatched
    ROLLCALL_REFUSE_STATE,       // the board's word is not active
    ROLLCALL_REFUSE_NOT_STARTED, // private: first day is to come
    ROLLCALL_REFUSE_ENDED,       // private: not_after is reached
    ROLLCALL_REFUSE_NOT_ALLOWED, // in none of this host's allow_groups
    ROLLCALL_REFUSE_LEASE,       // the authority was silent for longer than its lease
    ROLLCALL_REFUSE_CLOCK,       // the clock stands more than 5 minutes below its mark
    ROLLCALL_REFUSE_FORMER_NAME, // a renamed person's old name
};

#define ROLLCALL_CLOCK_TOLERANCE 300 // seconds

struct rollcall_admission {
    enum rollcall_admission_cause cause;
    enum rollcall_state state; // strictest of word, private state and dates
    enum rollcall_reason reason;
    uint8_t flags;          // ROLLCALL_FLAG_* of the board's word; 0 where there is none
    bool ends_sessions;     // a positive, explicit, valid state >= suspended
    int64_t lease_ends;     // instant, or UNSET where the account is exempt
    int lease_used_percent; // 0..100+, for the warnings at 50 and 80
    int64_t as_of;          // when the authority last spoke
    int64_t next;           // when the answer next changes by time alone, or UNSET
};

// `facts` NULL or `word_error` != 0: NO_CACHE. `person` NULL: UNKNOWN.
void rollcall_admission_decide(const struct rollcall_board_facts *facts,
                               const struct rollcall_word *word, int word_error,
                               const struct rollcall_person *person, const char *asked_name,
                               int64_t now, struct rollcall_admission *ret);

// The I/O around it: opens board and private, finds the name (or uid when name is
// NULL), decides. Retries once when the board was replaced between the two opens.
// Never fails: what could not be read is in ret->cause. `ret_person` strings are
// copied into `buf` (at least ROLLCALL_ADMISSION_BUF bytes); may be NULL.
#define ROLLCALL_ADMISSION_BUF 4096
void rollcall_admission_look_up(const char *board_path, const char *private_path, const char *name,
                                uid_t uid, int64_t now, struct rollcall_admission *ret,
                                struct rollcall_person *ret_person, char *buf, size_t buf_len);

// Board and private as somebody keeps them who looks more than once: each look asks the paths
// whether opening them again would give the same, and opens them where not, or where they are
// NULL. Begins as zeroes; owned by who looks.
struct rollcall_look {
    struct rollcall_board *board;
    struct rollcall_private *private_;
};
void rollcall_look_end(struct rollcall_look *look);
#define _cleanup_look_ __attribute__((cleanup(rollcall_look_end)))
// One of the two: 0, or the negative errno of its opening, and then it is NULL.
int rollcall_look_at_board(struct rollcall_look *look, const char *board_path);
int rollcall_look_at_private(struct rollcall_look *look, const char *private_path);
// rollcall_admission_look_up with what is kept.
void rollcall_admission_look_again(struct rollcall_look *look, const char *board_path,
                                   const char *private_path, const char *name, uid_t uid,
                                   int64_t now, struct rollcall_admission *ret,
                                   struct rollcall_person *ret_person, char *buf, size_t buf_len);

const char *rollcall_admission_cause_name(enum rollcall_admission_cause cause);

#endif
