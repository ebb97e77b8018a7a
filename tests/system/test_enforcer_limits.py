# SPDX-License-Identifier: BSD-2-Clause
"""The enforcer at its limits: thousands of processes, a package being installed, people
who do not want it to work, processes that begin too late."""
import json
import os
import pwd
import signal
import socket
import subprocess
import sys

import pytest

import daemons
import people
import wait
from test_enforcer import processes_of, records

NAMES = ("crowd", "ada", "late", "calm", "rude", "other")
SOCK = "/run/rollcall/enforcer.sock"


@pytest.fixture(scope="module")
def uids():
    people.write([people.person(i, name) for i, name in enumerate(NAMES, 1)])
    daemons.synced()
    return {name: int(people.passwd(name)[2]) for name in NAMES}


@pytest.fixture
def started():
    """Processes that a test starts; those that live on are ended by their id."""
    found = []
    yield found
    for p in found:
        if p.poll() is None:
            p.kill()
        p.wait()


def begin(started, *argv, uid=0, loginuid=None, script=None):
    def become():
        if loginuid is not None:
            with open("/proc/self/loginuid", "w", encoding="ascii") as f:
                f.write(str(loginuid))
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)

    argv = argv or (sys.executable, "-c", script)
    # pylint: disable=subprocess-popen-preexec-fn
    p = subprocess.Popen(argv, preexec_fn=become, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         start_new_session=True, cwd="/")
    started.append(p)
    return p


def lock(name):
    got = subprocess.run(["rollcall", "lock", name], capture_output=True, text=True, timeout=30)
    assert got.returncode == 0, got.stdout + got.stderr


def ended(name):
    return wait.until(lambda: [r for r in records("sessions-ended") if r["user"] == name],
                      f"the record of the end of {name}", seconds=300)[0]


def test_two_thousand_processes_end_and_those_of_another_do_not(uids, started, syncd, enforcer):
    script = """
import os, signal
for i in range(2000):
    if os.fork() == 0:
        os.setsid()
        signal.pause()
print("ready", flush=True)
signal.pause()
"""
    crowd = begin(started, uid=uids["crowd"], script=script)
    other = begin(started, "sleep", "1000", uid=uids["other"])
    larry = begin(started, "sleep", "1000", uid=pwd.getpwnam("larry").pw_uid)
    assert crowd.stdout.readline() == b"ready\n"
    assert len(processes_of(uids["crowd"])) == 2001
    lock("crowd")
    ended("crowd")
    # On a slow machine some outlive the enforcer's patience: first said to survive, then gone.
    rounds = records("sessions-survive") + records("sessions-ended")
    assert sum(r["processes"] for r in rounds if r["user"] == "crowd") >= 2001
    assert processes_of(uids["crowd"]) == {}
    assert other.poll() is None and larry.poll() is None


def test_a_package_being_installed_is_named_and_its_scripts_stay_too(uids, started, syncd, enforcer):
    # As root by this person's sudo: the mark is there, and the terminal.
    script = """
import fcntl, os, pty, signal, struct, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
lock = os.open("/var/lib/dpkg/lock", os.O_RDWR | os.O_CREAT, 0o640)
if sys.argv[1] == "dpkg":
    fcntl.lockf(lock, fcntl.LOCK_EX)
if os.fork() == 0:
    print("ready", flush=True)
    signal.pause()
signal.pause()
"""
    def run(what):
        p = begin(started, sys.executable, "-c", script, what, loginuid=uids["ada"])
        assert p.stdout.readline() == b"ready\n"
        return p

    shell, dpkg = run("shell"), run("dpkg")
    postinst = daemons.children_of(dpkg.pid)
    lock("ada")
    record = ended("ada")
    shell.wait(60)
    assert dpkg.poll() is None and daemons.children_of(dpkg.pid) == postinst
    spared = {p["pid"] for p in record["spared"] if p["why"] == "holds the package lock"}
    assert {dpkg.pid, *postinst} <= spared
    for pid in postinst:
        os.kill(pid, signal.SIGKILL)


def test_a_process_that_begins_just_after_the_end_ends_too(uids, started, syncd, enforcer):
    first = begin(started, "sleep", "1000", uid=uids["late"])
    lock("late")
    first.wait(60)
    ended("late")
    late = begin(started, "sleep", "1000", uid=uids["late"])
    assert late.wait(60) == -signal.SIGKILL


def test_records_from_a_stranger_keep_nobody_from_the_board(uids, started, syncd, enforcer):
    script = """
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("/run/rollcall/audit.sock")
print("ready", flush=True)
while True:
    s.send(b'{"event": "forged", "user": "larry"}')
"""
    calm = begin(started, "sleep", "1000", uid=uids["calm"])
    flood = [begin(started, uid=pwd.getpwnam("larry").pw_uid, script=script) for _ in range(3)]
    for f in flood:
        assert f.stdout.readline() == b"ready\n"
    lock("calm")
    assert calm.wait(60) == -signal.SIGKILL
    assert all(f.poll() is None for f in flood)
    assert records("forged") == []


def test_peers_that_say_nothing_hold_nobody_up(uids, started, syncd, enforcer):
    engine = pwd.getpwnam("rollcall").pw_uid
    script = f"""
import socket, time
held = []
for i in range(40):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect("{SOCK}")
    held.append(s)
print("ready", flush=True)
while True:
    for s in held:
        try:
            s.send(b" ")
        except OSError:
            pass
    time.sleep(0.01)
"""
    rude = begin(started, "sleep", "1000", uid=uids["rude"])
    # The engine's group may connect; its uid alone is heard.
    silent = subprocess.Popen(["setpriv", "--reuid", str(engine), "--regid", "rollcall", "--clear-groups",
                               sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    started.append(silent)
    assert silent.stdout.readline() == b"ready\n"
    lock("rude")
    assert rude.wait(60) == -signal.SIGKILL


def test_only_root_and_the_engine_are_heard(uids, enforcer):
    script = f"""
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
try:
    s.connect("{SOCK}")
    print("connected")
except PermissionError:
    print("refused")
"""
    got = subprocess.run(["setpriv", "--reuid", "larry", "--regid", "larry", "--clear-groups", sys.executable, "-c",
                          script], capture_output=True, text=True, timeout=30)
    assert got.stdout == "refused\n", got.stderr


def ask(request):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(30)
        s.connect(SOCK)
        s.sendall(request + b"\n")
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
    assert answer.endswith(b"\n") and answer.count(b"\n") == 1
    return json.loads(answer)


def test_requests_that_make_no_sense_are_answered_and_do_no_harm(uids, enforcer):
    assert ask(b'{"do": "status"}')["ok"] is True
    for request in (b"", b"[]", b"{", b'{"do": 1}', b'{"do": "end", "uid": 0}', b"\x00" * 100, b"x" * 4000,
                    b'{"do": "dry-run"}', b'{"do": "dry-run", "uid": 0}', b'{"do": "dry-run", "uid": -1}',
                    b'{"do": "dry-run", "uid": 1e400}'):
        answer = ask(request)
        assert answer["ok"] is False and answer["error"] and answer["hint"], request
    assert enforcer.running()
