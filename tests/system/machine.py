# SPDX-License-Identifier: BSD-2-Clause
"""Other machines inside the sandbox: each with its own network, process ids, name, and folders of
rollcall's, sshd's and people's; programs and /etc are the sandbox's. They meet on a bridge."""
import os
import subprocess
import time

import daemons
import wait

BRIDGE = "10.77.0.1"
FOLDERS = ("/etc/rollcall", "/var/lib/rollcall", "/var/log/rollcall", "/run", "/home")


def sh(*argv, **options):
    got = subprocess.run(argv, capture_output=True, text=True, timeout=60, **options)
    assert got.returncode == 0, f"{argv}: {got.stderr}"
    return got.stdout


def bridge():
    if os.path.exists("/sys/class/net/fleet"):
        return
    sh("ip", "link", "add", "fleet", "type", "bridge")
    sh("ip", "addr", "add", BRIDGE + "/24", "dev", "fleet")
    sh("ip", "link", "set", "fleet", "up")


class Machine:
    def __init__(self, name, number):
        bridge()
        self.name, self.address, self.number = name, f"10.77.0.{number}", number
        self.root = f"/srv/machines/{name}"
        binds = []
        for folder in FOLDERS:
            os.makedirs(self.root + folder, exist_ok=True)
            if folder.startswith("/var") and os.path.isdir(folder):
                sh("cp", "-a", folder + "/.", self.root + folder)
                for kept in ("state", "cache", "credentials"):
                    sub = f"{self.root}{folder}/{kept}"
                    for file in os.listdir(sub) if os.path.isdir(sub) else []:
                        os.unlink(f"{sub}/{file}")
            binds.append(f"mount --bind {self.root}{folder} {folder}")
        os.makedirs(self.root + "/etc/rollcall/conf.d", exist_ok=True)
        os.makedirs(self.root + "/etc/rollcall/secrets", mode=0o700, exist_ok=True)
        for folder in ("/run/sshd", "/run/rollcall", "/run/lock"):
            os.makedirs(self.root + folder, exist_ok=True)
        self.outer = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--uts", "--net", "--pid", "--fork", "--kill-child=KILL",
             "--mount-proc", "sh", "-c", " && ".join(binds) + f" && hostname {name} && ip link set lo up && "
             "echo ready >/run/ready && exec sleep infinity"], stdin=subprocess.DEVNULL)
        wait.until(lambda: os.path.exists(self.root + "/run/ready") or self.outer.poll() is not None, f"{name} to be up")
        assert self.outer.poll() is None
        self.pid = daemons.children_of(self.outer.pid)[0]
        self.plug()
        self.processes = []

    def plug(self):
        sh("ip", "link", "add", f"v{self.number}", "type", "veth", "peer", "name", "eth0", "netns", str(self.pid))
        sh("ip", "link", "set", f"v{self.number}", "master", "fleet", "up")
        self.run("ip", "addr", "add", self.address + "/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def cable(self, plugged):
        """Pulls the cable, or plugs it in again."""
        sh("ip", "link", "set", f"v{self.number}", "up" if plugged else "down")

    def inside(self, *argv):
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-n", "-p", "-r", "-w/", "--", *argv]

    def run(self, *argv, check=True, **options):
        got = subprocess.run(self.inside(*argv), capture_output=True, text=True, timeout=60, **options)
        assert not check or got.returncode == 0, f"{self.name}: {argv}: {got.stdout}{got.stderr}"
        return got

    def write(self, path, text, mode=0o644):
        with open(self.root + path, "w", encoding="utf-8") as f:
            f.write(text)
            os.fchmod(f.fileno(), mode)

    def start(self, *argv, ready=True, environment=None):
        """A daemon in there; ready when it says so."""
        return Inside(self, argv).begin(environment)

    def passwd(self, name):
        got = self.run("getent", "passwd", name, check=False)
        return got.stdout.strip().split(":") if got.returncode == 0 else None

    def stop(self):
        self.outer.kill()
        self.outer.wait()


class Inside:
    """A process of a machine: its log in a file, ended by its process id."""

    def __init__(self, machine, argv):
        self.machine, self.argv, self.process = machine, argv, None
        self.path = f"{machine.root}-{os.path.basename(argv[0])}.log"

    def begin(self, environment=None):
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(
                self.machine.inside(*self.argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(environment or {})})
        return self

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, kill=False):
        """The process inside; nsenter goes with it."""
        for pid in daemons.children_of(self.process.pid)[:1]:
            os.kill(pid, 9 if kill else 15)
        self.process.wait(30)


def host_conf(uris, base, certificates, extra="", ack=None, poll="2s", lease="1h", label=""):
    return f"""[rollcall]
mode = enforce
[source fleet]
type = ldap
schema = rollcall
role = authority, directory
uri = {", ".join(uris)}
{f"ack_uri = {ack}" if ack else ""}
base = {base}
bind = external
ca_file = {certificates.ca}
cert_file = /etc/rollcall/secrets/host.pem
key_file = /etc/rollcall/secrets/host.key
poll = {poll}
timeout = 3s
lease = {lease}
[access]
allow_groups = linux-users
[mfa]
factors = totp
{extra}
"""


def now():
    return time.time()
