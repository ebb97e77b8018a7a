# SPDX-License-Identifier: BSD-2-Clause
"""rollcall-source-ldap by itself, with what the engine and the launcher would give it, and
what it says as a picture of the people that it knows."""
import json
import subprocess
import tempfile
import threading

import ldapd
import source_process
import wait

PROGRAM = "/usr/libexec/rollcall/sources/rollcall-source-ldap"


def section(uris, **options):
    given = {"name": "dir", "type": "ldap", "uri": uris, "map": [], "schema": "rfc2307bis", "sync": "auto",
             "bind": "simple", "bind_dn": ldapd.SYNC, "base": ldapd.BASE, "page": 500, "poll": 1, "timeout": 5}
    given.update(options)
    return {k: v for k, v in given.items() if v is not None}


def launch(options, files, stdout, stderr, once=False, cursor=None):
    """The program with what the engine and the launcher would give it; `files`: their contents by option."""
    request = {"section": section(**options), "once": once, "timezone": "UTC"}
    if cursor:
        request["cursor"] = cursor
    files = {name: content for name, content in files.items() if content is not None}
    request["section"]["files"] = source_process.numbers(files)
    return source_process.start([PROGRAM], request, files, stderr, stdout)


class Source:
    """Started at once. `people` is id to userName, of the listings that were committed;
    `absent` those who were said to be absent since."""

    def __init__(self, uris, ca=None, once=False, cursor=None, password=ldapd.PASSWORD, cert=None, keytab=None,
                 **options):
        def content(path):
            if path is None:
                return None
            with open(path, "rb") as f:
                return f.read()

        files = {"password_file": password + "\n" if password else None, "ca_file": content(ca and ca.file),
                 "cert_file": content(cert and cert + ".pem"), "key_file": content(cert and cert + ".key"),
                 "keytab": content(keytab)}
        self.said, self.cursor, self.problems, self.refused = [], cursor, [], []
        self.people, self.groups, self.members, self.absent, self.as_of = {}, {}, {}, set(), []
        self.rows, self.listings, self._open = {}, [], None
        self.errors = tempfile.NamedTemporaryFile(prefix="source-", suffix=".err")

        self.process = launch({"uris": uris, **options}, files, subprocess.PIPE, self.errors, once, cursor)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            assert len(line) <= 256 * 1024
            self._take(json.loads(line))

    def _take(self, m):
        op = m["op"]
        if op == "begin":
            self._open = {"mode": m["mode"], "rows": 0, "since": m.get("since"), "users": {}, "members": {}, "groups": {}, "absent": []}
        elif op == "user":
            self._open["users"][m["user"]["id"]] = m["user"]
            self._open["rows"] += 1
        elif op == "group":
            self._open["groups"][m["group"]["id"]] = m["group"]
        elif op == "members":
            values = self._open["members"].setdefault(m["group"], [])
            if not m.get("more") and not self._open.pop("more", None) == m["group"]:
                values.clear()
            values += m["values"]
            if m.get("more"):
                self._open["more"] = m["group"]
        elif op == "absent":
            self._open["absent"].append(m["id"])
        elif op == "problem":
            (self.refused if m.get("whole") else self.problems).append(m["text"])
        elif op == "as_of":
            self.as_of.append(m["as_of"])
        elif op == "commit":
            self._commit(m)
        self.said.append(m)

    def _commit(self, m):
        o = self._open
        assert m["rows"] == o["rows"] and m["cursor"] != self.cursor
        if o["since"]:
            assert o["since"] == self.cursor
        if o["mode"] == "full" and not o["since"]:
            self.people, self.rows, self.groups, self.members, self.absent = {}, {}, {}, {}, set()
        for i, user in o["users"].items():
            self.people[i] = user["userName"]
            self.rows[user["userName"]] = user
            self.absent.discard(user["userName"])
        for i in o["absent"]:
            self.absent.add(self.people[i])
        self.groups.update(o["groups"])
        self.members.update(o["members"])
        self.cursor = m["cursor"]
        self.listings.append(o)
        self._open = None

    def names(self):
        return set(self.people.values()) - self.absent

    def status(self, name):
        user = self.rows[name]
        return user["urn:rollcall:1.0:User"].get("status") or ("active" if user.get("active") else "?")

    def stderr(self):
        with open(self.errors.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def until(self, condition, what, seconds=60):
        def see():
            if condition(self):
                return True
            if self.process.poll() is not None:
                self._reader.join(60)
                assert condition(self), f"{what}: the source ended with {self.process.returncode}: {self.refused} {self.stderr()}"
            return condition(self)

        try:
            wait.until(see, what, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{str(self.said[-5:])[-2000:]}\nrefused: {self.refused}\n{self.stderr()}") from None
        return self

    def knows(self, *names):
        return self.until(lambda s: s.names() == set(names), f"exactly {names} to be known; known: {self.names()}")

    def refuses(self, *words, seconds=60):
        return self.until(lambda s: any(all(w in r for w in words) for r in s.refused), f"a refusal with {words}", seconds)

    def ends(self, code=None, seconds=60):
        self.process.wait(seconds)
        self._reader.join(seconds)
        if code is not None:
            assert self.process.returncode == code, f"{self.process.returncode}: {self.refused} {self.stderr()}"
        return self

    def stop(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
