# SPDX-License-Identifier: BSD-2-Clause
"""The booted sandbox: a real systemd with logind, on cgroup v2."""
import json
import os
import socket
import stat
import subprocess

import daemons
import people
import ssh
import totp
import wait


def sh(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)


def test_systemd_runs_this_machine_on_cgroup_v2():
    assert sh("cat /proc/1/comm").stdout == "systemd\n"
    assert sh("stat -f -c %T /sys/fs/cgroup").stdout == "cgroup2fs\n"
    assert sh("cat /proc/self/cgroup | grep ^0:").stdout.startswith("0::/system.slice/")
    assert len(sh("cat /etc/machine-id").stdout.strip()) == 32


def test_logind_knows_the_session_of_who_comes_in_over_ssh():
    session = ssh.log_in("larry", ("password: ", "local-pw"), methods="password")
    listed = json.loads(sh("loginctl list-sessions --output=json").stdout)
    assert [s["user"] for s in listed] == ["larry"]
    cgroup = session.run("cat /proc/self/cgroup | grep ^0:")[1].strip()
    assert cgroup == f"0::/user.slice/user-{listed[0]['uid']}.slice/session-{listed[0]['session']}.scope"
    assert session.run("cat /proc/self/loginuid")[1].strip() == str(listed[0]["uid"])
    assert os.path.exists(f"/sys/fs/cgroup{cgroup[3:]}/cgroup.kill")
    session.close()


def test_the_verifiers_doors_are_open_to_whom_they_should_be():
    for path, mode in (("/run/rollcall/verifier.sock", 0o600), ("/run/rollcall/verifier-self.sock", 0o666)):
        st = os.stat(path)
        assert stat.S_ISSOCK(st.st_mode) and stat.S_IMODE(st.st_mode) == mode
        assert st.st_uid == 0


def test_every_unit_file_of_ours_is_understood_whole():
    got = sh("systemd-analyze verify --man=no rollcall-syncd.service rollcall-enforcer.service "
             "rollcall-verifier.socket rollcall-verifier-self.socket 2>&1 | grep rollcall | grep -v 'not executable'")
    assert got.stdout == ""


def test_syncd_reads_and_publishes_behind_the_walls_of_its_unit():
    wait.until(lambda: sh("systemctl is-active rollcall-syncd").stdout == "active\n", "syncd to be active")
    people.write([people.person(1, "walled")])
    wait.until(lambda: people.passwd("walled"), "walled to be known")
    main = sh("systemctl show -P MainPID rollcall-syncd").stdout.strip()
    bounding = int(sh(f"grep CapBnd /proc/{main}/status").stdout.split()[1], 16)
    kill, setgid, setuid, sys_admin = 5, 6, 7, 21
    assert bounding == 1 << kill | 1 << setgid | 1 << setuid | 1 << sys_admin
    for child in daemons.children_of(int(main)):
        status = sh(f"grep -E '^(CapEff|Uid|NoNewPrivs)' /proc/{child}/status").stdout
        assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Uid:\t0" not in status


def test_an_employee_logs_in_through_the_verifier_that_systemd_starts():
    key = ssh.Key()
    people.write([people.person(1, "walled", sshPublicKeys=key.public)])
    wait.until(lambda: sh("rollcall enroll totp walled --json --replace").returncode == 0, "an enrolment")
    app = totp.enroll("walled", "--replace")
    wait.until(lambda: key.public in sh("runuser -u rollcall-keys -- /usr/libexec/rollcall/rollcall-authorized-keys "
                                        "walled").stdout, "the key to be published")
    before = sh("systemctl show -P CPUUsageNSec rollcall-verifier.service").stdout
    session = ssh.log_in("walled", (totp.PROMPT, app.code()), key=key)
    assert int(sh("systemctl show -P CPUUsageNSec rollcall-verifier.service").stdout) > int(before)
    assert session.run("id -un; stat -c %U:%a ~")[1].split() == ["walled", "walled:700"]
    uid = people.passwd("walled")[2]
    cgroup = session.run("cat /proc/self/cgroup | grep ^0:")[1].strip()
    assert cgroup.startswith(f"0::/user.slice/user-{uid}.slice/session-"), cgroup
    session.close()


def test_a_verifier_behind_its_unit_has_no_power_left():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(30)
    peer.connect("/run/rollcall/verifier.sock")
    assert peer.recv(4096)[:5] == b"RCV1\x01"
    parent = int(sh("systemctl show -P MainPID rollcall-verifier.service").stdout)
    child, = daemons.children_of(parent)
    status = sh(f"grep -E '^(Uid|CapEff|CapPrm|NoNewPrivs|Seccomp:)' /proc/{child}/status").stdout
    uid = sh("id -u rollcall-verifier").stdout.strip()
    assert "Uid:\t" + "\t".join([uid] * 4) in status
    assert "CapEff:\t0000000000000000" in status and "CapPrm:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    # Its parent has what it needs to make the next one, no network, and nothing of a login.
    kept = int(sh(f"grep CapBnd /proc/{parent}/status").stdout.split()[1], 16)
    chown, dac_read_search, setgid, setuid, sys_admin = 0, 2, 6, 7, 21
    needed = 1 << chown | 1 << dac_read_search | 1 << setgid | 1 << setuid
    assert kept == needed | 1 << sys_admin
    # Where no directory judges passwords it keeps nothing to send anybody back with.
    assert int(sh(f"grep CapEff /proc/{parent}/status").stdout.split()[1], 16) == needed
    assert os.readlink(f"/proc/{parent}/ns/net") == os.readlink(f"/proc/{child}/ns/net") != os.readlink("/proc/1/ns/net")
    peer.close()
