# SPDX-License-Identifier: BSD-2-Clause
"""make demo-fleet: a company with a hub, an OpenLDAP provider, two replicas and three hosts, each
a machine of its own inside the sandbox, with real slapd, sshd and ssh. Everything that is shown
is measured or read while it happens; what does not hold ends the demo with exit status 1."""
import calendar
import json
import os
import shutil
import sys
import time

import demo
import directory
import machine
import people
import pexpect
import ssh
import totp
import wait
from demo import say, step
from directory import BASE

LEASE = 3600  # the shortest that is allowed
PEOPLE = "/etc/rollcall/people.csv"


class Host(machine.Machine):
    """A host with rollcall and sshd."""

    def __init__(self, name, number, certificates, uris, provider):
        super().__init__(name, number)
        cert, key = certificates.host(name)
        for source, target in ((cert, "host.pem"), (key, "host.key")):
            shutil.copy(source, f"{self.root}/etc/rollcall/secrets/{target}")
            os.chmod(f"{self.root}/etc/rollcall/secrets/{target}", 0o600)
        self.write("/etc/rollcall/rollcall.conf", machine.host_conf(uris, BASE, certificates, ack=provider))
        self.enforcer = self.start("/usr/sbin/rollcall-enforcer", "--foreground")
        wait.until(lambda: os.path.exists(self.root + "/run/rollcall/enforcer.sock"), f"{name}'s enforcer")
        self.syncd = self.start("/usr/sbin/rollcall-syncd", "--foreground")
        self.sshd = self.start("/usr/sbin/sshd", "-D", "-e")

    def records(self, event, user):
        with open(self.root + "/var/log/rollcall/audit.jsonl", encoding="utf-8") as f:
            found = [json.loads(line) for line in f]
        return [r for r in found if r["event"] == event and r.get("user") == user]

    def when(self, event, user, member):
        """The instant in the newest of these records of the audit log, to the microsecond."""
        found = self.records(event, user)
        return instant(found[-1][member]) if found and member in found[-1] else None

    def is_locked(self, user):
        entry = self.passwd(user)
        return entry and entry[6].endswith("nologin")

    def admits(self, user):
        said = json.loads(self.run("rollcall", "user", user, "--json", check=False).stdout)
        return said["admission"]["admitted"], said["admission"]["sentence"]

    def enroll(self, user):
        return totp.Authenticator(json.loads(self.run("rollcall", "enroll", "totp", user, "--json").stdout)["uri"])

    def log_in(self, user, key, app):
        session = ssh.connect(user, key=key, host=self.address)
        session.answer(totp.PROMPT, app.code())
        return session.shell()


def instant(text):
    head, _, tail = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(head, "%Y-%m-%dT%H:%M:%S")) + float("0." + (tail or "0"))


class Company:
    """HR's export: a file on the hub, with the time at which it was exported."""

    def __init__(self, hub, keys):
        self.path = hub.root + PEOPLE
        self.rows = {name: people.person(1001 + i, name, groups="linux-users", sshPublicKeys=keys[name].public)
                     for i, name in enumerate(("alice", "bob", "carol", "dora", "erik"))}
        self.exported = 0

    def write(self, exported=None, **changes):
        for name, members in changes.items():
            self.rows[name].update(members)
        self.exported = max(exported or 0, self.exported + 1)
        return people.write(list(self.rows.values()), path=self.path, at=self.exported)


def measure(hosts, user, changed):
    for host in hosts:
        wait.until(lambda h=host: h.is_locked(user), f"{user} locked on {host.name}", 60)
        locked = host.when("lock", user, "locked")
        gone = wait.until(lambda h=host: h.when("sessions-ended", user, "last_process_gone") or
                          not h.records("sessions-ended", user) and "none", f"the end on {host.name}", 10)
        after = f", the last process gone after {gone - changed:.3f} s" if isinstance(gone, float) else ""
        say(f"   {host.name}: locked {locked - changed:.3f} s after HR{after}")


def build():
    certificates = directory.Certificates("/srv/tls")
    hub = machine.Machine("hub", 10)
    boxes = [machine.Machine(f"ldap{i}", 20 + i) for i in range(3)]
    replica = certificates.make("replica", "/DC=com/DC=example/CN=replica")
    provider = directory.Slapd("/srv/ldap0", certificates, address=boxes[0].address, port=636, where=boxes[0], rid=10)
    provider.load().start()
    replicas = [directory.Slapd(f"/srv/ldap{i}", certificates, address=boxes[i].address, port=636, where=boxes[i], rid=10 + i,
                                provider=directory.replica_of(provider.uri, certificates, replica)).start()
                for i in (1, 2)]
    cert, key = certificates.make("hub", "/DC=com/DC=example/CN=hub")
    shutil.copy(key, hub.root + "/etc/rollcall/secrets/hub.key")
    hub.write("/etc/rollcall/rollcall.conf", f"""[rollcall]
mode = enforce
[source hr]
type = csv
role = authority, directory
path = {PEOPLE}
[sink fleet]
type = ldap
uri = {provider.uri}
base = {BASE}
ca_file = {certificates.ca}
cert_file = {cert}
key_file = /etc/rollcall/secrets/hub.key
[access]
allow_groups = nobody-logs-in-on-the-hub
[mfa]
factors = totp
""")
    return certificates, hub, provider, replicas


def main():
    say("rollcall: a company's fleet. A hub reads HR, OpenLDAP carries it, three hosts follow. Nothing here is kept.")
    certificates, hub, provider, replicas = build()
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol", "dora", "erik")}
    company = Company(hub, keys)

    step(1, "HR's export arrives on the hub. It is 58 minutes old, and the hosts' lease is an hour: so we shall see it end.")
    begin = time.time()
    company.write(exported=begin - LEASE + 75)
    hub.start("/usr/sbin/rollcall-enforcer", "--foreground")
    hub_syncd = hub.start("/usr/sbin/rollcall-syncd", "--foreground")
    wait.until(provider.heartbeat, f"the hub's heartbeat; its log:\n{hub_syncd.log()}")
    for i in (1, 2, 3):
        provider.add_host(f"app{i}")
    near, far = replicas[0].uri, replicas[1].uri
    hosts = [Host("app1", 11, certificates, [near, far], provider.uri),
             Host("app2", 12, certificates, [near, far], provider.uri),
             Host("app3", 13, certificates, [far, near], provider.uri)]
    for host in hosts:
        wait.until(lambda h=host: h.passwd("alice"), f"alice on {host.name}; its log:\n{host.syncd.log()}")
    say(f"   Everybody is known everywhere {time.time() - begin:.1f} s after the first process of all this was started.")
    assert len({tuple(h.passwd("alice")) for h in hosts}) == 1, "the same ids on all hosts"
    say("   " + ":".join(hosts[0].passwd("alice")) + "   (the same on all three)")

    step(2, "Alice logs in on all three hosts, with her key and a code; Dora on app3.")
    sessions = [h.log_in("alice", keys["alice"], h.enroll("alice")) for h in hosts]
    dora = hosts[2].log_in("dora", keys["dora"], hosts[2].enroll("dora"))
    for host, session in zip(hosts, sessions):
        say(f"     alice@{host.name}$ id -un: {session.run('id -un')[1].strip()}")

    step(3, "HR ends Alice's employment.")
    changed = company.write(alice={"status": "terminated"})
    for host, session in zip(hosts, sessions):
        assert session.gone(), f"Alice's session on {host.name} went on"
    measure(hosts, "alice", changed)
    wait.until(lambda: not asked(hub)["open"] and all(h["behind"] == 0 for h in asked(hub)["hosts"]), "all acknowledgements")
    say(f"   All three have acknowledged it to the last process, {time.time() - changed:.1f} s after HR (2 s of it: HR's file")
    say("   has to be quiet).")
    fleet(hub)

    step(4, "The replica that app1 and app2 read from is killed; then HR ends Bob's employment.")
    replicas[0].stop(kill=True)
    killed = time.time()
    changed = company.write(bob={"status": "terminated"})
    measure(hosts, "bob", changed)
    say(f"   app1 and app2 moved on to the other replica by themselves ({time.time() - killed:.1f} s after the kill at most).")

    step(5, "The hub is killed (kill -9). Nothing changes for anybody but the lease.")
    hub_syncd.stop(kill=True)
    for host in hosts:
        assert host.admits("carol")[0], host.admits("carol")
        assert host.is_locked("alice") and host.is_locked("bob")
    say("   Carol may come in on all three; Alice and Bob may not.")
    app = hosts[0].enroll("carol")
    session = hosts[0].log_in("carol", keys["carol"], app)
    say(f"     carol@app1$ id -un: {session.run('id -un')[1].strip()}")

    step(6, "The hub is back. Dora's last minute is entered: it is in the directory, and so on each host.")
    hub_syncd = hub.start("/usr/sbin/rollcall-syncd", "--foreground")
    leaves = int(time.time()) + 20
    company.write(dora={"terminatedAt": demo.instant(leaves)})
    wait.until(lambda: "rollcallNotAfter" in provider.people()["dora"], "Dora's date in the directory")
    wait.until(lambda: all(h["behind"] == 0 for h in asked(hub)["hosts"]), "all hosts to have it")
    say(f"   ({leaves - time.time():.0f} s to go.) Then app3's cable is pulled.")
    hosts[2].cable(False)
    ends = company.exported + LEASE
    changed = company.write(exported=time.time(), erik={"status": "terminated"})
    say("   HR's next export is a fresh one, and ends Erik's employment. app3 does not hear of it:")
    measure(hosts[:2], "erik", changed)
    assert not hosts[2].is_locked("erik")
    wait.until(lambda: all(h["behind"] == 0 for h in asked(hub)["hosts"] if h["host"] != "app3"), "app1 and app2")
    fleet(hub)

    step(7, "On app3, with no cable: Dora's date falls, and later the lease ends.")
    wait.until(lambda: hosts[2].when("sessions-ended", "dora", "last_process_gone"), "the end of Dora's session", 90)
    gone = hosts[2].when("sessions-ended", "dora", "last_process_gone")
    assert gone >= leaves, "before its time"
    say(f"   Dora's last process is gone {gone - leaves:.3f} s after her date.")
    dora.close(force=True)
    assert time.time() < ends, "this machine was too slow for the story: the lease is over already"
    assert hosts[2].admits("carol")[0], hosts[2].admits("carol")
    say(f"   Carol may still come in there. The lease ends at {demo.clock(ends)[:8]}, in {ends - time.time():.0f} s.")
    wait.until(lambda: not hosts[2].admits("carol")[0], "the end of the lease", LEASE)
    over = time.time()
    assert over >= ends - 1, "before its time"
    admitted, cause = hosts[2].admits("carol")
    say(f"   {demo.clock(over)}  app3 refuses Carol: {cause}. On app1 and app2, which heard HR's fresh word: "
        f"{[h.admits('carol')[0] for h in hosts[:2]]}.")
    assert hosts[0].admits("carol")[0] and hosts[1].admits("carol")[0]

    step(8, "The cable is plugged in again.")
    hosts[2].cable(True)
    plugged = time.time()
    wait.until(lambda: hosts[2].is_locked("erik"), "Erik locked on app3", 120)
    say(f"   Erik is locked on app3 {hosts[2].when('lock', 'erik', 'locked') - plugged:.1f} s later,")
    wait.until(lambda: hosts[2].admits("carol")[0], "Carol on app3", 60)
    say(f"   Carol may come in again {time.time() - plugged:.1f} s later, and app3 acknowledges all of it:")
    wait.until(lambda: not asked(hub)["open"] and all(h["behind"] == 0 for h in asked(hub)["hosts"]), "app3's word", 90)
    fleet(hub)
    say("\nThat was it. docs/doors/directory.md says how it works, packaging/ldap/README.md how to set it up.")


def asked(hub):
    return json.loads(hub.run("rollcall", "fleet", "--json", check=False).stdout)


def fleet(hub):
    say("   hub# rollcall fleet")
    for line in hub.run("rollcall", "fleet", check=False).stdout.splitlines():
        say("     " + line)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, pexpect.ExceptionPexpect) as e:
        say(f"\nThe demo failed: {e}")
        sys.exit(1)
