// SPDX-License-Identifier: BSD-2-Clause
// A small cache, written by the real writers: alice may come in, bob's last instant is
// `now`, carol (once carola) is in no group of this host, dave is locked by an admin. Their
// source hr spoke a minute before `now` and has a lease of an hour.
#ifndef TESTS_FOUR_PEOPLE_H
#define TESTS_FOUR_PEOPLE_H

#include <stdint.h>

int four_people_write(const char *board, const char *private_, int64_t now);

#endif
