// SPDX-License-Identifier: BSD-2-Clause
// Acknowledgements to the hub, by way of this host's entry.
#include "syncd/sources/ldap_ack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_ACK 2048
#define PAUSE_FIRST  1000 // ms
#define PAUSE_MAX    60000

static int to_writer = -1;

static bool asked;

bool dir_is_asked(void)
{
    bool was = asked;

    asked = false;
    return was;
}

static void take_line(const char *line, size_t len)
{
    static const char reread[] = "{\"reread\":";

    // Where the server tells of changes by itself, nobody asks whether anybody was asked for.
    if (len > sizeof(reread) && strncmp(line, reread, sizeof(reread) - 1) == 0)
        asked = true;
    else if (to_writer >= 0 && write(to_writer, line, len) < 0 && errno == EPIPE)
        to_writer = -1;
}

// Acknowledgements go on as they are: less than PIPE_BUF each, whole or not at all.
void dir_ack_input(const char *bytes, size_t n)
{
    static char line[LINE_MAX_ACK];
    static size_t len;

    for (size_t i = 0; i < n; i++) {
        if (len < sizeof(line))
            line[len++] = bytes[i];
        if (bytes[i] != '\n')
            continue;
        if (line[len - 1] == '\n')
            take_line(line, len);
        len = 0;
    }
}

// ---- the writer ----

// The newest of the lines that came, after waiting for one at most `ms` (-1: for ever).
static json_t *newest(int fd, int ms, json_t *last)
{
    static char buf[16 * LINE_MAX_ACK];
    static size_t len;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char *end, *start;
        ssize_t n;
        if (poll(&p, 1, ms) <= 0)
            return last;
        n = read(fd, buf + len, sizeof(buf) - len);
        if (n <= 0)
            _exit(0); // the source is gone
        len += (size_t)n;
        end = memrchr(buf, '\n', len);
        if (!end) {
            len = len == sizeof(buf) ? 0 : len;
            continue;
        }
        start = end > buf ? memrchr(buf, '\n', (size_t)(end - buf)) : NULL;
        start = start ? start + 1 : buf;
        json_decref(last);
        last = json_loadb(start, (size_t)(end - start), 0, NULL);
        len -= (size_t)(end + 1 - buf);
        memmove(buf, end + 1, len);
        ms = 0;
    }
}

struct values {
    char text[5][72];
    char *list[5][2];
    LDAPMod mod[5], *mods[6];
    int n;
};

static void put(struct values *v, const char *attribute, const char *text)
{
    int i = v->n++;

    snprintf(v->text[i], sizeof(v->text[i]), "%s", text);
    v->list[i][0] = v->text[i];
    v->mod[i] = (LDAPMod){.mod_op = LDAP_MOD_REPLACE,
                          .mod_type = (char *)(uintptr_t)attribute,
                          .mod_vals.modv_strvals = v->list[i]};
    v->mods[i] = &v->mod[i];
}

static void put_number(struct values *v, const char *attribute, const json_t *ack, const char *key)
{
    json_t *n = json_object_get(ack, key);
    char text[24];

    if (!json_is_integer(n) || json_integer_value(n) < 0)
        return;
    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(n));
    put(v, attribute, text);
}

// The entry is the one that the directory knows us by: no name of ours to get wrong.
static int own_entry(struct rollcall_ldap *s, char *dn, size_t len, char *why, size_t why_len)
{
    struct berval *id = NULL;
    int r = ldap_whoami_s(rollcall_ldap_handle(s), &id, NULL, NULL);

    if (r == LDAP_SUCCESS && id && id->bv_len > 3 && id->bv_len - 3 < len &&
        strncmp(id->bv_val, "dn:", 3) == 0) {
        memcpy(dn, id->bv_val + 3, id->bv_len - 3);
        dn[id->bv_len - 3] = 0;
        r = 0;
    } else {
        snprintf(why, why_len, "the directory does not say who we are there: %s",
                 ldap_err2string(r));
        r = -EACCES;
    }
    ber_bvfree(id);
    return r;
}

// Kept between two acknowledgements: ten thousand handshakes at every change would cost
// the provider more than ten thousand idle connections.
struct writer {
    const struct rollcall_ldap_options *options;
    struct rollcall_ldap *session;
    char dn[1024];
};

static int connect_writer(struct writer *w, char *why, size_t why_len)
{
    int r = rollcall_ldap_open(w->options, &w->session, why, why_len);

    if (r == 0)
        r = own_entry(w->session, w->dn, sizeof(w->dn), why, why_len);
    return r;
}

static void take_values(struct values *v, const json_t *ack)
{
    time_t now = (time_t)json_integer_value(json_object_get(ack, "time"));
    char when[32];
    struct tm tm;

    put_number(v, "rollcallAckGeneration", ack, "generation");
    put_number(v, "rollcallAckGone", ack, "gone");
    put_number(v, "rollcallAckLeft", ack, "left");
    if (gmtime_r(&now, &tm) && strftime(when, sizeof(when), "%Y%m%d%H%M%SZ", &tm) > 0)
        put(v, "rollcallAckTime", when);
    put(v, "rollcallAckVersion", ROLLCALL_VERSION);
}

// 0; -ECONNRESET where a connection was of no use any more.
static int send_ack(struct writer *w, const json_t *ack, char *why, size_t why_len)
{
    LDAP *ld = rollcall_ldap_handle(w->session);
    const char *uri = rollcall_ldap_uri(w->session);
    struct values v = {0};
    LDAPMessage *m = NULL;
    char said[300];
    int msgid, code, r;

    take_values(&v, ack);
    if (ldap_modify_ext(ld, w->dn, v.mods, NULL, NULL, &msgid) != LDAP_SUCCESS) {
        snprintf(why, why_len, "%s: the connection is gone", uri);
        return -ECONNRESET;
    }
    r = rollcall_ldap_wait(w->session, msgid, LDAP_MSG_ALL, w->options->timeout, &m, why, why_len);
    if (r == 0)
        snprintf(why, why_len, "%s does not answer", uri);
    if (r <= 0)
        return -ECONNRESET;
    if (ldap_parse_result(ld, m, &code, NULL, NULL, NULL, NULL, 1) != LDAP_SUCCESS)
        code = LDAP_OTHER;
    if (code == LDAP_SUCCESS)
        return 0;
    snprintf(why, why_len, "%.150s: %.150s: %.200s%s", uri, w->dn,
             rollcall_ldap_said(w->session, code, said, sizeof(said)),
             code == LDAP_REFERRAL ? "; it is a replica: name the provider in ack_uri" : "");
    return -EIO;
}

static int write_ack(struct writer *w, const json_t *ack, char *why, size_t why_len)
{
    bool kept = w->session;
    int r = kept ? 0 : connect_writer(w, why, why_len);

    if (r == 0)
        r = send_ack(w, ack, why, why_len);
    if (r < 0)
        w->session = rollcall_ldap_close(w->session);
    return r == -ECONNRESET && kept ? write_ack(w, ack, why, why_len) : r;
}

static _Noreturn void write_acks(int fd, const struct rollcall_ldap_options *o)
{
    struct writer w = {.options = o};
    json_t *waiting = NULL;
    char why[600], said[600] = "";
    int pause = PAUSE_FIRST;

    for (;;) {
        waiting = newest(fd, waiting ? pause : -1, waiting);
        if (!waiting)
            continue;
        if (write_ack(&w, json_object_get(waiting, "ack"), why, sizeof(why)) == 0) {
            json_decref(waiting);
            waiting = NULL;
            pause = PAUSE_FIRST;
            said[0] = 0;
            continue;
        }
        if (strcmp(said, why) != 0)
            fprintf(stderr, "the acknowledgement cannot be written: %s\n", why);
        snprintf(said, sizeof(said), "%s", why);
        pause = pause * 2 > PAUSE_MAX ? PAUSE_MAX : pause * 2;
    }
}

void dir_ack_start(const struct dir_settings *set)
{
    struct rollcall_ldap_options o = set->session;
    const char *uris[ROLLCALL_LDAP_URIS_MAX];
    const json_t *list = json_object_get(json_object_get(set->request.json, "section"), "ack_uri");
    size_t n = json_array_size(list);
    int p[2];
    pid_t pid;

    for (size_t i = 0; i < n && i < ROLLCALL_LDAP_URIS_MAX; i++)
        uris[i] = json_string_value(json_array_get(list, i));
    if (n > 0) {
        o.uris = uris;
        o.n_uris = n < ROLLCALL_LDAP_URIS_MAX ? n : ROLLCALL_LDAP_URIS_MAX;
        o.first = 0;
    }
    signal(SIGPIPE, SIG_IGN);
    if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    pid = fork();
    if (pid == 0) {
        int none = open("/dev/null", O_RDWR | O_CLOEXEC);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(p[1]);
        // Its words are the source's alone.
        if (none >= 0) {
            dup2(none, 0);
            dup2(none, 1);
        } else {
            close(0);
            close(1);
        }
        write_acks(p[0], &o);
    }
    close(p[0]);
    if (pid < 0)
        close(p[1]);
    else
        to_writer = p[1];
}
