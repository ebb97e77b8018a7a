// SPDX-License-Identifier: BSD-2-Clause
// Prints rollcall.conf(5): what a person has to say around the table of options.
#include <stdio.h>

#include "rollcall/config.h"

static const char head[] =
    ".\\\" SPDX-License-Identifier: BSD-2-Clause\n"
    ".TH ROLLCALL.CONF 5 \"November 24, 2026\" \"rollcall " ROLLCALL_VERSION "\" \"rollcall\"\n"
    ".SH NAME\n"
    "rollcall.conf \\- who may log in on this host, and who says so\n"
    ".SH SYNOPSIS\n"
    ".I /etc/rollcall/rollcall.conf\n"
    ".br\n"
    ".I /etc/rollcall/conf.d/*.conf\n"
    ".SH DESCRIPTION\n"
    "INI: sections in brackets, one option a line, comments after a number sign or semicolon.\n"
    "Drop\\-ins in\n"
    ".I conf.d\n"
    "beside the main file are read after it, in the order of their names.\n"
    "An option has one spelling and one place.\n"
    "An unknown section or option is an error, and so is an empty list: it never means "
    "\\(lqany\\(rq.\n"
    "Nothing is half applied: a configuration with an error is refused whole, and the one in force "
    "stays.\n"
    ".PP\n"
    "Lists are separated by commas.\n"
    "Durations are a number and a unit: 90s, 15m, 8h, 14d, 2w.\n"
    "Shares are per cent: 2%.\n"
    "No secret stands in these files.\n";

static const char tail[] = ".SH FILES\n"
                           ".TP\n"
                           ".I /etc/rollcall/secrets/\n"
                           "Keys, for root alone.\n"
                           ".TP\n"
                           ".I /etc/rollcall/uid\\-map\n"
                           "Settles which of two people has an id that both would get.\n"
                           ".SH EXAMPLES\n"
                           "One host, people from an HR export:\n"
                           ".PP\n"
                           ".nf\n"
                           ".RS 4\n"
                           "[rollcall]\n"
                           "timezone = Europe/Berlin\n"
                           "contact = IT service desk, +49 30 1234 567\n"
                           "\n"
                           "[source hr]\n"
                           "type = csv\n"
                           "role = authority, directory\n"
                           "path = /var/lib/hr\\-export/people.csv\n"
                           "expect_every = 26h\n"
                           "\n"
                           "[access]\n"
                           "allow_groups = linux\\-users\n"
                           "\n"
                           "[local_group sudo]\n"
                           "from = linux\\-admins\n"
                           "\n"
                           "[mfa]\n"
                           "factors = totp\n"
                           ".RE\n"
                           ".fi\n"
                           ".PP\n"
                           "Check before you use it:\n"
                           ".PP\n"
                           ".nf\n"
                           ".RS 4\n"
                           "rollcall check\\-config && rollcall reload\n"
                           ".RE\n"
                           ".fi\n"
                           ".SH SEE ALSO\n"
                           ".BR rollcall (8),\n"
                           ".BR rollcall\\-source\\-csv (8),\n"
                           ".BR rollcall\\-syncd (8),\n"
                           ".BR pam_rollcall (8)\n";

int main(void)
{
    fputs(head, stdout);
    rollcall_config_man_options(stdout);
    fputs(tail, stdout);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
