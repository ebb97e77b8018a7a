// SPDX-License-Identifier: BSD-2-Clause
// libldap's sockets block: a handshake or half a message would be waited for without end.
// This layer stands between TCP and TLS and fails what lasts too long.
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "lib/ldap_session_internal.h"

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void ldap_set_deadline(struct rollcall_ldap *s, unsigned seconds)
{
    s->deadline = now_ms() + ((int64_t)s->timeout + seconds) * 1000;
}

bool ldap_is_late(const struct rollcall_ldap *s)
{
    return s->deadline && now_ms() >= s->deadline;
}

static bool wait_ready(const struct rollcall_ldap *s, Sockbuf *sb, short events)
{
    int64_t ms = (int64_t)s->timeout * 1000, left = s->deadline ? s->deadline - now_ms() : ms;
    struct pollfd p = {.fd = -1, .events = events};
    int n;

    if (ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &p.fd) != 1)
        return false;
    do
        n = left > 0 ? poll(&p, 1, (int)(left < ms ? left : ms)) : 0;
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return true;
    errno = ETIMEDOUT; // EAGAIN would be tried again
    return false;
}

static int io_setup(Sockbuf_IO_Desc *io, void *arg)
{
    io->sbiod_pvt = arg;
    return 0;
}

static int io_remove(Sockbuf_IO_Desc *io)
{
    io->sbiod_pvt = NULL;
    return 0;
}

static int io_ctrl(Sockbuf_IO_Desc *io, int option, void *arg)
{
    return LBER_SBIOD_CTRL_NEXT(io, option, arg);
}

static ber_slen_t io_read(Sockbuf_IO_Desc *io, void *buf, ber_len_t len)
{
    if (!wait_ready(io->sbiod_pvt, io->sbiod_sb, POLLIN))
        return -1;
    return LBER_SBIOD_READ_NEXT(io, buf, len);
}

static ber_slen_t io_write(Sockbuf_IO_Desc *io, void *buf, ber_len_t len)
{
    ber_slen_t n;

    if (!wait_ready(io->sbiod_pvt, io->sbiod_sb, POLLOUT))
        return -1;
    n = LBER_SBIOD_WRITE_NEXT(io, buf, len);
    if (n < 0 && errno == EAGAIN) // SO_SNDTIMEO
        errno = ETIMEDOUT;
    return n;
}

static int io_close(Sockbuf_IO_Desc *io)
{
    (void)io;
    return 0;
}

int ldap_bound_io(struct rollcall_ldap *s, Sockbuf *sb)
{
    static Sockbuf_IO bounded = {io_setup, io_remove, io_ctrl, io_read, io_write, io_close};

    return ber_sockbuf_add_io(sb, &bounded, LBER_SBIOD_LEVEL_PROVIDER + 5, s);
}
