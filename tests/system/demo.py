# SPDX-License-Identifier: BSD-2-Clause
"""make demo: a morning in a company, on the real OpenSSH, in the sandbox. Everything
that is shown is measured or read while it happens; what does not hold ends the demo
with exit status 1."""
import datetime
import os
import pwd
import re
import subprocess
import sys
import threading
import time

import console
import daemons
import people
import pexpect
import ssh
import totp
import wait

CODE = totp.PROMPT
FIRST = ("Ada Ben Cleo Dora Emil Finn Gwen Hugo Ines Jan Kira Lars Mona Nico Olga Paul Rosa Sven Tara Uwe Vera Wim Xenia "
         "Yves Zoe").split()
LAST = "Adler Brandt Conrad Decker Ebert Fuchs Graf Haas".split()


def say(text=""):
    print(text, flush=True)


def step(number, text):
    say(f"\n{number}. {text}")


def show(command):
    got = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    say(f"   # {command}")
    for line in (got.stdout + got.stderr).splitlines():
        say("     " + line)
    return got


def clock(instant):
    return datetime.datetime.fromtimestamp(instant).strftime("%H:%M:%S.%f")[:-3]


def company(alice_key, bob_key):
    staff = [people.person(1001, "alice", displayName="Alice Arnold", groups="linux-users;linux-admins",
                           sshPublicKeys=alice_key.public),
             people.person(1002, "bob", displayName="Bob Berger", sshPublicKeys=bob_key.public)]
    names = [(first, last) for first in FIRST for last in LAST][:198]
    for number, (first, last) in enumerate(names, 1003):
        staff.append(people.person(number, f"{first}.{last}".lower(), displayName=f"{first} {last}"))
    return staff


def instant(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def processes_of(uid):
    """Processes of the person: by user id, and by audit login id, which sudo keeps."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/loginuid", encoding="ascii") as f:
                login = int(f.read())
            if os.stat(f"/proc/{pid}").st_uid == uid or login == uid:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    if f.read().rpartition(")")[2].split()[0] not in "ZX":
                        found.append(int(pid))
        except (OSError, ValueError):
            pass  # it ended while we looked
    return found


class Watch(threading.Thread):
    """Looks at the account as any program does, and at its processes; notes the first
    moment at which the lock stood and the first at which no process was left."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.name_, self.uid = name, pwd.getpwnam(name).pw_uid
        self.locked = self.gone = None
        self.start()

    def run(self):
        while self.gone is None:
            now = time.time()
            if self.locked is None and pwd.getpwnam(self.name_).pw_shell.endswith("nologin"):
                self.locked = now
            if self.locked is not None and not processes_of(self.uid):
                self.gone = time.time()
            time.sleep(0.005)

    def finish(self, what):
        wait.until(lambda: self.gone is not None, what)


def log_in(user, key, app):
    session = ssh.connect(user, key=key)
    session.expect_exact(CODE)
    say(f"     Sign in to web1 as {user}.")
    code = app.code()
    say(f"     {CODE}{code}")
    session.sendline(code)
    session.shell()
    return session


def refused(user, key):
    """The key is tried; what the person saw, without a way in."""
    session = ssh.connect(user, key=key)
    text, status = session.rest()
    assert status == 255 and "Permission denied" in text, text
    say(f"     ssh {user}@web1: {text.strip().splitlines()[-1]}")


def refused_on_the_console(user, app):
    """A right code proves who it is; so the person is told whom to call, and a
    reference for the one who answers."""
    session = console.connect(user)
    session.expect_exact(CODE)
    session.sendline(app.code())
    session.expect_exact("Press Enter to close:")
    for line in session.before.replace("\r", "").split("\n")[1:]:
        if line.strip():
            say("     " + line.strip())
    reference = re.search(r"R-[0-9A-Z]{6}", session.before).group(0)
    session.sendline("")
    session.expect_exact("Login incorrect")
    session.close()
    return reference


def main():
    say("rollcall: a morning in a company. This is a copy of your machine; nothing here is kept.")
    alice_key, bob_key = ssh.Key(), ssh.Key()
    sshd = ssh.Sshd()
    enforcer, syncd = daemons.Enforcer().start(), daemons.Syncd().start()

    staff = company(alice_key, bob_key)
    step(1, f"HR's export arrives: {len(staff)} people, as a file. (rollcall waits until it has been quiet for 2 s.)")
    renamed = people.write(staff)
    wait.until(lambda: people.passwd("alice"), "alice to be known")
    say(f"   They are accounts {time.time() - renamed:.1f} s later, for every program of the machine:")
    show("getent passwd alice bob")
    show("id alice")
    assert show("getent group linux-users | tr ',' '\\n' | wc -l").stdout.strip() == str(len(staff))

    step(2, "Alice and Bob get their second factor: each scans a QR code once.")
    alice, bob = totp.enroll("alice"), totp.enroll("bob")
    say("   # rollcall enroll totp alice; rollcall enroll totp bob")

    step(3, "Alice logs in: the real ssh, her key, then a code from her app. Then she becomes root.")
    session = log_in("alice", alice_key, alice)
    say("     alice@web1$ id -un; pwd")
    for line in session.run("id -un; pwd")[1].split():
        say("     " + line)
    session.sendline("sudo -s")
    session.answer(CODE, alice.code())
    session.shell()
    status, who = session.run("id -un")
    assert (status, who.strip()) == (0, "root"), who
    say("     alice@web1$ sudo -s     (the next code)")
    say("     root@web1# sleep 1000 &")
    session.run("sleep 1000 & true")

    step(4, "HR ends Alice's employment: her row gains terminatedAt. (Bob's leave date is entered too: in 45 seconds.)")
    watch = Watch("alice")
    leaves = int(time.time()) + 45
    for row in staff[:2]:
        row["terminatedAt"] = instant(time.time() if row["userName"] == "alice" else leaves)
    changed = people.write(staff)
    assert session.gone(), "Alice's session went on"
    watch.finish("the end of Alice's last process")
    say(f"   {clock(changed)}  HR's file changed")
    say(f"   {clock(watch.locked)}  locked: {watch.locked - changed:.3f} s later, 2 s of it waiting for the file to be quiet")
    say(f"   {clock(watch.gone)}  her last process is gone, root shell included: {watch.gone - changed:.3f} s after HR")
    show("getent passwd alice")
    assert people.passwd("alice")[6].endswith("nologin")
    show("rollcall user alice")

    step(5, "The daemon that reads HR is killed. What it knew goes on to hold.")
    bob_session = log_in("bob", bob_key, bob)
    syncd.kill()
    say(f"   # kill -9 {syncd.pid}     (rollcall-syncd and all its processes)")
    say("   Bob, who is employed, is in. Alice tries again, with her key, and at the console with her next code:")
    refused("alice", alice_key)
    reference = refused_on_the_console("alice", alice)
    show(f"rollcall explain {reference}")

    step(6, f"Bob's leave date falls at {clock(leaves)}, with nobody there to tell.")
    watch = Watch("bob")
    left = leaves - time.time()
    assert left > 0, "this machine was too slow for the story: Bob's leave date is over already"
    assert bob_session.run("id -un")[1].strip() == "bob"
    say(f"   ({left:.0f} s to go; Bob works.)")
    assert bob_session.gone(left + 60), "Bob's session went on"
    watch.finish("the end of Bob's last process")
    assert watch.gone >= leaves, "Bob's session ended before its time"
    say(f"   {clock(watch.gone)}  his last process is gone: {watch.gone - leaves:.3f} s after the date")
    refused("bob", bob_key)

    step(7, "What happened is on record, in a chain that shows tampering:")
    show("rollcall audit verify")
    with open("/var/log/rollcall/audit.jsonl", encoding="utf-8") as f:
        records = sum(1 for _ in f)
    assert records >= len(staff), f"only {records} records for {len(staff)} people"
    enforcer.stop()
    sshd.stop()
    say("\nThat was it. README.md says how to install it.")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, pexpect.ExceptionPexpect) as e:
        say(f"\nThe demo failed: {e}")
        sys.exit(1)
