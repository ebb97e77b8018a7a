// SPDX-License-Identifier: BSD-2-Clause
// rollcall-verifier: one conversation on descriptor 0, then the end. Started by systemd's
// socket, or by a root program that found nobody there.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"
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

static void read_config(struct verifier *v, struct rollcall_config **ret)
{
    struct rollcall_findings findings;

    if (rollcall_config_load(ROLLCALL_CONF, ret, &findings) == 0) {
        v->config = *ret;
        rollcall_timezone_use(v->config->timezone);
    }
    rollcall_findings_free(&findings);
}

int main(void)
{
    struct verifier v = {.peer = STDIN_FILENO, .credentials = -1, .tickets = -1};
    struct rollcall_config *config = NULL;
    struct ucred peer;
    socklen_t len = sizeof(peer);
    int r;

    openlog("rollcall-verifier", LOG_PID, LOG_AUTHPRIV);
    if (getsockopt(v.peer, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        fprintf(stderr, "rollcall-verifier is started by systemd's socket or by pam_rollcall.so\n");
        return 2;
    }
    v.peer_uid = peer.uid;
    if (gethostname(v.host, sizeof(v.host) - 1) < 0)
        snprintf(v.host, sizeof(v.host), "this host");
    snprintf(v.full_host, sizeof(v.full_host), "%.63s", v.host);
    v.host[strcspn(v.host, ".")] = 0;
    read_config(&v, &config);
    r = privilege_take_and_drop(&v);
    if (r < 0) {
        syslog(LOG_ERR, "cannot start: %s", strerror(-r));
        return 1;
    }
    r = say_hello(v.peer);
    if (r == 0)
        r = serve(&v);
    rollcall_keys_close(v.keys);
    explicit_bzero(v.key, sizeof(v.key));
    rollcall_config_free(config);
    return r < 0;
}
