# SPDX-License-Identifier: BSD-2-Clause
"""The sandbox itself: what every other test stands on."""
import os
import shutil
import subprocess

import pytest

import wait


def sh(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)


def test_it_is_another_host_with_its_own_processes_and_a_loopback():
    assert sh("hostname").stdout.strip() == "web1"
    assert int(sh("ps -e --no-headers | wc -l").stdout) < 20
    assert "UP" in sh("ip link show lo").stdout
    assert sh("ip -o link").stdout.count("\n") == 1


def test_rollcall_is_installed_and_configured():
    assert os.path.exists("/etc/rollcall/rollcall.conf")
    assert "rollcall" in sh("grep ^passwd: /etc/nsswitch.conf").stdout
    assert "pam_rollcall.so" in sh("cat /etc/pam.d/common-auth").stdout
    assert sh("sshd -t").returncode == 0
    assert sh("visudo -c").returncode == 0


def test_the_engine_may_publish_to_the_groups_of_its_readers():
    groups = sh("id -Gn rollcall").stdout.split()
    assert {"rollcall", "rollcall-verifier", "rollcall-keys"} <= set(groups)
    assert oct(os.stat("/etc/rollcall/secrets").st_mode)[-4:] == "0700"


def nested(command):
    """The sandbox in the sandbox: what holds in there holds for the machine out here."""
    got = subprocess.run(["tests/sandbox/run", "bash", "-c", command], capture_output=True, text=True, timeout=120,
                         stdin=subprocess.DEVNULL)
    if got.returncode == 125 and "cannot mount an overlay" in got.stderr:
        pytest.skip("the kernel stacks overlays two deep, and this machine is one already")
    return got


def processes():
    """Everything but ourselves and the kernel's threads."""
    return sorted(sh("ps -e -o pid=,comm= | grep -vE ' (ps|bash|grep|sort)$'").stdout.split("\n"))


def test_the_exit_status_and_the_output_come_back():
    got = nested("echo out; echo err >&2; exit 7")
    assert (got.returncode, got.stdout) == (7, "out\n")
    assert got.stderr.endswith("err\n")


def test_nothing_leaks_out():
    mounts, before = sh("cat /proc/self/mountinfo").stdout, processes()
    files = set(os.listdir("/etc")) | set(os.listdir("/run")) | set(os.listdir("/mnt"))
    got = nested("echo x >/etc/leak; echo x >/run/leak; useradd leaker; mount -t tmpfs tmpfs /opt; hostname leaked;"
                 "setsid sleep 7777 >/dev/null 2>&1 & echo done")
    assert got.stdout == "done\n", got.stderr
    assert sh("cat /proc/self/mountinfo").stdout == mounts
    assert processes() == before
    assert set(os.listdir("/etc")) | set(os.listdir("/run")) | set(os.listdir("/mnt")) == files
    assert sh("id leaker").returncode == 1
    assert sh("hostname").stdout == "web1\n"


def test_a_killed_sandbox_takes_its_processes_with_it():
    before = processes()
    outer = subprocess.Popen(["tests/sandbox/run", "bash", "-c", "echo up; exec sleep 7778"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    if outer.stdout.readline() != "up\n":
        said = outer.stderr.read()
        assert "cannot mount an overlay" in said, said
        pytest.skip("the kernel stacks overlays two deep, and this machine is one already")
    outer.kill()
    outer.wait()
    wait.until(lambda: processes() == before, "the sandbox's processes to be gone")


def test_it_says_who_may_run_it(tmp_path):
    # The sources may be where larry cannot read.
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o755)
    for script in ("run", "root"):
        shutil.copy("tests/sandbox/" + script, tmp_path)
    got = subprocess.run(["setpriv", "--reuid=larry", "--clear-groups", str(tmp_path / "run"), "true"],
                         capture_output=True, text=True, timeout=60)
    assert got.returncode == 125
    assert "only root" in got.stderr
