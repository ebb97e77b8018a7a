# SPDX-License-Identifier: BSD-2-Clause
"""A directory of many people, followed (run by tests/bench/directory, inside the sandbox): what the first reading
takes beside ldapsearch of the same entries to a file, and beside sssd that enumerates them; then terminations, one
after the other, from slapd's answer to the board's word and to the last process gone. Prints figures, decides nothing."""
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
sys.path.insert(0, HERE)

import daemons  # noqa: E402
import ldapd  # noqa: E402
import ldap_source  # noqa: E402
import lookups_peers as peers  # noqa: E402
import test_ldap  # noqa: E402
import wait  # noqa: E402

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
PEOPLE = int(os.environ.get("PEOPLE", "100000"))
CHANGES = int(os.environ.get("CHANGES", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
WITH_SSSD = os.environ.get("SSSD", "1") == "1"
TEAM = 100
AUDIT = "/var/log/rollcall/audit.jsonl"
TICK = os.sysconf("SC_CLK_TCK")


def name_of(i):
    return f"p{i:06d}"


def entries():
    for i in range(PEOPLE):
        yield (f"dn: uid={name_of(i)},{ldapd.PEOPLE}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
               f"uid: {name_of(i)}\ncn: Person Number{i}\nsn: Number{i}\nuidNumber: {1879050000 + i}\n"
               f"gidNumber: {1879050000 + i}\nhomeDirectory: /home/{name_of(i)}\nloginShell: /bin/bash\n"
               f"employeeNumber: {100000 + i}\nmail: {name_of(i)}@example.org\n\n")
    for g in range(PEOPLE // TEAM):
        yield (f"dn: cn=team{g},{ldapd.GROUPS}\nobjectClass: posixGroup\ncn: team{g}\ngidNumber: {20000 + g}\n" +
               "".join(f"memberUid: {name_of(g * TEAM + k)}\n" for k in range(TEAM)) + "\n")
    yield (f"dn: cn=linux-users,{ldapd.GROUPS}\nobjectClass: posixGroup\ncn: linux-users\ngidNumber: 19999\n" +
           "".join(f"memberUid: {name_of(i)}\n" for i in range(CHANGES)) + "\n")


# ---- what a process and all that it started takes ----

class Watch(threading.Thread):
    """The largest sum of what they hold alone and their share of what they share, and their CPU."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.cpu, self.over = pid, 0, {}, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            total = 0
            for pid in [self.pid, *daemons.children_of(self.pid)]:
                try:
                    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                        total += int(re.search(r"Pss: *(\d+)", f.read()).group(1))
                    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                        fields = f.read().rpartition(")")[2].split()
                    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                        self.cpu[pid] = (f.read().strip(), (int(fields[11]) + int(fields[12])) / TICK)
                except (OSError, AttributeError):
                    pass
            self.peak = max(self.peak, total)

    def stop(self):
        self.over.set()
        self.join()
        return self.peak / 1024

    def who(self):
        spent = {}
        for comm, seconds in self.cpu.values():
            spent[comm] = spent.get(comm, 0) + seconds
        return ", ".join(f"{comm} {s:.1f}" for comm, s in sorted(spent.items(), key=lambda x: -x[1]) if s >= 0.1)


def row(what, seconds, floor=None, more=""):
    ratio = f"{seconds / floor:6.2f}" if floor else "      "
    print(f"{what:52} {seconds:8.2f} s {ratio}  {more}", flush=True)


# ---- the first reading ----

def ldapsearch(slapd):
    attributes = ["objectClass", "entryUUID", "modifyTimestamp", "uid", "employeeNumber", "cn", "mail", "departmentNumber", "manager",
                  "employeeType", "uidNumber", "gidNumber", "loginShell", "homeDirectory", "sshPublicKey", "memberUid"]
    with open("/run/bench.ldif", "wb") as out:
        began = time.monotonic()
        subprocess.run(["ldapsearch", "-x", "-LLL", "-H", slapd.ldaps, "-D", ldapd.SYNC, "-w", ldapd.PASSWORD, "-b", ldapd.BASE,
                        "(|(objectClass=posixAccount)(objectClass=posixGroup))", *attributes], stdout=out, check=True,
                       env={**os.environ, "LDAPTLS_CACERT": slapd.ca.file})
        took = time.monotonic() - began
    size = os.path.getsize("/run/bench.ldif") / 1e6
    os.unlink("/run/bench.ldif")
    return took, size


def source_alone(slapd):
    """What the source takes where its reader is faster than any."""
    with open(slapd.ca.file, encoding="ascii") as f, open("/run/bench.lines", "wb") as out:
        began = time.monotonic()
        process = ldap_source.launch({"uris": [slapd.ldaps], "schema": "rfc2307", "timeout": 60},
                                     {"password_file": ldapd.PASSWORD + "\n", "ca_file": f.read()}, out, subprocess.DEVNULL, once=True)
        assert process.wait() == 0
        took = time.monotonic() - began
    os.unlink("/run/bench.lines")
    return took


def forget():
    for folder in ("state", "cache"):
        for file in os.listdir("/var/lib/rollcall/" + folder):
            os.unlink(f"/var/lib/rollcall/{folder}/{file}")


def first_reading():
    forget()
    began = time.monotonic()
    syncd = subprocess.Popen(["/usr/sbin/rollcall-syncd", "--once"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    watch = Watch(syncd.pid)
    assert syncd.wait() == 0
    took = time.monotonic() - began
    got = subprocess.run(["getent", "-s", "rollcall", "passwd", name_of(PEOPLE - 1)], stdout=subprocess.PIPE, check=False)
    assert got.returncode == 0, "the last one of them is not there"
    return took, watch.stop(), watch.who()


SSSD = f"""[sssd]
services = nss
domains = bench
[nss]
enum_cache_timeout = 5
timeout = 600
[domain/bench]
id_provider = ldap
auth_provider = none
access_provider = permit
sudo_provider = none
ldap_uri = {{uri}}
ldap_tls_cacert = {{ca}}
ldap_schema = rfc2307
ldap_default_bind_dn = {ldapd.SYNC}
ldap_default_authtok = {ldapd.PASSWORD}
ldap_search_base = {ldapd.BASE}
ldap_enumeration_refresh_timeout = 360000
ldap_enumeration_search_timeout = 3600
ldap_search_timeout = 3600
ldap_opt_timeout = 3600
entry_cache_timeout = 360000
ldap_purge_cache_timeout = 0
enumerate = true
timeout = 600
"""


def sssd(slapd, limit=int(os.environ.get("PATIENCE", "900"))):
    """From its start until getent knows as many people as there are; what is asked for, every 6 s, costs it too."""
    peers.write("/etc/sssd/sssd.conf", SSSD.format(uri=slapd.ldaps, ca=slapd.ca.file), 0o600)
    os.makedirs("/var/log/sssd", exist_ok=True)
    began = time.monotonic()
    daemon = subprocess.Popen(["sssd", "-i", "--logger=files"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    watch, seen = Watch(daemon.pid), 0
    while time.monotonic() < began + limit and daemon.poll() is None:
        got = subprocess.run(["getent", "-s", "sss", "passwd"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        seen = got.stdout.count(b"\n")
        if seen >= PEOPLE:
            break
        time.sleep(6)  # it keeps a short answer for 5
    took = time.monotonic() - began
    peak = watch.stop()
    for pid in [*daemons.children_of(daemon.pid), daemon.pid]:  # its parts do not end while they store
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    daemon.wait(60)
    return took, peak, seen, watch.who()


def first(slapd):
    print(f"{PEOPLE:,} people and {PEOPLE // TEAM + 1:,} groups of {TEAM}, over ldaps from slapd on the same machine; ratio to ldapsearch")
    floors, ours, alone = [], [], []
    for _ in range(ROUNDS):
        floors.append(ldapsearch(slapd))
        alone.append(source_alone(slapd))
        ours.append(first_reading())
    floor = statistics.median(f[0] for f in floors)
    row(f"ldapsearch of the same to a file ({floors[0][1]:.0f} MB)", floor, floor)
    row("rollcall-source-ldap, its lines to a file", statistics.median(alone), floor)
    mid = sorted(ours)[len(ours) // 2]
    row("rollcall-syncd --once, until all is published", mid[0], floor, f"{mid[1]:.0f} MB at most; CPU: {mid[2]}")
    if WITH_SSSD and os.path.exists(BUILD + "/bench-peers/complete"):
        peers.unpack(BUILD + "/bench-peers")
        took, peak, seen, who = sssd(slapd)
        row("sssd, until it enumerates them" if seen >= PEOPLE else f"sssd, given up at {seen:,} people", took, floor,
            f"{peak:.0f} MB at most; CPU: {who}; {took / mid[0]:.1f} times rollcall")


# ---- terminations ----

def instant(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return float(time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone) + float("0." + (rest or "0"))


def figures(what, values):
    values = sorted(v * 1000 for v in values)

    def at(share):
        return values[min(len(values) - 1, int(share * len(values)))]

    print(f"{what:52} {at(0.5):9.1f} {at(0.99):9.1f} {values[-1]:9.1f}", flush=True)


def terminations(slapd):
    test_ldap.configure([slapd.ldaps], slapd.ca, schema="rfc2307", poll="10s", timeout="60s")
    forget()
    assert daemons.sync_once().returncode == 0
    enforcer, syncd = daemons.Enforcer().start(), daemons.Syncd().start(seconds=600)
    wait.until(lambda: subprocess.run(["getent", "-s", "rollcall", "passwd", name_of(PEOPLE - 1)], stdout=subprocess.DEVNULL,
                                      check=False).returncode == 0, "all to be known", 600)
    uids = {i: 1879050000 + i for i in range(CHANGES)}
    for i in list(uids):
        got = subprocess.run(["getent", "passwd", name_of(i)], stdout=subprocess.PIPE, text=True, check=True)
        uids[i] = int(got.stdout.split(":")[2])
    # The comparison that every first listing is followed by, when `poll` is over, is not what is measured here.
    time.sleep(15)
    sessions = {i: subprocess.Popen(["setpriv", "--reuid", str(uids[i]), "--clear-groups", "sleep", "100000"]) for i in uids}
    asking = subprocess.Popen(["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", slapd.ldapi, "-e", "relax"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, bufsize=1)
    log = open(AUDIT, encoding="utf-8")
    log.seek(0, os.SEEK_END)
    word, gone = [], []
    for i in uids:
        began = time.time()
        asking.stdin.write(f"dn: uid={name_of(i)},{ldapd.PEOPLE}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
                           "pwdAccountLockedTime: 000001010000Z\n\n")
        asking.stdin.flush()
        found = {}
        deadline = time.monotonic() + 60
        rest = ""
        while len(found) < 2 and time.monotonic() < deadline:
            rest += log.read()
            lines = rest.split("\n")
            rest = lines.pop()
            for line in lines:
                o = json.loads(line)
                if o.get("user") == name_of(i) and o["event"] in ("lock", "sessions-ended"):
                    found[o["event"]] = o
            time.sleep(0.002)
        assert len(found) == 2, f"{name_of(i)}: {list(found)}"
        sessions[i].wait(10)
        word.append(instant(found["lock"]["locked"]) - began)
        gone.append(instant(found["sessions-ended"]["last_process_gone"]) - began)
    asking.stdin.close()
    asking.wait(30)
    print(f"\n{CHANGES} terminations in slapd, {PEOPLE:,} people, ms {'median':>26} {'p99':>9} {'slowest':>9}")
    figures("ldapmodify sent to the board's word", word)
    figures("ldapmodify sent to the last process gone", gone)
    syncd.stop()
    enforcer.stop()


def main():
    os.environ["TZ"] = "UTC"
    time.tzset()
    ca = ldapd.Ca()
    began = time.monotonic()
    slapd = ldapd.Slapd(ca, maxsize=4 << 30, sessionlog=10000).load(*entries()).start()
    print(f"(slapd loaded in {time.monotonic() - began:.0f} s)", file=sys.stderr)
    test_ldap.configure([slapd.ldaps], ca, schema="rfc2307", poll="1h", timeout="60s")
    if "first" in (sys.argv[1:] or ["first"]):
        first(slapd)
    if "terminations" in (sys.argv[1:] or ["terminations"]):
        terminations(slapd)
    slapd.stop()


main()
