// SPDX-License-Identifier: BSD-2-Clause
// The verifier: one process a login, no network, one account's credential file.
#ifndef ROLLCALL_VERIFIER_H
#define ROLLCALL_VERIFIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pam_module/verifier/credential.h"
#include "pam_module/verifier/directory.h"
#include "pam_module/verifier/key_talk.h"
#include "pam_module/verifier/network_child.h"
#include "pam_module/verifier/strength.h"
#include "pam_module/verifier/throttle.h"
#include "rollcall/admission.h"
#include "rollcall/cache.h"
#include "rollcall/config.h"
#include "rollcall/protocol.h"
#include "rollcall/secret.h"

// ---- totp.c: pure (RFC 6238, by liboath) ----
#define TOTP_STEP    30
#define TOTP_SKEW    1   // steps before and after the one that the app's clock shows
#define TOTP_DRIFT   2   // steps that an app's clock may be away from ours
#define TOTP_KEY_MAX 112 // base 32 of the longest secret
// The step that `code` belongs to, later than all that are burnt; 0 where it fits none. With
// it *ret_drift (may be NULL): how far the app's clock is ahead, in steps.
uint64_t totp_check(const struct totp_factor *t, const char *code, int64_t now, int8_t *ret_drift);
size_t totp_secret_len(uint8_t algorithm); // as long as the hash (RFC 6238 5.1)
// A new secret, as the configuration (may be NULL) wants new ones. 0 or -EIO.
int totp_make(const struct rollcall_config *config, struct totp_factor *ret);
// otpauth://totp/HOST:USER?secret=...&issuer=HOST, and the key in it. 0 or negative errno.
int totp_uri(const char *host, const char *user, const struct totp_factor *t, char *uri,
             size_t uri_len, char *key, size_t key_len);

// ---- codes.c: recovery codes and access codes ----
#define CODE_RECOVERY_LETTERS 8  // 40 bits: throttled
#define CODE_ACCESS_LETTERS   12 // 60 bits
#define CODE_TEXT_LEN         24 // "xxxx-xxxx-xxxx"

// CODE_EITHER: eight digits, of an app or a recovery code that happens to have no letter.
enum code_shape { CODE_NONE, CODE_TOTP, CODE_RECOVERY, CODE_ACCESS, CODE_EITHER };
// What somebody typed, without spaces and dashes, letters as they are meant; and by its
// shape alone, what it can be.
enum code_shape code_read(const struct rollcall_secret *typed, struct rollcall_secret *ret);
// What sshd hands over in place of an answer for a name that it would not let in itself; and
// an empty answer, which an ssh client without a terminal gives. Nobody guesses so.
bool answer_is_no_try(const struct rollcall_secret *typed);
int code_make(enum code_shape shape, struct rollcall_secret *ret);
void code_group(const struct rollcall_secret *code, char ret[CODE_TEXT_LEN]); // "xxxx-xxxx"
int code_hash(const uint8_t salt[CODE_SALT_LEN], enum code_shape shape,
              const struct rollcall_secret *code, uint8_t ret[CODE_HASH_LEN]);
// The same work whoever's file it is. The code's place, or -1.
int recovery_find(const struct credential *c, const struct rollcall_secret *code);
unsigned recovery_left(const struct credential *c);
bool access_fits(const struct credential *c, const struct rollcall_secret *code, int64_t now);

// ---- tickets.c ----
struct ticket_scope {
    uint32_t uid, incarnation;
    pid_t session; // leader
    const char *service, *tty;
    const uint8_t *binding; // sshd's: keys and address, in place of session and terminal
};
int ticket_write(int folder, const struct ticket_scope *scope, enum strength strength);
// 0 while it is younger than `grace` seconds, of this scope and boot, and at least as strong
// as is required.
int ticket_check(int folder, const struct ticket_scope *scope, uint64_t grace,
                 enum strength required);
void tickets_destroy(int folder, uint32_t uid);

// ---- prompts.c: the words of docs, in one place ----
struct prompt_facts {
    const char *host, *user, *contact;
    const char *display_name;
    bool totp_only;    // no recovery and no access codes on this host
    bool keys;         // a security key in this machine is as good
    bool eight_digits; // apps that are enrolled now show eight
    const char *reference;
    int64_t until;                // throttled
    int64_t as_of, lease_seconds; // lease
};
void prompt_sign_in(const struct prompt_facts *f, char *buf, size_t len);
void prompt_help(const struct prompt_facts *f, char *buf, size_t len);
void prompt_code(const struct prompt_facts *f, char *buf, size_t len);
void prompt_wrong(char *buf, size_t len);
void prompt_key_wrong(enum rollcall_key_status status, char *buf, size_t len);
// `tries` left; -1: not known; PIN_FIRST: none was wrong.
#define PIN_FIRST (-2)
void prompt_pin(int tries, char *buf, size_t len);
void prompt_password(const struct prompt_facts *f, bool again, char *buf, size_t len);
// Of programs that give one answer to everything.
void prompt_both(const struct prompt_facts *f, bool again, char *buf, size_t len);
void prompt_choose(const struct prompt_facts *f, const char *problem, bool may_wait, char *buf,
                   size_t len);
// Of a directory's password. `grace`: sign-ins left with the old one, where Enter puts it off.
void prompt_change(const char *problem, const int *grace, char *buf, size_t len);
void prompt_expired(const struct prompt_facts *f, char *buf, size_t len);
void text_password_expires(int64_t seconds, char *buf, size_t len);
void prompt_refused(const struct prompt_facts *f, char *buf, size_t len);
void prompt_weak(const struct prompt_facts *f, char *buf, size_t len);
void prompt_throttled(const struct prompt_facts *f, char *buf, size_t len);
void prompt_lease(const struct prompt_facts *f, char *buf, size_t len);
// `picture` may be NULL; `key` is base 32.
void prompt_welcome(const struct prompt_facts *f, const char *picture, const char *key, char *buf,
                    size_t len);
void prompt_keep(const char codes[RECOVERY_CODES][CODE_TEXT_LEN], bool again, char *buf,
                 size_t len);
void text_lease_warning(const struct prompt_facts *f, int64_t lease_ends, char *buf, size_t len);

// ---- attempt.c: one code, charged before it is looked at ----
enum outcome {
    OUTCOME_WRONG,
    OUTCOME_RIGHT,
    OUTCOME_THROTTLED,
    OUTCOME_NOT_NOW,
    OUTCOME_GONE,    // nobody listens any more
    OUTCOME_REFUSED, // right, and the directory lets nobody in with it
    OUTCOME_WELCOME, // an access code, and something is to be set up; it is not used up
};

// ---- the process ----
struct verifier {
    int peer; // the conversation
    uid_t peer_uid;
    int credentials, tickets; // folders
    bool forked;              // by a parent that made it ready
    uid_t uid;                // its own, and its group
    gid_t gid;
    int host_network; // of a parent: the network that it left, -1: none
    struct network_child network;
    uint8_t key[HOST_KEY_LEN];
    struct rollcall_keys *keys;                    // NULL: unreadable
    struct rollcall_config *config;                // NULL: unreadable
    char host[65], full_host[ROLLCALL_KEY_RP_MAX]; // up to the first dot; whole
};
// Logs what is wrong with it. 0 or a negative errno.
int verifier_load_config(struct rollcall_config **ret);
void verifier_read_config(struct verifier *v); // its time zone is used from here on
// Finds who it will be and reads the host key: the same for every login.
int privilege_prepare(struct verifier *v);
// No sockets but those that are files, from here on. A parent's is made once.
int network_leave(bool for_one_login);
// Where nobody has to be sent back: without the power to.
int network_stay_away(void);
bool network_reachable(void); // by setns: it was not given up
// Takes the rest that needs root, then gives it up. Before the hello.
int privilege_take_and_drop(struct verifier *v);
// In the local file: NSS would ask our own module. 0, -ENOENT, -EPERM (it is root).
int privilege_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);
// Is this one of the host's factors? What a configuration that cannot be read names is none
// but the first.
bool factor_on(const struct verifier *v, unsigned factor);
bool access_codes_on(const struct verifier *v);
bool password_on(const struct verifier *v); // as the first factor:
bool password_of_directory(const struct verifier *v);
bool code_of_directory(const struct verifier *v); // appended to that
bool password_of_host(const struct verifier *v);  // chosen here

struct attempt_request {
    const struct rollcall_person *person;
    enum side side;
    const char *rhost;                      // "" from nowhere
    const struct rollcall_secret *code;     // NULL: a security key was right in its place
    const struct rollcall_secret *password; // NULL: it was not asked for
    bool password_blocked;                  // at its server
    // What a directory said of it; NULL: it is this host's own. `charged`: it was asked about
    // this account, and one of its tries was taken.
    const struct rollcall_check_answer *directory;
    bool charged;
    bool appended;      // with a code: a no may be that one's
    bool keep_failures; // it is no sign-in: one factor ends no count
};
struct attempt_result {
    const char *how;   // the factor that answered: "totp", "recovery", "access-code"
    int64_t until;     // the end of a pause
    bool enrolled;     // has a second factor
    bool has_password; // and this one is old:
    bool password_aged;
    bool from_cache; // no directory could be asked
};
enum outcome attempt_code(struct verifier *v, const struct attempt_request *request,
                          struct attempt_result *ret);

// ---- addresses.c ----
// How many seconds nobody comes in from there; 0: now they do.
int64_t addresses_wait(const struct verifier *v, const char *rhost);
void addresses_charge(const struct verifier *v, const char *rhost);

// ---- session.c, welcome.c ----
struct login {
    struct verifier *v;
    char user[256], service[64], rhost[256], tty[64];
    enum side side;
    struct ssh_evidence ssh;
    unsigned proof; // PROOF_* so far
    int64_t session;
    struct rollcall_look look;
    struct rollcall_admission admission;
    struct rollcall_person person;
    char person_buf[ROLLCALL_ADMISSION_BUF];
    struct prompt_facts facts;
    char reference[12];
    int64_t lease_seconds;
    const char *wrong; // what was: "wrong-code", "wrong-key"
    struct key_talk talk;
    enum rollcall_key_status key_status;    // of the last touch
    bool user_verified;                     // by it
    struct rollcall_check_answer directory; // of the password that was typed last
    bool bind_charged;
};
// ---- request.c ----
int login_begin(struct verifier *v, const struct rollcall_packet *request, struct login **ret);
void login_look(struct login *l); // may they come in now?
void login_free(struct login **l);
#define _cleanup_login_ __attribute__((cleanup(login_free)))
bool login_is_sudo(const struct login *l);

// A prompt and its answer; what is typed is seen, or is not.
int verifier_ask(struct verifier *v, const char *text, bool echo, struct rollcall_secret *ret);
int session_ask(struct login *l, const char *text, struct rollcall_secret *ret);
int session_ask_hidden(struct login *l, const char *text, struct rollcall_secret *ret);
void session_audit_hint(const struct login *l, const char *event, const char *hint);
void session_audit(const struct login *l, const char *event, const char *cause, bool referenced);
// First enrolment, with the access code that was typed, of what is missing: all of it, or for
// who is `enrolled` the password. 1 when it stands, 0 when nothing was changed, negative errno.
int welcome(struct login *l, const struct rollcall_secret *access_code, bool enrolled);

// ---- directory.c ----
// Asks the directory about what was typed: l->directory, l->bind_charged. 0, or -EPIPE (nobody
// listens any more). The same work, and at least the same time, whoever it is.
int directory_check(struct login *l, const struct rollcall_secret *password);
// After a proof with `old`: 1 when another stands at the directory, 0 when none was chosen or
// taken, negative errno. Where it has expired and is good for a few logins more, Enter alone
// puts it off.
enum change_why { CHANGE_ASKED, CHANGE_MUST, CHANGE_GRACE };
int directory_change(struct login *l, const struct rollcall_secret *old, enum change_why why);
// ---- password_cache.c: what a directory took, for times without one ----
bool cache_good(const struct verifier *v, const struct password_factor *p, int64_t now);
// Into `c`, which the caller writes; `fits`: it is there already.
void cache_refresh(const struct verifier *v, const struct rollcall_secret *password, bool fits,
                   int64_t now, struct credential *c);
// What was written can be read and is what was meant; else it is taken away, and logged.
void cache_confirm(struct credential_file *f, const struct credential *meant);

// ---- choose.c ----
// 1 with *ret, 0 when none was chosen, negative errno. `may_wait`: Enter alone puts it off.
int password_choose(struct login *l, bool may_wait, struct password_factor *ret);
// The same, and it is kept.
int password_renew(struct login *l, bool may_wait);

// ---- touch.c: security keys ----
// Does a key in this machine count for this login: is it a factor here, and is the person?
bool touch_possible(const struct login *l);
void touch_offer(struct login *l); // while the prompt stands
bool touch_meant(const struct login *l, const struct rollcall_secret *typed);
// `how` gets "fido2", or "fido2-touch" of a key that did not verify its user.
enum outcome touch(struct login *l, const char **how);
// The name that new keys are enrolled under: [mfa] fido2_rp, or the host's own.
void fido2_name(const struct verifier *v, char ret[ROLLCALL_KEY_RP_MAX]);

// ---- ssh_marks.c ----
// Is this a hardware key of the person's that somebody answers for?
bool ssh_key_counts(const struct verifier *v, const struct rollcall_person *p,
                    const char *fingerprint);
int desk_vouch(struct verifier *v, const struct rollcall_packet *request);
int put_vouched(const struct credential *c, struct rollcall_packet *p);

// ---- passwd.c ----
int session_passwd(struct verifier *v, const struct rollcall_packet *request);

int session_login(struct verifier *v, const struct rollcall_packet *request);
int session_ticket(struct verifier *v, const struct rollcall_packet *request);
int enrol_totp(struct verifier *v, const struct rollcall_packet *request);
int enrol_destroy(struct verifier *v, const struct rollcall_packet *request);
int enrol_factors(struct verifier *v, const struct rollcall_packet *request);
int enrol_ready(struct verifier *v, const struct rollcall_packet *request);
int desk_code(struct verifier *v, const struct rollcall_packet *request);
int desk_forget(struct verifier *v, const struct rollcall_packet *request);
int desk_drop_cache(struct verifier *v, const struct rollcall_packet *request);
int desk_reset(struct verifier *v, const struct rollcall_packet *request);
// The account that a request of root's names: 0, -ENOENT, -EBADMSG, -EIO (no cache).
int enrol_person(const struct rollcall_packet *request, char user[256], struct rollcall_person *ret,
                 char *buf, size_t len);
// Opens and reads the credential of this employment: what an earlier one left is void.
int enrol_begin(struct verifier *v, const struct rollcall_person *p, struct credential_file *f,
                struct credential *c);
void desk_audit(const struct rollcall_packet *request, const char *event, const char *user,
                uint32_t uid, const char *hint);
int enrol_key(struct verifier *v, const struct rollcall_packet *request);
int list_keys(struct verifier *v, const struct rollcall_packet *request);
int forget_key(struct verifier *v, const struct rollcall_packet *request);
enum rollcall_result enrol_result(int r); // for a negative errno
// The peer is to have patience. `text` may be NULL.
int say_wait(int peer, const char *text);
int say_result(struct verifier *v, enum rollcall_result code, const char *text,
               const char *reference);

#endif
