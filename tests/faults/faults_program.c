// SPDX-License-Identifier: BSD-2-Clause
// Arms a whole program by its environment, and reports.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/faults.h"

static void report(void)
{
    int fired;
    long count = faults_disarm(&fired);

    dprintf(3, "%ld %d\n", count, fired);
}

__attribute__((constructor)) static void begin(void)
{
    const char *how = getenv("FAULTS");
    char name[FAULTS_NAME_MAX], *end;
    size_t len;
    long nth;

    if (!how || fcntl(3, F_GETFD) < 0)
        return;
    len = strcspn(how, ":");
    if (len >= sizeof(name) || how[len] != ':')
        _exit(99);
    memcpy(name, how, len);
    name[len] = 0;
    nth = strtol(how + len + 1, &end, 10);
    if (*end != ':' || atexit(report) != 0)
        _exit(99);
    faults_arm(name, nth, (enum faults_mode)strtol(end + 1, &end, 10));
    if (nth == 0)
        faults_name_calls();
    if (*end == 'h')
        faults_wait_for_hello();
}
