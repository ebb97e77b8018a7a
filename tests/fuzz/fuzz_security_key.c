// SPDX-License-Identifier: BSD-2-Clause
// What the verifier does with the answer of the program that talks to devices, which may be an
// attacker's: read as a packet, judged as an assertion and as a new credential. Nothing
// is ever right, for no byte of it was signed by the key.
#include <fido.h>
#include <stdlib.h>

#include "pam_module/verifier/fido2.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
const char *__asan_default_options(void); // NOLINT: the sanitizer's own name

const char *__asan_default_options(void) // NOLINT
{
    return "allocator_may_return_null=1:max_allocation_size_mb=512";
}

static void judge(const struct rollcall_key_reply *reply)
{
    static const uint8_t challenge[ROLLCALL_KEY_CHALLENGE] = "fresh";
    struct fido_key key = {.id_len = 16, .alg = COSE_ES256, .pk_len = 64, .rp = "web1"};
    struct fido2_proof proof;

    // A point of P-256: the base point itself.
    static const uint8_t point[64] = {
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
        0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
        0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
        0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
        0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
    memcpy(key.pk, point, sizeof(point));
    if (fido2_judge(&key, challenge, reply, &proof) != FIDO2_WRONG)
        abort();
    key.alg = COSE_EDDSA;
    key.pk_len = 32;
    key.flags = FIDO_FLAG_UV;
    if (fido2_judge(&key, challenge, reply, &proof) != FIDO2_WRONG)
        abort();
}

static void enrol(const struct rollcall_key_reply *reply)
{
    static const struct fido2_wish wish = {.label = "a", .attested = true, .roots = "/dev/null"};
    struct rollcall_key_request asked = {.make = true, .rp = "web1", .user = "alice"};
    struct fido_key key = {0};

    // Nobody's certificate is trusted here, so no key is attested.
    if (fido2_accept(&asked, reply, &wish, &key) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static bool begun;
    struct rollcall_key_reply reply;
    struct rollcall_packet p = {.len = len};

    if (!begun)
        fido_init(0);
    begun = true;
    if (len > sizeof(p.bytes))
        return 0;
    memcpy(p.bytes, bytes, len);
    if (rollcall_key_reply_read(&p, &reply) < 0) {
        // Mostly no packet: then the bytes are authenticator data of their own.
        reply = (struct rollcall_key_reply){.algorithm = COSE_ES256, .format = "packed"};
        reply.authdata_len = len < sizeof(reply.authdata) ? len : sizeof(reply.authdata);
        memcpy(reply.authdata, bytes, reply.authdata_len);
        reply.statement_len = len > 200 ? len - 200 : 0;
        if (reply.statement_len > sizeof(reply.statement))
            reply.statement_len = sizeof(reply.statement);
        memcpy(reply.statement, bytes + (len > 200 ? 200 : 0), reply.statement_len);
        reply.signature_len = len < 72 ? len : 72;
        memcpy(reply.signature, bytes, reply.signature_len);
    }
    judge(&reply);
    enrol(&reply);
    return 0;
}
