// SPDX-License-Identifier: BSD-2-Clause
// A password that a directory took, for times when none can be reached. It stands in the
// sealed credential file as a hash, grows old, and is made anew by each sign-in that the
// directory lets in.
#include <syslog.h>

#include "pam_module/verifier/password.h"
#include "pam_module/verifier/verifier.h"

#define CLOCKS_S 300 // of two looks at a clock that is being set

bool cache_good(const struct verifier *v, const struct password_factor *p, int64_t now)
{
    uint64_t age = v->config ? v->config->password_cache : 0;

    return p->kind == PASSWORD_CACHED && age > 0 && p->set_at <= now + CLOCKS_S &&
           !password_aged(p, age, now);
}

void cache_refresh(const struct verifier *v, const struct rollcall_secret *password, bool fits,
                   int64_t now, struct credential *c)
{
    struct password_factor p;

    if (!v->config || v->config->password_cache == 0) {
        explicit_bzero(&c->password, sizeof(c->password));
        return;
    }
    if (fits) {
        c->password.set_at = now;
        return;
    }
    if (password_make(password, PASSWORD_CACHED, now, &p) < 0) {
        syslog(LOG_ERR, "the password of uid %u could not be kept for times without a directory",
               c->uid);
        return;
    }
    c->password = p;
    explicit_bzero(&p, sizeof(p));
}

void cache_confirm(struct credential_file *f, const struct credential *meant)
{
    _cleanup_credential_ struct credential c = {0};

    if (credential_read(f, &c) == 0 && c.password.kind == meant->password.kind &&
        c.password.set_at == meant->password.set_at &&
        strcmp(c.password.hash, meant->password.hash) == 0)
        return;
    syslog(LOG_ERR, "the password of uid %u was not kept as it was meant: it is taken away",
           meant->uid);
    c = *meant;
    explicit_bzero(&c.password, sizeof(c.password));
    credential_write_twice(f, &c);
}
