# SPDX-License-Identifier: BSD-2-Clause
"""Security keys at the real login and sudo: enrolled by the real command, asked by the
real verifier. Only the device is software."""
import json
import os
import subprocess
import time

import pexpect
import pytest

import console
import daemons
import people
import pki
import softkey
import ssh
import sudo
import totp

NOT_ACCEPTED = "That key was not accepted. " + softkey.PROMPT
TOUCH = "Touch your security key."
PLUG = "Plug in your security key, and touch it."


@pytest.fixture(scope="module")
def staff():
    """alice has a key with a PIN, bob one that reads fingers, carol a key with neither; dora
    has an app alone."""
    os.makedirs("/etc/rollcall/conf.d", exist_ok=True)
    with open("/etc/rollcall/conf.d/50-keys.conf", "w", encoding="ascii") as f:
        f.write("[mfa]\nfactors = fido2, totp\n")
    softkey.install()
    people.write([people.person(n, name, groups="linux-users;linux-admins")
                  for n, name in enumerate(("alice", "bob", "carol", "dora", "erin"), 1)])
    daemons.synced()
    keys = {"alice": softkey.Key("alice"), "bob": softkey.Key("bob", pin="", has_uv=True),
            "carol": softkey.Key("carol", pin="")}
    for key in keys.values():
        key.take_out()
    return keys


@pytest.fixture(autouse=True)
def nothing_plugged_in(staff):
    yield
    for key in staff.values():
        key.set("touch", softkey.TOUCHED)
        key.set("fault", softkey.SOUND)
        if os.path.exists(key.path):
            key.take_out()


def enroll(name, *options, pin=None):
    child = pexpect.spawn("rollcall", ["enroll", "fido2", name, "--json", *options], encoding="utf-8", timeout=60)
    if pin is not None:
        child.expect_exact(softkey.PIN)
        child.sendline(pin)
    child.expect(pexpect.EOF)
    child.close()
    said = child.before
    assert "{" in said, said
    return child.exitstatus, json.JSONDecoder().raw_decode(said[said.index("{"):])[0]


def keys_of(name):
    got = subprocess.run(["rollcall", "user", name, "--why", "--json"], capture_output=True, text=True, timeout=60)
    assert got.returncode in (0, 3), got.stderr
    return {key["label"]: key for key in json.loads(got.stdout)["enrolment"]["keys"]}


def audited(event):
    with open("/var/log/rollcall/audit.jsonl", encoding="utf-8") as f:
        return [record for record in map(json.loads, f) if record.get("event") == event]


def end(session):
    session.expect(r"Login incorrect|Authentication failure|incorrect|Permission denied|timed out")
    session.close()


def test_the_command_enrols_the_key_that_is_plugged_in(staff):
    staff["alice"].put_in()
    status, said = enroll("alice", "--label", "blue", "--pin", pin="1234")
    assert (status, said) == (0, {"user": "alice", "label": "blue", "verifies_user": True, "attested": False})
    assert list(keys_of("alice")) == ["blue"]
    staff["alice"].take_out()
    staff["bob"].put_in()
    assert enroll("bob")[1]["label"] == "key 1"
    staff["bob"].take_out()
    staff["carol"].put_in()
    status, said = enroll("carol", "--pin")
    assert status == 1 and "neither a PIN nor a reader of fingers" in said["hint"]
    status, said = enroll("carol", "--label", "plain")
    assert status == 0 and not said["verifies_user"]


def test_a_key_is_enrolled_once_and_five_keys_are_the_most(staff):
    staff["alice"].put_in()
    status, said = enroll("alice", pin="1234")
    assert status == 1 and "enrolled already" in said["hint"]
    staff["alice"].take_out()
    for n in range(5):
        key = softkey.Key(f"erin{n}", pin="", has_uv=True)
        assert enroll("erin")[0] == 0
        os.unlink(key.path)
    key = softkey.Key("erin5", pin="", has_uv=True)
    status, said = enroll("erin")
    assert status == 1 and "five keys are enrolled, which is the most" in said["hint"]
    got = subprocess.run(["rollcall", "reset-factor", "erin", "--label", "key 3"], capture_output=True, text=True,
                         timeout=60)
    assert got.returncode == 0, got.stderr
    assert sorted(keys_of("erin")) == ["key 1", "key 2", "key 4", "key 5"]
    assert enroll("erin")[1]["label"] == "key 3"
    os.unlink(key.path)


def test_pin_and_touch_let_somebody_in_at_the_console(staff):
    staff["alice"].put_in().set("touch", softkey.BY_HAND)
    session = console.connect("alice")
    session.answer(softkey.PROMPT, "")
    session.answer(softkey.PIN, "1234")
    session.expect_exact(TOUCH)
    staff["alice"].touch()
    session.shell()
    assert "1234" not in session.said()
    session.close()


def test_a_model_that_is_not_listed_or_that_only_the_key_claims_does_not_count(staff):
    """bob's key says of itself that it is of a listed model; no maker has signed for that."""
    conf = "/etc/rollcall/conf.d/51-models.conf"
    certificate = pki.certificate("a maker", pki.new_key(), ca=True)
    with open("/etc/rollcall/makers.pem", "w", encoding="ascii") as f:
        f.write(pki.pem_of_certificate(certificate))
    assert keys_of("bob")["key 1"]["counts"]
    model = keys_of("bob")["key 1"]["aaguid"]
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"[mfa]\nfido2_roots = /etc/rollcall/makers.pem\nfido2_aaguids = {model}\n")
    try:
        assert not keys_of("bob")["key 1"]["counts"]
        shown = subprocess.run(["rollcall", "user", "bob", "--why"], capture_output=True, text=True, check=False).stdout
        assert "by its own word" in shown and "DOES NOT COUNT" in shown
        staff["bob"].put_in()
        session = console.connect("bob")
        session.answer(softkey.PROMPT, "")
        session.expect_exact("Code")
        session.close()
        status, said = enroll("bob", "--label", "another")
        assert status == 1, said
    finally:
        os.unlink(conf)
        staff["bob"].take_out()
    assert keys_of("bob")["key 1"]["counts"]


def test_touching_first_and_then_enter_is_enough_for_a_key_without_a_pin(staff):
    staff["bob"].put_in().set("touch", softkey.BY_HAND)
    session = console.connect("bob")
    session.expect_exact(softkey.PROMPT)
    staff["bob"].touch()
    session.sendline("")
    session.shell()
    session.close()


def test_a_person_who_takes_longer_than_the_doors_deadline_is_waited_for(staff):
    staff["bob"].put_in().set("touch", softkey.BY_HAND)
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.expect_exact(TOUCH)
    time.sleep(9)  # a verifier that were silent for 7 s would have been given up
    staff["bob"].touch()
    session.shell()
    session.close()


def test_a_key_may_be_plugged_in_after_enter(staff):
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.expect_exact(PLUG)
    staff["bob"].put_in()
    session.shell()
    session.close()


def test_what_a_key_types_by_itself_counts_as_enter(staff):
    staff["bob"].put_in()
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "cccccccccccb" + "defghijklnrtuvcbdefghijklnrtuvcb")
    session.shell()
    session.close()


def test_sudo_takes_the_key_too(staff):
    staff["bob"].put_in()
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.shell()
    status, out = sudo.run(session, "id -un", (softkey.PROMPT, ""))
    assert (status, out.strip().splitlines()[-1]) == (0, "root")
    session.close()


def test_where_only_a_key_will_do_a_code_is_not_enough(staff):
    with open("/etc/rollcall/conf.d/60-sudo.conf", "w", encoding="ascii") as f:
        f.write("[service sudo]\nrequire = phishing-resistant\n")
    app = totp.enroll("bob")
    session = console.connect("bob")
    session.answer(softkey.PROMPT, app.code())
    session.shell()
    session.sendline("sudo -k; sudo id -un")
    session.answer(softkey.PROMPT, app.code())
    session.answer("asks for more than you showed.", "")
    staff["bob"].put_in()  # sudo asks again
    session.answer(softkey.PROMPT, "")
    session.expect_exact("rollcall-test-shell> ")
    assert "root" in session.before.split()
    session.close()
    os.unlink("/etc/rollcall/conf.d/60-sudo.conf")


PASSWORD = "correct horse battery"
ASK = "Password: "
BOTH_WRONG = "That was not accepted. " + ASK


@pytest.fixture
def passwords(staff):
    with open("/etc/rollcall/conf.d/60-first.conf", "w", encoding="ascii") as f:
        f.write("[mfa]\nfirst = local-password\nenrol = access-code\n")
    yield
    os.unlink("/etc/rollcall/conf.d/60-first.conf")


def carol_chooses():
    got = subprocess.run(["rollcall", "code", "carol", "--json"], capture_output=True, text=True, timeout=60)
    session = console.connect("carol")
    session.answer(ASK, "")
    session.answer(softkey.PROMPT, json.loads(got.stdout)["code"])
    session.expect(r"Enter this key: +([A-Z2-7 ]+)")
    app = totp.Authenticator(f"otpauth://totp/web1:x?secret={session.match.group(1).replace(' ', '')}&issuer=web1")
    session.answer("2. Type the 6-digit code it shows: ", app.code())
    session.answer("Choose a password for web1, of 8 characters or more: ", PASSWORD)
    session.answer("The same again: ", PASSWORD)
    session.shell()
    session.close()


def with_key(name, password):
    session = console.connect(name)
    session.answer(ASK, password)
    session.answer(softkey.PROMPT, "")
    return session


def test_beside_a_password_a_key_stands_for_the_code_and_nothing_tells_which_was_wrong(staff, passwords):
    carol_chooses()
    assert "plain" in keys_of("carol")  # a new app takes no key away
    staff["carol"].put_in()
    session = with_key("carol", PASSWORD)
    session.shell()
    session.close()
    for password in ("wrong horse battery", ""):
        session = with_key("carol", password)
        session.answer(BOTH_WRONG, "")
        session.expect_exact(softkey.PROMPT)
        session.close()
    staff["carol"].take_out()
    staff["bob"].put_in()  # the wrong key, the right password
    session = with_key("carol", PASSWORD)
    session.answer(BOTH_WRONG, "")
    session.expect_exact(softkey.PROMPT)
    session.close()


def test_a_key_that_knows_its_user_needs_no_password_but_a_wrong_one_is_none(staff, passwords):
    staff["bob"].put_in()
    session = with_key("bob", "")
    session.shell()
    session.close()
    session = with_key("bob", "wrong horse battery")
    session.expect_exact(BOTH_WRONG)
    session.close()


def test_a_key_without_a_pin_is_one_factor(staff):
    with open("/etc/rollcall/conf.d/60-login.conf", "w", encoding="ascii") as f:
        f.write("[service login]\nrequire = multi\n")
    staff["carol"].put_in()
    session = console.connect("carol")
    session.answer(softkey.PROMPT, "")
    session.answer("asks for more than you showed.", "")
    session.close()
    os.unlink("/etc/rollcall/conf.d/60-login.conf")
    session = console.connect("carol")
    session.answer(softkey.PROMPT, "")
    session.shell()
    session.close()


def test_over_ssh_no_key_of_the_server_is_asked(staff, sshd):
    key = ssh.Key()
    people.write([people.person(2, "bob", groups="linux-users;linux-admins", sshPublicKeys=key.public),
                  *[people.person(n, name, groups="linux-users;linux-admins")
                    for n, name in ((1, "alice"), (3, "carol"), (4, "dora"), (5, "erin"))]])
    daemons.synced()
    staff["bob"].put_in()
    session = ssh.connect("bob", key=key, options=["NumberOfPasswordPrompts=1"])
    session.answer(totp.PROMPT, "")
    session.expect_exact("That code was not accepted.")
    assert staff["bob"].get("asked") == 0
    session.close()


@pytest.mark.parametrize("fault", [softkey.WRONG_RP, softkey.WRONG_KEY, softkey.NO_UV, softkey.NO_UP])
def test_a_key_that_signs_for_something_else_is_refused(staff, fault):
    staff["bob"].put_in().set("fault", fault)
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.answer(NOT_ACCEPTED, "")
    end(session)


def test_somebody_elses_key_is_refused(staff):
    staff["alice"].put_in()
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.answer(softkey.PIN, "1234")
    session.expect_exact(NOT_ACCEPTED)
    session.close()


def test_a_counter_that_went_back_is_refused_and_reported(staff, enforcer):
    staff["bob"].put_in()
    counter = staff["bob"].get("counter")
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.shell()
    session.close()
    staff["bob"].set("counter", counter)
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.expect_exact(NOT_ACCEPTED)
    session.close()
    enforcer.stop()
    assert [r["user"] for r in audited("key-possibly-cloned")] == ["bob"]
    staff["bob"].set("counter", counter + 1000)


def test_a_wrong_pin_is_asked_again_of_the_person_and_costs_one_try_each(staff):
    staff["alice"].put_in()
    session = console.connect("alice")
    session.answer(softkey.PROMPT, "")
    session.answer(softkey.PIN, "0000")
    session.answer("That PIN was not accepted. 7 tries are left, then the key locks itself. PIN: ", "1234")
    session.shell()
    session.close()
    assert staff["alice"].get("pin_tries") == 8


def test_a_key_that_locked_itself_leaves_the_way_by_code(staff):
    app = totp.enroll("alice")
    staff["alice"].put_in().set("pin_tries", 0)
    session = console.connect("alice")
    session.answer(softkey.PROMPT, "")
    session.answer(softkey.PIN, "1234")
    session.answer("This key has locked itself after too many wrong PINs. " + softkey.PROMPT, app.code())
    session.shell()
    session.close()
    staff["alice"].set("pin_tries", 8)


def test_a_new_app_takes_no_key_away(staff):
    assert list(keys_of("alice")) == ["blue"]


def test_a_code_ends_the_blinking(staff):
    app = totp.enroll("dora")
    staff["bob"].put_in().set("touch", softkey.BY_HAND)
    session = console.connect("dora")
    session.expect_exact(softkey.PROMPT)
    staff["bob"].blinks()
    session.sendline(app.code())
    session.shell()
    assert staff["bob"].get("asked") == 0
    session.close()


def test_a_conversation_that_ends_ends_the_blinking(staff):
    staff["bob"].put_in().set("touch", softkey.BY_HAND)
    session = console.connect("bob")
    session.expect_exact(softkey.PROMPT)
    staff["bob"].blinks()
    session.close()
    softkey.wait.until(lambda: staff["bob"].get("asked") == 0, "the key to be left alone")


@pytest.mark.parametrize("who", ["alice", "dora", "nobody-has-this-name"])
def test_a_stranger_with_a_key_hears_the_same_of_every_name(staff, who):
    stranger = softkey.Key("stranger" + str(len(who)), pin="5555")
    session = console.connect(who)
    session.answer(softkey.PROMPT, "")
    session.answer(softkey.PIN, "0000")
    session.answer("That PIN was not accepted. 7 tries are left, then the key locks itself. PIN: ", "5555")
    session.expect_exact(TOUCH)
    session.expect_exact(NOT_ACCEPTED)
    session.close()
    os.unlink(stranger.path)


def test_a_removed_key_opens_nothing(staff):
    staff["bob"].put_in()
    got = subprocess.run(["rollcall", "reset-factor", "bob", "--label", "key 1"], capture_output=True, text=True,
                         timeout=60)
    assert got.returncode == 0, got.stderr
    session = console.connect("bob")
    session.answer(softkey.PROMPT, "")
    session.expect_exact(NOT_ACCEPTED)
    session.close()


def test_without_the_program_codes_still_work(staff):
    app = totp.enroll("erin")
    os.rename(softkey.PROGRAM, softkey.PROGRAM + ".away")
    session = console.connect("erin")
    session.answer(softkey.PROMPT, "")
    session.answer("The key could not be asked. " + softkey.PROMPT, app.code())
    session.shell()
    session.close()
    os.rename(softkey.PROGRAM + ".away", softkey.PROGRAM)
