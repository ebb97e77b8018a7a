# SPDX-License-Identifier: BSD-2-Clause
"""The okta source by itself, while the org fails in each way that it can: what it says, and what it never says."""
import json
import time

import pytest

import fake_okta
import pki
import web_source
from fake_web import link

PROGRAM = "/usr/libexec/rollcall/sources/rollcall-source-okta"
OURS = "urn:rollcall:1.0:User"


@pytest.fixture(scope="module")
def key():
    return pki.new_key("rsa")


@pytest.fixture
def okta(key):
    with fake_okta.Okta(key=key) as server:
        yield server


@pytest.fixture
def sources(key):
    made = []

    def make(okta, files=None, **options):
        given = {"org": okta.origin, "org_id": fake_okta.ORG_ID, "domain": ["example.com"], "poll": 1, "log_poll": 1}
        with open(okta.ca, encoding="ascii") as f:
            handed = {"ca_file": f.read(), **(files or {})}
        if "secret_file" not in handed:
            handed["key_file"] = pki.pem_of_key(key)
            given.update(client_id=fake_okta.CLIENT, key_id="k1")
        made.append(web_source.Source(PROGRAM, handed, **{**given, **options}))
        return made[-1]

    yield make
    for s in made:
        s.__exit__()


class Picture:
    """What the engine would know after the commits so far: status by name, members by group, drops by reason."""

    def __init__(self, said, picture=None):
        self.people, self.members, self.dropped, self.cursor, self.fulls = {}, {}, {}, None, 0
        if picture:
            self.people, self.members, self.dropped = dict(picture.people), {k: set(v) for k, v in picture.members.items()}, dict(picture.dropped)
        open_ = []
        for m in said:
            if m["op"] == "begin":
                open_ = [m]
            elif m["op"] == "commit":
                self._take(open_, m)
            else:
                open_.append(m)

    def _take(self, messages, commit):
        users = [m["user"]["id"] for m in messages if m["op"] == "user"]
        assert len(users) == commit["rows"] == len(set(users)), "the same person twice in a listing"
        assert commit["cursor"] != self.cursor
        begin = messages[0]
        if begin["mode"] == "full":
            self.fulls += 1
            if "since" in begin:
                assert begin["since"] == self.cursor
            else:
                self.people, self.members, self.dropped = {}, {}, {}
        for m in messages[1:]:
            if m["op"] == "user":
                u = m["user"]
                self.people[u["id"]] = (u["userName"], u[OURS]["status"])
                self.dropped.pop(u["id"], None)
            elif m["op"] == "dropped":
                self.dropped[m["id"]] = m["reason"]
                if m["id"] in self.people and self.people[m["id"]][1] != "terminated":
                    self.people[m["id"]] = (self.people[m["id"]][0], "refused")
            elif m["op"] == "problem" and m.get("terminated") and m.get("id") in self.people:
                self.people[m["id"]] = (self.people[m["id"]][0], "terminated")
            elif m["op"] in ("gone", "absent"):
                self.dropped.pop(m["id"], None)
                if self.people.get(m["id"], ("", "terminated"))[1] != "terminated":
                    self.people.pop(m["id"])
            elif m["op"] == "members":
                of = self.members.setdefault(m["group"], set())
                if "values" in m:
                    of.clear()
                of |= set(m.get("values", [])) | set(m.get("add", []))
                of -= set(m.get("remove", []))
        self.cursor = commit["cursor"]

    def status(self):
        return {name: status for name, status in self.people.values()}


def picture(s):
    return Picture(list(s.said))


def until(s, condition, what):
    return s.until(lambda s: condition(picture(s)), f"{what}; said last: {json.dumps(s.said[-3:])[:1500]}")


def staff(okta, n):
    return [okta.add(f"u{i}") for i in range(n)]


# ---- reading all ----

def test_all_are_read_by_pages_and_leavers_by_name(okta, sources):
    ids = staff(okta, 450)
    for i in ids[:3]:
        okta.lifecycle(i, "deactivate")
    okta.log.clear()
    g = okta.group("linux-users", ids[:430])
    s = sources(okta, once=True)
    assert s.wait() == 0, s.errors()
    p = picture(s)
    assert len(p.people) == 450 and p.fulls == 1 and len(s.commits()) == 1
    assert sorted(p.status().values()) == ["active"] * 447 + ["terminated"] * 3
    assert p.members[g] == set(ids[:430])
    assert okta.connections == 1
    assert [(m["done"], m["total"]) for m in s.ops("progress")][:2] == [(200, 447), (400, 447)]


FAULTS = {
    "429 by the limit": {"status": 429, "rate": (600, 0, "soon")},
    "429 by concurrency": {"status": 429, "rate": (0, 0, "soon"), "times": 2},
    "503": {"status": 503, "times": 2},
    "a body cut short": {"truncated": True},
    "an end of the connection": {"close": True},
    "a token that ends": {"before": "expire", "times": 1},
    "a token and a nonce that end": {"before": "renew", "times": 1},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_between_two_pages_loses_nobody_and_doubles_nobody(okta, sources, fault):
    ids = staff(okta, 500)
    okta.log.clear()
    what = dict(FAULTS[fault])
    if "rate" in what:
        what["rate"] = what["rate"][:2] + (int(time.time()) + 2,)
    if what.get("before") == "expire":
        what["before"] = okta.tokens.expire
    if what.get("before") == "renew":
        what["before"] = lambda: (okta.tokens.expire(), okta.tokens.renew_nonce())
    hit = okta.fault(path="/api/v1/users.*after", skip=1, **what)
    s = sources(okta, once=True)
    assert s.wait() == 0, s.errors()
    assert hit.hits > 0
    assert set(picture(s).people) == set(ids) and len(s.commits()) == 1


def test_a_listing_that_ends_early_or_never_is_not_taken(okta, sources):
    staff(okta, 500)
    circle = link(okta.origin + "/api/v1/users?limit=200&after=c200")
    for fault, words in (({"status": 400, "times": None}, "answered 400"),
                         ({"body": [], "headers": [circle], "times": None}, "come back to where they were"),
                         ({"body": {"not": "a list"}}, "no list"),
                         ({"short": True}, ""), ({"content_type": "text/html"}, "")):
        hit = okta.fault(path="/api/v1/users.*after", **fault)
        s = sources(okta, once=True)
        assert s.wait() == 1 and not s.commits(), fault
        assert any(words in p for p in s.problems()), s.problems()
        hit.stop()


def test_pages_that_overlap_and_are_empty_are_one_listing(okta, sources):
    ids = staff(okta, 300)
    okta.log.clear()
    moved = dict(okta.users[ids[0]], status="SUSPENDED")
    following = link(okta.origin + "/api/v1/users?limit=200&after=c200")
    okta.fault(path="/api/v1/users.*after=c200", body=[okta.users[ids[1]], moved], headers=[link(okta.origin + "/api/v1/users?limit=200&after=c199")])
    okta.fault(path="/api/v1/users.*after=c199", body=[], headers=[following])
    s = sources(okta, once=True)
    assert s.wait() == 0, s.problems()
    # The one who stood on two pages, not alike, was asked for by id: ACTIVE.
    assert picture(s).status() == {f"u{i}": "active" for i in range(300)}
    assert okta.asked(f"/api/v1/users/{ids[0]}")


def test_the_clock_of_the_org_is_what_its_times_are_compared_with(okta, sources):
    okta.skew = -240
    ids = staff(okta, 3)
    s = sources(okta)
    until(s, lambda p: len(p.people) == 3, "all of them")
    okta.change(ids[0], silent=True, login="renamed@example.com")
    until(s, lambda p: "renamed" in p.status(), "a change without an event")


# ---- what happens ----

def test_a_hint_is_no_word_and_the_object_is(okta, sources):
    ids = staff(okta, 4)
    okta.log.clear()
    s = sources(okta, poll=3600)
    until(s, lambda p: len(p.people) == 4, "all of them")
    okta.event("user.lifecycle.deactivate", ids[0])  # the object says ACTIVE
    okta.event("user.lifecycle.deactivate", ids[1], result="FAILURE")
    okta.lifecycle(ids[2], "deactivate")
    late = okta.lifecycle(ids[3], "suspend", silent=True) or okta.event("user.lifecycle.suspend", ids[3], published=time.time() - 7200, arrives=False)
    until(s, lambda p: p.status()["u2"] == "terminated", "u2 terminated")
    assert picture(s).status() == {"u0": "active", "u1": "active", "u2": "terminated", "u3": "active"}
    asked = len(okta.asked(f"/api/v1/users/{ids[1]}$"))
    okta.log.append(late)  # published two hours ago, and here by now
    until(s, lambda p: p.status()["u3"] == "disabled", "an event that comes late")
    assert len(okta.asked(f"/api/v1/users/{ids[1]}$")) == asked


def test_a_list_that_lags_behind_brings_nobody_back(okta, sources):
    ids = staff(okta, 5)
    s = sources(okta, poll=1, full_every=2)
    until(s, lambda p: len(p.people) == 5, "all of them")
    okta.lag = 3600
    okta.lifecycle(ids[0], "deactivate")
    until(s, lambda p: p.status()["u0"] == "terminated", "u0 terminated")
    at, fulls = len(s.said), picture(s).fulls
    until(s, lambda p: p.fulls >= fulls + 2, "two more whole listings")
    assert not [m for m in s.said[at:] if m["op"] == "user" and m["user"]["id"] == ids[0] and m["user"][OURS]["status"] == "active"]
    s.end()
    again = sources(okta, cursor=picture(s).cursor, full_every=1)
    again.until(lambda s: Picture(list(s.said)).fulls >= 2, "a process that remembers nothing to list all")
    assert not [m for m in again.users() if m["id"] == ids[0] and m[OURS]["status"] == "active"]


@pytest.mark.parametrize("status", [500, 403])
def test_one_who_cannot_be_read_keeps_nobody_else_in(okta, sources, status):
    ids = staff(okta, 4)
    okta.log.clear()
    s = sources(okta, poll=3600, timeout=4)
    until(s, lambda p: len(p.people) == 4, "all of them")
    hit = okta.fault(path=f"/api/v1/users/{ids[1]}$", status=status, body={"errorCode": "E0000006"}, times=None)
    for i in ids[:3]:
        okta.lifecycle(i, "deactivate", silent=True)
    okta.log += [okta.event("user.lifecycle.deactivate", i, arrives=False) for i in (ids[1], ids[0], ids[2])]
    until(s, lambda p: p.status()["u0"] == p.status()["u2"] == "terminated", "the two who can be read")
    assert hit.hits and picture(s).status()["u1"] == picture(s).status()["u3"] == "active"
    hit.stop()
    if status == 500:
        until(s, lambda p: p.status()["u1"] == "terminated", "the third")
    else:
        assert any("403" in p for p in s.problems()) and s.process.poll() is None


@pytest.mark.parametrize("fault", [{"status": 500}, {"content_type": "text/html"}], ids=["500", "no JSON"])
def test_one_whose_object_is_never_to_be_had_holds_up_no_listing_and_no_lock(okta, sources, fault):
    ids = staff(okta, 5)
    okta.log.clear()
    s = sources(okta, full_every=2)
    until(s, lambda p: p.fulls == 1, "all of them")
    hit = okta.fault(path=f"/api/v1/users/{ids[1]}$", times=None, **fault)
    okta.change(ids[1], title="x")
    s.until(lambda s: [m for m in s.ops("problem") if m.get("id") == ids[1] and "What is known stands" in m["text"]], "it to be said whom it is about")
    fulls, spoken = picture(s).fulls, len(s.ops("as_of"))
    okta.lifecycle(ids[0], "deactivate")
    until(s, lambda p: p.status()["u0"] == "terminated", "another one to be locked")
    until(s, lambda p: p.fulls >= fulls + 2 and len(s.ops("as_of")) > spoken, "listings and the time of what is known")
    assert picture(s).status()["u1"] == "active" and len([m for m in s.ops("problem") if m.get("id") == ids[1]]) == 1
    # What the list says of one who cannot be asked for is better than nothing.
    okta.lifecycle(ids[1], "deactivate")
    until(s, lambda p: p.status()["u1"] == "terminated", "the list's word")
    s.end()
    # Whoever is started again still knows of it.
    hit.stop()
    asked = len(okta.asked(f"/api/v1/users/{ids[1]}$"))
    okta.log.clear()
    t = sources(okta, once=True, cursor=s.commits()[-1]["cursor"])
    assert t.wait() == 0 and len(okta.asked(f"/api/v1/users/{ids[1]}$")) == asked + 1
    assert "late" not in json.loads(t.commits()[-1]["cursor"])


def test_somebody_to_be_locked_does_not_wait_for_the_end_of_a_listing(okta, sources):
    ids = staff(okta, 900)
    okta.log.clear()
    s = sources(okta, full_every=3, poll=1)
    until(s, lambda p: p.fulls == 1, "the first listing")
    okta.fault(path=r"/api/v1/users\?limit=200&after=c400", before=lambda: (okta.lifecycle(ids[7], "deactivate"), time.sleep(1.2)))
    until(s, lambda p: p.fulls == 2, "the second listing")
    said = list(s.said)
    told = next(n for n, m in enumerate(said) if m["op"] == "user" and m["user"]["id"] == ids[7] and m["user"][OURS]["status"] == "terminated")
    begun = [n for n, m in enumerate(said) if m["op"] == "begin" and m["mode"] == "full"]
    assert len(begun) == 3 and begun[1] < told < begun[2], (told, begun)


def test_a_reading_that_fails_among_the_groups_makes_nobody_a_stranger(okta, sources):
    ids = staff(okta, 5)
    okta.group("linux-users", ids)
    okta.log.clear()
    s = sources(okta, assigned_groups=["linux-users"], full_every=2, poll=1)
    until(s, lambda p: p.fulls == 1, "the first listing")
    hit = okta.fault(path="/api/v1/groups/.*/users", status=400, times=2, before=lambda: okta.change(ids[0], title="x"))
    until(s, lambda p: hit.hits == 2 and p.fulls >= 2, "a listing behind two that failed")
    assert not s.ops("dropped") and picture(s).status() == {f"u{i}": "active" for i in range(5)}


def test_a_listing_that_waits_for_its_limit_holds_nobody_up(okta, sources):
    ids = staff(okta, 900)
    okta.log.clear()
    s = sources(okta, full_every=3, poll=1)
    until(s, lambda p: p.fulls == 1, "the first listing")
    okta.limits[r"/api/v1/users"] = (2, 600)
    okta.spent[r"/api/v1/users"] = (okta.now(), 0)
    s.until(lambda s: okta.spent[r"/api/v1/users"][1] >= 2, "the limit to be used up")
    okta.lifecycle(ids[3], "deactivate")
    until(s, lambda p: p.status()["u3"] == "terminated", "u3, while all others wait")
    assert okta.spent[r"/api/v1/users"][1] >= 2 and picture(s).fulls == 1, "it was said after the wait"


def test_nothing_new_costs_one_request_a_poll_and_one_a_look_at_the_log(okta, sources):
    staff(okta, 3)
    okta.log.clear()
    s = sources(okta, poll=2, log_poll=1, member_groups=[])
    until(s, lambda p: len(p.people) == 3, "all of them")
    s.until(lambda s: len(s.ops("as_of")) >= 1, "the first look at changes")
    at, before = len(okta.requests), len(s.ops("as_of"))
    commits = len(s.commits())
    s.until(lambda s: len(s.ops("as_of")) >= before + 2, "two more")
    rest = [q.path for q in okta.requests[at:] if q.path != "/api/v1/logs"]
    assert set(rest) <= {"/api/v1/users"} and len(rest) <= len(s.ops("as_of")) - before + 1
    assert len(s.commits()) == commits


def test_killed_behind_any_commit_nothing_is_lost(okta, sources):
    ids = staff(okta, 30)
    g = okta.group("linux-users", ids[:20])
    s = sources(okta, assigned_groups=["linux-users"])
    until(s, lambda p: len(p.people) == 20, "all of them")
    for i in ids[:3]:
        okta.lifecycle(i, "deactivate")
    okta.leave(g, ids[4])
    okta.join(g, ids[25])
    okta.change(ids[6], login="renamed@example.com")
    okta.delete(ids[0])
    until(s, lambda p: p.status().get("renamed") and "u25" in p.status() and p.status()["u4"] == "refused" and
                 p.status()["u2"] == "terminated" and ids[25] in p.members["linux-users"] and ids[4] not in p.members["linux-users"], "all changes")
    s.end()
    whole = picture(s)
    said, ends = list(s.said), [n for n, m in enumerate(s.said) if m["op"] == "commit"]
    for end in ends[:: max(1, len(ends) // 6)] + ends[-1:]:
        before = Picture(said[:end + 1])
        t = sources(okta, once=True, cursor=before.cursor, assigned_groups=["linux-users"])
        assert t.wait() == 0, t.problems()
        after = Picture(list(t.said), before)
        assert after.fulls == 0, "all of it was read again"
        # The deletion of a leaver leaves whoever was terminated so.
        for p in (after, whole):
            p.people.pop(ids[0], None)
            p.members["linux-users"].discard(ids[0])
        assert after.status() == whole.status() and after.members == whole.members


def test_a_bookmark_that_the_org_takes_no_more_means_all_of_it_again(okta, sources):
    staff(okta, 3)
    s = sources(okta, once=True)
    assert s.wait() == 0
    okta.add("late", silent=True)
    hit = okta.fault(path="/api/v1/logs.*after", status=400, body={"errorCode": "E0000053", "errorSummary": "too old"})
    t = sources(okta, once=True, cursor=picture(s).cursor)
    assert t.wait() == 0 and hit.hits == 1
    assert picture(t).fulls == 1 and "late" in picture(t).status()


def test_a_name_stays_with_the_group_that_it_was_given_to(okta, sources):
    ids = staff(okta, 4)
    g = okta.group("linux-users", ids[:2])
    okta.group("linux-users-old", ids)
    s = sources(okta, once=True, member_groups=["linux-users"])
    assert s.wait() == 0 and picture(s).members == {"linux-users": set(ids[:2])}
    okta.groups[g]["profile"]["name"] = "linux-people"
    okta.group("linux-users", ids)
    time.sleep(1.1)
    t = sources(okta, once=True, member_groups=["linux-users"], full_every=1, cursor=picture(s).cursor)
    assert t.wait() == 0 and picture(t).members["linux-users"] == set(ids[:2])
    u = sources(okta, once=True, member_groups=["no-such"])
    assert u.wait() == 1 and 'has no group "no-such"' in u.problems()[0] and not u.commits()


def test_a_group_that_is_deleted_stops_nothing_else(okta, sources):
    ids = staff(okta, 3)
    okta.group("linux-users", ids)
    other = okta.group("printers", ids[:1])
    s = sources(okta, assigned_groups=["linux-users"], member_groups=["printers"], full_every=2)
    until(s, lambda p: p.fulls == 1 and len(p.people) == 3, "all of them")
    del okta.groups[other]
    fulls = picture(s).fulls
    until(s, lambda p: p.fulls >= fulls + 2, "two more whole listings")
    okta.lifecycle(ids[1], "deactivate")
    until(s, lambda p: p.status()["u1"] == "terminated", "a leaver")
    assert any("printers" in p and "not there" in p for p in s.problems()) and not s.ops("dropped")
    assert picture(s).members == {"linux-users": set(ids), "printers": set()}


def test_an_assigned_group_that_is_deleted_leaves_its_people_and_holds_up_no_lock(okta, sources):
    ids = staff(okta, 4)
    g = okta.group("linux-users", ids)
    s = sources(okta, assigned_groups=["linux-users"], full_every=2)
    until(s, lambda p: p.fulls == 1 and len(p.people) == 4, "all of them")
    group = okta.groups.pop(g)
    fulls = picture(s).fulls
    until(s, lambda p: p.fulls >= fulls + 2, "two more whole listings")
    okta.lifecycle(ids[1], "deactivate")
    okta.add("stranger")
    until(s, lambda p: p.status()["u1"] == "terminated", "a leaver")
    assert any("linux-users" in p and "is not in the org any more" in p for p in s.problems())
    assert not [m for m in s.ops("dropped") if m["id"] in ids] and picture(s).members["linux-users"] == set(ids)
    s.end()
    # A process that never saw who was in it takes away what is taken away, and nothing else.
    before = picture(s)
    okta.lifecycle(ids[2], "suspend")
    t = sources(okta, cursor=before.cursor, assigned_groups=["linux-users"], full_every=1)
    t.until(lambda t: [m for m in t.ops("gone") if m["id"] == ids[2] and m["status"] == "locked"], "who is suspended")
    okta.lifecycle(ids[3], "deactivate")
    t.until(lambda t: [m for m in t.ops("problem") if m.get("id") == ids[3] and m.get("terminated")], "who is deactivated")
    t.until(lambda t: Picture(list(t.said), before).fulls >= 2, "two whole listings")
    whole = [m for m in t.ops("problem") if "linux-users of assigned_groups is not in the org" in m["text"]]
    assert whole and not any("id" in m or m.get("warning") for m in whole), "nobody is absent in a listing that says so"
    assert not t.ops("dropped") and not t.ops("absent") and not t.users()
    group["members"].remove(ids[2])
    okta.groups[g] = group
    t.until(lambda t: (ids[2], "unassigned", "locked") in {(m["id"], m["reason"], m.get("status")) for m in t.ops("dropped")}, "who is out, once it is there again")


def test_a_group_that_is_not_there_at_the_beginning_lets_nobody_in_and_keeps_nobody_out(okta, sources):
    ids = staff(okta, 5)
    okta.group("linux-users", ids[:2])
    okta.group("linux-admins", ids[2:4])
    okta.lifecycle(ids[3], "suspend")
    wrong = ["linux-users", "linux-admin", "00gabcdefghijklmnopq"]  # a name with a typo, an id of another org
    s = sources(okta, assigned_groups=wrong)
    until(s, lambda p: p.status() == {"u0": "active", "u1": "active"}, "those of the other group")
    said = [m for m in s.ops("problem") if "id" not in m]
    assert all(any(g in m["text"] and "Write the name or the id" in m["text"] for m in said) for g in wrong[1:]), said
    assert not any(m.get("warning") or m.get("whole") for m in said) and not s.ops("dropped") and not s.ops("absent")
    s.end()
    # Mended, it counts with the first reading.
    t = sources(okta, cursor=picture(s).cursor, assigned_groups=["linux-users", "linux-admins"])
    t.until(lambda t: Picture(list(t.said), picture(s)).status().get("u2") == "active", "who is in the group that was meant")
    t.until(lambda t: [m for m in t.ops("dropped") if m["id"] == ids[4]], "who is in none of them")
    t.end()
    # None of them is there: nothing is read.
    u = sources(okta, once=True, assigned_groups=wrong[1:])
    assert u.wait() == 1 and not u.commits() and "linux-admin" in u.problems()[0] and "Write the name or the id" in u.problems()[0]
    v = sources(okta, test=True, assigned_groups=wrong)
    v.wait()
    assert [f for f in v.ops("finding") if f["level"] == "error" and "linux-admin of assigned_groups is not in the org" in f["text"]]


def test_a_group_whose_list_is_not_to_be_had_holds_up_no_listing_and_no_lock(okta, sources):
    ids = staff(okta, 4)
    g = okta.group("linux-users", ids[:3])
    printers = okta.group("printers", ids[:1])
    s = sources(okta, assigned_groups=["linux-users"], member_groups=["printers"], full_every=2)
    until(s, lambda p: p.fulls == 1 and len(p.people) == 3, "all of them")
    hits = [okta.fault(path=f"/api/v1/groups/{i}/users", content_type="text/html", times=None) for i in (g, printers)]
    fulls = picture(s).fulls
    until(s, lambda p: p.fulls >= fulls + 2, "whole listings")
    okta.lifecycle(ids[0], "deactivate")
    until(s, lambda p: p.status()["u0"] == "terminated", "u0")
    assert all(h.hits for h in hits) and any("linux-users cannot be read now" in p for p in s.problems())
    assert picture(s).members == {"linux-users": set(ids[:3]), "printers": set(ids[:1])}
    s.end()
    # A process that never read it does not know who is one of ours: it takes away what is taken away.
    before = picture(s)
    t = sources(okta, assigned_groups=["linux-users"], member_groups=["printers"], cursor=before.cursor)
    okta.lifecycle(ids[1], "deactivate")
    t.until(lambda t: [m for m in t.ops("problem") if m.get("id") == ids[1] and m.get("terminated")], "who is deactivated")
    assert not [m for m in t.ops("dropped") if m["id"] in ids[:3]] and not t.users()
    for h in hits:
        h.stop()
    okta.join(g, ids[3])
    t.until(lambda t: {"u2", "u3"} <= set(Picture(list(t.said), before).status()) and Picture(list(t.said), before).status()["u3"] == "active", "all, when it can be read")
    assert not [m for m in s.ops("dropped") + t.ops("dropped") if m["id"] in ids[:3]]


def test_who_is_suspended_is_out_whatever_else_is_wrong(okta, sources):
    ids = staff(okta, 3)
    g = okta.group("linux-users", ids)
    s = sources(okta, assigned_groups=["linux-users"])
    until(s, lambda p: len(p.people) == 3, "all of them")
    okta.leave(g, ids[0])
    until(s, lambda p: p.status()["u0"] == "refused", "u0 without the group")
    okta.lifecycle(ids[0], "suspend")
    s.until(lambda s: [m for m in s.ops("dropped") if m["id"] == ids[0] and m.get("status") == "locked"], "a word that ends the sessions")
    # An attribute that people may write themselves.
    okta.change(ids[1], displayName="x" * 5000)
    s.until(lambda s: [m for m in s.ops("problem") if m.get("id") == ids[1]], "u1 is not to be read, and stays as it was")
    assert picture(s).status()["u1"] == "active"
    okta.lifecycle(ids[1], "suspend")
    s.until(lambda s: [m for m in s.ops("gone") if m["id"] == ids[1] and m["status"] == "locked"], "that word here too")
    okta.change(ids[1], displayName="U 1")
    okta.lifecycle(ids[1], "unsuspend")
    until(s, lambda p: p.status().get("u1") == "active", "u1 back")
    assert not [m for m in s.ops("gone") if m["id"] == ids[2]]


def test_a_process_that_just_began_says_that_those_who_lost_the_groups_too_left(okta, sources):
    ids = staff(okta, 4)
    g = okta.group("linux-users", ids)
    for i, event in ((ids[0], "deactivate"), (ids[1], "suspend"), (ids[2], None)):
        okta.leave(g, i)
        if event:
            okta.lifecycle(i, event)
    s = sources(okta, once=True, assigned_groups=["linux-users"])
    assert s.wait() == 0 and picture(s).status() == {"u3": "active"}
    assert [(m["id"], m["status"]) for m in s.ops("gone")] == [(ids[0], "terminated")]
    assert {m["id"]: m.get("status") for m in s.ops("dropped")} == {ids[1]: "locked", ids[2]: None}


def test_an_org_with_a_small_limit_is_asked_as_slowly_as_it_wants(okta, sources):
    staff(okta, 3)
    okta.limits[r"/api/v1/logs"] = (20, 60)
    s = sources(okta, poll=3600, log_poll=1)
    until(s, lambda p: len(p.people) == 3, "all of them")
    first = okta.asked("/api/v1/logs")[0].time
    s.until(lambda s: len(okta.asked("/api/v1/logs")) >= 2, "a second look at the log")
    assert okta.asked("/api/v1/logs")[1].time - first >= 5.5, "two looks within half of 20 a minute"


# ---- credentials, and the test of a source ----

def test_an_api_token_does_too(sources):
    with fake_okta.Okta(token="00token") as okta:
        staff(okta, 3)
        s = sources(okta, {"secret_file": "00token\n"}, once=True, trace=True)
        assert s.wait() == 0 and len(picture(s).people) == 3
        assert "00token" not in s.errors() and "/api/v1/users" in s.errors()


def test_without_the_log_people_are_read_all_the_same_and_it_is_said(okta, sources):
    ids = staff(okta, 3)
    okta.forbidden.add(r"/api/v1/logs")
    s = sources(okta)
    until(s, lambda p: len(p.people) == 3, "all of them")
    assert any("okta.logs.read" in p for p in s.problems())
    okta.lifecycle(ids[0], "deactivate")
    until(s, lambda p: p.status()["u0"] == "terminated", "u0 by the list of changes")


def findings(s):
    return {(m["level"], m["what"]): m["text"] for m in s.ops("finding")}


def test_a_test_names_what_is_missing_and_shows_ten_people(okta, sources):
    ids = staff(okta, 15)
    okta.group("linux-users", ids[:12])
    s = sources(okta, test=True, assigned_groups=["linux-users"])
    assert s.wait() == 0, s.ops("finding")
    assert len(s.users()) == 10 and not s.commits() and not s.ops("begin")
    assert all(u["groups"] == [{"value": "linux-users"}] for u in s.users())
    assert not [level for level, _ in findings(s) if level == "error"]
    okta.forbidden.add(r"/api/v1/logs")
    s = sources(okta, test=True, domain=None)
    assert s.wait() == 1
    text = findings(s)[("error", "permission")]
    assert "okta.logs.read" in text and "E0000006" in text and "Read-Only Administrator" in text
    assert ("warning", "population") in findings(s) and ("warning", "names") in findings(s)


@pytest.mark.parametrize("org, words", [("https://acme.eu.auth0.com", "Auth0"), ("https://acme-admin.okta.com", "-admin"),
                                        ("http://acme.okta.com", "https://HOST")])
def test_what_is_no_org_of_employees_is_never_asked(okta, sources, org, words):
    s = sources(okta, org=org)
    assert s.wait() == 1 and words in s.problems()[0]
    assert not okta.requests
