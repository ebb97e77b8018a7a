// SPDX-License-Identifier: BSD-2-Clause
// Packets of the verifier's door.
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include "rollcall/protocol.h"

#define HEAD  8u
#define FIELD 4u

static const unsigned char magic[4] = {'R', 'C', 'V', '1'};

void rollcall_packet_start(struct rollcall_packet *p, enum rollcall_packet_type type)
{
    memset(p->bytes, 0, HEAD);
    memcpy(p->bytes, magic, sizeof(magic));
    p->bytes[4] = (unsigned char)type;
    p->len = HEAD;
}

static int put(struct rollcall_packet *p, enum rollcall_field field, const void *data, size_t len)
{
    uint16_t n = (uint16_t)len;
    unsigned char *at = p->bytes + p->len;

    if (len > UINT16_MAX || sizeof(p->bytes) - p->len < FIELD + len)
        return -EMSGSIZE;
    at[0] = (unsigned char)field;
    at[1] = 0;
    memcpy(at + 2, &n, sizeof(n));
    memcpy(at + FIELD, data, len);
    p->len += FIELD + len;
    return 0;
}

int rollcall_packet_put_text(struct rollcall_packet *p, enum rollcall_field field, const char *text)
{
    return text ? put(p, field, text, strlen(text)) : 0;
}

int rollcall_packet_put_number(struct rollcall_packet *p, enum rollcall_field field, int64_t number)
{
    return put(p, field, &number, sizeof(number));
}

int rollcall_packet_put_bytes(struct rollcall_packet *p, enum rollcall_field field,
                              const void *data, size_t len)
{
    return put(p, field, data, len);
}

// The next field at *at; false at the end. The form was checked.
static bool next(const struct rollcall_packet *p, size_t *at, unsigned *ret_tag,
                 const unsigned char **ret_data, size_t *ret_len)
{
    uint16_t n;

    if (*at >= p->len)
        return false;
    memcpy(&n, p->bytes + *at + 2, sizeof(n));
    *ret_tag = p->bytes[*at];
    *ret_data = p->bytes + *at + FIELD;
    *ret_len = n;
    *at += FIELD + n;
    return true;
}

int rollcall_packet_check(const struct rollcall_packet *p, int *ret_type)
{
    bool seen[256] = {false};

    if (p->len < HEAD || p->len > sizeof(p->bytes) || memcmp(p->bytes, magic, sizeof(magic)) != 0 ||
        p->bytes[5] || p->bytes[6] || p->bytes[7])
        return -EBADMSG;
    for (size_t at = HEAD; at < p->len;) {
        uint16_t n;
        if (p->len - at < FIELD || p->bytes[at + 1])
            return -EBADMSG;
        memcpy(&n, p->bytes + at + 2, sizeof(n));
        if (p->len - at - FIELD < n || seen[p->bytes[at]])
            return -EBADMSG;
        seen[p->bytes[at]] = true;
        at += FIELD + n;
    }
    *ret_type = p->bytes[4];
    return 0;
}

static int find(const struct rollcall_packet *p, enum rollcall_field field,
                const unsigned char **ret_data, size_t *ret_len)
{
    const unsigned char *data;
    size_t at = HEAD, len;
    unsigned tag;
    int type;

    if (rollcall_packet_check(p, &type) < 0)
        return -EBADMSG;
    while (next(p, &at, &tag, &data, &len)) {
        if (tag != (unsigned)field)
            continue;
        *ret_data = data;
        *ret_len = len;
        return 0;
    }
    return -ENOENT;
}

int rollcall_packet_get_text(const struct rollcall_packet *p, enum rollcall_field field, char *ret,
                             size_t len)
{
    const unsigned char *data = NULL;
    size_t n = 0;
    int r = find(p, field, &data, &n);

    if (r < 0)
        return r;
    if (memchr(data, 0, n))
        return -EBADMSG;
    if (n >= len)
        return -EMSGSIZE;
    memcpy(ret, data, n);
    ret[n] = 0;
    return 0;
}

int rollcall_packet_get_number(const struct rollcall_packet *p, enum rollcall_field field,
                               int64_t *ret)
{
    const unsigned char *data = NULL;
    size_t n = 0;
    int r = find(p, field, &data, &n);

    if (r < 0)
        return r;
    if (n != sizeof(*ret))
        return -EBADMSG;
    memcpy(ret, data, sizeof(*ret));
    return 0;
}

int rollcall_packet_get_bytes(const struct rollcall_packet *p, enum rollcall_field field, void *ret,
                              size_t size, size_t *ret_len)
{
    const unsigned char *data = NULL;
    size_t n = 0;
    int r = find(p, field, &data, &n);

    if (r < 0)
        return r;
    if (n > size)
        return -EMSGSIZE;
    memcpy(ret, data, n);
    *ret_len = n;
    return 0;
}

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t rollcall_deadline_in(int wait_ms)
{
    return monotonic_ms() + wait_ms;
}

int rollcall_deadline_left(int64_t deadline)
{
    int64_t left = deadline - monotonic_ms();

    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static int wait_for(int fd, short events, int wait_ms, int64_t started)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t left = wait_ms < 0 ? -1 : wait_ms - (monotonic_ms() - started);
        int r = poll(&p, 1, wait_ms < 0 ? -1 : left > 0 ? (int)left : 0);
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static bool is_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

int rollcall_packet_send(int fd, const struct rollcall_packet *p, int wait_ms)
{
    int64_t started = monotonic_ms();

    for (;;) {
        int r;
        if (send(fd, p->bytes, p->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)p->len)
            return 0;
        if (is_gone(errno))
            return -EPIPE;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        r = wait_for(fd, POLLOUT, wait_ms, started);
        if (r < 0)
            return r;
    }
}

int rollcall_packet_receive(int fd, struct rollcall_packet *ret, int wait_ms, int *ret_type)
{
    int64_t started = monotonic_ms();

    for (;;) {
        struct iovec iov = {.iov_base = ret->bytes, .iov_len = sizeof(ret->bytes)};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1}; // no room: descriptors are dropped
        ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int r;
        if (n == 0) // a packet of no bytes says as little
            return -EPIPE;
        if (n > 0) {
            ret->len = (size_t)n;
            return msg.msg_flags & MSG_TRUNC ? -EBADMSG : rollcall_packet_check(ret, ret_type);
        }
        if (is_gone(errno))
            return -EPIPE;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        r = wait_for(fd, POLLIN, wait_ms, started);
        if (r < 0)
            return r;
    }
}
