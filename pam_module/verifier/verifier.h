// SPDX-License-Identifier: BSD-2-Clause
// The verifier: one process a login, no network, one account's credential file.
#ifndef ROLLCALL_VERIFIER_H
#define ROLLCALL_VERIFIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rollcall/admission.h"
#include "rollcall/config.h"
#include "rollcall/protocol.h"
#include "rollcall/secret.h"

#define HOST_KEY_LEN 32

// ---- credential.c: one sealed file an account, two slots that take turns ----

// What is known of somebody's factors. Sealed as it stands: a change is a new version.
struct credential {
    uint32_t version, uid, incarnation, failures;
    int64_t last_failure, enrolled_at;
    uint64_t last_step;       // TOTP steps up to here are burnt
    uint8_t totp, secret_len; // enrolled; bytes of secret
    uint8_t secret[62];
};
#define CREDENTIAL_VERSION 1u

struct credential_file {
    int fd;
    uint32_t uid;
    uint64_t sequence; // of the slot that stands; 0: none
    const uint8_t *key;
};

static inline void credential_erase(struct credential *c)
{
    explicit_bzero(c, sizeof(*c));
}
#define _cleanup_credential_ __attribute__((cleanup(credential_erase)))

// Opens or makes `folder`/UID, and holds its lock until close: of two logins at once, one
// waits. -EBUSY after 5 s. uid 0 is the file of all names that nobody has.
int credential_open(int folder, const uint8_t key[HOST_KEY_LEN], uint32_t uid,
                    struct credential_file *ret);
void credential_close(struct credential_file *f);
// The newer slot that is whole. An empty file is a blank credential; a file where neither
// slot opens is -EBADMSG.
int credential_read(struct credential_file *f, struct credential *ret);
// Into the older slot, then fdatasync: what stood before stands until the new one is whole.
int credential_write(struct credential_file *f, const struct credential *c);
// Blank, in both slots.
int credential_destroy(struct credential_file *f);

// ---- totp.c: pure (RFC 6238, by liboath) ----
#define TOTP_STEP    30
#define TOTP_DIGITS  6
#define TOTP_SKEW    1
#define TOTP_KEY_LEN 20
// The step that `code` belongs to, later than `burnt`; 0 where it fits none.
uint64_t totp_check(const uint8_t *secret, size_t len, const char *code, int64_t now,
                    uint64_t burnt);

// ---- throttle.c: pure ----
#define THROTTLE_SOFT     10
#define THROTTLE_DISABLED 100
// Until when no code lets anybody in; 0: now it does. INT64_MAX: until a reset.
int64_t throttle_until(uint32_t failures, int64_t last_failure);

// ---- tickets.c ----
struct ticket_scope {
    uint32_t uid, incarnation;
    pid_t session; // leader
    const char *service, *tty;
};
int ticket_write(int folder, const struct ticket_scope *scope);
// 0 while it is at most `grace` seconds old and of this session, terminal and boot.
int ticket_check(int folder, const struct ticket_scope *scope, uint64_t grace);
void tickets_destroy(int folder, uint32_t uid);

// ---- prompts.c: the words of docs, in one place ----
struct prompt_facts {
    const char *host, *user, *contact;
    const char *reference;
    int64_t until;                // throttled
    int64_t as_of, lease_seconds; // lease
};
void prompt_sign_in(const struct prompt_facts *f, char *buf, size_t len);
void prompt_help(char *buf, size_t len);
void prompt_wrong(char *buf, size_t len);
void prompt_refused(const struct prompt_facts *f, char *buf, size_t len);
void prompt_throttled(const struct prompt_facts *f, char *buf, size_t len);
void prompt_lease(const struct prompt_facts *f, char *buf, size_t len);
void text_lease_warning(const struct prompt_facts *f, int64_t lease_ends, char *buf, size_t len);

// ---- the process ----
struct verifier {
    int peer; // the conversation
    uid_t peer_uid;
    int credentials, tickets; // folders
    uint8_t key[HOST_KEY_LEN];
    const struct rollcall_config *config; // NULL: unreadable
    char host[65];
};
// Takes what needs root, then gives it up. Before the hello.
int privilege_take_and_drop(struct verifier *v);
int session_login(struct verifier *v, const struct rollcall_packet *request);
int session_ticket(struct verifier *v, const struct rollcall_packet *request);
int enrol_totp(struct verifier *v, const struct rollcall_packet *request);
int enrol_destroy(struct verifier *v, const struct rollcall_packet *request);
int enrol_factors(struct verifier *v, const struct rollcall_packet *request);
int say_result(struct verifier *v, enum rollcall_result code, const char *text,
               const char *reference);

#endif
