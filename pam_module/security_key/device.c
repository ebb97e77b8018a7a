// SPDX-License-Identifier: BSD-2-Clause
// Assertions and new credentials. A key that holds none of the credentials is made to ask
// for a touch all the same: who watches it does not learn whether an account has this key.
#include "pam_module/security_key/device.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#define OPEN_MS  3000
#define TOUCH_MS (ROLLCALL_KEY_TOUCH_S * 1000)
#define LOOK_MS  250

// ---- what blocks, and its end ----

static struct {
    pthread_mutex_t lock;
    fido_dev_t *device;
    bool over;
} current = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void now_on(fido_dev_t *d)
{
    pthread_mutex_lock(&current.lock);
    current.device = d;
    pthread_mutex_unlock(&current.lock);
}

static bool over(void)
{
    bool r;

    pthread_mutex_lock(&current.lock);
    r = current.over;
    pthread_mutex_unlock(&current.lock);
    return r;
}

void device_cancel(void)
{
    pthread_mutex_lock(&current.lock);
    current.over = true;
    if (current.device)
        fido_dev_cancel(current.device);
    pthread_mutex_unlock(&current.lock);
}

// ---- devices ----

struct job {
    const struct rollcall_key_request *request;
    void (*tell)(void *ctx, enum rollcall_key_state state);
    void *ctx;
    struct rollcall_key_reply *reply;
};

static void device_free(fido_dev_t **d)
{
    if (!*d)
        return;
    now_on(NULL);
    fido_dev_close(*d);
    fido_dev_free(d);
}
#define _cleanup_device_ __attribute__((cleanup(device_free)))

static void assert_free(fido_assert_t **a)
{
    fido_assert_free(a);
}
#define _cleanup_assert_ __attribute__((cleanup(assert_free)))

static void cred_free(fido_cred_t **c)
{
    fido_cred_free(c);
}
#define _cleanup_cred_ __attribute__((cleanup(cred_free)))

// NULL where it does not open, or speaks only U2F: such a key cannot verify its user.
static fido_dev_t *open_device(const char *path)
{
    _cleanup_device_ fido_dev_t *d = device_new();
    fido_dev_t *r;

    if (!d || fido_dev_set_timeout(d, OPEN_MS) != FIDO_OK || fido_dev_open(d, path) != FIDO_OK ||
        !fido_dev_is_fido2(d))
        return NULL;
    r = d;
    d = NULL;
    return r;
}

// Waits until something is plugged in.
static size_t look(struct job *job, char paths[DEVICES_MAX][DEVICE_PATH_MAX])
{
    int left = job->request->wait_s * 1000;
    bool told = false;

    for (;;) {
        size_t n = device_list(paths);
        if (n > 0 || left <= 0 || over())
            return n;
        if (!told)
            job->tell(job->ctx, ROLLCALL_KEY_PLUG);
        told = true;
        poll(NULL, 0, LOOK_MS);
        left -= LOOK_MS;
    }
}

static enum rollcall_key_status status_of(int r, bool has_pin)
{
    switch (r) {
    case FIDO_OK:
        return ROLLCALL_KEY_DONE;
    case FIDO_ERR_NO_CREDENTIALS:
    case FIDO_ERR_INVALID_CREDENTIAL:
        return ROLLCALL_KEY_OTHER;
    case FIDO_ERR_PIN_REQUIRED:
    case FIDO_ERR_UV_BLOCKED: // too many fingers it does not know: the PIN is left
        return has_pin ? ROLLCALL_KEY_FAILED : ROLLCALL_KEY_PIN;
    case FIDO_ERR_PIN_INVALID:
        return ROLLCALL_KEY_PIN_WRONG;
    case FIDO_ERR_PIN_AUTH_BLOCKED:
        return ROLLCALL_KEY_PIN_PAUSED;
    case FIDO_ERR_PIN_BLOCKED:
        return ROLLCALL_KEY_PIN_LOCKED;
    case FIDO_ERR_TIMEOUT:
    case FIDO_ERR_USER_ACTION_TIMEOUT:
    case FIDO_ERR_ACTION_TIMEOUT:
        return ROLLCALL_KEY_TIMEOUT;
    case FIDO_ERR_OPERATION_DENIED:
    case FIDO_ERR_UV_INVALID:
        return ROLLCALL_KEY_DENIED;
    case FIDO_ERR_CREDENTIAL_EXCLUDED:
        return ROLLCALL_KEY_KNOWN;
    case FIDO_ERR_UNSUPPORTED_ALGORITHM:
    case FIDO_ERR_UNSUPPORTED_OPTION:
        return ROLLCALL_KEY_UNSUPPORTED;
    default:
        return ROLLCALL_KEY_FAILED;
    }
}

// A wrong PIN is never tried again by us: a key has eight tries for its life.
static void finish(struct job *job, fido_dev_t *d, int r)
{
    int tries = -1;

    job->reply->status = status_of(r, job->request->has_pin);
    if (job->reply->status == ROLLCALL_KEY_PIN_WRONG &&
        fido_dev_get_retry_count(d, &tries) == FIDO_OK && tries >= 0 && tries <= 255)
        job->reply->tries = tries;
    if (job->reply->status == ROLLCALL_KEY_TIMEOUT || job->reply->status == ROLLCALL_KEY_FAILED)
        fido_dev_cancel(d); // or it blinks on
}

// How this device verifies its user: by itself, by a PIN that we must give, or not at all.
static bool wants_pin(const struct rollcall_key_request *q, const fido_dev_t *d)
{
    return !q->has_pin && fido_dev_has_pin(d) && !fido_dev_has_uv(d);
}

static fido_opt_t uv_option(const struct rollcall_key_request *q, const fido_dev_t *d)
{
    return q->has_pin || fido_dev_has_uv(d) ? FIDO_OPT_TRUE : FIDO_OPT_OMIT;
}

// libfido2 sends a PIN to whatever is asked of; one without a PIN would say so.
static const char *pin_for(const struct rollcall_key_request *q, const fido_dev_t *d)
{
    return q->has_pin && fido_dev_has_pin(d) ? q->pin.bytes : NULL;
}

// ---- assertion ----

static fido_assert_t *new_assertion(const struct rollcall_key_request *q, const char *rp)
{
    fido_assert_t *a = fido_assert_new();

    if (a && (fido_assert_set_clientdata_hash(a, q->challenge, sizeof(q->challenge)) != FIDO_OK ||
              fido_assert_set_rp(a, rp) != FIDO_OK))
        fido_assert_free(&a);
    return a;
}

// Without a touch: does it hold this one?
static bool holds(const struct rollcall_key_request *q, fido_dev_t *d,
                  const struct rollcall_known_key *k)
{
    _cleanup_assert_ fido_assert_t *a = new_assertion(q, k->rp);

    return a && fido_assert_allow_cred(a, k->id, k->id_len) == FIDO_OK &&
           fido_assert_set_up(a, FIDO_OPT_FALSE) == FIDO_OK &&
           fido_dev_get_assert(d, a, NULL) == FIDO_OK;
}

// The device that holds one of the credentials, or the first. `ret` the credential.
static fido_dev_t *choose(struct job *job, char paths[DEVICES_MAX][DEVICE_PATH_MAX], size_t n,
                          size_t *ret)
{
    const struct rollcall_key_request *q = job->request;
    _cleanup_device_ fido_dev_t *first = NULL;
    fido_dev_t *r;

    *ret = 0;
    for (size_t i = 0; i < n && !over(); i++) {
        _cleanup_device_ fido_dev_t *d = open_device(paths[i]);
        if (!d)
            continue;
        for (size_t k = 0; k < q->n_known; k++) {
            if (!holds(q, d, &q->known[k]))
                continue;
            *ret = k;
            r = d;
            d = NULL;
            return r;
        }
        if (!first) {
            first = d;
            d = NULL;
        }
    }
    r = first;
    first = NULL;
    return r;
}

static int touch_for_nothing(fido_dev_t *d)
{
    int touched = 0, left = TOUCH_MS, r = fido_dev_get_touch_begin(d);

    while (r == FIDO_OK && !touched && left > 0 && !over()) {
        r = fido_dev_get_touch_status(d, &touched, LOOK_MS);
        left -= LOOK_MS;
    }
    if (r != FIDO_OK)
        return r;
    return touched ? FIDO_ERR_NO_CREDENTIALS : FIDO_ERR_ACTION_TIMEOUT;
}

static int allow_all_of(fido_assert_t *a, const struct rollcall_key_request *q, const char *rp)
{
    int r = FIDO_OK;

    for (size_t k = 0; r == FIDO_OK && k < q->n_known; k++)
        if (strcmp(q->known[k].rp, rp) == 0)
            r = fido_assert_allow_cred(a, q->known[k].id, q->known[k].id_len);
    return r;
}

// libfido2 gives authenticator data as the CBOR byte string that it came in; the verifier
// takes the bytes in it.
static bool open_string(const uint8_t *p, size_t n, const uint8_t **ret, size_t *ret_len)
{
    size_t head = n < 1 || p[0] >> 5 != 2 ? 0
                  : (p[0] & 31) < 24      ? 1
                  : (p[0] & 31) == 24     ? 2
                  : (p[0] & 31) == 25     ? 3
                                          : 0;

    if (head == 0 || n < head)
        return false;
    *ret = p + head;
    *ret_len = n - head;
    return *ret_len == (head == 1   ? (size_t)(p[0] & 31)
                        : head == 2 ? p[1]
                                    : (size_t)(p[1] << 8 | p[2]));
}

static bool take_signed(struct job *job, const fido_assert_t *a, size_t asked)
{
    const struct rollcall_key_request *q = job->request;
    struct rollcall_key_reply *p = job->reply;
    size_t id_len, n, s;
    const uint8_t *data;

    if (fido_assert_count(a) == 0)
        return false;
    id_len = fido_assert_id_len(a, 0);
    p->index = (int)asked;
    for (size_t k = 0; k < q->n_known && id_len > 0; k++)
        if (q->known[k].id_len == id_len &&
            memcmp(q->known[k].id, fido_assert_id_ptr(a, 0), id_len) == 0)
            p->index = (int)k;
    s = fido_assert_sig_len(a, 0);
    if (!open_string(fido_assert_authdata_ptr(a, 0), fido_assert_authdata_len(a, 0), &data, &n) ||
        n > sizeof(p->authdata) || s > sizeof(p->signature))
        return false;
    memcpy(p->authdata, data, n);
    memcpy(p->signature, fido_assert_sig_ptr(a, 0), s);
    p->authdata_len = n;
    p->signature_len = s;
    return true;
}

static void assert_on(struct job *job, fido_dev_t *d, size_t asked)
{
    const struct rollcall_key_request *q = job->request;
    const char *rp = q->known[asked].rp;
    _cleanup_assert_ fido_assert_t *a = new_assertion(q, rp);
    int r = FIDO_ERR_INTERNAL;

    if (wants_pin(q, d)) {
        job->reply->status = ROLLCALL_KEY_PIN;
        return;
    }
    if (a && allow_all_of(a, q, rp) == FIDO_OK && fido_assert_set_up(a, FIDO_OPT_TRUE) == FIDO_OK &&
        fido_assert_set_uv(a, uv_option(q, d)) == FIDO_OK) {
        job->tell(job->ctx, ROLLCALL_KEY_TOUCH);
        r = fido_dev_get_assert(d, a, pin_for(q, d));
    }
    if (status_of(r, q->has_pin) == ROLLCALL_KEY_OTHER)
        r = touch_for_nothing(d);
    if (r == FIDO_OK && !take_signed(job, a, asked))
        r = FIDO_ERR_INTERNAL;
    finish(job, d, r);
}

// ---- a new credential ----

static fido_cred_t *new_credential(const struct rollcall_key_request *q, const fido_dev_t *d,
                                   int algorithm)
{
    _cleanup_cred_ fido_cred_t *c = fido_cred_new();
    fido_cred_t *r = c;

    if (!c || fido_cred_set_type(c, algorithm) != FIDO_OK ||
        fido_cred_set_clientdata_hash(c, q->challenge, sizeof(q->challenge)) != FIDO_OK ||
        fido_cred_set_rp(c, q->rp, q->rp) != FIDO_OK ||
        fido_cred_set_user(c, q->handle, sizeof(q->handle), q->user, q->user, NULL) != FIDO_OK ||
        fido_cred_set_rk(c, FIDO_OPT_OMIT) != FIDO_OK ||
        fido_cred_set_uv(c, uv_option(q, d)) != FIDO_OK)
        return NULL;
    // Without its user verified it is found only by who knows its id. Whether the user was
    // verified is judged by the verifier at each login.
    if (fido_dev_supports_cred_prot(d) &&
        fido_cred_set_prot(c, FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID) != FIDO_OK)
        return NULL;
    for (size_t k = 0; k < q->n_known; k++)
        if (fido_cred_exclude(c, q->known[k].id, q->known[k].id_len) != FIDO_OK)
            return NULL;
    c = NULL;
    return r;
}

static bool take_new(struct job *job, const fido_cred_t *c, int algorithm)
{
    struct rollcall_key_reply *p = job->reply;
    size_t n = fido_cred_authdata_raw_len(c), s = fido_cred_attstmt_len(c);
    const char *format = fido_cred_fmt(c);

    if (n == 0 || n > sizeof(p->authdata) || s > sizeof(p->statement) || !format ||
        strlen(format) >= sizeof(p->format))
        return false;
    memcpy(p->authdata, fido_cred_authdata_raw_ptr(c), n);
    p->authdata_len = n;
    if (s > 0)
        memcpy(p->statement, fido_cred_attstmt_ptr(c), s);
    p->statement_len = s;
    memcpy(p->format, format, strlen(format) + 1);
    p->algorithm = algorithm;
    return true;
}

static void make_on(struct job *job, fido_dev_t *d)
{
    static const int algorithms[] = {COSE_ES256, COSE_EDDSA};
    const struct rollcall_key_request *q = job->request;
    int r = FIDO_ERR_INTERNAL;

    if (wants_pin(q, d)) {
        job->reply->status = ROLLCALL_KEY_PIN;
        return;
    }
    job->tell(job->ctx, ROLLCALL_KEY_TOUCH);
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        _cleanup_cred_ fido_cred_t *c = new_credential(q, d, algorithms[i]);
        r = c ? fido_dev_make_cred(d, c, pin_for(q, d)) : FIDO_ERR_INTERNAL;
        if (r == FIDO_OK && !take_new(job, c, algorithms[i]))
            r = FIDO_ERR_INTERNAL;
        if (r != FIDO_ERR_UNSUPPORTED_ALGORITHM)
            break;
    }
    finish(job, d, r);
}

void device_carry_out(const struct rollcall_key_request *request,
                      void (*tell)(void *ctx, enum rollcall_key_state state), void *ctx,
                      struct rollcall_key_reply *ret)
{
    struct job job = {.request = request, .tell = tell, .ctx = ctx, .reply = ret};
    _cleanup_device_ fido_dev_t *d = NULL;
    char paths[DEVICES_MAX][DEVICE_PATH_MAX];
    size_t asked = 0, n;

    *ret = (struct rollcall_key_reply){.status = ROLLCALL_KEY_NONE, .tries = -1};
    n = look(&job, paths);
    if (n == 0)
        return;
    if (request->make && n > 1) {
        ret->status = ROLLCALL_KEY_SEVERAL;
        return;
    }
    d = request->make ? open_device(paths[0]) : choose(&job, paths, n, &asked);
    if (!d || fido_dev_set_timeout(d, TOUCH_MS) != FIDO_OK) {
        ret->status = ROLLCALL_KEY_UNSUPPORTED;
        return;
    }
    now_on(d);
    if (request->make)
        make_on(&job, d);
    else
        assert_on(&job, d, asked);
    now_on(NULL);
}
