# SPDX-License-Identifier: BSD-2-Clause
"""The ldap source against real servers, by itself: what it says, and when it says nothing."""

import pytest

import ldapd
from ldap_source import Source


@pytest.fixture(scope="module")
def ca():
    return ldapd.Ca()


@pytest.fixture
def slapd(ca):
    server = ldapd.Slapd(ca).load(ldapd.person("alice"), ldapd.person("bob"), ldapd.person("carol"),
                                  ldapd.group("linux-users", ["alice", "bob"])).start()
    yield server
    server.stop()


@pytest.fixture
def sources():
    made = []

    def make(*args, **options):
        made.append(Source(*args, **options))
        return made[-1]

    yield make
    for s in made:
        s.stop()


EVERYBODY = ("alice", "bob", "carol")


# ---- the connection ----

@pytest.mark.parametrize("uri", ["ldaps", "ldap", "ldapi"])
def test_people_are_read_over_tls_and_over_the_local_socket(slapd, ca, sources, uri):
    s = sources([getattr(slapd, uri)], ca, once=True).ends(0).knows(*EVERYBODY)
    assert s.rows["alice"]["urn:rollcall:1.0:User"]["dn"] == "uid=alice,ou=people,dc=example,dc=org"
    assert set(s.members["linux-users"]) == {f"uid={n},ou=people,dc=example,dc=org" for n in ("alice", "bob")}
    assert s.rows["alice"]["urn:rollcall:1.0:User"]["aliases"] == ["uid=alice,ou=people,dc=example,dc=org"]


def test_a_certificate_for_another_name_or_of_another_ca_is_refused(ca, sources):
    server = ldapd.Slapd(ca, cert="other").load(ldapd.person("alice")).start()
    try:
        for uri, by in ((server.ldaps, ca), (server.ldap, ca), (server.ldaps, None), (server.ldap, ldapd.Ca())):
            s = sources([uri], by, once=True).ends(1)
            assert any(uri in r and "its certificate is not for this name" in r for r in s.refused), s.refused
            assert not s.people
    finally:
        server.stop()


def test_a_host_with_a_certificate_of_its_own_binds_by_it(ca, sources):
    server = ldapd.Slapd(ca, verify="demand", top="authz-regexp cn=host cn=sync,dc=example,dc=org",
                         ).load(ldapd.person("alice")).start()
    try:
        options = {"password": None, "bind": "external", "bind_dn": None, "once": True}
        sources([server.ldaps], ca, cert=ca.dir + "/host", **options).ends(0).knows("alice")
        s = sources([server.ldaps], ca, once=True).ends(1)
        assert server.ldaps in s.refused[0] and not s.people, s.refused
    finally:
        server.stop()


def test_a_wrong_password_ends_the_source_so_that_it_is_given_the_right_one(slapd, ca, sources):
    s = sources([slapd.ldaps, slapd.ldap], ca, password="wrong").ends(1)
    assert "refuses the bind of cn=sync" in s.refused[0] and "wrong" not in s.refused[0]
    assert slapd.ldap not in s.refused[0]  # one failure, not one a server


def test_an_empty_password_is_never_sent(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, password="\n").ends(2)
    assert "password_file is empty" in s.stderr()


def test_servers_are_tried_in_their_order_and_the_next_takes_over(slapd, ca, sources):
    second = ldapd.Slapd(ca, host="127.0.0.2").replica_of(slapd)
    try:
        s = sources(["ldaps://127.0.0.3:10636", slapd.ldaps, second.ldaps], ca).knows(*EVERYBODY)
        slapd.stop()
        s.refuses(slapd.ldaps, "gone")
        second.disable("alice")
        s.until(lambda s: s.status("alice") == "disabled", "alice disabled at the second server")
        assert s.process.poll() is None
        assert sum(o["mode"] == "full" and not o["since"] for o in s.listings) == 1, "all of it was read again"
    finally:
        second.stop()


@pytest.mark.parametrize("uri", ["ldaps", "ldap"])
def test_a_server_that_hangs_before_or_after_it_was_read_is_noticed_within_timeout(ca, sources, slapd, uri):
    other = ldapd.Slapd(ca, host="127.0.0.2").replica_of(slapd)
    try:
        s = sources([getattr(slapd, uri), other.ldaps], ca, timeout=2).knows(*EVERYBODY)
        slapd.pause()
        s.refuses(getattr(slapd, uri), "for 2 s")
        other.disable("alice")
        s.until(lambda s: s.status("alice") == "disabled", "alice disabled at the other server")
        t = sources([getattr(slapd, uri), other.ldaps], ca, timeout=2, once=True).ends(0).knows(*EVERYBODY)
        assert t.status("alice") == "disabled"
    finally:
        slapd.go_on()
        other.stop()


# ---- RFC 4533 ----

def test_changes_are_told_at_once_and_deletions_in_two_listings(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, poll=3600).knows(*EVERYBODY)
    slapd.replace("alice", "loginShell", "/bin/zsh")
    s.until(lambda s: s.rows["alice"]["urn:rollcall:1.0:User"]["loginShell"] == "/bin/zsh", "alice's shell")
    slapd.disable("bob")
    s.until(lambda s: s.status("bob") == "disabled", "bob to be disabled")
    slapd.add(ldapd.person("dora"))
    s.knows(*EVERYBODY, "dora")
    slapd.delete(f"uid=carol,{ldapd.PEOPLE}")
    s.knows("alice", "bob", "dora")
    said = [o for o in s.listings if o["absent"]]
    assert len(said) == 1 and said[0]["since"]
    s.until(lambda s: s.listings[-1]["since"] and not s.listings[-1]["absent"], "a second listing")
    slapd.add(ldapd.person("carol"))
    s.knows("alice", "bob", "carol", "dora")


def test_a_renamed_entry_is_the_same_person(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, poll=3600).knows(*EVERYBODY)
    before = s.rows["alice"]["id"]
    slapd.apply(f"dn: uid=alice,{ldapd.PEOPLE}\nchangetype: modrdn\nnewrdn: uid=alice.new\ndeleteoldrdn: 1\n")
    s.knows("alice.new", "bob", "carol")
    assert s.rows["alice.new"]["id"] == before


def test_an_entry_that_leaves_the_tree_of_people_is_absent(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, poll=3600, user_base=ldapd.PEOPLE).knows(*EVERYBODY)
    slapd.apply(f"dn: uid=alice,{ldapd.PEOPLE}\nchangetype: modrdn\nnewrdn: uid=alice\ndeleteoldrdn: 1\nnewsuperior: {ldapd.GROUPS}\n")
    s.knows("bob", "carol")


def test_a_group_says_its_members_anew_and_one_that_is_gone_has_none(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, poll=3600).knows(*EVERYBODY)
    slapd.apply(f"dn: cn=linux-users,{ldapd.GROUPS}\nchangetype: modify\ndelete: member\nmember: uid=bob,{ldapd.PEOPLE}\n")
    s.until(lambda s: s.members["linux-users"] == [f"uid=alice,{ldapd.PEOPLE}"], "bob to be out")
    slapd.delete(f"cn=linux-users,{ldapd.GROUPS}")
    s.until(lambda s: s.members["linux-users"] == [], "nobody in a group that is gone")


def test_a_group_that_is_deleted_and_made_again_has_its_members(slapd, ca, sources):
    """Its id is free as soon as the first is gone, and the second one is not emptied by the first one's end."""
    s = sources([slapd.ldaps], ca, poll=3600).knows(*EVERYBODY)
    slapd.apply(f"dn: cn=linux-users,{ldapd.GROUPS}\nchangetype: delete\n\n" +
                ldapd.group("linux-users", ["carol"]).replace("\n", "\nchangetype: add\n", 1))
    carol = [f"uid=carol,{ldapd.PEOPLE}"]
    s.until(lambda s: s.members["linux-users"] == carol, "carol in the new group")
    slapd.delete(f"uid=bob,{ldapd.PEOPLE}")
    s.until(lambda s: "bob" in s.absent, "what was deleted to be said")
    assert s.members["linux-users"] == carol


def test_a_group_that_waited_for_an_id_has_it_when_the_first_is_gone(slapd, ca, sources):
    slapd.add(ldapd.group("linux-users", ["carol"], base=ldapd.PEOPLE))
    s = sources([slapd.ldaps], ca, poll=3600).knows(*EVERYBODY)
    first = "alice" in str(s.members["linux-users"])
    slapd.delete(f"cn=linux-users,{ldapd.GROUPS if first else ldapd.PEOPLE}")
    s.until(lambda s: s.members["linux-users"] and ("carol" in str(s.members["linux-users"])) == first, "the other one's members")


@pytest.mark.parametrize("sync", ["auto", "poll"])
def test_a_second_group_of_one_id_says_nobody_for_the_first(slapd, ca, sources, sync):
    both = {f"uid={n},{ldapd.PEOPLE}" for n in ("alice", "bob")}
    slapd.add(ldapd.group("linux-users", ["carol"], base=ldapd.PEOPLE))
    s = sources([slapd.ldaps], ca, poll=1, sync=sync).knows(*EVERYBODY)
    assert any("another group has its id" in p for p in s.problems) and set(s.members["linux-users"]) == both
    slapd.replace(f"cn=linux-users,{ldapd.PEOPLE}", "member", f"uid=carol,{ldapd.PEOPLE}")
    slapd.disable("bob")
    s.until(lambda s: s.status("bob") == "disabled", "bob to be disabled")
    assert set(s.members["linux-users"]) == both
    slapd.apply(f"dn: cn=linux-users,{ldapd.GROUPS}\nchangetype: modify\ndelete: member\nmember: uid=bob,{ldapd.PEOPLE}\n")
    s.until(lambda s: s.members["linux-users"] == [f"uid=alice,{ldapd.PEOPLE}"], "bob to be out")


def test_a_source_that_is_started_again_hears_what_changed_alone(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, once=True).ends(0)
    slapd.replace("bob", "loginShell", "/bin/sh")
    t = sources([slapd.ldaps], ca, once=True, cursor=s.cursor).ends(0)
    assert set(t.people.values()) == {"bob"} and t.listings[0]["mode"] == "delta"
    # Somebody gone: whoever just began does not know who was there.
    slapd.delete(f"uid=bob,{ldapd.PEOPLE}")
    t = sources([slapd.ldaps], ca, once=True, cursor=t.cursor).ends(0).knows("alice", "carol")
    assert t.listings[-1]["mode"] == "full" and not t.listings[-1]["since"]


@pytest.mark.parametrize("sessionlog", [1000, 0])
def test_a_server_that_was_restarted_says_who_is_gone_with_and_without_a_log(ca, sources, sessionlog):
    server = ldapd.Slapd(ca, sessionlog=sessionlog).load(*map(ldapd.person, EVERYBODY), ldapd.group("g", ["alice"])).start()
    try:
        s = sources([server.ldaps], ca, poll=3600).knows(*EVERYBODY)
        server.stop()
        server.start()
        # The log is in the server's memory: what is gone is said by naming all who are there.
        server.delete(f"uid=bob,{ldapd.PEOPLE}")
        s.knows("alice", "carol")
        assert sum(o["mode"] == "full" and not o["since"] for o in s.listings) == 1, "all of it was read again"
    finally:
        server.stop()


@pytest.mark.parametrize("cookie", [b"rid=000,csn=20200101000000.000000Z#000000#000#000000", b"\xff\x00rubbish", b"rid=abc"])
def test_a_cookie_that_the_server_cannot_use_is_dropped_and_all_is_read(slapd, ca, sources, cookie):
    s = sources([slapd.ldaps], ca, once=True).ends(0)
    head = s.cursor.rsplit(" ", 1)[0]
    sources([slapd.ldaps], ca, once=True, cursor=f"{head} {cookie.hex()}").ends(0).knows(*EVERYBODY)


def test_a_cursor_of_another_configuration_is_none(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, once=True).ends(0)
    t = sources([slapd.ldaps], ca, once=True, cursor=s.cursor, user_filter="(uid=alice)").ends(0).knows("alice")
    assert t.listings[0]["mode"] == "full"
    for cursor in ("", "x", "ldap1", "ldap1 zz 1 00", s.cursor + "0", s.cursor[:-1]):
        sources([slapd.ldaps], ca, once=True, cursor=cursor).ends(0).knows(*EVERYBODY)


def test_a_directory_that_was_set_back_is_not_taken_until_it_is_written_to(slapd, ca, sources):
    slapd.stop()
    slapd.copy()
    slapd.start()
    slapd.disable("bob")
    s = sources([slapd.ldaps], ca, poll=1).until(lambda s: "bob" in s.rows and s.status("bob") == "disabled", "bob disabled")
    slapd.stop()
    slapd.restore()
    slapd.start()
    s.refuses("behind what was read before")
    assert s.status("bob") == "disabled"
    slapd.replace("alice", "loginShell", "/bin/sh")
    s.until(lambda s: s.rows["alice"]["urn:rollcall:1.0:User"]["loginShell"] == "/bin/sh", "the written directory")


def test_an_idle_server_is_asked_whether_it_is_there(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, poll=1).knows(*EVERYBODY)
    s.until(lambda s: len(s.as_of) >= 2, "two signs of life")


# ---- servers that say less ----

def test_a_size_limit_refuses_the_listing_and_says_what_to_raise(ca, sources):
    server = ldapd.Slapd(ca, limits="size=2").load(*map(ldapd.person, EVERYBODY)).start()
    try:
        for sync in ("persist", "refresh", "poll"):
            s = sources([server.ldaps], ca, once=True, sync=sync, page=0).ends(1)
            assert any("raise its size limit" in r for r in s.refused), s.refused
            assert not s.listings
    finally:
        server.stop()


def test_a_base_that_is_not_there_or_hidden_is_no_empty_directory(slapd, ca, sources):
    for sync in ("auto", "refresh", "poll"):
        s = sources([slapd.ldaps], ca, once=True, base="ou=nowhere," + ldapd.BASE, sync=sync).ends(1)
        assert any("base does not exist" in r for r in s.refused) and not s.listings, s.refused


def test_a_referral_is_not_followed(ca, sources):
    server = ldapd.Slapd(ca, top="referral ldap://127.0.0.3:10389").load(ldapd.person("alice")).start()
    try:
        s = sources([server.ldaps], ca, once=True, base="dc=other,dc=org").ends(1)
        assert any("on another server" in r for r in s.refused), s.refused
        server.add(ldapd.ldif(f"ou=far,{ldapd.BASE}", objectClass=["referral", "extensibleObject"], ou="far",
                              ref="ldap://127.0.0.3:10389/ou=far,dc=example,dc=org"))
        s = sources([server.ldaps], ca, once=True).ends(0).knows("alice")
        assert "a part of the tree is on another server" in s.stderr()
    finally:
        server.stop()


def test_a_server_without_rfc_4533_is_looked_at_page_by_page(ca, sources):
    server = ldapd.Slapd(ca, syncprov=False).load(*map(ldapd.person, EVERYBODY), ldapd.group("g", ["alice"])).start()
    try:
        s = sources([server.ldaps], ca, page=2).knows(*EVERYBODY)
        server.disable("bob")
        s.until(lambda s: s.status("bob") == "disabled", "bob to be disabled")
        server.delete(f"uid=carol,{ldapd.PEOPLE}")
        server.add(ldapd.person("dora"))
        s.knows("alice", "bob", "dora")
        assert any("carol" == s.people[i] for o in s.listings for i in o["absent"])
        s = sources([server.ldaps], ca, once=True, sync="persist").ends(1)
        assert "does not offer RFC 4533" in s.refused[0]
    finally:
        server.stop()


def test_refresh_asks_every_poll_for_what_changed(slapd, ca, sources):
    s = sources([slapd.ldaps], ca, sync="refresh").knows(*EVERYBODY)
    slapd.disable("bob")
    s.until(lambda s: s.status("bob") == "disabled", "bob to be disabled")
    slapd.delete(f"uid=carol,{ldapd.PEOPLE}")
    s.knows("alice", "bob")
    assert sum(o["mode"] == "full" and not o["since"] for o in s.listings) == 1


# ---- entries ----

def test_an_entry_that_cannot_be_taken_is_named_and_the_others_are(ca, sources):
    server = ldapd.Slapd(ca).load(
        ldapd.person("alice"), ldapd.person("bob").replace("loginShell:", "loginShell::").replace("/bin/bash", "/w=="),
        ldapd.person("two", uid=["two", "too"])).start()
    try:
        s = sources([server.ldaps], ca, once=True).ends(0).knows("alice")
        assert any("uid has several values" in p for p in s.problems), s.problems
        assert len(s.problems) == 2, s.problems
    finally:
        server.stop()


def test_a_name_never_gets_into_a_filter(ca, sources):
    odd = "a*)(uid=*"
    server = ldapd.Slapd(ca).load(ldapd.person("alice"),
                                  ldapd.person(odd.replace("*", "\\2a").replace("(", "\\28").replace(")", "\\29")).replace(
                                      "homeDirectory: ", "uid: a*)(uid=*\nhomeDirectory: ")).start()
    try:
        s = sources([server.ldaps], ca, poll=3600).until(lambda s: len(s.people) == 2, "both")
        before = len(s.listings)
        ldapd.run("ldapdelete", "-Q", "-Y", "EXTERNAL", "-H", server.ldapi, f"uid=a\\2a\\29\\28uid\\3d\\2a,{ldapd.PEOPLE}")
        s.until(lambda s: len(s.absent) == 1, "one to be absent")
        s.until(lambda s: len(s.listings) >= before + 2, "the second listing")
        assert s.names() == {"alice"}
    finally:
        server.stop()


def test_a_group_of_three_thousand_is_said_in_lines_that_the_engine_takes(ca, sources):
    names = [f"u{i:05}" for i in range(3000)]
    server = ldapd.Slapd(ca).load(ldapd.person("alice"), ldapd.group("big", names)).start()
    try:
        s = sources([server.ldaps], ca, once=True).ends(0)
        assert len(s.members["big"]) == 3000
    finally:
        server.stop()


# ---- a second server of the same kind ----

def test_389_directory_server_is_followed_too(sources):
    server = ldapd.Ds389().start()
    try:
        tree = "".join(ldapd.ldif(f"ou={o},{ldapd.BASE}", objectClass="organizationalUnit", ou=o) for o in ("people", "groups"))

        def entry(name):
            text = ldapd.person(name)
            return "\n".join(l for l in text.splitlines() if "ldapPublicKey" not in l and "userPassword" not in l) + "\n\n"

        root = ldapd.ldif(ldapd.BASE, objectClass=["top", "domain"], dc="example")
        server.apply(root + tree + "".join(map(entry, EVERYBODY)) + ldapd.group("g", ["alice"]), "-a")
        # Its certificate names localhost, which libldap takes for this machine's name: the local socket.
        uri = "ldapi://" + (server.dir + "/ldapi").replace("/", "%2F")
        options = {"bind_dn": server.admin, "password": server.password}
        s = sources([uri], None, poll=3600, **options).knows(*EVERYBODY)
        assert s.members["g"] == [f"uid=alice,{ldapd.PEOPLE}"]
        server.apply(f"dn: uid=bob,{ldapd.PEOPLE}\nchangetype: modify\nadd: nsAccountLock\nnsAccountLock: true\n")
        s.until(lambda s: s.status("bob") == "disabled", "bob to be disabled")
        server.apply(f"dn: uid=carol,{ldapd.PEOPLE}\nchangetype: delete\n")
        s.knows("alice", "bob")
        s.stop()
        server.apply(f"dn: uid=alice,{ldapd.PEOPLE}\nchangetype: modify\nreplace: loginShell\nloginShell: /bin/sh\n")
        t = sources([uri], None, once=True, cursor=s.cursor, **options).ends(0)
        assert t.rows["alice"]["urn:rollcall:1.0:User"]["loginShell"] == "/bin/sh", t.said
    finally:
        server.stop()
