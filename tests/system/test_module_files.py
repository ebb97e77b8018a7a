# SPDX-License-Identifier: BSD-2-Clause
"""A module file that is not what it should be, and processes with next to nothing: root gets
in, employees do not. (A file that is cut in its middle ends every program that opens it, whoever wrote it,
by the dynamic loader's fault: so installs replace by rename.)"""
import os
import resource
import subprocess

import pytest

import console
import daemons
import pamapp
import people
import ssh
import totp

MODULE = pamapp.MODULE


@pytest.fixture(scope="module")
def alice():
    pair = ssh.Key()
    people.write([people.person(1, "alice", sshPublicKeys=pair.public)])
    daemons.synced()
    return pair, totp.enroll("alice")


def foreign(whole):
    elf = bytearray(whole)
    elf[18] = 0xB7  # e_machine: AArch64
    return bytes(elf)


BROKEN = {"deleted": None, "empty": lambda w: b"", "100 bytes": lambda w: w[:100], "not ELF": lambda w: b"#!/bin/sh\nexit 0\n" * 50,
          "another architecture": foreign, "a folder": None, "a link to itself": None, "unreadable": None}


@pytest.fixture(params=list(BROKEN))
def broken(request):
    """Our module, in one of these ways."""
    how = request.param
    os.rename(MODULE, MODULE + ".away")
    with open(MODULE + ".away", "rb") as f:
        whole = f.read()
    if BROKEN[how]:
        with open(MODULE, "wb") as f:
            f.write(BROKEN[how](whole))
    elif how == "a folder":
        os.mkdir(MODULE)
    elif how == "a link to itself":
        os.symlink(MODULE, MODULE)
    elif how == "unreadable":
        # Not even by root: a mount that does not let be executed is what the loader minds.
        open(MODULE, "wb").close()
        subprocess.run(["mount", "--bind", "/proc/self/mem", MODULE], check=True)
    yield how
    subprocess.run(["umount", "-q", MODULE], check=False)
    if os.path.isdir(MODULE) and not os.path.islink(MODULE):
        os.rmdir(MODULE)
    elif os.path.lexists(MODULE):
        os.unlink(MODULE)
    os.rename(MODULE + ".away", MODULE)


def test_a_module_that_cannot_be_loaded_refuses_employees_and_never_root(alice, broken, sshd):
    console.log_in("root", ("Password: ", "root-pw")).close()
    session = ssh.connect("alice", key=alice[0], options=["NumberOfPasswordPrompts=1"])
    session.expect("Permission denied|Connection closed")
    session.close()
    got = subprocess.run(["su", "-", "alice", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert got.returncode != 0 and "alice" not in got.stdout
    assert subprocess.run(["su", "-", "larry", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60).stdout == "larry\n"


# ---- next to nothing ----

def with_limit(what, n, user, code):
    """The shipped stack of login, as far as an application comes with so little. What came of it."""
    def work():
        resource.setrlimit(what, (n, n))
        with pamapp.Application("login", user, lambda style, text: "root-pw" if "assword" in text else code) as app:
            return [app.authenticate(), app.account()]
    try:
        return pamapp.run_as(0, work)
    except (AssertionError, ValueError):
        return ["the application itself failed"]


def root_in(what, n):
    return with_limit(what, n, "root", "") == ["SUCCESS", "SUCCESS"]


def without_our_line():
    for name in ("common-auth", "common-account"):
        path = "/etc/pam.d/" + name
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            # The jumps of lines before it stay right: a line that always ignores takes its place.
            f.write(text.replace("pam_rollcall.so", "pam_debug.so auth=ignore acct=ignore cred=ignore"))
        yield path, text


@pytest.mark.parametrize("what,limits", [
    (resource.RLIMIT_NOFILE, list(range(0, 24))),
    (resource.RLIMIT_AS, [n * 1024 * 1024 for n in (8, 16, 24, 28, 30, 32, 34, 36, 38, 40, 44, 48, 56, 64, 96, 128)]),
], ids=["NOFILE", "AS"])
def test_with_as_little_as_lets_root_in_without_us_root_comes_in_with_us(alice, what, limits):
    with_us = {n for n in limits if root_in(what, n)}
    kept = list(without_our_line())
    try:
        without_us = {n for n in limits if root_in(what, n)}
    finally:
        for path, text in kept:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    assert without_us, "no limit that lets anybody in: it tries nothing"
    assert len(without_us) < len(limits), "no limit that keeps anybody out: it tries nothing"
    # The map of our own module takes a little of the address space: one step of the list at most.
    little = 1 if what == resource.RLIMIT_AS else 0
    assert len(without_us - with_us) <= little, (sorted(without_us), sorted(with_us))


@pytest.mark.parametrize("what,limits", [(resource.RLIMIT_NOFILE, range(0, 24)),
                                         (resource.RLIMIT_AS, [n * 1024 * 1024 for n in (8, 16, 24, 32, 48, 64)])], ids=["NOFILE", "AS"])
def test_with_next_to_nothing_a_wrong_code_lets_nobody_in(alice, what, limits):
    for n in limits:
        got = with_limit(what, n, "alice", "000000")
        assert "SUCCESS" not in got, (n, got)
        assert "IGNORE" not in got, (n, got)
