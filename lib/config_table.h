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
    // [source] alone: the types that it belongs to, "json|scim"; NULL: all of them.
    const char *types;
};

struct section_definition {
    const char *kind;
    bool named;
    const char *sentence;
};

extern const struct section_definition config_sections[];
extern const size_t config_n_sections;

struct option_table {
    const struct option_definition *option;
    size_t n;
};
extern const struct option_table config_table_source, config_table_web, config_table_other;

// One after the other, of all tables; NULL behind the last.
const struct option_definition *config_option(size_t i);
const struct option_definition *config_option_find(const char *section, const char *name);
// Whether this option of [source] belongs to sources of this type.
bool config_option_of_type(const struct option_definition *option, const char *type);
// Index of the `len` bytes at `word` in "a|b|c", or -1.
int config_word_index(const char *words, const char *word, size_t len);

// Sources over an API.
#define API "graph|okta|json|scim|pingone"
// A row of [source]; `of`: the types.
#define SOURCE(of, name, type, member, words, text, min, max, standard, sentence)                  \
    {                                                                                              \
        "source", name, type, offsetof(struct rollcall_source_config, member), words, text, min,   \
            max, standard, sentence, of                                                            \
    }

#endif
