# SPDX-License-Identifier: BSD-2-Clause
"""The ldap source against Active Directory, for which Samba's domain controller stands in: by
DirSync with the right to replicate and without it, and by uSNChanged."""
import pytest

from ldap_source import Source
from samba_ad import BASE, PASSWORD, SERVER, Controller, person

NEWLINE = b"\n"
TREE = "OU=Staff," + BASE


class Ca:
    def __init__(self, file):
        self.file = file


@pytest.fixture(scope="module")
def domain():
    controller = Controller()
    yield controller
    controller.stop()


class Staff:
    """An OU with ann, ben, cid and a group in which ann is."""

    def __init__(self, domain):
        self.domain, self.db, self.sources = domain, domain.database(), []
        self.db.create_ou(TREE)
        for name in ("ann", "ben", "cid"):
            self.add(name)
        self.db.newgroup("linux-users", groupou="OU=Staff")
        self.members("add", "ann")

    def add(self, name):
        self.db.newuser(name, PASSWORD, userou="OU=Staff")

    def set(self, name, attribute, value):
        self.domain.modify(self.db, self.dn(name), attribute, value)

    def members(self, what, name):
        self.db.modify_ldif(f"dn: {self.dn('linux-users')}\nchangetype: modify\n{what}: member\nmember: {self.dn(name)}\n")

    @staticmethod
    def dn(name):
        return f"CN={name},{TREE}"

    def source(self, account, **options):
        options = {"schema": "ad", "base": TREE, "bind_dn": person(account), "password": PASSWORD, **options}
        self.sources.append(Source([f"ldaps://{SERVER}"], Ca(self.domain.ca), **options))
        return self.sources[-1]

    def clear(self):
        for s in self.sources:
            s.stop()
        self.db.delete(TREE, ["tree_delete:1"])


@pytest.fixture
def staff(domain):
    s = Staff(domain)
    yield s
    s.clear()


def way(s):
    return bytes.fromhex(s.cursor.split(" ")[4]).split()[1].decode()


def whole(s):
    return sum(o["mode"] == "full" and not o["since"] for o in s.listings)


def until_disabled(s, name):
    return s.until(lambda s: name in s.rows and s.status(name) == "disabled", f"{name} disabled")


WAYS = pytest.mark.parametrize("account, sync, expected", [
    ("Administrator", "auto", "dirsync"), ("alice", "dirsync", "dirsync"), ("alice", "usn", "usn")],
    ids=["dirsync", "dirsync-without-the-right", "usn"])


@WAYS
def test_each_change_is_followed_with_one_whole_reading(staff, account, sync, expected):
    s = staff.source(account, sync=sync).knows("ann", "ben", "cid")
    assert way(s) == expected
    staff.set("ben", "userAccountControl", "514")
    staff.set("ann", "accountExpires", "133801632000000000")
    until_disabled(s, "ben")
    s.until(lambda s: s.rows["ann"]["urn:rollcall:1.0:User"].get("end") == "2025-01-01T00:00:00Z", "the end of ann's account")
    names = {n: f"cn={n},{TREE}".lower() for n in ("ann", "ben")}
    assert s.members["linux-users"] == [names["ann"]]
    staff.members("add", "ben")
    s.until(lambda s: set(s.members["linux-users"]) == set(names.values()), "ben in the group")
    staff.members("delete", "ann")
    s.until(lambda s: s.members["linux-users"] == [names["ben"]], "ann out of the group")
    staff.add("dan")
    s.knows("ann", "ben", "cid", "dan")
    staff.db.delete(staff.dn("cid"))
    s.knows("ann", "ben", "dan")
    staff.db.rename(staff.dn("dan"), f"CN=dan,CN=Users,{BASE}")
    try:
        s.knows("ann", "ben")
        assert whole(s) == 1 and not s.problems, (s.listings, s.problems)
    finally:
        staff.db.delete(f"CN=dan,CN=Users,{BASE}")


@WAYS
def test_a_source_that_is_started_again_goes_on_where_it_was(staff, account, sync, expected):
    s = staff.source(account, sync=sync, poll=3600).knows("ann", "ben", "cid")
    s.stop()
    staff.set("ben", "userAccountControl", "514")
    t = staff.source(account, sync=sync, cursor=s.cursor)
    until_disabled(t, "ben")
    assert t.listings[0]["mode"] == "delta" and len(t.listings[0]["users"]) == 1
    if account == "Administrator":
        beats = len(t.as_of)
        t.until(lambda t: len(t.as_of) > beats + 2, "two polls more")
        assert whole(t) == 0
    else:  # shown no deletions; compares with what it has to read first
        t.until(lambda t: whole(t) == 1, "one whole reading")
    t.stop()
    staff.db.delete(staff.dn("cid"))
    # Whom it was is not known to a process that just began; all of it is read again.
    staff.source(account, sync=sync, cursor=t.cursor).knows("ann", "ben")


def test_a_cursor_of_another_history_or_with_rubbish_means_all_of_it(staff):
    s = staff.source("Administrator", sync="usn", once=True).ends(0)
    head, cookie = s.cursor.rsplit(" ", 1)
    words = bytes.fromhex(cookie).decode().split(" ")
    words[3] = "00000000-0000-0000-0000-000000000000"
    for changed in (" ".join(words).encode(), b"ad1 dirsync rubbish"):
        t = staff.source("Administrator", sync="usn", once=True, cursor=f"{head} {changed.hex()}").ends(0)
        assert whole(t) == 1 and t.names() == {"ann", "ben", "cid"}
    t = staff.source("Administrator", sync="usn", once=True, cursor=s.cursor).ends(0)
    assert whole(t) == 0


def test_dirsync_with_a_cookie_that_the_server_does_not_know_reads_all_of_it(staff):
    s = staff.source("Administrator", sync="dirsync", once=True).ends(0)
    head, cookie = s.cursor.rsplit(" ", 1)
    place = bytes.fromhex(cookie).split(b"\n", 1)[0]
    t = staff.source("Administrator", sync="dirsync", once=True, cursor=f"{head} {(place + NEWLINE + b'no cookie').hex()}").ends(0)
    assert whole(t) == 1 and t.names() == {"ann", "ben", "cid"}


def test_a_keytab_opens_the_directory_and_one_of_another_account_or_password_does_not(staff):
    """GSSAPI with a ticket from the domain's KDC, within TLS and bound to it; no password anywhere."""
    keytab = staff.domain.keytab("alice")
    s = staff.source("alice", sync="usn", bind="gssapi", bind_dn=None, password=None, keytab=keytab)
    s.knows("ann", "ben", "cid")
    staff.set("ben", "userAccountControl", "514")
    until_disabled(s, "ben")
    staff.db.setpassword("(sAMAccountName=alice)", PASSWORD + "2")
    t = staff.source("alice", sync="usn", bind="gssapi", bind_dn=None, password=None, keytab=keytab, once=True).ends(1)
    assert any("refuses the bind" in r for r in t.refused) and not t.people, t.refused
    staff.db.setpassword("(sAMAccountName=alice)", PASSWORD)
