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

FILES = ["password_file", "keytab", "ca_file", "cert_file", "key_file", "secret_file", "credential"]


class Source:
    """Started at once. `files`: the option's name to the text of the file; `options` are the section's. `said` is
    every line of it as an object; `errors()` the text for the log."""

    def __init__(self, program, files=None, cursor=None, once=False, test=False, trace=False, **options):
        section = {"name": "api", "type": os.path.basename(program).rpartition("-")[2], "poll": 1, "timeout": 20}
        section.update({k: v for k, v in options.items() if v is not None})
        files = {name: text for name, text in (files or {}).items() if text is not None}
        section["files"] = {name: 3 + FILES.index(name) for name in files}
        request = {"section": section, "once": once, "timezone": "UTC", "test": test, "trace": trace}
        if cursor:
            request["cursor"] = cursor
        fds = {3 + FILES.index(name): fake_web.memory(text) for name, text in files.items()}
        self.said, self._errors = [], tempfile.TemporaryFile(prefix="source-")

        def place():
            held = {n: fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for n, fd in fds.items()}
            for n, fd in held.items():
                os.dup2(fd, n)
                os.close(fd)

        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                        preexec_fn=place, close_fds=False, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
        for fd in fds.values():
            os.close(fd)
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            assert len(line) <= 256 * 1024
            self.said.append(json.loads(line))

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
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def story(self):
        """For the message of a test that fails."""
        return f"{self.problems()} {self.errors()}"

    def wait(self):
        """Its exit status, and all it said has been read."""
        r = self.process.wait(60)
        self._reader.join(10)
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
        self._reader.join(10)
