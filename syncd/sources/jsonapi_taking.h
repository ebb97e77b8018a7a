// SPDX-License-Identifier: BSD-2-Clause
// One record of an HR system in work. Only jsonapi_person.c and its parts include it.
#ifndef ROLLCALL_SOURCES_JSONAPI_TAKING_H
#define ROLLCALL_SOURCES_JSONAPI_TAKING_H

#include "syncd/sources/jsonapi_job.h"
#include "syncd/sources/jsonapi_map.h"
#include "syncd/sources/person.h"

// A text that was read stands in `text` until the next one.
struct taking {
    const struct hr_rules *r;
    int64_t now;
    struct hr_said *said;
    bool over; // employment is, by word or date
    char text[PERSON_TEXT_MAX + 1];
};

// Why the record cannot be taken: -EBADMSG. A warning: the first one stays.
int hr_wrong(struct taking *t, const struct pointer *p, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void hr_warn(struct taking *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The first of a field's pointers that leads to something. ret_at: which.
const struct value *hr_value_at(struct taking *t, enum hr_field f, const struct value *in,
                                const struct pointer **ret_at);
// A text, a whole number or a word without the blanks around it, in t->text. 1; 0 where there is
// none.
int hr_text_at(struct taking *t, enum hr_field f, const struct value *in, size_t max);
// 1, 0; -ENOENT where it is not said, -EBADMSG where it is neither yes nor no.
int hr_boolean_at(struct taking *t, enum hr_field f, const struct value *in);
int hr_date_at(struct taking *t, enum hr_field f, const struct value *in, struct hr_date *ret);
// Into a room that is smaller: cut off.
void hr_copy(char *to, size_t len, const char *from);

// What a record says of employment: status words, dates, employments.
int hr_take_state(struct taking *t, const struct value *row, struct hr_job *ret);

#endif
