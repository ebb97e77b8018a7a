// SPDX-License-Identifier: BSD-2-Clause
// What an entry of a directory becomes, and what it can never become.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldap.h>

#include "rollcall/source.h"
#include "rollcall/timeparse.h"
#include "syncd/sources/ldap_dn.h"
#include "syncd/sources/ldap_map.h"
#include "syncd/sources/ldap_state.h"

#define ID "06cf9b60-7d60-1041-8377-6f34ca63212b"

// One value each, but where a name stands twice in a row.
static struct berval pool[4096];
static size_t pool_used;

static struct dir_entry entry_of(const char *dn, ...)
{
    static char copies[256 * 1024];
    static size_t at;
    struct berval *values = &pool[pool_used];
    struct dir_entry e = {.dn = {strlen(dn), (char *)(uintptr_t)dn}};
    size_t n = 0;
    const char *name, *value;
    va_list ap;

    va_start(ap, dn);
    while ((name = va_arg(ap, const char *))) {
        value = va_arg(ap, const char *);
        values[n] = (struct berval){strlen(value), copies + at};
        memcpy(copies + at, value, strlen(value));
        at += strlen(value); // no NUL behind it, as in a message
        if (e.n > 0 && strcmp(e.attr[e.n - 1].name.bv_val, name) == 0)
            e.attr[e.n - 1].n++;
        else
            e.attr[e.n++] =
                (struct dir_attr){{strlen(name), (char *)(uintptr_t)name}, &values[n], 1};
        n++;
    }
    va_end(ap);
    pool_used += n;
    assert_true(pool_used < sizeof(pool) / sizeof(pool[0]) && at < sizeof(copies));
    return e;
}
#define ENTRY(...) entry_of("uid=alice,ou=people,dc=x", __VA_ARGS__, (char *)NULL)

static struct berval bv(const char *text)
{
    return (struct berval){strlen(text), (char *)(uintptr_t)text};
}

// ---- states ----

static int64_t at(const char *text)
{
    enum rollcall_time_kind kind;
    int64_t t;

    assert_int_equal(rollcall_time_parse(text, &kind, &t), 0);
    return t;
}

static const struct {
    const char *name, *value;
    bool disabled, blocked;
    const char *start, *end; // NULL: none
} states[] = {
    {"nsAccountLock", "TRUE", true, false, NULL, NULL},
    {"nsaccountlock", "true", true, false, NULL, NULL},
    {"nsAccountLock", "false", false, false, NULL, NULL},
    {"loginDisabled", "TRUE", true, false, NULL, NULL},
    {"pwdAccountLockedTime", "000001010000Z", true, false, NULL, NULL},
    {"pwdAccountLockedTime", "20261125201530Z", false, true, NULL, NULL},
    {"pwdAccountLockedTime", "20261125201530.123456Z", false, true, NULL, NULL},
    {"pwdStartTime", "20261201000000Z", false, false, "2026-12-01T00:00:00Z", NULL},
    {"pwdEndTime", "20261130170000Z", false, false, NULL, "2026-11-30T17:00:00Z"},
    {"krbPrincipalExpiration", "20261130170000Z", false, false, NULL, "2026-11-30T17:00:00Z"},
    {"loginExpirationTime", "202611301700+0100", false, false, NULL, "2026-11-30T16:00:00Z"},
    {"krbPrincipalExpiration", "19691231235959Z", false, false, NULL, "1970-01-01T00:00:00Z"},
    {"shadowExpire", "20787", false, false, NULL, "2026-11-30T00:00:00Z"},
    {"shadowExpire", "0", false, false, NULL, "1970-01-01T00:00:00Z"},
    {"shadowExpire", "-1", false, false, NULL, NULL},
    {"shadowExpire", "99999999", false, false, NULL, "9999-12-31T23:59:59Z"},
    {"userAccountControl", "514", true, false, NULL, NULL},
    {"userAccountControl", "512", false, false, NULL, NULL},
    {"userAccountControl", "528", false, false, NULL, NULL}, // LOCKOUT is not live there
    {"msDS-User-Account-Control-Computed", "16", false, true, NULL, NULL},
    {"lockoutTime", "0", false, false, NULL, NULL},
    {"lockoutTime", "134091234560000000", false, true, NULL, NULL},
    {"accountExpires", "0", false, false, NULL, NULL},
    {"accountExpires", "9223372036854775807", false, false, NULL, NULL},
    {"accountExpires", "134248644000000000", false, false, NULL, "2026-06-02T09:00:00Z"},
};

static void each_switch_of_an_administrator_is_a_state_with_its_date(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct dir_entry e = ENTRY(states[i].name, states[i].value);
        struct dir_state s;
        char why[300] = "", text[ROLLCALL_TIME_TEXT];
        if (dir_state_take(&e, &s, why, sizeof(why)) != 0)
            fail_msg("%s: %s: %s", states[i].name, states[i].value, why);
        if (s.disabled != states[i].disabled || s.password_blocked != states[i].blocked)
            fail_msg("%s: %s: disabled %d, blocked %d", states[i].name, states[i].value, s.disabled,
                     s.password_blocked);
        if (s.start != (states[i].start ? at(states[i].start) : ROLLCALL_TIME_UNSET))
            fail_msg("%s: %s: another start", states[i].name, states[i].value);
        if (s.end != (states[i].end ? at(states[i].end) : ROLLCALL_TIME_UNSET))
            fail_msg("%s: %s: ends %s", states[i].name, states[i].value,
                     s.end == ROLLCALL_TIME_UNSET
                         ? "never"
                         : rollcall_time_format(s.end, -1, text, sizeof(text)));
    }
}

static void a_switch_that_cannot_be_read_is_not_taken_for_off(void **state)
{
    static const char *const bad[][2] = {
        {"nsAccountLock", "yes"},
        {"loginDisabled", "1"},
        {"pwdEndTime", "tomorrow"},
        {"pwdEndTime", "20261130170000"},
        {"pwdStartTime", "20260231000000Z"},
        {"krbPrincipalExpiration", "20261130"},
        {"shadowExpire", "20787 "},
        {"shadowExpire", ""},
        {"userAccountControl", "0x202"},
        {"accountExpires", "9223372036854775808"},
        {"lockoutTime", "-"},
        {"pwdEndTime", "20261130250000Z"},
    };
    char why[300];
    struct dir_state s;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct dir_entry e = ENTRY(bad[i][0], bad[i][1]);
        if (dir_state_take(&e, &s, why, sizeof(why)) != -EBADMSG || !strstr(why, bad[i][0]))
            fail_msg("%s: %s was taken", bad[i][0], bad[i][1]);
    }
}

static void the_strictest_of_several_dates_counts(void **state)
{
    struct dir_entry e = ENTRY("krbPrincipalExpiration", "20270101000000Z", "shadowExpire", "20787",
                               "pwdEndTime", "20280101000000Z");
    struct dir_entry none =
        ENTRY("pwdStartTime", "20270101000000Z", "pwdEndTime", "20270101000000Z");
    struct dir_state s;
    char why[300];

    (void)state;
    assert_int_equal(dir_state_take(&e, &s, why, sizeof(why)), 0);
    assert_int_equal(s.end, at("2026-11-30T00:00:00Z"));
    assert_false(s.disabled);
    assert_int_equal(dir_state_take(&none, &s, why, sizeof(why)), 0);
    assert_true(s.disabled); // a window with nothing in it
}

// ---- names ----

static void one_dn_has_one_form(void **state)
{
    static const char *const same[] = {
        "uid=alice,ou=People,dc=Example,dc=org", "UID=Alice, OU=people, DC=example, DC=ORG",
        "uid = alice , ou = people,dc=example,dc=org", "uid=\\61lice,ou=people,dc=example,dc=org",
        "uid=  alice  ,ou=people,dc=example,dc=org"};
    struct berval v = bv(same[0]);
    char *first = dir_dn(&v);

    (void)state;
    assert_non_null(first);
    for (size_t i = 1; i < sizeof(same) / sizeof(same[0]); i++) {
        struct berval other = bv(same[i]);
        char *dn = dir_dn(&other);
        assert_non_null(dn);
        assert_string_equal(dn, first);
        ldap_memfree(dn);
    }
    ldap_memfree(first);
}

static void two_dns_are_two(void **state)
{
    static const char *const pairs[][2] = {
        {"cn=a\\,b,dc=x", "cn=a,cn=b,dc=x"},
        {"cn=a b,dc=x", "cn=ab,dc=x"},
        {"cn=a+sn=b,dc=x", "cn=a,sn=b,dc=x"},
        {"cn=a\\2Cdc\\3Dx", "cn=a,dc=x"},
    };
    struct berval one = bv("sn=b+cn=a,dc=x"), other = bv("cn=a+sn=b,dc=x");
    char *x, *y;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct berval a = bv(pairs[i][0]), b = bv(pairs[i][1]);
        x = dir_dn(&a);
        y = dir_dn(&b);
        assert_true(x && y && strcmp(x, y) != 0);
        ldap_memfree(x);
        ldap_memfree(y);
    }
    x = dir_dn(&one);
    y = dir_dn(&other);
    assert_string_equal(x, y);
    ldap_memfree(x);
    ldap_memfree(y);
}

static void what_is_no_dn_is_none(void **state)
{
    static const char *const bad[] = {"",       "alice", "uid=", "=alice,dc=x", "uid=alice,,dc=x",
                                      "uid=a\\"};
    struct berval nul = {10, (char *)(uintptr_t) "cn=a\0,dc=x"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct berval v = bv(bad[i]);
        char *dn = dir_dn(&v);
        if (dn && strcmp(bad[i], "uid=") != 0)
            fail_msg("\"%s\" became %s", bad[i], dn);
        ldap_memfree(dn);
    }
    assert_null(dir_dn(&nul));
    assert_true(dir_dn_below("uid=a,dc=x", "dc=x"));
    assert_true(dir_dn_below("dc=x", "dc=x"));
    assert_false(dir_dn_below("uid=a,adc=x", "dc=x"));
    assert_false(dir_dn_below("dc=x", "uid=a,dc=x"));
}

// ---- people ----

static struct dir_map map_of(const char *schema, const char *changes)
{
    json_t *list = json_loads(changes, 0, NULL);
    struct dir_map m;
    char why[300] = "";

    if (dir_map_init(&m, schema, list, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    json_decref(list);
    return m;
}

// Through the protocol's own parser: what a source says has to be a message.
static void said(json_t *user, struct rollcall_message *ret)
{
    json_t *o = json_pack("{s:s, s:o}", "op", "user", "user", user);
    char *line = json_dumps(o, JSON_COMPACT), why[300] = "";

    if (rollcall_message_parse(line, strlen(line), ret, why, sizeof(why)) != 0)
        fail_msg("%s: %s", why, line);
    free(line);
    json_decref(o);
}

#define ALICE                                                                                      \
    "objectClass", "posixAccount", "uid", "alice", "cn", "Alice Example", "uidNumber", "100000",   \
        "gidNumber", "100000", "loginShell", "/bin/bash", "homeDirectory", "/home/alice"

static void a_person_of_rfc2307_is_taken_whole(void **state)
{
    struct dir_map m = map_of("rfc2307", "[\"userType:-\", \"department:ou\"]");
    struct dir_entry e = ENTRY(ALICE, "mail", "alice@x.org", "employeeNumber", "00042", "ou", "IT",
                               "employeeType", "boss", "sshPublicKey", "ssh-ed25519 AAAA a",
                               "sshPublicKey", "ssh-ed25519 BBBB b", "nsAccountLock", "FALSE");
    struct rollcall_message u;
    json_t *user = NULL;
    char why[300] = "";

    (void)state;
    assert_int_equal(dir_kind_of(&m, &e, "uid=alice,ou=people,dc=x"), DIR_USER);
    assert_int_equal(dir_user_take(&m, &e, ID, "uid=alice,ou=people,dc=x", &user, why, sizeof(why)),
                     0);
    said(user, &u);
    assert_string_equal(u.user.id, ID);
    assert_string_equal(u.user.user_name, "alice");
    assert_string_equal(u.user.display_name, "Alice Example");
    assert_string_equal(u.user.employee_number, "00042");
    assert_string_equal(u.user.email, "alice@x.org");
    assert_string_equal(u.user.department, "IT");
    assert_null(u.user.worker_type); // the map took it away
    assert_int_equal(u.user.status, ROLLCALL_STATUS_ACTIVE);
    assert_int_equal(u.user.uid, 100000);
    assert_string_equal(u.user.login_shell, "/bin/bash");
    assert_int_equal(u.user.n_ssh_keys, 2);
    assert_false(u.user.groups_present);
    rollcall_message_done(&u);
    dir_map_done(&m);
}

static json_t *ours_of(json_t *user)
{
    return json_object_get(user, "urn:rollcall:1.0:User");
}

static void names_under_which_groups_list_people_follow_the_schema(void **state)
{
    struct dir_map names = map_of("rfc2307", "[]"), dns = map_of("rfc2307bis", "[]");
    struct dir_entry e = ENTRY(ALICE);
    struct berval name = bv("alice"), dn = bv("UID=Alice, OU=People,dc=x"), odd = bv("no dn");
    json_t *user = NULL, *alias;
    char why[300];

    (void)state;
    assert_int_equal(dir_user_take(&names, &e, ID, "uid=alice,ou=people,dc=x", &user, why, 300), 0);
    alias = dir_member(&names, &name);
    assert_true(json_equal(json_array_get(json_object_get(ours_of(user), "aliases"), 0), alias));
    assert_string_equal(json_string_value(alias), "uid:alice");
    assert_string_equal(json_string_value(json_object_get(ours_of(user), "dn")),
                        "uid=alice,ou=people,dc=x");
    json_decref(alias);
    json_decref(user);
    assert_int_equal(dir_user_take(&dns, &e, ID, "uid=alice,ou=people,dc=x", &user, why, 300), 0);
    alias = dir_member(&dns, &dn);
    assert_true(json_equal(json_array_get(json_object_get(ours_of(user), "aliases"), 0), alias));
    json_decref(alias);
    json_decref(user);
    assert_null(dir_member(&dns, &odd));
    dir_map_done(&names);
    dir_map_done(&dns);
}

static void what_nobody_can_take_is_a_sentence_and_no_person(void **state)
{
    static const char *const bad[][3] = {
        {"uid", "alic\xff", "uid is no text"},
        {"uidNumber", "ten", "uidNumber is no whole number"},
        {"uidNumber", "-1", "uidNumber is no whole number"},
        {"mail", "a\xc0\xaf", "mail is no text"},
        {"pwdEndTime", "later", "pwdEndTime cannot be read"},
    };
    struct dir_map m = map_of("rfc2307", "[]");
    struct dir_entry two = ENTRY("uid", "alice", "uid", "root"), none = ENTRY("cn", "Alice");
    struct dir_entry nul = ENTRY("uid", "alice");
    json_t *user = NULL;
    char why[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct dir_entry e = strcmp(bad[i][0], "uid") == 0
                                 ? ENTRY("uid", bad[i][1])
                                 : ENTRY("uid", "alice", bad[i][0], bad[i][1]);
        if (dir_user_take(&m, &e, ID, "uid=alice,dc=x", &user, why, sizeof(why)) != -EBADMSG ||
            !strstr(why, bad[i][2]))
            fail_msg("%s: %.20s: %s", bad[i][0], bad[i][1], why);
    }
    assert_int_equal(dir_user_take(&m, &two, ID, "uid=alice,dc=x", &user, why, 300), -EBADMSG);
    assert_non_null(strstr(why, "several values"));
    assert_int_equal(dir_user_take(&m, &none, ID, "cn=alice,dc=x", &user, why, 300), -EBADMSG);
    assert_non_null(strstr(why, "uid is missing"));
    nul.attr[0].values[0] = (struct berval){5, (char *)(uintptr_t) "ro\0ot"};
    assert_int_equal(dir_user_take(&m, &nul, ID, "uid=alice,dc=x", &user, why, 300), -EBADMSG);
    assert_null(user);
    dir_map_done(&m);
}

// Their owner may write them, be it to hide from the end of the employment.
static void keys_that_cannot_be_taken_hide_nothing_else(void **state)
{
    static char long_key[17000], key[16000];
    struct berval some[] = {bv("ssh-ed25519 A"), {0}, {0, NULL}, bv("ssh-ed25519 B")};
    static struct berval many[1100];
    const struct {
        struct berval *values;
        size_t n, taken;
        const char *why;
    } rows[] = {{some, 4, 2, "it is left out"},
                {many, 20, 0, "all of it is left out"},
                {many + 20, 1080, 1024, "behind are left out"},
                {many + 1, 1099, 0, "all of it is left out"},
                {many + 20, 1, 1, ""}};
    struct dir_map m = map_of("rfc2307", "[\"status:employeeStatus\"]");

    (void)state;
    memset(long_key, 'k', sizeof(long_key) - 1);
    memset(key, 'k', sizeof(key) - 1);
    some[1] = bv(long_key);
    for (size_t i = 0; i < 1100; i++)
        many[i] = bv(i < 20 ? key : "k");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dir_entry e = ENTRY("uid", "alice", "employeeStatus", "terminated");
        struct rollcall_message u;
        json_t *user = NULL;
        char why[300] = "before";
        e.attr[e.n++] = (struct dir_attr){bv("sshPublicKey"), rows[i].values, rows[i].n};
        assert_int_equal(dir_user_take(&m, &e, ID, "uid=alice,dc=x", &user, why, 300), 0);
        assert_true(*rows[i].why ? strstr(why, rows[i].why) != NULL : !*why);
        said(user, &u);
        assert_true(u.user.keys_present);
        assert_int_equal(u.user.n_ssh_keys, rows[i].taken);
        assert_int_equal(u.user.status, ROLLCALL_STATUS_TERMINATED);
        rollcall_message_done(&u);
    }
    dir_map_done(&m);
}

static void an_end_is_read_where_the_rest_cannot_be(void **state)
{
    struct dir_map m = map_of("rfc2307", "[\"status:employeeStatus\"]"),
                   hub = map_of("rollcall", "[]"), none = map_of("rfc2307", "[]");
    struct dir_entry ended = ENTRY("employeeStatus", "terminated", "rollcallState", "terminated");
    struct dir_entry here = ENTRY("employeeStatus", "active", "rollcallState", "active");
    struct dir_entry both = ENTRY("employeeStatus", "terminated", "employeeStatus", "active");

    (void)state;
    assert_true(dir_says_terminated(&m, &ended) && dir_says_terminated(&hub, &ended));
    assert_false(dir_says_terminated(&m, &here) || dir_says_terminated(&hub, &here));
    assert_false(dir_says_terminated(&m, &both) || dir_says_terminated(&none, &ended));
    dir_map_done(&m);
    dir_map_done(&hub);
    dir_map_done(&none);
}

static void a_switch_goes_before_the_word_that_hr_keeps_there(void **state)
{
    static const struct {
        const char *word, *lock;
        enum rollcall_status status;
    } rows[] = {
        {"active", "FALSE", ROLLCALL_STATUS_ACTIVE},
        {"active", "TRUE", ROLLCALL_STATUS_DISABLED},
        {"leave", "TRUE", ROLLCALL_STATUS_DISABLED},
        {"terminated", "TRUE", ROLLCALL_STATUS_TERMINATED},
        {"terminated", "FALSE", ROLLCALL_STATUS_TERMINATED},
        {"retired", "FALSE", ROLLCALL_STATUS_UNKNOWN},
    };
    struct dir_map m = map_of("rfc2307", "[\"status:employeeStatus\", \"end:lastDay\"]");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dir_entry e = ENTRY("uid", "alice", "employeeStatus", rows[i].word, "nsAccountLock",
                                   rows[i].lock, "lastDay", "2026-11-30", "shadowExpire", "20800");
        struct rollcall_message u;
        json_t *user = NULL;
        char why[300];
        assert_int_equal(dir_user_take(&m, &e, ID, "uid=alice,dc=x", &user, why, 300), 0);
        said(user, &u);
        assert_int_equal(u.user.status, rows[i].status);
        assert_int_equal(u.user.end, at("2026-12-01T00:00:00Z"));
        rollcall_message_done(&u);
    }
    dir_map_done(&m);
}

static void groups_are_known_by_class_and_base(void **state)
{
    struct dir_map m = map_of("rfc2307bis", "[\"group.id:entryUUID\"]");
    struct dir_entry g =
        ENTRY("objectClass", "top", "objectClass", "groupOfNames", "cn", "Admins", "entryUUID", ID,
              "member", "uid=alice,dc=x", "member", "cn=b,dc=x", "uniqueMember", "uid=c,dc=x");
    struct dir_entry nameless = ENTRY("objectClass", "groupOfNames", "cn", "x");
    struct dir_group out;
    char why[300];

    (void)state;
    m.user_base = "ou=people,dc=x";
    m.group_base = "ou=groups,dc=x";
    assert_int_equal(dir_kind_of(&m, &g, "cn=admins,ou=groups,dc=x"), DIR_GROUP);
    assert_int_equal(dir_kind_of(&m, &g, "cn=admins,ou=people,dc=x"), DIR_NOBODY);
    assert_int_equal(dir_group_take(&m, &g, "cn=admins,ou=groups,dc=x", &out, why, 300), 0);
    assert_string_equal(out.id, ID);
    assert_int_equal(out.members[0]->n, 2);
    assert_int_equal(out.members[1]->n, 1);
    json_decref(out.group);
    assert_int_equal(dir_group_take(&m, &nameless, "cn=x", &out, why, 300), -EBADMSG);
    dir_map_done(&m);
}

static void a_map_that_means_nothing_is_refused(void **state)
{
    static const char *const bad[] = {"[\"username:uid\"]", "[\"userName\"]",   "[\"userName:\"]",
                                      "[\"userName:-\"]",   "[\"group.id:-\"]", "[5]"};
    char why[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *list = json_loads(bad[i], 0, NULL);
        struct dir_map m;
        if (dir_map_init(&m, "rfc2307", list, why, sizeof(why)) != -EINVAL)
            fail_msg("%s was taken", bad[i]);
        json_decref(list);
    }
}

static void ids_are_the_same_whatever_attribute_says_them(void **state)
{
    static const unsigned char guid[] = {0x60, 0x9b, 0xcf, 0x06, 0x60, 0x7d, 0x41, 0x10,
                                         0x83, 0x77, 0x6f, 0x34, 0xca, 0x63, 0x21, 0x2b};
    struct dir_entry entry = ENTRY("entryUUID", ID),
                     ad = {.attr[0] = {bv("objectGUID"), pool, 1}, .n = 1};
    unsigned char uuid[DIR_UUID];
    char text[DIR_UUID_TEXT];

    (void)state;
    assert_int_equal(dir_entry_uuid(&entry, uuid), 0);
    dir_uuid_text(uuid, text);
    assert_string_equal(text, ID);
    entry = ENTRY("nsUniqueId", "06cf9b60-7d601041-83776f34-ca63212b");
    assert_int_equal(dir_entry_uuid(&entry, uuid), 0);
    dir_uuid_text(uuid, text);
    assert_string_equal(text, ID);
    dir_unique_id_text(uuid, text);
    assert_string_equal(text, "06cf9b60-7d601041-83776f34-ca63212b");
    pool[0] = (struct berval){sizeof(guid), (char *)(uintptr_t)guid};
    assert_int_equal(dir_entry_uuid(&ad, uuid), 0);
    dir_uuid_text(uuid, text);
    assert_string_equal(text, ID);
    entry = ENTRY("entryUUID", "06cf9b60-7d60-1041-8377-6f34ca63212");
    assert_int_equal(dir_entry_uuid(&entry, uuid), -EBADMSG);
    entry = ENTRY("cn", "x");
    assert_int_equal(dir_entry_uuid(&entry, uuid), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_switch_of_an_administrator_is_a_state_with_its_date),
        cmocka_unit_test(a_switch_that_cannot_be_read_is_not_taken_for_off),
        cmocka_unit_test(the_strictest_of_several_dates_counts),
        cmocka_unit_test(one_dn_has_one_form),
        cmocka_unit_test(two_dns_are_two),
        cmocka_unit_test(what_is_no_dn_is_none),
        cmocka_unit_test(a_person_of_rfc2307_is_taken_whole),
        cmocka_unit_test(names_under_which_groups_list_people_follow_the_schema),
        cmocka_unit_test(what_nobody_can_take_is_a_sentence_and_no_person),
        cmocka_unit_test(keys_that_cannot_be_taken_hide_nothing_else),
        cmocka_unit_test(an_end_is_read_where_the_rest_cannot_be),
        cmocka_unit_test(a_switch_goes_before_the_word_that_hr_keeps_there),
        cmocka_unit_test(groups_are_known_by_class_and_base),
        cmocka_unit_test(a_map_that_means_nothing_is_refused),
        cmocka_unit_test(ids_are_the_same_whatever_attribute_says_them),
    };

    rollcall_timezone_use("UTC");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
