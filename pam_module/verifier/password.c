// SPDX-License-Identifier: BSD-2-Clause
// Passwords, with yescrypt by libxcrypt.
#include "pam_module/verifier/password.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define YESCRYPT "$y$"
// What a password of somebody who has none is worked on with: libxcrypt's own cost.
#define NOBODYS "$y$j9T$WkLHgXFzLsoMAUvFbbPuT1"

// ---- which may be taken ----

static bool contains(const char *text, const char *word)
{
    return strlen(word) >= 3 && strcasestr(text, word);
}

// A name is easy to try, with four letters around it too.
static bool is_mostly(const char *password, const char *word)
{
    return contains(password, word) && strlen(password) <= strlen(word) + 4;
}

static bool of_few_letters(const char *password)
{
    char seen[3] = "";
    size_t n = 0;

    for (const char *p = password; *p; p++)
        if (!strchr(seen, *p)) {
            if (n == sizeof(seen) - 1)
                return false;
            seen[n++] = *p;
        }
    return true;
}

// "Alice Example": neither word.
static bool is_of_name(const char *password, const char *name)
{
    char word[65];

    for (const char *p = name; *p;) {
        size_t n = strcspn(p, " "), take = n < sizeof(word) ? n : sizeof(word) - 1;
        memcpy(word, p, take);
        word[take] = 0;
        if (is_mostly(password, word))
            return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

static bool well_known(const char *password)
{
    // What of the most used ones is long enough to get here.
    static const char *const words[] = {
        "password", "passw0rd", "p@ssw0rd", "p@ssword",  "12345678",      "123456789", "1234567890",
        "87654321", "qwertyui", "qwertz",   "qwerty123", "1q2w3e4r",      "1qaz2wsx",  "asdfghjk",
        "iloveyou", "sunshine", "princess", "football",  "baseball",      "welcome1",  "letmein",
        "trustno1", "superman", "michael",  "computer",  "administrator", "changeme",  "default1",
        "passwort", "kennwort", "geheim",   "rollcall"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (is_mostly(password, words[i]))
            return true;
    return false;
}

static size_t characters(const struct rollcall_secret *typed)
{
    size_t n = 0;

    for (size_t i = 0; i < typed->len; i++)
        n += ((unsigned char)typed->bytes[i] & 0xc0) != 0x80; // of UTF-8
    return n;
}

const char *password_objection(const struct rollcall_secret *typed,
                               const struct password_owner *owner)
{
    const char *p = typed->bytes;

    for (size_t i = 0; i < typed->len; i++)
        if (iscntrl((unsigned char)p[i]))
            return "It holds a character that no keyboard shows.";
    if (characters(typed) < PASSWORD_MIN)
        return "It is too short: 8 characters or more.";
    if (typed->len > PASSWORD_MAX)
        return "It is too long.";
    if (of_few_letters(p))
        return "It is one or two letters over and over.";
    if (is_mostly(p, owner->user) || is_of_name(p, owner->display_name) ||
        is_mostly(p, owner->host))
        return "It is little more than a name.";
    if (well_known(p))
        return "It is among the first that anybody would try.";
    return NULL;
}

// ---- hashing ----

struct work {
    void *data;
    int size;
};

static void work_erase(struct work *w)
{
    if (w->data)
        explicit_bzero(w->data, (size_t)w->size);
    free(w->data);
}

int password_make(const struct rollcall_secret *typed, enum password_kind kind, int64_t now,
                  struct password_factor *ret)
{
    __attribute__((cleanup(work_erase))) struct work w = {0};
    struct password_factor p = {.set_at = now, .kind = (uint8_t)kind};
    char *setting = crypt_gensalt_ra(YESCRYPT, 0, NULL, 0);
    const char *hash = setting ? crypt_ra(typed->bytes, setting, &w.data, &w.size) : NULL;
    int n = hash && *hash == '$' ? snprintf(p.hash, sizeof(p.hash), "%s", hash) : -1;

    free(setting);
    if (n < 0 || n >= (int)sizeof(p.hash))
        return -EIO;
    *ret = p;
    return 0;
}

bool password_fits(const struct password_factor *p, const struct rollcall_secret *typed)
{
    __attribute__((cleanup(work_erase))) struct work w = {0};
    bool has = p->kind != PASSWORD_NONE && p->hash[0] == '$';
    const char *hash = crypt_ra(typed->bytes, has ? p->hash : NOBODYS, &w.data, &w.size);

    return hash && *hash == '$' &&
           rollcall_equal_ct(hash, strlen(hash), p->hash, strlen(p->hash)) && has;
}

bool password_aged(const struct password_factor *p, uint64_t age, int64_t now)
{
    return p->kind != PASSWORD_NONE && age > 0 && now > p->set_at &&
           (uint64_t)(now - p->set_at) > age;
}
