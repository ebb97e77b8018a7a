// SPDX-License-Identifier: BSD-2-Clause
// One connection to a directory, opened as all of rollcall opens it: the first of several
// servers that answers, TLS 1.2 or later with the server's name verified, a bind that
// sends no password over anything else, a server that hangs noticed within `timeout`,
// no referral followed. libldap underneath; the machine's ldap.conf and .ldaprc are not
// read. Programs that use it link -lldap -llber. Not for two threads at once.
// They ignore SIGPIPE: a server may hang up while it is written to.
#ifndef ROLLCALL_LDAP_SESSION_H
#define ROLLCALL_LDAP_SESSION_H

#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>

#include "rollcall/secret.h"

#define ROLLCALL_LDAP_URIS_MAX    16
#define ROLLCALL_LDAP_TIMEOUT     10                // seconds, where the options say 0
#define ROLLCALL_LDAP_MESSAGE_MAX (4 * 1024 * 1024) // bytes, where the options say 0
#define ROLLCALL_LDAP_CA_FILE     "/etc/ssl/certs/ca-certificates.crt"

enum rollcall_ldap_bind {
    ROLLCALL_LDAP_BIND_SIMPLE = 0, // bind_dn and password (RFC 4513, 5.1.3)
    ROLLCALL_LDAP_BIND_EXTERNAL,   // the client certificate, or the uid behind ldapi://
    ROLLCALL_LDAP_BIND_GSSAPI,     // a ticket for the keytab's first principal
    ROLLCALL_LDAP_BIND_NONE,       // anonymous
};

// Strings and lists are the caller's and have to live as long as the call.
struct rollcall_ldap_options {
    // ldaps://HOST[:PORT]; ldap://HOST[:PORT], where StartTLS comes first always;
    // ldapi://PATH with %2F for each slash. Nothing behind the port.
    const char *const *uris;
    size_t n_uris;
    size_t first;          // where rollcall_ldap_open begins; it goes round
    const char *ca_file;   // PEM; NULL: ROLLCALL_LDAP_CA_FILE
    const char *cert_file; // PEM of our own certificate, or NULL
    const char *key_file;
    enum rollcall_ldap_bind bind;
    const char *bind_dn; // simple
    const struct rollcall_secret *password;
    const char *keytab; // gssapi; NULL: the system's
    unsigned timeout;   // seconds for each step: connect, TLS, bind
    size_t message_max; // bytes of one message from the server; longer ends the session
};

struct rollcall_ldap;

// All return 0 or a negative errno with a sentence in `why` that names URI and cause:
//   -EINVAL        the options cannot be meant
//   -EHOSTUNREACH  no connection     -EPROTO  no TLS, or not with this name and CA
//   -ETIMEDOUT     no answer         -EACCES  the bind was refused
// *ret is untouched on failure.

// What can be said before anybody is asked; all others begin with it.
int rollcall_ldap_options_check(const struct rollcall_ldap_options *o, char *why, size_t why_len);

// To uris[which], with TLS, and not yet bound.
int rollcall_ldap_connect(const struct rollcall_ldap_options *o, size_t which,
                          struct rollcall_ldap **ret, char *why, size_t why_len);
// As o says. An empty password is refused before it is sent: a server would take it for
// an anonymous bind and say yes (RFC 4513, 5.1.2).
int rollcall_ldap_bind(struct rollcall_ldap *s, const struct rollcall_ldap_options *o, char *why,
                       size_t why_len);
// Both, with the first server of the list that takes us. Where one says that the password
// is wrong, no other is asked: each more would count against the account.
int rollcall_ldap_open(const struct rollcall_ldap_options *o, struct rollcall_ldap **ret, char *why,
                       size_t why_len);

// Waits at most `seconds` for a message of this operation. 1 with *ret, which the caller
// frees; 0 when none came; -ECONNRESET when the connection is gone, with a sentence.
// `all`: LDAP_MSG_ONE, LDAP_MSG_ALL or LDAP_MSG_RECEIVED.
int rollcall_ldap_wait(struct rollcall_ldap *s, int msgid, int all, unsigned seconds,
                       LDAPMessage **ret, char *why, size_t why_len);

LDAP *rollcall_ldap_handle(const struct rollcall_ldap *s);
const char *rollcall_ldap_uri(const struct rollcall_ldap *s);
size_t rollcall_ldap_which(const struct rollcall_ldap *s); // index of the URI
int rollcall_ldap_fd(const struct rollcall_ldap *s);       // for poll; -1 where there is none
// What the server said beside its result code, "" where nothing; a sentence for libldap's own
// codes.
const char *rollcall_ldap_said(struct rollcall_ldap *s, int code, char *buf, size_t len);

// Unbinds; accepts NULL; returns NULL.
struct rollcall_ldap *rollcall_ldap_close(struct rollcall_ldap *s);

static inline void rollcall_ldap_closep(struct rollcall_ldap **s)
{
    rollcall_ldap_close(*s);
}
#define _cleanup_ldap_ __attribute__((cleanup(rollcall_ldap_closep)))

#endif
