// SPDX-License-Identifier: BSD-2-Clause
// Reading who is here and whom HR lists.
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "cli/adopt.h"
#include "cli/control.h"
#include "cli/run.h"
#include "cli/source_child.h"
#include "rollcall/cache.h"
#include "rollcall/cleanup.h"
#include "rollcall/local_users.h"
#include "rollcall/parse.h"
#include "rollcall/paths.h"
#include "rollcall/source.h"

#define NAMES_AT_ONCE 100

void adopt_input_free(struct adopt_input *input)
{
    free(input->local);
    free(input->row);
    *input = (struct adopt_input){0};
}

// Room for one more of `n`; doubles.
static bool grow(void **list, size_t n, size_t one)
{
    void *more;

    if (n & (n - 1))
        return true; // between powers of two there is room
    more = realloc(*list, (n ? n * 2 : 1) * one);
    if (more)
        *list = more;
    return more != NULL;
}

// ---- HR ----

static void pin(struct adopt_row *row, const struct rollcall_private *private_)
{
    struct rollcall_person person;

    if (!private_ || rollcall_private_by_name(private_, row->name, &person) < 0)
        return;
    // The name may have been somebody else's.
    row->pinned = strcmp(person.employee_number, row->key) == 0 || !*row->number;
    row->pinned_uid = person.uid;
}

static int take_user(const struct rollcall_source_config *source, struct adopt_input *input,
                     const struct rollcall_user_record *u, const struct rollcall_private *private_)
{
    struct adopt_row row = {
        .has_uid = u->has_uid, .uid = u->uid, .has_left = u->status == ROLLCALL_STATUS_TERMINATED};

    if (!u->user_name)
        return 0; // nobody to adopt
    snprintf(row.key, sizeof(row.key), "%s%s", source->join_prefix ? source->join_prefix : "",
             u->employee_number ? u->employee_number : u->id);
    snprintf(row.number, sizeof(row.number), "%s", u->employee_number ? u->employee_number : "");
    snprintf(row.name, sizeof(row.name), "%s", u->user_name);
    snprintf(row.home, sizeof(row.home), "%s", u->home_directory ? u->home_directory : "");
    snprintf(row.where, sizeof(row.where), "%s", u->where ? u->where : source->name);
    pin(&row, private_);
    if (!grow((void **)&input->row, input->n_rows, sizeof(row)))
        return -ENOMEM;
    input->row[input->n_rows++] = row;
    return 0;
}

// One source's listing as it comes.
struct listening {
    const struct rollcall_source_config *source;
    struct adopt_input *input;
    const struct rollcall_private *private_;
    bool committed;
    int error;
    char why[400];
};

static void on_line(void *ctx, const char *line, size_t len)
{
    struct listening *l = ctx;
    struct rollcall_message m = {0};

    if (l->error < 0 || len == 0)
        return;
    l->error = rollcall_message_parse(line, len, &m, l->why, sizeof(l->why));
    if (l->error == 0 && m.kind == ROLLCALL_MESSAGE_USER)
        l->error = take_user(l->source, l->input, &m.user, l->private_);
    if (l->error == 0 && m.kind == ROLLCALL_MESSAGE_PROBLEM && m.whole) {
        snprintf(l->why, sizeof(l->why), "%s%s%s", m.where ? m.where : "", m.where ? ": " : "",
                 m.text ? m.text : "the listing is refused");
        l->error = -EIO;
    }
    l->committed |= m.kind == ROLLCALL_MESSAGE_COMMIT;
    rollcall_message_done(&m);
}

static void on_text(void *ctx, const char *text)
{
    struct listening *l = ctx;

    if (l->error == 0)
        snprintf(l->why, sizeof(l->why), "%s", text);
}

static int read_source(const struct rollcall_config *config, struct listening *l)
{
    const struct source_ear ear = {on_line, on_text, l};
    _cleanup_json_ json_t *request = rollcall_config_request(config, l->source, NULL, true);
    int status = 0, r = source_child_run(l->source, request, &ear, SOURCE_ROOT_KEPT, &status);

    if (r < 0 || l->error < 0)
        return r < 0 ? r : l->error;
    if (status != 0) {
        if (!*l->why)
            source_child_fate(status, l->why, sizeof(l->why));
        return -EIO;
    }
    if (!l->committed)
        snprintf(l->why, sizeof(l->why), "it did not come to its end");
    return l->committed ? 0 : -EIO;
}

int adopt_read_rows(const struct rollcall_config *config, struct adopt_input *input, char *why,
                    size_t len)
{
    struct rollcall_private *private_ = NULL;
    int r = 0;

    if (rollcall_private_open(ROLLCALL_PRIVATE, &private_) < 0)
        private_ = NULL; // nobody has been given a uid yet
    for (size_t i = 0; r == 0 && i < config->n_sources; i++) {
        struct listening l = {.source = &config->source[i], .input = input, .private_ = private_};
        if (!(l.source->role & ROLLCALL_ROLE_DIRECTORY))
            continue;
        r = read_source(config, &l);
        if (r < 0)
            snprintf(why, len, "source %s: %s", l.source->name, *l.why ? l.why : strerror(-r));
    }
    rollcall_private_close(private_);
    return r;
}

// ---- who is here ----

static int take_local(struct adopt_input *input, const struct passwd *pw)
{
    struct adopt_local l = {.uid = pw->pw_uid, .gid = pw->pw_gid};

    if (strlen(pw->pw_name) >= sizeof(l.name) || strlen(pw->pw_dir) >= sizeof(l.home))
        return 0;
    snprintf(l.name, sizeof(l.name), "%s", pw->pw_name);
    snprintf(l.home, sizeof(l.home), "%s", pw->pw_dir);
    for (size_t i = 0; i < input->n_locals; i++)
        if (strcmp(input->local[i].name, l.name) == 0)
            return 0;
    if (!grow((void **)&input->local, input->n_locals, sizeof(l)))
        return -ENOMEM;
    input->local[input->n_locals++] = l;
    return 0;
}

static int take_stream(struct adopt_input *input, FILE *f)
{
    char buf[8192];
    struct passwd pw;
    int r = 0;

    while (r == 0 && rollcall_local_user_next(f, &pw, buf, sizeof(buf)))
        r = take_local(input, &pw);
    return r;
}

// getent speaks for one service; the names of HR's listing in portions, for not every
// service enumerates.
static int ask_service(const char *service, struct adopt_input *input, size_t from, size_t to)
{
    const char *argv[5 + NAMES_AT_ONCE] = {"/usr/bin/getent", "-s", service, "passwd"};
    _cleanup_ran_ struct cli_ran ran = {0};
    _cleanup_fclose_ FILE *f = NULL;
    size_t n = 4;
    int r;

    for (size_t i = from; i < to; i++)
        if (input->row[i].name[0] != '-' && *input->row[i].name)
            argv[n++] = input->row[i].name;
    r = cli_run(argv, NULL, &ran);
    if (r < 0 || ran.out_len == 0)
        return r;
    f = fmemopen(ran.out, ran.out_len, "re");
    return f ? take_stream(input, f) : -errno;
}

int adopt_read_locals(const char *service, struct adopt_input *input, char *why, size_t len)
{
    int r = 0;

    if (strcmp(service, "files") == 0) {
        _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
        r = f ? take_stream(input, f) : -errno;
    } else {
        r = ask_service(service, input, 0, 0);
        for (size_t i = 0; r == 0 && i < input->n_rows; i += NAMES_AT_ONCE) {
            size_t to = i + NAMES_AT_ONCE < input->n_rows ? i + NAMES_AT_ONCE : input->n_rows;
            r = ask_service(service, input, i, to);
        }
    }
    if (r < 0)
        snprintf(why, len, "%s: %s", service, strerror(-r));
    return r;
}
