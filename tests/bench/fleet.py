# SPDX-License-Identifier: BSD-2-Clause
"""How many hosts one directory carries: slapd with the files that are shipped, CLIENTS
simulated hosts (tests/bench/persist_clients.c), PEOPLE people, CHANGES changes of one person.
Prints figures; decides nothing."""
import json
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))

import directory
from directory import BASE

HUB = "0" * 32
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def load(slapd, people):
    with open(slapd.folder + "/people.ldif", "w", encoding="ascii") as f:
        for ou in ("people", "groups", "hosts"):
            f.write(f"dn: ou={ou},{BASE}\nobjectClass: organizationalUnit\nou: {ou}\n\n")
        for i in range(people):
            uid = 1879050000 + i
            f.write(f"dn: uidNumber={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
                    f"objectClass: rollcallAccount\nuid: p{i}\ncn: Person {i}\nsn: {i}\nuidNumber: {uid}\n"
                    f"gidNumber: {uid}\nhomeDirectory: /home/p{i}\nloginShell: /bin/bash\nrollcallOwner: {HUB}\n"
                    f"rollcallState: active\nrollcallReason: 1\nrollcallId: {i}\nrollcallGeneration: {i}\n"
                    "rollcallMemberOf: linux-users\n\n")
    directory.run("slapadd", "-q", "-f", slapd.folder + "/slapd.conf", "-l", slapd.folder + "/people.ldif")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    people, changes = int(os.environ.get("PEOPLE", "1000")), int(os.environ.get("CHANGES", "20"))
    certificates = directory.Certificates("/srv/tls")
    hub, host = certificates.make("hub", "/DC=com/DC=example/CN=hub"), certificates.host("web1")
    for clients in (int(n) for n in os.environ.get("CLIENTS", "1 1000 2000").split()):
        slapd = directory.Slapd(f"/srv/bench{clients}", certificates).load()
        load(slapd, people)
        slapd.start()
        pid = slapd.process.pid
        before, empty = cpu(pid), memory(pid)
        process = subprocess.Popen([f"{os.environ['BUILD']}/tests/bench/persist_clients", slapd.uri, certificates.ca, *host,
                                    *hub, BASE, f"uidNumber=1879050000,ou=people,{BASE}", str(clients), str(changes)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = json.loads(process.stdout.readline())
        connected, full = cpu(pid), memory(pid)
        got = []
        for _ in range(changes):
            process.stdin.write("\n")
            process.stdin.flush()
            got.append(json.loads(process.stdout.readline()))
        spent = cpu(pid) - connected
        process.stdin.close()
        process.wait(60)
        got.sort(key=lambda g: g["last_ms"])
        print(f"{clients:5d} hosts, {people} people: connecting {said['connect_ms'] / clients:.1f} ms and "
              f"{(connected - before) * 1000 / clients:.2f} ms of slapd's CPU each; memory {empty:.0f} MB and "
              f"{(full - empty) * 1024 / clients:.0f} KB a host; a change: first {got[changes // 2]['first_ms']:.1f}, half "
              f"{got[changes // 2]['half_ms']:.1f}, last {got[changes // 2]['last_ms']:.1f} ms (worst {got[-1]['last_ms']:.1f}), "
              f"{spent * 1000 / changes:.1f} ms of CPU, {spent * 1e6 / changes / clients:.0f} us a host; "
              f"missing {sum(g['missing'] for g in got)}", flush=True)
        slapd.stop()


if __name__ == "__main__":
    main()
