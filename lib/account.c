// SPDX-License-Identifier: BSD-2-Clause
// What may be a name, an id, a shell, a home, a key.
#include "rollcall/account.h"

#include <string.h>

#include "rollcall/cache.h"
#include "rollcall/utf8.h"

bool rollcall_id_in_compiled_limits(uint32_t id)
{
    if (id < 1000 || id > 2147483646u)
        return false;
    if (id >= 61184 && id <= 65535)
        return false;
    return id < 524288 || id >= 1879048192u;
}

// Users and groups of base systems and of services that distributions ship: whoever
// gets one of these names gets more than an account. Sorted; an array of arrays, so that the
// loader of a module has no pointer to fill in.
static const char reserved[][13] = {
    "_apt",     "adm",     "admin",   "audio",   "avahi",     "backup",  "bin",
    "cdrom",    "chrony",  "colord",  "crontab", "daemon",    "dbus",    "dialout",
    "dip",      "disk",    "dnsmasq", "docker",  "fax",       "floppy",  "ftp",
    "games",    "gdm",     "geoclue", "gnats",   "halt",      "http",    "incus",
    "input",    "irc",     "kmem",    "kvm",     "landscape", "libvirt", "libvirt-qemu",
    "list",     "lp",      "lpadmin", "lxd",     "mail",      "man",     "messagebus",
    "mysql",    "named",   "netdev",  "news",    "nobody",    "nogroup", "ntp",
    "operator", "plugdev", "polkitd", "postfix", "postgres",  "proxy",   "pulse",
    "render",   "root",    "rpc",     "rtkit",   "sasl",      "sgx",     "shadow",
    "shutdown", "src",     "ssh",     "sshd",    "ssl-cert",  "staff",   "sudo",
    "sync",     "sys",     "syslog",  "tape",    "toor",      "tss",     "tty",
    "users",    "utmp",    "uucp",    "uuidd",   "video",     "voice",   "wheel",
    "www-data",
};

const char *rollcall_name_reserved_nth(size_t n)
{
    return n < sizeof(reserved) / sizeof(reserved[0]) ? reserved[n] : NULL;
}

const struct rollcall_name_shape rollcall_name_shapes[32] = {
    {0x00000000, 0x00000000}, {0x00000028, 0x00600010}, {0x00000048, 0x00000202},
    {0x000000e0, 0x00048110}, {0x000000d8, 0x0000c206}, {0x00000000, 0x00000000},
    {0x00000048, 0x00101002}, {0x000000a8, 0x00004032}, {0x00000010, 0x00100002},
    {0x00000028, 0x00044000}, {0x00000000, 0x00000000}, {0x00000018, 0x00402000},
    {0x0000129c, 0x01010202}, {0x00000438, 0x02000022}, {0x000000f8, 0x00108022},
    {0x00000100, 0x00010000}, {0x000001a0, 0x00249000}, {0x00000000, 0x00000000},
    {0xffffff79, 0x00118020}, {0xfffffff9, 0x023c0182}, {0x00000018, 0x00188002},
    {0x00000030, 0x00380000}, {0x00000020, 0x00008200}, {0x00000120, 0x00800100},
    {0x00000000, 0x00000000}, {0x00000000, 0x00000000}, {0x00000000, 0x00000000},
    {0x00000000, 0x00000000}, {0x00000000, 0x00000000}, {0x00000000, 0x00000000},
    {0x00000000, 0x00000000}, {0xffffffff, 0xffffffff},
};

static inline bool reserved_prefix(const char *name, size_t len)
{
    return (len >= 1 && name[0] == '_') || (len >= 4 && memcmp(name, "sssd", 4) == 0) ||
           (len >= 8 && (memcmp(name, "systemd-", 8) == 0 || memcmp(name, "rollcall", 8) == 0));
}

static bool reserved_whole(const char *name, size_t len)
{
    for (size_t lo = 0, hi = sizeof(reserved) / sizeof(reserved[0]); lo < hi;) {
        size_t mid = lo + (hi - lo) / 2, n = strlen(reserved[mid]);
        int c = memcmp(name, reserved[mid], len < n ? len : n);
        if (c == 0 && len == n)
            return true;
        if (c < 0 || (c == 0 && len < n))
            hi = mid;
        else
            lo = mid + 1;
    }
    return false;
}

bool rollcall_name_reserved(const char *name, size_t len)
{
    if (len > 1 && !rollcall_name_maybe_reserved(name, len))
        return false;
    return reserved_prefix(name, len) || reserved_whole(name, len);
}

enum rollcall_name_fault rollcall_name_check(const char *name, size_t len)
{
    bool digits = true;

    if (len == 0)
        return ROLLCALL_NAME_EMPTY;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '_' && (i == 0 || (c != '-' && c != '.')))
            return ROLLCALL_NAME_NOT_PORTABLE;
        digits = digits && digit;
    }
    if (digits)
        return ROLLCALL_NAME_DIGITS_ONLY;
    if ((name[0] >= '0' && name[0] <= '9') || name[len - 1] == '-' || name[len - 1] == '.')
        return ROLLCALL_NAME_NOT_PORTABLE;
    if (len > ROLLCALL_NAME_MAX)
        return ROLLCALL_NAME_TOO_LONG;
    return rollcall_name_reserved(name, len) ? ROLLCALL_NAME_RESERVED : ROLLCALL_NAME_OK;
}

const char *rollcall_name_fault_sentence(enum rollcall_name_fault fault)
{
    switch (fault) {
    case ROLLCALL_NAME_OK:
        return "the name is fine";
    case ROLLCALL_NAME_EMPTY:
        return "the name is empty";
    case ROLLCALL_NAME_TOO_LONG:
        return "the name is longer than 32 bytes";
    case ROLLCALL_NAME_NOT_PORTABLE:
        return "the name is not portable: lower case letters, digits, '_', '-' and '.', a letter "
               "first, no '-' or '.' last";
    case ROLLCALL_NAME_DIGITS_ONLY:
        return "the name has digits only and would be taken for a uid";
    case ROLLCALL_NAME_RESERVED:
        return "the name is reserved for the system or a service";
    }
    return "the name is refused";
}

size_t rollcall_gecos_clean(const char *text, char *buf, size_t buf_len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = 0, max = buf_len ? buf_len - 1 : 0;

    if (max > 255)
        max = 255;
    while (*p) {
        size_t len = rollcall_utf8_len((const char *)p);
        // C1 controls (U+0080..U+009F) steer terminals too.
        bool bad = len == 0 || *p < ' ' || *p == 0x7f || *p == ':' || *p == ',' ||
                   (p[0] == 0xc2 && p[1] < 0xa0);
        if (bad) {
            if (n + 1 > max)
                break;
            buf[n++] = ' ';
            p += len ? len : 1;
            continue;
        }
        if (n + len > max)
            break;
        memcpy(buf + n, p, len);
        n += len;
        p += len;
    }
    if (buf_len)
        buf[n] = 0;
    return n;
}

bool rollcall_path_acceptable(const char *path)
{
    size_t n = strnlen(path, 256);

    if (path[0] != '/' || n > 255 || strstr(path, "/../") || strstr(path, "//"))
        return false;
    if (n >= 3 && strcmp(path + n - 3, "/..") == 0)
        return false;
    for (const unsigned char *p = (const unsigned char *)path; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == ':')
            return false;
    return true;
}

enum rollcall_key_mark rollcall_ssh_key_mark(const char *line, size_t len, size_t *ret_skip)
{
    static const char *const words[] = {
        [ROLLCALL_KEY_MARK_ATTESTED] = "attested ", [ROLLCALL_KEY_MARK_VOUCHED] = "vouched "};

    for (int m = ROLLCALL_KEY_MARK_ATTESTED; m <= ROLLCALL_KEY_MARK_VOUCHED; m++) {
        size_t n = strlen(words[m]);
        // A mark says that a key cannot be copied: no key but a hardware key has one.
        if (len > n + 3 && memcmp(line, words[m], n) == 0 && memcmp(line + n, "sk-", 3) == 0) {
            *ret_skip = n;
            return (enum rollcall_key_mark)m;
        }
    }
    *ret_skip = 0;
    return ROLLCALL_KEY_MARK_NONE;
}

bool rollcall_ssh_key_acceptable(const char *line, size_t len)
{
    static const char *const types[] = {"ssh-ed25519 ",
                                        "ssh-rsa ",
                                        "ecdsa-sha2-nistp256 ",
                                        "ecdsa-sha2-nistp384 ",
                                        "ecdsa-sha2-nistp521 ",
                                        "sk-ssh-ed25519@openssh.com ",
                                        "sk-ecdsa-sha2-nistp256@openssh.com "};
    size_t at = 0, blob = 0, mark;

    if (len > 16384)
        return false;
    rollcall_ssh_key_mark(line, len, &mark);
    line += mark;
    len -= mark;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (len > strlen(types[i]) && memcmp(line, types[i], strlen(types[i])) == 0)
            at = strlen(types[i]);
    if (!at)
        return false; // options first would be a way around: no options
    for (; at < len && line[at] != ' '; at++, blob++) {
        char c = line[at];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '+' || c == '/' || c == '='))
            return false;
    }
    return blob >= 32;
}
