# SPDX-License-Identifier: BSD-2-Clause
"""root and local people are never hurt: with the shipped PAM stack, sshd drop-in and
sudoers in place, whatever is wrong with our module."""
import os
import subprocess

import pytest

import console
import ssh
import sudo
from terminal import Terminal

MODULE = subprocess.run("ls -d /usr/lib/*/security", shell=True, capture_output=True, text=True,
                        check=True).stdout.split()[0] + "/pam_rollcall.so"


def put(content, mode=0o644):
    """What stands where our module should be: bytes, or None for nothing."""
    if os.path.exists(MODULE):
        os.unlink(MODULE)
    if content is not None:
        with open(MODULE, "wb") as f:
            f.write(content)
        os.chmod(MODULE, mode)


@pytest.fixture
def module():
    """Gives our module back, the same file as before."""
    kept = MODULE + ".kept"
    there = os.path.exists(MODULE)
    if there:
        os.link(MODULE, kept)
    yield MODULE
    if os.path.lexists(MODULE):
        os.unlink(MODULE)
    if there:
        os.rename(kept, MODULE)


def root_and_larry_log_in():
    root = console.log_in("root", ("Password: ", "root-pw"))
    assert root.run("id -un")[1].strip() == "root"
    root.close()
    larry = console.log_in("larry", ("Password: ", "local-pw"))
    assert larry.run("id -un")[1].strip() == "larry"
    larry.close()


def test_root_and_a_local_person_log_in_on_the_console():
    root_and_larry_log_in()


def test_a_wrong_password_is_refused_on_the_console():
    session = console.connect("root")
    session.answer("Password: ", "not-root-pw")
    session.expect_exact("Login incorrect")
    session.close()


def test_root_logs_in_while_our_module_is_missing(module):
    put(None)
    root_and_larry_log_in()


def test_root_logs_in_while_our_module_is_no_elf_file(module):
    put(b"this was a module once\n" * 100)
    root_and_larry_log_in()


def test_root_logs_in_while_our_module_is_for_another_machine(module):
    with open("/bin/true", "rb") as f:
        elf = bytearray(f.read())
    elf[18] = 0xB7  # e_machine: AArch64
    put(bytes(elf))
    root_and_larry_log_in()


def test_root_logs_in_while_our_module_is_empty_or_a_folder(module):
    put(b"")
    root_and_larry_log_in()
    os.unlink(MODULE)
    os.mkdir(MODULE)
    try:
        root_and_larry_log_in()
    finally:
        os.rmdir(MODULE)


def test_a_local_person_comes_in_by_password_over_ssh(sshd):
    session = ssh.log_in("larry", ("password: ", "local-pw"), methods="password")
    assert session.run("id -un")[1].strip() == "larry"
    session.close()


def test_a_local_person_comes_in_by_key_alone_over_ssh(sshd):
    key = ssh.Key()
    os.makedirs("/home/larry/.ssh", mode=0o700, exist_ok=True)
    with open("/home/larry/.ssh/authorized_keys", "w", encoding="ascii") as f:
        f.write(key.public + "\n")
    subprocess.run(["chown", "-R", "larry:", "/home/larry/.ssh"], check=True)
    session = ssh.log_in("larry", key=key, methods="publickey")
    assert session.run("id -un")[1].strip() == "larry"
    session.close()


def test_an_unknown_name_is_refused_over_ssh_and_no_password_is_asked(sshd):
    session = ssh.connect("nobody-here", methods="password")
    text, status = session.rest()
    assert status == 255
    assert "password:" not in text.lower()
    assert "Permission denied" in text


def test_sudo_works_for_a_local_person_by_their_password():
    subprocess.run(["usermod", "-aG", "sudo", "larry"], check=True)
    session = console.log_in("larry", ("Password: ", "local-pw"))
    status, output = sudo.run(session, "id -u", ("password for larry: ", "local-pw"))
    assert status == 0 and output.split()[-1] == "0", output
    # sudo's own timestamp is switched off for employees, not for local people.
    status, output = sudo.run(session, "-n id -u")
    assert status == 0, output
    session.close()
    subprocess.run(["gpasswd", "-d", "larry", "sudo"], check=True, stdout=subprocess.DEVNULL)


def test_sudo_refuses_a_local_person_who_is_in_no_group():
    session = console.log_in("larry", ("Password: ", "local-pw"))
    status, output = sudo.run(session, "id -u", ("password for larry: ", "local-pw"))
    assert status == 1 and "not in the sudoers file" in output, output
    session.close()


def test_a_local_person_changes_their_own_password():
    session = console.log_in("larry", ("Password: ", "local-pw"))
    session.sendline("passwd; echo status'='$?")
    session.answer("Current password: ", "local-pw")
    session.answer("New password: ", "orbit-Velvet-42")
    session.answer("Retype new password: ", "orbit-Velvet-42")
    session.expect_exact("status=0")
    session.close()
    try:
        again = console.log_in("larry", ("Password: ", "orbit-Velvet-42"))
        assert again.run("id -un")[1].strip() == "larry"
        again.close()
    finally:
        subprocess.run(["chpasswd"], input="larry:local-pw\n", text=True, check=True)


def test_root_sets_a_local_password_while_our_module_is_missing(module):
    put(None)
    terminal = Terminal("/usr/bin/passwd", "larry")
    terminal.answer("New password: ", "orbit-Velvet-43")
    terminal.answer("Retype new password: ", "orbit-Velvet-43")
    assert terminal.rest()[1] == 0
    subprocess.run(["chpasswd"], input="larry:local-pw\n", text=True, check=True)


def test_root_becomes_a_local_person_by_su():
    got = subprocess.run(["su", "-", "larry", "-c", "id -un"], capture_output=True, text=True, timeout=60)
    assert (got.returncode, got.stdout.strip()) == (0, "larry"), got.stderr
