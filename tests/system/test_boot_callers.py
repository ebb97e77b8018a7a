# SPDX-License-Identifier: BSD-2-Clause
"""Callers that need a real systemd: the bounds of the verifier's sockets, and user managers."""
import os
import signal
import socket
import subprocess

import pytest

import console
import daemons
import pamapp
import people
import totp
import wait

SELF = "/run/rollcall/verifier-self.sock"
UNIT = "rollcall-verifier-self.service"
PLACES = 64  # --at-most of the unit
FOLDER = "/tmp/pam.d"


@pytest.fixture(scope="module")
def staff():
    people.write([people.person(n, name) for n, name in enumerate(("alice", "bob", "leaver"), 1)])
    wait.until(lambda: people.passwd("leaver"), "the company")
    pamapp.write_bare_service(FOLDER, "swaylock")
    return {name: totp.enroll(name) for name in ("alice", "bob", "leaver")}


def uid(name):
    return int(people.passwd(name)[2])


def verifiers():
    got = subprocess.run(["systemctl", "show", "-P", "MainPID", UNIT], capture_output=True, text=True, timeout=60)
    return len(daemons.children_of(int(got.stdout)))


def flood(pipe):
    """Takes what it can get, says so, and holds it until it is told to let go."""
    held = []
    for _ in range(300):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.setblocking(False)
        try:
            s.connect(SELF)
        except BlockingIOError:
            continue
        held.append(s)
    os.write(pipe, b"x")
    signal.pause()


def test_a_flood_of_the_self_socket_is_bounded_and_keeps_no_login_out(staff):
    mine, theirs = os.pipe()
    child = pamapp.Child(lambda: flood(theirs), uid("bob"))
    assert os.read(mine, 1) == b"x"
    wait.until(lambda: verifiers() > PLACES // 2, "the flood to be served")
    assert verifiers() <= PLACES
    # root's door is another; root itself needs none.
    session = console.connect("alice")
    session.answer(totp.PROMPT, staff["alice"].code())
    session.shell()
    session.close()
    console.log_in("root", ("Password: ", "root-pw")).close()
    os.kill(child.pid, 9)
    os.waitpid(child.pid, 0)
    wait.until(lambda: verifiers() == 0, "the verifiers to be gone")
    code = staff["alice"].code()

    def unlock():
        with pamapp.Application("swaylock", "alice", lambda style, prompt: code, folder=FOLDER) as app:
            return app.authenticate()
    assert pamapp.run_as(uid("alice"), unlock) == "SUCCESS"


def test_a_user_manager_starts_for_an_employee_and_for_no_leaver(staff):
    def manager(name):
        return subprocess.run(["systemctl", "start", f"user@{uid(name)}.service"], capture_output=True, text=True, timeout=60)
    assert manager("alice").returncode == 0
    assert subprocess.run(["systemctl", "is-active", f"user@{uid('alice')}.service"], capture_output=True, text=True,
                          timeout=60).stdout == "active\n"
    number = uid("leaver")
    people.write([people.person(n, name, status="terminated" if name == "leaver" else "active")
                  for n, name in enumerate(("alice", "bob", "leaver"), 1)])
    wait.until(lambda: people.passwd("leaver")[6] == "/usr/sbin/nologin", "the leaver's end")
    got = subprocess.run(["systemctl", "start", f"user@{number}.service"], capture_output=True, text=True, timeout=60)
    assert got.returncode != 0
    # Lingering, the way to have one without a login, is no way either.
    subprocess.run(["loginctl", "enable-linger", "leaver"], capture_output=True, timeout=60)
    assert subprocess.run(["systemctl", "is-active", f"user@{number}.service"], capture_output=True, text=True,
                          timeout=60).stdout != "active\n"
