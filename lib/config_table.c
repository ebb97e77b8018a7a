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

const struct option_definition config_options[] = {
    {"rollcall", "mode", OPTION_WORD, IN(rollcall_config, mode), "enforce|observe", false, 0, 0,
     "enforce",
     "In observe, nothing is asked and nobody is refused: logins are evaluated and logged, the "
     "enforcer only reports. For the first weeks."},
    {"rollcall", "timezone", OPTION_TIMEZONE, IN(rollcall_config, timezone), NULL, false, 0, 0,
     "UTC", "IANA name. A bare end date ends at midnight here."},
    {"rollcall", "contact", OPTION_TEXT, IN(rollcall_config, contact), NULL, false, 0, 120,
     "your IT service desk", "Whom people are told to call. One line."},
    {"rollcall", "labels", OPTION_LIST, IN(rollcall_config, labels), NULL, false, 0, 0, NULL,
     "Words that describe this host, for reports."},

    {"source", "type", OPTION_WORD, IN(rollcall_source_config, type), "csv|exec|ldap", true, 0, 0,
     NULL,
     "csv reads a file that HR's export writes; ldap follows a directory; exec runs a program of "
     "your own that speaks the source protocol."},
    {"source", "role", OPTION_WORDS, IN(rollcall_source_config, role), "authority|directory|signal",
     false, 0, 0, NULL,
     "authority says who is employed, directory what the account is on Unix, signal only takes "
     "away."},
    {"source", "path", OPTION_PATH, IN(rollcall_source_config, path), NULL, false, 0, 0, NULL,
     "csv: the file. Readable by the user rollcall-source, in a folder that it may watch."},
    {"source", "command", OPTION_PATH, IN(rollcall_source_config, command), NULL, false, 0, 0, NULL,
     "exec: the program, without arguments."},
    {"source", "user", OPTION_TEXT, IN(rollcall_source_config, user), NULL, false, 0, 32, NULL,
     "exec: the local user that the program runs as, in place of rollcall-source. Never root."},
    {"source", "expect_every", OPTION_DURATION, IN(rollcall_source_config, expect_every), NULL,
     false, 60, 400 * DAY, NULL,
     "An alarm is raised when the source has not spoken for this long. Locks nobody."},
    {"source", "when_missing", OPTION_WORD, IN(rollcall_source_config, when_missing), "lock|keep",
     false, 0, 0, "lock", "What two full listings without a person mean: a lock, or nothing."},
    {"source", "poll", OPTION_DURATION, IN(rollcall_source_config, poll), NULL, false, 1, DAY,
     "60s", "How often the source looks again, beside what wakes it at once."},
    {"source", "timeout", OPTION_DURATION, IN(rollcall_source_config, timeout), NULL, false, 1, DAY,
     "5m",
     "A source that says nothing for this long in the middle of a listing is ended and started "
     "again."},
    {"source", "lease", OPTION_DURATION, IN(rollcall_source_config, lease), NULL, false, 3600,
     400 * DAY, NULL, "This source's own lease, in place of [lifecycle] lease."},
    {"source", "worker_type", OPTION_TEXT, IN(rollcall_source_config, worker_type), NULL, false, 0,
     64, NULL, "What these people are, where the source does not say: contractor."},
    {"source", "join_prefix", OPTION_TEXT, IN(rollcall_source_config, join_prefix), NULL, false, 0,
     16, NULL, "Stands before each employeeNumber, so that a vendor's 1042 is not ours."},
    {"source", "default_end", OPTION_DURATION, IN(rollcall_source_config, default_end), NULL, false,
     DAY, 3650ull * DAY, NULL,
     "A person without an end date ends this long after the listing's time "
     "of first sight."},

    {"source", "key_marks", OPTION_BOOL, IN(rollcall_source_config, key_marks), NULL, false, 0, 0,
     "no",
     "yes: a hardware key (sk-...) with the word attested or vouched before it in sshPublicKeys "
     "counts as a second factor. Only where people cannot write their own keys."},

    {"source", "uri", OPTION_LIST, IN(rollcall_source_config, ldap.uri), NULL, false, 0, 0, NULL,
     "ldap: the servers, tried in this order: ldaps://HOST, ldap://HOST (StartTLS always comes "
     "first) or ldapi://PATH with %2F for each slash."},
    {"source", "base", OPTION_TEXT, IN(rollcall_source_config, ldap.base), NULL, false, 0, 400,
     NULL, "ldap: the DN below which people and groups are."},
    {"source", "user_base", OPTION_TEXT, IN(rollcall_source_config, ldap.user_base), NULL, false, 0,
     400, NULL, "ldap: the DN below which people are, inside base. Default: base."},
    {"source", "group_base", OPTION_TEXT, IN(rollcall_source_config, ldap.group_base), NULL, false,
     0, 400, NULL, "ldap: the DN below which groups are, inside base. Default: base."},
    {"source", "user_filter", OPTION_TEXT, IN(rollcall_source_config, ldap.user_filter), NULL,
     false, 0, 400, NULL,
     "ldap: who is a person, in place of the schema's filter. Never by state: whoever leaves a "
     "filter looks deleted, not locked."},
    {"source", "group_filter", OPTION_TEXT, IN(rollcall_source_config, ldap.group_filter), NULL,
     false, 0, 400, NULL, "ldap: what is a group, in place of the schema's filter."},
    {"source", "schema", OPTION_WORD, IN(rollcall_source_config, ldap.schema),
     "rfc2307|rfc2307bis|inetorgperson|ad|rollcall", true, 0, 0, "rfc2307",
     "ldap: what the attributes are called. rfc2307 lists members by name (memberUid), "
     "rfc2307bis by DN (member), groups in groups too; inetorgperson has no uidNumber; ad is "
     "Active "
     "Directory; rollcall is what a hub's sink writes."},
    {"source", "ack_uri", OPTION_LIST, IN(rollcall_source_config, ldap.ack_uri), NULL, false, 0, 0,
     NULL,
     "ldap, schema = rollcall: the servers that take this host's acknowledgement, where those of "
     "uri are replicas that cannot be written to. Default: uri."},
    {"source", "map", OPTION_LIST, IN(rollcall_source_config, ldap.map), NULL, false, 0, 0, NULL,
     "ldap: attributes that are called otherwise: employeeNumber:acmeStaffNo, group.id:entryUUID. "
     "See rollcall-source-ldap(8)."},
    {"source", "sync", OPTION_WORD, IN(rollcall_source_config, ldap.sync),
     "auto|persist|refresh|poll|dirsync|usn", true, 0, 0, "auto",
     "ldap: how changes are followed. persist is told by the server at once and refresh asks for "
     "them every poll (RFC 4533); dirsync and usn ask Active Directory every poll; poll looks for "
     "newer entries and compares the rest. auto takes persist, dirsync, usn or poll: the first "
     "that the server has for this account."},
    {"source", "page", OPTION_COUNT, IN(rollcall_source_config, ldap.page), NULL, false, 0, 100000,
     "500", "ldap: entries a page, where the server is read by pages; 0: no pages."},
    {"source", "bind", OPTION_WORD, IN(rollcall_source_config, ldap.bind),
     "simple|external|gssapi|none", true, 0, 0, "simple",
     "ldap: who we are at the directory: bind_dn with password_file; the certificate of cert_file "
     "and key_file (for ldapi:// the uid); the keytab; or nobody. Always inside TLS."},
    {"source", "bind_dn", OPTION_TEXT, IN(rollcall_source_config, ldap.bind_dn), NULL, false, 0,
     400, NULL, "ldap: the DN for bind = simple."},
    {"source", "password_file", OPTION_PATH,
     IN(rollcall_source_config, file[ROLLCALL_FILE_PASSWORD]), NULL, false, 0, 0, NULL,
     "A file with the password in its first line, root's and nobody else's (0600)."},
    {"source", "keytab", OPTION_PATH, IN(rollcall_source_config, file[ROLLCALL_FILE_KEYTAB]), NULL,
     false, 0, 0, NULL, "The keytab for bind = gssapi, root's (0600)."},
    {"source", "ca_file", OPTION_PATH, IN(rollcall_source_config, file[ROLLCALL_FILE_CA]), NULL,
     false, 0, 0, NULL,
     "PEM file of the authorities that vouch for the server. Default: the system's."},
    {"source", "cert_file", OPTION_PATH, IN(rollcall_source_config, file[ROLLCALL_FILE_CERT]), NULL,
     false, 0, 0, NULL, "PEM file of this host's own certificate."},
    {"source", "key_file", OPTION_PATH, IN(rollcall_source_config, file[ROLLCALL_FILE_KEY]), NULL,
     false, 0, 0, NULL, "PEM file of its key, root's (0600)."},

#define SINK(name, type, member, words, text, min, max, standard, sentence)                        \
    {                                                                                              \
        "sink", name, type, IN(rollcall_source_config, member), words, text, min, max, standard,   \
            sentence                                                                               \
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
     "nobody."},
    {"access", "publish", OPTION_WORD, IN(rollcall_config, publish), "all|allowed", true, 0, 0,
     "all", "allowed: only people who may log in here have a name and uid on this host."},

    {"nss", "enumerate", OPTION_BOOL, IN(rollcall_config, enumerate), NULL, false, 0, 0, "yes",
     "no: `getent passwd` and `getent group` without a name list nobody of ours."},
    {"nss", "group_members", OPTION_MEMBERS, IN(rollcall_config, group_members),
     "full|limit N|none", false, 0, 0, "full",
     "Whether a group lists its members. With limit N, a group of more than N lists none; with "
     "none, no group does. Programs that ask which groups a person is in always hear all of them."},
    {"nss", "locked", OPTION_WORD, IN(rollcall_config, locked), "visible|hidden", false, 0, 0,
     "visible",
     "Whoever is locked or has left keeps name and uid, with a shell that lets nobody in; hidden: "
     "is not found at all, and files show a bare number. Without effect in mode = observe."},
    {"nss", "former_names", OPTION_BOOL, IN(rollcall_config, former_names), NULL, false, 0, 0, "no",
     "yes: the name that a renamed person had before leads to the person, unless somebody else has "
     "it now. The answer bears the present name. Nobody logs in by a former name."},

    {"local_group", "from", OPTION_LIST, IN(rollcall_local_group_config, from), NULL, false, 0, 0,
     NULL, "Groups of a source whose members are in this local group."},

    {"mfa", "factors", OPTION_LIST, IN(rollcall_config, factors), NULL, false, 0, 0, "totp",
     "The factors of this host: totp, recovery (ten codes shown at enrolment), fido2 (security "
     "keys at the console and for sudo). A factor that this "
     "build does not have is a warning and never counts."},
    {"mfa", "enrol", OPTION_WORD, IN(rollcall_config, enrol), "admin|access-code", true, 0, 0,
     "admin",
     "How people get their first factor: from an administrator (rollcall enroll totp USER), or by "
     "themselves at the login prompt, with an access code (rollcall code USER)."},

    {"mfa", "first", OPTION_WORD, IN(rollcall_config, first), "local-password|ldap-password", true,
     0, 0, NULL,
     "The factor that is asked for first where a code alone is one factor: local-password, a "
     "password of this host, chosen at enrolment; ldap-password, the person's password at the "
     "directory of a source of type ldap, which judges it by a bind. With it every service but "
     "sudo asks for multi unless it says otherwise. "
     "Default: none."},
    {"mfa", "password_age", OPTION_DURATION, IN(rollcall_config, password_age), NULL, false, 1,
     3650ull * DAY, NULL,
     "A password that is older is changed at the next login with it. Default: never, which is what "
     "NIST advises."},
    {"mfa", "append", OPTION_WORD, IN(rollcall_config, append), "otp", true, 0, 0, NULL,
     "ldap-password, otp: the directory checks codes too (OpenLDAP's slapo-otp): the app's code is "
     "appended to the password that is sent, and need not be enrolled on this host. Both are then "
     "asked for at every service."},
    {"mfa", "password_cache", OPTION_DURATION, IN(rollcall_config, password_cache), NULL, false, 0,
     400 * DAY, "14d",
     "ldap-password: how long a password that the directory took is good when no directory can be "
     "reached, counted from the last sign-in that the directory let in. It is kept as a hash. 0s: "
     "none is kept."},
    {"mfa", "bind_failures", OPTION_COUNT, IN(rollcall_config, bind_failures), NULL, false, 1, 50,
     "3",
     "ldap-password: of how many wrong passwords about one person the directory hears from this "
     "host within bind_window; then it is not asked. Fewer than lock the account there. The last "
     "one is kept for sessions of the person's own."},
    {"mfa", "bind_window", OPTION_DURATION, IN(rollcall_config, bind_window), NULL, false, 60,
     30 * DAY, "30m",
     "ldap-password: how long after the last wrong password the directory is asked again. At "
     "least as long as the directory counts."},
    {"mfa", "totp_algorithm", OPTION_WORD, IN(rollcall_config, totp_algorithm),
     "sha1|sha256|sha512", false, 0, 0, "sha1",
     "The hash of codes of apps that are enrolled from now on. Many apps know sha1 alone and take "
     "another one silently for it."},
    {"mfa", "totp_digits", OPTION_WORD, IN(rollcall_config, totp_digits), "6|8", false, 0, 0, "6",
     "How many digits apps that are enrolled from now on show."},

    {"mfa", "fido2_rp", OPTION_TEXT, IN(rollcall_config, fido2_rp), NULL, false, 0, 63, NULL,
     "The name that new security keys are enrolled under (WebAuthn's relying party id), the same "
     "on "
     "all hosts of an organisation if its keys are to be. A key keeps the name that it was "
     "enrolled "
     "under. Default: the host's name."},
    {"mfa", "fido2_roots", OPTION_PATH, IN(rollcall_config, fido2_roots), NULL, false, 0, 0, NULL,
     "PEM file of the makers of security keys whose word counts: a key that one of them signed for "
     "is marked attested."},
    {"mfa", "fido2_aaguids", OPTION_LIST, IN(rollcall_config, fido2_aaguids), NULL, false, 0, 0,
     NULL,
     "The models of security keys that count here, by their AAGUID. Only where a maker of "
     "fido2_roots signed for it: what a key says of itself is a mere claim. Default: every model."},
    {"mfa", "multi_groups", OPTION_LIST, IN(rollcall_config, multi_groups), NULL, false, 0, 0, NULL,
     "Groups, by their immutable id, whose members need multi at every service that asks for "
     "less."},
    {"mfa", "phishing_resistant_groups", OPTION_LIST,
     IN(rollcall_config, phishing_resistant_groups), NULL, false, 0, 0, NULL,
     "Groups whose members need phishing-resistant at every service."},

    {"service", "require", OPTION_WORD, IN(rollcall_service_config, require),
     "single|multi|phishing-resistant", true, 0, 0, NULL,
     "The strength that this service asks for. single: a code or a security key. multi: two "
     "factors, such as an SSH key and a code. phishing-resistant: one that is bound to what it "
     "signs in to. Default: single."},
    {"service", "grace", OPTION_DURATION, IN(rollcall_service_config, grace), NULL, false, 0, DAY,
     NULL,
     "For this long after a success nothing is asked. sudo: in the same session, terminal and "
     "boot; default 5m, 0s: always ask. sshd: for the same key from the same address; default "
     "0s."},

    {"lifecycle", "lease", OPTION_DURATION, IN(rollcall_config, lease), NULL, false, 3600,
     400 * DAY, NULL,
     "How long an authority's silence is borne before logins are refused. Default: 72h, for "
     "files 10d."},
    {"lifecycle", "lease_exempt_group", OPTION_LIST, IN(rollcall_config, lease_exempt_group), NULL,
     false, 0, 0, NULL, "Members get in when the lease is over. Keep it small."},
    {"lifecycle", "dates_ahead", OPTION_DURATION, IN(rollcall_config, dates_ahead), NULL, false, 0,
     3650ull * DAY, "72h",
     "Of a hub: how far ahead a first or last day may stand in the directory, so that hosts know "
     "it when they hear of nobody any more."},
    {"lifecycle", "breaker_window", OPTION_DURATION, IN(rollcall_config, breaker_window), NULL,
     false, 60, 30 * DAY, "24h", "The breaker counts effects per source over this time."},
    {"lifecycle", "breaker_inferred_count", OPTION_COUNT,
     IN(rollcall_config, breaker_inferred_count), NULL, false, 0, 1000000000, "5",
     "Inferred losses beyond the larger of count and share are held."},
    {"lifecycle", "breaker_inferred_share", OPTION_PERCENT,
     IN(rollcall_config, breaker_inferred_share), NULL, false, 0, 0, "2%",
     "Per cent of the people who are not terminated."},
    {"lifecycle", "breaker_explicit_count", OPTION_COUNT,
     IN(rollcall_config, breaker_explicit_count), NULL, false, 0, 1000000000, "50",
     "Explicit losses beyond the larger of count and share refuse logins but end no session until "
     "`rollcall approve`."},
    {"lifecycle", "breaker_explicit_share", OPTION_PERCENT,
     IN(rollcall_config, breaker_explicit_share), NULL, false, 0, 0, "10%",
     "Per cent of the people who are not terminated."},

    {"ids", "id_range", OPTION_IDS, IN(rollcall_config, id_min), NULL, false, 0, 0,
     "1879048192-2147483646",
     "uids and gids of people and their groups. Outside of it nothing is served."},

    {"enforcer", "kill_services", OPTION_BOOL, IN(rollcall_config, kill_services), NULL, false, 0,
     0, "no",
     "Also end a leaver's processes that stand in system.slice or machine.slice or hold the "
     "package lock."},

    {"breakglass", "account", OPTION_TEXT, IN(rollcall_config, breakglass_account), NULL, false, 0,
     32, NULL,
     "The account: a local one, whose password is locked (usermod -L). Never root. Default: none."},
    {"breakglass", "open_for", OPTION_DURATION, IN(rollcall_config, breakglass_open_for), NULL,
     false, 10, DAY, "1h", "For how long a code opens it."},
    {"breakglass", "services", OPTION_LIST, IN(rollcall_config, breakglass_services), NULL, false,
     0, 0, "login, su, su-l",
     "PAM services that ask for a sealed code. Every other refuses the account, sshd among them "
     "unless it is named here."},
};
const size_t config_n_options = sizeof(config_options) / sizeof(config_options[0]);
