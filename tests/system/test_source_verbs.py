# SPDX-License-Identifier: BSD-2-Clause
"""rollcall source show, run, test and add: beside the real csv source, and a program of a
company's own that says whom it leaves out, risks, and what is known of this machine."""
import json
import os
import stat
import subprocess

import pexpect
import pytest

import daemons
import ldapd
import people
import wait

SCRIPT = "/usr/local/libexec/idp"
CONF = "/etc/rollcall/conf.d/50-idp.conf"
# Says what stands in LISTING, a line each, and what it was asked on standard error.
PROGRAM = """#!/usr/bin/python3
import json, os, sys
q = json.loads(sys.stdin.readline())
if q.get("trace"):
    print("GET https://idp.example/Users 200", file=sys.stderr, flush=True)
if q.get("test") and os.path.exists("/srv/idp-knows-test"):
    print(open("/srv/idp-knows-test").read(), flush=True)
    sys.exit(0)
print(open("/srv/idp-listing").read(), flush=True)
if not q["once"]:
    sys.stdin.read()
"""


def rollcall(*args, **more):
    return subprocess.run(["rollcall", *args], capture_output=True, text=True, timeout=60, **more)


def user(number, name, **ours):
    return {"op": "user", "user": {
        "id": "u" + number, "userName": name, "groups": [{"value": "linux-users"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": number},
        "urn:rollcall:1.0:User": {"status": "active", **ours}}}


def dropped(number, reason="guest", name=None):
    return {"op": "dropped", "id": "u" + number, "reason": reason, "name": name}


TIME = [1790000000]


def listing(*lines):
    TIME[0] += 60
    as_of = subprocess.run(["date", "-u", "-d", f"@{TIME[0]}", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True,
                           check=True).stdout.strip()
    rows = sum(line["op"] == "user" for line in lines)
    all_lines = [{"op": "begin", "mode": "full", "as_of": as_of}, *lines,
                 {"op": "commit", "cursor": as_of, "rows": rows}]
    with open("/srv/idp-listing", "w", encoding="utf-8") as f:
        f.write("\n".join(json.dumps(line) for line in all_lines))
    os.chmod("/srv/idp-listing", 0o644)


@pytest.fixture(autouse=True)
def two_sources():
    os.makedirs(os.path.dirname(SCRIPT), exist_ok=True)
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(SCRIPT, "w", encoding="utf-8") as f:
        f.write(PROGRAM)
    os.chmod(SCRIPT, 0o755)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[source idp]\ntype = exec\nrole = directory, signal\ncommand = {SCRIPT}\npoll = 1h\n")
    if not os.path.exists(people.PATH):
        people.write([people.person("1", "alice"), people.person("2", "bob")])
    if os.path.exists("/srv/idp-knows-test"):
        os.unlink("/srv/idp-knows-test")
    yield


def state_of_rollcall():
    """What a verb that changes nothing must leave as it is."""
    found = {}
    for folder in ("/etc/rollcall", "/var/lib/rollcall", "/run/rollcall"):
        for at, _, files in os.walk(folder):
            for name in files:
                path = os.path.join(at, name)
                found[path] = (os.stat(path).st_mtime_ns, os.stat(path).st_size)
    return found


def ask(*args):
    got = rollcall(*args, "--json")
    assert got.returncode == 0, got.stdout + got.stderr
    return json.loads(got.stdout)


def test_whom_a_source_leaves_out_is_counted_listed_and_refused_with_the_reason():
    listing(user("1", "alice", risk="high"), user("2", "bob"), dropped("9", "customer", "Eve \x1b[31m"))
    syncd = daemons.Syncd().start()
    try:
        syncd.logs("listing-accepted source=hr")
        wait.until(lambda: json.loads(rollcall("user", "bob", "--json").stdout).get("state") == "active", "two people")
        assert ask("user", "alice")["risk"] == "high"
        assert "risk        high, says idp" in rollcall("user", "alice").stdout
        listing(user("1", "alice", risk="compromised"), dropped("2"), dropped("9", "customer", "Eve"),
                {"op": "device", "compliant": False, "managed": True})
        assert rollcall("sync", "idp").returncode == 0
        why = rollcall("user", "bob", "--why").stdout
        assert "a guest of another organisation" in why, why
        assert ask("user", "bob")["reason"] == "dropped"
        alice = ask("user", "alice")
        assert (alice["state"], alice["reason"]) == ("locked", "signal")
        shown = rollcall("source", "show", "idp").stdout
        for text in ("command", "guest: a guest of another organisation", "customer: a customer", "u9  Eve", "compromised 1",
                     "NOT compliant managed"):
            assert text in shown, f"{text!r} is not in:\n{shown}"
        assert "\x1b" not in shown
        answer = ask("source", "show", "idp")
        assert answer["dropped"]["total"] == 2 and answer["risk"] == {"compromised": 1}
        assert answer["section"]["type"] == "exec"
        listed = rollcall("source", "show", "idp", "--dropped", "--json").stdout.splitlines()
        assert [json.loads(line)["id"] for line in listed] == ["u2", "u9"]
        assert "NOT compliant" in rollcall("status").stdout
        listing(user("1", "alice"), user("2", "bob"))
        assert rollcall("sync", "idp").returncode == 0
        assert ask("user", "bob")["state"] == "active" and ask("user", "alice")["state"] == "active"
    finally:
        syncd.stop()


def test_run_says_what_the_source_says_and_changes_nothing():
    listing(user("1", "alice"), dropped("9"), {"op": "problem", "text": "a bad row", "where": "idp:3", "id": "u7"})
    before = state_of_rollcall()
    got = rollcall("source", "run", "idp", "--trace")
    assert got.returncode == 0, got.stdout + got.stderr
    assert "1 people, 0 groups, 1 left out on purpose, 1 problems: a whole listing" in got.stdout
    assert "idp:3: left out: a bad row" in got.stdout
    assert "GET https://idp.example/Users 200" in got.stderr
    raw = rollcall("source", "run", "idp", "--json")
    assert [json.loads(line)["op"] for line in raw.stdout.splitlines() if line] == \
        ["begin", "user", "dropped", "problem", "commit"]
    assert "GET" not in raw.stderr
    assert state_of_rollcall() == before
    hr = rollcall("source", "run", "hr")
    assert hr.returncode == 0 and "2 people" in hr.stdout, hr.stdout + hr.stderr


def test_run_starts_the_source_behind_the_launchers_walls():
    with open(SCRIPT, "w", encoding="utf-8") as f:
        f.write("""#!/usr/bin/python3
import os, sys
sys.stdin.readline()
print(os.getuid(), sorted(os.listdir("/proc/self/fd")), open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0],
      os.environ.get("SECRET"), file=sys.stderr)
readers = [os.stat("/proc/" + p).st_uid for p in os.listdir("/proc") if p.isdigit() and
           open(f"/proc/{p}/comm").read().strip() == "rollcall"]
print("read by", sorted(readers), file=sys.stderr)
try:
    os.kill(os.getppid(), 0)
except PermissionError:
    print("no signals", file=sys.stderr)
sys.exit(3)
""")
    got = rollcall("source", "run", "idp", env={**os.environ, "SECRET": "x"})
    uid = int(subprocess.run(["id", "-u", "rollcall-source"], capture_output=True, text=True, check=True).stdout)
    assert f"{uid} ['0', '1', '2', '3'] 1 None" in got.stderr, got.stderr
    assert "no signals" in got.stderr
    engine = int(subprocess.run(["id", "-u", "rollcall"], capture_output=True, text=True, check=True).stdout)
    assert f"read by {sorted([0, engine])}" in got.stderr, "root waits, and reads nothing of what a source says"
    assert got.returncode == 1 and "exited with 3" in got.stderr


def test_files_and_credentials_are_handed_over_and_a_secret_that_others_can_read_is_not():
    with open(SCRIPT, "w", encoding="utf-8") as f:
        f.write("""#!/usr/bin/python3
import json, os, sys
files = json.loads(sys.stdin.readline())["section"]["files"]
print({name: open(f"/proc/self/fd/{fd}").readline().strip() for name, fd in files.items()}, file=sys.stderr)
""")
    os.makedirs("/run/creds", exist_ok=True)
    for path in ("/run/creds/idp-key", "/srv/idp-secret"):
        with open(path, "w", encoding="ascii") as f:
            f.write(f"of {path}\nmore\n")
        os.chmod(path, 0o400)
    with open(CONF, "a", encoding="ascii") as f:
        f.write("credential = idp-key\nsecret_file = /srv/idp-secret\n")
    where = {**os.environ, "CREDENTIALS_DIRECTORY": "/run/creds"}
    got = rollcall("source", "run", "idp", env=where)
    assert "{'secret_file': 'of /srv/idp-secret', 'credential': 'of /run/creds/idp-key'}" in got.stderr, got.stderr
    os.chmod("/run/creds/idp-key", 0o440)
    got = rollcall("source", "run", "idp", env=where)
    assert got.returncode == 1 and "credential idp-key: is a secret, and others than root can read it" in got.stderr
    os.chmod("/run/creds/idp-key", 0o400)
    os.chmod("/srv/idp-secret", 0o644)
    got = rollcall("source", "test", "idp", env=where)
    assert got.returncode == 1 and "secret_file /srv/idp-secret: is a secret" in got.stdout


@pytest.mark.parametrize("says, words", [
    ("sys.exit(1)", "exited with 1"), ("print('hello')", "does not speak the source protocol"),
    ("sys.stderr.buffer.write(b'caf\\xe9\\n'); sys.exit(1)", "exited with 1"),
    ("print('x' * 300000)", "longer than 256 KiB"), ("time.sleep(600)", "nothing for longer than its timeout")])
def test_run_and_test_say_what_is_wrong_with_a_source(says, words):
    with open(SCRIPT, "w", encoding="utf-8") as f:
        f.write("#!/usr/bin/python3\nimport sys, time\nsys.stdin.readline()\n" + says + "\n")
    with open(CONF, "a", encoding="ascii") as f:
        f.write("timeout = 1s\n")
    got = rollcall("source", "run", "idp")
    assert got.returncode == 1 and words in got.stderr, got.stdout + got.stderr
    assert rollcall("source", "test", "idp").returncode == 1


def test_what_a_source_says_steers_no_terminal():
    listing(user("1", "alice", department="\x9b2J\x1b[2J"), dropped("9", name="\u202eeve"))
    with open("/srv/idp-listing", encoding="utf-8") as f:
        lines = [json.dumps(json.loads(line), ensure_ascii=False) for line in f]
    with open("/srv/idp-listing", "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n\x1b]0;not a message\x07\n")
    assert "\x9b" in "".join(lines)
    for verb in ("run", "test"):
        for more in ([], ["--json"]):
            got = rollcall("source", verb, "idp", *more)
            assert got.returncode == 1 and not set(got.stdout + got.stderr) & set("\x9b\x1b\x07\u202e"), got
    said = [json.loads(line) for line in rollcall("source", "run", "idp", "--json").stdout.splitlines()]
    assert said == [json.loads(line) for line in lines]


def test_a_refusal_in_long_words_of_another_alphabet_fails_a_test_too():
    listing(user("1", "alice"), {"op": "problem", "whole": True, "text": "x" + "я" * 400, "where": "я" * 101})
    got = rollcall("source", "test", "idp", "--json")
    answer = json.loads(got.stdout)
    assert got.returncode == 1 and not answer["ok"] and answer["findings"][0]["level"] == "error", answer


def test_test_shows_people_as_they_would_look_and_why_some_would_have_no_account():
    people.write([people.person("1", "alice", groups="linux-users;linux-admins"), people.person("2", "Bob"),
                  people.person("3", "root"), people.person("4", "dora", status="terminated", terminatedAt="2026-01-02T03:04:05Z"),
                  people.person("5", "nobody", email="")])
    before = state_of_rollcall()
    got = rollcall("source", "test", "hr")
    assert got.returncode == 0, got.stdout + got.stderr
    answer = ask("source", "test", "hr")
    assert state_of_rollcall() == before
    assert [(p["name"], p["state"], p["groups"]) for p in answer["people"]] == \
        [("alice", "active", "linux-users, linux-admins"), ("dora", "terminated", "linux-users")]
    assert {p["name"] for p in answer["refused"]} == {"Bob", "root", "nobody"}
    assert all(p["refused"] for p in answer["refused"])
    assert answer["coverage"]["email"] == 4 and answer["coverage"]["userName"] == 5 and answer["seen"] == 5
    assert {f["what"] for f in answer["findings"]} >= {"listing", "names"}
    people.write([people.person("1", "alice"), people.person("2", "bob")])


def test_test_shows_the_sources_own_findings_and_fails_where_one_is_an_error():
    with open("/srv/idp-knows-test", "w", encoding="utf-8") as f:
        f.write("\n".join(json.dumps(line) for line in [
            {"op": "finding", "level": "ok", "what": "clock", "text": "it is right"},
            {"op": "finding", "level": "error", "what": "permission", "text": "User.Read.All is missing: grant it"},
            user("1", "alice"), {"op": "members", "group": "g1", "values": ["u1"]},
            {"op": "group", "group": {"id": "g1", "displayName": "platform"}}]))
    os.chmod("/srv/idp-knows-test", 0o644)
    got = rollcall("source", "test", "idp")
    assert got.returncode == 1
    assert "User.Read.All is missing: grant it" in got.stdout and "alice" in got.stdout
    answer = json.loads(rollcall("source", "test", "idp", "--json").stdout)
    assert answer["people"][0]["groups"] == "linux-users, platform"
    assert answer["ok"] is False and [f["level"] for f in answer["findings"]] == ["ok", "error"]


def test_test_reads_a_directory_once_and_says_when_its_password_is_wrong():
    ca = ldapd.Ca()
    slapd = ldapd.Slapd(ca).load(ldapd.person("alice"), ldapd.person("root"), ldapd.group("platform", ["alice"])).start()
    try:
        with open(CONF, "w", encoding="ascii") as f:
            f.write(f"[source idp]\ntype = ldap\nrole = directory\nschema = rfc2307bis\nuri = {slapd.ldaps}\nbase = {ldapd.BASE}\n"
                    f"bind_dn = {ldapd.SYNC}\npassword_file = /srv/ldap-password\nca_file = {ca.file}\n")
        for password, well in ((ldapd.PASSWORD, True), ("wrong", False)):
            with open("/srv/ldap-password", "w", encoding="ascii") as f:
                f.write(password + "\n")
            os.chmod("/srv/ldap-password", 0o600)
            got = rollcall("source", "test", "idp", "--json")
            answer = json.loads(got.stdout)
            assert (got.returncode == 0) == well == answer["ok"], got.stdout + got.stderr
            assert well or any(f["level"] == "error" for f in answer["findings"])
            assert not well or [(p["name"], p["groups"]) for p in answer["people"]] == [("alice", "platform")]
            assert not well or [p["name"] for p in answer["refused"]] == ["root"]
    finally:
        slapd.stop()


def conf(name):
    return f"/etc/rollcall/conf.d/{name}.conf"


def test_add_by_a_script_writes_a_checked_section_once():
    got = rollcall("source", "add", "vendor", "--type", "csv", "--set", "path=/srv/vendor.csv", "--set", "join_prefix=C-")
    assert got.returncode == 0, got.stdout + got.stderr
    with open(conf("vendor"), encoding="ascii") as f:
        assert f.read() == "[source vendor]\ntype = csv\npath = /srv/vendor.csv\njoin_prefix = C-\nrole = authority, directory\n"
    assert stat.S_IMODE(os.stat(conf("vendor")).st_mode) == 0o644
    assert rollcall("check-config").returncode == 0
    again = rollcall("source", "add", "vendor", "--type", "csv", "--set", "path=/srv/other.csv")
    assert again.returncode == 1 and "not written over" in again.stderr
    os.unlink(conf("vendor"))
    for words, said in ((("other", "--type", "csv"), "has no path"), (("hr", "--type", "csv", "--set", "path=/a"), "[source hr] already"),
                        (("../x", "--type", "csv"), "is made of letters"), (("x", "--type", "sql"), "no such type"),
                        (("x", "--type", "csv", "--set", "path=/a\nrole = signal"), "one line"),
                        (("x", "--type", "csv", "--set", "path=/a", "--set", "tenant=t"), "belongs to type graph")):
        got = rollcall("source", "add", *words)
        assert got.returncode in (1, 2) and said in got.stderr, f"{words}: {got.stdout}{got.stderr}"
    assert sorted(os.listdir("/etc/rollcall/conf.d")) == ["50-idp.conf"]


def test_add_asks_and_keeps_the_secret_out_of_sight():
    child = pexpect.spawn("rollcall source add", encoding="utf-8", timeout=30, dimensions=(50, 200))
    seen = []
    for question, answer in (("Name of the source.*: ", "staff"), ("type .csv.: ", "scim"), ("role .*: ", ""),
                             ("url: ", "https://scim.example.com/v2"), ("user: ", ""), ("password_file: ", ""),
                             ("secret_file: ", "/etc/rollcall/secrets/staff"), ("not shown.*: ", "s3cr3t"),
                             ("domain: ", ""), ("require_attributes: ", "employeeNumber"), ("user_types: ", ""),
                             ("assigned_groups: ", ""), (r"Write it\? .y/N. ", "y")):
        child.expect(question)
        seen.append(child.before + child.after)
        child.sendline(answer)
    child.expect(pexpect.EOF)
    seen.append(child.before)
    child.close()
    assert child.exitstatus == 0, "".join(seen)
    assert "s3cr3t" not in "".join(seen)
    with open(conf("staff"), encoding="ascii") as f:
        text = f.read()
    assert text == ("[source staff]\ntype = scim\nrole = directory\nurl = https://scim.example.com/v2\n"
                    "secret_file = /etc/rollcall/secrets/staff\nrequire_attributes = employeeNumber\n")
    with open("/etc/rollcall/secrets/staff", encoding="ascii") as f:
        assert f.read() == "s3cr3t\n"
    assert stat.S_IMODE(os.stat("/etc/rollcall/secrets/staff").st_mode) == 0o600
    assert stat.S_IMODE(os.stat("/etc/rollcall/secrets").st_mode) == 0o700
    os.unlink(conf("staff"))


UUID = "8a1f0c5e-7e7c-4a51-9d0a-3d1f0b7a6c11"
ASKED = {
    "csv": {"path": "/srv/people.csv"},
    "ldap": {"uri": "ldaps://ldap.example.com", "base": "dc=x", "bind_dn": "cn=y", "password_file": "/root/secret"},
    "graph": {"tenant": UUID, "client_id": "x", "secret_file": "/root/secret", "domain": "acme.com", "assigned_groups": UUID},
    "okta": {"org": "https://acme.okta.com", "org_id": "00o1", "secret_file": "/root/secret", "assigned_groups": "g"},
    "json": {"preset": "workday-raas", "url": "https://hr.example.com/x", "user": "u", "password_file": "/root/secret"},
    "scim": {"url": "https://scim.example.com/v2", "secret_file": "/root/secret", "user_types": "Employee"},
    "pingone": {"region": "eu", "environment": UUID, "client_id": "x", "secret_file": "/root/secret", "populations": UUID},
}


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_add_asks_for_all_that_a_type_cannot_do_without(kind):
    with open("/root/secret", "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write("s3cr3t\n")
    child = pexpect.spawn("rollcall source add", encoding="utf-8", timeout=30, dimensions=(50, 200))
    left = {**ASKED[kind], "source, for messages": "new", "type": kind}
    while True:
        if child.expect([r"([a-z_]+|source, for messages)(?: \[[^\]]*\])?: $", r"Write it\? .y/N. $", pexpect.EOF]):
            break
        child.sendline(left.pop(child.match.group(1), ""))
    assert child.after != pexpect.EOF and not left, f"{left}: {child.before}"
    child.sendline("y")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    os.unlink(conf("new"))
