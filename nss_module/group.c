// SPDX-License-Identifier: BSD-2-Clause
// group: getgrnam, getgrgid, enumeration. A person's private group has the person's
// name and uid, and no member list; rollcall-people has none either.
#include <grp.h>

#include "nss_module/exports.h"
#include "nss_module/map.h"

// As memcpy, which from some length on, 2112 on many processors, takes `rep movs`: that is up
// to twice as slow for what a group of some hundred members is.
#define PIECE 2048u
static void copy_names(char *to, const unsigned char *from, size_t len)
{
    size_t piece = PIECE;

    __asm__("" : "+r"(piece), "+r"(len)); // as in nss_take
    for (; len > PIECE && len < 8 * PIECE; len -= PIECE, to += PIECE, from += PIECE)
        memcpy(to, from, piece);
    memcpy(to, from, len);
}

#if defined(__SSE2__) && defined(__LP64__)
// Of eight names, of at most 31 bytes each, where each begins behind the first: sums of the
// lengths before it, all eight in one multiplication.
static size_t point_at_eight(char **list, char *names, uint64_t lens)
{
    const __m128i zero = _mm_setzero_si128(), base = _mm_set1_epi64x((long long)(uintptr_t)names);
    uint64_t whole = lens + 0x0101010101010101u, before = (whole * 0x0101010101010101u) << 8;
    __m128i at = _mm_unpacklo_epi8(_mm_cvtsi64_si128((long long)before), zero), four;
    __m128i *to = (__m128i *)(void *)list;

    four = _mm_unpacklo_epi16(at, zero);
    _mm_storeu_si128(to, _mm_add_epi64(base, _mm_unpacklo_epi32(four, zero)));
    _mm_storeu_si128(to + 1, _mm_add_epi64(base, _mm_unpackhi_epi32(four, zero)));
    four = _mm_unpackhi_epi16(at, zero);
    _mm_storeu_si128(to + 2, _mm_add_epi64(base, _mm_unpacklo_epi32(four, zero)));
    _mm_storeu_si128(to + 3, _mm_add_epi64(base, _mm_unpackhi_epi32(four, zero)));
    return (before >> 56) + (whole >> 56);
}
#endif

// Where each name begins that has a length byte in `lens`: eight at a time, for that one by
// one each waits for the sum before it. Returns the length of all with their NULs.
static size_t point_at_names(char **list, char *names, const unsigned char *lens, uint32_t n)
{
    size_t at = 0;
    uint32_t i = 0;

    while (i < n) {
#if defined(__SSE2__) && defined(__LP64__)
        uint64_t eight;
        for (; i + 8 <= n; i += 8) {
            memcpy(&eight, lens + i, sizeof(eight));
            if (eight & 0xe0e0e0e0e0e0e0e0u)
                break;
            at += point_at_eight(list + i, names + at, eight);
        }
#endif
        for (unsigned k = 0; k < 8 && i < n; k++, i++) {
            list[i] = names + at;
            at += lens[i] + 1u;
        }
    }
    return at;
}

// The ready-made names go into the caller's buffer as one block; the length bytes say
// where each begins. They must add up, whatever the file says: a name that begins in the
// block ends in it, for the block's last byte is a NUL of ours.
static enum nss_status take_members(const struct nss_pair *p, const struct rc_group_record *g,
                                    struct nss_room *room, char ***ret)
{
    char **list =
        nss_take_aligned(room, ((size_t)g->n_members + 1) * sizeof(char *), sizeof(char *));
    const unsigned char *lens;
    char *names;

    if (!list)
        return NSS_STATUS_TRYAGAIN;
    list[g->n_members] = NULL;
    *ret = list;
    if (g->n_members == 0)
        return NSS_STATUS_SUCCESS;
    if (g->members_len == 0)
        return NSS_STATUS_NOTFOUND;
    lens = rc_group_list(&p->snapshot, g);
    names = nss_take_aligned(room, g->members_len, 1);
    if (!names)
        return NSS_STATUS_TRYAGAIN;
    copy_names(names, lens + g->n_members, g->members_len);
    names[g->members_len - 1] = 0; // whatever the file says
    return point_at_names(list, names, lens, g->n_members) == g->members_len ? NSS_STATUS_SUCCESS
                                                                             : NSS_STATUS_NOTFOUND;
}

static enum nss_status fill(const struct nss_pair *p, const struct rc_group_record *g,
                            const char *name, struct group *gr, char *buf, size_t len)
{
    struct nss_room room = {buf, len};
    struct group r = {.gr_gid = g->gid};
    enum nss_status s;

    r.gr_name = nss_take(&room, name, g->name_len);
    r.gr_passwd = nss_take(&room, "x", 1);
    s = r.gr_name && r.gr_passwd ? take_members(p, g, &room, &r.gr_mem) : NSS_STATUS_TRYAGAIN;
    if (s == NSS_STATUS_SUCCESS)
        *gr = r;
    return s;
}

// The name stands in the pool, so it is looked at again where nobody else can write.
static enum nss_status fill_named(const struct nss_pair *p, const struct rc_group_record *g,
                                  struct group *gr, char *buf, size_t len)
{
    struct group r;
    enum nss_status s = fill(p, g, rc_group_name(&p->snapshot, g), &r, buf, len);

    if (s == NSS_STATUS_SUCCESS && !rc_group_name_ok(&p->snapshot, r.gr_name, g))
        s = NSS_STATUS_NOTFOUND;
    if (s == NSS_STATUS_SUCCESS)
        *gr = r;
    return s;
}

static enum nss_status fill_private(const struct nss_pair *p, uint32_t slot,
                                    const struct rc_account_record *a, struct group *gr, char *buf,
                                    size_t len)
{
    struct rc_group_record g = {.gid = a->uid, .name_len = a->name_len};

    if (a->gid != a->uid || nss_hides(p, slot, a->uid))
        return NSS_STATUS_NOTFOUND;
    return fill(p, &g, a->text, gr, buf, len);
}

NSS_EXPORT enum nss_status _nss_rollcall_getgrnam_r(const char *name, struct group *gr, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard guard;
    const struct nss_pair *p = nss_enter(&guard);
    struct rc_group_record g;
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;
    size_t n;

    if (!p)
        return nss_absent(&guard, errnop);
    n = strnlen(name, ROLLCALL_NAME_MAX + 1);
    if (rc_group_by_name(&p->snapshot, name, n, &g))
        s = fill_named(p, &g, gr, buf, len);
    else if (rc_account_by_name(&p->snapshot, name, n, &slot, &a))
        s = fill_private(p, slot, &a, gr, buf, len);
    return nss_finish(&guard, s, errnop);
}

NSS_EXPORT enum nss_status _nss_rollcall_getgrgid_r(gid_t gid, struct group *gr, char *buf,
                                                    size_t len, int *errnop)
{
    struct nss_guard guard;
    const struct nss_pair *p = nss_enter(&guard);
    struct rc_group_record g;
    struct rc_account_record a;
    uint32_t slot;
    enum nss_status s = NSS_STATUS_NOTFOUND;

    if (!p)
        return nss_absent(&guard, errnop);
    if (rc_group_by_gid(&p->snapshot, gid, &g))
        s = fill_named(p, &g, gr, buf, len);
    else if (rc_account_by_uid(&p->snapshot, gid, &slot, &a))
        s = fill_private(p, slot, &a, gr, buf, len);
    return nss_finish(&guard, s, errnop);
}

static _Atomic uint32_t position; // named groups first, then private ones
static nss_pin pinned;

NSS_EXPORT enum nss_status _nss_rollcall_setgrent(int stayopen)
{
    (void)stayopen;
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

NSS_EXPORT enum nss_status _nss_rollcall_endgrent(void)
{
    atomic_store(&position, 0);
    nss_pin_drop(&pinned);
    return NSS_STATUS_SUCCESS;
}

static enum nss_status fill_nth(const struct nss_pair *p, uint32_t i, struct group *gr, char *buf,
                                size_t len)
{
    uint32_t groups = p->snapshot.head->groups, slot;
    struct rc_account_record a;
    struct rc_group_record g;

    if (i < groups)
        return rc_group_at(&p->snapshot, i, &g) ? fill_named(p, &g, gr, buf, len)
                                                : NSS_STATUS_NOTFOUND;
    slot = ((const uint32_t *)rc_section(&p->snapshot, RC_ORDER))[i - groups];
    return rc_account_at(&p->snapshot, slot, &a) ? fill_private(p, slot, &a, gr, buf, len)
                                                 : NSS_STATUS_NOTFOUND;
}

NSS_EXPORT enum nss_status _nss_rollcall_getgrent_r(struct group *gr, char *buf, size_t len,
                                                    int *errnop)
{
    struct nss_guard guard;
    struct nss_pair *pin = nss_pin_take(&pinned, nss_enter(&guard));
    enum nss_status s = NSS_STATUS_NOTFOUND;
    uint32_t i, n;

    if (!pin)
        return nss_absent(&guard, errnop);
    n = nss_enumerable(pin);
    if (pin->snapshot.head->flags & RC_FLAG_ENUMERATE)
        n += pin->snapshot.head->groups;
    for (i = atomic_load(&position); i < n && s == NSS_STATUS_NOTFOUND; i++)
        s = fill_nth(pin, i, gr, buf, len);
    // Too small a buffer: the same entry comes again.
    atomic_store(&position, s == NSS_STATUS_TRYAGAIN ? i - 1 : i);
    nss_pin_give(&pinned, pin);
    if (s == NSS_STATUS_NOTFOUND)
        nss_pin_drop(&pinned);
    return nss_finish(&guard, s, errnop);
}
