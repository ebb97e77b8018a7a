# SPDX-License-Identifier: BSD-2-Clause
"""Ending sessions: real sshd, real sudo, and the times of the audit log."""
import json
import os
import subprocess
import time

import pytest

import daemons
import people
import ssh
import sudo
import totp
import wait

AUDIT = "/var/log/rollcall/audit.jsonl"


def records(event=None):
    if not os.path.exists(AUDIT):
        return []
    with open(AUDIT, encoding="utf-8") as f:
        found = [json.loads(line) for line in f]
    return [r for r in found if event is None or r["event"] == event]


def processes_of(uid):
    """Of the uid, or begun by it: pid to command."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                status = f.read()
            with open(f"/proc/{pid}/loginuid", encoding="ascii") as f:
                login = int(f.read())
        except OSError:
            continue
        uids = {int(u) for u in status.split("\nUid:")[1].split("\n")[0].split()}
        if "State:\tZ" not in status and (uid in uids or login == uid):
            found[int(pid)] = status.split("\n")[0].split("\t")[1]
    return found


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol", "dave")}
    rows = people.admins(keys)
    people.write(rows.values())
    daemons.synced()
    apps = {name: totp.enroll(name) for name in keys}
    return keys, rows, apps


def log_in(staff, name):
    keys, _, apps = staff
    return ssh.log_in(name, (totp.PROMPT, apps[name].code()), key=keys[name])


def test_a_termination_ends_the_session_and_the_root_shell_within(staff, sshd, enforcer, syncd):
    keys, rows, apps = staff
    session = log_in(staff, "alice")
    _, _, uid, *_ = people.passwd("alice")
    sudo.root_shell(session, (totp.PROMPT, apps["alice"].code()))
    session.sendline("(setsid sleep 1000 &) ; sleep 1000")
    other = log_in(staff, "bob")
    wait.until(lambda: "sleep" in processes_of(int(uid)).values(), "alice's processes")
    rows["alice"]["terminatedAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    people.write(rows.values())
    assert session.gone()
    # What she set free of her terminal ran as root by then, in no session: it is named,
    # and all the rest is gone.
    wait.until(lambda: set(processes_of(int(uid)).values()) <= {"sleep"}, "all of alice's processes to be gone")
    ended = wait.until(lambda: [r for r in records("sessions-ended") if r["user"] == "alice"], "the record of the end")
    assert ended[0]["processes"] >= 3
    assert ended[0]["locked"] <= ended[0]["first_kill"] <= ended[0]["last_process_gone"]
    assert ended[0]["reason"] == "terminated-at" and ended[0]["hr_time"]
    assert other.run("echo still here")[1].strip() == "still here"
    assert people.passwd("alice")[6] == "/usr/sbin/nologin"
    other.close()


def test_a_leave_date_bites_on_its_second_with_syncd_dead(staff, sshd, enforcer):
    keys, rows, apps = staff
    session = log_in(staff, "bob")
    at = int(time.time()) + 8
    rows["bob"]["terminatedAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    people.write(rows.values())
    daemons.synced()
    assert int(time.time()) < at, "syncd was to be gone before the date"
    assert session.gone()
    lock = [r for r in records("lock") if r["user"] == "bob"][-1]
    assert lock["source"] == "enforcer" and lock["reason"] == "end-date"
    assert people.passwd("bob")[6] == "/usr/sbin/nologin"


def test_a_dry_run_names_what_would_go_and_ends_nothing(staff, sshd, enforcer, syncd):
    session = log_in(staff, "carol")
    got = subprocess.run(["rollcall", "lock", "carol", "--dry-run", "--json"], capture_output=True, text=True,
                         timeout=30)
    assert got.returncode == 0, got.stderr
    assert "bash" in {p["command"] for p in json.loads(got.stdout)["ends"]}
    assert session.run("echo alive")[1].strip() == "alive"
    session.close()


def test_an_enforcer_that_comes_late_ends_what_it_finds(staff, sshd, syncd):
    session = log_in(staff, "dave")
    got = subprocess.run(["rollcall", "lock", "dave"], capture_output=True, text=True, timeout=30)
    assert got.returncode == 0, got.stderr
    assert session.run("echo alive")[1].strip() == "alive"
    late = daemons.Enforcer().start()
    assert session.gone()
    late.stop()


def test_the_chain_of_the_audit_log_holds(staff):
    got = subprocess.run(["rollcall", "audit", "verify", "--json"], capture_output=True, text=True, timeout=30)
    assert got.returncode == 0, got.stdout + got.stderr
