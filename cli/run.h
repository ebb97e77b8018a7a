// SPDX-License-Identifier: BSD-2-Clause
// Running another program of the system and taking what it says: no shell, a fixed
// environment, a deadline.
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stddef.h>

#define CLI_RUN_MAX (256u * 1024 * 1024) // more than that is cut off

struct cli_ran {
    int status; // exit status; 128 + N for signal N
    char *out;  // standard output, NUL-terminated
    size_t out_len;
    char *err; // standard error, NUL-terminated
};

// argv[0] is an absolute path. `more` (may be NULL) stands in the environment beside PATH
// and LANG. Ends the program after a minute. 0 with *ret whatever it said; -ENOENT
// where there is no such program; other negative errno.
int cli_run(const char *const argv[], const char *const more[], struct cli_ran *ret);
// The same; `keep` are descriptors (-1 ends them) that the program sees as 3, 4, ...
int cli_run_with(const char *const argv[], const char *const more[], const int keep[],
                 struct cli_ran *ret);
void cli_ran_free(struct cli_ran *ran);
// The first line of what it complained about, in place; "" where it did not.
const char *cli_ran_complaint(struct cli_ran *ran);

#define _cleanup_ran_ __attribute__((cleanup(cli_ran_free)))

#endif
