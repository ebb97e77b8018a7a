# SPDX-License-Identifier: BSD-2-Clause
"""Every way in that somebody has thought of, on the real programs: none goes without a
second factor or for a leaver. docs/no-way-around.md has the table."""
import os
import shutil
import socket
import subprocess
import time

import pytest

import daemons
import people
import ssh
import totp
import wait

ALICE = {"groups": "linux-users;linux-admins"}


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in ("alice", "bob", "carol", "leaver")}
    publish(keys)
    apps = {name: totp.enroll(name) for name in keys}
    # Homes are there, as after a first login.
    for name in keys:
        os.makedirs(f"/home/{name}/.ssh", exist_ok=True)
        subprocess.run(["chown", "-R", f"{name}:", f"/home/{name}"], check=True)
    return keys, apps


def publish(keys, **gone):
    people.write([people.person(n, name, sshPublicKeys=key.public, status=gone.get(name, "active"), **ALICE)
                  for n, (name, key) in enumerate(keys.items(), 1)])
    daemons.synced()


class Sshd:
    """An sshd of another configuration, beside the shipped one, on its own port."""

    def __init__(self, *lines, replace=("", ""), port=2222):
        self.port, conf = port, "/etc/ssh/sshd_other"
        with open("/etc/ssh/sshd_config.d/10-rollcall.conf", encoding="ascii") as f:
            shipped = f.read()
        assert replace[0] in shipped
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"Port {port}\nListenAddress 127.0.0.1\nPidFile none\n" + "".join(line + "\n" for line in lines) +
                    (shipped.replace(*replace) if replace[0] else shipped) + "Subsystem sftp internal-sftp\n")
        self.server = ssh.Sshd.__new__(ssh.Sshd)
        self.log = open("/tmp/sshd-other.log", "w", encoding="ascii")  # noqa: SIM115
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", conf], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        wait.until(self._answers, "the other sshd")

    def _answers(self):
        assert self.process.poll() is None, open("/tmp/sshd-other.log", encoding="ascii").read()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self):
        with open("/tmp/sshd-other.log", encoding="ascii", errors="replace") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def client(program, *args, key=None, port=22, methods=None, timeout=60):
    """A client that has nobody to type: what it printed, and its status."""
    argv = [program, "-o", "BatchMode=yes", *ssh.OPTIONS, "-o", f"Port={port}"]
    argv += ["-i", key.path] if key else []
    argv += ["-o", "PreferredAuthentications=" + methods] if methods else []
    got = subprocess.run([*argv, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    return got.returncode, got.stdout + got.stderr


def refused_without_a_code(status, text):
    assert status == 255 and ("Permission denied" in text or "Connection closed" in text), (status, text)


def refused_by_the_account_phase(other, *args, key, word="Access denied for user alice by PAM account configuration"):
    """The key was enough for sshd, and PAM's account phase said no. The client says nothing then."""
    status, text = client("ssh", "alice@127.0.0.1", *args, key=key, port=other.port)
    assert status == 255 and "uid=" not in text, text
    wait.until(lambda: word in other.said(), f"{word}; there was {other.said()}")


# ---- sshd: what a key alone opens ----

def test_a_bare_public_key_opens_no_shell(staff, sshd):
    refused_without_a_code(*client("ssh", "alice@127.0.0.1", "id", key=staff[0]["alice"]))


def test_a_bare_public_key_opens_no_sftp(staff, sshd):
    with open("/tmp/batch", "w", encoding="ascii") as f:
        f.write("ls /\n")
    refused_without_a_code(*client("sftp", "-b", "/tmp/batch", "alice@127.0.0.1", key=staff[0]["alice"]))


def test_a_bare_public_key_copies_nothing(staff, sshd):
    status, text = client("scp", "alice@127.0.0.1:/etc/hostname", "/tmp/copied", key=staff[0]["alice"])
    assert status != 0 and "Permission denied" in text
    assert not os.path.exists("/tmp/copied")


def test_a_bare_public_key_forwards_no_port_without_a_shell(staff, sshd):
    refused_without_a_code(*client("ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-L", "127.0.0.1:4022:127.0.0.1:22",
                                   "alice@127.0.0.1", key=staff[0]["alice"]))
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", 4022)) != 0


def test_port_forwarding_with_no_shell_takes_the_code_like_a_shell(staff, sshd):
    keys, apps = staff
    session = ssh.connect("alice", key=keys["alice"], tty=False,
                          options=["LocalForward=127.0.0.1:4023 127.0.0.1:22", "SessionType=none", "ExitOnForwardFailure=yes"])
    session.answer(totp.PROMPT, apps["alice"].code())

    def forwarded():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", 4023)) == 0
    wait.until(forwarded, "the forwarded port")
    session.close()


def test_where_the_admin_lets_keys_alone_in_the_account_phase_refuses(staff):
    with Sshd(replace=("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods publickey")) as other:
        refused_by_the_account_phase(other, "id", key=staff[0]["alice"])


def test_a_certificate_of_a_trusted_authority_is_a_key_and_no_second_factor(staff):
    authority, mine = ssh.Key(), ssh.Key()
    subprocess.run(["ssh-keygen", "-q", "-s", authority.path, "-I", "alice", "-n", "alice", "-V", "+1h", mine.path + ".pub"],
                   check=True, capture_output=True)
    shutil.copy(authority.path + ".pub", "/etc/ssh/ca.pub")
    with Sshd("TrustedUserCAKeys /etc/ssh/ca.pub") as other:
        refused_without_a_code(*client("ssh", "alice@127.0.0.1", "id", key=mine, port=other.port))
    with Sshd("TrustedUserCAKeys /etc/ssh/ca.pub",
              replace=("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods publickey")) as other:
        refused_by_the_account_phase(other, "id", key=mine)


def test_password_authentication_asks_for_no_password_and_a_code_is_none(staff, sshd):
    keys, apps = staff
    text, status = ssh.connect("alice", key=keys["alice"], methods="password").rest()
    assert status == 255 and "password:" not in text.lower() and "Permission denied" in text
    # And where the admin has switched it on for everybody.
    with Sshd(replace=("PasswordAuthentication no\nAuthorizedKeysFile", "PasswordAuthentication yes\nAuthorizedKeysFile")) as other:
        text, status = ssh.connect("alice", key=keys["alice"], methods="password", options=[f"Port={other.port}"]).rest()
        assert status == 255 and "Permission denied" in text
    with Sshd(replace=("AuthenticationMethods publickey,keyboard-interactive\nPasswordAuthentication no",
                       "AuthenticationMethods any\nPasswordAuthentication yes")) as other:
        session = ssh.connect("bob", methods="password", options=[f"Port={other.port}", "NumberOfPasswordPrompts=1"])
        session.answer("password: ", "123456")
        session.expect("Permission denied")
        session.close()


def test_keys_in_a_home_and_their_forced_commands_are_not_looked_at(staff, sshd):
    extra = ssh.Key()
    with open("/home/alice/.ssh/authorized_keys", "w", encoding="ascii") as f:
        f.write(f'command="id" {extra.public}\n{extra.public}\n')
    subprocess.run(["chown", "-R", "alice:", "/home/alice/.ssh"], check=True)
    # Somebody who is root here is nobody special to sshd.
    refused_without_a_code(*client("ssh", "alice@127.0.0.1", key=extra))
    with Sshd(replace=("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods publickey")) as other:
        refused_without_a_code(*client("ssh", "alice@127.0.0.1", key=extra, port=other.port))
    # An admin who lets them be looked at has let in a key, and no second factor.
    with Sshd("AuthorizedKeysFile .ssh/authorized_keys",
              replace=("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods publickey")) as other:
        refused_by_the_account_phase(other, key=extra)


def test_host_based_and_gssapi_authentication_are_off_for_employees(staff):
    got = subprocess.run(["sshd", "-T", "-C", "user=alice,host=x,addr=127.0.0.1"], capture_output=True, text=True, timeout=60).stdout
    assert "hostbasedauthentication no" in got
    assert "gssapiauthentication no" in got
    assert "kerberosauthentication no" in got
    assert "permitemptypasswords no" in got
    # Where they are on, the drop-in's methods still ask for key and code.
    with Sshd("HostbasedAuthentication yes", "GSSAPIAuthentication yes") as other:
        refused_without_a_code(*client("ssh", "-o", "HostbasedAuthentication=yes", "alice@127.0.0.1", "id",
                                       port=other.port, methods="hostbased,gssapi-with-mic"))


def test_without_pam_sshd_refuses_by_the_shadow_entry(staff):
    with Sshd("UsePAM no") as other:
        refused_without_a_code(*client("ssh", "alice@127.0.0.1", "id", key=staff[0]["alice"], port=other.port))
    with Sshd("UsePAM no", replace=("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods publickey")) as other:
        refused_without_a_code(*client("ssh", "alice@127.0.0.1", "id", key=staff[0]["alice"], port=other.port))
        assert "Account alice has expired" in other.said() or "User alice not allowed because" in other.said(), other.said()


def test_a_second_session_on_a_shared_connection_ends_with_the_lock(staff, sshd, enforcer):
    keys, apps = staff
    path = "/tmp/control"
    master = ssh.connect("carol", key=keys["carol"], options=["ControlMaster=yes", f"ControlPath={path}"])
    master.answer(totp.PROMPT, apps["carol"].code())
    master.shell()
    second = ["ssh", *ssh.OPTIONS, "-o", f"ControlPath={path}", "-o", "BatchMode=yes", "carol@127.0.0.1", "id", "-un"]
    got = subprocess.run(second, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert got.stdout.strip() == "carol", got.stderr
    subprocess.run(["rollcall", "lock", "carol", "--reason", "test"], check=True, capture_output=True, timeout=60)
    assert master.gone(60)
    got = subprocess.run(second, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert got.returncode == 255 and "carol" not in got.stdout.split()
    master.close()


# ---- a stack that has lost our line ----

@pytest.fixture
def lost_line():
    kept = {}
    for name in os.listdir("/etc/pam.d"):
        path = "/etc/pam.d/" + name
        with open(path, encoding="utf-8") as f:
            kept[path] = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(line for line in kept[path].splitlines(True) if "pam_rollcall" not in line and "pam_localuser" not in line))
    yield
    for path, text in kept.items():
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def test_a_stack_that_lost_our_line_refuses_employees_by_their_shadow_entry(staff, sshd, lost_line):
    fields = people.shadow("alice").split(":")
    assert fields[1] == "*" and int(fields[7]) > 0
    with Sshd(replace=("AuthenticationMethods publickey,keyboard-interactive", "AuthenticationMethods publickey")) as other:
        refused_by_the_account_phase(other, "id", key=staff[0]["alice"])
    got = subprocess.run(["su", "-", "alice", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert got.returncode != 0 and "alice" not in got.stdout
    got = subprocess.run(["su", "-", "larry", "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert got.stdout.strip() == "larry", got.stderr


# ---- services without a person ----

@pytest.fixture
def atd():
    process = subprocess.Popen(["/usr/sbin/atd", "-f", "-b", "0", "-l", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    yield process
    process.terminate()
    process.wait()


def test_at_runs_an_employees_job_and_not_a_leavers(staff, atd):
    keys, _ = staff
    for name in ("alice", "leaver"):
        # As the person, without a login: the job is what is tried.
        got = subprocess.run(["setpriv", "--reuid", name, "--regid", people.passwd(name)[3], "--clear-groups", "at", "now"],
                             input=f"touch /tmp/at-{name}\n", text=True, capture_output=True, timeout=60,
                             env={"PATH": "/usr/bin:/bin", "HOME": "/", "SHELL": "/bin/sh", "LOGNAME": name}, cwd="/")
        assert got.returncode == 0, got.stderr
        if name == "alice":
            wait.until(lambda: os.path.exists("/tmp/at-alice"), "alice's job", 100)
            publish(keys, leaver="terminated")
    # atd marks a job that it has taken with "="; one that PAM refused stays so.
    wait.until(lambda: "= leaver" in subprocess.run(["at", "-l"], capture_output=True, text=True, timeout=60).stdout, "the leaver's turn")
    time.sleep(3)
    assert not os.path.exists("/tmp/at-leaver")


def test_su_by_root_is_asked_for_no_factor_and_refused_for_a_leaver(staff):
    publish(staff[0], leaver="terminated")
    for name, status in (("bob", 0), ("leaver", 1)):
        got = subprocess.run(["su", "-s", "/bin/sh", "-", name, "-c", "id -un"], stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=60)
        assert (got.returncode == 0) == (status == 0), (name, got.stdout, got.stderr)
