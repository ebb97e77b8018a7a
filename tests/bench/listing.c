// SPDX-License-Identifier: BSD-2-Clause
// listing [SOURCE=]FILE...: what the engine takes for each FILE, one batch in the lines of the
// source protocol: to parse and stage it, to take it, and to publish. Where several are given,
// they come one after the other, to the same state; the first of a name makes the source. What is
// audited goes to the file `audit`. Works in the current folder; decides nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "syncd/engine/core_internal.h"
#include "tests/bench/measured.h"

static struct engine_core *core;
static struct rollcall_config config = {.id_min = ROLLCALL_ID_DEFAULT_MIN,
                                        .id_max = ROLLCALL_ID_DEFAULT_MAX,
                                        .enumerate = true,
                                        .has_allow_groups = true,
                                        .breaker_window = 86400,
                                        .breaker_inferred_count = 5,
                                        .breaker_inferred_share = 200,
                                        .breaker_explicit_count = 50,
                                        .breaker_explicit_share = 1000};
static FILE *audit;
static int64_t now = 1800000000;

static void on_audit(void *ctx, const json_t *record)
{
    _cleanup_free_ char *text = json_dumps(record, JSON_COMPACT);

    (void)ctx;
    if (text)
        fprintf(audit, "%s\n", text);
}

static void on_audit_state(void *ctx, char *record)
{
    (void)ctx;
    fprintf(audit, "%s\n", record);
    free(record);
}

struct clock {
    double wall, cpu;
};

static struct clock clock_now(void)
{
    return (struct clock){wall(), cpu()};
}

static void print_since(const char *what, struct clock *since)
{
    struct clock t = clock_now();

    printf("  %-10s %8.3f s, CPU %8.3f s\n", what, t.wall - since->wall, t.cpu - since->cpu);
    fflush(stdout);
    *since = clock_now();
}

static int say(const char *source, const char *line, size_t len, struct clock *t)
{
    struct rollcall_message m;
    char why[300];
    int r = rollcall_message_parse(line, len, &m, why, sizeof(why));

    if (r < 0) {
        fprintf(stderr, "listing: %s\n", why);
        exit(1);
    }
    if (m.kind == ROLLCALL_MESSAGE_COMMIT)
        print_since("said", t);
    r = engine_core_message(core, source, &m, now);
    if (m.kind == ROLLCALL_MESSAGE_COMMIT)
        print_since("taken", t);
    rollcall_message_done(&m);
    return r;
}

static void take(const char *source, const char *path)
{
    FILE *f = fopen(path, "re");
    struct clock t = clock_now(), all = t;
    _cleanup_free_ char *line = NULL;
    size_t room = 0;
    uint64_t lines = 0;
    ssize_t n;
    int r;

    must(f ? 0 : -errno, path);
    now++;
    printf("%s of %s\n", path, source);
    for (; (n = getline(&line, &room, f)) > 0; lines++) {
        r = say(source, line, (size_t)n - (line[n - 1] == '\n'), &t);
        if (r < 0 && r != -EBADMSG)
            must(r, "a message");
    }
    fclose(f);
    must(engine_core_publish(core, now), "publish");
    print_since("published", &t);
    print_since("all of it", &all);
}

static void open_core(void)
{
    const struct engine_paths paths = paths_here();
    const struct engine_hooks hooks = {.audit = on_audit, .audit_state = on_audit_state};
    static char allowed[] = "linux-users";

    config.allow_groups.item[config.allow_groups.n++] = allowed;
    must(engine_core_open(&config, &paths, &hooks, now, &core), "open");
    must(engine_core_publish(core, now), "publish");
}

static void add_source(char *name)
{
    static char type[] = "exec";

    for (size_t i = 0; i < config.n_sources; i++)
        if (strcmp(config.source[i].name, name) == 0)
            return;
    if (config.n_sources < ROLLCALL_SOURCES_MAX)
        config.source[config.n_sources++] = (struct rollcall_source_config){
            .name = name,
            .type = type,
            .role = ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY,
            .lease = 86400};
}

int main(int argc, char **argv)
{
    static char any[] = "hr";
    char **file = calloc((size_t)argc + 1, sizeof(*file));
    char **source = calloc((size_t)argc + 1, sizeof(*source));

    if (argc < 2 || !file || !source) {
        fprintf(stderr, "listing [SOURCE=]FILE...: in a folder of its own\n");
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        char *sign = strchr(argv[i], '=');
        source[i] = sign ? argv[i] : any;
        file[i] = sign ? sign + 1 : argv[i];
        if (sign)
            *sign = 0;
        add_source(source[i]);
    }
    audit = fopen("audit", "we");
    must(audit ? 0 : -errno, "audit");
    open_core();
    for (int i = 1; i < argc; i++)
        take(source[i], file[i]);
    engine_core_close(core);
    fclose(audit);
    free(file);
    free(source);
    return 0;
}
