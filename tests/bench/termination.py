# SPDX-License-Identifier: BSD-2-Clause
"""From HR's file to the last process: terminations one after the other, each its own
rename of the file, each person with a real sshd session and a root shell by sudo -s."""
import json
import os
import resource
import sys
import time
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

import daemons  # noqa: E402
import people  # noqa: E402
import ssh  # noqa: E402
import sudo  # noqa: E402
import totp  # noqa: E402
import wait  # noqa: E402

PEOPLE = int(os.environ.get("PEOPLE", "10000"))
LEAVERS = int(os.environ.get("LEAVERS", "100"))
QUIET = 2.0
AUDIT = "/var/log/rollcall/audit.jsonl"


class Log:
    """The audit log from where it was read last."""

    def __init__(self):
        self.file = open(AUDIT, encoding="utf-8")  # noqa: SIM115
        self.file.seek(0, os.SEEK_END)
        self.rest = ""
        self.found = []

    def find(self, event, user):
        self.rest += self.file.read()
        lines = self.rest.split("\n")
        self.rest = lines.pop()
        self.found += [json.loads(line) for line in lines]
        return next((r for r in self.found if r["event"] == event and r.get("user") == user), None)


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def row_of(values, label):
    values = sorted(values)

    def at(share):
        return values[min(len(values) - 1, int(share * len(values)))]

    return f"{label:46} {at(0.5) * 1000:9.1f} {at(0.99) * 1000:9.1f} {values[-1] * 1000:9.1f}"


def main():
    key = ssh.Key()
    names = [f"p{i:05d}" for i in range(PEOPLE)]
    leavers = names[:LEAVERS]
    rows = [people.person(i + 1, n, groups="linux-users;linux-admins" if i < LEAVERS else f"linux-users;team{i % 50}",
                          sshPublicKeys=key.public if i < LEAVERS else "")
            for i, n in enumerate(names)]
    people.write(rows)
    began = time.monotonic()
    assert daemons.sync_once().returncode == 0
    print(f"first import of {PEOPLE} people: {time.monotonic() - began:.2f} s, program start and the wait for a quiet "
          "file included", flush=True)
    sshd = ssh.Sshd("-o", "MaxStartups=200:30:200", "-o", "LoginGraceTime=120")
    enforcer, syncd = daemons.Enforcer().start(), daemons.Syncd().start()
    sessions, apps = {}, {}
    for name in leavers:
        apps[name] = totp.enroll(name)
        sessions[name] = ssh.log_in(name, (totp.PROMPT, apps[name].code()), key=key)
        sudo.root_shell(sessions[name], (totp.PROMPT, apps[name].code()))
    print(f"{LEAVERS} sessions over sshd, each with a root shell; {len(os.listdir('/proc'))} entries in /proc", flush=True)
    log, lock, gone, both = Log(), [], [], []
    for i, name in enumerate(leavers):
        rows[i]["terminatedAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        renamed = people.write(rows)
        ended = wait.until(lambda n=name: log.find("sessions-ended", n), f"the end of {name}", 60)
        # The lock's own record may come after the end: behind a large import it waits its turn.
        word = wait.until(lambda n=name: log.find("lock", n), f"the lock of {name}", 60)
        locked, last = instant(word["locked"]), instant(ended["last_process_gone"])
        assert sessions[name].gone()
        lock.append(locked - renamed)
        gone.append(last - locked)
        both.append(last - renamed)
    print(f"\n{LEAVERS} terminations among {PEOPLE} accounts, ms {'median':>18} {'p99':>9} {'slowest':>9}")
    print(row_of(lock, "file renamed to the board's word"))
    print(row_of([t - QUIET for t in lock], "  the same without the 2 s of quiet"))
    print(row_of(gone, "board's word to the last process gone"))
    print(row_of(both, "file renamed to the last process gone"))
    print(row_of([t - QUIET for t in both], "  the same without the 2 s of quiet"))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"(children of this benchmark: {usage.ru_utime:.0f} s user, {usage.ru_stime:.0f} s system)")
    syncd.stop()
    enforcer.stop()
    sshd.stop()


main()
