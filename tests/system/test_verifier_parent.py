# SPDX-License-Identifier: BSD-2-Clause
"""The verifier's parent, which systemd's socket starts (here the test does): docs/doors/verifier.md."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

import console
import daemons
import door
import pamapp
import people
import totp
import wait

CONF = "/etc/rollcall/conf.d/70-parent.conf"


@pytest.fixture(scope="module")
def staff():
    people.write([people.person(1, "alice")])
    daemons.synced()


@pytest.fixture
def alice(staff):
    """With an app whose codes nobody has used."""
    return totp.Authenticator(door.ask(door.ENROL, user="alice", replace=1)["text"])


@pytest.fixture
def parent(alice):
    p = door.Resident()
    yield p
    p.stop()


def child_of(parent):
    pid, = parent.children()
    return pid


def status(pid, *names):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        lines = {name: value.strip() for name, _, value in (line.partition(":") for line in f)}
    return [lines[n] for n in names]


def maps(pid):
    """Where the program itself stands; a sanitizer's memory comes before it, always at one place.
    In the middle of an exec it stands nowhere."""
    def look():
        with open(f"/proc/{pid}/maps", encoding="ascii") as f:
            return [line.split("-")[0] for line in f if line.rstrip().endswith("rollcall-verifier")]
    return wait.until(look, "the program to be in memory")[0]


def gone(parent):
    wait.until(lambda: not parent.children(), "the children to be gone")


def test_each_login_has_a_process_of_its_own_that_is_nobody_and_holds_nothing_of_the_parents(alice, parent):
    first, second = parent.connect().hello(), parent.connect().hello()
    mine = subprocess.run(["id", "-u", "rollcall-verifier"], capture_output=True, text=True, check=True).stdout.strip()
    assert status(parent.process.pid, "Uid")[0].split() == ["0"] * 4
    pids = parent.children()
    assert len(pids) == 2
    for pid in pids:
        assert status(pid, "Uid")[0].split() == [mine] * 4
        assert status(pid, "Groups", "CapEff", "NoNewPrivs") == ["", "0000000000000000", "1"]
        # The connection, two folders; no listener, so no other login's connection can be had.
        open_files = {os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
        assert len([f for f in open_files if f.startswith("socket:")]) == 1
        assert os.readlink(f"/proc/{parent.process.pid}/fd/0") not in open_files
        assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
    for v in (first, second):
        v.login("alice")
        v.socket.close()
    gone(parent)


def memory(pid):
    """All that it may write to."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps_, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps_:
            where, mode = line.split()[:2]
            if mode.startswith("rw"):
                start, end = (int(n, 16) for n in where.split("-"))
                mem.seek(start)
                yield mem.read(end - start)


@pytest.mark.skipif("sanitize" in os.environ.get("BUILD", "build"), reason="the sanitizer keeps what was freed")
def test_who_holds_the_way_to_a_directory_is_somebody_else_and_has_no_host_key_in_memory(alice, parent):
    with open("/etc/rollcall/secrets/host-key", "rb") as f:
        key = f.read()
    try:
        with open(CONF, "w", encoding="ascii") as f:
            f.write("[source ldap]\ntype = ldap\nrole = directory\nuri = ldaps://ldap.example\nbase = dc=example\nbind = none\n"
                    "[mfa]\nfirst = ldap-password\n")
        v = parent.connect().hello()
        child = child_of(parent)
        holder, = daemons.children_of(child)
        his = subprocess.run(["id", "-u", "rollcall-password"], capture_output=True, text=True, check=True).stdout.strip()
        wait.until(lambda: status(holder, "Uid")[0].split() == [his] * 4, "it to be somebody else")
        # As it stands, as the rounds of the cipher begin, and as the first block of an HMAC.
        forms = [key, key[:16], bytes(b ^ 0x36 for b in key[:16]), bytes(b ^ 0x5c for b in key[:16])]
        assert any(key in part for part in memory(child)), "it can be found"
        for part in memory(holder):
            assert not any(form in part for form in forms)
        v.socket.close()
    finally:
        os.unlink(CONF)
    parent.connect().hello().socket.close()
    gone(parent)


def test_a_code_counts_once_among_children_and_one_that_the_module_starts(alice, parent):
    code = alice.code()
    through = parent.connect().hello()
    assert through.log_in("alice", code)[1] == door.YES
    assert door.attempt("alice", code) is None
    again = parent.connect().hello()
    assert again.login("alice")[0] == door.PROMPT and again.answer(code)[0] == door.PROMPT
    again.socket.close()


def test_the_module_asks_the_parent_where_there_is_one(alice, parent):
    session = console.connect("alice")
    session.answer(totp.PROMPT, alice.code())
    session.shell()
    session.close()
    # What its children took of the processor is the parent's to see once they are reaped.
    assert parent.stop() > 0
    parent.__init__()


def test_what_was_changed_counts_from_the_next_login_on_and_who_is_typing_is_not_cut_off(alice, parent):
    typing = parent.connect().hello()
    assert typing.login("alice")[0] == door.PROMPT
    before, pid = maps(parent.process.pid), parent.process.pid
    try:
        with open(CONF, "w", encoding="ascii") as f:
            f.write("[rollcall]\ncontact = the people of room 42\n")
        v = parent.connect().hello()
        v.login("alice")
        assert "room 42" in v.answer("help")[1]["text"]
        v.socket.close()
        # In place, a byte for a byte, as fast as can be.
        with open(CONF, "r+b") as f:
            f.seek(-3, os.SEEK_END)
            f.write(b"43")
        v = parent.connect().hello()
        v.login("alice")
        assert "room 43" in v.answer("help")[1]["text"]
        v.socket.close()
    finally:
        os.unlink(CONF)
    v = parent.connect().hello()
    v.login("alice")
    assert "room 4" not in v.answer("help")[1]["text"]
    v.socket.close()
    assert parent.process.pid == pid and parent.process.poll() is None and maps(pid) != before
    assert typing.answer(alice.code())[1]["code"] == door.YES
    gone(parent)


def test_a_configuration_that_cannot_be_read_changes_nothing_until_it_is_mended(alice, parent):
    def login(text):
        with open(CONF, "w", encoding="ascii") as f:
            f.write(text)
        v = parent.connect().hello()
        v.login("alice")
        said = v.answer(alice.code())[1]
        v.socket.close()
        return said

    try:
        # Nothing but a code is shown; so what is asked for shows in the answer.
        assert "asks for more than you showed" in login("[service login]\nrequire = multi\n")["text"]
        before = maps(parent.process.pid)
        assert "asks for more than you showed" in login("[service login]\nrequire = multi\n[mfa]\nfactrs = totp\n")["text"]
        assert maps(parent.process.pid) == before
        assert login("[service login]\nrequire = single\n")["code"] == door.YES
    finally:
        os.unlink(CONF)


def test_another_host_key_is_used_from_the_next_login_on(alice, parent):
    with open("/etc/rollcall/secrets/host-key", "rb") as f:
        right = f.read()
    code = alice.code()
    for key, welcome in ((os.urandom(32), False), (right, True)):
        with open("/etc/rollcall/secrets/host-key.new", "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(key)
        os.rename("/etc/rollcall/secrets/host-key.new", "/etc/rollcall/secrets/host-key")
        v = parent.connect().hello()
        v.login("alice")
        assert (v.answer(code)[0] == door.RESULT) == welcome
        v.socket.close()


# The sanitizer takes most of these signals for itself, and exits.
CRASHES = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL]
if "sanitize" in os.environ.get("BUILD", "build"):
    CRASHES = [signal.SIGABRT, signal.SIGILL]


@pytest.mark.parametrize("number", CRASHES)
def test_a_child_that_crashes_ends_one_login_and_the_next_finds_other_addresses(alice, parent, number):
    typing = parent.connect().hello()
    first = child_of(parent)
    before = maps(parent.process.pid)
    crashing = parent.connect().hello()
    os.kill(next(pid for pid in parent.children() if pid != first), number)
    with pytest.raises(door.Gone):
        crashing.receive()
    wait.until(lambda: maps(parent.process.pid) != before, "the parent to have become another")
    after = parent.connect().hello()
    assert parent.process.poll() is None
    assert after.log_in("alice", alice.code())[1] == door.YES
    assert typing.login("alice")[0] == door.PROMPT
    typing.socket.close()
    gone(parent)


def test_a_child_that_is_killed_is_no_crash(alice, parent):
    v = parent.connect().hello()
    before = maps(parent.process.pid)
    os.kill(child_of(parent), signal.SIGKILL)
    with pytest.raises(door.Gone):
        v.receive()
    parent.connect().hello().socket.close()
    assert maps(parent.process.pid) == before


def test_a_reload_makes_it_anew_and_loses_nobody(alice, parent):
    typing = parent.connect().hello()
    before = maps(parent.process.pid)
    parent.process.send_signal(signal.SIGHUP)
    wait.until(lambda: maps(parent.process.pid) != before, "the parent to have become another")
    assert child_of(parent)
    assert typing.log_in("alice", alice.code())[1] == door.YES
    gone(parent)


def test_beyond_its_bound_it_closes_without_a_hello_and_the_module_starts_a_verifier_itself(alice, parent):
    parent.stop()
    parent.__init__(at_most=2)
    held = [parent.connect().hello() for _ in range(2)]
    with pytest.raises(door.Gone):
        parent.connect().receive()
    # The bound counts children that were there before it was made anew.
    before = maps(parent.process.pid)
    parent.process.send_signal(signal.SIGHUP)
    wait.until(lambda: maps(parent.process.pid) != before, "the parent to have become another")
    with pytest.raises(door.Gone):
        parent.connect().receive()
    session = console.connect("alice")
    session.answer(totp.PROMPT, alice.code())
    session.shell()
    session.close()
    held.pop().socket.close()
    wait.until(lambda: len(parent.children()) == 1, "one to be gone")
    parent.connect().hello().socket.close()
    held.pop().socket.close()


def test_without_it_the_module_starts_a_verifier_itself(alice, parent):
    os.kill(parent.process.pid, signal.SIGKILL)
    parent.process.wait()
    # systemd holds the socket and starts another; who finds neither gets in all the same.
    parent.socket.close()
    session = console.connect("alice")
    session.answer(totp.PROMPT, alice.code())
    session.shell()
    session.close()
    os.unlink(parent.path)
    parent.__init__()


def test_one_that_cannot_go_on_closes_what_waits_so_that_nobody_waits_in_vain(alice, parent):
    key = "/etc/rollcall/secrets/host-key"
    parent.connect().hello().socket.close()  # it has read the key
    os.rename(key, key + ".away")
    try:
        with open(key, "wb") as f:
            f.write(b"no key")
        v = parent.connect()
        assert v.socket.recv(1) == b""
        v.socket.close()
        assert parent.process.wait(60) == 1
    finally:
        os.rename(key + ".away", key)


@pytest.fixture
def syslog():
    """What programs said to it since."""
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    log.setblocking(False)

    def said():
        lines = []
        with contextlib.suppress(BlockingIOError):
            while True:
                lines.append(log.recv(4096).decode())
        return "\n".join(lines)
    yield said
    log.close()
    os.unlink("/dev/log")


def test_what_keeps_a_verifier_from_starting_is_named_with_its_file(alice, syslog):
    def ends():
        v = door.Verifier()
        with pytest.raises(door.Gone):
            v.receive()
        v.close()
        return syslog()

    key, folder = "/etc/rollcall/secrets/host-key", "/var/lib/rollcall/credentials"
    os.rename(key, key + ".away")
    try:
        with open(key, "wb") as f:
            f.write(b"cut")
        assert f"{key} is no host key: it has 3 bytes and not 32" in ends()
    finally:
        os.rename(key + ".away", key)
    owner = os.stat(folder)
    os.chown(folder, 0, 0)
    try:
        assert f"chown -R rollcall-verifier: {folder}" in ends()
    finally:
        os.chown(folder, owner.st_uid, owner.st_gid)


def test_a_program_that_was_replaced_is_the_next_logins(alice, parent):
    parent.connect().hello().socket.close()
    before = os.readlink(f"/proc/{parent.process.pid}/exe")
    subprocess.run(["cp", door.VERIFIER, door.VERIFIER + ".new"], check=True)
    os.rename(door.VERIFIER + ".new", door.VERIFIER)
    assert os.readlink(f"/proc/{parent.process.pid}/exe") == before + " (deleted)"
    parent.connect().hello().socket.close()
    assert os.readlink(f"/proc/{parent.process.pid}/exe") == before


# A program of its own: in a child of this one a page that is only looked at is copied. It has
# looked its user up and opened a session by another module, as login programs have. What is
# counted are pages that it wrote: of those that it reads, who else has them mapped decides.
APPLICATION = """
import json, pwd, re, sys
sys.path.insert(0, "tests/system")
import pamapp

def private():
    with open("/proc/self/smaps_rollup", encoding="ascii") as f:
        return sum(int(n) for n in re.findall(r"^Private_(?:Dirty|Hugetlb): +(\\d+)", f.read(), re.M))

def log_in(service):
    before = private()
    with pamapp.Application(service, "alice", lambda style, text: sys.argv[1], folder="/tmp/pam.d") as app:
        got = [app.authenticate(), app.account()]
        return got, private() - before

pwd.getpwnam("alice")
log_in("empty")
print(json.dumps(log_in("roomy")))
"""


@pytest.mark.parametrize("through", ["the parent", "a verifier of its own"])
def test_a_login_takes_less_than_a_mebibyte_of_the_applications_own_memory(alice, parent, through):
    pamapp.write_service("/tmp/pam.d", "empty", "auth required pam_permit.so", "account required pam_permit.so")
    pamapp.write_bare_service("/tmp/pam.d", "roomy")
    if through == "a verifier of its own":
        os.rename(parent.path, parent.path + ".away")
    ran = subprocess.run([sys.executable, "-c", APPLICATION, alice.code()], capture_output=True, text=True, timeout=60)
    if through == "a verifier of its own":
        os.rename(parent.path + ".away", parent.path)
    assert ran.returncode == 0, ran.stderr
    got, taken = json.loads(ran.stdout)
    assert got == ["SUCCESS", "SUCCESS"]
    print(f"{taken} KiB")
    assert 0 < taken < 1024
