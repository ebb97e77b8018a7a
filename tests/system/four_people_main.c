// SPDX-License-Identifier: BSD-2-Clause
// four_people BOARD PRIVATE: writes the small cache of the unit tests, as of now, for
// system tests of what works when syncd is dead.
#include <stdio.h>
#include <time.h>

#include "tests/unit/four_people.h"

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: four_people BOARD PRIVATE\n", stderr);
        return 2;
    }
    return four_people_write(argv[1], argv[2], (int64_t)time(NULL)) < 0 ? 1 : 0;
}
