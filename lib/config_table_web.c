// SPDX-License-Identifier: BSD-2-Clause
// The options of sources over an API. A new one is a member of its type's struct
// (include/rollcall/config_TYPE.h) and a row here: reading, erasing, the request of the source
// and the man page follow from the row.
#include "lib/config_table.h"
#include "rollcall/config.h"

#define DAY 86400u

static const struct option_definition options[] = {
    SOURCE("json|scim", "url", OPTION_TEXT, web.url, NULL, false, 0, 2000, NULL,
           "Where the people are: https://HOST/PATH, of SCIM the part before /Users. A secret "
           "never stands here."),
    SOURCE("exec|" API, "secret_file", OPTION_PATH, file[ROLLCALL_FILE_SECRET], NULL, false, 0, 0,
           NULL,
           "A file with the client secret, API token or bearer token in its first line, root's and "
           "nobody else's (0600)."),
    SOURCE("exec|" API, "credential", OPTION_TEXT, file[ROLLCALL_FILE_CREDENTIAL], NULL, false, 0,
           100, NULL,
           "The name of a systemd credential in place of such a file (LoadCredential= or "
           "LoadCredentialEncrypted= of rollcall-syncd.service): the secret in its first line, or "
           "PEM of key and certificate."),
    SOURCE(API, "client_id", OPTION_TEXT, web.client_id, NULL, false, 0, 200, NULL,
           "The application that this host signs in as."),
    SOURCE(API, "key_id", OPTION_TEXT, web.key_id, NULL, false, 0, 200, NULL,
           "The id (kid) under which the server knows the public half of key_file."),
    SOURCE(API, "scope", OPTION_TEXT, web.scope, NULL, false, 0, 1000, NULL,
           "The scopes that are asked for, with blanks between, where the usual ones of the type "
           "do not fit."),
    SOURCE(API, "token_url", OPTION_TEXT, web.token_url, NULL, false, 0, 2000, NULL,
           "Where tokens are issued, where it is not what the type knows: https://HOST/PATH."),
    SOURCE(API, "proxy", OPTION_TEXT, web.proxy, NULL, false, 0, 300, NULL,
           "http://HOST:PORT, through which all requests go. Environment variables do not count."),
    SOURCE(API, "assigned_groups", OPTION_LIST, web.assigned_groups, NULL, false, 0, 0, NULL,
           "Groups, by their immutable id. Who is in none of them is left out, and counted as "
           "unassigned."),
    SOURCE(API, "require_attributes", OPTION_LIST, web.require_attributes, NULL, false, 0, 0, NULL,
           "Attributes, by their name at the server, that an employee has. Who lacks one is left "
           "out, and counted as no-marker."),
    SOURCE(API, "user_types", OPTION_LIST, web.user_types, NULL, false, 0, 0, NULL,
           "The user types of employees. Who has another is left out, and counted as user-type."),
    SOURCE(API, "domain", OPTION_LIST, web.domain, NULL, false, 0, 0, NULL,
           "Mail domains of the company: alice@acme.com is alice with domain = acme.com. Who has a "
           "name of another is left out, and counted as domain."),

    SOURCE("okta|pingone", "member_groups", OPTION_LIST, web.member_groups, NULL, false, 0, 0, NULL,
           "Groups whose members are read beside those of assigned_groups, by id, of okta by name "
           "too. Of okta *: all that Okta itself keeps (OKTA_GROUP), which is also what neither "
           "option means."),
    SOURCE("okta|scim", "full_every", OPTION_DURATION, web.full_every, NULL, false, 60, 30 * DAY,
           NULL,
           "How often all people are read anew, to find who vanished without a word. Default: 1d, "
           "of scim 1h. A SCIM server that cannot say who changed since is read whole every poll."),
    SOURCE(
        "json|scim", "paging", OPTION_WORD, web.paging,
        "none|link|next|offset|page|cursor|auto|index", true, 0, 0, NULL,
        "How a list goes on. json: none, not at all; link, by a Link header; next, by the URL at "
        "next; offset, by a number of people to skip; page, by the number of a page; cursor, by "
        "a cursor at next. Default: the preset's, else none. scim: index, by startIndex; cursor "
        "(RFC 9865); auto, as the server says, which is the default."),
    SOURCE("graph|pingone", "api_url", OPTION_TEXT, web.api_url, NULL, false, 0, 300, NULL,
           "Where the API is, in place of what cloud or region means: https://HOST."),
    SOURCE("graph|pingone", "auth_url", OPTION_TEXT, web.auth_url, NULL, false, 0, 300, NULL,
           "Where tokens are issued, in place of what cloud or region means: https://HOST."),

    // graph
    SOURCE("graph", "tenant", OPTION_TEXT, graph.tenant, NULL, false, 0, 36, NULL,
           "The tenant's id (a UUID). It is pinned: another tenant, and one of customers, is "
           "refused."),
    SOURCE("graph", "cloud", OPTION_WORD, graph.cloud, "global|usgov|dod|china", true, 0, 0,
           "global",
           "Whose Entra ID: Microsoft's, of the US Government (L4), of the DoD (L5), or "
           "21Vianet's in China."),
    SOURCE("graph", "device_id", OPTION_TEXT, graph.device_id, NULL, false, 0, 36, NULL,
           "This machine's deviceId in Entra ID. With it the source says whether the machine is "
           "compliant and managed."),
    SOURCE("graph", "no_user_type", OPTION_WORD, graph.no_user_type, "drop|member", true, 0, 0,
           "drop",
           "What an account without any userType is, as very old ones are: left out, and "
           "counted as user-type, or a member as others."),

    // okta
    SOURCE("okta", "org", OPTION_TEXT, okta.org, NULL, false, 0, 300, NULL,
           "The org's address: https://acme.okta.com."),
    SOURCE("okta", "org_id", OPTION_TEXT, okta.org_id, NULL, false, 0, 64, NULL,
           "The org's id (00o...). It is pinned: an org of another id is refused."),
    SOURCE("okta", "log_poll", OPTION_DURATION, okta.log_poll, NULL, false, 1, 600, "3s",
           "How often the System Log is asked what happened. Slower where the org's rate limit is "
           "small."),
    SOURCE("okta", "realms", OPTION_LIST, okta.realms, NULL, false, 0, 0, NULL,
           "The realms of employees, by id. Who is in another is left out, and counted as "
           "population."),

    // json
    SOURCE("json", "preset", OPTION_WORD, json.preset, "none|workday-raas|bamboohr|successfactors",
           true, 0, 0, "none", "What the HR system is; it says where its members are."),
    SOURCE("json", "rows", OPTION_TEXT, json.rows, NULL, false, 0, 400, NULL,
           "Where the list of people stands in an answer, as a JSON pointer (/employees); / alone: "
           "the answer is the list. Default: the preset's."),
    SOURCE("json", "statuses", OPTION_LIST, json.statuses, NULL, false, 0, 0, NULL,
           "What HR's status words mean: VALUE:active, VALUE:leave, VALUE:disabled or "
           "VALUE:terminated, beside the preset's. A word that is not named lets nobody in."),
    SOURCE("json", "zone", OPTION_TIMEZONE, json.zone, NULL, false, 0, 0, NULL,
           "The time zone that HR's dates are meant in, where a person has none. Default: "
           "[rollcall] timezone."),
    SOURCE("json", "end", OPTION_WORD, json.end, "last-day|first-day-out", true, 0, 0, "last-day",
           "What HR's end date is: the last day with access, or the first one without."),
    SOURCE("json", "lock_at", OPTION_TEXT, json.lock_at, NULL, false, 0, 5, NULL,
           "The time of the last day at which it is over, such as 17:00. Default: when the day "
           "ends."),
    SOURCE("json", "dates", OPTION_WORD, json.dates, "iso|month-first", true, 0, 0, "iso",
           "month-first: 11/30/2026 and 11-30-2026 are dates too."),
    SOURCE("json", "midnight", OPTION_WORD, json.midnight, "instant|date", true, 0, 0, "instant",
           "What 2026-11-30T00:00:00Z is: that instant, or the date in a longer form. Without an "
           "offset it is always the date."),
    SOURCE("json", "next", OPTION_TEXT, json.next, NULL, false, 0, 400, NULL,
           "A JSON pointer to the URL (paging = next) or the cursor of what follows."),
    SOURCE("json", "page_param", OPTION_TEXT, json.page_param, NULL, false, 0, 64, NULL,
           "The query parameter that says where a page begins. Default: the word of paging."),
    SOURCE("json", "size_param", OPTION_TEXT, json.size_param, NULL, false, 0, 64, NULL,
           "The query parameter for `page`, the entries of a page. Default: limit."),
    SOURCE("json", "first_page", OPTION_COUNT, json.first_page, NULL, false, 0, 1, "1",
           "paging = page: the number of the first one."),
    SOURCE("json", "count", OPTION_TEXT, json.count, NULL, false, 0, 400, NULL,
           "A JSON pointer to the number of all people. A listing with another number is not "
           "taken."),
    SOURCE("json", "timestamp", OPTION_TEXT, json.timestamp, NULL, false, 0, 400, NULL,
           "A JSON pointer, before the list, to the instant as of which the data are. Default: the "
           "server's Date, or the file's time."),
    SOURCE("json", "key_header", OPTION_TEXT, json.key_header, NULL, false, 0, 64, NULL,
           "The header that the secret of secret_file goes in, beside user and password_file: "
           "US-Customer-Api-Key."),

    // scim
    SOURCE("scim", "groups_from", OPTION_WORD, scim.groups_from, "members|users", true, 0, 0,
           "members",
           "Who is in a group: members, as the groups say, with groups in groups; users, as each "
           "User says."),
    SOURCE("scim", "active_absent", OPTION_WORD, scim.active_absent, "keep|deny|active", true, 0, 0,
           "keep",
           "What a User without active is, which SCIM leaves open. keep: whoever is known stands "
           "as before, and nobody new gets in; deny: no login; active: an employee."),
    SOURCE(
        "scim", "extension", OPTION_TEXT, scim.extension, NULL, false, 0, 200, NULL,
        "The URN of the schema that holds what map names: dates, keys. Default: the User itself."),

    // pingone
    SOURCE("pingone", "environment", OPTION_TEXT, pingone.environment, NULL, false, 0, 36, NULL,
           "The environment's id (a UUID). It is pinned: another one is refused."),
    SOURCE("pingone", "region", OPTION_WORD, pingone.region, "com|ca|eu|com.au|sg|asia", true, 0, 0,
           NULL, "Where the environment is: what stands behind api.pingone."),
    SOURCE("pingone", "populations", OPTION_LIST, pingone.populations, NULL, false, 0, 0, NULL,
           "The populations of employees, by their ids. Who is of another is left out, and counted "
           "as population. Mandatory where the environment does not say that it is of a "
           "workforce."),
    SOURCE("pingone", "identity_providers", OPTION_LIST, pingone.identity_providers, NULL, false, 0,
           0, NULL,
           "External identity providers of the company's own, by their ids. Who signs in at any "
           "other is left out, and counted as external or social."),
};

const struct option_table config_table_web = {options, sizeof(options) / sizeof(options[0])};
