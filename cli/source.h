// SPDX-License-Identifier: BSD-2-Clause
// The parts of `rollcall source`.
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "cli/command.h"
#include "rollcall/config.h"

int cli_source_show(struct cli *cli, const char *name);
int cli_source_run(struct cli *cli, const char *name);
int cli_source_test(struct cli *cli, const char *name);
int cli_source_add(struct cli *cli, const char *name); // name: or NULL, then it is asked for

// The configuration and the section of this name. CLI_OK, or an exit code after a complaint.
int source_section(struct cli *cli, const char *name, struct rollcall_config **ret,
                   const struct rollcall_source_config **ret_source);
void source_config_freep(struct rollcall_config **config);

// Why nothing came of source_child_run(), in a sentence; its exit code.
int source_failed(struct cli *cli, const char *name, int error);

#endif
