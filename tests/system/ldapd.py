# SPDX-License-Identifier: BSD-2-Clause
"""Real directories for tests, on the sandbox's own loopback: OpenLDAP's slapd and 389-ds,
with a CA of the test's own. Ended by their process ids."""
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pki
import wait

BASE = "dc=example,dc=org"
SYNC = "cn=sync," + BASE
PASSWORD = "sync-pw"
PEOPLE = "ou=people," + BASE
GROUPS = "ou=groups," + BASE

SCHEMA = """
attributetype ( 1.3.6.1.4.1.24552.500.1.1.1.13 NAME 'sshPublicKey'
    EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.24552.500.1.1.2.0 NAME 'ldapPublicKey' SUP top AUXILIARY MAY ( sshPublicKey $ uid ) )
"""

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {dir}/keys.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
moduleload ppolicy
pidfile {dir}/slapd.pid
argsfile {dir}/slapd.args
TLSCACertificateFile {ca}/ca.pem
TLSCertificateFile {ca}/{cert}.pem
TLSCertificateKeyFile {ca}/{cert}.key
TLSVerifyClient {verify}
{top}
database config
access to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage
database mdb
suffix dc=example,dc=org
rootdn gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth
directory {dir}/db
maxsize {maxsize}
index objectClass,uid,entryUUID,entryCSN eq
dbnosync
access to attrs=userPassword by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage
    by anonymous auth by * none
{access}access to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage
    by dn.exact=cn=sync,dc=example,dc=org read by * none
{limits}
{overlays}
overlay ppolicy
ppolicy_default cn=default,ou=policies,dc=example,dc=org
"""


def run(*argv, text=None, check=True):
    got = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=120)
    assert not check or got.returncode == 0, f"{argv}: {got.stdout}{got.stderr}"
    return got


class Ca(pki.Ca):
    """A CA, and certificates: `server` for 127.0.0.1 to .3, `other` for another name, `host`
    for a client."""

    def __init__(self):
        super().__init__()
        self.issue("server", addresses=("127.0.0.1", "127.0.0.2", "127.0.0.3"), hosts=())
        self.issue("other", addresses=(), hosts=["other.example"])
        self.issue("host", addresses=(), hosts=())


def person(name, number=None, base=PEOPLE, **members):
    """An entry of rfc2307 as LDIF; lists are several values."""
    uid = 1879050000 + sum(ord(c) * 31 ** i for i, c in enumerate(name)) % 1000000
    entry = {"objectClass": ["inetOrgPerson", "posixAccount", "shadowAccount", "ldapPublicKey"], "cn": name.capitalize() + " Example",
             "sn": "Example", "uidNumber": uid, "gidNumber": uid, "homeDirectory": "/home/" + name,
             "loginShell": "/bin/bash", "employeeNumber": number or "E-" + name, "mail": name + "@example.org",
             "userPassword": "pw-" + name}
    entry.update(members)
    return ldif(f"uid={name},{base}", **entry)


def group(name, members=(), base=GROUPS):
    """groupOfNames; members are names of people, or DNs."""
    dns = [m if "=" in m else f"uid={m},{PEOPLE}" for m in members]
    return ldif(f"cn={name},{base}", objectClass=["groupOfNames"], member=dns or ["cn=nobody"])


def ldif(dn, **attributes):
    lines = ["dn: " + dn]
    for name, value in attributes.items():
        for v in value if isinstance(value, (list, tuple)) else [value]:
            lines.append(f"{name}: {v}")
    return "\n".join(lines) + "\n\n"


TREE = (ldif(BASE, objectClass=["dcObject", "organization"], dc="example", o="Example") +
        "".join(ldif(f"ou={o},{BASE}", objectClass="organizationalUnit", ou=o) for o in ("people", "groups", "policies")) +
        ldif(SYNC, objectClass=["applicationProcess", "simpleSecurityObject"], cn="sync", userPassword=PASSWORD) +
        ldif("cn=default,ou=policies," + BASE, objectClass=["applicationProcess", "pwdPolicy"], cn="default",
             pwdAttribute="userPassword", pwdLockout="TRUE", pwdMaxFailure=3, pwdLockoutDuration=0, pwdMaxAge=0))


class Slapd:
    def __init__(self, ca, host="127.0.0.1", cert="server", syncprov=True, sessionlog=1000, limits="size=unlimited time=unlimited",
                 access="", verify="never", top="", overlays="", maxsize=16777216):
        self.dir = tempfile.mkdtemp(prefix="slapd-")
        self.ca = ca
        self.host = host
        self.process = None
        self.options = {"cert": cert, "access": access, "verify": verify, "top": top, "maxsize": maxsize,
                        "limits": f"limits dn.exact={SYNC} {limits}" if limits else "",
                        "overlays": ("overlay syncprov\nsyncprov-checkpoint 1 1\n" +
                                     (f"syncprov-sessionlog {sessionlog}\n" if sessionlog else "") if syncprov else "") + overlays}
        self.ldaps = f"ldaps://{host}:10636"
        self.ldap = f"ldap://{host}:10389"
        self.ldapi = "ldapi://" + (self.dir + "/ldapi").replace("/", "%2F")
        with open(self.dir + "/keys.schema", "w", encoding="ascii") as f:
            f.write(SCHEMA)
        os.mkdir(self.dir + "/db")

    def load(self, *entries):
        """Into an empty directory, before it is started."""
        self._configure()
        run("slapadd", "-q", "-f", self.dir + "/slapd.conf", text=TREE + "".join(entries))
        return self

    def _configure(self):
        with open(self.dir + "/slapd.conf", "w", encoding="ascii") as f:
            f.write(CONF.format(dir=self.dir, ca=self.ca.dir, **self.options))

    def start(self, **options):
        self.options.update(options)
        self._configure()
        self.log = open(self.dir + "/log", "ab")
        self.process = subprocess.Popen(["/usr/sbin/slapd", "-d", "0", "-f", self.dir + "/slapd.conf", "-h",
                                         f"{self.ldapi} {self.ldap} {self.ldaps}"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        wait.until(lambda: run("ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", self.ldapi, check=False).returncode == 0, "slapd to answer")
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(60)
            self.log.close()

    def replica_of(self, other):
        """The same directory, entry by entry, as a replica has it; both are started again."""
        other.stop()
        shutil.rmtree(self.dir + "/db")
        shutil.copytree(other.dir + "/db", self.dir + "/db")
        other.start()
        return self.start()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def apply(self, text, *options, check=True):
        return run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", self.ldapi, *options, text=text, check=check)

    def add(self, *entries):
        return self.apply("".join(entries), "-a")

    def replace(self, name, attribute, value=None, *options):
        dn = name if "=" in name else f"uid={name},{PEOPLE}"
        return self.apply(f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n" + (f"{attribute}: {value}\n" if value else ""), *options)

    def disable(self, name):
        return self.replace(name, "pwdAccountLockedTime", "000001010000Z", "-e", "relax")

    def delete(self, *dns, recursive=False):
        return run("ldapdelete", "-Q", "-Y", "EXTERNAL", "-H", self.ldapi, *(["-r"] if recursive else []), *dns)

    def attribute(self, name, attribute):
        got = run("ldapsearch", "-Q", "-LLL", "-Y", "EXTERNAL", "-H", self.ldapi, "-b", f"uid={name},{PEOPLE}", "-s", "base", attribute)
        found = re.search(rf"^{attribute}: (.*)$", got.stdout, re.M | re.I)
        return found and found.group(1)

    def bind(self, name, password):
        return run("ldapwhoami", "-x", "-H", self.ldapi, "-D", f"uid={name},{PEOPLE}", "-w", password, check=False).returncode

    def copy(self):
        """The database as it is, for restore(); the server is stopped."""
        shutil.copytree(self.dir + "/db", self.dir + "/backup", dirs_exist_ok=True)

    def restore(self):
        shutil.rmtree(self.dir + "/db")
        shutil.copytree(self.dir + "/backup", self.dir + "/db")


class Ds389:
    """389 Directory Server with content synchronization, in a mount namespace of its own."""

    SCRIPT = r"""
set -e
d=$1
for p in etc/dirsrv var/lib/dirsrv var/log/dirsrv run/dirsrv run/lock/dirsrv; do mkdir -p "$d/ns/$p" "/$p"; done
cp -a /etc/dirsrv/. "$d/ns/etc/dirsrv/"
for p in etc/dirsrv var/lib/dirsrv var/log/dirsrv run/dirsrv run/lock/dirsrv; do
    chown dirsrv: "$d/ns/$p"; mount --bind "$d/ns/$p" "/$p"; done
# dscreate would ask systemd
sed 's/^with_systemd = 1/with_systemd = 0/' /usr/share/dirsrv/inf/defaults.inf >"$d/defaults.inf"
mount --bind "$d/defaults.inf" /usr/share/dirsrv/inf/defaults.inf
# it starts the server once, on every address it has: on none of ours
unshare --net sh -c 'ip link set lo up; exec dscreate -v from-file "$0"' "$d/ds.inf"
/usr/bin/python3 - <<'P'
import re
f = '/etc/dirsrv/slapd-t1/dse.ldif'
t = open(f).read()
def put(dn, **values):
    global t
    i = t.lower().index('dn: ' + dn.lower()); j = t.find('\n\n', i); e = t[i:j]
    for k, v in values.items():
        k = k.replace('_', '-')
        e = re.sub(r'(?mi)^%s:.*\n?' % k, '', e).rstrip('\n') + '\n%s: %s' % (k, v)
    t = t[:i] + e + t[j:]
put('cn=config', nsslapd_listenhost='127.0.0.1')
put('cn=Retro Changelog Plugin,cn=plugins,cn=config', nsslapd_pluginEnabled='on', nsslapd_attribute='nsuniqueid:targetUniqueId')
put('cn=Content Synchronization,cn=plugins,cn=config', nsslapd_pluginEnabled='on')
open(f, 'w').write(t)
P
exec ns-slapd -D /etc/dirsrv/slapd-t1 -i /run/dirsrv/slapd-t1.pid -d 0
"""
    INF = """[general]
config_version = 2
full_machine_name = localhost
start = False
strict_host_checking = False
selinux = False
systemd = False
[slapd]
instance_name = t1
port = 11389
secure_port = 11636
root_password = {password}
self_sign_cert = True
ldapi = {dir}/ldapi
[backend-userroot]
suffix = dc=example,dc=org
sample_entries = no
"""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ds389-")
        os.chmod(self.dir, 0o755)
        self.admin = "cn=Directory Manager"
        self.password = "secret12345"
        self.plain = "ldap://127.0.0.1:11389"
        self.process = None

    def start(self):
        with open(self.dir + "/ds.inf", "w", encoding="ascii") as f:
            f.write(self.INF.format(password=self.password, dir=self.dir))
        self.log = open(self.dir + "/log", "ab")
        self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "/bin/bash", "-c", self.SCRIPT, "ds", self.dir],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        wait.until(lambda: self._well() and run("ldapsearch", "-x", "-H", self.plain, "-s", "base", "-b", "", "1.1", check=False).returncode == 0,
                   "389-ds to answer", 120)
        return self

    def _well(self):
        with open(self.dir + "/log", encoding="utf-8", errors="replace") as f:
            assert self.process.poll() is None, f.read()[-3000:]
        return True

    def apply(self, text, *options):
        return run("ldapmodify", "-x", "-H", self.plain, "-D", self.admin, "-w", self.password, *options, text=text)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
