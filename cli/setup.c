// SPDX-License-Identifier: BSD-2-Clause
// rollcall setup: the host asks rollcall from here on; with --undo it does not any more.
#include "cli/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/run.h"
#include "cli/sshd.h"
#include "cli/text.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/config.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

struct setup {
    struct cli *cli;
    struct setup_plan plan;
    struct setup_witness before, after;
    json_t *kept, *earlier; // the manifest, and as an earlier setup left it
    json_t *mended, *left;  // of --undo
    bool observe;
};

static void setup_free(struct setup *s)
{
    setup_plan_free(&s->plan);
    setup_witness_free(&s->before);
    setup_witness_free(&s->after);
    json_decref(s->kept);
    json_decref(s->earlier);
    json_decref(s->mended);
    json_decref(s->left);
}

// ---- what is said ----

static void print_sentences(const struct cli *cli, const json_t *list, const char *mark,
                            enum cli_colour colour)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        _cleanup_free_ char *text = cli_escape(json_string_value(one));
        printf("%s%s %s%s\n", cli_colour(cli->colour, colour), mark, text ? text : "?",
               cli_colour(cli->colour, CLI_PLAIN));
    }
}

static const char *change_word(const struct setup_file *f)
{
    return !f->before ? "create" : f->after ? "change" : "remove";
}

// A diff's text keeps its lines; all else in it is escaped.
static void print_diff(const struct cli *cli, const struct setup_file *f)
{
    _cleanup_free_ char *diff = setup_diff(f);

    printf("%s%s %s%s: %s\n", cli_colour(cli->colour, CLI_BOLD), change_word(f), f->path,
           cli_colour(cli->colour, CLI_PLAIN), f->what);
    for (char *line, *next = diff; diff && (line = next) && *line;) {
        size_t end = strcspn(line, "\n");
        enum cli_colour colour = *line == '+' ? CLI_GREEN : *line == '-' ? CLI_RED : CLI_PLAIN;
        _cleanup_free_ char *safe = NULL;
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        for (char *tab = line; (tab = strchr(tab, '\t'));)
            *tab = ' ';
        safe = cli_escape(line);
        printf("    %s%s%s\n", cli_colour(cli->colour && colour != CLI_PLAIN, colour),
               safe ? safe : "?", cli_colour(cli->colour && colour != CLI_PLAIN, CLI_PLAIN));
    }
}

static json_t *plan_json(const struct setup_plan *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; i < plan->n; i++) {
        const struct setup_file *f = &plan->file[i];
        _cleanup_free_ char *diff = setup_diff(f), *safe = NULL;
        json_t *one = json_pack("{s:s, s:s, s:s}", "path", f->path, "change", change_word(f),
                                "what", f->what);
        safe =
            diff && !json_object_set_new(one, "diff", json_string(diff)) ? NULL : cli_escape(diff);
        if (safe) // no UTF-8
            json_object_set_new(one, "diff", json_string(safe));
        json_array_append_new(list, one);
    }
    return list;
}

static int answer(struct setup *s, int code, const char *state, const char *sentence)
{
    _cleanup_json_ json_t *changes = NULL, *o = NULL;

    if (!s->cli->args.json) {
        print_sentences(s->cli, s->plan.notes, "note:", CLI_YELLOW);
        print_sentences(s->cli, s->mended, "ours taken out, yours kept:", CLI_YELLOW);
        print_sentences(s->cli, s->left, "changed by somebody since, left alone:", CLI_RED);
        printf("%s\n", sentence);
        return code;
    }
    changes = plan_json(&s->plan);
    o = json_pack("{s:b, s:s, s:s, s:O, s:O, s:O, s:O, s:O}", "ok", code == CLI_OK, "state", state,
                  "sentence", sentence, "changes", changes, "notes", s->plan.notes, "problems",
                  s->plan.problems, "mended", s->mended, "left", s->left);
    if (o)
        cli_print_json(o);
    return code;
}

static int refuse(struct setup *s, const char *sentence)
{
    if (!s->cli->args.json)
        print_sentences(s->cli, s->plan.problems, "problem:", CLI_RED);
    return answer(s, CLI_PROBLEM, "refused", sentence);
}

// ---- asking ----

// A value typed at a prompt, or the one in brackets. The caller frees.
static char *ask_value(const char *question, const char *otherwise)
{
    char line[512] = "";

    printf("%s%s%s%s: ", question, otherwise ? " [" : "", otherwise ? otherwise : "",
           otherwise ? "]" : "");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    line[strcspn(line, "\n")] = 0;
    if (*line)
        return strdup(line);
    return otherwise ? strdup(otherwise) : NULL;
}

static const char *local_timezone(char *buf, size_t len)
{
    ssize_t n = readlink("/etc/localtime", buf, len - 1);
    const char *zone;

    if (n <= 0)
        return NULL;
    buf[n] = 0;
    zone = strstr(buf, "zoneinfo/");
    return zone ? zone + 9 : NULL;
}

// ---- the configuration ----

// Is this text a configuration? Errors are problems of the plan.
static bool configuration_is_right(struct setup *s, const char *text, bool *ret_observe)
{
    char folder[] = "/run/rollcall-setup-XXXXXX", path[64];
    struct rollcall_config *config = NULL;
    struct rollcall_findings findings = {0};
    bool right = false;

    if (!mkdtemp(folder))
        return false;
    snprintf(path, sizeof(path), "%s/rollcall.conf", folder);
    if (rollcall_replace_file(path, text, strlen(text), 0600) == 0)
        right = rollcall_config_load(path, &config, &findings) == 0;
    for (size_t i = 0; i < findings.n; i++)
        if (!findings.item[i].warning)
            setup_note(s->plan.problems, ROLLCALL_CONF ":%d: %s", findings.item[i].line,
                       findings.item[i].text);
    if (right)
        *ret_observe = config->mode == ROLLCALL_MODE_OBSERVE;
    rollcall_config_free(config);
    rollcall_findings_free(&findings);
    unlink(path);
    rmdir(folder);
    return right;
}

static int need(struct setup *s, const char *flag)
{
    return cli_fail(s->cli, CLI_USAGE, "bad-request",
                    "there is no %s yet: say %s, or write it first", ROLLCALL_CONF, flag);
}

static int first_configuration(struct setup *s, char **ret)
{
    const struct cli_args *args = &s->cli->args;
    _cleanup_free_ char *hr = NULL, *allow = NULL, *contact = NULL;
    char zone[512];
    struct setup_answers a = {.mode = args->mode ? args->mode : "observe",
                              .hr = args->hr,
                              .allow = args->allow,
                              .admins = args->admins,
                              .contact = args->contact,
                              .timezone = local_timezone(zone, sizeof(zone))};
    const char *const values[] = {a.hr, a.allow, a.admins, a.contact};

    if (cli_interactive(s->cli)) {
        printf("There is no %s yet. Three questions:\n", ROLLCALL_CONF);
        if (!a.hr)
            hr = ask_value("HR's export, a CSV file", "/var/lib/hr-export/people.csv");
        if (!a.allow)
            a.allow = allow =
                ask_value("The group of HR's file that may log in here", "linux-users");
        if (!a.contact)
            a.contact = contact =
                ask_value("Whom people call who cannot log in", "IT service desk");
        a.hr = a.hr ? a.hr : hr;
        a.allow = a.allow ? a.allow : allow;
        a.contact = a.contact ? a.contact : contact;
    }
    if (!a.hr)
        return need(s, "--hr FILE");
    if (!a.allow)
        return need(s, "--allow GROUP");
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (values[i] && !setup_edit_value_acceptable(values[i]))
            return cli_fail(s->cli, CLI_USAGE, "bad-request",
                            "\"%s\" cannot stand in a configuration", values[i]);
    *ret = setup_edit_config(&a);
    return *ret ? CLI_OK : CLI_PROBLEM;
}

// rollcall.conf as it is to be. CLI_OK, or complained.
static int plan_configuration(struct setup *s)
{
    const char *mode = s->cli->args.mode;
    _cleanup_free_ char *now = NULL;
    char *text = NULL;
    size_t len;
    int r = rollcall_read_file(ROLLCALL_CONF, 1024 * 1024, &now, &len);

    if (mode && strcmp(mode, "observe") != 0 && strcmp(mode, "enforce") != 0)
        return cli_complain(s->cli, CLI_USAGE, "--mode is observe or enforce");
    if (r < 0 && r != -ENOENT) {
        setup_note(s->plan.problems, "%s: %s", ROLLCALL_CONF, strerror(-r));
        return CLI_OK;
    }
    if (r == -ENOENT) {
        r = first_configuration(s, &text);
        if (r != CLI_OK)
            return r;
    } else
        text = mode ? setup_edit_config_mode(now, mode) : strdup(now);
    if (text && configuration_is_right(s, text, &s->observe))
        setup_plan_file(&s->plan, ROLLCALL_CONF, text, 0644, "what rollcall is to do here");
    else
        free(text);
    return CLI_OK;
}

// ---- doing ----

static bool touches_sshd(const json_t *kept)
{
    const json_t *e;
    size_t i;

    json_array_foreach(json_object_get(kept, "files"), i, e)
    {
        if (strncmp(cli_text_of(e, "path"), "/etc/ssh/", 9) == 0)
            return true;
    }
    return false;
}

// Back by itself, because somebody would be hurt.
static int take_back(struct setup *s, const char *why)
{
    char sentence[1200];
    int r = setup_kept_restore(s->kept);

    if (r == 0)
        r = s->earlier ? setup_kept_set(s->earlier, "done") : setup_kept_forget(s->kept);
    snprintf(sentence, sizeof(sentence), "%s. %s", why,
             r == 0 ? "Nothing was changed: everything stands as before"
                    : "And putting it back failed: run rollcall setup --undo");
    setup_note(s->plan.problems, "%s", why);
    return refuse(s, sentence);
}

static int finish(struct setup *s)
{
    char why[600] = "";

    setup_witness_take(&s->after);
    if (!setup_witness_agrees(&s->before, &s->after, why, sizeof(why)))
        return take_back(s, why);
    if (!s->observe && sshd_there() && !setup_strict(why, sizeof(why)))
        return take_back(s, why);
    if (!s->cli->args.no_start)
        setup_units_on(s->kept, s->plan.n > 0, s->plan.notes);
    if (touches_sshd(s->kept) && !s->cli->args.no_start)
        setup_reload_sshd(s->plan.notes);
    if (setup_kept_set(s->kept, "done") < 0)
        return refuse(s,
                      "It is set up, but the way back could not be marked as whole; run it again");
    rollcall_audit(ROLLCALL_AUDIT_SOCK, "setup", "by", secure_getenv("SUDO_USER"), "note",
                   s->observe ? "observe" : "enforce", (char *)NULL);
    return answer(s, CLI_OK, "done",
                  s->observe
                      ? "This host asks rollcall, and refuses nobody yet: rollcall report says "
                        "whom it would. The way back: rollcall setup --undo"
                      : "This host asks rollcall. Keep this shell open until you have logged "
                        "in once more. The way back: rollcall setup --undo");
}

static int apply(struct setup *s)
{
    char why[600] = "";
    int r = setup_make_folders(s->plan.notes, why, sizeof(why));

    if (r < 0) {
        setup_note(s->plan.problems, "%s", why);
        return refuse(s, "Nothing was changed");
    }
    s->earlier = json_deep_copy(s->kept);
    r = setup_keep(&s->plan, &s->kept);
    if (r < 0) {
        setup_note(s->plan.problems, "%s: %s", ROLLCALL_SETUP_DIR, strerror(-r));
        return refuse(s, "There is no room for the way back, so nothing was changed");
    }
    r = setup_kept_apply(s->kept, s->left);
    if (r < 0) {
        snprintf(why, sizeof(why), "a file could not be put: %s", strerror(-r));
        return take_back(s, why);
    }
    return finish(s);
}

// An earlier setup was killed: what it meant to do is in its copies.
static int finish_earlier(struct setup *s)
{
    int r = setup_kept_apply(s->kept, s->left);

    if (r == 0)
        r = setup_kept_set(s->kept, "done");
    if (r < 0)
        return cli_fail(s->cli, CLI_PROBLEM, "refused",
                        "an earlier setup did not come to its end, and cannot be finished (%s): "
                        "rollcall setup --undo",
                        strerror(-r));
    setup_note(s->plan.notes, "an earlier setup had not come to its end; it is finished now");
    return CLI_OK;
}

static int undo(struct setup *s)
{
    bool ssh;
    char why[600] = "";
    int r;

    if (!s->kept)
        return cli_fail(s->cli, CLI_NOT_FOUND, "nothing-kept",
                        "there is nothing to undo: no setup was kept in %s", ROLLCALL_SETUP_DIR);
    ssh = touches_sshd(s->kept);
    setup_witness_take(&s->before);
    r = setup_kept_undo(s->kept, s->mended, s->left);
    if (r < 0) {
        setup_note(s->plan.problems, "%s", strerror(-r));
        return refuse(s, "It is undone in part only; run it again");
    }
    setup_units_off(s->kept, s->plan.notes);
    if (ssh && !s->cli->args.no_start)
        setup_reload_sshd(s->plan.notes);
    setup_witness_take(&s->after);
    // Back to what was: only root's own way in is looked at.
    for (size_t i = 0; i < s->after.n; i++) {
        json_decref(s->after.sshd[i]);
        s->after.sshd[i] = json_incref(s->before.sshd[i]);
    }
    if (!setup_witness_agrees(&s->before, &s->after, why, sizeof(why)))
        setup_note(s->plan.notes, "LOOK AT THIS BEFORE YOU CLOSE THIS SHELL: %s", why);
    setup_note(s->plan.notes, "users, %s and %s stay as they are", ROLLCALL_SYSCONFDIR,
               ROLLCALL_STATEDIR);
    r = setup_kept_forget(s->kept);
    if (r < 0)
        return refuse(s, "It is undone, but the copies could not be taken away");
    return answer(s, json_array_size(s->left) || *why ? CLI_PROBLEM : CLI_OK, "undone",
                  json_array_size(s->left)
                      ? "It is undone, but for what somebody changed since"
                      : "It is undone: this host does not ask rollcall any more");
}

static int lock_setup(void)
{
    int fd = rollcall_open("/run/rollcall-setup.lock", O_RDWR | O_CREAT, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return -EWOULDBLOCK;
    }
    return fd;
}

static int set_up(struct setup *s)
{
    int r;

    if (s->kept && strcmp(setup_kept_state(s->kept), "undoing") == 0)
        return cli_fail(s->cli, CLI_PROBLEM, "refused",
                        "an earlier --undo did not come to its end: rollcall setup --undo first");
    if (s->kept && strcmp(setup_kept_state(s->kept), "applying") == 0 && !s->cli->args.dry_run) {
        r = finish_earlier(s);
        if (r != CLI_OK)
            return r;
    }
    r = plan_configuration(s);
    if (r != CLI_OK)
        return r;
    setup_plan_host(&s->plan, s->observe);
    if (!s->cli->args.json)
        for (size_t i = 0; i < s->plan.n; i++)
            print_diff(s->cli, &s->plan.file[i]);
    if (json_array_size(s->plan.problems))
        return refuse(s, "Nothing was changed");
    if (s->cli->args.dry_run)
        return answer(s, CLI_OK, "dry-run",
                      s->plan.n ? "Nothing was changed" : "There is nothing to change");
    if (cli_interactive(s->cli) && s->plan.n && !cli_ask_yes("Do it?"))
        return answer(s, CLI_PROBLEM, "declined", "Nothing was changed");
    setup_witness_take(&s->before);
    return apply(s);
}

int cli_setup(struct cli *cli)
{
    _cleanup_(setup_free) struct setup s = {
        .cli = cli, .mended = json_array(), .left = json_array(), .kept = setup_kept_load()};
    _cleanup_close_ int lock = lock_setup();

    s.plan.notes = json_array();
    s.plan.problems = json_array();
    if (!s.plan.notes || !s.plan.problems || !s.mended || !s.left)
        return cli_fail(cli, CLI_PROBLEM, "internal", "out of memory");
    if (lock == -EWOULDBLOCK)
        return cli_fail(cli, CLI_PROBLEM, "busy", "another rollcall setup is at work");
    if (!cli->args.yes && !cli->args.dry_run && !cli_interactive(cli))
        return cli_fail(
            cli, CLI_USAGE, "bad-request",
            "nobody can be asked here: say --yes, or --dry-run to see what would change");
    if (cli->args.undo)
        return undo(&s);
    return set_up(&s);
}
