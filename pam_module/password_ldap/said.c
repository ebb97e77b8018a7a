// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/password_ldap/said.h"

#include <ctype.h>
#include <errno.h>
#include <ldap.h>
#include <string.h>

// ---- Active Directory ----

unsigned said_sub_code(const char *text)
{
    const char *at = text ? strstr(text, ", data ") : NULL;
    unsigned code = 0;
    int n = 0;

    if (!at || !strstr(text, "LdapErr"))
        return 0;
    for (at += strlen(", data "); isxdigit((unsigned char)*at) && n < 5; at++, n++) {
        unsigned char c = (unsigned char)*at;
        code = code * 16 + (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    // A number that is cut or goes on is not what we know.
    return n > 0 && n < 5 && (*at == ',' || *at == 0) ? code : 0;
}

// Which of them come with a right password alone is what Microsoft's servers do, not what
// they promise: so a hint, and never a yes.
static enum rollcall_check_status of_sub_code(unsigned code)
{
    switch (code) {
    case 0x530: // not at this hour
    case 0x531: // not from this machine
        return ROLLCALL_CHECK_NOT_HERE;
    case 0x532: // expired
    case 0x773: // to be changed first; a bind cannot
        return ROLLCALL_CHECK_EXPIRED;
    case 0x533: // disabled
    case 0x701: // the account's time is over
        return ROLLCALL_CHECK_DISABLED;
    case 0x775: // with a wrong password too
        return ROLLCALL_CHECK_BLOCKED;
    default: // 0x525, 0x52e, and what we do not know
        return ROLLCALL_CHECK_WRONG;
    }
}

// ---- result codes ----

// The server, or the way to it, is at fault: another one, or none, can be asked.
static bool unreachable(int code)
{
    return code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR || code == LDAP_TIMEOUT ||
           code == LDAP_BUSY || code == LDAP_UNAVAILABLE;
}

static enum rollcall_check_status of_refused_bind(const struct said *s)
{
    if (unreachable(s->code))
        return ROLLCALL_CHECK_UNREACHABLE;
    if (s->code != LDAP_INVALID_CREDENTIALS && s->code != LDAP_NO_SUCH_OBJECT &&
        s->code != LDAP_INAPPROPRIATE_AUTH) // an entry without a password
        return ROLLCALL_CHECK_FAILED;
    if (s->policy && s->error == POLICY_LOCKED)
        return ROLLCALL_CHECK_BLOCKED;
    if (s->policy && s->error == POLICY_EXPIRED) // said after the password was looked at
        return ROLLCALL_CHECK_EXPIRED;
    return of_sub_code(said_sub_code(s->text));
}

void said_of_bind(const struct said *s, struct rollcall_check_answer *ret)
{
    *ret = (struct rollcall_check_answer){.expires_in = -1, .grace = -1};
    if (s->code != LDAP_SUCCESS) {
        ret->status = of_refused_bind(s);
        return;
    }
    ret->status = s->policy && s->error == POLICY_CHANGE_AFTER_RESET ? ROLLCALL_CHECK_MUST_CHANGE
                                                                     : ROLLCALL_CHECK_TAKEN;
    if (s->policy && s->expires_in >= 0)
        ret->expires_in = s->expires_in;
    if (s->policy && s->grace >= 0 && s->grace <= INT16_MAX)
        ret->grace = s->grace;
}

void said_of_change(const struct said *s, struct rollcall_check_answer *ret)
{
    *ret = (struct rollcall_check_answer){.expires_in = -1, .grace = -1};
    if (s->code == LDAP_SUCCESS)
        ret->status = ROLLCALL_CHECK_TAKEN;
    else if (unreachable(s->code))
        ret->status = ROLLCALL_CHECK_UNREACHABLE;
    else if (s->policy && (s->error == POLICY_NO_CHANGE || s->error == POLICY_TOO_YOUNG))
        ret->status = ROLLCALL_CHECK_NO_CHANGE;
    // Too short, too simple, used before: one code for all of them. Some servers of Active
    // Directory say it with another code and this number before their words.
    else if (s->code == LDAP_CONSTRAINT_VIOLATION ||
             (s->text && strncmp(s->text, "0000052D", 8) == 0))
        ret->status = ROLLCALL_CHECK_REJECTED;
    else if (s->code == LDAP_INSUFFICIENT_ACCESS || s->code == LDAP_UNWILLING_TO_PERFORM)
        ret->status = ROLLCALL_CHECK_NO_CHANGE;
    else
        ret->status = ROLLCALL_CHECK_FAILED;
}

// ---- UTF-16LE ----

// One character of strict UTF-8: none longer than needed, no surrogate. Its length, or 0.
static size_t character(const unsigned char *p, size_t left, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = *p < 0x80             ? 1
               : (*p & 0xe0) == 0xc0 ? 2
               : (*p & 0xf0) == 0xe0 ? 3
               : (*p & 0xf8) == 0xf0 ? 4
                                     : 0;
    uint32_t c;

    if (n == 0 || n > left)
        return 0;
    c = n == 1 ? *p : *p & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *ret = c;
    return n;
}

struct units {
    unsigned char *at;
    size_t len, size;
};

static int put_unit(struct units *u, uint32_t unit)
{
    if (u->size - u->len < 2)
        return -EMSGSIZE;
    u->at[u->len++] = (unsigned char)(unit & 0xff);
    u->at[u->len++] = (unsigned char)(unit >> 8);
    return 0;
}

int said_unicode_password(const struct rollcall_secret *password, unsigned char *ret, size_t size,
                          size_t *ret_len)
{
    struct units u = {.at = ret, .size = size};
    int r = put_unit(&u, '"');

    for (size_t i = 0; r == 0 && i < password->len;) {
        uint32_t c = 0;
        size_t n = character((const unsigned char *)password->bytes + i, password->len - i, &c);
        if (n == 0)
            return -EILSEQ;
        i += n;
        if (c < 0x10000) {
            r = put_unit(&u, c);
            continue;
        }
        c -= 0x10000;
        r = put_unit(&u, 0xd800 | c >> 10);
        if (r == 0)
            r = put_unit(&u, 0xdc00 | (c & 0x3ff));
    }
    if (r == 0)
        r = put_unit(&u, '"');
    if (r == 0)
        *ret_len = u.len;
    return r;
}
