# SPDX-License-Identifier: BSD-2-Clause
"""The machine's own sshd with the shipped drop-in, on port 22 of the sandbox's own
loopback, and people who come in with the real ssh client."""
import os
import socket
import subprocess
import tempfile

import wait
from terminal import Terminal


class Sshd:
    """sshd in the foreground; its log in `log()`."""

    def __init__(self, *options):
        os.makedirs("/run/sshd", exist_ok=True)
        self.logfile = tempfile.NamedTemporaryFile(prefix="sshd-", suffix=".log", delete=False)
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", *options], stdin=subprocess.DEVNULL,
                                        stdout=self.logfile, stderr=subprocess.STDOUT, start_new_session=True)
        wait.until(self._answers, "sshd to answer")

    def _answers(self):
        assert self.process.poll() is None, f"sshd ended:\n{self.log()}"
        try:
            with socket.create_connection(("127.0.0.1", 22), timeout=10) as s:
                return s.recv(8).startswith(b"SSH-")
        except OSError:
            return False

    def log(self):
        with open(self.logfile.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Key:
    """A key pair of a person, at the person's own computer."""

    def __init__(self, kind="ed25519"):
        self.path = os.path.join(tempfile.mkdtemp(prefix="key-"), "id")
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", self.path], check=True)
        with open(self.path + ".pub", encoding="ascii") as f:
            self.public = f.read().strip()


OPTIONS = ["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "GSSAPIAuthentication=no",
           "-o", "NumberOfPasswordPrompts=3", "-o", "ConnectTimeout=60"]


def connect(user, *command, key=None, methods=None, tty=True, options=(), host="127.0.0.1"):
    """ssh on a terminal of its own; who comes in answers the prompts."""
    args = []
    for option in options:  # ssh takes the first word it hears
        args += ["-o", option]
    args += OPTIONS
    args += ["-i", key.path] if key else ["-o", "PubkeyAuthentication=no"]
    if methods:
        args += ["-o", "PreferredAuthentications=" + methods]
    if tty:
        args.append("-tt")
    return Terminal("/usr/bin/ssh", *args, f"{user}@{host}", *command)


def log_in(user, *answers, key=None, methods=None):
    """Connects, answers each (prompt, text), and stands in a shell."""
    session = connect(user, key=key, methods=methods)
    for prompt, text in answers:
        session.answer(prompt, text)
    return session.shell()
