// SPDX-License-Identifier: BSD-2-Clause
// softkey make PATH [PIN] | set PATH MEMBER NUMBER | get PATH MEMBER: keys for system tests.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/softkey/softkey.h"

#define MEMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(struct softkey, name), sizeof(((struct softkey *)0)->name)                 \
    }

static const struct {
    const char *name;
    size_t at, len;
} members[] = {MEMBER(counter),   MEMBER(touch),           MEMBER(hand),
               MEMBER(fault),     MEMBER(attestation),     MEMBER(has_uv),
               MEMBER(pin_tries), MEMBER(pin_tries_power), MEMBER(asked)};

static int make(const char *path, const char *pin)
{
    struct softkey k;
    FILE *f;

    softkey_make(&k);
    snprintf(k.pin, sizeof(k.pin), "%s", pin);
    f = fopen(path, "wxe");
    if (!f || fwrite(&k, sizeof(k), 1, f) != 1 || fclose(f) != 0)
        return 1;
    return chmod(path, 0666) < 0; // as udev gives real ones to their group
}

static unsigned char *map(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *p = mmap(NULL, sizeof(struct softkey), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd < 0 || p == MAP_FAILED)
        exit(1);
    return p;
}

int main(int argc, char **argv)
{
    unsigned char *key;

    if (argc >= 3 && strcmp(argv[1], "make") == 0)
        return make(argv[2], argc > 3 ? argv[3] : "");
    if (argc < 4)
        return 2;
    key = map(argv[2]);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint32_t value = 0;
        if (strcmp(members[i].name, argv[3]) != 0)
            continue;
        if (strcmp(argv[1], "set") == 0 && argc == 5) {
            value = (uint32_t)strtoul(argv[4], NULL, 0); // little endian
            memcpy(key + members[i].at, &value, members[i].len);
            return 0;
        }
        memcpy(&value, key + members[i].at, members[i].len);
        printf("%u\n", value);
        return 0;
    }
    return 2;
}
