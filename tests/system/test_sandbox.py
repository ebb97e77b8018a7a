# SPDX-License-Identifier: BSD-2-Clause
"""The sandbox itself: what every other test stands on."""
import os
import subprocess


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
