// SPDX-License-Identifier: BSD-2-Clause
// The parts of `rollcall setup`: a plan of files, the way back, and the witness that
// says whether root and local people still get in as before.
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/setup_edit.h"

#define SETUP_FILES_MAX 32
#define SETUP_NSSWITCH  "/etc/nsswitch.conf"
#define SETUP_SUDOERS   "/etc/sudoers.d/rollcall"

// A file as it stands and as it is to stand. Contents are NUL-terminated too.
struct setup_file {
    char *path;
    const char *what; // a sentence: why it changes
    char *before;     // NULL: it is not there
    size_t before_len;
    char *after; // NULL: it is taken away
    size_t after_len;
    mode_t mode, after_mode; // mode, uid, gid: as it stands
    uid_t uid;
    gid_t gid;
};

struct setup_plan {
    struct setup_file file[SETUP_FILES_MAX];
    size_t n;
    json_t *notes;    // [sentence]: what an admin should know
    json_t *problems; // [sentence]: why nothing can be done
};

void setup_plan_free(struct setup_plan *plan);
void setup_note(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Adds a file where its content is to become `after` (stolen; NULL: be taken away).
// Nothing is added where it is so already. A file that cannot be read is a problem.
void setup_plan_file(struct setup_plan *plan, const char *path, char *after, mode_t mode,
                     const char *what);
// What stands there: 0, with *ret NULL where nothing does; -ELOOP for a symbolic link.
int setup_read(const char *path, struct setup_file *ret);

// Everything that this host needs. `observe`: no strict drop-in for sshd.
void setup_plan_host(struct setup_plan *plan, bool observe);
// PAM's files after pam-auth-update has taken our profiles in, or out.
void setup_plan_pam(struct setup_plan *plan, bool in);
bool setup_is_pam(const char *path);

// ---- the way back: ROLLCALL_SETUP_DIR, or what setup_kept_use said ----

// Another folder for this process, and how to take our part out of a file that somebody
// changed since: what was, what we made of it, what stands; NULL where it cannot be told.
void setup_kept_use(const char *folder, char *(*merge)(const char *path, const char *before,
                                                       const char *after, const char *now));

// The manifest, or NULL where there is none; its state is "applying", "done" or "undoing".
json_t *setup_kept_load(void);
const char *setup_kept_state(const json_t *kept);
// Copies of what is and what is to be, then the manifest, all durable; before the first
// change. What an earlier setup kept stays the way back. *kept is replaced.
int setup_keep(struct setup_plan *plan, json_t **kept);
int setup_kept_set(json_t *kept, const char *state);
// Puts every file that does not stand as it is to stand; `left`: paths that somebody
// changed in between and that are left alone.
int setup_kept_apply(const json_t *kept, json_t *left);
// Puts back what stood when this setup began.
int setup_kept_restore(const json_t *kept);
// Puts back what the host had; paths that somebody changed since lose our part only, or, where
// that cannot be told apart, are left alone: `mended`, `left`.
int setup_kept_undo(json_t *kept, json_t *mended, json_t *left);
int setup_kept_forget(json_t *kept); // the manifest first, then the copies

// ---- the witness ----

#define SETUP_WITNESSES 17
struct setup_witness {
    int root[6];                    // PAM's word on root's account, service by service
    char name[SETUP_WITNESSES][64]; // root, local people
    json_t *sshd[SETUP_WITNESSES];
    size_t n;
    char sshd_complaint[256], sudoers[256]; // empty: none
};
void setup_witness_take(struct setup_witness *ret);
void setup_witness_free(struct setup_witness *witness);
// Does everybody still have what they had? Empty, or a sentence in `why`. Pure.
bool setup_witness_agrees(const struct setup_witness *before, const struct setup_witness *after,
                          char *why, size_t len);
// Is a name that nobody has met by key and code alone? (The strict drop-in holds.)
bool setup_strict(char *why, size_t len);

// ---- pieces of the host that are no files ----

// Users, folders, the host key. What was made is noted.
int setup_make_folders(json_t *notes, char *why, size_t len);
// Units that are not enabled yet, enabled; names are added to the manifest's "units". Where
// systemd runs and something has changed, all of them begin anew: syncd reads the
// configuration when it starts.
void setup_units_on(json_t *kept, bool changed, json_t *notes);
void setup_units_off(const json_t *kept, json_t *notes);
void setup_reload_sshd(json_t *notes);

// A unified diff of one change; never NULL but when memory is out. The caller frees.
char *setup_diff(const struct setup_file *file);

#endif
