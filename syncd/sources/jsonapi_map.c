// SPDX-License-Identifier: BSD-2-Clause
// Where members of a record stand: presets, and what the section changes of them.
#include "syncd/sources/jsonapi_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const hr_field_names[HR_FIELDS] = {
    "id",
    "employeeNumber",
    "userName",
    "displayName",
    "givenName",
    "familyName",
    "email",
    "department",
    "manager",
    "userType",
    "status",
    "active",
    "leave",
    "start",
    "end",
    "lastDay",
    "terminatedAt",
    "zone",
    "groups",
    "uidNumber",
    "gidNumber",
    "loginShell",
    "homeDirectory",
    "sshPublicKeys",
    "employments",
    "employment.status",
    "employment.active",
    "employment.start",
    "employment.end",
    "employment.lastDay",
    "employment.userType",
    "employment.primary",
    "employment.records",
    "record.status",
    "record.start",
};

// Names that report authors and vendors give; the section's `map` says what is otherwise.
static const struct preset {
    const char *name, *rows, *paging;
    const char *map[32], *statuses[12];
} presets[] = {
    {.name = "none", .rows = ""},
    {.name = "workday-raas",
     .rows = "/Report_Entry",
     .map = {"id:/WID", "employeeNumber:/Employee_ID", "employeeNumber:/Contingent_Worker_ID",
             "userName:/User_Name", "userName:/User_ID", "displayName:/Worker_Name",
             "email:/Email_Address", "department:/Department", "manager:/Manager_ID",
             "userType:/Worker_Type", "active:/Active_Status", "leave:/On_Leave",
             "start:/Hire_Date", "end:/Termination_Date", "lastDay:/Last_Day_of_Work",
             "zone:/Time_Zone"}},
    {.name = "bamboohr",
     .rows = "/employees",
     .map = {"id:/id", "employeeNumber:/employeeNumber", "userName:/workEmail",
             "displayName:/displayName", "givenName:/firstName", "familyName:/lastName",
             "email:/workEmail", "department:/department", "manager:/supervisorEId",
             "userType:/employmentHistoryStatus", "status:/status", "start:/hireDate",
             "end:/terminationDate"},
     .statuses = {"Active:active", "Inactive:terminated"}},
    {.name = "successfactors",
     .rows = "/d/results",
     .paging = "next",
     .map = {"id:/personIdExternal", "employeeNumber:/personIdExternal",
             "givenName:/personalInfoNav/results/0/firstName",
             "familyName:/personalInfoNav/results/0/lastName",
             "email:/emailNav/results/0/emailAddress", "employments:/employmentNav/results",
             "employment.start:/startDate", "employment.end:/endDate",
             "employment.lastDay:/lastDateWorked", "employment.records:/jobInfoNav/results",
             "record.start:/startDate", "record.status:/emplStatusNav/externalCode",
             "record.status:/emplStatus"},
     .statuses = {"A:active", "P:leave", "U:leave", "F:leave", "S:disabled", "D:disabled",
                  "R:terminated", "T:terminated", "O:terminated"}},
};

static void forget(struct hr_place *place)
{
    for (size_t i = 0; i < place->n; i++)
        pointer_done(&place->pointer[i]);
    place->n = 0;
}

static int field_of(const char *text, size_t len)
{
    for (int i = 0; i < HR_FIELDS; i++)
        if (strlen(hr_field_names[i]) == len && memcmp(hr_field_names[i], text, len) == 0)
            return i;
    return -1;
}

// One entry of `map`. `seen`: fields that the section named, whose preset is forgotten.
static int add_place(struct hr_rules *r, const char *text, bool seen[HR_FIELDS], char *why,
                     size_t why_len)
{
    size_t len = strcspn(text, ":");
    int f = field_of(text, len), e;
    struct hr_place *place;

    if (f < 0 || text[len] != ':') {
        snprintf(why, why_len,
                 "map: \"%.80s\" is not NAME:POINTER with a NAME of rollcall-source-json(8), such "
                 "as employeeNumber:/Employee_ID",
                 text);
        return -EINVAL;
    }
    place = &r->place[f];
    if (seen && !seen[f])
        forget(place);
    if (seen)
        seen[f] = true;
    text += len + 1;
    if (strcmp(text, "-") == 0) // it is not said
        return 0;
    if (place->n == HR_POINTERS_MAX) {
        snprintf(why, why_len, "map: %s stands more than %d times", hr_field_names[f],
                 HR_POINTERS_MAX);
        return -EINVAL;
    }
    e = *text == '/' ? pointer_parse(text, &place->pointer[place->n]) : -EINVAL;
    if (e < 0) {
        snprintf(why, why_len, "map: \"%.80s\" of %s is no JSON pointer, such as /person/name",
                 text, hr_field_names[f]);
        return e;
    }
    place->n++;
    return 0;
}

static int add_status(struct hr_rules *r, const char *text, char *why, size_t why_len)
{
    static const char *const words[] = {"active", "leave", "disabled", "terminated"};
    const char *colon = strrchr(text, ':');
    size_t i, k;

    for (k = 0; colon && k < 4 && strcmp(colon + 1, words[k]) != 0; k++)
        ;
    if (!colon || colon == text || k == 4) {
        snprintf(why, why_len,
                 "statuses: \"%.80s\" is not VALUE:STATUS with active, leave, disabled or "
                 "terminated",
                 text);
        return -EINVAL;
    }
    for (i = 0; i < r->n_statuses; i++)
        if (r->status[i].value_len == (size_t)(colon - text) &&
            memcmp(r->status[i].value, text, (size_t)(colon - text)) == 0)
            break;
    if (i == HR_STATUSES_MAX) {
        snprintf(why, why_len, "statuses: more than %d", HR_STATUSES_MAX);
        return -EINVAL;
    }
    r->status[i].value = text;
    r->status[i].value_len = (size_t)(colon - text);
    r->status[i].means = words[k];
    r->n_statuses += i == r->n_statuses;
    return 0;
}

static int add_required(struct hr_rules *r, const char *text, char *why, size_t why_len)
{
    int e = 0;

    if (r->n_required == HR_CONDITIONS_MAX)
        e = -EINVAL;
    else if (*text == '/')
        e = pointer_parse(text, &r->required[r->n_required].pointer);
    else
        r->required[r->n_required].path = text;
    if (e < 0)
        snprintf(why, why_len, "require_attributes: \"%.80s\" is no member of a record", text);
    else
        r->n_required++;
    return e;
}

static int take_preset(struct hr_rules *r, const char *name, char *why, size_t why_len)
{
    const struct preset *p = &presets[0];
    int e;

    for (size_t i = 0; name && i < sizeof(presets) / sizeof(presets[0]); i++)
        if (strcmp(presets[i].name, name) == 0)
            p = &presets[i];
    r->paging = p->paging ? p->paging : "none";
    e = pointer_parse(p->rows, &r->rows);
    for (size_t i = 0; e == 0 && p->map[i]; i++)
        e = add_place(r, p->map[i], NULL, why, why_len);
    for (size_t i = 0; e == 0 && p->statuses[i]; i++)
        e = add_status(r, p->statuses[i], why, why_len);
    return e;
}

static const char *option(const json_t *section, const char *name)
{
    return json_string_value(json_object_get(section, name));
}

static int take_dates(struct hr_rules *r, const json_t *section, char *why, size_t why_len)
{
    const char *at = option(section, "lock_at");
    const char *dates = option(section, "dates"), *midnight = option(section, "midnight"),
               *end = option(section, "end");

    r->dates = (struct hr_date_rules){
        .month_first = dates && strcmp(dates, "month-first") == 0,
        .midnight_is_date = midnight && strcmp(midnight, "date") == 0,
        .first_day_out = end && strcmp(end, "first-day-out") == 0,
        .lock_at = -1,
    };
    if (!at)
        return 0;
    if (strlen(at) != 5 || strspn(at, "0123456789:") != 5 || at[2] != ':' || at[0] == ':' ||
        at[1] == ':' || at[3] == ':' || at[4] == ':' ||
        (at[0] > '1' && (at[0] > '2' || at[1] > '3')) || at[3] > '5') {
        snprintf(why, why_len, "lock_at = %.20s: write a time of the day such as 17:00", at);
        return -EINVAL;
    }
    r->dates.lock_at = ((at[0] - '0') * 10 + at[1] - '0') * 60 + (at[3] - '0') * 10 + at[4] - '0';
    return 0;
}

static int take_section(struct hr_rules *r, const json_t *section, char *why, size_t why_len)
{
    const char *rows = option(section, "rows");
    bool seen[HR_FIELDS] = {false};
    const json_t *item;
    size_t i;
    int e = take_preset(r, option(section, "preset"), why, why_len);

    if (e == 0 && rows) {
        pointer_done(&r->rows);
        // "/" alone is what a sysadmin writes for the document; a member "" has no other use.
        e = pointer_parse(strcmp(rows, "/") == 0 ? "" : rows, &r->rows);
        if (e < 0)
            snprintf(why, why_len, "rows = %.80s is no JSON pointer, such as /employees", rows);
    }
    json_array_foreach(json_object_get(section, "map"), i, item) if (e == 0) e =
        add_place(r, json_string_value(item), seen, why, why_len);
    json_array_foreach(json_object_get(section, "statuses"), i, item) if (e == 0) e =
        add_status(r, json_string_value(item), why, why_len);
    json_array_foreach(json_object_get(section, "require_attributes"), i, item) if (e == 0) e =
        add_required(r, json_string_value(item), why, why_len);
    return e == 0 ? take_dates(r, section, why, why_len) : e;
}

int hr_rules_init(struct hr_rules *r, const json_t *section, const char *timezone, char *why,
                  size_t why_len)
{
    const json_t *types = json_object_get(section, "user_types"),
                 *domain = json_object_get(section, "domain");
    int e;

    *r = (struct hr_rules){.zone = option(section, "zone") ?: timezone,
                           .user_types = json_array_size(types) > 0 ? types : NULL,
                           .domain = json_array_size(domain) > 0 ? domain : NULL};
    snprintf(why, why_len, "there is no memory");
    e = take_section(r, section, why, why_len);
    if (e == 0 && r->place[HR_ID].n == 0) {
        snprintf(why, why_len,
                 "map: id is needed, such as id:/workerId: what never changes of a person");
        e = -EINVAL;
    }
    if (e < 0)
        hr_rules_done(r);
    return e;
}

void hr_rules_done(struct hr_rules *r)
{
    for (int i = 0; i < HR_FIELDS; i++)
        forget(&r->place[i]);
    for (size_t i = 0; i < r->n_required; i++)
        pointer_done(&r->required[i].pointer);
    pointer_done(&r->rows);
    *r = (struct hr_rules){0};
}
