# SPDX-License-Identifier: BSD-2-Clause
"""From a real slapd to real logins: a host whose people are a directory's."""
import json
import socket
import subprocess
import time

import pytest

import daemons
import ldapd
import people
import totp
import wait
from followed import log_in, secret, unlocked, write_conf

STAFF = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]


def configure(servers, ca, poll="1s", **more):
    options = {"type": "ldap", "role": "authority, directory", "uri": ", ".join(servers), "base": ldapd.BASE,
               "schema": "rfc2307bis", "bind_dn": ldapd.SYNC, "password_file": secret("directory", ldapd.PASSWORD + "\n"), "ca_file": ca.file, "poll": poll,
               "timeout": "3s", "expect_every": "1h", **more}
    write_conf({"dir": options})


@pytest.fixture(scope="module")
def ca():
    return ldapd.Ca()


@pytest.fixture(scope="module")
def slapd(ca, keys):
    server = ldapd.Slapd(ca).load(*(ldapd.person(n, sshPublicKey=keys[n].public) for n in STAFF),
                                  ldapd.group("everybody", STAFF), ldapd.group("linux-users", ["cn=everybody," + ldapd.GROUPS])).start()
    configure([server.ldaps], ca)
    daemons.synced()
    yield server
    server.stop()


@pytest.fixture
def following(slapd):
    """syncd, with the directory read."""
    daemon = daemons.Syncd().start()
    daemon.logs("listing-accepted")
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def apps(slapd):
    return {name: totp.enroll(name) for name in STAFF[:4]}


def status():
    return subprocess.run(["rollcall", "status"], capture_output=True, text=True, timeout=60).stdout


def test_people_of_a_directory_and_of_groups_in_groups_log_in_with_a_code(following, slapd, keys, apps, sshd):
    assert "linux-users" in people.groups("alice") and "everybody" in people.groups("alice")
    session = log_in("alice", keys, apps)
    assert session.run("id -un")[1].strip() == "alice"
    session.close()


def test_whoever_is_disabled_at_the_server_is_locked_and_out(following, slapd, keys, apps, sshd, enforcer):
    session = log_in("bob", keys, apps)
    slapd.disable("bob")
    assert session.gone()
    assert not unlocked("bob") and unlocked("alice")
    slapd.replace("bob", "pwdAccountLockedTime", None, "-e", "relax")
    wait.until(lambda: unlocked("bob"), "bob to be let in again")


def test_wrong_passwords_of_a_stranger_end_no_session(following, slapd, keys, apps, sshd, enforcer):
    session = log_in("carol", keys, apps)
    for _ in range(4):
        assert slapd.bind("carol", "wrong") == 49
    wait.until(lambda: slapd.attribute("carol", "pwdAccountLockedTime"), "carol's lockout at the server")
    # What came after the lockout is here: so is the lockout.
    slapd.replace("alice", "displayName", "After")
    slapd.replace("alice", "cn", "After The Lockout")
    wait.until(lambda: people.passwd("alice")[4].startswith("After"), "what came after the lockout")
    assert unlocked("carol")
    assert session.run("echo still here")[1].strip() == "still here"
    session.close()


def test_a_new_group_membership_counts_at_once_and_its_end_too(following, slapd):
    slapd.add(ldapd.group("admins", ["dave"]))
    wait.until(lambda: "admins" in people.groups("dave"), "dave in admins")
    slapd.apply(f"dn: cn=admins,{ldapd.GROUPS}\nchangetype: modify\nreplace: member\nmember: uid=erin,{ldapd.PEOPLE}\n")
    wait.until(lambda: "admins" in people.groups("erin") and "admins" not in people.groups("dave"), "erin in dave's place")
    slapd.delete(f"cn=admins,{ldapd.GROUPS}")
    wait.until(lambda: "admins" not in people.groups("erin"), "nobody in admins")


def test_one_who_is_deleted_is_locked_by_two_listings(following, slapd):
    slapd.delete(f"uid=judy,{ldapd.PEOPLE}")
    following.logs("missing")
    wait.until(lambda: not unlocked("judy"), "judy locked")
    assert all(unlocked(n) for n in STAFF[:9])


def test_a_server_that_is_gone_or_restarted_changes_nobody(following, slapd):
    slapd.stop()
    following.logs("connection is gone")
    assert all(unlocked(n) for n in STAFF[:9])
    assert "gone" in status() or "no connection" in status(), status()
    slapd.start()
    slapd.replace("alice", "loginShell", "/bin/sh")
    wait.until(lambda: people.passwd("alice")[6] == "/bin/sh", "what was changed since")
    slapd.replace("alice", "loginShell", "/bin/bash")
    wait.until(lambda: people.passwd("alice")[6] == "/bin/bash", "alice's shell")


def test_syncd_started_again_reads_what_changed_and_no_more(slapd):
    daemon = daemons.Syncd().start()
    daemon.logs("listing-accepted")
    slapd.replace("alice", "loginShell", "/bin/sh")
    wait.until(lambda: people.passwd("alice")[6] == "/bin/sh", "alice's shell")
    daemon.stop()
    slapd.replace("alice", "loginShell", "/bin/bash")
    daemon = daemons.Syncd().start()
    try:
        wait.until(lambda: people.passwd("alice")[6] == "/bin/bash", "alice's shell")
        assert "read again from the beginning" not in daemon.log()
    finally:
        daemon.stop()


@pytest.mark.parametrize("sync", ["refresh", "poll"])
def test_a_bind_that_shows_a_disabled_account_makes_the_source_look_at_once(slapd, ca, enforcer, sync):
    """What the verifier writes down where the directory takes a password and lets nobody in with it; `poll` is far away."""
    name = {"refresh": "frank", "poll": "grace"}[sync]
    configure([slapd.ldaps], ca, poll="1h", sync=sync)
    daemon = daemons.Syncd().start()
    try:
        daemon.logs("listing-accepted")
        wait.until(lambda: unlocked(name), name)
        slapd.disable(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            for user in ("nobody-we-know", name):
                s.sendto(json.dumps({"event": "login-refused", "user": user, "cause": "disabled-at-directory"}).encode(),
                         "/run/rollcall/audit.sock")
                time.sleep(2.5)  # the enforcer's own bound
        wait.until(lambda: not unlocked(name), f"{name} locked long before poll is over")
        assert daemon.log().count("reread") == 1
    finally:
        daemon.stop()
        slapd.replace(name, "pwdAccountLockedTime", None, "-e", "relax")
    daemons.synced()
    assert unlocked(name)


def test_an_acl_that_hides_everybody_is_held_loudly(slapd, ca):
    slapd.stop()
    slapd.start(access=f"access to dn.subtree={ldapd.PEOPLE} attrs=entry by dn.exact={ldapd.SYNC} none\n    by * break\n")
    configure([slapd.ldaps], ca, map="userType:title")  # so that all of it is read
    daemon = daemons.Syncd().start()
    try:
        daemon.logs("breaker")
        wait.until(lambda: daemon.log().count("listing-accepted") >= 3, "a second listing")
        assert all(unlocked(n) for n in STAFF[:9])
        assert "held" in status()
        slapd.stop()
        slapd.start(access="")
        wait.until(lambda: "held" not in status(), "the hold to end when all are seen again")
    finally:
        daemon.stop()


def test_everybody_deleted_at_once_is_held_loudly(slapd):
    daemon = daemons.Syncd().start()
    try:
        daemon.logs("listing-accepted")
        slapd.delete(f"ou=people,{ldapd.BASE}", recursive=True)
        daemon.logs("breaker")
        slapd.delete(ldapd.BASE, recursive=True)  # and the base itself
        daemon.logs("base does not exist")
        assert all(unlocked(n) for n in STAFF[:9])
    finally:
        daemon.stop()
    # Started again: our account went with all the rest, and nothing is no empty directory.
    got = daemons.sync_once()
    assert got.returncode != 0 and "refuses the bind" in got.stdout, got.stdout
    assert all(unlocked(n) for n in STAFF[:9])
