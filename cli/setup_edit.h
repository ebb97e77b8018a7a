// SPDX-License-Identifier: BSD-2-Clause
// What `rollcall setup` makes of the text of other people's files. Pure: text in, a new
// text out, NULL when memory is out. What is not ours stays byte for byte.
#ifndef CLI_SETUP_EDIT_H
#define CLI_SETUP_EDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// nsswitch.conf with `rollcall` as the last service of passwd, group and shadow, and of
// initgroups where there is such a line. A missing line is added ("files rollcall"). The
// same text where nothing is to be done. A line that ends its search before us, as in
// "files [NOTFOUND=return]", is left alone and named in `why` ("" otherwise).
char *setup_edit_nsswitch(const char *text, char *why, size_t len);
// Without the word.
char *setup_edit_nsswitch_without(const char *text);

// The Match block that gives local people back what sshd did before; `before` is its
// answer (cli/sshd.h).
char *setup_edit_sshd_local(const json_t *before);
// AuthenticationMethods of it: "any" in words that say the same.
const char *setup_edit_sshd_methods(const json_t *before, char *buf, size_t len);
// The shipped drop-in with that block in the place of its own; with block "" without any.
char *setup_edit_sshd_dropin(const char *shipped, const char *block);
// sshd_config with the block at its end, between two marks; without what stands there.
char *setup_edit_sshd_append(const char *text, const char *block);
char *setup_edit_sshd_without(const char *text);
// With the line that includes sshd_config.d at its head.
char *setup_edit_sshd_include(const char *text);
// Is it a word whose value our drop-in sets for everybody?
bool setup_edit_sshd_is_ours(const char *keyword);

struct setup_answers {
    const char *mode, *hr, *allow, *admins, *contact, *timezone; // NULL: not known
};
// A first rollcall.conf.
char *setup_edit_config(const struct setup_answers *answers);
// Another `mode` in a rollcall.conf that is there.
char *setup_edit_config_mode(const char *text, const char *mode);
// Can it stand behind "option = " as it is?
bool setup_edit_value_acceptable(const char *value);

#endif
