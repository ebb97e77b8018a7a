# SPDX-License-Identifier: BSD-2-Clause
"""The group that lets people in is emptied, or deleted, at the identity provider: nothing changes for them until
somebody approves, or it is there again."""
import json
import subprocess

import wait
from followed import becomes, log_in, state
from test_graph import STAFF, apps, following, tenant  # fixtures  # noqa: F401


def rollcall(*args):
    return subprocess.run(["rollcall", *args], capture_output=True, text=True, timeout=60).stdout


def held():
    """By kind: (id, people)."""
    return {h["kind"]: (h["id"], h["people"]) for h in json.loads(rollcall("status", "--json"))["held"]}


def test_a_group_that_was_emptied_takes_nobodys_access(tenant, keys, apps, sshd, following):
    session = log_in("alice", keys, apps)
    for i in list(tenant.members[tenant.inner]):
        tenant.leave(tenant.inner, i)
    wait.until(lambda: held().get("dropped", (0, 0))[1] == len(STAFF), "all of them to be held")
    assert f"{len(STAFF)} people of entra held" in rollcall("status") and "emptied or deleted?" in rollcall("status")
    assert "emptied or deleted?" in rollcall("approve")
    why = rollcall("user", "alice", "--why")
    assert "it is held, and nothing was done" in why and "rollcall approve " + held()["dropped"][0] in why
    assert session.run("echo still here")[1].strip() == "still here"
    log_in("bob", keys, apps).close()
    # One of them leaves the company.
    leaver = log_in("carol", keys, apps)
    tenant.change(tenant.ids["carol"], accountEnabled=False)
    assert leaver.gone()
    # What is held outlives both daemon and source; a source that just began sees nobody in the group.
    following.kill()
    following.start()
    tenant.add("newcomer", employeeId="3000")
    wait.until(lambda: "newcomer" in rollcall("source", "show", "entra", "--dropped"), "a listing after the restart")
    assert {state(n) for n in STAFF if n != "carol"} == {"active"} and state("carol") == "locked"
    assert held()["dropped"][1] == len(STAFF) - 1
    # The group is filled again.
    for name in STAFF:
        if name != "carol":
            tenant.join(tenant.inner, tenant.ids[name])
    wait.until(lambda: not held(), "nothing to be held")
    assert {state(n) for n in STAFF if n != "carol"} == {"active"} and state("carol") == "locked"
    assert session.run("echo still here")[1].strip() == "still here"
    session.close()


def test_a_group_that_was_deleted_does_not_either_until_it_is_approved(tenant, keys, apps, sshd):
    session = log_in("alice", keys, apps)
    tenant.remove_group(tenant.linux)  # its members are a 404 from now on
    wait.until(lambda: held().get("dropped", (0, 0))[1] == len(STAFF) - 1, "those who are left to be held")
    log_in("bob", keys, apps).close()
    for hold, _ in held().values():
        rollcall("approve", hold)
    becomes("alice", "locked")
    assert {state(n) for n in STAFF} == {"locked"} and not held()
    assert session.run("echo still here")[1].strip() == "still here"  # left out ends no session
    session.close()
