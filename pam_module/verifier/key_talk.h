// SPDX-License-Identifier: BSD-2-Clause
// A talk with rollcall-security-key: started, waited for, ended. docs/doors/security-key.md
#ifndef ROLLCALL_VERIFIER_KEY_TALK_H
#define ROLLCALL_VERIFIER_KEY_TALK_H

#include <sys/types.h>

#include "rollcall/security_key.h"

struct key_talk {
    int fd; // -1: none
    pid_t pid;
    bool replied;
    enum rollcall_key_state state; // what the person is to do
    struct rollcall_key_request request;
    struct rollcall_key_reply reply; // where `replied`
};

// `request` has its challenge made here: fresh for each talk. Returns at once; the program
// asks the device meanwhile. An earlier talk of *t is ended first.
int key_talk_begin(struct key_talk *t, const struct rollcall_key_request *request);
// Is there a reply by now?
bool key_talk_replied(struct key_talk *t);
// Until there is a reply, telling `peer` every two seconds that the person has something to
// do. 0; -EPIPE (the peer is gone), -EPROTO (the program failed), -ETIMEDOUT.
int key_talk_wait(struct key_talk *t, int peer);
// The device stops blinking; the program is gone.
void key_talk_end(struct key_talk *t);

#endif
