// SPDX-License-Identifier: BSD-2-Clause
// The picture of a link says the same modules as libqrencode's code.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <qrencode.h>

#include "rollcall/qr.h"

#define LINK "otpauth://totp/Acme:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme"

// What a cell shows: bit 0 the upper module is drawn, bit 1 the lower.
static unsigned cell(const char **p)
{
    static const char *const blocks[] = {" ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88"};

    for (unsigned i = 0; i < 4; i++)
        if (strncmp(*p, blocks[i], strlen(blocks[i])) == 0) {
            *p += strlen(blocks[i]);
            return i;
        }
    fail_msg("no block at: %.8s", *p);
    return 0;
}

static int dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1);
}

static void check_picture(bool colour)
{
    QRcode *code = QRcode_encodeString8bit(LINK, 0, QR_ECLEVEL_L);
    struct rollcall_qr qr = {0};
    const char *p;
    int y;

    assert_non_null(code);
    assert_int_equal(rollcall_qr_draw(LINK, colour, &qr), 0);
    assert_int_equal(strlen(qr.text), qr.len);
    p = qr.text;
    for (y = -ROLLCALL_QR_QUIET; *p; y += 2) {
        if (colour)
            p = strchr(p, 'm') + 1;
        for (int x = -ROLLCALL_QR_QUIET; x < code->width + ROLLCALL_QR_QUIET; x++) {
            unsigned ink = cell(&p);
            unsigned want = (unsigned)dark(code, x, y) | (unsigned)dark(code, x, y + 1) << 1;
            assert_int_equal(ink, colour ? want : 3 - want);
        }
        if (colour) {
            assert_int_equal(strncmp(p, "\033[0m", 4), 0);
            p += 4;
        }
        assert_int_equal(*p++, '\n');
    }
    assert_true(y >= code->width + ROLLCALL_QR_QUIET);
    rollcall_qr_erase(&qr);
    assert_null(qr.text);
    QRcode_free(code);
}

static void without_colour_light_modules_are_drawn(void **state)
{
    (void)state;
    check_picture(false);
}

static void with_colour_it_is_black_on_white(void **state)
{
    (void)state;
    check_picture(true);
}

static void what_no_code_can_hold_is_refused(void **state)
{
    struct rollcall_qr qr = {0};
    char *text = malloc(5001);

    (void)state;
    memset(text, 'x', 5000);
    text[5000] = 0;
    assert_true(rollcall_qr_draw(text, false, &qr) < 0);
    assert_null(qr.text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_colour_light_modules_are_drawn),
        cmocka_unit_test(with_colour_it_is_black_on_white),
        cmocka_unit_test(what_no_code_can_hold_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
