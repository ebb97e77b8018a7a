# SPDX-License-Identifier: BSD-2-Clause
"""A hub, a real slapd and a host that is a machine of its own: what the hub says reaches the
host, and its acknowledgement the hub."""
import json
import os
import shutil
import subprocess
import time

import pytest

import daemons
import directory
import machine
import people
import test_hub
import wait
from directory import BASE

PORT = 636


@pytest.fixture(scope="module")
def fleet():
    machine.bridge()
    certificates = directory.Certificates("/srv/fleet-tls")
    hub = certificates.make("hub", "/DC=com/DC=example/CN=hub")
    slapd = directory.Slapd("/srv/fleet", certificates, address=machine.BRIDGE, port=PORT).load().start()
    test_hub.configure(slapd, hub)
    test_hub.reset()
    syncd = daemons.Syncd().start()
    wait.until(slapd.heartbeat, "the hub's heartbeat")
    slapd.add_host("app1")
    app1 = machine.Machine("app1", 11)
    cert, key = certificates.host("app1")
    for source, name in ((cert, "host.pem"), (key, "host.key")):
        shutil.copy(source, app1.root + "/etc/rollcall/secrets/" + name)
        os.chmod(app1.root + "/etc/rollcall/secrets/" + name, 0o600)
    app1.write("/etc/rollcall/rollcall.conf", machine.host_conf([slapd.uri], BASE, certificates))
    enforcer = app1.start("/usr/sbin/rollcall-enforcer", "--foreground")
    host = app1.start("/usr/sbin/rollcall-syncd", "--foreground")
    yield slapd, app1, host, syncd
    for one in (host, enforcer):
        one.stop()
    syncd.stop()
    slapd.stop()
    app1.stop()
    os.unlink(test_hub.CONF)


def acknowledged(name, member):
    """The hub's word on a host: how much of `member` is open there."""
    found = {h["host"]: h for h in test_hub.asked("fleet")["hosts"]}
    return found[name][member] == 0 if name in found else False


def rows(**alice):
    return [people.person(1001, "alice", groups="linux-users;linux-admins",
                          sshPublicKeys="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMlpZ2h0 alice", **alice),
            people.person(1002, "bob"), people.person(1003, "carol")]


def test_a_host_has_the_hubs_people_ids_groups_and_keys(fleet):
    _, app1, host, _ = fleet
    wait.until(lambda: app1.passwd("alice"), f"alice on app1; its log:\n{host.log()}", 30)
    assert app1.passwd("alice") == people.passwd("alice")
    ours = set(app1.run("id", "-Gn", "alice").stdout.split())
    assert ours == {"alice", "rollcall-people", "linux-users", "linux-admins"} == people.groups("alice") - {"sudo"}
    seen = json.loads(app1.run("rollcall", "user", "alice", "--json").stdout)
    assert seen["state"] == "active" and seen["employee_number"] == "1001" and seen["uid"] == int(people.passwd("alice")[2])
    status = json.loads(app1.run("rollcall", "status", "--json", check=False).stdout)
    assert status["sources"][0]["as_of"] == int(os.stat(people.PATH).st_mtime), "the lease runs from HR's word"


def test_a_termination_locks_on_the_host_and_is_acknowledged_to_the_last_process(fleet):
    slapd, app1, host, _ = fleet
    wait.until(lambda: app1.passwd("alice"), "alice on app1", 30)
    wait.until(lambda: acknowledged("app1", "behind"), f"app1 to acknowledge; its log:\n{host.log()}", 30)
    uid = int(app1.passwd("alice")[2])
    work = subprocess.Popen(app1.inside("setpriv", "--reuid", str(uid), "--clear-groups", "sleep", "1000"))
    people.write(rows(status="terminated"))
    wait.until(lambda: app1.passwd("alice")[6].endswith("nologin"), "alice locked on app1", 30)
    work.wait(30)
    wait.until(lambda: acknowledged("app1", "open_sessions") and acknowledged("app1", "open_locks"),
               "app1's word that the last process is gone", 30)
    assert test_hub.asked("fleet")["open"] == []
    said = subprocess.run(["rollcall", "fleet"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0 and "app1" in said.stdout, said.stdout + said.stderr
    seen = json.loads(app1.run("rollcall", "user", "alice", "--json").stdout)
    assert seen["state"] == "terminated" and app1.passwd("bob")[6] == "/bin/bash"


def test_a_rehire_comes_back_with_the_hubs_incarnation(fleet):
    _, app1, _, _ = fleet
    people.write(rows(status="terminated"))
    wait.until(lambda: app1.passwd("alice") and app1.passwd("alice")[6].endswith("nologin"), "alice locked", 30)
    people.write(rows())
    wait.until(lambda: app1.passwd("alice")[6] == "/bin/bash", "alice back on app1", 30)
    hub = json.loads(subprocess.run(["rollcall", "user", "alice", "--json"], capture_output=True, text=True,
                                    timeout=60).stdout)
    assert json.loads(app1.run("rollcall", "user", "alice", "--json").stdout)["incarnation"] == hub["incarnation"] >= 2


def test_what_the_hub_holds_refuses_on_the_host_and_ends_no_session(fleet):
    _, app1, _, _ = fleet
    crowd = rows() + [people.person(2000 + i, f"p{i}") for i in range(60)]
    people.write(crowd)
    wait.until(lambda: app1.passwd("p59"), "the crowd on app1", 30)
    uid = int(app1.passwd("p7")[2])
    work = subprocess.Popen(app1.inside("setpriv", "--reuid", str(uid), "--clear-groups", "sleep", "1000"))
    people.write(rows() + [people.person(2000 + i, f"p{i}", status="terminated") for i in range(60)])
    wait.until(lambda: app1.passwd("p7")[6].endswith("nologin"), "p7 refused on app1", 30)
    seen = json.loads(app1.run("rollcall", "user", "p7", "--json").stdout)
    assert seen["reason"] == "hub" and "refuse-only" in seen["flags"]
    wait.until(lambda: acknowledged("app1", "behind"), "app1 to have all of it", 30)
    assert work.poll() is None, "what is held ends no session"
    directory.run("rollcall", "approve", test_hub.asked("status")["held"][0]["id"])
    work.wait(30)
    wait.until(lambda: acknowledged("app1", "open_sessions"), "the last process of all 60 to be gone", 30)


def test_the_hub_may_be_dead_and_dates_still_bite(fleet):
    slapd, app1, _, syncd = fleet
    wait.until(lambda: app1.passwd("bob"), "bob on app1", 30)
    leaves = int(time.time()) + 8
    people.write([people.person(1001, "alice"), people.person(1002, "bob", terminatedAt=time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(leaves))), people.person(1003, "carol")])
    wait.until(lambda: (slapd.people()["bob"].get("rollcallNotAfter") or [None])[0] == directory.instant(leaves), "the date")
    wait.until(lambda: acknowledged("app1", "behind"), "app1 to have it", 30)
    syncd.kill()
    slapd.stop()
    wait.until(lambda: app1.passwd("bob")[6].endswith("nologin"), "bob's date on app1 with nobody to tell", 60)
    assert time.time() >= leaves and app1.passwd("carol")[6] == "/bin/bash"
    slapd.start()
    syncd.start()
