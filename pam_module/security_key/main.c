// SPDX-License-Identifier: BSD-2-Clause
// rollcall-security-key: one request on descriptor 0, one reply, the end. Started by the
// verifier, with an environment and a memory of its own: what a device says is parsed here,
// where there is no host key, no credential file and no verdict.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pam_module/security_key/device.h"

#define REQUEST_MS 5000
#define END_MS     2000

// Says nothing after its request: an end, or a word, means that nobody waits any more.
static void *watch(void *ctx)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN | POLLRDHUP};

    (void)ctx;
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    device_cancel();
    poll(NULL, 0, END_MS); // a device that does not listen to that is left alone
    _exit(1);
}

static void tell(void *ctx, enum rollcall_key_state state)
{
    struct rollcall_packet p;

    (void)ctx;
    rollcall_packet_start(&p, ROLLCALL_PACKET_KEY_STATE);
    if (rollcall_packet_put_number(&p, ROLLCALL_FIELD_STATUS, state) == 0)
        rollcall_packet_send(STDIN_FILENO, &p, REQUEST_MS);
}

static int serve(void)
{
    __attribute__((cleanup(rollcall_key_request_erase))) struct rollcall_key_request request = {0};
    _cleanup_packet_ struct rollcall_packet p = {0};
    struct rollcall_key_reply reply;
    pthread_t watcher;
    int type, r = rollcall_packet_receive(STDIN_FILENO, &p, REQUEST_MS, &type);

    if (r == 0)
        r = rollcall_key_request_read(&p, &request);
    if (r < 0)
        return r;
    r = -pthread_create(&watcher, NULL, watch, NULL);
    if (r < 0)
        return r;
    device_carry_out(&request, tell, NULL, &reply);
    r = rollcall_key_reply_pack(&reply, &p);
    return r == 0 ? rollcall_packet_send(STDIN_FILENO, &p, REQUEST_MS) : r;
}

int main(void)
{
    int r;

    if (isatty(STDIN_FILENO)) {
        fprintf(stderr, "rollcall-security-key is started by rollcall-verifier\n");
        return 2;
    }
    // A library that logged would log a PIN's neighbours; it is told nothing.
    fido_init(0);
    r = confine();
    if (r == 0)
        r = serve();
    fflush(NULL);
    _exit(r < 0 ? 1 : 0); // without a watcher's leave
}
