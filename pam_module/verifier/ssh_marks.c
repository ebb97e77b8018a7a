// SPDX-License-Identifier: BSD-2-Clause
// Which SSH hardware keys count as a second factor: those that the directory marks, and
// those that this host's admin vouches for. Any other key is one factor, hardware or not:
// "sk-" in a key's type is a word that anybody can write.
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/account.h"
#include "rollcall/audit.h"
#include "rollcall/cache.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

static void text_of(const uint8_t sha256[32], char ret[SSH_FINGERPRINT_LEN])
{
    unsigned char text[48];

    EVP_EncodeBlock(text, sha256, 32);
    snprintf(ret, SSH_FINGERPRINT_LEN, "SHA256:%.43s", (const char *)text);
}

// ---- the directory's keys ----

struct search {
    const char *fingerprint;
    bool marked; // only those
    bool found;
};

static int look(void *ctx, const char *line, size_t len)
{
    struct search *s = ctx;
    char fingerprint[SSH_FINGERPRINT_LEN];
    enum rollcall_key_mark mark;
    const char *blob;
    size_t skip, n;

    if (!rollcall_ssh_key_acceptable(line, len))
        return 0;
    mark = rollcall_ssh_key_mark(line, len, &skip);
    line += skip;
    len -= skip;
    if ((s->marked && mark == ROLLCALL_KEY_MARK_NONE) || len < 3 || memcmp(line, "sk-", 3) != 0)
        return 0;
    blob = (const char *)memchr(line, ' ', len) + 1; // it is acceptable: there is one
    n = len - (size_t)(blob - line);
    if (memchr(blob, ' ', n))
        n = (size_t)((const char *)memchr(blob, ' ', n) - blob);
    if (ssh_fingerprint(blob, n, fingerprint) && strcmp(fingerprint, s->fingerprint) == 0)
        s->found = true;
    return 0;
}

static bool directory_has(const struct verifier *v, const struct rollcall_person *p,
                          const char *fingerprint, bool marked)
{
    struct search s = {.fingerprint = fingerprint, .marked = marked};
    uint32_t slot;
    uid_t uid;

    return v->keys && p->uid != 0 &&
           rollcall_keys_by_name(v->keys, p->name, &slot, &uid, look, &s) == 0 && uid == p->uid &&
           s.found;
}

// A source's word on keys counts where the host says so; see also the engine, which takes
// the marks of other sources away.
static bool marks_count(const struct verifier *v)
{
    for (size_t i = 0; v->config && i < v->config->n_sources; i++)
        if (v->config->source[i].key_marks)
            return true;
    return false;
}

// ---- vouched for on this host ----

static int find(const struct credential *c, const char *fingerprint)
{
    char text[SSH_FINGERPRINT_LEN];

    for (int i = 0; i < VOUCHED_KEYS; i++) {
        text_of(c->vouched[i].sha256, text);
        if (c->vouched[i].at != 0 && strcmp(text, fingerprint) == 0)
            return i;
    }
    return -1;
}

static bool vouched(const struct verifier *v, const struct rollcall_person *p,
                    const char *fingerprint)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};

    return credential_open(v->credentials, v->key, p->uid, &f) == 0 &&
           credential_read(&f, &c) == 0 && c.incarnation == p->incarnation &&
           find(&c, fingerprint) >= 0 && directory_has(v, p, fingerprint, false);
}

bool ssh_key_counts(const struct verifier *v, const struct rollcall_person *p,
                    const char *fingerprint)
{
    if (p->uid == 0)
        return false;
    return (marks_count(v) && directory_has(v, p, fingerprint, true)) || vouched(v, p, fingerprint);
}

// ---- root's request ----

static int decode(const char *fingerprint, uint8_t ret[32])
{
    unsigned char out[40];
    char text[48];

    if (strncmp(fingerprint, "SHA256:", 7) != 0 || strlen(fingerprint) != 50)
        return -EBADMSG;
    snprintf(text, sizeof(text), "%s=", fingerprint + 7);
    if (EVP_DecodeBlock(out, (const unsigned char *)text, 44) != 33)
        return -EBADMSG;
    memcpy(ret, out, 32);
    return 0;
}

// 1: done; 0: refused, with the reason in *why.
static int change(const struct verifier *v, const struct rollcall_person *p, struct credential *c,
                  const char *fingerprint, bool withdraw, const char **why)
{
    int at = find(c, fingerprint);

    if (withdraw) {
        *why = "nobody vouches for that key here";
        if (at >= 0)
            c->vouched[at] = (struct vouched_key){0};
        return at >= 0;
    }
    *why = "the directory has no hardware key (sk-...) of that fingerprint for this person";
    if (!directory_has(v, p, fingerprint, false))
        return 0;
    for (int i = 0; at < 0 && i < VOUCHED_KEYS; i++)
        if (c->vouched[i].at == 0)
            at = i;
    *why = "eight keys are vouched for, which is the most";
    if (at < 0)
        return 0;
    c->vouched[at].at = time(NULL);
    return decode(fingerprint, c->vouched[at].sha256) == 0;
}

int desk_vouch(struct verifier *v, const struct rollcall_packet *request)
{
    _cleanup_(credential_close) struct credential_file f = {.fd = -1};
    _cleanup_credential_ struct credential c = {0};
    char user[256], buf[ROLLCALL_ADMISSION_BUF], fingerprint[SSH_FINGERPRINT_LEN];
    const char *why = NULL;
    struct rollcall_person p;
    int64_t withdraw = 0;
    uint8_t sha256[32];
    int r = enrol_person(request, user, &p, buf, sizeof(buf));

    rollcall_packet_get_number(request, ROLLCALL_FIELD_WITHDRAW, &withdraw);
    if (rollcall_packet_get_text(request, ROLLCALL_FIELD_TEXT, fingerprint, sizeof(fingerprint)) <
            0 ||
        decode(fingerprint, sha256) < 0)
        return say_result(v, ROLLCALL_RESULT_NOT_UNDERSTOOD, NULL, NULL);
    if (r == 0)
        r = enrol_begin(v, &p, &f, &c);
    if (r == 0 && change(v, &p, &c, fingerprint, withdraw != 0, &why) == 0)
        return say_result(v, ROLLCALL_RESULT_REFUSED, why, NULL);
    // Taken back, it is in the older slot too.
    if (r == 0)
        r = withdraw ? credential_write_twice(&f, &c) : credential_write(&f, &c);
    if (r < 0)
        return say_result(v, enrol_result(r), NULL, NULL);
    if (withdraw)
        tickets_destroy(v->tickets, p.uid);
    desk_audit(request, withdraw ? "key-vouch-withdrawn" : "key-vouched", user, p.uid, fingerprint);
    return say_result(v, ROLLCALL_RESULT_YES, NULL, NULL);
}

// After the keys in the answer to `keys`: when, and which.
int put_vouched(const struct credential *c, struct rollcall_packet *p)
{
    char fingerprint[SSH_FINGERPRINT_LEN], text[SSH_FINGERPRINT_LEN + 24];
    int n = 0, r = 0;

    for (int i = 0; r == 0 && i < VOUCHED_KEYS; i++) {
        if (c->vouched[i].at == 0)
            continue;
        text_of(c->vouched[i].sha256, fingerprint);
        snprintf(text, sizeof(text), "%lld %s", (long long)c->vouched[i].at, fingerprint);
        r = rollcall_packet_put_text(p, (enum rollcall_field)(ROLLCALL_FIELD_VOUCHED + n++), text);
    }
    return r;
}
