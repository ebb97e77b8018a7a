# SPDX-License-Identifier: BSD-2-Clause
"""From a tenant of Entra ID (fake_graph.py) to real logins: a host whose people are the tenant's. ROWS is what
docs/sources-matrix.md says of this source; each row names the test that shows it."""
import subprocess
import time

import pytest

import daemons
import fake_graph
import fake_web
import people
import totp
import wait
from followed import becomes, log_in, secret, state, user, write_conf

STAFF = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"]

# docs/sources-matrix.md: change at the source: (what happens here, how fast, the tests that show it).
ROWS = {
    "add": ("the account is there, if assigned", "poll", "test_add"),
    "rename": ("the new name is the account's, the old one nobody's; the uid stays", "poll", "test_rename"),
    "disable": ("locked (suspended), sessions end", "poll", "test_disable"),
    "re-enable": ("comes in again", "poll", "test_re_enable"),
    "delete": ("locked, sessions end, soft or for good; a restored account comes in again", "poll", "test_delete"),
    "group change": ("in and out of groups, nested ones too; out of assigned_groups: no login, no session ends", "poll",
                     "test_group_change"),
    "leave date": ("known ahead; terminated at the instant, with no word from the network then", "at the instant", "test_leave_date"),
    "guest": ("left out, counted as guest; who becomes one: no login", "poll", "test_guest"),
    "customer tenant": ("refused at start; nothing is read", "at start", "test_customer_tenant"),
    "temporary lockout": ("no member of a user in Microsoft Graph tells it: nothing happens", "never", None),
}


@pytest.fixture(scope="module")
def tenant(keys):
    with fake_web.Server() as server:
        t = fake_graph.Tenant(server)
        t.ids = {name: t.add(name, employeeId=str(1000 + i), extension_7_keys=[keys[name].public])
                 for i, name in enumerate(STAFF)}
        t.inner = t.add_group("Team", *t.ids.values())
        t.linux = t.add_group("Linux Users", groups=[t.inner])
        t.page_size = 3
        t.duplicates = t.empty_pages = True
        yield t


def configure(tenant, **more):
    options = {"type": "graph", "role": "authority, directory, signal", "tenant": tenant.id, "domain": "acme.com",
               "client_id": tenant.tokens.client_id, "secret_file": secret("entra", tenant.tokens.secret + "\n"), "ca_file": tenant.server.ca,
               "auth_url": tenant.server.origin, "api_url": tenant.server.origin, "assigned_groups": tenant.linux,
               "require_attributes": "employeeId", "map": "sshPublicKeys:extension_7_keys", "poll": "1s",
               "expect_every": "1h", **more}
    write_conf({"entra": options}, tenant.linux)


@pytest.fixture(scope="module", autouse=True)
def following(tenant):
    configure(tenant)
    daemons.synced()
    syncd, enforcer = daemons.Syncd().start(), daemons.Enforcer().start()
    yield syncd
    enforcer.stop()
    syncd.stop()


@pytest.fixture(scope="module")
def apps(following):
    return {name: totp.enroll(name) for name in STAFF[:3]}


def left_out(name):
    """The line that says that it is, or None."""
    got = subprocess.run(["rollcall", "source", "show", "entra", "--dropped"], capture_output=True, text=True, timeout=60)
    return next((line for line in got.stdout.splitlines() if name + "@" in line), None)


def test_add(tenant):
    assert people.passwd("newcomer") is None
    new = tenant.add("newcomer", employeeId="2000")
    wait.until(lambda: "unassigned" in (left_out("newcomer") or ""), "the newcomer to be left out")
    assert people.passwd("newcomer") is None
    tenant.join(tenant.inner, new)
    becomes("newcomer", "active")
    assert people.passwd("newcomer")[0] == "newcomer"
    assert "linux-users" in people.groups("newcomer")  # its displayName: the sysadmin named it


def test_disable(tenant, keys, apps, sshd):
    session = log_in("alice", keys, apps)
    assert session.run("id -un")[1].strip() == "alice"
    since = time.monotonic()
    tenant.change(tenant.ids["alice"], accountEnabled=False)
    assert session.gone()
    becomes("alice", "suspended", since)
    assert people.passwd("alice")[6] == "/usr/sbin/nologin" and people.passwd("bob")[6] != "/usr/sbin/nologin"


def test_re_enable(tenant, keys, apps, sshd):
    tenant.change(tenant.ids["alice"], accountEnabled=True)
    becomes("alice", "active")
    log_in("alice", keys, apps).close()


@pytest.mark.parametrize("reason", ["changed", "deleted"])
def test_delete(tenant, keys, apps, sshd, reason):
    session = log_in("bob", keys, apps)
    since = time.monotonic()
    was = tenant.remove(tenant.ids["bob"], reason)
    assert session.gone()
    becomes("bob", "locked", since)
    tenant.restore(was)
    tenant.join(tenant.inner, was["id"])
    becomes("bob", "active")


def test_group_change(tenant, keys, apps, sshd):
    session = log_in("carol", keys, apps)
    group = tenant.add_group("projects", tenant.ids["dave"])
    name = "g-" + group.replace("-", "")[:30]
    wait.until(lambda: name in people.groups("dave"), "dave in the group")
    tenant.leave(group, tenant.ids["dave"])
    wait.until(lambda: name not in people.groups("dave"), "dave out of it")
    tenant.leave(tenant.inner, tenant.ids["carol"])
    becomes("carol", "locked")
    assert session.run("echo still here")[1].strip() == "still here"  # nobody said that she left
    tenant.change(tenant.ids["carol"], accountEnabled=False)
    assert session.gone()  # now somebody did
    tenant.change(tenant.ids["carol"], accountEnabled=True)
    tenant.join(tenant.linux, tenant.ids["carol"])
    becomes("carol", "active")


def test_rename(tenant):
    uid = people.passwd("dave")[2]
    tenant.change(tenant.ids["dave"], userPrincipalName="dave.lee@acme.com")
    becomes("dave.lee", "active")
    assert people.passwd("dave.lee")[2] == uid and people.passwd("dave") is None


def test_leave_date(tenant):
    at = int(time.time()) + 3
    tenant.change(tenant.ids["erin"], employeeLeaveDateTime=fake_graph.instant(at))
    becomes("erin", "terminated")
    assert time.time() >= at
    tenant.change(tenant.ids["erin"], employeeLeaveDateTime=fake_graph.instant(at + 90 * 86400))
    becomes("erin", "active")


def test_guest(tenant):
    tenant.change(tenant.ids["frank"], userType="Guest")
    becomes("frank", "locked")
    assert user("frank")["reason"] == "dropped" and "guest" in left_out("frank")
    tenant.change(tenant.ids["frank"], userType="Member")
    becomes("frank", "active")


def test_compromised_is_locked(tenant, following):
    tenant.risky[tenant.ids["heidi"]] = ("confirmedCompromised", "high")
    following.stop()
    daemon = daemons.Syncd().start()  # a look at once: they are a minute apart
    try:
        becomes("heidi", "locked")
        # A restart in the middle of a round loses nothing.
        fault = tenant.server.fault(path="users/delta", stall=True)
        tenant.change(tenant.ids["grace"], accountEnabled=False)
        wait.until(lambda: fault.hits, "a round to stand still")
        daemon.kill()
    finally:
        fault.go_on()
    daemon.start()
    becomes("grace", "suspended")
    tenant.change(tenant.ids["grace"], accountEnabled=True)
    becomes("grace", "active")
    assert state("heidi") == "locked"
    # A token that is lost: all of it again, and nobody is the worse for it.
    tenant.forget_tokens()
    n = len(tenant.server.asked("users/delta\\?%24select"))
    wait.until(lambda: len(tenant.server.asked("users/delta\\?%24select")) >= n + 2, "two whole listings")
    assert state("alice") == "active" and state("heidi") == "locked"
    # A credential that is revoked: an alarm, and the last state stands.
    tenant.tokens.revoked = True
    tenant.tokens.expire()
    wait.until(lambda: "revoked" in subprocess.run(["rollcall", "status"], capture_output=True, text=True).stdout,
               "rollcall status to say it")
    assert state("alice") == "active" and people.passwd("alice")[6] != "/usr/sbin/nologin"
    tenant.tokens.revoked = False
    daemon.stop()


def test_rollcall_source_test_names_what_is_missing(tenant):
    tenant.permissions.discard("User-LifeCycleInfo.Read.All")
    got = subprocess.run(["rollcall", "source", "test", "entra"], capture_output=True, text=True, timeout=120)
    tenant.permissions.add("User-LifeCycleInfo.Read.All")
    assert got.returncode == 0 and "User-LifeCycleInfo.Read.All" in got.stdout and "alice" in got.stdout, got.stdout


def test_customer_tenant(tenant):
    tenant.type = "CIAM"
    done = daemons.sync_once()
    assert done.returncode != 0 and "Populations never mix" in done.stdout
    assert state("alice") == "active"
    tenant.type = "AAD"
