// SPDX-License-Identifier: BSD-2-Clause
// Answers from the cache files, for when syncd is not there.
#include "cli/cache_view.h"

#include <errno.h>
#include <string.h>

#include "cli/control.h"
#include "cli/suggest.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

const struct cli_cache_paths cli_cache_default = {ROLLCALL_BOARD, ROLLCALL_PRIVATE};

static void close_board(struct rollcall_board **b)
{
    rollcall_board_close(*b);
}

static void close_private(struct rollcall_private **p)
{
    rollcall_private_close(*p);
}

static const struct {
    const char *cause, *sentence;
} sentences[] = {
    {"admitted", "may come in here, with the second factor"},
    {"unknown-account", "nobody of that name is known to rollcall"},
    {"cache-unreadable",
     "the cache on this host is missing or damaged, so nobody managed gets in: see "
     "rollcall status, and start rollcall-syncd"},
    {"state", "the account's state lets nobody in"},
    {"not-started", "the first day is still to come"},
    {"ended", "the last day is over"},
    {"too-weak", "what was shown is too weak for this service ([service] require, or a group of "
                 "[mfa])"},
    {"configuration-unreadable",
     "this host's configuration cannot be read, so nobody knows what a login needs here: rollcall "
     "check-config names the mistake"},
    {"not-allowed-here", "in none of this host's [access] allow_groups"},
    {"lease-over",
     "the source of truth has been silent for longer than its lease: see rollcall status"},
    {"clock-behind",
     "this host's clock stands behind the time that was seen before: set the clock"},
    {"former-name", "that is a former name; the person has a new one, and only that one logs in"},
    {"not-enrolled", "no second factor is enrolled: rollcall enroll totp USER"},
    {"no-factor", "no second factor was shown in this login"},
    {"wrong-code", "the code was wrong, or had been used before"},
    {"wrong-key",
     "no security key of this account answered: another one, a wrong PIN, or none was touched"},
    {"password-expired", "the directory says that the password has expired; it is changed there"},
    {"disabled-at-directory", "the directory says that the account is switched off there"},
    {"not-now-at-directory",
     "the directory lets the account in at other hours, or on other machines"},
    {"breakglass-closed", "the emergency account is closed, and a sealed code opens it"},
    {"state-unwritable",
     "no sealed code can be used up: /var/lib/rollcall/breakglass cannot be written"},
    {"throttled", "too many wrong codes; it ends by itself, rollcall user NAME says when"},
    {"verifier-unreachable",
     "rollcall-verifier could not be reached or started: journalctl -t rollcall-verifier"},
};

const char *cli_cause_sentence(const char *cause)
{
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
        if (strcmp(sentences[i].cause, cause) == 0)
            return sentences[i].sentence;
    return "a cause that this version of rollcall has no words for";
}

static void set_time(json_t *object, const char *key, int64_t t)
{
    if (t != ROLLCALL_TIME_UNSET)
        json_object_set_new(object, key, json_integer(t));
}

static json_t *leases(const struct rollcall_board_facts *facts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ROLLCALL_AUTHORITIES_MAX; i++) {
        const struct rollcall_lease *l = &facts->leases[i];
        char name[sizeof(l->source) + 1];
        json_t *one;
        int64_t ends = l->as_of + l->length;
        memcpy(name, l->source, sizeof(l->source)); // a damaged file may hold no NUL
        name[sizeof(l->source)] = 0;
        if (!name[0])
            continue;
        one = json_pack("{s:s*}", "name", name);
        if (!one)
            continue; // a name that is no UTF-8
        if (l->as_of > 0)
            set_time(one, "as_of", l->as_of);
        if (l->as_of > 0 && l->length > 0)
            set_time(one, "lease_ends", l->extended > ends ? l->extended : ends);
        json_array_append_new(list, one);
    }
    return list;
}

// How many are in each state as the board and the dates say it now.
static json_t *count_people(const struct rollcall_board *board,
                            const struct rollcall_private *private,
                            const struct rollcall_board_facts *facts, int64_t now)
{
    json_int_t count[ROLLCALL_STATE_PURGED + 1] = {0}, total = 0;
    struct rollcall_person person;
    uint32_t cursor = 0;
    json_t *people = json_object();
    int r;

    while ((r = rollcall_private_next(private, &cursor, &person)) != -ENOENT) {
        struct rollcall_admission a;
        struct rollcall_word word;
        if (r < 0)
            break;
        r = rollcall_board_read(board, person.slot, person.uid, &word);
        rollcall_admission_decide(facts, &word, r, &person, NULL, now, &a);
        if (a.state <= ROLLCALL_STATE_PURGED)
            count[a.state]++;
        total++;
    }
    json_object_set_new(people, "total", json_integer(total));
    for (int s = 0; s <= ROLLCALL_STATE_PURGED; s++)
        if (count[s] || s == ROLLCALL_STATE_ACTIVE)
            json_object_set_new(people, rollcall_state_name((enum rollcall_state)s),
                                json_integer(count[s]));
    return people;
}

int cli_cache_status(const struct cli_cache_paths *paths, int64_t now, json_t **ret,
                     const char **ret_path)
{
    _cleanup_(close_board) struct rollcall_board *board = NULL;
    _cleanup_(close_private) struct rollcall_private *private = NULL;
    struct rollcall_board_facts facts = {0};
    int r = rollcall_board_open(paths->board, &board);

    if (r == 0)
        r = rollcall_board_facts(board, &facts);
    if (r < 0) {
        *ret_path = paths->board;
        return r;
    }
    r = rollcall_private_open(paths->private_, &private);
    if (r < 0) {
        *ret_path = paths->private_;
        return r;
    }
    *ret = json_pack("{s:I, s:s, s:o, s:o}", "generation", (json_int_t)facts.generation, "mode",
                     facts.observe ? "observe" : "enforce", "people",
                     count_people(board, private, &facts, now), "sources", leases(&facts));
    if (!*ret)
        return -ENOMEM;
    if (facts.clock_mark > 0)
        set_time(*ret, "clock_mark", facts.clock_mark);
    return 0;
}

json_t *cli_cache_similar(const struct cli_cache_paths *paths, const char *name)
{
    _cleanup_(close_private) struct rollcall_private *private = NULL;
    struct cli_suggest near = {.wanted = name};
    struct rollcall_person person;
    uint32_t cursor = 0;
    json_t *names = json_array();

    if (rollcall_private_open(paths->private_, &private) < 0)
        return names;
    while (rollcall_private_next(private, &cursor, &person) == 0)
        cli_suggest_offer(&near, person.name);
    for (unsigned i = 0; i < near.n; i++)
        json_array_append_new(names, json_string(near.name[i]));
    return names;
}

static json_t *flag_names(uint8_t flags)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } all[] = {{ROLLCALL_FLAG_ALLOWED_HERE, "allowed-here"},
               {ROLLCALL_FLAG_PASSWORD_BLOCKED, "password-blocked"},
               {ROLLCALL_FLAG_LEASE_EXEMPT, "lease-exempt"},
               {ROLLCALL_FLAG_REFUSE_ONLY, "refuse-only"},
               {ROLLCALL_FLAG_INFERRED, "inferred"}};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (flags & all[i].flag)
            json_array_append_new(list, json_string(all[i].name));
    return list;
}

static json_t *person_object(const struct rollcall_person *p, const struct rollcall_admission *a)
{
    json_t *o = json_pack(
        "{s:s, s:s*, s:s*, s:s*, s:I, s:I, s:s*, s:s*, s:s, s:s, s:s, s:i, s:o}", "user", p->name,
        "former_name", *p->former_name ? p->former_name : NULL, "display_name", p->display_name,
        "employee_number", p->employee_number, "uid", (json_int_t)p->uid, "gid", (json_int_t)p->gid,
        "home", p->home, "shell", p->shell, "state", rollcall_state_name(a->state), "reason",
        rollcall_reason_name(a->reason), "sentence", rollcall_reason_sentence(a->reason),
        "incarnation", (int)p->incarnation, "flags", flag_names(p->flags));

    if (!o)
        return NULL;
    set_time(o, "since", p->since);
    set_time(o, "not_before", p->not_before);
    set_time(o, "not_after", p->not_after);
    set_time(o, "hr_time", p->hr_time);
    set_time(o, "received", p->received);
    return o;
}

int cli_cache_user(const struct cli_cache_paths *paths, const char *name, int64_t now, json_t **ret)
{
    struct rollcall_admission a;
    struct rollcall_person person;
    char buf[ROLLCALL_ADMISSION_BUF];

    rollcall_admission_look_up(paths->board, paths->private_, name, 0, now, &a, &person, buf,
                               sizeof(buf));
    if (a.cause == ROLLCALL_REFUSE_UNKNOWN) {
        *ret = json_pack("{s:o}", "similar", cli_cache_similar(paths, name));
        return *ret ? -ENOENT : -ENOMEM;
    }
    if (!*person.name)
        return -EBADMSG;
    *ret = person_object(&person, &a);
    return *ret ? 0 : -EBADMSG;
}

json_t *cli_cache_admission(const struct cli_cache_paths *paths, const char *name, int64_t now)
{
    struct rollcall_admission a;
    const char *cause;
    json_t *o;

    rollcall_admission_look_up(paths->board, paths->private_, name, 0, now, &a, NULL, NULL, 0);
    cause = rollcall_admission_cause_name(a.cause);
    o = json_pack("{s:b, s:s, s:s, s:s}", "admitted", a.cause == ROLLCALL_ADMIT, "cause", cause,
                  "sentence", cli_cause_sentence(cause), "state", rollcall_state_name(a.state));
    if (!o)
        return NULL;
    if (a.as_of > 0)
        set_time(o, "as_of", a.as_of);
    set_time(o, "lease_ends", a.lease_ends);
    if (a.lease_ends != ROLLCALL_TIME_UNSET)
        json_object_set_new(o, "lease_used_percent", json_integer(a.lease_used_percent));
    set_time(o, "next", a.next);
    return o;
}
