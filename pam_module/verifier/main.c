// SPDX-License-Identifier: BSD-2-Clause
// rollcall-verifier: one conversation on descriptor 0, then the end. Started by a root
// program, or forked by its own parent behind systemd's socket.
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/verifier/resident.h"
#include "pam_module/verifier/verifier.h"
#include "rollcall/cgroup.h"
#include "rollcall/paths.h"
#include "rollcall/timeparse.h"

#define REQUEST_MS 10000

static int say_hello(int fd)
{
    struct rollcall_packet p;

    rollcall_packet_start(&p, ROLLCALL_PACKET_HELLO);
    return rollcall_packet_send(fd, &p, 5000);
}

static int serve(struct verifier *v)
{
    _cleanup_packet_ struct rollcall_packet request = {0};
    int type, r = rollcall_packet_receive(v->peer, &request, REQUEST_MS, &type);

    if (r < 0)
        return r;
    if (type == ROLLCALL_PACKET_LOGIN)
        return session_login(v, &request);
    if (v->peer_uid != 0)
        return say_result(v, ROLLCALL_RESULT_REFUSED, NULL, NULL);
    switch (type) {
    case ROLLCALL_PACKET_TICKET:
        return session_ticket(v, &request);
    case ROLLCALL_PACKET_PASSWD:
        return session_passwd(v, &request);
    case ROLLCALL_PACKET_ENROL:
        return enrol_totp(v, &request);
    case ROLLCALL_PACKET_DESTROY:
        return enrol_destroy(v, &request);
    case ROLLCALL_PACKET_FACTORS:
        return enrol_factors(v, &request);
    case ROLLCALL_PACKET_CODE:
        return desk_code(v, &request);
    case ROLLCALL_PACKET_READY:
        return enrol_ready(v, &request);
    case ROLLCALL_PACKET_FORGET:
        return desk_forget(v, &request);
    case ROLLCALL_PACKET_DROP_CACHE:
        return desk_drop_cache(v, &request);
    case ROLLCALL_PACKET_RESET:
        return desk_reset(v, &request);
    case ROLLCALL_PACKET_ENROL_KEY:
        return enrol_key(v, &request);
    case ROLLCALL_PACKET_KEYS:
        return list_keys(v, &request);
    case ROLLCALL_PACKET_VOUCH:
        return desk_vouch(v, &request);
    case ROLLCALL_PACKET_FORGET_KEY:
        return forget_key(v, &request);
    default:
        return say_result(v, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL, NULL);
    }
}

int verifier_load_config(struct rollcall_config **ret)
{
    struct rollcall_findings findings = {0};
    char first[800];
    int r = rollcall_config_load(ROLLCALL_CONF, ret, &findings);

    // The first mistake; rollcall check-config names all.
    if (r < 0 && rollcall_findings_first(&findings, first, sizeof(first)))
        syslog(LOG_ERR, "the configuration cannot be used: %s", first);
    else if (r < 0)
        syslog(LOG_ERR, "the configuration cannot be used: %s: %s", ROLLCALL_CONF, strerror(-r));
    rollcall_findings_free(&findings);
    return r;
}

void verifier_read_config(struct verifier *v)
{
    if (verifier_load_config(&v->config) == 0)
        rollcall_timezone_use(v->config->timezone);
}

// By its own start, or by its parent's.
static int make_ready(struct verifier *v, char **argv)
{
    int r;

    if (resident_wanted())
        return resident_serve(v, argv);
    rollcall_leave_cgroup(); // a credential file's lock is nobody's to freeze
    verifier_read_config(v);
    network_child_hold(v); // before there is a secret in this memory, and while there is a network
    r = privilege_prepare(v);
    return r == 0 ? network_leave(true) : r;
}

static int know_peer(struct verifier *v)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(v->peer, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return -errno;
    v->peer_uid = peer.uid;
    if (gethostname(v->host, sizeof(v->host) - 1) < 0)
        snprintf(v->host, sizeof(v->host), "this host");
    snprintf(v->full_host, sizeof(v->full_host), "%.63s", v->host);
    v->host[strcspn(v->host, ".")] = 0;
    return 0;
}

int main(int argc, char **argv)
{
    struct verifier v = {.peer = STDIN_FILENO,
                         .credentials = -1,
                         .tickets = -1,
                         .host_network = -1,
                         .network = {.fd = -1}};
    int r;

    (void)argc;
    openlog("rollcall-verifier", LOG_PID, LOG_AUTHPRIV);
    // Ciphers by name, words for errors and a tidying up at the end are a third of what
    // libcrypto costs a process that lives for one login, and nobody here asks for them.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
                            OPENSSL_INIT_NO_ATEXIT,
                        NULL);
    if (know_peer(&v) < 0) {
        fprintf(stderr, "rollcall-verifier is started by systemd's socket or by pam_rollcall.so\n");
        return 2;
    }
    r = make_ready(&v, argv);
    if (r == -EINTR)
        return 0; // a parent that was told to end
    if (r == 0)
        r = know_peer(&v);
    if (r == 0)
        r = privilege_take_and_drop(&v);
    if (r < 0) {
        syslog(LOG_ERR, "cannot start: %s", strerror(-r));
        return 1;
    }
    r = say_hello(v.peer);
    if (r == 0)
        r = serve(&v);
    network_child_end(&v.network);
    if (v.forked) // to free what the parent has is to copy it first
        _exit(r < 0 ? 1 : 0);
    explicit_bzero(v.key, sizeof(v.key));
    credential_forget();
    rollcall_keys_close(v.keys);
    rollcall_config_free(v.config);
    return r < 0;
}
