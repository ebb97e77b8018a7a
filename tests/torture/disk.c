// SPDX-License-Identifier: BSD-2-Clause
// A disk after a power loss.
#define XXH_INLINE_ALL
#include "tests/torture/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "rollcall/cache_format.h"
#include "rollcall/cache_map.h"

#define SECTOR  512u
#define SEEN    (1u << 18)
#define FOLDERS 2

struct pending {
    const struct op **op;
    size_t n, room;
};

struct name {
    char text[OP_NAME_MAX];
    int file;
};

struct names {
    struct name *name;
    size_t n;
};

struct file {
    unsigned char *data; // what is on the disk
    size_t len;
    struct pending pending;
};

struct disk {
    const struct recording *r;
    size_t at;
    struct file *file;
    struct {
        struct names on_disk;
        struct pending pending;
    } folder[FOLDERS];
    uint64_t dice;
    uint64_t *seen;
    size_t n_seen;
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static bool is(bool ok)
{
    if (!ok)
        abort();
    return ok;
}

static uint32_t roll(struct disk *d, uint32_t n)
{
    d->dice ^= d->dice << 13;
    d->dice ^= d->dice >> 7;
    d->dice ^= d->dice << 17;
    return (uint32_t)((d->dice >> 32) * n >> 32);
}

static unsigned folder_of(const char *name)
{
    return strncmp(name, "cache", 5) == 0;
}

// ---- names ----

static void take_name(struct names *names, const char *text, int file)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->name[i].text, text) == 0 && names->name[i].file == file)
            names->name[i--] = names->name[--names->n];
}

static void give_name(struct names *names, const char *text, int file)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->name[i].text, text) == 0) {
            names->name[i].file = file;
            return;
        }
    names->name = must(reallocarray(names->name, names->n + 1, sizeof(*names->name)));
    snprintf(names->name[names->n].text, OP_NAME_MAX, "%s", text);
    names->name[names->n++].file = file;
}

static void apply_name(struct names *names, const struct op *op)
{
    if (op->kind == OP_RENAME)
        take_name(names, op->from, op->file);
    if (op->kind == OP_UNLINK)
        take_name(names, op->name, op->file);
    else
        give_name(names, op->name, op->file);
}

// ---- data ----

struct content {
    unsigned char *data;
    size_t len;
};

static void grow(struct content *c, size_t len)
{
    if (len <= c->len)
        return;
    c->data = must(realloc(c->data, len));
    memset(c->data + c->len, 0, len - c->len);
    c->len = len;
}

static void apply_data(struct content *c, const struct op *op)
{
    if (op->kind == OP_SIZE && op->at < c->len)
        c->len = op->at;
    if (op->kind == OP_SIZE || op->kind == OP_ROOM)
        grow(c, op->at);
    if (op->kind != OP_WRITE || op->len == 0)
        return;
    grow(c, op->at + op->len);
    memcpy(c->data + op->at, op->data, op->len);
}

// Some of its sectors.
static void apply_torn(struct disk *d, struct content *c, const struct op *op)
{
    for (uint64_t at = op->at; at < op->at + op->len;) {
        uint64_t next = (at / SECTOR + 1) * SECTOR, end = op->at + op->len;
        struct op piece = *op;
        piece.at = at;
        piece.data = op->data + (at - op->at);
        piece.len = (size_t)((next < end ? next : end) - at);
        if (roll(d, 2))
            apply_data(c, &piece);
        at += piece.len;
    }
}

// ---- the recording, an operation at a time ----

static void wait_for_sync(struct pending *p, const struct op *op)
{
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : 16;
        p->op = must(reallocarray(p->op, p->room, sizeof(struct op *)));
    }
    p->op[p->n++] = op;
}

static void sync_file(struct file *f)
{
    struct content c = {f->data, f->len};

    for (size_t i = 0; i < f->pending.n; i++)
        apply_data(&c, f->pending.op[i]);
    f->pending.n = 0;
    f->data = c.data;
    f->len = c.len;
}

static void sync_folder(struct disk *d, unsigned folder)
{
    for (size_t i = 0; i < d->folder[folder].pending.n; i++)
        apply_name(&d->folder[folder].on_disk, d->folder[folder].pending.op[i]);
    d->folder[folder].pending.n = 0;
}

static void forget(struct disk *d)
{
    for (unsigned i = 0; i < FOLDERS; i++)
        d->folder[i].on_disk.n = d->folder[i].pending.n = 0;
}

static void take_op(struct disk *d, const struct op *op)
{
    switch (op->kind) {
    case OP_WRITE:
    case OP_SIZE:
    case OP_ROOM:
        wait_for_sync(&d->file[op->file].pending, op);
        break;
    case OP_SYNC:
        sync_file(&d->file[op->file]);
        break;
    case OP_NAME:
    case OP_RENAME:
    case OP_UNLINK:
        wait_for_sync(&d->folder[folder_of(op->name)].pending, op);
        break;
    case OP_SYNC_DIR:
        sync_folder(d, folder_of(op->name));
        break;
    case OP_FORGET:
        forget(d);
        break;
    case OP_STANDS:
    case OP_MARK:
        break;
    }
}

const struct op *disk_step(struct disk *d)
{
    const struct op *op;
    bool standing = false;

    if (d->at == d->r->n)
        return NULL;
    do {
        op = &d->r->op[d->at++];
        standing = op->kind == OP_FORGET || (standing && op->kind != OP_STANDS);
        take_op(d, op);
    } while (standing);
    return op;
}

struct disk *disk_new(const struct recording *r)
{
    struct disk *d = must(calloc(1, sizeof(*d)));

    d->r = r;
    d->dice = 0x2545f4914f6cdd1du; // the same states each time
    d->file = must(calloc((size_t)r->files + 1, sizeof(*d->file)));
    d->seen = must(calloc(SEEN, sizeof(*d->seen)));
    return d;
}

void disk_free(struct disk *d)
{
    for (int i = 0; i < d->r->files; i++) {
        free(d->file[i].data);
        free(d->file[i].pending.op);
    }
    for (unsigned i = 0; i < FOLDERS; i++) {
        free(d->folder[i].on_disk.name);
        free(d->folder[i].pending.op);
    }
    free(d->file);
    free(d->seen);
    free(d);
}

// ---- making a state ----

static void lose_some_data(struct disk *d, const struct file *f, struct content *c, uint32_t odds)
{
    for (size_t i = 0; i < f->pending.n; i++) {
        if (roll(d, 4) == 0)
            apply_torn(d, c, f->pending.op[i]);
        else if (roll(d, 100) < odds)
            apply_data(c, f->pending.op[i]);
    }
}

static struct content content_of(struct disk *d, enum disk_luck luck, uint32_t odds, int file)
{
    const struct file *f = &d->file[file];
    struct content c = {must(malloc(f->len + 1)), f->len};

    if (f->len > 0)
        memcpy(c.data, f->data, f->len);
    if (luck == DISK_SOME)
        lose_some_data(d, f, &c, odds);
    for (size_t i = 0; luck == DISK_KEPT && i < f->pending.n; i++)
        apply_data(&c, f->pending.op[i]);
    return c;
}

static void leave_out(struct names *names, const char *without)
{
    for (size_t i = 0; without && i < names->n; i++)
        if (strncmp(names->name[i].text, without, strlen(without)) == 0)
            names->name[i--] = names->name[--names->n];
}

static struct names names_of(struct disk *d, enum disk_luck luck, uint32_t odds, unsigned folder)
{
    const struct pending *p = &d->folder[folder].pending;
    const struct names *on_disk = &d->folder[folder].on_disk;
    struct names names = {must(calloc(on_disk->n + 1, sizeof(struct name))), on_disk->n};

    if (on_disk->n > 0)
        memcpy(names.name, on_disk->name, on_disk->n * sizeof(struct name));
    for (size_t i = 0; i < p->n; i++)
        if (luck == DISK_KEPT || (luck == DISK_SOME && roll(d, 100) < odds))
            apply_name(&names, p->op[i]);
    return names;
}

static bool seen_before(struct disk *d, uint64_t hash)
{
    hash |= 1;
    for (size_t i = hash % SEEN; d->seen[i] || d->n_seen == SEEN - 1; i = (i + 1) % SEEN)
        if (d->seen[i] == hash)
            return true;
    for (size_t i = hash % SEEN;; i = (i + 1) % SEEN)
        if (!d->seen[i]) {
            d->seen[i] = hash;
            d->n_seen++;
            return false;
        }
}

// The same file as before, for whoever asks its inode and birth.
static void tell_board(const struct disk *d, int file, ino_t ino, int64_t born, struct content *c)
{
    struct rc_board_header h;

    if (c->len < RC_BOARD_HEAD)
        return;
    memcpy(&h, c->data, sizeof(h));
    if (memcmp(h.magic, ROLLCALL_MAGIC_BOARD, 8) != 0 || h.inode != d->r->ino[file] ||
        h.head_check != XXH3_64bits(&h, offsetof(struct rc_board_header, head_check)))
        return;
    h.inode = ino;
    h.born = born;
    h.head_check = XXH3_64bits(&h, offsetof(struct rc_board_header, head_check));
    memcpy(c->data, &h, offsetof(struct rc_board_header, status));
}

static void write_file(const struct disk *d, const char *root, const struct name *name,
                       struct content *c)
{
    char path[PATH_MAX];
    struct stat st;
    int64_t born = 0;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", root, name->text);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    is(fd >= 0 && rc_file_stat(fd, &st, &born) == 0);
    tell_board(d, name->file, st.st_ino, born, c);
    is(write(fd, c->data, c->len) == (ssize_t)c->len);
    close(fd);
}

static void write_names(const struct disk *d, const char *root, const struct names *names,
                        struct content *content)
{
    for (size_t i = 0; i < names->n; i++) {
        size_t first = 0;
        while (names->name[first].file != names->name[i].file)
            first++;
        if (first < i) {
            char from[PATH_MAX], to[PATH_MAX];
            snprintf(from, sizeof(from), "%s/%s", root, names->name[first].text);
            snprintf(to, sizeof(to), "%s/%s", root, names->name[i].text);
            is(link(from, to) == 0);
        } else {
            write_file(d, root, &names->name[i], &content[i]);
        }
    }
}

bool disk_syncs_next(const struct disk *d)
{
    return d->at < d->r->n &&
           (d->r->op[d->at].kind == OP_SYNC || d->r->op[d->at].kind == OP_SYNC_DIR);
}

bool disk_make(struct disk *d, enum disk_luck luck, const char *without, uint64_t with,
               const char *root)
{
    uint32_t odds = 10 + 20 * roll(d, 5);
    uint64_t hash = with;
    struct names names[FOLDERS];
    struct content *content[FOLDERS];
    bool fresh;

    for (unsigned f = 0; f < FOLDERS; f++) {
        names[f] = names_of(d, luck, odds, f);
        leave_out(&names[f], without);
        content[f] = must(calloc(names[f].n + 1, sizeof(struct content)));
        for (size_t i = 0; i < names[f].n; i++) {
            const struct name *name = &names[f].name[i];
            content[f][i] = content_of(d, luck, odds, name->file);
            hash = XXH3_64bits_withSeed(name->text, strlen(name->text), hash);
            hash = XXH3_64bits_withSeed(content[f][i].data, content[f][i].len, hash);
        }
    }
    fresh = !seen_before(d, hash);
    for (unsigned f = 0; f < FOLDERS; f++) {
        if (fresh)
            write_names(d, root, &names[f], content[f]);
        for (size_t i = 0; i < names[f].n; i++)
            free(content[f][i].data);
        free(content[f]);
        free(names[f].name);
    }
    return fresh;
}
