// SPDX-License-Identifier: BSD-2-Clause
// What a source or a sink prints on its standard error: each line is logged, and the last one is
// what it is taken to have died of.
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "rollcall/log.h"
#include "rollcall/utf8.h"
#include "syncd/engine/loop_internal.h"

bool child_errors_read(int epoll, int fd, struct child_errors *e, const char *kind,
                       const char *name, char problem[CHILD_PROBLEM])
{
    ssize_t n = read(fd, e->text + e->len, sizeof(e->text) - 1 - e->len);
    char event[32], *nl;

    if (n <= 0) {
        if (n == 0)
            epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
        return false;
    }
    snprintf(event, sizeof(event), "%s-says", kind);
    e->len += (size_t)n;
    e->text[e->len] = 0;
    // A line that does not end is cut where the room does.
    while ((nl = strchr(e->text, '\n')) || e->len == sizeof(e->text) - 1) {
        size_t used = nl ? (size_t)(nl - e->text) + 1 : e->len;
        if (nl)
            *nl = 0;
        rollcall_log(LOG_WARNING, event, kind, name, "text", e->text, NULL);
        snprintf(problem, CHILD_PROBLEM, "%.250s", e->text);
        rollcall_utf8_mend(problem);
        e->len -= used;
        memmove(e->text, e->text + used, e->len + 1);
    }
    return true;
}
