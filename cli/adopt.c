// SPDX-License-Identifier: BSD-2-Clause
// rollcall adopt: people whom this host has already become HR's, with uid and home.
#include "cli/adopt.h"

#include <errno.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "rollcall/audit.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

struct adopt {
    struct cli *cli;
    const char *service;
    struct rollcall_config *config;
    struct adopt_input input;
    struct adopt_person *person; // those of the locals who are people
    size_t n;
    struct setup_plan plan;
    json_t *kept, *mended, *left;
};

static void adopt_free(struct adopt *a)
{
    rollcall_config_free(a->config);
    adopt_input_free(&a->input);
    free(a->person);
    setup_plan_free(&a->plan);
    json_decref(a->kept);
    json_decref(a->mended);
    json_decref(a->left);
}

// ---- what is said ----

static const char *chown_command(const struct adopt_person *p, char *buf, size_t len)
{
    *buf = 0;
    if (p->local && p->row)
        snprintf(buf, len, "find / -xdev -uid %u -exec chown -h %s {} +", p->local->uid,
                 p->row->name);
    return buf;
}

static bool is_adopted(const struct adopt *a, const struct adopt_person *p)
{
    return p->verdict == ADOPT_KEEPS || (p->verdict == ADOPT_NEW_UID && a->cli->args.new_ids);
}

static json_t *person_json(const struct adopt *a, const struct adopt_person *p)
{
    // A person is judged from a local account, always; said for who reads the types alone.
    const struct adopt_local nobody = {.name = ""}, *local = p->local ? p->local : &nobody;
    char text[400];
    json_t *o =
        json_pack("{s:s, s:I, s:s, s:b}", "name", local->name, "uid", (json_int_t)local->uid,
                  "verdict", adopt_verdict_name(p->verdict), "adopted", is_adopted(a, p));

    if (o && p->row) {
        json_object_set_new(o, "key", json_string(p->row->key));
        json_object_set_new(o, "user", json_string(p->row->name));
        json_object_set_new(o, "where", json_string(p->row->where));
    }
    if (o && *p->why)
        json_object_set_new(o, "why", json_string(p->why));
    if (o && p->verdict == ADOPT_NEW_UID)
        json_object_set_new(o, "chown", json_string(chown_command(p, text, sizeof(text))));
    return o;
}

static void print_people(const struct adopt *a)
{
    struct cli_table table = {.columns = 5, .right = 1u << 1};

    for (size_t h = 0; h < 5; h++) {
        static const char *const heads[] = {"LOCAL", "UID", "HR", "VERDICT", "WHY"};
        cli_table_add(&table, heads[h], CLI_DIM);
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct adopt_person *p = &a->person[i];
        enum cli_colour colour = p->verdict == ADOPT_KEEPS      ? CLI_GREEN
                                 : p->verdict == ADOPT_CONFLICT ? CLI_RED
                                                                : CLI_YELLOW;
        char uid[16];
        snprintf(uid, sizeof(uid), "%u", p->local->uid);
        cli_table_add(&table, p->local->name, CLI_BOLD);
        cli_table_add(&table, uid, CLI_PLAIN);
        cli_table_add(&table, p->row ? p->row->name : "-", CLI_PLAIN);
        cli_table_add(&table, adopt_verdict_name(p->verdict), colour);
        cli_table_add(&table, p->why, CLI_PLAIN);
    }
    cli_table_print(&table, stdout, a->cli->colour);
    cli_table_free(&table);
    for (size_t i = 0; i < a->n; i++) {
        char text[400];
        if (a->person[i].verdict == ADOPT_NEW_UID && is_adopted(a, &a->person[i]))
            printf("then: %s\n", chown_command(&a->person[i], text, sizeof(text)));
    }
}

static int answer(struct adopt *a, int code, const char *state, const char *sentence)
{
    _cleanup_json_ json_t *people = json_array(), *o = NULL;

    if (!a->cli->args.json) {
        const json_t *one;
        size_t i;
        if (a->n)
            print_people(a);
        json_array_foreach(a->left, i, one)
            printf("changed by somebody since, left alone: %s\n", json_string_value(one));
        printf("%s\n", sentence);
        return code;
    }
    for (size_t i = 0; i < a->n; i++)
        json_array_append_new(people, person_json(a, &a->person[i]));
    o = json_pack("{s:b, s:s, s:s, s:O, s:O, s:O, s:O}", "ok", code == CLI_OK, "state", state,
                  "sentence", sentence, "people", people, "mended", a->mended, "left", a->left,
                  "problems", a->plan.problems);
    if (o)
        cli_print_json(o);
    return code;
}

// ---- the plan ----

static int look(struct adopt *a)
{
    struct rollcall_findings findings = {0};
    char why[600] = "";
    int r = rollcall_config_load(ROLLCALL_CONF, &a->config, &findings);

    rollcall_findings_free(&findings);
    if (r < 0)
        return cli_fail(a->cli, CLI_PROBLEM, "refused",
                        "the configuration is not right: rollcall check-config");
    r = adopt_read_rows(a->config, &a->input, why, sizeof(why));
    if (r == 0)
        r = adopt_read_locals(a->service, &a->input, why, sizeof(why));
    if (r < 0)
        return cli_fail(a->cli, CLI_PROBLEM, "refused", "%s", why);
    a->person = calloc(a->input.n_locals ? a->input.n_locals : 1, sizeof(*a->person));
    if (!a->person)
        return cli_fail(a->cli, CLI_PROBLEM, "internal", "out of memory");
    for (size_t i = 0; i < a->input.n_locals; i++)
        if (adopt_is_person(&a->input.local[i]))
            adopt_judge(a->input.local, a->input.n_locals, i, a->input.row, a->input.n_rows,
                        a->config->id_min, a->config->id_max, &a->person[a->n++]);
    return CLI_OK;
}

static void plan_map(struct adopt *a)
{
    struct setup_file now = {0};
    char *text = NULL;

    if (setup_read(ROLLCALL_UID_MAP, &now) == 0)
        text = adopt_edit_map(now.before ? now.before : "", a->person, a->n);
    if (text && (*text || now.before))
        setup_plan_file(&a->plan, ROLLCALL_UID_MAP, text, 0644, "the uids that people keep");
    else
        free(text);
    free(now.before);
}

// Under the lock of /etc/.pwd.lock.
static void plan_files(struct adopt *a)
{
    static const struct {
        const char *path;
        bool members;
    } files[] = {{"/etc/passwd", false},
                 {"/etc/shadow", false},
                 {"/etc/group", true},
                 {"/etc/gshadow", true}};
    const char **names = calloc(a->n ? a->n : 1, sizeof(*names));
    size_t n = 0;

    for (size_t i = 0; names && i < a->n; i++)
        if (is_adopted(a, &a->person[i]))
            names[n++] = a->person[i].local->name;
    for (size_t i = 0; names && n && i < 4; i++) {
        struct setup_file now = {0};
        char *text = NULL;
        if (setup_read(files[i].path, &now) == 0 && now.before)
            text = adopt_edit_without(now.before, names, n, files[i].members);
        if (text)
            setup_plan_file(&a->plan, files[i].path, text, 0644, "people whom HR speaks for");
        free(now.before);
    }
    free(names);
}

static int apply(struct adopt *a)
{
    int r;

    plan_map(a); // first: the engine must find it when the names are free
    if (strcmp(a->service, "files") == 0)
        plan_files(a);
    if (json_array_size(a->plan.problems))
        return answer(a, CLI_PROBLEM, "refused", "Nothing was changed: a file cannot be read");
    if (a->plan.n == 0)
        return answer(a, CLI_OK, "done", "There is nothing to change");
    r = setup_keep(&a->plan, &a->kept);
    if (r == 0)
        r = setup_kept_apply(a->kept, a->left);
    if (r < 0) {
        setup_kept_restore(a->kept);
        return cli_fail(a->cli, CLI_PROBLEM, "refused", "nothing was changed: %s", strerror(-r));
    }
    r = setup_kept_set(a->kept, "done");
    if (r < 0)
        return cli_fail(a->cli, CLI_PROBLEM, "refused", "%s: %s", ROLLCALL_ADOPT_DIR, strerror(-r));
    rollcall_audit(ROLLCALL_AUDIT_SOCK, "adopt", "by", secure_getenv("SUDO_USER"), (char *)NULL);
    return answer(a, CLI_OK, "done",
                  "They are HR's now. syncd publishes them at its next reading: rollcall sync. The "
                  "way back: rollcall adopt --undo");
}

static int undo(struct adopt *a)
{
    int r;

    if (!a->kept)
        return cli_fail(a->cli, CLI_NOT_FOUND, "nothing-kept",
                        "there is nothing to undo: nobody was adopted here");
    r = setup_kept_undo(a->kept, a->mended, a->left);
    if (r == 0)
        r = setup_kept_forget(a->kept);
    if (r < 0)
        return cli_fail(a->cli, CLI_PROBLEM, "refused", "it is undone in part only: %s",
                        strerror(-r));
    return answer(a, CLI_OK, "undone", "They are local people again");
}

static bool was_killed(const struct adopt *a)
{
    return a->kept && strcmp(setup_kept_state(a->kept), "done") != 0;
}

static int work(struct adopt *a)
{
    int r;

    if (a->cli->args.undo)
        return undo(a);
    if (was_killed(a))
        return cli_fail(a->cli, CLI_PROBLEM, "refused",
                        "an earlier adopt did not come to its end: rollcall adopt --undo first");
    r = look(a);
    if (r != CLI_OK)
        return r;
    if (!a->cli->args.apply)
        return answer(a, CLI_OK, "dry-run", "Nothing was changed; --apply does it");
    return apply(a);
}

int cli_adopt(struct cli *cli)
{
    _cleanup_(adopt_free) struct adopt a = {.cli = cli,
                                            .service = cli->args.from ? cli->args.from : "files"};
    bool writes = cli->args.apply || cli->args.undo;
    int r;

    if (cli->args.apply && cli->args.undo)
        return cli_complain(cli, CLI_USAGE, "--apply or --undo, not both");
    setup_kept_use(ROLLCALL_ADOPT_DIR, adopt_merge);
    // useradd, passwd and vipw take the same lock; it is waited for, 15 seconds.
    if (writes && lckpwdf() < 0)
        return cli_fail(cli, CLI_PROBLEM, "busy",
                        "/etc/.pwd.lock is held: somebody else changes accounts now");
    a.kept = setup_kept_load();
    a.mended = json_array();
    a.left = json_array();
    a.plan.notes = json_array();
    a.plan.problems = json_array();
    r = a.mended && a.left && a.plan.notes && a.plan.problems
            ? work(&a)
            : cli_fail(cli, CLI_PROBLEM, "internal", "out of memory");
    if (writes)
        ulckpwdf();
    return r;
}
