// SPDX-License-Identifier: BSD-2-Clause
// Reading who is here and whom HR lists, for `rollcall adopt`.
#ifndef CLI_ADOPT_H
#define CLI_ADOPT_H

#include "cli/adopt_plan.h"
#include "rollcall/config.h"

struct adopt_input {
    struct adopt_local *local;
    size_t n_locals;
    struct adopt_row *row;
    size_t n_rows;
};
void adopt_input_free(struct adopt_input *input);

// Every row of every source that says who somebody is on Unix: each is run once, as its own
// user, and read as the engine reads it. 0, or -EIO with a sentence in `why`.
int adopt_read_rows(const struct rollcall_config *config, struct adopt_input *input, char *why,
                    size_t len);
// People of /etc/passwd (service "files"), or of another NSS service: those it enumerates
// and those whom HR names.
int adopt_read_locals(const char *service, struct adopt_input *input, char *why, size_t len);

#endif
