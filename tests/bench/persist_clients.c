// SPDX-License-Identifier: BSD-2-Clause
// Many hosts on one directory, as the directory sees them: each a connection with TLS, a
// certificate, a bind and a search with refreshAndPersist (RFC 4533), all in this process.
// Changes one person and notes when each client has it.
//   persist_clients URI CA CERT KEY HUBCERT HUBKEY BASE PERSON_DN CLIENTS CHANGES
// Prints a line when all are connected, then waits for one on standard input before each
// change, so that somebody can look at the server in between; then a line a change.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "rollcall/ldap_session.h"
#include "rollcall/parse.h"
#include "syncd/sources/ldap_control.h"

#define PATIENCE_MS 120000

struct client {
    struct rollcall_ldap *session;
    int msgid;
    double seen; // of the change in work; 0: not yet
};

static struct dir_cookie cookie;

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static int ignore_id(const unsigned char uuid[DIR_UUID], bool deleted, void *ctx)
{
    (void)uuid;
    (void)deleted;
    (void)ctx;
    return 0;
}

// True where the refresh is over with this message.
static bool is_done(LDAP *ld, LDAPMessage *m)
{
    struct dir_sync_info info;
    struct berval *value = NULL;
    char *oid = NULL;
    bool done = false;

    if (ldap_msgtype(m) != LDAP_RES_INTERMEDIATE ||
        ldap_parse_intermediate(ld, m, &oid, &value, NULL, 0) != LDAP_SUCCESS)
        return false;
    if (value && dir_sync_info_parse(value, &info, ignore_id, NULL) == 0) {
        done = (info.kind == DIR_INFO_PRESENT || info.kind == DIR_INFO_DELETE) && info.refresh_done;
        if (info.cookie.bv_len > 0 && cookie.len == 0)
            dir_cookie_set(&cookie, &info.cookie);
    }
    ldap_memfree(oid);
    ber_bvfree(value);
    return done;
}

static void begin(struct client *c, const struct rollcall_ldap_options *o, const char *base)
{
    static char *const attributes[] = {(char *)(uintptr_t) "uid",
                                       (char *)(uintptr_t) "uidNumber",
                                       (char *)(uintptr_t) "rollcallState",
                                       (char *)(uintptr_t) "rollcallReason",
                                       (char *)(uintptr_t) "homeDirectory",
                                       (char *)(uintptr_t) "loginShell",
                                       (char *)(uintptr_t) "displayName",
                                       (char *)(uintptr_t) "rollcallMemberOf",
                                       (char *)(uintptr_t) "sshPublicKey",
                                       (char *)(uintptr_t) "rollcallId",
                                       NULL};
    struct berval *value = dir_sync_request(true, &cookie);
    LDAPControl control = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_SYNC,
                           .ldctl_iscritical = 1};
    LDAPControl *controls[] = {&control, NULL};
    char why[400];
    bool done = false;

    if (rollcall_ldap_open(o, &c->session, why, sizeof(why)) < 0)
        die("open", why);
    control.ldctl_value = *value;
    if (ldap_search_ext(rollcall_ldap_handle(c->session), base, LDAP_SCOPE_SUBTREE,
                        "(|(objectClass=rollcallAccount)(objectClass=rollcallHeartbeat))",
                        (char **)(uintptr_t)attributes, 0, controls, NULL, NULL, 0,
                        &c->msgid) != LDAP_SUCCESS)
        die("search", "refused");
    while (!done) {
        LDAPMessage *m = NULL;
        if (rollcall_ldap_wait(c->session, c->msgid, LDAP_MSG_ONE, 30, &m, why, sizeof(why)) != 1)
            die("refresh", why);
        done = is_done(rollcall_ldap_handle(c->session), m);
        if (ldap_msgtype(m) == LDAP_RES_SEARCH_RESULT)
            die("refresh", "the search ended");
        ldap_msgfree(m);
    }
    ber_bvfree(value);
}

static void drain(struct client *c)
{
    char why[400];

    for (;;) {
        LDAPMessage *m = NULL;
        int n = rollcall_ldap_wait(c->session, c->msgid, LDAP_MSG_ONE, 0, &m, why, sizeof(why));
        if (n < 0)
            die("lost", why);
        if (n == 0)
            return;
        if (ldap_msgtype(m) == LDAP_RES_SEARCH_ENTRY && c->seen == 0)
            c->seen = now_ms();
        ldap_msgfree(m);
    }
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void change(struct rollcall_ldap *hub, const char *dn, int number, struct client *c,
                   size_t n, int epoll)
{
    char text[16], *values[] = {text, NULL};
    LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE,
                   .mod_type = (char *)(uintptr_t) "rollcallReason",
                   .mod_vals.modv_strvals = values},
            *mods[] = {&mod, NULL};
    double start, *after = calloc(n, sizeof(double)), answered;
    size_t left = n;

    for (size_t i = 0; i < n; i++)
        c[i].seen = 0;
    snprintf(text, sizeof(text), "%d", number);
    start = now_ms();
    if (ldap_modify_ext_s(rollcall_ldap_handle(hub), dn, mods, NULL, NULL) != LDAP_SUCCESS)
        die("modify", dn);
    answered = now_ms() - start;
    while (left > 0 && now_ms() - start < PATIENCE_MS) {
        struct epoll_event e[256];
        int k = epoll_wait(epoll, e, 256, 1000);
        for (int i = 0; i < k; i++) {
            struct client *one = e[i].data.ptr;
            bool had = one->seen > 0;
            drain(one);
            left -= !had && one->seen > 0;
        }
    }
    for (size_t i = 0; i < n; i++)
        after[i] = c[i].seen > 0 ? c[i].seen - start : PATIENCE_MS;
    qsort(after, n, sizeof(double), by_time);
    printf("{\"answered_ms\": %.2f, \"first_ms\": %.2f, \"half_ms\": %.2f, \"last_ms\": %.2f, "
           "\"missing\": %zu}\n",
           answered, after[0], after[n / 2], after[n - 1], left);
    fflush(stdout);
    free(after);
}

int main(int argc, char **argv)
{
    struct rollcall_ldap_options o = {.bind = ROLLCALL_LDAP_BIND_EXTERNAL,
                                      .n_uris = 1,
                                      .timeout = 30},
                                 h;
    struct rlimit l;
    struct rollcall_ldap *hub = NULL;
    struct client *c;
    uint64_t n, changes;
    char why[400], line[8];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    double start = now_ms();

    if (argc != 11 || rollcall_parse_u64(argv[9], 1, 100000, &n) < 0 ||
        rollcall_parse_u64(argv[10], 1, 1000, &changes) < 0)
        die("usage",
            "persist_clients URI CA CERT KEY HUBCERT HUBKEY BASE PERSON_DN CLIENTS CHANGES");
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    o.uris = (const char *const *)&argv[1];
    o.ca_file = argv[2];
    o.cert_file = argv[3];
    o.key_file = argv[4];
    h = o;
    h.cert_file = argv[5];
    h.key_file = argv[6];
    c = calloc(n, sizeof(*c));
    if (!c || rollcall_ldap_open(&h, &hub, why, sizeof(why)) < 0)
        die("hub", why);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &c[i]};
        begin(&c[i], &o, argv[7]);
        epoll_ctl(epoll, EPOLL_CTL_ADD, rollcall_ldap_fd(c[i].session), &e);
    }
    printf("{\"connected\": %zu, \"connect_ms\": %.0f}\n", (size_t)n, now_ms() - start);
    fflush(stdout);
    for (uint64_t i = 0; i < changes && fgets(line, sizeof(line), stdin); i++)
        change(hub, argv[8], (int)(i % 16 + 1), c, n, epoll);
    return 0;
}
