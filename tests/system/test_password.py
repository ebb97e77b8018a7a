# SPDX-License-Identifier: BSD-2-Clause
"""A password of this host as the first factor: asked for before the code where a code alone is
one factor, chosen at enrolment, taken back by the service desk."""
import json
import os
import subprocess
import time

import pytest

import console
import daemons
import door
import people
import ssh
import sudo
import totp

PASSWORD = "correct horse battery"
ASK = "Password: "
CHOOSE = "Choose a password for web1, of 8 characters or more: "
LATER = "Choose a password for web1, of 8 characters or more (Enter: another time): "
AGAIN = "The same again: "
CONF = "/etc/rollcall/conf.d/50-first.conf"
FIRST = "[mfa]\nfactors = totp, recovery\nenrol = access-code\nfirst = local-password\n"


def configure(text):
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(text)


@pytest.fixture(scope="module")
def staff():
    configure(FIRST)
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol", "dora")}
    people.write(people.admins(keys).values())
    daemons.synced()
    return keys


def desk(*words):
    got = subprocess.run(["rollcall", *words], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    return got.stdout


def factors(name):
    return json.loads(desk("user", name, "--why", "--json"))["enrolment"]


def choose(session, prompt=CHOOSE, password=PASSWORD):
    session.answer(prompt, password)
    session.answer(AGAIN, password)


def enrolled(name):
    """At the console, with an access code: app, password, recovery codes."""
    code = json.loads(desk("code", name, "--json"))["code"]
    session = console.connect(name)
    session.answer(ASK, "")
    session.answer(totp.PROMPT, code)
    session.expect(r"Enter this key: +([A-Z2-7 ]+)")
    app = totp.Authenticator(f"otpauth://totp/web1:x?secret={session.match.group(1).replace(' ', '')}&issuer=web1")
    session.answer("2. Type the 6-digit code it shows: ", app.code())
    choose(session)
    session.answer('type "saved": ', "saved")
    session.shell()
    session.close()
    return app


@pytest.fixture(scope="module")
def once(staff):
    return enrolled("alice")


@pytest.fixture
def alice(once):
    # A new app beside the same password: no code has to be waited for.
    return totp.enroll("alice", "--replace")


def test_at_enrolment_a_password_is_chosen_and_with_the_code_it_opens_the_console(alice):
    session = console.connect("alice")
    session.answer(ASK, PASSWORD)
    session.answer(totp.PROMPT, alice.code())
    session.shell()
    assert PASSWORD not in session.said()  # it is not shown while it is typed
    session.close()
    assert factors("alice")["password"] == "local"


def test_neither_alone_opens_the_console_and_nothing_tells_which_was_wrong(staff):
    enrolled("bob")
    app = totp.enroll("bob", "--replace")
    for password, code in ((PASSWORD, app.wrong()), ("wrong horse battery", app.code()), ("", app.code())):
        session = console.connect("bob")
        session.answer(ASK, password)
        session.answer(totp.PROMPT, code)
        session.expect_exact("That was not accepted. Password: ")
        session.close()
    assert factors("bob")["failures"] == 3


def test_ssh_with_the_key_asks_for_the_code_alone_and_sudo_too(staff, sshd, alice):
    session = ssh.log_in("alice", (totp.PROMPT, alice.code()), key=staff["alice"])
    assert ASK not in session.said()
    status, out = sudo.run(session, "id -un", (totp.PROMPT, alice.code()))
    assert (status, out.split()[-1]) == (0, "root")
    session.close()


def test_unknown_and_unenrolled_names_are_asked_the_same(staff):
    for name in ("dora", "nobody-here"):
        session = console.connect(name)
        session.answer(f"Sign in to web1 as {name}.\r\n{ASK}", PASSWORD)
        session.answer(totp.PROMPT, "123456")
        session.expect_exact("That was not accepted. Password: ")
        session.close()


def test_a_program_that_gives_one_answer_gives_both_behind_one_another(alice):
    locker = door.Listener()
    try:
        assert locker.ask("alice", f"{PASSWORD} {alice.code()}") == "in"
        assert locker.ask("alice", f"{PASSWORD} {alice.used()}") == "out"
        assert locker.ask("alice", alice.code()) == "out"
    finally:
        locker.stop()


def test_who_was_enrolled_before_is_asked_after_a_strong_sign_in_and_may_put_it_off(staff, sshd):
    app = totp.enroll("carol", "--replace")
    session = ssh.connect("carol", key=staff["carol"])
    session.answer(totp.PROMPT, app.code())
    session.answer(LATER, "")
    session.shell()
    session.close()
    assert factors("carol")["password"] is None
    app = totp.enroll("carol", "--replace")
    session = ssh.connect("carol", key=staff["carol"])
    session.answer(totp.PROMPT, app.code())
    session.answer(LATER, "short")
    session.answer("It is too short: 8 characters or more. " + LATER, "carol1234")
    session.answer("It is little more than a name. " + LATER, PASSWORD)
    session.answer(AGAIN, PASSWORD + "x")
    choose(session, "The two were not the same. " + LATER)
    session.shell()
    session.close()
    console.log_in("carol", (ASK, PASSWORD), (totp.PROMPT, app.code())).close()


def test_without_a_password_a_code_does_not_open_the_console_and_an_access_code_sets_one(staff):
    app = totp.enroll("dora", "--replace")
    session = console.connect("dora")
    session.answer(ASK, "")
    session.answer(totp.PROMPT, app.code())
    session.expect_exact("That was not accepted. Password: ")
    session.close()
    code = json.loads(desk("code", "dora", "--json"))["code"]
    session = console.connect("dora")
    session.answer(ASK, "")
    session.answer(totp.PROMPT, code)
    choose(session)
    session.shell()
    session.close()
    # The app is the one from before; the access code is used up.
    console.log_in("dora", (ASK, PASSWORD), (totp.PROMPT, app.code())).close()
    assert factors("dora")["access_code_until"] == 0


def test_forget_takes_the_password_and_leaves_the_app(staff):
    assert json.loads(desk("forget", "dora", "--json")) == {"ok": True, "user": "dora"}
    got = factors("dora")
    assert got["password"] is None and got["totp"]
    session = console.connect("dora")
    session.answer(ASK, PASSWORD)
    session.answer(totp.PROMPT, "123456")
    session.expect_exact("That was not accepted. Password: ")
    session.close()


def test_an_old_password_is_changed_at_the_next_login_with_it(alice):
    configure(FIRST + "password_age = 1s\n")
    time.sleep(2)  # it is older than a second now
    session = console.connect("alice")
    session.answer(ASK, PASSWORD)
    session.answer(totp.PROMPT, alice.code())
    choose(session, password="another horse battery")
    session.shell()
    session.close()
    configure(FIRST)
    console.log_in("alice", (ASK, "another horse battery"),
                   (totp.PROMPT, totp.enroll("alice", "--replace").code())).close()


def test_status_and_user_say_who_could_come_in_with_no_cable_plugged_in(alice):
    assert json.loads(desk("user", "alice", "--json"))["offline_ready"] is True
    text = subprocess.run(["rollcall", "status"], capture_output=True, text=True, timeout=60).stdout
    assert "offline     ready until" in text
    fallen = json.loads(subprocess.run(["rollcall", "status", "--json"], capture_output=True, text=True,
                                       timeout=60).stdout)
    assert fallen["offline_ready"] is True and fallen["offline_until"] > time.time()
    for name in ("alice", "bob", "carol", "dora"):
        desk("reset-factor", name)
    assert json.loads(desk("user", "alice", "--json"))["offline_ready"] is False
    got = json.loads(subprocess.run(["rollcall", "status", "--json"], capture_output=True, text=True, timeout=60).stdout)
    assert got["offline_ready"] is False and "nobody who may log in here" in got["offline_why"]


def test_the_password_stands_in_no_file_and_no_log(alice):
    got = subprocess.run(["grep", "-rla", "--exclude=lastlog", PASSWORD, "/var/lib/rollcall", "/var/log", "/run/rollcall", "/etc/rollcall"],
                         capture_output=True, text=True, timeout=60)
    assert got.stdout == ""
