// SPDX-License-Identifier: BSD-2-Clause
// A source's section as JSON, for the source pipe. A file of its own: who reads a configuration
// and starts no source has no need of a JSON library.
#include <string.h>

#include "lib/config_parse.h"
#include "lib/config_table.h"

static json_t *list_json(const struct rollcall_list *list)
{
    json_t *a = list->n > 0 ? json_array() : NULL;

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(a, json_string(list->item[i]));
    return a;
}

static json_t *word_json(const char *words, int index)
{
    for (; index > 0 && *words; index--)
        words += strcspn(words, "|") + 1;
    return json_stringn(words, strcspn(words, "|"));
}

static json_t *words_json(const char *words, unsigned bits)
{
    json_t *a = json_array();

    for (int i = 0; bits; i++, bits >>= 1)
        if (bits & 1)
            json_array_append_new(a, word_json(words, i));
    return a;
}

// New reference; NULL where it is not set.
static json_t *value_json(const struct option_definition *d, const void *at)
{
    uint64_t n;

    switch (d->type) {
    case OPTION_WORD:
        if (!d->words_text)
            return word_json(d->words, *(const int *)at);
        return json_string(*(char *const *)at);
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_TIMEZONE:
        return json_string(*(char *const *)at);
    case OPTION_WORDS:
        return words_json(d->words, *(const unsigned *)at);
    case OPTION_LIST:
        return list_json(at);
    case OPTION_DURATION: // 0: not set
    case OPTION_COUNT:
        n = *(const uint64_t *)at;
        return n || d->type == OPTION_COUNT ? json_integer((json_int_t)n) : NULL;
    case OPTION_PERCENT:
        return json_integer(*(const uint32_t *)at);
    case OPTION_BOOL:
        return json_boolean(*(const bool *)at);
    default:
        return NULL;
    }
}

static bool is_file(const char *option)
{
    for (int i = 0; i < ROLLCALL_SOURCE_FILES; i++)
        if (strcmp(option, rollcall_source_file_option(i)) == 0)
            return true;
    return false;
}

static json_t *files_json(const struct rollcall_source_config *s)
{
    json_t *files = json_object();

    for (int i = 0; i < ROLLCALL_SOURCE_FILES; i++)
        if (s->file[i])
            json_object_set_new(files, rollcall_source_file_option(i),
                                json_integer(ROLLCALL_SOURCE_FILES_FD + i));
    return files;
}

json_t *rollcall_config_source_json(const struct rollcall_source_config *s)
{
    const char *section = s->sink ? "sink" : "source";
    bool exec = strcmp(s->type, "exec") == 0;
    const struct option_definition *d;
    json_t *o = json_object();

    json_object_set_new(o, "name", json_string(s->name));
    for (size_t i = 0; (d = config_option(i)); i++) {
        json_t *v;
        if (strcmp(d->section, section) != 0 || !config_option_of_type(d, s->type) ||
            is_file(d->name))
            continue;
        if (exec && strcmp(d->name, "user") == 0) // of the launcher, not a name to sign in with
            continue;
        v = value_json(d, (const char *)s + d->offset);
        if (v)
            json_object_set_new(o, d->name, v);
    }
    json_object_set_new(o, "files", files_json(s));
    return o;
}

json_t *rollcall_config_request(const struct rollcall_config *config,
                                const struct rollcall_source_config *source, const char *cursor,
                                bool once)
{
    return json_pack("{s:o, s:b, s:s, s:s*}", "section", rollcall_config_source_json(source),
                     "once", once, "timezone", config->timezone, "cursor", cursor);
}
