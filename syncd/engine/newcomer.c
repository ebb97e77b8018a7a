// SPDX-License-Identifier: BSD-2-Clause
// What a row says of a person; and a person whom nobody knew. Of a first listing that is
// everybody: each row of state.db is written once, with all that is known, and nothing is read
// again that this row has just said.
#include <stdio.h>
#include <string.h>

#include "rollcall/account.h"
#include "syncd/engine/rows.h"

// Where no source says, the home stays where it was made: a new name moves no files.
static const char *home_of(const struct body *b, const char *name, const char *home,
                           struct described *d)
{
    if (b->home_directory && rollcall_path_acceptable(b->home_directory))
        return b->home_directory;
    if (*home)
        snprintf(d->home_made, sizeof(d->home_made), "%s", home);
    else
        snprintf(d->home_made, sizeof(d->home_made), "/home/%s", name);
    return d->home_made;
}

static const char *shell_of(const struct body *b)
{
    return b->login_shell && rollcall_path_acceptable(b->login_shell) ? b->login_shell
                                                                      : "/bin/bash";
}

// The name by which the directory knows the person. One cut short would be another's.
static const char *dn_of(struct engine_core *core, const struct row *row, const char *name,
                         int64_t now)
{
    const char *dn = row->body.dn;

    if (!dn || strlen(dn) <= ROLLCALL_DN_MAX)
        return dn;
    rows_refuse(core, row->src->name, row->id, "dn", name, now,
                "dn of \"%s\" is longer than %d bytes and is not used: no password can be checked "
                "by it",
                name, ROLLCALL_DN_MAX);
    return NULL;
}

void row_described(struct engine_core *core, const struct row *row, const char *name,
                   const char *home, int64_t gid, int64_t now, struct described *ret)
{
    const struct body *b = &row->body;

    if (b->login_shell && !rollcall_path_acceptable(b->login_shell))
        rows_refuse(core, row->src->name, row->id, "shell", name, now,
                    "loginShell of \"%s\" is no absolute path of plain letters; /bin/bash is used",
                    name);
    if (b->home_directory && !rollcall_path_acceptable(b->home_directory))
        rows_refuse(
            core, row->src->name, row->id, "home", name, now,
            "homeDirectory of \"%s\" is no absolute path of plain letters; /home/%s is used", name,
            name);
    if (b->has_gid && (b->gid > UINT32_MAX || (gid >= 0 && gid != (int64_t)b->gid)))
        rows_refuse(core, row->src->name, row->id, "gid", name, now,
                    "gidNumber %llu of \"%s\" is not used: the primary group is always one's own, "
                    "with the number of the uid",
                    (unsigned long long)b->gid, name);
    rollcall_gecos_clean(b->display_name ? b->display_name : "", ret->gecos, sizeof(ret->gecos));
    snprintf(ret->immutable_id, sizeof(ret->immutable_id), "%s:%s", row->src->name, row->id);
    ret->home = home_of(b, name, home, ret);
    ret->shell = shell_of(b);
    ret->dn = dn_of(core, row, name, now);
}

int newcomer_take(struct engine_core *core, struct row *row, int64_t now, struct changes *changes)
{
    _cleanup_gathered_ struct gathered g;
    struct described d;
    struct newcomer n = {
        .slot = (uint32_t)row->slot, .uid = row->uid, .key = row->key, .name = row->body.user_name};
    int r;

    gathered_init(&g);
    row_described(core, row, n.name, "", (int64_t)row->uid, now, &d);
    publish_changed(core, n.slot);
    // Groups that are made now must not take the person's gid.
    core->claimed = row->uid;
    r = gather_newcomer(core, row, now, &g);
    core->claimed = 0;
    if (r < 0)
        return r;
    n.gecos = d.gecos;
    n.home = d.home;
    n.shell = d.shell;
    n.immutable_id = d.immutable_id;
    n.dn = d.dn;
    n.groups = &g.groups;
    n.groups_cut = g.cut;
    r = gathered_keep_new(core, n.slot, &g, now);
    return r == 0 ? person_new(core, &n, row->src, &row->body, now, changes) : r;
}
