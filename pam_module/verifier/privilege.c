// SPDX-License-Identifier: BSD-2-Clause
// What needs root is taken first: the host key and two folders. Then every id is the
// verifier's, for good, before a byte of the peer is read.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_module/verifier/verifier.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"
#include "rollcall/random.h"
#include "rollcall/safeio.h"

// Made at the first start of a host where nobody made it. Two at once: the one that
// links first wins, and both read that one's.
static int make_key(void)
{
    uint8_t key[HOST_KEY_LEN];
    char tmp[PATH_MAX];
    int r;

    if (rollcall_random(key, sizeof(key)) < 0)
        return -EIO;
    if (mkdir(ROLLCALL_SECRETS_DIR, 0700) < 0 && errno != EEXIST)
        return -errno;
    snprintf(tmp, sizeof(tmp), "%s.%d", ROLLCALL_HOST_KEY, (int)getpid());
    r = rollcall_replace_file(tmp, key, sizeof(key), 0600);
    explicit_bzero(key, sizeof(key));
    if (r < 0)
        return r;
    if (link(tmp, ROLLCALL_HOST_KEY) < 0 && errno != EEXIST)
        r = -errno;
    unlink(tmp);
    return r == 0 ? rollcall_sync_folder(ROLLCALL_HOST_KEY) : r;
}

static int read_key(uint8_t ret[HOST_KEY_LEN])
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX], *text = NULL;
    size_t len;
    int r;

    snprintf(path, sizeof(path), "%s/host-key", folder ? folder : ROLLCALL_SECRETS_DIR);
    r = rollcall_read_file(path, 4096, &text, &len);
    if (r == -ENOENT && !folder) {
        r = make_key();
        if (r == 0)
            r = rollcall_read_file(path, 4096, &text, &len);
    }
    if (r < 0) {
        syslog(LOG_ERR, "%s cannot be read: %s", path, strerror(-r));
        return r;
    }
    r = len == HOST_KEY_LEN ? 0 : -EBADMSG;
    if (r < 0)
        syslog(LOG_ERR,
               "%s is no host key: it has %zu bytes and not %d; put back the copy that was kept, "
               "for with another key everybody has to enrol anew",
               path, len, HOST_KEY_LEN);
    else
        memcpy(ret, text, HOST_KEY_LEN);
    explicit_bzero(text, len);
    free(text);
    return r;
}

static int open_folder(const char *path, uid_t uid, gid_t gid)
{
    struct stat st;
    int fd;

    fd = rollcall_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -ENOENT) {
        mkdir(ROLLCALL_RUNDIR, 0755);
        if (mkdir(path, 0700) == 0 && chown(path, uid, gid) < 0)
            return -errno;
        fd = rollcall_open(path, O_RDONLY | O_DIRECTORY, 0);
    }
    if (fd < 0) {
        syslog(LOG_ERR, "%s cannot be opened: %s", path, strerror(-fd));
        return fd;
    }
    if (fstat(fd, &st) < 0 || st.st_uid != uid || (st.st_mode & 077)) {
        // As a copy that was put back leaves it.
        syslog(LOG_ERR,
               "%s is not %s's alone: chown -R %s: %s, chmod 700 %s, and 600 for the files in it",
               path, ROLLCALL_USER_VERIFIER, ROLLCALL_USER_VERIFIER, path, path);
        close(fd);
        return -EPERM;
    }
    return fd;
}

static void limit(int what, rlim_t n)
{
    struct rlimit r = {n, n};

    setrlimit(what, &r);
}

static int drop(const struct verifier *v)
{
    umask(077);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 32);
#ifndef ROLLCALL_SANITIZE // the sanitizer reserves terabytes of addresses
    limit(RLIMIT_AS, 512ul * 1024 * 1024);
#endif
    prctl(PR_SET_DUMPABLE, 0);
    if (setgroups(0, NULL) < 0 || setresgid(v->gid, v->gid, v->gid) < 0 ||
        setresuid(v->uid, v->uid, v->uid) < 0)
        return -errno;
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return getuid() == v->uid && geteuid() == v->uid && getgid() == v->gid ? 0 : -EPERM;
}

int privilege_prepare(struct verifier *v)
{
    int r = privilege_find_user(ROLLCALL_USER_VERIFIER, &v->uid, &v->gid);

    if (r < 0)
        syslog(LOG_ERR, "the local user %s cannot be used: %s; systemd-sysusers makes it",
               ROLLCALL_USER_VERIFIER, r == -EPERM ? "it has uid 0" : strerror(-r));
    else
        r = read_key(v->key);
    return r == 0 ? credential_prepare(v->key) : r;
}

int privilege_take_and_drop(struct verifier *v)
{
    // Another group's file; without it no SSH key is marked.
    if (rollcall_keys_open(ROLLCALL_KEYS, &v->keys) < 0)
        v->keys = NULL;
    v->credentials = open_folder(ROLLCALL_CREDENTIALS_DIR, v->uid, v->gid);
    v->tickets = open_folder(ROLLCALL_TICKETS_DIR, v->uid, v->gid);
    if (v->credentials < 0)
        return v->credentials;
    if (v->tickets < 0)
        return v->tickets;
    return geteuid() == 0 ? drop(v) : -EPERM;
}
