# SPDX-License-Identifier: BSD-2-Clause
"""A source over an API by itself, with what engine and launcher would give it."""
import fcntl
import json
import os
import subprocess
import tempfile
import threading

import fake_web
import wait

CONFINED = os.path.abspath(os.environ.get("BUILD", "build") + "/tests/tools/confined_source")
FILES = ["password_file", "keytab", "ca_file", "cert_file", "key_file", "secret_file", "credential"]


class Source:
    """Started at once. `files`: the option's name to the text of the file; `options` are the section's. `said` is
    every line of it as an object; `errors()` the text for the log. `confined`: an installed one, by its type, behind
    the launcher's walls."""

    def __init__(self, program, files=None, cursor=None, once=False, test=False, trace=False, confined=False, **options):
        section = {"name": "api", "type": os.path.basename(program).rpartition("-")[2], "poll": 1, "timeout": 20}
        section.update({k: v for k, v in options.items() if v is not None})
        files = {name: text for name, text in (files or {}).items() if text is not None}
        section["files"] = {name: 3 + FILES.index(name) for name in files}
        request = {"section": section, "once": once, "timezone": "UTC", "test": test, "trace": trace}
        if cursor:
            request["cursor"] = cursor
        self.said, self._errors = [], b""
        start = self._start_confined if confined else self._start
        self.process = start(program, files)
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        self._readers = [threading.Thread(target=f, daemon=True) for f in (self._read, self._read_errors)]
        for t in self._readers:
            t.start()

    def _popen(self, command, **more):
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, **more)

    def _start(self, program, files):
        fds = {3 + FILES.index(name): fake_web.memory(text) for name, text in files.items()}

        def place():
            held = {n: fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for n, fd in fds.items()}
            for n, fd in held.items():
                os.dup2(fd, n)
                os.close(fd)

        process = self._popen([program], preexec_fn=place, close_fds=False)
        for fd in fds.values():
            os.close(fd)
        return process

    def _start_confined(self, type_, files):
        folder = tempfile.mkdtemp(prefix="files-")
        command = [CONFINED, type_]
        for name, text in files.items():
            command.append(f"{name}={folder}/{name}")
            with open(f"{folder}/{name}", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(text)
        return self._popen(command)

    def _read(self):
        for line in self.process.stdout:
            assert len(line) <= 256 * 1024
            self.said.append(json.loads(line))

    def _read_errors(self):
        for line in self.process.stderr:
            self._errors += line

    def ops(self, op):
        return [m for m in list(self.said) if m["op"] == op]

    def users(self):
        return [m["user"] for m in self.ops("user")]

    def commits(self):
        return self.ops("commit")

    def problems(self):
        return [m["text"] for m in self.ops("problem")]

    def until(self, condition, what):
        try:
            return wait.until(lambda: condition(self), what)
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.story()}") from None

    def until_commits(self, n=1):
        return self.until(lambda s: len(s.commits()) >= n and s.commits(), f"{n} commits")

    def errors(self):
        return self._errors.decode(errors="replace")

    def story(self):
        """For the message of a test that fails."""
        return f"{self.problems()} {self.errors()}"

    def _join(self):
        for t in self._readers:
            t.join(10)

    def wait(self):
        """Its exit status, and all it said has been read."""
        r = self.process.wait(60)
        self._join()
        return r

    def end(self):
        """As the engine ends it; its exit status."""
        if self.process.poll() is None:
            self.process.stdin.close()
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._join()
