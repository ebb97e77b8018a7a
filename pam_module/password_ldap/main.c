// SPDX-License-Identifier: BSD-2-Clause
// rollcall-password-ldap: one request on descriptor 0, one answer, the end. Started for the
// verifier, as a user that owns nothing: what a directory says is parsed here, where there
// is no host key, no credential file and no verdict.
#include <stdio.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/password_ldap/directory.h"

#define REQUEST_MS 2000
#define ALL_S      12

static int serve(void)
{
    __attribute__((cleanup(rollcall_check_request_erase))) struct rollcall_check_request q = {0};
    _cleanup_packet_ struct rollcall_packet p = {0};
    struct rollcall_check_answer answer;
    int type, r = rollcall_packet_receive(STDIN_FILENO, &p, REQUEST_MS, &type);

    if (r == 0)
        r = rollcall_check_request_read(&p, &q);
    rollcall_packet_erase(&p);
    if (r < 0)
        return r;
    directory_ask(&q, &answer);
    r = rollcall_check_answer_pack(&answer, &p);
    return r == 0 ? rollcall_packet_send(STDIN_FILENO, &p, REQUEST_MS) : r;
}

int main(int argc, char **argv)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    int r;

    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        fprintf(stderr, "rollcall-password-ldap is started by rollcall-verifier\n");
        return 2;
    }
    if (getuid() == 0 || geteuid() == 0)
        return 1; // somebody else started it: no directory's bytes are parsed as root
    alarm(ALL_S);
    // Connects now: there are no local sockets later.
    openlog("rollcall-password-ldap", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
    r = confine(argv + 1, argc - 1);
    if (r == 0)
        r = serve();
    fflush(NULL);
    _exit(r < 0 ? 1 : 0);
}
