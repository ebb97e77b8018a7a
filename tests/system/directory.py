# SPDX-License-Identifier: BSD-2-Clause
"""A real slapd with the schema, the ACLs and the indexes that rollcall ships, in a folder of its
own, on loopback (or an address of a namespace); and certificates for everybody, from a CA that
lives as long as the test."""
import base64
import os
import subprocess
import time

import daemons
import pki
import wait

HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = os.path.join(HERE, "../../packaging/ldap")
BASE = "dc=example,dc=com"


def run(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, timeout=60, **options)


class Certificates(pki.Ca):
    """A CA, and what it signs."""

    def __init__(self, folder):
        super().__init__(folder=folder)
        self.ca = self.file

    def make(self, name, subject, addresses=()):
        """Certificate and key."""
        return self.issue(name, addresses=addresses, subject=subject, hosts=())

    def host(self, name):
        return self.make(name, f"/DC=com/DC=example/OU=hosts/CN={name}")


def shipped(name):
    with open(os.path.join(SHIPPED, name), encoding="utf-8") as f:
        return f.read()


class Slapd:
    def __init__(self, folder, certificates, address="127.0.0.1", port=13636, where=None, provider=None, rid=1,
                 extra=""):
        self.folder, self.certificates, self.address, self.port = folder, certificates, address, port
        self.where, self.process = where, None
        os.makedirs(folder + "/db", exist_ok=True)
        for name in ("rollcall.schema", "openssh-lpk.schema"):
            with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
                f.write(shipped(name))
        cert, key = certificates.make(f"slapd-{rid}", "/CN=directory", [address])
        self.uri = f"ldaps://{address}:{port}"
        self.local = "ldapi://" + folder.replace("/", "%2F") + "%2Fldapi"
        with open(folder + "/slapd.conf", "w", encoding="utf-8") as f:
            f.write(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/openssh-lpk.schema
include {folder}/rollcall.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {certificates.ca}
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
TLSVerifyClient try
sizelimit 500
database mdb
suffix {BASE}
rootdn gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth
directory {folder}/db
maxsize 2147483648
dbnosync
{shipped("access.conf")}
{shipped("indexes.conf")}
{provider or ""}
{extra}
""")

    def load(self):
        """The base, as an admin makes it."""
        with open(self.folder + "/base.ldif", "w", encoding="utf-8") as f:
            f.write(f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n")
        run("slapadd", "-q", "-f", self.folder + "/slapd.conf", "-l", self.folder + "/base.ldif")
        return self

    def start(self):
        with open(self.folder + "/log", "ab") as log:
            argv = ["/usr/sbin/slapd", "-d", "0", "-f", self.folder + "/slapd.conf", "-h", f"{self.local} {self.uri}"]
            self.process = subprocess.Popen(self.where.inside(*argv) if self.where else argv,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait.until(lambda: self.search("", "base", "(objectClass=*)") is not None or self.process.poll() is not None,
                   "slapd to answer")
        assert self.process.poll() is None, open(self.folder + "/log", encoding="utf-8").read()
        return self

    def stop(self, kill=False):
        if self.process and self.process.poll() is None:
            with open(self.folder + "/slapd.pid", encoding="ascii") as f:
                inside = int(f.read())
            if self.where:  # its id is one of another namespace: nsenter's child
                inside = daemons.children_of(self.process.pid)[0]
            os.kill(inside, 9 if kill else 15)
            self.process.wait(60)

    def search(self, base, scope, text, *attributes):
        """Entries by DN, {attribute: [values]}; None where slapd does not answer."""
        got = subprocess.run(["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-Q", "-Y", "EXTERNAL", "-H", self.local, "-b",
                              base, "-s", scope, text, *attributes], capture_output=True, text=True, timeout=60)
        return entries(got.stdout) if got.returncode == 0 else None

    def people(self):
        """By user name."""
        found = self.search(f"ou=people,{BASE}", "one", "(objectClass=rollcallAccount)", "*", "entryCSN") or {}
        return {e["uid"][0]: e for e in found.values()}

    def heartbeat(self):
        return next(iter((self.search(f"cn=rollcall-heartbeat,{BASE}", "base", "(objectClass=*)") or {}).values()), None)

    def modify(self, ldif, as_cert=None):
        """As root of the directory, or with a certificate."""
        if as_cert:
            cert, key = as_cert
            argv, environment = ["-H", self.uri], {"LDAPTLS_CACERT": self.certificates.ca, "LDAPTLS_CERT": cert,
                                                   "LDAPTLS_KEY": key}
        else:
            argv, environment = ["-H", self.local], {}
        return subprocess.run(["ldapmodify", "-Q", "-Y", "EXTERNAL", *argv], input=ldif, text=True, capture_output=True,
                              timeout=60, env={**os.environ, **environment})

    def read_as(self, as_cert, base, scope, text, *attributes):
        cert, key = as_cert
        got = subprocess.run(["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-Q", "-Y", "EXTERNAL", "-H", self.uri, "-b",
                              base, "-s", scope, text, *attributes], capture_output=True, text=True, timeout=60,
                             env={**os.environ, "LDAPTLS_CACERT": self.certificates.ca, "LDAPTLS_CERT": cert,
                                  "LDAPTLS_KEY": key})
        return entries(got.stdout)

    def add_host(self, name):
        got = self.modify(f"dn: cn={name},ou=hosts,{BASE}\nchangetype: add\nobjectClass: rollcallHost\ncn: {name}\n")
        assert got.returncode == 0, got.stderr


def replica_of(provider, certificates, replica):
    """What a replica's slapd.conf says beside the rest."""
    cert, key = replica
    return f"""syncrepl rid=001 provider={provider} type=refreshAndPersist searchbase="{BASE}" bindmethod=sasl
	saslmech=EXTERNAL tls_cert={cert} tls_key={key} tls_cacert={certificates.ca} tls_reqcert=demand
	retry="1 +" keepalive=5:2:2 network-timeout=3
updateref {provider}
"""


def entries(text):
    found = {}
    for block in text.split("\n\n"):
        entry, dn = {}, None
        for line in block.splitlines():
            name, _, value = line.partition(":")
            value = base64.b64decode(value[2:]).decode() if value.startswith(": ") else value[1:]
            if name == "dn":
                dn = value
            else:
                entry.setdefault(name, []).append(value)
        if dn is not None:
            found[dn] = entry
    return found


def instant(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))
