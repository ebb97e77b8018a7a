// SPDX-License-Identifier: BSD-2-Clause
// rollcall-source-csv: people from a file that HR's export writes. Reads it when it was
// written or moved into place and 2 s of quiet have passed, and looks every `poll`
// besides, because network file systems do not tell.
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/csv_file.h"
#include "syncd/sources/emit.h"

#define QUIET_MS 2000

struct watch {
    int fd;
    char folder[PATH_MAX], name[NAME_MAX + 1];
    char done[200]; // cursor of the listing that was committed last
    char seen[200]; // of the one that was read last, be it refused
    char complaint[300];
    int64_t noticed;           // when the change in work was first noticed, or 0
    struct csv_listed *listed; // what the listing of `done` had
};

static int64_t now_ms(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void watch_start(struct watch *w, const char *path)
{
    char a[PATH_MAX], b[PATH_MAX];

    snprintf(a, sizeof(a), "%s", path);
    snprintf(b, sizeof(b), "%s", path);
    snprintf(w->folder, sizeof(w->folder), "%s", dirname(a));
    snprintf(w->name, sizeof(w->name), "%s", basename(b));
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd >= 0 && inotify_add_watch(w->fd, w->folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        fprintf(stderr, "cannot watch %s: %s; looking every poll interval alone\n", w->folder,
                strerror(errno));
}

// True when our file was among what happened.
static bool drain(struct watch *w)
{
    char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool ours = false;
    ssize_t n;

    while ((n = read(w->fd, buf, sizeof(buf))) > 0)
        for (char *p = buf; p < buf + n;) {
            const struct inotify_event *e = (const void *)p;
            if (e->mask & IN_Q_OVERFLOW || (e->len && strcmp(e->name, w->name) == 0))
                ours = true;
            p += sizeof(*e) + e->len;
        }
    return ours;
}

// Waits at most `ms` for the file to be touched. The engine closing our stdin ends us.
static bool wait_touched(struct watch *w, int64_t ms)
{
    int64_t until = now_ms(CLOCK_MONOTONIC) + ms;

    for (;;) {
        struct pollfd p[2] = {{.fd = w->fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        int64_t left = until - now_ms(CLOCK_MONOTONIC);
        char byte;
        if (left <= 0)
            return false;
        if (poll(p, 2, (int)(left > 60000 ? 60000 : left)) < 0 && errno != EINTR)
            exit(1);
        if ((p[1].revents & (POLLIN | POLLHUP | POLLERR)) && read(0, &byte, 1) <= 0)
            exit(0);
        if ((p[0].revents & POLLIN) && drain(w))
            return true;
    }
}

// Nothing touched it for 2 s, and its mtime is as old.
static void wait_quiet(struct watch *w, const char *path)
{
    for (;;) {
        struct stat st;
        int64_t age;
        if (wait_touched(w, QUIET_MS))
            continue;
        if (stat(path, &st) < 0)
            return;
        age = now_ms(CLOCK_REALTIME) -
              ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
        if (age >= QUIET_MS || age < 0) // a time to come is the exporter's clock
            return;
    }
}

static bool is_fresh(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && time(NULL) - st.st_mtim.tv_sec <= QUIET_MS / 1000;
}

// With its whole path: the file may not be where it was looked for.
static void complain(struct watch *w, const char *path, const char *why)
{
    if (strcmp(w->complaint, why) == 0)
        return; // said already
    snprintf(w->complaint, sizeof(w->complaint), "%s", why);
    emit_refusal(path, why);
    emit_flush();
}

// Read already: nothing new, and still there. So that the next change costs no more than
// itself, what the file has is learnt now.
static void learn(struct watch *w, const struct source_request *q, int fd, const struct stat *st)
{
    w->complaint[0] = 0;
    snprintf(w->seen, sizeof(w->seen), "%s", w->done);
    emit_as_of(st->st_mtim.tv_sec);
    emit_flush();
    if (q->once || csv_listed_known(w->listed))
        close(fd);
    else if (csv_read(fd, q->path, st, 0, NULL, NULL, w->listed) < 0)
        csv_listed_forget(w->listed);
}

// The cursor names the reading: the file's version, the zone that its dates were read in,
// and who read it. 0, or -EAGAIN.
static int look(struct watch *w, const struct source_request *q)
{
    char version[100], cursor[200], why[300];
    const char *zone = getenv("TZ");
    struct stat st;
    int fd, r;

    fd = csv_open(q->path, &st, why, sizeof(why));
    if (fd < 0) {
        complain(w, q->path, why);
        return fd;
    }
    csv_version(&st, version, sizeof(version));
    snprintf(cursor, sizeof(cursor), "%s %s %s", version, zone ? zone : "UTC", ROLLCALL_VERSION);
    if (strcmp(cursor, w->done) == 0) {
        learn(w, q, fd, &st);
        return 0;
    }
    w->complaint[0] = 0;
    r = csv_read(fd, q->path, &st, w->noticed ? w->noticed / 1000 : time(NULL), cursor, w->done,
                 w->listed);
    if (r != -EAGAIN)
        snprintf(w->seen, sizeof(w->seen), "%s", cursor);
    // A refused file vouches for nobody: it must not pass for one that was taken.
    if (r == 0)
        snprintf(w->done, sizeof(w->done), "%s", cursor);
    return r;
}

// Reads until a reading was whole: neither changed meanwhile nor still being written.
static int read_whole(struct watch *w, const struct source_request *q)
{
    int r;

    while ((r = look(w, q)) == -EAGAIN)
        wait_quiet(w, q->path);
    w->noticed = 0;
    return r;
}

static bool unchanged(const struct watch *w, const char *path)
{
    struct stat st;
    char version[100];

    if (stat(path, &st) < 0)
        return false;
    csv_version(&st, version, sizeof(version));
    return strncmp(version, w->seen, strlen(version)) == 0 && w->seen[strlen(version)] == ' ';
}

int main(void)
{
    struct source_request q;
    struct watch w = {.fd = -1, .listed = csv_listed_new()};
    int r = source_request_read(0, &q);

    if (!w.listed) {
        fprintf(stderr, "there is no memory\n");
        return 1;
    }
    if (r < 0 || !q.path) {
        fprintf(stderr, "rollcall-source-csv is started by rollcall-syncd; see rollcall.conf(5)\n");
        return 2;
    }
    prctl(PR_SET_DUMPABLE, 0); // the launcher's word about it ended with exec
    snprintf(w.done, sizeof(w.done), "%s", q.cursor ? q.cursor : "");
    snprintf(w.seen, sizeof(w.seen), "%s", w.done);
    watch_start(&w, q.path);
    if (is_fresh(q.path) && !unchanged(&w, q.path))
        wait_quiet(&w, q.path);
    r = read_whole(&w, &q);
    while (!q.once) {
        if (!wait_touched(&w, (int64_t)q.poll * 1000) && unchanged(&w, q.path))
            continue;
        w.noticed = now_ms(CLOCK_REALTIME);
        wait_quiet(&w, q.path);
        r = read_whole(&w, &q);
    }
    source_request_done(&q);
    csv_listed_free(w.listed);
    return r < 0 ? 1 : 0;
}
