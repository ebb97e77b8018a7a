// SPDX-License-Identifier: BSD-2-Clause
// Opens one session as it is told and says what became of it: for tests with real servers.
//   ldap_probe TIMEOUT CA BIND(none|simple|external|gssapi) DN CERT KEY KEYTAB URI...
// "-" stands for none. The password is read from standard input.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rollcall/ldap_session.h"
#include "rollcall/parse.h"

static const char *or_null(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : word;
}

static enum rollcall_ldap_bind bind_of(const char *word)
{
    return strcmp(word, "simple") == 0     ? ROLLCALL_LDAP_BIND_SIMPLE
           : strcmp(word, "external") == 0 ? ROLLCALL_LDAP_BIND_EXTERNAL
           : strcmp(word, "gssapi") == 0   ? ROLLCALL_LDAP_BIND_GSSAPI
                                           : ROLLCALL_LDAP_BIND_NONE;
}

int main(int argc, char **argv)
{
    _cleanup_ldap_ struct rollcall_ldap *s = NULL;
    _cleanup_secret_ struct rollcall_secret password = {0};
    struct rollcall_ldap_options o = {.password = &password};
    struct berval *whom = NULL;
    uint64_t seconds;
    char why[2000] = "";
    ssize_t n;
    int r;

    if (argc < 9 || rollcall_parse_u64(argv[1], 1, 600, &seconds) < 0)
        return 2;
    n = read(0, password.bytes, ROLLCALL_SECRET_MAX);
    password.len = n > 0 ? (size_t)n : 0;
    o.timeout = (unsigned)seconds;
    o.ca_file = or_null(argv[2]);
    o.bind = bind_of(argv[3]);
    o.bind_dn = or_null(argv[4]);
    o.cert_file = or_null(argv[5]);
    o.key_file = or_null(argv[6]);
    o.keytab = or_null(argv[7]);
    o.uris = (const char *const *)&argv[8];
    o.n_uris = (size_t)argc - 8;
    r = rollcall_ldap_open(&o, &s, why, sizeof(why));
    if (r < 0) {
        printf("%s: %s\n", strerrorname_np(-r), why);
        return 1;
    }
    if (ldap_whoami_s(rollcall_ldap_handle(s), &whom, NULL, NULL) != LDAP_SUCCESS || !whom)
        return 1;
    printf("OK %s as %.*s\n", rollcall_ldap_uri(s), (int)whom->bv_len, whom->bv_val);
    ber_bvfree(whom);
    return 0;
}
