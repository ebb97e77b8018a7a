# SPDX-License-Identifier: BSD-2-Clause
"""The directory says who people are and judges their passwords: the DN comes from our own source, and a
lockout there is known here."""
import os
import subprocess

import pytest

import console
import daemons
import ppolicy
import totp
import wait
from test_ldap_password import ASK, WRONG

PASSWORD = "long walks in the rain"
SECRET = "/etc/rollcall/secrets/directory"


@pytest.fixture(scope="module")
def slapd():
    directory = ppolicy.Directory(overlays="overlay syncprov", modules="moduleload syncprov")
    for n, name in enumerate(("alice", "bob"), 1):
        directory.add(name, PASSWORD, f"employeeNumber: {n}")
    directory.change(f"dn: cn=linux-users,{ppolicy.BASE}\nchangetype: add\nobjectClass: groupOfNames\ncn: linux-users\n"
                     f"member: {ppolicy.person('alice')}\nmember: {ppolicy.person('bob')}\n")
    os.makedirs(os.path.dirname(SECRET), mode=0o700, exist_ok=True)
    with open(SECRET, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write(ppolicy.ADMIN[1] + "\n")
    with open("/etc/rollcall/rollcall.conf", "w", encoding="ascii") as f:
        f.write(f"[source dir]\ntype = ldap\nrole = authority, directory\nuri = {directory.uri}\nbase = {ppolicy.BASE}\nschema = inetorgperson\n"
                f"bind_dn = {ppolicy.ADMIN[0]}\npassword_file = {SECRET}\nca_file = {directory.ca}\npoll = 1s\n"
                "[access]\nallow_groups = linux-users\n[mfa]\nfactors = totp\nfirst = ldap-password\n")
    yield directory
    directory.remove()


@pytest.fixture
def following(slapd):
    daemon = daemons.Syncd().start()
    daemon.logs("listing-accepted")
    wait.until(lambda: subprocess.run(["getent", "passwd", "alice"], capture_output=True, timeout=60).returncode == 0,
               "alice is published")
    yield daemon
    daemon.stop()


def log_in(name):
    return console.log_in(name, (ASK, PASSWORD), (totp.PROMPT, totp.enroll(name, "--replace").code()))


def test_the_dn_that_the_source_says_is_the_one_that_is_asked_about(following, slapd):
    before = slapd.binds(ppolicy.person("alice"))
    log_in("alice").close()
    assert slapd.binds(ppolicy.person("alice")) == before + 1


def test_a_lockout_by_wrong_passwords_elsewhere_refuses_the_password_with_and_without_the_directory_and_ends_nothing(following, slapd):
    session = log_in("bob")
    while not slapd.get("bob", "pwdAccountLockedTime"):
        slapd.takes("bob", "a guess at another host")
    wait.until(lambda: "password-blocked" in subprocess.run(["rollcall", "user", "bob", "--json"], capture_output=True, text=True, timeout=60).stdout,
               "the lockout to be known")
    slapd.stop()
    try:
        again = console.connect("bob")
        again.answer(ASK, PASSWORD)
        again.answer(totp.PROMPT, totp.enroll("bob", "--replace").code())
        again.expect_exact(WRONG)
        again.close()
    finally:
        slapd.start()
    assert session.run("id -un")[1].split()[-1] == "bob"
    session.close()
