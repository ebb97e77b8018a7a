// SPDX-License-Identifier: BSD-2-Clause
// What is shown, how strong it is, what services ask for, and what sshd says of keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants those before it
#include <cmocka.h>

#include "pam_module/verifier/strength.h"

// The table of docs/configuration.md.
static void the_table_of_strengths_holds(void **state)
{
    static const struct {
        unsigned proof;
        enum strength strength;
    } table[] = {
        {0, STRENGTH_NONE},
        {PROOF_KEY, STRENGTH_NONE},
        {PROOF_PASSWORD, STRENGTH_NONE},
        {PROOF_CODE, STRENGTH_SINGLE},
        {PROOF_FIDO2, STRENGTH_SINGLE},
        {PROOF_KEY | PROOF_CODE, STRENGTH_MULTI},
        {PROOF_PASSWORD | PROOF_CODE, STRENGTH_MULTI},
        {PROOF_KEY | PROOF_PASSWORD, STRENGTH_MULTI},
        {PROOF_KEY | PROOF_PASSWORD | PROOF_CODE, STRENGTH_MULTI},
        {PROOF_PASSWORD | PROOF_FIDO2, STRENGTH_PHISHING_RESISTANT},
        {PROOF_KEY | PROOF_FIDO2, STRENGTH_PHISHING_RESISTANT},
        {PROOF_FIDO2_UV, STRENGTH_PHISHING_RESISTANT},
        {PROOF_FIDO2 | PROOF_FIDO2_UV, STRENGTH_PHISHING_RESISTANT},
        {PROOF_HARDWARE_KEY, STRENGTH_PHISHING_RESISTANT},
        {PROOF_KEY | PROOF_HARDWARE_KEY, STRENGTH_PHISHING_RESISTANT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(strength_of(table[i].proof), table[i].strength);
}

static void to_show_more_is_never_weaker(void **state)
{
    (void)state;
    for (unsigned proof = 0; proof < 64; proof++)
        for (unsigned more = 0; more < 6; more++)
            assert_true(strength_of(proof | 1u << more) >= strength_of(proof));
}

static void a_service_asks_for_what_its_section_says_and_for_one_factor_without_it(void **state)
{
    char sshd[] = "sshd", sudo[] = "sudo", login[] = "login", multi[] = "multi",
         resistant[] = "phishing-resistant", nonsense[] = "nonsense";
    struct rollcall_config c = {.n_services = 3,
                                .service = {{.name = sshd, .require = multi},
                                            {.name = sudo, .require = resistant},
                                            {.name = login}}};

    (void)state;
    assert_int_equal(strength_required(&c, "sshd"), STRENGTH_MULTI);
    assert_int_equal(strength_required(&c, "sudo"), STRENGTH_PHISHING_RESISTANT);
    assert_int_equal(strength_required(&c, "sudo-i"), STRENGTH_PHISHING_RESISTANT);
    assert_int_equal(strength_required(&c, "login"), STRENGTH_SINGLE);
    assert_int_equal(strength_required(&c, "gdm"), STRENGTH_SINGLE);
    // A configuration that nobody can read may have asked for that.
    assert_int_equal(strength_required(NULL, "sshd"), STRENGTH_PHISHING_RESISTANT);
    assert_int_equal(strength_required(NULL, "sudo"), STRENGTH_PHISHING_RESISTANT);
    c.service[1].require = nonsense;
    assert_int_equal(strength_required(&c, "sudo"), STRENGTH_SINGLE);
}

// ---- sshd's words ----

#define KEY_1         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG2334r9SohaSGwlsY5jHy+1ao4BZU1DhPpx+vNaTQmd"
#define FINGERPRINT_1 "SHA256:JsCVmBQmMExfJsV2PMhxI/bEvtFfiS0mpZDZVNCYGTg"
#define KEY_2         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFpO4xLnlL/lj0eLOzgI/164vbIy0w6QOJ2guDCOz8Jq"
#define FINGERPRINT_2 "SHA256:6T8cgW9x1RGi98XELkphb0ml0J/5L81cEgqQpakmiMg"

static struct ssh_evidence read_info(const char *info, const char *rhost)
{
    struct ssh_evidence e;

    memset(&e, 0x55, sizeof(e));
    ssh_evidence_read(info, rhost, &e);
    return e;
}

static bool same(const struct ssh_evidence *a, const struct ssh_evidence *b)
{
    return memcmp(a->binding, b->binding, SSH_BINDING_LEN) == 0;
}

static void a_key_is_known_by_its_fingerprint_and_bound_to_its_address(void **state)
{
    struct ssh_evidence one = read_info("publickey " KEY_1 "\n", "192.0.2.1"),
                        again = read_info("publickey " KEY_1, "192.0.2.1"),
                        elsewhere = read_info("publickey " KEY_1 "\n", "192.0.2.10"),
                        other = read_info("publickey " KEY_2 "\n", "192.0.2.1"),
                        both = read_info("publickey " KEY_1 "\npublickey " KEY_2 "\n", "192.0.2.1");

    (void)state;
    assert_int_equal(one.n, 1);
    assert_false(one.hardware);
    assert_string_equal(one.fingerprint, FINGERPRINT_1);
    assert_string_equal(other.fingerprint, FINGERPRINT_2);
    assert_true(same(&one, &again));
    assert_false(same(&one, &elsewhere));
    assert_false(same(&one, &other));
    assert_int_equal(both.n, 2);
    assert_false(same(&one, &both));
    assert_false(same(&other, &both));
}

static void what_is_no_key_is_no_evidence(void **state)
{
    static const char *const infos[] = {
        "", "\n\n", "password\n", "hostbased " KEY_1 "\n", "publickey\n", "publickey \n",
        "publickey ssh-ed25519\n", "publickey ssh-ed25519 \n", "publickey ssh-ed25519 %%\n",
        "publickey ssh-ed25519 AAA\n", "publickey  " KEY_1 "\n", "xpublickey " KEY_1 "\n",
        // Of two lines, one of which is broken, nothing counts.
        "publickey " KEY_1 "\npublickey ssh-ed25519 A\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
        struct ssh_evidence e = read_info(infos[i], "192.0.2.1");
        assert_int_equal(e.n, 0);
        assert_string_equal(e.fingerprint, "");
    }
}

static void only_where_all_keys_live_in_hardware_they_do(void **state)
{
    static const char *const sk = "publickey sk-ssh-ed25519@openssh.com AAAA\n";
    char both[512];

    (void)state;
    assert_true(read_info(sk, "").hardware);
    snprintf(both, sizeof(both), "%spublickey " KEY_1 "\n", sk);
    assert_false(read_info(both, "").hardware);
    snprintf(both, sizeof(both), "publickey " KEY_1 "\n%s", sk);
    assert_false(read_info(both, "").hardware);
}

static void a_certificate_with_what_sshd_says_behind_it_is_its_key(void **state)
{
    struct ssh_evidence e =
        read_info("publickey " KEY_1 " ID alice (serial 7) CA ED25519 SHA256:xyz\n", "192.0.2.1");

    (void)state;
    assert_int_equal(e.n, 1);
    assert_string_equal(e.fingerprint, FINGERPRINT_1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_strengths_holds),
        cmocka_unit_test(to_show_more_is_never_weaker),
        cmocka_unit_test(a_service_asks_for_what_its_section_says_and_for_one_factor_without_it),
        cmocka_unit_test(a_key_is_known_by_its_fingerprint_and_bound_to_its_address),
        cmocka_unit_test(what_is_no_key_is_no_evidence),
        cmocka_unit_test(only_where_all_keys_live_in_hardware_they_do),
        cmocka_unit_test(a_certificate_with_what_sshd_says_behind_it_is_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
