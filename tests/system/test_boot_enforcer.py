# SPDX-License-Identifier: BSD-2-Clause
"""Ends of sessions where logind keeps them apart: slices, scopes and cgroup.kill."""
import json
import os
import subprocess

import pytest

import people
import ssh
import sudo
import totp
import wait
from test_enforcer import records

NAMES = ("alice", "bob", "carol")


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in NAMES}
    people.write(people.admins(keys).values())
    wait.until(lambda: people.passwd("carol"), "carol to be known")
    wait.until(lambda: os.path.exists("/run/rollcall/enforcer.sock"), "the enforcer")
    return keys, {name: totp.enroll(name) for name in NAMES}


def log_in(staff, name):
    keys, apps = staff
    session = ssh.log_in(name, (totp.PROMPT, apps[name].code()), key=keys[name])
    cgroup = session.run("cat /proc/self/cgroup | grep ^0:")[1].strip()
    assert f"/user-{uid_of(name)}.slice/session-" in cgroup
    return session


def uid_of(name):
    return int(people.passwd(name)[2])


def slice_of(name):
    return f"/sys/fs/cgroup/user.slice/user-{uid_of(name)}.slice"


def lock(name, *options):
    got = subprocess.run(["rollcall", "lock", name, "--json", *options], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stdout + got.stderr
    return json.loads(got.stdout)


def test_a_lock_ends_the_whole_slice_and_what_was_set_free_in_it(staff):
    session, other = log_in(staff, "alice"), log_in(staff, "bob")
    sudo.root_shell(session, (totp.PROMPT, staff[1]["alice"].code()))
    session.run("(setsid nohup sleep 1000 >/dev/null 2>&1 &)")
    would = lock("alice", "--dry-run")
    assert {"bash", "sleep"} <= {p["command"] for p in would["ends"]}
    lock("alice")
    assert session.gone()
    wait.until(lambda: not os.path.exists(slice_of("alice")), "alice's slice to be gone")
    assert other.run("echo still here")[1].strip() == "still here"
    assert os.path.exists(slice_of("bob"))
    other.close()


HOLD = """
import fcntl, os, signal
lock = os.open("/var/lib/dpkg/lock", os.O_RDWR | os.O_CREAT, 0o640)
fcntl.lockf(lock, fcntl.LOCK_EX)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
open("/run/holds-the-lock", "w").write(str(os.getpid()))
signal.pause()
"""


def test_an_upgrade_in_the_slice_is_let_finish(staff):
    session = log_in(staff, "carol")
    sudo.root_shell(session, (totp.PROMPT, staff[1]["carol"].code()))
    with open("/run/hold.py", "w", encoding="ascii") as f:
        f.write(HOLD)
    session.run("(/usr/bin/python3 /run/hold.py &)")
    wait.until(lambda: os.path.exists("/run/holds-the-lock") and os.path.getsize("/run/holds-the-lock"), "the lock")
    with open("/run/holds-the-lock", encoding="ascii") as f:
        pid = int(f.read())
    lock("carol")
    assert session.gone()
    record = wait.until(lambda: [r for r in records("sessions-ended") if r["user"] == "carol"], "the record")[0]
    assert [p["pid"] for p in record["spared"] if p["why"] == "holds the package lock"] == [pid]
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as f:
        assert f"user-{uid_of('carol')}.slice" in f.read()
    os.kill(pid, 9)
    wait.until(lambda: not os.path.exists(f"/proc/{pid}"), "the holder to be gone")
