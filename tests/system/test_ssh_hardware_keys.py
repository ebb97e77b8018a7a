# SPDX-License-Identifier: BSD-2-Clause
"""SSH hardware keys over the real ssh and sshd: a second factor where somebody answers for
them, one factor like any other key where nobody does. Only ssh's middleware is software."""
import json
import os
import subprocess

import pytest

import daemons
import people
import ssh
import totp

PROVIDER = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "tests/tools/ssh_sk_provider.so")
OPTIONS = [f"SecurityKeyProvider={PROVIDER}"]


class HardwareKey(ssh.Key):
    def __init__(self, kind="ed25519-sk"):
        self.path = f"/root/key-{os.urandom(4).hex()}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-w", PROVIDER, "-O", "verify-required", "-N", "", "-C", "",
                        "-f", self.path], check=True, timeout=60)
        with open(self.path + ".pub", encoding="ascii") as f:
            self.public = f.read().strip()
        got = subprocess.run(["ssh-keygen", "-lf", self.path], check=True, capture_output=True, text=True, timeout=60)
        self.fingerprint = got.stdout.split()[1]


def configure(key_marks):
    with open("/etc/rollcall/conf.d/50-keys.conf", "w", encoding="ascii") as f:
        f.write(f"[source hr]\nkey_marks = {key_marks}\n")


@pytest.fixture(scope="module")
def staff():
    """alice's key is attested, bob's is vouched for by the directory, carol's and dora's by
    nobody; erin has an ordinary key."""
    os.makedirs("/etc/rollcall/conf.d", exist_ok=True)
    configure("yes")
    keys = {"alice": HardwareKey(), "bob": HardwareKey("ecdsa-sk"), "carol": HardwareKey(), "dora": HardwareKey(),
            "erin": ssh.Key()}
    publish(keys)
    return keys


def publish(keys, alice="attested ", bob="vouched ", erin=""):
    marks = {"alice": alice, "bob": bob, "erin": erin}
    people.write([people.person(n, name, sshPublicKeys=marks.get(name, "") + key.public)
                  for n, (name, key) in enumerate(keys.items(), 1)])
    daemons.synced()


def connect(name, key, flags="5"):
    with open("/tmp/sk-soft-flags", "w", encoding="ascii") as f:
        f.write(flags)
    return ssh.connect(name, key=key, options=OPTIONS + ["NumberOfPasswordPrompts=1"])


def vouch(name, key, *options):
    got = subprocess.run(["rollcall", "vouch", name, key.fingerprint, "--json", *options], capture_output=True,
                         text=True, timeout=60)
    return got.returncode, json.loads(got.stdout)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_marked_key_is_asked_for_nothing_more(staff, sshd, name):
    session = connect(name, staff[name])
    session.shell()
    assert totp.PROMPT not in session.said()
    assert session.run("id -un")[1].strip() == name
    session.close()


def test_a_key_that_nobody_answers_for_is_one_factor(staff, sshd):
    app = totp.enroll("carol")
    session = connect("carol", staff["carol"])
    session.answer(totp.PROMPT, app.code())
    session.shell()
    session.close()


def test_a_marked_key_that_did_not_verify_its_user_is_refused(staff, sshd):
    session = connect("alice", staff["alice"], flags="1")
    session.expect("Permission denied")
    session.close()


def test_an_ordinary_key_is_never_marked(staff, sshd):
    publish(staff, erin="attested ")
    session = connect("erin", staff["erin"])
    session.expect("Permission denied")  # the line is no key at all
    session.close()
    publish(staff)


def test_the_marks_of_a_source_count_where_the_host_says_so(staff, sshd):
    configure("no")
    session = connect("alice", staff["alice"])  # at once: nothing was read anew
    session.expect_exact(totp.PROMPT)
    session.close()
    configure("yes")
    connect("alice", staff["alice"]).shell().close()


def test_an_admin_vouches_for_a_key_and_takes_it_back(staff, sshd):
    app = totp.enroll("dora")
    assert vouch("dora", staff["dora"])[0] == 0
    connect("dora", staff["dora"]).shell().close()
    assert vouch("dora", staff["dora"], "--withdraw")[0] == 0
    session = connect("dora", staff["dora"])
    session.answer(totp.PROMPT, app.code())
    session.shell()
    session.close()


def test_nobody_vouches_for_a_key_that_is_not_the_persons_or_not_hardware(staff):
    status, said = vouch("dora", staff["carol"])
    assert status == 1 and "no hardware key" in said["hint"]
    key = ssh.Key()
    key.fingerprint = subprocess.run(["ssh-keygen", "-lf", staff["erin"].path], check=True, capture_output=True,
                                     text=True, timeout=60).stdout.split()[1]
    assert vouch("erin", key)[0] == 1
    status, said = vouch("dora", staff["dora"], "--withdraw")
    assert status == 1 and "nobody vouches" in said["hint"]


def test_what_was_vouched_for_is_gone_with_the_factors(staff, sshd):
    assert vouch("dora", staff["dora"])[0] == 0
    got = subprocess.run(["rollcall", "user", "dora", "--why", "--json"], capture_output=True, text=True, timeout=60)
    assert [k["fingerprint"] for k in json.loads(got.stdout)["enrolment"]["vouched"]] == [staff["dora"].fingerprint]
    subprocess.run(["rollcall", "reset-factor", "dora"], check=True, capture_output=True, timeout=60)
    session = connect("dora", staff["dora"])
    session.expect_exact(totp.PROMPT)
    session.close()
