// SPDX-License-Identifier: BSD-2-Clause
// The table of options. Only lib/config*.c include it.
#ifndef ROLLCALL_CONFIG_TABLE_H
#define ROLLCALL_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_TEXT,     // char *
    OPTION_PATH,     // char *, absolute
    OPTION_TIMEZONE, // char *
    OPTION_WORD,     // int, or char * where `words_text`: one of `words`
    OPTION_WORDS,    // unsigned bits: comma list of `words`, bit i = 1 << i
    OPTION_LIST,     // struct rollcall_list
    OPTION_DURATION, // uint64_t seconds
    OPTION_COUNT,    // uint64_t
    OPTION_PERCENT,  // uint32_t hundredths
    OPTION_BOOL,     // bool
    OPTION_IDS,      // "min-max": two uint32_t
    OPTION_MEMBERS,  // "full", "limit N", "none": struct rollcall_members_config
};

struct option_definition {
    const char *section; // kind: "rollcall", "source", ...
    const char *name;
    enum option_type type;
    size_t offset;     // in the section's struct
    const char *words; // "observe|enforce"; OPTION_WORD: index, or the text itself
    bool words_text;
    uint64_t min, max;
    const char *standard; // as written, or NULL
    const char *sentence; // for rollcall.conf(5)
};

struct section_definition {
    const char *kind;
    bool named;
    const char *sentence;
};

extern const struct option_definition config_options[];
extern const size_t config_n_options;
extern const struct section_definition config_sections[];
extern const size_t config_n_sections;

#endif
