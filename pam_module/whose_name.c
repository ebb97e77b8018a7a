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

static struct board_says read_board(void)
{
    struct board_says says = {.id_min = ROLLCALL_ID_DEFAULT_MIN, .id_max = ROLLCALL_ID_DEFAULT_MAX};
    struct rollcall_board_facts facts;
    struct rollcall_board *board = NULL;

    if (rollcall_board_open(ROLLCALL_BOARD, &board) == 0 &&
        rollcall_board_facts(board, &facts) == 0)
        says = (struct board_says){
            .observe = facts.observe, .id_min = facts.id_min, .id_max = facts.id_max};
    rollcall_board_close(board);
    return says;
}

static bool known_to_private(const char *name)
{
    struct rollcall_private *p = NULL;
    struct rollcall_person person;
    bool known = rollcall_private_open(ROLLCALL_PRIVATE, &p) == 0 &&
                 rollcall_private_by_name(p, name, &person) == 0;

    rollcall_private_close(p);
    return known;
}

enum whose whose_name(const char *name, bool shown, struct board_says *ret)
{
    struct passwd pw, *found = NULL;
    size_t len = 16384;
    char *buf;
    enum whose whose = WHOSE_OURS;

    if (!shown && in_passwd_file(name))
        return WHOSE_LOCAL;
    *ret = read_board();
    if (shown)
        return WHOSE_OURS;
    buf = malloc(len);
    if (!buf)
        return WHOSE_OURS;
    // Another service's account, outside our range: not ours to judge.
    if (getpwnam_r(name, &pw, buf, len, &found) == 0 && found &&
        (pw.pw_uid < ret->id_min || pw.pw_uid > ret->id_max) && !known_to_private(name))
        whose = WHOSE_OTHER;
    free(buf);
    return whose;
}
