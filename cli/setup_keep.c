// SPDX-License-Identifier: BSD-2-Clause
// The way back. In a folder of its own stand, for each file, copies of what the host had
// (before), what stood when the last setup began (prior), what is to be (after), and a
// manifest that names them. Everything there is durable before
// the first file of the host changes; so a setup that was killed can be told from one that
// came to its end, and finished or undone from the copies alone.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/control.h"
#include "cli/setup.h"
#include "cli/sshd.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

#define MANIFEST_MAX (1024 * 1024)

static char *without_ours(const char *path, const char *before, const char *after, const char *now);

static const char *folder = ROLLCALL_SETUP_DIR;
static char *(*merge)(const char *path, const char *before, const char *after,
                      const char *now) = without_ours;

void setup_kept_use(const char *other, char *(*other_merge)(const char *path, const char *before,
                                                            const char *after, const char *now))
{
    folder = other;
    merge = other_merge;
}

static const char *manifest(void)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/manifest.json", folder);
    return path;
}

json_t *setup_kept_load(void)
{
    _cleanup_free_ char *text = NULL;
    json_t *kept;
    size_t len;

    if (rollcall_read_file(manifest(), MANIFEST_MAX, &text, &len) < 0)
        return NULL;
    kept = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (kept && json_is_array(json_object_get(kept, "files")))
        return kept;
    json_decref(kept);
    return NULL;
}

const char *setup_kept_state(const json_t *kept)
{
    return cli_text_of(kept, "state");
}

int setup_kept_set(json_t *kept, const char *state)
{
    _cleanup_free_ char *text = NULL;

    json_object_set_new(kept, "state", json_string(state));
    text = json_dumps(kept, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    return text ? rollcall_replace_file(manifest(), text, strlen(text), 0600) : -ENOMEM;
}

// ---- copies ----

static void copy_path(json_int_t n, const char *which, char *buf, size_t len)
{
    snprintf(buf, len, "%s/%lld.%s", folder, (long long)n, which);
}

static int copy_write(json_int_t n, const char *which, const char *text, size_t len)
{
    char path[256];

    copy_path(n, which, path, sizeof(path));
    return text ? rollcall_replace_file(path, text, len, 0600) : 0;
}

// NULL, 0 where the entry says that there is none.
static int copy_read(const json_t *entry, const char *which, char **ret, size_t *ret_len)
{
    char path[256];

    *ret = NULL;
    *ret_len = 0;
    if (!json_is_true(json_object_get(entry, which)))
        return 0;
    copy_path(cli_int_of(entry, "n", 0), which, path, sizeof(path));
    return rollcall_read_file(path, 8u * 1024 * 1024, ret, ret_len);
}

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (!a || !b)
        return a == b;
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static json_t *entry_of(const json_t *kept, const char *path)
{
    json_t *e;
    size_t i;

    json_array_foreach(json_object_get(kept, "files"), i, e)
    {
        if (strcmp(cli_text_of(e, "path"), path) == 0)
            return e;
    }
    return NULL;
}

// A file's text without what is ours in it; NULL where the two cannot be told apart.
static char *without_ours(const char *path, const char *before, const char *after, const char *now)
{
    (void)before;
    (void)after;
    if (strcmp(path, SETUP_NSSWITCH) == 0)
        return setup_edit_nsswitch_without(now);
    if (strcmp(path, SSHD_CONFIG) == 0)
        return setup_edit_sshd_without(now);
    return NULL;
}

// ---- keeping ----

// Somebody changed the file since an earlier setup: the way back leads to their version,
// without ours where it can be told apart.
static int rebase(const struct setup_file *f, json_t *entry, json_int_t n)
{
    char *bare = f->before ? merge(f->path, "", "", f->before) : NULL;
    int r;

    json_object_set_new(entry, "before", json_boolean(f->before != NULL));
    r = bare ? copy_write(n, "before", bare, strlen(bare))
             : copy_write(n, "before", f->before, f->before_len);
    free(bare);
    json_object_set_new(entry, "mode", json_integer(f->mode));
    json_object_set_new(entry, "uid", json_integer(f->uid));
    json_object_set_new(entry, "gid", json_integer(f->gid));
    return r;
}

static int keep_file(const struct setup_file *f, json_t *files, json_t *old, json_int_t n)
{
    _cleanup_free_ char *before = NULL, *after = NULL;
    size_t before_len = 0, after_len = 0;
    json_t *entry = old ? old : json_object();
    int r = 0;

    if (!entry)
        return -ENOMEM;
    if (old) {
        r = copy_read(old, "before", &before, &before_len);
        if (r == 0)
            r = copy_read(old, "after", &after, &after_len);
    } else {
        json_object_set_new(entry, "path", json_string(f->path));
        json_array_append_new(files, entry);
    }
    json_object_set_new(entry, "n", json_integer(n));
    if (r == 0 && old && same(after, after_len, f->before, f->before_len))
        r = copy_write(n, "before", before, before_len); // nobody was there in between
    else if (r == 0)
        r = rebase(f, entry, n);
    if (r == 0)
        r = copy_write(n, "after", f->after, f->after_len);
    if (r == 0)
        r = copy_write(n, "prior", f->before, f->before_len);
    json_object_set_new(entry, "after", json_boolean(f->after != NULL));
    json_object_set_new(entry, "prior", json_boolean(f->before != NULL));
    json_object_set_new(entry, "after_mode", json_integer(f->after_mode));
    return r;
}

static int make_dir(void)
{
    if (mkdir(ROLLCALL_STATEDIR, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    return rollcall_sync_folder(folder);
}

int setup_keep(struct setup_plan *plan, json_t **kept)
{
    json_t *files;
    json_int_t n;
    int r = make_dir();

    if (!*kept)
        *kept = json_pack("{s:i, s:I, s:[], s:[]}", "version", 1, "next", (json_int_t)0, "files",
                          "units");
    if (!*kept)
        return -ENOMEM;
    files = json_object_get(*kept, "files");
    n = cli_int_of(*kept, "next", 0);
    json_object_set_new(*kept, "first", json_integer(n));
    for (size_t i = 0; r == 0 && i < plan->n; i++)
        r = keep_file(&plan->file[i], files, entry_of(*kept, plan->file[i].path), n++);
    json_object_set_new(*kept, "next", json_integer(n));
    return r == 0 ? setup_kept_set(*kept, "applying") : r;
}

// ---- putting ----

// Is it this setup that is to change it? What an earlier one did stays.
static bool entry_is_new(const json_t *kept, const json_t *entry)
{
    return cli_int_of(entry, "n", 0) >= cli_int_of(kept, "first", 0);
}

static int put(const json_t *entry, const char *text, size_t len, const char *mode)
{
    const char *path = cli_text_of(entry, "path");

    if (!text) {
        int r = unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        return r == 0 ? rollcall_sync_folder(path) : r;
    }
    return rollcall_replace_file_as(path, text, len, (mode_t)cli_int_of(entry, mode, 0644),
                                    (uid_t)cli_int_of(entry, "uid", 0),
                                    (gid_t)cli_int_of(entry, "gid", 0));
}

struct standing {
    struct setup_file now;
    char *before, *prior, *after;
    size_t before_len, prior_len, after_len;
};

static void standing_free(struct standing *s)
{
    free(s->now.before);
    free(s->before);
    free(s->prior);
    free(s->after);
}

static int standing_read(const json_t *entry, struct standing *ret)
{
    int r = setup_read(cli_text_of(entry, "path"), &ret->now);

    if (r == 0)
        r = copy_read(entry, "before", &ret->before, &ret->before_len);
    if (r == 0)
        r = copy_read(entry, "prior", &ret->prior, &ret->prior_len);
    if (r == 0)
        r = copy_read(entry, "after", &ret->after, &ret->after_len);
    return r;
}

static bool stands_as(const struct standing *s, const char *text, size_t len)
{
    return same(s->now.before, s->now.before_len, text, len);
}

// Nobody but setup was there.
static bool stands_as_kept(const struct standing *s)
{
    return stands_as(s, s->after, s->after_len) || stands_as(s, s->prior, s->prior_len) ||
           stands_as(s, s->before, s->before_len);
}

// Who was killed before a rename has left the new file beside the old one.
static void sweep(const json_t *kept)
{
    const json_t *entry;
    size_t i;

    if (strcmp(setup_kept_state(kept), "done") == 0)
        return;
    json_array_foreach(json_object_get(kept, "files"), i, entry)
    {
        char path[512];
        snprintf(path, sizeof(path), "%s.new", cli_text_of(entry, "path"));
        unlink(path);
    }
}

int setup_kept_apply(const json_t *kept, json_t *left)
{
    const json_t *entry;
    size_t i;
    int r = 0;

    sweep(kept);
    json_array_foreach(json_object_get(kept, "files"), i, entry)
    {
        __attribute__((cleanup(standing_free))) struct standing s = {0};
        r = standing_read(entry, &s);
        if (r < 0)
            return r;
        if (stands_as(&s, s.after, s.after_len))
            continue;
        if (stands_as_kept(&s))
            r = put(entry, s.after, s.after_len, "after_mode");
        else
            json_array_append(left, json_object_get(entry, "path"));
        if (r < 0)
            return r;
    }
    return 0;
}

int setup_kept_restore(const json_t *kept)
{
    const json_t *files = json_object_get(kept, "files");
    int r = 0;

    sweep(kept);
    for (size_t i = json_array_size(files); r == 0 && i-- > 0;) {
        const json_t *entry = json_array_get(files, i);
        __attribute__((cleanup(standing_free))) struct standing s = {0};
        r = standing_read(entry, &s);
        if (r == 0 && entry_is_new(kept, entry) && stands_as(&s, s.after, s.after_len))
            r = put(entry, s.prior, s.prior_len, "mode");
    }
    return r;
}

// ---- undoing ----

// Somebody changed it since. Where our part can be told apart, only that goes.
static int undo_changed(const json_t *entry, const struct standing *s, json_t *mended, json_t *left)
{
    const char *path = cli_text_of(entry, "path");
    char *bare = s->now.before ? merge(path, s->before ? s->before : "", s->after ? s->after : "",
                                       s->now.before)
                               : NULL;
    int r = 0;

    if (setup_is_pam(path))
        return 0; // pam-auth-update takes ours out, of all of them together
    if (bare)
        r = rollcall_replace_file_as(path, bare, strlen(bare), s->now.mode, s->now.uid, s->now.gid);
    if (r == 0)
        json_array_append(bare ? mended : left, json_object_get(entry, "path"));
    free(bare);
    return r;
}

static bool pam_changed(const json_t *kept)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(kept, "files"), i, entry)
    {
        __attribute__((cleanup(standing_free))) struct standing s = {0};
        if (!setup_is_pam(cli_text_of(entry, "path")) || standing_read(entry, &s) < 0)
            continue;
        if (!stands_as_kept(&s))
            return true;
    }
    return false;
}

// PAM's files hang together: where one of them was changed since, pam-auth-update takes our
// profiles out of all of them as they stand.
static int undo_pam(json_t *mended)
{
    struct setup_plan plan = {.notes = json_array(), .problems = json_array()};
    int r = 0;

    setup_plan_pam(&plan, false);
    if (json_array_size(plan.problems))
        r = -EBUSY;
    for (size_t i = 0; r == 0 && i < plan.n; i++) {
        const struct setup_file *f = &plan.file[i];
        r = rollcall_replace_file_as(f->path, f->after, f->after_len, f->after_mode, f->uid,
                                     f->gid);
        if (r == 0)
            json_array_append_new(mended, json_string(f->path));
    }
    setup_plan_free(&plan);
    return r;
}

int setup_kept_undo(json_t *kept, json_t *mended, json_t *left)
{
    json_t *files = json_object_get(kept, "files");
    bool pam = pam_changed(kept);
    int r;

    sweep(kept);
    r = setup_kept_set(kept, "undoing");
    if (r == 0 && pam)
        r = undo_pam(mended);
    for (size_t i = json_array_size(files); r == 0 && i-- > 0;) {
        const json_t *entry = json_array_get(files, i);
        __attribute__((cleanup(standing_free))) struct standing s = {0};
        if (pam && setup_is_pam(cli_text_of(entry, "path")))
            continue;
        r = standing_read(entry, &s);
        if (r < 0 || stands_as(&s, s.before, s.before_len))
            continue;
        if (stands_as_kept(&s))
            r = put(entry, s.before, s.before_len, "mode");
        else
            r = undo_changed(entry, &s, mended, left);
    }
    return r;
}

int setup_kept_forget(json_t *kept)
{
    json_int_t next = cli_int_of(kept, "next", 0);
    int r = unlink(manifest()) < 0 && errno != ENOENT ? -errno : 0;

    if (r == 0)
        r = rollcall_sync_folder(manifest());
    for (json_int_t n = 0; r == 0 && n < next; n++) {
        char path[256];
        copy_path(n, "before", path, sizeof(path));
        unlink(path);
        copy_path(n, "prior", path, sizeof(path));
        unlink(path);
        copy_path(n, "after", path, sizeof(path));
        unlink(path);
    }
    return r;
}
