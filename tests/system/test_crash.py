# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of launcher, engine and source at any moment of an import of 10,000 rows. The
engine names its phase as its process name; it is stopped, its phase read, and killed,
so that the counts say where it really died. Each import changes every row, locks and
unlocks hundreds, ends a few people for good and brings new ones. One in two of those
killed is followed by one that is let live, after which all must be right; the others by
the next kill."""
import collections
import contextlib
import os
import random
import re
import signal
import subprocess
import threading
import time

import daemons
import people
import wait

PEOPLE, LEAVERS, HIRES, BLOCK = 10000, 5, 3, 500
# With the sanitizer an import takes many times as long; then each phase is met a few times.
KILLS = int(os.environ.get("ROLLCALL_CRASHES", "20" if "sanitize" in os.environ.get("BUILD", "build") else "100"))
EACH = max(1, KILLS // 10)
PHASES = ["reading", "transaction", "board", "journal", "commit", "snapshot"]
START = int(time.time()) - 1000000


def ended(number, generation):
    """Ended for good in this import or an earlier one: the highest numbers go first."""
    return PEOPLE - LEAVERS * generation < number <= PEOPLE


def write(generation):
    rows = ["employeeNumber,userName,displayName,status"]
    for number in range(1, PEOPLE + HIRES * generation + 1):
        status = "active"
        if ended(number, generation):
            status = "terminated"
        elif number // BLOCK == generation % 8:
            status = "leave"
        rows.append(f"{number},p{number},g{generation},{status}")
    people.write("\n".join([*rows, f"#rows={len(rows) - 1}", ""]), at=START + generation * 10)


def first():
    """This thread is woken at once, whatever else runs on the machine: some phases last a few
    milliseconds. What it starts is as others are."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


class Reader(threading.Thread):
    """Looks at everybody again and again; the first thing that is wrong stays in `wrong`."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop, self.wrong, self.passes = False, None, 0
        self.uids, self.locked, self.generations = {}, set(), set()
        self.before, self.newest = set(), 0
        self.last = None, None
        self.one = threading.Lock()  # an older look judged after a newer one would see locks lost

    def look(self):
        with self.one:
            return self.look_alone()

    def look_alone(self):
        said = subprocess.run(["getent", "-s", "rollcall", "passwd"], capture_output=True, text=True,
                              timeout=120).stdout
        if said != self.last[0]:
            self.last = said, self.judge(said)
        generation, nologin = self.last[1]
        # Only those who never come back: a lock of theirs is for good.
        # Twice in a row: a lookup in the moment that a board is replaced shows nologin too.
        self.locked |= {n for n in nologin & self.before if ended(int(n[1:]), self.newest)}
        self.before = nologin
        self.generations.add(generation)
        self.passes += 1
        return generation, nologin

    def judge(self, said):
        rows = [line.split(":") for line in said.splitlines()]
        by = collections.Counter(r[4] for r in rows)
        assert len(by) == 1, f"rows of {by} in one set"
        generation = int(min(by)[1:])
        assert len(rows) == PEOPLE + HIRES * generation, f"{len(rows)} rows in the set of import {generation}"
        names = {r[0]: r[2] for r in rows}
        assert len(names) == len(rows) and len(set(names.values())) == len(rows), "a name or a uid twice"
        moved = [n for n in names if self.uids.setdefault(n, names[n]) != names[n]]
        assert not moved, f"uids moved: {moved[:5]}"
        nologin = {r[0] for r in rows if r[6].endswith("nologin")}
        lost = self.locked - nologin
        assert not lost, f"locks lost: {sorted(lost)[:5]}"
        return generation, nologin

    def run(self):
        first()  # or it would rest with the interpreter's lock in its hands
        while not self.stop and not self.wrong:
            begun = time.monotonic()
            try:
                self.look()
            except AssertionError as e:
                self.wrong = str(e)
            time.sleep(3 * (time.monotonic() - begun))  # the engine wants a processor too


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return ""


def phase_of(engine):
    """Of a process name's 15 bytes the phase has nine."""
    said = comm(engine).partition(":")[2]
    return next((p for p in PHASES if said and p.startswith(said)), said)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def start():
    return subprocess.Popen(["/usr/sbin/rollcall-syncd", "--once"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def find(launcher, matches):
    """A child of the launcher whose name matches, or None once the launcher ended."""
    while launcher.poll() is None:
        for pid in children(launcher.pid):
            if matches(comm(pid)):
                return pid
        time.sleep(0.0002)
    return None


def measure():
    """Seconds of each phase of an undisturbed import, and of the whole. What comes before
    the reading, a publication too, is called the start."""
    spent, last, begun = collections.Counter(), time.monotonic(), time.monotonic()
    launcher = start()
    engine = find(launcher, lambda name: name.startswith("syncd:"))
    while launcher.poll() is None:
        phase, now = phase_of(engine), time.monotonic()
        if phase != "reading" and "reading" not in spent:
            phase = "start"
        spent[phase] += now - last
        last = now
        time.sleep(0.0002)
    assert launcher.returncode == 0
    return spent, time.monotonic() - begun


def reached(engine, phase):
    """Waits for a phase of the import, not the publication at the start; with short pauses,
    for it may last a few milliseconds. False: the engine ended first."""
    wanted, reading = f"syncd:{phase}"[:15], False
    try:
        with open(f"/proc/{engine}/comm", "rb", buffering=0) as f:
            while True:
                said = os.pread(f.fileno(), 32, 0).decode(errors="replace").strip()
                reading = reading or said in ("syncd:reading", "syncd:transacti")
                if reading and said == wanted:
                    return True
                if not said.startswith("syncd:"):
                    return False
                time.sleep(0.0002)
    except OSError:
        return False


def standing(pid):
    return daemons._read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["T"], ["Z"], [])


def kill_engine_in(phase, seconds):
    """The phase that it was killed in, or None where the import was quicker."""
    launcher = start()
    engine = find(launcher, lambda name: name.startswith("syncd:"))
    died = None
    if engine and reached(engine, phase):
        time.sleep(random.random() * seconds * 0.8)
        try:
            os.kill(engine, signal.SIGSTOP)
            wait.until(lambda: standing(engine), "the engine to stand still")
            died = phase_of(engine)
            os.kill(engine, signal.SIGKILL)
        except ProcessLookupError:
            died = None
    launcher.wait(120)
    return died if launcher.returncode != 0 else None


def kill_engine_at_rename():
    """strace kills it as it enters one of its renames: those of the board and of three files
    at the start, those of two files at the end of the import."""
    log = "/tmp/strace.log"
    nth = random.randint(1, 6)
    subprocess.run(["strace", "-f", "--seccomp-bpf", "-qq", "-o", log, "-e", "trace=rename",
                    "-e", f"inject=rename:signal=KILL:when={nth}", "/usr/sbin/rollcall-syncd", "--once"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=300, check=False)
    with open(log, encoding="utf-8", errors="replace") as f:
        return "rename" if re.search(r"rename\(.*\n(.*\n)*.*killed by SIGKILL", f.read()) else None


def kill_launcher(seconds):
    launcher = start()
    time.sleep(random.random() * seconds)
    below = children(launcher.pid)
    launcher.kill()
    for pid in below:
        wait.until(lambda p=pid: daemons._dead(p), "what the launcher had started to end with it")
    return "launcher" if launcher.wait(60) == -signal.SIGKILL else None


def kill_source(seconds):
    launcher = start()
    source = find(launcher, lambda name: name.startswith("rollcall-source"))
    time.sleep(random.random() * seconds)
    try:
        os.kill(source, signal.SIGKILL)
    except (ProcessLookupError, TypeError):
        source = None
    launcher.wait(120)
    return "source" if source and launcher.returncode != 0 else None


def test_kill_9_at_any_moment_of_an_import_loses_nothing():
    os.makedirs("/etc/rollcall/conf.d", exist_ok=True)
    with open("/etc/rollcall/conf.d/60-crash.conf", "w", encoding="ascii") as f:
        f.write("[lifecycle]\nbreaker_explicit_count = 1000000\n")
    first()
    write(0)
    whole = measure()[1]
    reader = Reader()
    reader.look()
    write(1)
    spent, again = measure()
    print(f"figure: first import {whole:.2f} s, changing import {again:.2f} s:",
          ", ".join(f"{p} {s:.3f} s" for p, s in spent.items()))
    spent["source"], spent["launcher"] = spent["reading"], again
    counts, tries, generation = collections.Counter(), collections.Counter(), 1
    reader.start()
    wanted = ["reading", "transaction", "board", "snapshot", "rename", "launcher", "source"]
    while sum(counts.values()) < KILLS or min(counts[w] for w in wanted) < EACH or generation % 2 == 0:
        target = min(wanted, key=lambda w: (counts[w] >= EACH, tries[w]))
        tries[target] += 1
        assert sum(tries.values()) < 5 * KILLS + 50, f"never died in all phases: {counts}"
        generation += 1
        reader.newest = generation
        write(generation)
        if target == "rename":
            died = kill_engine_at_rename()
        elif target == "launcher":
            died = kill_launcher(spent[target])
        elif target == "source":
            died = kill_source(spent[target])
        else:
            died = kill_engine_in(target, spent[target])
        if died != target:
            spent[target] *= 0.7  # it was measured when others worked here too
        if died:
            counts[died] += 1
        assert not reader.wrong, (reader.wrong, target, died)
        if generation % 2 == 0:
            continue  # the next is killed in what this one left
        got = daemons.sync_once()
        assert got.returncode == 0, (target, died, got.stdout[-2000:])
        seen, nologin = reader.look()
        assert seen == generation
        missing = [n for n in range(PEOPLE - LEAVERS * generation + 1, PEOPLE + 1) if f"p{n}" not in nologin]
        assert not missing, f"not locked after import {generation}: {missing[:5]}"
        open_again = [n for n in range(1, PEOPLE - LEAVERS * generation) if n // BLOCK != generation % 8 and
                      f"p{n}" in nologin]
        assert not open_again, f"still locked after import {generation}: {open_again[:5]}"
    reader.stop = True
    reader.join(120)
    assert not reader.wrong, reader.wrong
    print(f"figure: {sum(counts.values())} kills:", ", ".join(f"{w} {counts[w]}" for w in sorted(counts)),
          f"; {reader.passes} looks at everybody, imports seen: {len(reader.generations)}")
