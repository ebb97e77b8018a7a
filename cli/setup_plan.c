// SPDX-License-Identifier: BSD-2-Clause
// What would have to change on this host. Reads, and changes nothing.
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cli/run.h"
#include "cli/setup.h"
#include "cli/sshd.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

#define FILE_MAX (4u * 1024 * 1024)

void setup_note(json_t *list, const char *format, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    json_array_append_new(list, json_string(line));
}

static void free_file(struct setup_file *f)
{
    free(f->path);
    free(f->before);
    free(f->after);
    *f = (struct setup_file){0};
}

void setup_plan_free(struct setup_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        free_file(&plan->file[i]);
    json_decref(plan->notes);
    json_decref(plan->problems);
    *plan = (struct setup_plan){0};
}

int setup_read(const char *path, struct setup_file *ret)
{
    struct stat st;
    int r;

    if (lstat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    if (S_ISLNK(st.st_mode))
        return -ELOOP;
    r = rollcall_read_file(path, FILE_MAX, &ret->before, &ret->before_len);
    if (r < 0)
        return r;
    ret->mode = st.st_mode & 07777;
    ret->uid = st.st_uid;
    ret->gid = st.st_gid;
    return 0;
}

void setup_plan_file(struct setup_plan *plan, const char *path, char *after, mode_t mode,
                     const char *what)
{
    struct setup_file f = {.after_mode = mode, .what = what};
    int r = setup_read(path, &f);

    f.after = after;
    f.after_len = after ? strlen(after) : 0;
    f.path = strdup(path);
    if (r == 0 && (!f.path || plan->n == SETUP_FILES_MAX))
        r = -ENOMEM;
    if (r < 0) {
        setup_note(plan->problems, "%s: %s", path,
                   r == -ELOOP ? "it is a symbolic link, and setup changes no link's target"
                               : strerror(-r));
        free_file(&f);
        return;
    }
    if (f.before)
        f.after_mode = f.mode;
    if ((!f.before && !f.after) || (f.before && f.after && f.before_len == f.after_len &&
                                    memcmp(f.before, f.after, f.after_len) == 0)) {
        free_file(&f);
        return;
    }
    plan->file[plan->n++] = f;
}

// A file's text as one allocation, or "" where it is not there.
static char *text_of(struct setup_plan *plan, const char *path)
{
    struct setup_file f = {0};
    int r = setup_read(path, &f);

    if (r < 0)
        setup_note(plan->problems, "%s: %s", path, strerror(-r));
    return f.before ? f.before : strdup("");
}

// ---- nsswitch.conf, sudoers ----

static void plan_nsswitch(struct setup_plan *plan)
{
    _cleanup_free_ char *text = text_of(plan, SETUP_NSSWITCH);
    char why[512] = "", *after = text ? setup_edit_nsswitch(text, why, sizeof(why)) : NULL;

    if (*why)
        setup_note(plan->problems, "%s: %s: take that action away first", SETUP_NSSWITCH, why);
    if (after)
        setup_plan_file(plan, SETUP_NSSWITCH, after, 0644,
                        "names: ours are asked for last, behind every local one");
}

static void plan_sudoers(struct setup_plan *plan)
{
    char *text = NULL;
    size_t len;

    if (access("/etc/sudoers.d", F_OK) < 0) {
        setup_note(plan->notes, "there is no /etc/sudoers.d: sudo is left as it is");
        return;
    }
    if (rollcall_read_file(ROLLCALL_DATADIR "/sudoers/rollcall", FILE_MAX, &text, &len) < 0) {
        setup_note(plan->problems, "%s is missing: is rollcall installed whole?",
                   ROLLCALL_DATADIR "/sudoers/rollcall");
        return;
    }
    setup_plan_file(plan, SETUP_SUDOERS, text, 0440,
                    "sudo: rollcall's ticket in the place of sudo's own, for employees alone");
}

// ---- PAM ----

static const char *const pam_files[] = {
    "/etc/pam.d/common-auth",
    "/etc/pam.d/common-account",
    "/etc/pam.d/common-password",
    "/etc/pam.d/common-session",
    "/var/lib/pam/auth",
    "/var/lib/pam/account",
    "/var/lib/pam/password",
    "/var/lib/pam/session",
    "/var/lib/pam/seen",
    "/etc/pam.d/common-session-noninteractive",
    "/var/lib/pam/session-noninteractive",
};
#define N_PAM_FILES (sizeof(pam_files) / sizeof(pam_files[0]))

bool setup_is_pam(const char *path)
{
    for (size_t i = 0; i < N_PAM_FILES; i++)
        if (strcmp(path, pam_files[i]) == 0)
            return true;
    return false;
}

static int unlink_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_tree(const char (*path)[64])
{
    if (**path)
        nftw(*path, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int copy_into(const char *root, const char *path, bool must)
{
    _cleanup_free_ char *text = NULL;
    char to[512];
    size_t len;
    int r = rollcall_read_file(path, FILE_MAX, &text, &len);

    if (r < 0)
        return r == -ENOENT && !must ? 0 : r;
    snprintf(to, sizeof(to), "%s%s", root, path);
    return rollcall_replace_file(to, text, len, 0644);
}

static int copy_profiles(const char *root)
{
    _cleanup_closedir_ DIR *dir = opendir(ROLLCALL_PAM_CONFIGS);
    const struct dirent *e;
    int r = dir ? 0 : -errno;

    while (r == 0 && (e = readdir(dir))) {
        char path[512];
        snprintf(path, sizeof(path), ROLLCALL_PAM_CONFIGS "/%s", e->d_name);
        if (*e->d_name != '.')
            r = copy_into(root, path, true);
    }
    return r;
}

// A root with nothing but PAM's files in it, for pam-auth-update to work on.
static int make_pam_root(char root[64])
{
    static const char *const folders[] = {"/etc",       "/etc/pam.d",        "/var",
                                          "/var/lib",   "/var/lib/pam",      "/usr",
                                          "/usr/share", ROLLCALL_PAM_CONFIGS};
    char path[512];
    int r = 0;

    snprintf(root, 64, "/run/rollcall-setup-XXXXXX");
    if (!mkdtemp(root)) {
        *root = 0;
        return -errno;
    }
    for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", root, folders[i]);
        r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
    }
    for (size_t i = 0; r == 0 && i < N_PAM_FILES; i++)
        r = copy_into(root, pam_files[i], false);
    return r == 0 ? copy_profiles(root) : r;
}

// pam-auth-update itself makes the files, in that root; its own database of answers is
// replaced by an empty one there, so that the machine's stays as it is.
static int run_pam_auth_update(const char *root, bool in, struct cli_ran *ran)
{
    char database[128];
    const char *env[] = {"DEBIAN_FRONTEND=noninteractive", database, NULL};
    const char *argv[] = {"/usr/sbin/pam-auth-update",
                          "--root",
                          root,
                          "--package",
                          in ? "--enable" : "--remove",
                          "rollcall",
                          "rollcall-password",
                          NULL};

    snprintf(database, sizeof(database), "DEBCONF_DB_REPLACE=File{filename:%s/answers}", root);
    return cli_run(argv, env, ran);
}

static bool mentions_us(const char *root)
{
    _cleanup_free_ char *text = NULL;
    char path[512];
    size_t len;

    snprintf(path, sizeof(path), "%s/etc/pam.d/common-account", root);
    return rollcall_read_file(path, FILE_MAX, &text, &len) == 0 && strstr(text, "pam_rollcall.so");
}

static void take_pam_files(struct setup_plan *plan, const char *root)
{
    for (size_t i = 0; i < N_PAM_FILES; i++) {
        char path[512], *text = NULL;
        size_t len;
        snprintf(path, sizeof(path), "%s%s", root, pam_files[i]);
        if (rollcall_read_file(path, FILE_MAX, &text, &len) == 0)
            setup_plan_file(plan, pam_files[i], text, 0644,
                            i < 4 || i == 9 ? "PAM: local people first, then ours"
                                            : "what pam-auth-update remembers");
    }
}

void setup_plan_pam(struct setup_plan *plan, bool in)
{
    __attribute__((cleanup(remove_tree))) char root[64] = "";
    _cleanup_ran_ struct cli_ran ran = {0};
    int r = make_pam_root(root);

    if (r == 0)
        r = run_pam_auth_update(root, in, &ran);
    if (r < 0) {
        setup_note(plan->problems, "pam-auth-update: %s", strerror(-r));
        return;
    }
    if (mentions_us(root) != in) {
        setup_note(plan->problems,
                   "pam-auth-update leaves /etc/pam.d/common-* alone: %s. Look at your changes "
                   "with pam-auth-update, then run setup again",
                   strstr(ran.err, "Local modifications") ? "they have local modifications"
                                                          : cli_ran_complaint(&ran));
        return;
    }
    take_pam_files(plan, root);
}

// ---- sshd ----

struct sshd_facts {
    bool includes; // sshd_config.d is read
    char loosens[320];
};

static int sshd_fact(void *ctx, const struct sshd_line *line)
{
    struct sshd_facts *facts = ctx;

    if (strcasecmp(line->keyword, "include") == 0 && !*line->match &&
        strstr(line->value, "sshd_config.d/*.conf"))
        facts->includes = true;
    // A Match block of the admin's on a word of ours must come before what we give back.
    if (*line->match && strcmp(line->file, SSHD_DROPIN) != 0 &&
        strncmp(line->match, "Group *,!rollcall-people", 24) != 0 &&
        setup_edit_sshd_is_ours(line->keyword) && !*facts->loosens)
        snprintf(facts->loosens, sizeof(facts->loosens), "%s:%u", line->file, line->number);
    return 0;
}

// What local people had: from sshd itself, or, on a host that is set up already, from the
// block that stands there.
static char *local_block(struct setup_plan *plan, const char *dropin, const char *config)
{
    const char *texts[] = {dropin, config};
    json_t *before = NULL;
    char why[512] = "", *block;

    for (size_t i = 0; i < 2; i++) {
        const char *from = strstr(texts[i], "Match Group *,!rollcall-people\n");
        const char *to = from ? strstr(from, "Match all\n") : NULL;
        if (to)
            return strndup(from, (size_t)(to - from) + 10);
    }
    if (sshd_ask(NULL, NULL, &before, why, sizeof(why)) < 0) {
        setup_note(plan->problems, "sshd cannot say what it does now: %s", why);
        return NULL;
    }
    if (strcmp(json_string_value(json_object_get(before, "usepam")) ?: "", "no") == 0)
        setup_note(plan->notes, "sshd said UsePAM no until now: with yes, which employees need, "
                                "local people pass through PAM too");
    block = setup_edit_sshd_local(before);
    json_decref(before);
    return block;
}

static void plan_sshd(struct setup_plan *plan, bool observe)
{
    _cleanup_free_ char *shipped = NULL, *dropin = text_of(plan, SSHD_DROPIN),
                        *config = text_of(plan, SSHD_CONFIG), *block = NULL, *body = NULL;
    struct sshd_facts facts = {0};
    size_t len;

    if (observe || !dropin || !config) {
        char *plain = config && *config ? setup_edit_sshd_without(config) : NULL;
        if (plain)
            setup_plan_file(plan, SSHD_CONFIG, plain, 0644, "sshd: while observing, as it was");
        setup_plan_file(plan, SSHD_DROPIN, NULL, 0644, "sshd: while observing, as it was");
        return;
    }
    if (rollcall_read_file(ROLLCALL_DATADIR "/sshd/10-rollcall.conf", FILE_MAX, &shipped, &len) <
        0) {
        setup_note(plan->problems, "%s is missing: is rollcall installed whole?",
                   ROLLCALL_DATADIR "/sshd/10-rollcall.conf");
        return;
    }
    block = local_block(plan, dropin, config);
    if (!block)
        return;
    sshd_lines(SSHD_CONFIG, sshd_fact, &facts);
    if (*facts.loosens)
        setup_note(plan->notes,
                   "%s is a Match block on a word that employees need otherwise: for local people "
                   "it goes on to hold, so what they get back stands at the end of %s",
                   facts.loosens, SSHD_CONFIG);
    char *bare = setup_edit_sshd_without(config), *file = bare;
    if (file && !facts.includes)
        file = setup_edit_sshd_include(bare);
    if (file && *facts.loosens) {
        char *longer = setup_edit_sshd_append(file, block);
        if (file != bare)
            free(file);
        file = longer;
    }
    body = setup_edit_sshd_dropin(shipped, *facts.loosens ? "" : block);
    if (file != bare)
        free(bare);
    if (file)
        setup_plan_file(plan, SSHD_CONFIG, file, 0644,
                        "sshd: the drop-in is read, and local people keep theirs");
    if (body)
        setup_plan_file(plan, SSHD_DROPIN, ROLLCALL_TAKE(body), 0644,
                        "sshd: key and code for employees, for local people what they had");
}

// ---- everything ----

static void plan_modules(struct setup_plan *plan)
{
    static const char *const must[] = {
        ROLLCALL_PAMDIR "/pam_rollcall.so",        ROLLCALL_NSSDIR "/libnss_rollcall.so.2",
        ROLLCALL_PAMDIR "/pam_localuser.so",       ROLLCALL_PAM_CONFIGS "/rollcall",
        ROLLCALL_PAM_CONFIGS "/rollcall-password", ROLLCALL_VERIFIER,
    };

    for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
        if (access(must[i], R_OK) < 0)
            setup_note(plan->problems, "%s: %s: is rollcall installed whole?", must[i],
                       strerror(errno));
}

void setup_plan_host(struct setup_plan *plan, bool observe)
{
    plan_modules(plan);
    if (json_array_size(plan->problems))
        return;
    plan_nsswitch(plan);
    setup_plan_pam(plan, true);
    plan_sudoers(plan);
    if (sshd_there())
        plan_sshd(plan, observe);
    else
        setup_note(plan->notes, "there is no sshd here");
}

// ---- the diff ----

static int text_fd(const char *text, size_t len)
{
    int fd = memfd_create("rollcall-setup", MFD_CLOEXEC), r = -1;

    if (fd >= 0 && rollcall_write_all(fd, text ? text : "", len) == 0 &&
        lseek(fd, 0, SEEK_SET) == 0)
        r = fcntl(fd, F_DUPFD_CLOEXEC, 20); // above what the program is given as 3 and 4
    if (fd >= 0)
        close(fd);
    return r;
}

char *setup_diff(const struct setup_file *f)
{
    _cleanup_close_ int from = text_fd(f->before, f->before_len),
                        to = text_fd(f->after, f->after_len);
    const int keep[] = {from, to, -1};
    _cleanup_ran_ struct cli_ran ran = {0};
    const char *argv[] = {"/usr/bin/diff",
                          "-u",
                          "--label",
                          f->before ? f->path : "/dev/null",
                          "--label",
                          f->after ? f->path : "/dev/null",
                          "/proc/self/fd/3",
                          "/proc/self/fd/4",
                          NULL};

    if (from < 0 || to < 0 || cli_run_with(argv, NULL, keep, &ran) < 0 || ran.status != 1)
        return strdup("(diff(1) cannot show it)\n");
    return ROLLCALL_TAKE(ran.out);
}
