# SPDX-License-Identifier: BSD-2-Clause
"""Killed at any byte and started again: nothing lost, nothing twice. An Okta org of 30 people on three pages is read by
the real source. Its answers end, or it is killed, at a byte of what the org answers; and what it said over a listing and
six changes ends at a byte of it in a real engine, which goes on with another process of the source from whatever cursor
it has then. Some bytes of each, so that it takes seconds; ROLLCALL_EVERY_BYTE=N does every Nth one (1: all of them)."""
import concurrent.futures
import glob
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

import daemons
import fake_okta
import people
import pki
import wait
import web_source
from test_okta_source import PROGRAM, Picture

EVERY = int(os.environ.get("ROLLCALL_EVERY_BYTE", "0"))
SCRIPT, SAYS, CONF = "/usr/local/libexec/replay", "/srv/replay/says", "/etc/rollcall/conf.d/60-replay.conf"
PAGE = 10


def spots(size, n, *more):
    """Bytes to end at: each Nth one, or `n` over all of it; and those that matter most."""
    return sorted({*range(0, size + 1, EVERY or max(1, size // n)), *more, size})


class Source(web_source.Source):
    """And the bytes that it said."""

    def _read(self):
        self.raw = b""
        for line in self.process.stdout:
            self.raw += line
            if line.endswith(b"\n"):
                self.said.append(json.loads(line))


def start(okta, **more):
    files = {"secret_file": "00token\n", "ca_file": open(okta.ca, encoding="ascii").read()}
    return Source(PROGRAM, files, org=okta.origin, org_id=fake_okta.ORG_ID, domain=["example.com"], assigned_groups=["linux-users"],
                  **{"poll": 1, "log_poll": 1, **more})


def fill(okta):
    ids = [okta.add(f"u{i}") for i in range(30)]
    group = okta.group("linux-users", ids[:26])
    for i in ids[28:]:
        okta.lifecycle(i, "deactivate")
    okta.log.clear()
    return ids, group


# ---- at a byte of what the org answers ----

class Cutting(fake_okta.Okta):
    """All answers, one behind the other, end at byte `at`, once: `then` is called, and the connection ends."""

    def __init__(self, at=None, then=lambda: None, **more):
        super().__init__(token="00token", page=PAGE, **more)
        self.at, self.then, self.sent = at, then, 0

    def _send(self, c, request, a, what):
        return super()._send(self.Meter(self, c), request, a, what)

    class Meter:
        def __init__(self, server, connection):
            self.server, self.connection = server, connection

        def sendall(self, data):
            s = self.server
            if s.at is not None and s.sent + len(data) > s.at:
                part, s.at = data[:s.at - s.sent], None
                self.connection.sendall(part)
                s.then()
                raise OSError("the end that the test asked for")
            s.sent += len(data)
            self.connection.sendall(data)

        def close(self):
            self.connection.close()


@pytest.fixture(scope="module")
def tls():
    ca = pki.Ca()
    return {"ca": ca, "certificate": ca.issue("localhost")}


def picture_of(source):
    p = Picture(list(source.said))
    return p.people, p.members, p.dropped


def undisturbed(tls):
    """What all of it is, and how many bytes the org answered."""
    with Cutting(**tls) as okta:
        fill(okta)
        with start(okta, once=True) as s:
            assert s.wait() == 0, s.story()
            assert len(s.commits()) == 1
        return picture_of(s), okta.sent


def ended_at(tls, at, killed, whole):
    held = {}
    ready = (lambda: wait.until(lambda: "s" in held, "it to be started")) if killed else (lambda: None)

    def end():
        if killed:
            ready()
            held["s"].process.kill()

    with Cutting(at, end, **tls) as okta:
        fill(okta)
        with start(okta, once=True) as s:
            held["s"] = s
            status = s.wait()
            if killed and status != 0:
                assert not s.commits(), f"byte {at}: it had not read all of it"
                with start(okta, once=True) as s:
                    status = s.wait()
            assert status == 0, f"byte {at}: {s.story()}"
            assert len(s.commits()) == 1 and picture_of(s) == whole, f"byte {at}"
    return 1


@pytest.mark.parametrize("killed", [False, True], ids=["the connection ends", "the source is killed"])
def test_ended_at_any_byte_of_the_answers_all_is_there_once(tls, killed):
    whole, size = undisturbed(tls)
    with concurrent.futures.ThreadPoolExecutor(12 if not killed else 3) as pool:
        n = sum(pool.map(lambda at: ended_at(tls, at, killed, whole), spots(size - 1, 30)))
    print(f"figure: {n} of {size} bytes of answers, each the last one before {'kill -9' if killed else 'the connection ended'}")


# ---- at a byte of what the source says ----

def session(okta):
    """What one process says over a listing and changes, and what another one says from each cursor, and from none."""
    ids, group = fill(okta)
    with start(okta) as s:
        s.until(lambda s: len(s.commits()) >= 1, "the listing")
        okta.lifecycle(ids[1], "deactivate")
        s.until(lambda s: Picture(list(s.said)).status()["u1"] == "terminated", "u1")
        okta.lifecycle(ids[2], "suspend")
        okta.change(ids[3], login="renamed@example.com")
        okta.leave(group, ids[4])
        okta.join(group, ids[27])
        okta.join(group, okta.add("newcomer"))
        s.until(lambda s: {"renamed", "u27", "newcomer"} <= set(Picture(list(s.said)).status()) and
                Picture(list(s.said)).status()["u2"] == "disabled" and Picture(list(s.said)).status()["u4"] == "refused", "the changes")
        s.end()
    again = {}
    for cursor in [None] + [m["cursor"] for m in s.commits()]:
        with start(okta, once=True, cursor=cursor) as t:
            assert t.wait() == 0, t.story()
            again[cursor] = t.raw
    return s.raw, again


def sync(said, status):
    with open(SAYS, "wb") as f:
        f.write(said)
    with open(SCRIPT, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\ncat {SAYS}\nexit {status}\n")
    os.chmod(SCRIPT, 0o755)
    got = daemons.sync_once()
    assert got.returncode == 0 or status, got.stdout


def ask(sql):
    db = sqlite3.connect("/var/lib/rollcall/state/state.db")
    try:
        return [tuple(row) for row in db.execute(sql)]
    finally:
        db.close()


def cursor():
    got = ask("SELECT cursor FROM source WHERE name = 'replay'")
    return got[0][0] if got else None


def state(began_afresh):
    """Whoever was somebody here once is remembered; by whoever began when it was over already, that cannot be."""
    only = "AND p.state = 1" if began_afresh else ""
    active = {name for name, in ask("SELECT name FROM person WHERE state = 1")}
    passwd = subprocess.run(["getent", "-s", "rollcall", "passwd"], capture_output=True, text=True, timeout=60).stdout
    return {"people": ask(f"SELECT p.key, p.name, p.uid, p.state, p.flags FROM person p WHERE 1 {only} ORDER BY p.key"),
            "records": ask("SELECT r.id, r.body, r.dropped, r.gone, r.missing FROM record r JOIN person p ON p.slot = r.slot "
                           f"WHERE 1 {only} ORDER BY r.id"),
            "members": ask("SELECT g.id, r.body FROM member m JOIN grp g ON g.number = m.grp JOIN entry e ON e.number = m.entry JOIN "
                           f"record r ON r.id = e.user JOIN person p ON p.slot = r.slot WHERE m.said {only} ORDER BY 1, 2"),
            # A home stays where it was when somebody is renamed.
            "passwd": sorted(line.split(":")[:5] for line in passwd.splitlines() if not began_afresh or line.split(":")[0] in active)}


def afresh():
    for path in glob.glob("/var/lib/rollcall/state/*") + glob.glob("/var/lib/rollcall/cache/*"):
        os.unlink(path)


@pytest.fixture
def engine():
    for path in (SCRIPT, SAYS, CONF):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    people.write([people.person("1", "alice", groups="staff")], at=time.time() - 5)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[source replay]\ntype = exec\nrole = authority, directory\ncommand = {SCRIPT}\npoll = 1h\n[access]\nallow_groups = linux-users\n")
    yield
    os.unlink(CONF)


def test_ended_at_any_byte_of_what_it_says_the_state_is_that_of_an_undisturbed_run(tls, engine):
    with fake_okta.Okta(token="00token", page=PAGE, **tls) as okta:
        said, again = session(okta)
    assert len(again) >= 4, "several commits"
    afresh()
    sync(said, 0)
    sync(again[cursor()], 0)
    whole = {afresh_: state(afresh_) for afresh_ in (False, True)}
    assert len(whole[True]["people"]) >= 25
    commits = [m.end() for m in re.finditer(rb'{"op":"commit".*\n', said)]
    ends = spots(len(said), 10, *commits, *(at - 1 for at in commits))
    for at in ends:
        afresh()
        sync(said[:at], 1)
        had = cursor()
        sync(again[had], 0)
        now, right = state(had is None), whole[had is None]
        wrong = {k: [x for x in now[k] + right[k] if x not in now[k] or x not in right[k]] for k in right if now[k] != right[k]}
        assert not wrong, f"byte {at}: {wrong}"
    print(f"figure: {len(ends)} of {len(said) + 1} bytes of what a source says, each the last one; the engine goes on from {len(again) - 1} cursors and from none")
