# SPDX-License-Identifier: BSD-2-Clause
"""rollcall-password-ldap and its door: a real slapd with a password policy, and what is none."""
import os
import pwd
import socket
import struct
import subprocess
import threading
import time

import pytest

import ppolicy

PROGRAM = "/usr/libexec/rollcall/rollcall-password-ldap"
CHECK, CHANGE, ANSWER = 80, 81, 82
FAILED, TAKEN, WRONG, MUST_CHANGE, EXPIRED, BLOCKED, DISABLED, NOT_HERE, UNREACHABLE, REJECTED, NO_CHANGE = range(11)
TAGS = {"uris": 128, "ca": 129, "dn": 130, "secret": 131, "new": 132, "active_directory": 133, "seconds": 16}


def packet(kind, fields):
    out = b"RCV1" + bytes([kind, 0, 0, 0])
    for name, value in fields.items():
        data = struct.pack("=q", value) if isinstance(value, int) else value.encode()
        out += struct.pack("=BBH", TAGS[name], 0, len(data)) + data
    return out


def start(*files):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    user = pwd.getpwnam("rollcall-password")
    process = subprocess.Popen([PROGRAM, *files], stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"LDAPNOINIT": "1"},
                               user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    theirs.close()
    ours.settimeout(30)
    return process, ours


def ask(kind, **fields):
    """(status, seconds until it expires, grace logins), or None where it said nothing."""
    process, ours = start(*[fields["ca"]] if "ca" in fields else [])
    with ours:
        ours.send(packet(kind, {"seconds": 5, **fields}))
        data = ours.recv(4096)
    assert process.wait(30) in (0, 1)
    if not data:
        return None
    assert data[4] == ANSWER
    got, at = {}, 8
    while at < len(data):
        tag, _, length = struct.unpack_from("=BBH", data, at)
        got[tag] = struct.unpack_from("=q", data, at + 4)[0]
        at += 4 + length
    return got[84], got[16], got[85]


@pytest.fixture(scope="module")
def slapd():
    directory = ppolicy.Directory()
    for name in ("alice", "bob", "carol", "dora", "erik"):
        directory.add(name, name + "-password")
    yield directory
    directory.remove()


def check(slapd, name, password, uris=None, **fields):
    return ask(CHECK, **{"uris": uris or slapd.uri, "ca": slapd.ca, "dn": ppolicy.person(name), "secret": password, **fields})


def change(slapd, name, password, new):
    return ask(CHANGE, uris=slapd.uri, ca=slapd.ca, dn=ppolicy.person(name), secret=password, new=new, active_directory=0)


def test_the_right_password_is_taken_and_a_wrong_one_and_a_name_of_nobody_are_the_same(slapd):
    assert check(slapd, "alice", "alice-password") == (TAKEN, -1, -1)
    assert check(slapd, "alice", "alice-password", uris=slapd.starttls) == (TAKEN, -1, -1)
    assert check(slapd, "alice", "another") == (WRONG, -1, -1)
    assert check(slapd, "nobody-here", "another") == (WRONG, -1, -1)


def test_an_empty_password_never_reaches_the_directory(slapd):
    before = slapd.binds()
    assert check(slapd, "alice", "") is None
    assert slapd.binds() == before


def test_the_next_server_is_asked_where_one_does_not_answer_and_none_after_a_no(slapd):
    dead = f"ldaps://127.0.0.1:{ppolicy.free_port()}"
    assert check(slapd, "alice", "alice-password", uris=f"{dead} {slapd.uri}")[0] == TAKEN
    before = slapd.binds(ppolicy.person("alice"))
    assert check(slapd, "alice", "wrong", uris=f"{slapd.uri} {slapd.starttls}")[0] == WRONG
    assert slapd.binds(ppolicy.person("alice")) == before + 1
    assert check(slapd, "alice", "alice-password", uris=dead)[0] == UNREACHABLE


def test_without_tls_or_with_a_certificate_of_another_nothing_is_said(slapd):
    before = slapd.binds()
    assert check(slapd, "alice", "alice-password", ca="/etc/ssl/certs/ca-certificates.crt")[0] in (FAILED, UNREACHABLE)
    assert slapd.binds() == before


def test_a_server_that_says_nothing_is_given_up_in_time():
    """It takes the connection, and that is all."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        where = f"ldaps://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        assert ask(CHECK, uris=f"{where} {where} {where} {where}", dn="uid=a,dc=b", secret="x")[0] == UNREACHABLE
        assert time.monotonic() - begun < 12  # its alarm


def test_a_lock_by_wrong_passwords_is_blocked_and_not_told_from_wrong_by_the_result_alone(slapd):
    for _ in range(ppolicy.LOCK_AT):
        assert check(slapd, "bob", "wrong")[0] == WRONG
    assert check(slapd, "bob", "wrong")[0] == BLOCKED
    assert check(slapd, "bob", "bob-password")[0] == BLOCKED


def test_a_password_that_was_reset_must_be_changed_and_can_be(slapd):
    slapd.set(ppolicy.person("carol"), "userPassword", "from-the-desk")
    slapd.set(ppolicy.person("carol"), "pwdReset", "TRUE")
    assert check(slapd, "carol", "from-the-desk")[0] == MUST_CHANGE
    assert change(slapd, "carol", "wrong", "carols-own")[0] == WRONG
    assert change(slapd, "carol", "from-the-desk", "carols-own")[0] == TAKEN
    assert check(slapd, "carol", "carols-own")[0] == TAKEN
    assert change(slapd, "carol", "carols-own", "from-the-desk")[0] == REJECTED  # used before


def test_expiry_grace_logins_and_its_end_are_said(slapd):
    slapd.policy("pwdMaxAge", "1000000")
    slapd.policy("pwdExpireWarning", "999000")
    slapd.set(ppolicy.person("dora"), "pwdChangedTime", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)))
    status, seconds, _ = check(slapd, "dora", "dora-password")
    assert status == TAKEN and 0 < seconds < 1000000 - 3000
    slapd.policy("pwdGraceAuthnLimit", "2")
    slapd.policy("pwdExpireWarning")
    slapd.set(ppolicy.person("dora"), "pwdChangedTime", "20200101000000Z")
    assert [check(slapd, "dora", "dora-password")[0::2] for _ in range(3)] == [(TAKEN, 1), (TAKEN, 0), (EXPIRED, -1)]
    assert check(slapd, "dora", "wrong")[0] == WRONG
    slapd.policy("pwdMaxAge")
    slapd.policy("pwdGraceAuthnLimit")


def test_who_may_not_change_is_told_so(slapd):
    slapd.policy("pwdAllowUserChange", "FALSE")
    assert change(slapd, "erik", "erik-password", "eriks-own-one")[0] == NO_CHANGE
    slapd.policy("pwdAllowUserChange", "TRUE")


def test_rubbish_in_place_of_ldap_ends_in_no_answer_that_lets_in(slapd):
    """A server behind TLS that says anything but LDAP."""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(slapd.authority.dir + "/server.pem", slapd.authority.dir + "/server.key")
    # A bind's answer cut in the middle, one that says it is 2 GiB long, and one of another message.
    for said in (b"\x30\x0c\x02\x01\x01\x61\x07", b"\x30\x84\x7f\xff\xff\xff\x02\x01\x01", b"\x30\x0c\x02\x01\x63\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
                 b"HTTP/1.1 200 OK\r\n\r\n" * 100):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)

            def serve():
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(4096)
                    tls.sendall(said)

            server = threading.Thread(target=serve, daemon=True)
            server.start()
            got = ask(CHECK, uris=f"ldaps://127.0.0.1:{listener.getsockname()[1]}", ca=slapd.ca, dn="uid=a,dc=b", secret="x", seconds=2)
            assert got is None or got[0] in (FAILED, UNREACHABLE), said
            server.join(10)


def test_it_has_given_everything_up_before_its_first_byte():
    process, ours = start()
    with ours:
        status = dict(line.split(":\t", 1) for line in wait_for_filter(process.pid).splitlines() if ":\t" in line)
        user = pwd.getpwnam("rollcall-password")
        assert set(status["Uid"].split()) == {str(user.pw_uid)} and status["Groups"].strip() == ""
        assert (status["CapEff"].strip("0"), status["NoNewPrivs"], status["Seccomp"]) == ("", "1", "2")
        open_files = {os.readlink(f"/proc/{process.pid}/fd/{n}") for n in os.listdir(f"/proc/{process.pid}/fd")}
        assert all(f.startswith("socket:") or f == "/dev/null" for f in open_files), open_files
    process.wait(30)


def wait_for_filter(pid):
    import wait
    path = f"/proc/{pid}/status"

    def status():
        with open(path, encoding="ascii") as f:
            return f.read()

    # Where the sandbox has a filter of its own, it is the other word that says so.
    wait.until(lambda: "Seccomp:\t2" in status() and "NoNewPrivs:\t1" in status(), "the program to confine itself")
    return status()


def test_root_is_refused():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        assert subprocess.run([PROGRAM], stdin=theirs, timeout=30, check=False).returncode == 1
