// SPDX-License-Identifier: BSD-2-Clause
// What may be a name, an id, a shell, a home. The gate at ingest; the reader has
// the same compiled-in limits, so that a file written by somebody else cannot pass
// them either. Pure, libc only.
#ifndef ROLLCALL_ACCOUNT_H
#define ROLLCALL_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Compiled-in limits of ids, whatever configuration or file says: never system ids
// (below 1000), systemd's dynamic ids (61184-65519), nobody and -1 in 16 bits
// (65534, 65535), container ids (524288-1879048191), nor anything from 2^31-1 on
// (systemd's UIDS-GIDS.md).
bool rollcall_id_in_compiled_limits(uint32_t id);
#define ROLLCALL_ID_DEFAULT_MIN 1879048192u
#define ROLLCALL_ID_DEFAULT_MAX 2147483646u

enum rollcall_name_fault {
    ROLLCALL_NAME_OK = 0,
    ROLLCALL_NAME_EMPTY,
    ROLLCALL_NAME_TOO_LONG,     // more than ROLLCALL_NAME_MAX bytes
    ROLLCALL_NAME_NOT_PORTABLE, // not [a-z_][a-z0-9_.-]*, or ends in '-' or '.'
    ROLLCALL_NAME_DIGITS_ONLY,
    ROLLCALL_NAME_RESERVED, // root, sudo, nobody, systemd-*, rollcall*, ...
};
// Lower case only: an upper-case userName is refused with what would be right.
enum rollcall_name_fault rollcall_name_check(const char *name, size_t len);
const char *rollcall_name_fault_sentence(enum rollcall_name_fault fault);
bool rollcall_name_reserved(const char *name, size_t len);
const char *rollcall_name_reserved_nth(size_t n); // of the whole names; NULL behind the last
// Every lookup of everybody asks that, and nearly every answer is no. Here it is two loads:
// which lengths and which second letters are reserved behind a first letter, a bit each, of
// the low five bits of each. False is an answer, true is none. Two bytes or more.
struct rollcall_name_shape {
    uint32_t lengths, seconds;
};
extern const struct rollcall_name_shape rollcall_name_shapes[32];
static inline bool rollcall_name_maybe_reserved(const char *name, size_t len)
{
    const struct rollcall_name_shape *s = &rollcall_name_shapes[name[0] & 31];

    return (s->lengths >> (len & 31)) & (s->seconds >> (name[1] & 31)) & 1;
}

// gecos: control characters, ':' and ',' beyond the first field, invalid UTF-8 are
// replaced by a space, cut at 255 bytes on a character boundary. Returns the length.
size_t rollcall_gecos_clean(const char *text, char *buf, size_t buf_len);
// Absolute, no "..", no control character, no ':', at most 255 bytes.
bool rollcall_path_acceptable(const char *path);
// "attested" or "vouched" before a hardware key: whoever keeps the directory says that it is
// one. `ret_skip` the bytes before the key itself.
enum rollcall_key_mark {
    ROLLCALL_KEY_MARK_NONE = 0,
    ROLLCALL_KEY_MARK_ATTESTED = 1,
    ROLLCALL_KEY_MARK_VOUCHED = 2,
};
enum rollcall_key_mark rollcall_ssh_key_mark(const char *line, size_t len, size_t *ret_skip);
// One line "[mark] type base64 [comment]" of a known key type, no options, no control
// character, at most 16 KiB.
bool rollcall_ssh_key_acceptable(const char *line, size_t len);

#endif
