// SPDX-License-Identifier: BSD-2-Clause
// rollcall.conf: a whole configuration or errors that say where, what and what instead.
#include "rollcall/lifecycle.h"
#include "tests/unit/config_fixture.h"
#include "tests/unit/scratch.h"

#define SOURCE "[source hr]\ntype = csv\nrole = authority, directory\npath = /srv/people.csv\n"
#define ACCESS "[access]\nallow_groups = linux-users\n"
#define GOOD   SOURCE ACCESS

static void the_first_example_is_taken_whole(void **state)
{
    (void)state;
    assert_int_equal(load("[rollcall]\n"
                          "mode     = observe                 # observe | enforce\n"
                          "timezone = Europe/Berlin           ; of this host\n"
                          "contact  = IT service desk, +49 30 1234 567\n"
                          "[source hr]\n"
                          "type         = csv\n"
                          "role         = authority, directory\n"
                          "path         = /var/lib/hr-export/people.csv\n"
                          "expect_every = 26h                 # locks nobody\n"
                          "when_missing = keep\n"
                          "[access]\nallow_groups = linux-users, b\n"
                          "[local_group sudo]\nfrom = linux-admins\n"
                          "[mfa]\nfactors = fido2, totp, recovery\nenrol = access-code\n"),
                     0);
    assert_int_equal(config->mode, ROLLCALL_MODE_OBSERVE);
    assert_string_equal(config->timezone, "Europe/Berlin");
    assert_string_equal(config->contact, "IT service desk, +49 30 1234 567");
    assert_int_equal(config->n_sources, 1);
    assert_int_equal(config->source[0].role, ROLLCALL_ROLE_AUTHORITY | ROLLCALL_ROLE_DIRECTORY);
    assert_int_equal(config->source[0].expect_every, 26 * 3600);
    assert_int_equal(config->source[0].when_missing, ROLLCALL_MISSING_KEEP);
    assert_int_equal(config->source[0].lease, 10 * 86400);
    assert_int_equal(config->allow_groups.n, 2);
    assert_string_equal(config->allow_groups.item[1], "b");
    assert_string_equal(config->local_group[0].from.item[0], "linux-admins");
    assert_int_equal(config->usable_factors,
                     ROLLCALL_FACTOR_TOTP | ROLLCALL_FACTOR_RECOVERY | ROLLCALL_FACTOR_FIDO2);
    assert_false(warned("it does not count"));
}

static void security_keys_alone_are_taken_with_a_warning(void **state)
{
    (void)state;
    assert_int_equal(load(GOOD "[mfa]\nfactors = totp, fido2\nfido2_roots = /r.pem\n"
                               "fido2_aaguids = CB69481E-8ff7-4039-93ec-0a2729a154a8\n"),
                     0);
    assert_string_equal(config->fido2_aaguids.item[0], "cb69481e8ff7403993ec0a2729a154a8");
    assert_int_equal(load(GOOD "[mfa]\nfactors = fido2\nfido2_rp = example.com\n"), 0);
    assert_int_equal(config->usable_factors, ROLLCALL_FACTOR_FIDO2);
    assert_string_equal(config->fido2_rp, "example.com");
    assert_true(warned("over ssh"));
}

static void what_only_keys_can_show_is_asked_for_where_there_are_keys(void **state)
{
    (void)state;
    assert_int_equal(load(GOOD "[mfa]\nfactors = totp, fido2\nphishing_resistant_groups = g\n"
                               "[service sudo]\nrequire = phishing-resistant\n"),
                     0);
    assert_int_equal(findings.n, 0);
    // sshd sees hardware keys that are no factor of the list.
    assert_int_equal(load(GOOD "[service sshd]\nrequire = phishing-resistant\n"), 0);
    assert_int_equal(findings.n, 0);
    assert_int_equal(load(GOOD "[mfa]\nphishing_resistant_groups = g\n"), 0);
    assert_true(warned("over ssh alone"));
}

static void the_defaults_are_the_documented_ones(void **state)
{
    (void)state;
    assert_int_equal(load(GOOD), 0);
    assert_int_equal(findings.n, 0);
    assert_int_equal(config->mode, ROLLCALL_MODE_ENFORCE);
    assert_string_equal(config->timezone, "UTC");
    assert_int_equal(config->source[0].when_missing, ROLLCALL_MISSING_LOCK);
    assert_int_equal(config->source[0].poll, 60);
    assert_int_equal(config->breaker_window, 86400);
    assert_int_equal(config->breaker_inferred_count, 5);
    assert_int_equal(config->breaker_inferred_share, 200);
    assert_int_equal(config->breaker_explicit_count, 50);
    assert_int_equal(config->breaker_explicit_share, 1000);
    assert_int_equal(config->id_min, 1879048192);
    assert_int_equal(config->id_max, 2147483646);
    assert_false(config->kill_services);
    assert_true(config->enumerate);
    assert_false(config->group_members.none);
    assert_int_equal(config->group_members.limit, 0);
    assert_int_equal(config->locked, ROLLCALL_LOCKED_VISIBLE);
    assert_false(config->former_names);
    assert_string_equal(config->publish, "all");
    assert_null(rollcall_config_service(config, "sshd"));
}

static void what_programs_are_told_is_the_hosts_to_choose(void **state)
{
    (void)state;
    assert_int_equal(load(GOOD "[nss]\nenumerate = no\ngroup_members = limit  200\n"
                               "locked = hidden\nformer_names = yes\n"),
                     0);
    assert_int_equal(findings.n, 0);
    assert_false(config->enumerate);
    assert_false(config->group_members.none);
    assert_int_equal(config->group_members.limit, 200);
    assert_int_equal(config->locked, ROLLCALL_LOCKED_HIDDEN);
    assert_true(config->former_names);
    assert_int_equal(load(GOOD "[nss]\ngroup_members = none\n"), 0);
    assert_true(config->group_members.none);
    refused(GOOD "[nss]\ngroup_members = limit\n", 8, "as in limit 200");
    refused(GOOD "[nss]\ngroup_members = limit 0\n", 8, "as in limit 200");
    refused(GOOD "[nss]\ngroup_members = limit 4294967296\n", 8, "as in limit 200");
    refused(GOOD "[nss]\ngroup_members = some\n", 8, "full, none");
    refused(GOOD "[nss]\nlocked = gone\n", 8, "visible|hidden");
}

static void a_wrong_word_earns_its_line_and_what_was_meant(void **state)
{
    (void)state;
    refused(GOOD "alow_groups = x\n", 7, "did you mean \"allow_groups\"?");
    refused(GOOD "[acess]\nallow_groups = x\n", 7, "did you mean [access]?");
    refused(GOOD "[zzzzzzzzzz]\n", 7, "there is no section");
    refused(GOOD "[rollcall]\nmode = obey\n", 8, "enforce|observe");
    refused(GOOD "[rollcall]\ntimezone = Mars/Olympus\n", 8, "IANA name");
    refused(GOOD "[lifecycle]\nlease = 3\n", 8, "takes a time such as 90s");
    refused(GOOD "[lifecycle]\nbreaker_inferred_share = 2\n", 8, "such as 2%");
    refused(GOOD "[enforcer]\nkill_services = true\n", 8, "yes or no");
    refused(GOOD "\n\nnonsense\n", 9, "neither a [section]");
    refused("mode = observe\n" GOOD, 1, "before any section");
    refused(GOOD "[source]\n", 7, "[source NAME]");
    refused(GOOD "[mfa yes]\n", 7, "has no name: write [mfa]");
}

static void an_option_beside_its_section_is_not_passed_over(void **state)
{
    (void)state;
    refused(SOURCE "[access] allow_groups = x\n", 5, "a line of its own");
    assert_int_equal(load(SOURCE "[access] # who comes in\nallow_groups = x\n"), 0);
}

static void a_section_with_nothing_below_it_is_not_passed_over(void **state)
{
    (void)state;
    refused(GOOD "[source other]\n", 7, "[source other] has no type");
    refused(GOOD "[local_group sudo]\n", 7, "has no \"from\"");
    refused(GOOD "[rule contractors]\n", 7, "conditional access rules");
}

static void a_rule_that_nothing_enforces_is_an_error(void **state)
{
    (void)state;
    refused(GOOD "[rule contractors by VPN only]\nthen = deny\n", 7, "conditional access rules");
    assert_int_equal(findings.errors, 1);
}

static void an_empty_list_is_never_everybody(void **state)
{
    (void)state;
    refused(SOURCE "[access]\nallow_groups =\n", 6, "never means everybody");
    refused(SOURCE "[access]\nallow_groups = # a, b\n", 6, "never means everybody");
    refused(SOURCE "[access]\nallow_groups = a,,b\n", 6, "empty entry");
    refused(SOURCE "[access]\nallow_groups = a,\n", 6, "ends with a comma");
    assert_int_equal(load(SOURCE), 0);
    assert_false(config->has_allow_groups);
    assert_true(warned("nobody may log in"));
}

static void an_option_stands_once_in_a_file(void **state)
{
    (void)state;
    refused(GOOD "allow_groups = admins\n", 7, "stands twice");
    refused(GOOD "[source hr]\npath = /a\n", 8, "stands twice");
    refused(GOOD "[source  hr]\npath = /a\n", 8, "stands twice");
}

static void a_section_written_with_two_spaces_keeps_its_options(void **state)
{
    (void)state;
    assert_int_equal(load("[source  hr]\ntype = csv\nrole = authority\npath = /p\n"
                          "when_missing = keep\npoll = 5s\n" ACCESS),
                     0);
    assert_int_equal(config->n_sources, 1);
    assert_int_equal(config->source[0].when_missing, ROLLCALL_MISSING_KEEP);
    assert_int_equal(config->source[0].poll, 5);
}

static void the_later_drop_in_wins_option_by_option(void **state)
{
    (void)state;
    put("conf.d/10.conf", "[access]\nallow_groups = ten\n[rollcall]\ncontact = ten\n");
    put("conf.d/20.conf", "[access]\nallow_groups = twenty\n");
    put("conf.d/30.conf~", "[access]\nallow_groups = editor\n");
    put("conf.d/.40.conf", "[access]\nallow_groups = hidden\n");
    assert_int_equal(load(GOOD), 0);
    assert_int_equal(config->allow_groups.n, 1);
    assert_string_equal(config->allow_groups.item[0], "twenty");
    assert_string_equal(config->contact, "ten");
}

static void one_error_in_a_drop_in_refuses_all(void **state)
{
    (void)state;
    put("conf.d/10.conf", "[access]\n\nnope = 1\n");
    refused(GOOD, 3, "no option \"nope\"");
    assert_string_equal(findings.item[0].file, "./conf.d/10.conf");
}

static void refused_in(const char *file, int line, const char *words)
{
    refused(GOOD, line, words);
    for (size_t i = 0; i < findings.n; i++)
        if (findings.item[i].line == line && strstr(findings.item[i].text, words))
            assert_string_equal(findings.item[i].file, file);
}

// What shows only when all is read was said of the main file, where nothing of it stands.
static void what_does_not_hold_together_is_told_where_it_was_written(void **state)
{
    (void)state;
    put("conf.d/10.conf", "[mfa]\n\nfactors = totp, topt\n[source  x]\nrole = directory\n");
    refused_in("./conf.d/10.conf", 3, "there is no factor \"topt\"");
    refused_in("./conf.d/10.conf", 4, "[source x] has no type");
    // Of two, the one that counts; and a default stands nowhere.
    put("conf.d/20.conf", "[mfa]\nfactors = tpto\n[source x]\ntype = csv\n");
    refused_in("./conf.d/20.conf", 2, "there is no factor \"tpto\"");
    refused_in("./conf.d/20.conf", 3, "[source x] has no path");
    assert_int_equal(unlink("conf.d/20.conf"), 0);
    put("conf.d/10.conf", "[source x]\ntype = csv\npath = /a\nexpect_every = 20d\n");
    refused_in("./conf.d/10.conf", 1, "has no role");
    assert_true(warned("[source x] expect_every is not shorter"));
    assert_int_equal(findings.item[findings.n - 1].line, 4);
}

static void drop_ins_that_cannot_be_listed_are_an_error(void **state)
{
    (void)state;
    assert_int_equal(rmdir("conf.d"), 0);
    assert_int_equal(load(GOOD), 0);
    put("conf.d", "a file in the folder's place");
    refused(GOOD, 0, "cannot be read");
}

static void no_file_is_no_configuration(void **state)
{
    (void)state;
    put("conf.d/10.conf", GOOD);
    assert_int_equal(load(NULL), -ENOENT);
    assert_null(config);
}

static void a_list_longer_than_two_hundred_bytes_is_taken_whole(void **state)
{
    char text[4096] = SOURCE "[access]\nallow_groups = ";

    (void)state;
    for (int i = 0; i < 20; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%s0d9a3c1e-0000-4000-8000-2f5f6d7b8a%02d", i ? ", " : "", i);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "   # a comment\n");
    assert_int_equal(load(text), 0);
    assert_int_equal(config->allow_groups.n, 20);
    assert_string_equal(config->allow_groups.item[0], "0d9a3c1e-0000-4000-8000-2f5f6d7b8a00");
    assert_string_equal(config->allow_groups.item[19], "0d9a3c1e-0000-4000-8000-2f5f6d7b8a19");
}

static void a_long_comment_is_a_comment_and_a_long_name_an_error(void **state)
{
    char line[400], text[1000];

    (void)state;
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = 0;
    snprintf(text, sizeof(text), GOOD "# %s\n; %s\n", line, line);
    assert_int_equal(load(text), 0);
    snprintf(text, sizeof(text), GOOD "%s = 1\n", line);
    refused(text, 7, "longer than a name");
    snprintf(text, sizeof(text), GOOD "[source %s]\n", line);
    refused(text, 7, "needs a name of letters");
}

static void files_that_are_no_text_of_roots_are_refused(void **state)
{
    (void)state;
    scratch_write(MAIN, GOOD "\0x", sizeof(GOOD) + 1);
    refused(NULL, 0, "NUL byte");
    unlink(MAIN);
    assert_int_equal(symlink("conf.d/real", MAIN), 0);
    put("conf.d/real", GOOD);
    refused(NULL, 0, "cannot be read");
    unlink(MAIN);
    assert_int_equal(mkfifo(MAIN, 0644), 0);
    refused(NULL, 0, "not a regular file");
    unlink(MAIN);
    put(MAIN, GOOD);
    assert_int_equal(truncate(MAIN, 1024 * 1024 + 1), 0);
    refused(NULL, 0, "larger than 1 MiB");
    if (geteuid() != 0)
        return; // only root can ask for a file of root's
    put(MAIN, GOOD);
    assert_int_equal(chmod(MAIN, 0664), 0);
    refused(NULL, 0, "root");
    put(MAIN, GOOD);
    assert_int_equal(chown(MAIN, 12345, 0), 0);
    refused(NULL, 0, "root");
    assert_int_equal(chown(MAIN, 0, 0), 0);
    put("conf.d/a.conf", "");
    assert_int_equal(load(GOOD), 0);
    assert_int_equal(chmod("conf.d", 0777), 0);
    refused(GOOD, 0, "root");
}

static void what_must_hold_together_is_asked_for(void **state)
{
    (void)state;
    refused_for(ACCESS, "there is no [source NAME]");
    refused_for("[source a]\ntype = csv\nrole = directory\npath = /p\n" ACCESS,
                "no source has the role authority");
    refused_for("[source a]\ntype = csv\nrole = authority\n" ACCESS, "has no path");
    refused_for("[source a]\ntype = exec\nrole = authority\n" ACCESS, "has no command");
    refused_for("[source a]\ntype = exec\nrole = authority\ncommand = /c\nuser = root\n" ACCESS,
                "must not run as root");
    refused("[source a]\ntype = ldif\n" ACCESS, 2, "csv|exec|ldap");
    refused("[source a]\ntype = csv\nrole = boss\n" ACCESS, 3, "does not know \"boss\"");
    refused("[source a]\npath = people.csv\n" ACCESS, 2, "absolute path");
    refused_for(GOOD "[mfa]\nfactors = okta-push\n", "nobody could log in");
    refused_for(GOOD "[mfa]\nfactors = fido2\nenrol = access-code\n", "add totp to factors");
    refused_for(
        GOOD "[mfa]\nfactors = totp, fido2\nfido2_aaguids = cb69481e-8ff7-4039-93ec-0a2729a154a8\n",
        "a mere claim");
    refused_for(GOOD
                "[mfa]\nfactors = totp, fido2\nfido2_roots = /r.pem\nfido2_aaguids = cb69481e\n",
                "is no AAGUID");
    refused_for(GOOD "[breakglass]\naccount = root\n", "not root");
    refused_for(GOOD "[mfa]\nfactors = fido2\nfido2_rp = Example.com\n", "in small letters");
    refused_for(GOOD "[mfa]\nfactors = smell\n", "there is no factor \"smell\"");
    refused_for(GOOD "[local_group root]\nfrom = x\n", "nobody is put into root's group");
    refused_for(GOOD "[service sudo]\nrequire = phishing-resistant\n", "add fido2 to factors");
}

static void ids_of_systems_and_containers_are_refused(void **state)
{
    static const char *const bad[] = {"0-2000",
                                      "100-5000",
                                      "60000-62000",
                                      "65000-70000",
                                      "524288-600000",
                                      "500000-600000",
                                      "400000-2000000000",
                                      "1879048192-4294967295",
                                      "1879048192-2147483647"};
    static const char *const odd[] = {"5-",           "-5",           "70000",
                                      "80000-70000",  "70000-70010",  " 70000 - 80000",
                                      "70000-80000x", "0x10000-80000"};
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), GOOD "[ids]\nid_range = %s\n", bad[i]);
        refused(text, 8, "id_range");
    }
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        snprintf(text, sizeof(text), GOOD "[ids]\nid_range = %s\n", odd[i]);
        refused(text, 8, "id_range");
    }
    assert_int_equal(load(GOOD "[ids]\nid_range = 70000-80000\n"), 0);
    assert_int_equal(config->id_min, 70000);
    assert_int_equal(config->id_max, 80000);
}

static void a_file_of_nonsense_ends_in_errors_not_in_memory(void **state)
{
    char *text = malloc(200000);
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 5000; i++)
        n += (size_t)snprintf(text + n, 200000 - n, "[x%d]\na = b\n", i);
    assert_int_equal(load(text), -EINVAL);
    assert_int_equal(findings.n, 200);
    assert_true(findings.errors >= 5000);
    free(text);
}

static void a_source_goes_through_the_pipe_without_who_runs_it(void **state)
{
    json_t *o;

    (void)state;
    assert_int_equal(load("[source v]\ntype = exec\nrole = authority\ncommand = /opt/v\n"
                          "user = vendor\njoin_prefix = C-\ndefault_end = 90d\n" ACCESS),
                     0);
    o = rollcall_config_source_json(rollcall_config_source(config, "v"));
    assert_string_equal(json_string_value(json_object_get(o, "command")), "/opt/v");
    assert_string_equal(json_string_value(json_object_get(o, "join_prefix")), "C-");
    assert_int_equal(json_integer_value(json_object_get(o, "default_end")), 90 * 86400);
    assert_null(json_object_get(o, "user"));
    json_decref(o);
    assert_null(rollcall_config_source(config, "w"));
}

#define LDAP                                                                                       \
    "[source dir]\ntype = ldap\nrole = authority, directory\nuri = ldaps://a.example, "            \
    "ldap://b.example\nbase = dc=example,dc=com\n"
#define SIMPLE "bind_dn = cn=sync,dc=example,dc=com\npassword_file = /etc/rollcall/secrets/ldap\n"

static void what_a_directory_needs_is_missed_by_name(void **state)
{
    (void)state;
    refused_for("[source a]\ntype = ldap\nrole = authority\nbase = dc=x\nbind = none\n" ACCESS,
                "has no uri");
    refused_for("[source a]\ntype = ldap\nrole = authority\nuri = ldaps://a\nbind = none\n" ACCESS,
                "has no base");
    refused_for("[source a]\ntype = ldap\nrole = authority\nuri = a.example\nbase = dc=x\nbind = "
                "none\n" ACCESS,
                "must begin with ldaps://");
    refused_for(LDAP ACCESS, "needs bind_dn and password_file");
    refused_for(LDAP "bind = gssapi\n" ACCESS, "needs a keytab");
    refused_for(LDAP "bind = external\n" ACCESS, "needs cert_file and key_file");
    refused_for(LDAP "bind = none\n" SIMPLE ACCESS, "takes neither bind_dn");
    refused_for(LDAP SIMPLE "cert_file = /c.pem\n" ACCESS, "go together");
    refused_for(LDAP SIMPLE "map = employeeNumber\n" ACCESS, "must be NAME:ATTRIBUTE");
    refused(LDAP SIMPLE "sync = never\n" ACCESS, 8, "auto|persist|refresh|poll|dirsync|usn");
    refused_for(LDAP SIMPLE "path = /p\n" ACCESS, "path belongs to type csv or json");
    refused_for(SOURCE "uri = ldaps://a.example\n" ACCESS, "uri belongs to type ldap");
    refused_for(SOURCE "password_file = /p\n" ACCESS,
                "password_file belongs to type exec, ldap, json or scim");
}

static void a_directory_goes_through_the_pipe_with_numbers_for_its_files(void **state)
{
    json_t *o, *files;

    (void)state;
    assert_int_equal(load(LDAP SIMPLE "ca_file = /etc/ca.pem\nmap = a:b, c:d\n" ACCESS), 0);
    o = rollcall_config_source_json(rollcall_config_source(config, "dir"));
    files = json_object_get(o, "files");
    assert_int_equal(json_integer_value(json_object_get(files, "password_file")), 3);
    assert_int_equal(json_integer_value(json_object_get(files, "ca_file")), 5);
    assert_int_equal(json_object_size(files), 2);
    assert_null(json_object_get(o, "password_file"));
    assert_int_equal(json_array_size(json_object_get(o, "uri")), 2);
    assert_int_equal(json_array_size(json_object_get(o, "map")), 2);
    assert_string_equal(json_string_value(json_object_get(o, "schema")), "rfc2307");
    assert_string_equal(json_string_value(json_object_get(o, "sync")), "auto");
    assert_string_equal(json_string_value(json_object_get(o, "base")), "dc=example,dc=com");
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_example_is_taken_whole),
        T(security_keys_alone_are_taken_with_a_warning),
        T(what_only_keys_can_show_is_asked_for_where_there_are_keys),
        T(the_defaults_are_the_documented_ones),
        T(what_programs_are_told_is_the_hosts_to_choose),
        T(a_wrong_word_earns_its_line_and_what_was_meant),
        T(an_option_beside_its_section_is_not_passed_over),
        T(a_section_with_nothing_below_it_is_not_passed_over),
        T(a_rule_that_nothing_enforces_is_an_error),
        T(an_empty_list_is_never_everybody),
        T(an_option_stands_once_in_a_file),
        T(a_section_written_with_two_spaces_keeps_its_options),
        T(the_later_drop_in_wins_option_by_option),
        T(one_error_in_a_drop_in_refuses_all),
        T(what_does_not_hold_together_is_told_where_it_was_written),
        T(drop_ins_that_cannot_be_listed_are_an_error),
        T(no_file_is_no_configuration),
        T(a_list_longer_than_two_hundred_bytes_is_taken_whole),
        T(a_long_comment_is_a_comment_and_a_long_name_an_error),
        T(files_that_are_no_text_of_roots_are_refused),
        T(what_must_hold_together_is_asked_for),
        T(ids_of_systems_and_containers_are_refused),
        T(a_file_of_nonsense_ends_in_errors_not_in_memory),
        T(a_source_goes_through_the_pipe_without_who_runs_it),
        T(what_a_directory_needs_is_missed_by_name),
        T(a_directory_goes_through_the_pipe_with_numbers_for_its_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
