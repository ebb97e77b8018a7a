// SPDX-License-Identifier: BSD-2-Clause
// The small layer under our own sources.
#include "syncd/sources/emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/timeparse.h"
#include "rollcall/utf8.h"
#include "syncd/sources/json_text.h"
#include "rollcall/json_writer.h"

#define REQUEST_MAX (256 * 1024)
#define LINE_ROOM   (256 * 1024)

int source_request_read(int fd, struct source_request *ret)
{
    _cleanup_free_ char *buf = malloc(REQUEST_MAX);
    struct source_request q = {0};
    json_t *section;
    const char *zone;
    size_t len = 0;
    int r;

    if (!buf)
        return -ENOMEM;
    while (len < REQUEST_MAX && !memchr(buf, '\n', len)) {
        ssize_t n = read(fd, buf + len, REQUEST_MAX - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    q.json = json_loadb(buf, len, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, NULL);
    section = json_object_get(q.json, "section");
    if (!json_is_object(section)) {
        json_decref(q.json);
        return -EBADMSG;
    }
    q.name = json_string_value(json_object_get(section, "name"));
    q.path = json_string_value(json_object_get(section, "path"));
    q.cursor = json_string_value(json_object_get(q.json, "cursor"));
    q.once = json_is_true(json_object_get(q.json, "once"));
    q.test = json_is_true(json_object_get(q.json, "test"));
    q.trace = json_is_true(json_object_get(q.json, "trace"));
    q.poll = (uint64_t)json_integer_value(json_object_get(section, "poll"));
    zone = json_string_value(json_object_get(q.json, "timezone"));
    r = rollcall_timezone_use(zone ? zone : "UTC");
    if (r < 0) {
        json_decref(q.json);
        return r;
    }
    *ret = q;
    return 0;
}

void source_request_done(struct source_request *request)
{
    json_decref(request->json);
    *request = (struct source_request){0};
}

static char line[LINE_ROOM]; // in work

static void put_bytes(const char *bytes, size_t len)
{
    if (fwrite(bytes, 1, len, stdout) != len)
        exit(0); // the engine is gone; it will start us again
}

// In one piece: jansson writes a line to a stream in a hundred.
static bool put_line(const json_t *o)
{
    size_t len = json_text(o, line, LINE_ROOM - 1);

    if (len == 0 || len > LINE_ROOM - 1) // the engine will not take it, and say so
        return json_dumpf(o, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
    line[len] = '\n';
    return fwrite(line, 1, len + 1, stdout) == len + 1;
}

static void emit(json_t *o)
{
    if (!o) { // text that is not UTF-8 where nobody looked for it, or no memory
        fputs("a line could not be made\n", stderr);
        exit(1);
    }
    if (!put_line(o))
        exit(0); // the engine is gone; it will start us again
    json_decref(o);
}

static void put_time(json_t *o, const char *key, int64_t t)
{
    char text[ROLLCALL_TIME_TEXT];

    json_object_set_new(o, key, json_string(rollcall_time_format(t, -1, text, sizeof(text))));
}

void emit_begin(bool full, int64_t as_of, const char *version, int64_t seen_at, const char *since)
{
    json_t *o = json_pack("{s:s, s:s, s:s*, s:s*}", "op", "begin", "mode", full ? "full" : "delta",
                          "version", version, "since", since);

    put_time(o, "as_of", as_of);
    put_time(o, "seen_at", seen_at);
    emit(o);
}

void emit_user(json_t *user, const char *where)
{
    emit(json_pack("{s:s, s:o, s:s}", "op", "user", "user", user, "where", where));
}

// Text of others: a path, a cell, a server's words that were cut in the middle of a character.
static json_t *text_of(const char *text)
{
    json_t *ret = json_string(text);
    char *copy = ret ? NULL : strdup(text);

    if (copy) {
        rollcall_utf8_mend(copy);
        ret = json_string(copy);
    }
    free(copy);
    return ret;
}

// The line in work, which ends here.
static void put_written(struct json_writer *w)
{
    if (w->len >= w->room) // nothing of ours is so long
        exit(1);
    w->buf[w->len] = '\n';
    put_bytes(w->buf, w->len + 1);
}

void emit_user_text(const char *json, size_t len, const char *where)
{
    struct json_writer w = {.buf = line, .room = sizeof(line)};
    json_t *text = NULL;

    if (!json_text_ascii(where, strlen(where))) { // of others: it may be no UTF-8
        text = text_of(where);
        where = text ? json_string_value(text) : "?";
    }
    json_write_open(&w, NULL, '{');
    json_write_text(&w, "op", "user");
    json_write_raw(&w, "user", json, len);
    json_write_text(&w, "where", where);
    json_write_close(&w, '}');
    json_decref(text);
    put_written(&w);
}

static json_t *problem(const char *where, const char *id, const char *text)
{
    json_t *o = json_pack("{s:s, s:o, s:o}", "op", "problem", "where", text_of(where), "text",
                          text_of(text));

    if (o && id)
        json_object_set_new(o, "id", json_string(id));
    return o;
}

void emit_problem(const char *where, const char *id, bool terminated, const char *text)
{
    json_t *o = problem(where, id, text);

    if (terminated)
        json_object_set_new(o, "terminated", json_true());
    emit(o);
}

void emit_warning(const char *where, const char *id, const char *text)
{
    json_t *o = problem(where, id, text);

    json_object_set_new(o, "warning", json_true());
    emit(o);
}

void emit_refusal(const char *where, const char *text)
{
    json_t *o = problem(where, NULL, text);

    json_object_set_new(o, "whole", json_true());
    emit(o);
}

void emit_absent(const char *id)
{
    emit(json_pack("{s:s, s:s}", "op", "absent", "id", id));
}

void emit_group(json_t *group)
{
    emit(json_pack("{s:s, s:o}", "op", "group", "group", group));
}

void emit_members(const char *group, json_t *values, bool more)
{
    json_t *o = json_pack("{s:s, s:s, s:o}", "op", "members", "group", group, "values", values);

    if (more)
        json_object_set_new(o, "more", json_true());
    emit(o);
}

void emit_members_changed(const char *group, bool add, json_t *ids)
{
    emit(
        json_pack("{s:s, s:s, s:o}", "op", "members", "group", group, add ? "add" : "remove", ids));
}

// `group` is of UTF-8.
static void put_members(const char *group, const char *what, const char *list, size_t len,
                        bool more)
{
    struct json_writer w = {.buf = line, .room = sizeof(line)};

    json_write_open(&w, NULL, '{');
    json_write_text(&w, "op", "members");
    json_write_text(&w, "group", group);
    json_write_raw(&w, what, list, len);
    if (more)
        json_write_true(&w, "more");
    json_write_close(&w, '}');
    put_written(&w);
}

void emit_members_text(const char *group, const char *list, size_t len, bool more)
{
    put_members(group, "values", list, len, more);
}

void emit_members_changed_text(const char *group, bool add, const char *list, size_t len)
{
    put_members(group, add ? "add" : "remove", list, len, false);
}

void emit_deleted(const char *id, const char *status)
{
    emit(json_pack("{s:s, s:s, s:s*}", "op", "gone", "id", id, "status", status));
}

void emit_as_of(int64_t as_of)
{
    json_t *o = json_pack("{s:s}", "op", "as_of");

    put_time(o, "as_of", as_of);
    emit(o);
}

void emit_progress(uint64_t done, uint64_t total)
{
    emit(json_pack("{s:s, s:I, s:I}", "op", "progress", "done", (json_int_t)done, "total",
                   (json_int_t)total));
}

void emit_commit(const char *cursor, uint64_t rows)
{
    emit(json_pack("{s:s, s:s, s:I}", "op", "commit", "cursor", cursor, "rows", (json_int_t)rows));
}

void emit_commit_of(const char *cursor, uint64_t rows, uint64_t generation)
{
    emit(json_pack("{s:s, s:s, s:I, s:I}", "op", "commit", "cursor", cursor, "rows",
                   (json_int_t)rows, "generation", (json_int_t)generation));
}

void emit_dropped(const char *id, const char *reason, const char *name)
{
    emit_dropped_as(id, reason, NULL, name);
}

void emit_dropped_as(const char *id, const char *reason, const char *status, const char *name)
{
    emit(json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "op", "dropped", "id", id, "reason", reason,
                   "status", status, "name", name));
}

void emit_device(int compliant, int managed, const char *id)
{
    json_t *o = json_pack("{s:s, s:s*}", "op", "device", "id", id);

    if (compliant >= 0)
        json_object_set_new(o, "compliant", json_boolean(compliant));
    if (managed >= 0)
        json_object_set_new(o, "managed", json_boolean(managed));
    emit(o);
}

void emit_finding(const char *level, const char *what, const char *text)
{
    emit(json_pack("{s:s, s:s, s:s, s:o}", "op", "finding", "level", level, "what", what, "text",
                   text_of(text)));
}

void emit_flush(void)
{
    if (fflush(stdout) != 0)
        exit(0);
}
