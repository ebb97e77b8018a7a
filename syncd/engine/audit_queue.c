// SPDX-License-Identifier: BSD-2-Clause
// The engine's audit records, until the enforcer takes them.
#include "syncd/engine/audit_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rollcall/log.h"

int audit_queue_open(struct audit_queue *q, const char *path)
{
    *q = (struct audit_queue){.path = path, .fd = -1};
    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return -ENAMETOOLONG;
    q->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return q->fd < 0 ? -errno : 0;
}

static char *take_first(struct audit_queue *q)
{
    char *record = q->record[q->first];

    q->first = (q->first + 1) % q->room;
    q->n--;
    return record;
}

static void lose_first(struct audit_queue *q)
{
    free(take_first(q));
    q->lost++;
}

static void say_lost(struct audit_queue *q)
{
    char n[24];

    if (q->lost == 0)
        return;
    snprintf(n, sizeof(n), "%zu", q->lost);
    rollcall_log(LOG_WARNING, "audit-records-lost", "records", n, "why",
                 "rollcall-enforcer did not take them", NULL);
    q->lost = 0;
}

static bool grow(struct audit_queue *q)
{
    size_t room = q->room ? q->room * 2 : 64;
    char **ring;

    if (q->n < q->room)
        return true;
    ring = calloc(room, sizeof(*ring));
    if (!ring)
        return false;
    for (size_t i = 0; q->room > 0 && i < q->n; i++)
        ring[i] = q->record[(q->first + i) % q->room];
    free(q->record);
    q->record = ring;
    q->first = 0;
    q->room = room;
    return true;
}

void audit_queue_put(struct audit_queue *q, char *record)
{
    while (q->n >= AUDIT_QUEUE_MAX)
        lose_first(q);
    if (grow(q)) {
        q->record[(q->first + q->n) % q->room] = record;
        q->n++;
    } else {
        free(record);
        q->lost++;
    }
    // Where nobody listens, not each of an import's thousands asks again whether somebody does.
    if (!q->deaf || q->put++ % 64 == 0)
        audit_queue_flush(q);
}

int audit_queue_flush(struct audit_queue *q)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    snprintf(to.sun_path, sizeof(to.sun_path), "%s", q->path);
    q->deaf = false;
    while (q->n > 0) {
        const char *record = q->record[q->first];
        size_t len = strlen(record);
        if (sendto(q->fd, record, len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)) ==
            (ssize_t)len) {
            free(take_first(q));
            continue;
        }
        if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
            return 20;
        if (errno != EMSGSIZE) {
            q->deaf = true;
            return 1000;
        }
        lose_first(q); // could never be sent
    }
    say_lost(q);
    return -1;
}

void audit_queue_close(struct audit_queue *q)
{
    for (int i = 0; i < 50 && q->fd >= 0 && audit_queue_flush(q) == 20; i++)
        poll(NULL, 0, 20);
    while (q->n > 0)
        lose_first(q);
    say_lost(q);
    free(q->record);
    if (q->fd >= 0)
        close(q->fd);
    *q = (struct audit_queue){.fd = -1};
}
