// SPDX-License-Identifier: BSD-2-Clause
// How often somebody may be wrong. Pure: time and counts go in.
//
// Two tallies an account. Outside: at a login, where whoever knows a name can fail on
// purpose. Inside: in a session that the person has (sudo by the person, a screen locker).
// What somebody does outside never delays or disables what the person does inside.
#ifndef ROLLCALL_VERIFIER_THROTTLE_H
#define ROLLCALL_VERIFIER_THROTTLE_H

#include "pam_module/verifier/credential.h"

enum side { SIDE_OUTSIDE, SIDE_INSIDE };

#define THROTTLE_FREE         3 // failures in a row that delay nothing
#define THROTTLE_SOFT         10
#define THROTTLE_DISABLED     100 // of one factor, in a row
#define THROTTLE_PAUSE        900 // seconds
#define THROTTLE_PAUSE_INSIDE 60

// Until when no answer of this kind lets anybody in; 0 or a time that is over: now it does.
// INT64_MAX: the factor is off; outside until a reset, inside until the person has come in
// from outside.
int64_t throttle_until(const struct credential *c, enum side side, enum factor_kind kind,
                       int64_t now);
void throttle_charge(struct credential *c, enum side side, enum factor_kind kind, int64_t now);
// A second answer of the same try: its factor counts, the try does not again.
void throttle_charge_also(struct credential *c, enum side side, enum factor_kind kind, int64_t now);
// That factor's answer of the try was right, another's was not.
void throttle_refund(struct credential *c, enum side side, enum factor_kind kind);
// The try was right, and no sign-in: as if there had been none.
void throttle_undo(struct credential *c, enum side side, enum factor_kind kind);
// A login that was let in. A factor that is off outside stays off.
void throttle_succeeded(struct credential *c, enum side side);

// ---- addresses: a table of a fixed size, slots by keyed hash ----
#define ADDRESS_WAYS    4
#define ADDRESS_BUCKETS 2048
#define ADDRESS_FREE    30 // many people may share one
#define ADDRESS_DRAIN   60 // seconds until one failure is forgotten

struct address_slot {
    uint64_t key;
    uint32_t level, reserved; // 0: free
    int64_t last;             // of CLOCK_BOOTTIME, in seconds
};
// NULL where the address has no failure.
struct address_slot *address_find(struct address_slot slots[ADDRESS_WAYS], uint64_t key);
int64_t address_until(const struct address_slot *s, int64_t now);
void address_charge(struct address_slot slots[ADDRESS_WAYS], uint64_t key, int64_t now);

#endif
