# SPDX-License-Identifier: BSD-2-Clause
"""HR's file, broken in every way: a broken row is skipped by file, line, column and
reason and the rest is served; a broken file changes nothing and says so."""
import os
import subprocess
import time

import pytest

import daemons
import people

CLOCK = [int(time.time()) - 100000]
NUMBER = [5000]
GOOD = [people.person("1001", "alice"), people.person("1002", "bob"), people.person("1003", "carol")]


def take(content, **options):
    """The file with a later time of its own, read once. (exit status, log)"""
    CLOCK[0] += 10
    if os.path.isdir(people.PATH):
        os.rmdir(people.PATH)
    people.write(content, at=CLOCK[0], **options)
    got = daemons.sync_once()
    return got.returncode, got.stdout


def fresh():
    """An employeeNumber that nobody had."""
    NUMBER[0] += 1
    return str(NUMBER[0])


def everybody():
    """What getent says of all of ours, as one text."""
    got = subprocess.run(["getent", "-s", "rollcall", "passwd"], capture_output=True, text=True, timeout=60)
    return got.stdout


@pytest.fixture(autouse=True)
def established():
    status, log = take(GOOD)
    assert status == 0, log
    assert all(people.passwd(p["userName"]) for p in GOOD), log


def refused(content, *words):
    before = everybody()
    assert before
    status, log = take(content)
    assert status != 0, log
    assert "listing-refused" in log, log
    for word in words:
        assert word in log, log
    assert everybody() == before


def skipped(row, where, *words, name=None):
    """The row stands between good ones; those are served, alice's change among them."""
    changed = dict(GOOD[0], displayName="Alice Changed " + str(CLOCK[0]))
    status, log = take([changed, row, *GOOD[1:]] if isinstance(row, dict) else row(changed))
    assert status == 0, log
    assert "row-skipped" in log and where in log, log
    for word in words:
        assert word in log, log
    assert people.passwd("alice")[4].startswith(changed["displayName"]), log
    assert people.passwd("bob") and people.passwd("carol")
    if name:
        assert people.passwd(name) is None


# ---- files ----

def test_a_file_with_no_header_changes_nothing():
    text = people.text(GOOD)
    refused(text[text.index("\n") + 1:], "there is no header")


def test_a_header_that_is_nearly_right_is_told_what_is_wrong_with_it():
    text = people.text(GOOD)
    refused(text.replace(",", ";"), "with commas between the columns, and not semicolons")
    refused(text.replace(",", "\t"), "with commas between the columns, and not tabs")
    refused(text.replace("status", "Status", 1), 'the header has \\"Status\\"; write it \\"status\\"')


def test_an_empty_file_changes_nothing():
    refused("", "is empty")


def test_a_header_alone_is_never_an_empty_company():
    refused(people.text([]), "nobody below it")
    refused(people.text([], trailer=True), "nobody below it")


def test_a_file_that_is_not_utf_8_changes_nothing():
    refused(people.text(GOOD).encode() + "1004,j\u00fcrgen\n".encode("latin-1"), "UTF-8", "people.csv:5")


def test_a_file_cut_in_the_middle_of_a_row_changes_nothing():
    refused(people.text(GOOD)[:-20], "no newline")


def test_a_file_cut_inside_a_quoted_cell_changes_nothing():
    refused(people.text(GOOD) + '1004,dave,"Dave\n', "quoted cell")


def test_a_file_cut_between_two_rows_is_caught_by_its_trailer():
    lines = people.text(GOOD, trailer=True).splitlines(keepends=True)
    refused("".join(lines[:-2] + lines[-1:]), "trailer says 3 rows, and 2 came")


def test_a_trailer_that_is_no_number_changes_nothing():
    refused(people.text(GOOD) + "#rows=three\n", "trailer")


def test_rows_behind_the_trailer_change_nothing():
    refused(people.text(GOOD, trailer=True) + "1004,dave\n", "behind")


def test_a_trailer_that_is_right_is_taken():
    status, log = take(GOOD + [people.person("1010", "trixie")], trailer=True)
    assert status == 0, log
    assert people.passwd("trixie")


def test_a_column_that_is_named_twice_changes_nothing():
    text = people.text(GOOD)
    refused(text.replace("displayName", "userName", 1), "twice")


def test_two_gigabytes_of_zeros_change_nothing_and_are_not_read_into_memory():
    before = everybody()
    CLOCK[0] += 10
    with open(people.PATH + ".new", "wb") as f:
        f.truncate(2 * 1024 ** 3)
    os.utime(people.PATH + ".new", (CLOCK[0], CLOCK[0]))
    os.rename(people.PATH + ".new", people.PATH)
    # A source that reads the file whole would show it in the largest memory of all the processes.
    got = subprocess.run(["/usr/bin/python3", "-c",
                          "import resource, subprocess, sys\n"
                          "status = subprocess.run(['/usr/sbin/rollcall-syncd', '--once']).returncode\n"
                          "assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 512 * 1024\n"
                          "sys.exit(3 if status else 0)"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    assert got.returncode == 3 and "NUL" in got.stdout, got.stdout
    assert everybody() == before


def test_a_folder_a_fifo_and_a_link_in_the_files_place_change_nothing():
    before = everybody()
    for make, word in ((os.mkdir, "regular file"), (os.mkfifo, "regular file"),
                       (lambda p: os.symlink("/etc/passwd", p), "symbolic link")):
        os.unlink(people.PATH)
        make(people.PATH)
        got = daemons.sync_once()
        if os.path.isdir(people.PATH) and not os.path.islink(people.PATH):
            os.rmdir(people.PATH)
            people.write(GOOD, at=CLOCK[0])
        assert got.returncode != 0 and word in got.stdout, got.stdout
        assert everybody() == before


def test_a_file_that_cannot_be_read_or_is_missing_changes_nothing():
    before = everybody()
    os.chmod(people.PATH, 0o600)
    got = daemons.sync_once()
    assert got.returncode != 0 and "rollcall-source may not" in got.stdout, got.stdout
    os.unlink(people.PATH)
    got = daemons.sync_once()
    assert got.returncode != 0 and people.PATH in got.stdout and "cannot be read" in got.stdout, got.stdout
    assert everybody() == before


def test_a_file_older_than_the_last_one_is_refused_whole():
    before = everybody()
    people.write([people.person("1001", "alice", status="terminated"), *GOOD[1:]], at=CLOCK[0] - 5)
    got = daemons.sync_once()
    assert got.returncode != 0 and "older" in got.stdout, got.stdout
    assert everybody() == before


def test_bom_crlf_quotes_any_order_and_unknown_columns_are_read():
    text = ("\ufeffshoeSize,status,userName,displayName,employeeNumber,groups\r\n"
            '44,active,quentin,"Quentin ""Q"", of\r\nExample",1020,linux-users\r\n'
            "38,active,alice,Alice,1001,linux-users\r\n39,active,bob,Bob,1002,linux-users\r\n"
            "40,active,carol,Carol,1003,linux-users\r\n")
    status, log = take(text)
    assert status == 0, log
    assert people.passwd("quentin")[6] and "\n" not in people.passwd("quentin")[4]
    assert people.passwd("carol")


# ---- rows ----

@pytest.mark.parametrize("column,value,words", [
    ("status", "employed", "status must be active"),
    ("startDate", "01.02.2026", "startDate must be a date"),
    ("endDate", "2026-02-30", "endDate must be a date"),
    ("terminatedAt", "yesterday", "terminatedAt must be an instant"),
    ("uidNumber", "-5", "uidNumber must be a whole number"),
    ("uidNumber", "12x", "uidNumber must be a whole number"),
    ("gidNumber", "1e9", "gidNumber must be a whole number"),
    ("userName", "", "userName is mandatory"),
    ("department", "x" * 20000, "longer than 16384"),
    ("groups", ";".join(["g%d" % i for i in range(2000)]), "more than 1024"),
])
def test_a_bad_cell_costs_one_row_and_is_named(column, value, words):
    at = people.COLUMNS.index(column) + 1
    skipped(people.person("1030", "mallory", **{column: value}), f"people.csv:3:{at}", words, "id=1030", name="mallory")


def test_a_row_with_no_number_or_the_wrong_count_of_cells_is_skipped():
    skipped(people.person("", "mallory"), "people.csv:3:1", "employeeNumber is mandatory", name="mallory")
    skipped(lambda alice: people.text([alice]) + "1030,mallory,active\n" + people.text(GOOD[1:]).split("\n", 1)[1],
            "people.csv:3", "3 cells", name="mallory")


def test_a_quote_where_none_may_stand_costs_one_row():
    skipped(lambda alice: people.text([alice]) + '1030,mal"lory,active\n' + people.text(GOOD[1:]).split("\n", 1)[1],
            "people.csv:3", "quote", name="mallory")


def test_a_row_that_cannot_be_read_is_not_an_absence():
    bad = dict(GOOD[1], endDate="soon")
    for _ in range(3):
        status, log = take([GOOD[0], bad, GOOD[2]])
        assert status == 0 and "row-skipped" in log, log
    assert people.passwd("bob")[6] == "/bin/bash"


def test_an_unreadable_row_that_says_terminated_locks():
    rows = GOOD + [people.person("1040", "trudy")]
    take(rows)
    assert people.passwd("trudy")[6] == "/bin/bash"
    status, log = take(GOOD + [people.person("1040", "trudy", status="terminated", endDate="soon")])
    assert status == 0, log
    assert people.passwd("trudy")[6] != "/bin/bash", log


# ---- names and ids ----

@pytest.mark.parametrize("name", ["root", "sudo", "-rf", "a b", "../x", "x\ty", "x\x1b[2Jy", "n" * 300, "12345",
                                  "larry", "Alice:x", "rollcall", ".", "é"])
def test_a_name_that_may_not_be_is_refused_by_name_and_the_rest_is_served(name):
    local, number = people.passwd(name), fresh()
    rows = [*GOOD[:1], people.person(number, name), *GOOD[1:], people.person("1051", "zoe")]
    status, log = take(rows)
    assert status == 0, log
    assert people.passwd(name) == local
    assert people.passwd("zoe") and people.passwd("alice")
    assert any("row-refused" in line and f"id={number}" in line and ("people.csv:3" in line or local)
               for line in log.splitlines()), log
    if local is None:
        assert name + ":" not in everybody()
    assert "\x1b" not in log


@pytest.mark.parametrize("name", ["ä" * 60, "x" + "ä" * 60], ids=["even", "odd"])
def test_a_name_that_is_cut_off_in_what_is_said_of_it_is_still_said(name):
    """60 bytes of it are shown: of the second that is half of a letter."""
    number = fresh()
    status, log = take([*GOOD, people.person(number, name)])
    assert status == 0, log
    said = [line for line in log.splitlines() if "row-refused" in line and f"id={number}" in line]
    assert said and "ää" in said[0], log


@pytest.mark.parametrize("column", ["uidNumber", "gidNumber"])
@pytest.mark.parametrize("value", ["0", "999", str(2 ** 32 + 5000), str(2 ** 63 - 1), str(2 ** 32 - 1), "65534"])
def test_an_id_outside_the_range_is_refused(column, value):
    number = fresh()
    status, log = take([*GOOD, people.person(number, "u" + number, **{column: value})])
    assert status == 0, log
    entry = people.passwd("u" + number)
    assert entry is None or int(entry[2 if column == "uidNumber" else 3]) >= 65536, (entry, log)
    assert int(value) % 2 ** 32 not in [int(line.split(":")[2]) for line in everybody().splitlines()]
    assert any("people.csv:5" in line and column in line and value in line for line in log.splitlines()), log


@pytest.mark.parametrize("column", ["displayName", "loginShell", "homeDirectory"])
@pytest.mark.parametrize("value", ["x\ny:0:0::/:/bin/sh", "a:b", "\x01\x02"])
def test_a_newline_or_colon_in_what_programs_read_is_made_harmless(column, value):
    status, log = take([*GOOD, people.person("1070", "walter", **{column: value})])
    assert status == 0, log
    for line in everybody().splitlines():
        fields = line.split(":")
        assert len(fields) == 7 and fields[0].isalnum() and fields[0] not in ("x", "y"), line
        assert int(fields[2]) >= 65536
        assert line.isprintable()


# ---- two rows with one claim ----

def test_two_new_rows_with_one_name_uid_or_number_win_neither():
    status, log = take([*GOOD, people.person("1080", "twin"), people.person("1081", "twin"),
                        people.person("1082", "one", uidNumber="2000000001"),
                        people.person("1083", "two", uidNumber="2000000001"),
                        people.person("1084", "left"), people.person("1084", "right")])
    assert status == 0, log
    for name in ("twin", "left", "right"):
        assert people.passwd(name) is None, log
    assert "2000000001" not in everybody()
    assert people.passwd("alice")


def test_an_established_name_uid_and_number_stand_against_a_second_claim():
    alice = people.passwd("alice")
    status, log = take([*GOOD, people.person("1090", "alice", displayName="Impostor"),
                        people.person("1091", "eve", uidNumber=alice[2]),
                        people.person("1002", "evil")])
    assert status == 0, log
    assert people.passwd("alice") == alice
    assert people.passwd("bob") is not None and people.passwd("evil") is None
    entry = people.passwd("eve")
    assert entry is None or entry[2] != alice[2]
