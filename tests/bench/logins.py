# SPDX-License-Identifier: BSD-2-Clause
"""A login's cost beside the peers', and many at once. Each module checks one right TOTP code in
an application of our own, whose typing takes no time: auth and account, from the call to the
return; the CPU of the application and of what it started, and of the verifier's parent with its
children where there is one."""
import base64
import contextlib
import glob
import os
import pwd
import re
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

import daemons  # noqa: E402
import door  # noqa: E402
import pamapp  # noqa: E402
import people  # noqa: E402
import ssh  # noqa: E402
import totp  # noqa: E402

FOLDER = "/tmp/pam.d"
ROUNDS = int(os.environ.get("ROUNDS", "60"))
LOGINS = int(os.environ.get("LOGINS", "500"))
BLOCK = 5  # logins to a parent, whose CPU is known when it has ended
DIRECT = os.environ.get("DIRECT") == "1"  # many at once where nobody listens
SECRET = base64.b32encode(b"12345678901234567890").decode()
USERS = [f"u{i:03d}" for i in range(LOGINS)]


def unpack():
    """Returns the peers that are there."""
    store = os.path.abspath(os.environ.get("BUILD", "build")) + "/bench-pam"
    for deb in sorted(glob.glob(store + "/*.deb")):
        subprocess.run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x -C / --keep-directory-symlink', deb], check=True)
    subprocess.run(["ldconfig"], check=True)
    folder = os.path.dirname(pamapp.MODULE)
    modules = glob.glob("/lib/*/security/*") + glob.glob("/usr/lib/*/security/*") + glob.glob("/lib/security/*")
    found = {os.path.basename(m): m for m in modules}
    # pam_permit is the floor: what the application itself takes.
    return {name: found[name] for name in ("pam_google_authenticator.so", "pam_oath.so") if name in found} | {
        "pam_permit.so": folder + "/pam_permit.so", "pam_rollcall.so": folder + "/pam_rollcall.so"}


ROLLCALL = "pam_rollcall.so"


class Peer:
    """A service with one module, and its state put back before each login: no code is burnt."""

    def __init__(self, name, path):
        self.name, self.service, self.label = name, name.split(".")[0], name
        self.path = path
        options = {"pam_permit.so": "", "pam_google_authenticator.so": "secret=/tmp/google user=root no_strict_owner allowed_perm=0600",
                   "pam_oath.so": "usersfile=/tmp/oath window=20 digits=6"}.get(name, "")
        account = f"account required {path}" if name == "pam_rollcall.so" else "account required pam_permit.so"
        pamapp.write_service(FOLDER, self.service, f"auth required {path} {options}", account)
        self.user = "u000" if name == "pam_rollcall.so" else "larry"
        self.app = totp.enroll("u000", "--replace") if name == "pam_rollcall.so" else totp.Authenticator(
            f"otpauth://totp/x?secret={SECRET}")
        self.kept = {}
        if name == "pam_rollcall.so":
            self.keep("/var/lib/rollcall/credentials/" + people.passwd("u000")[2])

    def keep(self, path):
        with open(path, "rb") as f:
            self.kept[path] = f.read()

    def again(self):
        for path, data in self.kept.items():
            with open(path, "r+b") as f:
                f.write(data)
        if self.name == "pam_google_authenticator.so":
            with open("/tmp/google", "w", encoding="ascii") as f:
                os.fchmod(f.fileno(), 0o600)
                f.write(f'{SECRET}\n" WINDOW_SIZE 17\n" TOTP_AUTH\n')
        if self.name == "pam_oath.so":
            with open("/tmp/oath", "w", encoding="ascii") as f:
                os.fchmod(f.fileno(), 0o600)
                f.write(f"HOTP/T30/6 larry - {base64.b32decode(SECRET).hex()}\n")

    def door(self):
        """Opens the way to the verifier that is measured."""

    def log_in(self):
        self.again()
        if self.name == ROLLCALL:
            self.door()
        code = self.app.at(int(time.time()) // totp.STEP)

        def work():
            with contextlib.suppress(KeyError):
                pwd.getpwnam(self.user)  # every program that lets people in has looked
            before = private()
            started, cpu = time.perf_counter(), spent()
            with pamapp.Application(self.service, self.user, lambda style, text: code, folder=FOLDER) as app:
                got = [app.authenticate(), app.account()]
                took, used, memory = time.perf_counter() - started, spent() - cpu, private() - before
            return [got, took, used, memory]
        got, *figures = pamapp.run_as(0, work)
        assert set(got) == {"SUCCESS"}, (self.name, got)
        return figures


class Behind(Peer):
    """rollcall behind the parent that systemd's socket starts."""

    def __init__(self, path):
        super().__init__(ROLLCALL, path)
        self.label = "pam_rollcall.so, as under systemd"
        self.parent, self.shares = None, []
        self.start()

    def start(self):
        """To where it waits; what that took is no login's."""
        self.parent, still = door.Resident(), 0
        while still < 5:
            time.sleep(0.01)
            still = still + 1 if self.of_parent("stat").split(") ")[1].startswith("S") else 0
        self.ready, self.served = int(self.of_parent("schedstat").split()[0]) / 1e9, 0

    def stop(self):
        self.door()
        self.shares.append((self.parent.stop() - self.ready) / self.served)

    def of_parent(self, name):
        with open(f"/proc/{self.parent.process.pid}/{name}", encoding="ascii") as f:
            return f.read()

    def log_in(self):
        if self.served == BLOCK:
            self.stop()
            self.start()
        self.served += 1
        return super().log_in()

    def door(self):
        if os.path.exists("/run/aside.sock"):
            os.rename("/run/aside.sock", self.parent.path)


class Direct(Peer):
    """rollcall where nobody listens: the module starts its verifier."""

    def __init__(self, path):
        super().__init__(ROLLCALL, path)
        self.label = "pam_rollcall.so, started directly"

    def door(self):
        if os.path.exists("/run/rollcall/verifier.sock"):
            os.rename("/run/rollcall/verifier.sock", "/run/aside.sock")


def spent():
    return sum(u.ru_utime + u.ru_stime for u in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))


def private():
    """KiB of this process that are nobody else's."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as f:
        return sum(int(n) for n in re.findall(r"^Private_\w+: +(\d+)", f.read(), re.M))


def tenth(values):
    return values[len(values) // 10]


def drain(path):
    """What every machine has: somebody who takes what is logged."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.bind(path)
    os.chmod(path, 0o666)

    def listen():
        while ear.recv(65536):
            pass
    threading.Thread(target=listen, daemon=True).start()


def beside_the_peers():
    for path in ("/dev/log", "/run/rollcall/audit.sock"):
        drain(path)
    paths = unpack()
    direct = Direct(paths.pop(ROLLCALL)) if ROLLCALL in paths else None
    peers = [Peer(name, path) for name, path in sorted(paths.items())]
    behind = Behind(direct.path)
    peers += [behind, direct]
    direct.app, direct.kept = behind.app, behind.kept
    figures = {p.label: [] for p in peers}
    for _ in range(ROUNDS):
        for p in peers:
            figures[p.label].append(p.log_in())
    behind.stop()
    floor = min(r[2] for r in figures["pam_permit.so"])
    print(f"\none login, {ROUNDS} of each in turn{'':13} {'ms median':>10} {'10 %':>7} {'CPU ms median':>15} {'10 %':>7} {'private KiB':>12}")
    print("(10 %: of the quietest tenth; private memory of the application beyond what it has with pam_permit)")
    for name, rows in figures.items():
        times, cpu = sorted(r[0] for r in rows), sorted(r[1] for r in rows)
        shares = sorted(behind.shares) if name == behind.label else [0]
        print(f"{name:44} {statistics.median(times) * 1000:10.2f} {tenth(times) * 1000:7.2f} "
              f"{(statistics.median(cpu) + statistics.median(shares)) * 1000:15.2f} {(tenth(cpu) + tenth(shares)) * 1000:7.2f} "
              f"{max(r[2] for r in rows) - floor:12}", flush=True)


def many_at_once(key):
    apps = {name: totp.enroll(name, "--replace") for name in USERS}
    right = {name: i % 5 != 4 for i, name in enumerate(USERS)}  # every fifth types a wrong code
    parent = None if DIRECT else door.Resident()
    sshd = ssh.Sshd("-o", "MaxStartups=2000", "-o", "LoginGraceTime=600")
    results, lock = {}, threading.Lock()
    # ssh asks this program for what a person would type.
    with open("/tmp/askpass", "w", encoding="ascii") as f:
        f.write('#!/bin/sh\necho "$CODE"\n')
    os.chmod("/tmp/askpass", 0o755)

    def one(name):
        app = apps[name]
        code = app.code() if right[name] else app.wrong()
        env = {"PATH": "/usr/bin:/bin", "HOME": "/root", "SSH_ASKPASS": "/tmp/askpass", "SSH_ASKPASS_REQUIRE": "force", "CODE": code}
        began = time.monotonic()
        got = subprocess.run(["ssh", *ssh.OPTIONS, "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=300", "-i", key.path,
                              f"{name}@127.0.0.1", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
        with lock:
            results[name] = (got.returncode, got.stdout.strip(), got.stderr.strip(), time.monotonic() - began)

    threads = [threading.Thread(target=one, args=(name,)) for name in USERS]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - began
    sshd.stop()
    cpu = f"; {parent.stop() * 1000 / LOGINS:.2f} ms of CPU each for the verifiers" if parent else ""
    wrong = [n for n, r in results.items() if (r[0] == 0 and r[1] == n) != right[n]]
    times = sorted(r[3] for r in results.values())
    print(f"\n{LOGINS} logins at once over sshd, a fifth with a wrong code: {took:.1f} s, {LOGINS / took:.0f} a second; "
          f"median {statistics.median(times):.1f} s, slowest {times[-1]:.1f} s; answered wrongly: {len(wrong)}{cpu}")
    for name in wrong[:5]:
        print(f"  {name}: right code {right[name]}: {results[name]}")


def main():
    key = ssh.Key()
    people.write([people.person(i + 1, name, sshPublicKeys=key.public) for i, name in enumerate(USERS)])
    assert daemons.sync_once().returncode == 0
    beside_the_peers()
    many_at_once(key)


main()
