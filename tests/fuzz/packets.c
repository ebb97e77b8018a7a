// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/packets.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/scratch.h"

void packets_read(const uint8_t *data, size_t len, struct packets *ret)
{
    ret->n = 0;
    while (len >= 2 && ret->n < PACKETS_MAX) {
        struct rollcall_packet *p = &ret->packet[ret->n++];
        size_t n = (size_t)data[0] | (size_t)data[1] << 8, head = 0;
        data += 2;
        len -= 2;
        p->len = 0;
        if (n & 0x8000) {
            rollcall_packet_start(p, (enum rollcall_packet_type)(n & 0xff));
            head = p->len;
            n = (n >> 8) & 0x7f;
            n *= 8;
        }
        if (n > len)
            n = len;
        if (n > sizeof(p->bytes) - head)
            n = sizeof(p->bytes) - head;
        memcpy(p->bytes + head, data, n);
        p->len = head + n;
        data += n;
        len -= n;
    }
}

void packets_send(const struct packets *p, int fd)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->packet[i].len > 0)
            send(fd, p->packet[i].bytes, p->packet[i].len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static struct rollcall_packet *add(struct packets *p, enum rollcall_packet_type type)
{
    struct rollcall_packet *one = &p->packet[p->n++];

    rollcall_packet_start(one, type);
    return one;
}

static void add_answer(struct packets *p, const char *text)
{
    rollcall_packet_put_text(add(p, ROLLCALL_PACKET_ANSWER), ROLLCALL_FIELD_TEXT, text);
}

void packets_of_a_verifier(unsigned which, struct packets *ret)
{
    struct rollcall_packet *p;

    ret->n = 0;
    if (which > 5)
        return;
    add(ret, ROLLCALL_PACKET_HELLO);
    for (unsigned i = 0; i < which % 3; i++) {
        p = add(ret, ROLLCALL_PACKET_PROMPT);
        rollcall_packet_put_text(p, ROLLCALL_FIELD_TEXT, "\nCode: ");
        rollcall_packet_put_number(p, ROLLCALL_FIELD_ECHO, i);
    }
    p = add(ret, ROLLCALL_PACKET_RESULT);
    rollcall_packet_put_number(p, ROLLCALL_FIELD_CODE, which / 3);
    rollcall_packet_put_text(p, ROLLCALL_FIELD_TEXT, "Offline for 3 days.");
    rollcall_packet_put_text(p, ROLLCALL_FIELD_REFERENCE, "R-7F3K92");
}

// Every request, and what a person may type.
void packets_of_a_client(unsigned which, struct packets *ret)
{
    static const char *const types[] = {"123456",         "help", "k7qw-m9fx",
                                        "k7qw-m9fx-p3wd", "",     "saved"};
    struct rollcall_packet *p;

    ret->n = 0;
    if (which > ROLLCALL_PACKET_RESET - ROLLCALL_PACKET_LOGIN + 4)
        return;
    p = add(ret, which < 8 ? (enum rollcall_packet_type)(ROLLCALL_PACKET_LOGIN + which)
                           : ROLLCALL_PACKET_LOGIN);
    rollcall_packet_put_text(p, ROLLCALL_FIELD_USER, which == 9 ? "nobody" : "alice");
    rollcall_packet_put_text(p, ROLLCALL_FIELD_SERVICE, which == 10 ? "sudo" : "sshd");
    rollcall_packet_put_text(p, ROLLCALL_FIELD_RHOST, "203.0.113.7");
    rollcall_packet_put_text(p, ROLLCALL_FIELD_TTY, "ssh");
    rollcall_packet_put_number(p, ROLLCALL_FIELD_SESSION, 1);
    rollcall_packet_put_number(p, ROLLCALL_FIELD_UID, 1879048292);
    rollcall_packet_put_number(p, ROLLCALL_FIELD_SECONDS, 3600);
    rollcall_packet_put_number(p, ROLLCALL_FIELD_REPLACE, 1);
    rollcall_packet_put_text(p, ROLLCALL_FIELD_BY, "desk");
    for (unsigned i = 0; i < 4; i++)
        add_answer(ret, types[(which + i) % 6]);
}

void packets_seed(int argc, char **argv, void (*make)(unsigned which, struct packets *ret))
{
    static struct packets p;
    static uint8_t bytes[1 + PACKETS_MAX * (2 + ROLLCALL_PACKET_MAX)];
    const char *corpus = NULL;

    for (int i = 1; i < argc && !corpus; i++)
        if (argv[i][0] != '-')
            corpus = argv[i];
    for (unsigned which = 0; corpus; which++) {
        char path[4200];
        size_t n = 1;
        make(which, &p);
        if (p.n == 0)
            return;
        bytes[0] = (uint8_t)(which & 3);
        for (size_t i = 0; i < p.n; i++) {
            bytes[n++] = (uint8_t)p.packet[i].len;
            bytes[n++] = (uint8_t)(p.packet[i].len >> 8);
            memcpy(bytes + n, p.packet[i].bytes, p.packet[i].len);
            n += p.packet[i].len;
        }
        snprintf(path, sizeof(path), "%s/seed-%u", corpus, which);
        scratch_write(path, bytes, n);
    }
}
