# SPDX-License-Identifier: BSD-2-Clause
"""rollcall-source-graph by itself over a tenant of fake_graph.py: what it says, what it asks, and what it makes of
every fault."""
import collections
import json

import pytest

import fake_graph
import fake_web
import wait
import web_source

PROGRAM = "/usr/libexec/rollcall/sources/rollcall-source-graph"
OURS = "urn:rollcall:1.0:User"


@pytest.fixture
def server():
    with fake_web.Server() as s:
        yield s


@pytest.fixture
def tenant(server):
    return fake_graph.Tenant(server)


class Picture:
    """What the engine would know from the lines, as it takes them: with the commit, or not at all."""

    def __init__(self):
        self.users, self.dropped, self.gone, self.members, self.groups = {}, {}, {}, {}, {}
        self.cursor, self.commits, self.whole, self.at, self.device, self.as_ofs = None, 0, 0, 0, None, 0

    def take(self, said):
        lines, self.at = said[self.at:], len(said)
        for m in lines:
            op = m["op"]
            if op == "begin":
                self.batch, self.full = [], m["mode"] == "full"
            elif op == "commit":
                self.commit(m)
            elif op == "device":
                self.device = (m.get("compliant"), m.get("managed"))
            elif op == "as_of":
                self.as_ofs += 1
            elif op not in ("progress", "problem", "finding"):
                self.batch.append(m)
        return self

    def commit(self, m):
        ids = collections.Counter(u["user"]["id"] for u in self.batch if u["op"] == "user")
        assert not ids or max(ids.values()) == 1, "somebody stands twice in a listing"
        assert m["rows"] == sum(ids.values()) and m["cursor"] != self.cursor and len(m["cursor"]) < 16384
        if self.full:
            self.users, self.dropped, self.members, self.groups = {}, {}, {}, {}
            self.whole += 1
        for line in self.batch:
            getattr(self, "take_" + line["op"])(line)
        self.cursor = m["cursor"]
        self.commits += 1

    def take_user(self, m):
        u = m["user"]
        self.users[u["id"]] = u
        self.dropped.pop(u["id"], None)
        self.gone.pop(u["id"], None)

    def take_dropped(self, m):
        self.users.pop(m["id"], None)
        self.dropped[m["id"]] = m["reason"]

    def take_gone(self, m):
        for known in (self.users, self.dropped, self.groups, self.members):
            known.pop(m["id"], None)
        self.gone[m["id"]] = m.get("status")

    def take_group(self, m):
        self.groups[m["group"]["id"]] = m["group"]["displayName"]

    def take_members(self, m):
        now = self.members.setdefault(m["group"], set())
        now |= set(m.get("values", [])) | set(m.get("add", []))
        now -= set(m.get("remove", []))


class Source(web_source.Source):
    def __init__(self, at, files=None, **more):
        s = at.server
        given = {"files": {"ca_file": open(s.ca, encoding="ascii").read(), **(files or {"secret_file": f"{at.tokens.secret}\n"})},
                 "type": "graph", "tenant": at.id, "client_id": at.tokens.client_id, "domain": ["acme.com"],
                 "auth_url": s.origin, "api_url": s.origin, "role": ["authority", "directory"], "name": "entra"}
        given.update(more)
        super().__init__(PROGRAM, given.pop("files"), **given)
        self.picture = Picture()

    def _read(self):
        for line in self.process.stdout:
            if line.endswith(b"\n"):  # else it was killed in the middle of it
                self.said.append(json.loads(line))

    def now(self):
        return self.picture.take(list(self.said))

    def names(self):
        return {u["userName"] for u in self.now().users.values()}

    def shows(self, condition, what):
        return wait.until(lambda: condition(self.now()), f"{what}; {self.problems()[-3:]} {self.errors()[-500:]}")

    def settled(self):
        """Both whole listings are over, and a round that found nothing."""
        self.shows(lambda p: p.whole >= 2 and p.as_ofs > 0, "the second listing, and quiet")
        return self

    def status(self, i):
        return self.now().users[i][OURS]["status"]

    def quiet(self):
        """A round from now on that found nothing new."""
        n = self.now().as_ofs
        self.shows(lambda p: p.as_ofs > n + 1, "two quiet rounds")


def once(tenant, **more):
    with Source(tenant, once=True, **more) as s:
        assert s.wait() == 0, f"{s.problems()} {s.errors()}"
        s.now()
    return s


def people(tenant, n):
    return [tenant.add(f"p{k}", employeeId=str(1000 + k)) for k in range(n)]


# ---- reading ----

def test_everybody_is_said_once_however_the_pages_come(tenant):
    ids = people(tenant, 45)
    group = tenant.add_group("linux users", *ids)
    tenant.page_size = 10
    tenant.empty_pages = tenant.duplicates = tenant.reordered = True
    s = once(tenant)
    assert set(s.picture.users) == set(ids)
    assert s.picture.members == {group: set(ids)}  # of three pages


def test_the_first_reading_tells_how_far_it_is(tenant, server):
    people(tenant, 45)
    tenant.page_size = 10
    s = once(tenant)
    assert (20, 45) in [(m["done"], m["total"]) for m in s.ops("progress")]
    server.fault(path="count=true", status=403)
    s = once(tenant)
    assert len(s.picture.users) == 45 and {m["total"] for m in s.ops("progress")} == {0}


def test_changes_come_and_quiet_costs_one_request_a_feed(tenant, server):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    group = tenant.add_group("linux users", alice)
    with Source(tenant) as s:
        s.settled()
        before, rounds = len(server.requests), s.now().as_ofs
        s.quiet()
        rounds = s.now().as_ofs - rounds
        assert rounds * 2 <= len(server.requests) - before <= (rounds + 1) * 2
        tenant.change(alice, accountEnabled=False)
        s.shows(lambda p: p.users[alice][OURS]["status"] == "disabled", "alice to be disabled")
        tenant.change(alice, accountEnabled=True, userPrincipalName="alice.lee@acme.com")
        s.shows(lambda p: p.users[alice]["userName"] == "alice.lee", "alice to be renamed")
        assert s.status(alice) == "active"
        tenant.join(group, bob)
        tenant.leave(group, alice)
        s.shows(lambda p: p.members[group] == {bob}, "bob in, alice out")
        was = tenant.remove(bob)
        s.shows(lambda p: p.gone.get(bob) == "locked", "bob to be locked")
        tenant.restore(was)
        s.shows(lambda p: bob in p.users, "bob to be restored")
        tenant.remove(alice, "deleted")
        s.shows(lambda p: p.gone.get(alice) == "locked", "alice to be locked")
        assert s.now().whole == 2


def test_what_stands_twice_is_read_by_itself(tenant):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    with Source(tenant) as s:
        s.settled()
        tenant.stale = True  # the old one, and then the new one
        tenant.change(alice, accountEnabled=False)
        s.shows(lambda p: p.users[alice][OURS]["status"] == "disabled", "alice to be disabled")
        tenant.remove(bob)
        s.shows(lambda p: p.gone.get(bob) == "locked", "bob to be locked")
        s.quiet()
        assert bob not in s.now().users and s.status(alice) == "disabled"


def test_what_is_said_in_part_is_not_guessed(tenant):
    alice = tenant.add("alice", employeeId="1", employeeLeaveDateTime="2030-01-31T17:00:00Z")
    with Source(tenant, require_attributes=["employeeId"]) as s:
        s.settled()
        tenant.partial = True
        tenant.change(alice, department="Ops")
        s.shows(lambda p: "Ops" in json.dumps(p.users.get(alice)), "the department")
        assert s.status(alice) == "active" and s.now().users[alice][OURS]["end"] == "2030-01-31T17:00:00Z"
        tenant.change(alice, accountEnabled=False)
        s.shows(lambda p: p.gone.get(alice) == "locked" or s.status(alice) == "disabled", "alice to be out")
        s.shows(lambda p: alice in p.users and s.status(alice) == "disabled", "and whole")


def test_a_group_that_is_said_in_part_keeps_its_name(tenant):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    group = tenant.add_group("Linux Users", alice)
    with Source(tenant, assigned_groups=[group]) as s:
        s.settled()
        tenant.partial = True
        tenant.join(group, bob)
        s.shows(lambda p: bob in p.users, "bob to be assigned")
        assert s.now().groups[group] == "linux-users" and s.now().members[group] == {alice, bob}


def test_a_user_that_lags_behind_the_feed_is_read_again(tenant, server):
    alice = tenant.add("alice", employeeId="1", accountEnabled=False)
    with Source(tenant) as s:
        s.settled()
        old = dict(tenant.objects["users"][alice])
        server.fault(path=f"/v1.0/users/{alice}", body=old)
        tenant.change(alice, accountEnabled=True)
        s.shows(lambda p: p.users[alice][OURS]["status"] == "active", "alice to be enabled after all")


@pytest.mark.parametrize("word", ["disabled", "deleted"])
def test_an_object_that_lags_behind_the_feed_brings_no_leaver_back(tenant, server, word):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    with Source(tenant) as s:
        s.settled()
        tenant.partial = tenant.stale = True  # what it was before comes too, and makes it be asked for
        old = server.fault(path=f"/v1.0/users/{alice}", body=dict(tenant.objects["users"][alice]), times=5)
        tenant.change(alice, accountEnabled=False) if word == "disabled" else tenant.remove(alice)
        s.shows(lambda p: alice in p.gone or s.status(alice) == "disabled", "alice to be out")
        wait.until(lambda: old.hits == 5, "the old answer to come again and again")
        s.quiet()
        locked = next(n for n, m in enumerate(s.said) if m["op"] == "gone" or
                      m["op"] == "user" and m["user"]["id"] == alice and m["user"][OURS]["status"] == "disabled")
        assert not [
            m for m in s.said[locked:] if m["op"] == "user" and m["user"]["id"] == alice and m["user"][OURS]["status"] == "active"]
        if word == "disabled":
            assert s.status(alice) == "disabled"
            tenant.partial = tenant.stale = False
            # Whoever comes back by the feed's own word comes at once.
            tenant.change(alice, accountEnabled=True)
            s.shows(lambda p: s.status(alice) == "active", "alice to be back")
        assert bob in s.now().users


@pytest.mark.parametrize("all_again", [False, True], ids=["by itself", "with all"])
def test_the_feeds_word_outlives_a_restart_though_objects_lag_behind_it(tenant, server, all_again):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    with Source(tenant) as s:
        s.settled()
        tenant.partial = True  # the feed's word has to be completed by the object
        old = dict(tenant.objects["users"][alice])
        server.fault(path=f"/v1.0/users/{alice}", body=old, times=None)
        tenant.change(alice, accountEnabled=False)
        s.shows(lambda p: alice in p.gone or s.status(alice) == "disabled", "alice to be out")
        cursor = s.now().cursor
    if all_again:  # and what lists everybody is of before too
        tenant.forget_tokens()
        tenant.objects["users"][alice]["accountEnabled"] = True
    with Source(tenant, cursor=cursor) as s:
        s.shows(lambda p: p.whole >= 2 if all_again else server.asked(f"/v1.0/users/{alice}") and p.as_ofs > 1, "it to have read")
        s.quiet()
        assert not [u for u in s.users() if u["id"] == alice and u[OURS]["status"] == "active"]


def test_one_user_who_cannot_be_had_holds_up_nobody_else(tenant, server):
    ids = people(tenant, 4)
    with Source(tenant) as s:
        s.settled()
        server.fault(path=f"/v1.0/users/{ids[0]}", status=500, times=None)
        tenant.change(ids[0], department="Ops")
        s.shows(lambda p: any(m.get("id") == ids[0] and "What is known stands" in m["text"] for m in s.ops("problem")), "it to be said whom it is about")
        tenant.change(ids[1], department="Ops")
        tenant.change(ids[2], accountEnabled=False)
        s.shows(lambda p: "Ops" in json.dumps(p.users[ids[1]]) and s.status(ids[2]) == "disabled", "the others")
        s.quiet()
        assert len([m for m in s.ops("problem") if m.get("id") == ids[0]]) == 1 and s.status(ids[0]) == "active"
        server.mend()
        s.shows(lambda p: "Ops" in json.dumps(p.users[ids[0]]), "the first one, at last")


def test_a_leaver_among_very_many_changes_does_not_wait_for_the_listing_of_all(tenant, server):
    ids = people(tenant, 510)
    with Source(tenant) as s:
        s.settled()
        whole = server.fault(path=r"users/delta\?.*select", body={"value": {}}, times=None)  # all of them cannot be had
        with tenant.lock:
            for i in ids:
                tenant.change(i, department="Ops")
            tenant.change(ids[7], accountEnabled=False)
        s.shows(lambda p: s.status(ids[7]) == "disabled", "the leaver to be out")
        wait.until(lambda: whole.hits, "all to be asked for")
        tenant.change(ids[9], accountEnabled=False)
        s.shows(lambda p: s.status(ids[9]) == "disabled", "one more")
        cursor = s.now().cursor
    server.mend()
    s = once(tenant, cursor=cursor)  # a process that is started again knows that it has to read all
    assert s.picture.whole == 1 and sum('"Ops"' in json.dumps(u) for u in s.picture.users.values()) == 510


@pytest.mark.parametrize("how", [410, "syncStateNotFound", "Request_BadRequest"])
def test_a_token_that_is_lost_means_all_of_it_again(tenant, how):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    with Source(tenant) as s:
        s.settled()
        del tenant.objects["users"][bob]  # and no delta says so
        tenant.forget_tokens(how)
        s.shows(lambda p: p.whole >= 4 and bob not in p.users, "two more whole listings without bob")
        assert s.now().gone == {} and alice in s.now().users


def test_a_cursor_goes_on_and_an_old_one_does_not(tenant, server):
    people(tenant, 5)
    first = once(tenant).picture.cursor
    carol = tenant.add("carol", employeeId="9")
    second = once(tenant, cursor=first)  # the second whole listing, to be sure of who is missing
    assert second.picture.whole == 1 and carol in second.picture.users
    third = once(tenant, cursor=second.picture.cursor)
    assert third.picture.commits == 0 and third.now().as_ofs == 1
    old = json.loads(second.picture.cursor)
    old["at"] -= 6 * 86400 + 43200 + 60
    assert once(tenant, cursor=json.dumps(old)).picture.whole == 1
    other = json.loads(second.picture.cursor)
    other["users"] = other["users"].replace("localhost", "elsewhere.example")
    assert once(tenant, cursor=json.dumps(other)).picture.whole == 1
    assert once(tenant, cursor=second.picture.cursor, domain=["acme.com", "acme.de"]).picture.whole == 1


# ---- who is one of ours ----

def test_who_is_in_no_assigned_group_comes_and_goes_with_it(tenant, server):
    ids = people(tenant, 30)
    dave = tenant.add("dave", employeeId="77")
    inner = tenant.add_group("inner", *ids[:25])
    middle = tenant.add_group("middle", groups=[inner])
    outer = tenant.add_group("Linux Users", ids[25], groups=[middle])
    tenant.join(inner, outer, "group")  # a circle
    with Source(tenant, assigned_groups=[outer.upper()]) as s:
        s.settled()
        assert set(s.now().users) == set(ids[:26]) and s.now().dropped[dave] == "unassigned"
        assert s.now().groups[outer] == "linux-users" and s.now().groups[inner].startswith("g-")
        assert s.now().members[outer] == {ids[25], middle}
        asked = len(server.asked("/v1.0/users/delta"))
        tenant.join(middle, dave)
        s.shows(lambda p: dave in p.users, "dave to be assigned")
        tenant.leave(inner, ids[0])
        s.shows(lambda p: p.dropped.get(ids[0]) == "unassigned", "somebody to fall out")
        tenant.leave(outer, middle)
        s.shows(lambda p: set(p.users) == {ids[25]}, "the whole of a group to fall out")
        tenant.join(outer, middle, "group")
        s.shows(lambda p: len(p.users) == 26, "and to come back")
        tenant.change(ids[1], accountEnabled=False)
        tenant.leave(inner, ids[1])
        s.shows(lambda p: p.gone.get(ids[1]) == "locked", "disabled and out of the group on one day: locked")
        tenant.remove_group(inner)
        tenant.leave(middle, inner)
        s.shows(lambda p: set(p.users) == {ids[25], dave}, "a group to be deleted")
        assert s.now().whole == 2
    cursor = s.picture.cursor
    with Source(tenant, once=True, cursor=cursor, assigned_groups=[outer.upper()]) as s:
        assert s.wait() == 0 and s.now().commits == 0  # nothing changed meanwhile
    tenant.leave(middle, dave)
    with Source(tenant, once=True, cursor=cursor, assigned_groups=[outer.upper()]) as s:
        assert s.wait() == 0 and s.now().dropped[dave] == "unassigned" and s.now().whole == 1


def test_a_group_that_is_not_there_at_the_beginning_lets_nobody_in_and_keeps_nobody_out(tenant):
    ids = people(tenant, 5)
    linux, other = tenant.add_group("linux users", *ids[:2]), tenant.add_group("linux admins", ids[2])
    wrong = "0d9a3c1e-0000-4000-8000-000000000099"
    tenant.change(ids[3], accountEnabled=False)
    with Source(tenant, assigned_groups=[linux, wrong]) as s:
        s.settled()
        said = [m for m in s.ops("problem") if "id" not in m]
        assert len(said) >= 2 and all(wrong in m["text"] and "Write the id" in m["text"] and not m.get("warning") for m in said)
        assert set(s.now().users) == set(ids[:2]) and not s.ops("dropped") and set(s.now().gone) == {ids[3]}
        # A stranger stays one, and who leaves the other group may be in this one.
        tenant.change(ids[4], department="Ops")
        tenant.leave(linux, ids[0])
        tenant.change(ids[1], department="Ops")
        s.shows(lambda p: "Ops" in json.dumps(p.users[ids[1]]), "a change")
        assert set(s.now().users) == set(ids[:2]) and not s.ops("dropped")
        cursor = s.now().cursor
    # Mended, it counts with the first reading.
    with Source(tenant, cursor=cursor, assigned_groups=[linux, other]) as s:
        s.shows(lambda p: {ids[1], ids[2]} == set(p.users), "who is in the group that was meant")
        assert s.now().dropped[ids[0]] == s.now().dropped[ids[4]] == "unassigned"
    # None of them is there: nothing is read.
    with Source(tenant, once=True, assigned_groups=[wrong]) as s:
        assert s.wait() == 1 and not s.commits() and wrong in s.problems()[0] and "Write the id" in s.problems()[0]
    with Source(tenant, test=True, assigned_groups=[linux, wrong]) as s:
        s.wait()
        assert [f for f in s.ops("finding") if f["level"] == "error" and wrong in f["text"] and "write the id" in f["text"]]


def test_guests_customers_and_strangers_are_left_out_by_reason(tenant):
    alice = tenant.add("alice", employeeId="1")
    tenant.add("guest", userType="Guest", creationType="Invitation")
    tenant.add("customer", creationType="LocalAccount")
    tenant.add("selfmade", creationType="SelfServiceSignUp")
    tenant.add("x", userPrincipalName="x_other.com#EXT#@acme.com")
    tenant.add("g", identities=[{"signInType": "federated", "issuer": "google.com"}])
    tenant.add("old", userType=None)
    tenant.add("b", userPrincipalName="b@acme.onmicrosoft.com")
    tenant.add("svc")
    s = once(tenant, require_attributes=["employeeId"])
    assert set(s.picture.users) == {alice}
    assert sorted(s.picture.dropped.values()) == sorted(
        ["guest", "customer", "self-registered", "external", "social", "user-type", "no-marker", "no-marker"])


@pytest.mark.parametrize("kind", ["CIAM", "AAD B2C", None])
def test_a_tenant_of_customers_is_refused(tenant, kind):
    tenant.type = kind
    with Source(tenant) as s:
        assert s.wait() == 1
        assert any("Populations never mix" in p and "of its own" in p for p in s.problems())
        assert not s.ops("begin")


def test_another_tenant_and_hosts_of_customers_are_refused(tenant):
    ours, tenant.id = tenant.id, "99999999-2222-4333-8444-555555555555"
    with Source(tenant, tenant=ours) as s:
        assert s.wait() == 1 and any("99999999" in p for p in s.problems())
    with Source(tenant, auth_url="https://acme.ciamlogin.com") as s:
        assert s.wait() == 1 and any("ciamlogin.com" in p for p in s.problems())


# ---- permissions ----

def test_leave_dates_need_a_permission_and_come_when_it_is_given(tenant):
    alice = tenant.add("alice", employeeId="1", employeeLeaveDateTime="2027-01-31T17:00:00Z")
    tenant.permissions.discard("User-LifeCycleInfo.Read.All")
    s = once(tenant)
    assert "end" not in s.picture.users[alice][OURS]
    assert [p for p in s.problems() if "User-LifeCycleInfo.Read.All" in p]
    cursor = once(tenant, cursor=s.picture.cursor).picture.cursor
    tenant.permissions.add("User-LifeCycleInfo.Read.All")
    s = once(tenant, cursor=cursor)
    assert s.picture.users[alice][OURS]["end"] == "2027-01-31T17:00:00Z"


def test_a_permission_for_leave_dates_that_is_given_later_or_taken_away_is_noticed(tenant):
    alice = tenant.add("alice", employeeId="1", employeeLeaveDateTime="2027-01-31T17:00:00Z")
    tenant.permissions.discard("User-LifeCycleInfo.Read.All")
    with Source(tenant) as s:
        s.settled()
        tenant.permissions.add("User-LifeCycleInfo.Read.All")
        s.shows(lambda p: p.users[alice][OURS].get("end") == "2027-01-31T17:00:00Z", "the leave date")
        assert any("can be read now" in p for p in s.problems())
        s.quiet()
        whole = s.now().whole
        tenant.permissions.discard("User-LifeCycleInfo.Read.All")
        s.shows(lambda p: p.whole > whole and "end" not in p.users[alice][OURS], "people without leave dates")
        tenant.change(alice, accountEnabled=False)
        s.shows(lambda p: s.status(alice) == "disabled", "alice to be out")
        assert len([p for p in s.problems() if "leave dates are not known" in p]) == 2


@pytest.mark.parametrize("permission", ["User.Read.All", "GroupMember.Read.All", "Organization.Read.All"])
def test_a_permission_that_is_missing_is_named(tenant, permission):
    tenant.add("alice", employeeId="1")
    tenant.permissions.discard(permission)
    with Source(tenant) as s:
        assert s.wait() == 1 and any(permission in p for p in s.problems()), s.problems()
        assert not s.commits()


def test_a_credential_that_is_revoked_is_said_and_ends_nothing(tenant):
    tenant.add("alice", employeeId="1")
    with Source(tenant) as s:
        s.settled()
        tenant.tokens.revoked = True
        tenant.tokens.expire()
        assert s.wait() == 1
        assert any("revoked" in p for p in s.problems()) and s.picture.users and not s.now().gone


def test_a_certificate_signs_in_as_a_file_and_as_a_credential(server):
    import pki
    key = pki.new_key("rsa")
    cert = pki.pem_of_certificate(pki.certificate("rollcall", key))
    tenant = fake_graph.Tenant(server, certificate=cert, algorithms=("PS256",))
    tenant.add("alice", employeeId="1")
    pem = pki.pem_of_key(key)
    assert once(tenant, files={"cert_file": cert, "key_file": pem}).picture.users
    assert once(tenant, files={"credential": pem + cert}).picture.users
    header, claims = tenant.tokens.assertions[-1]
    assert header["alg"] == "PS256" and "x5t#S256" in header and claims["aud"] == tenant.tokens.url


# ---- risk and the machine ----

SIGNAL = ["authority", "directory", "signal"]


def test_risk_is_said_and_outlives_a_restart(tenant, server):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    tenant.risky = {alice: ("confirmedCompromised", "high"), bob: ("atRisk", "medium")}
    s = once(tenant, role=SIGNAL)
    assert {i: u[OURS]["risk"] for i, u in s.picture.users.items()} == {alice: "compromised", bob: "medium"}
    cursor = once(tenant, role=SIGNAL, cursor=s.picture.cursor).picture.cursor
    server.fault(path="riskyUsers", status=429, times=None)  # and nothing says for how long
    tenant.change(alice, department="Ops")
    s = once(tenant, role=SIGNAL, cursor=cursor)
    assert s.picture.users[alice][OURS]["risk"] == "compromised"
    server.mend()
    tenant.risky = {bob: ("atRisk", "medium")}
    s = once(tenant, role=SIGNAL, cursor=s.picture.cursor)
    assert {i: u[OURS]["risk"] for i, u in s.picture.users.items()} == {alice: "none"}
    assert "risk" not in once(tenant).picture.users[alice][OURS]  # no signal


def test_no_licence_for_risk_and_no_right_to_devices_are_said_once(tenant, server):
    tenant.add("alice", employeeId="1")
    tenant.permissions -= {"IdentityRiskyUser.Read.All", "Device.Read.All"}
    with Source(tenant, role=SIGNAL, device_id=tenant.id) as s:
        s.settled()
        for permission in ("IdentityRiskyUser.Read.All", "Device.Read.All"):
            assert len([p for p in s.problems() if permission in p]) == 1
    assert s.picture.users


def test_one_malformed_answer_ends_neither_risk_nor_the_look_at_the_machine(tenant, server):
    alice, bob = tenant.add("alice", employeeId="1"), tenant.add("bob", employeeId="2")
    tenant.risky = {alice: ("confirmedCompromised", "high")}
    tenant.devices = {"a": {"id": "a", "deviceId": tenant.id, "accountEnabled": True, "isCompliant": True, "isManaged": True}}
    hits = [server.fault(path=path, body={"value": {}}) for path in ("riskyUsers", "/devices")]
    with Source(tenant, role=SIGNAL, device_id=tenant.id) as s:
        s.shows(lambda p: p.users.get(alice, {}).get(OURS, {}).get("risk") == "compromised", "alice to be compromised after all")
        s.shows(lambda p: p.device == (True, True), "the machine to be compliant after all")
        assert all(h.hits == 1 for h in hits) and bob in s.now().users
        assert len([p for p in s.problems() if "is not read" in p]) == len([p for p in s.problems() if "is read again" in p]) == 2


def test_the_machine_is_compliant_as_the_tenant_says(tenant):
    tenant.devices = {"a": {"id": "a", "deviceId": tenant.id, "accountEnabled": True, "isCompliant": True, "isManaged": None}}
    assert once(tenant, device_id=tenant.id).now().device == (True, None)
    tenant.devices["a"]["accountEnabled"] = False
    assert once(tenant, device_id=tenant.id).now().device == (False, None)
    tenant.devices.clear()
    assert once(tenant, device_id=tenant.id).now().device == (False, False)


# ---- faults ----

FAULTS = {
    "429": dict(status=429, retry_after=1), "503": dict(status=503), "500 once": dict(status=500),
    "closed": dict(close=True), "cut short": dict(truncated=True), "half as whole": dict(short=True),
    "not json": dict(content_type="text/html"), "another host": dict(redirect="https://elsewhere.example/"),
    "nested": dict(body=b"[" * 100 + b"]" * 100), "twice": dict(body=b'{"value":[],"value":[]}'),
    "nul": dict(body=b'{"value":["\\u0000"]}'), "no list": dict(body={"value": {}}),
    "foreign link": dict(body={"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/users/delta?$skiptoken=x"}),
    "no link": dict(body={"value": []}), "both links": dict(body={"value": [], "@odata.nextLink": "https://localhost/a",
                                                                  "@odata.deltaLink": "https://localhost/b"}),
    "no id": dict(body={"value": [{"id": "7"}], "@odata.deltaLink": "https://localhost/b"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_middle_of_the_pages_takes_nothing_and_is_over(tenant, server, name):
    ids = people(tenant, 30)
    tenant.page_size = 10
    server.fault(path=r"users/delta\?\$skiptoken", skip=1, **FAULTS[name])
    with Source(tenant) as s:
        s.shows(lambda p: p.commits == 1, "a listing")
        assert set(s.now().users) == set(ids)  # the first one that counted is whole
    assert not server.asked("elsewhere")


def test_a_token_that_ends_between_two_pages_is_renewed(tenant, server):
    ids = people(tenant, 30)
    tenant.page_size = 10
    server.fault(path="skiptoken", skip=1, before=tenant.tokens.expire)
    assert set(once(tenant).picture.users) == set(ids)


def test_pages_without_an_end_are_given_up(tenant, server):
    @server.get("/v1.0/endless")
    def endless(q):
        return {"value": [], "@odata.nextLink": f"{server.origin}/v1.0/endless?n={int(q.query['n']) + 1}"}
    server.fault(path="users/delta", body={"value": [], "@odata.nextLink": f"{server.origin}/v1.0/endless?n=0"})
    with Source(tenant, once=True) as s:
        assert s.wait() == 1 and any("without an end" in p for p in s.problems())
    assert not s.commits() and len(server.asked("endless")) < 1100


@pytest.mark.parametrize("list_", ["users", "members"])
def test_pages_in_a_circle_are_given_up(tenant, server, list_):
    """Each says something, and none of them is the last."""
    alice = tenant.add("alice", employeeId="1")
    group = tenant.add_group("linux users", alice)

    @server.get("/v1.0/circle")
    def circle(q):
        value = [tenant.objects["users"][alice] if list_ == "users" else {"@odata.type": "#microsoft.graph.user", "id": alice}]
        return {"value": value, "@odata.nextLink": f"{server.origin}/v1.0/circle?n={(int(q.query['n']) + 1) % 3}"}

    more = {"assigned_groups": [group]} if list_ == "members" else {}
    first = once(tenant, **more).picture.cursor
    cursor = once(tenant, cursor=first, **more).picture.cursor
    path = r"users/delta\?.*deltatoken" if list_ == "users" else f"groups/{group}/members"
    server.fault(path=path, body={"value": [], "@odata.nextLink": f"{server.origin}/v1.0/circle?n=0"}, times=None)
    with Source(tenant, once=True, cursor=cursor, **more) as s:
        assert s.wait() == 1 and s.problems()
    assert not s.commits() and len(server.asked("circle")) < 30


def test_killed_anywhere_and_started_again_nothing_is_lost_or_twice(tenant, server):
    ids = people(tenant, 40)
    group = tenant.add_group("linux users", *ids)
    tenant.page_size = 7
    picture, n = Picture(), 0
    for skip in range(12):
        fault = server.fault(stall=True, skip=skip)
        with Source(tenant, cursor=picture.cursor, assigned_groups=[group]) as s:
            wait.until(lambda: fault.hits or len(s.commits()) >= 2, "it to stand still")
            s.process.kill()
            s.wait()
            picture.at = 0
            picture.take(list(s.said))
        server.mend()
        fault.go_on()
        who = ids[skip]
        tenant.change(who, department=f"d{skip}")
        tenant.leave(group, ids[20 + skip])
        n += 1
    for _ in range(2):
        with Source(tenant, once=True, cursor=picture.cursor, assigned_groups=[group]) as s:
            assert s.wait() == 0
            picture.at = 0
            picture.take(list(s.said))
    assert set(picture.users) == set(ids[:20] + ids[32:])
    for k in range(n):
        assert f'"d{k}"' in json.dumps(picture.users[ids[k]])


# ---- rollcall source test ----

def test_the_test_names_what_is_missing_and_shows_ten(tenant):
    ids = people(tenant, 15)
    group = tenant.add_group("linux users", *ids)
    outer = tenant.add_group("Everybody", groups=[group])
    tenant.add("guest", userType="Guest")
    tenant.permissions -= {"User-LifeCycleInfo.Read.All", "IdentityRiskyUser.Read.All"}
    with Source(tenant, test=True, role=SIGNAL, assigned_groups=[group]) as s:
        assert s.wait() == 0
        found = {(f["what"], f["level"]): f["text"] for f in s.ops("finding")}
        assert "User-LifeCycleInfo.Read.All" in found["leave dates", "warning"]
        assert "IdentityRiskyUser.Read.All" in found["risk", "warning"]
        assert "15 direct members" in found["assigned group", "ok"]
        assert "employeeId 15" in found["attributes", "ok"] and "guest 1" in found["people", "ok"]
        assert len(s.users()) == 10 and not s.ops("begin")
        # In groups in groups too, each called as it is here; a role of the directory is none.
        assert {g["group"]["displayName"] for g in s.ops("group")} == {"linux-users", "g-" + outer.replace("-", "")[:30]}
        assert all({g["value"] for g in u["groups"]} == {group, outer} for u in s.users())
    tenant.permissions.discard("GroupMember.Read.All")
    with Source(tenant, test=True) as s:
        assert s.wait() == 1
        assert any("GroupMember.Read.All" in f["text"] and f["level"] == "error" for f in s.ops("finding"))
