// SPDX-License-Identifier: BSD-2-Clause
// A PAM stack as libpam would run it.
#include "cli/pam_stack.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rollcall/cleanup.h"
#include "rollcall/parse.h"
#include "rollcall/safeio.h"

#define FILE_BYTES   (1024 * 1024)
#define INCLUDE_DEEP 16

const char *const pam_stack_folders[] = {"/etc/pam.d", "/usr/lib/pam.d", NULL};

// ---- reading ----

struct reading {
    const char *const *folders;
    const char *type;
    struct pam_stack *stack;
};

static int read_file(struct reading *r, const char *service, unsigned level, unsigned deep);

// The next word at *p, [brackets] together; an empty one at the end.
static void next_word(char **p, char *ret, size_t len)
{
    size_t n;

    *p += strspn(*p, " \t");
    n = **p == '[' ? strcspn(*p, "]") + 1 : strcspn(*p, " \t");
    if (n > strlen(*p))
        n = strlen(*p);
    snprintf(ret, len, "%.*s", (int)n, *p);
    *p += n;
}

static void keep_line(struct reading *r, const char *path, unsigned number, const char *control,
                      char *rest, unsigned level)
{
    struct pam_stack *s = r->stack;
    struct pam_stack_line *line = &s->line[s->n];
    char module[256];
    const char *base;

    if (s->n == PAM_STACK_MAX) {
        s->cut = true;
        return;
    }
    next_word(&rest, module, sizeof(module));
    base = strrchr(module, '/');
    *line = (struct pam_stack_line){.number = number, .level = level};
    snprintf(line->file, sizeof(line->file), "%.95s", path);
    snprintf(line->control, sizeof(line->control), "%s", control);
    snprintf(line->module, sizeof(line->module), "%.95s", base ? base + 1 : module);
    snprintf(line->args, sizeof(line->args), "%.255s", rest + strspn(rest, " \t"));
    s->n++;
}

static void one_line(struct reading *r, const char *path, unsigned number, char *text,
                     unsigned level, unsigned deep)
{
    char type[32], control[160], name[128];

    text[strcspn(text, "#")] = 0;
    next_word(&text, type, sizeof(type));
    if (strcmp(type, "@include") == 0) {
        next_word(&text, name, sizeof(name));
        read_file(r, name, level, deep + 1);
        return;
    }
    if (strcasecmp(*type == '-' ? type + 1 : type, r->type) != 0)
        return;
    next_word(&text, control, sizeof(control));
    if (strcasecmp(control, "include") == 0 || strcasecmp(control, "substack") == 0) {
        next_word(&text, name, sizeof(name));
        read_file(r, name, level + (strcasecmp(control, "substack") == 0), deep + 1);
        return;
    }
    keep_line(r, path, number, control, text, level);
}

static int read_file(struct reading *r, const char *service, unsigned level, unsigned deep)
{
    _cleanup_free_ char *text = NULL;
    char path[512] = "";
    unsigned number = 0;
    size_t len;
    int error = -ENOENT;

    if (deep > INCLUDE_DEEP) {
        r->stack->cut = true;
        return -ELOOP;
    }
    for (size_t i = 0; r->folders[i] && error == -ENOENT; i++) {
        _cleanup_free_ char *real = NULL;
        snprintf(path, sizeof(path), "%s%s%s", *service == '/' ? "" : r->folders[i],
                 *service == '/' ? "" : "/", service);
        real = realpath(path, NULL);
        error = real ? rollcall_read_file(real, FILE_BYTES, &text, &len) : -ENOENT;
    }
    if (error < 0)
        return error;
    for (char *line, *next = text; (line = next) && *line;) {
        size_t end = strcspn(line, "\n");
        unsigned at = ++number;
        // A backslash joins the next line.
        while (line[end] == '\n' && end > 0 && line[end - 1] == '\\') {
            line[end - 1] = line[end] = ' ';
            end += strcspn(line + end, "\n");
            number++;
        }
        next = line + end + (line[end] == '\n');
        line[end] = 0;
        one_line(r, path, at, line, level, deep);
    }
    return 0;
}

int pam_stack_read(const char *const folders[], const char *service, const char *type,
                   struct pam_stack *ret)
{
    struct reading r = {.folders = folders, .type = type, .stack = ret};
    int error;

    ret->n = 0;
    ret->cut = false;
    error = read_file(&r, service, 0, 0);
    if (error < 0)
        return error;
    if (ret->n == 0)
        read_file(&r, "other", 0, 0);
    return 0;
}

// ---- what a module may say ----

// "uid < 1000" and its like, which no id of ours meets.
static bool never_our_uid(const char *args, uint32_t id_min)
{
    const char *p = strstr(args, "uid <");
    char number[16];
    uint64_t bound;

    if (!p)
        return false;
    p += 5 + (p[5] == '=');
    p += strspn(p, " ");
    snprintf(number, sizeof(number), "%.*s", (int)strspn(p, "0123456789"), p);
    return rollcall_parse_u64(number, 0, UINT32_MAX, &bound) == 0 && bound <= id_min;
}

bool pam_stack_breakglass(const struct pam_stack_line *line)
{
    const char *at = strstr(line->args, "breakglass");

    return at && strcmp(line->module, PAM_OURS) == 0 && (at == line->args || at[-1] == ' ') &&
           (at[10] == 0 || at[10] == ' ');
}

static bool is_ours(const struct pam_stack_line *line)
{
    return strcmp(line->module, PAM_OURS) == 0 && !pam_stack_breakglass(line);
}

// Names of return codes, ended by NULL.
static const char *const *answers_of(const struct pam_stack_line *line, const char *type,
                                     uint32_t id_min)
{
    static const char *const yes[] = {"success", NULL};
    static const char *const no_user[] = {"perm_denied", NULL};
    static const char *const no[] = {"auth_err", NULL};
    static const char *const expired[] = {"acct_expired", NULL};
    static const char *const ignores[] = {"ignore", NULL};
    static const char *const anything[] = {"success", "ignore", "auth_err", NULL};
    static const char *const refuse[] = {"pam_deny.so", "pam_rootok.so", "pam_unix.so"};

    if (strcmp(line->module, "pam_permit.so") == 0)
        return yes;
    if (strcmp(line->module, "pam_localuser.so") == 0)
        return no_user;
    if (pam_stack_breakglass(line))
        return ignores;
    for (size_t i = 0; i < sizeof(refuse) / sizeof(refuse[0]); i++)
        if (strcmp(line->module, refuse[i]) == 0)
            return strcmp(type, "account") == 0 ? expired : no;
    if (strcmp(line->module, "pam_succeed_if.so") == 0 && never_our_uid(line->args, id_min))
        return no;
    return anything;
}

// ---- what libpam makes of it ----

enum { ACT_IGNORE = -1, ACT_OK = -2, ACT_DONE = -3, ACT_BAD = -4, ACT_DIE = -5, ACT_RESET = -6 };

static int action_word(const char *word, size_t len)
{
    static const struct {
        const char *word;
        int action;
    } words[] = {{"ignore", ACT_IGNORE}, {"ok", ACT_OK},   {"done", ACT_DONE},
                 {"bad", ACT_BAD},       {"die", ACT_DIE}, {"reset", ACT_RESET}};
    char number[16];
    uint64_t n;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (len == strlen(words[i].word) && strncasecmp(word, words[i].word, len) == 0)
            return words[i].action;
    snprintf(number, sizeof(number), "%.*s", (int)len, word);
    return rollcall_parse_u64(number, 1, PAM_STACK_MAX, &n) == 0 ? (int)n : ACT_BAD;
}

static int bracket_action(const char *control, const char *code)
{
    int otherwise = ACT_BAD;

    for (const char *p = control + 1; *p && *p != ']';) {
        size_t name, value;
        p += strspn(p, " \t");
        name = strcspn(p, "=] \t");
        if (p[name] != '=')
            break;
        value = strcspn(p + name + 1, "] \t");
        if (name == strlen(code) && strncasecmp(p, code, name) == 0)
            return action_word(p + name + 1, value);
        if (name == 7 && strncasecmp(p, "default", 7) == 0)
            otherwise = action_word(p + name + 1, value);
        p += name + 1 + value;
    }
    return otherwise;
}

static int action_of(const char *control, const char *code)
{
    bool yes = strcmp(code, "success") == 0;

    if (*control == '[')
        return bracket_action(control, code);
    if (strcmp(code, "ignore") == 0)
        return ACT_IGNORE;
    if (strcasecmp(control, "sufficient") == 0)
        return yes ? ACT_DONE : ACT_IGNORE;
    if (strcasecmp(control, "optional") == 0)
        return yes ? ACT_OK : ACT_IGNORE;
    if (strcasecmp(control, "requisite") == 0)
        return yes ? ACT_OK : ACT_DIE;
    return yes ? ACT_OK : ACT_BAD; // required, and what libpam takes for it
}

enum impression { UNDECIDED, POSITIVE, NEGATIVE };

struct walk {
    const struct pam_stack *stack;
    const char *type;
    uint32_t id_min;
    struct pam_verdict *verdict;
    bool seen[PAM_STACK_MAX + 1][3];
};

static void step(struct walk *w, size_t at, enum impression so_far,
                 const struct pam_stack_line *settled);

// Over the rest of a substack, or to the end.
static size_t leave(const struct pam_stack *s, size_t at)
{
    unsigned level = s->line[at].level;

    if (level == 0)
        return s->n;
    while (at < s->n && s->line[at].level >= level)
        at++;
    return at;
}

// Over `n` lines of the same level; a substack counts as one.
static size_t jump(const struct pam_stack *s, size_t at, int n)
{
    unsigned level = s->line[at].level;

    for (at++; n > 0 && at < s->n && s->line[at].level >= level; n--)
        for (at++; at < s->n && s->line[at].level > level; at++)
            ;
    return at;
}

static void follow(struct walk *w, size_t at, enum impression so_far, int action, bool yes)
{
    const struct pam_stack_line *line = &w->stack->line[at];
    enum impression with = so_far;

    if ((action == ACT_OK || action == ACT_DONE) && so_far != NEGATIVE)
        with = yes ? POSITIVE : NEGATIVE; // what is taken for "ok" may be a refusal all the same
    if (action == ACT_BAD || action == ACT_DIE)
        with = NEGATIVE;
    if (action == ACT_RESET)
        with = UNDECIDED;
    if (action > 0)
        step(w, jump(w->stack, at, action), so_far, NULL);
    else if (action == ACT_DIE || (action == ACT_DONE && with == POSITIVE))
        step(w, leave(w->stack, at), with, line);
    else
        step(w, at + 1, with, NULL);
}

static void step(struct walk *w, size_t at, enum impression so_far,
                 const struct pam_stack_line *settled)
{
    const char *const *codes;

    if (w->seen[at][so_far])
        return;
    w->seen[at][so_far] = true;
    if (at == w->stack->n) {
        if (so_far == POSITIVE && !w->verdict->around) {
            w->verdict->around = true;
            w->verdict->escape = settled;
        }
        return;
    }
    if (is_ours(&w->stack->line[at]))
        return; // asked: what it says is its own business
    codes = answers_of(&w->stack->line[at], w->type, w->id_min);
    for (size_t i = 0; codes[i]; i++)
        follow(w, at, so_far, action_of(w->stack->line[at].control, codes[i]),
               strcmp(codes[i], "success") == 0);
}

void pam_stack_judge(const struct pam_stack *stack, const char *type, uint32_t id_min,
                     struct pam_verdict *ret)
{
    struct walk w = {.stack = stack, .type = type, .id_min = id_min, .verdict = ret};

    *ret = (struct pam_verdict){0};
    for (size_t i = 0; i < stack->n; i++)
        if (is_ours(&stack->line[i]))
            ret->ours = true;
    step(&w, 0, UNDECIDED, NULL);
}
