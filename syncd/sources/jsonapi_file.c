// SPDX-License-Identifier: BSD-2-Clause
// A local file that HR's export writes, read once it has been quiet for a while.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "rollcall/cleanup.h"
#include "syncd/sources/jsonapi.h"
#include "syncd/sources/wait.h"

#define QUIET_MS  2000
#define FILE_MAX  (4ll * 1024 * 1024 * 1024)
#define TRIES_MAX 30

// One writing of it, in the cursor's member "etag".
static char *version_of(const struct stat *st)
{
    char *text;

    return asprintf(&text, "%lld.%09ld-%lld-%llu", (long long)st->st_mtim.tv_sec,
                    st->st_mtim.tv_nsec, (long long)st->st_size, (unsigned long long)st->st_ino) < 0
               ? NULL
               : text;
}

static bool is_version(const char *a, const struct stat *st)
{
    _cleanup_free_ char *b = version_of(st);

    return a && b && strcmp(a, b) == 0;
}

static bool is_quiet(const struct stat *st)
{
    struct timespec now;
    int64_t age;

    clock_gettime(CLOCK_REALTIME, &now);
    age = ((int64_t)now.tv_sec - st->st_mtim.tv_sec) * 1000 +
          (now.tv_nsec - st->st_mtim.tv_nsec) / 1000000;
    return age >= QUIET_MS || age < 0; // a time to come is the exporter's clock
}

static int cannot(struct listing *l, const char *what, int error)
{
    snprintf(l->w->why, sizeof(l->w->why), "%.300s: %s", l->w->request.path, what);
    return error;
}

static int open_file(struct listing *l, struct stat *ret)
{
    int fd = open(l->w->request.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return cannot(l, errno == ELOOP ? "is a link, which is not followed" : strerror(errno),
                      -errno);
    if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_size <= FILE_MAX)
        return fd;
    close(fd);
    return cannot(l, "is no file of at most 4 GiB", -EINVAL);
}

static int feed(struct listing *l, int fd)
{
    static char bytes[64 * 1024];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        if (hr_page_feed(l, bytes, (size_t)n) < 0)
            break;
    if (n < 0)
        return cannot(l, strerror(errno), -errno);
    return hr_page_end(l, l->w->request.path);
}

// 0; -EAGAIN where it was written meanwhile.
static int read_once(struct listing *l, const char *committed)
{
    struct stat st, after;
    _cleanup_close_ int fd = open_file(l, &st);
    int r;

    if (fd < 0)
        return fd;
    if (!is_quiet(&st))
        return -EAGAIN;
    l->as_of = st.st_mtim.tv_sec;
    l->same = is_version(committed, &st);
    if (l->same)
        return 0;
    free(l->etag);
    l->etag = version_of(&st);
    r = hr_page_begin(l);
    if (r == 0)
        r = feed(l, fd);
    return fstat(fd, &after) < 0 || !is_version(l->etag, &after) ? -EAGAIN : r;
}

int hr_read_file(struct listing *l)
{
    const json_t *c = l->w->cursor;
    const char *of = json_string_value(json_object_get(c, "of")),
               *day = json_string_value(json_object_get(c, "day")), *committed;
    char today[11];
    int r = -EAGAIN;

    hr_today(l->hr, today);
    committed = of && strcmp(of, l->hr->of) == 0 && day && strcmp(day, today) == 0
                    ? json_string_value(json_object_get(c, "etag"))
                    : NULL;
    for (int i = 0; i < TRIES_MAX && r == -EAGAIN; i++) {
        struct web *w = l->w;
        if (i > 0) {
            source_pause(QUIET_MS / 4);
            hr_listing_done(l);
            hr_listing_init(l, w);
        }
        r = read_once(l, committed);
    }
    return r == -EAGAIN ? cannot(l, "is written all the time", r) : r;
}

int hr_file_hint(struct web *w)
{
    struct stat st;

    return stat(w->request.path, &st) == 0 && is_quiet(&st) &&
           !is_version(json_string_value(json_object_get(w->cursor, "etag")), &st);
}
