# SPDX-License-Identifier: BSD-2-Clause
"""The emergency account: a sealed code opens it on the real login, su and sshd, for a while, with
nothing else of rollcall running, never twice, never quietly; nobody else notices its line."""
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import threading

import pytest

import console
import daemons
import door
import pamapp
import ssh
import sudo
import wait
from terminal import Terminal

PROMPT = "Sealed code: "
STATE = "/var/lib/rollcall/breakglass/state"
PROGRAM = "/usr/libexec/rollcall/rollcall-breakglass"
CONF = "/etc/rollcall/conf.d/breakglass.conf"
WAIT, F_OFD_SETLK = 4, 37


def sh(*argv, check=True):
    return subprocess.run(argv, capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL)


def rollcall(*argv):
    got = sh("/usr/bin/rollcall", "breakglass", *argv, "--json", check=False)
    return got.returncode, json.loads(got.stdout)


def configure(**options):
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(CONF, "w", encoding="ascii") as f:
        f.write("[breakglass]\naccount = glass\n" + "".join(f"{k} = {v}\n" for k, v in options.items()))


def seal(n=6, **options):
    """Closed, acknowledged, with fresh codes."""
    configure(**options)
    rollcall("close")
    rollcall("ack", "--yes")
    status, answer = rollcall("seal", "--codes", str(n), "--yes")
    assert status == 0, answer
    return answer["codes"]


def state():
    return rollcall("status")[1]


def opened(code):
    return console.log_in("glass", (PROMPT, code))


def refused(code, *more):
    """On the console: the code is asked for and not taken, and then a password that nobody has."""
    session = console.connect("glass")
    session.answer(PROMPT, code)
    for prompt, text in more:
        session.answer(prompt, text)
    for _ in range(2):
        session.expect_exact("not accepted")
        session.answer(PROMPT, code)
    session.answer("Password: ", "x")
    session.expect_exact("Login incorrect")
    session.close()


@pytest.fixture(scope="module", autouse=True)
def account():
    sh("useradd", "-m", "-s", "/bin/bash", "glass")
    with open("/etc/sudoers.d/glass", "w", encoding="ascii") as f:
        f.write("glass ALL=(ALL) ALL\n")
    yield
    rollcall("close")


def test_it_is_sealed_for_a_local_account_with_a_locked_password_alone():
    configure()
    sh("chpasswd", check=False)
    subprocess.run(["chpasswd"], input="glass:has-one\n", text=True, check=True)
    status, answer = rollcall("seal")
    assert status == 1 and answer["error"] == "password-not-locked"
    sh("passwd", "-d", "glass")
    assert rollcall("seal")[1]["error"] == "password-not-locked"  # an empty one lets everybody in
    subprocess.run(["chpasswd"], input="glass:has-one\n", text=True, check=True)
    sh("usermod", "-L", "glass")
    assert not os.path.exists(STATE)
    status, answer = rollcall("seal")
    assert status == 0 and len(set(answer["codes"])) == 10
    assert os.stat(STATE).st_mode & 0o777 == 0o600 and os.stat(os.path.dirname(STATE)).st_mode & 0o777 == 0o700
    with open(STATE, "rb") as f:
        content = f.read()
    assert not any(code.encode() in content or code.replace("-", "").encode() in content for code in answer["codes"])
    # Another seal is nothing that happens by the way.
    assert rollcall("seal")[1]["error"] == "sealed-already"


def test_a_code_opens_it_on_the_console_with_nothing_else_there_and_not_twice():
    codes = seal()
    away = {"/etc/rollcall": "/etc/rollcall.away", "/usr/libexec/rollcall/rollcall-verifier": "/root/verifier.away",
            "/var/lib/rollcall/cache": "/var/lib/rollcall/cache.away", "/run/rollcall": "/run/rollcall.away"}
    away = {a: b for a, b in away.items() if os.path.exists(a)}
    for a, b in away.items():
        os.rename(a, b)
    try:
        session = opened(codes[0])
        assert session.run("id -un")[1].strip() == "glass"
    finally:
        for a, b in away.items():
            if os.path.exists(a):
                sh("rm", "-rf", a)
            os.rename(b, a)
    assert "Everybody has been told" in session.said()
    now = state()
    assert now["open"] and now["codes_left"] == 5 and now["unacknowledged"] == 1
    # As somebody types: capitals, an o for a zero, spaces.
    refused(codes[0].upper().replace("-", " ").replace("0", "O"))
    assert state()["codes_left"] == 5 and state()["failures"] == 3
    # sudo in the session asks nothing more; nobody else's sudo becomes it.
    status, output = sudo.run(session, "id -u")
    assert status == 0 and output.strip().endswith("0"), output
    session.close()


def test_a_slip_of_the_pen_is_told_and_costs_nothing():
    codes = seal()
    first = codes[0]
    slip = ("1" if first[0] != "1" else "2") + first[1:]
    session = console.connect("glass")
    session.answer(PROMPT, slip)
    session.expect_exact("no sealed code")
    session.answer(PROMPT, first)
    session.shell().close()
    assert state()["codes_left"] == 5 and state()["failures"] == 0


def sshd_that_asks():
    """As docs/operations.md has it: local people's sshd takes keys and passwords, this account's asks."""
    with open("/etc/ssh/sshd_config.d/00-glass.conf", "w", encoding="ascii") as f:
        f.write("Match User glass\n    KbdInteractiveAuthentication yes\n"
                "    AuthenticationMethods publickey keyboard-interactive\nMatch all\n")
    return ssh.Sshd()


def test_without_a_code_nobody_becomes_it():
    seal()
    # By an SSH key, whose service asks for none; by root's su; by cron's account phase.
    key = ssh.Key()
    os.makedirs("/home/glass/.ssh", mode=0o700, exist_ok=True)
    with open("/home/glass/.ssh/authorized_keys", "w", encoding="ascii") as f:
        f.write(key.public + "\n")
    sh("chown", "-R", "glass:", "/home/glass/.ssh")
    server = sshd_that_asks()
    try:
        text, status = ssh.connect("glass", "id", key=key, methods="publickey").rest()
        assert status == 255 and "uid=" not in text
        session = ssh.connect("glass", methods="keyboard-interactive")
        session.expect_exact("assword:")  # sshd asks for no sealed code
        session.close()
        # Open, but no code was typed in this handle.
        console_session = opened(seal()[0])
        text, status = ssh.connect("glass", "id", key=key, methods="publickey").rest()
        assert status == 255 and "uid=" not in text
        console_session.close()
        assert rollcall("close")[0] == 0
    finally:
        server.stop()
    got = sh("su", "-", "glass", "-c", "id", check=False)
    assert got.returncode != 0 and "uid=" not in got.stdout
    with pamapp.Application("cron", "glass") as app:
        assert app.account(pamapp.SILENT) == "PERM_DENIED"


def test_sshd_asks_for_a_code_where_it_is_named():
    codes = seal(services="login, sshd")
    server = sshd_that_asks()
    try:
        session = ssh.log_in("glass", (PROMPT, codes[0]), methods="keyboard-interactive")
        assert session.run("id -un")[1].strip() == "glass"
        session.close()
    finally:
        server.stop()
    event = [e for e in state()["events"] if e["what"] == "opened"][-1]
    assert event["service"] == "sshd" and event["rhost"] == "127.0.0.1"


def assert_is_all_root():
    """Whoever is a process's real user, as the caller of su is, may kill it."""
    for pid in sh("pgrep", "-f", PROGRAM).stdout.split():  # there is one, or pgrep fails
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            assert "Uid:\t0\t0\t0\t0\n" in f.readlines()


def test_su_asks_for_a_code_and_its_caller_cannot_end_what_tells_of_it():
    codes = seal()
    larry = console.log_in("larry", ("Password: ", "local-pw"))
    larry.sendline("su - glass")
    larry.expect_exact(PROMPT)
    assert_is_all_root()
    larry.sendline(codes[1])
    larry.shell()
    assert larry.run("id -un")[1].strip() == "glass"
    assert_is_all_root()  # the watch
    larry.close()


@pytest.fixture
def larrys_cgroup():
    """One that is larry's to freeze and to kill, as those below his user@.service are."""
    top, folder = "/sys/fs/cgroup", f"/sys/fs/cgroup/rollcall-test-{os.getpid()}"
    os.makedirs(top, exist_ok=True)
    sh("mount", "-t", "cgroup2", "none", top)
    os.mkdir(folder)
    for path in [folder] + [f"{folder}/cgroup.{what}" for what in ("procs", "freeze", "kill")]:
        sh("chown", "larry", path)
    yield folder
    with open(folder + "/cgroup.kill", "w", encoding="ascii") as f:
        f.write("1")
    wait.until(lambda: "populated 0" in _read(folder + "/cgroup.events"), "the group to be empty")
    os.rmdir(folder)
    sh("umount", top)


def _read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def test_who_may_kill_a_cgroup_ends_nothing_of_it(larrys_cgroup):
    def programs():
        return set(sh("pgrep", "-f", PROGRAM, check=False).stdout.split())

    codes, before = seal(), programs()
    larry = console.log_in("larry", ("Password: ", "local-pw"))
    with open(larrys_cgroup + "/cgroup.procs", "w", encoding="ascii") as f:
        f.write(larry.run("echo $$")[1])
    larry.sendline("su - glass")
    # Frozen with the file's lock in its hand it would keep everybody's codes out.
    larry.expect_exact(PROMPT)
    assert programs() - before and not programs() & set(_read(larrys_cgroup + "/cgroup.procs").split())
    larry.sendline(codes[1])
    larry.shell()
    sh("runuser", "-u", "larry", "--", "sh", "-c", f"echo 1 >{larrys_cgroup}/cgroup.kill")
    wait.until(lambda: not larry.isalive(), "the session to be gone")
    assert programs() - before  # what tells everybody, and ends it
    assert state()["open"]


def test_its_time_ends_its_sessions_and_shuts_it_with_every_daemon_dead():
    codes = seal(open_for="10s")
    session = opened(codes[0])
    sudo.root_shell(session)
    # What it became by sudo goes too where the kernel keeps the mark of the login; the shell always.
    assert session.gone(60)
    wait.until(lambda: not state()["open"] and state()["events"][-1]["what"] == "closed", "the end to be written down")
    assert state()["events"][-1]["by"] == "time-over"
    assert sh("pgrep", "-u", "glass", check=False).stdout == ""
    with pamapp.Application("sudo", "glass") as app:
        assert app.account(pamapp.SILENT) == "PERM_DENIED"
    wait.until(lambda: sh("pgrep", "-f", PROGRAM, check=False).stdout == "", "no process to be left behind")


def test_close_ends_it_at_once():
    session = opened(seal()[0])
    assert rollcall("close") == (0, {"ok": True, "account": "glass"})
    assert session.gone()
    assert not state()["open"]


def test_the_enforcer_ends_it_where_its_own_process_is_gone_and_records_what_was_done_meanwhile():
    codes = seal(open_for="10s")
    session = opened(codes[0])
    for pid in sh("pgrep", "-f", PROGRAM).stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    enforcer = daemons.Enforcer()
    enforcer.start()
    try:
        assert session.gone(60)
        wait.until(lambda: all(e["recorded"] for e in state()["events"]) and not state()["open"], "everything to be recorded")
    finally:
        enforcer.stop()
    with open("/var/log/rollcall/audit.jsonl", encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    opening = [e for e in events if e["event"] == "breakglass-opened"][-1]
    assert opening["user"] == "glass" and opening["service"] == "login" and opening["code"] == "1"
    assert [e for e in events if e["event"] == "breakglass-closed"][-1]["by"] == "time-over"
    assert sh("rollcall", "audit", "verify").returncode == 0


def test_it_is_an_alarm_until_somebody_else_acknowledges_it():
    opened(seal()[0]).close()
    assert rollcall("close")[0] == 0
    alarms = lambda: [a for a in json.loads(sh("rollcall", "status", "--json", check=False).stdout).get("alarms", [])
                      if "glass" in a]
    syncd = daemons.Syncd()
    syncd.start()
    try:
        assert alarms()
        own = subprocess.run(["rollcall", "breakglass", "ack", "--yes", "--json"], env={**os.environ, "SUDO_USER": "glass"},
                             capture_output=True, text=True, check=False)
        assert own.returncode == 1 and json.loads(own.stdout)["error"] == "own-use"
        assert rollcall("ack")[1]["error"] == "not-asked"
        assert alarms()
        assert rollcall("ack", "--yes")[0] == 0
        assert not alarms()
    finally:
        syncd.stop()


def test_of_many_at_once_with_one_code_exactly_one_comes_in():
    code = seal()[2]
    results = []

    def one():
        def work():
            with pamapp.Application("login", "glass", lambda style, text: code if PROMPT in text else "x", tty="tty1") as app:
                return app.authenticate()
        results.append(pamapp.run_as(0, work))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results.count("SUCCESS") == 1, results
    assert state()["codes_left"] == 5


def test_a_code_is_not_lost_where_others_keep_the_file_busy():
    code = seal()[0]
    held = os.open(STATE, os.O_RDWR)
    fcntl.fcntl(held, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    talk = door.Verifier(PROGRAM).hello()
    talk.login("glass", service="login", tty="tty1")
    kind, said = talk.answer(code)
    assert (kind, said["text"]) == (WAIT, "Other codes are being looked at; wait.")
    os.close(held)
    while kind == WAIT:
        kind, said = talk.receive()
    assert (kind, said["code"]) == (door.RESULT, door.YES)
    talk.close()


def test_a_program_that_is_killed_at_its_prompt_lets_nobody_in_and_burns_nothing():
    code = seal()[0]
    session = console.connect("glass")
    session.expect_exact(PROMPT)
    os.kill(int(sh("pgrep", "-n", "-f", PROGRAM).stdout), signal.SIGKILL)
    session.sendline(code)
    session.answer("Password: ", "x")
    session.expect_exact("Login incorrect")
    session.close()
    assert state()["codes_left"] == 6 and not state()["open"]
    opened(code).close()


AUDIT = "/var/log/rollcall/audit.jsonl"


@pytest.fixture
def hung_audit_log():
    """Whoever writes to it waits for ever: in its place stands a pipe that is full."""
    os.makedirs(os.path.dirname(AUDIT), exist_ok=True)
    if os.path.exists(AUDIT):
        os.rename(AUDIT, AUDIT + ".away")
    os.mkfifo(AUDIT, 0o640)
    pipe = os.open(AUDIT, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            os.write(pipe, b"x" * 4096)
    except BlockingIOError:
        yield
    os.close(pipe)
    os.unlink(AUDIT)
    if os.path.exists(AUDIT + ".away"):
        os.rename(AUDIT + ".away", AUDIT)


def test_a_code_opens_it_while_the_enforcer_hangs_in_its_log_and_is_recorded_later(hung_audit_log):
    codes = seal()
    enforcer = subprocess.Popen(["/usr/sbin/rollcall-enforcer", "--foreground"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def writes():
        with open(f"/proc/{enforcer.pid}/syscall", encoding="ascii") as f:
            return f.read().split()[0] == "1"
    try:
        wait.until(writes, "the enforcer to hang in its log")
        session = opened(codes[0])
        assert session.run("id -un")[1].strip() == "glass"
        session.close()
        now = state()
        assert writes() and now["open"] and now["codes_left"] == 5
        # Nothing is said to be in a log that has not taken it.
        assert not any(e["recorded"] for e in now["events"][-2:])  # sealed, opened
    finally:
        enforcer.kill()
        enforcer.wait()


def test_what_a_hanging_log_did_not_take_is_recorded_once_there_is_one():
    enforcer = daemons.Enforcer()
    enforcer.start()
    try:
        wait.until(lambda: all(e["recorded"] for e in state()["events"]), "everything to be recorded")
    finally:
        enforcer.stop()
    with open(AUDIT, encoding="utf-8") as f:
        assert [e for e in map(json.loads, f) if e["event"] == "breakglass-opened"]
    assert sh("rollcall", "audit", "verify").returncode == 0


@pytest.fixture
def hung_syslog():
    """Whoever writes to it waits for ever: nobody reads it, and it is full."""
    if os.path.exists("/dev/log"):
        os.rename("/dev/log", "/dev/log.away")
    deaf, fill = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    try:
        deaf.bind("/dev/log")
        fill.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                fill.sendto(b"x", "/dev/log")
        yield
    finally:
        deaf.close()
        fill.close()
        os.unlink("/dev/log")
        if os.path.exists("/dev/log.away"):
            os.rename("/dev/log.away", "/dev/log")


def test_a_syslog_that_hangs_holds_up_neither_the_next_try_nor_the_code(request):
    of_before, codes = seal()[0], seal()
    request.getfixturevalue("hung_syslog")
    talk = door.Verifier(PROGRAM).hello()
    assert talk.login("glass", service="login")[0] == door.PROMPT
    kind, got = talk.answer(of_before)
    assert kind == door.PROMPT and "not accepted" in got["text"]
    kind, got = talk.answer(codes[0])
    assert kind == door.RESULT and got["code"] == door.YES
    talk.close()


def opens(pid):
    try:
        return [os.readlink(fd.path) for fd in os.scandir(f"/proc/{pid}/fd")]
    except FileNotFoundError:
        return []  # it ended meanwhile


def left_behind():
    """Processes that wait for a log, and have a place for it."""
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and any("breakglass.aside" in path for path in opens(pid))]


def test_wrong_codes_while_syslog_hangs_leave_few_processes_and_are_all_counted(request):
    tries, most = 20, 8
    of_before, codes = seal()[0], seal()
    request.getfixturevalue("hung_syslog")
    for _ in range(tries):
        talk = door.Verifier(PROGRAM).hello()
        assert talk.login("glass", service="login")[0] == door.PROMPT
        assert talk.answer(of_before)[0] in (door.PROMPT, door.RESULT)  # not accepted, or within a pause
        talk.close()
    assert len(left_behind()) == most
    assert state()["failures"] >= tries - most, "one was neither told nor counted"
    talk = door.Verifier(PROGRAM).hello()
    assert talk.login("glass", service="login")[0] == door.PROMPT
    kind, got = talk.answer(codes[0])
    assert kind == door.RESULT and got["code"] == door.YES
    talk.close()


def root_and_larry_log_in():
    for name, password in (("root", "root-pw"), ("larry", "local-pw")):
        session = console.connect(name)
        session.answer("Password: ", password)
        session.shell()
        assert PROMPT not in session.said()
        session.close()


@pytest.mark.parametrize("wrong", ["sealed", "damaged", "without our program", "without our module"])
def test_root_and_other_local_people_do_not_notice_it(wrong):
    codes = seal()
    path = {"damaged": STATE, "without our program": PROGRAM, "without our module": pamapp.MODULE}.get(wrong)
    if path:
        os.rename(path, path + ".kept")
    if wrong == "damaged":
        with open(STATE, "wb") as f:
            f.write(os.urandom(16384))
        os.chmod(STATE, 0o600)
    try:
        root_and_larry_log_in()
        if wrong != "sealed":
            session = console.connect("glass")
            session.answer("Password: ", codes[0])
            session.expect_exact("Login incorrect")
            session.close()
    finally:
        if path:
            os.rename(path + ".kept", path)


def test_a_file_that_says_root_or_that_others_may_write_opens_nothing():
    codes = seal()
    os.chmod(STATE, 0o660)
    with pamapp.Application("login", "glass", lambda style, text: codes[0]) as app:
        assert app.authenticate() != "SUCCESS"
        assert not any(PROMPT in p for p in app.prompts())
    os.chmod(STATE, 0o600)
    os.rename(STATE, STATE + ".kept")
    os.symlink(STATE + ".kept", STATE)
    with pamapp.Application("login", "glass", lambda style, text: codes[0]) as app:
        assert app.authenticate() != "SUCCESS"
    os.unlink(STATE)
    os.rename(STATE + ".kept", STATE)
    # Another account of the same name, with another uid: not the one that codes were sealed for.
    sh("usermod", "-u", "4242", "glass")
    try:
        with pamapp.Application("login", "glass", lambda style, text: codes[0] if PROMPT in text else "x") as app:
            assert app.authenticate() != "SUCCESS"
            assert not any(PROMPT in p for p in app.prompts()), "it is as any other local one"
            assert app.account(pamapp.SILENT) == "SUCCESS"
    finally:
        sh("usermod", "-u", str(state()["uid"]), "glass")
    os.chmod(STATE, 0o660)
    assert rollcall("seal", "--yes")[0] == 0 and os.stat(STATE).st_mode & 0o777 == 0o600


def test_doctor_says_whether_there_are_codes_and_what_the_password_is():
    seal()

    def found():
        got = json.loads(sh("rollcall", "doctor", "--json", check=False).stdout)
        return {f["id"]: f["severity"] for f in got["findings"] if f["id"].startswith("breakglass")}

    assert found() == {"breakglass-codes": "note"}
    subprocess.run(["chpasswd"], input="glass:a-password\n", text=True, check=True)
    assert found()["breakglass-password"] == "risk"
    sh("usermod", "-L", "glass")
    with open("/etc/pam.d/common-account", encoding="ascii") as f:
        kept = f.read()
    with open("/etc/pam.d/common-account", "w", encoding="ascii") as f:
        f.write("".join(line for line in kept.splitlines(True) if "breakglass" not in line))
    try:
        assert found()["breakglass-not-asked"] == "risk"
    finally:
        with open("/etc/pam.d/common-account", "w", encoding="ascii") as f:
            f.write(kept)
    os.rename(STATE, STATE + ".kept")
    assert found() == {"breakglass-not-sealed": "risk"}
    os.rename(STATE + ".kept", STATE)


def test_the_sheet_for_people_says_how_it_is_used():
    seal()
    session = Terminal("/usr/bin/rollcall", "breakglass", "seal", "--codes", "3")
    session.answer("become worthless. Go on? [y/N] ", "y")
    text, status = session.rest()
    assert status == 0
    assert "Sealed codes of glass on web1" in text and "not shown again" in text
    assert len([line for line in text.splitlines() if line.count("-") == 4]) == 3
