# SPDX-License-Identifier: BSD-2-Clause
"""A directory that lies, breaks off, never stops or never begins: nothing that it says is
taken by half, and it costs a bounded share of the host."""
import os
import time

import pytest

import fake_ldap as fake
from fake_ldap import done, entry, info, message, person, state, text, tlv, uuid
from ldap_source import Source


def say(*parts, close=False):
    """A speaker of these operations: bytes, or (operation, controls)."""

    def speak(connection, id_):
        for part in parts:
            if callable(part):
                part(connection, id_)
            elif isinstance(part, tuple):
                connection.sendall(message(id_, *part))
            else:
                connection.sendall(message(id_, part))
        if close:
            connection.close()

    return speak


def raw(data):
    return lambda connection, id_: connection.sendall(data)


def slowly(connection, id_):
    for byte in message(id_, person(2), state(uuid(2))):
        connection.sendall(bytes([byte]))
        time.sleep(0.3)


GOOD = (person(1), state(uuid(1)))
HOSTILE = {
    "half_an_entry": (say(GOOD, raw(message(9, person(2))[:20]), close=True), "gone"),
    "half_an_entry_and_silence": (say(GOOD, raw(message(9, person(2))[:20])), ""),
    "four_gigabytes_to_come": (say(GOOD, raw(b"\x30\x84\xff\xff\xff\xf0\x02\x01\x03")), ""),
    "a_message_of_forty_megabytes": (say(GOOD, raw(b"\x30\x84\x02\x80\x00\x00" + bytes(1000))), ""),
    "no_message_at_all": (say(GOOD, raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")), ""),
    "an_indefinite_length": (say(GOOD, raw(b"\x30\x80\x02\x01\x03")), ""),
    "an_entry_without_a_state": (say(GOOD, (person(2), b"")), "without a sync state"),
    "a_state_that_there_is_not": (say(GOOD, (person(2), state(uuid(2), what=9))), "without a sync state"),
    "an_id_of_fifteen_bytes": (say(GOOD, (person(2), state(uuid(2)[1:]))), "without a sync state"),
    "a_state_cut_short": (say(GOOD, (person(2), fake.control(fake.SYNC + ".2", b"\x30\x20\x0a\x01"))), "without a sync state"),
    "a_cookie_of_ten_megabytes": (say(GOOD, done("c" * 10_000_000)), "cookie is longer"),
    "a_cookie_of_ten_megabytes_with_an_entry": (say((person(2), state(uuid(2), cookie=b"c" * 10_000_000))), "cookie is longer"),
    "a_phase_that_there_is_not": (say(GOOD, info(b"\xa9\x00")), "sync info message"),
    "a_phase_cut_short": (say(GOOD, info(b"\xa1\x50\x04\x01")), "sync info message"),
    "ids_that_are_none": (say(GOOD, info(tlv(0xa3, tlv(0x31, text("x"))))), "sync info message"),
    "an_end_without_its_control": (say(GOOD, fake.result()), "without a sync done"),
    "an_end_that_is_refused": (say(GOOD, fake.result(code=80, words="\x1b[31mred")), "other"),
    "silence_from_the_start": (say(), "says nothing for 1 s"),
    "silence_in_the_middle": (say(GOOD), "says nothing for 1 s"),
    "slow_bytes": (say(GOOD, slowly), ""),
    "the_end_at_once": (say(close=True), "gone"),
}


@pytest.fixture
def sources():
    made = []

    def make(*args, **options):
        made.append(Source(*args, **{"schema": "rfc2307", "base": "dc=x", "timeout": 1, **options}))
        return made[-1]

    yield make
    for s in made:
        s.stop()


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_directory_is_refused_and_nothing_of_it_taken(sources, how):
    speak, word = HOSTILE[how]
    server = fake.Fake(speak)
    try:
        s = sources([server.uri], once=True).ends(1)
        assert s.refused and word in " ".join(s.refused).lower() or word in " ".join(s.refused), s.refused
        assert not s.listings and not s.people
        # One that stays tries again, and says the same cause once.
        s = sources([server.uri])
        s.until(lambda s: s.refused and server.searches >= 3, "a second try")
        assert not s.listings and s.process.poll() is None
        assert len(s.refused) == len(set(s.refused)) or len(s.refused) < server.searches
    finally:
        server.stop()


@pytest.mark.parametrize("bind", [None, fake.result(code=49, tag=0x61), fake.result(code=0, tag=0x65), b"\x61\x00"])
def test_a_bind_without_an_answer_that_means_yes_is_no(sources, bind):
    server = fake.Fake(say(GOOD, done()), bind=bind)
    try:
        s = sources([server.uri], once=True).ends(1)
        assert not s.listings and server.searches == 0
    finally:
        server.stop()


ODD = {
    "a_hundred_thousand_keys": {"sshPublicKey": ["ssh-ed25519 AAAA"] * 100_000},
    "a_key_of_a_megabyte": {"sshPublicKey": "k" * 1_000_000},
    "two_hundred_attributes": {f"x{i}": "y" for i in range(200)},
    "a_name_with_a_nul": {"uid": b"ro\0ot"},
    "a_name_that_is_no_text": {"uid": b"\xff\xfe"},
    "two_names": {"uid": ["alice", "root"]},
    "a_number_that_is_none": {"uidNumber": "0x10"},
    "a_lock_that_means_nothing": {"nsAccountLock": "perhaps"},
    "a_date_of_no_calendar": {"krbPrincipalExpiration": "20260231000000Z"},
    "keys_that_fill_more_than_a_line": {"sshPublicKey": ["k" * 10_000] * 30},
}


@pytest.mark.parametrize("how", ODD)
def test_an_odd_entry_is_left_out_by_name_and_the_others_are_taken(sources, how):
    server = fake.Fake(say(GOOD, (person(2, **ODD[how]), state(uuid(2))), (person(3), state(uuid(3))), done()))
    try:
        # Keys are their owner's to write, and hide nothing else of the entry.
        keys = "sshPublicKey" in ODD[how]
        s = sources([server.uri]).knows("u1", "u3", *(["u2"] if keys else []))
        assert len(s.problems) == 1, s.problems
        problem = [m for m in s.said if m["op"] == "problem"][0]
        assert problem["id"] == "00000000-0000-0000-0000-000000000002"  # so that the last good record stands
        assert problem.get("warning", False) == keys
    finally:
        server.stop()


def test_a_dn_that_is_none_names_nobody_else(sources):
    server = fake.Fake(say(GOOD, (entry("no dn", objectClass="posixAccount", uid="u2"), state(uuid(2))),
                           (entry(b"uid=\xff,dc=x", objectClass="posixAccount", uid="u3"), state(uuid(3))), done()))
    try:
        s = sources([server.uri]).until(lambda s: s.listings, "the listing")
        assert "u1" in s.names() and "u2" not in s.names() and s.problems
    finally:
        server.stop()


def test_a_present_phase_that_names_nobody_is_for_the_breaker_and_no_empty_listing(sources):
    """A known fault of real servers: an empty list of who is present."""
    again = []

    def speak(connection, id_):
        if not again:
            say(*((person(i), state(uuid(i))) for i in range(1, 9)), done("c1"))(connection, id_)
            again.append(connection)
            time.sleep(0.5)
            connection.close()
        else:
            say(info(tlv(0xa2, text("c2"))))(connection, id_)

    server = fake.Fake(speak)
    try:
        s = sources([server.uri], poll=3600).until(lambda s: len(s.absent) == 8, "eight to be absent")
        said = [o for o in s.listings if o["absent"]]
        # As absences of one listing, all at once: the engine holds what is more than its limit.
        assert len(said) == 1 and len(said[0]["absent"]) == 8 and said[0]["since"]
    finally:
        server.stop()


@pytest.mark.parametrize("sync", ["poll", "persist"])
def test_a_heartbeat_that_comes_amid_a_search_counts_when_all_before_it_was_read(sources, sync):
    """Alice was read, then changed, then the heartbeat was written, then it was read: it must not be acknowledged that
    she is as it says. The one that was read before the search counts, and this one at the next look."""
    now = ["7"]

    def beat(generation, **more):
        return entry("cn=rollcall-heartbeat,dc=x", objectClass="rollcallHeartbeat", rollcallGeneration=generation,
                     rollcallAsOf="hr 2026-11-25T10:00:00Z", **more)

    ids = {"entryUUID": "00000000-0000-0000-0000-00000000000"}
    alice = {"objectClass": "rollcallAccount", "rollcallId": "1", "rollcallState": "active", "uidNumber": "1879050001"}

    def other(body):
        if b"cn=rollcall-heartbeat" in body:
            return [beat(now[0])]
        if b"modifyTimestamp>=" in body or b"rollcallAccount" in body:
            now[0] = "9"
            return [person(1, **alice, entryUUID=ids["entryUUID"] + "1", modifyTimestamp="20261125100000Z"),
                    beat("9", entryUUID=ids["entryUUID"] + "2")]
        return None

    def speak(connection, id_):
        now[0] = "9"
        say((person(1, **alice), state(uuid(1))), (beat("9"), state(uuid(2))), done())(connection, id_)

    server = fake.Fake(speak, other=other)
    s = sources([server.uri], schema="rollcall", sync=sync, bind="external", poll=1)

    def generations(s):
        return [m.get("generation") for m in s.said if m["op"] == "commit"]

    s.until(lambda s: 9 in generations(s), "the heartbeat's generation to be said")
    assert generations(s)[0] == 7, generations(s)
    server.stop()


# The sanitizer holds back what was freed.
@pytest.mark.skipif("sanitize" in os.environ.get("BUILD", "build"), reason="counted in the ordinary build")
def test_what_a_server_sends_costs_bounded_memory(sources):
    def speak(connection, id_):
        for i in range(1, 501):  # 50 MB
            connection.sendall(message(id_, person(i, sshPublicKey=["k" * 1000] * 100), state(uuid(i))))
        connection.sendall(message(id_, done()))

    server = fake.Fake(speak)
    try:
        s = sources([server.uri], timeout=60, poll=3600).until(lambda s: s.listings, "the listing")
        with open(f"/proc/{s.process.pid}/status", encoding="ascii") as f:
            peak = int(f.read().split("VmHWM:")[1].split()[0])
        assert peak < 32 * 1024, f"{peak} KiB"
    finally:
        server.stop()
