# SPDX-License-Identifier: BSD-2-Clause
"""The directory's password as the first factor: a real slapd with a password policy judges it, for
login, ssh and su; what people hear, what the directory hears, and what holds without it."""
import json
import os
import signal
import subprocess

import pytest

import console
import daemons
import door
import ppolicy
import ssh
import totp
import wait

ASK = "Password: "
WRONG = "That was not accepted. Password: "
NEW = "New password: "
AGAIN = "The same again: "
CONF = "/etc/rollcall/conf.d/50-directory.conf"
SCRIPT = "/usr/local/libexec/people"
NAMES = ("alice", "bob", "carol", "dora", "erik", "fred", "gina", "hans")
KEY = ssh.Key() if os.path.exists("/etc/rollcall/rollcall.conf") else None
PASSWORD = {name: f"{name} likes long walks" for name in (*NAMES, "no-dn")}


def source(names, without=()):
    """A source of the company's own, which knows the DNs. No password is in it."""
    out = [{"op": "begin", "mode": "full", "as_of": "AS_OF"}]
    for n, name in enumerate((*names, *without), 1):
        more = {"status": "active", "loginShell": "/bin/bash"}
        if KEY:
            more["sshPublicKeys"] = [KEY.public]
        if name in names:
            more["dn"] = ppolicy.person(name)
        out.append({"op": "user", "user": {
            "id": str(n), "userName": name, "displayName": name.capitalize() + " Example", "groups": [{"value": "linux-users"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": str(n)}, "urn:rollcall:1.0:User": more}})
    out.append({"op": "commit", "cursor": "AS_OF", "rows": len(names) + len(without)})
    lines = "\n".join(json.dumps(line) for line in out)
    os.makedirs(os.path.dirname(SCRIPT), exist_ok=True)
    with open(SCRIPT, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nsed s/AS_OF/$(date -u +%Y-%m-%dT%H:%M:%SZ)/ <<'END'\n" + lines + "\nEND\n")
    os.chmod(SCRIPT, 0o755)


def configure(text):
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(text)


@pytest.fixture(scope="module")
def slapd():
    directory = ppolicy.Directory()
    for name in NAMES:
        directory.add(name, PASSWORD[name])
    source(NAMES, ["no-dn"])
    with open("/etc/rollcall/rollcall.conf", "w", encoding="ascii") as f:
        f.write(f"[source hr]\ntype = exec\nrole = authority, directory\ncommand = {SCRIPT}\n[access]\nallow_groups = linux-users\n")
    daemons.synced()
    configure(settings(directory))
    yield directory
    directory.remove()


def settings(directory, mfa=""):
    return (f"[source ldap]\ntype = ldap\nrole = directory\nuri = {directory.uri}\nbase = {ppolicy.BASE}\nbind = none\nca_file = {directory.ca}\n"
            f"[mfa]\nfactors = totp, recovery\nenrol = access-code\nfirst = ldap-password\n{mfa}")


def desk(*words):
    got = subprocess.run(["rollcall", *words], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    return got.stdout


def factors(name):
    return json.loads(desk("user", name, "--why", "--json"))["enrolment"]


def app(name):
    return totp.enroll(name, "--replace")


def answers(name, password=None):
    return (ASK, password or PASSWORD[name]), (totp.PROMPT, app(name).code())


def comes_in(name, password=None):
    console.log_in(name, *answers(name, password)).close()


def refused(name, password=None, code=None):
    """As any wrong one is."""
    session = console.connect(name)
    session.answer(ASK, password if password is not None else PASSWORD[name])
    session.answer(totp.PROMPT, code or app(name).code())
    session.expect_exact(WRONG)
    session.close()


def tries(slapd, name):
    """Wrong passwords that the directory has counted."""
    return len(slapd.get(name, "pwdFailureTime"))


def test_the_right_password_and_a_code_open_the_console_and_neither_alone(slapd):
    comes_in("alice")
    assert factors("alice")["password"] == "cached"
    refused("alice", "alice likes short walks")
    refused("alice", code=app("alice").wrong())
    assert tries(slapd, "alice") <= 1


def test_an_empty_password_is_refused_and_the_directory_never_hears_of_it(slapd):
    before = slapd.binds()
    refused("bob", "")
    assert slapd.binds() == before


def test_whoever_it_is_the_directory_is_asked_once_and_for_nobody_by_a_name_of_nobody(slapd):
    subprocess.run(["rollcall", "lock", "hans", "--reason", "test"], check=True, capture_output=True, timeout=60)
    for name, real in (("no-dn", False), ("nobody-here", False), ("bob", True), ("hans", True)):
        before, own = slapd.binds(), slapd.binds(ppolicy.person(name))
        session = console.connect(name)
        session.answer(f"Sign in to web1 as {name}.\r\n{ASK}", "no such password")
        session.answer(totp.PROMPT, "123456")
        session.expect_exact(WRONG)
        session.close()
        assert slapd.binds() == before + 1
        assert slapd.binds(ppolicy.person(name)) == own + real


def test_a_stranger_who_guesses_never_locks_alice_at_the_directory_and_ends_no_session(slapd):
    slapd.set(ppolicy.person("fred"), "pwdFailureTime")
    session = console.log_in("fred", *answers("fred"))
    for _ in range(6):
        door.attempt("fred", "guess", "000000", "another guess", "000000", service="sshd", tty="ssh")
    assert tries(slapd, "fred") == 2 < ppolicy.LOCK_AT
    assert session.run("id -un")[1].split()[-1] == "fred"
    assert slapd.takes("fred", PASSWORD["fred"])
    session.close()


def test_behind_the_parent_which_has_no_network_a_child_asks_too_and_after_a_renewal_as_well(slapd):
    os.unlink(CONF)  # it begins where no directory is to be asked
    parent = door.Resident()
    try:
        console.connect("alice").close()
        configure(settings(slapd))
        before = slapd.binds(ppolicy.person("alice"))
        comes_in("alice")
        configure(settings(slapd) + "# the parent reads this anew\n")
        comes_in("alice")
        parent.process.send_signal(signal.SIGHUP)
        comes_in("alice")
        assert slapd.binds(ppolicy.person("alice")) == before + 3
        assert os.readlink(f"/proc/{parent.process.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    finally:
        parent.stop()
        configure(settings(slapd))


def test_a_parent_without_new_privileges_asks_again_after_a_typing_error_and_where_it_cannot_ends(slapd):
    # As the unit has it: what such a process gives up comes back with no new program.
    parent = door.Resident(through=("setpriv", "--no-new-privs"))
    try:
        comes_in("alice")
        configure(settings(slapd) + "first = no such thing\n")
        parent.connect().hello().socket.close()
        assert parent.process.poll() is None
        configure(settings(slapd))
        before = slapd.binds(ppolicy.person("alice"))
        comes_in("alice")
        assert slapd.binds(ppolicy.person("alice")) == before + 1 and parent.process.poll() is None
        os.unlink(CONF)  # no directory is to be asked: it gives the way up
        parent.connect().hello().socket.close()
        assert parent.process.poll() is None
        configure(settings(slapd))
        parent.process.send_signal(signal.SIGHUP)
        assert parent.process.wait(60) == 1  # the unit starts it again
    finally:
        parent.stop()
        configure(settings(slapd))


def test_su_asks_for_both(slapd):
    import terminal
    session = terminal.Terminal("/bin/su", "-s", "/bin/sh", "larry", "-c", "/bin/su - alice")
    session.answer(ASK, PASSWORD["alice"])
    session.answer(totp.PROMPT, app("alice").code())
    session.shell()
    session.close()


def test_ssh_asks_for_key_and_code_and_leaves_the_directory_alone(slapd, sshd):
    before = slapd.binds()
    session = ssh.log_in("alice", (totp.PROMPT, app("alice").code()), key=KEY)
    assert ASK not in session.said()
    session.close()
    assert slapd.binds() == before


def test_without_a_directory_what_it_took_last_is_good_and_nothing_else(slapd):
    comes_in("carol")
    slapd.stop()
    try:
        comes_in("carol")
        refused("carol", "carol likes short walks")
        refused("bob")  # never seen by this host
        assert factors("carol")["password"] == "cached"
    finally:
        slapd.start()


def test_a_no_of_the_directory_ends_what_was_kept(slapd):
    comes_in("carol")
    slapd.set(ppolicy.person("carol"), "userPassword", "carol has a new one")
    slapd.set(ppolicy.person("carol"), "pwdReset")
    refused("carol")  # the old one, which the cache still knew
    assert factors("carol")["password"] is None
    slapd.stop()
    try:
        refused("carol")
    finally:
        slapd.start()
    comes_in("carol", "carol has a new one")
    assert factors("carol")["password"] == "cached"


def test_forget_and_a_cache_of_no_age_leave_nothing(slapd):
    comes_in("bob")
    desk("forget", "bob")
    assert factors("bob")["password"] is None
    comes_in("bob")
    configure(settings(slapd, "password_cache = 0s\n"))
    comes_in("bob")
    assert factors("bob")["password"] is None
    configure(settings(slapd))


def test_a_lock_by_wrong_passwords_elsewhere_is_a_wrong_password_here_and_ends_nothing(slapd):
    session = console.log_in("gina", *answers("gina"))
    while slapd.takes("gina", "wrong") or not slapd.get("gina", "pwdAccountLockedTime"):
        pass
    refused("gina")
    assert session.run("id -un")[1].split()[-1] == "gina"
    session.close()


def test_a_password_that_was_reset_is_changed_on_the_way_in(slapd):
    slapd.set(ppolicy.person("dora"), "userPassword", "from the service desk")
    session = console.connect("dora")
    session.answer(ASK, "from the service desk")
    session.answer(totp.PROMPT, app("dora").code())
    session.expect_exact("Your password has to be changed.")
    session.answer(NEW, "short")
    session.answer("It is too short: 8 characters or more.\r\n" + NEW, "dora has a new one")
    session.answer(AGAIN, "dora has a new one")
    session.shell()
    session.close()
    assert slapd.takes("dora", "dora has a new one")
    assert factors("dora")["password"] == "cached"
    comes_in("dora", "dora has a new one")


def test_an_expired_password_is_changed_or_put_off_while_it_may_and_told_when_it_may_not(slapd):
    slapd.policy("pwdMaxAge", "1000000")
    slapd.policy("pwdGraceAuthnLimit", "2")
    try:
        slapd.set(ppolicy.person("erik"), "pwdChangedTime", "20200101000000Z")
        session = console.connect("erik")
        session.answer(ASK, PASSWORD["erik"])
        session.answer(totp.PROMPT, app("erik").code())
        session.expect_exact("Your password has expired; it is good for 1 more sign-in.")
        session.answer("New password (Enter: another time): ", "")
        session.shell()
        session.close()
        slapd.policy("pwdGraceAuthnLimit", "0")
        session = console.connect("erik")
        session.answer(ASK, PASSWORD["erik"])
        session.answer(totp.PROMPT, app("erik").wrong())
        session.expect_exact(WRONG)  # nobody hears of it who shows no second factor
        session.close()
        session = console.connect("erik")
        session.answer(ASK, PASSWORD["erik"])
        session.answer(totp.PROMPT, app("erik").code())
        session.expect_exact("You are who you say, but your password has expired.")
        session.close()
        assert factors("erik")["password"] is None
    finally:
        slapd.policy("pwdMaxAge")
        slapd.policy("pwdGraceAuthnLimit")


def test_passwd_changes_it_at_the_directory(slapd):
    session = console.log_in("bob", *answers("bob"))
    session.sendline("passwd")
    session.answer("Present password: ", "bob likes short walks")
    session.expect_exact("That was not accepted.")
    session.expect_exact("rollcall-test-shell> ")
    desk("forget", "bob")
    session.sendline("passwd")
    session.answer("Present password: ", PASSWORD["bob"])
    session.expect_exact(NEW)
    assert factors("bob")["password"] is None  # a password alone is nothing to keep
    session.sendline("bob has a new one")
    session.answer(AGAIN, "bob has a new one")
    session.expect_exact("Your password is changed.")
    session.close()
    assert slapd.takes("bob", "bob has a new one")
    comes_in("bob", "bob has a new one")


def test_a_lock_takes_what_was_kept(slapd, enforcer):
    slapd.set(ppolicy.person("gina"), "pwdAccountLockedTime")
    comes_in("gina")
    assert factors("gina")["password"] == "cached"
    desk("lock", "gina", "--reason", "test")
    wait.until(lambda: factors("gina")["password"] is None, "the enforcer to drop it")


def test_no_password_stands_in_a_file_or_a_log(slapd):
    for text in ("likes long walks", "likes short walks", "has a new one"):
        got = subprocess.run(["grep", "-rla", "--exclude=lastlog", text, "/var/lib/rollcall", "/var/log", "/run/rollcall", "/etc/rollcall",
                              slapd.where + "/log"], capture_output=True, text=True, timeout=60)
        assert got.stdout == ""
