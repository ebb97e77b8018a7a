# SPDX-License-Identifier: BSD-2-Clause
"""The verifier's door, spoken by the test itself: docs/doors/verifier.md. Faster than a whole
login, and it can break off anywhere."""
import os
import pwd
import signal
import socket
import struct
import subprocess
import threading

VERIFIER = "/usr/libexec/rollcall/rollcall-verifier"
HELLO, PROMPT, RESULT, LOGIN, ANSWER, ENROL, FACTORS, TICKET = 1, 2, 3, 16, 17, 18, 20, 21
FIELDS = {"text": 1, "echo": 2, "code": 3, "user": 4, "service": 5, "rhost": 6, "tty": 7, "caller": 8, "session": 9,
          "replace": 10, "uid": 11, "totp": 12, "failures": 13, "until": 14, "reference": 15, "seconds": 16,
          "recovery": 17, "access": 18, "by": 19, "ruser": 32, "auth_info": 33,
          "password": 34, "inside": 35, "off": 36}
NAMES = {number: name for name, number in FIELDS.items()}
NUMBERS = {"echo", "code", "caller", "session", "replace", "uid", "totp", "failures", "until", "seconds",
           "recovery", "access", "password", "inside", "off"}
YES, REFUSED, THROTTLED = 0, 1, 4


def packet(kind, **fields):
    out = b"RCV1" + bytes([kind, 0, 0, 0])
    for name, value in fields.items():
        data = struct.pack("=q", value) if name in NUMBERS else value.encode()
        out += struct.pack("=BBH", FIELDS[name], 0, len(data)) + data
    return out


def parse(data):
    assert data[:4] == b"RCV1", data
    fields, at = {}, 8
    while at < len(data):
        tag, _, length = struct.unpack_from("=BBH", data, at)
        value, name = data[at + 4:at + 4 + length], NAMES.get(tag, str(tag))
        fields[name] = struct.unpack("=q", value)[0] if name in NUMBERS else value.decode()
        at += 4 + length
    return data[4], fields


class Gone(Exception):
    """The verifier closed, or was killed."""


class Verifier:
    """One process, one conversation; started as the PAM module does. `under`: what it runs
    under, such as strace."""

    def __init__(self, program=VERIFIER, under=()):
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(60)
        self.process = subprocess.Popen([*under, program], stdin=other, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={}, start_new_session=True)
        other.close()

    def hello(self):
        assert self.receive()[0] == HELLO
        return self

    def send(self, kind, **fields):
        try:
            self.socket.send(packet(kind, **fields))
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None
        return self

    def receive(self):
        try:
            data = self.socket.recv(8192)
        except ConnectionResetError:
            raise Gone from None
        if not data:
            raise Gone
        return parse(data)

    def login(self, user, **fields):
        """To the first prompt (or a result without one)."""
        self.send(LOGIN, user=user, **{"service": "login", "caller": 0, "session": os.getsid(0), **fields})
        return self.receive()

    def answer(self, text):
        return self.send(ANSWER, text=text).receive()

    def log_in(self, user, text, **fields):
        """The same answer to every prompt; the prompts, and the result's code."""
        kind, got = self.login(user, **fields)
        prompts = []
        while kind != RESULT:
            prompts.append(got["text"])
            kind, got = self.answer(text)
        return prompts, got["code"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def close(self):
        self.socket.close()
        if self.process:
            self.process.wait(30)


def ask(kind, **fields):
    """One request of root's, and the fields of its result."""
    v = Verifier().hello()
    got, result = v.send(kind, **fields).receive()
    v.close()
    assert got == RESULT
    return result


def attempt(user, *answers, **fields):
    """A login that gives these answers, one after the other; the code of its result, or None
    where the verifier still asks."""
    v = Verifier().hello()
    kind, got = v.login(user, **fields)
    for text in answers:
        if kind != PROMPT:
            break
        kind, got = v.answer(text)
    v.close()
    return got["code"] if kind == RESULT else None


class Resident:
    """The parent behind its listening socket, as systemd starts it."""

    def __init__(self, path="/run/rollcall/verifier.sock", mode=0o600, at_most=512, through=()):
        self.path, self.through = path, through
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(path)
        os.chmod(path, mode)
        self.socket.listen(1024)
        self.start(at_most)

    def start(self, at_most=512):
        self.process = subprocess.Popen([*self.through, VERIFIER, f"--at-most={at_most}"], stdin=self.socket, stdout=subprocess.DEVNULL,
                                        env={"PATH": "/usr/bin:/bin"})

    def connect(self):
        """A conversation with one of its children, before the hello."""
        v = Verifier.__new__(Verifier)
        v.process = None
        v.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        v.socket.settimeout(60)
        v.socket.connect(self.path)
        return v

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]

    def stop(self):
        """What it and its children took, in seconds of CPU."""
        if self.process.returncode is not None:
            self.socket.close()
            os.unlink(self.path)
            return 0
        self.process.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.socket.close()
        os.unlink(self.path)
        return used.ru_utime + used.ru_stime


class Listener:
    """The socket for people who ask about themselves, as systemd has it: one verifier a
    connection."""

    def __init__(self, path="/run/rollcall/verifier-self.sock"):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer = self.socket.accept()[0]
            except OSError:
                return
            subprocess.Popen([VERIFIER], stdin=peer, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={})
            peer.close()

    def ask(self, name, answer):
        """One answer, given by the person's own process; what came of it, in one word."""
        uid = pwd.getpwnam(name).pw_uid
        child = os.fork()
        if child == 0:
            try:
                os.setresuid(uid, uid, uid)
                v = Verifier.__new__(Verifier)
                v.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                v.socket.settimeout(60)
                v.socket.connect(self.path)
                v.hello().login(name)
                kind, got = v.answer(answer)
                os._exit(0 if kind == RESULT and got["code"] == YES else 1)
            except BaseException:
                os._exit(2)
        return {0: "in", 1: "out"}.get(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "broken")

    def stop(self):
        self.socket.close()
        os.unlink(self.path)
