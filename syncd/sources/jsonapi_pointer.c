// SPDX-License-Identifier: BSD-2-Clause
// JSON pointers (RFC 6901).
#include "syncd/sources/jsonapi_pointer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/parse.h"

// One token from `from`, up to the next slash, into `to`. The bytes written, or -1.
static int unescape(const char *from, size_t len, char *to)
{
    int n = 0;

    for (size_t i = 0; i < len; i++) {
        if (from[i] != '~') {
            to[n++] = from[i];
            continue;
        }
        if (++i == len || (from[i] != '0' && from[i] != '1'))
            return -1;
        to[n++] = from[i] == '0' ? '~' : '/';
    }
    to[n] = 0;
    return n;
}

int pointer_parse(const char *text, struct pointer *ret)
{
    struct pointer p = {.text = strdup(text)};
    char *room = malloc(strlen(text) + 2);

    if (!p.text || !room) {
        free(p.text);
        free(room);
        return -ENOMEM;
    }
    p.token[0] = room;
    while (*text == '/' && p.n < POINTER_TOKENS_MAX) {
        size_t len = strcspn(++text, "/");
        int n = unescape(text, len, room);
        if (n < 0)
            break;
        p.len[p.n] = (size_t)n;
        p.token[p.n++] = room;
        room += n + 1;
        text += len;
    }
    if (*text || strlen(p.text) > POINTER_MAX) {
        pointer_done(&p);
        return -EINVAL;
    }
    *ret = p;
    return 0;
}

void pointer_done(struct pointer *p)
{
    free(p->text);
    free(p->token[0]);
    *p = (struct pointer){0};
}

static const struct value *element(const struct value *list, const char *token)
{
    uint64_t at;

    if ((*token == '0' && token[1]) || rollcall_parse_u64(token, 0, SIZE_MAX, &at) < 0)
        return NULL;
    return value_at(list, at);
}

const struct value *pointer_get(const struct pointer *p, const struct value *document)
{
    for (size_t i = 0; document && i < p->n; i++)
        document = document->kind == VALUE_OBJECT ? value_getn(document, p->token[i], p->len[i])
                                                  : element(document, p->token[i]);
    return value_is(document, VALUE_NULL) ? NULL : document;
}
