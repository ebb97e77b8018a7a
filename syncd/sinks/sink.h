// SPDX-License-Identifier: BSD-2-Clause
// rollcall-sink-ldap: the merged company into a directory. docs/doors/sink-pipe.md and
// docs/doors/directory.md. A failure of the connection ends the process: the engine
// starts it again, and says again what was not confirmed.
#ifndef ROLLCALL_SYNCD_SINKS_SINK_H
#define ROLLCALL_SYNCD_SINKS_SINK_H

#include <jansson.h>
#include <stdint.h>

#include "rollcall/ldap_session.h"

#define SINK_DN_MAX 1024

struct sink {
    json_t *request;
    struct rollcall_ldap_options options;
    const char *uris[ROLLCALL_LDAP_URIS_MAX];
    char ca[64], cert[64], key[64], keytab[64];
    struct rollcall_secret password;
    struct rollcall_ldap *session;
    const char *base, *hub;
    json_t *groups; // whose entry is known to be there: name -> true
    // Everybody who was named since the last `complete`, to find whom nobody names.
    uint32_t *named;
    size_t n_named, named_room;
    // Of the newest acknowledgement that was read, in each of the last looks: the server may show
    // a change after another one with a later number.
    char hosts_csn[3][128];
    unsigned looks; // at hosts, since all of them were read
};

// Never return on a failure: a sentence on standard error, and the end.
_Noreturn void sink_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sink_say(json_t *o); // takes the reference
void sink_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

// ---- sink_ldap.c: requests that go out together and are waited for ----
struct sink_requests {
    struct {
        int msgid;
        char what[160];
        int ignore; // a result code that is as good as success
        bool vital; // without it nothing is done: its refusal ends the sink
    } item[512];
    size_t n;
};
void sink_add(struct sink *s, struct sink_requests *q, const char *dn, LDAPMod **mods,
              const char *what, int ignore);
void sink_modify(struct sink *s, struct sink_requests *q, const char *dn, LDAPMod **mods,
                 const char *what, int ignore, bool permissive);
// The request sent last is vital.
void sink_insist(struct sink_requests *q);
// Waits for all of them; a refusal that the entry is to blame for is a problem that is said, and
// counted in the result. Any other ends the sink.
unsigned sink_finish(struct sink *s, struct sink_requests *q);
// Every entry found as {"dn": ..., attribute: [values, sorted]}; values that are no UTF-8
// are left out. `each` owns nothing. An absent base finds nothing.
void sink_search(struct sink *s, const char *base, int scope, const char *filter,
                 const char *const *attributes, void (*each)(void *ctx, json_t *entry), void *ctx);

// Mods from JSON: {attribute: [values]}; what `sink_mods` made lives until sink_mods_done.
struct sink_mods {
    LDAPMod mod[40], *list[41];
    size_t n;
};
void sink_mods_put(struct sink_mods *m, int op, const char *attribute, const json_t *values);
void sink_mods_done(struct sink_mods *m);

// ---- sink_people.c ----
void sink_people(struct sink *s, json_t *users);
void sink_strays(struct sink *s); // whom the directory has and nobody named: refused
void sink_name(struct sink *s, uint32_t uid);

// ---- sink_groups.c ----
// Brings memberUid in step: `was` are the entries found, by uid as text; users as said.
void sink_groups(struct sink *s, json_t *users, const json_t *was);

// ---- sink_hosts.c ----
void sink_hosts(struct sink *s);

#endif
