# SPDX-License-Identifier: BSD-2-Clause
"""SSH logins over the real sshd: key and code, and every way that is not enough."""
import json
import subprocess

import pytest

import console
import daemons
import people
import ssh
import sudo
import totp

WRONG = "That code was not accepted. Wait for the next one. Code: "
CLOSE = "Press Enter to close: "


class Employee:
    def __init__(self, number, name, **members):
        self.name = name
        self.key = ssh.Key()
        self.row = people.person(number, name, sshPublicKeys=self.key.public, **members)
        self.app = None

    def log_in(self, code=None):
        return ssh.log_in(self.name, (totp.PROMPT, code or self.app.code()), key=self.key)


@pytest.fixture(scope="module")
def staff():
    """alice may use sudo; bob is ordinary; carol is in no group that may come in here;
    dora is to be terminated; eve never enrolled."""
    group = {"groups": "linux-users;linux-admins"}
    all_of_them = {e.name: e for e in [
        Employee(1, "alice", **group), Employee(2, "bob"), Employee(3, "carol", groups="payroll"),
        Employee(4, "dora"), Employee(5, "eve"), Employee(6, "frank"), Employee(7, "grace", **group)]}
    publish(all_of_them)
    for name in ("alice", "bob", "carol", "dora", "frank", "grace"):
        all_of_them[name].app = totp.enroll(name)
    return all_of_them


def publish(staff):
    people.write([e.row for e in staff.values()])
    daemons.synced()


def refused(session):
    session.expect(r"Permission denied")
    session.rest()


def test_key_and_code_let_an_employee_in_with_every_daemon_dead(staff, sshd):
    session = staff["alice"].log_in()
    status, who = session.run("id -un; echo $HOME; ls -ld $HOME")
    assert status == 0
    assert who.split()[:2] == ["alice", "/home/alice"]
    assert "drwx------" in who
    session.close()


def test_a_wrong_code_may_be_mended_once(staff, sshd):
    bob = staff["bob"]
    session = ssh.connect("bob", key=bob.key)
    session.answer(totp.PROMPT, bob.app.wrong())
    session.answer(WRONG, bob.app.code())
    session.shell()
    session.close()


def test_help_explains_and_does_not_count_as_a_try(staff, sshd):
    bob = staff["bob"]
    session = ssh.connect("bob", key=bob.key)
    session.answer(totp.PROMPT, "help")
    session.answer("App code: 6 digits.", bob.app.code())
    session.shell()
    session.close()


def test_a_code_is_good_once(staff, sshd):
    frank = staff["frank"]
    frank.log_in().close()
    session = ssh.connect("frank", key=frank.key, options=["NumberOfPasswordPrompts=1"])
    session.answer(totp.PROMPT, frank.app.used())
    session.answer(WRONG, frank.app.used())
    refused(session)


def test_a_key_alone_is_not_enough(staff, sshd):
    session = ssh.connect("bob", key=staff["bob"].key, methods="publickey")
    refused(session)


def test_a_code_without_the_key_is_not_asked_for(staff, sshd):
    session = ssh.connect("bob", methods="keyboard-interactive")
    refused(session)


def test_somebody_who_never_enrolled_sees_the_same_prompts(staff, sshd):
    session = ssh.connect("eve", key=staff["eve"].key, options=["NumberOfPasswordPrompts=1"])
    session.answer(totp.PROMPT, "123456")
    session.answer(WRONG, "123456")
    refused(session)


def test_who_may_not_come_in_here_has_no_key_here(staff, sshd):
    refused(ssh.connect("carol", key=staff["carol"].key))


def test_a_leaver_is_refused_by_key_and_has_no_shell(staff, sshd):
    staff["dora"].log_in().close()
    staff["dora"].row["status"] = "terminated"
    publish(staff)
    refused(ssh.connect("dora", key=staff["dora"].key))
    assert people.passwd("dora")[6] == "/usr/sbin/nologin"


def test_a_local_person_is_untouched(staff, sshd):
    session = ssh.connect("larry", methods="password")
    session.answer("password: ", "local-pw")
    session.shell()
    session.close()


def test_sudo_asks_once_and_then_counts_its_ticket(staff, sshd):
    session = staff["grace"].log_in()
    status, out = sudo.run(session, "id -un", (totp.PROMPT, staff["grace"].app.code()))
    assert (status, out.strip().splitlines()[-1]) == (0, "root")
    status, out = sudo.run(session, "id -un")
    assert (status, out.split()[-1]) == (0, "root")
    session.close()


def test_a_ticket_of_one_session_is_not_another_sessions(staff, sshd):
    grace = staff["grace"]
    session = grace.log_in()
    session.sendline("sudo id -un")
    session.expect_exact(totp.PROMPT)
    session.close()


def test_a_refusal_after_the_proof_has_a_reference_and_never_says_terminated(staff):
    # login(1)'s stack: no key comes before the code there.
    staff["bob"].row["status"] = "terminated"
    publish(staff)
    session = console.connect("bob")
    session.answer(totp.PROMPT, staff["bob"].app.code())
    session.expect_exact("You are who you say, but this account cannot sign in to web1.")
    session.expect(r"quote  (R-[0-9A-Z]{6})")
    session.answer(CLOSE, "")
    staff["bob"].row["status"] = "active"
    publish(staff)


def test_a_lock_by_an_admin_is_seen_at_once(staff, sshd, syncd):
    got = subprocess.run(["rollcall", "lock", "frank", "--reason", "test", "--json"], capture_output=True, text=True,
                         timeout=30)
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["state"] == "locked"
    refused(ssh.connect("frank", key=staff["frank"].key))
