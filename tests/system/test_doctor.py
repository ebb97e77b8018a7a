# SPDX-License-Identifier: BSD-2-Clause
"""rollcall doctor: a host that is set up has no hole, and every hole that a test makes is
named, with the place and what mends it."""
import contextlib
import json
import os
import socket
import subprocess
import threading

import pytest

import daemons
import people
from etc_tree import Kept, read, write

MODULE = subprocess.run("ls /usr/lib/*/security/pam_rollcall.so", shell=True, capture_output=True, text=True,
                        check=True).stdout.strip()
DROPIN = "/etc/ssh/sshd_config.d/10-rollcall.conf"
SSHD = "/etc/ssh/sshd_config"
NSSWITCH = "/etc/nsswitch.conf"


def doctor():
    got = subprocess.run(["rollcall", "doctor", "--json"], capture_output=True, text=True, timeout=120,
                         stdin=subprocess.DEVNULL)
    answer = json.loads(got.stdout)
    assert got.returncode == (2 if answer["holes"] else 1 if answer["risks"] else 0), got.stderr
    return answer["findings"]


def found(severity):
    return [f for f in doctor() if f["severity"] == severity]


@pytest.fixture(scope="module", autouse=True)
def staff():
    for status in ("active", "terminated"):
        people.write([people.person(1, "alice"), people.person(2, "bob", status=status)])
        daemons.synced()


@pytest.fixture
def host():
    kept = Kept()
    yield
    kept.restore()


def append(path, text):
    write(path, read(path) + text)


def replace(path, old, new):
    assert old in read(path)
    write(path, read(path).replace(old, new))


def test_a_host_that_is_set_up_has_no_hole_and_no_risk_but_the_clock(syncd, enforcer):
    assert [f for f in doctor() if f["severity"] != "note" and f["id"] != "clock-unsynchronised"] == []
    text = subprocess.run(["rollcall", "doctor"], capture_output=True, text=True, timeout=60).stdout
    assert "0 holes" in text and "root, " in text


def before_include(line):
    write(SSHD, line + "\n" + read(SSHD))


def sudoers(text):
    write("/etc/sudoers.d/zz", text)
    os.chmod("/etc/sudoers.d/zz", 0o440)


def service(name, text):
    write("/etc/pam.d/" + name, text)


HOLES = {
    "a code alone over ssh": (lambda: replace(DROPIN, "AuthenticationMethods publickey,keyboard-interactive",
                                              "AuthenticationMethods publickey,keyboard-interactive keyboard-interactive"),
                              "sshd-methods", DROPIN),
    "no methods at all": (lambda: os.unlink(DROPIN), "sshd-methods", None),
    "methods set before the drop-in": (lambda: before_include("AuthenticationMethods any"), "sshd-methods", SSHD + ":1"),
    "a Match block of an admin": (lambda: write(DROPIN, "Match User alice\nAuthenticationMethods keyboard-interactive\nMatch all\n" + read(DROPIN)),
                                  "sshd-methods", DROPIN + ":2"),
    "UsePAM no": (lambda: before_include("UsePAM no"), "sshd-usepam", SSHD + ":1"),
    "a sufficient line before ours": (lambda: replace("/etc/pam.d/common-account", "account\t[success=1 default=ignore]\tpam_localuser.so",
                                                      "account sufficient pam_permit.so\naccount\t[success=1 default=ignore]\tpam_localuser.so"),
                                      "pam-account", "/etc/pam.d/common-account:18"),
    "a jump over our line": (lambda: replace("/etc/pam.d/common-account", "account\t[success=1 default=ignore]\tpam_localuser.so",
                                             "account\t[default=3]\tpam_localuser.so"), "pam-account", None),
    "a service of its own": (lambda: service("su", "@include common-auth\naccount required pam_permit.so\n"),
                             "pam-account", "/etc/pam.d/su"),
    "a service that hides the vendor's": (lambda: service("systemd-user", "account required pam_permit.so\n"), "pam-account",
                                          "/etc/pam.d/systemd-user"),
    "our denial ignored": (lambda: replace("/etc/pam.d/sshd", "@include common-account", "account sufficient pam_exec.so /bin/true\n"
                                           "@include common-account"), "pam-account", "/etc/pam.d/sshd"),
    "sudo without account": (lambda: sudoers("Defaults !pam_acct_mgmt\nalice ALL=NOPASSWD: ALL\n"), "sudo-account",
                             "/etc/sudoers.d/zz:1"),
    "sudo by root's password": (lambda: sudoers("Defaults rootpw\n"), "sudo-other-password", "/etc/sudoers.d/zz:1"),
    "sudo by another service": (lambda: (sudoers("Defaults pam_service=easy\n"), service("easy", "auth required pam_permit.so\n"
                                                                                        "account required pam_permit.so\n")),
                                "sudo-service", "/etc/sudoers.d/zz:1"),
    "a local account of an employee's name": (lambda: append("/etc/passwd", "alice:x:4242:4242::/home/alice:/bin/bash\n"),
                                              "local-hides-employee", "/etc/passwd:"),
    "a configuration that all may write": (lambda: os.chmod("/etc/rollcall/rollcall.conf", 0o666), "file-mode",
                                           "/etc/rollcall/rollcall.conf"),
    "a host key that all may read": (lambda: os.chmod("/etc/rollcall/secrets/host-key", 0o644), "file-mode",
                                     "/etc/rollcall/secrets/host-key"),
    "HR's file that all may write": (lambda: os.chmod(people.PATH, 0o666), "source-writable", people.PATH),
    "a configuration of somebody else's": (lambda: os.chown("/etc/rollcall/rollcall.conf", 1000, 0), "file-owner",
                                           "/etc/rollcall/rollcall.conf"),
}


@pytest.mark.parametrize("name", HOLES)
def test_a_hole_is_named_with_its_place(host, name):
    make, ident, where = HOLES[name]
    assert found("hole") == []
    make()
    holes = [f for f in found("hole") if f["id"] == ident]
    assert holes, doctor()
    if where:
        assert any(f.get("where", "").startswith(where) for f in holes), holes


@pytest.mark.parametrize("path, mode", [("/var/lib/rollcall/cache", 0o777), ("/var/lib/rollcall/credentials", 0o755),
                                        (MODULE, 0o666), ("/run/rollcall/tickets", 0o777)])
def test_what_decides_and_others_may_write_is_a_hole(path, mode):
    before = os.stat(path).st_mode & 0o7777
    os.chmod(path, mode)
    try:
        assert [(f["where"], f["fix"]) for f in found("hole")] == [(path, f"chmod {before:o} {path}")]
    finally:
        os.chmod(path, before)


RISKS = {
    "a certificate authority": (lambda: before_include("TrustedUserCAKeys /etc/ssh/ca.pub"), "sshd-trustedusercakeys", SSHD + ":1"),
    "keys at home": (lambda: before_include("AuthorizedKeysFile .ssh/authorized_keys"), "sshd-authorizedkeysfile", SSHD + ":1"),
    "a key alone": (lambda: before_include("AuthenticationMethods publickey"), "sshd-no-code", SSHD + ":1"),
    "no prompt": (lambda: before_include("KbdInteractiveAuthentication no"), "sshd-broken", SSHD),
    "environment": (lambda: before_include("PermitUserEnvironment yes"), "sshd-permituserenvironment", SSHD + ":1"),
    "empty passwords": (lambda: before_include("PermitEmptyPasswords yes"), "sshd-permitemptypasswords", SSHD + ":1"),
    "host-based": (lambda: before_include("HostbasedAuthentication yes"), "sshd-hostbasedauthentication", SSHD + ":1"),
    "other keys": (lambda: before_include("AuthorizedKeysCommand none"), "sshd-authorizedkeyscommand", SSHD + ":1"),
    "a key that nobody holds": (lambda: replace(DROPIN, "PubkeyAuthOptions verify-required", "#"), "sshd-pubkeyauthoptions", None),
    "employees seen from outside": (lambda: write(DROPIN, "Match User alice\nPasswordAuthentication yes\nMatch all\n" + read(DROPIN)),
                                    "sshd-tells-names-apart", None),
    "a broken sshd_config": (lambda: append(SSHD, "Nonsense yes\n"), "sshd-broken", SSHD),
    "local people like employees": (lambda: replace(DROPIN, "Match Group *,!rollcall-people", "Match User nobody-at-all"),
                                    "sshd-local-keys", None),
    "names never asked": (lambda: replace(NSSWITCH, " rollcall", ""), "nss-absent", NSSWITCH),
    "names asked first": (lambda: replace(NSSWITCH, "passwd:         files", "passwd:         rollcall files"), "nss-order",
                          NSSWITCH),
    "a search that ends": (lambda: replace(NSSWITCH, "passwd:         files", "passwd: files [NOTFOUND=return]"), "nss-return", NSSWITCH),
    "auth before ours": (lambda: replace("/etc/pam.d/login", "@include common-auth", "auth sufficient pam_exec.so /x\n@include common-auth"),
                         "pam-auth", "/etc/pam.d/login"),
    "a service without us": (lambda: service("ftp", "auth required pam_unix.so\naccount required pam_unix.so\n"), "pam-absent",
                             "/etc/pam.d/ftp"),
    "sudo's own timestamp": (lambda: os.unlink("/etc/sudoers.d/rollcall"), "sudo-timestamp", None),
    "broken sudoers": (lambda: sudoers("what is this\n"), "sudo-broken", None),
    "another root": (lambda: append("/etc/passwd", "toor:x:0:0::/root:/bin/sh\n"), "local-second-root", "/etc/passwd:"),
    "a local id in our range": (lambda: append("/etc/passwd", "eve:x:1900000000:100::/:/bin/sh\n"), "local-id-in-range", "/etc/passwd:"),
    "a password without an account": (lambda: append("/etc/shadow", "alice:$y$x$x$x:1::::::\n"), "local-shadow-alone", "/etc/shadow:"),
    "containers over our ids": (lambda: append("/etc/subuid", "larry:1800000000:200000000\n"), "subid-overlap", "/etc/subuid:"),
    "observing": (lambda: replace("/etc/rollcall/rollcall.conf", "= enforce", "= observe"), "observing", None),
    "a configuration with a mistake": (lambda: append("/etc/rollcall/rollcall.conf", "nonsense\n"), "config-broken", None),
}


@pytest.mark.parametrize("name", RISKS)
def test_a_risk_is_named_and_no_hole_is_made_of_it(host, name):
    make, ident, where = RISKS[name]
    assert ident not in [f["id"] for f in doctor()]
    make()
    findings = doctor()
    risks = [f for f in findings if f["id"] == ident]
    assert risks and all(f["severity"] == "risk" for f in risks), findings
    if where:
        assert any(f.get("where", "").startswith(where) for f in risks), risks


def test_a_cache_in_front_of_ours_is_a_risk_for_what_it_keeps(host):
    conf = "/etc/nscd.conf"
    write(conf, "# enable-cache group yes\n\tenable-cache\t\tpasswd\t\tyes\nenable-cache hosts yes\nenable-cache group no\n")
    os.makedirs("/run/nscd", exist_ok=True)

    def risks():
        return [(f["severity"], f["where"]) for f in doctor() if f["id"] == "nscd-keeps"]
    assert risks() == []  # nobody answers
    nscd = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    nscd.bind("/run/nscd/socket")
    nscd.listen(64)

    def hang_up():  # so that glibc, which asks it first, goes on without it
        with contextlib.suppress(OSError):
            while True:
                nscd.accept()[0].close()
    thread = threading.Thread(target=hang_up)
    thread.start()
    try:
        assert risks() == [("risk", conf + ":2")]
    finally:
        nscd.shutdown(socket.SHUT_RDWR)
        thread.join()
        nscd.close()
        os.unlink("/run/nscd/socket")


def test_a_broken_module_and_a_damaged_cache_are_named():
    for path, ident, at in ((MODULE, "module-broken", 0), ("/var/lib/rollcall/cache/accounts", "cache-damaged", -9),
                            ("/var/lib/rollcall/cache/private", "cache-damaged", -9)):
        with open(path, "rb") as f:
            whole = f.read()
        broken = bytearray(whole)
        broken[at] ^= 0x40
        os.rename(path, path + ".kept")
        with open(path, "wb") as f:
            f.write(broken)
        os.chmod(path, 0o644)
        os.chown(path, os.stat(path + ".kept").st_uid, os.stat(path + ".kept").st_gid)
        findings = doctor()
        os.rename(path + ".kept", path)
        assert [f["where"] for f in findings if f["id"] == ident] == [path], findings


def test_the_hole_that_is_named_is_one(host):
    """A leaver, by su of root: refused, and with the hole let in."""
    def su():
        return subprocess.run(["su", "-s", "/bin/sh", "bob", "-c", "id -un"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
    assert su().returncode != 0
    service("su", "auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession required pam_permit.so\n")
    assert su().stdout == "bob\n"


def test_lingering_and_jobs_of_employees_are_noted():
    for path in ("/var/lib/systemd/linger/alice", "/var/spool/cron/crontabs/bob"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, "")
    notes = {f["id"]: f["text"] for f in found("note")}
    os.unlink("/var/lib/systemd/linger/alice")
    os.unlink("/var/spool/cron/crontabs/bob")
    assert "alice" in notes["lingering"] and "bob (terminated)" in notes["crontabs"]


def test_sudo_without_a_password_is_a_note_for_employees_need_a_ticket(host):
    sudoers("%ops ALL=(ALL) NOPASSWD: ALL\n")
    findings = doctor()
    assert [f["severity"] for f in findings if f["id"] == "sudo-nopasswd"] == ["note"]
    assert not [f for f in findings if f["severity"] == "hole"]
