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

const json_t *pointer_get(const struct pointer *p, const json_t *document)
{
    for (size_t i = 0; i < p->n; i++) {
        uint64_t at;
        const char *t = p->token[i];
        if (json_is_object(document))
            document = json_object_get(document, t);
        else if (json_is_array(document) && (strcmp(t, "0") == 0 || *t != '0') &&
                 rollcall_parse_u64(t, 0, SIZE_MAX, &at) == 0)
            document = json_array_get(document, at);
        else
            return NULL;
    }
    return json_is_null(document) ? NULL : document;
}
