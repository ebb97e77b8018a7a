// SPDX-License-Identifier: BSD-2-Clause
// Audit records out of any program: one JSON object, one datagram, never waiting.
#include "rollcall/audit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/utf8.h"

struct out {
    char *buf;
    size_t len, n;
    bool full;
};

static void put(struct out *o, const char *bytes, size_t n)
{
    if (o->full || n >= o->len - o->n) {
        o->full = true;
        return;
    }
    memcpy(o->buf + o->n, bytes, n);
    o->n += n;
}

// A name from a login prompt may be any bytes, and a record that is no JSON would be lost.
static void put_string(struct out *o, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    put(o, "\"", 1);
    while (*p) {
        char escape[8];
        size_t n = 1;
        if (*p == '"' || *p == '\\') {
            escape[0] = '\\';
            escape[1] = (char)*p;
            put(o, escape, 2);
        } else if (*p < 0x20 || *p == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", *p);
            put(o, escape, 6);
        } else if (*p < 0x80) {
            put(o, (const char *)p, 1);
        } else if ((n = rollcall_utf8_len((const char *)p)) > 0) {
            put(o, (const char *)p, n);
        } else {
            put(o, "\\ufffd", 6);
            n = 1;
        }
        p += n;
    }
    put(o, "\"", 1);
}

int rollcall_audit_format(char *buf, size_t len, const char *event, va_list pairs)
{
    struct out o = {.buf = buf, .len = len};
    const char *key;

    if (len < 2)
        return -ENOSPC;
    put(&o, "{\"event\":", 9);
    put_string(&o, event);
    while ((key = va_arg(pairs, const char *))) {
        const char *value = va_arg(pairs, const char *);
        if (!value)
            continue;
        put(&o, ",", 1);
        put_string(&o, key);
        put(&o, ":", 1);
        put_string(&o, value);
    }
    put(&o, "}", 1);
    if (o.full)
        return -ENOSPC;
    buf[o.n] = 0;
    return (int)o.n;
}

static int send_record(const char *path, const char *record, size_t n)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -1;

    if (strlen(path) >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (sendto(fd, record, n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -errno;
    return 0;
}

void rollcall_audit(const char *socket_path, const char *event, ...)
{
    char record[ROLLCALL_AUDIT_MAX];
    int saved = errno, n;
    va_list pairs;

    va_start(pairs, event);
    n = rollcall_audit_format(record, sizeof(record), event, pairs);
    va_end(pairs);
    if (n < 0) { // what happened is worth more than its details
        n = snprintf(record, sizeof(record),
                     "{\"event\":\"%.64s\",\"hint\":\"too long for a record\"}", event);
    }
    if (send_record(socket_path, record, (size_t)n) < 0)
        syslog(LOG_AUTHPRIV | LOG_NOTICE, "rollcall audit: %s", record);
    errno = saved;
}
