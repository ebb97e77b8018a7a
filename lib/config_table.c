// SPDX-License-Identifier: BSD-2-Clause
// Every section and option: name, type, range, default, sentence.
#include "lib/config_table.h"

#include "rollcall/config.h"

#define DAY              86400u
#define IN(type, member) offsetof(struct type, member)

const struct section_definition config_sections[] = {
    {"rollcall", false, "This host."},
    {"source", true, "Where people come from. NAME is yours to choose and stands in messages."},
    {"sink", true,
     "A hub's directory, which it keeps in step with the company for other hosts. See "
     "packaging/ldap."},
    {"access", false, "Who may come in on this host."},
    {"nss", false,
     "What programs are told by getpwnam, getgrnam, getent and the like. Who may log in, and who "
     "is in which group, does not depend on it."},
    {"local_group", true,
     "The only way into a local group: NAME is the local group, its members come from groups of a "
     "source."},
    {"mfa", false, "Second factors."},
    {"service", true, "One PAM service: NAME is sshd, sudo, login, ..."},
    {"lifecycle", false,
     "Leases, and the breaker that stands between a broken export and everybody."},
    {"ids", false, "uids and gids."},
    {"enforcer", false, "Ending sessions."},
    {"breakglass", false,
     "The one local account that a sealed code opens for a while. rollcall breakglass seal takes "
     "what stands here; a change counts from the next seal on."},
};
const size_t config_n_sections = sizeof(config_sections) / sizeof(config_sections[0]);

static const struct option_definition options[] = {
    {"rollcall", "mode", OPTION_WORD, IN(rollcall_config, mode), "enforce|observe", false, 0, 0,
     "enforce",
     "In observe, nothing is asked and nobody is refused: logins are evaluated and logged, the "
     "enforcer only reports. For the first weeks.",
     NULL},
    {"rollcall", "timezone", OPTION_TIMEZONE, IN(rollcall_config, timezone), NULL, false, 0, 0,
     "UTC", "IANA name. A bare end date ends at midnight here.", NULL},
    {"rollcall", "contact", OPTION_TEXT, IN(rollcall_config, contact), NULL, false, 0, 120,
     "your IT service desk", "Whom people are told to call. One line.", NULL},
    {"rollcall", "labels", OPTION_LIST, IN(rollcall_config, labels), NULL, false, 0, 0, NULL,
     "Words that describe this host, for reports.", NULL},

#define SINK(name, type, member, words, text, min, max, standard, sentence)                        \
    {                                                                                              \
        "sink", name, type, IN(rollcall_source_config, member), words, text, min, max, standard,   \
            sentence, NULL                                                                         \
    }
    SINK("type", OPTION_WORD, type, "ldap", true, 0, 0, NULL, "ldap: OpenLDAP."),
    SINK("uri", OPTION_LIST, ldap.uri, NULL, false, 0, 0, NULL,
         "The servers that may be written to, tried in this order."),
    SINK("base", OPTION_TEXT, ldap.base, NULL, false, 0, 400, NULL,
         "The DN below which ou=people, ou=groups, ou=hosts and cn=rollcall-heartbeat stand. The "
         "entry itself has to be there."),
    SINK("bind", OPTION_WORD, ldap.bind, "simple|external|gssapi", true, 0, 0, "external",
         "As of a source of type ldap."),
    SINK("bind_dn", OPTION_TEXT, ldap.bind_dn, NULL, false, 0, 400, NULL, "The DN for simple."),
    SINK("password_file", OPTION_PATH, file[ROLLCALL_FILE_PASSWORD], NULL, false, 0, 0, NULL,
         "A file with the password in its first line, root's and nobody else's (0600)."),
    SINK("keytab", OPTION_PATH, file[ROLLCALL_FILE_KEYTAB], NULL, false, 0, 0, NULL,
         "The keytab for bind = gssapi, root's (0600)."),
    SINK("ca_file", OPTION_PATH, file[ROLLCALL_FILE_CA], NULL, false, 0, 0, NULL,
         "PEM file of the authorities that vouch for the server. Default: the system's."),
    SINK("cert_file", OPTION_PATH, file[ROLLCALL_FILE_CERT], NULL, false, 0, 0, NULL,
         "PEM file of the hub's own certificate."),
    SINK("key_file", OPTION_PATH, file[ROLLCALL_FILE_KEY], NULL, false, 0, 0, NULL,
         "PEM file of its key, root's (0600)."),
    SINK("timeout", OPTION_DURATION, timeout, NULL, false, 1, 600, "30s",
         "A directory that does not answer for this long counts as gone."),
#undef SINK

    {"access", "allow_groups", OPTION_LIST, IN(rollcall_config, allow_groups), NULL, false, 0, 0,
     NULL,
     "Groups, by their immutable id in the source, whose members may log in here. Absent: "
     "nobody.",
     NULL},
    {"access", "publish", OPTION_WORD, IN(rollcall_config, publish), "all|allowed", true, 0, 0,
     "all", "allowed: only people who may log in here have a name and uid on this host.", NULL},

    {"nss", "enumerate", OPTION_BOOL, IN(rollcall_config, enumerate), NULL, false, 0, 0, "yes",
     "no: `getent passwd` and `getent group` without a name list nobody of ours.", NULL},
    {"nss", "group_members", OPTION_MEMBERS, IN(rollcall_config, group_members),
     "full|limit N|none", false, 0, 0, "full",
     "Whether a group lists its members. With limit N, a group of more than N lists none; with "
     "none, no group does. Programs that ask which groups a person is in always hear all of them.",
     NULL},
    {"nss", "locked", OPTION_WORD, IN(rollcall_config, locked), "visible|hidden", false, 0, 0,
     "visible",
     "Whoever is locked or has left keeps name and uid, with a shell that lets nobody in; hidden: "
     "is not found at all, and files show a bare number. Without effect in mode = observe.",
     NULL},
    {"nss", "former_names", OPTION_BOOL, IN(rollcall_config, former_names), NULL, false, 0, 0, "no",
     "yes: the name that a renamed person had before leads to the person, unless somebody else has "
     "it now. The answer bears the present name. Nobody logs in by a former name.",
     NULL},

    {"local_group", "from", OPTION_LIST, IN(rollcall_local_group_config, from), NULL, false, 0, 0,
     NULL, "Groups of a source whose members are in this local group.", NULL},

    {"mfa", "factors", OPTION_LIST, IN(rollcall_config, factors), NULL, false, 0, 0, "totp",
     "The factors of this host: totp, recovery (ten codes shown at enrolment), fido2 (security "
     "keys at the console and for sudo). A factor that this "
     "build does not have is a warning and never counts.",
     NULL},
    {"mfa", "enrol", OPTION_WORD, IN(rollcall_config, enrol), "admin|access-code", true, 0, 0,
     "admin",
     "How people get their first factor: from an administrator (rollcall enroll totp USER), or by "
     "themselves at the login prompt, with an access code (rollcall code USER).",
     NULL},

    {"mfa", "first", OPTION_WORD, IN(rollcall_config, first), "local-password|ldap-password", true,
     0, 0, NULL,
     "The factor that is asked for first where a code alone is one factor: local-password, a "
     "password of this host, chosen at enrolment; ldap-password, the person's password at the "
     "directory of a source of type ldap, which judges it by a bind. With it every service but "
     "sudo asks for multi unless it says otherwise. "
     "Default: none.",
     NULL},
    {"mfa", "password_age", OPTION_DURATION, IN(rollcall_config, password_age), NULL, false, 1,
     3650ull * DAY, NULL,
     "A password that is older is changed at the next login with it. Default: never, which is what "
     "NIST advises.",
     NULL},
    {"mfa", "append", OPTION_WORD, IN(rollcall_config, append), "otp", true, 0, 0, NULL,
     "ldap-password, otp: the directory checks codes too (OpenLDAP's slapo-otp): the app's code is "
     "appended to the password that is sent, and need not be enrolled on this host. Both are then "
     "asked for at every service.",
     NULL},
    {"mfa", "password_cache", OPTION_DURATION, IN(rollcall_config, password_cache), NULL, false, 0,
     400 * DAY, "14d",
     "ldap-password: how long a password that the directory took is good when no directory can be "
     "reached, counted from the last sign-in that the directory let in. It is kept as a hash. 0s: "
     "none is kept.",
     NULL},
    {"mfa", "bind_failures", OPTION_COUNT, IN(rollcall_config, bind_failures), NULL, false, 1, 50,
     "3",
     "ldap-password: of how many wrong passwords about one person the directory hears from this "
     "host within bind_window; then it is not asked. Fewer than lock the account there. The last "
     "one is kept for sessions of the person's own.",
     NULL},
    {"mfa", "bind_window", OPTION_DURATION, IN(rollcall_config, bind_window), NULL, false, 60,
     30 * DAY, "30m",
     "ldap-password: how long after the last wrong password the directory is asked again. At "
     "least as long as the directory counts.",
     NULL},
    {"mfa", "totp_algorithm", OPTION_WORD, IN(rollcall_config, totp_algorithm),
     "sha1|sha256|sha512", false, 0, 0, "sha1",
     "The hash of codes of apps that are enrolled from now on. Many apps know sha1 alone and take "
     "another one silently for it.",
     NULL},
    {"mfa", "totp_digits", OPTION_WORD, IN(rollcall_config, totp_digits), "6|8", false, 0, 0, "6",
     "How many digits apps that are enrolled from now on show.", NULL},

    {"mfa", "fido2_rp", OPTION_TEXT, IN(rollcall_config, fido2_rp), NULL, false, 0, 63, NULL,
     "The name that new security keys are enrolled under (WebAuthn's relying party id), the same "
     "on "
     "all hosts of an organisation if its keys are to be. A key keeps the name that it was "
     "enrolled "
     "under. Default: the host's name.",
     NULL},
    {"mfa", "fido2_roots", OPTION_PATH, IN(rollcall_config, fido2_roots), NULL, false, 0, 0, NULL,
     "PEM file of the makers of security keys whose word counts: a key that one of them signed for "
     "is marked attested.",
     NULL},
    {"mfa", "fido2_aaguids", OPTION_LIST, IN(rollcall_config, fido2_aaguids), NULL, false, 0, 0,
     NULL,
     "The models of security keys that count here, by their AAGUID. Only where a maker of "
     "fido2_roots signed for it: what a key says of itself is a mere claim. Default: every model.",
     NULL},
    {"mfa", "multi_groups", OPTION_LIST, IN(rollcall_config, multi_groups), NULL, false, 0, 0, NULL,
     "Groups, by their immutable id, whose members need multi at every service that asks for "
     "less.",
     NULL},
    {"mfa", "phishing_resistant_groups", OPTION_LIST,
     IN(rollcall_config, phishing_resistant_groups), NULL, false, 0, 0, NULL,
     "Groups whose members need phishing-resistant at every service.", NULL},

    {"service", "require", OPTION_WORD, IN(rollcall_service_config, require),
     "single|multi|phishing-resistant", true, 0, 0, NULL,
     "The strength that this service asks for. single: a code or a security key. multi: two "
     "factors, such as an SSH key and a code. phishing-resistant: one that is bound to what it "
     "signs in to. Default: single.",
     NULL},
    {"service", "grace", OPTION_DURATION, IN(rollcall_service_config, grace), NULL, false, 0, DAY,
     NULL,
     "For this long after a success nothing is asked. sudo: in the same session, terminal and "
     "boot; default 5m, 0s: always ask. sshd: for the same key from the same address; default "
     "0s.",
     NULL},

    {"lifecycle", "lease", OPTION_DURATION, IN(rollcall_config, lease), NULL, false, 3600,
     400 * DAY, NULL,
     "How long an authority's silence is borne before logins are refused. Default: 72h, for "
     "files 10d.",
     NULL},
    {"lifecycle", "lease_exempt_group", OPTION_LIST, IN(rollcall_config, lease_exempt_group), NULL,
     false, 0, 0, NULL, "Members get in when the lease is over. Keep it small.", NULL},
    {"lifecycle", "dates_ahead", OPTION_DURATION, IN(rollcall_config, dates_ahead), NULL, false, 0,
     3650ull * DAY, "72h",
     "Of a hub: how far ahead a first or last day may stand in the directory, so that hosts know "
     "it when they hear of nobody any more.",
     NULL},
    {"lifecycle", "breaker_window", OPTION_DURATION, IN(rollcall_config, breaker_window), NULL,
     false, 60, 30 * DAY, "24h", "The breaker counts effects per source over this time.", NULL},
    {"lifecycle", "breaker_inferred_count", OPTION_COUNT,
     IN(rollcall_config, breaker_inferred_count), NULL, false, 0, 1000000000, "5",
     "Inferred losses beyond the larger of count and share are held.", NULL},
    {"lifecycle", "breaker_inferred_share", OPTION_PERCENT,
     IN(rollcall_config, breaker_inferred_share), NULL, false, 0, 0, "2%",
     "Per cent of the people who are not terminated.", NULL},
    {"lifecycle", "breaker_explicit_count", OPTION_COUNT,
     IN(rollcall_config, breaker_explicit_count), NULL, false, 0, 1000000000, "50",
     "Explicit losses beyond the larger of count and share refuse logins but end no session until "
     "`rollcall approve`.",
     NULL},
    {"lifecycle", "breaker_explicit_share", OPTION_PERCENT,
     IN(rollcall_config, breaker_explicit_share), NULL, false, 0, 0, "10%",
     "Per cent of the people who are not terminated.", NULL},

    {"ids", "id_range", OPTION_IDS, IN(rollcall_config, id_min), NULL, false, 0, 0,
     "1879048192-2147483646",
     "uids and gids of people and their groups. Outside of it nothing is served.", NULL},

    {"enforcer", "kill_services", OPTION_BOOL, IN(rollcall_config, kill_services), NULL, false, 0,
     0, "no",
     "Also end a leaver's processes that stand in system.slice or machine.slice or hold the "
     "package lock.",
     NULL},

    {"breakglass", "account", OPTION_TEXT, IN(rollcall_config, breakglass_account), NULL, false, 0,
     32, NULL,
     "The account: a local one, whose password is locked (usermod -L). Never root. Default: none.",
     NULL},
    {"breakglass", "open_for", OPTION_DURATION, IN(rollcall_config, breakglass_open_for), NULL,
     false, 10, DAY, "1h", "For how long a code opens it.", NULL},
    {"breakglass", "services", OPTION_LIST, IN(rollcall_config, breakglass_services), NULL, false,
     0, 0, "login, su, su-l",
     "PAM services that ask for a sealed code. Every other refuses the account, sshd among them "
     "unless it is named here.",
     NULL},
};

const struct option_table config_table_other = {options, sizeof(options) / sizeof(options[0])};
