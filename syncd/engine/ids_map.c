// SPDX-License-Identifier: BSD-2-Clause
// The uid map, where an administrator settles who has which uid: read once a batch, looked into
// for each new person.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/safeio.h"
#include "syncd/engine/core_internal.h"

struct ids_map_line {
    const char *who; // a key or a name; in `text`
    uint32_t at;     // its place in the file: of two lines the first counts
    uint32_t uid;
};

static int by_who(const void *a, const void *b)
{
    const struct ids_map_line *x = a, *y = b;
    int r = strcmp(x->who, y->who);

    return r != 0 ? r : (x->at > y->at) - (x->at < y->at);
}

static int add(struct ids_map *m, size_t *room, const char *who, uint32_t at, uint32_t uid)
{
    if (m->n == *room) {
        size_t want = *room ? *room * 2 : 64;
        struct ids_map_line *p = reallocarray(m->line, want, sizeof(*p));
        if (!p)
            return -ENOMEM;
        m->line = p;
        *room = want;
    }
    m->line[m->n++] = (struct ids_map_line){.who = who, .at = at, .uid = uid};
    return 0;
}

// Lines "KEY UID" or "NAME UID"; '#' starts a comment. A line that says no uid is none.
static int read_lines(struct ids_map *m)
{
    size_t room = 0;
    uint32_t at = 0;
    int r = 0;

    for (char *line, *next = m->text; r == 0 && (line = next) && *line; at++) {
        size_t end = strcspn(line, "\n");
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        size_t who = strcspn(line, " \t"), gap = strspn(line + who, " \t");
        char *number = line + who + gap;
        uint64_t uid;
        if (*line == '#' || !gap)
            continue;
        number[strcspn(number, " \t\r#")] = 0;
        line[who] = 0;
        if (rollcall_parse_u64(number, 1, UINT32_MAX, &uid) == 0)
            r = add(m, &room, line, at, (uint32_t)uid);
    }
    if (m->n > 0)
        qsort(m->line, m->n, sizeof(*m->line), by_who);
    return r;
}

static const struct ids_map_line *first_of(const struct ids_map *m, const char *who)
{
    size_t low = 0, high = m->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(m->line[mid].who, who) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->n && strcmp(m->line[low].who, who) == 0 ? &m->line[low] : NULL;
}

int ids_map_look_up(struct ids_map *m, const char *path, const char *key, const char *name,
                    uint32_t *ret)
{
    const struct ids_map_line *by_key, *by_name;
    size_t len;
    int r;

    if (!m->read) {
        m->read = true;
        r = rollcall_read_file(path, IDS_MAP_BYTES_MAX, &m->text, &len) < 0 ? 0 : read_lines(m);
        if (r < 0)
            return r;
    }
    by_key = first_of(m, key);
    by_name = name ? first_of(m, name) : NULL;
    if (!by_key || (by_name && by_name->at < by_key->at))
        by_key = by_name;
    if (!by_key)
        return -ENOENT;
    *ret = by_key->uid;
    return 0;
}

void ids_map_forget(struct ids_map *m)
{
    free(m->line);
    free(m->text);
    *m = (struct ids_map){0};
}
