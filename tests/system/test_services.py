# SPDX-License-Identifier: BSD-2-Clause
"""Evidence of a second factor, service by service: login, su, sudo, cron."""
import os
import subprocess
import time

import pytest

import console
import daemons
import people
import ssh
import totp
import wait


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol")}
    rows = people.admins(keys)
    people.write(rows.values())
    daemons.synced()
    return keys, rows, {name: totp.enroll(name) for name in keys}


def test_login_at_the_console_asks_for_the_code(staff):
    session = console.connect("alice")
    session.answer(totp.PROMPT, staff[2]["alice"].code())
    session.shell()
    assert session.run("id -un")[1].strip() == "alice"
    session.close()


def test_root_logs_in_at_the_console_with_all_daemons_dead():
    session = console.log_in("root", ("Password: ", "root-pw"))
    assert session.run("id -un")[1].strip() == "root"
    session.close()


def test_su_by_a_person_asks_for_the_code_of_the_account(staff, sshd):
    keys, _, apps = staff
    session = ssh.log_in("bob", (totp.PROMPT, apps["bob"].code()), key=keys["bob"])
    session.sendline("su - carol")
    session.answer("Sign in to web1 as carol.\r\n" + totp.PROMPT, apps["carol"].code())
    session.shell()
    assert session.run("id -un")[1].strip() == "carol"
    session.close()


def test_su_by_root_asks_for_nothing(staff):
    got = subprocess.run(["su", "-", "carol", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60)
    assert (got.returncode, got.stdout.strip()) == (0, "carol"), got.stderr


def test_sudo_without_a_password_still_wants_evidence(staff, sshd):
    keys, _, apps = staff
    with open("/etc/sudoers.d/nopasswd", "w", encoding="ascii") as f:
        f.write("alice ALL=(ALL) NOPASSWD: /usr/bin/id\n")
    os.chmod("/etc/sudoers.d/nopasswd", 0o440)
    session = ssh.log_in("alice", (totp.PROMPT, apps["alice"].code()), key=keys["alice"])
    status, out = session.run("sudo -n /usr/bin/id -un")
    assert status != 0 and "root" not in out.split()
    # A ticket of this session is evidence.
    session.sendline("sudo -k; sudo -s true; echo had' 'it")
    session.answer(totp.PROMPT, apps["alice"].code())
    session.expect_exact("had it")
    session.expect_exact("rollcall-test-shell> ")
    status, out = session.run("sudo -n /usr/bin/id -un")
    assert (status, out.split()[-1]) == (0, "root")
    session.close()


class Cron:
    """cron's own program, and a crontab that runs each minute."""

    def __init__(self):
        self.process = subprocess.Popen(["/usr/sbin/cron", "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def test_cron_runs_an_employees_job_and_not_a_leavers(staff):
    _, rows, _ = staff
    for name in ("alice", "bob"):
        got = subprocess.run(["crontab", "-u", name, "-"], input=f"* * * * * touch /tmp/cron-{name}\n", text=True,
                             capture_output=True, timeout=60)
        assert got.returncode == 0, got.stderr
    rows["bob"]["status"] = "terminated"
    people.write(rows.values())
    daemons.synced()
    cron = Cron()
    wait.until(lambda: os.path.exists("/tmp/cron-alice"), "alice's job", 130)
    time.sleep(2)
    cron.stop()
    assert not os.path.exists("/tmp/cron-bob")


def test_observe_asks_nothing_refuses_nobody_and_shows_the_real_shell(staff):
    _, rows, _ = staff
    with open("/etc/rollcall/rollcall.conf", encoding="utf-8") as f:
        text = f.read()
    with open("/etc/rollcall/rollcall.conf", "w", encoding="utf-8") as f:
        f.write(text.replace("mode     = enforce", "mode     = observe"))
    people.write(rows.values())
    daemons.synced()
    assert people.passwd("bob")[6] == "/bin/bash"
    got = subprocess.run(["su", "-", "bob", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60)
    assert (got.returncode, got.stdout.strip()) == (0, "bob"), got.stderr
    with open("/etc/rollcall/rollcall.conf", "w", encoding="utf-8") as f:
        f.write(text)
    people.write(rows.values())
    daemons.synced()
    got = subprocess.run(["su", "-", "bob", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60)
    assert got.returncode != 0
