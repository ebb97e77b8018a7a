# SPDX-License-Identifier: BSD-2-Clause
"""From PingOne to logins: a host whose people are an environment's. ROWS is what docs/sources-matrix.md says of
the source."""
import subprocess

import pytest

import daemons
import fake_pingone as fake
import people
import totp
import wait
from followed import log_in, secret, unlocked, write_conf

# docs/sources-matrix.md: change at the source: (what happens here, how fast, the tests that show it).
ROWS = {
    "add": ("known, and may log in once enrolled", "log", "test_an_employee_of_pingone_logs_in_with_a_code"),
    "rename": ("the new name is the account's; uid and home stay", "log", "test_a_new_name_keeps_uid_and_home"),
    "disable": ("locked, sessions end", "log",
                "test_whoever_is_disabled_is_locked_and_out_and_comes_back_when_enabled"),
    "re-enable": ("comes in again", "log", "test_whoever_is_disabled_is_locked_and_out_and_comes_back_when_enabled"),
    "delete": ("locked, sessions end; where no log tells it: absent from two lists, no login, no session ends",
               "log; two polls", "test_one_who_is_deleted_is_locked_and_out, "
               "test_pingone_source.py::test_who_is_missing_though_no_log_says_deleted_is_left_to_a_whole_listing"),
    "group change": ("in and out of groups", "log", "test_a_group_counts_at_once_and_its_end_too"),
    "leave date": ("PingOne has none", "never", "test_pingone_source.py::test_no_person_has_an_end_for_pingone_has_no_leave_dates"),
    "guest": ("of another population, or of an external identity provider: left out and counted; who becomes one: no login",
              "log", "test_who_is_moved_among_the_guests_is_no_person_here_any_more"),
    "customer tenant": ("CUSTOMER and CIAM_TRIAL are refused at start; with no solutionType, populations is mandatory",
                        "at start", "test_pingone_source.py::test_an_environment_of_customers_is_refused_with_the_reason, "
                        "test_pingone_source.py::test_an_environment_that_does_not_say_what_it_is_needs_its_populations_named"),
    "temporary lockout": ("no password counts; codes, keys and sessions stay", "log",
                          "test_wrong_passwords_of_a_stranger_end_no_session"),
}
STAFF = ["alice", "bob", "carol", "dave", "erin"]


def configure(server, keys):
    # PingOne knows no SSH keys; a file does.
    people.write([people.person(1000 + n + 1, name, sshPublicKeys=keys[name].public, groups="") for n, name in enumerate(STAFF)])
    ping = {"type": "pingone", "role": "authority, directory", "environment": fake.ENV, "api_url": server.origin,
            "auth_url": server.origin, "client_id": fake.CLIENT, "secret_file": secret("ping", fake.SECRET + "\n"),
            "ca_file": server.ca, "populations": fake.STAFF, "member_groups": f"{fake.USERS}, {fake.ADMINS}",
            "domain": "acme.example", "poll": "20s"}
    write_conf({"ping": ping, "keys": {"type": "csv", "role": "directory", "path": people.PATH}}, fake.USERS)


@pytest.fixture(scope="module")
def server(keys):
    with fake.PingOne() as s:
        s.ids = {name: s.put(fake.user(n + 1, f"{name}@acme.example")) for n, name in enumerate(STAFF)}
        configure(s, keys)
        yield s


@pytest.fixture(scope="module", autouse=True)
def following(server):
    daemons.synced()
    daemon = daemons.Syncd().start()
    daemon.logs("listing-accepted")
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def apps(following):
    return {name: totp.enroll(name) for name in STAFF[:4]}


def rollcall(*words):
    return subprocess.run(["rollcall", *words], capture_output=True, text=True, timeout=60).stdout


def test_an_employee_of_pingone_logs_in_with_a_code(server, keys, apps, sshd):
    assert people.passwd("alice")[4] == "Alice Example" and "linux-users" in people.groups("alice")
    session = log_in("alice", keys, apps)
    assert session.run("id -un")[1].strip() == "alice"
    session.close()
    server.put(fake.user(6, "frank@acme.example"))
    wait.until(lambda: unlocked("frank"), "frank to be known")


def test_whoever_is_disabled_is_locked_and_out_and_comes_back_when_enabled(server, keys, apps, sshd, enforcer):
    session = log_in("bob", keys, apps)
    server.change(server.ids["bob"], enabled=False, account={"status": "OK", "canAuthenticate": False})
    assert session.gone()
    assert not unlocked("bob") and unlocked("alice")
    server.change(server.ids["bob"], enabled=True, account={"status": "OK", "canAuthenticate": True})
    wait.until(lambda: unlocked("bob"), "bob to be let in again")


def test_wrong_passwords_of_a_stranger_end_no_session(server, keys, apps, sshd, enforcer):
    session = log_in("carol", keys, apps)
    server.change(server.ids["carol"], "USER.LOCKED", account={"status": "LOCKED", "canAuthenticate": False,
                                                               "unlockAt": "2099-01-01T00:00:00Z", "secondsUntilUnlock": 900})
    server.change(server.ids["alice"], name={"formatted": "Alice After"})
    wait.until(lambda: people.passwd("alice")[4] == "Alice After", "what came after the lockout")
    assert unlocked("carol")
    assert session.run("echo still here")[1].strip() == "still here"
    session.close()


def test_a_group_counts_at_once_and_its_end_too(server):
    alice = server.people[server.ids["alice"]]
    assert "linux-admins" not in people.groups("alice")
    server.put(alice, groups=(fake.USERS, fake.ADMINS))
    wait.until(lambda: "linux-admins" in people.groups("alice"), "alice in linux-admins")
    server.put(alice, groups=(fake.USERS,))
    wait.until(lambda: "linux-admins" not in people.groups("alice"), "alice out of it")


def test_a_new_name_keeps_uid_and_home(server):
    before = people.passwd("erin")
    server.change(server.ids["erin"], username="erika@acme.example")
    wait.until(lambda: people.passwd("erika"), "the new name")
    after = people.passwd("erika")
    assert (after[2], after[5]) == (before[2], before[5])


def test_who_is_moved_among_the_guests_is_no_person_here_any_more(server):
    server.put(fake.user(7, "visitor@acme.example", population={"id": fake.GUESTS}))
    server.put(fake.user(8, "social@acme.example", identityProvider={"id": "x", "type": "GOOGLE"}))
    server.put(fake.user(9, "grace@acme.example"))
    wait.until(lambda: unlocked("grace"), "grace to be known")
    assert people.passwd("visitor") is None and people.passwd("social") is None
    server.change("a0000000-0000-4000-8000-000000000009", population={"id": fake.GUESTS})
    wait.until(lambda: not unlocked("grace"), "grace to be no person here")
    shown = rollcall("source", "show", "ping")
    assert "population" in shown and "social" in shown and "visitor" in shown, shown


def test_one_who_is_deleted_is_locked_and_out(server, keys, apps, sshd, enforcer):
    session = log_in("dave", keys, apps)
    server.delete(server.ids["dave"])
    assert session.gone()
    assert not unlocked("dave") and unlocked("alice")


def test_a_test_of_the_source_changes_nothing(server):
    said = rollcall("source", "test", "ping")
    assert "WORKFORCE" in said and "alice" in said and "linux-users" in said, said
