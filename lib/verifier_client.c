// SPDX-License-Identifier: BSD-2-Clause
// Enrolment and its opposite, for root's programs.
#include "rollcall/verifier_client.h"

#include <errno.h>

#include "lib/verifier_meaning.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/protocol.h"

#define RESULT_MS 10000

int rollcall_verifier_meaning(int64_t code)
{
    switch (code) {
    case ROLLCALL_RESULT_YES:
        return 0;
    case ROLLCALL_RESULT_REFUSED:
        return -EACCES;
    case ROLLCALL_RESULT_UNKNOWN:
        return -ENOENT;
    case ROLLCALL_RESULT_ENROLLED:
        return -EEXIST;
    case ROLLCALL_RESULT_NOT_NOW:
        return -EAGAIN;
    default:
        return -EPROTO;
    }
}

// Asks, and returns the code's meaning; the result stands in *packet.
int rollcall_verifier_ask(struct rollcall_packet *packet)
{
    _cleanup_(rollcall_verifier_hang_up) struct rollcall_verifier_link link =
        ROLLCALL_VERIFIER_LINK_NONE;
    int64_t code = -1;
    int type = -1, r = rollcall_verifier_dial(ROLLCALL_VERIFIER_SOCK, ROLLCALL_VERIFIER,
                                              rollcall_deadline_in(RESULT_MS), &link);

    if (r == 0)
        r = rollcall_packet_send(link.fd, packet, RESULT_MS);
    if (r == 0)
        r = rollcall_packet_receive(link.fd, packet, RESULT_MS, &type);
    if (r < 0)
        return r == -EBADMSG || r == -EPIPE ? -EPROTO : r;
    if (type != ROLLCALL_PACKET_RESULT ||
        rollcall_packet_get_number(packet, ROLLCALL_FIELD_CODE, &code) < 0)
        return -EPROTO;
    return rollcall_verifier_meaning(code);
}

int rollcall_verifier_enroll_totp(const char *user, bool replace, char *ret_uri, size_t uri_len)
{
    _cleanup_packet_ struct rollcall_packet packet = {0};
    int r;

    rollcall_packet_start(&packet, ROLLCALL_PACKET_ENROL);
    r = rollcall_packet_put_text(&packet, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_packet_put_number(&packet, ROLLCALL_FIELD_REPLACE, replace);
    if (r == 0)
        r = rollcall_verifier_ask(&packet);
    if (r < 0)
        return r;
    r = rollcall_packet_get_text(&packet, ROLLCALL_FIELD_TEXT, ret_uri, uri_len);
    return r < 0 ? -EPROTO : 0;
}

int rollcall_verifier_access_code(const char *user, int64_t seconds, const char *by, char *ret_code,
                                  size_t code_len, int64_t *ret_until)
{
    _cleanup_packet_ struct rollcall_packet packet = {0};
    int64_t until;
    int r;

    rollcall_packet_start(&packet, ROLLCALL_PACKET_CODE);
    r = rollcall_packet_put_text(&packet, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_packet_put_text(&packet, ROLLCALL_FIELD_BY, by);
    if (r == 0)
        r = rollcall_packet_put_number(&packet, ROLLCALL_FIELD_SECONDS, seconds);
    if (r == 0)
        r = rollcall_verifier_ask(&packet);
    if (r < 0)
        return r;
    if (rollcall_packet_get_number(&packet, ROLLCALL_FIELD_UNTIL, &until) < 0 ||
        rollcall_packet_get_text(&packet, ROLLCALL_FIELD_TEXT, ret_code, code_len) < 0)
        return -EPROTO;
    *ret_until = until;
    return 0;
}

static int ask_about(enum rollcall_packet_type type, const char *user, const char *by)
{
    _cleanup_packet_ struct rollcall_packet packet = {0};
    int r;

    rollcall_packet_start(&packet, type);
    r = rollcall_packet_put_text(&packet, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_packet_put_text(&packet, ROLLCALL_FIELD_BY, by);
    return r == 0 ? rollcall_verifier_ask(&packet) : r;
}

int rollcall_verifier_reset(const char *user, const char *by)
{
    return ask_about(ROLLCALL_PACKET_RESET, user, by);
}

int rollcall_verifier_forget(const char *user, const char *by)
{
    return ask_about(ROLLCALL_PACKET_FORGET, user, by);
}

static int ask_by_uid(enum rollcall_packet_type type, uid_t uid)
{
    _cleanup_packet_ struct rollcall_packet packet = {0};
    int r;

    rollcall_packet_start(&packet, type);
    r = rollcall_packet_put_number(&packet, ROLLCALL_FIELD_UID, uid);
    return r < 0 ? r : rollcall_verifier_ask(&packet);
}

int rollcall_verifier_destroy(uid_t uid)
{
    return ask_by_uid(ROLLCALL_PACKET_DESTROY, uid);
}

int rollcall_verifier_drop_cache(uid_t uid)
{
    return ask_by_uid(ROLLCALL_PACKET_DROP_CACHE, uid);
}

int rollcall_verifier_ready(int64_t *ret_until)
{
    _cleanup_packet_ struct rollcall_packet packet = {0};
    int64_t until;
    int r;

    rollcall_packet_start(&packet, ROLLCALL_PACKET_READY);
    r = rollcall_verifier_ask(&packet);
    if (r < 0)
        return r;
    if (rollcall_packet_get_number(&packet, ROLLCALL_FIELD_UNTIL, &until) < 0)
        return -EPROTO;
    *ret_until = until;
    return 0;
}

// A count of a result; none is more than 32 bits.
static int take_count(const struct rollcall_packet *p, enum rollcall_field field, unsigned *ret)
{
    int64_t n;

    if (rollcall_packet_get_number(p, field, &n) < 0 || n < 0 || n > UINT32_MAX)
        return -EPROTO;
    *ret = (unsigned)n;
    return 0;
}

int rollcall_verifier_factors(const char *user, struct rollcall_factor_facts *ret)
{
    _cleanup_packet_ struct rollcall_packet packet = {0};
    struct rollcall_factor_facts f = {0};
    unsigned totp;
    int r;

    rollcall_packet_start(&packet, ROLLCALL_PACKET_FACTORS);
    r = rollcall_packet_put_text(&packet, ROLLCALL_FIELD_USER, user);
    if (r == 0)
        r = rollcall_verifier_ask(&packet);
    if (r < 0)
        return r;
    if (take_count(&packet, ROLLCALL_FIELD_TOTP, &totp) < 0 ||
        take_count(&packet, ROLLCALL_FIELD_RECOVERY, &f.recovery) < 0 ||
        take_count(&packet, ROLLCALL_FIELD_PASSWORD, &f.password) < 0 ||
        take_count(&packet, ROLLCALL_FIELD_FAILURES, &f.failures) < 0 ||
        take_count(&packet, ROLLCALL_FIELD_INSIDE, &f.inside) < 0 ||
        take_count(&packet, ROLLCALL_FIELD_OFF, &f.off) < 0 ||
        rollcall_packet_get_number(&packet, ROLLCALL_FIELD_UNTIL, &f.throttled_until) < 0 ||
        rollcall_packet_get_number(&packet, ROLLCALL_FIELD_ACCESS, &f.access_until) < 0)
        return -EPROTO;
    f.totp = totp != 0;
    *ret = f;
    return 0;
}
