// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fido2_fixture.h"

// ---- what is plugged in: pam_module/security_key/hidraw.c's place ----

struct softkey plugged[3];
size_t n_plugged;

size_t device_list(char ret[DEVICES_MAX][DEVICE_PATH_MAX])
{
    for (size_t i = 0; i < n_plugged; i++)
        snprintf(ret[i], DEVICE_PATH_MAX, "%zu", i);
    return n_plugged;
}

static struct softkey *find_plugged(const char *path)
{
    return &plugged[path[0] - '0'];
}

fido_dev_t *device_new(void)
{
    return softkey_device();
}

int plug_one_in(void **state)
{
    (void)state;
    softkey_plug(find_plugged);
    for (size_t i = 0; i < 3; i++) {
        softkey_make(&plugged[i]);
        snprintf(plugged[i].pin, sizeof(plugged[i].pin), "1234");
    }
    n_plugged = 1;
    return 0;
}

// ---- what the verifier would do ----

unsigned told;

static void tell(void *ctx, enum rollcall_key_state state)
{
    (void)ctx;
    told |= 1u << state;
}

static void use_pin(struct rollcall_key_request *q, const char *pin)
{
    q->has_pin = pin != NULL;
    if (pin)
        rollcall_secret_set(&q->pin, pin, strlen(pin));
}

struct rollcall_key_request request(bool make, const char *pin)
{
    static uint8_t number;
    struct rollcall_key_request q = {.make = make};

    memset(q.challenge, ++number, sizeof(q.challenge)); // fresh
    snprintf(q.rp, sizeof(q.rp), "web1.example.org");
    snprintf(q.user, sizeof(q.user), "alice");
    use_pin(&q, pin);
    return q;
}

struct rollcall_key_reply carry_out(const struct rollcall_key_request *q)
{
    struct rollcall_key_reply reply, through;
    struct rollcall_packet p;

    device_carry_out(q, tell, NULL, &reply);
    // As it goes between two processes.
    assert_int_equal(rollcall_key_reply_pack(&reply, &p), 0);
    assert_int_equal(rollcall_key_reply_read(&p, &through), 0);
    return through;
}

int try_to_enrol(const char *pin, const struct fido2_wish *wish, struct fido_key *ret)
{
    struct rollcall_key_request q = request(true, pin);
    struct rollcall_key_reply reply = carry_out(&q);

    return fido2_accept(&q, &reply, wish, ret);
}

struct fido_key enrol(const char *pin)
{
    static const struct fido2_wish wish = {.label = "blue", .now = 1000};
    struct fido_key k = {0};

    assert_int_equal(try_to_enrol(pin, &wish, &k), 0);
    return k;
}

void know(struct rollcall_key_request *q, const struct fido_key *k)
{
    struct rollcall_known_key *known = &q->known[q->n_known++];

    snprintf(known->rp, sizeof(known->rp), "%s", k->rp);
    memcpy(known->id, k->id, k->id_len);
    known->id_len = k->id_len;
}

struct rollcall_key_reply ask(const struct fido_key *k, const char *pin,
                              struct rollcall_key_request *q)
{
    *q = request(false, pin);
    know(q, k);
    return carry_out(q);
}

enum fido2_verdict log_in(struct fido_key *k, const char *pin)
{
    struct rollcall_key_request q;
    struct rollcall_key_reply reply = ask(k, pin, &q);
    struct fido2_proof proof = {0};
    enum fido2_verdict verdict = fido2_judge(k, q.challenge, &reply, &proof);

    if (verdict == FIDO2_RIGHT)
        k->sigcount = proof.sigcount;
    return verdict;
}

enum rollcall_key_status status_of_login(const struct fido_key *k, const char *pin)
{
    struct rollcall_key_request q;

    return ask(k, pin, &q).status;
}
