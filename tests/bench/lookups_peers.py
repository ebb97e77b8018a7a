# SPDX-License-Identifier: BSD-2-Clause
"""The services that are asked: each filled with the same people, each running alone in the sandbox. Nothing here
is undone: the root is disposable, and a size's daemons end with stop()."""
import glob
import os
import shutil
import subprocess
import sys
import time

STORE = "/run/bench"
# sssd and nscd keep what was asked: this many people, and these few groups, are asked again and again.
WARM_PEOPLE, WARM_GROUPS, WARM_UNKNOWN = 3000, 300, 500
SUFFIX = "dc=example,dc=org"
LDAP = "ldap://127.0.0.1:3389"


class Service:
    """One column. `nss` is its name in nsswitch.conf, `binds` are files that its processes alone see elsewhere."""

    def __init__(self, name, nss, largest=None, warm=False, binds=(), only_conf=False, enter=(), extra=False,
                 enumerates=True):
        self.name, self.nss, self.largest, self.warm = name, nss, largest, warm
        self.binds, self.only_conf, self.enter, self.extra = list(binds), only_conf, list(enter), extra
        self.enumerates = enumerates

    def keys(self, cell):
        if not self.warm:
            return 0
        if cell.startswith("unknown"):
            return WARM_UNKNOWN
        return WARM_PEOPLE if cell.startswith("getpw") else WARM_GROUPS


def run(*argv, **kw):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **kw)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout.decode(errors='replace')[-400:]}")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, mode)


def show(source, path):
    """source at path too, without the cost of an overlay's open."""
    if not os.path.exists(path):
        write(path, "")
    run("mount", "--bind", source, path)


def unpack(store):
    """The packages' files, without their scripts: no service starts, no user is made. Returns their versions."""
    versions = {}
    for deb in sorted(glob.glob(store + "/*.deb")):
        run("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x -C / --keep-directory-symlink', deb)
        name, version = subprocess.run(["dpkg-deb", "-W", "--showformat", "${Package} ${Version}", deb], check=True,
                                       stdout=subprocess.PIPE, text=True).stdout.split()
        versions[name] = version
    run("ldconfig")
    return versions


def leave_the_overlay():
    """What lookups open lies on tmpfs: an overlay's path walk and open would be a good part of what a peer that opens
    files in each lookup takes, and no real machine has that cost."""
    os.makedirs(STORE + "/modules")
    for folder in ("/etc", "/var/lib/sss", "/var/lib/misc", "/run/nscd", "/run/nslcd"):
        os.makedirs(folder, exist_ok=True)
        copy = STORE + folder.replace("/", "-")
        run("cp", "-a", folder, copy)
        run("mount", "--bind", copy, folder)
    for module in glob.glob("/usr/lib/*/libnss_*.so.2") + glob.glob("/usr/lib/*/libdb-5*.so"):
        shutil.copy(module, STORE + "/modules/")
        run("mount", "--bind", STORE + "/modules/" + os.path.basename(module), os.path.realpath(module))


class Company:
    """One size: the people in every form that a service wants, and the daemons."""

    def __init__(self, people, build, has, wanted=(), limit=600, enumeration=False):
        """`wanted`: only these peers. `limit`: seconds that a peer may take until it has its people."""
        self.people, self.has, self.wanted, self.limit = people, has, wanted, limit
        self.enumeration = enumeration or people <= 1000
        self.dir = f"{STORE}/{people}"
        self.passwd, self.group = self.dir + "/passwd", self.dir + "/group"
        self.daemons, self.shown, self.notes = [], [], []
        os.makedirs(self.dir)
        cache = "/var/lib/rollcall/cache"
        self.shown.append(cache)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", cache)
        run(build + "/tests/bench/nss_company", str(people), self.dir, cache)

    def start(self, name, *argv, **kw):
        with open(f"{STORE}/{name}.log", "ab") as log:
            daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **kw)
        self.daemons.append(daemon)
        return daemon

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for path in reversed(self.shown):
            run("umount", "-l", path)
        shutil.rmtree(self.dir)

    def show(self, name, path):
        show(f"{self.dir}/{name}", path)
        self.shown.append(path)

    def first(self):
        with open(self.passwd, encoding="ascii") as f:
            return f.readlines()[2].split(":")[0]

    def wait_for(self, service, daemon, limit=120):
        """Until the service knows the third person of the file."""
        end = time.monotonic() + limit
        while subprocess.run(["getent", "-s", service, "passwd", self.first()], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, check=False).returncode != 0:
            if time.monotonic() > end or daemon.poll() is not None:
                raise RuntimeError(f"{service} does not answer")
            time.sleep(0.2)

    def services(self):
        """All that this machine can have. What fails is left out, and noted."""
        found = [Service("floor", "floor"), Service("rollcall", "rollcall", extra=True)]
        makers = [("libnss-sss", self.sssd), ("libnss-cache", self.libnss_cache), ("libnss-db", self.libnss_db),
                  ("nscd", self.nscd), (None, self.files), ("libnss-ldapd", self.nslcd)]
        makers = [(p, m) for p, m in makers if (not p or p in self.has) and self.is_wanted(m.__name__)]
        if {"libnss-ldapd", "libnss-sss"} & {p for p, _ in makers}:
            try:
                self.slapd()
            except (RuntimeError, OSError) as e:
                self.notes.append(f"slapd, and so sssd and nslcd: {e}")
                makers = [(p, m) for p, m in makers if p not in ("libnss-ldapd", "libnss-sss")]
        for package, make in makers:
            began = time.monotonic()
            try:
                found.append(make())
            except (RuntimeError, OSError) as e:
                self.notes.append(f"{make.__name__}: {e}")
            print(f"  {self.people:,}: {make.__name__} is there after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return found

    def is_wanted(self, maker):
        return not self.wanted or maker.replace("_", "-") in self.wanted

    # ---- the peers ----

    def files(self):
        return Service("files", "files", binds=[(self.passwd, "/etc/passwd"), (self.group, "/etc/group")])

    def libnss_cache(self):
        for kind, columns in (("passwd", {"ixname": 0, "ixuid": 2}), ("group", {"ixname": 0, "ixgid": 2})):
            shutil.copy(f"{self.dir}/{kind}", f"{self.dir}/{kind}.cache")
            for suffix, column in columns.items():
                self.index(kind, suffix, column)
            self.show(f"{kind}.cache", f"/etc/{kind}.cache")
        return Service("libnss-cache", "cache")

    def index(self, kind, suffix, column):
        """As nsscache writes it: key, NUL, offset, NULs to one width, newline; sorted by bytes."""
        offset, rows = 0, []
        with open(f"{self.dir}/{kind}", "rb") as f:
            for line in f:
                rows.append((line.split(b":", 3)[column], b"%d" % offset))
                offset += len(line)
        width = max(len(k) + len(o) for k, o in rows) + 2
        rows.sort()
        name = f"{kind}.cache.{suffix}"
        with open(f"{self.dir}/{name}", "wb") as f:
            for key, at in rows:
                f.write((key + b"\0" + at).ljust(width, b"\0") + b"\n")
        self.show(name, "/etc/" + name)

    def libnss_db(self):
        for kind in ("passwd", "group"):
            with open(f"{self.dir}/{kind}", encoding="ascii") as f, \
                    open(f"{self.dir}/{kind}.in", "w", encoding="ascii") as out:
                for i, line in enumerate(f):
                    name, _, number, _ = line.split(":", 3)
                    out.write(f"0{i} {line}.{name} {line}={number} {line}")
            run("makedb", "--quiet", "-o", f"{self.dir}/{kind}.db", f"{self.dir}/{kind}.in")
            os.unlink(f"{self.dir}/{kind}.in")
            self.show(f"{kind}.db", f"/var/lib/misc/{kind}.db")
        return Service("libnss-db", "db")

    def nscd(self):
        write(STORE + "/nscd.conf", "".join(
            ["threads 4\nmax-threads 8\nparanoia no\n"] +
            [f"enable-cache {s} no\n" for s in ("hosts", "services", "netgroup")] +
            [f"enable-cache {s} yes\npositive-time-to-live {s} 36000\nnegative-time-to-live {s} 36000\n"
             f"suggested-size {s} 10007\ncheck-files {s} no\npersistent {s} no\nshared {s} yes\n"
             f"max-db-size {s} 536870912\nauto-propagate {s} yes\n" for s in ("passwd", "group")]))
        write(STORE + "/files.conf", "passwd: files\ngroup: files\n")
        os.makedirs("/run/nscd", exist_ok=True)
        os.makedirs("/var/cache/nscd", exist_ok=True)
        daemon = self.start("nscd", "unshare", "-m", "sh", "-c",
                            f"mount -t tmpfs tmpfs /run/nscd && mount --bind {self.passwd} /etc/passwd &&"
                            f"mount --bind {self.group} /etc/group &&"
                            f"mount --bind {STORE}/files.conf /etc/nsswitch.conf && exec nscd -F -f {STORE}/nscd.conf")
        enter = ["nsenter", "-m", "-t", str(daemon.pid)]
        end = time.monotonic() + 20
        while subprocess.run(enter + ["test", "-S", "/run/nscd/socket"], check=False).returncode != 0:
            if time.monotonic() > end or daemon.poll() is not None:
                raise RuntimeError("it does not start")
            time.sleep(0.1)
        return Service("nscd", "files", warm=True, only_conf=True, enter=enter)

    def slapd(self):
        write(self.dir + "/slapd.conf", "".join(
            [f"include /etc/ldap/schema/{s}.schema\n" for s in ("core", "cosine", "nis")] +
            ["modulepath /usr/lib/ldap\nmoduleload back_mdb\n", f"pidfile {self.dir}/slapd.pid\n",
             "sizelimit unlimited\naccess to * by * read\ndatabase mdb\n", f"suffix {SUFFIX}\n",
             f"rootdn cn=admin,{SUFFIX}\ndirectory {self.dir}/ldap\nmaxsize 17179869184\ndbnosync\n",
             "index objectClass,uid,uidNumber,gidNumber,cn,memberUid eq\n"]))
        os.makedirs(self.dir + "/ldap")
        self.load()
        self.start("slapd", "slapd", "-d", "0", "-f", self.dir + "/slapd.conf", "-h",
                   f"{self.ldapi()} {LDAP}")
        end = time.monotonic() + 30
        while not os.path.exists(self.dir + "/ldapi"):
            if time.monotonic() > end:
                raise RuntimeError("slapd does not start")
            time.sleep(0.1)

    def load(self):
        """By slapadd, which reads as fast as it writes: what it was given is what it has."""
        began = time.monotonic()
        with subprocess.Popen(["slapadd", "-q", "-f", self.dir + "/slapd.conf"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, text=True) as loader:
            try:
                for n, entry in enumerate(self.ldif()):
                    loader.stdin.write(entry)
                    if n % 1000 == 0 and time.monotonic() - began > self.limit:
                        loader.kill()
                        raise RuntimeError(f"slapadd had {n:,} entries after {self.limit} s")
                loader.stdin.close()
                if loader.wait(self.limit) != 0:
                    raise RuntimeError("slapadd failed")
            except (BrokenPipeError, subprocess.TimeoutExpired) as e:
                loader.kill()
                raise RuntimeError(f"slapadd: {e}") from e
        print(f"  {self.people:,}: slapd is loaded after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    def ldapi(self):
        return "ldapi://" + (self.dir + "/ldapi").replace("/", "%2F")

    def ldif(self):
        """One entry after the other."""
        yield f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
        for unit in ("people", "groups"):
            yield f"dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n\n"
        with open(self.passwd, encoding="ascii") as f:
            for line in f:
                name, _, uid, gid, gecos, home, shell = line.rstrip("\n").split(":")
                yield (f"dn: uid={name},ou=people,{SUFFIX}\nobjectClass: account\nobjectClass: posixAccount\n"
                       f"uid: {name}\ncn: {gecos}\ngecos: {gecos}\nuidNumber: {uid}\ngidNumber: {gid}\n"
                       f"homeDirectory: {home}\nloginShell: {shell}\n\n")
        with open(self.group, encoding="ascii") as f:
            for line in f:
                name, _, gid, members = line.rstrip("\n").split(":")
                yield (f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: {name}\n"
                       f"gidNumber: {gid}\n" + "".join(f"memberUid: {m}\n" for m in members.split(",") if m) + "\n")

    def nslcd(self):
        write("/etc/nslcd.conf", f"uri {self.ldapi()}\nbase {SUFFIX}\nbase passwd ou=people,{SUFFIX}\n"
                                 f"base group ou=groups,{SUFFIX}\n", 0o600)
        os.makedirs("/run/nslcd", exist_ok=True)
        self.wait_for("ldap", self.start("nslcd", "nslcd", "-n"))
        return Service("nslcd", "ldap")

    def sssd(self):
        for folder in ("db", "mc"):
            for path in glob.glob(f"/var/lib/sss/{folder}/*"):
                os.unlink(path)
        # Nothing expires while we measure; the memory cache has its shipped sizes.
        write("/etc/sssd/sssd.conf", f"""[sssd]
services = nss
domains = bench
[nss]
filter_users = root
filter_groups = root
memcache_timeout = 36000
entry_negative_timeout = 36000
enum_cache_timeout = 5
[domain/bench]
id_provider = ldap
auth_provider = none
access_provider = permit
sudo_provider = none
ldap_uri = {LDAP}
ldap_schema = rfc2307
ldap_search_base = {SUFFIX}
ldap_user_search_base = ou=people,{SUFFIX}
ldap_group_search_base = ou=groups,{SUFFIX}
entry_cache_timeout = 360000
ldap_enumeration_refresh_timeout = 360000
ldap_purge_cache_timeout = 0
ldap_search_timeout = 60
ldap_opt_timeout = 60
enumerate = {"true" if self.enumeration else "false"}
""", 0o600)
        self.wait_for("sss", self.start("sssd", "sssd", "-i", "--logger=files"))
        there = self.enumeration and self.wait_for_enumeration()
        if not self.enumeration:
            self.notes.append("sssd: no enumeration: it loads everybody into its own cache first (--enumeration)")
        return Service("sssd", "sss", warm=True, enumerates=there)

    def wait_for_enumeration(self):
        end, most = time.monotonic() + self.limit, 0
        while time.monotonic() < end:
            seen = subprocess.run(["getent", "-s", "sss", "passwd"], stdout=subprocess.PIPE, check=False).stdout
            most = max(most, seen.count(b"\n"))
            if most >= self.people:
                return True
            time.sleep(6)  # sssd keeps the short answer for 5
        self.notes.append(f"sssd: enumeration had {most:,} of {self.people:,} people after {self.limit} s")
        return False
