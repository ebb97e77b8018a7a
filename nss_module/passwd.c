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
    const char *gecos = a->flags & RC_ACCOUNT_GECOS_POOL
                            ? rc_pool(&p->snapshot, a->pool, a->gecos_len)
                            : a->text + a->name_len;

    return nss_take(room, gecos ? gecos : "", gecos ? a->gecos_len : 0);
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
static __attribute__((noinline)) enum nss_status
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
// place of its own, wide enough to be filled by copies of a fixed length.
enum place { NAME = 0, GECOS = 40, PASSWD = 80, HOME = 88, SHELL = 136, ROOMY = 168 };
#define TEXT_BLOCK 40 // the text, and some of the record behind it
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

static inline void put_tail(char *to, uint64_t w)
{
    memcpy(to, &w, sizeof(w));
}

// TEXT_BLOCK bytes, of which the first `len` are ones and the others zero.
static inline const char *ones_and_zeros(unsigned len)
{
    static const unsigned char ones[2 * TEXT_BLOCK] = {
        [0 ... TEXT_BLOCK - 1] = 0xff,
    };

    return (const char *)ones + TEXT_BLOCK - len;
}

// A NUL stored behind a string would be a store whose address is known late, and the
// processor waits for it; so what is behind a string is masked out before it is stored.
static inline void fill_roomily(const struct rc_account_record *a, const struct nss_shell *shell,
                                struct passwd *pw, char *buf)
{
    static const char home_rule[8] = "/home/", password[8] = "x";
    const char *text = (const char *)a, *mask = ones_and_zeros(a->name_len);
    block first = get(text), second = get(text + 16), n0 = first & get(mask),
          n1 = second & get(mask + 16);
    uint64_t third, third_mask;

    put(buf + NAME, n0);
    put(buf + NAME + 16, n1);
    put_tail(buf + NAME + 32, 0);
    memcpy(buf + PASSWD, password, 8);
    memcpy(buf + HOME, home_rule, 8);
    put(buf + HOME + 6, n0);
    put(buf + HOME + 22, n1);
    put_tail(buf + HOME + 38, 0);
    // The gecos follows the name: the same text again, and it begins behind the name.
    mask = ones_and_zeros((unsigned)a->name_len + a->gecos_len);
    memcpy(&third, text + 32, 8);
    memcpy(&third_mask, mask + 32, 8);
    put(buf + GECOS, first & get(mask));
    put(buf + GECOS + 16, second & get(mask + 16));
    put_tail(buf + GECOS + 32, third & third_mask);
    memcpy(buf + SHELL, shell, sizeof(*shell)); // zeros are behind it
    *pw = (struct passwd){.pw_name = buf + NAME,
                          .pw_passwd = buf + PASSWD,
                          .pw_uid = a->uid,
                          .pw_gid = a->gid,
                          .pw_gecos = buf + GECOS + a->name_len,
                          .pw_dir = buf + HOME,
                          .pw_shell = buf + SHELL};
}

static inline __attribute__((always_inline)) enum nss_status
fill(const struct nss_pair *p, uint32_t slot, const struct rc_account_record *a, struct passwd *pw,
     char *buf, size_t len)
{
    enum rollcall_state state = nss_state(p, slot, a->uid);
    const struct nss_shell *shell = &p->nologin;

    if (nss_hidden(p, state))
        return NSS_STATUS_NOTFOUND;
    if (shows_shell(p, state))
        shell = a->shell < NSS_SHELLS ? &p->shell[a->shell] : NULL;
    if (__builtin_expect(!buf || len < ROOMY || !shell || !shell->len ||
                             (a->flags & (RC_ACCOUNT_GECOS_POOL | RC_ACCOUNT_HOME_RULE)) !=
                                 RC_ACCOUNT_HOME_RULE,
                         0))
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

    if (!p)
        return nss_absent(&g, errnop);
    if (nss_find_name(p, name, &slot, &a))
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

    if (!p)
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
    struct nss_pair view, *pin = nss_pin_take(&pinned, nss_enter(&g), &view);
    const struct nss_pair *p = &view;
    enum nss_status s = NSS_STATUS_NOTFOUND;
    uint32_t i, n;

    if (!pin)
        return nss_absent(&g, errnop);
    n = nss_enumerable(p);
    for (i = atomic_load(&position); i < n && s == NSS_STATUS_NOTFOUND; i++) {
        uint32_t slot = ((const uint32_t *)rc_section(&p->snapshot, RC_ORDER))[i];
        struct rc_account_record a;
        if (rc_account_at(&p->snapshot, slot, &a))
            s = fill(p, slot, &a, pw, buf, len);
    }
    // Too small a buffer: the same entry comes again.
    atomic_store(&position, s == NSS_STATUS_TRYAGAIN ? i - 1 : i);
    nss_pin_give(&pinned, pin);
    if (s == NSS_STATUS_NOTFOUND)
        nss_pin_drop(&pinned);
    return nss_finish(&g, s, errnop);
}
