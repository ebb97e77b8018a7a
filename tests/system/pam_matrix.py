# SPDX-License-Identifier: BSD-2-Clause
"""Every return value of pam_rollcall.so: phase, kind of name, daemons, cache, service. The
real module in an application of our own, over the real cache, with the real verifier or
what stands in its place. Run by itself it prints docs/pam-matrix.md:

    sudo tests/sandbox/run /usr/bin/python3 tests/system/pam_matrix.py >docs/pam-matrix.md
"""
import collections
import glob
import os
import random
import shutil
import socket
import subprocess
import time

import daemons
import pamapp
import people
import totp
import wait

FOLDER = "/tmp/pam.d"
CACHE = "/var/lib/rollcall/cache"
CREDENTIALS = "/var/lib/rollcall/credentials"
VERIFIER = "/usr/libexec/rollcall/rollcall-verifier"
SOCKETS = {"/run/rollcall/verifier.sock": 0o600, "/run/rollcall/verifier-self.sock": 0o666}

LOCKER = "swaylock"  # runs as the person
SERVICES = ["sshd", "login", "sudo", "su", "cron", "systemd-user", LOCKER]
NO_FACTOR = {"su", "cron", "systemd-user"}  # su here is called by root

# kind, names. Nobody has the last ones.
MALFORMED = [b"", b"root:x", b"-amy", b"amy\n", b"AMY", b"../amy", b"amy@example.com", b"\xff\xfe", b"%s%n", b"a" * 300]
KINDS = {"root": [b"root"], "local": [b"larry"], "another NSS service's": [b"oliver"],
         "active": [b"amy"], "not enrolled": [b"uma"], "locked": [b"leo"], "first day to come": [b"pia"],
         "terminated": [b"tim"], "not allowed here": [b"nora"], "former name": [b"amyold"], "unknown": [b"nobody-here"],
         "malformed": MALFORMED}
NOT_OURS = {"root", "local", "another NSS service's"}
ENROLLED = ["amy", "leo", "tim", "pia", "nora"]

PHASES = ["auth, wrong code", "auth, right code", "account after a right code", "account", "setcred", "open session",
          "close session", "password, first pass", "password, second pass"]
CREDS = [pamapp.ESTABLISH, pamapp.REINITIALIZE, pamapp.REFRESH, pamapp.DELETE]

DAEMONS = ["all up", "all dead", "no verifier", "hanging verifier"]
CACHES = ["good", "absent", "corrupt"]


# ---- the company ----

def hire():
    """Who the names are. Returns the apps of those who have one."""
    staff = ["amyold", "uma", "leo", "pia", "tim", "nora"]
    rows = {name: people.person(i, name) for i, name in enumerate(staff, 1)}
    rows["nora"]["groups"] = "payroll"
    rows["pia"]["startDate"] = "2099-01-01"
    publish(rows)
    rows["amyold"]["userName"] = "amy"
    publish(rows)
    apps = {name: totp.enroll(name) for name in ENROLLED}
    rows["tim"]["status"] = "terminated"
    publish(rows)
    subprocess.run(["rollcall", "lock", "leo", "--reason", "matrix"], check=True, capture_output=True, timeout=60)
    module = glob.glob(os.environ.get("BUILD", "build") + "/tests/system/libnss_other.so.2")[0]
    shutil.copy(module, os.path.dirname(os.path.dirname(pamapp.MODULE)))
    subprocess.run(["sed", "-i", "-E", "s/^passwd:.*/& other/", "/etc/nsswitch.conf"], check=True)
    for service in SERVICES:
        pamapp.write_bare_service(FOLDER, service)
    shutil.copytree(CREDENTIALS, "/tmp/credentials")
    return apps


def publish(rows):
    people.write(rows.values())
    daemons.synced()


def fresh_credentials():
    """No failure charged, no code burnt: each cell stands for itself."""
    for path in glob.glob(CREDENTIALS + "/*"):
        if not os.path.exists("/tmp/credentials/" + os.path.basename(path)):
            os.unlink(path)
    for path in glob.glob("/tmp/credentials/*"):
        with open(path, "rb") as f, open(f"{CREDENTIALS}/{os.path.basename(path)}", "r+b") as out:
            out.write(f.read())


# ---- what may be wrong with the machine ----

class Daemons:
    def __init__(self, how):
        self.how, self.running, self.listeners = how, [], []

    def __enter__(self):
        if self.how == "all up":
            self.running = [daemons.Enforcer().start(), daemons.Syncd().start()]
            for path, mode in SOCKETS.items():
                self.listeners.append(subprocess.Popen(
                    ["systemd-socket-activate", "--accept", "--inetd", "--seqpacket", "--listen=" + path, VERIFIER],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                wait.until(lambda p=path: os.path.exists(p), path)
                os.chmod(path, mode)
        if self.how in ("no verifier", "hanging verifier"):
            os.rename(VERIFIER, VERIFIER + ".away")
        if self.how == "hanging verifier":
            with open(VERIFIER, "w", encoding="ascii") as f:
                f.write("#!/bin/sh\nexec sleep 600\n")
            os.chmod(VERIFIER, 0o755)
            path = "/run/rollcall/verifier-self.sock"
            self.listeners.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            self.listeners[0].bind(path)
            self.listeners[0].listen(200)
            os.chmod(path, 0o666)
        return self

    def __exit__(self, *_):
        for listener in self.listeners:
            if isinstance(listener, socket.socket):
                listener.close()
            else:
                listener.terminate()
                listener.wait()
        for path in SOCKETS:
            if os.path.exists(path):
                os.unlink(path)
        if os.path.exists(VERIFIER + ".away"):
            os.rename(VERIFIER + ".away", VERIFIER)
        for daemon in reversed(self.running):
            daemon.stop()


class Cache:
    """good, absent, or corrupt: a folder mounted over it, so that whoever has it open keeps
    what it has. Corrupt is each of three: all files rubbish, or the one of two that say no."""

    def __init__(self, how):
        self.how = how

    def __enter__(self):
        if self.how == "good":
            return
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "cache", CACHE + "-other"], check=True)
        if self.how != "absent":
            noise = random.Random(4)
            for name in os.listdir(CACHE):
                path = f"{CACHE}-other/{name}"
                shutil.copy2(f"{CACHE}/{name}", path)
                st = os.stat(f"{CACHE}/{name}")
                os.chown(path, st.st_uid, st.st_gid)
                if self.how in ("corrupt", "corrupt " + name):
                    with open(path, "r+b") as f:
                        f.write(noise.randbytes(st.st_size))
        subprocess.run(["mount", "--move", CACHE + "-other", CACHE], check=True)

    def __exit__(self, *_):
        if self.how != "good":
            subprocess.run(["umount", "-l", CACHE], check=True)


VARIANTS = {"good": ["good"], "absent": ["absent"], "corrupt": ["corrupt", "corrupt board", "corrupt private"]}


# ---- a cell ----

UIDS = {}

def right(app):
    return lambda style, text: app.at(int(time.time()) // totp.STEP) if totp.PROMPT in text else ""


def wrong(style, text):
    return "000000"


def account_phases(service, name):
    """All but auth: no prompt, no verifier but for a ticket."""
    out = {}
    with pamapp.Application(service, name, folder=FOLDER) as app:
        out["account"] = [app.account(pamapp.SILENT)]
    with pamapp.Application(service, name, folder=FOLDER) as app:
        out["setcred"] = [app.setcred(flag) for flag in CREDS]
    with pamapp.Application(service, name, folder=FOLDER) as app:
        out["open session"] = [app.open_session()]
    with pamapp.Application(service, name, folder=FOLDER) as app:
        out["close session"] = [app.close_session()]
        out["password, first pass"] = [app.change(pamapp.PRELIM_CHECK)]
        out["password, second pass"] = [app.change(pamapp.UPDATE_AUTHTOK)]
    return out


def wrong_code(service, name):
    with pamapp.Application(service, name, wrong, folder=FOLDER) as app:
        return {"auth, wrong code": [app.authenticate()]}


def right_code(service, name, apps):
    with pamapp.Application(service, name, right(apps[name.decode()]), folder=FOLDER) as app:
        return {"auth, right code": [app.authenticate()], "account after a right code": [app.account(pamapp.SILENT)]}


def uid_of(kind, name, service):
    """A locker runs as its person; where the person is nobody, a local one runs it."""
    if service != LOCKER or kind == "root":
        return 0
    if kind not in UIDS:
        entry = people.passwd(name.decode()) if kind not in ("malformed", "unknown", "former name") else None
        UIDS[kind] = int((entry or people.passwd("larry"))[2])
    return UIDS[kind]


def cells_of(how, seen, apps):
    """Every cell of one state of the daemons: (phase, kind, cache, service) -> codes."""
    for cache in CACHES:
        for variant in VARIANTS[cache]:
            # Nine seconds for each state of the cache: a good one and the worst.
            if how == "hanging verifier" and variant not in ("good", "corrupt"):
                continue
            with Cache(variant):
                cells = [(kind, service, uid_of(kind, name, service), works_of(service, name, apps))
                         for kind, names in KINDS.items() for name in names for service in SERVICES]
                run = all_at_once if how == "hanging verifier" else one_after_the_other
                for kind, service, got in run(cells):
                    for phase, codes in got.items():
                        seen[phase, kind, how, cache, service].update(codes)


def works_of(service, name, apps):
    works = [lambda: wrong_code(service, name), lambda: account_phases(service, name)]
    if name.decode(errors="replace") in apps:
        works.append(lambda: right_code(service, name, apps))
    return works


def fresh(work):
    fresh_credentials()
    return work()


def one_after_the_other(cells):
    """root's callers in one process, a locker in one of its own."""
    roots = [c for c in cells if c[2] == 0]
    yield from [(kind, service, got) for (kind, service, _, _), got in
                zip(roots, pamapp.run_as(0, lambda: [merged(fresh(w) for w in works) for _, _, _, works in roots]))]
    for kind, service, uid, works in cells:
        for work in works if uid else []:
            fresh_credentials()
            yield kind, service, pamapp.run_as(uid, work)


def all_at_once(cells):
    """Where each waits for eight seconds. What all malformed names share is tried with one of them."""
    waiting = [(kind, service, pamapp.Child(lambda w=works: merged(f() for f in w), uid))
               for kind, service, uid, works in cells[:-len(SERVICES) * (len(MALFORMED) - 2)]]
    for kind, service, child in waiting:
        yield kind, service, child.result()


def merged(several):
    out = {}
    for one in several:
        out.update(one)
    return out


def collect(states=DAEMONS):
    apps = hire()
    os.makedirs(CACHE + "-other", exist_ok=True)
    seen = collections.defaultdict(set)
    for how in states:
        with Daemons(how):
            cells_of(how, seen, apps)
    return seen


# ---- what may stand in a cell: not what the module does, but what it must ----

REFUSALS = {"AUTH_ERR", "PERM_DENIED", "AUTHINFO_UNAVAIL", "SESSION_ERR", "AUTHTOK_ERR"}


def allowed(phase, kind, how, cache, service):
    if kind in NOT_OURS:
        return {"IGNORE"}
    if phase in ("setcred", "close session"):
        return {"SUCCESS"}
    employed = kind in ("active", "not enrolled") and cache == "good"
    # A locker runs as its person and starts no verifier; only root may read the dates.
    reachable = how == "all up" or (how == "all dead" and service != LOCKER)
    yes = {"auth, wrong code": False,
          "auth, right code": kind == "active" and employed and reachable,
          "account after a right code": employed and (service in NO_FACTOR or (kind == "active" and reachable)),
          "account": employed and service in NO_FACTOR,
          "open session": employed and service != LOCKER}.get(phase, False)
    return {"SUCCESS"} if yes else REFUSALS


def faults(seen):
    return [f"{cell}: {sorted(codes)}, may be {sorted(allowed(*cell))}" for cell, codes in seen.items()
            if not codes <= allowed(*cell)]


# ---- the page ----

HEAD = """# What pam_rollcall.so returns

Made by `tests/system/pam_matrix.py`, which drives the real module through every cell in the sandbox; `tests/system/test_pam_matrix.py` fails when
a cell is not what it must be, and when this page is not what was seen. PAM's names without their `PAM_`.

- **Services**: a name stands for a way of calling. `su` is called by root; `{locker}` is any screen locker, which runs as its person.
- **Daemons**: *all up*: syncd, enforcer, and systemd's sockets for the verifier; *all dead*: none of these, so root's callers start a verifier
  themselves and a locker cannot; *no verifier*: its program is missing; *hanging verifier*: it starts and says nothing (with a good cache, and one
  that is rubbish whole).
- **Cache**: *absent*; *corrupt*: rubbish in all of its files, in the board alone, in the private part alone.
- **Malformed**: {malformed}.
- `IGNORE` leaves the name to the rest of the stack: local people and other services' alone. `setcred` and `close session` succeed for everybody of
  ours, by every flag: there is nothing to establish, and a session that ends is never held up.

{cells} cells. Rows that are alike are one row.
"""


def join(values, everything):
    return "any" if list(values) == list(everything) else ", ".join(values)


def rows_of(seen, phase):
    """{(kinds, daemons, caches): codes of each service}, alike rows as one."""
    by_kind = {}
    for kind in KINDS:
        where = {}  # codes -> {daemons: caches}
        for how in DAEMONS:
            tried = [c for c in CACHES if (phase, kind, how, c, SERVICES[0]) in seen]
            for cache in tried:
                codes = tuple(", ".join(sorted(seen[phase, kind, how, cache, s])) for s in SERVICES)
                where.setdefault(codes, {}).setdefault(how, []).append(cache)
            for states in where.values():
                if states.get(how) == tried:
                    states[how] = CACHES
        lines = []
        for codes, states in where.items():
            alike = {}
            for how, caches in states.items():
                alike.setdefault(tuple(caches), []).append(how)
            lines += [(tuple(hows), caches, codes) for caches, hows in alike.items()]
        if lines:
            by_kind.setdefault(tuple(lines), []).append(kind)
    return [(kinds, *line) for lines, kinds in by_kind.items() for line in lines]


def page(seen):
    shown = [name.decode(errors="backslashreplace").replace("\n", "\\n") if len(name) < 99 else f"{len(name)} letters"
             for name in MALFORMED]
    out = [HEAD.format(locker=LOCKER, cells=len(seen), malformed=", ".join(f"`{s}`" if s else "the empty name" for s in shown))]
    for phase in PHASES:
        out.append(f"\n## {phase[0].upper()}{phase[1:]}\n")
        out.append("| name | daemons | cache | " + " | ".join(SERVICES) + " |")
        out.append("|---" * (3 + len(SERVICES)) + "|")
        for kinds, hows, caches, codes in rows_of(seen, phase):
            out.append(f"| {join(kinds, KINDS)} | {join(hows, DAEMONS)} | {join(caches, CACHES)} | " + " | ".join(codes) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    SEEN = collect()
    print(page(SEEN), end="")
    assert not faults(SEEN), "\n".join(faults(SEEN))
