// SPDX-License-Identifier: BSD-2-Clause
// The verifier's side of its door: a hostile client, root or somebody who asks about himself,
// sends any packets to the verifier's own code, over a credential file that it made. Nobody
// gets a yes to a login without a code that fits, and nobody but root gets anything else.
//
// Input: a byte (1: not root), then packets as in packets.h.
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

// Its requests are told apart in there, and its main is no function to call.
#define main verifier_main
int verifier_main(int argc, char **argv);
#include "pam_module/verifier/main.c" // NOLINT(bugprone-suspicious-include): as said above
#undef main

#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "tests/fuzz/packets.h"
#include "tests/unit/scratch.h"

#define ALICE 1879048292u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static int folder = -1, tickets = -1;
static const char config_text[] =
    "[rollcall]\ntimezone = UTC\n[source hr]\ntype = csv\nrole = authority, directory\n"
    "path = /x.csv\n[access]\nallow_groups = linux-users\n[mfa]\nfactors = totp, recovery, fido2\n"
    "enrol = access-code\n";
static struct rollcall_config *config;

// ---- the world around the verifier ----

void __wrap_syslog(int priority, const char *format, ...);
int __wrap_fdatasync(int fd);
int __wrap_oath_totp_generate2(const char *s, size_t n, time_t now, unsigned step, time_t start,
                               unsigned digits, int flags, char *out);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);

void __wrap_syslog(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

int __wrap_fdatasync(int fd)
{
    (void)fd;
    return 0;
}

// Nobody's code is ever right: so that every yes to a login is a fault.
int __wrap_oath_totp_generate2(const char *s, size_t n, time_t now, unsigned step, time_t start,
                               unsigned digits, int flags, char *out)
{
    (void)s;
    (void)n;
    (void)now;
    (void)step;
    (void)start;
    (void)digits;
    (void)flags;
    memcpy(out, "xxxxxx", 7);
    return 0;
}

// No security key answers.
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    (void)pid;
    (void)path;
    (void)files;
    (void)attributes;
    (void)argv;
    (void)envp;
    return ENOENT;
}

int privilege_take_and_drop(struct verifier *v)
{
    (void)v;
    return -EPERM;
}

int privilege_prepare(struct verifier *v)
{
    (void)v;
    return -EPERM;
}

int network_leave(bool for_one_login)
{
    (void)for_one_login;
    return -EPERM;
}

bool resident_wanted(void)
{
    return false;
}

int resident_serve(struct verifier *v, char **argv)
{
    (void)v;
    (void)argv;
    return -EPERM;
}

void rollcall_audit(const char *socket_path, const char *event, ...)
{
    (void)socket_path;
    (void)event;
}

void rollcall_look_end(struct rollcall_look *look)
{
    (void)look; // nothing was opened
}

void rollcall_admission_look_again(struct rollcall_look *look, const char *board_path,
                                   const char *private_path, const char *name, uid_t uid,
                                   int64_t now, struct rollcall_admission *ret,
                                   struct rollcall_person *ret_person, char *buf, size_t buf_len)
{
    bool alice = name && strcmp(name, "alice") == 0;

    (void)look;
    (void)board_path;
    (void)private_path;
    (void)uid;
    (void)now;
    (void)buf;
    (void)buf_len;
    *ret = (struct rollcall_admission){.cause = alice ? ROLLCALL_ADMIT : ROLLCALL_REFUSE_UNKNOWN,
                                       .state = alice ? ROLLCALL_STATE_ACTIVE : ROLLCALL_STATE_NONE,
                                       .lease_ends = ROLLCALL_TIME_UNSET,
                                       .next = ROLLCALL_TIME_UNSET};
    if (ret_person)
        *ret_person = (struct rollcall_person){.name = alice ? "alice" : "",
                                               .uid = alice ? ALICE : 0,
                                               .former_name = "",
                                               .display_name = "Alice",
                                               .employee_number = "",
                                               .immutable_id = "",
                                               .home = "",
                                               .shell = "",
                                               .dn = ""};
}

void rollcall_admission_look_up(const char *board_path, const char *private_path, const char *name,
                                uid_t uid, int64_t now, struct rollcall_admission *ret,
                                struct rollcall_person *ret_person, char *buf, size_t buf_len)
{
    struct rollcall_look none = {0};

    rollcall_admission_look_again(&none, board_path, private_path, name, uid, now, ret, ret_person,
                                  buf, buf_len);
}

const char *rollcall_admission_cause_name(enum rollcall_admission_cause cause)
{
    (void)cause;
    return "a cause";
}

// ---- one input ----

static void reset(const uint8_t key[HOST_KEY_LEN])
{
    struct credential_file f;
    struct credential c = {.version = CREDENTIAL_VERSION,
                           .uid = ALICE,
                           .totp = {.enrolled = 1, .digits = 6, .secret_len = 20},
                           .fido = {{.id_len = 64, .pk_len = 64, .label = "key 1"}}};

    if (credential_open(folder, key, ALICE, &f) < 0 || credential_destroy(&f) < 0 ||
        credential_write(&f, &c) < 0)
        abort();
    credential_close(&f);
}

// What the client got: every packet of ours is well formed, and none is a yes that it may not have.
static void judge(int fd, int request, bool root)
{
    struct rollcall_packet p;
    int64_t code;
    int type, r, results = 0;

    while ((r = rollcall_packet_receive(fd, &p, 0, &type)) == 0) {
        if (results > 0 || (type != ROLLCALL_PACKET_PROMPT && type != ROLLCALL_PACKET_RESULT))
            abort();
        if (type != ROLLCALL_PACKET_RESULT)
            continue;
        results++;
        if (rollcall_packet_get_number(&p, ROLLCALL_FIELD_CODE, &code) < 0)
            abort();
        if (code == ROLLCALL_RESULT_YES &&
            (!root || request == ROLLCALL_PACKET_LOGIN || request == ROLLCALL_PACKET_TICKET))
            abort();
    }
    if (r == -EBADMSG)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct packets all;
    struct verifier v = {
        .credentials = folder, .tickets = tickets, .config = config, .host = "web1"};
    int pair[2], request = 0;

    if (size == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    memcpy(v.key, "0123456789abcdef0123456789abcdef", HOST_KEY_LEN);
    v.peer_uid = data[0] & 1 ? ALICE : 0;
    v.peer = pair[1];
    packets_read(data + 1, size - 1, &all);
    for (size_t i = 0; i < all.n && request == 0; i++)
        if (all.packet[i].len > 0 && rollcall_packet_check(&all.packet[i], &request) < 0)
            request = -1;
    reset(v.key);
    packets_send(&all, pair[0]);
    shutdown(pair[0], SHUT_WR);
    serve(&v);
    close(pair[1]);
    judge(pair[0], request, v.peer_uid == 0);
    close(pair[0]);
    return 0;
}

static int make_folder(const char *in, const char *name)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", in, name);
    return mkdir(path, 0700) < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    _cleanup_free_ char *in = NULL;
    char path[300];
    struct rollcall_findings findings;

    packets_seed(*argc, *argv, packets_of_a_client);
    in = scratch_make(scratch_memory());
    folder = make_folder(in, "credentials");
    tickets = make_folder(in, "tickets");
    snprintf(path, sizeof(path), "%s/rollcall.conf", in);
    scratch_write(path, config_text, sizeof(config_text) - 1);
    if (folder < 0 || tickets < 0 || rollcall_config_load(path, &config, &findings) < 0)
        return -1;
    rollcall_findings_free(&findings);
    return 0;
}
