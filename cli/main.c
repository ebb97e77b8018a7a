// SPDX-License-Identifier: BSD-2-Clause
// rollcall: the sysadmin's command. The table of verbs, the command line, help.
#include <getopt.h>
#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/suggest.h"
#include "cli/text.h"

static const struct cli_verb verbs[] = {
    {"status", "[--json]", "is everything well: people, sources, leases, what is held",
     "Without rollcall-syncd it answers from the cache files, and says so.\n"
     "Exit status 0: well; 1: something is wrong, and it says what; 3: syncd is not running.",
     ",json,", 0, 0, true, cli_status},
    {"user", "NAME [--why] [--json]", "one person: state, dates, may they come in here",
     "--why   also each source's word and where it stands, the rule, the second factor, last "
     "changes\n"
     "Works without rollcall-syncd, from the cache files.",
     ",json,why,", 1, 1, true, cli_user},
    {"sync", "[SOURCE] [--json]", "read a source (or all) now, and wait for the result",
     "Shows a progress line on a terminal.", ",json,", 0, 1, true, cli_sync},
    {"source",
     "show NAME [--dropped] | run NAME [--trace] | test NAME | add [NAME [--type TYPE --set "
     "OPTION=VALUE...]]  [--json]",
     "one source: what it is and whom it leaves out, run it once, try it, add one",
     "show   its section, people, and whom it leaves out and why; --dropped lists all of them\n"
     "run    starts it once as syncd would and shows what it says; changes nothing\n"
     "test   would it do: credentials, permissions, clock, and ten people as they would look "
     "here;\n"
     "       changes nothing. Exit status 1: not yet.\n"
     "--trace   each request to a server and its answer's status, on standard error\n"
     "add    asks for what it needs and writes /etc/rollcall/conf.d/NAME.conf; a secret is read\n"
     "       without echo into a file of root's, or the file is named\n"
     "--type TYPE --set OPTION=VALUE   as often as needed, for scripts: nothing is asked",
     ",json,dropped,trace,type,set,", 1, 2, true, cli_source},
    {"enroll",
     "totp USER [--replace] [--json], or fido2 USER [--label TEXT] [--pin] [--attested] [--json]",
     "give somebody a second factor",
     "totp prints a QR code and the link in it. Both hold the secret: show them to USER alone.\n"
     "--replace      a new secret in place of the one that USER has\n"
     "fido2 takes the security key that is plugged in, one of up to five.\n"
     "--label TEXT   what to call it; --pin: only a key that has a PIN or reads fingers\n"
     "--attested     only a key of a maker that [mfa] fido2_roots trusts",
     ",json,replace,label,pin,attested,", 2, 2, true, cli_enroll},
    {"code", "USER [--for TIME] [--json]", "an access code: USER enrols with it, or comes in once",
     "--for TIME   how long it is good: 15m, 1h (the default), 2d\n"
     "Typed where the login asks for a code. A new one makes an older one worthless. Needs\n"
     "enrol = access-code in [mfa].",
     ",json,for,", 1, 1, true, cli_code},
    {"reset-factor", "USER [--label TEXT] [--json]",
     "take USER's second factor, codes and tickets away",
     "For a lost phone: then rollcall code USER, and USER enrols again.\n"
     "--label TEXT   only the security key of that name",
     ",json,label,", 1, 1, true, cli_reset_factor},
    {"forget", "USER [--json]", "take USER's password on this host and every ticket away",
     "The second factor stays. For a forgotten password: then rollcall code USER, and USER "
     "chooses\n"
     "another at the prompt.",
     ",json,", 1, 1, true, cli_forget},
    {"vouch", "USER FINGERPRINT [--withdraw] [--json]",
     "an SSH hardware key of USER counts as a second factor here",
     "FINGERPRINT as ssh-keygen -lf KEY shows it. Whoever vouches has seen the key made in\n"
     "hardware, with its user verified (ssh-keygen -t ed25519-sk -O verify-required).\n"
     "--withdraw   it does not count any more",
     ",json,withdraw,", 2, 2, true, cli_vouch},
    {"lock", "USER [--reason TEXT] [--dry-run] [--json]",
     "refuse USER, and end their sessions, now",
     "--reason TEXT   for the audit log; USER never sees it\n"
     "--dry-run       only show which processes would go\n"
     "Without rollcall-syncd the lock still falls, but must be repeated once syncd runs.",
     ",json,reason,dry-run,", 1, 1, true, cli_lock},
    {"unlock", "USER [--json]", "take an admin's lock away",
     "What sources say counts again from their next reading on. It never lets in whom they refuse.",
     ",json,", 1, 1, true, cli_unlock},
    {"approve", "[ID] [--json]", "let a held change take effect",
     "Without ID: lists what is held and why.", ",json,", 0, 1, true, cli_approve},
    {"expect", "leavers N --until TIME [--json]", "announce that up to N people will leave",
     "--until TIME   2d, 8h; 2026-12-01 (to the end of that day); 2026-12-01T18:00; ...T18:00Z",
     ",json,until,", 2, 2, true, cli_expect},
    {"lease", "[extend SOURCE --for TIME [--reason TEXT]] [--json]",
     "how long the silence of each authority is borne; bear it longer",
     "--for TIME      8h, 2d; at most the length of the lease, from now\n"
     "--reason TEXT   for the audit log\n"
     "Who has left stays out. Mend the source: this only buys time.",
     ",json,for,reason,", 0, 2, true, cli_lease},
    {"fleet", "[--json]", "on a hub: which host has every lock, and which has not, worst first",
     "LOCKS     people who are locked at the hub and not yet on the host\n"
     "SESSIONS  locks of which the host has not said that the last process is gone\n"
     "BEHIND    changes of any kind that the host has not acknowledged\n"
     "Exit status 1: a lock is open somewhere, a host is silent, or the directory cannot be "
     "written.",
     ",json,", 0, 0, true, cli_fleet},
    {"recover", "[--clock] [--json]",
     "after a loss of state: let sources say who is employed again",
     "--clock   the clock had been far ahead, and everybody is refused since it was put right:\n"
     "          count from now on. Only while NTP keeps the clock.",
     ",json,clock,", 0, 0, true, cli_recover},
    {"check-config", "[--config PATH] [--json]", "is the configuration right",
     "Needs no daemon. --config PATH   another file than /etc/rollcall/rollcall.conf; its conf.d "
     "stands beside it.",
     ",json,config,", 0, 0, false, cli_check_config},
    {"explain", "R-XXXXXX [--json]", "why was the person refused who quotes this reference",
     "Looks in the audit log, rotated files included.", ",json,", 1, 1, false, cli_explain},
    {"reload", "[--json]", "read the configuration again, all or nothing", "", ",json,", 0, 0, true,
     cli_reload},
    {"audit", "verify [--json]", "is the audit log whole and unchanged",
     "Checks the chain of every file that is kept.", ",json,", 1, 1, false, cli_audit},
    {"report", "[--since TIME] [--json]", "who was refused, or would be, and is it time to enforce",
     "--since TIME   7d (the default), 12h; 2026-11-01; ...T18:00\n"
     "From the audit log, rotated files included. Exit status 1: not yet.",
     ",json,since,", 0, 0, true, cli_report},
    {"doctor", "[--json]", "is there a way in that there should not be",
     "Reads what sshd, PAM, sudo and NSS really do here, and the files of rollcall, and says what\n"
     "is wrong, where, and how to mend it. Changes nothing.\n"
     "Exit status 0: nothing but notes; 1: a risk; 2: a hole.",
     ",json,", 0, 0, true, cli_doctor},
    {"breakglass", "seal [--codes N] | status | close | ack  [--yes] [--json]",
     "the one local account that a sealed code opens for a while",
     "seal    new codes in the place of all older ones, shown once: print them, seal them, lock "
     "them up\n"
     "status  how many are left, is it open, what was done with it\n"
     "close   shut it, and end its sessions, now\n"
     "ack     you have seen that it was opened: rollcall status is well again\n"
     "--codes N  how many, 1 to 20; 10 without it\n"
     "Needs account in [breakglass]. Exit status of status: 1 while it is open or not "
     "acknowledged.",
     ",json,yes,codes,", 1, 1, true, cli_breakglass},
    {"adopt", "[--from SERVICE] [--apply [--new-ids] | --undo] [--json]",
     "make people whom this host has already HR's, with uid and home",
     "Without --apply it only says whom HR's listing knows, and what would come of each.\n"
     "--from SERVICE   people of another NSS service (sss) in the place of /etc/passwd\n"
     "--apply          write uid-map, and take the local accounts away\n"
     "--new-ids        also those whose uid cannot stay; their files must change hands\n"
     "--undo           the local accounts as they were",
     ",json,from,apply,new-ids,undo,", 0, 0, true, cli_adopt},
    {"setup", "[--mode MODE] [--yes | --dry-run | --undo] [--json]",
     "make this host ask rollcall, or stop it",
     "Shows the change of every file, asks, keeps a copy of what stood, and takes everything back\n"
     "by itself if root or a local person would not get in as before.\n"
     "--mode MODE       observe (log what would happen, refuse nobody) or enforce\n"
     "--yes, --dry-run  do not ask; only show\n"
     "--undo            put back what stood, byte for byte\n"
     "--no-start        leave units and sshd as they run\n"
     "Where there is no rollcall.conf yet: --hr FILE --allow GROUP [--admins GROUP] [--contact "
     "TEXT]",
     ",json,mode,yes,dry-run,undo,no-start,hr,allow,admins,contact,", 0, 0, true, cli_setup},
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_verb_help(const struct cli_verb *verb)
{
    printf("usage: rollcall %s %s\n\n%s\n", verb->name, verb->synopsis, verb->summary);
    if (*verb->text)
        printf("\n%s\n", verb->text);
}

static void print_help(FILE *out)
{
    fputs("usage: rollcall VERB [ARGUMENT...] [--json]\n\n", out);
    for (size_t i = 0; i < N_VERBS; i++)
        fprintf(out, "  %-13s %s\n", verbs[i].name, verbs[i].summary);
    fputs(
        "  version       which version this is\n"
        "  help VERB     more about a verb (the same as rollcall VERB --help)\n\n"
        "Exit status: 0 well, 1 refused or a problem, 2 usage, 3 daemon not running, 4 only root\n"
        "may, 5 not found. See rollcall(8).\n",
        out);
}

static const struct cli_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int unknown_verb(const struct cli *cli, const char *name)
{
    struct cli_suggest near = {.wanted = name};

    for (size_t i = 0; i < N_VERBS; i++)
        cli_suggest_offer(&near, verbs[i].name);
    if (near.n)
        return cli_complain(cli, CLI_USAGE, "there is no verb '%s'; did you mean '%s'?", name,
                            near.name[0]);
    return cli_complain(cli, CLI_USAGE, "there is no verb '%s'; see rollcall help", name);
}

static int usage(const struct cli *cli, const char *what)
{
    return cli_complain(cli, CLI_USAGE, "%s; usage: rollcall %s %s", what, cli->verb->name,
                        cli->verb->synopsis);
}

// Where an option's value goes: a flag is set, a word is kept.
static const struct {
    const char *name;
    bool word;
    size_t at;
} options[] = {
#define FLAG(name, member)                                                                         \
    {                                                                                              \
        name, false, offsetof(struct cli_args, member)                                             \
    }
#define WORD(name, member)                                                                         \
    {                                                                                              \
        name, true, offsetof(struct cli_args, member)                                              \
    }
    FLAG("json", json),         FLAG("why", why),           FLAG("dry-run", dry_run),
    FLAG("replace", replace),   FLAG("yes", yes),           FLAG("undo", undo),
    FLAG("no-start", no_start), FLAG("apply", apply),       FLAG("new-ids", new_ids),
    FLAG("clock", clock),       FLAG("pin", pin),           FLAG("attested", attested),
    FLAG("dropped", dropped),   FLAG("trace", trace),       WORD("type", type),
    WORD("set", set),           FLAG("withdraw", withdraw), WORD("reason", reason),
    WORD("config", config),     WORD("until", until),       WORD("for", for_),
    WORD("label", label),       WORD("mode", mode),         WORD("hr", hr),
    WORD("allow", allow),       WORD("admins", admins),     WORD("contact", contact),
    WORD("since", since),       WORD("from", from),         WORD("codes", codes),
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))
#define HELP      'h'
#define OPTION    256 // and the index

// getopt's own table; the last one ends it.
static void make_long_options(struct option ret[N_OPTIONS + 2])
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        ret[i] = (struct option){options[i].name, options[i].word, NULL, OPTION + (int)i};
    ret[N_OPTIONS] = (struct option){"help", no_argument, NULL, HELP};
    ret[N_OPTIONS + 1] = (struct option){0};
}

static bool takes(const struct cli_verb *verb, const char *option)
{
    char wanted[32];

    snprintf(wanted, sizeof(wanted), ",%s,", option);
    return strstr(verb->options, wanted) != NULL;
}

static void set_option(struct cli_args *args, size_t which)
{
    char *member = (char *)args + options[which].at;

    if (options[which].at == offsetof(struct cli_args, set)) {
        if (args->n_set < CLI_SETS_MAX)
            args->set[args->n_set++] = optarg;
        return;
    }
    if (options[which].word)
        *(const char **)(void *)member = optarg;
    else
        *(bool *)(void *)member = true;
}

// CLI_OK, an exit code, or -1: help was printed.
static int read_args(struct cli *cli, int argc, char **argv)
{
    struct option long_options[N_OPTIONS + 2];
    int option;

    make_long_options(long_options);
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        char what[160];
        if (option == HELP) {
            print_verb_help(cli->verb);
            return -1;
        }
        if (option == '?' || option == ':') {
            snprintf(what, sizeof(what), option == ':' ? "%s wants a value" : "%s is no option",
                     argv[optind - 1]);
            return usage(cli, what);
        }
        if (!takes(cli->verb, options[option - OPTION].name)) {
            snprintf(what, sizeof(what), "it takes no --%s", options[option - OPTION].name);
            return usage(cli, what);
        }
        set_option(&cli->args, (size_t)(option - OPTION));
    }
    for (; optind < argc; optind++) {
        if (cli->args.n_words == cli->verb->max_words)
            return usage(cli, "too many words");
        cli->args.words[cli->args.n_words++] = argv[optind];
    }
    if (cli->args.n_words < cli->verb->min_words)
        return usage(cli, "something is missing");
    return CLI_OK;
}

static bool wants_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static int help(struct cli *cli, int argc, char **argv)
{
    const struct cli_verb *verb = argc > 2 ? find_verb(argv[2]) : NULL;

    if (argc > 2 && !verb)
        return unknown_verb(cli, argv[2]);
    if (verb)
        print_verb_help(verb);
    else
        print_help(stdout);
    return CLI_OK;
}

static int version(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[2], "--json") == 0)
        puts("{\"version\": \"" ROLLCALL_VERSION "\"}");
    else
        puts("rollcall " ROLLCALL_VERSION);
    return CLI_OK;
}

// Before a word of the line is understood: what is wrong with it is told so, too.
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    int r;

    cli->args.json = wants_json(argc, argv);

    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--json") == 0)
        return cli_complain(cli, CLI_USAGE, "a verb comes first; see rollcall help");
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(cli, argc, argv);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)
        return version(argc, argv);
    cli->verb = find_verb(argv[1]);
    if (!cli->verb)
        return unknown_verb(cli, argv[1]);
    r = read_args(cli, argc - 1, argv + 1);
    if (r != CLI_OK)
        return r < 0 ? CLI_OK : r;
    if (cli->verb->root && geteuid() != 0)
        return cli_fail(cli, CLI_NOT_PERMITTED, "not-permitted",
                        "only root may do this; try: sudo rollcall %s", cli->verb->name);
    return cli->verb->run(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = {.now = time(NULL)};
    int r;

    setlocale(LC_CTYPE, "C.UTF-8"); // for widths of characters, whatever the terminal's words
    tzset();
    cli.terminal = isatty(STDOUT_FILENO);
    cli.colour = wants_colour();
    r = dispatch(&cli, argc, argv);
    // A full disk or a closed pipe behind us must not look like an answer.
    if ((fflush(stdout) != 0 || ferror(stdout)) && r == CLI_OK)
        r = CLI_PROBLEM;
    return r;
}
