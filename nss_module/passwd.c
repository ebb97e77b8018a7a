// SPDX-License-Identifier: BSD-2-Clause
// passwd: getpwnam, getpwuid, enumeration.
#include <pwd.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"

static char *take_home(const struct nss_pair *p, const struct rc_account_record *a,
                       struct nss_room *room)
{
    char rule[6 + ROLLCALL_NAME_MAX];
    uint64_t off = a->pool + (a->flags & RC_ACCOUNT_GECOS_POOL ? a->gecos_len : 0u);
    const char *home;

    if (a->flags & RC_ACCOUNT_HOME_RULE) {
        memcpy(rule, "/home/", 6);
        memcpy(rule + 6, a->text, a->name_len);
        return nss_take(room, rule, 6u + a->name_len);
    }
    home = rc_pool(&p->snapshot, off, a->home_len);
    return home ? nss_take(room, home, a->home_len) : nss_take(room, "/", 1);
}

static char *take_gecos(const struct nss_pair *p, const struct rc_account_record *a,
                        struct nss_room *room)
{
    size_t at = a->name_len + 1u, len = a->gecos_len;
    const char *gecos = "";

    if (a->flags & RC_ACCOUNT_GECOS_POOL) {
        gecos = rc_pool(&p->snapshot, a->pool, len);
        if (!gecos)
            return nss_take(room, "", 0);
    } else if (at < RC_ACCOUNT_TEXT) {
        gecos = a->text + at;
        len = strnlen(gecos, RC_ACCOUNT_TEXT - at);
    } else {
        len = 0;
    }
    return nss_take(room, gecos, len);
}

// Whoever is not active has no shell here, except where mode = observe shows what is.
static inline bool shows_shell(const struct nss_pair *p, enum rollcall_state state)
{
    return state == ROLLCALL_STATE_ACTIVE || p->snapshot.head->flags & RC_FLAG_OBSERVE;
}

static char *take_shell(const struct nss_pair *p, enum rollcall_state state,
                        const struct rc_account_record *a, struct nss_room *room)
{
    const struct rc_map *m = &p->snapshot;
    const struct rc_span *shells = rc_section(m, RC_SHELLS);

    if (shows_shell(p, state) && a->shell < m->head->section[RC_SHELLS].len / sizeof(*shells)) {
        uint64_t off = __atomic_load_n(&shells[a->shell].off, __ATOMIC_RELAXED);
        uint64_t len = __atomic_load_n(&shells[a->shell].len, __ATOMIC_RELAXED);
        const char *at = rc_pool(m, off, len);
        if (at)
            return nss_take(room, at, len);
    }
    return nss_take(room, NSS_NOLOGIN, strlen(NSS_NOLOGIN));
}

// Exact: asks for more room only where a byte is missing.
static NSS_RARE __attribute__((noinline)) enum nss_status
fill_exactly(const struct nss_pair *p, enum rollcall_state state, const struct rc_account_record *a,
             struct passwd *pw, char *buf, size_t len)
{
    struct nss_room room = {buf, len};
    struct passwd r = {.pw_uid = a->uid, .pw_gid = a->gid};

    r.pw_name = nss_take(&room, a->text, a->name_len);
    r.pw_passwd = nss_take(&room, "x", 1);
    r.pw_gecos = take_gecos(p, a, &room);
    r.pw_dir = take_home(p, a, &room);
    r.pw_shell = take_shell(p, state, a, &room);
    if (!r.pw_name || !r.pw_passwd || !r.pw_gecos || !r.pw_dir || !r.pw_shell)
        return NSS_STATUS_TRYAGAIN;
    *pw = r;
    return NSS_STATUS_SUCCESS;
}

// Where the strings of an ordinary account go in a buffer of ordinary size: each in a
// place of its own, wide enough to be filled by copies of a fixed length. Name and gecos
// come with their NULs, in the record's text; what is copied behind an end is not told.
enum place { TEXT = 0, PASSWD = 40, HOME = 48, SHELL = 96, ROOMY = 128 };
_Static_assert(offsetof(struct rc_account_record, text) == 0, "the record begins with its text");

typedef uint64_t block __attribute__((vector_size(16)));

static inline block get(const char *from)
{
    block b;

    memcpy(&b, from, sizeof(b));
    return b;
}

static inline void put(char *to, block b)
{
    memcpy(to, &b, sizeof(b));
}

static inline void put_word(char *to, uint64_t w)
{
    memcpy(to, &w, sizeof(w));
}

// The last four bytes of the text, with zeros behind them: whatever the file says, the gecos
// ends there.
static inline uint64_t text_end(const struct rc_account_record *a)
{
    uint32_t last;

    memcpy(&last, a->text + 32, sizeof(last));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return last;
#else
    return (uint64_t)last << 32;
#endif
}

static inline void fill_roomily(const struct rc_account_record *a, const struct nss_shell *shell,
                                struct passwd *pw, char *buf)
{
    static const char home_rule[8] = "/home/", password[8] = "x";
    block first = get(a->text), second = get(a->text + 16);

    put(buf + TEXT, first);
    put(buf + TEXT + 16, second);
    put_word(buf + TEXT + 32, text_end(a));
    memcpy(buf + PASSWD, password, 8);
    memcpy(buf + HOME, home_rule, 8);
    put(buf + HOME + 6, first);
    put(buf + HOME + 22, second);
    put_word(buf + HOME + 38, 0);               // a name of 32 bytes ends here
    memcpy(buf + SHELL, shell, sizeof(*shell)); // zeros are behind it
    *pw = (struct passwd){.pw_name = buf + TEXT,
                          .pw_passwd = buf + PASSWD,
                          .pw_uid = a->uid,
                          .pw_gid = a->gid,
                          .pw_gecos = buf + TEXT + a->name_len + 1,
                          .pw_dir = buf + HOME,
                          .pw_shell = buf + SHELL};
}

static inline __attribute__((always_inline)) enum nss_status
fill(const struct nss_pair *p, uint32_t slot, const struct rc_account_record *a, struct passwd *pw,
     char *buf, size_t len)
{
    enum rollcall_state state = nss_state(p, slot, a->uid);
    const struct nss_shell *shell = &p->shell[a->shell < NSS_SHELLS ? a->shell : NSS_SHELLS];

    if (RC_RARELY(state != ROLLCALL_STATE_ACTIVE)) {
        if (nss_hidden(p, state))
            return NSS_STATUS_NOTFOUND;
        if (!shows_shell(p, state))
            shell = &p->nologin;
    }
    if (RC_RARELY(!buf) || RC_RARELY(len < ROOMY) || RC_RARELY(!shell->len) ||
        RC_RARELY((a->flags & (RC_ACCOUNT_GECOS_POOL | RC_ACCOUNT_HOME_RULE)) !=
                  RC_ACCOUNT_HOME_RULE))
        return fill_exactly(p, state, a, pw, buf, len);
    fill_roomily(a, shell, pw, buf);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_getpwnam_r(const char *name, struct passwd *pw, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (RC_RARELY(!p))
        return nss_absent(&g, errnop);
    if (nss_find_name(p, name, rc_fetch_word, &slot, &a))
        s = fill(p, slot, &a, pw, buf, len);
    return nss_finish(&g, s, errnop);
}

NSS_EXPORT enum nss_status _nss_rollcall_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard g;
    const struct nss_pair *p = nss_enter(&g);
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (RC_RARELY(!p))
        return nss_absent(&g, errnop);
    if (rc_find_uid(&p->snapshot, uid, &slot, &a))
        s = fill(p, slot, &a, pw, buf, len);
    return nss_finish(&g, s, errnop);
}

// Enumeration: one position per process, as glibc's contract has it, in one snapshot that
// is held until the end: a new one in the middle is for the next round. Where the host does
// not let people be enumerated there is nobody to begin with.
static _Atomic uint32_t position;
static nss_pin pinned;

NSS_EXPORT enum nss_status _nss_rollcall_setpwent(int stayopen)
{
    (void)stayopen;
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_endpwent(void)
{
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_getpwent_r(struct passwd *pw, char *buf, size_t len,
                                                    int *errnop)
{
    struct nss_guard g;
    struct nss_pair *pin = nss_pin_take(&pinned, nss_enter(&g));
    enum nss_status s = NSS_STATUS_NOTFOUND;
    uint32_t i, n;

    if (!pin)
        return nss_absent(&g, errnop);
    n = nss_enumerable(pin);
    for (i = atomic_load(&position); i < n && s == NSS_STATUS_NOTFOUND; i++) {
        uint32_t slot = ((const uint32_t *)rc_section(&pin->snapshot, RC_ORDER))[i];
        struct rc_account_record a;
        if (rc_account_at(&pin->snapshot, slot, &a))
            s = fill(pin, slot, &a, pw, buf, len);
    }
    // Too small a buffer: the same entry comes again.
    atomic_store(&position, s == NSS_STATUS_TRYAGAIN ? i - 1 : i);
    nss_pin_give(&pinned, pin);
    if (s == NSS_STATUS_NOTFOUND)
        nss_pin_drop(&pinned);
    return nss_finish(&g, s, errnop);
}
