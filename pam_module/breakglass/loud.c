// SPDX-License-Identifier: BSD-2-Clause
// Told to everybody who can be told. What is in the file is told again later; this is for now.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <utmp.h>

#include "pam_module/breakglass/breakglass.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/safeio.h"

// A terminal that nobody reads from holds nothing up.
static void put(const char *path, const char *text, bool terminal)
{
    _cleanup_close_ int fd = rollcall_open(path, O_WRONLY | O_NONBLOCK, 0);

    if (fd >= 0 && (!terminal || isatty(fd)) && write(fd, text, strlen(text)) < 0)
        return;
}

static void tell_terminals(const char *text)
{
    _cleanup_fclose_ FILE *f = fopen(_PATH_UTMP, "re");
    struct utmp u;
    char path[sizeof(u.ut_line) + 8];

    while (f && fread(&u, sizeof(u), 1, f) == 1) {
        snprintf(path, sizeof(path), "/dev/%.*s", (int)sizeof(u.ut_line), u.ut_line);
        if (u.ut_type == USER_PROCESS && *u.ut_line && !strstr(path, ".."))
            put(path, text, true); // what utmp says may be any device
    }
}

#define ASIDE_S   60
#define ASIDE_MAX 8

static pid_t step_aside(void)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    alarm(ASIDE_S);
    close(STDIN_FILENO); // the conversation
    setsid();
    return pid;
}

bool breakglass_aside(void)
{
    return step_aside() == 0;
}

// One of a few places, held for as long as anybody has the descriptor. -EBUSY: there is none left.
static int take_place(void)
{
    _cleanup_close_ int fd = rollcall_open(ROLLCALL_BREAKGLASS_ASIDE, O_RDWR | O_CREAT, 0600);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

    if (fd < 0)
        return fd;
    for (; l.l_start < ASIDE_MAX; l.l_start++)
        if (fcntl(fd, F_OFD_SETLK, &l) == 0)
            return ROLLCALL_TAKE_FD(fd);
    return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

int breakglass_aside_of_few(void)
{
    int place = take_place(); // where there is no file for it, nobody is counted
    pid_t pid;

    if (place == -EBUSY)
        return -EBUSY;
    pid = step_aside();
    if (pid == 0)
        return 1; // and holds the place until it ends
    rollcall_closep(&place);
    return pid < 0 ? -EAGAIN : 0;
}

// What cannot hang comes first.
void breakglass_tell(const char *sentence)
{
    char text[700];

    snprintf(text, sizeof(text), "<1>rollcall: %s\n", sentence);
    put("/dev/kmsg", text, false);
    snprintf(text, sizeof(text), "\r\n\a*** rollcall: %s\r\n", sentence);
    put("/dev/console", text, false);
    tell_terminals(text);
    if (breakglass_aside()) {
        syslog(LOG_AUTHPRIV | LOG_ALERT, "%s", sentence);
        _exit(0);
    }
}
