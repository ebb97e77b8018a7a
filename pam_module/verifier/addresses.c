// SPDX-License-Identifier: BSD-2-Clause
// Failures by source address: a file of a fixed size on the tmpfs of the tickets, so that it
// outlives a verifier and grows with nobody's addresses. It holds hashes under the host key:
// who reads it learns no address, and who chooses addresses cannot choose slots.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"

#define TABLE "addresses"

struct place {
    int fd;
    off_t at;
    uint64_t key;
    struct address_slot slots[ADDRESS_WAYS];
};

static void leave(struct place *p)
{
    if (p->fd >= 0)
        close(p->fd); // and with it the lock
}

// Whoever has an IPv6 network has all of its addresses. What is no address counts as text.
static size_t canonical(const char *rhost, unsigned char ret[64])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char six[16];

    if (inet_pton(AF_INET, rhost, ret) == 1)
        return 4;
    if (inet_pton(AF_INET6, rhost, six) == 1) {
        if (memcmp(six, mapped, sizeof(mapped)) == 0)
            memcpy(ret, six + 12, 4);
        else
            memcpy(ret, six, 8);
        return memcmp(six, mapped, sizeof(mapped)) == 0 ? 4 : 8;
    }
    memset(ret, 0, 64);
    memcpy(ret, rhost, strnlen(rhost, 64));
    return 64;
}

// Whoever comes through a proxy on this machine comes from there: all of them, or nobody.
static bool is_no_address(const char *rhost)
{
    return !rhost || !*rhost || strncmp(rhost, "127.", 4) == 0 || strcmp(rhost, "::1") == 0 ||
           strncmp(rhost, "::ffff:127.", 11) == 0 || strcmp(rhost, "localhost") == 0;
}

static int locate(const struct verifier *v, const char *rhost, struct place *p)
{
    unsigned char text[16 + 64] = "rollcall address", mac[EVP_MAX_MD_SIZE];
    size_t n = canonical(rhost, text + 16);
    uint32_t bucket;

    if (!HMAC(EVP_sha256(), v->key, HOST_KEY_LEN, text, 16 + n, mac, NULL))
        return -EIO;
    memcpy(&p->key, mac, sizeof(p->key));
    memcpy(&bucket, mac + sizeof(p->key), sizeof(bucket));
    p->at = (off_t)(bucket % ADDRESS_BUCKETS * sizeof(p->slots));
    return 0;
}

// Its bucket, locked. Who is stopped while holding it delays nobody for longer than this.
static int enter(const struct verifier *v, const char *rhost, struct place *p)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = sizeof(p->slots)};
    int r = locate(v, rhost, p);
    ssize_t n;

    if (r < 0)
        return r;
    p->fd = openat(v->tickets, TABLE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (p->fd < 0)
        return -errno;
    l.l_start = p->at;
    for (int i = 0; fcntl(p->fd, F_OFD_SETLK, &l) < 0; i++) {
        if ((errno != EAGAIN && errno != EACCES) || i == 50)
            return -EBUSY;
        poll(NULL, 0, 4);
    }
    n = pread(p->fd, p->slots, sizeof(p->slots), p->at);
    if (n < 0)
        return -errno;
    if (n != (ssize_t)sizeof(p->slots)) // behind its end, or cut: nobody has failed there
        memset(p->slots, 0, sizeof(p->slots));
    return 0;
}

static int64_t seconds_since_boot(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec;
}

int64_t addresses_wait(const struct verifier *v, const char *rhost)
{
    _cleanup_(leave) struct place p = {.fd = -1};
    const struct address_slot *s;
    int64_t now = seconds_since_boot(), until;

    // Without the table the account's own rule stands alone.
    if (is_no_address(rhost) || enter(v, rhost, &p) < 0 || !(s = address_find(p.slots, p.key)))
        return 0;
    until = address_until(s, now);
    return until > now ? until - now : 0;
}

void addresses_charge(const struct verifier *v, const char *rhost)
{
    _cleanup_(leave) struct place p = {.fd = -1};

    if (is_no_address(rhost) || enter(v, rhost, &p) < 0)
        return;
    address_charge(p.slots, p.key, seconds_since_boot());
    if (pwrite(p.fd, p.slots, sizeof(p.slots), p.at) != (ssize_t)sizeof(p.slots))
        return; // a full tmpfs; as above
}
