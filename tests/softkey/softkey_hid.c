// SPDX-License-Identifier: BSD-2-Clause
// CTAPHID: frames of 64 bytes, one channel, keepalives while a touch is waited for.
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/softkey/softkey.h"

#define FRAME     64
#define INIT      0x06
#define CBOR      0x10
#define CANCEL    0x11
#define KEEPALIVE 0x3b

struct channel {
    struct softkey *key;
    uint8_t in[SOFTKEY_MESSAGE + FRAME], out[2 * SOFTKEY_MESSAGE];
    size_t want, got, out_len, out_at;
    uint32_t cid;
    uint8_t command;
    bool pending; // a command waits for a touch
    bool cancelled;
};

static struct softkey *(*find_key)(const char *path);

void softkey_plug(struct softkey *(*find)(const char *path))
{
    find_key = find;
}

static void queue(struct channel *c, uint8_t command, const uint8_t *p, size_t n)
{
    uint8_t seq = 0;
    bool first = true;

    while (first || n > 0) {
        uint8_t *f = c->out + c->out_len;
        size_t head = first ? 7 : 5, take = n < FRAME - head ? n : FRAME - head;
        memset(f, 0, FRAME);
        memcpy(f, &c->cid, 4);
        if (first) {
            f[4] = command | 0x80;
            f[5] = (uint8_t)(n >> 8);
            f[6] = (uint8_t)n;
        } else {
            f[4] = seq++;
        }
        memcpy(f + head, p, take);
        p += take;
        n -= take;
        c->out_len += FRAME;
        first = false;
    }
}

static void run(struct channel *c)
{
    uint8_t answer[SOFTKEY_MESSAGE];
    size_t n;

    if (c->command == INIT) {
        uint8_t r[17] = {0};
        memcpy(r, c->in, 8);
        memcpy(r + 8, "\1\2\3\4", 4);
        r[12] = 2;
        r[16] = 0x04 | 0x08; // CBOR, no U2F
        queue(c, INIT, r, sizeof(r));
        return;
    }
    n = softkey_command(c->key, c->in, c->got, answer);
    c->pending = n == 0;
    if (n > 0 && c->key->fault == SOFTKEY_CUT && n > c->key->cut && c->in[0] != 4)
        n = c->key->cut;
    if (n > 0)
        queue(c, CBOR, answer, n);
}

static void *open_channel(const char *path)
{
    struct channel *c = calloc(1, sizeof(*c));

    if (c)
        c->key = find_key(path);
    if (!c || !c->key || c->key->unplugged) {
        free(c);
        return NULL;
    }
    return c;
}

static void close_channel(void *handle)
{
    struct channel *c = handle;

    c->key->asked = 0;
    free(c);
}

static int write_frame(void *handle, const unsigned char *p, size_t n)
{
    struct channel *c = handle;
    size_t take;

    if (n != FRAME + 1 || c->key->unplugged)
        return -1;
    p++; // the report's number
    memcpy(&c->cid, p, 4);
    if (p[4] == (CANCEL | 0x80)) {
        c->cancelled = true;
        return (int)n;
    }
    if (p[4] & 0x80) {
        c->command = p[4] & 0x7f;
        c->want = (size_t)(p[5] << 8 | p[6]);
        c->got = c->out_len = c->out_at = 0;
        c->cancelled = c->pending = false;
        take = c->want < FRAME - 7 ? c->want : FRAME - 7;
        memcpy(c->in, p + 7, take);
    } else {
        take = c->want - c->got < FRAME - 5 ? c->want - c->got : FRAME - 5;
        if (c->got + take > SOFTKEY_MESSAGE)
            return -1;
        memcpy(c->in + c->got, p + 5, take);
    }
    c->got += take;
    if (c->got == c->want)
        run(c);
    return (int)n;
}

// Nothing to say yet: keepalives, until somebody touches or has enough of it.
static void wait_for_a_hand(struct channel *c)
{
    static const uint8_t needs_touch = 2, cancelled = 0x2d;

    c->out_len = c->out_at = 0;
    c->key->asked = 1;
    if (c->cancelled) {
        c->pending = false;
        queue(c, CBOR, &cancelled, 1);
    } else {
        poll(NULL, 0, 20);
        run(c);
        if (c->pending)
            queue(c, KEEPALIVE, &needs_touch, 1);
    }
    if (!c->pending)
        c->key->asked = 0;
}

static int read_frame(void *handle, unsigned char *p, size_t n, int ms)
{
    struct channel *c = handle;

    (void)ms;
    if (n < FRAME || c->key->unplugged)
        return -1;
    if (c->out_at >= c->out_len && c->pending && c->key->touch != SOFTKEY_HANGS)
        wait_for_a_hand(c);
    if (c->out_at >= c->out_len)
        return -1;
    memcpy(p, c->out + c->out_at, FRAME);
    c->out_at += FRAME;
    return FRAME;
}

fido_dev_t *softkey_device(void)
{
    static const fido_dev_io_t io = {
        .open = open_channel, .close = close_channel, .read = read_frame, .write = write_frame};
    fido_dev_t *d = fido_dev_new();

    if (d && fido_dev_set_io_functions(d, &io) != FIDO_OK)
        fido_dev_free(&d);
    return d;
}
