// SPDX-License-Identifier: BSD-2-Clause
#include "rollcall/cgroup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/cleanup.h"
#include "rollcall/safeio.h"

// Of version 2 alone, the last line: nobody but root owns one of version 1.
static bool stands_well(void)
{
    _cleanup_free_ char *text = NULL;
    const char *path;
    size_t len;

    if (rollcall_read_file("/proc/self/cgroup", 65536, &text, &len) < 0)
        return true;
    path = strstr(text, "0::/");
    return !path || path[4] == '\n' || strncmp(path + 3, "/system.slice/", 14) == 0;
}

void rollcall_leave_cgroup(void)
{
    static const char *const top[] = {"/sys/fs/cgroup/cgroup.procs",
                                      "/sys/fs/cgroup/unified/cgroup.procs"};

    if (stands_well())
        return;
    for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
        _cleanup_close_ int fd = rollcall_open(top[i], O_WRONLY, 0);
        if (fd >= 0 && write(fd, "0", 1) == 1)
            return;
    }
}
