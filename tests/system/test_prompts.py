# SPDX-License-Identifier: BSD-2-Clause
"""What somebody sees who tried too often, and on a machine that has not heard from the
company for long: at the real sshd and the real login."""
import concurrent.futures
import datetime
import os
import re
import subprocess
import time
import zoneinfo

import pytest

import console
import daemons
import people
import ssh
import totp

WRONG = "That code was not accepted. Wait for the next one. Code: "
CLOSE = "Press Enter to close: "
HOUR = 3600


def clock(instant, form):
    """In the company's time zone, as prompts have it."""
    zone = re.search(r"^timezone *= *(\S+)", open("/etc/rollcall/rollcall.conf", encoding="utf-8").read(), re.M)
    at = datetime.datetime.fromtimestamp(instant, zoneinfo.ZoneInfo(zone.group(1)))
    return at.strftime(form)


def published():
    daemons.synced()


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in ("alice", "bob")}
    people.write([people.person(n, name, sshPublicKeys=key.public) for n, (name, key) in enumerate(keys.items(), 1)])
    published()
    return keys


def fail(name, key, app):
    """One connection: three conversations of two tries each, all wrong."""
    session = ssh.connect(name, key=key, options=["NumberOfPasswordPrompts=3"])
    for _ in range(3):
        session.answer(totp.PROMPT, app.wrong())
        session.answer(WRONG, app.wrong())
    session.expect("Permission denied")
    session.close()


@pytest.fixture(scope="module")
def throttled(staff, sshd):
    """Alice's app after twelve failures: a quarter of an hour."""
    app = totp.enroll("alice")
    fail("alice", staff["alice"], app)
    fail("alice", staff["alice"], app)
    return app


def test_after_too_many_failures_the_right_code_is_told_when_to_come_back(staff, throttled):
    began = time.time()
    session = ssh.connect("alice", key=staff["alice"], options=["NumberOfPasswordPrompts=1"])
    session.answer(totp.PROMPT, throttled.code())
    session.expect(r"Too many failed tries\. Try again after (\d\d):(\d\d)\. Press Enter to close: ")
    told = f"{session.match.group(1)}:{session.match.group(2)}"
    # The minute after the pause of 15; the last failure lies a little before `began`.
    assert told in {clock(began + 900 + s, "%H:%M") for s in range(-240, 61, 60)}
    session.sendline("")
    session.expect("Permission denied")
    session.close()


def test_the_pause_is_the_accounts_own(staff, sshd):
    app = totp.enroll("bob")
    ssh.log_in("bob", (totp.PROMPT, app.code()), key=staff["bob"]).close()


def test_the_console_tells_the_same(throttled):
    session = console.connect("alice")
    session.answer(totp.PROMPT, throttled.code())
    session.expect(r"Too many failed tries\. Try again after \d\d:\d\d\.")
    session.answer(CLOSE, "")
    session.expect("Login incorrect")
    session.close()


def test_a_hundred_failures_switch_the_factor_off_until_the_service_desk_helps(staff, sshd):
    app = totp.enroll("bob", "--replace")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fail("bob", staff["bob"], app), range(17)))
    session = ssh.connect("bob", key=staff["bob"], options=["NumberOfPasswordPrompts=1"])
    session.answer(totp.PROMPT, app.code())
    session.expect(r"Too many failed tries\. This factor is switched off\.\s+Contact .*quote  (R-[0-9A-Z]{6})")
    session.answer(CLOSE, "")
    session.expect("Permission denied")
    session.close()
    # What the service desk then does.
    app = totp.enroll("bob", "--replace")
    ssh.log_in("bob", (totp.PROMPT, app.code()), key=staff["bob"]).close()


class TestSilentCompany:
    """A lease of one hour, and a file whose own time lies in the past."""

    @pytest.fixture(scope="class", autouse=True)
    def lease_of_an_hour(self, staff):
        os.makedirs("/etc/rollcall/conf.d", exist_ok=True)
        with open("/etc/rollcall/conf.d/50-lease.conf", "w", encoding="ascii") as f:
            f.write("[lifecycle]\nlease = 1h\n")

    def heard(self, staff, seconds_ago):
        subprocess.run(["rm", "-rf", "/var/lib/rollcall/state", "/var/lib/rollcall/cache"], check=True)
        subprocess.run(["systemd-tmpfiles", "--create", "rollcall.conf"], check=True)
        people.write([people.person(1, "alice", sshPublicKeys=staff["alice"].public)], at=time.time() - seconds_ago)
        published()
        return totp.enroll("alice", "--replace")

    def test_a_machine_that_nears_its_limit_says_so_after_the_login(self, staff):
        app = self.heard(staff, 40 * 60)
        ends = time.time() + 20 * 60
        session = console.connect("alice")
        session.answer(totp.PROMPT, app.code())
        session.expect(r"Offline for 4\d minutes\. Connect before (\w+ \d+ \w+ \d\d:\d\d) or sign-in will stop\.")
        assert session.match.group(1) in {clock(ends + s, "%a %d %b %H:%M") for s in range(-240, 61, 60)}
        session.shell()
        session.close()

    def test_past_its_limit_it_lets_nobody_in_and_says_what_helps(self, staff):
        app = self.heard(staff, 2 * HOUR)
        session = console.connect("alice")
        session.answer(totp.PROMPT, app.code())
        session.expect(r"web1 last heard from the company on \d\d \w\w\w \d\d:\d\d; the limit is 1 hour\.")
        session.expect(r"Connect it to a network and try again in a minute\.")
        session.expect(r"No network\? Call .*, quote R-[0-9A-Z]{6}\.")
        session.answer(CLOSE, "")
        session.expect("Login incorrect")
        session.close()

    def test_without_the_proof_nothing_of_it_is_told(self, staff):
        app = self.heard(staff, 2 * HOUR)
        session = console.connect("alice")
        session.answer(totp.PROMPT, app.wrong())
        assert session.expect([re.escape(WRONG), "last heard"]) == 0
        session.close()

    def test_a_fresh_file_opens_the_doors_again(self, staff, sshd):
        app = self.heard(staff, 2 * HOUR)
        people.write([people.person(1, "alice", sshPublicKeys=staff["alice"].public)])
        published()
        ssh.log_in("alice", (totp.PROMPT, app.code()), key=staff["alice"]).close()

    def test_an_administrator_who_extends_the_lease_lets_people_in_and_it_is_on_record(self, staff, sshd):
        app = self.heard(staff, 2 * HOUR)
        syncd = daemons.Syncd().start()
        try:
            before = subprocess.run(["rollcall", "status"], capture_output=True, text=True, check=False)
            assert before.returncode == 1 and "LEASE OVER" in before.stdout
            refused = subprocess.run(["rollcall", "lease", "extend", "hr", "--for", "2h"], capture_output=True, text=True,
                                     check=False)
            assert refused.returncode == 1 and "at most its own length" in refused.stderr
            subprocess.run(["rollcall", "lease", "extend", "hr", "--for", "50m", "--reason", "export broken"], check=True)
            listed = subprocess.run(["rollcall", "lease"], capture_output=True, text=True, check=True).stdout
            assert "by an administrator" in listed
            ssh.log_in("alice", (totp.PROMPT, app.code()), key=staff["alice"]).close()
        finally:
            syncd.kill()
