// SPDX-License-Identifier: BSD-2-Clause
// lookups_first SERVICE NAME UID: the first lookup of a new process, loading of the module
// included. "-" is what nsswitch.conf names. Prints microseconds and the private memory
// that it took in KiB. Two writes to no descriptor stand around the lookup, for who
// counts system calls by strace.
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int __nss_configure_lookup(const char *database, const char *services);

// No stdio before the lookup: its buffers would be counted.
static long private_kib(void)
{
    static const char *const labels[] = {"Private_Clean:", "Private_Dirty:"};
    char text[4096];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    long sum = 0;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return -1;
    text[n] = 0;
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(text, labels[i]);
        if (!at)
            return -1;
        sum += strtol(at + strlen(labels[i]), NULL, 10);
    }
    return sum;
}

static void mark(void)
{
    if (write(-1, "mark", 4) == 0)
        _exit(1);
}

int main(int argc, char **argv)
{
    struct passwd pw, *found = NULL;
    struct timespec a, b;
    char buf[4096];
    long before, after;
    int r;

    if (argc != 4 || (strcmp(argv[1], "-") != 0 && __nss_configure_lookup("passwd", argv[1])))
        return 2;
    memset(buf, 0, sizeof(buf));
    (void)private_kib(); // its own pages, first
    before = private_kib();
    clock_gettime(CLOCK_MONOTONIC, &a);
    mark();
    r = getpwnam_r(argv[2], &pw, buf, sizeof(buf), &found);
    mark();
    clock_gettime(CLOCK_MONOTONIC, &b);
    after = private_kib();
    if (before < 0 || after < 0)
        return 1;
    // Of the module that never answers, "nobody" is the right answer.
    if (strcmp(argv[1], "nothing") == 0
            ? !!found
            : r != 0 || !found || found->pw_uid != strtoul(argv[3], NULL, 10)) {
        fprintf(stderr, "lookups_first: wrong answer\n");
        return 1;
    }
    printf("%.1f %ld\n",
           (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3,
           after - before);
    return 0;
}
