// SPDX-License-Identifier: BSD-2-Clause
// rollcall-sink-ldap: reads batches, writes them, says so; and looks every second what
// hosts acknowledged.
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"
#include "rollcall/timeparse.h"
#include "rollcall/utf8.h"
#include "syncd/sinks/sink.h"

#define LINE_MAX_IN (256u * 1024)
#define LOOK_MS     1000

_Noreturn void sink_die(const char *format, ...)
{
    char text[480];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

void sink_say(json_t *o)
{
    if (!o || json_dumpf(o, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF ||
        fflush(stdout) != 0)
        exit(0); // the engine is gone; it will start us again
    json_decref(o);
}

void sink_problem(const char *format, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    rollcall_utf8_mend(text); // a server's words
    sink_say(json_pack("{s:s, s:s}", "op", "problem", "text", text));
}

// ---- starting ----

static const char *fd_path(const json_t *files, const char *option, char buf[64])
{
    const json_t *fd = json_object_get(files, option);

    if (!json_is_integer(fd))
        return NULL;
    snprintf(buf, 64, "/proc/self/fd/%d", (int)json_integer_value(fd));
    return buf;
}

// The first line; what is read of the file is erased.
static void take_password(struct sink *s, const json_t *files)
{
    const json_t *fd = json_object_get(files, "password_file");
    char bytes[ROLLCALL_SECRET_MAX + 2];
    ssize_t n;

    if (!json_is_integer(fd))
        return;
    n = pread((int)json_integer_value(fd), bytes, sizeof(bytes) - 1, 0);
    if (n < 0)
        sink_die("the password cannot be read: %s", strerror(errno));
    bytes[n] = 0;
    if (!rollcall_secret_set(&s->password, bytes, strcspn(bytes, "\r\n")))
        sink_die("the password is longer than %d bytes", ROLLCALL_SECRET_MAX);
    explicit_bzero(bytes, sizeof(bytes));
}

static void take_options(struct sink *s, const json_t *section)
{
    const json_t *uris = json_object_get(section, "uri"),
                 *files = json_object_get(section, "files");
    const char *bind = json_string_value(json_object_get(section, "bind"));
    struct rollcall_ldap_options *o = &s->options;

    for (size_t i = 0; i < json_array_size(uris) && i < ROLLCALL_LDAP_URIS_MAX; i++)
        s->uris[o->n_uris++] = json_string_value(json_array_get(uris, i));
    o->uris = s->uris;
    o->ca_file = fd_path(files, "ca_file", s->ca);
    o->cert_file = fd_path(files, "cert_file", s->cert);
    o->key_file = fd_path(files, "key_file", s->key);
    o->keytab = fd_path(files, "keytab", s->keytab);
    o->bind = bind && strcmp(bind, "simple") == 0   ? ROLLCALL_LDAP_BIND_SIMPLE
              : bind && strcmp(bind, "gssapi") == 0 ? ROLLCALL_LDAP_BIND_GSSAPI
                                                    : ROLLCALL_LDAP_BIND_EXTERNAL;
    o->bind_dn = json_string_value(json_object_get(section, "bind_dn"));
    take_password(s, files);
    o->password = &s->password;
    o->timeout = (unsigned)json_integer_value(json_object_get(section, "timeout"));
    s->base = json_string_value(json_object_get(section, "base"));
    s->hub = json_string_value(json_object_get(s->request, "hub"));
    if (o->n_uris == 0 || !s->base || strlen(s->base) > 400 || !s->hub || strlen(s->hub) != 32 ||
        strspn(s->hub, "0123456789abcdef") != 32)
        sink_die("rollcall-sink-ldap is started by rollcall-syncd; see rollcall.conf(5)");
}

// ---- the heartbeat ----

struct beat {
    bool found;
    char owner[64];
    int64_t generation;
};

static void take_beat(void *ctx, json_t *entry)
{
    struct beat *b = ctx;
    const char *owner =
        json_string_value(json_array_get(json_object_get(entry, "rollcallOwner"), 0));
    const char *text =
        json_string_value(json_array_get(json_object_get(entry, "rollcallGeneration"), 0));

    b->found = true;
    snprintf(b->owner, sizeof(b->owner), "%s", owner ? owner : "");
    b->generation = text ? strtoll(text, NULL, 10) : -1;
}

static void beat_dn(const struct sink *s, char *buf, size_t len)
{
    snprintf(buf, len, "cn=rollcall-heartbeat,%s", s->base);
}

static struct beat read_beat(struct sink *s)
{
    static const char *const attributes[] = {"rollcallOwner", "rollcallGeneration", NULL};
    struct beat b = {.generation = -1};
    char dn[SINK_DN_MAX];

    beat_dn(s, dn, sizeof(dn));
    sink_search(s, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, take_beat, &b);
    if (b.found && strcmp(b.owner, s->hub) != 0)
        sink_die("%s says that this directory is kept by another hub (%s); one directory has one "
                 "hub. Where that one is no more, delete the entry",
                 dn, b.owner);
    return b;
}

static void make_folders(struct sink *s)
{
    static const char *const names[] = {"people", "groups", "hosts"};
    json_t *class = json_pack("[s]", "organizationalUnit");
    struct sink_requests q = {0};

    for (int i = 0; i < 3; i++) {
        json_t *name = json_pack("[s]", names[i]);
        struct sink_mods mods = {0};
        char dn[SINK_DN_MAX];
        snprintf(dn, sizeof(dn), "ou=%s,%s", names[i], s->base);
        sink_mods_put(&mods, LDAP_MOD_ADD, "objectClass", class);
        sink_mods_put(&mods, LDAP_MOD_ADD, "ou", name);
        sink_add(s, &q, dn, mods.list, dn, LDAP_ALREADY_EXISTS);
        sink_mods_done(&mods);
        json_decref(name);
    }
    json_decref(class);
    if (sink_finish(s, &q) > 0)
        sink_die("%s cannot be written to", s->base);
}

static json_t *as_of_values(const json_t *as_of)
{
    json_t *a = json_array(), *t;
    const char *authority;

    json_object_foreach((json_t *)(uintptr_t)as_of, authority, t)
    {
        char instant[ROLLCALL_TIME_TEXT], text[128];
        rollcall_time_format(json_integer_value(t), -1, instant, sizeof(instant));
        snprintf(text, sizeof(text), "%s %s", authority, instant);
        json_array_append_new(a, json_string(text));
    }
    return a;
}

// Always last: who has seen it has seen all that stands before it.
static void write_beat(struct sink *s, json_int_t generation, const json_t *as_of)
{
    char dn[SINK_DN_MAX], number[24];
    json_t *times = as_of_values(as_of), *numbers;
    struct sink_requests q = {0};
    struct sink_mods mods = {0};
    bool found = read_beat(s).found;

    snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, generation);
    numbers = json_pack("[s]", number);
    beat_dn(s, dn, sizeof(dn));
    if (found) {
        sink_mods_put(&mods, LDAP_MOD_REPLACE, "rollcallGeneration", numbers);
        sink_mods_put(&mods, LDAP_MOD_REPLACE, "rollcallAsOf", times);
        sink_modify(s, &q, dn, mods.list, dn, LDAP_SUCCESS, false);
        sink_mods_done(&mods);
    } else {
        json_t *entry = json_pack("{s:[s], s:[s], s:[s]}", "objectClass", "rollcallHeartbeat", "cn",
                                  "rollcall-heartbeat", "rollcallOwner", s->hub),
               *values;
        const char *attribute;
        json_object_foreach(entry, attribute, values)
            sink_mods_put(&mods, LDAP_MOD_ADD, attribute, values);
        sink_mods_put(&mods, LDAP_MOD_ADD, "rollcallGeneration", numbers);
        sink_mods_put(&mods, LDAP_MOD_ADD, "rollcallAsOf", times);
        sink_add(s, &q, dn, mods.list, dn, LDAP_SUCCESS);
        sink_mods_done(&mods);
        json_decref(entry);
    }
    if (sink_finish(s, &q) > 0)
        sink_die("%s cannot be written", dn);
    json_decref(numbers);
    json_decref(times);
}

// ---- turning ----

struct input {
    char buf[LINE_MAX_IN];
    size_t len;
};

static void take_line(struct sink *s, json_t *users, const char *line, size_t len)
{
    json_t *m = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *op = json_string_value(json_object_get(m, "op"));
    json_int_t generation = json_integer_value(json_object_get(m, "generation"));

    if (op && strcmp(op, "user") == 0) {
        json_array_append(users, json_object_get(m, "user"));
    } else if (op && strcmp(op, "commit") == 0) {
        sink_people(s, users);
        if (json_is_true(json_object_get(m, "complete")))
            sink_strays(s);
        write_beat(s, generation, json_object_get(m, "as_of"));
        json_array_clear(users);
        sink_say(json_pack("{s:s, s:I}", "op", "done", "generation", generation));
    }
    json_decref(m);
}

static bool read_more(struct input *in)
{
    ssize_t n = read(0, in->buf + in->len, sizeof(in->buf) - in->len);

    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false; // the engine is gone
    in->len += (size_t)n;
    return true;
}

static void take_lines(struct sink *s, struct input *in, json_t *users)
{
    char *start = in->buf, *nl;

    while ((nl = memchr(start, '\n', in->len - (size_t)(start - in->buf)))) {
        take_line(s, users, start, (size_t)(nl - start));
        start = nl + 1;
    }
    in->len -= (size_t)(start - in->buf);
    memmove(in->buf, start, in->len);
    if (in->len == sizeof(in->buf))
        sink_die("the engine said a line longer than 256 KiB");
}

static json_t *read_request(struct input *in)
{
    json_t *o;
    char *nl;

    while (!(nl = memchr(in->buf, '\n', in->len)))
        if (in->len == sizeof(in->buf) || !read_more(in))
            sink_die("rollcall-sink-ldap is started by rollcall-syncd; see rollcall.conf(5)");
    o = json_loadb(in->buf, (size_t)(nl - in->buf), JSON_REJECT_DUPLICATES, NULL);
    in->len -= (size_t)(nl + 1 - in->buf);
    memmove(in->buf, nl + 1, in->len);
    return o;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void turn(struct sink *s, struct input *in)
{
    json_t *users = json_array();
    int64_t look = now_ms();

    for (;;) {
        struct pollfd p = {.fd = 0, .events = POLLIN};
        int64_t left = look - now_ms();
        take_lines(s, in, users);
        if (left <= 0) {
            sink_hosts(s);
            look = now_ms() + LOOK_MS;
            left = LOOK_MS;
        }
        if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
            sink_die("poll: %s", strerror(errno));
        if ((p.revents & (POLLIN | POLLHUP | POLLERR)) && !read_more(in))
            break;
    }
    json_decref(users);
}

int main(void)
{
    struct input *in = calloc(1, sizeof(*in));
    struct sink s = {.groups = json_object()};
    char why[400];
    int r;

    if (!in)
        sink_die("there is no memory");
    prctl(PR_SET_DUMPABLE, 0); // the launcher's word about it ended with exec
    if (rollcall_timezone_use("UTC") < 0)
        sink_die("there is no time zone UTC");
    s.request = read_request(in);
    take_options(&s, json_object_get(s.request, "section"));
    r = rollcall_ldap_open(&s.options, &s.session, why, sizeof(why));
    if (r < 0)
        sink_die("%s", why);
    make_folders(&s);
    sink_say(
        json_pack("{s:s, s:I}", "op", "ready", "generation", (json_int_t)read_beat(&s).generation));
    turn(&s, in);
    s.session = rollcall_ldap_close(s.session);
    rollcall_secret_erase(&s.password);
    json_decref(s.request);
    json_decref(s.groups);
    free(s.named);
    free(in);
    return 0;
}
