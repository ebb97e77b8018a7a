// SPDX-License-Identifier: BSD-2-Clause
// The devices of a sandbox: each file /dev/softkey/NAME is a key that is plugged in. Takes
// hidraw.c's place when the tests link the program that talks to devices.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pam_module/security_key/device.h"
#include "tests/softkey/softkey.h"

#define FOLDER "/dev/softkey"

size_t device_list(char ret[DEVICES_MAX][DEVICE_PATH_MAX])
{
    DIR *d = opendir(FOLDER);
    const struct dirent *e;
    size_t n = 0;

    while (d && n < DEVICES_MAX && (e = readdir(d)))
        if (e->d_name[0] != '.' &&
            snprintf(ret[n], DEVICE_PATH_MAX, FOLDER "/%s", e->d_name) < DEVICE_PATH_MAX)
            n++;
    if (d)
        closedir(d);
    return n;
}

// Mapped, so that what the test writes is seen, and what the key counts is kept.
static struct softkey *find(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct softkey *k =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        close(fd);
    return k == MAP_FAILED || k->magic != SOFTKEY_MAGIC ? NULL : k;
}

fido_dev_t *device_new(void)
{
    softkey_plug(find);
    return softkey_device();
}
