// SPDX-License-Identifier: BSD-2-Clause
// Words for states and reasons.
#include "rollcall/lifecycle.h"

static const char *const states[] = {"none",   "active",     "pending", "suspended",
                                     "locked", "terminated", "purged"};

static const struct {
    const char *name, *sentence;
} reasons[] = {
    {"none", "No statement stands about this account."},
    {"employed", "An authority lists this person as employed."},
    {"not-started",
     "The first day is to come (rule 10: a pending person stays pending until listed "
     "again)."},
    {"on-leave", "HR says this person is on leave."},
    {"status-terminated", "HR's status says terminated."},
    {"terminated-at", "The instant of terminatedAt is reached (rule 13)."},
    {"end-date", "The last working day is over (rule 13: a bare endDate ends with that day)."},
    {"missing",
     "Two full listings, the second with a later time of its own, do not name this person "
     "(rule 6)."},
    {"admin-lock", "An administrator locked this account here."},
    {"orphan",
     "No authority vouches for this person (rule 16: a record that is gone never unlocks)."},
    {"signal", "A signal source took access away (rule 16: the strictest wins)."},
    {"disabled", "The directory disabled this account."},
    {"rehire-dates",
     "The row has an endDate before its startDate, so it stays terminated (rule 12)."},
    {"needs-approval",
     "This name or number belonged to somebody else; an administrator must say rehire "
     "or another person (rule 11)."},
    {"recovery", "The state was lost; nobody gets in until a source lists them again or an "
                 "administrator says `rollcall recover`."},
    {"replayed", "The lock journal knows a lock that the state did not."},
    {"group-missing", "A group was lost by inference (rule 1)."},
    {"hub", "The source itself, a hub or an identity provider, locks or refuses this person; there "
            "it is known why."},
    {"dropped",
     "A source leaves this account out on purpose: it is none of this company's people."},
};

const char *rollcall_state_name(enum rollcall_state state)
{
    return (unsigned)state < sizeof(states) / sizeof(states[0]) ? states[state] : "unknown";
}

const char *rollcall_reason_name(enum rollcall_reason reason)
{
    return (unsigned)reason < sizeof(reasons) / sizeof(reasons[0]) ? reasons[reason].name
                                                                   : "unknown";
}

const char *rollcall_reason_sentence(enum rollcall_reason reason)
{
    return (unsigned)reason < sizeof(reasons) / sizeof(reasons[0])
               ? reasons[reason].sentence
               : "A newer version wrote a reason that this one does not know.";
}
