// SPDX-License-Identifier: BSD-2-Clause
// A credential file of any bytes, and everything that is done with one: read, an attempt of
// each shape of code, destroyed. The seal is bypassed: what stands there is taken for what was
// sealed, with a tag that is always right, so that what lies behind it is reached. Bit 0 of the
// first byte leaves the seal on: then nothing but a blank file opens.
#include <stdint.h>
#include <stdlib.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "tests/unit/scratch.h"
#include <openssl/evp.h>

#define ALICE    1879048292u
#define SLOT_LEN 4096
#define FILE_LEN (2 * SLOT_LEN)
#define HEAD_LEN sizeof(struct sealed_slot)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int __real_EVP_DecryptUpdate(EVP_CIPHER_CTX *c, unsigned char *out, int *n, const unsigned char *in,
                             int len);
int __wrap_EVP_DecryptUpdate(EVP_CIPHER_CTX *c, unsigned char *out, int *n, const unsigned char *in,
                             int len);
int __real_EVP_DecryptFinal_ex(EVP_CIPHER_CTX *c, unsigned char *out, int *n);
int __wrap_EVP_DecryptFinal_ex(EVP_CIPHER_CTX *c, unsigned char *out, int *n);
int __wrap_fdatasync(int fd);
void __wrap_syslog(int priority, const char *format, ...);

static int folder = -1;
static bool sealed;
static const uint8_t key[HOST_KEY_LEN] = "0123456789abcdef0123456789abcdef";

int __wrap_EVP_DecryptUpdate(EVP_CIPHER_CTX *c, unsigned char *out, int *n, const unsigned char *in,
                             int len)
{
    if (sealed || !out)
        return __real_EVP_DecryptUpdate(c, out, n, in, len);
    memcpy(out, in, (size_t)len);
    *n = len;
    return 1;
}

int __wrap_EVP_DecryptFinal_ex(EVP_CIPHER_CTX *c, unsigned char *out, int *n)
{
    if (sealed)
        return __real_EVP_DecryptFinal_ex(c, out, n);
    *n = 0;
    return 1;
}

int __wrap_fdatasync(int fd)
{
    (void)fd;
    return 0;
}

void __wrap_syslog(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

static void put_file(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FILE_LEN];
    int fd =
        openat(folder, "1879048292", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
        abort();
    close(fd);
}

// A second look at what was read: what it says of itself holds.
static bool opens(bool *ret_blank)
{
    struct credential_file f;
    struct credential c;
    int r = credential_open(folder, key, ALICE, &f);

    if (r == 0)
        r = credential_read(&f, &c);
    if (r == 0 && (c.uid != ALICE || c.version != CREDENTIAL_VERSION ||
                   c.totp.secret_len > sizeof(c.totp.secret) || recovery_left(&c) > RECOVERY_CODES))
        abort();
    *ret_blank = r == 0 && f.sequence == 0;
    credential_close(&f);
    return r == 0;
}

static void attempt(const char *typed)
{
    struct verifier v = {.credentials = folder, .tickets = -1};
    struct rollcall_person p = {.uid = ALICE, .name = "alice"};
    struct rollcall_secret code;
    const struct attempt_request request = {
        .person = &p, .side = SIDE_INSIDE, .rhost = "", .code = &code};
    struct attempt_result got;

    memcpy(v.key, key, sizeof(key));
    if (rollcall_secret_set(&code, typed, strlen(typed)))
        attempt_code(&v, &request, &got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const typed[] = {"123456", "k7qw-m9fx", "k7qw-m9fx-p3wd", ""};
    struct credential_file f;
    bool blank = false;

    if (size < 2)
        return 0;
    sealed = data[0] & 1;
    put_file(data + 1, size - 1);
    if (opens(&blank) && sealed && !blank)
        abort(); // nobody has the key
    // A charge is sealed with the cipher, so what is read after one is noise for a bypassed
    // seal: one attempt for each file.
    attempt(typed[data[0] >> 1 & 3]);
    if (credential_open(folder, key, ALICE, &f) < 0 || credential_destroy(&f) < 0)
        abort();
    credential_close(&f);
    if (!opens(&blank) || !blank)
        abort();
    return 0;
}

// One slot, readable because the seal is bypassed.
static void put_slot(uint8_t *to, const char magic[8], uint64_t sequence, const void *content,
                     uint32_t len)
{
    struct sealed_slot head = {.sequence = sequence, .len = len};

    memcpy(head.magic, magic, 8);
    memcpy(to, &head, HEAD_LEN);
    memcpy(to + HEAD_LEN, content, len);
}

static void seed(const char *corpus)
{
    struct credential c = {
        .version = CREDENTIAL_VERSION,
        .uid = ALICE,
        .totp = {.enrolled = 1, .digits = 6, .secret_len = 20, .secret = "12345678901234567890"}};
    const uint32_t old[304 / 4] = {2, ALICE}; // of version 2, nothing enrolled
    static uint8_t file[1 + FILE_LEN];

    for (unsigned i = 0; i < 5; i++) {
        char path[4200];
        memset(file, 0, sizeof(file));
        file[0] = (uint8_t)(i << 1);
        c.inside.in_all.count = i * 40;
        if (i < 4)
            put_slot(file + 1 + (size_t)SLOT_LEN * (i & 1), "RCCRED3", 7 + i, &c, sizeof(c));
        else
            put_slot(file + 1, "RCCRED2", 7, old, sizeof(old));
        snprintf(path, sizeof(path), "%s/seed-%u", corpus, i);
        scratch_write(path, file, sizeof(file));
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    _cleanup_free_ char *in = NULL;

    for (int i = 1; i < *argc; i++)
        if ((*argv)[i][0] != '-') {
            seed((*argv)[i]);
            break;
        }
    in = scratch_make(scratch_memory());
    folder = open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? -1 : 0;
}
