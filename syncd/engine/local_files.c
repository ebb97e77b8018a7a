// SPDX-License-Identifier: BSD-2-Clause
// The names and ids of this host's own passwd and group files: theirs, never ours.
#include "syncd/engine/local_files.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/cleanup.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void add_local(struct local_files *l, const char *name, uint32_t id)
{
    char **names = realloc(l->names, (l->n_names + 1) * sizeof(*names));
    uint32_t *ids = realloc(l->ids, (l->n_ids + 1) * sizeof(*ids));

    if (names) {
        l->names = names;
        l->names[l->n_names] = strdup(name);
        l->n_names += l->names[l->n_names] != NULL;
    }
    if (ids) {
        l->ids = ids;
        l->ids[l->n_ids++] = id;
    }
}

// The files themselves: through NSS we would meet ourselves.
void local_files_read(const char *passwd, const char *groups, const struct rollcall_config *config,
                      struct local_files *l)
{
    _cleanup_fclose_ FILE *p = fopen(passwd, "re"), *g = fopen(groups, "re");
    char buf[65536];
    struct passwd pw, *user;
    struct group gr, *group;

    while (p && fgetpwent_r(p, &pw, buf, sizeof(buf), &user) == 0)
        add_local(l, pw.pw_name, pw.pw_uid);
    while (g && fgetgrent_r(g, &gr, buf, sizeof(buf), &group) == 0) {
        add_local(l, gr.gr_name, gr.gr_gid);
        for (size_t i = 0; i < config->n_local_groups; i++)
            if (strcmp(config->local_group[i].name, gr.gr_name) == 0)
                l->granted[i] = gr.gr_gid;
    }
    if (l->n_names > 0)
        qsort(l->names, l->n_names, sizeof(*l->names), by_text);
    if (l->n_ids > 0)
        qsort(l->ids, l->n_ids, sizeof(*l->ids), by_id);
}

void local_files_done(struct local_files *l)
{
    for (size_t i = 0; i < l->n_names; i++)
        free(l->names[i]);
    free(l->names);
    free(l->ids);
}

bool local_files_have(const struct local_files *l, const char *name, uint32_t id)
{
    return (l->n_names && bsearch(&name, l->names, l->n_names, sizeof(name), by_text)) ||
           (l->n_ids && bsearch(&id, l->ids, l->n_ids, sizeof(id), by_id));
}
