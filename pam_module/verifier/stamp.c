// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/verifier/stamp.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "rollcall/cleanup.h"

#define FILES_MAX 256
#define TICK_NS   20000000 // twice the coarsest time that a kernel gives a change

struct file {
    char *path;
    bool there;
    dev_t dev;
    ino_t ino;
    off_t size;
    mode_t mode;
    struct timespec changed; // the kernel's own word; nobody sets it back
};

struct stamp {
    bool settled;
    size_t n;
    struct file file[FILES_MAX];
};

static void look(const char *path, struct file *ret)
{
    struct stat st;

    *ret = (struct file){0};
    if (stat(path, &st) < 0)
        return;
    *ret = (struct file){.there = true,
                         .dev = st.st_dev,
                         .ino = st.st_ino,
                         .size = st.st_size,
                         .mode = st.st_mode,
                         .changed = st.st_ctim};
}

static bool same(const struct file *a, const struct file *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mode == b->mode && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static int add(struct stamp *s, const char *path)
{
    struct file *f = &s->file[s->n];

    if (s->n == FILES_MAX)
        return -E2BIG;
    look(path, f);
    f->path = strdup(path);
    if (!f->path)
        return -ENOMEM;
    s->n++;
    return 0;
}

static int add_folder(struct stamp *s, const char *path)
{
    _cleanup_closedir_ DIR *d = opendir(path);
    char inside[PATH_MAX];
    const struct dirent *e;
    int r = 0;

    while (r == 0 && d && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(inside, sizeof(inside), "%s/%s", path, e->d_name) >= (int)sizeof(inside))
            return -ENAMETOOLONG;
        r = add(s, inside);
    }
    return r;
}

// Changed at a time that had passed for good.
static bool settled(const struct stamp *s)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < s->n; i++) {
        int64_t age = (int64_t)(now.tv_sec - s->file[i].changed.tv_sec) * 1000000000 +
                      (now.tv_nsec - s->file[i].changed.tv_nsec);
        if (s->file[i].there && age < TICK_NS)
            return false;
    }
    return true;
}

struct stamp *stamp_take(const char *const *paths)
{
    struct stamp *s = calloc(1, sizeof(*s));
    int r = s ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && paths[i]; i++) {
        r = add(s, paths[i]);
        if (r == 0 && S_ISDIR(s->file[s->n - 1].mode))
            r = add_folder(s, paths[i]);
    }
    if (r < 0) {
        stamp_free(s);
        return NULL;
    }
    s->settled = settled(s);
    return s;
}

bool stamp_fresh(const struct stamp *s)
{
    struct file now;

    if (!s || !s->settled)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        look(s->file[i].path, &now);
        if (!same(&now, &s->file[i]))
            return false;
    }
    return true;
}

void stamp_free(struct stamp *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        free(s->file[i].path);
    free(s);
}
