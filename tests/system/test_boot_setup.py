# SPDX-License-Identifier: BSD-2-Clause
"""rollcall setup under a real systemd: units are enabled and started, a change of mode reaches
the board, sshd reads its new configuration; undo stops what setup started."""
import json
import subprocess

import people
import wait

UNITS = ["rollcall-syncd.service", "rollcall-enforcer.service", "rollcall-verifier.socket", "rollcall-verifier-self.socket"]


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)


def setup(*args):
    got = run("rollcall", "setup", "--yes", "--json", *args)
    assert got.returncode == 0, got.stdout + got.stderr
    return json.loads(got.stdout)


def states(what):
    return set(run("systemctl", what, *UNITS).stdout.split())


def mode():
    got = run("rollcall", "status", "--json").stdout
    return json.loads(got).get("mode") if got else None


def test_setup_starts_the_house_a_new_mode_counts_at_once_and_undo_stops_it():
    people.write([people.person(1, "alice")])
    setup("--undo")
    run("systemctl", "disable", "--now", *UNITS)
    assert states("is-enabled") == {"disabled"}
    setup("--mode", "observe")
    assert states("is-enabled") == {"enabled"} and states("is-active") == {"active"}
    wait.until(lambda: mode() == "observe", "syncd to observe")
    wait.until(lambda: people.passwd("alice"), "alice to have a name")
    setup("--mode", "enforce")
    wait.until(lambda: mode() == "enforce", "syncd to enforce")
    findings = json.loads(run("rollcall", "doctor", "--json").stdout)["findings"]
    assert [f for f in findings if f["severity"] != "note" and f["id"] != "clock-unsynchronised"] == []
    setup("--undo")
    assert states("is-enabled") == {"disabled"} and "active" not in states("is-active")
    assert people.passwd("alice") is None
