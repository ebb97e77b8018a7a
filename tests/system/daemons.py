# SPDX-License-Identifier: BSD-2-Clause
"""rollcall's daemons in the foreground, as systemd would run them: ready when they say
so on NOTIFY_SOCKET, their log in a file, ended by their process id."""
import os
import select
import signal
import socket
import subprocess
import tempfile

import wait


class Daemon:
    def __init__(self, *argv):
        self.argv = argv
        self.name = os.path.basename(argv[0])
        self.process = None
        self.logfile = None

    def start(self, environment=None, seconds=60):
        """Returns when the daemon says READY=1; fails with its log when it does not."""
        where = tempfile.mkdtemp(prefix="notify-")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        notify.bind(where + "/socket")
        os.chmod(where, 0o755)
        os.chmod(where + "/socket", 0o666)
        self.logfile = tempfile.NamedTemporaryFile(prefix=self.name + "-", suffix=".log", delete=False)
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self.logfile, stderr=subprocess.STDOUT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                 "NOTIFY_SOCKET": where + "/socket", **(environment or {})}, start_new_session=True)
        said = ""

        def ready():
            nonlocal said
            while select.select([notify], [], [], 0)[0]:
                said += notify.recv(4096).decode() + "\n"
            return "READY=1" in said or self.process.poll() is not None

        try:
            wait.until(ready, f"READY=1 of {self.name}; its log:\n{self.log()}", seconds)
            assert "READY=1" in said, f"{self.name} ended with {self.process.returncode}:\n{self.log()}"
        except AssertionError:
            self.kill()
            raise
        finally:
            notify.close()
        return self

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.logfile.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def logs(self, text, seconds=60):
        """Waits until the log holds the text."""
        wait.until(lambda: text in self.log(), f"{text!r} in the log of {self.name}", seconds)

    def children(self):
        return children_of(self.pid)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=30):
        """SIGTERM, as systemd does; returns the exit status."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not stop in {seconds} s:\n{self.log()}") from None
        return self.process.returncode if self.process else None

    def kill(self):
        """SIGKILL for the daemon and all that it started."""
        if self.process is None:
            return
        left = self.children()
        if self.running():
            self.process.kill()
            self.process.wait()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in left:
            wait.until(lambda p=pid: _dead(p), f"process {pid} of {self.name} to be gone")


def children_of(pid):
    """Process ids of all descendants, parents first."""
    found, ask = [], [pid]
    while ask:
        parent = ask.pop(0)
        for task in _listdir(f"/proc/{parent}/task"):
            for child in _read(f"/proc/{parent}/task/{task}/children").split():
                found.append(int(child))
                ask.append(int(child))
    return found


class Syncd(Daemon):
    def __init__(self, *options):
        super().__init__("/usr/sbin/rollcall-syncd", "--foreground", *options)


class Enforcer(Daemon):
    def __init__(self, *options):
        super().__init__("/usr/sbin/rollcall-enforcer", "--foreground", *options)


def sync_once(*options):
    """Reads every source once and publishes; returns the finished process."""
    return subprocess.run(["/usr/sbin/rollcall-syncd", "--once", *options], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)


def synced(*options):
    """The same where nothing may go wrong; returns what it printed."""
    done = sync_once(*options)
    assert done.returncode == 0, done.stdout
    return done.stdout


def _listdir(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read(path):
    try:
        with open(path, encoding="ascii") as f:
            return f.read()
    except OSError:
        return ""


def _dead(pid):
    stat = _read(f"/proc/{pid}/stat")
    return not stat or stat.rpartition(")")[2].split()[0] in "ZX"
