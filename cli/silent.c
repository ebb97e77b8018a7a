// SPDX-License-Identifier: BSD-2-Clause
// A secret that somebody types.
#include "cli/silent.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

int cli_ask_silently(const char *prompt, char *answer, size_t len)
{
    struct termios before, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    size_t n = 0;
    ssize_t r;

    fprintf(stderr, "%s", *prompt == '\n' ? prompt + 1 : prompt);
    if (terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    // Without stdio, whose buffer nobody erases.
    while ((r = read(STDIN_FILENO, answer + n, 1)) == 1 && answer[n] != '\n' && n + 1 < len)
        n++;
    answer[n] = 0;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return r < 0 ? -errno : n + 1 == len ? -EMSGSIZE : 0;
}
