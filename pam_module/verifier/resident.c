// SPDX-License-Identifier: BSD-2-Clause
// The parent is root and holds the host key, so it reads nothing that anybody sends: it
// accepts, forks and reaps. What it knows (configuration, host key, its own program) it looks
// at before each connection; when that has changed, it becomes a new process by exec, whose
// children are still its own.
#include "pam_module/verifier/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "pam_module/verifier/credential.h"
#include "pam_module/verifier/stamp.h"
#include "rollcall/parse.h"
#include "rollcall/paths.h"

#define AT_MOST        512       // conversations at once, where the unit says nothing
#define CONVERSATION_S (15 * 60) // no human takes longer

struct parent {
    struct verifier *v;
    const char *program;
    uint64_t at_most, running; // children
    bool crashed;              // one of them did
    bool owed;                 // somebody was waiting when this process began to read
    struct stamp *known, *configured;
    sigset_t waiting; // the mask while it waits
};

static const char *const config_files[] = {ROLLCALL_CONF, ROLLCALL_SYSCONFDIR "/conf.d", NULL};

static volatile sig_atomic_t told_to_end, told_to_renew;

bool resident_wanted(void)
{
    int listens = 0;
    socklen_t len = sizeof(listens);

    return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

static int read_words(struct parent *p, char **argv)
{
    static const struct option options[] = {{"at-most", required_argument, NULL, 'm'},
                                            {"running", required_argument, NULL, 'r'},
                                            {"network", required_argument, NULL, 'n'},
                                            {0}};
    uint64_t network = 0;
    int argc = 0, o, r = 0;

    while (argv[argc])
        argc++;
    while (r == 0 && (o = getopt_long(argc, argv, "", options, NULL)) != -1)
        r = o == 'm'   ? rollcall_parse_u64(optarg, 1, 100000, &p->at_most)
            : o == 'r' ? rollcall_parse_u64(optarg, 0, 100000, &p->running)
            : o == 'n' ? rollcall_parse_u64(optarg, 3, 100000, &network)
                       : -EINVAL;
    if (network > 0)
        p->v->host_network = (int)network;
    return r;
}

static void on_signal(int number)
{
    if (number == SIGTERM)
        told_to_end = 1;
    if (number == SIGHUP)
        told_to_renew = 1;
}

static const int signals[] = {SIGCHLD, SIGTERM, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void take_signals(struct parent *p)
{
    struct sigaction on = {.sa_handler = on_signal};
    sigset_t ours;

    sigemptyset(&ours);
    sigemptyset(&p->waiting);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaddset(&ours, signals[i]);
        sigaction(signals[i], &on, NULL);
    }
    sigprocmask(SIG_SETMASK, &ours, NULL);
}

static void give_signals_back(const struct parent *p)
{
    for (size_t i = 0; i < SIGNALS; i++)
        signal(signals[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &p->waiting, NULL);
}

// The first use of a library's parts is the dear one. Nothing of this is kept.
static int use_once(const uint8_t key[HOST_KEY_LEN])
{
    static const struct totp_factor blank = {.digits = 6, .secret_len = 20};
    const struct seal_place place = {.what = "warm"};
    struct sealed_slot slot = {.sequence = 1};
    unsigned char mac[EVP_MAX_MD_SIZE];
    int r = credential_seal(key, &place, NULL, 0, &slot);

    if (r == 0)
        r = credential_unseal(key, &place, &slot, NULL, 0);
    if (r == 0 && !HMAC(EVP_sha256(), key, HOST_KEY_LEN, mac, 0, mac, NULL))
        r = -EIO;
    totp_check(&blank, "", time(NULL), NULL);
    return r;
}

// Another program may have come between the start of this one and its look at the files.
static bool of_installed_program(void)
{
    struct stat ours, installed;

    return stat("/proc/self/exe", &ours) < 0 || stat(ROLLCALL_VERIFIER, &installed) < 0 ||
           (ours.st_dev == installed.st_dev && ours.st_ino == installed.st_ino);
}

// The way back into the network is kept where a directory is asked, and where nobody can read
// whether one is: under no_new_privs what was given up never comes back, in no new process
// either. Then this one ends, and the unit starts one that has it.
static int keep_way_back(const struct parent *p, bool renewed)
{
    bool asks = password_of_directory(p->v);

    if (renewed && asks && !network_reachable()) {
        syslog(LOG_NOTICE, "a directory is to be asked, and the way to it was given up: starting "
                           "over");
        return -EPERM;
    }
    return p->v->config && !asks ? network_stay_away() : 0;
}

// Everything that a verifier needs and that does not depend on who asks.
static int make_ready(struct parent *p)
{
    static const char *const known[] = {ROLLCALL_HOST_KEY, "/etc/passwd", ROLLCALL_VERIFIER, NULL};
    const struct rlimit none = {0, 0};
    struct pollfd one = {.fd = STDIN_FILENO, .events = POLLIN};
    bool renewed = p->v->host_network >= 0;
    int r;

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    p->owed = poll(&one, 1, 0) > 0;
    p->known = stamp_take(known);
    if (!of_installed_program()) {
        stamp_free(p->known);
        p->known = NULL;
    }
    p->configured = stamp_take(config_files);
    verifier_read_config(p->v);
    // Each child starts one there who asks directories, where the configuration says so.
    if (!renewed)
        p->v->host_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    else
        fcntl(p->v->host_network, F_SETFD, FD_CLOEXEC);
    r = privilege_prepare(p->v);
    if (r == 0)
        r = network_leave(false);
    if (r == 0)
        r = keep_way_back(p, renewed);
    return r == 0 ? use_once(p->v->key) : r;
}

// A fault of memory in a child may have been somebody's try at where things are; the children
// of one parent share that, so the next ones get a parent that has it elsewhere.
static bool is_crash(const siginfo_t *info)
{
    int n = info->si_status;

    return (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED) &&
           (n == SIGSEGV || n == SIGBUS || n == SIGABRT || n == SIGILL || n == SIGFPE ||
            n == SIGTRAP || n == SIGSYS);
}

static void reap(struct parent *p)
{
    siginfo_t info;

    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
            return;
        p->running -= p->running > 0;
        if (is_crash(&info)) {
            syslog(LOG_ALERT, "verifier %d crashed (%s)", (int)info.si_pid,
                   strsignal(info.si_status));
            p->crashed = true;
        }
    }
}

// The same process with a new program and new addresses. What waits in the socket waits on.
static int renew(const struct parent *p)
{
    char program[PATH_MAX], at_most[40], running[40], network[40];
    char *argv[] = {program, at_most, running, NULL, NULL};

    snprintf(program, sizeof(program), "%s", p->program);
    snprintf(at_most, sizeof(at_most), "--at-most=%llu", (unsigned long long)p->at_most);
    snprintf(running, sizeof(running), "--running=%llu", (unsigned long long)p->running);
    if (p->v->host_network >= 0) {
        snprintf(network, sizeof(network), "--network=%d", p->v->host_network);
        argv[3] = network;
        fcntl(p->v->host_network, F_SETFD, 0);
    }
    execv(ROLLCALL_VERIFIER, argv);
    return -errno;
}

// A configuration that cannot be read changes nothing, as in syncd: the one before holds.
static bool keeps_config(struct parent *p)
{
    struct stamp *now = stamp_take(config_files);
    struct rollcall_config *config = NULL;

    if (!p->v->config || verifier_load_config(&config) == 0) {
        rollcall_config_free(config);
        stamp_free(now);
        return false;
    }
    stamp_free(p->configured);
    p->configured = now;
    return true;
}

static bool up_to_date(struct parent *p)
{
    return stamp_fresh(p->known) && (stamp_fresh(p->configured) || keeps_config(p));
}

// 1: somebody is there; 0: look again.
static int wait_for_one(struct parent *p)
{
    struct pollfd one = {.fd = STDIN_FILENO, .events = POLLIN};
    int n = ppoll(&one, 1, NULL, &p->waiting);

    if (n < 0 && errno != EINTR)
        return -errno;
    reap(p);
    if (told_to_end)
        return -EINTR;
    if (p->crashed || told_to_renew)
        return renew(p);
    if (n <= 0)
        return 0;
    // Who was there before the files were read needs no second look at them; so somebody is
    // served by each new process, even where a clock makes everything look changed.
    if (!p->owed && !up_to_date(p))
        return renew(p);
    p->owed = false;
    return 1;
}

// In the child: the connection takes the listener's place, so that nobody else's can be had.
static int become_verifier(const struct parent *p, int fd)
{
    give_signals_back(p);
    alarm(CONVERSATION_S);
    p->v->forked = true;
    if (dup2(fd, STDIN_FILENO) < 0)
        return -errno;
    close(fd);
    network_child_hold(p->v);
    if (p->v->host_network >= 0)
        close(p->v->host_network);
    p->v->host_network = -1;
    return 0;
}

// 1 in a child.
static int serve_one(struct parent *p)
{
    int fd = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC), r;
    pid_t pid = -1;

    if (fd < 0)
        return errno == EINTR || errno == EAGAIN || errno == ECONNABORTED ? 0 : -errno;
    if (p->running < p->at_most)
        pid = fork();
    if (pid == 0) {
        r = become_verifier(p, fd);
        return r < 0 ? r : 1;
    }
    // Closed without a hello where there is no room: root's caller starts one of its own.
    if (pid < 0)
        syslog(LOG_WARNING, "a connection was closed: %llu verifiers are at work",
               (unsigned long long)p->running);
    else
        p->running++;
    close(fd);
    return 0;
}

// Whoever waits for a parent that cannot be one starts a verifier of their own.
static void turn_away(void)
{
    struct pollfd one = {.fd = STDIN_FILENO, .events = POLLIN};
    int fd;

    while (poll(&one, 1, 0) > 0) {
        fd = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        close(fd);
    }
}

int resident_serve(struct verifier *v, char **argv)
{
    struct parent p = {.v = v, .program = argv[0], .at_most = AT_MOST};
    int r = read_words(&p, argv);

    take_signals(&p);
    if (r == 0)
        r = make_ready(&p);
    if (r < 0)
        turn_away();
    while (r == 0) {
        r = wait_for_one(&p);
        if (r == 1)
            r = serve_one(&p);
    }
    return r == 1 ? 0 : r;
}
