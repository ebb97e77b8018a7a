// SPDX-License-Identifier: BSD-2-Clause
// The module's side of the verifier's door: a hostile verifier says any packets. A login is
// allowed for a result packet of code 0 alone, and never by a packet that is not well formed.
//
// Input: packets, each with its length in two bytes before it. All of them are in the socket
// before the module reads its first, so nothing waits.
#include <security/pam_appl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "pam_module/module.h"
#include "rollcall/audit.h"
#include "rollcall/protocol.h"
#include "tests/fuzz/packets.h"
#include "tests/unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static pam_handle_t *pamh;
static int theirs = -1, ours = -1; // of this input's socket pair
static unsigned asked;

// ---- the world around the module ----

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
void __wrap_pam_syslog(const pam_handle_t *h, int priority, const char *format, ...);
int __wrap_posix_spawn(void);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    (void)to;
    (void)len;
    return dup2(ours, fd) < 0 ? -1 : 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct ucred *peer = value;

    (void)fd;
    (void)level;
    (void)name;
    (void)len;
    *peer = (struct ucred){.pid = 1, .uid = 0, .gid = 0};
    return 0;
}

void __wrap_pam_syslog(const pam_handle_t *h, int priority, const char *format, ...)
{
    (void)h;
    (void)priority;
    (void)format;
}

int __wrap_posix_spawn(void)
{
    return 11; // EAGAIN: there is no second verifier
}

void rollcall_audit(const char *socket_path, const char *event, ...)
{
    (void)socket_path;
    (void)event;
}

static int converse(int n, const struct pam_message **m, struct pam_response **r, void *ctx)
{
    struct pam_response *out = calloc((size_t)n, sizeof(*out));

    (void)ctx;
    for (int i = 0; out && i < n; i++) {
        asked += m[i]->msg_style == PAM_PROMPT_ECHO_ON || m[i]->msg_style == PAM_PROMPT_ECHO_OFF;
        if (strlen(m[i]->msg) > ROLLCALL_PACKET_TEXT_MAX)
            abort();
        out[i].resp = strdup("123456");
    }
    *r = out;
    return out ? PAM_SUCCESS : PAM_BUF_ERR;
}

// ---- one input ----

// What the page of the door says, in another way than the module: the first packet is a
// hello, then prompts and waits, and the first other packet is a result of code 0. Prompts
// and waits: for a login alone; prompts with a text of the allowed length.
static bool is_a_yes(const struct packets *all, bool login)
{
    bool greeted = false;

    for (size_t i = 0; i < all->n; i++) {
        const struct rollcall_packet *p = &all->packet[i];
        char text[ROLLCALL_PACKET_TEXT_MAX + 1];
        int64_t code;
        int type;
        if (p->len == 0)
            continue; // was not sent
        if (rollcall_packet_check(p, &type) < 0 || greeted == (type == ROLLCALL_PACKET_HELLO))
            return false;
        if (!greeted) {
            greeted = true;
            continue;
        }
        if (type == ROLLCALL_PACKET_RESULT)
            return rollcall_packet_get_number(p, ROLLCALL_FIELD_CODE, &code) == 0 && code == 0;
        if (type == ROLLCALL_PACKET_WAIT && login)
            continue;
        if (type != ROLLCALL_PACKET_PROMPT || !login ||
            rollcall_packet_get_text(p, ROLLCALL_FIELD_TEXT, text, sizeof(text)) < 0)
            return false;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pam_call call = {
        .pamh = pamh, .user = "alice", .service = "sshd", .rhost = "203.0.113.7", .tty = "ssh"};
    static struct packets all;
    bool login = size > 0 && (data[0] & 1) == 0, yes;
    int pair[2];

    if (size == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    call.silent = data[0] & 2;
    packets_read(data + 1, size - 1, &all);
    theirs = pair[0];
    ours = pair[1];
    packets_send(&all, theirs);
    // What it sends is taken and not read; at the end of what it was sent stands the end.
    shutdown(theirs, SHUT_WR);
    asked = 0;
    yes = (login ? relay_login(&call) : relay_ticket(&call)) == PAM_SUCCESS;
    close(theirs);
    close(ours);
    if (yes != is_a_yes(&all, login) || (!login && asked > 0) || asked > all.n)
        abort();
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct pam_conv conv = {.conv = converse};
    char folder[] = "/tmp/rollcall-fuzz-XXXXXX", path[64];

    packets_seed(*argc, *argv, packets_of_a_verifier);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/fuzz", folder);
    scratch_write(path, "auth required pam_permit.so\n", 28);
    if (pam_start_confdir("fuzz", "alice", &conv, folder, &pamh) != PAM_SUCCESS)
        return -1;
    unlink(path);
    rmdir(folder);
    return 0;
}
