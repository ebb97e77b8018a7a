// SPDX-License-Identifier: BSD-2-Clause
// The wrapped calls.
#include "tests/faults/faults.h"

#include "tests/faults/cheap_scrypt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <liboath/oath.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pwd.h>
#include <security/pam_modules.h>
#include <grp.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static struct {
    bool armed, fired, names, waits_for_hello;
    char name[FAULTS_NAME_MAX]; // "": any
    long nth, count;
    enum faults_mode mode;
} faults;

EXPORTED void faults_arm(const char *name, long nth, enum faults_mode mode)
{
    memset(&faults, 0, sizeof(faults));
    snprintf(faults.name, sizeof(faults.name), "%s", name);
    faults.nth = nth;
    faults.mode = mode;
    faults.armed = true;
}

EXPORTED void faults_wait_for_hello(void)
{
    faults.waits_for_hello = true;
}

EXPORTED void faults_name_calls(void)
{
    faults.names = true;
}

EXPORTED long faults_disarm(int *ret_fired)
{
    faults.armed = false;
    *ret_fired = faults.fired;
    return faults.count;
}

// Does this call fail? `can`: the modes that make sense for it beside the first two.
static bool fails(const char *name, unsigned can)
{
    bool now;

    if (!faults.armed)
        return false;
    if (faults.waits_for_hello) {
        faults.waits_for_hello = strcmp(name, "send") != 0;
        return false;
    }
    if (faults.names)
        dprintf(3, "%s\n", name);
    if (faults.mode == FAULTS_STAY && faults.fired)
        return true;
    if (*faults.name && strcmp(name, faults.name) != 0)
        return false;
    faults.count++;
    if (faults.nth == 0)
        return false;
    now = faults.count == faults.nth;
    if (now && faults.mode >= FAULTS_SHORT && !(can & (1u << faults.mode)))
        return false;
    faults.fired = faults.fired || now;
    return now;
}

#define SHORT     (1u << FAULTS_SHORT)
#define EINTR_CAN (1u << FAULTS_EINTR)

static int error_of(int error)
{
    errno = faults.mode == FAULTS_EINTR ? EINTR : error;
    return -1;
}

static ssize_t without_reason(ssize_t n)
{
    errno = n < 0 ? errno : 0;
    return n;
}

// What a call is declared as, and what it gives back when it fails.
#define WRAP(type, name, params, args, can, failure)                                               \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        if (fails(#name, can))                                                                     \
            return failure;                                                                        \
        return __real_##name args;                                                                 \
    }
// Half of the bytes, where that is the fault: no error, and errno is what stood there. Zero is
// the worst that may: whoever takes it for the reason says that all is well.
#define WRAP_BYTES(name, params, full, half, can, error)                                           \
    ssize_t __real_##name params;                                                                  \
    ssize_t __wrap_##name params;                                                                  \
    ssize_t __wrap_##name params                                                                   \
    {                                                                                              \
        if (!fails(#name, can))                                                                    \
            return __real_##name full;                                                             \
        return faults.mode == FAULTS_SHORT ? without_reason(__real_##name half) : error_of(error); \
    }

WRAP(void *, malloc, (size_t n), (n), 0, (errno = ENOMEM, NULL))
WRAP(void *, calloc, (size_t n, size_t m), (n, m), 0, (errno = ENOMEM, NULL))
WRAP(void *, realloc, (void *p, size_t n), (p, n), 0, (errno = ENOMEM, NULL))
WRAP(char *, strdup, (const char *s), (s), 0, (errno = ENOMEM, NULL))

WRAP_BYTES(read, (int fd, void *p, size_t n), (fd, p, n), (fd, p, n / 2), SHORT, EIO)
WRAP_BYTES(write, (int fd, const void *p, size_t n), (fd, p, n), (fd, p, n / 2), SHORT, ENOSPC)
WRAP_BYTES(pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), (fd, p, n / 2, at), SHORT,
           EIO)
WRAP_BYTES(pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), (fd, p, n / 2, at),
           SHORT, ENOSPC)
WRAP_BYTES(send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags),
           (fd, p, n / 2, flags), SHORT | EINTR_CAN, ECONNRESET)
WRAP_BYTES(recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), (fd, m, flags),
           EINTR_CAN, ECONNRESET)
WRAP_BYTES(sendto, (int fd, const void *p, size_t n, int f, const struct sockaddr *to, socklen_t l),
           (fd, p, n, f, to, l), (fd, p, n, f, to, l), 0, ENOBUFS)
WRAP(ssize_t, getrandom, (void *p, size_t n, unsigned f), (p, n, f), 0, error_of(EAGAIN))
// What getline() is with optimisation.
WRAP(ssize_t, __getdelim, (char **line, size_t *n, int end, FILE *f), (line, n, end, f), 0,
     error_of(ENOMEM))

WRAP(int, fdatasync, (int fd), (fd), 0, error_of(EIO))
WRAP(int, fsync, (int fd), (fd), 0, error_of(EIO))
WRAP(int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n), 0, ENOSPC)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), 0, error_of(EIO))
WRAP(void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t off),
     (at, n, prot, flags, fd, off), 0, (errno = ENOMEM, MAP_FAILED))
WRAP(int, unlinkat, (int fd, const char *p, int f), (fd, p, f), 0, error_of(EIO))
WRAP(int, renameat, (int fd, const char *p, int to, const char *q), (fd, p, to, q), 0,
     error_of(ENOSPC))
WRAP(DIR *, fdopendir, (int fd), (fd), 0, (errno = ENOMEM, NULL))

WRAP(int, socket, (int d, int t, int p), (d, t, p), 0, error_of(EMFILE))
WRAP(int, socketpair, (int d, int t, int p, int pair[2]), (d, t, p, pair), 0, error_of(EMFILE))
WRAP(int, connect, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n), 0,
     error_of(ECONNREFUSED))
WRAP(int, getsockopt, (int fd, int l, int o, void *p, socklen_t *n), (fd, l, o, p, n), 0,
     error_of(ENOBUFS))
WRAP(int, setsockopt, (int fd, int l, int o, const void *p, socklen_t n), (fd, l, o, p, n), 0,
     error_of(ENOBUFS))
WRAP(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms), EINTR_CAN, error_of(ENOMEM))

WRAP(int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *f,
      const posix_spawnattr_t *a, char *const argv[], char *const envp[]),
     (pid, path, f, a, argv, envp), 0, EAGAIN)
WRAP(int, posix_spawnattr_init, (posix_spawnattr_t * a), (a), 0, ENOMEM)
WRAP(int, posix_spawn_file_actions_init, (posix_spawn_file_actions_t * f), (f), 0, ENOMEM)
WRAP(int, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t * f, int a, int b),
     (f, a, b), 0, ENOMEM)
WRAP(int, pidfd_open, (pid_t pid, unsigned f), (pid, f), 0, error_of(EMFILE))
WRAP(int, waitid, (idtype_t t, id_t id, siginfo_t *info, int f), (t, id, info, f), EINTR_CAN,
     error_of(ECHILD))

WRAP(int, setgroups, (size_t n, const gid_t *g), (n, g), 0, error_of(EPERM))
WRAP(int, setresgid, (gid_t a, gid_t b, gid_t c), (a, b, c), 0, error_of(EAGAIN))
WRAP(int, setresuid, (uid_t a, uid_t b, uid_t c), (a, b, c), 0, error_of(EAGAIN))
WRAP(int, unshare, (int flags), (flags), 0, error_of(ENOSPC))

WRAP(int, getpwnam_r,
     (const char *name, struct passwd *pw, char *buf, size_t n, struct passwd **found),
     (name, pw, buf, n, found), 0, (*found = NULL, EMFILE))
WRAP(int, pam_set_data,
     (pam_handle_t * h, const char *name, void *data,
      void (*done)(pam_handle_t *h, void *data, int status)),
     (h, name, data, done), 0, PAM_BUF_ERR)
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), 0, NULL)
// The call itself is wrapped in cheap_scrypt.c.
bool cheap_scrypt_fails(void)
{
    return fails("EVP_PBE_scrypt", 0);
}

WRAP(int, oath_totp_generate2,
     (const char *s, size_t n, time_t now, unsigned step, time_t start, unsigned digits, int flags,
      char *out),
     (s, n, now, step, start, digits, flags, out), 0, OATH_CRYPTO_ERROR)

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return fails("open", 0) ? error_of(EMFILE) : __real_open(path, flags, mode);
}

int __wrap_openat(int fd, const char *path, int flags, ...);
int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return fails("openat", 0) ? error_of(EMFILE) : __real_openat(fd, path, flags, mode);
}

int __wrap_fcntl(int fd, int what, ...);
int __real_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, what);
    arg = va_arg(ap, void *);
    va_end(ap);
    return fails("fcntl", 0) ? error_of(ENOLCK) : __real_fcntl(fd, what, arg);
}

// The verifier's own user, where the machine under the test has none.
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (fails("fopen", 0)) {
        errno = EMFILE;
        return NULL;
    }
    if (strcmp(path, "/etc/passwd") == 0 && access("passwd", R_OK) == 0)
        path = "passwd";
    return __real_fopen(path, mode);
}

// Thousands of failures are nobody's news.
void __wrap_syslog(int priority, const char *format, ...);
void __wrap_syslog(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

void __wrap_pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...);
void __wrap_pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
    (void)pamh;
    (void)priority;
    (void)format;
}
