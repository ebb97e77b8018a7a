# SPDX-License-Identifier: BSD-2-Clause
"""The okta source over an emulator of Okta's that is not ours (npm's emulate), for what it does as Okta does: users,
groups, and their lifecycle. It speaks plain HTTP and knows no System Log: a front with TLS stands before it, that
names the org and has no right to the log."""
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile

import pytest

import fake_okta
import fake_web
import wait
from test_okta_source import Picture, until
import web_source

BUILD = os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "tests/npm/okta"))
PROGRAM = "/usr/libexec/rollcall/sources/rollcall-source-okta"
TOKEN = "okta-admin-token"


class Emulator:
    def __init__(self):
        if not os.path.exists(BUILD + "/ready"):
            pytest.skip("npm ci had no registry to install the emulator from: make tests where there is one")
        self.log = tempfile.NamedTemporaryFile(prefix="emulate-", suffix=".log", delete=False)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as seed:
            seed.write(f"tokens:\n  {TOKEN}:\n    login: admin@example.com\n    scopes: [okta.users.manage, okta.groups.manage]\n"
                       "okta:\n  users:\n    - {login: admin@example.com, email: admin@example.com, first_name: Ad, last_name: Min}\n")
        node = next(f"{BUILD}/node_modules/{n}/bin/node" for n in os.listdir(BUILD + "/node_modules") if n.startswith("node-linux-"))
        self.process = subprocess.Popen(
            [node, "node_modules/emulate/dist/index.js", "start", "-s", "okta", "-p", str(self.port), "--seed", seed.name],
            cwd=BUILD, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        wait.until(self._answers, f"the emulator; its log: {self.log.name}")

    def _answers(self):
        assert self.process.poll() is None, open(self.log.name, encoding="utf-8").read()
        try:
            return self.ask("GET", "/api/v1/users")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, authorization="SSWS " + TOKEN):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        c.request(method, path, None if body is None else json.dumps(body),
                  {"Authorization": authorization, "Content-Type": "application/json"})
        a = c.getresponse()
        got = a.read()
        c.close()
        return a.status, got

    def made(self, path, body=None, method="POST"):
        status, got = self.ask(method, path, body if body is not None or method != "POST" else {})
        assert status < 300, (path, status, got)
        return json.loads(got) if got else None

    def person(self, name):
        profile = {"login": name + "@example.com", "email": name + "@example.com", "firstName": name.capitalize(), "lastName": "E"}
        return self.made("/api/v1/users?activate=true", {"profile": profile})["id"]

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def emulator():
    e = Emulator()
    yield e
    e.stop()


@pytest.fixture
def front(emulator):
    with fake_web.Server() as server:
        server.get("/.well-known/okta-organization", lambda q: {"id": fake_okta.ORG_ID, "pipeline": "idx"})
        server.get("/api/v1/logs", lambda q: fake_okta.error(403, "E0000006", "no permission"))

        @server.get(re.compile("/api/v1/.*"))
        def forward(q):
            status, body = emulator.ask("GET", q.target, authorization=q.headers.get("authorization", ""))
            return fake_web.Answer(body, status)
        yield server


def test_people_and_their_lifecycle_at_an_emulator_that_is_not_ours(emulator, front):
    ids = {n: emulator.person(n) for n in ("alice", "bob", "carol")}
    g = emulator.made("/api/v1/groups", {"profile": {"name": "linux-users"}})["id"]
    for n in ("alice", "bob"):
        emulator.made(f"/api/v1/groups/{g}/users/{ids[n]}", method="PUT")
    with open(front.ca, encoding="ascii") as f:
        files = {"ca_file": f.read(), "secret_file": TOKEN + "\n"}
    with web_source.Source(PROGRAM, files, org=front.origin, org_id=fake_okta.ORG_ID, domain=["example.com"], poll=1, log_poll=1,
                           assigned_groups=["linux-users"]) as s:
        until(s, lambda p: p.status() == {"alice": "active", "bob": "active"}, "the two who are assigned")
        p = Picture(list(s.said))
        assert p.members == {"linux-users": {ids["alice"], ids["bob"]}} and p.dropped[ids["carol"]] == "unassigned"
        emulator.made(f"/api/v1/users/{ids['alice']}/lifecycle/suspend")
        until(s, lambda p: p.status()["alice"] == "disabled", "alice suspended")
        emulator.made(f"/api/v1/users/{ids['alice']}/lifecycle/unsuspend")
        until(s, lambda p: p.status()["alice"] == "active", "alice back")
        emulator.made(f"/api/v1/users/{ids['bob']}/lifecycle/deactivate")
        until(s, lambda p: p.status()["bob"] == "terminated", "bob deactivated")
        cursor = Picture(list(s.said)).cursor
        assert s.end() == 0
    with web_source.Source(PROGRAM, files, org=front.origin, org_id=fake_okta.ORG_ID, domain=["example.com"], once=True, cursor=cursor,
                           assigned_groups=["linux-users"]) as s:
        assert s.wait() == 0
        assert Picture(list(s.said)).fulls == 0
