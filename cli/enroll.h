// SPDX-License-Identifier: BSD-2-Clause
// What the verbs around factors share.
#ifndef CLI_ENROLL_H
#define CLI_ENROLL_H

#include "cli/command.h"

int cli_enroll_key(struct cli *cli);
// Prints why an enrolment failed; returns the exit code.
int cli_enroll_refused(const struct cli *cli, const char *user, int r);
// Says that nobody answers at the verifier's door; returns the exit code.
int cli_no_verifier(const struct cli *cli);
const char *cli_asked_by(void); // for the audit log

#endif
