# SPDX-License-Identifier: BSD-2-Clause
"""Active Directory, for which Samba's domain controller stands in."""
import os
import signal
import socket
import subprocess
import tempfile

import wait

BASE = "DC=ad,DC=example,DC=org"
SERVER = "dc1.ad.example.org"
REALM = "AD.EXAMPLE.ORG"
PASSWORD = "Walks-in-the-rain.1"
NAMES = ("alice", "bob", "carol", "dora", "erik", "fred")


class Controller:
    """A domain of one controller, on this sandbox's loopback alone. Ended by its process id."""

    def __init__(self):
        self.where = tempfile.mkdtemp(prefix="samba-")
        os.chmod(self.where, 0o755)
        with open("/etc/hosts", "a", encoding="ascii") as f:
            f.write(f"127.0.0.1 {SERVER} dc1\n")
        self.log = open(self.where + "/log", "wb")
        subprocess.run(["samba-tool", "domain", "provision", "--realm=AD.EXAMPLE.ORG", "--domain=ADX", "--server-role=dc",
                        "--dns-backend=SAMBA_INTERNAL", "--adminpass=" + PASSWORD, "--host-name=dc1", "--host-ip=127.0.0.1",
                        "--targetdir=" + self.where, "--option=interfaces=lo", "--option=bind interfaces only=yes",
                        "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb", "--option=ldap server require strong auth=allow_sasl_over_tls",
                        "--option=server services=-dns,-s3fs"],
                       check=True, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, timeout=300)
        self.conf = self.where + "/etc/smb.conf"
        self.staff()
        self.process = subprocess.Popen(["samba", "-s", self.conf, "-F", "--no-process-group", "-d1"], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True)
        self.ca = self.where + "/private/tls/ca.pem"
        wait.until(lambda: os.path.exists(self.ca) and answers(636), "the domain controller", 120)
        for folder in ("private", "private/tls"):
            os.chmod(f"{self.where}/{folder}", 0o755)

    def database(self):
        from samba.auth import system_session
        from samba.param import LoadParm
        from samba.samdb import SamDB
        conf = LoadParm()
        conf.load(self.conf)
        return SamDB(url=self.where + "/private/sam.ldb", session_info=system_session(), lp=conf)

    def staff(self):
        db = self.database()
        for name in NAMES:
            db.newuser(name, PASSWORD)
        db.setpassword("(sAMAccountName=carol)", PASSWORD, force_change_at_next_login=True)
        self.modify(db, BASE, "lockoutThreshold", "3")
        self.modify(db, BASE, "minPwdAge", "0")
        self.modify(db, person("bob"), "userAccountControl", "514")
        self.modify(db, person("dora"), "accountExpires", "131000000000000000")

    @staticmethod
    def modify(db, dn, attribute, value):
        db.modify_ldif(f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n")

    def keytab(self, name):
        """As an admin exports it for a service's account; and what this host has to know of the realm."""
        path = f"{self.where}/{name}.keytab"
        subprocess.run(["samba-tool", "domain", "exportkeytab", path, f"--principal={name}@{REALM}", "-s", self.conf], check=True,
                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, timeout=60)
        with open("/etc/krb5.conf", "w", encoding="ascii") as f:
            f.write(f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\nrdns = false\n"
                    f"[realms]\n{REALM} = {{\nkdc = 127.0.0.1\n}}\n[domain_realm]\n.ad.example.org = {REALM}\n")
        return path

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


def person(name):
    return f"CN={name},CN=Users,{BASE}"


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0
