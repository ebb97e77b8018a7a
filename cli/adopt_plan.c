// SPDX-License-Identifier: BSD-2-Clause
// Who of the people that this host has already is whom in HR's listing.
#include "cli/adopt_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"

bool adopt_is_person(const struct adopt_local *l)
{
    return l->uid >= 1000 && rollcall_id_in_compiled_limits(l->uid) && strcmp(l->name, "root") != 0;
}

const char *adopt_verdict_name(enum adopt_verdict verdict)
{
    static const char *const names[] = {"keeps", "new-uid", "conflict", "not-in-hr"};

    return names[verdict];
}

// By name; who is not there by name, by number. Two of one are none.
static const struct adopt_row *find_row(const char *name, const struct adopt_row *rows, size_t n,
                                        size_t *ret_found)
{
    const struct adopt_row *found = NULL;

    *ret_found = 0;
    for (int by_number = 0; by_number < 2 && *ret_found == 0; by_number++)
        for (size_t i = 0; i < n; i++)
            if (strcmp(by_number ? rows[i].number : rows[i].name, name) == 0) {
                found = &rows[i];
                ++*ret_found;
            }
    return found;
}

static bool conflict(struct adopt_person *p, const char *why)
{
    p->verdict = ADOPT_CONFLICT;
    snprintf(p->why, sizeof(p->why), "%s", why);
    return true;
}

static bool is_in_conflict(const struct adopt_local *locals, size_t n_locals,
                           const struct adopt_row *rows, size_t n_rows, struct adopt_person *p)
{
    const struct adopt_local *l = p->local;
    const struct adopt_row *row = p->row;
    enum rollcall_name_fault fault = rollcall_name_check(row->name, strlen(row->name));
    char home[256];

    if (row->has_left)
        return conflict(p, "HR has ended their employment, and the local account goes on: userdel");
    if (fault != ROLLCALL_NAME_OK)
        return conflict(p, rollcall_name_fault_sentence(fault));
    for (size_t i = 0; i < n_locals; i++) {
        if (&locals[i] == l)
            continue;
        if (locals[i].uid == l->uid)
            return conflict(p, "another local account has the same uid");
        if (strcmp(locals[i].name, row->name) == 0)
            return conflict(p, "another local account has the name that HR gives them");
    }
    for (size_t i = 0; i < n_rows; i++)
        if (&rows[i] != row && ((rows[i].has_uid && rows[i].uid == l->uid) ||
                                (rows[i].pinned && rows[i].pinned_uid == l->uid)))
            return conflict(p, "somebody else of HR's has that uid");
    snprintf(home, sizeof(home), "/home/%.60s", row->name);
    if (strcmp(*row->home ? row->home : home, l->home) != 0) {
        snprintf(p->why, sizeof(p->why),
                 "the home is %.100s here and would be %.100s: say homeDirectory in HR's listing, "
                 "or move it first",
                 l->home, *row->home ? row->home : home);
        p->verdict = ADOPT_CONFLICT;
        return true;
    }
    return false;
}

static void judge_uid(const struct adopt_local *l, const struct adopt_row *row, uint32_t id_min,
                      uint32_t id_max, struct adopt_person *p)
{
    bool fits = l->uid > id_min && l->uid <= id_max;

    p->verdict = ADOPT_NEW_UID;
    if (row->pinned && row->pinned_uid != l->uid)
        snprintf(p->why, sizeof(p->why),
                 "rollcall has given them uid %u already, and uids are given once",
                 row->pinned_uid);
    else if (!fits)
        snprintf(p->why, sizeof(p->why),
                 "uid %u lies outside id_range %u-%u: widen [ids] id_range before people are "
                 "listed for the first time, or let their files change hands",
                 l->uid, id_min, id_max);
    else
        p->verdict = ADOPT_KEEPS;
    p->map = p->verdict == ADOPT_KEEPS && !row->pinned;
    if (p->verdict == ADOPT_KEEPS && l->gid != l->uid)
        snprintf(p->why, sizeof(p->why),
                 "the primary group becomes %u; files of group %u keep that group", l->uid, l->gid);
}

void adopt_judge(const struct adopt_local *locals, size_t n_locals, size_t which,
                 const struct adopt_row *rows, size_t n_rows, uint32_t id_min, uint32_t id_max,
                 struct adopt_person *ret)
{
    struct adopt_person p = {.local = &locals[which], .verdict = ADOPT_NOBODY};
    size_t found;

    p.row = find_row(p.local->name, rows, n_rows, &found);
    if (found > 1)
        conflict(&p, "two rows of HR's have that name or number");
    else if (found && !is_in_conflict(locals, n_locals, rows, n_rows, &p))
        judge_uid(p.local, p.row, id_min, id_max, &p);
    *ret = p;
}

// ---- texts ----

static const char *next_line(const char **text, size_t *ret_len, size_t *ret_whole)
{
    const char *line = *text;

    if (!*line)
        return NULL;
    *ret_len = strcspn(line, "\n");
    *ret_whole = *ret_len + (line[*ret_len] == '\n');
    *text = line + *ret_whole;
    return line;
}

static bool is_one(const char *word, size_t len, const char *const names[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) == len && strncmp(word, names[i], len) == 0)
            return true;
    return false;
}

// A list "a,b,c" without the names.
static void put_list(FILE *out, const char *list, size_t len, const char *const names[], size_t n)
{
    bool first = true;

    for (size_t at = 0; at < len;) {
        size_t word = 0;
        while (at + word < len && list[at + word] != ',')
            word++;
        if (!is_one(list + at, word, names, n)) {
            fprintf(out, "%s%.*s", first ? "" : ",", (int)word, list + at);
            first = false;
        }
        at += word + 1;
    }
}

static void put_line(FILE *out, const char *line, size_t len, size_t whole,
                     const char *const names[], size_t n, bool members)
{
    const char *last = memrchr(line, ':', len);
    size_t head = last ? (size_t)(last - line) + 1 : len;

    if (!members || !last) {
        fwrite(line, 1, whole, out);
        return;
    }
    fwrite(line, 1, head, out);
    put_list(out, line + head, len - head, names, n);
    fwrite(line + len, 1, whole - len, out);
}

char *adopt_edit_without(const char *text, const char *const names[], size_t n, bool members)
{
    char *buf = NULL;
    size_t size, len, whole;
    FILE *out = open_memstream(&buf, &size);
    const char *line;

    if (!out)
        return NULL;
    while ((line = next_line(&text, &len, &whole)))
        if (!is_one(line, strcspn(line, ":\n"), names, n))
            put_line(out, line, len, whole, names, n, members);
    if (fclose(out) != 0) {
        free(buf);
        return NULL;
    }
    return buf;
}

// The engine looks for the key and for the name; a key with a blank is no word.
static const char *map_word(const struct adopt_row *row)
{
    return strpbrk(row->key, " \t#") ? row->name : row->key;
}

// Is there a line for that key already?
static bool is_mapped(const char *text, const char *key)
{
    size_t len, whole;
    const char *line;

    while ((line = next_line(&text, &len, &whole)))
        if (strcspn(line, " \t\n") == strlen(key) && strncmp(line, key, strlen(key)) == 0)
            return true;
    return false;
}

char *adopt_edit_map(const char *text, const struct adopt_person *people, size_t n)
{
    size_t size, length = strlen(text);
    char *buf = NULL;
    FILE *out = open_memstream(&buf, &size);

    if (!out)
        return NULL;
    fprintf(out, "%s%s", text, length && text[length - 1] != '\n' ? "\n" : "");
    for (size_t i = 0; i < n; i++)
        if (people[i].map && !is_mapped(text, map_word(people[i].row)))
            fprintf(out, "%s %u # %s, by rollcall adopt\n", map_word(people[i].row),
                    people[i].local->uid, people[i].local->name);
    if (fclose(out) != 0) {
        free(buf);
        return NULL;
    }
    return buf;
}

// ---- three versions ----

static bool find_line(const char *text, const char *like, const char **ret, size_t *ret_len)
{
    size_t key = strcspn(like, ": \t\n"), len, whole;
    const char *line;

    while ((line = next_line(&text, &len, &whole)))
        if (strcspn(line, ": \t\n") == key && strncmp(line, like, key) == 0) {
            *ret = line;
            *ret_len = len;
            return true;
        }
    return false;
}

static bool same_line(const char *text, const char *like, const char *line, size_t len)
{
    const char *other;
    size_t n;

    return find_line(text, like, &other, &n) && n == len && strncmp(other, line, len) == 0;
}

char *adopt_merge(const char *path, const char *before, const char *after, const char *now)
{
    char *buf = NULL;
    size_t size, len, whole, n;
    FILE *out = open_memstream(&buf, &size);
    const char *line, *rest = now, *old;

    (void)path;
    if (!out)
        return NULL;
    while ((line = next_line(&rest, &len, &whole))) {
        bool ours = same_line(after, line, line, len);
        if (ours && find_line(before, line, &old, &n))
            fprintf(out, "%.*s\n", (int)n, old);
        else if (!ours || find_line(before, line, &old, &n))
            fprintf(out, "%.*s\n", (int)len, line);
        // else a line that we added: it goes
    }
    rest = before;
    while ((line = next_line(&rest, &len, &whole)))
        if (!find_line(after, line, &old, &n) && !find_line(now, line, &old, &n))
            fprintf(out, "%.*s\n", (int)len, line);
    if (fclose(out) != 0) {
        free(buf);
        return NULL;
    }
    return buf;
}
