// SPDX-License-Identifier: BSD-2-Clause
// One connection to a directory.
#include "rollcall/ldap_session.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/ldap_session_internal.h"
#include "rollcall/cleanup.h"

#define SAY(...) snprintf(why, why_len, __VA_ARGS__)

static unsigned timeout_of(const struct rollcall_ldap_options *o)
{
    return o->timeout ? o->timeout : ROLLCALL_LDAP_TIMEOUT;
}

static bool is_scheme(const char *uri, const char *scheme)
{
    return strncasecmp(uri, scheme, strlen(scheme)) == 0;
}

// ---- what can be said before anybody is asked ----

static int check_uri(const char *uri, char *why, size_t why_len)
{
    static const char *const schemes[] = {"ldaps://", "ldap://", "ldapi://"};
    const char *rest = NULL, *end;
    LDAPURLDesc *d = NULL;
    int r;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (is_scheme(uri, schemes[i]))
            rest = uri + strlen(schemes[i]);
    if (!rest || strlen(uri) >= sizeof(((struct rollcall_ldap *)0)->uri)) {
        SAY("%.200s: write ldaps://HOST, ldap://HOST (StartTLS comes first) or ldapi://PATH", uri);
        return -EINVAL;
    }
    if (*rest == 0 || *rest == ':' || *rest == '/') { // libldap would take this host
        SAY("%s names no host", uri);
        return -EINVAL;
    }
    end = rest + strcspn(rest, "/? \t\r\n,");
    if (*end && strcmp(end, "/") != 0) {
        SAY("%s: nothing may stand behind host and port; the base has an option of its own", uri);
        return -EINVAL;
    }
    r = ldap_url_parse(uri, &d);
    ldap_free_urldesc(d);
    if (r != LDAP_URL_SUCCESS) {
        SAY("%s is no LDAP URI", uri);
        return -EINVAL;
    }
    return 0;
}

static int check_bind(const struct rollcall_ldap_options *o, char *why, size_t why_len)
{
    if (o->bind == ROLLCALL_LDAP_BIND_SIMPLE && (!o->bind_dn || !*o->bind_dn)) {
        SAY("a simple bind needs a bind_dn");
        return -EINVAL;
    }
    if (o->bind == ROLLCALL_LDAP_BIND_SIMPLE && (!o->password || o->password->len == 0)) {
        SAY("a simple bind needs a password; an empty one would be an anonymous bind");
        return -EINVAL;
    }
    if (!o->cert_file != !o->key_file) {
        SAY("a certificate and its key go together");
        return -EINVAL;
    }
    for (size_t i = 0; o->bind == ROLLCALL_LDAP_BIND_EXTERNAL && i < o->n_uris; i++)
        if (!o->cert_file && !is_scheme(o->uris[i], "ldapi://")) {
            SAY("%s: an external bind needs a certificate of our own and its key", o->uris[i]);
            return -EINVAL;
        }
    return 0;
}

int rollcall_ldap_options_check(const struct rollcall_ldap_options *o, char *why, size_t why_len)
{
    int r = 0;

    if (o->n_uris == 0 || o->n_uris > ROLLCALL_LDAP_URIS_MAX) {
        SAY("between 1 and %d URIs are needed", ROLLCALL_LDAP_URIS_MAX);
        return -EINVAL;
    }
    for (size_t i = 0; r == 0 && i < o->n_uris; i++)
        r = check_uri(o->uris[i], why, why_len);
    return r < 0 ? r : check_bind(o, why, why_len);
}

// ---- libldap for us alone ----

// Requests hold passwords: what liblber gives back is erased.
static void *ber_alloc_ours(ber_len_t size, void *ctx)
{
    (void)ctx;
    return malloc(size);
}

static void *ber_calloc_ours(ber_len_t n, ber_len_t size, void *ctx)
{
    (void)ctx;
    return calloc(n, size);
}

static void ber_free_ours(void *p, void *ctx)
{
    (void)ctx;
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *ber_realloc_ours(void *p, ber_len_t size, void *ctx)
{
    size_t before = p ? malloc_usable_size(p) : 0;
    void *fresh = malloc(size);

    if (!fresh)
        return NULL;
    if (p) {
        memcpy(fresh, p, before < size ? before : size);
        ber_free_ours(p, ctx);
    }
    return fresh;
}

static void prepare_libldap(void)
{
    static BerMemoryFunctions erasing = {ber_alloc_ours, ber_calloc_ours, ber_realloc_ours,
                                         ber_free_ours};
    static bool done;

    if (done)
        return;
    done = true;
    setenv("LDAPNOINIT", "1", 1); // ldap.conf may say TLS_REQCERT never
    ber_set_option(NULL, LBER_OPT_MEMORY_FNS, &erasing);
}

// ---- the connection ----

// A peer that vanished is noticed within the timeout.
static int on_connect(LDAP *ld, Sockbuf *sb, LDAPURLDesc *srv, struct sockaddr *addr,
                      struct ldap_conncb *ctx)
{
    struct rollcall_ldap *s = ctx->lc_arg;
    struct timeval tv = {.tv_sec = (time_t)s->timeout};
    int fd = -1, on = 1, idle = (int)(s->timeout + 1) / 2, probes = 2,
        between = (int)(s->timeout + 3) / 4, user_ms = (int)s->timeout * 1000;

    (void)ld;
    (void)srv;
    if (ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &fd) != 1 || fd < 0)
        return -1;
    if (ldap_bound_io(s, sb) < 0)
        return -1;
    s->connected = true;
    // Its deadline is TLS's from now on.
    ldap_set_deadline(s, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
    if (!addr || addr->sa_family == AF_UNIX)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof(between));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof(user_ms));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
}

static void on_disconnect(LDAP *ld, Sockbuf *sb, struct ldap_conncb *ctx)
{
    (void)ld;
    (void)sb;
    (void)ctx;
}

static int set_int(LDAP *ld, int option, int value)
{
    return ldap_set_option(ld, option, &value);
}

static int set_tls(LDAP *ld, const struct rollcall_ldap_options *o)
{
    int r = set_int(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND);

    if (r == LDAP_OPT_SUCCESS)
        r = set_int(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE,
                            o->ca_file ? o->ca_file : ROLLCALL_LDAP_CA_FILE);
    if (r == LDAP_OPT_SUCCESS && o->cert_file)
        r = ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE, o->cert_file);
    if (r == LDAP_OPT_SUCCESS && o->key_file)
        r = ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE, o->key_file);
    // The context is made of what was set before: last.
    return r == LDAP_OPT_SUCCESS ? set_int(ld, LDAP_OPT_X_TLS_NEWCTX, 0) : r;
}

static int set_options(struct rollcall_ldap *s, const struct rollcall_ldap_options *o)
{
    struct timeval tv = {.tv_sec = (time_t)s->timeout};
    int r = set_int(s->ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3);

    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(s->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(s->ld, LDAP_OPT_RESTART, LDAP_OPT_OFF);
    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(s->ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(s->ld, LDAP_OPT_TIMEOUT, &tv);
    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(s->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON);
    if (r == LDAP_OPT_SUCCESS)
        r = ldap_set_option(s->ld, LDAP_OPT_CONNECT_CB, &s->on_connect);
    if (r == LDAP_OPT_SUCCESS && !is_scheme(s->uri, "ldapi://"))
        r = set_tls(s->ld, o);
    return r == LDAP_OPT_SUCCESS ? 0 : -EINVAL;
}

const char *rollcall_ldap_said(struct rollcall_ldap *s, int code, char *buf, size_t len)
{
    char *text = NULL;

    ldap_get_option(s->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    if (text && *text)
        snprintf(buf, len, "%s (%.200s)", ldap_err2string(code), text);
    else
        snprintf(buf, len, "%s", ldap_err2string(code));
    ldap_memfree(text);
    return buf;
}

int rollcall_ldap_wait(struct rollcall_ldap *s, int msgid, int all, unsigned seconds,
                       LDAPMessage **ret, char *why, size_t why_len)
{
    struct timeval tv = {.tv_sec = (time_t)seconds};
    LDAPMessage *m = NULL;
    int code = LDAP_SERVER_DOWN, r;

    ldap_set_deadline(s, seconds);
    r = ldap_result(s->ld, msgid, all, &tv, &m);
    s->deadline = 0;
    if (r > 0) {
        *ret = m;
        return 1;
    }
    if (r == 0)
        return 0;
    ldap_get_option(s->ld, LDAP_OPT_RESULT_CODE, &code);
    SAY("%s: the connection is gone: %s", s->uri, ldap_err2string(code));
    return -ECONNRESET;
}

// An operation that has one answer. 0 with the result code.
static int answer_of(struct rollcall_ldap *s, int msgid, int type, const char *what, int *ret_code,
                     char *why, size_t why_len)
{
    LDAPMessage *m = NULL;
    int r = rollcall_ldap_wait(s, msgid, LDAP_MSG_ALL, s->timeout, &m, why, why_len);

    if (r == 0) {
        SAY("%s: no answer to %s within %u s", s->uri, what, s->timeout);
        return -ETIMEDOUT;
    }
    if (r < 0)
        return -EHOSTUNREACH;
    if (ldap_msgtype(m) != type) { // a yes to something else is none
        ldap_msgfree(m);
        SAY("%s: its answer to %s is an answer to something else", s->uri, what);
        return -EPROTO;
    }
    // Leaves the server's words for rollcall_ldap_said.
    if (ldap_parse_result(s->ld, m, ret_code, NULL, NULL, NULL, NULL, 1) != LDAP_SUCCESS) {
        SAY("%s: its answer to %s cannot be read", s->uri, what);
        return -EPROTO;
    }
    return 0;
}

// libldap over GnuTLS does not tell what of it failed.
static int tls_failed(struct rollcall_ldap *s, const struct rollcall_ldap_options *o, char *why,
                      size_t why_len)
{
    if (ldap_is_late(s)) {
        SAY("%s: no answer to the TLS handshake within %u s", s->uri, s->timeout);
        return -ETIMEDOUT;
    }
    SAY("%s: TLS failed: its certificate is not for this name, or has ended, or nobody in %s "
        "vouches for it, or it speaks no TLS 1.2%s",
        s->uri, o->ca_file ? o->ca_file : ROLLCALL_LDAP_CA_FILE,
        o->cert_file ? ", or it refuses our certificate" : "");
    return -EPROTO;
}

static int start_tls(struct rollcall_ldap *s, const struct rollcall_ldap_options *o, char *why,
                     size_t why_len)
{
    char said[300];
    int msgid = -1, code = ldap_start_tls(s->ld, NULL, NULL, &msgid), r = 0;

    if (code == LDAP_SUCCESS)
        r = answer_of(s, msgid, LDAP_RES_EXTENDED, "StartTLS", &code, why, why_len);
    if (r < 0)
        return r;
    if (code != LDAP_SUCCESS) {
        SAY("%s refuses StartTLS, and without TLS nothing is said to it: %s", s->uri,
            rollcall_ldap_said(s, code, said, sizeof(said)));
        return -EPROTO;
    }
    ldap_set_deadline(s, 0);
    code = ldap_install_tls(s->ld);
    return code == LDAP_SUCCESS ? 0 : tls_failed(s, o, why, why_len);
}

// libldap connects and shakes hands in one call and has one code for what goes wrong;
// where it came to a connection, it was TLS.
static int reach(struct rollcall_ldap *s, const struct rollcall_ldap_options *o, char *why,
                 size_t why_len)
{
    int code, r = 0;

    ldap_set_deadline(s, s->timeout); // the name, the connection and the handshake
    code = ldap_connect(s->ld);
    if (code != LDAP_SUCCESS && s->connected && is_scheme(s->uri, "ldaps://"))
        return tls_failed(s, o, why, why_len);
    if (code != LDAP_SUCCESS) {
        SAY("%s: no connection: %s", s->uri, ldap_err2string(code));
        return code == LDAP_TIMEOUT ? -ETIMEDOUT : -EHOSTUNREACH;
    }
    if (is_scheme(s->uri, "ldap://"))
        r = start_tls(s, o, why, why_len);
    s->deadline = 0;
    if (r == 0 && !is_scheme(s->uri, "ldapi://") && !ldap_tls_inplace(s->ld)) {
        SAY("%s: there is no TLS", s->uri);
        return -EPROTO;
    }
    return r;
}

int rollcall_ldap_connect(const struct rollcall_ldap_options *o, size_t which,
                          struct rollcall_ldap **ret, char *why, size_t why_len)
{
    _cleanup_ldap_ struct rollcall_ldap *s = NULL;
    ber_len_t max = o->message_max ? o->message_max : ROLLCALL_LDAP_MESSAGE_MAX;
    Sockbuf *sb = NULL;
    int r = rollcall_ldap_options_check(o, why, why_len);

    if (r < 0)
        return r;
    prepare_libldap();
    s = calloc(1, sizeof(*s));
    if (!s) {
        SAY("there is no memory");
        return -ENOMEM;
    }
    snprintf(s->uri, sizeof(s->uri), "%s", o->uris[which]);
    s->which = which;
    s->timeout = timeout_of(o);
    s->on_connect =
        (struct ldap_conncb){.lc_add = on_connect, .lc_del = on_disconnect, .lc_arg = s};
    if (ldap_initialize(&s->ld, s->uri) != LDAP_SUCCESS || set_options(s, o) < 0) {
        SAY("%s: TLS cannot be prepared: is %s a PEM file%s?", s->uri,
            o->ca_file ? o->ca_file : ROLLCALL_LDAP_CA_FILE,
            o->cert_file ? ", and do certificate and key belong together" : "");
        return -EINVAL;
    }
    if (ldap_get_option(s->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb)
        ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max);
    r = reach(s, o, why, why_len);
    if (r == 0)
        *ret = ROLLCALL_TAKE(s);
    return r;
}

// ---- the bind ----

static int simple_or_external(struct rollcall_ldap *s, const struct rollcall_ldap_options *o,
                              int *ret_code, char *why, size_t why_len)
{
    bool external = o->bind == ROLLCALL_LDAP_BIND_EXTERNAL;
    char empty[1] = ""; // EXTERNAL: an authorization id is sent, and it is empty
    struct berval cred = {0, empty};
    int msgid = -1, code;

    if (o->bind == ROLLCALL_LDAP_BIND_SIMPLE) { // libldap reads it, whatever its type says
        cred.bv_len = o->password->len;
        cred.bv_val = (char *)(uintptr_t)o->password->bytes;
    }
    code = ldap_sasl_bind(s->ld, o->bind == ROLLCALL_LDAP_BIND_SIMPLE ? o->bind_dn : "",
                          external ? "EXTERNAL" : LDAP_SASL_SIMPLE, &cred, NULL, NULL, &msgid);
    if (code != LDAP_SUCCESS) {
        SAY("%s: the bind could not be sent: %s", s->uri, ldap_err2string(code));
        return -EHOSTUNREACH;
    }
    return answer_of(s, msgid, LDAP_RES_BIND, "the bind", ret_code, why, why_len);
}

static int no_questions(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
    (void)ld;
    (void)flags;
    (void)defaults;
    (void)questions;
    return LDAP_SUCCESS;
}

// Inside TLS no layer of SASL's own: Active Directory refuses two. The channel binding
// ties the ticket to this very TLS connection.
static int gssapi(struct rollcall_ldap *s, const struct rollcall_ldap_options *o)
{
    static const ber_len_t none = 0;
    char keytab[600];
    int code;

    if (o->keytab) {
        snprintf(keytab, sizeof(keytab), "FILE:%s", o->keytab);
        setenv("KRB5_CLIENT_KTNAME", keytab, 1);
    }
    setenv("KRB5CCNAME", "MEMORY:rollcall", 1); // tickets end with the process
    ldap_set_option(s->ld, LDAP_OPT_X_SASL_SSF_MAX, &none);
    // The service's name is the one in the URI, not what an address's reverse says.
    ldap_set_option(s->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON);
    set_int(s->ld, LDAP_OPT_X_SASL_CBINDING, LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT);
    ldap_set_deadline(s, s->timeout);
    code = ldap_sasl_interactive_bind_s(s->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET,
                                        no_questions, NULL);
    s->deadline = 0;
    return code;
}

int rollcall_ldap_bind(struct rollcall_ldap *s, const struct rollcall_ldap_options *o, char *why,
                       size_t why_len)
{
    char said[300];
    int code = LDAP_OTHER, r = check_bind(o, why, why_len);

    if (r < 0)
        return r;
    if (!is_scheme(s->uri, "ldapi://") && !ldap_tls_inplace(s->ld)) { // never, see reach()
        SAY("%s: there is no TLS", s->uri);
        return -EPROTO;
    }
    if (o->bind == ROLLCALL_LDAP_BIND_NONE)
        return 0;
    if (o->bind == ROLLCALL_LDAP_BIND_GSSAPI)
        code = gssapi(s, o);
    else
        r = simple_or_external(s, o, &code, why, why_len);
    if (r < 0 || code == LDAP_SUCCESS)
        return r;
    SAY("%s refuses the bind%s%s: %s", s->uri, o->bind_dn ? " of " : "",
        o->bind_dn ? o->bind_dn : "", rollcall_ldap_said(s, code, said, sizeof(said)));
    return code == LDAP_TIMEOUT                            ? -ETIMEDOUT
           : code == LDAP_BUSY || code == LDAP_UNAVAILABLE ? -EHOSTUNREACH
                                                           : -EACCES;
}

int rollcall_ldap_open(const struct rollcall_ldap_options *o, struct rollcall_ldap **ret, char *why,
                       size_t why_len)
{
    int r = rollcall_ldap_options_check(o, why, why_len);
    size_t used = 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < o->n_uris; i++) {
        _cleanup_ldap_ struct rollcall_ldap *s = NULL;
        char one[600];
        r = rollcall_ldap_connect(o, (o->first + i) % o->n_uris, &s, one, sizeof(one));
        if (r == 0)
            r = rollcall_ldap_bind(s, o, one, sizeof(one));
        if (r == 0) {
            *ret = ROLLCALL_TAKE(s);
            return 0;
        }
        if (used < why_len) // each server's own cause: the first may be the one to mend
            used += (size_t)snprintf(why + used, why_len - used, "%s%s", used ? "; " : "", one);
        if (r == -EACCES || r == -EINVAL)
            break;
    }
    return r;
}

// ---- what the others need of it ----

LDAP *rollcall_ldap_handle(const struct rollcall_ldap *s)
{
    return s->ld;
}

const char *rollcall_ldap_uri(const struct rollcall_ldap *s)
{
    return s->uri;
}

size_t rollcall_ldap_which(const struct rollcall_ldap *s)
{
    return s->which;
}

int rollcall_ldap_fd(const struct rollcall_ldap *s)
{
    int fd = -1;

    return ldap_get_option(s->ld, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS ? fd : -1;
}

struct rollcall_ldap *rollcall_ldap_close(struct rollcall_ldap *s)
{
    if (s && s->ld)
        ldap_unbind_ext_s(s->ld, NULL, NULL);
    free(s);
    return NULL;
}
