# SPDX-License-Identifier: BSD-2-Clause
"""First enrolment at the login prompt, recovery codes, and what the service desk does."""
import json
import os
import re
import subprocess

import pytest

import console
import daemons
import people
import ssh
import sudo
import totp

WELCOME = "Set up your second step now; it takes a minute."
KEY = r"No camera\? Enter this key: +([A-Z2-7 ]+)"
CONFIRM = "2. Type the 6-digit code it shows: "
WRONG = "That code was not accepted. Wait for the next one. Code: "
SAVED = 'Keep them away from this computer, then type "saved": '
HELP = "App code: 6 digits. Recovery code: xxxx-xxxx. Access code from the service desk: 12 characters."


@pytest.fixture(scope="module")
def staff():
    os.makedirs("/etc/rollcall/conf.d", exist_ok=True)
    with open("/etc/rollcall/conf.d/50-enrol.conf", "w", encoding="ascii") as f:
        f.write("[mfa]\nfactors = totp, recovery\nenrol = access-code\n")
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol", "dora", "erin", "fay")}
    people.write(people.admins(keys).values())
    daemons.synced()
    return keys


def desk(*words):
    got = subprocess.run(["rollcall", *words], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    return got.stdout


def access_code(name, *options):
    return json.loads(desk("code", name, "--json", *options))["code"]


def factors(name):
    return json.loads(desk("user", name, "--why", "--json"))["enrolment"]


def once(name, key):
    return ssh.connect(name, key=key, options=["NumberOfPasswordPrompts=1"])


def begin(session, code):
    """Types the access code; returns the app that holds the key on the screen."""
    session.answer(totp.PROMPT, code)
    session.expect_exact(WELCOME)
    session.expect(KEY)
    secret = session.match.group(1).replace(" ", "")
    app = totp.Authenticator(f"otpauth://totp/web1:x?secret={secret}&issuer=web1")
    session.expect_exact(CONFIRM)
    return app


def finish(session, app):
    """Proves the app, keeps the codes; returns them."""
    session.sendline(app.code())
    session.expect_exact("These recovery codes work once each and are shown only now:")
    session.expect_exact(SAVED)
    codes = re.findall(r"[0-9a-z]{4}-[0-9a-z]{4}", session.before)
    session.sendline("saved")
    return codes


def test_an_access_code_a_picture_a_code_and_ten_recovery_codes_over_ssh(staff, sshd):
    session = once("alice", staff["alice"])
    app = begin(session, access_code("alice"))
    assert "\u2588" in session.said() or "\\342" in session.said()  # the picture
    assert "Welcome, Alice." in session.said()
    codes = finish(session, app)
    assert len(set(codes)) == 10
    session.shell()
    session.close()
    assert factors("alice")["recovery_codes"] == 10
    # From now on as everybody.
    ssh.log_in("alice", (totp.PROMPT, app.code()), key=staff["alice"]).close()


def test_the_same_at_the_console(staff):
    session = console.connect("bob")
    app = begin(session, access_code("bob"))
    codes = finish(session, app)
    session.shell()
    session.close()
    session = console.connect("bob")
    session.answer(totp.PROMPT, codes[3].upper().replace("-", " "))
    session.shell()
    session.close()
    assert factors("bob")["recovery_codes"] == 9


def test_a_recovery_code_counts_once(staff, sshd):
    desk("reset-factor", "bob")
    session = once("bob", staff["bob"])
    codes = finish(session, begin(session, access_code("bob")))
    session.shell()
    session.close()
    ssh.log_in("bob", (totp.PROMPT, codes[0]), key=staff["bob"]).close()
    session = once("bob", staff["bob"])
    session.answer(totp.PROMPT, codes[0])
    session.answer(WRONG, codes[0])
    session.expect("Permission denied")
    session.close()
    assert factors("bob")["recovery_codes"] == 9


@pytest.mark.parametrize("where", ["at the picture", "at the codes"])
def test_who_hangs_up_has_changed_nothing_and_the_access_code_stays_good(staff, sshd, where):
    if factors("carol")["totp"]:
        desk("reset-factor", "carol")
    code = access_code("carol")
    session = once("carol", staff["carol"])
    app = begin(session, code)
    if where == "at the codes":
        session.sendline(app.code())
        session.expect_exact(SAVED)
    session.close()
    assert not factors("carol")["totp"]
    assert factors("carol")["recovery_codes"] == 0
    session = once("carol", staff["carol"])
    finish(session, begin(session, code))
    session.shell()
    session.close()


def test_three_wrong_codes_at_the_picture_end_it(staff, sshd):
    session = once("dora", staff["dora"])
    app = begin(session, access_code("dora"))
    session.sendline(app.wrong())
    session.answer(WRONG, app.wrong())
    session.answer(WRONG, app.wrong())
    session.expect("Permission denied")
    session.close()
    assert not factors("dora")["totp"]


def test_of_two_who_type_one_access_code_one_is_enrolled(staff, sshd):
    code = access_code("dora")
    first, second = once("dora", staff["dora"]), once("dora", staff["dora"])
    app, other = begin(first, code), begin(second, code)
    finish(first, app)
    first.shell()
    finish(second, other)
    second.expect("Permission denied")
    first.close()
    second.close()
    # And it is the first one's app that counts.
    session = once("dora", staff["dora"])
    session.answer(totp.PROMPT, other.code())
    session.answer(WRONG, app.code())
    session.shell()
    session.close()


def test_for_somebody_who_has_a_factor_an_access_code_opens_once(staff, sshd):
    code = access_code("alice")
    ssh.log_in("alice", (totp.PROMPT, code.lower()), key=staff["alice"]).close()
    session = once("alice", staff["alice"])
    session.answer(totp.PROMPT, code)
    session.answer(WRONG, code)
    session.expect("Permission denied")
    session.close()


def test_a_new_access_code_makes_the_older_one_worthless(staff, sshd):
    old, new = access_code("erin"), access_code("erin")
    session = once("erin", staff["erin"])
    session.answer(totp.PROMPT, old)
    session.answer(WRONG, new)
    session.expect_exact(WELCOME)
    session.close()


def test_an_access_code_of_somebody_else_is_a_wrong_code(staff, sshd):
    session = once("erin", staff["erin"])
    session.answer(totp.PROMPT, access_code("fay"))
    session.expect_exact(WRONG)
    session.close()


def test_a_reset_takes_everything_back(staff, sshd):
    session = once("fay", staff["fay"])
    app = begin(session, access_code("fay"))
    codes = finish(session, app)
    session.shell()
    status, out = sudo.run(session, "id -un", (totp.PROMPT, app.code()))
    assert (status, out.split()[-1]) == (0, "root")
    desk("reset-factor", "fay")
    # The ticket is gone too: sudo asks again, and nothing that fay has is right.
    session.sendline("sudo id -un")
    session.answer(totp.PROMPT, codes[1])
    session.expect_exact(WRONG)
    session.close()
    assert factors("fay") == {"totp": False, "keys": [], "vouched": [], "recovery_codes": 0, "password": None,
                              "access_code_until": 0, "failures": 0, "failures_inside": 1, "off": [],
                              "throttled_until": 0}


def test_help_names_what_this_host_takes(staff, sshd):
    session = once("alice", staff["alice"])
    session.answer(totp.PROMPT, "help")
    session.expect_exact(HELP)
    session.close()


def test_before_the_first_day_a_code_can_be_had_and_nobody_comes_in(staff):
    rows = [people.person(n, name, sshPublicKeys=key.public, groups="linux-users;linux-admins")
            for n, (name, key) in enumerate(staff.items(), 1)]
    people.write(rows + [people.person(77, "newbie", startDate="2099-01-01")])
    daemons.synced()
    session = console.connect("newbie")
    finish(session, begin(session, access_code("newbie", "--for", "7d")))
    session.expect_exact("You are who you say, but this account cannot sign in to web1.")
    session.close()
    assert factors("newbie")["totp"]


def test_a_leaver_gets_no_code(staff):
    rows = [people.person(n, name, sshPublicKeys=key.public, status="terminated" if name == "erin" else "active")
            for n, (name, key) in enumerate(staff.items(), 1)]
    people.write(rows)
    daemons.synced()
    got = subprocess.run(["rollcall", "code", "erin"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 5
    assert "has left" in got.stderr


def test_where_access_codes_are_off_the_desk_is_told_how_to_switch_them_on(staff):
    os.unlink("/etc/rollcall/conf.d/50-enrol.conf")
    got = subprocess.run(["rollcall", "code", "alice"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 1
    assert "enrol = access-code" in got.stderr
    got = subprocess.run(["rollcall", "code", "alice", "--for", "3y"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 2
