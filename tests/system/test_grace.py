# SPDX-License-Identifier: BSD-2-Clause
"""grace for ssh: after one login with key and code, the same key from the same address is asked
nothing for a while, so that git, rsync and Ansible of people stay usable."""
import os
import subprocess

import pytest

import daemons
import people
import ssh
import totp

CONF = "/etc/rollcall/conf.d/50-grace.conf"


@pytest.fixture(scope="module")
def staff():
    first, second, bobs = ssh.Key(), ssh.Key(), ssh.Key()
    people.write([people.person(1, "alice", sshPublicKeys=first.public + ";" + second.public),
                  people.person(2, "bob", sshPublicKeys=bobs.public)])
    daemons.synced()
    return {"alice": first, "alice's other": second, "bob": bobs}


@pytest.fixture(autouse=True)
def eight_hours():
    grace("8h")


def grace(time):
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[service sshd]\ngrace = {time}\n")


@pytest.fixture
def logged_in(staff, sshd):
    """Alice came in with her key and a code."""
    ssh.log_in("alice", (totp.PROMPT, totp.enroll("alice", "--replace").code()), key=staff["alice"]).close()


def quiet(key, *command, user="alice", address="127.0.0.1", options=()):
    """ssh as a program runs it: no terminal, nobody to answer."""
    args = ["/usr/bin/ssh", *[word for option in options for word in ("-o", option)], *ssh.OPTIONS, "-i", key.path]
    return subprocess.run([*args, f"{user}@{address}", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60)


def asked(key, **where):
    """Without an answer there is no way in."""
    got = quiet(key, "true", **where)
    assert got.returncode == 255 and "Permission denied" in got.stderr, got.stderr
    return True


def test_the_same_key_from_the_same_address_is_asked_nothing(staff, logged_in):
    got = quiet(staff["alice"], "id -un")
    assert (got.returncode, got.stdout) == (0, "alice\n"), got.stderr


def test_git_and_rsync_and_sftp_work_without_an_answer(staff, logged_in):
    # ssh as the transport of a program, its output the program's input.
    work = "/tmp/grace-work"
    environment = {"PATH": os.environ["PATH"], "HOME": "/root", "GIT_TERMINAL_PROMPT": "0",
                   "GIT_SSH_COMMAND": " ".join(["ssh", *ssh.OPTIONS, "-i", staff["alice"].path])}
    assert quiet(staff["alice"], "git init -q --bare repository.git").returncode == 0
    for words in (["git", "init", "-q", work], ["git", "-C", work, "-c", "user.name=A", "-c", "user.email=a@example.com",
                                                "commit", "-q", "--allow-empty", "-m", "one"],
                  ["git", "-C", work, "push", "-q", "alice@127.0.0.1:repository.git", "HEAD:main"]):
        got = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert got.returncode == 0, got.stderr
    batch = ["/usr/bin/sftp", *ssh.OPTIONS, "-i", staff["alice"].path, "alice@127.0.0.1"]
    got = subprocess.run(batch, input="pwd\n", capture_output=True, text=True, timeout=60)
    assert "/home/alice" in got.stdout, got.stderr


def test_another_key_asks(staff, logged_in):
    assert asked(staff["alice's other"])


def test_another_address_asks(staff, logged_in):
    assert asked(staff["alice"], address="127.0.0.2", options=["BindAddress=127.0.0.2"])


def test_another_person_asks(staff, logged_in):
    assert asked(staff["bob"], user="bob")


def test_without_grace_and_after_it_every_login_asks(staff, logged_in):
    grace("0s")
    assert asked(staff["alice"])
    os.unlink(CONF)
    assert asked(staff["alice"])


def test_a_reset_takes_the_ticket(staff, logged_in):
    assert subprocess.run(["rollcall", "reset-factor", "alice"], capture_output=True, timeout=60).returncode == 0
    assert asked(staff["alice"])


def test_a_person_who_left_has_no_grace(staff, logged_in):
    people.write([people.person(1, "alice", sshPublicKeys=staff["alice"].public, status="terminated"),
                  people.person(2, "bob", sshPublicKeys=staff["bob"].public)])
    daemons.synced()
    assert asked(staff["alice"])
