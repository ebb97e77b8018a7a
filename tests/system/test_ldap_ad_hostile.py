# SPDX-License-Identifier: BSD-2-Clause
"""A domain controller that is busy, refuses, or lies: answers in many parts, rights that are
missing, answers without an end."""
import pytest

import fake_ldap as fake
from fake_ldap import control, entry, message, number, result, text, tlv
from ldap_source import Source

DIRSYNC = "1.2.840.113556.1.4.841"
ACCESS, EXTENSION, REFUSED, OPERATIONS = 50, 12, 53, 1


def guid(n):
    return bytes([n]) * 16


def person(n, **more):
    return entry(f"CN=u{n},DC=x", **{"objectClass": ["person", "user"], "sAMAccountName": f"u{n}", "objectGUID": guid(n), **more})


def change(n, **more):
    """As DirSync says it: no name, no class."""
    return entry(f"CN=u{n},DC=x", objectGUID=guid(n), **more)


def cookie(words, more=0):
    return control(DIRSYNC, tlv(0x30, number(more), number(0), text(words)))


class Controller(fake.Fake):
    """`answers` to DirSync, one after the other, the last for ever: a result code, or entries and
    controls. `flags`: what was asked with."""

    def __init__(self, *answers, people=(1, 2)):
        super().__init__(None)
        self.answers, self.people, self.flags, self.guids = list(answers), list(people), [], []

    def source(self, **options):
        return Source([self.uri], **{"schema": "ad", "bind": "external", "password": None, "bind_dn": None, "base": "DC=x", "timeout": 2, **options})

    def _answer(self, connection, body):
        n = body[1]
        id_, op = int.from_bytes(body[2:2 + n], "big"), body[2 + n]
        if op != 0x63:
            return super()._answer(connection, body)
        entries, code, controls = [], 0, b""
        if DIRSYNC.encode() in body:
            self.flags.append(body[body.index(DIRSYNC.encode()) + len(DIRSYNC) + 3 + 2 + 2 + 2])
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            entries, code, controls = ([], answer, b"") if isinstance(answer, int) else (answer[0], 0, answer[1])
        elif b"<GUID=" in body:
            self.guids.append(int(body[body.index(b"<GUID=") + 6:][:2], 16))
            code = 0 if self.guids[-1] in self.people else 32
            entries = [] if code else [person(self.guids[-1])]
        elif b"invocationId" in body or b"dnsHostName" in body or b"supportedControl" in body:
            entries = [entry("", supportedControl=[DIRSYNC], supportedCapabilities="1.2.840.113556.1.4.800", dnsHostName="dc1.x",
                             dsServiceName="CN=NTDS", namingContexts=["CN=Configuration,DC=x", "DC=x"], highestCommittedUSN="7",
                             invocationId=guid(9))]
        else:
            entries = [person(i) for i in self.people]
        connection.sendall(b"".join(message(id_, e) for e in entries) + message(id_, result(code), controls))
        return None


@pytest.fixture
def controllers():
    made = []

    def make(*answers, people=(1, 2), **options):
        c = Controller(*answers, people=people)
        made.append((c, c.source(**options)))
        return made[-1]

    yield make
    for c, s in made:
        s.stop()
        c.stop()


def place(s):
    return bytes.fromhex(s.cursor.split(" ")[4])


def test_an_answer_in_parts_is_read_to_its_end_and_each_object_again(controllers):
    c, s = controllers(([change(1)], cookie("a", 1)), ([], cookie("b")),
                       ([change(1, userAccountControl="514")], cookie("c", 1)), ([change(2)], cookie("d", 1)), ([], cookie("e")))
    s.until(lambda s: s.cursor and place(s).endswith(b"\ne"), "the last cookie")
    assert s.names() == {"u1", "u2"} and c.guids == [1, 2]
    assert [o["mode"] for o in s.listings if o["users"]] == ["full", "delta"]


def test_what_is_deleted_or_not_to_be_read_any_more_is_absent(controllers):
    c, s = controllers(([], cookie("a")), ([change(1, isDeleted="TRUE")], cookie("b")), ([change(2)], cookie("c")), ([], cookie("c")),
                       people=(1, 2, 3))
    s.until(lambda s: s.names() == {"u1", "u2", "u3"}, "three people")
    c.people.remove(1)
    c.people.remove(2)
    s.knows("u3")
    assert sum(o["mode"] == "full" and not o["since"] for o in s.listings) == 1


def test_without_the_right_it_asks_for_what_it_may_see(controllers):
    c, s = controllers(ACCESS, ([], cookie("a")))
    s.until(lambda s: s.names() == {"u1", "u2"} and len(c.flags) > 2, "everybody")
    assert c.flags[:3] == [0, 1, 1]


@pytest.mark.parametrize("code", [ACCESS, EXTENSION, REFUSED])
def test_where_dirsync_is_refused_uSNChanged_is_followed(controllers, code):
    _, s = controllers(code)
    s.until(lambda s: s.cursor and place(s).startswith(b"ad1 usn dc1.x "), "a place by USN")
    assert s.names() == {"u1", "u2"}
    _, t = controllers(code, sync="dirsync")
    t.refuses("ldapi://")
    assert not t.listings


@pytest.mark.parametrize("code", [OPERATIONS, EXTENSION, REFUSED])
def test_a_cookie_that_is_refused_is_given_up_once(controllers, code):
    _, s = controllers(([], cookie("a")), code, ([], cookie("b")), sync="dirsync")
    s.until(lambda s: s.cursor and place(s).endswith(b"\nb"), "the cookie of another reading")
    assert sum(o["mode"] == "full" and not o["since"] for o in s.listings) == 2 and not s.refused


@pytest.mark.parametrize("answer, words", [
    (([], cookie("same", 1)), "come to no end"),
    (([], b""), "no cookie that can be read"),
    (([], control(DIRSYNC, b"rubbish")), "no cookie that can be read"),
    (([], cookie("")), "no cookie that can be read"),
    (([], cookie("c" * 6001)), "more than 6000 bytes")])
def test_an_answer_that_cannot_be_used_is_refused(controllers, answer, words):
    _, s = controllers(answer)
    s.refuses(words)
    assert not s.listings and not s.people


def test_an_object_without_a_guid_is_refused_and_what_was_known_stands(controllers):
    _, s = controllers(([], cookie("a")), ([entry("CN=u1,DC=x", userAccountControl="514")], cookie("b")))
    s.refuses("has no objectGUID")
    assert s.names() == {"u1", "u2"}
