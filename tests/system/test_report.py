# SPDX-License-Identifier: BSD-2-Clause
"""rollcall report: what observing has shown, and whether it is time to enforce."""
import json
import subprocess

import daemons
import people
import totp
import wait
from etc_tree import read, write

CONF = "/etc/rollcall/rollcall.conf"


def report(*args):
    got = subprocess.run(["rollcall", "report", "--json", *args], capture_output=True, text=True, timeout=60)
    answer = json.loads(got.stdout)
    assert got.returncode == (0 if answer["ok"] else 1), got.stderr
    return answer


def su(name):
    return subprocess.run(["su", "-s", "/bin/sh", name, "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


def test_it_says_whom_observing_would_have_refused_and_whom_enforcing_locks_out(enforcer):
    write(CONF, read(CONF).replace("= enforce", "= observe"))
    rows = [people.person(1, "alice"), people.person(2, "bob"), people.person(3, "carol", groups="payroll")]
    people.write(rows)
    daemons.synced()
    totp.enroll("alice")
    assert su("alice").stdout == "alice\n" and su("carol").stdout == "carol\n" and su("carol").stdout == "carol\n"
    rows[1]["status"] = "terminated"
    people.write(rows)
    daemons.synced()
    assert su("bob").stdout == "bob\n"
    wait.until(lambda: len(report()["by_service"]) == 2, "both refusals in the audit log")
    got = report("--since", "1h")
    seen = {(r["service"], r["cause"]): (r["users"], r["would"]) for r in got["by_service"]}
    # su's account phase says it, and its session phase.
    assert seen == {("su", "not-allowed-here"): ({"carol": 4}, True), ("su", "state"): ({"bob": 2}, True)}
    assert got["may_come_in"] == 1 and got["no_factor"] == [] and got["look_at"] == []
    assert got["too_early"] == ["the audit log does not reach back that far"]
    # carol is let in after all, and has no factor: what she met before is not what HR wants.
    rows[2]["groups"] = "linux-users"
    people.write(rows)
    daemons.synced()
    got = report()
    assert got["no_factor"] == ["carol"] and got["look_at"] == ["carol"] and not got["ok"]
    text = subprocess.run(["rollcall", "report"], capture_output=True, text=True, timeout=60).stdout
    assert "would refuse" in text and "no factor   carol" in text and "too early" in text


def test_it_is_time_when_nothing_stands_against_it(enforcer):
    people.write([people.person(1, "alice"), people.person(3, "carol", status="terminated")])
    daemons.synced()
    assert report("--since", "10d")["too_early"] == ["the audit log does not reach back that far"]
    write("/var/log/rollcall/audit.jsonl.1", '{"seq":1,"at":"2020-01-01T00:00:00.000000Z","event":"x"}\n')
    got = report("--since", "10d")
    assert got["ok"] and got["too_early"] == []
    assert "rollcall setup --mode enforce" in subprocess.run(["rollcall", "report"], capture_output=True, text=True,
                                                             timeout=60).stdout


def test_a_time_to_come_or_of_no_form_is_a_usage_error():
    for since in ("2999-01-01", "yesterday", "-3d"):
        assert subprocess.run(["rollcall", "report", "--since", since], capture_output=True, timeout=60).returncode == 2
