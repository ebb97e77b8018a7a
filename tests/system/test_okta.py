# SPDX-License-Identifier: BSD-2-Clause
"""From an Okta org to real logins: what each change there does here, and how fast."""
import subprocess
import time

import pytest

import daemons
import fake_okta
import people
import pki
import ssh
import totp
import wait
from followed import log_in, secret, unlocked, user, write_conf

STAFF = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]

# docs/sources-matrix.md: change at the source: (what happens here, how fast, the tests that show it).
ROWS = {
    "add": ("known; may come in where a group that is read names the person", "log_poll", "test_row_add"),
    "rename": ("the new name is the account's, the old one nobody's; uid and home stay", "log_poll", "test_row_rename"),
    "disable": ("suspended: locked (suspended), sessions end; deactivated: terminated, sessions end", "log_poll",
                "test_row_disable, test_whoever_is_deactivated_is_locked_and_out_within_five_seconds"),
    "re-enable": ("unsuspended: comes in again", "log_poll", "test_row_re_enable"),
    "delete": ("deactivated first, and terminated by that; the deletion after it changes nothing", "log_poll", "test_row_delete"),
    "group change": ("in and out of groups; out of the last of assigned_groups: no login, no session ends", "log_poll",
                     "test_row_group_change"),
    "leave date": ("Okta has none; with map = end:ATTRIBUTE a date of the profile, terminated at it", "at the instant",
                   "test_row_leave_date"),
    "guest": ("of a SOCIAL identity, or in none of assigned_groups: left out and counted", "log_poll", "test_row_guest"),
    "customer tenant": ("Auth0, and an org of another id, refused at start; no credential is shown", "at start",
                        "test_row_customer_tenant"),
    "temporary lockout": ("LOCKED_OUT: no password counts; codes, keys and sessions stay", "log_poll",
                          "test_row_temporary_lockout"),
}


def configure(okta, **more):
    options = {"type": "okta", "role": "authority, directory, signal", "org": okta.origin, "org_id": fake_okta.ORG_ID,
               "client_id": fake_okta.CLIENT, "key_file": secret("okta.pem", pki.pem_of_key(okta.key)), "key_id": "k1", "ca_file": okta.ca, "domain": "example.com",
               "assigned_groups": "linux-users, interns", "map": "sshPublicKeys:sshKeys, end:lastDay", **more}
    write_conf({"okta": options})


@pytest.fixture(scope="module")
def keys():
    return {name: ssh.Key() for name in STAFF + ["kim"]}


@pytest.fixture(scope="module")
def okta(keys):
    server = fake_okta.Okta(key=pki.new_key("rsa"))
    server.start()
    server.ids = {n: server.add(n, sshKeys=[keys[n].public]) for n in STAFF}
    server.group_id = server.group("linux-users", server.ids.values())
    server.group("interns")
    server.log.clear()
    configure(server)
    daemons.synced()
    yield server
    server.stop()


@pytest.fixture
def following(okta):
    daemon = daemons.Syncd().start()
    wait.until(lambda: okta.asked("/api/v1/logs") and daemon.running(), "the log to be asked")
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def apps(okta):
    return {name: totp.enroll(name) for name in STAFF[:5]}


def may_come_in(name):
    u = user(name)
    return bool(u) and u["state"] == "active" and "allowed-here" in u["flags"]


def test_people_of_an_org_log_in_with_a_code(following, okta, keys, apps, sshd):
    assert "linux-users" in people.groups("alice") and people.passwd("alice")[4] == "Alice Example"
    session = log_in("alice", keys, apps)
    assert session.run("id -un")[1].strip() == "alice"
    session.close()
    assert okta.tokens.proofs, "DPoP was not asked for"


def test_whoever_is_deactivated_is_locked_and_out_within_five_seconds(following, okta, keys, apps, sshd, enforcer):
    took = []
    for name in ("bob", "carol", "dave"):
        session = log_in(name, keys, apps)
        begun = time.monotonic()
        okta.lifecycle(okta.ids[name], "deactivate")
        wait.until(lambda n=name: not unlocked(n), f"{name} to be locked", 60)
        took.append(time.monotonic() - begun)
        assert session.gone()
        assert user(name)["state"] == "terminated"
        time.sleep(0.7)  # another place between two looks at the log
    print(f"figure: okta: deactivated to locked, log_poll 3 s: {', '.join(f'{t:.2f}' for t in took)} s")
    assert unlocked("alice")


def test_row_disable(following, okta, keys, apps, sshd, enforcer):
    session = log_in("erin", keys, apps)
    okta.lifecycle(okta.ids["erin"], "suspend")
    assert session.gone()
    assert not unlocked("erin") and user("erin")["state"] == "suspended"


def test_row_re_enable(following, okta, keys, apps, sshd):
    okta.lifecycle(okta.ids["erin"], "unsuspend")
    wait.until(lambda: may_come_in("erin"), "erin to be let in again")
    log_in("erin", keys, apps).close()


def test_row_temporary_lockout(following, okta, keys, apps, sshd, enforcer):
    session = log_in("alice", keys, apps)
    okta.set_status(okta.ids["alice"], "LOCKED_OUT", "user.account.lock")
    wait.until(lambda: "password-blocked" in user("alice")["flags"], "alice's password to be blocked")
    assert session.run("echo still here")[1].strip() == "still here"
    session.close()
    log_in("alice", keys, apps).close()
    okta.set_status(okta.ids["alice"], "ACTIVE", "user.account.unlock")
    wait.until(lambda: "password-blocked" not in user("alice")["flags"], "alice's password to be free")


def test_row_add(following, okta, keys):
    okta.ids["kim"] = okta.add("kim", sshKeys=[keys["kim"].public])
    okta.join(okta.group_id, okta.ids["kim"])
    wait.until(lambda: may_come_in("kim"), "kim to be let in")


def test_row_rename(following, okta):
    uid = people.passwd("frank")[2]
    okta.change(okta.ids["frank"], login="frank.new@example.com")
    wait.until(lambda: people.passwd("frank.new"), "the new name")
    assert people.passwd("frank.new")[2] == uid and people.passwd("frank.new")[5] == "/home/frank"
    assert people.passwd("frank") is None


def test_row_delete(following, okta):
    okta.lifecycle(okta.ids["grace"], "deactivate")
    wait.until(lambda: user("grace")["state"] == "terminated", "grace to be terminated")
    okta.delete(okta.ids["grace"])
    asked = len(okta.asked(f"/api/v1/users/{okta.ids['grace']}"))
    wait.until(lambda: len(okta.asked(f"/api/v1/users/{okta.ids['grace']}")) > asked, "the deletion to be looked at")
    okta.change(okta.ids["frank"], login="frank@example.com")
    wait.until(lambda: people.passwd("frank"), "what came after the deletion")
    assert user("grace")["state"] == "terminated" and not unlocked("grace")


def test_row_group_change(following, okta):
    interns = next(g["id"] for g in okta.groups.values() if g["profile"]["name"] == "interns")
    okta.join(interns, okta.ids["heidi"])
    wait.until(lambda: "interns" in people.groups("heidi"), "heidi among the interns")
    okta.leave(okta.group_id, okta.ids["heidi"])
    wait.until(lambda: "linux-users" not in people.groups("heidi"), "heidi no linux-user")
    assert not may_come_in("heidi") and user("heidi")["state"] == "active"
    # Out of the last assigned group: nobody of ours any more, by a word that ends no session.
    okta.leave(interns, okta.ids["heidi"])
    wait.until(lambda: user("heidi")["state"] != "active", "heidi to be nobody of ours")
    assert "refuse-only" in user("heidi")["flags"]
    # And deactivated then: known to have been one of ours, and terminated.
    okta.lifecycle(okta.ids["heidi"], "deactivate")
    wait.until(lambda: user("heidi")["state"] == "terminated", "heidi to be terminated")


def test_row_leave_date(following, okta):
    okta.change(okta.ids["ivan"], lastDay="2026-01-31")
    wait.until(lambda: not unlocked("ivan"), "ivan's leave date to count")
    assert user("ivan")["reason"] == "end-date"


def test_row_guest(following, okta):
    social = okta.add("mallory", provider="SOCIAL")
    okta.join(okta.group_id, social)
    okta.add("oscar")  # a customer: in no assigned group

    def left_out():
        got = subprocess.run(["rollcall", "source", "show", "okta"], capture_output=True, text=True, timeout=60)
        return "mallory" in got.stdout and "oscar" in got.stdout

    wait.until(left_out, "the two to be counted")
    assert people.passwd("mallory") is None and people.passwd("oscar") is None


def test_row_customer_tenant(okta):
    org = okta.org
    try:
        for other, words in ((None, "is no Okta org"), ({**org, "id": "00oOTHER"}, "is the org 00oOTHER")):
            okta.org = other
            before = len(okta.asked("/oauth2|/api/"))
            got = daemons.sync_once()
            assert got.returncode != 0 and words in got.stdout, got.stdout
            assert len(okta.asked("/oauth2|/api/")) == before, "it was shown credentials"
        assert unlocked("alice")
    finally:
        okta.org = org


def test_a_source_is_tried_before_it_is_used(okta):
    before = okta.users[okta.ids["alice"]]["lastUpdated"]
    got = subprocess.run(["rollcall", "source", "test", "okta"], capture_output=True, text=True, timeout=120)
    assert got.returncode == 0, got.stdout + got.stderr
    assert "alice" in got.stdout and "System Log can be read" in got.stdout
    assert "mallory" not in got.stdout and "PRIVATE KEY" not in got.stdout + got.stderr
    assert okta.users[okta.ids["alice"]]["lastUpdated"] == before
    okta.forbidden.add(r"/api/v1/logs")
    got = subprocess.run(["rollcall", "source", "test", "okta"], capture_output=True, text=True, timeout=120)
    okta.forbidden.clear()
    assert got.returncode != 0 and "okta.logs.read" in got.stdout, got.stdout


def test_a_revoked_credential_is_an_alarm_and_the_last_state_stands(okta):
    okta.tokens.revoked = True
    okta.tokens.expire()
    daemon = daemons.Syncd().start()
    try:
        def status():
            return subprocess.run(["rollcall", "status"], capture_output=True, text=True, timeout=60).stdout
        wait.until(lambda: "the credential was revoked" in status(), "the refusal in rollcall status")
        assert unlocked("alice") and may_come_in("alice")
        okta.tokens.revoked = False
        okta.set_status(okta.ids["judy"], "SUSPENDED", "user.lifecycle.suspend")
        wait.until(lambda: not unlocked("judy"), "judy suspended by the credential that is good again")
    finally:
        okta.tokens.revoked = False
        daemon.stop()
