// SPDX-License-Identifier: BSD-2-Clause
// Where things are on disk. The Makefile sets the prefixes; a test may pass
// other paths as arguments, no environment variable moves them.
#ifndef ROLLCALL_PATHS_H
#define ROLLCALL_PATHS_H

#ifndef ROLLCALL_SYSCONFDIR
#define ROLLCALL_SYSCONFDIR "/etc/rollcall"
#endif
#ifndef ROLLCALL_STATEDIR
#define ROLLCALL_STATEDIR "/var/lib/rollcall"
#endif
#ifndef ROLLCALL_RUNDIR
#define ROLLCALL_RUNDIR "/run/rollcall"
#endif
#ifndef ROLLCALL_LOGDIR
#define ROLLCALL_LOGDIR "/var/log/rollcall"
#endif
#ifndef ROLLCALL_LIBEXECDIR
#define ROLLCALL_LIBEXECDIR "/usr/libexec/rollcall"
#endif
#ifndef ROLLCALL_DATADIR
#define ROLLCALL_DATADIR "/usr/share/rollcall"
#endif
#ifndef ROLLCALL_PAM_CONFIGS
#define ROLLCALL_PAM_CONFIGS "/usr/share/pam-configs"
#endif
#ifndef ROLLCALL_PAMDIR
#define ROLLCALL_PAMDIR "/usr/lib/security"
#endif
#ifndef ROLLCALL_NSSDIR
#define ROLLCALL_NSSDIR "/usr/lib"
#endif

#ifndef ROLLCALL_PASSWD_FILE
#define ROLLCALL_PASSWD_FILE "/etc/passwd" // who is local; never asked through NSS
#endif

#define ROLLCALL_CONF               ROLLCALL_SYSCONFDIR "/rollcall.conf"
#define ROLLCALL_CONF_DIR           ROLLCALL_SYSCONFDIR "/conf.d"
#define ROLLCALL_SECRETS_DIR        ROLLCALL_SYSCONFDIR "/secrets"   // root 0700
#define ROLLCALL_HOST_KEY           ROLLCALL_SECRETS_DIR "/host-key" // root 0600, 32 random bytes
#define ROLLCALL_UID_MAP            ROLLCALL_SYSCONFDIR "/uid-map"

#define ROLLCALL_SETUP_DIR          ROLLCALL_STATEDIR "/setup" // root 0700: the way back
#define ROLLCALL_ADOPT_DIR          ROLLCALL_STATEDIR "/adopt" // root 0700: the way back

#define ROLLCALL_STATE_DB           ROLLCALL_STATEDIR "/state/state.db"
#define ROLLCALL_LOCK_JOURNAL       ROLLCALL_STATEDIR "/state/locks.journal"
#define ROLLCALL_IDS_LEDGER         ROLLCALL_STATEDIR "/state/ids.ledger"

#define ROLLCALL_CACHE_DIR          ROLLCALL_STATEDIR "/cache"
#define ROLLCALL_ACCOUNTS           ROLLCALL_CACHE_DIR "/accounts" // 0644
#define ROLLCALL_BOARD              ROLLCALL_CACHE_DIR "/board"    // 0644
#define ROLLCALL_PRIVATE            ROLLCALL_CACHE_DIR "/private" // 0640 rollcall:rollcall-verifier
#define ROLLCALL_KEYS               ROLLCALL_CACHE_DIR "/keys"    // 0640 rollcall:rollcall-keys

#define ROLLCALL_CREDENTIALS_DIR    ROLLCALL_STATEDIR "/credentials" // rollcall-verifier 0700

#define ROLLCALL_BREAKGLASS_STATE   ROLLCALL_STATEDIR "/breakglass/state" // root 0600 in 0700
#define ROLLCALL_BREAKGLASS_ASIDE   ROLLCALL_RUNDIR "/breakglass.aside"   // root 0600: places

#define ROLLCALL_VERIFIER_SOCK      ROLLCALL_RUNDIR "/verifier.sock"
#define ROLLCALL_VERIFIER_SELF_SOCK ROLLCALL_RUNDIR "/verifier-self.sock"
#define ROLLCALL_ENFORCER_SOCK      ROLLCALL_RUNDIR "/enforcer.sock"
#define ROLLCALL_AUDIT_SOCK         ROLLCALL_RUNDIR "/audit.sock"
#define ROLLCALL_SYNCD_SOCK         ROLLCALL_RUNDIR "/syncd.sock"
#define ROLLCALL_TICKETS_DIR        ROLLCALL_RUNDIR "/tickets" // rollcall-verifier 0700

#define ROLLCALL_AUDIT_LOG          ROLLCALL_LOGDIR "/audit.jsonl"

#define ROLLCALL_VERIFIER           ROLLCALL_LIBEXECDIR "/rollcall-verifier"
#define ROLLCALL_VERIFIER_RARE      ROLLCALL_LIBEXECDIR "/rollcall-verifier-rare.so"
#define ROLLCALL_BREAKGLASS         ROLLCALL_LIBEXECDIR "/rollcall-breakglass"
#define ROLLCALL_SECURITY_KEY       ROLLCALL_LIBEXECDIR "/rollcall-security-key"
#define ROLLCALL_PASSWORD_LDAP      ROLLCALL_LIBEXECDIR "/rollcall-password-ldap"
#define ROLLCALL_SOURCES_DIR        ROLLCALL_LIBEXECDIR "/sources"
#define ROLLCALL_SINKS_DIR          ROLLCALL_LIBEXECDIR "/sinks"

#define ROLLCALL_USER_ENGINE        "rollcall"
#define ROLLCALL_USER_SOURCE        "rollcall-source"
#define ROLLCALL_USER_VERIFIER      "rollcall-verifier"
#define ROLLCALL_USER_KEYS          "rollcall-keys"
#define ROLLCALL_USER_PASSWORD      "rollcall-password"

#endif
