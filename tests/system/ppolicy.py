# SPDX-License-Identifier: BSD-2-Clause
"""A real slapd with a password policy, where people bind and change their passwords themselves, on
loopback: the directory that judges people's passwords. Ended by its process id."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import ldapd
import wait

BASE = ldapd.BASE
ADMIN = ("cn=admin," + BASE, "admin-pw")
LOCK_AT = 3  # failures

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
{modules}
pidfile {where}/slapd.pid
TLSCACertificateFile {ca}/ca.pem
TLSCertificateFile {ca}/server.pem
TLSCertificateKeyFile {ca}/server.key
TLSVerifyClient never
database mdb
suffix {base}
rootdn {admin}
rootpw {password}
directory {where}/db
dbnosync
access to attrs=userPassword by anonymous auth by self write by * none
access to * by self read by users read by * none
overlay ppolicy
ppolicy_default cn=default,ou=policies,{base}
ppolicy_use_lockout
{overlays}
"""


def run(*argv, **options):
    got = subprocess.run(argv, capture_output=True, text=True, timeout=60, **options)
    assert got.returncode == 0, f"{argv}: {got.stdout}{got.stderr}"
    return got.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def person(name):
    return f"uid={name},ou=people,{BASE}"


class Directory:
    def __init__(self, modules="", overlays=""):
        self.where = tempfile.mkdtemp(prefix="slapd-")
        os.chmod(self.where, 0o755)
        os.mkdir(self.where + "/db")
        self.authority = ldapd.Ca()
        self.ca = self.authority.file
        self.port, self.tls_port = free_port(), free_port()
        self.uri, self.starttls = f"ldaps://127.0.0.1:{self.tls_port}", f"ldap://127.0.0.1:{self.port}"
        with open(self.where + "/slapd.conf", "w", encoding="ascii") as f:
            f.write(CONF.format(where=self.where, ca=self.authority.dir, base=BASE, admin=ADMIN[0], password=ADMIN[1], modules=modules, overlays=overlays))
        entries = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example"]
        entries += [f"dn: ou={o},{BASE}\nobjectClass: organizationalUnit\nou: {o}" for o in ("people", "policies")]
        entries.append(f"dn: cn=default,ou=policies,{BASE}\nobjectClass: applicationProcess\nobjectClass: pwdPolicy\ncn: default\n"
                       f"pwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: {LOCK_AT}\npwdLockoutDuration: 0\n"
                       "pwdMustChange: TRUE\npwdAllowUserChange: TRUE\npwdSafeModify: TRUE\npwdInHistory: 3")
        run("slapadd", "-q", "-f", self.where + "/slapd.conf", input="\n\n".join(entries) + "\n")
        self.process = self.log = None
        self.start()

    def start(self):
        self.log = open(self.where + "/log", "ab")
        starts = self.said().count("slapd starting")  # the log goes on over a stop
        self.process = subprocess.Popen(
            ["/usr/sbin/slapd", "-d", "stats", "-f", self.where + "/slapd.conf", "-h", f"{self.starttls} {self.uri}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        wait.until(lambda: self.said().count("slapd starting") > starts, "slapd to start: " + self.said())
        return self

    def said(self):
        """Its log since it was made."""
        with open(self.where + "/log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def binds(self, dn=""):
        """How often somebody has tried to bind, with this name or any."""
        return sum(" BIND dn=" in line and "method=128" in line and (dn in line) for line in self.said().splitlines())

    def stop(self):
        """As when the machine is switched off."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(60)
        self.log.close()

    def remove(self):
        self.stop()
        shutil.rmtree(self.where)

    # ---- what an administrator of the directory does ----

    def change(self, text):
        run("ldapmodify", "-x", "-H", self.uri, "-D", ADMIN[0], "-w", ADMIN[1], "-e", "relax", input=text, env=self.trust())

    def trust(self):
        return {"PATH": "/usr/bin:/bin", "LDAPTLS_CACERT": self.ca}

    def add(self, name, password, *lines):
        self.change("\n".join([f"dn: {person(name)}", "changetype: add", "objectClass: inetOrgPerson", f"uid: {name}", f"cn: {name}",
                               f"sn: {name}", f"userPassword: {password}", *lines]) + "\n")

    def set(self, dn, attribute, *values):
        """Replaces it; without a value it is gone."""
        self.change("\n".join([f"dn: {dn}", "changetype: modify", f"replace: {attribute}", *[f"{attribute}: {v}" for v in values]]) + "\n")

    def policy(self, attribute, *values):
        self.set(f"cn=default,ou=policies,{BASE}", attribute, *values)

    def get(self, name, attribute):
        out = run("ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", self.uri, "-D", ADMIN[0], "-w", ADMIN[1], "-b", person(name), "-s", "base",
                  attribute, env=self.trust())
        return [line.split(": ", 1)[1] for line in out.splitlines() if line.lower().startswith(attribute.lower() + ":")]

    def takes(self, name, password):
        """Does it take this one? Asked from outside, and counted by it."""
        got = subprocess.run(["ldapwhoami", "-x", "-H", self.uri, "-D", person(name), "-w", password], capture_output=True, timeout=60,
                             env=self.trust())
        return got.returncode == 0
