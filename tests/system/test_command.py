# SPDX-License-Identifier: BSD-2-Clause
"""rollcall(8): with no daemon at all, and against a peer at the control socket's door that
answers well, badly, or with what a hostile HR file could hold."""
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import threading

import pexpect
import pytest

from door import packet

SYNCD = "/run/rollcall/syncd.sock"
ENFORCER = "/run/rollcall/enforcer.sock"
AUDIT = "/var/log/rollcall/audit.jsonl"


def rollcall(*args, **more):
    return subprocess.run(["rollcall", *args], capture_output=True, text=True, timeout=60, **more)


def verbs():
    """All that there are but version and help, which have no help of their own."""
    named = [line.split()[0] for line in rollcall("help").stdout.splitlines() if line.startswith("  ")]
    assert "status" in named and "setup" in named
    return [verb for verb in named if verb not in ("version", "help")]


class Door:
    """Listens where a daemon would, and gives each caller the same lines."""
    kind = socket.SOCK_STREAM

    def __init__(self, path, lines, hang=False):
        self.path, self.lines, self.hang = path, lines, hang
        self.asked = []
        self.over = threading.Event()

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, self.kind)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o600)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                try:
                    self.answer(peer)
                except OSError:
                    pass

    def answer(self, peer):
        line = peer.makefile("rb").readline()
        if not line:
            return
        self.asked.append(json.loads(line))
        if self.hang:
            self.over.wait(60)
            return
        for answer in self.lines:
            peer.sendall(answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n")

    def __exit__(self, *_):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        os.unlink(self.path)


# ---- the command line ----


def test_every_verb_tells_its_usage_to_anybody():
    for verb in verbs():
        r = rollcall(verb, "--help", user="larry")
        assert r.returncode == 0, verb
        assert r.stdout.startswith(f"usage: rollcall {verb} ")
        assert rollcall("help", verb).stdout == r.stdout
        assert verb in rollcall("help").stdout


def completed(*words):
    """What bash offers for the last of these words."""
    script = """. /usr/share/bash-completion/completions/rollcall
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rollcall; printf '%s\\n' "${COMPREPLY[@]}" """
    return subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=60, check=True).stdout.split()


def test_completion_knows_every_verb_and_each_of_its_options():
    assert sorted(completed("rollcall", "")) == sorted([*verbs(), "version", "help"])
    for verb in verbs():
        told = set(re.findall(r"--[a-z][a-z-]+", rollcall(verb, "--help").stdout))
        assert set(completed("rollcall", verb, "--")) == told | {"--json", "--help"}, verb


def test_the_manual_page_names_every_verb_and_each_of_its_options():
    page = subprocess.run(["mandoc", "-Tutf8", "/usr/share/man/man8/rollcall.8"], capture_output=True, text=True, timeout=60,
                          check=True).stdout
    page = re.sub(".\b", "", page).replace("\N{HYPHEN}", "-")
    for verb in verbs():
        assert re.search(rf"^ +(rollcall )?{verb}\b", page, re.MULTILINE), verb
        for option in set(re.findall(r"--[a-z][a-z-]+", rollcall(verb, "--help").stdout)):
            assert re.search(rf"(?<![a-z-]){option}(?![a-z-])", page), (verb, option)


def test_a_misspelt_verb_is_a_usage_error_with_a_suggestion():
    r = rollcall("statsu")
    assert r.returncode == 2 and r.stdout == ""
    assert "did you mean 'status'" in r.stderr


@pytest.mark.parametrize("args", [
    [], ["user"], ["user", "a", "b"], ["status", "--why"], ["status", "extra"], ["lock", "a", "--reason"],
    ["lock", "--jsno", "a"], ["expect", "leavers", "10"], ["expect", "leavers", "-1", "--until", "2d"],
    ["expect", "leavers", "4294967297", "--until", "2d"], ["expect", "joiners", "3", "--until", "2d"],
    ["expect", "leavers", "3", "--until", "yesterday"], ["expect", "leavers", "3", "--until", "2001-01-01"],
    ["explain", "R-12"], ["enroll", "totp"], ["enroll", "smell", "alice"], ["enroll", "fido2", "alice", "--replace"],
    ["enroll", "totp", "alice", "--pin"], ["enroll", "fido2", "alice", "--label", "x" * 32], ["explain", "../../etc"], ["audit", "rotate"], ["lock", "a", "--reason", "x" * 201],
])
def test_a_command_line_that_makes_no_sense_exits_2(args):
    r = rollcall(*args)
    assert r.returncode == 2, r
    assert r.stdout == "" and r.stderr
    # A script that reads JSON gets some, whatever was wrong.
    r = rollcall(*args[:1], "--json", *args[1:])
    answer = json.loads(r.stdout)
    assert (r.returncode, answer["ok"], answer["error"]) == (2, False, "usage") and answer["hint"] in r.stderr


def test_people_who_are_not_root_are_told_so():
    for args in (["status"], ["user", "alice"], ["sync"], ["enroll", "totp", "alice"], ["lock", "alice"], ["unlock", "alice"], ["approve"],
                 ["recover"], ["reload"]):
        r = rollcall(*args, user="larry")
        assert r.returncode == 4, args
        assert "only root" in r.stderr
        assert json.loads(rollcall(*args, "--json", user="larry").stdout)["error"] == "not-permitted"


# ---- with no daemon ----


def test_without_syncd_the_verbs_that_need_it_exit_3_and_say_so():
    for args in (["sync"], ["unlock", "alice"], ["approve"], ["approve", "h1"], ["recover"], ["reload"],
                 ["expect", "leavers", "9", "--until", "2d"]):
        r = rollcall(*args)
        assert r.returncode == 3, (args, r)
        assert "rollcall-syncd is not running" in r.stderr
        answer = json.loads(rollcall(*args, "--json").stdout)
        assert answer["ok"] is False and answer["error"] == "not-running" and answer["hint"]


def test_without_syncd_and_cache_status_says_that_nobody_managed_gets_in():
    r = rollcall("status")
    assert r.returncode == 3
    assert "not running" in r.stderr and "/var/lib/rollcall/cache/board" in r.stderr


def test_a_lock_that_cannot_fall_says_that_it_did_not():
    r = rollcall("lock", "alice")
    assert r.returncode != 0
    assert "is locked" not in r.stdout


def test_check_config_needs_no_daemon_and_names_file_and_line(tmp_path):
    assert rollcall("check-config").returncode == 0
    bad = tmp_path / "rollcall.conf"
    bad.write_text("[rollcall]\nmdoe = enforce\n")
    r = rollcall("check-config", "--config", str(bad))
    assert r.returncode == 1
    assert f"{bad}:2: error:" in r.stdout and "mode" in r.stdout
    findings = json.loads(rollcall("check-config", "--config", str(bad), "--json").stdout)
    assert findings["ok"] is False
    assert findings["findings"][0]["line"] == 2
    assert rollcall("check-config", "--config", str(tmp_path / "none")).returncode == 1


# ---- with no daemon, but a cache ----

CACHE = "/var/lib/rollcall/cache/"


@pytest.fixture
def four_people():
    """alice may come in, bob's time is over, carol is not allowed here, dave is locked."""
    subprocess.run([os.environ.get("BUILD", "build") + "/tests/tools/four_people", CACHE + "board", CACHE + "private"],
                   check=True, timeout=60)
    yield
    os.unlink(CACHE + "board")
    os.unlink(CACHE + "private")


def admitted(name):
    return json.loads(rollcall("user", name, "--json").stdout)["admission"]["cause"]


def test_status_and_user_answer_from_the_cache_and_say_that_syncd_is_dead(four_people):
    r = rollcall("status", "--json")
    assert r.returncode == 3 and "not running" in r.stderr
    status = json.loads(r.stdout)
    assert status["syncd"] == "not-running" and status["generation"] == 7
    assert status["people"] == {"total": 4, "active": 2, "locked": 1, "terminated": 1}
    assert "hr" in rollcall("status").stdout
    assert [admitted(n) for n in ("alice", "bob", "carol", "dave")] == ["admitted", "ended", "not-allowed-here", "state"]
    r = rollcall("user", "alice", "--why")
    assert r.returncode == 0 and "not running" in r.stderr and "\x1b" not in r.stdout
    r = rollcall("user", "alcie")
    assert r.returncode == 5 and "did you mean: alice" in r.stderr


def test_a_slip_at_the_beginning_of_a_name_is_seen_with_syncd_running_too(four_people):
    unknown = {"ok": False, "error": "unknown-user", "hint": "there is nobody of this name", "similar": []}
    for verb in ("user", "lock", "unlock"):
        with Door(SYNCD, [unknown]):
            r = rollcall(verb, "laice")
            assert r.returncode == 5 and "did you mean: alice" in r.stderr
    with Door(SYNCD, [unknown]):
        assert json.loads(rollcall("user", "laice", "--json").stdout)["similar"] == ["alice"]


def test_a_lock_falls_with_every_daemon_dead_and_says_that_it_must_be_repeated(four_people):
    assert admitted("alice") == "admitted"
    r = rollcall("lock", "alice")
    assert r.returncode == 0, r
    assert "alice is locked" in r.stdout
    assert "does not outlive" in r.stderr and "rollcall-enforcer is not running" in r.stderr
    assert admitted("alice") == "state"
    assert admitted("carol") == "not-allowed-here"  # nobody else is touched
    again = json.loads(rollcall("lock", "alice", "--json").stdout)
    assert again["ok"] is True and again["durable"] is False and again["state"] == "locked"


def test_a_lock_with_syncd_dead_rings_the_enforcer(four_people):
    with Door(ENFORCER, [{"ok": True}]) as door:
        r = rollcall("lock", "alice", "--json")
        assert json.loads(r.stdout)["sessions"] == "ending"
        assert [q["do"] for q in door.asked] == ["ring"]


def test_a_lock_of_a_stranger_or_a_local_user_changes_nothing(four_people):
    with open(CACHE + "board", "rb") as board:
        before = board.read()
    for name in ("larry", "root", "nobody-of-ours", "\x1b[2J"):
        r = rollcall("lock", name)
        assert r.returncode == 5, name
        assert "\x1b" not in r.stderr
    with open(CACHE + "board", "rb") as board:
        assert board.read() == before


def test_a_dry_run_locks_nobody_and_shows_what_would_go(four_people):
    r = rollcall("lock", "alice", "--dry-run")
    assert r.returncode == 3 and "rollcall-enforcer does not answer" in r.stderr
    shell = {"pid": 4711, "command": "bash\x1b[2J", "tty": "pts/3", "why": "session scope"}
    with Door(ENFORCER, [{"ok": True, "ends": [shell], "stays": [dict(shell, command="cron")]}]) as door:
        r = rollcall("lock", "alice", "--dry-run")
        assert r.returncode == 0 and "4711" in r.stdout and "would stay" in r.stdout and "\x1b" not in r.stdout
        assert door.asked[0]["do"] == "dry-run" and door.asked[0]["uid"] == 1879048292
    with Door(ENFORCER, [{"ok": True, "ends": [], "stays": []}]):
        assert "nothing of alice runs here" in rollcall("lock", "alice", "--dry-run").stdout
    assert admitted("alice") == "admitted"


def test_giving_back_needs_syncd(four_people):
    rollcall("lock", "alice")
    assert rollcall("unlock", "alice").returncode == 3
    assert admitted("alice") == "state"


# ---- at the control socket's door ----

STATUS = {"ok": True, "mode": "enforce", "generation": 12, "people": {"total": 1204, "active": 1200, "locked": 4},
          "sources": [{"name": "hr", "state": "idle", "rows": 1204, "late": False}], "held": [], "alarms": [],
          "recovery": False}


def test_status_is_0_when_all_is_well_and_1_when_something_is_not():
    with Door(SYNCD, [STATUS]) as door:
        r = rollcall("status")
        assert r.returncode == 0, r
        assert "1,204" in r.stdout and r.stderr == ""
        assert door.asked[0]["do"] == "status" and door.asked[0]["by"]
    for trouble in ({"alarms": ["hr is late"]}, {"recovery": True}, {"held": [{"id": "h1"}]},
                    {"sources": [{"name": "hr", "state": "failed"}]}, {"sources": [{"name": "hr", "late": True}]},
                    {"sources": [{"name": "hr", "state": "idle", "lease_ends": 1000}]}):
        with Door(SYNCD, [STATUS | trouble]):
            assert rollcall("status").returncode == 1, trouble
            r = rollcall("status", "--json")
            assert r.returncode == 1 and json.loads(r.stdout)["syncd"] == "running"


def test_status_says_that_a_configuration_is_wrong_before_the_next_start_does():
    conf = "/etc/rollcall/conf.d/50-typo.conf"
    os.makedirs(os.path.dirname(conf), exist_ok=True)
    with open(conf, "w", encoding="ascii") as f:
        f.write("[mfa]\nfactrs = totp\n")
    try:
        with Door(SYNCD, [STATUS]):
            r = rollcall("status", "--json")
            alarms = json.loads(r.stdout)["alarms"]
            assert r.returncode == 1 and any(f"{conf}:2: " in a and 'did you mean "factors"' in a for a in alarms), alarms
    finally:
        os.unlink(conf)


@pytest.mark.parametrize("lines", [
    [b""], [b"no json\n"], [b"[1,2]\n"], [b'{"ok": true'], [b"\x00\xff\n"], [b'{"ok":true,"ok":false}\n'],
    [b"x" * (5 * 1024 * 1024)], [b'{"progress": {}}\n'],
])
def test_an_answer_that_makes_no_sense_is_a_problem_and_never_a_yes(lines):
    with Door(SYNCD, lines):
        for args in (["status"], ["lock", "alice"], ["approve", "h1"], ["sync"]):
            r = rollcall(*args)
            assert r.returncode == 1, (args, r)
            assert "is locked" not in r.stdout and "approved" not in r.stdout


def test_a_syncd_that_hangs_is_given_up_on():
    with Door(SYNCD, [], hang=True):
        r = rollcall("approve", "h1")
        assert r.returncode == 3
        assert "did not answer" in r.stderr


def test_members_of_other_types_than_the_door_says_do_no_harm():
    odd = {"ok": True, "people": 7, "sources": {"a": 1}, "held": "x", "alarms": [3, None], "mode": 5,
           "generation": "y"}
    with Door(SYNCD, [odd]):
        assert rollcall("status").returncode in (0, 1)
    with Door(SYNCD, [{"ok": True, "user": 3, "uid": "x", "sources": [1], "changes": [None], "groups": 4,
                       "admin_lock": "x", "state": None}]):
        assert rollcall("user", "alice", "--why").returncode == 0


def test_a_name_from_hr_cannot_steer_the_terminal():
    person = {"ok": True, "user": "eve", "display_name": "Eve\x1b]0;owned\x07\u202e\u009b2J", "uid": 1879048999,
              "gid": 1879048999, "state": "active", "reason": "employed", "groups": ["a\x1b[2J"],
              "sources": [{"source": "hr", "where": "people.csv:1\x1b[2J", "status": "active"}]}
    with Door(SYNCD, [person]):
        r = rollcall("user", "eve", "--why")
        assert r.returncode == 0
        assert "\x1b" not in r.stdout and "\x07" not in r.stdout and "\u202e" not in r.stdout
        assert "Eve\\x1b]0;owned\\x07" in r.stdout
        asjson = rollcall("user", "eve", "--json")
        assert asjson.stdout.isascii() and "\x1b" not in asjson.stdout
        assert json.loads(asjson.stdout)["display_name"] == person["display_name"]
    with Door(SYNCD, [{"ok": False, "error": "refused", "hint": "no\x1b[2J"}]):
        assert "\x1b" not in rollcall("unlock", "eve").stderr


def test_an_unknown_name_exits_5_and_earns_a_suggestion():
    with Door(SYNCD, [{"ok": False, "error": "unknown-user", "hint": "there is no alcie", "similar": ["alice"]}]):
        r = rollcall("user", "alcie")
        assert r.returncode == 5
        assert "did you mean: alice" in r.stderr


def test_a_lock_says_that_sessions_go_on_when_the_enforcer_is_dead():
    locked = {"ok": True, "user": "alice", "uid": 1879048999, "state": "locked", "was": "active"}
    with Door(SYNCD, [locked]) as door:
        r = rollcall("lock", "alice", "--reason", "ticket 4711")
        assert r.returncode == 0
        assert "alice is locked" in r.stdout and "rollcall-enforcer is not running" in r.stderr
        assert door.asked[0]["reason"] == "ticket 4711"
        with Door(ENFORCER, [{"ok": True}]):
            r = rollcall("lock", "alice", "--json")
            assert r.returncode == 0 and r.stderr == ""
            assert json.loads(r.stdout)["sessions"] == "ending"


def test_approve_without_an_id_lists_what_is_held_and_changes_nothing():
    held = {"id": "h7", "kind": "missing", "source": "hr", "people": 40, "names": ["ann", "ben"], "since": 1795521600,
            "why": "40 people are missing, the limit is 24"}
    with Door(SYNCD, [STATUS | {"held": [held]}]) as door:
        r = rollcall("approve")
        assert r.returncode == 0
        assert "h7" in r.stdout and "ann, ben, ..." in r.stdout and "the limit is 24" in r.stdout
        assert json.loads(rollcall("approve", "--json").stdout)["held"] == [held]
        assert {q["do"] for q in door.asked} == {"status"}


def test_expect_reads_a_date_to_its_end_in_the_companys_zone():
    with Door(SYNCD, [{"ok": True, "n": 120, "until": 4102441200}]) as door:
        assert rollcall("expect", "leavers", "120", "--until", "2099-12-31").returncode == 0
        assert door.asked[0] == {"do": "expect-leavers", "by": door.asked[0]["by"], "n": 120,
                                 "until": 4102441200}  # midnight in Berlin, 23:00 UTC


def test_a_source_name_that_cannot_be_said_never_becomes_all_sources():
    with Door(SYNCD, [{"ok": True, "sources": []}]) as door:
        r = subprocess.run([b"rollcall", b"sync", b"\xff"], capture_output=True, timeout=60)
        assert r.returncode == 2 and door.asked == []


SYNC = [{"progress": {"source": "hr", "phase": "reading", "done": 500, "total": 1000}},
        {"ok": True, "sources": [{"source": "hr", "result": "committed", "rows": 1000, "skipped": 1, "added": 3,
                                  "changed": 2, "gone": 0, "problem": "people.csv:17: no employeeNumber"}]}]


def test_progress_and_colour_are_for_a_terminal_only():
    with Door(SYNCD, SYNC):
        piped = rollcall("sync")
        assert piped.returncode == 0
        assert "\x1b" not in piped.stdout and "\r" not in piped.stdout and "50 %" not in piped.stdout
        assert "people.csv:17" in piped.stderr
        seen = pexpect.run("rollcall sync", env=os.environ | {"TERM": "xterm"}).decode()
        assert " 50 %" in seen and "500 of 1,000" in seen and "\x1b[32m" in seen
        plain = pexpect.run("rollcall sync", env=os.environ | {"TERM": "xterm", "NO_COLOR": "1"}).decode()
        assert " 50 %" in plain and "\x1b[32m" not in plain
        quiet = pexpect.run("rollcall sync --json", env=os.environ | {"TERM": "xterm"}).decode()
        assert " 50 %" not in quiet


def test_an_answer_that_could_not_be_written_is_no_success():
    with Door(SYNCD, [STATUS]), open("/dev/full", "w") as full:
        assert subprocess.run(["rollcall", "status"], stdout=full, stderr=subprocess.DEVNULL, timeout=60).returncode == 1


# ---- enrolment, at the verifier's door ----

URI = "otpauth://totp/web1:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=web1"


class VerifierDoor(Door):
    """The same over packets: a hello, then one answer."""
    kind = socket.SOCK_SEQPACKET

    def answer(self, peer):
        peer.send(packet(1))
        question = peer.recv(4096)
        if question:
            self.asked.append(question)
            peer.send(self.lines)


VERIFIER = "/run/rollcall/verifier.sock"


def test_enrolment_shows_a_picture_and_the_link_and_as_json_exactly_two_members():
    with VerifierDoor(VERIFIER, packet(3, code=0, text=URI)) as door:
        r = rollcall("enroll", "totp", "alice")
        assert r.returncode == 0, r
        assert URI in r.stdout and "\u2588" in r.stdout and "\x1b" not in r.stdout
        assert door.asked[0][4] == 18 and b"alice" in door.asked[0]
        r = rollcall("enroll", "totp", "alice", "--replace", "--json")
        assert json.loads(r.stdout) == {"user": "alice", "uri": URI}
        assert door.asked[0][-8:] == bytes(8) and door.asked[1][-8:] == struct.pack("=q", 1)
        seen = pexpect.run("rollcall enroll totp alice", env=os.environ | {"TERM": "xterm"}).decode()
        assert "\x1b[38;5;16;48;5;231m" in seen and URI in seen


@pytest.mark.parametrize("answer,code,word", [
    (packet(3, code=1), 1, "refused"), (packet(3, code=2), 5, "unknown-user"), (packet(3, code=3), 1, "enrolled"),
    (packet(3, code=5), 1, "not-now"), (packet(3, code=9), 1, "internal"), (packet(3), 1, "internal"),
    (packet(3, code=0), 1, "internal"), (packet(1), 1, "internal"), (b"rubbish", 1, "internal"),
    (packet(3, code=0, text="otpauth://totp/a\x1b[2J"), 1, "protocol"),
    (packet(3, code=0, text='otpauth://totp/a","x":"'), 1, "protocol"),
    (packet(3, code=0, text="https://example.com/"), 1, "protocol"),
])
def test_an_enrolment_that_was_not_one_is_told_apart(answer, code, word):
    with VerifierDoor(VERIFIER, answer):
        r = rollcall("enroll", "totp", "alice", "--json")
        assert r.returncode == code, r
        assert json.loads(r.stdout)["error"] == word
        assert "://" not in r.stdout


def test_a_name_that_cannot_be_one_never_reaches_the_verifier():
    with VerifierDoor(VERIFIER, packet(3, code=0, text=URI)) as door:
        for name in ("root", "../x", "a b", 'a"b', "x" * 300):
            assert rollcall("enroll", "totp", name).returncode == 5
        assert door.asked == []


def test_why_tells_the_second_factor_and_what_it_could_not_learn():
    person = {"ok": True, "user": "alice", "state": "active", "reason": "employed"}
    facts = {"code": 0, "totp": 1, "recovery": 8, "password": 1, "access": 0, "failures": 3, "inside": 1, "off": 0,
             "until": 4102441200}
    with Door(SYNCD, [person]):
        with VerifierDoor(VERIFIER, packet(3, **facts)):
            r = rollcall("user", "alice", "--why")
            assert "totp, 8 recovery codes" in r.stdout and "3 in a row" in r.stdout and "throttled" in r.stdout
            told = json.loads(rollcall("user", "alice", "--why", "--json").stdout)["enrolment"]
            assert told == {"totp": True, "keys": [], "vouched": [], "recovery_codes": 8, "password": "local",
                            "access_code_until": 0, "failures": 3, "failures_inside": 1, "off": [], "throttled_until": 4102441200}
        with VerifierDoor(VERIFIER, packet(3, **facts | {"off": 9, "until": 2 ** 63 - 1})):
            assert "totp, password: failed 100 times in a row" in rollcall("user", "alice", "--why").stdout
        with VerifierDoor(VERIFIER, packet(3, code=0, totp=1, failures=-1, until=0)):
            assert "could not be asked" in rollcall("user", "alice", "--why").stdout
        with VerifierDoor(VERIFIER, b"rubbish"):
            assert "could not be asked" in rollcall("user", "alice", "--why").stdout


# ---- the audit log ----


def write_log(records, path=AUDIT, chain="0" * 64):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as log:
        for record in records:
            body = json.dumps(record, separators=(",", ":"))[:-1]
            chain = hashlib.sha256(chain.encode() + body.encode()).hexdigest()
            log.write(f'{body},"chain":"{chain}"}}\n')
    return chain


@pytest.fixture
def audit_log():
    refused = {"seq": 1, "at": "2026-11-24T12:00:00.000000Z", "event": "login-refused", "ref": "R-7F3K92", "user": "bob",
               "service": "sshd", "rhost": "203.0.113.7", "cause": "ended", "state": "terminated", "reason": "end-date"}
    chain = write_log([refused], AUDIT + ".1")
    write_log([{"seq": 2, "event": "lock", "user": "bob"}, {"seq": 3, "event": "unlock", "user": "bob"}], AUDIT, chain)
    yield AUDIT
    os.unlink(AUDIT)
    os.unlink(AUDIT + ".1")


def test_explain_finds_a_reference_in_a_rotated_log_and_says_the_cause(audit_log):
    r = rollcall("explain", "r-7f3k92")
    assert r.returncode == 0, r
    assert "bob" in r.stdout and "the last day is over" in r.stdout and "203.0.113.7" in r.stdout
    assert json.loads(rollcall("explain", "R-7F3K92", "--json").stdout)["cause"] == "ended"
    r = rollcall("explain", "R-000000")
    assert r.returncode == 5 and r.stdout == ""


def test_audit_verify_holds_over_files_and_names_the_line_that_does_not(audit_log):
    r = rollcall("audit", "verify", "--json")
    assert r.returncode == 0, r
    assert json.loads(r.stdout) == {"ok": True, "records": 3, "files": 2, "first_seq": 1, "last_seq": 3}
    with open(AUDIT, encoding="utf-8") as log:
        text = log.read()
    with open(AUDIT, "w", encoding="utf-8") as log:
        log.write(text.replace('"lock"', '"luck"'))
    r = rollcall("audit", "verify")
    assert r.returncode == 1 and f"{AUDIT}:1:" in r.stderr


def test_the_manual_pages_are_installed():
    for page in ("rollcall", "pam_rollcall", "rollcall-syncd", "rollcall-enforcer", "rollcall-source-csv",
                 "rollcall-source-ldap", "rollcall-source-pingone"):
        assert os.path.exists(f"/usr/share/man/man8/{page}.8"), page


def test_the_example_in_the_page_of_the_configuration_is_right(tmp_path):
    with open("/usr/share/man/man5/rollcall.conf.5", encoding="utf-8") as page:
        text = page.read()
    for option in ("mode", "timezone", "allow_groups", "lease"):
        assert f"\\fB{option}\\fR" in text
    example = text.split(".RS 4\n")[1].split(".RE")[0].replace("\\-", "-")
    conf = tmp_path / "rollcall.conf"
    conf.write_text(example)
    r = rollcall("check-config", "--config", str(conf))
    assert r.returncode == 0 and "warning" not in r.stdout, r
