# SPDX-License-Identifier: BSD-2-Clause
"""Codes of apps: each counts once, whatever happens beside it; other hashes and lengths; apps
whose clock is wrong."""
import os
import random
import threading
import time

import pytest

import console
import daemons
import door
import people
import totp

CONF = "/etc/rollcall/conf.d/50-totp.conf"
WRONG = "That code was not accepted. Wait for the next one. Code: "
# ROLLCALL_REPLAY_ROUNDS=1000 plays that many; in make check as many as some seconds hold.
ROUNDS = int(os.environ.get("ROLLCALL_REPLAY_ROUNDS", "0"))
SECONDS = 15


@pytest.fixture(scope="module")
def alice():
    people.write([people.person(1, "alice")])
    daemons.synced()


def enrolled():
    """As `rollcall enroll totp alice --replace`, without the command around it."""
    return totp.Authenticator(door.ask(door.ENROL, user="alice", replace=1)["text"])


class Login(threading.Thread):
    """Stands at the prompt; types the code when it is told to; maybe its verifier is killed."""

    def __init__(self, go, code, kill_after=None, parent=None):
        super().__init__(daemon=True)
        self.verifier = (parent.connect() if parent else door.Verifier()).hello()
        assert self.verifier.login("alice")[0] == door.PROMPT
        self.go, self.code, self.kill_after, self.outcome = go, code, kill_after, None
        self.start()

    def run(self):
        self.go.wait()
        try:
            self.verifier.send(door.ANSWER, text=self.code)
            if self.kill_after is not None:
                time.sleep(self.kill_after)
                self.verifier.kill()
            kind, got = self.verifier.receive()
            self.outcome = "in" if kind == door.RESULT and got["code"] == door.YES else "out"
        except door.Gone:
            self.outcome = "gone"

    def finish(self):
        self.join(60)
        self.verifier.close()
        return self.outcome


@pytest.fixture
def parent(alice):
    p = door.Resident()
    yield p
    p.stop()


def rounds():
    began = time.monotonic()
    for number in range(ROUNDS or 10 ** 6):
        if not ROUNDS and number >= 30 and time.monotonic() - began > SECONDS:
            return
        yield number


def test_of_two_logins_with_one_code_exactly_one_wins_and_kill_9_gives_it_to_nobody_twice(alice, parent):
    dice, seen = random.Random(6238), {}
    for number in rounds():
        code, go = enrolled().code(), threading.Event()
        # In each third round one of the two is killed, somewhere between reading and answering.
        kills = [dice.uniform(0, 0.003) if number % 3 == 2 else None, None]
        # Every other time one of them is of the parent's, and one is started directly.
        logins = [Login(go, code, kills[0]), Login(go, code, kills[1], parent if number % 2 else None)]
        go.set()
        outcomes = sorted(login.finish() for login in logins)
        assert None not in outcomes
        assert outcomes.count("in") <= 1, f"round {number}: {outcomes}"
        if number % 3 != 2:
            assert outcomes == ["in", "out"], f"round {number}: {outcomes}"
        if "in" in outcomes or number % 3 != 2:
            assert door.attempt("alice", code) is None, f"round {number}: the code was good again"
        seen[tuple(outcomes)] = seen.get(tuple(outcomes), 0) + 1
    print(f"{sum(seen.values())} rounds: {seen}")
    assert seen[("in", "out")] >= 20
    # Kills that fell before, between and after: otherwise they showed nothing.
    assert any("gone" in outcomes for outcomes in seen), seen


@pytest.mark.parametrize("algorithm,digits", [("sha256", 8), ("sha512", 6)])
def test_other_hashes_and_lengths_are_enrolled_and_log_in(alice, algorithm, digits):
    os.makedirs(os.path.dirname(CONF), exist_ok=True)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[mfa]\ntotp_algorithm = {algorithm}\ntotp_digits = {digits}\n")
    app = totp.enroll("alice", "--replace")
    os.unlink(CONF)
    assert (app.algorithm, app.digits) == (algorithm, digits)
    # What was enrolled counts, whatever is asked for now.
    code = app.code()
    assert len(code) == digits
    session = console.connect("alice")
    session.answer(totp.PROMPT, code)
    session.shell()
    session.close()


def test_an_app_whose_clock_falls_behind_is_followed_and_not_beyond_two_steps(alice):
    app = totp.enroll("alice", "--replace")
    now = int(time.time()) // totp.STEP
    # Three minutes ahead was never learnt.
    assert door.attempt("alice", app.at(now + 6)) is None
    # Learnt step by step: two steps ahead is too far at first, and right after one.
    app = totp.enroll("alice", "--replace")
    now = settled()
    assert door.attempt("alice", app.at(now + 2)) is None
    assert door.attempt("alice", app.at(now + 1)) == door.YES
    assert door.attempt("alice", app.at(now + 2)) == door.YES
    assert door.attempt("alice", app.at(now + 3)) == door.YES
    assert door.attempt("alice", app.at(now + 4)) is None


def settled():
    """The step, with enough of it left for what follows."""
    while time.time() % totp.STEP > 15:
        time.sleep(0.2)
    return int(time.time()) // totp.STEP
