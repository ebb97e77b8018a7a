# SPDX-License-Identifier: BSD-2-Clause
"""Groups whose members a server shows a slice of at a time, as Active Directory does: all of
them are taken, or nothing."""
import pytest

import fake_ldap as fake
from fake_ldap import done, entry, message, state, uuid
from ldap_source import Source

NAMES = [f"uid=u{i},dc=x" for i in range(7)]


def slice_of(first, last, names=None, label=None):
    """As the server says it: beside the slice stands the attribute itself, with no value."""
    names = NAMES[first:last + 1] if names is None else names
    return entry("cn=big,dc=x", **{"objectClass": "groupOfNames", "cn": "big", "member": [],
                                   label or f"member;range={first}-{'*' if last == 6 else last}": names})


def speak(first):
    def say(connection, id_):
        for op, controls in ((first, state(uuid(9))), (fake.person(1), state(uuid(1))), (done(), b"")):
            connection.sendall(message(id_, op, controls))
    return say


def listed(first, slices):
    server = fake.Fake(speak(first), slices=slices)
    s = Source([server.uri], bind="external", password=None, bind_dn=None, base="dc=x", timeout=2)
    return server, s


def test_all_slices_are_one_group():
    asked = []

    def slices(low):
        asked.append(low)
        return slice_of(low, min(low + 2, 6))

    server, s = listed(slice_of(0, 2), slices)
    try:
        s.until(lambda s: s.members.get("big") == NAMES, "all members")
        assert asked == [3, 6]
    finally:
        s.stop()
        server.stop()


def test_one_slice_that_is_the_last_needs_no_question():
    server, s = listed(slice_of(0, 6), None)
    try:
        s.until(lambda s: s.members.get("big") == NAMES, "all members")
    finally:
        s.stop()
        server.stop()


@pytest.mark.parametrize("first, slices", [
    (slice_of(0, 2), lambda low: slice_of(low, low, names=[])),                        # nothing in it: never an end
    (slice_of(0, 2), lambda low: slice_of(0, 2)),                                      # the same again
    (slice_of(0, 2), lambda low: slice_of(4, 6)),                                      # one is left out
    (slice_of(0, 2), lambda low: slice_of(3, 5, names=NAMES[3:5])),                    # less than it says
    (slice_of(0, 2), lambda low: slice_of(3, 5, label="member;range=3-x")),            # no number
    (slice_of(0, 2), lambda low: entry("cn=big,dc=x", cn="big")),                      # no members
    (slice_of(1, 2), lambda low: slice_of(3, 6)),                                      # does not begin at the beginning
    (slice_of(0, 2, label="member;range=0-99999999999999999999"), lambda low: slice_of(3, 6))])
def test_half_a_group_is_never_taken(first, slices):
    server, s = listed(first, slices)
    try:
        s.refuses("slices")
        assert not s.listings and not s.members
    finally:
        s.stop()
        server.stop()
