# SPDX-License-Identifier: BSD-2-Clause
"""The hub: HR's file in, a directory kept in step, on a real slapd with the schema and the ACLs
that are shipped."""
import json
import os
import shutil
import sqlite3
import subprocess
import time
import types

import pytest

import daemons
import directory
import ldap_source
import people
import wait
from directory import BASE

CONF = "/etc/rollcall/conf.d/60-hub.conf"
FOLDER = "/srv/directory"


def configure(slapd, hub):
    os.makedirs("/etc/rollcall/secrets", exist_ok=True)
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    shutil.copy(hub[1], "/etc/rollcall/secrets/hub.key")
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[sink fleet]\ntype = ldap\nuri = {slapd.uri}\nbase = {BASE}\nbind = external\n"
                f"ca_file = {slapd.certificates.ca}\ncert_file = {hub[0]}\nkey_file = /etc/rollcall/secrets/hub.key\n")


@pytest.fixture(scope="module")
def certificates():
    return directory.Certificates(FOLDER + "-tls")


@pytest.fixture(scope="module")
def hub_certificate(certificates):
    return certificates.make("hub", "/DC=com/DC=example/CN=hub")


@pytest.fixture
def slapd(certificates, hub_certificate):
    shutil.rmtree(FOLDER, ignore_errors=True)
    server = directory.Slapd(FOLDER, certificates).load().start()
    configure(server, hub_certificate)
    yield server
    server.stop()
    os.unlink(CONF)


@pytest.fixture(autouse=True)
def company():
    reset()


def reset():
    """A hub of its own for each test."""
    shutil.rmtree("/var/lib/rollcall/state", ignore_errors=True)
    os.makedirs("/var/lib/rollcall/state")
    shutil.chown("/var/lib/rollcall/state", "rollcall", "rollcall")
    os.chmod("/var/lib/rollcall/state", 0o700)
    people.write([people.person(1001, "alice", displayName="Alice Arnold", groups="linux-users;linux-admins",
                                sshPublicKeys="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMlpZ2h0 alice"),
                  people.person(1002, "bob"), people.person(1003, "carol", displayName="Cärol Çelik")],
                 at=time.time() - 5)


def has(slapd, name, **members):
    def look():
        entry = slapd.people().get(name)
        return entry and all(entry.get(k) == v for k, v in members.items()) and entry

    return wait.until(look, f"{name} with {members} in the directory; there is {slapd.people().get(name)}", 30)


def test_the_company_stands_in_the_directory_with_ids_groups_keys_and_heartbeat(slapd, syncd):
    alice = has(slapd, "alice", rollcallState=["active"])
    uid = wait.until(lambda: people.passwd("alice"), "alice on the hub")[2]
    assert alice["uidNumber"] == [uid] and alice["gidNumber"] == [uid]
    assert alice["employeeNumber"] == ["1001"] and alice["rollcallId"] == ["1001"]
    assert alice["cn"] == ["Alice Arnold"] and alice["sn"] == ["Arnold"] and alice["homeDirectory"] == ["/home/alice"]
    assert sorted(alice["rollcallMemberOf"]) == ["linux-admins", "linux-users"]
    assert alice["sshPublicKey"] == ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMlpZ2h0 alice"]
    assert alice["rollcallAuthority"] == ["hr"] and alice["rollcallIncarnation"] == ["1"]
    assert has(slapd, "carol")["displayName"] == ["Cärol Çelik"]
    groups = slapd.search(f"ou=groups,{BASE}", "one", "(objectClass=posixGroup)")
    assert sorted(groups[f"cn=linux-users,ou=groups,{BASE}"]["memberUid"]) == ["alice", "bob", "carol"]
    assert groups[f"cn=linux-admins,ou=groups,{BASE}"]["memberUid"] == ["alice"]
    beat = wait.until(slapd.heartbeat, "the heartbeat")
    listed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.stat(people.PATH).st_mtime)))
    assert beat["rollcallAsOf"] == [f"hr {listed}"]


def test_a_termination_reaches_the_directory_and_a_second_look_writes_nothing(slapd, syncd):
    has(slapd, "alice", rollcallState=["active"])
    rows = [people.person(1001, "alice", status="terminated", groups="linux-users"), people.person(1002, "bob"),
            people.person(1003, "carol")]
    before = slapd.people()
    people.write(rows)
    alice = has(slapd, "alice", rollcallState=["terminated"])
    assert alice["rollcallReason"] == ["4"]
    assert slapd.people()["bob"]["entryCSN"] == before["bob"]["entryCSN"], "bob did not change"
    wait.until(lambda: slapd.search(f"cn=linux-admins,ou=groups,{BASE}", "base", "(memberUid=alice)") == {},
               "alice to leave linux-admins in the directory")
    csn = {n: e["entryCSN"] for n, e in slapd.people().items()}
    generation = wait.until(slapd.heartbeat, "the heartbeat")["rollcallGeneration"]
    syncd.stop()
    # All is said again to a directory that has it: it is compared, and nothing is written.
    daemons.synced()
    wait_state("UPDATE sink SET confirmed = 99999999")
    again = daemons.Syncd().start()
    wait.until(lambda: int(slapd.heartbeat()["rollcallGeneration"][0]) > int(generation[0]), "everybody to be said again")
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    assert {n: e["entryCSN"] for n, e in slapd.people().items()} == csn
    again.stop()


def wait_state(sql):
    db = sqlite3.connect("/var/lib/rollcall/state/state.db")
    db.execute(sql)
    db.commit()
    db.close()


def fleet_queue():
    db = sqlite3.connect("file:/var/lib/rollcall/state/state.db?mode=ro", uri=True)
    n = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
    db.close()
    return n


def asked(verb):
    return json.loads(subprocess.run(["rollcall", verb, "--json"], capture_output=True, text=True, timeout=60).stdout)


def lines(problem, syncd):
    return [line for line in syncd.log().splitlines() if problem in line]


def test_what_the_breaker_holds_is_refused_in_the_directory_and_its_approval_travels(slapd):
    crowd = [people.person(2000 + i, f"p{i}") for i in range(60)]
    people.write(crowd, at=time.time() - 5)
    syncd = daemons.Syncd().start()
    has(slapd, "p59", rollcallState=["active"])
    people.write([dict(row, status="terminated") for row in crowd])
    has(slapd, "p0", rollcallState=["refused"])
    states = wait.until(lambda: {e["rollcallState"][0] for e in slapd.people().values()} == {"refused"}, "all refused")
    assert states
    held = asked("status")["held"][0]["id"]
    directory.run("rollcall", "approve", held)
    wait.until(lambda: {e["rollcallState"][0] for e in slapd.people().values()} == {"terminated"}, "all terminated")
    syncd.stop()


def test_entries_of_others_are_left_alone_and_said(slapd):
    syncd = daemons.Syncd().start()
    has(slapd, "alice")
    dn = next(d for d, e in slapd.search(f"ou=people,{BASE}", "one", "(uid=alice)").items())
    slapd.modify(f"dn: {dn}\nchangetype: modify\nreplace: rollcallOwner\nrollcallOwner: somebody else\n")
    slapd.modify(f"dn: cn=guests,ou=groups,{BASE}\nchangetype: add\nobjectClass: posixGroup\ncn: guests\n"
                 "gidNumber: 4711\nmemberUid: visitor\n")
    people.write([people.person(1001, "alice", status="terminated"), people.person(1002, "bob", groups="guests"),
                  people.person(1003, "carol", status="leave")])
    has(slapd, "carol", rollcallState=["suspended"], rollcallReason=["3"])
    assert slapd.people()["alice"]["rollcallState"] == ["active"]
    assert slapd.search(f"cn=guests,ou=groups,{BASE}", "base", "(objectClass=*)", "memberUid") == {
        f"cn=guests,ou=groups,{BASE}": {"memberUid": ["visitor"]}}
    wait.until(lambda: len(lines("is not this hub's", syncd)) == 2, f"two complaints in {syncd.log()}")
    syncd.stop()


def test_a_date_stands_in_the_directory_when_it_is_near_enough_and_nobody_else_reads_it(slapd, certificates, syncd):
    soon, late = time.time() + 2 * 86400, time.time() + 30 * 86400
    people.write([people.person(1001, "alice", terminatedAt=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))),
                  people.person(1002, "bob", terminatedAt=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(late))),
                  people.person(1003, "carol"),
                  people.person(1004, "dora", startDate=time.strftime("%Y-%m-%d", time.gmtime(late)))])
    has(slapd, "alice", rollcallNotAfter=[directory.instant(soon)])
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    found = slapd.people()
    assert "rollcallNotAfter" not in found["bob"] and found["bob"]["rollcallState"] == ["active"]
    assert "dora" not in found, "her first day is nobody's business yet"
    web1 = certificates.host("web1")
    seen = slapd.read_as(web1, f"ou=people,{BASE}", "one", "(uid=alice)")
    assert next(iter(seen.values()))["rollcallNotAfter"] == [directory.instant(soon)]
    stranger = certificates.make("stranger", "/DC=com/DC=example/OU=desktops/CN=pc7")
    assert slapd.read_as(stranger, f"ou=people,{BASE}", "one", "(uid=alice)") == {}


def test_a_first_day_that_moves_away_takes_access_back(slapd, syncd):
    has(slapd, "bob", rollcallState=["active"])
    late = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86400))
    people.write([people.person(1001, "alice"), people.person(1002, "bob", startDate=late), people.person(1003, "carol")])
    assert "rollcallNotBefore" not in has(slapd, "bob", rollcallState=["pending"])


def test_a_host_writes_its_own_acknowledgement_and_nothing_else(slapd, certificates, syncd):
    has(slapd, "alice")
    for name in ("web1", "web2"):
        slapd.add_host(name)
    web1 = certificates.host("web1")

    def write(dn, change):
        return slapd.modify(f"dn: {dn}\nchangetype: modify\n{change}", as_cert=web1).returncode

    own, other = f"cn=web1,ou=hosts,{BASE}", f"cn=web2,ou=hosts,{BASE}"
    alice = next(iter(slapd.search(f"ou=people,{BASE}", "one", "(uid=alice)")))
    assert write(own, "replace: rollcallAckGeneration\nrollcallAckGeneration: 1\n-\nreplace: rollcallAckTime\n"
                 f"rollcallAckTime: {directory.instant(time.time())}\n") == 0
    assert write(own, "replace: description\ndescription: mine\n") == 50
    assert write(other, "replace: rollcallAckGeneration\nrollcallAckGeneration: 1\n") != 0
    assert write(alice, "replace: rollcallState\nrollcallState: active\n") == 50
    assert write(f"cn=rollcall-heartbeat,{BASE}", "replace: rollcallGeneration\nrollcallGeneration: 9\n") == 50

    def hosts():
        return {h["host"]: h for h in asked("fleet")["hosts"]}

    wait.until(lambda: hosts().get("web1", {}).get("generation") == 1, "web1's word in rollcall fleet")
    assert hosts()["web2"]["silent"] is True


def test_a_host_that_polls_is_as_old_as_the_hubs_authorities(slapd, certificates, syncd):
    has(slapd, "alice", rollcallState=["active"])
    wait.until(slapd.heartbeat, "the heartbeat")
    syncd.stop()
    said = slapd.heartbeat()["rollcallAsOf"][0].split()[1]
    certificates.host("poller")
    reader = types.SimpleNamespace(file=certificates.ca)
    source = ldap_source.Source([slapd.uri], ca=reader, password=None, cert=certificates.path("poller"), bind="external",
                                bind_dn=None, base=BASE, schema="rollcall", sync="poll")
    source.until(lambda s: len(s.as_of) >= 4, "its rounds")
    source.stop()
    assert set(source.as_of) == {said}


def test_a_directory_that_restarts_or_a_sink_that_is_killed_loses_nothing(slapd, syncd):
    has(slapd, "alice", rollcallState=["active"])
    slapd.stop(kill=True)
    people.write([people.person(1001, "alice", status="terminated"), people.person(1002, "bob"),
                  people.person(1003, "carol")])
    wait.until(lambda: (people.passwd("alice") or [""])[-1].endswith("nologin"), "alice locked on the hub")
    slapd.start()
    has(slapd, "alice", rollcallState=["terminated"])
    sink = wait.until(lambda: [p for p in syncd.children() if b"rollcall-sink" in open(f"/proc/{p}/cmdline", "rb").read()],
                      "the sink's process")
    os.kill(sink[0], 9)
    people.write([people.person(1001, "alice", status="terminated"), people.person(1002, "bob", status="terminated"),
                  people.person(1003, "carol")])
    has(slapd, "bob", rollcallState=["terminated"])


def test_a_lock_that_the_directory_refuses_waits_in_the_queue(slapd, syncd):
    has(slapd, "alice", rollcallState=["active"])
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    conf = slapd.folder + "/slapd.conf"
    with open(conf, encoding="utf-8") as f:
        allowed = f.read()
    slapd.stop()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(allowed.replace("\ndbnosync\n", f'\ndbnosync\naccess to dn.subtree="ou=people,{BASE}" by * read\n'))
    slapd.start()
    people.write([people.person(1001, "alice", status="terminated"), people.person(1002, "bob"),
                  people.person(1003, "carol")])
    syncd.logs("Insufficient access")
    assert fleet_queue() > 0 and slapd.people()["alice"]["rollcallState"] == ["active"]
    slapd.stop()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(allowed)
    slapd.start()
    has(slapd, "alice", rollcallState=["terminated"])


def add_ghost(slapd, owner):
    """An entry of the hub's own making, of whom it knows nothing."""
    slapd.modify(f"dn: uidNumber=1999999999,ou=people,{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\n"
                 "objectClass: posixAccount\nobjectClass: rollcallAccount\nuid: ghost\ncn: ghost\nsn: ghost\n"
                 f"uidNumber: 1999999999\ngidNumber: 1999999999\nhomeDirectory: /home/ghost\nrollcallOwner: {owner}\n"
                 "rollcallState: active\nrollcallId: 1\nrollcallGeneration: 1\n")


def test_a_restored_backup_is_brought_up_and_whom_nobody_knows_is_refused(slapd, syncd):
    has(slapd, "alice", rollcallState=["active"])
    owner = slapd.people()["alice"]["rollcallOwner"][0]
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    syncd.stop()
    add_ghost(slapd, owner)
    slapd.modify(f"dn: cn=rollcall-heartbeat,{BASE}\nchangetype: modify\nreplace: rollcallGeneration\n"
                 "rollcallGeneration: 1\n")
    dn = next(iter(slapd.search(f"ou=people,{BASE}", "one", "(uid=bob)")))
    slapd.modify(f"dn: {dn}\nchangetype: modify\nreplace: loginShell\nloginShell: /bin/old\n")
    syncd.start()
    has(slapd, "bob", loginShell=["/bin/bash"])
    has(slapd, "ghost", rollcallState=["refused"])


def test_everybody_is_said_anew_where_that_was_broken_off(slapd, syncd):
    owner = has(slapd, "alice", rollcallState=["active"])["rollcallOwner"][0]
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    syncd.stop()
    add_ghost(slapd, owner)
    # As whoever died after all but one were written: the rest names too few to find whom nobody names.
    wait_state("INSERT INTO meta VALUES('whole of fleet', 1)")
    syncd.start()
    has(slapd, "ghost", rollcallState=["refused"])
    has(slapd, "alice", rollcallState=["active"])
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    db = sqlite3.connect("file:/var/lib/rollcall/state/state.db?mode=ro", uri=True)
    wait.until(lambda: not db.execute("SELECT 1 FROM meta WHERE key LIKE 'whole%'").fetchall(), "the end of it to be noted")


def test_a_hub_that_lost_its_state_goes_on_where_the_directory_is(slapd, syncd):
    has(slapd, "alice", rollcallState=["active"])
    wait.until(lambda: fleet_queue() == 0, "the queue to be empty")
    syncd.stop()
    slapd.modify(f"dn: cn=rollcall-heartbeat,{BASE}\nchangetype: modify\nreplace: rollcallGeneration\n"
                 "rollcallGeneration: 5000\n")
    for end in ("", "-wal", "-shm"):
        if os.path.exists("/var/lib/rollcall/state/state.db" + end):
            os.unlink("/var/lib/rollcall/state/state.db" + end)
    people.write([people.person(1001, "alice", status="terminated"), people.person(1002, "bob"),
                  people.person(1003, "carol")])
    syncd.start()
    assert int(has(slapd, "alice", rollcallState=["terminated"])["rollcallGeneration"][0]) > 5000
    wait.until(lambda: int(slapd.heartbeat()["rollcallGeneration"][0]) > 5000, "the heartbeat to go on")


def test_two_hubs_do_not_share_a_directory(slapd):
    syncd = daemons.Syncd().start()
    has(slapd, "alice", rollcallState=["active"])
    syncd.stop()
    reset()
    people.write([people.person(1001, "alice", status="terminated")])
    syncd.start()
    syncd.logs("kept by another hub")
    assert slapd.people()["alice"]["rollcallState"] == ["active"]
    syncd.stop()


def test_the_shipped_ldif_is_the_schema_and_slapd_takes_it(tmp_path):
    for name in ("rollcall", "openssh-lpk"):
        made = subprocess.run(["/usr/bin/python3", directory.SHIPPED + "/make-ldif", name], capture_output=True, text=True,
                              input=directory.shipped(name + ".schema"), timeout=60, check=True).stdout
        assert made == directory.shipped(name + ".ldif")
    ldif = tmp_path / "config.ldif"
    text = "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n\ndn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n"
    for name in ("core", "cosine", "nis", "inetorgperson"):
        text += f"include: file:///etc/ldap/schema/{name}.ldif\n\n"
    ldif.write_text(text + directory.shipped("openssh-lpk.ldif") + "\n" + directory.shipped("rollcall.ldif"), encoding="utf-8")
    (tmp_path / "slapd.d").mkdir()
    got = subprocess.run(["slapadd", "-n", "0", "-F", str(tmp_path / "slapd.d"), "-l", str(ldif)], capture_output=True,
                         text=True, timeout=60)
    assert got.returncode == 0, got.stderr
