// SPDX-License-Identifier: BSD-2-Clause
// People: what should stand there is compared with what stands there, and only the
// difference is written.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "syncd/sinks/sink.h"

// What this sink keeps of a person's entry. rollcallId and the classes are written once.
static const char *const kept[] = {"rollcallState",
                                   "rollcallReason",
                                   "rollcallNotBefore",
                                   "rollcallNotAfter",
                                   "rollcallAuthority",
                                   "rollcallPasswordBlocked",
                                   "rollcallIncarnation",
                                   "rollcallMemberOf",
                                   "uid",
                                   "cn",
                                   "sn",
                                   "displayName",
                                   "gidNumber",
                                   "homeDirectory",
                                   "loginShell",
                                   "employeeNumber",
                                   "rollcallPublicFactor",
                                   "sshPublicKey"};
#define N_KEPT  (sizeof(kept) / sizeof(kept[0]))
#define N_VITAL 8 // the first of them: who is let in. All of the hub's own making
static const char *const asked[] = {"uidNumber",
                                    "rollcallOwner",
                                    "uid",
                                    "cn",
                                    "sn",
                                    "displayName",
                                    "gidNumber",
                                    "homeDirectory",
                                    "loginShell",
                                    "employeeNumber",
                                    "rollcallState",
                                    "rollcallReason",
                                    "rollcallNotBefore",
                                    "rollcallNotAfter",
                                    "rollcallAuthority",
                                    "rollcallPublicFactor",
                                    "rollcallPasswordBlocked",
                                    "rollcallIncarnation",
                                    "rollcallMemberOf",
                                    "sshPublicKey",
                                    NULL};

// ---- what should stand there ----

static void put(json_t *o, const char *attribute, const char *value)
{
    if (value && *value)
        json_object_set_new(o, attribute, json_pack("[s]", value));
}

static void put_number(json_t *o, const char *attribute, json_int_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, n);
    put(o, attribute, text);
}

static void put_instant(json_t *o, const char *attribute, const json_t *t)
{
    time_t at = (time_t)json_integer_value(t);
    char text[32];
    struct tm tm;

    if (json_is_integer(t) && gmtime_r(&at, &tm) &&
        strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) > 0)
        put(o, attribute, text);
}

static int by_text(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;

    return strcmp(json_string_value(*x), json_string_value(*y));
}

static void put_sorted(json_t *o, const char *attribute, json_t *values) // takes the reference
{
    size_t n = json_array_size(values);
    json_t **list = calloc(n + 1, sizeof(json_t *)), *a = json_array();

    for (size_t i = 0; list && i < n; i++)
        list[i] = json_array_get(values, i);
    if (list)
        qsort(list, n, sizeof(json_t *), by_text);
    for (size_t i = 0; list && i < n; i++) // a set: a value stands once
        if (i == 0 || strcmp(json_string_value(list[i]), json_string_value(list[i - 1])) != 0)
            json_array_append(a, list[i]);
    free(list);
    json_decref(values);
    if (json_array_size(a) > 0)
        json_object_set_new(o, attribute, a);
    else
        json_decref(a);
}

static void put_keys(json_t *o, const json_t *keys)
{
    json_t *plain = json_array(), *marked = json_array(), *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        const char *line = json_string_value(key);
        size_t word = strcspn(line, " ");
        bool mark = (word == 8 && strncmp(line, "attested", 8) == 0) ||
                    (word == 7 && strncmp(line, "vouched", 7) == 0);
        if (mark)
            json_array_append(marked, key);
        json_array_append_new(plain, json_string(mark ? line + word + 1 : line));
    }
    put_sorted(o, "sshPublicKey", plain);
    put_sorted(o, "rollcallPublicFactor", marked);
}

static json_t *wanted_of(const json_t *user)
{
    json_t *o = json_object(), *names = json_array(), *group;
    const char *name = json_string_value(json_object_get(user, "name"));
    const char *display = json_string_value(json_object_get(user, "display"));
    const char *common = display && *display ? display : name;
    const char *blank = strrchr(common, ' ');
    size_t i;

    put(o, "uid", name);
    put(o, "cn", common);
    put(o, "sn", blank && blank[1] ? blank + 1 : common);
    put(o, "displayName", display);
    put_number(o, "gidNumber", json_integer_value(json_object_get(user, "uid")));
    put(o, "homeDirectory", json_string_value(json_object_get(user, "home")));
    if (!json_object_get(o, "homeDirectory"))
        put(o, "homeDirectory", "/nonexistent");
    put(o, "loginShell", json_string_value(json_object_get(user, "shell")));
    put(o, "employeeNumber", json_string_value(json_object_get(user, "key")));
    put(o, "rollcallState", json_string_value(json_object_get(user, "state")));
    put_number(o, "rollcallReason", json_integer_value(json_object_get(user, "reason")));
    put_instant(o, "rollcallNotBefore", json_object_get(user, "not_before"));
    put_instant(o, "rollcallNotAfter", json_object_get(user, "not_after"));
    put(o, "rollcallAuthority", json_string_value(json_object_get(user, "authority")));
    put(o, "rollcallPasswordBlocked",
        json_is_true(json_object_get(user, "blocked")) ? "TRUE" : NULL);
    put_number(o, "rollcallIncarnation", json_integer_value(json_object_get(user, "incarnation")));
    json_array_foreach(json_object_get(user, "groups"), i, group)
        json_array_append(names, json_array_get(group, 0));
    put_sorted(o, "rollcallMemberOf", names);
    put_keys(o, json_object_get(user, "keys"));
    return o;
}

// ---- writing it ----

static void uid_text(const json_t *user, char *buf, size_t len)
{
    snprintf(buf, len, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(user, "uid")));
}

static void add_person(struct sink *s, struct sink_requests *q, const char *uid, const char *dn,
                       json_t *wanted, json_t *generation)
{
    struct sink_mods mods = {0};
    const char *attribute;
    json_t *values;

    json_object_set_new(wanted, "objectClass",
                        json_pack("[s, s, s]", "inetOrgPerson", "posixAccount", "rollcallAccount"));
    put(wanted, "uidNumber", uid);
    put(wanted, "rollcallOwner", s->hub);
    json_object_set(wanted, "rollcallId", json_object_get(wanted, "employeeNumber"));
    json_object_set(wanted, "rollcallGeneration", generation);
    json_object_foreach(wanted, attribute, values)
        sink_mods_put(&mods, LDAP_MOD_ADD, attribute, values);
    sink_add(s, q, dn, mods.list, dn, LDAP_SUCCESS);
    sink_mods_done(&mods);
}

// Of kept[from] to kept[to]. False where there is nothing to change.
static bool change_some(struct sink *s, struct sink_requests *q, const char *dn, const json_t *was,
                        const json_t *wanted, size_t from, size_t to, const json_t *generation)
{
    struct sink_mods mods = {0};
    bool some;

    for (size_t i = from; i < to; i++) {
        const json_t *now = json_object_get(wanted, kept[i]), *then = json_object_get(was, kept[i]);
        if (!(now ? json_equal(now, then) : !then))
            sink_mods_put(&mods, LDAP_MOD_REPLACE, kept[i], now);
    }
    some = mods.n > 0;
    if (some && generation)
        sink_mods_put(&mods, LDAP_MOD_REPLACE, "rollcallGeneration", generation);
    if (some)
        sink_modify(s, q, dn, mods.list, dn, LDAP_SUCCESS, false);
    sink_mods_done(&mods);
    return some;
}

// Another has the name now: what the entry says of it stays, for some of it must stand there.
static void keep_names(const json_t *was, json_t *wanted)
{
    static const char *const names[] = {"uid", "cn", "sn", "homeDirectory"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *then = json_object_get(was, names[i]);
        if (then)
            json_object_set(wanted, names[i], then);
    }
}

static void change_person(struct sink *s, struct sink_requests *q, const json_t *was,
                          json_t *wanted, json_t *generation)
{
    const char *dn = json_string_value(json_object_get(was, "dn"));
    const char *owner = json_string_value(json_array_get(json_object_get(was, "rollcallOwner"), 0));
    bool vital;

    if (!owner || strcmp(owner, s->hub) != 0) {
        sink_problem("%s is not this hub's (rollcallOwner is %s): it is left alone", dn,
                     owner ? owner : "absent");
        return;
    }
    if (!json_object_get(wanted, "uid"))
        keep_names(was, wanted);
    // A description that the directory does not take is not to keep a lock out of it.
    vital = change_some(s, q, dn, was, wanted, 0, N_VITAL, generation);
    if (vital)
        sink_insist(q);
    change_some(s, q, dn, was, wanted, N_VITAL, N_KEPT, vital ? NULL : generation);
}

static void keep(void *ctx, json_t *entry)
{
    const char *uid = json_string_value(json_array_get(json_object_get(entry, "uidNumber"), 0));

    if (uid)
        json_object_set(ctx, uid, entry);
}

// The entries that these people have already, by uid.
static json_t *look_up(struct sink *s, const json_t *users)
{
    size_t n = json_array_size(users), room = 32 + n * 24, len = 0;
    char base[SINK_DN_MAX], *filter = malloc(room), uid[24];
    json_t *found = json_object(), *user;
    size_t i;

    if (!filter)
        sink_die("there is no memory");
    len += (size_t)snprintf(filter + len, room - len, "(|");
    json_array_foreach(users, i, user)
    {
        uid_text(user, uid, sizeof(uid));
        len += (size_t)snprintf(filter + len, room - len, "(uidNumber=%s)", uid);
    }
    snprintf(filter + len, room - len, ")");
    snprintf(base, sizeof(base), "ou=people,%s", s->base);
    sink_search(s, base, LDAP_SCOPE_ONELEVEL, filter, asked, keep, found);
    free(filter);
    return found;
}

void sink_people(struct sink *s, json_t *users)
{
    struct sink_requests q = {0};
    json_t *was, *user;
    size_t i;

    if (json_array_size(users) == 0)
        return;
    was = look_up(s, users);
    sink_groups(s, users, was);
    json_array_foreach(users, i, user)
    {
        json_t *wanted = wanted_of(user), *generation;
        char uid[24], dn[SINK_DN_MAX], text[24];
        uid_text(user, uid, sizeof(uid));
        snprintf(dn, sizeof(dn), "uidNumber=%s,ou=people,%s", uid, s->base);
        snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(user, "generation")));
        generation = json_pack("[s]", text);
        sink_name(s, (uint32_t)json_integer_value(json_object_get(user, "uid")));
        if (json_object_get(was, uid))
            change_person(s, &q, json_object_get(was, uid), wanted, generation);
        else if (!json_is_true(json_object_get(user, "there")))
            add_person(s, &q, uid, dn, wanted, generation);
        // Values live in `wanted`: libldap has encoded them by now.
        json_decref(generation);
        json_decref(wanted);
    }
    sink_finish(s, &q); // what is of one entry was said, and the others stand
    json_decref(was);
}

// ---- whom nobody named ----

void sink_name(struct sink *s, uint32_t uid)
{
    if (s->n_named == s->named_room) {
        size_t want = s->named_room ? s->named_room * 2 : 1024;
        uint32_t *p = reallocarray(s->named, want, sizeof(*p));
        if (!p)
            sink_die("there is no memory");
        s->named = p;
        s->named_room = want;
    }
    s->named[s->n_named++] = uid;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

struct strays {
    struct sink *s;
    json_t *dns;
};

static void look_for_stray(void *ctx, json_t *entry)
{
    struct strays *t = ctx;
    const char *text = json_string_value(json_array_get(json_object_get(entry, "uidNumber"), 0));
    uint32_t uid = (uint32_t)strtoul(text ? text : "0", NULL, 10);

    if (!bsearch(&uid, t->s->named, t->s->n_named, sizeof(uid), by_number))
        json_array_append(t->dns, json_object_get(entry, "dn"));
}

void sink_strays(struct sink *s)
{
    static const char *const attributes[] = {"uidNumber", NULL};
    struct strays t = {s, json_array()};
    json_t *state = json_pack("[s]", "refused"), *reason = json_pack("[s]", "9"), *dn;
    char base[SINK_DN_MAX], filter[200];
    struct sink_requests q = {0};
    size_t i;

    qsort(s->named, s->n_named, sizeof(*s->named), by_number);
    snprintf(base, sizeof(base), "ou=people,%s", s->base);
    snprintf(filter, sizeof(filter),
             "(&(rollcallOwner=%s)(!(rollcallState=refused))(!(rollcallState=terminated)))",
             s->hub);
    sink_search(s, base, LDAP_SCOPE_ONELEVEL, filter, attributes, look_for_stray, &t);
    json_array_foreach(t.dns, i, dn)
    {
        struct sink_mods mods = {0};
        sink_mods_put(&mods, LDAP_MOD_REPLACE, "rollcallState", state);
        sink_mods_put(&mods, LDAP_MOD_REPLACE, "rollcallReason", reason);
        sink_problem("%s is nobody whom this hub knows: refused", json_string_value(dn));
        sink_modify(s, &q, json_string_value(dn), mods.list, json_string_value(dn), LDAP_SUCCESS,
                    false);
        sink_insist(&q);
        sink_mods_done(&mods);
    }
    sink_finish(s, &q);
    json_decref(state);
    json_decref(reason);
    json_decref(t.dns);
    free(s->named);
    s->named = NULL;
    s->n_named = s->named_room = 0;
}
