// SPDX-License-Identifier: BSD-2-Clause
// Credential files: AES-256-GCM under the host key. Two slots of a preallocated file take
// turns, so that a charge survives kill -9, a torn write and a full disk.
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"

#define SLOT_SIZE 1024
#define IV_LEN    12
#define TAG_LEN   16

struct slot {
    char magic[8];
    uint64_t sequence;
    uint8_t iv[IV_LEN], tag[TAG_LEN];
    uint32_t len;
    uint8_t sealed[sizeof(struct credential)];
};
// A slot may be torn between its two sectors: then it does not open, and the other stands.
_Static_assert(sizeof(struct slot) <= SLOT_SIZE, "two sectors");

// What the seal speaks for beside the content: whose it is, and where it stands.
struct associated {
    char what[24];
    uint64_t sequence;
    uint32_t uid, slot;
};

static void cipher_free(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

static int seal(const struct credential_file *f, uint32_t number, const struct credential *c,
                struct slot *s)
{
    _cleanup_(cipher_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct associated a = {
        .what = "rollcall credential 2", .sequence = s->sequence, .uid = f->uid, .slot = number};
    int n;

    memcpy(s->magic, "RCCRED2", 8);
    s->len = sizeof(*c);
    if (!ctx || RAND_bytes(s->iv, IV_LEN) != 1)
        return -EIO;
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, f->key, s->iv) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)&a, sizeof(a)) != 1 ||
        EVP_EncryptUpdate(ctx, s->sealed, &n, (const unsigned char *)c, sizeof(*c)) != 1 ||
        EVP_EncryptFinal_ex(ctx, s->sealed + n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, s->tag) != 1)
        return -EIO;
    return 0;
}

static int unseal(const struct credential_file *f, uint32_t number, const struct slot *s,
                  struct credential *ret)
{
    _cleanup_(cipher_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct associated a = {
        .what = "rollcall credential 2", .sequence = s->sequence, .uid = f->uid, .slot = number};
    _cleanup_credential_ struct credential c = {0};
    uint8_t tag[TAG_LEN];
    int n;

    if (memcmp(s->magic, "RCCRED2", 8) != 0 || s->len != sizeof(c) || s->sequence == 0)
        return -EBADMSG;
    memcpy(tag, s->tag, sizeof(tag));
    if (!ctx || EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, f->key, s->iv) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)&a, sizeof(a)) != 1 ||
        EVP_DecryptUpdate(ctx, (unsigned char *)&c, &n, s->sealed, sizeof(c)) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, (unsigned char *)&c + n, &n) != 1)
        return -EBADMSG;
    if (c.version != CREDENTIAL_VERSION || c.uid != f->uid || c.secret_len > sizeof(c.secret))
        return -EBADMSG;
    *ret = c;
    return 0;
}

// Another login of the same person holds it for milliseconds.
static int lock(int fd)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    for (int i = 0; i < 250; i++) {
        if (fcntl(fd, F_OFD_SETLK, &l) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES)
            return -errno;
        poll(NULL, 0, 20);
    }
    return -EBUSY;
}

int credential_open(int folder, const uint8_t key[HOST_KEY_LEN], uint32_t uid,
                    struct credential_file *ret)
{
    _cleanup_close_ int fd = -1;
    char name[16];
    struct stat st;
    int r;

    snprintf(name, sizeof(name), "%u", uid);
    fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EBADMSG;
    r = lock(fd);
    // Both slots have their blocks before the first charge, so that a disk that fills up
    // later does not make guessing free.
    if (r == 0 && st.st_size < 2 * SLOT_SIZE)
        r = -posix_fallocate(fd, 0, 2 * SLOT_SIZE);
    if (r < 0)
        return r;
    *ret = (struct credential_file){.fd = ROLLCALL_TAKE_FD(fd), .uid = uid, .key = key};
    return 0;
}

void credential_close(struct credential_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static bool blank(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

int credential_read(struct credential_file *f, struct credential *ret)
{
    union {
        struct slot slot;
        unsigned char bytes[SLOT_SIZE];
    } s;
    bool empty = true;

    f->sequence = 0;
    for (uint32_t i = 0; i < 2; i++) {
        _cleanup_credential_ struct credential c;
        if (pread(f->fd, s.bytes, SLOT_SIZE, (off_t)i * SLOT_SIZE) != SLOT_SIZE)
            return -EIO;
        empty = empty && blank(s.bytes, SLOT_SIZE);
        if (unseal(f, i, &s.slot, &c) < 0 || s.slot.sequence <= f->sequence)
            continue;
        f->sequence = s.slot.sequence;
        *ret = c;
    }
    if (f->sequence)
        return 0;
    if (!empty)
        return -EBADMSG; // of another host key, or damaged: no factor, rather than none asked
    *ret = (struct credential){.version = CREDENTIAL_VERSION, .uid = f->uid};
    return 0;
}

int credential_write(struct credential_file *f, const struct credential *c)
{
    union {
        struct slot slot;
        unsigned char bytes[SLOT_SIZE];
    } s = {0};
    uint32_t number = (uint32_t)((f->sequence + 1) % 2);
    int r;

    s.slot.sequence = f->sequence + 1;
    r = seal(f, number, c, &s.slot);
    if (r < 0)
        return r;
    if (pwrite(f->fd, s.bytes, SLOT_SIZE, (off_t)number * SLOT_SIZE) != SLOT_SIZE)
        return errno ? -errno : -EIO;
    if (fdatasync(f->fd) < 0)
        return -errno;
    f->sequence++;
    return 0;
}

int credential_destroy(struct credential_file *f)
{
    static const unsigned char zero[2 * SLOT_SIZE];

    if (pwrite(f->fd, zero, sizeof(zero), 0) != (ssize_t)sizeof(zero))
        return errno ? -errno : -EIO;
    f->sequence = 0;
    return fdatasync(f->fd) < 0 ? -errno : 0;
}
