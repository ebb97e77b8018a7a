// SPDX-License-Identifier: BSD-2-Clause
// rollcall-authorized-keys NAME: for sshd's AuthorizedKeysCommand, as its own user.
// Prints the keys of a managed account that the board does not refuse; nothing for a
// local name, so that a former managed person's key never opens a local account.
// Always exits 0: sshd takes any failure for "try something else".
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "rollcall/account.h"
#include "rollcall/cache.h"
#include "rollcall/cleanup.h"
#include "rollcall/paths.h"

// The local file itself, not NSS: NSS would answer for our own people too.
static bool is_local(const char *name)
{
    _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
    _cleanup_free_ char *line = NULL;
    size_t room = 0, len = strlen(name);

    if (!f)
        return true; // cannot tell: print nothing
    while (getline(&line, &room, f) >= 0)
        if (strncmp(line, name, len) == 0 && (line[len] == ':' || line[len] == '\n'))
            return true;
    return !feof(f); // not to its end, for want of memory say: cannot tell
}

static int count(void *ctx, const char *key, size_t len)
{
    (void)ctx;
    (void)key;
    (void)len;
    return 1;
}

static int print(void *ctx, const char *key, size_t len)
{
    size_t mark;

    (void)ctx;
    if (!rollcall_ssh_key_acceptable(key, len))
        return 0;
    rollcall_ssh_key_mark(key, len, &mark); // ours, and no option of sshd's
    key += mark;
    len -= mark;
    return printf("%.*s\n", (int)len, key) < 0 ? -EIO : 0;
}

// The keys' user cannot read private; word, lease and clock are on the board.
static bool admitted(const struct rollcall_board *board, const struct rollcall_keys *keys,
                     uint32_t slot, uid_t uid, int64_t now)
{
    struct rollcall_board_facts facts;
    struct rollcall_word word;
    const struct rollcall_lease *lease;
    uint8_t ledger[16];

    rollcall_board_facts(board, &facts);
    rollcall_keys_ledger_id(keys, ledger);
    if (memcmp(ledger, facts.ledger_id, sizeof(ledger)) != 0)
        return false;
    if (rollcall_board_read(board, slot, uid, &word) < 0 || word.state != ROLLCALL_STATE_ACTIVE ||
        !(word.flags & ROLLCALL_FLAG_ALLOWED_HERE))
        return false;
    if (facts.clock_mark > 0 && now < facts.clock_mark - 300)
        return false;
    if (word.flags & ROLLCALL_FLAG_LEASE_EXEMPT)
        return true;
    if (word.authority >= ROLLCALL_AUTHORITIES_MAX)
        return false;
    lease = &facts.leases[word.authority];
    return (lease->as_of > 0 && now < lease->as_of + lease->length) || now < lease->extended;
}

int main(int argc, char **argv)
{
    struct rollcall_keys *keys = NULL;
    struct rollcall_board *board = NULL;
    uint32_t slot;
    uid_t uid;
    int r;

    openlog("rollcall-authorized-keys", LOG_PID, LOG_AUTHPRIV);
    if (argc != 2) {
        fprintf(stderr, "usage: rollcall-authorized-keys NAME\n");
        return 2;
    }
    if (is_local(argv[1]))
        return 0;
    r = rollcall_board_open(ROLLCALL_BOARD, &board);
    if (r == 0)
        r = rollcall_keys_open(ROLLCALL_KEYS, &keys);
    if (r < 0)
        syslog(LOG_ERR, "the cache cannot be read (%s): no keys for anybody; see rollcall status",
               strerror(-r));
    if (r == 0 && rollcall_keys_by_name(keys, argv[1], &slot, &uid, count, NULL) >= 0 &&
        admitted(board, keys, slot, uid, time(NULL)))
        rollcall_keys_by_name(keys, argv[1], &slot, &uid, print, NULL);
    rollcall_keys_close(keys);
    rollcall_board_close(board);
    return 0;
}
