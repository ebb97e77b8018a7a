# SPDX-License-Identifier: BSD-2-Clause
"""Files of the cache that go bad on a running host: who says so, how often, and that a copy
of the board is never believed. And what surrounds a lookup in other people's programs."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

import daemons
import people
import wait

CACHE = "/var/lib/rollcall/cache"
SOCK = "/run/rollcall/enforcer.sock"


@pytest.fixture(scope="module")
def alice():
    people.write([people.person(1, "alice"), people.person(2, "bob")])
    daemons.synced()
    return people.passwd("alice")


@pytest.fixture
def published(alice):
    """A good cache, before and after."""
    daemons.synced()
    assert may_log_in("alice")
    yield
    daemons.synced()
    assert people.passwd("alice") == alice


def may_log_in(name):
    return subprocess.run(["su", "-", name, "-c", "true"], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60).returncode == 0


def ring():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(SOCK)
        s.sendall(b'{"do": "ring"}\n')
        assert json.loads(s.makefile().readline())["ok"]


def problems():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(SOCK)
        s.sendall(b'{"do": "status"}\n')
        return json.loads(s.makefile().readline())["problems"]


def status():
    return subprocess.run(["rollcall", "status"], capture_output=True, text=True, timeout=60)


# ---- who says what ----

@pytest.mark.parametrize("file, spoil, why", [
    ("accounts", lambda path: os.chmod(path, 0o666), "may be written by others"),
    ("board", lambda path: os.truncate(path, 5000), "bytes and should have"),
    ("private", lambda path: os.truncate(path, 0), "is empty"),
    ("keys", lambda path: (os.unlink(path), os.mkfifo(path)), "is a FIFO"),
])
def test_a_file_that_goes_bad_is_said_once_however_often_it_is_asked(published, enforcer, file, spoil, why):
    path = f"{CACHE}/{file}"
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    log.setblocking(False)
    try:
        spoil(path)
        ring()
        enforcer.logs(f"cache-file-absent file={path} why=")
        for _ in range(20):
            people.passwd("alice")
            people.groups("bob")
            ring()
        wait.until(lambda: any(path in p and why in p for p in problems()), "the enforcer's problems")
        said = [line for line in enforcer.log().splitlines() if "cache-file-absent" in line]
        assert len(said) == 1 and why in said[0], said
        # The programs that asked wrote nothing, anywhere.
        with pytest.raises(BlockingIOError):
            log.recv(4096)
    finally:
        log.close()
        os.unlink("/dev/log")
    got = status()
    assert path in got.stdout + got.stderr and why in got.stdout + got.stderr
    assert got.returncode != 0
    # The engine writes anew what nobody can read.
    daemons.synced()
    ring()
    enforcer.logs(f"cache-file-back file={path}")
    assert problems() == []
    assert enforcer.log().count("cache-file-absent") == 1


@pytest.mark.parametrize("file", ["board", "private"])
def test_whoever_cannot_be_read_about_is_refused_and_local_people_are_not(published, file):
    os.truncate(f"{CACHE}/{file}", 100)
    assert not may_log_in("alice")
    assert may_log_in("larry")
    assert may_log_in("root")


# ---- copies of the board ----

def test_a_board_restored_from_a_backup_is_not_trusted(published):
    subprocess.run(["cp", "-a", f"{CACHE}/board", "/srv/board.backup"], check=True)
    subprocess.run(["cp", "-a", "/srv/board.backup", f"{CACHE}/board.restored"], check=True)
    os.rename(f"{CACHE}/board.restored", f"{CACHE}/board")
    assert people.passwd("alice") is None
    assert not may_log_in("alice")
    assert "is a copy of a board" in status().stderr


def test_a_board_copied_up_by_overlayfs_is_not_trusted(published):
    for name in ("lower", "upper", "work"):
        os.makedirs(f"/srv/layers/{name}", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/srv/layers"], check=True)
    for name in ("lower", "upper", "work"):
        os.mkdir(f"/srv/layers/{name}")
        shutil.chown(f"/srv/layers/{name}", "rollcall", "rollcall")
    subprocess.run(["mount", "--bind", "/srv/layers/lower", CACHE], check=True)
    try:
        daemons.synced()
    finally:
        subprocess.run(["umount", CACHE], check=True)
    subprocess.run(["mount", "-t", "overlay", "-o", "lowerdir=/srv/layers/lower,upperdir=/srv/layers/upper,"
                    "workdir=/srv/layers/work", "overlay", CACHE], check=True)
    try:
        assert people.passwd("alice") is not None  # the file itself, seen through
        before = os.stat(f"{CACHE}/board").st_ino
        with open(f"{CACHE}/board", "r+b"):
            pass
        assert os.path.exists("/srv/layers/upper/board")
        assert os.stat(f"{CACHE}/board").st_ino == before  # the number tells nothing
        assert people.passwd("alice") is None
        assert not may_log_in("alice")
        assert "is a copy of a board" in status().stderr
    finally:
        subprocess.run(["umount", CACHE], check=True)
        subprocess.run(["umount", "/srv/layers"], check=True)


# ---- other people's programs ----

def test_a_setuid_program_in_a_hostile_environment_is_answered_the_same(published, alice):
    shutil.copy("/usr/bin/getent", "/srv/getent")
    os.chmod("/srv/getent", 0o4755)
    os.makedirs("/srv/evil", exist_ok=True)
    with open("/srv/evil/libnss_rollcall.so.2", "wb"):
        pass  # whoever takes it has no module
    evil = {"LD_LIBRARY_PATH": "/srv/evil", "LD_PRELOAD": "/srv/evil/libnss_rollcall.so.2", "LD_AUDIT": "/srv/evil/x.so",
            "ROLLCALL_STATEDIR": "/srv/evil", "ROLLCALL_BOARD": "/srv/evil/board", "NSS_ROLLCALL": "off",
            "TZ": "/srv/evil/tz", "TMPDIR": "/srv/evil", "MALLOC_PERTURB_": "85", "HOME": "/srv/evil", "PATH": "/srv/evil"}
    got = subprocess.run(["/srv/getent", "passwd", "alice"], env=evil, user=12345, group=12345, extra_groups=[],
                         capture_output=True, text=True, timeout=60)
    assert got.stdout.strip().split(":") == alice, got.stderr


def test_a_lookup_opens_the_board_and_the_accounts_and_nothing_else_of_ours(published):
    subprocess.run(["strace", "-f", "-o", "/srv/trace", "-e", "trace=%file,%network,%process", "getent", "passwd", "alice"],
                   env={"PATH": "/usr/bin", "ROLLCALL_STATEDIR": "/srv/evil"}, check=True, capture_output=True,
                   timeout=60)
    with open("/srv/trace", encoding="utf-8") as f:
        trace = f.read()
    opened = re.findall(r'openat\(AT_FDCWD, "([^"]*rollcall[^"]*)"', trace)
    assert [p for p in opened if ".so" not in p] == [f"{CACHE}/board", f"{CACHE}/accounts"], trace
    assert "/srv/evil" not in trace.split("\n", 1)[1], trace
    assert "AF_UNIX" not in trace or "rollcall" not in "".join(re.findall(r"AF_UNIX.*", trace)), trace
    assert not re.search(r"\b(fork|vfork|clone3?)\(", trace), trace


def test_an_absent_cache_costs_one_look_at_the_disk_a_second(published):
    os.rename(f"{CACHE}/board", f"{CACHE}/board.away")
    script = ("import pwd, time\nseconds = set()\n"
              "for i in range(2000):\n"
              "    seconds.add(int(time.time()))\n"
              "    try: pwd.getpwnam('nobody-here')\n"
              "    except KeyError: pass\n"
              "seconds.add(int(time.time()))\n"
              "print(len(seconds))\n")
    got = subprocess.run(["strace", "-f", "-o", "/srv/trace", "-e", "trace=openat", sys.executable, "-c", script],
                         check=True, capture_output=True, text=True, timeout=120)
    with open("/srv/trace", encoding="utf-8") as f:
        looks = f.read().count(f'"{CACHE}/board"')
    os.rename(f"{CACHE}/board.away", f"{CACHE}/board")
    assert 1 <= looks <= int(got.stdout) + 1
