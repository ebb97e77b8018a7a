# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package on a machine that never had rollcall: installed, turned on, upgraded,
removed, purged. After each step root logs in at the console. The tests stand in that order."""
import glob
import os
import stat
import subprocess
import sys

import pytest

import console
import daemons
import people
import totp

MODULE = "/usr/lib/*/security/pam_rollcall.so"
ADOPTED = "/var/lib/rollcall/adopt/manifest.json"
KEY = "/etc/rollcall/secrets/host-key"


def sh(command, check=True):
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
                          env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}"
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def root_logs_in():
    session = console.log_in("root", ("Password: ", "root-pw"))
    session.close()


def asked_of_us():
    """Where a login would ask rollcall."""
    return sh("grep -l pam_rollcall /etc/pam.d/* 2>/dev/null; grep -E '^(passwd|group|shadow):.*rollcall' /etc/nsswitch.conf;"
              " ls /etc/ssh/sshd_config.d/10-rollcall.conf /etc/sudoers.d/rollcall 2>/dev/null", check=False)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Two versions of the package, of what was built already."""
    sh("printf 'root:root-pw\\n' | chpasswd -c SHA512")
    found = []
    for version in ("0.1.0", "0.1.1"):
        folder = str(tmp_path_factory.mktemp("deb"))
        sh(f"ROLLCALL_BUILD={os.environ.get('BUILD', 'build')} VERSION={version} packaging/build-deb {folder}")
        found.append(glob.glob(f"{folder}/rollcall_{version}_*.deb")[0])
    return found


@pytest.fixture(scope="module")
def app():
    return {}


def test_installing_it_changes_no_login(packages):
    before = {path: read(path) for path in glob.glob("/etc/pam.d/*") + ["/etc/nsswitch.conf"]}
    sh(f"dpkg -i {packages[0]}")
    assert {path: read(path) for path in before} == before
    assert asked_of_us() == ""
    root_logs_in()


def test_its_users_folders_and_host_key_are_there(packages):
    for user in ("rollcall", "rollcall-source", "rollcall-verifier", "rollcall-keys", "rollcall-password"):
        assert people.passwd(user)[6] == "/usr/sbin/nologin"
    mode = os.stat(KEY)
    assert stat.S_IMODE(mode.st_mode) == 0o600 and mode.st_size == 32 and mode.st_uid == 0
    assert stat.S_IMODE(os.stat("/var/lib/rollcall/state").st_mode) == 0o700
    assert stat.S_IMODE(os.stat("/var/lib/rollcall/credentials").st_mode) == 0o700
    assert "0.1.0" in sh("rollcall version")
    # No configuration yet: said, and nothing breaks.
    assert "there is no such file" in sh("rollcall-syncd --once", check=False)


def test_every_file_of_it_is_roots_and_none_is_writable_by_others(packages):
    for path in sh("dpkg -L rollcall").split("\n"):
        if path and not os.path.isdir(path):
            st = os.lstat(path)
            assert st.st_uid == 0 and st.st_gid == 0 and (stat.S_ISLNK(st.st_mode) or not st.st_mode & 0o022), path
            assert not st.st_mode & (stat.S_ISUID | stat.S_ISGID), path


def test_turned_on_it_lets_an_employee_in(packages, app):
    sh("cp /usr/share/doc/rollcall/rollcall.conf.example /etc/rollcall/rollcall.conf")
    people.write([people.person(1, "alice")])
    daemons.synced()
    sh("sed -i -E '/^(passwd|group|shadow):/ s/$/ rollcall/' /etc/nsswitch.conf")
    sh("pam-auth-update --package --enable rollcall rollcall-password")
    sh("install -m 644 /usr/share/rollcall/sshd/10-rollcall.conf /etc/ssh/sshd_config.d/")
    sh("install -m 440 /usr/share/rollcall/sudoers/rollcall /etc/sudoers.d/rollcall")
    app["alice"] = totp.enroll("alice")
    console.log_in("alice", (totp.PROMPT, app["alice"].code())).close()
    root_logs_in()


def test_an_upgrade_keeps_what_is_on_and_who_is_enrolled(packages, app):
    module = glob.glob("/usr/lib/*/libnss_rollcall.so.2")[0]
    key, inode = open(KEY, "rb").read(), os.stat(module).st_ino
    # A process that has the old module mapped looks up before and after.
    reader = subprocess.Popen([sys.executable, "-c", "import pwd, sys\n"
                               "for line in sys.stdin: print(pwd.getpwnam('alice').pw_uid, flush=True)"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def look():
        reader.stdin.write("\n")
        reader.stdin.flush()
        return reader.stdout.readline()

    uid = look()
    sh(f"dpkg -i {packages[1]}")
    # By rename: cutting the old file would end every process that has it mapped.
    assert os.stat(module).st_ino != inode
    assert look() == uid and int(uid) > 0
    reader.stdin.close()
    assert reader.wait(60) == 0
    assert open(KEY, "rb").read() == key
    assert "pam_rollcall" in read("/etc/pam.d/common-auth")
    console.log_in("alice", (totp.PROMPT, app["alice"].code())).close()
    root_logs_in()


def test_removed_it_is_asked_nowhere_and_root_logs_in(packages):
    with open("/etc/pam.d/by-hand", "w", encoding="ascii") as f:
        f.write("auth required pam_rollcall.so\n")
    os.makedirs("/var/lib/rollcall/adopt", exist_ok=True)
    with open(ADOPTED, "w", encoding="ascii") as f:
        f.write("{}")
    said = sh("dpkg -r rollcall")
    # What no script may cut, and whom nobody knows any more, is said.
    assert "/etc/pam.d/by-hand" in said and "rollcall adopt --undo" in said
    os.unlink("/etc/pam.d/by-hand")
    assert asked_of_us() == ""
    assert glob.glob(MODULE) == []
    assert people.passwd("alice") is None
    sh("sshd -t && visudo -cq")
    root_logs_in()
    # State and configuration wait for a purge.
    assert os.path.exists(KEY) and os.path.exists("/etc/rollcall/rollcall.conf")


def test_installed_again_it_knows_who_is_enrolled_and_asks_nobody(packages, app):
    sh(f"dpkg -i {packages[1]}")
    assert asked_of_us() == ""
    assert "totp" in sh("rollcall user alice --why", check=False)
    root_logs_in()


def test_purged_nothing_of_it_is_left(packages):
    # The only copy of accounts that were local outlives a purge; nothing else does.
    sh("dpkg -P rollcall")
    assert os.listdir("/var/lib/rollcall") == ["adopt"] and os.path.exists(ADOPTED)
    os.unlink(ADOPTED)
    sh(f"dpkg -i {packages[1]} && dpkg -P rollcall")
    left = sh("find /etc /usr /var/lib /var/log /run -xdev -name '*rollcall*' -not -path '*/rollcall/packaging/*'"
              " -not -path '/var/lib/dpkg/*' -not -path '/var/lib/systemd/*' -not -path '/var/lib/pam/*'"
              f" -not -path '{os.getcwd()}/*' 2>/dev/null", check=False).split()
    assert left == [], left
    assert asked_of_us() == ""
    root_logs_in()
