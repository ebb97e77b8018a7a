# SPDX-License-Identifier: BSD-2-Clause
"""Unknown, known, locked, terminated, not enrolled: the same prompts, as many of them, and the
same work. Timings decide no test; `make bench` has them (tests/bench/indistinguishable.py).
Here: which system calls a verifier makes, in which order, and how much it writes."""
import os
import re
import subprocess

import pytest

import daemons
import door
import pamapp
import people
import totp

FOLDER = "/tmp/pam.d"
FROM = {"service": "sshd", "rhost": "127.0.0.1", "tty": "ssh"}
KINDS = ["known", "unenrolled", "locked", "terminated", "pending", "notallowed", "unknown"]
# A wrong code of each shape; one that is none; what sshd types for names that it does not know.
ANSWERS = ["000000", "k7qw-m9fx", "k7qw-m9fx-p3wd", "", "\b\n\r\x7fINCORRECT"]


@pytest.fixture(scope="module")
def kinds():
    hire()
    pamapp.write_bare_service(FOLDER, "sshd")
    return KINDS


def hire():
    rows = {name: people.person(n, name) for n, name in enumerate(KINDS[:-1], 1)}
    rows["pending"]["startDate"] = "2099-01-01"
    rows["notallowed"]["groups"] = "payroll"
    people.write(rows.values())
    daemons.synced()
    for name in KINDS[:-1]:
        if name != "unenrolled":
            totp.enroll(name)
    rows["terminated"]["status"] = "terminated"
    people.write(rows.values())
    daemons.synced()
    subprocess.run(["rollcall", "lock", "locked", "--reason", "test"], check=True, capture_output=True, timeout=60)
    # Every file is there, as after a first attempt.
    for name in KINDS:
        talk = door.Verifier().hello()
        talk.log_in(name, "000000", **FROM)
        talk.close()


def masked(texts, name):
    return [t.replace(name, "NAME") for t in texts]


def work(name, answer):
    """(prompts, code, what the verifier did), without what names and addresses make different."""
    trace = "/tmp/trace"
    talk = door.Verifier(under=("strace", "-o", trace, "-e", "signal=none", "-s", "0")).hello()
    prompts, code = talk.log_in(name, answer, **FROM)
    talk.close()
    calls = []
    with open(trace, encoding="utf-8", errors="replace") as f:
        for line in f:
            call = line.partition("(")[0]
            size = re.search(r"(?:pwrite64|pread64|write|read)\(\d+, .*, (\d+)(?:, \d+)?\) += (\d+)", line)
            # Pages of memory come when the allocator wants them; whether it waits is up to who types.
            if call not in ("brk", "munmap", "futex", "mprotect", "poll") and "EAGAIN" not in line:
                calls.append((call, size.groups() if size else None))
    # From the hello on: the start is one for everybody.
    first = next(i for i, (call, _) in enumerate(calls) if call in ("sendto", "sendmsg"))
    return masked(prompts, name), code, calls[first:]


@pytest.mark.parametrize("answer", ANSWERS, ids=["app code", "recovery code", "access code", "nothing", "sshd's junk"])
def test_prompts_and_work_are_the_same_for_everybody(kinds, answer):
    expected = None
    for name in kinds:
        prompts, code, calls = work(name, answer)
        assert sum(call == "fdatasync" for call, _ in calls) == 2  # a charge for each try
        expected = expected or (prompts, code, calls)
        assert prompts == expected[0] and len(prompts) == 2, name
        assert code == expected[1] != 0, name
        assert calls == expected[2], f"{name}: {[c for c in zip(calls, expected[2]) if c[0] != c[1]][:5]}"


# Nothing may be loaded before the sanitizer's own library.
counting = pytest.mark.skipif("sanitize" in os.environ.get("BUILD", "build"), reason="counted in the ordinary build")


def computed(name, answer):
    """How often the verifier called each function that computes."""
    library = os.path.abspath(os.environ.get("BUILD", "build") + "/tests/system/libcount.so")
    talk = door.Verifier(under=("env", "LD_PRELOAD=" + library, "COUNT_TO=/tmp/computed")).hello()
    talk.log_in(name, answer, **FROM)
    talk.close()
    with open("/tmp/computed", encoding="ascii") as f:
        return {word: int(n) for word, n in (line.split() for line in f)}


@counting
@pytest.mark.parametrize("answer,function,times", [("k7qw-m9fx", "EVP_PBE_scrypt", 2), ("k7qw-m9fx-p3wd", "EVP_PBE_scrypt", 2),
                                                   ("000000", "oath_totp_generate2", 6)])
def test_as_much_is_computed_for_everybody(kinds, answer, function, times):
    counts = {name: computed(name, answer) for name in kinds}
    assert counts["known"][function] == times
    assert all(c == counts["known"] for c in counts.values()), counts


def test_the_application_sees_the_same_prompts_and_return_values(kinds):
    seen = {}
    for name in kinds:
        with pamapp.Application("sshd", name, lambda style, text: "000000", folder=FOLDER) as app:
            result = app.authenticate()
            seen[name] = (result, [(style, text.replace(name, "NAME")) for style, text in app.said])
    assert len({str(v) for v in seen.values()}) == 1, seen


@counting
def test_work_that_differs_would_be_found(kinds):
    assert work("known", "000000")[2] == work("known", "000000")[2]
    assert work("known", "000000")[2] != work("known", "help")[2]
    assert computed("known", "000000") != computed("known", "k7qw-m9fx")
