# SPDX-License-Identifier: BSD-2-Clause
"""The json source by itself against HR systems' fakes: how a list is read, what a difference says, and what is not
taken. test_json.py has it with the engine."""
import json
import os
import time

import pytest

import fake_hr
import fake_oauth
import fake_web
import pki
import web_source

PROGRAM = os.environ.get("ROLLCALL_JSON", "/usr/libexec/rollcall/sources/rollcall-source-json")
NAMES = ["alice", "bob", "carol", "dora", "eve", "frank", "grace"]


def read(server, once=True, files=None, user=fake_hr.USER, **options):
    given = {"preset": "workday-raas", "url": server.url if hasattr(server, "url") else None, "user": user}
    given.update(options)
    return web_source.Source(PROGRAM, {"ca_file": open(server.ca, encoding="ascii").read(),
                                       "password_file": fake_hr.PASSWORD + "\n", **(files or {})}, once=once, **given)


@pytest.fixture
def workday():
    with fake_hr.Workday([fake_hr.worker(n + 1, name) for n, name in enumerate(NAMES)]) as s:
        yield s


def names(source):
    return [u["userName"] for u in source.users()]


def refused(server, *words, **options):
    with read(server, **options) as s:
        assert s.wait() == 1, s.said
        assert s.commits() == [] and any(all(w in p for w in words) for p in s.problems()), s.problems()
        return s


def test_a_report_is_read_whole_and_its_time_is_the_servers(workday):
    workday.skew = -120
    with read(workday) as s:
        assert s.wait() == 0, s.errors()
        assert names(s) == NAMES and s.commits()[0]["rows"] == len(NAMES)
        begin = s.ops("begin")[0]
        said = time.mktime(time.strptime(begin["as_of"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        assert abs(said - workday.asked()[0].time + 120) < 2 and begin["mode"] == "full"


def test_a_later_reading_says_what_changed_and_who_is_absent(workday):
    with read(workday, once=False) as s:
        s.until_commits(1)
        alice, *rest = workday.people
        workday.people = [dict(alice, Department="Payroll"), *rest[:-1]]
        s.until_commits(2)
        begin = s.ops("begin")[1]
        assert begin["since"] == s.commits()[0]["cursor"]
        assert names(s)[len(NAMES):] == ["alice"] and [m["id"] for m in s.ops("absent")] == [rest[-1]["WID"]]
        s.until_commits(3)  # a second listing, which agrees
        assert len(s.users()) == len(NAMES) + 1 and s.commits()[2]["rows"] == 0


def test_two_rows_of_one_person_are_both_said(workday):
    with read(workday, once=False) as s:
        s.until_commits(1)
        workday.people = workday.people + [dict(workday.people[0], User_Name="alicia")]
        s.until(lambda s: len(s.commits()) >= 2 and names(s)[-1] == "alicia", "both rows")
        last = [m for m in s.said if m["op"] in ("begin", "user")]
        since_begin = last[len(last) - last[::-1].index(next(m for m in last[::-1] if m["op"] == "begin")):]
        assert {m["user"]["userName"] for m in since_begin} >= {"alice", "alicia"}, since_begin


def test_an_etag_costs_no_report_until_something_changes():
    with fake_hr.Workday([fake_hr.worker(1, "alice")], etag=True) as server:
        with read(server, once=False) as s:
            s.until(lambda s: len(s.ops("as_of")) >= 2, "304 twice")
            assert len(s.commits()) == 1 and server.asked()[1].headers["if-none-match"]
            cursor = s.commits()[0]["cursor"]
        with read(server, cursor=cursor) as s:  # another process: the engine has it all
            assert s.wait() == 0 and len(s.ops("as_of")) == 1 and not s.users()
        with read(server, cursor=cursor, map=["userName:/Employee_ID"]) as s:  # read otherwise: anew
            assert s.wait() == 0 and names(s) == ["1"]
        server.people.append(fake_hr.worker(2, "bob"))
        with read(server, cursor=cursor) as s:
            assert s.wait() == 0 and names(s) == ["alice", "bob"]


def test_who_is_missing_is_looked_for_again_over_an_etag_though_the_process_begins_anew():
    with fake_hr.Workday([fake_hr.worker(n, name) for n, name in enumerate(NAMES[:3])], etag=True) as server:
        with read(server, once=False) as s:
            s.until_commits(1)
            del server.people[2]
            s.until(lambda s: s.ops("absent"), "one absent")
            known = s.until_commits(2)[:2]
        with read(server, cursor=known[1]["cursor"]) as s:  # nothing changed, and the second listing was not heard
            assert s.wait() == 0 and names(s) == NAMES[:2] and not s.ops("as_of")
        with read(server, cursor=known[0]["cursor"], once=False) as s:  # only the engine knows who is missing
            s.until_commits(2)
            s.until(lambda s: s.ops("as_of"), "an answer of 304")


@pytest.mark.parametrize("fault, words", [
    ({"truncated": True}, ["cut short|transfer|closed|cannot be taken"]),
    ({"short": True}, ["cannot be taken", "no JSON"]),
    ({"content_type": "text/html"}, ["type"]),
    ({"body": b"<html>"}, ["no JSON"]),
    ({"body": {"Report_Entry": {}}}, ["no list|is none"]),
    ({"body": {"Report": []}}, ["there is no list"]),
    ({"body": {"Report_Entry": []}}, ["nobody is in the list"]),
    ({"status": 401}, ["401"]),
    ({"status": 403}, ["403"]),
    ({"status": 404}, ["404"]),
    ({"redirect": "https://elsewhere.example/"}, ["302"]),
])
def test_what_is_no_whole_report_is_not_taken(workday, fault, words):
    workday.fault(times=None, **fault)
    with read(workday, timeout=2) as s:
        assert s.wait() == 1, s.said
        assert s.commits() == []
        for w in words:
            assert any(x in p for p in s.problems() for x in w.split("|")), (w, s.problems())


def test_a_server_error_is_waited_for(workday):
    workday.fault(status=503, times=2, retry_after=0)
    with read(workday) as s:
        assert s.wait() == 0 and names(s) == NAMES
    assert len(workday.asked()) == 3


def test_a_truncated_report_changes_nothing_and_the_next_is_taken(workday):
    with read(workday, once=False, timeout=4) as s:
        s.until_commits(1)
        workday.people = workday.people[1:]
        workday.fault(truncated=True, times=1)
        s.until(lambda s: s.ops("problem"), "a refusal")
        assert len(s.commits()) == 1
        s.until_commits(2)
        assert [m["id"] for m in s.ops("absent")] == [fake_hr.worker(1, "alice")["WID"]]


def test_one_bad_record_is_that_records_fault(workday):
    workday.people[0]["Termination_Date"] = "31.12.26"
    workday.people[1].update(Termination_Date="gestern", Active_Status="0")
    del workday.people[2]["WID"]
    workday.people[3]["Photo"] = "A" * 300 * 1024
    with read(workday) as s:
        assert s.wait() == 0, s.errors()
        assert names(s) == NAMES[4:]
        p = s.ops("problem")
        assert [m.get("id") for m in p] == [workday.people[0]["WID"], workday.people[1]["WID"], None, None]
        assert [m.get("terminated", False) for m in p] == [False, True, False, False]
        assert "four digits" in p[0]["text"] and p[0]["where"] == "api:1" and "larger than 256 KiB" in p[3]["text"]


def test_who_lacks_the_marker_is_left_out_and_counted(workday):
    workday.people[0]["Worker_Type"] = "Contingent Worker"
    del workday.people[1]["Email_Address"]
    with read(workday, user_types=["Employee"], require_attributes=["Email_Address"]) as s:
        assert s.wait() == 0 and names(s) == NAMES[2:]
        assert [(m["reason"], m["name"]) for m in s.ops("dropped")] == [("user-type", "Alice Example"), ("no-marker", "Bob Example")]


def test_a_leaver_whose_type_goes_with_the_end_is_heard_by_a_process_that_just_began_too(workday):
    wid = [p["WID"] for p in workday.people]
    workday.people[3]["Worker_Type"] = "Contingent Worker"
    with read(workday, once=False, user_types=["Employee"]) as s:
        s.until_commits(1)
        workday.people[0].update(Worker_Type="Former Employee", Active_Status="0")
        workday.people[1].update(Worker_Type="Former Employee", Termination_Date="2021-05-01")
        workday.people[2].update(Worker_Type="Contingent Worker")  # works on
        workday.people[3].update(Active_Status="0")  # never was one of ours
        s.until(lambda s: len(s.ops("dropped")) == 5, "all of them")
        s.until_commits(len(s.commits()) + 2)
        assert [(m["id"], m.get("status")) for m in s.ops("dropped")] == [
            (wid[3], None), (wid[0], "terminated"), (wid[1], "terminated"), (wid[2], None), (wid[3], "terminated")]
        assert not s.ops("problem")
    with read(workday, user_types=["Employee"]) as s:
        assert s.wait() == 0 and [(m["id"], m.get("status")) for m in s.ops("dropped")] == [
            (wid[0], "terminated"), (wid[1], "terminated"), (wid[2], None), (wid[3], "terminated")]


LISTED = {"preset": "none", "rows": "/workers", "map": ["id:/id", "status:/s", "userName:/n"], "statuses": ["A:active"],
          "count": "/total"}


@pytest.mark.parametrize("how, more", [("link", {}), ("next", {"next": "/next"}), ("offset", {"page": 3}), ("page", {}),
                                       ("cursor", {"next": "/next"})])
def test_a_list_goes_on_in_each_of_five_ways(how, more):
    with fake_hr.Listed([{"id": n, "s": "A", "n": name} for n, name in enumerate(NAMES)]) as server:
        server.url = server.origin + "/" + how
        files = {"secret_file": "t0ken\n", "password_file": None}
        with read(server, files=files, user=None, paging=how, **LISTED, **more) as s:
            assert s.wait() == 0, s.problems()
            assert names(s) == NAMES
        n = len(server.asked())
        server.fault(status=500, skip=1, times=None)
        with read(server, files=files, user=None, paging=how, timeout=2, **LISTED, **more) as s:
            assert s.wait() == 1 and not s.commits()
        assert len(server.asked()) > n
        server.mend()
        if how == "offset":  # a server that does not know the parameter, and one that counts otherwise
            with read(server, files=files, user=None, paging="offset", page_param="skip", **LISTED) as s:
                assert s.wait() == 1 and not s.commits()
            server.route("GET", "/same", lambda q: server.part(0))
            server.url = server.origin + "/same"
            refused(server, "the same page again", files=files, user=None, paging="offset", **LISTED)
            refused(server, "names 7 people, and 3 came", files=files, user=None, **LISTED)
            refused(server, "there is no instant at /total before the list: 7", files=files, user=None, timestamp="/total", **LISTED)
            server.url = server.origin + "/link"
            with read(server, files=files, user=None, paging="link", timestamp="/generated", **LISTED) as s:
                assert s.wait() == 0 and [m["as_of"] for m in s.ops("begin")] == ["2026-11-01T02:00:00Z"]


@pytest.mark.parametrize("how, words", [("next", "no address"), ("link", "its link to a next page is no address")])
def test_a_link_that_nobody_can_follow_is_no_end(how, words):
    with fake_hr.Listed([{"id": n, "s": "A", "n": name} for n, name in enumerate(NAMES)]) as server:
        server.url, listed = server.origin + "/" + how, {k: v for k, v in LISTED.items() if k != "count"}
        server.route("GET", "/next", lambda q: {**server.part(0), "next": "https://[x/next?at=3"})
        server.route("GET", "/link", lambda q: fake_web.Answer(server.part(0), headers=[fake_web.link("https://[x/link?at=3")]))
        server.routes.reverse()  # these before the fake's own
        refused(server, words, files={"secret_file": "t0ken\n", "password_file": None}, user=None, paging=how, next="/next", **listed)


def test_bamboohr_is_asked_for_changes_and_read_when_there_are_some():
    alice = {"id": "3", "employeeNumber": "1", "workEmail": "alice@acme.com", "status": "Active", "hireDate": "2020-01-01",
             "terminationDate": "0000-00-00"}
    future = dict(alice, id="4", employeeNumber="2", workEmail="bob@acme.com", terminationDate="2099-12-31")
    with fake_hr.Bamboo([alice, future]) as server:
        with read(server, once=False, files={"secret_file": fake_hr.KEY, "password_file": None}, user=None, preset="bamboohr",
                  domain=["acme.com"]) as s:
            s.until_commits(1)
            assert names(s) == ["alice", "bob"]
            assert s.users()[1]["urn:rollcall:1.0:User"]["end"] == "2100-01-01T00:00:00Z"
            s.until(lambda s: len(s.ops("as_of")) >= 2, "nothing new, twice")
            assert len(server.asked("reports")) == 1 and "%3A" in server.asked("changed")[0].target
            server.people[0] = dict(alice, status="Inactive", terminationDate="2026-11-01")
            server.change(3, "Updated")
            s.until(lambda s: len(s.users()) == 3, "the change")
            assert s.users()[2]["urn:rollcall:1.0:User"]["status"] == "terminated"
            del server.people[1]
            server.change(4, "Deleted")  # erased: an absence, not a termination
            s.until(lambda s: s.ops("absent"), "bob to be absent")
            n = len(s.commits())
            s.until_commits(n + 1)  # a second listing without being told
            assert fake_hr.KEY not in s.errors()


def test_what_bamboohrs_feed_says_between_two_polls_is_news_until_the_report_was_taken():
    people = [{"id": str(n), "employeeNumber": str(n), "workEmail": f"p{n}@acme.com", "status": "Active"} for n in (1, 2)]
    with fake_hr.Bamboo(people) as server:
        with read(server, once=False, files={"secret_file": fake_hr.KEY, "password_file": None}, user=None, preset="bamboohr",
                  domain=["acme.com"], poll=22) as s:
            s.until_commits(1)
            people[0]["status"] = "Inactive"
            server.change(1, "Updated")
            s.until(lambda s: len(s.users()) == 3, "the change that a hint told")
            server.fault(path="reports", status=400, times=1)
            people[1]["status"] = "Inactive"
            server.change(2, "Updated")
            s.until(lambda s: len(s.users()) == 4, "the change, though the first report failed")
            assert {u["urn:rollcall:1.0:User"]["status"] for u in s.users()[2:]} == {"terminated"}


def test_successfactors_goes_on_by_next_and_sees_who_left_and_who_comes():
    people = [fake_hr.sf_person(1, fake_hr.employed("2020-01-01")),
              fake_hr.sf_person(2, fake_hr.employed("2024-01-01"), fake_hr.employed("2019-01-01", "2021-05-31", "T")),
              fake_hr.sf_person(3, fake_hr.employed("2019-01-01", "2021-05-31", "T")),
              fake_hr.sf_person(4, fake_hr.employed("2098-01-01")),
              fake_hr.sf_person(5, fake_hr.employed("2020-01-01", "2099-12-31", "U"))]
    with fake_hr.SuccessFactors(people) as server:
        with read(server, user="rollcall@acme", preset="successfactors") as s:
            assert s.wait() == 0, s.problems()
            got = [u["urn:rollcall:1.0:User"] for u in s.users()]
            assert [g["status"] for g in got] == ["active", "active", "terminated", "active", "leave"]
            assert got[1]["start"] == "2024-01-01T00:00:00Z" and "end" not in got[1]
            assert got[2]["end"] == "2021-06-01T00:00:00Z" and got[3]["start"] == "2098-01-01T00:00:00Z"
        assert len(server.asked()) == 3
        server.fault(path="skiptoken=4", body={"d": {"results": [], "__next": "https://elsewhere.example/x"}})
        refused(server, "of another server", user="rollcall@acme", preset="successfactors")


def test_a_token_by_a_client_secret_and_a_certificate_of_our_own(workday):
    workday.guard = fake_oauth.Tokens(workday, client_id="c", secret="s3cret")
    with read(workday, user=None, files={"secret_file": "s3cret\n", "password_file": None}, client_id="c",
              token_url=workday.guard.url) as s:
        assert s.wait() == 0 and names(s) == NAMES, s.problems()
    ca = pki.Ca()
    cert, key = ca.issue("rollcall")
    files = {"cert_file": open(cert, encoding="ascii").read(), "key_file": open(key, encoding="ascii").read(), "password_file": None}
    with fake_hr.Workday(workday.people, client_ca=ca.file) as server:
        server.guard = None
        with read(server, user=None, files=files) as s:
            assert s.wait() == 0 and names(s) == NAMES, s.problems()
        refused(server, user=None, files={"password_file": None}, timeout=2)


def test_a_key_may_go_in_a_header_beside_user_and_password(workday):
    inner = workday.guard
    workday.guard = lambda q: inner(q) if q.headers.get("us-customer-api-key") == "k3y" else fake_web.Answer(b"", 401)
    with read(workday, files={"secret_file": "k3y\n"}, key_header="US-Customer-Api-Key", trace=True) as s:
        assert s.wait() == 0 and names(s) == NAMES, s.problems()
        assert "k3y" not in s.errors()


def test_a_file_is_read_when_it_was_written_and_has_been_quiet(tmp_path):
    path = str(tmp_path / "workers.json")
    fake_hr.report_file(path, [fake_hr.worker(1, "alice")])
    os.utime(path, (1700000000, 1700000000))
    with web_source.Source(PROGRAM, path=path, preset="workday-raas", poll=60) as s:
        s.until_commits(1)
        assert s.ops("begin")[0]["as_of"] == "2023-11-14T22:13:20Z"
        with open(path, "w", encoding="ascii") as f:
            f.write('{"Report_Entry":[{')  # it is being written
        s.until(lambda s: s.problems(), "half a file to be refused")
        fake_hr.report_file(path, [fake_hr.worker(1, "alice"), fake_hr.worker(2, "bob")])
        s.until_commits(2)
        assert names(s) == ["alice", "bob"]
    with web_source.Source(PROGRAM, path=path + "x", preset="workday-raas", once=True) as s:
        assert s.wait() == 1 and "No such file" in s.problems()[0]


def test_source_test_counts_members_and_faults_and_shows_ten_people():
    people = [fake_hr.worker(n, f"p{n}") for n in range(20)]
    people[3]["Termination_Date"] = people[4]["Termination_Date"] = "31.12.26"
    del people[5]["User_Name"]
    with fake_hr.Workday(people) as server:
        with read(server, test=True) as s:
            assert s.wait() == 0, s.said
            assert len(s.users()) == 10 and not s.ops("begin") and not s.commits()
            said = [(m["level"], m["text"]) for m in s.ops("finding")]
            assert ("warning", "20 records: 18 people, 0 left out, 2 that cannot be read") in said
            assert ("ok", "userName (/User_Name, ...): 19 of 20 records have it") in said
            assert any(level == "warning" and "zone (/Time_Zone): 0 of 20" in text for level, text in said)
            assert any("four digits" in text and "(2 like this)" in text for _, text in said)
        with read(server, test=True, files={"password_file": "wrong\n"}) as s:
            assert s.wait() == 1
            assert [m["what"] for m in s.ops("finding") if m["level"] == "error"] == ["credential"], s.said
    assert json.dumps(s.said).count(fake_hr.PASSWORD) == 0
