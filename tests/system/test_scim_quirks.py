# SPDX-License-Identifier: BSD-2-Clause
"""rollcall-source-scim by itself against a server with the habits of vendors: what it says, and when
it says nothing."""
import os

import pytest

import fake_scim
import fake_web
from fake_scim import group, user
from web_source import Source

PROGRAM = os.environ.get("ROLLCALL_SCIM", "/usr/libexec/rollcall/sources/rollcall-source-scim")
NAMES = [f"p{i:02}" for i in range(25)]


@pytest.fixture
def server():
    with fake_scim.Scim(people=[user(n, i) for i, n in enumerate(NAMES)]) as s:
        yield s


@pytest.fixture
def scim(server):
    """Starts the source; what is open at the end is ended."""
    made = []

    def start(**options):
        given = {"url": server.url, "require_attributes": ["employeeNumber"], "paging": "auto", "page": 10, **options}
        token = given.pop("token", fake_scim.TOKEN)
        made.append(Picture(PROGRAM, files={"secret_file": token + "\n", "ca_file": open(server.ca, encoding="ascii").read()},
                            **given))
        return made[-1]

    yield start
    for s in made:
        s.__exit__()


class Picture(Source):
    """And what the engine would know from it: `people` id to User, `dropped`, `absent`, `members`, of what was
    committed."""

    def look(self):
        people, dropped, absent, members, held = {}, {}, set(), {}, []
        for m in list(self.said):
            if m["op"] == "begin":
                held = [m]
            elif m["op"] == "commit":
                assert m["rows"] == sum(h["op"] == "user" for h in held)
                if held[0]["mode"] == "full" and "since" not in held[0]:
                    people, dropped, absent, members = {}, {}, set(), {}
                for h in held[1:]:
                    if h["op"] == "user":
                        people[h["user"]["id"]] = h["user"]
                        absent.discard(h["user"]["id"])
                        dropped.pop(h["user"]["id"], None)
                    elif h["op"] == "dropped":
                        dropped[h["id"]] = h["reason"]
                        people.pop(h["id"], None)
                    elif h["op"] == "absent":
                        absent.add(h["id"])
                    elif h["op"] == "members":
                        members.setdefault(h["group"], []).extend(h["values"])
                held = []
            elif held:
                held.append(m)
        return people, dropped, absent, members

    def names(self):
        people, _, absent, _ = self.look()
        return {u["userName"] for i, u in people.items() if i not in absent}

    def whole(self):
        """Committed listings that are no delta."""
        got, mode = 0, None
        for m in list(self.said):
            mode = m.get("mode", mode)
            got += m["op"] == "commit" and mode == "full"
        return got

    def knows(self, names):
        self.until(lambda s: s.names() == set(names), f"exactly {sorted(names)}: {self.names()}")
        return self

    def says(self, *words):
        self.until(lambda s: any(all(w in p for w in words) for p in s.problems()), f"{words}: {self.problems()}")
        return self

    def refreshed(self):
        """Something was read after now: a listing, or that all is as it was."""
        n = len(self.commits()) + len(self.ops("as_of"))
        self.until(lambda s: len(s.commits()) + len(s.ops("as_of")) > n + 1, "two more readings")
        return self


def status(picture, name):
    one = picture.look()[0].get("id-" + name, {})
    return one.get("urn:rollcall:1.0:User", {}).get("status") or ("active" if one.get("active") else None)


# ---- pages ----

HABITS = {
    "as most": {},
    "the total is a text": {"total": "string"},
    "no total": {"total": "absent"},
    "the total is the page's": {"total": "page"},
    "the total is too large": {"total": 400},
    "the total is too small": {"total": 3},
    "pages are smaller than asked": {"cap": 7},
    "pages are smaller than asked and the total is theirs": {"cap": 7, "total": "page"},
    "an error behind the end": {"beyond_is_400": True},
    "cursors that are announced": {"cursors": True, "discovery": True},
    "cursors without a total": {"cursors": True, "discovery": True, "total": "absent"},
    "cursors that nobody asked for": {"cursors": True},
    "a discovery": {"discovery": True},
    "no filters": {"filters": set()},
    "filters are passed over": {"passes_filters": True},
    "disabled people are not listed": {"hides_inactive": True},
    "names in capitals": {"spelling": str.upper},
    "names in small letters": {"spelling": str.lower},
    "entity tags": {"etags": True},
}


@pytest.mark.parametrize("habit", HABITS)
def test_everybody_is_read_whatever_the_server_says_of_its_pages(server, scim, habit):
    for name, value in HABITS[habit].items():
        setattr(server, name, value)
    server.add(user("gone", 90, active=False))
    s = scim(once=True)
    assert s.wait() == 0, s.problems() + [s.errors()]
    assert s.names() == set(NAMES) | {"gone"} and status(s, "gone") == "disabled" and status(s, "p00") == "active"


def test_a_server_that_gives_its_first_page_again_is_refused_and_nothing_is_said(server, scim):
    server.ignores_start = True
    s = scim(once=True)
    assert s.wait() == 1 and not s.commits()
    s.says("ignores startIndex")
    # Where all fit into the first page, nothing is behind it.
    assert scim(once=True, page=100).knows(NAMES).wait() == 0


@pytest.mark.parametrize("body", [{}, [], {"Resources": {}}, {"Resources": 3, "totalResults": 0}, {"status": "401"}])
def test_an_answer_that_is_no_list_is_nobody_in_no_case(server, scim, body):
    server.fault(path="/Users", skip=1, times=None, body=body, status=200, content_type=fake_scim.TYPE)
    s = scim(once=True)
    assert s.wait() == 1 and not s.commits()
    s.says("no list of SCIM's")


def test_an_empty_list_and_a_wrong_address_are_not_nobody(server, scim):
    s = scim(url=server.origin + "/scim", once=True)
    assert s.wait() == 1 and not s.commits()
    s.says("404", "not the same as nobody")
    server.people.clear()
    s = scim(once=True)
    assert s.wait() == 1 and not s.commits()
    s.says("the list is empty")


def test_a_cursor_that_ran_out_begins_the_list_again(server, scim):
    server.cursors = server.discovery = True
    for kind in ("expiredCursor", "invalidCursor"):
        server.fault(path="cursor=c10", body={"scimType": kind, "status": "400"}, status=400, content_type=fake_scim.TYPE)
        s = scim(once=True)
        assert s.wait() == 0, s.problems()
        assert s.names() == set(NAMES) and len(s.commits()) == 1
    server.fault(path="cursor=c10", times=None, body={"scimType": "expiredCursor", "status": "400"}, status=400)
    s = scim(once=True)
    assert s.wait() == 1 and not s.commits()


def test_a_cursor_that_leads_to_itself_ends(server, scim):
    server.cursors = server.discovery = True
    server.fault(path="cursor=c10", times=None, body={"Resources": [user("p01", 1)], "nextCursor": "c10"})
    s = scim(once=True)
    assert s.wait() == 1 and not s.commits()
    s.says("does not end")


def test_paging_by_cursor_falls_back_only_where_it_may(server, scim):
    s = scim(paging="cursor", once=True)
    assert s.wait() == 1 and not s.commits()
    s.says("ends early")
    server.discovery, server.cursors = True, True
    server.fault(path="ServiceProviderConfig", times=None,
                 body={"pagination": {"cursor": True}}, content_type=fake_scim.TYPE)
    server.cursors = False
    assert scim(once=True).knows(NAMES).wait() == 0


def test_a_page_that_is_too_large_is_asked_for_in_halves(server, scim):
    server.fault(path="count=10", times=None, body={"scimType": "invalidCount", "status": "400"}, status=400)
    assert scim(once=True).knows(NAMES).wait() == 0


# ---- who is there ----

def test_somebody_who_slips_through_between_two_pages_is_not_absent(server, scim):
    def deletes(name):
        """Once page 1 was read: everybody behind moves up, and p11 (p10) is on page 2 no more."""
        def on_page(page):
            if page == 2 and "id-" + name in server.people:
                server.remove(name)
        return on_page

    server.on_page, server.filters = deletes("p01"), set()
    s = scim().knows(NAMES)  # in the very first listing: the totals do not agree, and a second look finds p10
    s.knows(set(NAMES) - {"p01"})
    s.until(lambda s: s.whole() >= 3, "three whole listings")
    server.requests.clear()
    server.on_page = deletes("p02")
    s.knows(set(NAMES) - {"p01", "p02"})
    assert server.asked("/Users/id-p11$"), "nobody slipped through"
    assert {m["id"] for m in s.ops("absent")} == {"id-p01", "id-p02"}


def test_one_who_cannot_be_had_holds_up_nobody_else(server, scim):
    s = scim(full_every=1)
    s.knows(NAMES)
    server.fault(path="/Users/id-p03$", status=500, times=None)
    gone = server.hidden = {"id-p03"}
    s.says("What is known stands")
    server.change("p05", active=False)
    s.until(lambda s: status(s, "p05") == "disabled", "p05 to be disabled")
    assert "id-p03" not in s.look()[2] and {m.get("id") for m in s.ops("problem") if "stands" in m["text"]} == gone
    server.mend()
    server.people.pop("id-p03")
    s.until(lambda s: "id-p03" in s.look()[2], "it to be absent, once it is known to be")


def test_whoever_was_deleted_is_asked_for_by_id_and_said_once(server, scim):
    s = scim().knows(NAMES)
    server.remove("p03")
    s.knows(set(NAMES) - {"p03"})
    assert server.asked("/Users/id-p03$")
    n = s.whole()
    s.until(lambda s: s.whole() > n, "the listing that agrees")
    assert len(s.ops("absent")) == 1
    server.add(user("p03", 3))
    s.knows(NAMES)


def test_many_who_are_missing_are_looked_for_in_a_second_pass(server, scim):
    server.people = {u["id"]: u for u in [user(f"q{i:03}", i) for i in range(150)]}
    s = scim(page=50)
    s.until(lambda s: len(s.names()) == 150 and s.whole() >= 2, "all of them")
    for i in range(120):
        server.remove(f"q{i:03}")
    s.until(lambda s: len(s.names()) == 30, "those who are left")
    assert not server.asked("/Users/id-")


def test_a_missing_one_that_cannot_be_asked_for_is_not_said(server, scim):
    s = scim().knows(NAMES)
    s.until(lambda s: s.whole() >= 2, "two whole listings")
    fault = server.fault(path="/Users/id-", times=None, status=403)
    server.filters = set()
    server.remove("p03")
    s.says("403")
    assert not s.ops("absent")
    fault.stop()


def test_disabled_people_who_are_in_no_list_are_found_and_locked(server, scim):
    server.hides_inactive = True
    s = scim().knows(NAMES)
    server.change("p05", active=False)
    s.until(lambda s: status(s, "p05") == "disabled", "p05 to be disabled")
    server.filters = {"modified"}
    server.change("p06", active=False)  # not even asked for: only its own address says it
    s.until(lambda s: status(s, "p06") == "disabled", "p06 to be disabled")
    assert not s.ops("absent")


def test_a_change_costs_two_questions_where_the_server_can_say_who_changed(server, scim):
    server.add(user("gone", 90, active=False))
    s = scim(page=100, groups_from="users")
    s.until(lambda s: s.whole() >= 2 and len(s.commits() + s.ops("as_of")) >= 3, "an increment")
    server.requests.clear()
    s.refreshed()
    asked = server.asked("/Users")
    assert len(asked) >= 4 and all("meta.lastModified" in r.query.get("filter", "") or r.query["count"] == "0" for r in asked), asked
    server.change("p07", userName="p07.new")
    s.knows(set(NAMES) - {"p07"} | {"p07.new", "gone"})
    assert s.look()[0]["id-p07"]["userName"] == "p07.new"  # the same id
    assert s.ops("begin")[-1]["mode"] == "delta"
    # How many there are shows that somebody was deleted, though no filter does.
    server.remove("p08")
    s.knows(set(NAMES) - {"p07", "p08"} | {"p07.new", "gone"})
    assert s.ops("begin")[-1]["mode"] == "full"


def test_a_time_to_come_hides_nobody_elses_change(server, scim):
    server.add(user("gone", 90, active=False))  # so that nobody asks for these alone
    server.people["id-p00"]["meta"]["lastModified"] = "2099-01-01T00:00:00Z"
    s = scim(page_size=100, groups_from="users")
    s.until(lambda s: s.whole() >= 2 and len(s.commits() + s.ops("as_of")) >= 3, "an increment")
    server.change("p07", active=False)
    s.until(lambda s: status(s, "p07") == "disabled", "p07 to be disabled")


def test_who_loses_the_marker_and_is_disabled_in_one_go_is_locked(server, scim):
    s = scim().knows(NAMES)
    server.change("p05", active=False, **{fake_scim.ENTERPRISE: {}})
    server.change("p06", **{fake_scim.ENTERPRISE: {}})
    s.until(lambda s: ends(s) == {"id-p05": "disabled", "id-p06": None}, "both")
    server.change("p06", active=False)
    s.until(lambda s: ends(s) == {"id-p05": "disabled", "id-p06": "disabled"}, "p06 to be disabled too")
    assert not s.ops("problem")
    t = scim(once=True)  # a process that just began
    assert t.wait() == 0 and ends(t) == ends(s)


def test_a_list_that_is_as_it_was_is_not_read_again(server, scim):
    server.etags, server.groups = True, {"g-a": group("a", "p00")}
    s = scim(page=100)
    s.until(lambda s: s.ops("as_of"), "nothing new")
    server.requests.clear()
    s.refreshed()
    assert server.asked() and all("if-none-match" in r.headers for r in server.asked("Users|Groups")[:-1])
    server.change("p01", active=False)
    s.until(lambda s: status(s, "p01") == "disabled", "p01 to be disabled")


# ---- groups ----

def test_assigned_groups_count_through_groups_in_groups(server, scim):
    server.groups = {g["id"]: g for g in [group("linux", "p00", "@ops"), group("ops", "p01", "@linux", "@deep"),
                                          group("deep", "p02"), group("other", "p03")]}
    s = scim(assigned_groups=["g-linux"], require_attributes=None)
    s.knows({"p00", "p01", "p02"})
    people, dropped, _, members = s.look()
    assert dropped["id-p03"] == "unassigned" and len(dropped) == 22
    assert members["g-linux"] == ["id-p00", "g-ops"]
    # Who comes into a group did not change; who was in it is left out, and who is disabled in the
    # same go is said to be.
    server.groups["g-deep"]["members"] = [{"value": "id-p04"}]
    s.knows({"p00", "p01", "p04"})
    assert s.look()[1]["id-p02"] == "unassigned"
    server.groups["g-deep"]["members"] = []
    server.change("p04", active=False)
    s.until(lambda s: ends(s).get("id-p04") == "disabled", "p04 to be disabled")
    # A process that just began knows nothing of whom it said as a person before.
    t = scim(assigned_groups=["g-linux"], require_attributes=None, once=True)
    assert t.wait() == 0 and ends(t)["id-p04"] == "disabled" and ends(t)["id-p02"] is None


def ends(picture):
    """What was said last, beside being left out."""
    return {m["id"]: m.get("status") for m in picture.ops("dropped")}


@pytest.mark.parametrize("assigned, words", [("g-gone", "no group of assigned_groups is on the server (the first is g-gone)"), ("g-empty", "nobody is in")])
def test_a_beginning_with_nobody_in_any_assigned_group_reads_nothing(server, scim, assigned, words):
    server.groups = {"g-empty": group("empty"), "g-full": group("full", "p00")}
    s = scim(assigned_groups=[assigned], once=True)
    assert s.wait() == 1 and not s.commits()
    s.says(words)


def test_a_group_that_is_not_there_at_the_beginning_lets_nobody_in_and_keeps_nobody_out(server, scim):
    server.groups = {"g-linux": group("linux", "p00", "p01"), "g-full": group("full", "p02")}
    server.change("p03", active=False)
    s = scim(assigned_groups=["g-linux", "full"], require_attributes=None, full_every=1)
    s.until_commits(2)
    said = [m for m in s.ops("problem") if "id" not in m]
    assert said and all("the group full of assigned_groups" in m["text"] and "Write the id (not the name)" in m["text"] for m in said)
    assert not any(m.get("warning") for m in said)
    assert s.names() == {"p00", "p01"} and not s.ops("dropped") and not s.ops("absent")
    assert {m["id"] for m in s.ops("problem") if m.get("terminated")} == {"id-p03"}
    s.end()
    # Mended, it counts with the first reading.
    t = scim(assigned_groups=["g-linux", "g-full"], require_attributes=None, full_every=1, cursor=s.commits()[-1]["cursor"])
    t.knows({"p00", "p01", "p02"})
    assert t.look()[1]["id-p04"] == "unassigned"
    u = scim(assigned_groups=["g-linux", "full"], require_attributes=None, test=True)
    u.wait()
    assert [f for f in u.ops("finding") if f["level"] == "error" and "the group full" in f["text"] and "not the name" in f["text"]]


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_an_assigned_group_that_vanishes_leaves_its_people_and_holds_up_no_lock(server, scim, how):
    server.groups = {"g-linux": group("linux", "p00", "p01", "p02")}
    s = scim(assigned_groups=["g-linux"], require_attributes=None, full_every=1)
    s.knows({"p00", "p01", "p02"})
    dropped = len(s.ops("dropped"))
    kept = server.groups.pop("g-linux")
    if how == "emptied":
        server.groups["g-linux"] = group("linux")
    s.says("What was read before stands" if how == "emptied" else "g-linux of assigned_groups is not on the server any more: whoever was in it stays")
    server.change("p01", active=False)
    s.until(lambda s: status(s, "p01") == "disabled", "p01 to be disabled")
    assert len(s.ops("dropped")) == dropped and s.names() == {"p00", "p01", "p02"}
    s.end()
    # A process that never saw who was in it takes away what is taken away, and nothing else.
    t = scim(assigned_groups=["g-linux"], require_attributes=None, full_every=1, cursor=s.commits()[-1]["cursor"])
    t.until_commits(2)
    server.change("p02", active=False)
    t.until(lambda t: status(t, "p02") == "disabled" or [m for m in t.ops("problem") if m.get("id") == "id-p02" and m.get("terminated")], "p02")
    assert not t.ops("dropped") and not t.ops("absent") and {u["userName"] for u in t.users()} <= {"p01", "p02"}
    assert sum("id" not in m and not m.get("warning") for m in t.ops("problem")) >= 2, "nobody is absent in a listing that says so"
    kept["members"] = [m for m in kept["members"] if m["value"] != "id-p02"]
    server.groups["g-linux"] = kept
    t.knows({"p00", "p01"})
    t.until(lambda t: ("id-p02", "unassigned", "disabled") in {(m["id"], m["reason"], m.get("status")) for m in t.ops("dropped")}, "p02, who is out")


def test_groups_may_be_said_by_each_user(server, scim):
    server.lists_groups = False
    server.change("p00", groups=[{"value": "g-linux", "display": "Linux"}])
    s = scim(assigned_groups=["g-linux"], groups_from="users", once=True)
    assert s.wait() == 0
    assert s.names() == {"p00"} and s.look()[0]["id-p00"]["groups"] == [{"value": "g-linux"}]
    assert [m["group"] for m in s.ops("group")] == [{"id": "g-linux", "displayName": "Linux"}]
    assert scim(assigned_groups=["g-linux"], once=True).wait() == 1  # there is no /Groups


# ---- populations ----

def test_nothing_in_scim_says_employee_so_somebody_has_to(server, scim):
    s = scim(require_attributes=["title"], once=True)
    assert s.wait() == 1 and not server.requests
    s.says("nothing in SCIM says whether a User is an employee or a customer")
    s = scim(url="https://acme.eu.auth0.com/scim/v2", once=True)
    assert s.wait() == 1
    s.says("customers", "apart from rollcall")


def test_guests_and_customers_are_left_out_with_their_reason(server, scim):
    server.add(user("guest", 80, userType="Guest"), user("shop", None), user("ext", 81, userType="external"))
    s = scim(once=True)
    assert s.wait() == 0 and s.names() == set(NAMES)
    assert s.look()[1] == {"id-guest": "guest", "id-shop": "no-marker", "id-ext": "external"}
    s = scim(once=True, require_attributes=None, user_types=["employee"])
    assert s.wait() == 0 and s.look()[1] == {"id-guest": "user-type", "id-ext": "user-type"}


def test_a_person_without_active_stands_as_before_and_nobody_new_gets_in(server, scim):
    s = scim().knows(NAMES)
    server.add(user("new", 80, active=None))
    del server.people["id-p00"]["active"]
    server.change("p00")
    s.says("active is missing")
    s.refreshed()
    assert s.names() == set(NAMES) and status(s, "p00") == "active" and not s.ops("absent")
    assert {m["id"] for m in s.ops("problem")} == {"id-new", "id-p00"}


# ---- faults ----

FAULTS = {
    "401": {"status": 401}, "403": {"status": 403}, "page cut short": {"truncated": True}, "short": {"short": True},
    "another type": {"content_type": "text/html"}, "a member twice": {"body": b'{"Resources":[],"Resources":[{"id":"x"}]}'},
    "bytes that are no text": {"body": b'{"Resources":[{"id":"\xff"}]}'}, "a NUL": {"body": b'{"Resources":[{"id":"a\\u0000"}]}'},
    "deep": {"body": b'{"Resources":' + b"[" * 500 + b"]" * 500 + b"}"}, "a number out of range": {"body": b'{"totalResults":1e999}'},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_fails_changes_nothing_and_is_read_again(server, scim, fault):
    what = dict(FAULTS[fault])
    if "body" in what:
        what["content_type"] = fake_scim.TYPE
    server.fault(path="startIndex=11", times=None if fault in ("page cut short", "short") else 4, **what)
    s = scim(once=True, timeout=4)
    assert s.wait() == 1, s.said
    assert not s.commits() and s.problems()
    assert fake_scim.TOKEN not in s.errors() + str(s.said)
    server.mend()
    assert scim(once=True).knows(NAMES).wait() == 0


def test_a_server_in_trouble_is_waited_for(server, scim):
    server.fault(path="startIndex=11", status=503, retry_after=0)
    server.fault(path="startIndex=21", status=429, retry_after=0)
    assert scim(once=True).knows(NAMES).wait() == 0


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere(server, scim):
    with fake_web.Server(ca=server.ca_of) as other:
        server.fault(path="startIndex=11", times=None, redirect=other.origin + "/scim/v2/Users?startIndex=11")
        s = scim(once=True)
        assert s.wait() == 1 and not s.commits() and not other.requests
        s.says("302")


def test_a_source_that_is_killed_says_all_of_it_again(server, scim):
    stall = server.fault(path="startIndex=11", stall=True)
    s = scim()
    s.until(lambda s: stall.hits, "the second page")
    s.process.kill()
    s.wait()
    assert not s.commits()
    stall.go_on()
    s = scim(once=True).knows(NAMES)
    assert s.wait() == 0 and s.look()[0].keys() == {"id-" + n for n in NAMES}
    again = scim(once=True, cursor=s.commits()[-1]["cursor"]).knows(NAMES)
    assert again.wait() == 0 and again.commits()[-1]["cursor"] != s.commits()[-1]["cursor"]


@pytest.mark.parametrize("way", ["Basic", "OAuth"])
def test_other_ways_to_sign_in(server, scim, way):
    if way == "Basic":
        server.guard = fake_web.Basic("sync", fake_scim.TOKEN)
        options = {"user": "sync"}
    else:
        server.guard = fake_web.Bearer("made-token")
        server.post("/token", lambda r: {"access_token": "made-token", "token_type": "Bearer", "expires_in": 300}
                    if fake_web.Basic("app", fake_scim.TOKEN)(r) is None else (401, {"error": "invalid_client"}),
                    open_to_all=True)
        options = {"client_id": "app", "token_url": server.origin + "/token"}
    assert scim(once=True, **options).knows(NAMES).wait() == 0


# ---- rollcall source test ----

def test_a_look_says_what_is_there_and_what_is_missing(server, scim):
    server.groups = {"g-a": group("a", "p00")}
    server.add(user("shop"))
    s = scim(test=True, page=100)
    assert s.wait() == 0, s.said
    found = {(m["level"], m["what"]): m["text"] for m in s.ops("finding")}
    assert "25 have an employeeNumber" in found["warning", "coverage"]
    assert "groups can be read: 1" in found["ok", "permissions"]
    assert "no-marker" in found["ok", "population"]
    assert len(s.users()) == 10 and not s.commits() and not s.ops("begin")
    server.fault(path="/Groups", times=None, status=403)
    s = scim(test=True)
    assert s.wait() == 1
    assert any(m["what"] == "permissions" and "groups cannot be read" in m["text"] for m in s.ops("finding"))
    s = scim(test=True, token="wrong")
    assert s.wait() == 1 and any(m["what"] == "credential" and m["level"] == "error" for m in s.ops("finding"))
