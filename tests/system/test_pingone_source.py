# SPDX-License-Identifier: BSD-2-Clause
"""rollcall-source-pingone by itself: what it says of an environment, and what it makes of every fault."""
import os

import pytest

import fake_pingone as fake
import web_source

PROGRAM = os.environ.get("ROLLCALL_PINGONE", "/usr/libexec/rollcall/sources/rollcall-source-pingone")
PEOPLE = 30


@pytest.fixture
def server():
    with fake.PingOne() as s:
        s.page = 7
        for n in range(PEOPLE):
            s.put(fake.user(n + 1, f"u{n}@acme.example"))
        yield s


def source(server, **more):
    files = {"ca_file": open(server.ca, encoding="ascii").read(), "secret_file": fake.SECRET + "\n"}
    return web_source.Source(PROGRAM, files, **fake.options(server, **more))


def once(server, **more):
    """What one listing said, or its refusals."""
    with source(server, once=True, **more) as s:
        s.status = s.wait()
        return s


def whole(s, people=PEOPLE):
    return s.status == 0 and len(s.commits()) == 1 and s.commits()[0]["rows"] == people and \
        len({u["id"] for u in s.users()}) == len(s.users()) == people


def listings(s):
    """Of each listing that was committed: its mode, whether it is a difference, and what it said."""
    all_, now = [], None
    for m in list(s.said):
        if m["op"] == "begin":
            now = {"mode": m["mode"], "since": m.get("since"), "said": []}
        elif m["op"] == "commit":
            all_.append({**now, "cursor": m["cursor"]})
        elif m["op"] in ("user", "absent", "gone", "dropped", "group"):
            now["said"].append((m["op"], m.get("id") or m[m["op"]]["id"]))
    return all_


def test_short_pages_are_followed_to_the_end_over_one_connection(server):
    s = once(server)
    assert whole(s), s.errors()
    assert server.connections == 1
    assert all(u["groups"] == [{"value": fake.USERS}] for u in s.users())
    assert {g["group"]["displayName"] for g in s.ops("group")} == {"linux-users", "linux-admins"}


def test_a_reading_tells_how_far_it_is(server):
    server.page = 500
    for n in range(2100 - PEOPLE):
        server.people[f"b0000000-0000-4000-8000-{n:012d}"] = {**fake.user(5000 + n, f"w{n}@acme.example"), "id": f"b0000000-0000-4000-8000-{n:012d}"}
    s = once(server)
    assert s.status == 0 and [(m["done"], m["total"]) for m in s.ops("progress")] == [(1000, 2100), (2000, 2100)]


def test_no_person_has_an_end_for_pingone_has_no_leave_dates(server):
    ours = "urn:rollcall:1.0:User"
    assert all(set(u[ours]) == {"status"} for u in once(server).users())


def test_what_did_not_change_is_not_said_again_and_who_vanished_is_absent(server):
    first, second = list(server.people)[:2]
    with source(server, poll=1) as s:
        s.until_commits(2)
        server.people[first]["lastSignOn"] = {"at": "2026-11-26T00:00:00Z"}
        server.people[second]["username"] = "renamed@acme.example"
        del server.people[list(server.people)[-1]]
        s.until(lambda s: s.ops("absent"), "somebody to be absent")
        s.until_commits(len(s.commits()) + 1)
    all_ = listings(s)
    assert all_[0]["since"] is None and len(all_[0]["said"]) == PEOPLE + 2
    assert all_[1]["said"] == [] and all_[1]["since"] == all_[0]["cursor"]
    assert sorted(m for l in all_[1:] for m in l["said"]) == \
        [("absent", "a0000000-0000-4000-8000-000000000030"), ("user", second)]


def test_a_log_with_nothing_new_costs_one_request(server):
    with source(server, poll=20) as s:
        s.until_commits()
        s.until(lambda s: len(server.asked("/activities")) >= 2, "two looks at the log")
        quiet = server.requests[[r.path for r in server.requests].index(server.asked("/activities")[1].path):]
        assert {r.path for r in quiet if "/users/" not in r.path} == {f"/v1/environments/{fake.ENV}/activities"}
        assert len(s.commits()) == 1


def test_the_log_is_a_hint_and_the_user_the_truth(server):
    ids = list(server.people)
    with source(server, poll=20) as s:
        s.until_commits()
        server.change(ids[0], enabled=False)
        server.note("USER.UPDATED", ids[1])  # says so; nothing changed
        server.note("USER.DELETED", ids[2])  # says so; the user is there
        server.delete(ids[3])
        server.put(server.people[ids[4]], groups=(fake.USERS, fake.ADMINS), action="")  # the membership alone is told
        s.until(lambda s: s.ops("gone"), "the deletion")
        s.until(lambda s: len(s.users()) >= PEOPLE + 2, "the changes")
    all_ = listings(s)
    assert [l["mode"] for l in all_[1:]] == ["delta"] * len(all_[1:])
    assert sorted(m for l in all_[1:] for m in l["said"]) == sorted([("user", ids[0]), ("gone", ids[3]), ("user", ids[4])])
    assert s.ops("gone")[0]["status"] == "locked"
    assert {g["value"] for g in s.users()[-1]["groups"]} | {g["value"] for g in s.users()[-2]["groups"]} == {fake.USERS, fake.ADMINS}


def test_a_group_that_one_is_in_by_another_group_stays_though_the_user_does_not_name_it(server):
    one, two = list(server.people)[:2]
    server.members[fake.USERS] -= {one, two}
    server.indirect[fake.USERS] = {one, two}
    with source(server, poll=20) as s:
        s.until_commits()
        server.change(one, enabled=False)
        s.until(lambda s: len(s.users()) > PEOPLE, "the change")
        assert s.users()[-1]["groups"] == [{"value": fake.USERS}]
        server.indirect[fake.USERS] = {one}
        server.change(two, enabled=False)
        s.until(lambda s: len(s.users()) > PEOPLE + 1, "the change")
        assert s.users()[-1]["id"] == two and s.users()[-1]["groups"] == []


def test_an_assigned_group_that_is_deleted_leaves_its_people_and_holds_up_no_lock(server):
    one, two, three = list(server.people)[:3]
    with source(server, poll=1, assigned_groups=[fake.USERS]) as s:
        s.until_commits()
        members = server.members.pop(fake.USERS)
        name = server.names.pop(fake.USERS)
        at = len(s.commits())
        s.until_commits(at + 2)
        server.change(one, enabled=False)
        s.until(lambda s: s.users()[-1]["id"] == one and len(s.users()) > PEOPLE, "who is disabled")
        assert s.users()[-1]["urn:rollcall:1.0:User"]["status"] == "disabled" and s.users()[-1]["groups"]
        s.until_commits(len(s.commits()) + 2)
    assert not s.ops("dropped") and not s.ops("absent") and any("is not in the environment any more" in p for p in s.problems())
    # A process that never saw who was in it takes away what is taken away, and nothing else.
    with source(server, poll=1, assigned_groups=[fake.USERS], cursor=s.commits()[-1]["cursor"]) as t:
        t.until_commits(2)
        server.change(two, enabled=False)
        t.until(lambda t: {m.get("id") for m in t.ops("problem") if m.get("terminated")} == {one, two}, "who is disabled")
        t.until_commits(len(t.commits()) + 1)
        assert not t.users() and not t.ops("dropped") and not t.ops("absent")
        assert sum("id" not in m and not m.get("warning") for m in t.ops("problem")) >= 2, "nobody is absent in a listing that says so"
        server.members[fake.USERS], server.names[fake.USERS] = members - {two}, name
        t.until(lambda t: len(t.users()) == PEOPLE - 1 and t.ops("dropped"), "all of them, once it is there again")
        assert {(m["id"], m["reason"], m["status"]) for m in t.ops("dropped")} == {(two, "unassigned", "disabled")}


def test_a_group_that_is_not_there_at_the_beginning_lets_nobody_in_and_keeps_nobody_out(server):
    one, two, three = list(server.people)[:3]
    wrong = "b0000000-0000-4000-8000-000000000099"
    server.members[fake.USERS] = {one, two}
    server.change(three, enabled=False)
    with source(server, poll=1, assigned_groups=[fake.USERS, wrong]) as s:
        s.until_commits(2)
        said = [m for m in s.ops("problem") if "id" not in m]
        assert all(wrong in m["text"] and "Write the id" in m["text"] and not m.get("warning") for m in said) and len(said) >= 2
        assert {u["id"] for u in s.users()} == {one, two} and not s.ops("dropped") and not s.ops("absent")
        assert {m["id"] for m in s.ops("problem") if m.get("terminated")} == {three}
    # Mended, it counts with the first reading.
    with source(server, poll=1, assigned_groups=[fake.USERS], cursor=s.commits()[-1]["cursor"]) as t:
        t.until(lambda t: len(t.ops("dropped")) == PEOPLE - 2, "who is in none of them")
    # None of them is there: nothing is read.
    t = once(server, assigned_groups=[wrong])
    assert t.status == 1 and not t.commits() and wrong in t.problems()[0] and "Write the id" in t.problems()[0]
    with source(server, test=True, assigned_groups=[fake.USERS, wrong]) as t:
        t.wait()
        assert [f for f in t.ops("finding") if f["level"] == "error" and wrong in f["text"] and "write the id" in f["text"]]


def test_one_who_cannot_be_had_holds_up_nobody_else(server):
    one, two, three = list(server.people)[:3]
    with source(server, poll=3) as s:
        s.until_commits()
        hit = server.fault(path=f"/users/{one}", status=500, times=None)
        server.change(one, username="renamed@acme.example")
        server.change(two, enabled=False)
        s.until(lambda s: any(u["id"] == two for u in s.users()[PEOPLE:]), "the other")
        s.until(lambda s: hit.hits and any(m.get("id") == one for m in s.ops("problem")), "it to be said whom it is about")
        whole = sum(l["mode"] == "full" for l in listings(s))
        s.until(lambda s: sum(l["mode"] == "full" for l in listings(s)) >= whole + 2, "whole listings")
        server.change(three, enabled=False)
        s.until(lambda s: s.users()[-1]["id"] == three, "one more to be locked")
        assert not s.ops("absent") and not any(u["id"] == one for u in s.users()[PEOPLE:])
        server.mend()
        s.until(lambda s: s.users()[-1]["id"] == one, "the first one, at last")


def test_a_user_that_does_not_say_its_groups_keeps_nobody_from_leaving(server):
    one, two, three = list(server.people)[:3]
    server.silent = True
    server.members[fake.USERS] -= {two}
    server.people[three]["username"] = 'u"3@acme.example'
    with source(server, poll=1) as s:
        s.until_commits()
        for n, id in enumerate((one, two, three)):
            server.change(id, enabled=False)
            s.until(lambda s: len(s.users()) > PEOPLE + n, "the change")
    got = {u["id"]: (u["urn:rollcall:1.0:User"]["status"], len(u["groups"])) for u in s.users()[PEOPLE:]}
    assert got == {one: ("disabled", 1), two: ("disabled", 0), three: ("disabled", 1)}


def test_who_is_named_while_all_have_to_be_read_is_read_alone_though_the_list_lags(server):
    one = list(server.people)[0]
    with source(server, poll=6) as s:
        s.until_commits()
        server.lagging = dict(server.people)
        server.change(one, enabled=False)
        server.note("GROUP.UPDATED", fake.USERS, kind="GROUP")  # all of them are read
        s.until(lambda s: len(s.users()) > PEOPLE, "the change")
        n = len(s.commits())
        s.until_commits(n + 1)
        assert [(u["id"], u["urn:rollcall:1.0:User"]["status"]) for u in s.users()[PEOPLE:]] == [(one, "disabled")]


def test_a_leaver_who_is_nobody_of_ours_by_now_is_heard_once_for_each_thing_seen(server):
    one, two, three = list(server.people)[:3]
    with source(server, poll=1, populations=[fake.STAFF]) as s:
        s.until_commits()
        server.change(one, enabled=False, population={"id": fake.GUESTS})
        server.change(two, population={"id": fake.GUESTS})
        s.until(lambda s: len(s.ops("dropped")) == 2, "both")
        server.change(two, enabled=False)
        server.change(three, enabled=False)
        s.until(lambda s: len(s.users()) > PEOPLE and len(s.ops("dropped")) == 3, "the third, and the end of the second")
        s.until_commits(len(s.commits()) + 2)
        assert sorted((m["id"], m["reason"], m.get("status", "")) for m in s.ops("dropped")) == sorted(
            [(one, "population", "disabled"), (two, "population", ""), (two, "population", "disabled")])
        assert not s.ops("problem")
    # A process that just began knows nothing of whom it said as a person before.
    assert {(m["id"], m.get("status")) for m in once(server, populations=[fake.STAFF]).ops("dropped")} == {
        (one, "disabled"), (two, "disabled")}


def test_a_list_that_lacks_a_member_for_a_moment_takes_nothing_from_anybody(server):
    one, two = list(server.people)[:2]
    all_ = server.members[fake.USERS]

    def shift():  # pages move while a group is read: one is on none of them
        server.members[fake.USERS] = all_ - {one, two}
        server.fault(path="/users.limit=[0-9]*$", before=back)

    def back():
        server.members[fake.USERS] = all_ - {two}  # who left indeed
    with source(server, poll=1) as s:
        s.until_commits()
        server.fault(path="/users.filter=.*" + fake.USERS + "[^&]*&limit=[0-9]*$", before=shift)
        s.until(lambda s: len(s.users()) > PEOPLE, "who left")
        s.until_commits(len(s.commits()) + 2)
    assert [(u["id"], u["groups"]) for u in s.users()[PEOPLE:]] == [(two, [])]


def test_who_is_missing_though_no_log_says_deleted_is_left_to_a_whole_listing(server):
    gone = list(server.people)[0]
    with source(server, poll=20) as s:
        s.until_commits()
        server.people.pop(gone)
        server.note("USER.UPDATED", gone)
        s.until(lambda s: s.ops("absent"), "a whole listing that lacks one")
        assert not s.ops("gone")


def test_a_log_that_is_denied_leaves_the_passes(server):
    server.roles.discard("log")
    with source(server, poll=3) as s:
        s.until_commits(2)
        assert "not for this application" in s.errors()
    assert len(server.asked("/activities")) == 1


# ---- faults ----

@pytest.mark.parametrize("fault", [{"status": 429, "retry_after": 1}, {"status": 503}, {"status": 500},
                                   {"close": True}],
                         ids=lambda f: "-".join(map(str, f.items())))
def test_a_fault_in_the_middle_of_paging_is_asked_over(server, fault):
    f = server.fault(path="/users.limit=[0-9]*&cursor=14$", **fault)
    s = once(server)
    assert whole(s) and f.hits == 1, s.problems()
    assert len(server.asked("/users.limit=[0-9]*&cursor=14$")) == 2


@pytest.mark.parametrize("fault", [{"truncated": True}, {"short": True}, {"content_type": "text/html"}, {"body": {"_embedded": {}}},
                                   {"redirect": "https://localhost:1/users"}, {"body": b'{"_embedded":{"users":[],"users":[]}}'},
                                   {"body": {"_embedded": {"users": []}, "_links": {"next": {"href": "https://evil.example/users"}}}}],
                         ids=["truncated", "short", "type", "no-list", "redirect", "duplicate-members", "other-host"])
def test_a_page_that_is_no_page_ends_the_listing_and_nothing_is_committed(server, fault):
    server.fault(path="/users.limit=[0-9]*&cursor=14$", times=None, **fault)
    s = once(server, timeout=4)
    assert s.status == 1 and not s.commits() and s.problems(), s.errors()
    server.mend()
    assert whole(once(server))


def test_a_token_that_expires_between_pages_is_renewed(server):
    server.fault(path="/users.limit=[0-9]*&cursor=14$", before=server.tokens.expire)
    assert whole(once(server))
    assert len(server.asked("/as/token")) == 2


def test_pages_that_overlap_say_nobody_twice(server):
    def put_in_front():  # all others move by one
        new = fake.user(99, "z@acme.example")
        server.people = {new["id"]: new, **server.people}
    server.fault(path="/users.limit=[0-9]*&cursor=14$", before=put_in_front)
    assert whole(once(server))


def test_somebody_who_changes_while_all_are_read_makes_it_begin_again(server):
    first = list(server.people)[0]

    def change():
        u = {**server.people.pop(first), "enabled": False}
        server.people[first] = u  # listed once more, at the end
    server.fault(path="/users.limit=[0-9]*&cursor=14$", before=change)
    s = once(server)
    assert s.status == 0 and len(s.commits()) == 1 and len(s.ops("begin")) == 2
    assert s.commits()[0]["rows"] == PEOPLE


def test_pages_without_an_end_are_given_up(server):
    here = f"{server.origin}/v1/environments/{fake.ENV}/users?limit=500"
    server.fault(path="/users.limit=[0-9]*&cursor=21$", times=None,
                 body={"_embedded": {"users": []}, "_links": {"next": {"href": here + "&cursor=14"}}})
    s = once(server)
    assert s.status == 1 and "circle" in s.problems()[0]


def test_a_list_with_nobody_in_it_is_no_listing(server):
    server.people.clear()
    s = once(server)
    assert s.status == 1 and not s.commits() and "Identity Data Read Only" in s.problems()[0]


def test_a_source_that_is_killed_in_a_listing_leaves_nothing_and_says_all_of_it_the_next_time(server):
    f = server.fault(path="/users.limit=[0-9]*&cursor=14$", stall=True)
    with source(server, once=True) as s:
        s.until(lambda s: f.hits, "the third page to be asked for")
        s.process.kill()
        s.wait()
    f.go_on()
    assert not s.commits()
    assert whole(once(server))


# ---- whose environment is it ----

@pytest.mark.parametrize("solution", ["CUSTOMER", "CIAM_TRIAL"])
def test_an_environment_of_customers_is_refused_with_the_reason(server, solution):
    server.solution = solution
    s = once(server, populations=[fake.STAFF])
    assert s.status == 1 and not s.ops("begin")
    assert "run it separately" in s.problems()[0] and "customer" in s.problems()[0]


def test_an_environment_that_does_not_say_what_it_is_needs_its_populations_named(server):
    server.solution = None
    s = once(server)
    assert s.status == 1 and "populations" in s.problems()[0]
    server.put(fake.user(99, "guest@acme.example", population={"id": fake.GUESTS}))
    s = once(server, populations=[fake.STAFF])
    assert whole(s)
    assert [(d["reason"], d["name"]) for d in s.ops("dropped")] == [("population", "guest@acme.example")]


def test_an_environment_that_is_to_be_deleted_or_another_one_is_refused(server):
    server.status = "DELETE_PENDING"
    assert "DELETE_PENDING" in once(server).problems()[0]
    server.fault(path=f"/environments/{fake.ENV}$", body={"id": "e0000000-0000-4000-8000-000000000009", "status": "ACTIVE"})
    assert "pinned" in once(server).problems()[0]


def test_a_bill_of_materials_that_fails_is_no_answer(server):
    server.fault(path="billOfMaterials", times=None, status=503)
    s = once(server, populations=[fake.STAFF], timeout=4)
    assert s.status == 1 and not s.ops("begin")


# ---- rollcall source test ----

def findings(server, **more):
    with source(server, test=True, **more) as s:
        s.status = s.wait()
        return s, {(m["what"], m["level"]): m["text"] for m in s.ops("finding")}


def test_test_shows_ten_people_and_what_they_have(server):
    s, found = findings(server, populations=[fake.STAFF])
    assert s.status == 0 and len(s.users()) == 10 and not s.ops("begin")
    assert "externalId 30" in found["coverage", "ok"] and "30 are people" in found["people", "ok"]
    assert ("log", "ok") in found and ("environment", "ok") in found


def test_test_names_the_role_that_is_missing(server):
    server.roles = set()
    s, found = findings(server, populations=[fake.STAFF])
    assert s.status == 1
    assert "Identity Data Read Only" in found["role", "error"] and "ACCESS_FAILED" in found["role", "error"]
    assert ("log", "warning") in found


def test_a_revoked_secret_is_said(server):
    server.tokens.revoked = True
    s = once(server)
    assert s.status == 1 and "invalid_client" in s.problems()[0]
    assert fake.SECRET not in s.errors() + str(s.said)
