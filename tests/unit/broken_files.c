// SPDX-License-Identifier: BSD-2-Clause
#define XXH_INLINE_ALL
#include "tests/unit/broken_files.h"

#include <stdint.h>
#include <xxhash.h>

#include "rollcall/cache_format.h"
#include "tests/unit/scratch.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void rewrite(const char *path, void (*change)(unsigned char *data, size_t len))
{
    size_t len;
    unsigned char *data = scratch_read(path, &len);

    change(data, len);
    scratch_write(path, data, len);
    free(data);
}

// With a check that holds: the change alone makes the difference.
static void change_word(unsigned char *data, size_t at, uint32_t value)
{
    uint64_t check;

    memcpy(data + at, &value, 4);
    if (memcmp(data, ROLLCALL_MAGIC_BOARD, 8) == 0) {
        check = XXH3_64bits(data, offsetof(struct rc_board_header, head_check));
        memcpy(data + offsetof(struct rc_board_header, head_check), &check, 8);
    } else {
        check = XXH3_64bits(data, offsetof(struct rc_header, head_check));
        memcpy(data + offsetof(struct rc_header, head_check), &check, 8);
    }
}

static void cut(const char *path, const char *other)
{
    struct stat st;

    (void)other;
    must(stat(path, &st) == 0 && truncate(path, st.st_size - 8) == 0);
}

static void cut_in_the_header(const char *path, const char *other)
{
    (void)other;
    must(truncate(path, 40) == 0);
}

static void empty(const char *path, const char *other)
{
    (void)other;
    must(truncate(path, 0) == 0);
}

static void zeros(unsigned char *data, size_t len)
{
    memset(data, 0, len);
}

static void zeroed(const char *path, const char *other)
{
    (void)other;
    rewrite(path, zeros);
}

static void swapped(const char *path, const char *other)
{
    size_t len;
    unsigned char *data = scratch_read(other, &len);

    scratch_write(path, data, len);
    free(data);
}

_Static_assert(offsetof(struct rc_header, version) == offsetof(struct rc_board_header, version),
               "a board's version is changed like the others'");

static void other_version(unsigned char *data, uint32_t more)
{
    uint32_t version;

    memcpy(&version, data + offsetof(struct rc_header, version), 4);
    change_word(data, offsetof(struct rc_header, version), version + more);
}

static void make_older(unsigned char *data, size_t len)
{
    (void)len;
    other_version(data, -1u);
}

static void older(const char *path, const char *other)
{
    (void)other;
    rewrite(path, make_older);
}

static void make_newer(unsigned char *data, size_t len)
{
    (void)len;
    other_version(data, 1);
}

static void newer(const char *path, const char *other)
{
    (void)other;
    rewrite(path, make_newer);
}

static void turn_over(unsigned char *data, size_t len)
{
    (void)len;
    change_word(data, offsetof(struct rc_header, endian), __builtin_bswap32(ROLLCALL_CACHE_ENDIAN));
}

static void foreign_endian(const char *path, const char *other)
{
    (void)other;
    rewrite(path, turn_over);
}

static void damage(unsigned char *data, size_t len)
{
    must(len > 60);
    data[60] ^= 1;
}

static void damaged(const char *path, const char *other)
{
    (void)other;
    rewrite(path, damage);
}

static void fifo(const char *path, const char *other)
{
    (void)other;
    must(remove(path) == 0 && mkfifo(path, 0600) == 0);
}

static void folder(const char *path, const char *other)
{
    (void)other;
    must(remove(path) == 0 && mkdir(path, 0755) == 0);
}

// To a good file of its own kind.
static void link_to_it(const char *path, const char *other)
{
    char away[256];

    (void)other;
    snprintf(away, sizeof(away), "%s.away", path);
    must(rename(path, away) == 0 && symlink(strrchr(away, '/') + 1, path) == 0);
}

static void foreign_owner(const char *path, const char *other)
{
    (void)other;
    must(chown(path, 12345, 12345) == 0);
}

static void writable_by_the_group(const char *path, const char *other)
{
    (void)other;
    must(chmod(path, 0664) == 0);
}

static void writable_by_all(const char *path, const char *other)
{
    (void)other;
    must(chmod(path, 0646) == 0);
}

// A hole of a terabyte behind a good header.
static void huge(const char *path, const char *other)
{
    (void)other;
    must(truncate(path, (off_t)1 << 40) == 0);
}

static void huge_and_empty(const char *path, const char *other)
{
    empty(path, other);
    huge(path, other);
}

static void absent(const char *path, const char *other)
{
    (void)other;
    must(remove(path) == 0);
}

const struct broken_file broken_files[BROKEN_FILES] = {
    {"an_absent_file_is_absent", absent, "is not there", false},
    {"a_truncated_file_is_absent", cut, "bytes and should have", false},
    {"a_file_cut_in_its_header_is_absent", cut_in_the_header, "is cut short: it has 40 bytes",
     false},
    {"an_empty_file_is_absent", empty, "is empty", false},
    {"a_zeroed_file_is_absent", zeroed, "begins with zeros", false},
    {"a_file_swapped_with_another_is_absent", swapped, "is another file of the cache", false},
    {"a_file_of_an_older_version_is_absent", older, "has version", false},
    {"a_file_of_a_newer_version_is_absent", newer, "has version", false},
    {"a_file_of_the_other_byte_order_is_absent", foreign_endian, "the other byte order", false},
    {"a_file_with_a_damaged_header_is_absent", damaged, "has a damaged header", false},
    {"a_fifo_is_absent_and_holds_nobody_up", fifo, "is a FIFO", false},
    {"a_folder_is_absent", folder, "is a folder", false},
    {"a_symbolic_link_to_a_good_file_is_absent", link_to_it, "is a symbolic link", false},
    {"a_file_of_a_foreign_owner_is_absent", foreign_owner, "belongs to uid 12345", true},
    {"a_file_that_its_group_may_write_is_absent", writable_by_the_group, "may be written by others",
     false},
    {"a_file_that_all_may_write_is_absent", writable_by_all, "may be written by others", false},
    {"a_file_of_a_terabyte_is_absent", huge, "bytes and should have", false},
    {"a_terabyte_of_zeros_is_absent", huge_and_empty, "begins with zeros", false},
};
