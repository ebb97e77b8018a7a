# SPDX-License-Identifier: BSD-2-Clause
"""From a real SCIM server (scimmy) to real logins: who is employed there logs in here, and who is
not any more is out. What else servers do is in test_scim_quirks.py."""
import datetime
import json
import subprocess

import pytest

import daemons
import people
import scimmy
import ssh
import totp
import wait
from followed import log_in, secret, unlocked, user, write_conf

# docs/sources-matrix.md: change at the source: (what happens here, how fast, the tests that show it).
ROWS = {
    "add": ("known; may come in where a group that is read names the person", "poll",
            "test_row_add__somebody_new_is_known_with_the_next_reading"),
    "rename": ("the new name is the account's, the old one logs nobody in; uid and home stay", "poll",
               "test_row_rename__the_same_person"),
    "disable": ("active = false: locked (suspended), sessions end", "poll",
                "test_row_disable__sessions_end, test_row_disable__also_where_the_groups_go_in_the_same_go"),
    "re-enable": ("comes in again", "poll", "test_row_re_enable__in_again"),
    "delete": ("asked for by id, then absent from two whole listings: locked; a new id with the same employeeNumber is the "
               "same person", "full_every and a poll",
               "test_row_delete__locked_by_two_listings_and_a_rehire_is_the_same_person"),
    "group change": ("in and out of groups; out of the last of assigned_groups: no login", "poll",
                     "test_row_group_change__counts_with_the_next_reading, "
                     "test_row_group_change__out_of_the_last_assigned_group_is_out"),
    "leave date": ("SCIM has none; with extension and map = end:MEMBER a vendor's date, terminated at it", "at the instant",
                   "test_row_leave_date__ends_to_the_second"),
    "guest": ("userType guest, external or customer, no employee number, another domain: left out and counted", "poll",
              "test_row_guest__is_nobody_here"),
    "customer tenant": ("no section without an allow-list of employees", "at start",
                        "test_row_customer_tenant__needs_an_allow_list_and_says_why"),
    "temporary lockout": ("SCIM does not know it: a password that is blocked there changes nothing here", "never",
                          "test_row_temporary_lockout__is_nothing_that_scim_says"),
}
STAFF = {n: i for i, n in enumerate(["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"], 1)}


def configure(server, **more):
    options = {"type": "scim", "role": "authority, directory", "url": server.url, "secret_file": secret("scim", scimmy.TOKEN + "\n"), "ca_file": server.ca,
               "domain": "example.com", "require_attributes": "employeeNumber",
               "assigned_groups": server.ids["@linux-users"] + ", " + server.ids["@interns"],
               "extension": scimmy.EMPLOYMENT, "map": "end:lastDay, start:firstDay, sshPublicKeys:sshKeys",
               "poll": "1s", "full_every": "60s", **more}
    write_conf({"corp": options}, server.ids["@linux-users"])

@pytest.fixture(scope="module")
def server(keys):
    s = scimmy.Server()
    for name, number in STAFF.items():
        s.hire(name, number, [keys[name].public])
    s.group("linux-users", *STAFF)
    s.hire("ida", 20)
    s.group("interns", "ida")
    s.hire("gone", 21, active=False)
    configure(s)
    daemons.synced()
    yield s
    s.stop()


@pytest.fixture(scope="module")
def following(server):
    daemon = daemons.Syncd().start()
    daemon.logs("listing-accepted")
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def apps(server):
    return {name: totp.enroll(name) for name in ("alice", "bob", "carol", "dave")}


def source(*words):
    return subprocess.run(["rollcall", "source", *words], capture_output=True, text=True, timeout=60)


def refused(name, keys):
    session = ssh.connect(name, key=keys)
    session.expect("Permission denied")
    session.rest()


def test_people_of_a_scim_server_log_in_with_a_code(following, server, keys, apps, sshd):
    assert people.passwd("alice")[4] == "Alice Example" and "linux-users" in people.groups("alice")
    session = log_in("alice", keys, apps)
    assert session.run("id -un")[1].strip() == "alice"
    session.close()
    assert scimmy.TOKEN not in following.log()


def test_a_look_shows_ten_people_as_they_would_be_here_and_changes_nothing(following, server):
    got = source("test", "corp")
    assert got.returncode == 0, got.stdout + got.stderr
    assert "groups can be read" in got.stdout and "employeeNumber" in got.stdout
    assert "alice" in got.stdout and "linux-users" in got.stdout
    got = source("run", "corp", "--trace")
    assert "/scim/Users" in got.stdout + got.stderr and scimmy.TOKEN not in got.stdout + got.stderr


def test_row_add__somebody_new_is_known_with_the_next_reading(following, server):
    server.hire("nina", 30)
    server.join("linux-users", "nina")
    wait.until(lambda: unlocked("nina"), "nina to be known")


def test_row_disable__sessions_end(following, server, keys, apps, sshd, enforcer):
    session = log_in("bob", keys, apps)
    server.change("bob", active=False)
    assert session.gone()
    assert not unlocked("bob") and unlocked("alice") and user("bob")["state"] == "suspended"
    refused("bob", keys["bob"])


def test_row_disable__also_where_the_groups_go_in_the_same_go(following, server, keys, apps, sshd, enforcer):
    session = log_in("carol", keys, apps)
    server.change("carol", active=False)
    server.leave("linux-users", "carol")
    assert session.gone()
    assert user("carol")["state"] == "suspended"


def test_row_re_enable__in_again(following, server, keys, apps, sshd):
    server.change("bob", active=True)
    wait.until(lambda: unlocked("bob"), "bob to be let in again")
    log_in("bob", keys, apps).close()


def test_row_rename__the_same_person(following, server, keys, sshd):
    before = people.passwd("dave")
    server.change("dave", userName="dave.miller@example.com")
    wait.until(lambda: unlocked("dave.miller"), "the new name")
    after = people.passwd("dave.miller")
    assert after[2:4] == before[2:4] and after[5] == before[5]
    refused("dave", keys["dave"])


def test_row_group_change__counts_with_the_next_reading(following, server):
    server.group("admins", "erin")
    wait.until(lambda: "admins" in people.groups("erin"), "erin in admins")
    server.join("admins", "frank")
    wait.until(lambda: "admins" in people.groups("frank"), "frank in admins")
    server.leave("admins", "erin")
    wait.until(lambda: "admins" not in people.groups("erin"), "erin out of admins")


def test_row_group_change__out_of_the_last_assigned_group_is_out(following, server):
    server.leave("linux-users", "frank")
    wait.until(lambda: not unlocked("frank"), "frank to be out")
    server.join("linux-users", "frank")
    wait.until(lambda: unlocked("frank"), "frank to be in again")


def test_row_leave_date__ends_to_the_second(following, server):
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)
    server.change("grace", **{scimmy.EMPLOYMENT: {"lastDay": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}})
    wait.until(lambda: not unlocked("grace"), "grace's last second")
    assert datetime.datetime.now(datetime.timezone.utc) >= ends.replace(microsecond=0)
    assert user("grace")["state"] == "terminated"


def test_row_guest__is_nobody_here(following, server):
    server.hire("guest", 40, userType="Guest")
    server.hire("shopper", None)
    server.hire("ext", 41, userName="ext@partner.example")
    server.join("linux-users", "guest", "shopper", "ext")
    server.hire("after", 42)
    server.join("linux-users", "after")
    wait.until(lambda: unlocked("after"), "one who came after them")
    assert not any(people.passwd(n) for n in ("guest", "shopper", "ext"))
    shown = json.loads(source("show", "corp", "--json").stdout)["dropped"]
    counts = {r["reason"]: r["n"] for r in shown["reasons"]}
    assert (counts["guest"], counts["no-marker"], counts["domain"]) == (1, 1, 1), shown


def test_row_temporary_lockout__is_nothing_that_scim_says(following, server):
    server.change("heidi", **{scimmy.EMPLOYMENT: {"state": "password locked"}})
    server.change("alice", displayName="After The Lockout")
    wait.until(lambda: people.passwd("alice")[4] == "After The Lockout", "what came after it")
    assert unlocked("heidi")


def test_row_delete__locked_by_two_listings_and_a_rehire_is_the_same_person(following, server, keys):
    before = people.passwd("heidi")
    server.fire("heidi")
    wait.until(lambda: not unlocked("heidi"), "heidi to be locked", 150)
    assert unlocked("alice") and user("heidi")["state"] == "locked"
    server.hire("heidi", STAFF["heidi"], [keys["heidi"].public])  # with another id
    server.join("linux-users", "heidi")
    wait.until(lambda: unlocked("heidi"), "heidi to be back")
    assert people.passwd("heidi")[2] == before[2]


def test_row_customer_tenant__needs_an_allow_list_and_says_why(server):
    configure(server, assigned_groups=None, require_attributes=None)
    got = subprocess.run(["rollcall", "check-config"], capture_output=True, text=True, timeout=60)
    assert got.returncode != 0
    assert "nothing in SCIM says whether a User is an employee or a customer" in got.stdout + got.stderr
    configure(server)


def test_a_server_that_is_gone_changes_nobody(following, server):
    server.stop()
    following.logs("onnect")
    assert unlocked("alice") and unlocked("nina")
