// SPDX-License-Identifier: BSD-2-Clause
// QR codes by libqrencode, drawn with half blocks.
#include "rollcall/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

static void drop_code(QRcode **code)
{
    if (!*code)
        return;
    explicit_bzero((*code)->data, (size_t)(*code)->width * (size_t)(*code)->width);
    QRcode_free(*code);
}

static bool dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return code->data[y * code->width + x] & 1;
}

static void put(struct rollcall_qr *qr, const char *text)
{
    size_t n = strlen(text);

    memcpy(qr->text + qr->len, text, n);
    qr->len += n;
}

static void draw_row(const QRcode *code, int y, bool colour, struct rollcall_qr *qr)
{
    static const char *const blocks[] = {" ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88"};

    if (colour)
        put(qr, "\033[38;5;16;48;5;231m"); // black on white, whatever the theme calls them
    for (int x = -ROLLCALL_QR_QUIET; x < code->width + ROLLCALL_QR_QUIET; x++) {
        unsigned upper = dark(code, x, y), lower = dark(code, x, y + 1);
        unsigned ink = upper | lower << 1;
        put(qr, blocks[colour ? ink : 3 - ink]);
    }
    put(qr, colour ? "\033[0m\n" : "\n");
}

int rollcall_qr_draw(const char *text, bool colour, struct rollcall_qr *ret)
{
    __attribute__((cleanup(drop_code))) QRcode *code = NULL;
    struct rollcall_qr qr = {0};
    size_t side, room;

    errno = 0;
    code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return errno == ENOMEM ? -ENOMEM : -EINVAL;
    side = (size_t)code->width + 2 * ROLLCALL_QR_QUIET;
    room = (side * 3 + 32) * (side / 2 + 1) + 1;
    qr.text = calloc(1, room);
    if (!qr.text)
        return -ENOMEM;
    for (int y = -ROLLCALL_QR_QUIET; y < code->width + ROLLCALL_QR_QUIET; y += 2)
        draw_row(code, y, colour, &qr);
    *ret = qr;
    return 0;
}
