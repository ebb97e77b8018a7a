# SPDX-License-Identifier: BSD-2-Clause
"""A source over an API by itself, with what engine and launcher would give it."""
import json
import os
import tempfile
import threading

import source_process
import wait

CONFINED = os.path.abspath(os.environ.get("BUILD", "build") + "/tests/tools/confined_source")


class Source:
    """Started at once. `files`: the option's name to the text of the file; `options` are the section's. `said` is
    every line of it as an object; `errors()` the text for the log. `confined`: an installed one, by its type, behind
    the launcher's walls."""

    def __init__(self, program, files=None, cursor=None, once=False, test=False, trace=False, confined=False, **options):
        section = {"name": "api", "type": os.path.basename(program).rpartition("-")[2], "poll": 1, "timeout": 20}
        section.update({k: v for k, v in options.items() if v is not None})
        files = {name: text for name, text in (files or {}).items() if text is not None}
        section["files"] = source_process.numbers(files)
        request = {"section": section, "once": once, "timezone": "UTC", "test": test, "trace": trace}
        if cursor:
            request["cursor"] = cursor
        self.said, self._errors = [], b""
        if confined:
            self.process = source_process.start([CONFINED, program, *self._on_disk(files)], request)
        else:
            self.process = source_process.start([program], request, files)
        self._readers = [threading.Thread(target=f, daemon=True) for f in (self._read, self._read_errors)]
        for t in self._readers:
            t.start()

    @staticmethod
    def _on_disk(files):
        folder = tempfile.mkdtemp(prefix="files-")
        for name, text in files.items():
            with open(f"{folder}/{name}", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(text)
        return [f"{name}={folder}/{name}" for name in files]

    def _read(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # it was killed in the middle of it
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
