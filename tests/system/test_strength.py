# SPDX-License-Identifier: BSD-2-Clause
"""What a service and a group ask for, judged over the real sshd, login and sudo."""
import json
import os
import re
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

CONF = "/etc/rollcall/conf.d/50-strength.conf"
WEAK = "You are who you say, but web1 asks for more than you showed."
CLOSE = "Press Enter to close: "


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in ("alice", "bob")}
    groups = {"alice": "linux-users;linux-admins;treasury", "bob": "linux-users;linux-admins"}
    people.write([people.person(n, name, sshPublicKeys=key.public, groups=groups[name])
                  for n, (name, key) in enumerate(keys.items(), 1)])
    daemons.synced()
    return keys


@pytest.fixture
def conf():
    """Writes a drop-in; it is gone after the test."""
    def write(text):
        os.makedirs(os.path.dirname(CONF), exist_ok=True)
        with open(CONF, "w", encoding="ascii") as f:
            f.write(text)
    yield write
    if os.path.exists(CONF):
        os.unlink(CONF)


def fresh(name):
    return totp.enroll(name, "--replace")


def refused_as_weak(session, app):
    session.answer(totp.PROMPT, app.code())
    session.expect_exact(WEAK)
    session.expect(r"quote  (R-[0-9A-Z]{6})")
    session.answer(CLOSE, "")


def test_a_key_and_a_code_are_multi_and_a_code_at_the_console_is_not(staff, sshd, conf):
    conf("[service sshd]\nrequire = multi\n[service login]\nrequire = multi\n")
    app = fresh("alice")
    ssh.log_in("alice", (totp.PROMPT, app.code()), key=staff["alice"]).close()
    session = console.connect("alice")
    refused_as_weak(session, app)
    session.close()


def test_without_a_section_and_with_single_a_code_lets_in_everywhere(staff, sshd, conf):
    app = fresh("alice")
    console.log_in("alice", (totp.PROMPT, app.code())).close()
    conf("[service login]\nrequire = single\n")
    console.log_in("alice", (totp.PROMPT, app.code())).close()


def test_a_code_over_ssh_without_the_key_is_single(staff, sshd, conf):
    conf("[service sshd]\nrequire = multi\n")
    app = fresh("alice")
    # sshd would not even ask; at the verifier's own door it is one factor.
    v = door.Verifier().hello()
    v.login("alice", service="sshd", rhost="127.0.0.1", tty="ssh")
    assert WEAK in v.answer(app.code())[1]["text"]
    v.close()


def test_where_the_configuration_cannot_be_read_a_code_lets_nobody_in(staff, enforcer, conf):
    def explained(reference):
        got = subprocess.run(["rollcall", "explain", reference, "--json"], capture_output=True, text=True, timeout=60)
        return got.returncode == 0 and json.loads(got.stdout)

    conf("[mfa]\nfactrs = totp\n")
    app = fresh("alice")
    for service in ("login", "sudo"):
        v = door.Verifier().hello()
        v.login("alice", service=service)
        said = v.answer(app.code())[1]["text"]
        assert "this account cannot sign in to web1" in said
        reference = re.search(r"R-[0-9A-Z]{6}", said)[0]
        v.socket.close()
        v.close()
        record = wait.until(lambda r=reference: explained(r), "the record")
        assert record["cause"] == "configuration-unreadable" and "rollcall check-config" in record["sentence"]


def test_what_another_application_says_of_keys_counts_nothing(staff, conf):
    conf("[service su]\nrequire = multi\n")
    v = door.Verifier().hello()
    v.login("alice", service="su", auth_info="publickey " + staff["alice"].public + "\n")
    assert WEAK in v.answer(fresh("alice").code())[1]["text"]
    v.close()


def test_members_of_a_group_need_more_than_others_at_the_same_service(staff, sshd, conf, syncd):
    conf("[mfa]\nmulti_groups = treasury\n")
    got = subprocess.run(["rollcall", "reload"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    session = console.connect("alice")
    refused_as_weak(session, fresh("alice"))
    session.close()
    console.log_in("bob", (totp.PROMPT, fresh("bob").code())).close()
    ssh.log_in("alice", (totp.PROMPT, fresh("alice").code()), key=staff["alice"]).close()


def test_a_ticket_that_was_strong_enough_before_is_not_after_the_demand_has_grown(staff, sshd, conf):
    app = fresh("bob")
    session = ssh.log_in("bob", (totp.PROMPT, app.code()), key=staff["bob"])
    status, out = sudo.run(session, "id -un", (totp.PROMPT, app.code()))
    assert (status, out.split()[-1]) == (0, "root")
    status, out = sudo.run(session, "id -un")
    assert status == 0
    conf("[service sudo]\nrequire = multi\n")
    session.sendline("sudo id -un")
    session.expect_exact(totp.PROMPT)
    session.close()


def test_the_reference_is_explained(staff, enforcer, conf):
    conf("[service login]\nrequire = multi\n")
    session = console.connect("bob")
    session.answer(totp.PROMPT, fresh("bob").code())
    session.expect(r"quote  (R-[0-9A-Z]{6})")
    reference = session.match.group(1)
    session.answer(CLOSE, "")
    session.close()
    got = subprocess.run(["rollcall", "explain", reference], capture_output=True, text=True, timeout=60)
    assert "too weak for this service" in got.stdout, got.stderr


def test_check_config_warns_of_a_demand_that_nobody_can_meet(staff, conf):
    conf("[service login]\nrequire = multi\n[service sshd]\nrequire = multi\ngrace = 8h\n[service sudo]\nrequire = single\n")
    got = subprocess.run(["rollcall", "check-config"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0
    assert re.search(r"\[service login\] require = multi: .* nobody comes in", got.stdout + got.stderr)
    assert "sshd]" not in got.stdout + got.stderr and "sudo]" not in got.stdout + got.stderr
