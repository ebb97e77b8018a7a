// SPDX-License-Identifier: BSD-2-Clause
// What hosts acknowledged, read by the number of each change, so that it costs what changed.
#include <string.h>

#include "rollcall/parse.h"
#include "rollcall/timeparse.h"
#include "syncd/sinks/sink.h"

#define ALL_EVERY 3600 // looks, about an hour

static const char *text_of(const json_t *entry, const char *attribute)
{
    return json_string_value(json_array_get(json_object_get(entry, attribute), 0));
}

static json_int_t number_of(const json_t *entry, const char *attribute)
{
    const char *text = text_of(entry, attribute);
    uint64_t n;

    return text && rollcall_parse_u64(text, 0, INT64_MAX, &n) == 0 ? (json_int_t)n : 0;
}

// 20261125T...: the form of the directory; 0 where it is none.
static json_int_t instant_of(const json_t *entry)
{
    const char *t = text_of(entry, "rollcallAckTime");
    char text[24];
    enum rollcall_time_kind kind;
    int64_t at;

    if (!t || strlen(t) != 15 || strspn(t, "0123456789") != 14 || t[14] != 'Z')
        return 0;
    snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4, t + 6, t + 8, t + 10,
             t + 12);
    return rollcall_time_parse(text, &kind, &at) == 0 ? at : 0;
}

struct taking {
    char newest[128];
};

static void take(void *ctx, json_t *entry)
{
    struct taking *t = ctx;
    const char *csn = text_of(entry, "entryCSN"), *name = text_of(entry, "cn");
    const char *version = text_of(entry, "rollcallAckVersion");

    if (csn && strcmp(csn, t->newest) > 0 && strlen(csn) < sizeof(t->newest) &&
        strspn(csn, "0123456789abcdef.Z#") == strlen(csn))
        snprintf(t->newest, sizeof(t->newest), "%s", csn);
    if (!name)
        return;
    sink_say(json_pack("{s:s, s:{s:s, s:I, s:I, s:I, s:I, s:s}}", "op", "host", "host", "name",
                       name, "generation", number_of(entry, "rollcallAckGeneration"), "gone",
                       number_of(entry, "rollcallAckGone"), "left",
                       number_of(entry, "rollcallAckLeft"), "time", instant_of(entry), "version",
                       version && strlen(version) <= 64 ? version : ""));
}

void sink_hosts(struct sink *s)
{
    static const char *const attributes[] = {"cn",
                                             "rollcallAckGeneration",
                                             "rollcallAckGone",
                                             "rollcallAckLeft",
                                             "rollcallAckTime",
                                             "entryCSN",
                                             "rollcallAckVersion",
                                             NULL};
    char base[SINK_DN_MAX], filter[400];
    bool all = s->looks % ALL_EVERY == 0;
    size_t last = sizeof(s->hosts_csn) / sizeof(s->hosts_csn[0]), at = s->looks++ % last;
    const char *from = s->hosts_csn[at];
    struct taking t;

    if (all) {
        for (size_t i = 0; i < last; i++)
            s->hosts_csn[i][0] = 0;
        sink_say(json_pack("{s:s}", "op", "hosts-begin"));
    }
    snprintf(t.newest, sizeof(t.newest), "%s", s->hosts_csn[(at + last - 1) % last]);
    if (*from)
        snprintf(filter, sizeof(filter),
                 "(&(objectClass=rollcallHost)(entryCSN>=%s)(!(entryCSN=%s)))", from, from);
    else
        snprintf(filter, sizeof(filter), "(objectClass=rollcallHost)");
    snprintf(base, sizeof(base), "ou=hosts,%s", s->base);
    sink_search(s, base, LDAP_SCOPE_ONELEVEL, filter, attributes, take, &t);
    snprintf(s->hosts_csn[at], sizeof(s->hosts_csn[at]), "%s", t.newest);
    if (all)
        sink_say(json_pack("{s:s}", "op", "hosts-end"));
}
