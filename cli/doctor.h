// SPDX-License-Identifier: BSD-2-Clause
// What the checks of `rollcall doctor` share. Each reads the live host and reports what
// it found; none changes anything.
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"
#include "rollcall/cache.h"
#include "rollcall/config.h"

enum doctor_severity {
    DOCTOR_NOTE, // worth knowing
    DOCTOR_RISK, // something is weaker or will fail; nobody gets in by it now
    DOCTOR_HOLE, // a way in without a second factor, or for somebody whom HR has ended
};

struct doctor {
    const struct cli *cli;
    json_t *findings;
    const struct rollcall_config *config; // NULL: there is none that can be read
    bool observe;                         // rollcall refuses nobody yet
    uint32_t id_min, id_max;
    char managed[64]; // somebody of ours; "" where nobody is known
    char local[64];   // a local person who logs in; "" where there is none
};

// `id` is for scripts: "sshd-usepam". `where` ("" or NULL: nowhere) and `fix` (NULL: none)
// stand beside the sentence.
void doctor_find(struct doctor *d, enum doctor_severity severity, const char *id, const char *where,
                 const char *fix, const char *format, ...) __attribute__((format(printf, 6, 7)));

void doctor_sshd(struct doctor *d);
void doctor_pam(struct doctor *d);
void doctor_sudo(struct doctor *d);
void doctor_names(struct doctor *d);      // nsswitch, passwd, ids
void doctor_files(struct doctor *d);      // who may write what decides
void doctor_house(struct doctor *d);      // daemons, leases, clock, cache
void doctor_breakglass(struct doctor *d); // the emergency account
void doctor_people(struct doctor *d);     // local accounts, lingering, cron, keys

// Calls `look` for each person of the private file. False where it cannot be read.
bool doctor_each_person(void (*look)(void *ctx, const struct rollcall_person *person), void *ctx);
// Does our account pass in account without our having been asked? (PAM of that service.)
bool doctor_account_around(const struct doctor *d, const char *service);
// "/etc/x:12" of the first line of a file that holds `word` outside of a comment.
const char *doctor_line_of(const char *path, const char *word, char *buf, size_t len);

#endif
