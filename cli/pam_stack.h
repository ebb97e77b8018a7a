// SPDX-License-Identifier: BSD-2-Clause
// A PAM stack as libpam would run it for an account of ours that is to be refused: can it
// end in success without pam_rollcall.so having been asked? pam.conf(5), pam.d(5).
#ifndef CLI_PAM_STACK_H
#define CLI_PAM_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAM_STACK_MAX 256
#define PAM_OURS      "pam_rollcall.so"

struct pam_stack_line {
    char file[96];
    unsigned number;
    char control[160], module[96], args[256];
    unsigned level; // of substacks
};

struct pam_stack {
    struct pam_stack_line line[PAM_STACK_MAX];
    size_t n;
    bool cut; // there was more than fits, or includes went round
};

// The lines of one type ("auth", "account", "session", "password") of a service, includes
// followed, with those of "other" where the service has none of that type. `folders` ends
// with NULL; the first that has a file counts. 0, -ENOENT (no such service).
int pam_stack_read(const char *const folders[], const char *service, const char *type,
                   struct pam_stack *ret);
extern const char *const pam_stack_folders[];

// The line that answers for the emergency account alone: an account of ours gets "ignore".
bool pam_stack_breakglass(const struct pam_stack_line *line);

struct pam_verdict {
    bool ours;                           // our line is in the stack
    bool around;                         // it can end in success without ours
    const struct pam_stack_line *escape; // where that success is settled; NULL: at its end
};
// Pure. What our account gets from the modules that are known: pam_localuser, pam_unix (an
// expired shadow entry) and pam_deny say no, pam_rootok too (the caller is not root),
// pam_permit says yes; any other may say anything.
void pam_stack_judge(const struct pam_stack *stack, const char *type, uint32_t id_min,
                     struct pam_verdict *ret);

#endif
