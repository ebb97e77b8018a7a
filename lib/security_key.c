// SPDX-License-Identifier: BSD-2-Clause
// Packets of the security key's door.
#include "rollcall/security_key.h"

#include <errno.h>

#define FIELD(base, i) ((enum rollcall_field)((unsigned)(base) + (unsigned)(i)))

static int put_known(const struct rollcall_key_request *r, struct rollcall_packet *p)
{
    int e = 0;

    for (size_t i = 0; e == 0 && i < r->n_known; i++) {
        e = rollcall_packet_put_bytes(p, FIELD(ROLLCALL_FIELD_KEY_ID, i), r->known[i].id,
                                      r->known[i].id_len);
        if (e == 0)
            e = rollcall_packet_put_text(p, FIELD(ROLLCALL_FIELD_KEY_RP, i), r->known[i].rp);
    }
    return e;
}

int rollcall_key_request_pack(const struct rollcall_key_request *r, struct rollcall_packet *ret)
{
    int e;

    rollcall_packet_start(ret, r->make ? ROLLCALL_PACKET_KEY_MAKE : ROLLCALL_PACKET_KEY_ASSERT);
    e = rollcall_packet_put_bytes(ret, ROLLCALL_FIELD_CHALLENGE, r->challenge,
                                  sizeof(r->challenge));
    if (e == 0)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_SECONDS, r->wait_s);
    if (e == 0 && r->has_pin)
        e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_PIN, r->pin.bytes);
    if (e == 0)
        e = put_known(r, ret);
    if (e < 0 || !r->make)
        return e;
    e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_RP, r->rp);
    if (e == 0)
        e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_USER, r->user);
    if (e == 0)
        e = rollcall_packet_put_bytes(ret, ROLLCALL_FIELD_HANDLE, r->handle, sizeof(r->handle));
    return e;
}

static int get_exact(const struct rollcall_packet *p, enum rollcall_field field, void *ret,
                     size_t size)
{
    size_t n = 0;
    int e = rollcall_packet_get_bytes(p, field, ret, size, &n);

    return e == 0 && n == size ? 0 : -EBADMSG;
}

static int get_known(const struct rollcall_packet *p, struct rollcall_key_request *r)
{
    for (r->n_known = 0; r->n_known < ROLLCALL_SECURITY_KEYS; r->n_known++) {
        struct rollcall_known_key *k = &r->known[r->n_known];
        int e = rollcall_packet_get_bytes(p, FIELD(ROLLCALL_FIELD_KEY_ID, r->n_known), k->id,
                                          sizeof(k->id), &k->id_len);
        if (e == -ENOENT)
            return 0;
        if (e < 0 || k->id_len == 0 ||
            rollcall_packet_get_text(p, FIELD(ROLLCALL_FIELD_KEY_RP, r->n_known), k->rp,
                                     sizeof(k->rp)) < 0)
            return -EBADMSG;
    }
    return 0;
}

static int get_pin(const struct rollcall_packet *p, struct rollcall_key_request *r)
{
    int e = rollcall_packet_get_text(p, ROLLCALL_FIELD_PIN, r->pin.bytes, sizeof(r->pin.bytes));

    if (e == -ENOENT)
        return 0;
    if (e < 0)
        return -EBADMSG;
    r->pin.len = strlen(r->pin.bytes);
    r->has_pin = true;
    return 0;
}

int rollcall_key_request_read(const struct rollcall_packet *p, struct rollcall_key_request *ret)
{
    __attribute__((cleanup(rollcall_key_request_erase))) struct rollcall_key_request r = {0};
    int64_t wait = 0;
    int type = 0, e = rollcall_packet_check(p, &type);

    if (e < 0 || (type != ROLLCALL_PACKET_KEY_MAKE && type != ROLLCALL_PACKET_KEY_ASSERT))
        return -EBADMSG;
    r.make = type == ROLLCALL_PACKET_KEY_MAKE;
    if (get_exact(p, ROLLCALL_FIELD_CHALLENGE, r.challenge, sizeof(r.challenge)) < 0 ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_SECONDS, &wait) < 0 || wait < 0 ||
        wait > ROLLCALL_KEY_PLUG_S || get_pin(p, &r) < 0 || get_known(p, &r) < 0)
        return -EBADMSG;
    r.wait_s = (int)wait;
    if (r.make && (rollcall_packet_get_text(p, ROLLCALL_FIELD_RP, r.rp, sizeof(r.rp)) < 0 ||
                   rollcall_packet_get_text(p, ROLLCALL_FIELD_USER, r.user, sizeof(r.user)) < 0 ||
                   get_exact(p, ROLLCALL_FIELD_HANDLE, r.handle, sizeof(r.handle)) < 0))
        return -EBADMSG;
    if (!r.make && r.n_known == 0) // a key would offer whatever it holds
        return -EBADMSG;
    *ret = r;
    return 0;
}

int rollcall_key_reply_pack(const struct rollcall_key_reply *r, struct rollcall_packet *ret)
{
    int e;

    rollcall_packet_start(ret, ROLLCALL_PACKET_KEY_REPLY);
    e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_STATUS, r->status);
    if (e == 0)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_TRIES, r->tries);
    if (e == 0)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_INDEX, r->index);
    if (e == 0)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_ALGORITHM, r->algorithm);
    if (e == 0)
        e = rollcall_packet_put_bytes(ret, ROLLCALL_FIELD_AUTHDATA, r->authdata, r->authdata_len);
    if (e == 0)
        e = rollcall_packet_put_bytes(ret, ROLLCALL_FIELD_SIGNATURE, r->signature,
                                      r->signature_len);
    if (e == 0)
        e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_FORMAT, r->format);
    if (e == 0)
        e = rollcall_packet_put_bytes(ret, ROLLCALL_FIELD_STATEMENT, r->statement,
                                      r->statement_len);
    return e;
}

int rollcall_key_reply_read(const struct rollcall_packet *p, struct rollcall_key_reply *ret)
{
    struct rollcall_key_reply r = {0};
    int64_t status = -1, tries = -1, index = -1, algorithm = 0;
    int type = 0, e = rollcall_packet_check(p, &type);

    if (e < 0 || type != ROLLCALL_PACKET_KEY_REPLY ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_STATUS, &status) < 0 || status < 0 ||
        status >= ROLLCALL_KEY_STATUSES ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_TRIES, &tries) < 0 || tries < -1 ||
        tries > 255 || rollcall_packet_get_number(p, ROLLCALL_FIELD_INDEX, &index) < 0 ||
        index < 0 || index >= ROLLCALL_SECURITY_KEYS ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_ALGORITHM, &algorithm) < 0 ||
        algorithm < INT32_MIN || algorithm > INT32_MAX ||
        rollcall_packet_get_bytes(p, ROLLCALL_FIELD_AUTHDATA, r.authdata, sizeof(r.authdata),
                                  &r.authdata_len) < 0 ||
        rollcall_packet_get_bytes(p, ROLLCALL_FIELD_SIGNATURE, r.signature, sizeof(r.signature),
                                  &r.signature_len) < 0 ||
        rollcall_packet_get_text(p, ROLLCALL_FIELD_FORMAT, r.format, sizeof(r.format)) < 0 ||
        rollcall_packet_get_bytes(p, ROLLCALL_FIELD_STATEMENT, r.statement, sizeof(r.statement),
                                  &r.statement_len) < 0)
        return -EBADMSG;
    r.status = (enum rollcall_key_status)status;
    r.tries = (int)tries;
    r.index = (int)index;
    r.algorithm = (int32_t)algorithm;
    *ret = r;
    return 0;
}
