# SPDX-License-Identifier: BSD-2-Clause
"""Groups in groups, said by a program of a company's own: who may come in, what getent and
id show, what `rollcall user --why` says, and what takes it away."""
import grp
import json
import os
import subprocess
import time

import pytest

import daemons
import people
import wait

SCRIPT = "/usr/local/libexec/directory"
SAYS = "/srv/directory/says"
CONF = "/etc/rollcall/conf.d/50-directory.conf"
CLOCK = [int(time.time()) - 50000]


def user(name):
    return {"op": "user", "user": {
        "id": name, "userName": name,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "D" + name},
        "urn:rollcall:1.0:User": {"status": "active", "aliases": [f"uid={name},ou=people,dc=example,dc=com"]}}}


def members(group, *entries, **more):
    return {"op": "members", "group": group, "values": list(entries), **more}


def inside(group, *parents):
    return {"op": "group", "group": {"id": group, "displayName": group, "groups": [{"value": p} for p in parents]}}


def says(*lines):
    """What the program prints at its next start: a listing of a later time."""
    CLOCK[0] += 10
    as_of = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CLOCK[0]))
    rows = sum(line["op"] == "user" for line in lines)
    said = [{"op": "begin", "mode": "full", "as_of": as_of}, *lines, {"op": "commit", "cursor": as_of, "rows": rows}]
    with open(SAYS + ".new", "w", encoding="utf-8") as f:
        f.writelines(json.dumps(line) + "\n" for line in said)
    os.chmod(SAYS + ".new", 0o644)
    os.rename(SAYS + ".new", SAYS)


STAFF = [user("ida"), user("jan"), user("kai")]
TEAM = "uid=ida,ou=people,dc=example,dc=com"
OTHER = "uid=jan,ou=people,dc=example,dc=com"


def taken(*lines):
    says(*lines)
    daemons.synced()


@pytest.fixture(autouse=True)
def directory():
    for path in (SCRIPT, SAYS, CONF):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(people.PATH):
        people.write([people.person("1", "alice")], at=time.time() - 5)
    with open(SCRIPT, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\ncat {SAYS}\n")
    os.chmod(SCRIPT, 0o755)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[source directory]\ntype = exec\nrole = authority, directory\ncommand = {SCRIPT}\npoll = 1h\n"
                "[access]\nallow_groups = linux-admins\n")
    yield
    os.unlink(CONF)


def admission(name):
    got = subprocess.run(["rollcall", "user", name, "--why", "--json"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stdout + got.stderr
    return json.loads(got.stdout)


def nested():
    return [members("platform-team", TEAM), members("linux-admins", "engineers"), inside("platform-team", "engineers"),
            members("engineers", OTHER), *STAFF]


def test_a_group_in_a_group_admits_and_is_shown_flat():
    taken(*nested())
    assert people.groups("ida") >= {"platform-team", "engineers", "linux-admins", "rollcall-people"}
    assert people.groups("jan") >= {"engineers", "linux-admins"} and "platform-team" not in people.groups("jan")
    assert "linux-admins" not in people.groups("kai")
    assert set(grp.getgrnam("linux-admins").gr_mem) == {"ida", "jan"}
    assert grp.getgrnam("platform-team").gr_mem == ["ida"]
    assert admission("ida")["admission"]["admitted"]
    assert not admission("kai")["admission"]["admitted"]


def test_why_says_through_which_groups_a_membership_comes():
    taken(*nested())
    syncd = daemons.Syncd().start()
    try:
        wait.until(lambda: "through" in admission("ida"), "an answer of syncd")
        through = {m["group"]: m["path"] for m in admission("ida")["through"]}
        assert through == {"engineers": ["platform-team"], "linux-admins": ["platform-team", "engineers"]}
        text = subprocess.run(["rollcall", "user", "ida", "--why"], capture_output=True, text=True, timeout=60).stdout
        assert "linux-admins through platform-team, engineers" in text, text
    finally:
        syncd.stop()


def test_an_edge_that_goes_refuses_and_no_more():
    taken(*nested())
    assert admission("ida")["admission"]["admitted"]
    # The list of linux-admins names somebody else: a word about the engineers, at once.
    taken(members("platform-team", TEAM), members("linux-admins", "kai"), inside("platform-team", "engineers"),
          members("engineers", OTHER), *STAFF)
    for name in ("ida", "jan"):
        said = admission(name)
        assert not said["admission"]["admitted"] and said["state"] == "active", said
    assert admission("kai")["admission"]["admitted"]
    assert people.groups("ida") >= {"platform-team", "engineers"} and "linux-admins" not in people.groups("ida")
    assert grp.getgrnam("linux-admins").gr_mem == ["kai"]


def test_a_group_that_vanished_is_believed_when_said_twice():
    taken(*nested())
    without = [line for line in nested() if line.get("group") != "linux-admins"]
    taken(*without)
    assert admission("ida")["admission"]["admitted"]
    taken(*without)
    assert not admission("ida")["admission"]["admitted"]


def test_group_members_leaves_lists_out_and_no_membership():
    with open(CONF, "a", encoding="ascii") as f:
        f.write("[nss]\ngroup_members = limit 1\n")
    taken(*nested())
    assert grp.getgrnam("linux-admins").gr_mem == []
    assert grp.getgrnam("platform-team").gr_mem == ["ida"]
    assert "linux-admins" in people.groups("ida")
    assert admission("ida")["admission"]["admitted"]
