# SPDX-License-Identifier: BSD-2-Clause
"""rollcall adopt: people of this host become HR's and keep uid and home; the way back."""
import json
import os
import subprocess

import pytest

import daemons
import people
from etc_tree import Kept, differing, read, tree, write

AMY, EVE = 1900000001, 1900000009  # inside id_range
MAP = "/etc/rollcall/uid-map"


def sh(command):
    subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)


def adopt(*args, code=0):
    got = subprocess.run(["rollcall", "adopt", "--json", *args], capture_output=True, text=True, timeout=120,
                         stdin=subprocess.DEVNULL)
    assert got.returncode == code, got.stdout + got.stderr
    return json.loads(got.stdout)


def verdicts(answer):
    return {p["name"]: p["verdict"] for p in answer["people"]}


def why(answer, name):
    return next(p.get("why", "") for p in answer["people"] if p["name"] == name)


STAFF = [people.person(1, "amy"), people.person(2, "bert"), people.person(3, "cleo", status="terminated"),
         people.person(5, "root"), people.person(6, "daemon")]


@pytest.fixture
def host():
    """amy's uid can stay, bert's cannot, cleo has left, dave is no employee."""
    kept = Kept()
    sh(f"useradd -m -u {AMY} amy; useradd -m -u 4001 bert; useradd -m -u 4002 cleo; useradd -m -u 4003 dave;"
       "usermod -aG sudo,dialout amy; echo amy:her-pw | chpasswd -c SHA512; touch /home/amy/hers; chown amy: /home/amy/hers")
    people.write(STAFF)
    yield tree()
    sh("rm -rf /home/amy /home/bert /home/cleo /home/dave /var/lib/rollcall/adopt /var/lib/rollcall/state/* /var/lib/rollcall/cache/*")
    kept.restore()


def test_a_file_of_hr_that_is_not_there_is_named(host):
    os.unlink(people.PATH)
    got = adopt(code=1)
    assert people.PATH in got["hint"] and "No such file" in got["hint"]


def test_without_apply_it_only_says_what_would_come_of_each(host):
    got = adopt()
    assert verdicts(got) | {"larry": "not-in-hr"} == verdicts(got)
    assert {n: v for n, v in verdicts(got).items() if n in ("amy", "bert", "cleo", "dave")} == {
        "amy": "keeps", "bert": "new-uid", "cleo": "conflict", "dave": "not-in-hr"}
    assert "root" not in verdicts(got) and "daemon" not in verdicts(got) and "nobody" not in verdicts(got)
    assert "id_range" in why(got, "bert") and "ended" in why(got, "cleo")
    assert differing(host, tree()) == []
    text = subprocess.run(["rollcall", "adopt"], capture_output=True, text=True, timeout=60).stdout
    assert "amy" in text and "--apply" in text


def test_the_adopted_keep_uid_home_and_files_and_lose_what_was_local(host):
    adopt("--apply")
    for path in ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"):
        assert "amy" not in read(path), path
        assert host[path][1:] == tree()[path][1:]
    assert f"1 {AMY} " in read(MAP)
    assert "bert:" in read("/etc/passwd") and "dave:" in read("/etc/passwd")
    assert people.passwd("amy") is None
    daemons.synced()
    assert people.passwd("amy")[2:4] == [str(AMY), str(AMY)] and people.passwd("amy")[5] == "/home/amy"
    assert os.stat("/home/amy/hers").st_uid == AMY
    assert "sudo" not in people.groups("amy") and "dialout" not in people.groups("amy")
    # Who is HR's is nobody of this host's any more.
    assert "amy" not in verdicts(adopt())


def test_undo_puts_the_local_accounts_back_byte_for_byte(host):
    adopt("--apply")
    adopt("--undo")
    assert differing(host, tree()) == []
    assert adopt("--undo", code=5)["error"] == "nothing-kept"


def test_undo_keeps_what_somebody_changed_since(host):
    adopt("--apply")
    sh("useradd -u 4100 newcomer; usermod -aG dialout newcomer; usermod -s /bin/sh bert")
    got = adopt("--undo")
    assert "/etc/passwd" in got["mended"]
    assert f"\namy:x:{AMY}:" in read("/etc/passwd") and "newcomer:x:4100" in read("/etc/passwd")
    assert "bert:x:4001:4001::/home/bert:/bin/sh" in read("/etc/passwd")
    assert "amy" in read("/etc/group").split("sudo:x:")[1].split("\n")[0]
    # Her membership of a group that somebody changed since is theirs to give.
    assert "newcomer" in read("/etc/group").split("dialout:x:")[1].split("\n")[0]
    assert "amy:$6$" in read("/etc/shadow")


def test_those_whose_uid_cannot_stay_are_adopted_only_when_told(host):
    got = adopt("--apply", "--new-ids")
    assert "bert" not in read("/etc/passwd")
    command = next(p["chown"] for p in got["people"] if p["name"] == "bert")
    daemons.synced()
    found = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=600)
    # Below us is a machine that others work on: what it had may go while find walks.
    assert all("No such file" in line for line in found.stderr.splitlines()), found.stderr
    assert os.stat("/home/bert").st_uid == int(people.passwd("bert")[2]) >= 1879048192
    assert "2 4001" not in read(MAP)


def test_a_uid_that_was_given_already_does_not_change(host):
    people.write([*STAFF, people.person(9, "eve")])
    daemons.synced()
    write("/etc/passwd", read("/etc/passwd") + f"eve:x:{EVE}:100::/home/eve:/bin/sh\n")
    got = adopt()
    assert verdicts(got)["eve"] == "new-uid" and "given once" in why(got, "eve")


@pytest.mark.parametrize("rows, make, says", [
    ([people.person(1, "amy"), people.person(7, "amy")], "true", "two rows"),
    ([people.person(1, "amy", homeDirectory="/home/other")], "true", "homeDirectory"),
    ([people.person(1, "amy")], f"useradd -o -u {AMY} twin", "same uid"),
    ([people.person(1, "amy"), people.person(8, "zoe", uidNumber=str(AMY))], "true", "has that uid"),
])
def test_a_conflict_is_named_and_nothing_is_done(host, rows, make, says):
    people.write(rows)
    sh(make)
    before = tree()
    got = adopt("--apply")
    assert verdicts(got)["amy"] == "conflict" and says in why(got, "amy")
    assert differing(before, tree()) == []


def test_another_service_keeps_its_people_and_their_uids_are_written_down(host):
    got = adopt("--from", "compat", "--apply")
    assert verdicts(got)["amy"] == "keeps"
    assert differing(host, tree()) == [MAP]
    assert f"1 {AMY} " in read(MAP)


def test_a_listing_that_cannot_be_read_adopts_nobody(host):
    os.unlink(people.PATH)
    before = tree()
    assert "source hr" in adopt("--apply", code=1)["hint"]
    assert differing(before, tree()) == []


# Copies and manifest stand in /var; then uid-map, passwd, shadow, group, gshadow.
@pytest.mark.parametrize("name", ["uid-map", "passwd", "shadow", "gshadow"])
def test_an_adopt_that_was_killed_is_undone(host, name):
    log = "/tmp/renames"
    # A leak check cannot be made under strace.
    subprocess.run(["strace", "-o", log, "-e", "trace=rename", "rollcall", "adopt", "--apply"], check=True,
                   capture_output=True, timeout=120, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    nth = 1 + next(i for i, line in enumerate(read(log).splitlines()) if f'/{name}")' in line and '"/etc/' in line)
    adopt("--undo")
    assert differing(host, tree()) == []
    got = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=rename", "-e", f"inject=rename:signal=KILL:when={nth}",
                          "rollcall", "adopt", "--apply"], capture_output=True, timeout=120)
    assert got.returncode != 0
    assert "--undo first" in adopt("--apply", code=1)["hint"]
    adopt("--undo")
    assert differing(host, tree()) == []


def test_the_configuration_decides_who_is_in_range(host):
    write("/etc/rollcall/rollcall.conf", read("/etc/rollcall/rollcall.conf") + "\n[ids]\nid_range = 4000-60000\n")
    got = adopt("--apply")
    assert verdicts(got)["bert"] == "keeps" and verdicts(got)["amy"] == "new-uid"
    daemons.synced()
    assert people.passwd("bert")[2] == "4001"
