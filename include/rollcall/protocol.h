// SPDX-License-Identifier: BSD-2-Clause
// The verifier's door, both ends: packets on a seqpacket socket, and how a client gets
// one. The page is docs/doors/verifier.md. libc only: the PAM module uses it.
#ifndef ROLLCALL_PROTOCOL_H
#define ROLLCALL_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROLLCALL_PACKET_MAX      4096
#define ROLLCALL_PACKET_TEXT_MAX 3500

#define ROLLCALL_AUTH_INFO_MAX   2500 // what sshd says of keys; a longer one is not told

enum rollcall_packet_type {
    ROLLCALL_PACKET_HELLO = 1,
    ROLLCALL_PACKET_PROMPT = 2,
    ROLLCALL_PACKET_RESULT = 3,
    ROLLCALL_PACKET_WAIT = 4,
    ROLLCALL_PACKET_LOGIN = 16,
    ROLLCALL_PACKET_ANSWER = 17,
    ROLLCALL_PACKET_ENROL = 18,
    ROLLCALL_PACKET_DESTROY = 19,
    ROLLCALL_PACKET_FACTORS = 20,
    ROLLCALL_PACKET_TICKET = 21,
    ROLLCALL_PACKET_CODE = 22,
    ROLLCALL_PACKET_RESET = 23,
    ROLLCALL_PACKET_FORGET = 32,
    ROLLCALL_PACKET_READY = 33,
    ROLLCALL_PACKET_PASSWD = 40,
    ROLLCALL_PACKET_DROP_CACHE = 41,
    ROLLCALL_PACKET_ENROL_KEY = 48,
    ROLLCALL_PACKET_KEYS = 49,
    ROLLCALL_PACKET_FORGET_KEY = 50,
    ROLLCALL_PACKET_VOUCH = 51,
    // docs/doors/security-key.md
    ROLLCALL_PACKET_KEY_ASSERT = 64,
    ROLLCALL_PACKET_KEY_MAKE = 65,
    ROLLCALL_PACKET_KEY_STATE = 66,
    ROLLCALL_PACKET_KEY_REPLY = 67,
    // docs/doors/network-child.md
    ROLLCALL_PACKET_PASSWORD_CHECK = 80,
    ROLLCALL_PACKET_PASSWORD_CHANGE = 81,
    ROLLCALL_PACKET_PASSWORD_ANSWER = 82,
};

enum rollcall_field {
    ROLLCALL_FIELD_TEXT = 1,
    ROLLCALL_FIELD_ECHO = 2,
    ROLLCALL_FIELD_CODE = 3,
    ROLLCALL_FIELD_USER = 4,
    ROLLCALL_FIELD_SERVICE = 5,
    ROLLCALL_FIELD_RHOST = 6,
    ROLLCALL_FIELD_TTY = 7,
    ROLLCALL_FIELD_CALLER = 8,
    ROLLCALL_FIELD_SESSION = 9,
    ROLLCALL_FIELD_REPLACE = 10,
    ROLLCALL_FIELD_UID = 11,
    ROLLCALL_FIELD_TOTP = 12,
    ROLLCALL_FIELD_FAILURES = 13,
    ROLLCALL_FIELD_UNTIL = 14,
    ROLLCALL_FIELD_REFERENCE = 15,
    ROLLCALL_FIELD_SECONDS = 16,
    ROLLCALL_FIELD_RECOVERY = 17,
    ROLLCALL_FIELD_ACCESS = 18,
    ROLLCALL_FIELD_BY = 19,
    ROLLCALL_FIELD_RUSER = 32,
    ROLLCALL_FIELD_AUTH_INFO = 33,
    ROLLCALL_FIELD_PASSWORD = 34,
    ROLLCALL_FIELD_INSIDE = 35,
    ROLLCALL_FIELD_OFF = 36,
    ROLLCALL_FIELD_LABEL = 64,
    ROLLCALL_FIELD_PIN_WANTED = 65,
    ROLLCALL_FIELD_ATTESTED = 66,
    ROLLCALL_FIELD_WITHDRAW = 67,
    // docs/doors/security-key.md
    ROLLCALL_FIELD_CHALLENGE = 80,
    ROLLCALL_FIELD_PIN = 81,
    ROLLCALL_FIELD_RP = 82,
    ROLLCALL_FIELD_HANDLE = 83,
    ROLLCALL_FIELD_STATUS = 84,
    ROLLCALL_FIELD_TRIES = 85,
    ROLLCALL_FIELD_INDEX = 86,
    ROLLCALL_FIELD_AUTHDATA = 87,
    ROLLCALL_FIELD_SIGNATURE = 88,
    ROLLCALL_FIELD_FORMAT = 89,
    ROLLCALL_FIELD_STATEMENT = 90,
    ROLLCALL_FIELD_ALGORITHM = 91,
    ROLLCALL_FIELD_KEY_ID = 96, // and the next ones: of up to five keys
    ROLLCALL_FIELD_KEY_RP = 104,
    ROLLCALL_FIELD_VOUCHED = 112, // and the next ones: of up to eight
    // docs/doors/network-child.md
    ROLLCALL_FIELD_URIS = 128,
    ROLLCALL_FIELD_CA = 129,
    ROLLCALL_FIELD_DN = 130,
    ROLLCALL_FIELD_SECRET = 131,
    ROLLCALL_FIELD_NEW_SECRET = 132,
    ROLLCALL_FIELD_ACTIVE_DIRECTORY = 133,
};

#define ROLLCALL_KEY_NOT_COUNTED 0x80u // beside a key's own flags: none of fido2_aaguids

enum rollcall_result {
    ROLLCALL_RESULT_YES = 0,
    ROLLCALL_RESULT_REFUSED = 1,
    ROLLCALL_RESULT_UNKNOWN = 2,
    ROLLCALL_RESULT_ENROLLED = 3,
    ROLLCALL_RESULT_THROTTLED = 4,
    ROLLCALL_RESULT_NOT_NOW = 5,
    ROLLCALL_RESULT_NOT_UNDERSTOOD = 6,
};

// May hold a secret (an answer, a link): erased at the end of its scope.
struct rollcall_packet {
    size_t len;
    unsigned char bytes[ROLLCALL_PACKET_MAX];
};
static inline void rollcall_packet_erase(struct rollcall_packet *p)
{
    explicit_bzero(p, sizeof(*p));
}
#define _cleanup_packet_ __attribute__((cleanup(rollcall_packet_erase)))

// ---- building and reading ----
void rollcall_packet_start(struct rollcall_packet *p, enum rollcall_packet_type type);
// NULL text is left out. 0 or -EMSGSIZE.
int rollcall_packet_put_text(struct rollcall_packet *p, enum rollcall_field field,
                             const char *text);
int rollcall_packet_put_number(struct rollcall_packet *p, enum rollcall_field field,
                               int64_t number);
int rollcall_packet_put_bytes(struct rollcall_packet *p, enum rollcall_field field,
                              const void *data, size_t len);
// The whole packet's form: 0 and its type, or -EBADMSG. Receive has done it.
int rollcall_packet_check(const struct rollcall_packet *p, int *ret_type);
// NUL-ended copy. 0, -ENOENT (no such field), -EBADMSG (a NUL inside), -EMSGSIZE.
int rollcall_packet_get_text(const struct rollcall_packet *p, enum rollcall_field field, char *ret,
                             size_t len);
// 0, -ENOENT, -EBADMSG (another length).
int rollcall_packet_get_number(const struct rollcall_packet *p, enum rollcall_field field,
                               int64_t *ret);

// 0 and how many bytes, -ENOENT, -EBADMSG, -EMSGSIZE (more than `size`).
int rollcall_packet_get_bytes(const struct rollcall_packet *p, enum rollcall_field field, void *ret,
                              size_t size, size_t *ret_len);

// ---- on the socket ----
// wait_ms < 0: for ever. 0, -ETIMEDOUT, -EPIPE (peer is gone), -errno.
int rollcall_packet_send(int fd, const struct rollcall_packet *p, int wait_ms);
// 0 and the type of a well-formed packet; -ETIMEDOUT, -EPIPE, -EBADMSG, -errno.
int rollcall_packet_receive(int fd, struct rollcall_packet *ret, int wait_ms, int *ret_type);

// ---- getting a verifier ----
// All that a verifier may take between two acts of a person: its next prompt or its result; and
// before the first: being reached or started, its hello and its first word. With what a hang-up
// waits, a login is refused within ten seconds whatever the verifier does, and wherever in it the
// verifier stops. The first word has half of it, for sshd doubles what a failed request took:
// 5.0 to 9.3 ms, which it derives from the host's keys and the name, times two until it is past
// (user_specific_delay in OpenSSH's auth2.c). Less than 5.12 s end before 9.52 s, with any keys;
// eight ended after as many as 16.
#define ROLLCALL_VERIFIER_FIRST_WORD_MS 3500
#define ROLLCALL_VERIFIER_SILENCE_MS    7000
#define ROLLCALL_VERIFIER_LAST_WORDS_MS 1000
_Static_assert(ROLLCALL_VERIFIER_SILENCE_MS + ROLLCALL_VERIFIER_LAST_WORDS_MS < 10000 &&
                   ROLLCALL_VERIFIER_FIRST_WORD_MS + ROLLCALL_VERIFIER_LAST_WORDS_MS < 5000,
               "refused within ten seconds");

// While somebody has something to do at the machine, such as touching a security key, the
// verifier says so (`wait`), and the silence begins anew; for so long in all after an answer.
#define ROLLCALL_VERIFIER_WAIT_EVERY_MS 2000
#define ROLLCALL_VERIFIER_WAIT_MS       90000

// A moment `wait_ms` from now on CLOCK_MONOTONIC, in milliseconds, and what is left until
// one: 0 when it is over.
int64_t rollcall_deadline_in(int wait_ms);
int rollcall_deadline_left(int64_t deadline);

struct rollcall_verifier_link {
    int fd;    // the conversation
    int pidfd; // of a verifier that was started directly, or -1
};
#define ROLLCALL_VERIFIER_LINK_NONE ((struct rollcall_verifier_link){-1, -1})

// Connects to `socket_path`, unless it is NULL; where nobody is there, or the peer closes before
// its hello, and this process is root and `program` is not NULL, starts `program`. Returns after
// the hello, all of it before `deadline`. 0, -ECONNREFUSED (nobody, and none could be started),
// -ETIMEDOUT, -EPROTO, -EACCES, -EPERM (the socket is not root's).
int rollcall_verifier_dial(const char *socket_path, const char *program, int64_t deadline,
                           struct rollcall_verifier_link *ret);
// Closes; gives a directly started verifier ROLLCALL_VERIFIER_LAST_WORDS_MS to end, then
// kills it; reaps it.
void rollcall_verifier_hang_up(struct rollcall_verifier_link *link);

#endif
