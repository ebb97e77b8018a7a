// SPDX-License-Identifier: BSD-2-Clause
// A configuration in a scratch folder: what is written is loaded, and what is said of it looked
// for.
#ifndef ROLLCALL_TESTS_CONFIG_FIXTURE_H
#define ROLLCALL_TESTS_CONFIG_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rollcall/config.h"

#define MAIN "./rollcall.conf"

// Of the last load().
extern struct rollcall_config *config;
extern struct rollcall_findings findings;

int fixture_enter(void **state);
int fixture_leave(void **state);

void put(const char *path, const char *text);

// NULL: what is there.
int load(const char *text);

// It is an error at this line, in these words; and there is no configuration.
void refused(const char *text, int line, const char *words);

// The same at whatever line.
void refused_for(const char *text, const char *words);

bool warned(const char *words);

// It is taken, without a word.
void taken(const char *text);

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_enter, fixture_leave)

#endif
