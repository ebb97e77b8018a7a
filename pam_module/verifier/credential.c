// SPDX-License-Identifier: BSD-2-Clause
// Credential files. Two slots of a preallocated file take turns, so that a charge survives
// kill -9, a torn write and a full disk.
#include "pam_module/verifier/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollcall/cleanup.h"

#define SLOT_SIZE 4096
#define FILE_SIZE (2 * SLOT_SIZE)
#define MAGIC     "RCCRED3"

// A slot may be torn between its sectors: then it does not open, and the other stands.
union slot {
    struct sealed_slot head;
    unsigned char bytes[SLOT_SIZE];
};
_Static_assert(sizeof(struct sealed_slot) + sizeof(struct credential) <= SLOT_SIZE, "it fits");

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
    if (r == 0 && st.st_size < FILE_SIZE)
        r = -posix_fallocate(fd, 0, FILE_SIZE);
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

// Magics of all versions stand at multiples of version 2's slot size. One of a later
// version has factors that this one would overlook: it is no blank file, and not ours to
// write over.
static bool of_later_version(const unsigned char *whole)
{
    for (size_t at = 0; at < FILE_SIZE; at += CREDENTIAL_V2_SLOT)
        if (memcmp(whole + at, MAGIC, 6) == 0 && whole[at + 6] > MAGIC[6] && whole[at + 6] <= '9' &&
            whole[at + 7] == 0)
            return true;
    return false;
}

static bool sound(const struct credential *c, uint32_t uid)
{
    bool ok = c->version == CREDENTIAL_VERSION && c->uid == uid &&
              c->totp.secret_len <= sizeof(c->totp.secret) && c->totp.algorithm <= TOTP_SHA512 &&
              memchr(c->password.hash, 0, sizeof(c->password.hash));

    for (int i = 0; i < FIDO_KEYS; i++)
        ok = ok && c->fido[i].id_len <= sizeof(c->fido[i].id) &&
             c->fido[i].pk_len <= sizeof(c->fido[i].pk) &&
             memchr(c->fido[i].label, 0, sizeof(c->fido[i].label)) &&
             memchr(c->fido[i].rp, 0, sizeof(c->fido[i].rp));
    return ok;
}

static int open_slot(const struct credential_file *f, uint32_t number, const unsigned char *whole,
                     struct credential *ret, uint64_t *ret_sequence)
{
    const struct seal_place place = {
        .what = "rollcall credential 3", .uid = f->uid, .slot = number};
    union slot s;
    int r;

    memcpy(&s, whole + (size_t)number * SLOT_SIZE, SLOT_SIZE);
    if (memcmp(s.head.magic, MAGIC, 8) != 0)
        return -EBADMSG;
    r = credential_unseal(f->key, &place, &s.head, ret, sizeof(*ret));
    if (r < 0)
        return r;
    if (!sound(ret, f->uid))
        return -EBADMSG;
    *ret_sequence = s.head.sequence;
    return 0;
}

// The newest of both versions.
static int choose(struct credential_file *f, const unsigned char *whole, struct credential *ret)
{
    for (uint32_t i = 0; i < 4; i++) {
        _cleanup_credential_ struct credential c = {0};
        uint64_t sequence = 0;
        int r = i < 2 ? credential_read_v2(f->key, f->uid, i, whole + i * CREDENTIAL_V2_SLOT, &c,
                                           &sequence)
                      : open_slot(f, i - 2, whole, &c, &sequence);
        if (r < 0 && r != -EBADMSG)
            return r;
        if (r < 0 || sequence <= f->sequence)
            continue;
        // Both slots of version 2 lie in our first: the first write goes into the second,
        // the one of odd numbers.
        f->sequence = i < 2 ? sequence + sequence % 2 : sequence;
        *ret = c;
    }
    return 0;
}

int credential_read(struct credential_file *f, struct credential *ret)
{
    unsigned char whole[FILE_SIZE];
    int r;

    f->sequence = 0;
    if (pread(f->fd, whole, sizeof(whole), 0) != (ssize_t)sizeof(whole))
        return -EIO;
    if (of_later_version(whole))
        return -EPROTONOSUPPORT;
    r = choose(f, whole, ret);
    if (r < 0)
        return r;
    if (f->sequence)
        return 0;
    if (!blank(whole, sizeof(whole)))
        return -EBADMSG; // of another host key, or damaged: no factor, rather than none asked
    credential_blank(ret, f->uid, 0, NULL);
    return 0;
}

int credential_write(struct credential_file *f, const struct credential *c)
{
    union slot s = {0};
    uint32_t number = (uint32_t)((f->sequence + 1) % 2);
    const struct seal_place place = {
        .what = "rollcall credential 3", .uid = f->uid, .slot = number};
    int r;

    memcpy(s.head.magic, MAGIC, 8);
    s.head.sequence = f->sequence + 1;
    r = credential_seal(f->key, &place, c, sizeof(*c), &s.head);
    if (r < 0)
        return r;
    errno = 0;
    if (pwrite(f->fd, &s, SLOT_SIZE, (off_t)number * SLOT_SIZE) != SLOT_SIZE)
        return errno ? -errno : -EIO;
    if (fdatasync(f->fd) < 0)
        return -errno;
    f->sequence++;
    return 0;
}

int credential_write_twice(struct credential_file *f, const struct credential *c)
{
    int r = credential_write(f, c);

    return r < 0 ? r : credential_write(f, c);
}

int credential_destroy(struct credential_file *f)
{
    static const unsigned char zero[FILE_SIZE];

    errno = 0;
    if (pwrite(f->fd, zero, sizeof(zero), 0) != (ssize_t)sizeof(zero))
        return errno ? -errno : -EIO;
    f->sequence = 0;
    // A later version may have made it longer.
    if (ftruncate(f->fd, FILE_SIZE) < 0 || fdatasync(f->fd) < 0)
        return -errno;
    return 0;
}

void credential_blank(struct credential *c, uint32_t uid, uint32_t incarnation,
                      const struct credential *failed)
{
    struct tally outside = {0}, inside = {0};

    if (failed) {
        outside = failed->outside;
        inside = failed->inside;
    }
    *c = (struct credential){.version = CREDENTIAL_VERSION,
                             .uid = uid,
                             .incarnation = incarnation,
                             .outside = outside,
                             .inside = inside};
}

void credential_renew(struct credential *c, uint32_t uid, uint32_t incarnation)
{
    _cleanup_credential_ struct credential old = *c;

    credential_blank(c, uid, incarnation, NULL);
    if (old.incarnation != incarnation)
        return;
    c->password = old.password;
    memcpy(c->fido, old.fido, sizeof(c->fido));
    memcpy(c->vouched, old.vouched, sizeof(c->vouched));
}
