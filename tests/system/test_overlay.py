# SPDX-License-Identifier: BSD-2-Clause
"""Another NSS service keeps the names, rollcall adds state and second factor: people of
systemd's user database, as they might be of SSSD, known to HR as well."""
import json
import os
import subprocess

import pytest

import daemons
import people
import ssh
import totp
import wait

OLGA = 1900000123


def record(name, uid):
    os.makedirs("/etc/userdb", exist_ok=True)
    user = {"userName": name, "uid": uid, "gid": uid, "realName": "from the other service", "homeDirectory": "/home/" + name,
            "shell": "/bin/bash", "disposition": "regular"}
    group = {"groupName": name, "gid": uid, "disposition": "regular"}
    for what, ext in ((user, "user"), (group, "group")):
        with open(f"/etc/userdb/{name}.{ext}", "w", encoding="ascii") as f:
            json.dump(what, f)
        os.symlink(f"{name}.{ext}", f"/etc/userdb/{uid}.{ext}")


@pytest.fixture(scope="module")
def olga():
    """Adopted: her uid is written down before HR's listing is read for the first time."""
    record("olga", OLGA)
    key = ssh.Key()
    row = people.person(1, "olga", sshPublicKeys=key.public)
    people.write([row])
    got = subprocess.run(["rollcall", "adopt", "--from", "systemd", "--apply", "--json"], capture_output=True, text=True,
                         timeout=60)
    assert [p["verdict"] for p in json.loads(got.stdout)["people"]] == ["keeps"], got.stdout
    daemons.synced()
    return key, row, totp.enroll("olga")


def test_the_other_services_answer_is_the_one_that_programs_see(olga):
    assert people.passwd("olga")[4] == "from the other service" and people.passwd("olga")[2] == str(OLGA)
    assert "rollcall-people" in people.groups("olga")


def test_she_needs_key_and_code(olga, sshd):
    key, _, app = olga
    session = ssh.log_in("olga", (totp.PROMPT, app.code()), key=key)
    assert session.run("id -u")[1].strip() == str(OLGA)
    session.close()
    _, status = ssh.connect("olga", methods="password").rest()
    assert status == 255


def test_when_hr_ends_her_she_is_out_though_the_other_service_still_names_her(olga, sshd, syncd, enforcer):
    key, row, app = olga
    session = ssh.log_in("olga", (totp.PROMPT, app.code()), key=key)
    row["status"] = "terminated"
    people.write([row])
    wait.until(lambda: subprocess.run(["pgrep", "-u", str(OLGA)], capture_output=True, check=False).returncode == 1,
               "her sessions to be gone")
    session.close()
    assert people.passwd("olga")[6] == "/bin/bash"  # the other service knows nothing of it
    _, status = ssh.connect("olga", key=key).rest()
    assert status == 255
    got = subprocess.run(["su", "-", "olga", "-c", "id"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert got.returncode != 0


def test_somebody_of_the_other_service_whom_hr_does_not_know_is_not_ours_outside_the_range(olga):
    record("paul", 5005)
    got = subprocess.run(["su", "-", "paul", "-c", "id -u"], capture_output=True, text=True, timeout=60,
                         stdin=subprocess.DEVNULL)
    assert got.stdout.strip() == "5005", got.stderr


def test_and_inside_the_range_is_refused(olga):
    record("quentin", 1900000200)
    got = subprocess.run(["su", "-", "quentin", "-c", "id -u"], capture_output=True, text=True, timeout=60,
                         stdin=subprocess.DEVNULL)
    assert got.returncode != 0


def test_a_uid_that_differs_is_a_hole_that_doctor_names(olga):
    _, row, _ = olga
    people.write([row, people.person(4, "rita")])
    daemons.synced()

    def holes():
        got = subprocess.run(["rollcall", "doctor", "--json"], capture_output=True, text=True, timeout=60)
        return [f["text"] for f in json.loads(got.stdout)["findings"] if f["severity"] == "hole"]
    assert holes() == []
    record("rita", 5006)
    assert [text for text in holes() if "rita" in text and "5006" in text]
