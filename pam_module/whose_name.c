// SPDX-License-Identifier: BSD-2-Clause
// Whose name is it?
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pam_module/module.h"
#include "rollcall/account.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

// The file itself: root gets in also when NSS, or we, are broken. Unreadable counts as
// ours, and so as refused, for everybody but root.
static bool in_passwd_file(const char *name)
{
    _cleanup_fclose_ FILE *f = fopen(ROLLCALL_PASSWD_FILE, "re");
    _cleanup_free_ char *line = NULL;
    size_t size = 0, len = strlen(name);

    if (!f)
        return strcmp(name, "root") == 0;
    if (strchr(name, ':'))
        return false; // no name has one; "root:x" begins a line all the same
    // By hand, as pam_localuser does: fgetpwent_r gives a line longer than its buffer again
    // and again.
    while (getline(&line, &size, f) >= 0)
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return true;
    // Not to its end, for want of memory say: as unreadable.
    return !feof(f) && strcmp(name, "root") == 0;
}

static struct board_says read_board(struct rollcall_look *look)
{
    struct board_says says = {.id_min = ROLLCALL_ID_DEFAULT_MIN, .id_max = ROLLCALL_ID_DEFAULT_MAX};
    struct rollcall_board_facts facts;

    if (rollcall_look_at_board(look, ROLLCALL_BOARD) == 0 &&
        rollcall_board_facts(look->board, &facts) == 0)
        says = (struct board_says){
            .observe = facts.observe, .id_min = facts.id_min, .id_max = facts.id_max};
    return says;
}

static bool known_to_private(struct rollcall_look *look, const char *name)
{
    struct rollcall_person person;

    return rollcall_look_at_private(look, ROLLCALL_PRIVATE) == 0 &&
           rollcall_private_by_name(look->private_, name, &person) == 0;
}

// Another service's account, outside our range: not ours to judge.
static bool of_another_service(const char *name, const struct board_says *board)
{
    struct passwd pw, *found = NULL;
    size_t len = 16384;
    _cleanup_free_ char *buf = malloc(len);

    return buf && getpwnam_r(name, &pw, buf, len, &found) == 0 && found &&
           (pw.pw_uid < board->id_min || pw.pw_uid > board->id_max);
}

enum whose whose_name(const char *name, bool shown, struct rollcall_look *look,
                      struct board_says *ret)
{
    if (!shown && in_passwd_file(name))
        return WHOSE_LOCAL;
    *ret = read_board(look);
    // Whom we know is ours whatever any service says: NSS, which may go to sockets and networks,
    // is asked about the others.
    if (shown || known_to_private(look, name))
        return WHOSE_OURS;
    return of_another_service(name, ret) ? WHOSE_OTHER : WHOSE_OURS;
}
