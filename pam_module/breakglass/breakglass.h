// SPDX-License-Identifier: BSD-2-Clause
// rollcall-breakglass's own parts; the command and the enforcer use some of them. The page is
// docs/doors/breakglass.md.
#ifndef ROLLCALL_PAM_BREAKGLASS_H
#define ROLLCALL_PAM_BREAKGLASS_H

#include "rollcall/breakglass.h"
#include "rollcall/secret.h"

// ---- sealed_code.c: pure, but for the randomness ----
#define SEALED_CODE_LETTERS 20 // the last one checks the others
#define SEALED_CODE_TEXT    25 // "xxxx-xxxx-xxxx-xxxx-xxxx"
// 0 or -EIO.
int sealed_code_make(struct rollcall_secret *ret);
void sealed_code_group(const struct rollcall_secret *code, char ret[SEALED_CODE_TEXT]);
// What somebody typed, without spaces and dashes and with letters as they are meant. 0;
// -EINVAL: no such code, by its letters, their number or the one that checks.
int sealed_code_read(const struct rollcall_secret *typed, struct rollcall_secret *ret);
// scrypt. 0 or -EIO.
int sealed_code_hash(const uint8_t salt[ROLLCALL_BREAKGLASS_SALT],
                     const struct rollcall_secret *code, uint8_t ret[ROLLCALL_BREAKGLASS_HASH]);
// New codes in the place of all that were; `n` up to ROLLCALL_BREAKGLASS_CODES. 0 or -EIO.
int sealed_codes_make(struct rollcall_breakglass *b, unsigned n, struct rollcall_secret codes[]);

// ---- use_code.c ----
struct breakglass_where {
    const char *service, *tty, *rhost;
};
// One code, charged before it is looked at. 1: right, burnt and open, durably, with *ret as it
// stands now; 0: wrong; -EBUSY: wrong and within a pause, not charged, *ret_pause seconds are left;
// other negative errno: nothing is open.
int breakglass_use_code(const char *path, const struct rollcall_secret *code,
                        const struct breakglass_where *where, int64_t *ret_pause,
                        struct rollcall_breakglass *ret);

// A wrong code that nobody could be told of, and that was not charged: charged after all.
int breakglass_charge(const char *path);

// ---- loud.c ----
// The kernel's log, the console, every terminal in utmp; and syslog, aside. Never waits, never
// fails.
void breakglass_tell(const char *sentence);
// In a process of its own for what may hang, which is given a minute: true there. Where there is
// none to be had, in nobody.
bool breakglass_aside(void);
// The same for what anybody with a shell can bring about: at most eight at once on a host. 1 there;
// 0 here; -EBUSY, -EAGAIN: there is nobody to tell it.
int breakglass_aside_of_few(void);

// ---- end.c ----
// Ends the account's sessions if the time of its opening is over (or at once, `now`, as `by`
// says), and writes that down. 1: nothing is open any more; 0: it still is, or sessions are
// left; negative errno.
int breakglass_end(const char *path, const char *now_by, int patience_ms);
// ---- record.c ----
// Puts what is not in the audit log yet to `record`, and marks what that took: its 0 means that
// it is durable there. The file is held for the marking alone, so a log that hangs keeps no code
// shut; who dies between the two, or finds the file held, records again. The number that were
// marked, or negative errno.
int breakglass_record(const char *path,
                      int (*record)(void *ctx, const struct rollcall_breakglass *b,
                                    const struct rollcall_breakglass_event *e),
                      void *ctx);

#endif
