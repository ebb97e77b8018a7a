// SPDX-License-Identifier: BSD-2-Clause
// libFuzzer over the NSS module as a program has it: an input is a snapshot, a board, a
// row of lookups, and what the calls below them do. What an answer may look like is checked
// at each lookup, and that nothing stays open or mapped when both files are gone.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nss_module/exports.h"
#include "rollcall/account.h"
#include "rollcall/cache_map.h"
#include "rollcall/paths.h"
#include "tests/fuzz/cache_shape.h"
#include "tests/fuzz/fuzz_nss_seed.h"
#include "tests/fuzz/memory_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum call {
    GETPWNAM,
    GETPWUID,
    GETGRNAM,
    GETGRGID,
    GETSPNAM,
    INITGROUPS,
    GETPWENT,
    GETGRENT,
    CALLS,
    SETENT = CALLS,
    ENDENT,
    TICK,
    PUBLISH,
    STORE,
    SCRIBBLE,
    VANISH,
    KINDS
};
static const char *const call_name[CALLS] = {"getpwnam", "getpwuid",   "getgrnam", "getgrgid",
                                             "getspnam", "initgroups", "getpwent", "getgrent"};
static unsigned long answered[CALLS], asked[CALLS];

static int64_t latest; // second that there was
static struct memory_file file[] = {{.path = ROLLCALL_ACCOUNTS}, {.path = ROLLCALL_BOARD}};
#define accounts (&file[0])
#define board    (&file[1])

static struct {
    unsigned faults_before;
    bool observe; // shells are shown whatever the board says, or the header was written to
    bool loose;   // the snapshot's own limits cannot be known any more
    struct rc_header head;
} now;

// ---- what an answer must be ----

static void text_inside(const char *s, const char *buf, size_t len)
{
    MUST(s >= buf && s < buf + len);
    MUST(memchr(s, 0, (size_t)(buf + len - s)));
}

static void id_allowed(uint32_t id)
{
    MUST(rollcall_id_in_compiled_limits(id));
    MUST(now.loose || (id >= now.head.id_min && id <= now.head.id_max));
}

// Some board that is mapped says so, for this uid.
static bool active_somewhere(uint32_t uid)
{
    const unsigned char *at;
    size_t len;

    for (size_t i = 0; (at = memory_files_mapping(board, i, &len)); i++)
        for (size_t k = RC_BOARD_HEAD; k + 8 <= len; k += 8) {
            uint64_t w;
            memcpy(&w, at + k, 8);
            if (w >> 32 == uid && (w & 15) == ROLLCALL_STATE_ACTIVE)
                return true;
        }
    return false;
}

static void check_passwd(const struct passwd *pw, const char *buf, size_t len)
{
    text_inside(pw->pw_name, buf, len);
    text_inside(pw->pw_passwd, buf, len);
    text_inside(pw->pw_gecos, buf, len);
    text_inside(pw->pw_dir, buf, len);
    text_inside(pw->pw_shell, buf, len);
    MUST(*pw->pw_name && !rollcall_name_reserved(pw->pw_name, strlen(pw->pw_name)));
    MUST(strcmp(pw->pw_passwd, "x") == 0);
    id_allowed(pw->pw_uid);
    id_allowed(pw->pw_gid);
    MUST(now.observe || strcmp(pw->pw_shell, "/usr/sbin/nologin") == 0 ||
         active_somewhere(pw->pw_uid));
}

static void check_group(const struct group *gr, const char *buf, size_t len)
{
    text_inside(gr->gr_name, buf, len);
    text_inside(gr->gr_passwd, buf, len);
    id_allowed(gr->gr_gid);
    MUST(*gr->gr_name);
    MUST(!rollcall_name_reserved(gr->gr_name, strlen(gr->gr_name)) ||
         strcmp(gr->gr_name, "rollcall-people") == 0);
    MUST((uintptr_t)gr->gr_mem % sizeof(char *) == 0);
    for (char **m = gr->gr_mem;; m++) {
        MUST((char *)m >= buf && (char *)(m + 1) <= buf + len);
        if (!*m)
            return;
        text_inside(*m, buf, len);
    }
}

// What glibc may be told, and nothing of ours stays behind.
static void check_status(enum call call, enum nss_status s, int err)
{
    MUST(errno == 4711);
    MUST(memory_files_descriptors() == 0);
    asked[call]++;
    if (s == NSS_STATUS_SUCCESS) {
        MUST(err == 42);
        answered[call]++;
    } else if (s == NSS_STATUS_NOTFOUND || s == NSS_STATUS_UNAVAIL) {
        MUST(err == ENOENT);
    } else {
        MUST(s == NSS_STATUS_TRYAGAIN);
        MUST(err == ERANGE || (err == EAGAIN && memory_files_faults_injected != now.faults_before));
    }
}

// ---- asking ----

// Of just its size, so that a byte too many is seen.
static char *name_of(uint8_t which)
{
    static const char *const names[] = {"engineers",
                                        "rollcall-people",
                                        "root",
                                        "sudo",
                                        "",
                                        "p",
                                        "old-name",
                                        "a-name-of-33-bytes-is-one-too-lon",
                                        "a-name-that-is-longer-than-any-name-may-ever-be"};
    const struct rc_span *s = &now.head.section[RC_RECORDS];
    size_t len, at = s->off + (size_t)(which % 16) * sizeof(struct rc_account_record);
    struct rc_account_record a;
    const char *name = names[which % (sizeof(names) / sizeof(names[0]))];
    char *copy;

    len = strlen(name);
    if (which < 160 && at <= accounts->len && accounts->len - at >= sizeof(a)) {
        memcpy(&a, accounts->data + at, sizeof(a));
        name = a.text;
        len = strnlen(name, a.name_len < sizeof(a.text) ? a.name_len : sizeof(a.text));
    }
    copy = malloc(len + 1);
    memcpy(copy, name, len);
    copy[len] = 0;
    return copy;
}

static uint32_t id_of(uint8_t which)
{
    static const uint32_t ids[] = {0, 27, 999, 65534, 0xffffffff, SEED_STAFF, SEED_STAFF + 1};
    const struct rc_span *s = &now.head.section[RC_RECORDS];
    size_t at = s->off + (size_t)(which % 16) * sizeof(struct rc_account_record);
    struct rc_account_record a;

    if (which < 160 && at <= accounts->len && accounts->len - at >= sizeof(a)) {
        memcpy(&a, accounts->data + at, sizeof(a));
        return a.uid;
    }
    return which % 8 == 7 ? now.head.id_min : ids[which % 8];
}

static void ask_initgroups(const char *name, uint32_t id, uint8_t how)
{
    long before = how % 3, start = before, size = before ? before : 1,
         limit = how / 3 % 4 ? before + how / 3 % 4 : 0;
    gid_t *gids = malloc((size_t)size * sizeof(*gids));
    int err = 42;
    enum nss_status s;

    for (long i = 0; i < before; i++)
        gids[i] = 77;
    errno = 4711;
    s = _nss_rollcall_initgroups_dyn(name, id, &start, &size, &gids, limit, &err);
    check_status(INITGROUPS, s, err);
    MUST(start >= before && start <= size && (limit == 0 || start <= limit));
    MUST(s == NSS_STATUS_SUCCESS || start == before);
    for (long i = before; i < start; i++) {
        MUST(gids[i] != 0 && gids[i] != id);
        MUST(now.loose || gids[i] < now.head.id_min || rollcall_id_in_compiled_limits(gids[i]));
    }
    free(gids);
}

static void ask(enum call call, uint8_t how, uint8_t which)
{
    static const size_t lengths[] = {1024, 0,   1,   3,   8,   17,  40,  100,
                                     167,  168, 169, 200, 300, 512, 640, 8192};
    size_t len = lengths[how % 16];
    char *buf = len ? malloc(len) : NULL, *name = name_of(which);
    enum nss_status s = NSS_STATUS_NOTFOUND;
    uint32_t id = id_of(which);
    struct passwd pw;
    struct group gr;
    struct spwd sp;
    int err = 42;

    errno = 4711;
    if (call == GETPWNAM)
        s = _nss_rollcall_getpwnam_r(name, &pw, buf, len, &err);
    else if (call == GETPWUID)
        s = _nss_rollcall_getpwuid_r(id, &pw, buf, len, &err);
    else if (call == GETGRNAM)
        s = _nss_rollcall_getgrnam_r(name, &gr, buf, len, &err);
    else if (call == GETGRGID)
        s = _nss_rollcall_getgrgid_r(id, &gr, buf, len, &err);
    else if (call == GETSPNAM)
        s = _nss_rollcall_getspnam_r(name, &sp, buf, len, &err);
    else if (call == GETPWENT)
        s = _nss_rollcall_getpwent_r(&pw, buf, len, &err);
    else if (call == GETGRENT)
        s = _nss_rollcall_getgrent_r(&gr, buf, len, &err);
    if (call == INITGROUPS)
        ask_initgroups(name, id, how);
    else
        check_status(call, s, err);
    if (s == NSS_STATUS_SUCCESS) {
        if (call == GETPWNAM || call == GETPWUID || call == GETPWENT)
            check_passwd(&pw, buf, len);
        else if (call == GETGRNAM || call == GETGRGID || call == GETGRENT)
            check_group(&gr, buf, len);
        else
            MUST(strcmp(sp.sp_pwdp, "*") == 0 && sp.sp_expire == 1);
        MUST(call != GETPWUID || pw.pw_uid == id);
        MUST(call != GETGRGID || gr.gr_gid == id);
        MUST(call != GETGRNAM || strcmp(gr.gr_name, name) == 0);
    }
    free(name);
    free(buf);
}

// ---- what goes on around the lookups ----

static void publish(uint8_t how)
{
    uint32_t replaced = how & 1 ? RC_BOARD_REPLACED : how;

    memory_files_poke(board, offsetof(struct rc_board_header, status), &replaced, 4);
    accounts->ino += how >> 1 & 1;
    board->ino += how >> 2 & 1;
    replaced = RC_BOARD_LIVE;
    if (board->len >= RC_BOARD_HEAD && how & 8) // not in the mappings: a new file
        memcpy(board->data + offsetof(struct rc_board_header, status), &replaced, 4);
}

static void store(uint8_t how, uint8_t which)
{
    size_t at = RC_BOARD_HEAD + 8 * (size_t)(which % 16);
    uint64_t w, seed_of[2];

    if (at + 8 > board->len)
        return;
    memcpy(&w, board->data + at, 8);
    memcpy(seed_of, board->data + offsetof(struct rc_board_header, ledger_id), 16);
    w = rc_board_word_pack((const uint8_t *)seed_of, which % 16, (uint32_t)(w >> 32), how & 15, 0,
                           1);
    memory_files_poke(board, at, &w, 8);
}

// By somebody who can write the file while it is mapped.
static void scribble(uint8_t how, uint8_t which)
{
    struct memory_file *f = how & 1 ? board : accounts;
    size_t at = f->len ? ((size_t)which * 256 + how * 31u) % f->len : 0;

    if (f == accounts && at < sizeof(now.head))
        now.observe = now.loose = true;
    memory_files_poke(f, at, &how, 1);
}

static void act(enum call kind, uint8_t how, uint8_t which)
{
    switch ((int)kind) {
    case SETENT:
        (void)(how & 1 ? _nss_rollcall_setpwent(0) : _nss_rollcall_setgrent(0));
        break;
    case ENDENT:
        (void)(how & 1 ? _nss_rollcall_endpwent() : _nss_rollcall_endgrent());
        break;
    case TICK:
        latest = memory_files_now > latest ? memory_files_now : latest;
        memory_files_now += (int8_t)which;
        break;
    case PUBLISH:
        publish(which);
        break;
    case STORE:
        store(how, which);
        break;
    case SCRIBBLE:
        scribble(how, which);
        break;
    case VANISH:
        file[how & 1].absent = !file[how & 1].absent;
        break;
    default:
        ask(kind, how, which);
    }
}

// Both files gone and a second later: the module has nothing, and says so. A second that
// never was: a clock set back and forward again comes upon the one that was looked in.
static void leave_nothing_behind(void)
{
    char buf[64];
    struct passwd pw;
    int err = 42;

    _nss_rollcall_endpwent();
    _nss_rollcall_endgrent();
    accounts->absent = board->absent = true;
    memory_files_show(file, 2, NULL, 0);
    memory_files_now = (memory_files_now > latest ? memory_files_now : latest) + 10;
    errno = 4711;
    MUST(_nss_rollcall_getpwnam_r("p1", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
    MUST(err == ENOENT && errno == 4711);
    MUST(memory_files_mappings() == 0 && memory_files_descriptors() == 0);
    memory_files_now += 10;
}

// ---- inputs ----

// A plan, the snapshot's length in 16 bits, the snapshot, the board in its folded form.
struct parts {
    struct seed_plan plan;
    const uint8_t *snapshot, *folded;
    size_t snapshot_len, folded_len;
};

static bool take_apart(const uint8_t *data, size_t size, struct parts *ret)
{
    uint16_t len;

    if (size < sizeof(ret->plan) + 2)
        return false;
    memcpy(&ret->plan, data, sizeof(ret->plan));
    memcpy(&len, data + sizeof(ret->plan), 2);
    data += sizeof(ret->plan) + 2;
    size -= sizeof(ret->plan) + 2;
    ret->snapshot = data;
    ret->snapshot_len = len < size ? len : size;
    ret->folded = data + ret->snapshot_len;
    ret->folded_len = size - ret->snapshot_len;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char snapshot[SEED_ROOM], words[SEED_ROOM];
    struct parts p;

    if (size > SEED_ROOM || !take_apart(data, size, &p))
        return 0;
    memcpy(snapshot, p.snapshot, p.snapshot_len);
    file[0] = (struct memory_file){ROLLCALL_ACCOUNTS,  snapshot, p.snapshot_len, 100,
                                   MEMORY_FILES_OWNER, false};
    file[1] = (struct memory_file){ROLLCALL_BOARD, words, 0, 200, MEMORY_FILES_OWNER, false};
    board->len = shape_unfold_board(p.folded, p.folded_len, words, sizeof(words));
    shape_repair(snapshot, accounts->len, SHAPE_ACCOUNTS, p.plan.leave);
    shape_repair_board(words, board->len, snapshot, accounts->len, board->ino, p.plan.leave);
    memset(&now, 0, sizeof(now));
    memcpy(&now.head, snapshot, accounts->len < sizeof(now.head) ? 0 : sizeof(now.head));
    now.observe = now.head.flags & RC_FLAG_OBSERVE;
    now.faults_before = memory_files_faults_injected;
    memory_files_among_threads(p.plan.leave & AMONG_THREADS);
    memory_files_show(file, 2, p.plan.faults, sizeof(p.plan.faults));
    for (size_t i = 0; i < sizeof(p.plan.acts) / 2; i++)
        act(p.plan.acts[i][0] % KINDS, p.plan.acts[i][0] / KINDS, p.plan.acts[i][1]);
    leave_nothing_behind();
    memory_files_hide();
    return 0;
}

static size_t put_together(const struct parts *p, uint8_t *ret, size_t max)
{
    uint16_t len = (uint16_t)p->snapshot_len;

    if (sizeof(p->plan) + 2 + p->snapshot_len + p->folded_len > max)
        return 0;
    memcpy(ret, &p->plan, sizeof(p->plan));
    memcpy(ret + sizeof(p->plan), &len, 2);
    memcpy(ret + sizeof(p->plan) + 2, p->snapshot, p->snapshot_len);
    memcpy(ret + sizeof(p->plan) + 2 + p->snapshot_len, p->folded, p->folded_len);
    return sizeof(p->plan) + 2 + p->snapshot_len + p->folded_len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static unsigned char snapshot[SEED_ROOM], folded[SEED_ROOM], words[SEED_ROOM];
    uint64_t random = seed * 0x9e3779b97f4a7c15u + 1, how = shape_random(&random);
    struct parts p;
    size_t n;

    if (size > SEED_ROOM || !take_apart(data, size, &p) || max_size > SEED_ROOM)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(snapshot, p.snapshot, p.snapshot_len);
    memcpy(folded, p.folded, p.folded_len);
    p.snapshot = snapshot;
    p.folded = folded;
    if (how % 8 < 4) {
        for (unsigned k = 0; k <= how / 8 % 4; k++)
            shape_mutate(snapshot, p.snapshot_len, SHAPE_ACCOUNTS, &random);
    } else if (how % 8 < 6) {
        LLVMFuzzerMutate((uint8_t *)&p.plan, sizeof(p.plan), sizeof(p.plan));
    } else if (how % 8 == 6) {
        n = shape_unfold_board(folded, p.folded_len, words, sizeof(words));
        shape_mutate(words, n, SHAPE_BOARD, &random);
        if (n > RC_BOARD_HEAD)
            p.folded_len = shape_fold_board(words, n, folded);
    } else if (how / 8 % 2) {
        p.snapshot_len = LLVMFuzzerMutate(snapshot, p.snapshot_len, SEED_ROOM / 4);
    } else {
        p.folded_len = LLVMFuzzerMutate(folded, p.folded_len, SEED_ROOM / 8);
    }
    n = put_together(&p, data, max_size);
    return n ? n : size;
}

// ---- start and end ----

__attribute__((destructor)) static void say_what_was_reached(void)
{
    for (int i = 0; i < CALLS; i++)
        fprintf(stderr, "%s: %lu of %lu answered\n", call_name[i], answered[i], asked[i]);
    fprintf(stderr, "faults injected: %u\n", memory_files_faults_injected);
}

static void run_seed(const unsigned char *data, size_t len)
{
    (void)LLVMFuzzerTestOneInput(data, len);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *corpus = NULL;

    for (int i = 1; i < *argc && !corpus; i++)
        if ((*argv)[i][0] != '-')
            corpus = (*argv)[i];
    seed_nss(corpus, run_seed);
    // A target whose good inputs are refused at the door finds nothing.
    for (int i = 0; i < CALLS; i++)
        MUST(answered[i] > 0);
    return 0;
}
