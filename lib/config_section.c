// SPDX-License-Identifier: BSD-2-Clause
// A source's section by the table.
#include <stdlib.h>
#include <string.h>

#include "lib/config_parse.h"
#include "lib/config_table.h"

const char *rollcall_source_file_option(enum rollcall_source_file file)
{
    static const char *const names[] = {"password_file", "keytab",      "ca_file",   "cert_file",
                                        "key_file",      "secret_file", "credential"};

    return names[file];
}

bool rollcall_source_is_web(const struct rollcall_source_config *source)
{
    return !source->sink && config_word_index(API, source->type, strlen(source->type)) >= 0;
}

bool rollcall_config_source_option(const char *type, const char *name, struct rollcall_option *ret)
{
    const struct option_definition *d = config_option_find("source", name);

    if (!d || !config_option_of_type(d, type))
        return false;
    *ret = (struct rollcall_option){.words = d->words,
                                    .standard = d->standard,
                                    .sentence = d->sentence,
                                    .list = d->type == OPTION_LIST || d->type == OPTION_WORDS};
    return true;
}

// ---- giving back ----

static void free_value(const struct option_definition *d, void *at)
{
    struct rollcall_list *list = at;

    if (d->type == OPTION_LIST) {
        while (list->n > 0)
            free(list->item[--list->n]);
    } else if (d->type == OPTION_TEXT || d->type == OPTION_PATH || d->type == OPTION_TIMEZONE ||
               (d->type == OPTION_WORD && d->words_text)) {
        free(*(char **)at);
        *(char **)at = NULL; // two rows may share a member
    }
}

void config_source_done(struct rollcall_source_config *src)
{
    const struct option_definition *d;

    free(src->name);
    for (size_t i = 0; (d = config_option(i)); i++)
        if (strcmp(d->section, "source") == 0)
            free_value(d, (char *)src + d->offset);
}
