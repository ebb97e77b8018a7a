# SPDX-License-Identifier: BSD-2-Clause
"""Who is wrong too often waits: the account, the factor, the address. Nobody makes somebody
else wait in a session that is there, and nothing is forgotten by kill -9 or a restart."""
import os
import socket
import subprocess

import pytest

import console
import daemons
import door
import people
import ssh
import sudo
import totp
import wait

WRONG = "That code was not accepted. Wait for the next one. Code: "
TABLE = "/run/rollcall/tickets/addresses"
OFF = 2 ** 63 - 1
DOOR = {"service": "sshd", "tty": "ssh"}


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol")}
    people.write(people.admins(keys).values())
    daemons.synced()
    return keys


@pytest.fixture
def alice():
    return totp.enroll("alice", "--replace")


@pytest.fixture(autouse=True)
def no_address_has_failed():
    if os.path.exists(TABLE):
        os.unlink(TABLE)


def failures(name):
    return door.ask(door.FACTORS, user=name)["failures"]


def fail(name, times, **fields):
    """Wrong twice a connection, as a person may be."""
    while times > 0:
        door.attempt(name, *["000000"] * min(times, 2), **{**DOOR, **fields})
        times -= 2


def told(name, code, **fields):
    """What somebody with the right code hears: "in", or the words of the refusal."""
    v = door.Verifier().hello()
    kind, got = v.login(name, **{**DOOR, **fields})
    if kind == door.PROMPT:
        kind, got = v.answer(code)
    v.close()
    return "in" if kind == door.RESULT and got["code"] == door.YES else got.get("text", "refused")


def test_kill_9_after_the_answer_gives_no_free_try(staff, alice):
    for number in range(1, 21):
        v = door.Verifier().hello()
        v.login("alice", **DOOR)
        v.send(door.ANSWER, text=alice.wrong())
        try:
            v.receive()  # the failure was charged before this was said
        except door.Gone:
            pass
        v.kill()
        v.close()
        assert failures("alice") == number


def test_who_fails_outside_locks_nobody_out_of_a_session_that_is_there(staff, alice, sshd):
    session = ssh.log_in("alice", (totp.PROMPT, alice.code()), key=staff["alice"])
    fail("alice", 120)
    assert door.ask(door.FACTORS, user="alice")["until"] == OFF
    status, out = sudo.run(session, "id -un", (totp.PROMPT, alice.code()))
    assert (status, out.split()[-1]) == (0, "root")
    session.close()
    # And sudo has not switched the factor on again at the door.
    assert door.ask(door.FACTORS, user="alice")["until"] == OFF


def test_who_fails_in_sudo_in_somebody_elses_name_is_outside(staff, alice):
    fail("alice", 12, service="sudo", tty="pts/9", ruser="bob")
    assert "Too many failed tries" in told("alice", alice.code())


def test_who_fails_inside_keeps_nobody_from_coming_in(staff, alice):
    fail("alice", 120, service="sudo", tty="pts/9", ruser="alice")
    assert "switched off" in told("alice", alice.code(), service="sudo", tty="pts/9", ruser="alice")
    assert told("alice", alice.code()) == "in"
    # Which is a proof: inside counts from nothing again.
    assert told("alice", alice.code(), service="sudo", tty="pts/9", ruser="alice") == "in"


def test_root_comes_in_at_the_console_whatever_was_tried(staff):
    fail("root", 120)
    console.log_in("root", ("Password: ", "root-pw")).close()


def fresh_code():
    """Of a new enrolment: none has to be waited for."""
    return totp.enroll("alice", "--replace").code()


def test_an_address_that_fails_for_many_names_waits_and_the_others_do_not(staff):
    for n in range(20):
        fail(f"nobody{n}", 2, rhost="203.0.113.7")
    assert "Too many failed tries. Try again after" in told("alice", fresh_code(), rhost="203.0.113.7")
    assert told("alice", fresh_code(), rhost="203.0.113.8") == "in"
    assert told("alice", fresh_code(), rhost="") == "in"
    assert failures("alice") == 0


def test_of_an_ipv6_network_all_addresses_are_one_and_a_mapped_one_is_the_address_itself(staff):
    for n in range(20):
        fail(f"nobody{n}", 2, rhost=f"2001:db8:0:7::{n:x}")
    assert "Too many" in told("alice", fresh_code(), rhost="2001:db8:0:7:aaaa::1")
    assert told("alice", fresh_code(), rhost="2001:db8:0:8::1") == "in"
    for n in range(20):
        fail(f"nobody{n}", 2, rhost="::ffff:203.0.113.9")
    assert "Too many" in told("alice", fresh_code(), rhost="203.0.113.9")


def test_the_table_of_addresses_does_not_grow_and_names_none(staff):
    for n in range(120):
        fail("nobody", 2, rhost=f"198.51.{n}.1")
    assert os.stat(TABLE).st_size <= 2048 * 4 * 24
    assert os.stat(TABLE).st_mode & 0o777 == 0o600
    with open(TABLE, "rb") as f:
        assert b"198.51" not in f.read()


def test_a_damaged_table_lets_the_account_rule_stand_alone(staff):
    with open(TABLE, "wb") as f:
        f.write(os.urandom(2048 * 4 * 24))
    assert told("alice", fresh_code(), rhost="203.0.113.7") == "in"
    os.unlink(TABLE)
    os.mkdir(TABLE)
    assert told("alice", fresh_code(), rhost="203.0.113.7") == "in"
    os.rmdir(TABLE)


def test_what_sshd_says_for_names_it_lets_in_by_no_means_is_nobodys_failure(staff, sshd):
    """A person whom sshd itself refuses (DenyUsers): the answer that reaches us is not theirs."""
    before = failures("carol")
    strict = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-p", "2222", "-o", "DenyUsers=carol", "-o",
                               "AuthenticationMethods=keyboard-interactive"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait.until(answers, "the strict sshd to answer")
        session = ssh.connect("carol", methods="keyboard-interactive",
                              options=["NumberOfPasswordPrompts=1", "Port=2222"])
        session.answer(totp.PROMPT, "123456")
        session.answer(WRONG, "123456")
        session.expect("Permission denied")
        session.close()
    finally:
        strict.terminate()
        strict.wait()
    assert failures("carol") == before


def answers():
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", 2222)) == 0
