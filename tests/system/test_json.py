# SPDX-License-Identifier: BSD-2-Clause
"""From Workday (fake_hr.py) to real logins: a host whose people are those of a report. ROWS is what
docs/sources-matrix.md says of HR systems; each row names the test that shows it."""
import sqlite3
import subprocess
import time

import pytest

import daemons
import fake_hr
import people
import ssh
import totp
import wait
from followed import becomes, log_in, secret, state, user, write_conf

STAFF = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"]

# docs/sources-matrix.md: change at the source: (what happens here, how fast, the tests that show it).
ROWS = {
    "add": ("the account is there from the first day on", "poll", "test_add"),
    "rename": ("the new name is the account's, the old one nobody's; the uid stays", "poll", "test_rename"),
    "disable": ("terminated, sessions end; on leave: locked (suspended), sessions end", "poll", "test_disable"),
    "re-enable": ("a rehire: the same uid, fresh factors; back from leave: comes in again", "poll", "test_re_enable"),
    "delete": ("vanished from two listings: no login, no session ends", "two polls", "test_delete"),
    "group change": ("in and out of groups, where HR says them", "poll", "test_group_change"),
    "leave date": ("known ahead, moved and taken back; at the instant terminated, sessions end, HR dead or alive",
                   "at the instant", "test_leave_date"),
    "guest": ("no marker of an employee, or another worker type: left out and counted; who becomes one: no login", "poll",
              "test_guest"),
    "customer tenant": ("HR systems have none", "never", None),
    "temporary lockout": ("HR systems have none", "never", None),
}


@pytest.fixture(scope="module")
def workday(keys):
    rows = [fake_hr.worker(1000 + i, name, Groups="linux-users; crew", Keys=keys[name].public, Cost_Center="7")
            for i, name in enumerate(STAFF)]
    with fake_hr.Workday(rows) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def following(workday):
    options = {"type": "json", "preset": "workday-raas", "role": "authority, directory", "url": workday.url, "user": fake_hr.USER,
               "password_file": secret("workday", fake_hr.PASSWORD + "\n"), "ca_file": workday.ca,
               "map": "groups:/Groups, sshPublicKeys:/Keys", "require_attributes": "Cost_Center", "user_types": "Employee",
               "poll": "1s", "timeout": "4s"}
    write_conf({"workday": options})
    daemons.synced()
    syncd, enforcer = daemons.Syncd().start(), daemons.Enforcer().start()
    yield syncd
    enforcer.stop()
    syncd.stop()


@pytest.fixture(scope="module")
def apps(following):
    return {name: totp.enroll(name) for name in STAFF[:5]}


def change(workday, name, **members):
    """Of one row; a member that is None is no more. The list is another one: an answer in work is not touched."""
    changed = [{**r, **members} if r["User_Name"] == name else r for r in workday.people]
    assert changed != workday.people, name
    workday.people = [{k: v for k, v in r.items() if v is not None} for r in changed]


def left_out(number):
    with sqlite3.connect("file:/var/lib/rollcall/state/state.db?mode=ro", uri=True, timeout=30) as db:
        got = db.execute("SELECT reason FROM dropped WHERE id = ?", (fake_hr.worker(number, "x")["WID"],)).fetchone()
    return got and got[0]


def listings(workday, n=2):
    """Until the report was asked for so many times more: what stood before was read."""
    before = len(workday.asked())
    wait.until(lambda: len(workday.asked()) > before + n, f"{n} more listings")


def day(seconds):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + seconds))


def midnight(days):
    return int(time.time()) // 86400 * 86400 + days * 86400


def ends(name, at):
    wait.until(lambda: user(name).get("not_after") == at, f"{name} to end at {at}: {user(name)}")


def instant(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def test_add(workday):
    row = fake_hr.worker(2000, "newcomer", Groups="linux-users", Cost_Center="7")
    workday.people = workday.people + [row, fake_hr.worker(2001, "later", Groups="linux-users", Cost_Center="7",
                                                           Active_Status="0", Hire_Date=day(5 * 86400))]
    becomes("newcomer", "active")
    wait.until(lambda: people.passwd("newcomer"), "newcomer to be published")  # after the state is known
    assert people.groups("newcomer") >= {"linux-users"}
    assert state("later") == "pending" and people.passwd("later") is None  # nobody sees who comes


def test_disable(workday, keys, apps, sshd):
    session = log_in("alice", keys, apps)
    assert session.run("id -un")[1].strip() == "alice"
    since = time.monotonic()
    change(workday, "alice", Active_Status="0", Termination_Date=day(-86400))
    assert session.gone()
    becomes("alice", "terminated", since)
    assert people.passwd("alice")[6] == "/usr/sbin/nologin" and people.passwd("bob")[6] != "/usr/sbin/nologin"
    session = log_in("bob", keys, apps)
    since = time.monotonic()
    change(workday, "bob", On_Leave="1")  # with Active_Status still 1
    assert session.gone()
    becomes("bob", "suspended", since)


def test_re_enable(workday, keys, apps, sshd):
    change(workday, "bob", On_Leave="0")
    becomes("bob", "active")
    log_in("bob", keys, apps).close()
    uid = people.passwd("alice")[2]
    # The date alone is cleared: nothing says that she works here.
    change(workday, "alice", Termination_Date=None)
    listings(workday)
    assert state("alice") == "terminated"
    # A new start, but the old end still stands: rule 12.
    change(workday, "alice", Active_Status="1", Hire_Date=day(-3600), Termination_Date=day(-10 * 86400))
    listings(workday)
    assert user("alice")["reason"] == "rehire-dates"
    change(workday, "alice", Termination_Date=None)
    becomes("alice", "active")
    assert people.passwd("alice")[2] == uid
    session = ssh.connect("alice", key=keys["alice"], options=["NumberOfPasswordPrompts=1"])
    session.answer(totp.PROMPT, apps["alice"].code())  # of the time before
    session.expect("not accepted|Permission denied")
    session.close()


def test_delete(workday, keys, apps, sshd):
    session = log_in("carol", keys, apps)
    rows = workday.people
    workday.people = [r for r in rows if r["User_Name"] != "carol"]
    becomes("carol", "locked")
    assert user("carol")["reason"] == "missing"
    assert session.run("echo still here")[1].strip() == "still here"  # nobody said that she left
    workday.people = rows
    becomes("carol", "active")
    session.close()


def test_rename(workday):
    uid = people.passwd("dave")[2]
    change(workday, "dave", User_Name="Dave.Lee")
    becomes("dave.lee", "active")
    wait.until(lambda: people.passwd("dave.lee") and not people.passwd("dave"), "the new name to be published")
    assert people.passwd("dave.lee")[2] == uid and people.passwd("dave") is None


def test_group_change(workday):
    change(workday, "erin", Groups="linux-users; projects")
    wait.until(lambda: people.groups("erin") >= {"projects"}, "erin in the group")
    assert "crew" not in people.groups("erin")
    change(workday, "erin", Groups="crew")
    wait.until(lambda: "linux-users" not in people.groups("erin"), "erin out of it")
    change(workday, "erin", Groups=None)  # an empty cell: inferred, and waits for a second listing
    wait.until(lambda: "crew" not in people.groups("erin"), "erin in none")


def test_leave_date(workday, keys, apps, sshd):
    change(workday, "erin", Groups="linux-users")
    wait.until(lambda: "linux-users" in people.groups("erin"), "erin in the group again")
    change(workday, "erin", Termination_Date=day(30 * 86400), Last_Day_of_Work=day(20 * 86400))
    ends("erin", midnight(21))  # the earlier of the two days, when it is over
    change(workday, "erin", Last_Day_of_Work=None, Termination_Date=day(40 * 86400))  # moved
    ends("erin", midnight(41))
    change(workday, "erin", Termination_Date=None)  # rescinded, with a word that she is active
    ends("erin", None)
    session = log_in("erin", keys, apps)
    at = int(time.time()) + 4
    change(workday, "erin", Termination_Date=instant(at))
    ends("erin", at)
    workday.fault(times=None, status=503)  # HR is dead: it is the clock that decides
    since = time.monotonic() + at - time.time()
    assert session.gone()
    assert time.time() >= at
    becomes("erin", "terminated", since)
    workday.mend()


def test_guest(workday):
    change(workday, "frank", Worker_Type="Contingent Worker")
    becomes("frank", "locked")
    assert user("frank")["reason"] == "dropped" and left_out(1005) == "user-type"
    change(workday, "frank", Worker_Type="Employee", Cost_Center=None)
    wait.until(lambda: left_out(1005) == "no-marker", "the other reason")
    change(workday, "frank", Cost_Center="7")
    becomes("frank", "active")


def test_what_is_no_report_changes_nothing_and_is_said(workday):
    for fault, words in (({"status": 500}, "500"), ({"truncated": True}, "Workday|workers|report|taken|closed"),
                         ({"short": True}, "no JSON"), ({"status": 401}, "401"), ({"redirect": "https://elsewhere.example/"}, "302")):
        before = workday.people
        f = workday.fault(times=None, **fault)
        workday.people = [r for r in before if r["User_Name"] not in ("grace", "heidi")]
        wait.until(lambda: f.hits, f"{fault} to be met")
        wait.until(lambda: any(w in status() for w in words.split("|")), f"{fault} to be said: {status()}")
        workday.people = before
        workday.mend()
        listings(workday, 1)
    assert state("grace") == state("heidi") == "active"
    listings(workday)
    assert state("grace") == "active"


def status():
    return subprocess.run(["rollcall", "status"], capture_output=True, text=True, timeout=60).stdout


def test_a_row_that_cannot_be_read_is_no_absence_and_locks_where_it_says_terminated(workday):
    change(workday, "grace", Termination_Date="31.12.26")
    change(workday, "heidi", Termination_Date="bald", Active_Status="0")
    becomes("heidi", "terminated")
    listings(workday)
    assert state("grace") == "active"
    change(workday, "grace", Termination_Date=None)


def test_two_rows_with_one_number_leave_both_as_they_were(workday):
    rows = workday.people
    workday.people = rows + [{**next(r for r in rows if r["User_Name"] == "ivan"), "Active_Status": "0"}]
    listings(workday)
    assert state("ivan") == "active"
    workday.people = rows


def test_a_contractor_who_is_hired_has_another_kind_of_number_and_waits_for_a_word(workday):
    uid = people.passwd("ivan")[2]
    change(workday, "ivan", Employee_ID=None, Contingent_Worker_ID="C-77")
    listings(workday)
    assert people.passwd("ivan")[2] == uid and state("ivan") == "active"
    assert any("belongs to 1008" in r for r in user("ivan")["refused"])
    change(workday, "ivan", Active_Status="0", Termination_Date=day(-86400))
    becomes("ivan", "terminated")


def test_syncd_killed_in_a_listing_loses_nothing(workday, following):
    fault = workday.fault(stall=True)
    change(workday, "judy", Active_Status="0", Termination_Date=day(-86400))
    wait.until(lambda: fault.hits, "a reading to stand still")
    following.kill()
    fault.go_on()
    following.start()
    becomes("judy", "terminated")
    assert state("bob") == "active"


def test_source_test_shows_people_as_they_would_be_here_and_changes_nothing(workday):
    got = subprocess.run(["rollcall", "source", "test", "workday"], capture_output=True, text=True, timeout=60)
    assert got.returncode == 0, got.stdout + got.stderr
    assert "userName (/User_Name, ...): " in got.stdout and "bob" in got.stdout, got.stdout
    assert fake_hr.PASSWORD not in got.stdout + got.stderr
