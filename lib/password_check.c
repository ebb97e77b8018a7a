// SPDX-License-Identifier: BSD-2-Clause
// Packets of the network child's door.
#include "rollcall/password_check.h"

#include <errno.h>

#define YEARS_MAX ((int64_t)200 * 366 * 86400)

static int put_secret(struct rollcall_packet *p, enum rollcall_field field,
                      const struct rollcall_secret *s)
{
    // A directory takes an empty one for nobody's, and says yes.
    return s->len == 0 ? -EBADMSG : rollcall_packet_put_bytes(p, field, s->bytes, s->len);
}

int rollcall_check_request_pack(const struct rollcall_check_request *r, struct rollcall_packet *ret)
{
    int e;

    rollcall_packet_start(ret, r->change ? ROLLCALL_PACKET_PASSWORD_CHANGE
                                         : ROLLCALL_PACKET_PASSWORD_CHECK);
    e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_URIS, r->uris);
    if (e == 0 && *r->ca)
        e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_CA, r->ca);
    if (e == 0)
        e = rollcall_packet_put_text(ret, ROLLCALL_FIELD_DN, r->dn);
    if (e == 0)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_SECONDS, r->seconds);
    if (e == 0)
        e = put_secret(ret, ROLLCALL_FIELD_SECRET, &r->password);
    if (e == 0 && r->change)
        e = put_secret(ret, ROLLCALL_FIELD_NEW_SECRET, &r->fresh);
    if (e == 0 && r->change)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_ACTIVE_DIRECTORY, r->active_directory);
    return e;
}

static int get_bool(const struct rollcall_packet *p, enum rollcall_field field, bool *ret)
{
    int64_t n = -1;

    if (rollcall_packet_get_number(p, field, &n) < 0 || (n != 0 && n != 1))
        return -EBADMSG;
    *ret = n;
    return 0;
}

// A DN or a URI is some text.
static int get_words(const struct rollcall_packet *p, enum rollcall_field field, char *ret,
                     size_t size)
{
    return rollcall_packet_get_text(p, field, ret, size) == 0 && *ret ? 0 : -EBADMSG;
}

static int get_secret(const struct rollcall_packet *p, enum rollcall_field field,
                      struct rollcall_secret *ret)
{
    int e = rollcall_packet_get_bytes(p, field, ret->bytes, ROLLCALL_SECRET_MAX, &ret->len);

    return e == 0 && ret->len > 0 ? 0 : -EBADMSG;
}

int rollcall_check_request_read(const struct rollcall_packet *p, struct rollcall_check_request *ret)
{
    __attribute__((cleanup(rollcall_check_request_erase))) struct rollcall_check_request r = {0};
    int64_t seconds = 0;
    int type = 0, e = rollcall_packet_check(p, &type);

    if (e < 0 ||
        (type != ROLLCALL_PACKET_PASSWORD_CHECK && type != ROLLCALL_PACKET_PASSWORD_CHANGE))
        return -EBADMSG;
    r.change = type == ROLLCALL_PACKET_PASSWORD_CHANGE;
    e = rollcall_packet_get_text(p, ROLLCALL_FIELD_CA, r.ca, sizeof(r.ca));
    if ((e < 0 && e != -ENOENT) || get_words(p, ROLLCALL_FIELD_URIS, r.uris, sizeof(r.uris)) < 0 ||
        get_words(p, ROLLCALL_FIELD_DN, r.dn, sizeof(r.dn)) < 0 ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_SECONDS, &seconds) < 0 || seconds < 1 ||
        seconds > ROLLCALL_CHECK_SECONDS || get_secret(p, ROLLCALL_FIELD_SECRET, &r.password) < 0)
        return -EBADMSG;
    r.seconds = (int)seconds;
    if (r.change && (get_secret(p, ROLLCALL_FIELD_NEW_SECRET, &r.fresh) < 0 ||
                     get_bool(p, ROLLCALL_FIELD_ACTIVE_DIRECTORY, &r.active_directory) < 0))
        return -EBADMSG;
    *ret = r;
    return 0;
}

int rollcall_check_answer_pack(const struct rollcall_check_answer *a, struct rollcall_packet *ret)
{
    int e;

    rollcall_packet_start(ret, ROLLCALL_PACKET_PASSWORD_ANSWER);
    e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_STATUS, a->status);
    if (e == 0)
        e = rollcall_packet_put_number(ret, ROLLCALL_FIELD_SECONDS, a->expires_in);
    return e == 0 ? rollcall_packet_put_number(ret, ROLLCALL_FIELD_TRIES, a->grace) : e;
}

int rollcall_check_answer_read(const struct rollcall_packet *p, struct rollcall_check_answer *ret)
{
    int64_t status = -1, expires = -1, grace = -1;
    int type = 0, e = rollcall_packet_check(p, &type);

    if (e < 0 || type != ROLLCALL_PACKET_PASSWORD_ANSWER ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_STATUS, &status) < 0 || status < 0 ||
        status >= ROLLCALL_CHECK_STATUSES ||
        rollcall_packet_get_number(p, ROLLCALL_FIELD_SECONDS, &expires) < 0 || expires < -1 ||
        expires > YEARS_MAX || rollcall_packet_get_number(p, ROLLCALL_FIELD_TRIES, &grace) < 0 ||
        grace < -1 || grace > INT16_MAX)
        return -EBADMSG;
    *ret = (struct rollcall_check_answer){
        .status = (enum rollcall_check_status)status, .expires_in = expires, .grace = (int)grace};
    return 0;
}

bool rollcall_check_proves(enum rollcall_check_status status)
{
    switch (status) {
    case ROLLCALL_CHECK_TAKEN:
    case ROLLCALL_CHECK_MUST_CHANGE:
    case ROLLCALL_CHECK_EXPIRED:
    case ROLLCALL_CHECK_DISABLED:
    case ROLLCALL_CHECK_NOT_HERE:
    case ROLLCALL_CHECK_REJECTED:
    case ROLLCALL_CHECK_NO_CHANGE:
        return true;
    case ROLLCALL_CHECK_WRONG:
    case ROLLCALL_CHECK_BLOCKED:
    case ROLLCALL_CHECK_UNREACHABLE:
    case ROLLCALL_CHECK_FAILED:
    case ROLLCALL_CHECK_STATUSES:
        break;
    }
    return false;
}
