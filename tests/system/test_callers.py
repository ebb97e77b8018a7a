# SPDX-License-Identifier: BSD-2-Clause
"""What applications do to a PAM module, and people to an application: flags, conversations
that fail, names that change, terminals that go away, silence. The module over the real
verifier, in an application of our own and in the real sshd, login, su and sudo."""
import json
import os
import signal
import socket
import subprocess
import time

import pexpect
import pytest

import console
import daemons
import pamapp
import people
import ssh
import totp
import wait

FOLDER = "/tmp/pam.d"
WRONG = "That code was not accepted"
VERIFIER = "/usr/libexec/rollcall/rollcall-verifier"
SELF = "/run/rollcall/verifier-self.sock"
NAMES = ["alice", "bob", "carol", "quiet", "silent"]


@pytest.fixture(scope="module")
def staff():
    keys = {name: ssh.Key() for name in NAMES}
    people.write(people.admins(keys).values())
    daemons.synced()
    for service in ("sshd", "login", "sudo", "su", "cron", "gdm-password", "swaylock"):
        pamapp.write_bare_service(FOLDER, service)
    return keys, {name: totp.enroll(name) for name in NAMES}


@pytest.fixture(scope="module", autouse=True)
def silent_ones(staff, sshd):
    """Two who do not type: they are waited for while the rest of the file runs."""
    keys, _ = staff
    sessions = [(ssh.connect(name, key=keys[name], options=["NumberOfPasswordPrompts=1"]), seconds)
                for name, seconds in (("quiet", 10), ("silent", 120))]
    for session, _ in sessions:
        session.expect_exact(totp.PROMPT)
    return time.monotonic(), dict(zip(("quiet", "silent"), sessions))


@pytest.fixture
def alice(staff):
    # A fresh secret for each: no code is burnt, no failure charged.
    return totp.enroll("alice", "--replace")


@pytest.fixture(scope="module")
def self_socket():
    listener = subprocess.Popen(["systemd-socket-activate", "--accept", "--inetd", "--seqpacket", "--listen=" + SELF, VERIFIER],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait.until(lambda: os.path.exists(SELF), SELF)
    os.chmod(SELF, 0o666)
    yield SELF
    listener.terminate()
    listener.wait()
    os.unlink(SELF)


def application(service="sshd", user="alice", answer=None, **more):
    return pamapp.Application(service, user, answer, folder=FOLDER, **more)


def typed(text):
    return lambda style, prompt: text if totp.PROMPT in prompt or WRONG in prompt else ""


def verifiers():
    return subprocess.run(["pgrep", "-f", VERIFIER], capture_output=True, text=True).stdout.split()


# ---- flags and conversations ----

def test_silent_is_no_way_around_and_keeps_what_is_not_a_prompt(alice):
    with application(answer=typed(alice.code())) as app:
        assert app.authenticate(pamapp.SILENT) == "SUCCESS"
        assert app.account(pamapp.SILENT) == "SUCCESS"
        assert {style for style, _ in app.said} == {pamapp.ECHO_ON}
    with application(answer=typed(alice.wrong())) as app:
        assert app.authenticate(pamapp.SILENT) == "AUTH_ERR"


def test_without_a_conversation_nobody_comes_in_and_nothing_crashes(staff):
    def work():
        with application(null_conversation=True) as app:
            return [app.authenticate(), app.account()]
    got = pamapp.run_as(0, work)
    assert got[0] not in ("SUCCESS", "IGNORE", "ended by signal") and got[1] == "PERM_DENIED", got


@pytest.mark.parametrize("answer", [pamapp.CONV_ERR, pamapp.CONV_AGAIN, 4, None], ids=["error", "again", "system", "no answer"])
def test_a_conversation_that_fails_is_a_refusal_and_leaves_no_verifier(staff, answer):
    with application(answer=lambda style, text: answer) as app:
        assert app.authenticate() == "CONV_ERR"
        assert app.account() == "PERM_DENIED"
    wait.until(lambda: not set(verifiers()) - held(), "the verifier to be gone")


def held():
    """Verifiers of the two who do not type."""
    return {pid for pid in verifiers() if pid in HELD}


HELD = set()


@pytest.fixture(autouse=True)
def remember(silent_ones):
    if not HELD:
        HELD.update(verifiers())


def test_an_answer_of_any_length_is_borne(staff):
    for text in ("", "1" * 511, "1" * 512, "1" * 513, "1" * 100000, b"\xff" * 200, "\b\n\r\x7fINCORRECT"):
        with application(user="bob", answer=lambda style, prompt, t=text: t) as app:
            assert app.authenticate() in ("AUTH_ERR", "CONV_ERR")
            assert app.account() == "PERM_DENIED"
    totp.enroll("bob", "--replace")


def test_a_login_that_tries_again_in_the_same_handle(alice):
    answers = iter([alice.wrong(), alice.wrong(), alice.code()])
    with application("login", answer=lambda style, prompt: next(answers)) as app:
        assert app.authenticate() == "AUTH_ERR"
        assert app.account() == "PERM_DENIED"
        assert app.authenticate() == "SUCCESS"
        assert app.account() == "SUCCESS"


def test_a_name_that_is_not_there_is_asked_for_and_is_nobody_without_an_answer(alice):
    code = alice.code()
    with application("login", None, lambda style, prompt: "alice" if "login" in prompt.lower() else code) as app:
        assert app.authenticate() == "SUCCESS"
    with application("login", None) as app:
        assert app.authenticate() not in ("SUCCESS", "IGNORE")
        assert app.account() not in ("SUCCESS", "IGNORE")


def test_an_application_that_changes_the_name_between_phases_has_no_evidence(alice):
    with application(answer=typed(alice.code())) as app:
        assert app.authenticate() == "SUCCESS"
        app.set(pamapp.USER, "bob")
        assert app.account() == "PERM_DENIED"
        app.set(pamapp.USER, "alice")
        assert app.account() == "SUCCESS"


def test_login_that_takes_the_name_away_between_tries(alice):
    with application("login", "bob", typed(alice.wrong())) as app:
        assert app.authenticate() == "AUTH_ERR"
        app.set(pamapp.USER, None)
        app.answer = lambda style, prompt: "alice" if "login" in prompt.lower() else alice.code()
        assert app.authenticate() == "SUCCESS"
        assert app.account() == "SUCCESS"


def test_setcred_succeeds_with_every_flag_and_twice(alice):
    with application(answer=typed(alice.code())) as app:
        assert app.authenticate() == "SUCCESS"
        for flag in (pamapp.ESTABLISH, pamapp.REINITIALIZE, pamapp.ESTABLISH, pamapp.REFRESH, pamapp.DELETE):
            assert app.setcred(flag | pamapp.SILENT) == "SUCCESS"


def test_sudo_sets_the_target_and_opens_its_session(alice):
    with application("sudo", answer=typed(alice.code())) as app:
        assert app.authenticate() == "SUCCESS"
        assert app.account(pamapp.SILENT) == "SUCCESS"
        app.set(pamapp.USER, "root")
        assert app.setcred(pamapp.REINITIALIZE) in ("SUCCESS", "IGNORE")
        assert app.open_session() == "IGNORE"


def test_evidence_does_not_cross_a_process_so_sessions_ask_for_none(alice):
    # sshd: auth and account in a child, session in the parent.
    with application(answer=typed(alice.code())) as app:
        child = pamapp.run_as(0, lambda: [app.authenticate(), app.account()])
        assert child == ["SUCCESS", "SUCCESS"]
        assert app.account() == "PERM_DENIED"
        assert app.open_session() == "SUCCESS"


def test_a_host_by_any_name_or_none_and_any_terminal(alice):
    for items in ({}, {"rhost": "a.name.example", "tty": "ssh"}, {"rhost": "x" * 200, "tty": "/dev/tty\n\x1b[2J"},
                  {"rhost": "%s%n", "tty": ""}):
        with application(answer=typed(alice.wrong()), **items) as app:
            assert app.authenticate() == "AUTH_ERR"
            assert len(app.prompts()) == 2
    # What fits in no packet is a refusal.
    with application(answer=typed(alice.code()), rhost="x" * 5000) as app:
        assert app.authenticate() == "AUTHINFO_UNAVAIL"


def test_what_must_be_read_stands_in_a_prompt(alice):
    with application("login", answer=typed(alice.wrong())) as app:
        app.authenticate()
        assert not [text for style, text in app.said if style in (pamapp.TEXT_INFO, pamapp.ERROR_MSG)]
        assert all(text.startswith("\n") for text in app.prompts())


def test_the_code_is_not_left_on_the_stack_as_a_password(alice):
    pamapp.write_service(FOLDER, "stacked", "auth required pam_rollcall.so", "auth required pam_unix.so use_first_pass",
                         "account required pam_permit.so")
    with application("stacked", answer=typed(alice.code())) as app:
        assert app.authenticate() != "SUCCESS"
        assert len(app.prompts()) == 1  # pam_unix found nothing, and asked nothing


def test_no_prompt_of_ours_is_one_that_sudo_replaces(alice):
    with application("sudo", answer=typed(alice.wrong())) as app:
        app.authenticate()
        assert app.prompts()
        assert not [p for p in app.prompts() if p.strip().lower() in ("password:", "alice's password:")]


def test_gdm_sees_plain_prompts_that_are_echoed(alice):
    with application("gdm-password", answer=typed(alice.code())) as app:
        assert app.authenticate() == "SUCCESS"
        assert [style for style, _ in app.said] == [pamapp.ECHO_ON]


def test_cron_answers_nothing_and_is_asked_nothing(staff):
    with application("cron") as app:
        assert app.account(pamapp.SILENT) == "SUCCESS"
        assert app.setcred(pamapp.ESTABLISH | pamapp.SILENT) == "SUCCESS"
        assert app.open_session(pamapp.SILENT) == "SUCCESS"
        assert not app.said


def test_the_module_changes_no_name(alice):
    for name in ("alice", "nobody-here", "ALICE"):
        with application(user=name, answer=typed(alice.wrong())) as app:
            app.authenticate()
            app.account()
            assert app.get(pamapp.USER) == name


def test_the_module_never_sleeps_and_links_libpam_and_libc_alone():
    undefined = subprocess.run(["nm", "-D", "--undefined-only", pamapp.MODULE], capture_output=True, text=True, check=True).stdout
    assert "pam_get_user" in undefined
    assert not [w for w in ("sleep", "usleep", "nanosleep", "clock_nanosleep", "pam_fail_delay", "signal", "sigaction",
                            "pthread_create", "setenv", "getenv") if f" {w}@" in undefined]
    needed = subprocess.run(["readelf", "-d", pamapp.MODULE], capture_output=True, text=True, check=True).stdout
    assert {line.split("[")[1].rstrip("]") for line in needed.splitlines() if "NEEDED" in line} <= {"libpam.so.0", "libc.so.6"}


def test_what_a_caller_says_cannot_forge_a_record(alice, enforcer):
    evil = 'x","event":"login-allowed","user":"root\n{"event":"forged"}\x1b[2J'
    with application(user="alice", answer=typed(alice.wrong()), rhost=evil, tty="t\n") as app:
        app.authenticate()
    with application(user=evil, answer=typed("000000")) as app:
        app.authenticate()

    def records():
        with open("/var/log/rollcall/audit.jsonl", encoding="utf-8") as f:
            return [json.loads(line) for line in f]
    wait.until(lambda: any(r.get("rhost") == evil for r in records()), "the record")
    assert not [r for r in records() if r["event"] in ("forged", "login-allowed") and evil in (r.get("user"), r.get("rhost"))]
    assert not [r for r in records() if r["event"] == "forged"]


# ---- a screen locker ----

def uid(name):
    return int(people.passwd(name)[2])


def test_a_locker_unlocks_as_its_user_with_one_answer(alice, self_socket):
    code = alice.code()

    def work():
        with application("swaylock", answer=lambda style, prompt: code) as app:
            return [app.authenticate(), app.account(), app.setcred(pamapp.REFRESH), len(app.prompts())]
    assert pamapp.run_as(uid("alice"), work) == ["SUCCESS", "SUCCESS", "SUCCESS", 1]


def test_a_locker_that_feeds_one_wrong_answer_to_all_prompts_is_refused(alice, self_socket):
    def work():
        with application("swaylock", answer=lambda style, prompt: "123") as app:
            return [app.authenticate(), app.account(), len(app.prompts())]
    assert pamapp.run_as(uid("alice"), work) == ["AUTH_ERR", "PERM_DENIED", 2]


def test_nobody_asks_about_another_from_a_locker(alice, self_socket):
    code = alice.code()

    def work():
        with application("swaylock", answer=lambda style, prompt: code) as app:
            return [app.authenticate(), app.account(), len(app.prompts())]
    assert pamapp.run_as(uid("bob"), work) == ["AUTH_ERR", "PERM_DENIED", 0]


def test_a_locker_without_the_socket_is_refused_and_does_not_wait(alice):
    # Another test's listener may be there: it is called by its name, so it loses that.
    away = SELF + ".away"
    if os.path.exists(SELF):
        os.rename(SELF, away)

    def work():
        with application("swaylock", answer=typed("000000")) as app:
            return [app.authenticate(), len(app.prompts())]
    try:
        assert pamapp.run_as(uid("alice"), work) == ["AUTHINFO_UNAVAIL", 0]
    finally:
        if os.path.exists(away):
            os.rename(away, SELF)


# ---- people who go away ----

def gone(before):
    wait.until(lambda: not set(verifiers()) - before, "the verifier to be gone", 30)


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["^C", "^D"])
def test_a_key_that_ends_a_program_ends_a_login_at_the_console(alice, key):
    before = set(verifiers())
    session = console.connect("alice")
    session.expect_exact(totp.PROMPT)
    session.send(key)
    session.expect([r"Login incorrect", pexpect.EOF, r"login: "])
    session.close()
    gone(before)


def test_a_window_that_is_closed_in_the_middle_leaves_no_process(alice, staff, sshd):
    before = set(verifiers())
    session = ssh.connect("alice", key=staff[0]["alice"])
    session.expect_exact(totp.PROMPT)
    session.close(force=True)
    gone(before)
    ssh.log_in("alice", (totp.PROMPT, alice.code()), key=staff[0]["alice"]).close()


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_an_application_that_is_ended_in_the_middle_leaves_no_verifier(alice, which):
    before = set(verifiers())
    session = console.connect("alice")
    session.expect_exact(totp.PROMPT)
    os.kill(session.pid, which)
    session.expect(pexpect.EOF)
    session.close()
    gone(before)


def test_a_verifier_that_gets_sigterm_in_the_middle_refuses(alice, staff, sshd):
    before = set(verifiers())
    session = ssh.connect("alice", key=staff[0]["alice"], options=["NumberOfPasswordPrompts=1"])
    session.expect_exact(totp.PROMPT)
    for pid in set(verifiers()) - before:
        os.kill(int(pid), signal.SIGTERM)
    session.sendline(alice.code())
    session.expect("Permission denied|Connection closed")
    session.close()


def test_a_host_that_ignores_sigchld_or_has_a_handler_keeps_it(alice):
    def work():
        out = []
        for handler in (signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(signal.SIGCHLD, handler)
            with application(answer=typed(alice.wrong())) as app:
                out.append(app.authenticate())
            out.append(signal.getsignal(signal.SIGCHLD) == handler)
        return out
    assert pamapp.run_as(0, work) == ["AUTH_ERR", True, "AUTH_ERR", True]


# ---- floods ----

def test_somebody_who_takes_every_place_at_the_self_socket_keeps_no_login_out(alice, staff, sshd, self_socket):
    """What bounds it is the unit's MaxConnections (test_boot_callers.py). Here: root's callers have a
    door of their own."""
    def hold():
        held_open = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(60)]
        for s in held_open:
            s.setblocking(False)
            try:
                s.connect(SELF)
            except BlockingIOError:
                pass
        time.sleep(8)
        return len(held_open)
    flood = pamapp.Child(hold, uid("bob"))
    ssh.log_in("alice", (totp.PROMPT, alice.code()), key=staff[0]["alice"]).close()
    console.log_in("root", ("Password: ", "root-pw")).close()
    os.kill(flood.pid, signal.SIGKILL)
    os.waitpid(flood.pid, 0)


# ---- silence ----

@pytest.mark.parametrize("name", ["quiet", "silent"])
def test_somebody_who_is_silent_for_long_and_then_types_comes_in(staff, silent_ones, name):
    since, sessions = silent_ones
    session, seconds = sessions[name]
    time.sleep(max(0, seconds - (time.monotonic() - since)))
    session.sendline(staff[1][name].code())
    session.shell()
    session.close()
