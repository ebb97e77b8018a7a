# SPDX-License-Identifier: BSD-2-Clause
"""rollcall setup: the host asks rollcall, and the way back is byte for byte. The sandbox is
set up by it; each test begins with a host that is not."""
import json
import os
import re
import shutil
import subprocess

import pytest

import console
from etc_tree import Kept, differing, read, tree, write

KEPT = "/var/lib/rollcall/setup/manifest.json"
DROPIN = "/etc/ssh/sshd_config.d/10-rollcall.conf"
SSHD = "/etc/ssh/sshd_config"


def setup(*args, **more):
    return subprocess.run(["rollcall", "setup", *args], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, **more)


def done(*args):
    got = setup("--yes", "--no-start", "--json", *args)
    assert got.returncode == 0, got.stdout + got.stderr
    return json.loads(got.stdout)


@pytest.fixture
def bare():
    """A host that does not ask rollcall; put back whatever a test did to it. Gives its tree."""
    if os.path.exists(KEPT):
        done("--undo")
    kept = Kept()
    yield kept.before
    kept.restore()
    shutil.rmtree("/var/lib/rollcall/setup", ignore_errors=True)


def sshd_says(user, keyword):
    got = subprocess.run(["/usr/sbin/sshd", "-T", "-C", f"user={user},host=h,addr=192.0.2.1"], capture_output=True,
                         text=True, check=True, timeout=60)
    return next(line.split(" ", 1)[1] for line in got.stdout.splitlines() if line.startswith(keyword + " "))


def test_undo_puts_every_file_back_byte_for_byte(bare):
    done()
    assert len(differing(bare, tree())) >= 14
    done("--undo")
    assert differing(bare, tree()) == []
    assert not os.path.exists(KEPT) and os.listdir("/var/lib/rollcall/setup") == []


def test_setup_and_the_steps_by_hand_end_the_same(bare):
    done()
    by_setup = tree()
    done("--undo")
    subprocess.run(["sed", "-i", "-E", "/^(passwd|group|shadow):/ { / rollcall/! s/$/ rollcall/ }", "/etc/nsswitch.conf"],
                   check=True)
    subprocess.run(["pam-auth-update", "--package", "--enable", "rollcall", "rollcall-password"], check=True,
                   capture_output=True, stdin=subprocess.DEVNULL)
    subprocess.run(["install", "-m", "440", "/usr/share/rollcall/sudoers/rollcall", "/etc/sudoers.d/rollcall"], check=True)
    # The drop-in alone differs: by hand nobody asks sshd what local people had.
    assert differing(by_setup, tree()) == [DROPIN]


def test_a_second_setup_changes_nothing(bare):
    done()
    once = tree()
    assert done()["changes"] == []
    assert differing(once, tree()) == []
    done("--undo")
    assert differing(bare, tree()) == []


def test_a_dry_run_shows_the_diff_of_every_file_and_changes_none(bare):
    got = setup("--dry-run")
    assert got.returncode == 0, got.stderr
    for line in ("create " + DROPIN, "+Defaults:%rollcall-people timestamp_timeout=0"):
        assert line in got.stdout
    assert re.search(r"^\s*\+passwd:\s+files( systemd)? rollcall$", got.stdout, re.M), got.stdout
    assert "pam_rollcall.so" in got.stdout
    assert differing(bare, tree()) == []
    assert not os.path.exists(KEPT)


def test_nobody_to_ask_is_a_usage_error(bare):
    got = setup()
    assert got.returncode == 2 and "--yes" in got.stderr
    assert differing(bare, tree()) == []


def test_root_and_a_local_person_log_in_after_setup_and_after_undo(bare):
    for step in ((), ("--undo",)):
        done(*step)
        for name, password in (("root", "root-pw"), ("larry", "local-pw")):
            session = console.log_in(name, ("Password: ", password))
            assert session.run("id -un")[1].strip() == name
            session.close()


def test_local_people_get_back_what_sshd_gave_them_before(bare):
    write("/etc/ssh/sshd_config.d/50-admin.conf", "PasswordAuthentication no\nAuthorizedKeysFile /etc/keys/%u\n")
    done()
    assert sshd_says("larry", "passwordauthentication") == "no"
    assert sshd_says("larry", "authorizedkeysfile") == "/etc/keys/%u"
    assert sshd_says("somebody-else", "authenticationmethods") == "publickey,keyboard-interactive"
    done("--undo")
    os.unlink("/etc/ssh/sshd_config.d/50-admin.conf")


def test_an_admins_match_block_goes_on_to_hold_for_local_people(bare):
    write(SSHD, read(SSHD) + "Match User larry\n    PasswordAuthentication no\n")
    before = tree()
    got = done()
    assert any("Match block" in n for n in got["notes"])
    assert sshd_says("larry", "passwordauthentication") == "no"
    assert sshd_says("root", "passwordauthentication") == "yes"
    assert sshd_says("root", "authorizedkeysfile") == ".ssh/authorized_keys .ssh/authorized_keys2"
    assert sshd_says("somebody-else", "passwordauthentication") == "no"
    done("--undo")
    assert differing(before, tree()) == []


def test_a_drop_in_folder_that_sshd_does_not_read_is_included(bare):
    write(SSHD, read(SSHD).replace("Include ", "#Include "))
    before = tree()
    done()
    assert sshd_says("somebody-else", "authenticationmethods") == "publickey,keyboard-interactive"
    done("--undo")
    assert differing(before, tree()) == []


def test_a_line_before_the_drop_in_makes_setup_take_itself_back(bare):
    write(SSHD, "AuthenticationMethods publickey\n" + read(SSHD))
    before = tree()
    got = setup("--yes", "--no-start", "--json")
    assert got.returncode == 1
    assert SSHD + ":1" in json.loads(got.stdout)["sentence"]
    assert differing(before, tree()) == []


def test_a_stack_that_would_refuse_root_is_taken_back_at_once(bare):
    profile = "/usr/share/pam-configs/rollcall"
    kept = read(profile)
    write(profile, re.sub(r"(Account(-Initial)?:\n)((?:\t.*\n)*?)\t\[success=1 default=ignore\]\tpam_localuser.so",
                          r"\1\3\trequisite\tpam_deny.so", kept))
    assert read(profile).count("pam_deny.so") == 2
    try:
        got = setup("--yes", "--no-start", "--json")
    finally:
        write(profile, kept)
    assert got.returncode == 1, got.stdout
    assert "root would be refused" in json.loads(got.stdout)["sentence"]
    assert differing(bare, tree()) == [] and not os.path.exists(KEPT)


def test_what_an_admin_changed_since_is_kept_by_undo(bare):
    done()
    write("/etc/nsswitch.conf", read("/etc/nsswitch.conf").replace("hosts:          files dns", "hosts: files mdns dns"))
    subprocess.run(["pam-auth-update", "--package", "--enable", "mkhomedir"], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)
    got = done("--undo")
    assert "/etc/nsswitch.conf" in got["mended"] and "/etc/pam.d/common-session" in got["mended"]
    assert read("/etc/nsswitch.conf") == bare["/etc/nsswitch.conf"][0].decode().replace("hosts:          files dns",
                                                                                       "hosts: files mdns dns")
    session = read("/etc/pam.d/common-session")
    assert "pam_mkhomedir.so" in session and "pam_rollcall.so" not in session
    assert "pam_rollcall.so" not in read("/etc/pam.d/common-auth")
    assert not os.path.exists(DROPIN)


def test_a_file_of_ours_that_an_admin_changed_is_left_alone_and_named(bare):
    done()
    write(DROPIN, read(DROPIN) + "# mine\n")
    got = setup("--undo", "--yes", "--json")
    assert got.returncode == 1
    assert json.loads(got.stdout)["left"] == [DROPIN]
    assert "# mine" in read(DROPIN)
    assert "rollcall" not in read("/etc/nsswitch.conf")


def killed_at(nth):
    """setup, killed at its nth rename: every file that it puts, and every copy, is one."""
    got = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=rename", "-e", f"inject=rename:signal=KILL:when={nth}",
                          "rollcall", "setup", "--yes", "--no-start"], capture_output=True, timeout=120,
                         stdin=subprocess.DEVNULL)
    return got.returncode != 0


# The first renames make the root for pam-auth-update, then the copies and the manifest, then
# the host's own files.
@pytest.mark.parametrize("nth", [30, 58, 61, 70])
def test_a_setup_that_was_killed_is_finished_or_undone(bare, nth):
    done()
    whole = tree()
    done("--undo")
    assert killed_at(nth)
    if os.path.exists(KEPT):
        done("--undo")
    assert differing(bare, tree()) == []
    assert killed_at(nth)
    done()
    assert differing(whole, tree()) == []
    done("--undo")
    assert differing(bare, tree()) == []


def test_observe_leaves_sshd_alone_and_enforce_adds_the_drop_in(bare):
    got = done("--mode", "observe")
    assert not os.path.exists(DROPIN) and "rollcall report" in got["sentence"]
    assert "mode     = observe " in read("/etc/rollcall/rollcall.conf")
    done("--mode", "enforce")
    assert os.path.exists(DROPIN) and "mode     = enforce " in read("/etc/rollcall/rollcall.conf")
    done("--mode", "observe")
    assert not os.path.exists(DROPIN)
    done("--undo")
    assert differing(bare, tree()) == []


def test_a_second_setup_that_is_taken_back_leaves_the_first(bare):
    done("--mode", "observe")
    write(SSHD, "AuthenticationMethods publickey\n" + read(SSHD))
    before = tree()
    assert setup("--yes", "--no-start", "--mode", "enforce").returncode == 1
    assert differing(before, tree()) == []
    write(SSHD, bare[SSHD][0].decode())
    done("--undo")
    assert differing(bare, tree()) == []


def test_the_first_configuration_comes_from_the_command_line(bare):
    os.unlink("/etc/rollcall/rollcall.conf")
    got = setup("--yes", "--no-start")
    assert got.returncode == 2 and "--hr" in got.stderr
    got = setup("--yes", "--no-start", "--hr", "/srv/hr.csv", "--allow", "staff\n[x]")
    assert got.returncode == 2
    done("--hr", "/srv/hr.csv", "--allow", "staff", "--admins", "ops", "--contact", "Desk, 17")
    assert subprocess.run(["rollcall", "check-config"], check=False, timeout=60).returncode == 0
    assert "mode     = observe" in read("/etc/rollcall/rollcall.conf") and not os.path.exists(DROPIN)
    done("--undo")
    assert not os.path.exists("/etc/rollcall/rollcall.conf")


@pytest.mark.parametrize("what, says", [
    (lambda: (os.rename("/etc/nsswitch.conf", "/etc/nss.real"), os.symlink("/etc/nss.real", "/etc/nsswitch.conf")),
     "symbolic link"),
    (lambda: write("/etc/nsswitch.conf", re.sub(r"(?m)^passwd:.*$", "passwd: files [NOTFOUND=return]",
                                                read("/etc/nsswitch.conf"))),
     "ends the search before rollcall"),
    (lambda: write("/etc/pam.d/common-account", "account required pam_unix.so\n"), "local modifications"),
    (lambda: write("/etc/rollcall/rollcall.conf", "[rollcall]\nmood = good\n"), "rollcall.conf:2"),
])
def test_what_setup_cannot_judge_it_does_not_touch(bare, what, says):
    what()
    before = tree()
    got = setup("--yes", "--no-start", "--json")
    assert got.returncode == 1, got.stdout
    assert says in " ".join(json.loads(got.stdout)["problems"])
    assert differing(before, tree()) == []


def test_without_systemd_it_says_what_was_not_started(bare):
    got = json.loads(setup("--yes", "--json").stdout)
    assert got["ok"] and any("no systemd runs here" in n for n in got["notes"])
    links = [p for p in differing(bare, tree()) if ".wants/" in p]
    assert len(links) >= 4
    done("--undo")
    assert differing(bare, tree()) == []
