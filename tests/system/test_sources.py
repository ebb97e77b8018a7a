# SPDX-License-Identifier: BSD-2-Clause
"""Sources as processes: the csv source beside a running syncd, and programs of a company's
own, well behaved and hostile. Whatever one of them does, nobody else's people change."""
import os
import re
import signal
import subprocess
import textwrap
import time

import pytest

import daemons
import people
import wait

CLOCK = [int(time.time()) - 100000]
SCRIPT = "/usr/local/libexec/people"
CONF = "/etc/rollcall/conf.d/50-scripted.conf"
GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/source-protocol.md")


def script(text, user=None, timeout="2s", poll="1h"):
    os.makedirs(os.path.dirname(SCRIPT), exist_ok=True)
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(SCRIPT, "w", encoding="utf-8") as f:
        f.write(text if text.startswith("#!") else "#!/bin/sh\n" + textwrap.dedent(text))
    os.chmod(SCRIPT, 0o755)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[source scripted]\ntype = exec\nrole = authority, directory\ncommand = {SCRIPT}\n"
                f"timeout = {timeout}\npoll = {poll}\n" + (f"user = {user}\n" if user else ""))


def listing(*names, as_of=None, rows=None):
    """Shell lines that say a listing of these people, of a later time each."""
    CLOCK[0] += 10
    as_of = as_of or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CLOCK[0]))
    lines = [f'echo \'{{"op":"begin","mode":"full","as_of":"{as_of}"}}\'']
    for i, name in enumerate(names):
        lines.append(f'echo \'{{"op":"user","user":{{"id":"{name}","userName":"{name}",'
                     '"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":'
                     f'{{"employeeNumber":"S{name}"}},"urn:rollcall:1.0:User":{{"status":"active"}}}}}}\'')
    lines.append(f'echo \'{{"op":"commit","cursor":"c","rows":{len(names) if rows is None else rows}}}\'')
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def one_csv_source():
    rows = [people.person("1", "alice"), people.person("2", "bob")]
    if not os.path.exists(people.PATH):
        people.write(rows, at=time.time() - 5)
    with open(people.PATH, encoding="utf-8") as f:
        changed = f.read() != people.text(rows)
    if changed:
        people.write(rows)
    if os.path.exists(CONF):
        os.unlink(CONF)


# ---- csv beside a running syncd ----

def test_a_file_that_is_renamed_into_place_is_read(syncd):
    people.write([people.person("1", "alice"), people.person("2", "bob"), people.person("3", "carol")])
    wait.until(lambda: people.passwd("carol"), "carol in getent")


def test_a_file_that_is_written_in_place_is_never_read_half(syncd):
    wait.until(lambda: people.passwd("alice"), "alice")
    text = people.text([people.person("1", "alice"), people.person("2", "bob"), people.person("4", "dora")])
    with open(people.PATH, "w", encoding="utf-8") as f:
        for line in text.splitlines(keepends=True):
            f.write(line)
            f.flush()
            time.sleep(0.2)
            assert people.passwd("bob")[6] == "/bin/bash"
    wait.until(lambda: people.passwd("dora"), "dora in getent")
    assert people.passwd("bob")[6] == "/bin/bash"


def test_the_same_bytes_written_anew_are_a_second_listing_and_a_poll_is_none(syncd):
    everybody = [people.person("1", "alice"), people.person("2", "bob"), people.person("5", "erik")]
    people.write(everybody)
    wait.until(lambda: people.passwd("erik"), "erik")
    people.write(everybody[:2])
    syncd.logs("missing")
    for _ in range(3):
        got = subprocess.run(["rollcall", "sync"], capture_output=True, text=True, timeout=60)
        assert got.returncode == 0, got.stdout + got.stderr
        assert people.passwd("erik")[6] == "/bin/bash"
    time.sleep(1)  # a file's time counts in whole seconds
    people.write(everybody[:2])
    wait.until(lambda: people.passwd("erik")[6] != "/bin/bash", "erik locked by the second listing")


def test_a_refused_file_is_said_once_and_the_next_good_one_is_taken(syncd):
    people.write("this is no export\n")
    syncd.logs("listing-refused")
    assert people.passwd("alice")[6] == "/bin/bash"
    people.write([people.person("1", "alice"), people.person("2", "bob"), people.person("6", "fred")])
    wait.until(lambda: people.passwd("fred"), "fred in getent")
    assert syncd.log().count("listing-refused") == 1


def test_a_file_after_one_that_was_older_is_said_whole_and_taken(syncd):
    # The source is not told that rule 7 refused the older one, and says what is new since.
    both = [people.person("1", "alice"), people.person("2", "bob")]
    people.write(both + [people.person("10", "ines")])
    wait.until(lambda: people.passwd("ines"), "ines")
    people.write(both[:1], at=time.time() - 5000)
    syncd.logs("older than the last one")
    people.write(both + [people.person("10", "ines"), people.person("11", "jon")])
    wait.until(lambda: people.passwd("jon"), "jon in getent")
    assert "source-says-anew" in syncd.log() and "source-failed" not in syncd.log()
    assert people.passwd("bob")[6] == "/bin/bash"


def process(syncd, name):
    for pid in syncd.children():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if name in f.read().decode(errors="replace").split("\0")[0]:
                    return pid
        except OSError:
            pass  # it ended since
    return None


def test_source_and_engine_are_started_again_when_they_are_killed(syncd):
    def source():
        return process(syncd, "rollcall-source-csv")

    first = wait.until(source, "the csv source")
    os.kill(first, signal.SIGKILL)
    second = wait.until(lambda: source() not in (None, first) and source(), "another csv source")
    engine = [p for p in syncd.children() if p != second][0]
    os.kill(engine, signal.SIGKILL)
    wait.until(lambda: source() not in (None, second), "a csv source of another engine")
    people.write([people.person("1", "alice"), people.person("2", "bob"), people.person("7", "greta")])
    wait.until(lambda: people.passwd("greta"), "greta in getent")
    assert not os.path.exists(f"/proc/{engine}")


# ---- a program of one's own ----

def test_the_example_of_the_guide_works_as_it_stands():
    with open(GUIDE, encoding="utf-8") as f:
        example = re.search(r"```sh\n(.*?)```", f.read(), re.S).group(1)
    os.makedirs("/srv/hr", exist_ok=True)
    with open("/srv/hr/people.txt", "w", encoding="ascii") as f:
        f.write("9001 hanna active\n9002 igor terminated\n")
    os.utime("/srv/hr/people.txt", (CLOCK[0], CLOCK[0]))
    # Groups of one name and two sources would be one too many.
    script(example.replace("linux-users", "script-users"))
    daemons.synced()
    assert people.passwd("hanna")[6] == "/bin/bash"
    assert "script-users" in people.groups("hanna")
    igor = people.passwd("igor")
    assert igor is None or igor[6] != "/bin/bash"


def test_a_program_that_ends_well_is_started_again_after_its_poll_and_not_before():
    script("echo run >&2\n" + listing("jane"), poll="1h")
    syncd = daemons.Syncd().start()
    try:
        syncd.logs("text=run")
        wait.until(lambda: people.passwd("jane"), "jane in getent")
        time.sleep(3)
        assert syncd.log().count("text=run") == 1
    finally:
        syncd.stop()


def test_a_program_may_say_its_listing_as_a_difference_to_its_last_one():
    first = listing("olga", "oleg")
    second = listing("otto").replace('"mode":"full"', '"mode":"full","since":"c"').replace('"cursor":"c"', '"cursor":"d"')
    script(first + second)
    syncd = daemons.Syncd().start()
    try:
        wait.until(lambda: people.passwd("otto"), "otto in getent")
        assert people.passwd("olga")[6] == "/bin/bash" and people.passwd("oleg")[6] == "/bin/bash"
        assert "source-failed" not in syncd.log()
        assert "id=olga" not in syncd.log() and "id=oleg" not in syncd.log()
    finally:
        syncd.stop()


def test_a_change_after_one_that_was_refused_is_not_taken_without_it():
    first = listing("lars").replace('"c"', '"before"')
    refused = listing("lotte", as_of="2099-01-01T00:00:00Z").replace('"full"', '"delta"').replace('"c"', '"d"')
    good = listing("lukas").replace('"full"', '"delta"').replace('"c"', '"e"')
    script("read request\ncase $request in\n*before*)\n" + listing("lars", "lotte", "lukas") + "sleep 4323;;\n*)\n"
           + first + refused + good + "sleep 4323;;\nesac\n")
    syncd = daemons.Syncd().start()
    try:
        wait.until(lambda: people.passwd("lotte"), "lotte, whom the refused change named")
        assert people.passwd("lukas")[6] == "/bin/bash" and "source-says-anew" in syncd.log()
    finally:
        syncd.stop()


def test_a_program_is_confined_whatever_user_it_has():
    report = """
        {
            id -u
            grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' /proc/self/status
            ls -l /proc/self/fd | grep -c -E 'socket:|/rollcall/'
            env | grep -v -E '^(PATH|LANG|PWD|_|SHLVL|OLDPWD)=' || echo environment clean
            kill -0 1 2>&1
            kill -9 $PPID 2>&1 && echo killed my parent
            cat /etc/rollcall/secrets/host-key >/dev/null 2>&1 && echo read a secret
            cat /var/lib/rollcall/state/state.db >/dev/null 2>&1 && echo read the state
            echo end
        } >&2
    """
    for user in (None, "larry"):
        script(report + listing("kim"), user=user)
        printed = daemons.synced()
        uid = people.passwd(user or "rollcall-source")[2]
        said = [line for line in printed.splitlines() if "source-says" in line]
        text = "\n".join(said)
        assert f"text={uid}" in text, text
        for word in ("CapEff:\\t0000000000000000", "CapPrm:\\t0000000000000000", "NoNewPrivs:\\t1", "Seccomp:\\t2"):
            assert word in text or word.replace("\\t", "\t") in text or word.replace("\\t", "\\x09") in text, text
        assert "environment clean" in text and "text=0" in text, text
        assert "killed my parent" not in text and "read a secret" not in text and "read the state" not in text, text
        assert "text=end" in text


def test_files_of_root_reach_a_program_as_descriptors_and_in_no_other_way():
    os.makedirs("/etc/rollcall/secrets", exist_ok=True)
    with open("/etc/rollcall/secrets/api", "w", encoding="ascii") as f:
        f.write("s3cret-word\n")
    os.chmod("/etc/rollcall/secrets/api", 0o600)
    report = """
        read request
        {
            echo "request $request" | tr '"' "'"
            cat <&3
            cat /proc/self/fd/3
            cat <&4 2>&1
            cat /etc/rollcall/secrets/api 2>&1
            echo more >/proc/self/fd/3 && echo wrote it
            echo end
        } >&2
    """
    script(report + listing("kim"))
    with open(CONF, "a", encoding="ascii") as f:
        f.write("password_file = /etc/rollcall/secrets/api\n")
    printed = daemons.synced()
    assert printed.count("text=s3cret-word") == 2, printed
    assert "'files': {'password_file': 3}" in printed.replace("':", "': ").replace("':  ", "': "), printed
    assert "/etc/rollcall/secrets/api: Permission denied" in printed, printed
    assert "wrote it" not in printed and "text=end" in printed, printed


def test_a_secret_that_others_can_read_or_that_is_missing_starts_nothing():
    os.makedirs("/etc/rollcall/secrets", exist_ok=True)
    path = "/etc/rollcall/secrets/open"
    with open(path, "w", encoding="ascii") as f:
        f.write("s3cret-word\n")
    os.chmod(path, 0o644)
    link = "/etc/rollcall/secrets/link"
    if not os.path.lexists(link):
        os.symlink(path, link)
    for name, word in ((path, "others than root can read it"), (link, "symbolic link"),
                       ("/etc/rollcall/secrets/none", "No such file"), ("/etc/rollcall/secrets", "no regular file")):
        script("echo started >&2\n" + listing("kim"))
        with open(CONF, "a", encoding="ascii") as f:
            f.write(f"password_file = {name}\n")
        got = daemons.sync_once()
        assert got.returncode != 0 and word in got.stdout and "text=started" not in got.stdout, got.stdout
        assert "s3cret-word" not in got.stdout, got.stdout


def test_the_engine_has_no_power_beside_its_files():
    script(listing("kim"))
    syncd = daemons.Syncd().start()
    try:
        engine = syncd.children()[0]
        with open(f"/proc/{engine}/status", encoding="ascii") as f:
            status = f.read()
        uid = people.passwd("rollcall")[2]
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status
        for line in ("CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            assert line in status, status
        assert os.readlink(f"/proc/{engine}/ns/net") != os.readlink("/proc/self/ns/net")
    finally:
        syncd.stop()


def test_a_program_never_runs_as_root():
    script(listing("leo"), user="root")
    got = daemons.sync_once()
    assert got.returncode != 0, got.stdout
    assert people.passwd("leo") is None


HOSTILE = {
    "rubbish": ("echo hello", "does not speak"),
    "json_that_is_no_object": ("echo '[1,2,3]'", "does not speak"),
    "an_unknown_op": ("""echo '{"op":"destroy"}'""", "does not speak"),
    "deep_json": ("head -c 100000 /dev/zero | tr '\\0' '['; echo", "does not speak"),
    "a_line_without_an_end": ("head -c 3000000 /dev/zero | tr '\\0' x", "longer than 256 KiB"),
    "nul_bytes": ("head -c 100000 /dev/zero; echo", "does not speak"),
    "two_members_of_one_name": ("""echo '{"op":"begin","op":"commit"}'""", "does not speak"),
    "latin_1": ("""printf '{"op":"problem","text":"\\374"}\\n'""", "does not speak"),
    "silence_in_a_listing": (lambda: listing("mona").rsplit("echo", 1)[0] + "sleep 1000", "timeout"),
    "silence_from_the_start": ("sleep 1000", "timeout"),
    "an_end_in_a_listing": (lambda: listing("mona").rsplit("echo", 1)[0] + "exit 0", "exited with 0"),
    "another_count_than_it_says": (lambda: listing("mona", rows=7), "counts 7 people, and 1 came"),
    "a_failure": ("echo the HR system is down >&2; exit 3", "the HR system is down"),
    "a_listing_from_the_future": (listing("mona", as_of="2099-01-01T00:00:00Z"), "ahead"),
    "a_user_with_no_id": ("""echo '{"op":"begin","mode":"full","as_of":"2026-11-02T03:04:05Z"}'
        echo '{"op":"user","user":{"userName":"mona"}}'""", "does not speak"),
    "a_difference_to_a_listing_that_never_was": ("""echo '{"op":"begin","mode":"full","as_of":"2026-11-02T03:04:05Z","since":"x"}'
        echo '{"op":"commit","cursor":"y","rows":0}'""", "difference"),
    "absent_in_a_listing_that_is_whole": (lambda: listing("mona").replace('{"op":"commit"', '{"op":"absent","id":"1"}\'\necho \'{"op":"commit"'),
                                          "belongs to a listing"),
    "no_interpreter": ("#!/no/such/interpreter\n", "scripted"),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_program_changes_nothing_and_is_named(how):
    text, word = HOSTILE[how]
    script(text() if callable(text) else text)
    got = daemons.sync_once()
    assert got.returncode != 0, got.stdout
    assert word in got.stdout and "scripted" in got.stdout, got.stdout
    assert people.passwd("mona") is None
    assert people.passwd("alice")[6] == "/bin/bash" and people.passwd("bob")[6] == "/bin/bash"


def test_a_child_that_a_program_leaves_behind_holds_nobody_up():
    script("sleep 4321 &\n" + listing("nora"))
    daemons.synced()
    assert people.passwd("nora")
    wait.until(lambda: subprocess.run(["pgrep", "-f", "^sleep 4321"], capture_output=True).returncode == 1,
               "the child to be ended with its parent")


def test_a_program_that_never_ends_is_ended_with_syncd():
    script("sleep 4322\n")
    syncd = daemons.Syncd().start()
    wait.until(lambda: process(syncd, "sleep"), "the program's sleep")
    assert syncd.stop() == 0
    assert subprocess.run(["pgrep", "-f", "^sleep 4322"], capture_output=True).returncode == 1
