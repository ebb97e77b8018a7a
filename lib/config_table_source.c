// SPDX-License-Identifier: BSD-2-Clause
// The options of [source NAME] that are not of an API alone: config_table_web.c has those.
#include "lib/config_table.h"
#include "rollcall/config.h"

#define DAY 86400u

static const struct option_definition options[] = {
    SOURCE(NULL, "type", OPTION_WORD, type, "csv|exec|ldap|" API, true, 0, 0, NULL,
           "csv reads a file that HR's export writes; ldap follows a directory; graph reads Entra "
           "ID, okta Okta, pingone PingOne, scim a SCIM 2.0 server, json the API or the file of an "
           "HR system; exec runs a program of your own that speaks the source protocol."),
    SOURCE(NULL, "role", OPTION_WORDS, role, "authority|directory|signal", false, 0, 0, NULL,
           "authority says who is employed, directory what the account is on Unix, signal only "
           "takes away."),
    SOURCE("csv|json", "path", OPTION_PATH, path, NULL, false, 0, 0, NULL,
           "the file. Readable by the user rollcall-source, in a folder that it may watch."),
    SOURCE("exec", "command", OPTION_PATH, command, NULL, false, 0, 0, NULL,
           "the program, without arguments."),
    SOURCE("exec|json|scim", "user", OPTION_TEXT, user, NULL, false, 0, 256, NULL,
           "of exec the local user that the program runs as, in place of rollcall-source; never "
           "root. Of json and scim the name that goes with password_file."),
    SOURCE(NULL, "expect_every", OPTION_DURATION, expect_every, NULL, false, 60, 400 * DAY, NULL,
           "An alarm is raised when the source has not spoken for this long. Locks nobody."),
    SOURCE(NULL, "when_missing", OPTION_WORD, when_missing, "lock|keep", false, 0, 0, "lock",
           "What two full listings without a person mean: a lock, or nothing."),
    SOURCE(NULL, "poll", OPTION_DURATION, poll, NULL, false, 1, DAY, NULL,
           "How often the source looks again, beside what wakes it at once. Default: 60s; for "
           "sources over an API, where each look costs requests, 5m. What a server says of single "
           "people meanwhile (Okta's log) is heard sooner."),
    SOURCE(NULL, "timeout", OPTION_DURATION, timeout, NULL, false, 1, DAY, "5m",
           "A source that says nothing for this long in the middle of a listing is ended and "
           "started again."),
    SOURCE(NULL, "lease", OPTION_DURATION, lease, NULL, false, 3600, 400 * DAY, NULL,
           "This source's own lease, in place of [lifecycle] lease."),
    SOURCE(NULL, "worker_type", OPTION_TEXT, worker_type, NULL, false, 0, 64, NULL,
           "What these people are, where the source does not say: contractor."),
    SOURCE(NULL, "join_prefix", OPTION_TEXT, join_prefix, NULL, false, 0, 16, NULL,
           "Stands before each employeeNumber, so that a vendor's 1042 is not ours."),
    SOURCE(NULL, "default_end", OPTION_DURATION, default_end, NULL, false, DAY, 3650ull * DAY, NULL,
           "A person without an end date ends this long after the listing's time of first sight."),

    SOURCE(
        NULL, "key_marks", OPTION_BOOL, key_marks, NULL, false, 0, 0, "no",
        "yes: a hardware key (sk-...) with the word attested or vouched before it in sshPublicKeys "
        "counts as a second factor. Only where people cannot write their own keys."),

    SOURCE("ldap", "uri", OPTION_LIST, ldap.uri, NULL, false, 0, 0, NULL,
           "the servers, tried in this order: ldaps://HOST, ldap://HOST (StartTLS always comes "
           "first) or ldapi://PATH with %2F for each slash."),
    SOURCE("ldap", "base", OPTION_TEXT, ldap.base, NULL, false, 0, 400, NULL,
           "the DN below which people and groups are."),
    SOURCE("ldap", "user_base", OPTION_TEXT, ldap.user_base, NULL, false, 0, 400, NULL,
           "the DN below which people are, inside base. Default: base."),
    SOURCE("ldap", "group_base", OPTION_TEXT, ldap.group_base, NULL, false, 0, 400, NULL,
           "the DN below which groups are, inside base. Default: base."),
    SOURCE("ldap", "user_filter", OPTION_TEXT, ldap.user_filter, NULL, false, 0, 400, NULL,
           "who is a person, in place of the schema's filter. Never by state: whoever leaves a "
           "filter looks deleted, not locked."),
    SOURCE("ldap", "group_filter", OPTION_TEXT, ldap.group_filter, NULL, false, 0, 400, NULL,
           "what is a group, in place of the schema's filter."),
    SOURCE("ldap", "schema", OPTION_WORD, ldap.schema,
           "rfc2307|rfc2307bis|inetorgperson|ad|rollcall", true, 0, 0, "rfc2307",
           "what the attributes are called. rfc2307 lists members by name (memberUid), rfc2307bis "
           "by DN (member), groups in groups too; inetorgperson has no uidNumber; ad is Active "
           "Directory; rollcall is what a hub's sink writes."),
    SOURCE(NULL, "ack_uri", OPTION_LIST, ldap.ack_uri, NULL, false, 0, 0, NULL,
           "ldap, schema = rollcall: the servers that take this host's acknowledgement, where "
           "those of uri are replicas that cannot be written to. Default: uri."),
    SOURCE("ldap|" API, "map", OPTION_LIST, ldap.map, NULL, false, 0, 0, NULL,
           "attributes that are called otherwise: employeeNumber:acmeStaffNo, group.id:entryUUID. "
           "Of json where members stand, by JSON pointers: employeeNumber:/worker/number. See "
           "the type's own page, such as rollcall-source-ldap(8)."),
    SOURCE("ldap", "sync", OPTION_WORD, ldap.sync, "auto|persist|refresh|poll|dirsync|usn", true, 0,
           0, "auto",
           "how changes are followed. persist is told by the server at once and refresh asks for "
           "them every poll (RFC 4533); dirsync and usn ask Active Directory every poll; poll "
           "looks for newer entries and compares the rest. auto takes persist, dirsync, usn or "
           "poll: the first that the server has for this account."),
    SOURCE("ldap|json|scim", "page", OPTION_COUNT, ldap.page, NULL, false, 0, 100000, "500",
           "entries a page, where the server is read by pages; it may send fewer. 0: no pages, of "
           "json the server's own number."),
    SOURCE("ldap", "bind", OPTION_WORD, ldap.bind, "simple|external|gssapi|none", true, 0, 0,
           "simple",
           "who we are at the directory: bind_dn with password_file; the certificate of cert_file "
           "and key_file (for ldapi:// the uid); the keytab; or nobody. Always inside TLS."),
    SOURCE("ldap", "bind_dn", OPTION_TEXT, ldap.bind_dn, NULL, false, 0, 400, NULL,
           "the DN for bind = simple."),
    SOURCE("exec|ldap|json|scim", "password_file", OPTION_PATH, file[ROLLCALL_FILE_PASSWORD], NULL,
           false, 0, 0, NULL,
           "A file with the password in its first line, root's and nobody else's (0600)."),
    SOURCE("exec|ldap", "keytab", OPTION_PATH, file[ROLLCALL_FILE_KEYTAB], NULL, false, 0, 0, NULL,
           "The keytab for bind = gssapi, root's (0600)."),
    SOURCE("exec|ldap|" API, "ca_file", OPTION_PATH, file[ROLLCALL_FILE_CA], NULL, false, 0, 0,
           NULL, "PEM file of the authorities that vouch for the server. Default: the system's."),
    SOURCE("exec|ldap|" API, "cert_file", OPTION_PATH, file[ROLLCALL_FILE_CERT], NULL, false, 0, 0,
           NULL, "PEM file of this host's own certificate."),
    SOURCE("exec|ldap|" API, "key_file", OPTION_PATH, file[ROLLCALL_FILE_KEY], NULL, false, 0, 0,
           NULL, "PEM file of its key, root's (0600)."),

};

const struct option_table config_table_source = {options, sizeof(options) / sizeof(options[0])};
