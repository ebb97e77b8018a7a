// SPDX-License-Identifier: BSD-2-Clause
// Values of JSON for what is read and said of 100,000 people: all values of a page, or of a
// person, stand in one room and are given back at once. Members and elements are chained in the
// order in which they came. Where jansson's values are right (a section, a cursor, a token's
// answer), they stay: those here are for rows.
//
// Every function that reads takes NULL for a value that is not there. Where there is no memory,
// what is put goes nowhere and values_failed() says so: ask once, when all is done.
#ifndef ROLLCALL_SOURCES_VALUE_H
#define ROLLCALL_SOURCES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_OBJECT
};

#define VALUES_DEPTH_MAX  32   // levels of what is read
#define VALUES_NAME_MAX   1024 // bytes of a member's name there
#define VALUES_WANTED_MAX 64

struct values; // the room

struct value {
    uint8_t kind; // enum value_kind
    bool word;    // its name is a word of ours, which needs no escaping
    uint32_t len; // of a text its bytes, of a list or object what is in it
    uint32_t name_len;
    const char *name; // of a member; NULL of an element
    struct value *next;
    union {
        int64_t integer;
        double real;
        const char *text; // UTF-8 without a NUL; one stands behind it
        struct {
            struct value *first, *last;
        };
    };
    struct values *in; // of a list or an object
};

// ---- the room ----

// `most`: bytes that it may have; beyond, there is no memory. NULL: no memory.
struct values *values_new(size_t most);
void values_free(struct values *in); // erases them
// All of its values are gone; the memory is kept for the next ones, but for what is beyond 4 MiB.
void values_empty(struct values *in);
bool values_failed(const struct values *in); // since it was emptied
size_t values_used(const struct values *in); // bytes
// Bytes that go with the values, aligned for any of them; NULL: no memory.
void *values_take(struct values *in, size_t len);
// A copy with a NUL behind it.
char *values_text(struct values *in, const char *text, size_t len);

// ---- looking ----

static inline bool value_is(const struct value *v, enum value_kind kind)
{
    return v && v->kind == kind;
}
static inline const char *value_text(const struct value *v) // or NULL: it is none
{
    return value_is(v, VALUE_TEXT) ? v->text : NULL;
}
static inline size_t value_len(const struct value *v) // of a text; 0: it is none
{
    return value_is(v, VALUE_TEXT) ? v->len : 0;
}
static inline int64_t value_integer(const struct value *v) // 0: it is none
{
    return value_is(v, VALUE_INTEGER) ? v->integer : 0;
}
static inline bool value_holds(const struct value *v) // a list or an object
{
    return v && v->kind >= VALUE_LIST;
}
static inline size_t value_size(const struct value *v) // what is in it
{
    return value_holds(v) ? v->len : 0;
}
// What is no list has no elements, and what is no object has no members.
static inline const struct value *value_first(const struct value *list)
{
    return list && list->kind == VALUE_LIST ? list->first : NULL;
}
static inline const struct value *value_members(const struct value *object)
{
    return object && object->kind == VALUE_OBJECT ? object->first : NULL;
}
#define value_each(list, e)          for ((e) = value_first(list); (e); (e) = (e)->next)
#define value_each_member(object, m) for ((m) = value_members(object); (m); (m) = (m)->next)

// A member of an object; NULL: there is none.
const struct value *value_get(const struct value *object, const char *name);
const struct value *value_getn(const struct value *object, const char *name, size_t len);
const struct value *value_at(const struct value *list, size_t i);
// As json_equal(): the order of members does not count. Each is looked for, so this is for what
// is small.
bool value_equal(const struct value *a, const struct value *b);

// ---- making ----

// An object or a list of its own; NULL: no memory, which is also what goes into the functions
// below.
struct value *value_object(struct values *in);
struct value *value_list(struct values *in);

// Into an object; what it had of that name is replaced. `name` is a word of ours, a literal that
// needs no escaping. Texts are copied, and are UTF-8.
void value_put_text(struct value *o, const char *name, const char *text);
void value_put_textn(struct value *o, const char *name, const char *text, size_t len);
void value_put_integer(struct value *o, const char *name, int64_t n);
void value_put_bool(struct value *o, const char *name, bool on);
struct value *value_put_object(struct value *o, const char *name);
struct value *value_put_list(struct value *o, const char *name);
// The same value again, of the same room.
void value_put(struct value *o, const char *name, const struct value *v);
void value_remove(struct value *o, const char *name);
// To the end of a list.
void value_add_text(struct value *list, const char *text);
void value_add_textn(struct value *list, const char *text, size_t len);
struct value *value_add_object(struct value *list);

// ---- bytes ----

// An answer's body, an object or a list, read into `in`. Of an object that is an element of an
// outermost list, members of the names `wanted` alone (NULL behind the last; or NULL: all). NULL
// with what is wrong with it: strict JSON, no member twice (but in what nobody wants), no NUL, all
// UTF-8, numbers within 64 bits or a double, VALUES_DEPTH_MAX levels.
const struct value *values_read(struct values *in, const char *bytes, size_t len,
                                const char *const *wanted, const char **ret_wrong);
// As jansson's JSON_COMPACT, with a NUL behind it; good until the next one of this room. NULL: no
// memory.
const char *value_json(struct values *in, const struct value *v, size_t *ret_len);

// ---- for whoever reads them off a document ----

// Names that somebody looks at; of more than VALUES_WANTED_MAX, all are.
struct value_names {
    const char *const *name;
    size_t n, len[VALUES_WANTED_MAX];
};
void value_names_set(struct value_names *names, const char *const *wanted); // or NULL: all
bool value_names_has(const struct value_names *names, const char *name, size_t len);

struct value *value_make(struct values *in, enum value_kind kind);
struct value *value_make_text(struct values *in, const char *text, size_t len);
// NULL: it is out of range, or there is no memory.
struct value *value_make_number(struct values *in, const char *digits, size_t len);
void value_append(struct value *to, struct value *v);
// As value_append, of a member of this name, which is copied. `seen` is 0 for an empty object.
// False: it has that name already, as far as can be seen now: ask value_has_twins() when it is
// whole.
bool value_join(struct value *object, uint64_t *seen, const char *name, size_t len,
                struct value *v);
bool value_has_twins(const struct value *object);

#endif
