# SPDX-License-Identifier: BSD-2-Clause
"""Rollcall's lookups beside its peers' (run by tests/bench/lookups, inside the sandbox). In each round every service
is asked the same, one after the other, so that what disturbs the machine disturbs all; a ratio is to the floor in
the same round, and what is shown is the median over the rounds. Nothing here decides a test; but a wrong answer of
rollcall's or of the floor's ends the run with an error, and a peer's is shown as wrong."""
import argparse
import glob
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import time

import lookups_peers as peers
import lookups_table as table
from lookups_cells import CELLS

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
WARM_MS, MEASURE_MS = 15, 15
PATIENCE = 60.0  # for one answer of a worker; whoever needs longer is shown as such


class Slow(Exception):
    """No answer in time."""


class Wrong(Exception):
    """Not what the files say."""


class Worker:
    """A process that asks one service."""

    def __init__(self, service, company, through_conf):
        self.argv = command(service, through_conf, BUILD + "/tests/bench/lookups_worker", company.passwd,
                            company.group, "-" if through_conf else service.nss) + (["extra"] if service.extra else [])
        self.env = dict(os.environ, FLOOR_PASSWD=company.passwd, FLOOR_GROUP=company.group)
        self.process = None

    def send(self, line):
        if not self.process:
            self.process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.receive(300)
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def receive(self, patience=PATIENCE):
        answer, end = b"", time.monotonic() + patience
        while not answer.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.end()
                raise Slow()
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                self.end()
                raise Wrong("the process ended")
            answer += more
        words = answer.decode().split()
        if words[0] == "wrong":
            raise Wrong(" ".join(words[1:]))
        return words[1:] if words[0] == "ok" else None

    def ask(self, line, patience=PATIENCE):
        self.send(line)
        return self.receive(patience)

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def command(service, through_conf, *argv):
    """argv among the files that the service's processes see."""
    binds = list(service.binds)
    if through_conf and not service.enter:
        path = f"{peers.STORE}/{service.nss}.conf"
        peers.write(path, f"passwd: {service.nss}\ngroup: {service.nss}\n")
        binds.append((path, "/etc/nsswitch.conf"))
    if service.enter:
        return [*service.enter, *argv]
    if not binds:
        return list(argv)
    mounts = " && ".join(f"mount --bind {a} {b}" for a, b in binds)
    return ["unshare", "-m", "sh", "-c", mounts + ' && exec "$0" "$@"', *argv]


class Bench:
    """All rounds at one size."""

    def __init__(self, company, services, options):
        self.company, self.options = company, options
        self.services = services
        self.workers = {}
        self.filled = {}  # service, operation, path -> keys that it has in its cache
        self.results = {}  # cell -> service -> {"ns": [...]} or {"wrong"|"slow": text}
        self.errors = []

    def worker(self, service, conf, number=0):
        conf = conf or service.only_conf
        key = (service.name, conf, number)
        if key not in self.workers:
            self.workers[key] = Worker(service, self.company, conf)
        return self.workers[key]

    def correct(self, service):
        slow = service.name in ("files", "nscd", "nslcd", "libnss-cache") and self.company.people > 1000
        try:
            self.worker(service, False).ask(f"check {8 if slow else 500}", 300)
        except Wrong as e:
            self.wrong(service, f"check: {e}")
        except Slow:
            self.company.notes.append(f"{service.name}: comparing its answers took longer than 300 s")

    def wrong(self, service, text):
        where = f"{service.name} at {self.company.people}: {text}"
        if service.name in ("floor", "rollcall"):
            self.errors.append(where)
        else:
            self.company.notes.append("wrong answers: " + where)

    def measure(self, cell, service, expected_ms):
        workers = [self.worker(service, cell.conf, i) for i in range(cell.processes)]
        keys = cell.keys or service.keys(cell.op)
        if service.warm:
            keys = min(keys, self.filled.get((service.name, cell.op, cell.conf), keys))
        start = 0
        if cell.processes > 1:
            for worker in workers:
                worker.ask(f"time {cell.op} {keys} 1 1 1 0")
            start = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + int((WARM_MS * 2 + 20 + 3 * expected_ms) * 1e6)
        for worker in workers:
            worker.send(f"time {cell.op} {keys} {cell.threads} {WARM_MS} {MEASURE_MS} {start}")
        answers = [worker.receive() for worker in workers]
        return None if None in answers else statistics.fmean(float(a[0]) for a in answers)

    def fill(self, cell, service):
        if service.warm and cell.op != "getpwent":
            wanted = service.keys(cell.op)
            answer = self.worker(service, cell.conf).ask(f"fill {cell.op} {wanted} {PATIENCE}", 2 * PATIENCE + 30)
            if answer and float(answer[0]) * int(answer[1]) > PATIENCE * 0.99e9:
                self.filled[service.name, cell.op, cell.conf] = int(answer[1])
                self.company.notes.append(f"{service.name}: {cell.ident}: the first {int(answer[1]):,} keys of {wanted:,}, which it took "
                                          f"{PATIENCE:.0f} s to be told ({table.duration(float(answer[0]))} each)")

    def row(self, cell):
        rows = self.results.setdefault(cell.ident, {})
        pending = [s for s in self.services if s.enumerates or cell.op != "getpwent"]
        for service in pending:
            rows[service.name] = {"ns": []}
            try:
                self.fill(cell, service)
            except Slow:
                rows[service.name] = {"slow": 2 * PATIENCE + 30}
            except Wrong as e:
                rows[service.name] = {"wrong": str(e)}
        for round_number in range(self.options.rounds):
            for i in range(len(pending)):
                service = pending[(i + round_number) % len(pending)]
                self.one(cell, service, rows, round_number)
        for service in pending:
            if "wrong" in rows[service.name]:
                self.wrong(service, f"{cell.ident}: {rows[service.name]['wrong']}")

    def one(self, cell, service, rows, round_number):
        so_far = rows[service.name]
        # Of slow ones a few samples do: an answer that takes milliseconds varies little.
        enough = self.options.rounds if so_far.get("took", 0) < 0.5 else 3 if so_far["took"] < 3 else 1
        if "ns" not in so_far or round_number >= enough:
            return
        began = time.monotonic()
        try:
            ns = self.measure(cell, service, so_far["ns"][-1][1] / 1e6 if so_far["ns"] else 0)
        except Slow:
            rows[service.name] = {"slow": PATIENCE}
            return
        except Wrong as e:
            rows[service.name] = {"wrong": str(e)}
            return
        so_far["took"] = time.monotonic() - began
        if ns is not None:
            so_far["ns"].append((round_number, ns))

    def first_lookups(self):
        """A new process's first lookup, while others hold the same files: what they share is not private."""
        with open(self.company.passwd, encoding="ascii") as f:
            name, _, uid = f.readlines()[self.company.people // 2].split(":")[:3]
        # Not the floor's: reading its files is not a lookup.
        services = [s for s in self.services if s.name != "floor"] + [peers.Service("nothing", "nothing")]
        found = {s.name: {"us": [], "KiB": []} for s in services}
        first = {s.name: [BUILD + "/tests/bench/lookups_first", "-" if s.only_conf else s.nss, name, uid]
                 for s in services}
        argv = {s.name: command(s, s.only_conf, *first[s.name]) for s in services}
        for _ in range(self.options.rounds * 5):
            for s in services:
                done = subprocess.run(argv[s.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      timeout=PATIENCE, check=False)
                if done.returncode != 0:
                    self.wrong(s, "first lookup: " + done.stderr.strip())
                    found[s.name]["wrong"] = done.stderr.strip()
                    continue
                us, kib = done.stdout.split()
                found[s.name]["us"].append(float(us))
                found[s.name]["KiB"].append(int(kib))
        for s in services:
            found[s.name]["calls"] = system_calls(s, *first[s.name])
        return {name: {"us": statistics.median(f["us"]), "KiB": statistics.median(f["KiB"]), "calls": f["calls"],
                       "ours": f["calls"] - found["nothing"]["calls"]}
                for name, f in found.items() if f["us"] and "wrong" not in f}

    def run(self):
        cells = [c for c in CELLS if (not self.options.cells or c.ident in self.options.cells)
                 and not (c.keys and c.keys >= self.company.people)]
        for service in self.services:
            self.correct(service)
        for cell in cells:
            began = time.monotonic()
            self.row(cell)
            print(f"  {self.company.people:,}: {cell.title}: {time.monotonic() - began:.1f} s", file=sys.stderr,
                  flush=True)
        first = {} if self.options.cells and "first" not in self.options.cells else self.first_lookups()
        for worker in self.workers.values():
            worker.end()
        return {"people": self.company.people, "services": [s.name for s in self.services],
                "cells": {c.ident: table.summary(self.results[c.ident]) for c in cells},
                "first": first, "notes": self.company.notes, "errors": self.errors}


def system_calls(service, *first):
    """Calls between the two marks that lookups_first makes."""
    path = peers.STORE + "/strace"
    subprocess.run(command(service, service.only_conf, "strace", "-o", path, *first), stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    with open(path, encoding="ascii", errors="replace") as f:
        lines = f.read().splitlines()
    marks = [i for i, line in enumerate(lines) if line.startswith('write(-1, "mark"')]
    return marks[1] - marks[0] - 1


def arguments():
    p = argparse.ArgumentParser(prog="lookups", description=__doc__)
    p.add_argument("--sizes", default=os.environ.get("LOOKUPS", "1000 100000"),
                   help="accounts, one number or several in a word; 'full': 1000 100000 1000000 (LOOKUPS)")
    p.add_argument("--rounds", type=int, default=int(os.environ.get("LOOKUPS_ROUNDS", "9")))
    p.add_argument("--services", default="", help="only these columns; the floor always")
    p.add_argument("--cells", default="", help="only these rows: " + " ".join(c.ident for c in CELLS) + " first")
    p.add_argument("--json", action="store_true", help="JSON on standard output, the table on standard error; `lookups --show FILE...` makes one "
                        "table of several such runs")
    p.add_argument("--fill", type=int, default=600, help="seconds that a peer may take at each size until it has its people")
    p.add_argument("--enumeration", action="store_true", help="sssd loads everybody at every size, and enumerates")
    o = p.parse_args()
    o.sizes = [1000, 100000, 1000000] if o.sizes == "full" else [int(n) for n in o.sizes.replace(",", " ").split()]
    o.services, o.cells = o.services.replace(",", " ").split(), o.cells.replace(",", " ").split()
    return o


def machine(versions):
    with open("/proc/cpuinfo", encoding="ascii") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")
    shown = ("sssd-common", "libnss-cache", "libnss-db", "nscd", "nslcd", "slapd")
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "glibc": platform.libc_ver()[1], "date": time.strftime("%Y-%m-%d"),
            "versions": {n: versions[n] for n in shown if n in versions}}


def main():
    options = arguments()
    os.makedirs(peers.STORE)
    peers.run("mount", "-t", "tmpfs", "-o", "mode=755,size=14g", "tmpfs", peers.STORE)
    beside = os.path.dirname((glob.glob("/usr/lib*/libnss_rollcall.so.2") + glob.glob("/usr/lib/*/libnss_rollcall.so.2"))[0])
    for module in ("libnss_floor.so.2", "libnss_nothing.so.2"):
        peers.run("install", "-m", "644", f"{BUILD}/tests/bench/{module}", beside)
    versions = peers.unpack(BUILD + "/bench-peers")
    peers.leave_the_overlay()
    found = {"machine": machine(versions), "rounds": options.rounds, "load": [os.getloadavg()[0]], "sizes": []}
    for people in options.sizes:
        company = peers.Company(people, BUILD, versions, options.services, options.fill, options.enumeration)
        services = [s for s in company.services()
                    if not options.services or s.name == "floor" or s.name in options.services]
        found["sizes"].append(Bench(company, services, options).run())
        found["load"].append(os.getloadavg()[0])
        company.stop()
    print(table.text(found), file=sys.stderr if options.json else sys.stdout)
    if options.json:
        print(json.dumps(found, indent=1))
    return 1 if any(s["errors"] for s in found["sizes"]) else 0


if __name__ == "__main__":
    sys.exit(main())
