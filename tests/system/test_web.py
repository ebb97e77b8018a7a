# SPDX-License-Identifier: BSD-2-Clause
"""The shared layer of sources over an API, by a source that is nothing else (web_source_main.c), over a server
whose faults a test switches on."""
import base64
import email.utils
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import pytest

import fake_oauth
import fake_web
import pki
import wait
import web_source

PROGRAM = os.path.abspath(os.environ.get("BUILD", "build") + "/tests/tools/rollcall-source-weblist")
SECRET = "s3cr et/+~."
PAGES = 5
IDS = [str(n) for n in range(PAGES * 10)]


def dress(s):
    """The API that weblist reads: five pages of ten."""
    s.pages = fake_web.pages([{"id": i, "userName": "u" + i} for i in IDS], 10)
    s.get("/me", lambda q: {"tenant": "ours"})

    @s.get("/users")
    def users(q):
        n = int(q.query.get("after", 0))
        more = [fake_web.link(f"/users?after={n}", "self"), ("ETag", '"v1"')]
        if n + 1 < PAGES:
            more.append(fake_web.link(f"/users?after={n + 1}"))
        if q.headers.get("if-none-match") == '"v1"':
            return fake_web.Answer(b"", 304)
        return fake_web.Answer(s.pages[n], headers=more)
    return s


@pytest.fixture
def server():
    with dress(fake_web.Server()) as s:
        yield s


def text_of(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def source(server, ca=None, **more):
    files = {"ca_file": text_of(ca or server.ca), "secret_file": SECRET + "\n"}
    files.update(more.pop("files", {}))
    given = {"origin": server.origin, "url": server.origin + "/users", "once": True, "sign_in": "none"}
    given.update(more)
    return web_source.Source(PROGRAM, files, **given)


def is_whole(s):
    """The last listing that was said is all of it, and it alone was committed."""
    last = [m["op"] for m in s.said]
    last = s.said[len(last) - 1 - last[::-1].index("begin"):] if "begin" in last else []
    return [m["user"]["id"] for m in last if m["op"] == "user"] == IDS and len(s.commits()) == 1


def reads_all(s):
    return s.wait() == 0 and is_whole(s)


# ---- what goes well ----

def test_pages_are_followed_to_the_end_over_one_connection(server):
    with source(server) as s:
        assert reads_all(s), s.story()
    assert server.connections == 1
    assert len(server.asked("/users")) == PAGES
    assert server.asked("/users")[0].query == {"$select": "id name"}


def test_what_did_not_change_is_asked_for_once_and_not_sent(server):
    with source(server, cursor='{"etag":"\\"v1\\""}') as s:
        assert s.wait() == 0
        assert [m["op"] for m in s.said] == ["as_of"]
    assert len(server.asked("/users")) == 1


def test_pages_come_by_http_2_where_the_server_has_it(tmp_path):
    ca = pki.Ca()
    cert, key = ca.issue()
    (tmp_path / "me.json").write_text('{"tenant": "ours"}')
    (tmp_path / "users.json").write_text('[{"id": "1", "userName": "a"}]')
    (tmp_path / "types").write_text("application/json json\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nghttpd = subprocess.Popen(["nghttpd", "-d", str(tmp_path), "--mime-types-file", str(tmp_path / "types"), "-v",
                                "-a", "127.0.0.1", str(port), key, cert], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait.until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "nghttpd")
        origin = f"https://localhost:{port}"
        files = {"ca_file": text_of(ca.file)}
        options = {"origin": origin, "url": origin + "/users.json", "me": "/me.json", "sign_in": "none"}
        with web_source.Source(PROGRAM, files, once=True, **options) as s:
            assert s.wait() == 0 and len(s.users()) == 1, s.errors()
        with web_source.Source(PROGRAM, files, once=True, test=True, **options) as s:
            s.wait()
            assert "HTTP/2" in s.ops("finding")[0]["text"]
    finally:
        nghttpd.terminate()
        nghttpd.wait()


class Proxy:
    """Knows CONNECT and nothing else; `heads` is what it was asked with."""

    def __init__(self):
        self.heads = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                c, _ = self._socket.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += c.recv(4096)
            self.heads.append(head.decode())
            to = socket.create_connection(("127.0.0.1", int(re.match(r"CONNECT [^:]+:(\d+) ", head.decode())[1])))
            c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for a, b in ((c, to), (to, c)):
                threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    @staticmethod
    def _copy(a, b):
        try:
            while got := a.recv(65536):
                b.sendall(got)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self._socket.close()


def test_a_proxy_carries_it_and_gets_no_credential(server):
    proxy = Proxy()
    server.guard = fake_web.Ssws(SECRET)
    with source(server, proxy=proxy.url, sign_in="ssws") as s:
        assert reads_all(s), s.story()
    proxy.stop()
    assert len(proxy.heads) == 1 and proxy.heads[0].startswith(f"CONNECT localhost:{server.port} ")
    assert "authorization" not in proxy.heads[0].lower()


# ---- who we are ----

def tokens(server, **more):
    server.guard = fake_oauth.Tokens(server, **more)
    return server.guard


@pytest.mark.parametrize("how", ["secret", "secret_post"])
def test_a_token_comes_by_a_secret(server, how):
    t = tokens(server, client_id="a b", secret=SECRET, scope="x y")
    with source(server, sign_in=how, client_id="a b", scope="x y", token_url=t.url) as s:
        assert reads_all(s), s.story()
    assert len(server.asked(t.path)) == 1
    assert ("client_secret" in server.asked(t.path)[0].form) == (how == "secret_post")


@pytest.mark.parametrize("kind, algorithm", [("rsa", "RS256"), ("ec", "ES256")])
def test_a_token_comes_by_a_registered_key(server, kind, algorithm):
    key = pki.new_key(kind)
    t = tokens(server, key=pki.pem_of_public(key), kid="k1")
    with source(server, sign_in="key", client_id="client", key_id="k1", token_url=t.url,
                files={"key_file": pki.pem_of_key(key)}) as s:
        assert reads_all(s), s.story()
    (header, claims), = t.assertions
    assert header["alg"] == algorithm and claims["exp"] - claims["iat"] == 300


def test_a_token_comes_by_a_certificate(server):
    key = pki.new_key("rsa")
    pem = pki.pem_of_certificate(pki.certificate("rollcall", key))
    t = tokens(server, certificate=pem)
    with source(server, sign_in="certificate", client_id="client", token_url=t.url,
                files={"key_file": pki.pem_of_key(key), "cert_file": pem}) as s:
        assert reads_all(s), s.story()
    assert t.assertions[0][0]["alg"] == "PS256" and t.assertions[0][1]["nbf"]


def test_a_certificate_of_another_key_is_refused_before_anybody_is_asked(server):
    pem = pki.pem_of_certificate(pki.certificate("rollcall", pki.new_key("rsa")))
    with source(server, sign_in="certificate", client_id="client", token_url=server.origin + "/t",
                files={"key_file": pki.pem_of_key(pki.new_key("rsa")), "cert_file": pem}) as s:
        assert s.wait() == 1 and "is not of the key" in s.problems()[0]
    assert not server.requests


def test_an_assertion_is_made_anew_where_the_request_for_a_token_is_repeated(server):
    key = pki.new_key("ec")
    t = tokens(server, key=pki.pem_of_public(key), kid="k1")
    # It was read there, and the answer is lost: the jti is used up.
    server.fault(path=t.path, truncated=True)
    with source(server, sign_in="key", client_id="client", key_id="k1", token_url=t.url,
                files={"key_file": pki.pem_of_key(key)}) as s:
        assert reads_all(s), s.story()
    assert len({claims["jti"] for _, claims in t.assertions}) == 2


def test_possession_is_proved_where_the_server_asks_for_it_and_nonces_are_followed(server):
    key = pki.new_key("rsa")
    t = tokens(server, key=pki.pem_of_public(key), kid="k1", dpop=True)
    # In the middle of paging the token ends and another nonce is in force; then the API wants one too.
    server.fault(path="after=2", before=lambda: (t.expire(), t.renew_nonce()))
    server.fault(path="after=4", before=t.renew_resource_nonce)
    with source(server, sign_in="key", client_id="client", key_id="k1", token_url=t.url, trace=True,
                files={"key_file": pki.pem_of_key(key)}) as s:
        assert reads_all(s), s.story()
        for proof in [q.headers["dpop"] for q in server.requests if "dpop" in q.headers]:
            assert proof not in s.errors()
    asked = server.asked(t.path)
    assert "dpop" not in asked[0].headers and len(asked) == 5, "asked without, without a nonce, with it; twice for the other"
    jtis = [claims["jti"] for _, claims in t.proofs]
    assert len(jtis) == len(set(jtis))
    assert {header["alg"] for header, _ in t.proofs} == {"ES256"}


def test_a_token_that_ended_between_two_pages_is_renewed(server):
    t = tokens(server, secret=SECRET)
    server.fault(path="after=3", before=t.expire)
    with source(server, sign_in="secret", client_id="client", token_url=t.url) as s:
        assert reads_all(s), s.story()
    assert len(server.asked(t.path)) == 2


@pytest.mark.parametrize("life, least", [(3600, 1), (1, 2)])
def test_a_token_is_renewed_before_its_end(server, life, least):
    t = tokens(server, secret=SECRET, life=life)
    server.fault(path="after=3", status=429, retry_after=1)
    with source(server, sign_in="secret", client_id="client", token_url=t.url) as s:
        assert reads_all(s), s.story()
    assert len(server.asked(t.path)) >= least
    assert len([q for q in server.asked("after=3")]) == 2, "no request went with a token that was over"


def test_a_revoked_credential_is_said_and_ends_the_program_so_that_it_is_read_anew(server):
    t = tokens(server, secret=SECRET)
    with source(server, once=False, sign_in="secret", client_id="client", token_url=t.url) as s:
        s.until_commits()
        t.revoked = True
        t.expire()
        assert s.wait() == 1
        assert "gave no token (401): invalid_client: the credential was revoked" in s.problems()[-1]
        assert s.ops("problem")[-1]["whole"] is True


def test_no_secret_is_in_a_log_a_trace_or_a_command_line(server):
    t = tokens(server, secret=SECRET)
    # A server that says our own words back.
    server.fault(path=t.path, skip=1, status=401, body={"error": "invalid_client", "error_description": "no: " + SECRET})
    server.fault(path="after=3", before=t.expire)
    with source(server, sign_in="secret", client_id="client", token_url=t.url, trace=True) as s:
        command = open(f"/proc/{s.process.pid}/cmdline", encoding="utf-8").read()
        assert s.wait() == 1
        said = json.dumps(s.said) + s.errors() + command
    bearer = {q.headers.get("authorization", "Bearer none").split()[1] for q in server.requests}
    assert len(bearer) >= 2
    for secret in [SECRET, "s3cr%20et", *bearer]:
        assert secret not in said
    assert f"GET {server.origin}/users?after=1: 200, " in said


@pytest.mark.parametrize("how", ["ssws", "basic"])
def test_what_an_api_says_of_our_credential_is_in_no_message(server, how):
    sent = {"ssws": SECRET, "basic": base64.b64encode(f"ISU:{SECRET}".encode()).decode()}[how]
    server.fault(path="/users", status=403, body={"errorCode": "E0000006", "errorSummary": "not by " + sent})
    with source(server, sign_in=how, user="ISU") as s:
        assert s.wait() == 1
        assert server.requests[-1].headers["authorization"].endswith(sent)
        said = json.dumps(s.said) + s.errors()
    assert sent not in said
    assert "the server answered 403" in said


def copies(pid, words):
    """How often each stands in the memory of a process."""
    found = dict.fromkeys(words, 0)
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end, rights, name = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)", line).groups()
            if "w" not in rights or name.startswith("[v"):
                continue
            memory.seek(int(start, 16))
            held = memory.read(int(end, 16) - int(start, 16))
            for word in words:
                found[word] += held.count(word.encode())
    return found


# The sanitizer's own memory is terabytes, which nobody can read through.
@pytest.mark.skipif("sanitize" in os.environ.get("BUILD", "build"), reason="looked at in the ordinary build")
@pytest.mark.parametrize("how", ["secret", "key"])
def test_what_is_over_is_erased_from_memory(server, how):
    key = pki.new_key("rsa")
    pem = pki.pem_of_key(key)
    who = {"secret": SECRET} if how == "secret" else {"key": pki.pem_of_public(key), "kid": "k1"}
    t = tokens(server, **who)
    server.fault(path="after=3", before=t.expire)
    with source(server, once=False, poll=3600, sign_in=how, client_id="client", key_id="k1", token_url=t.url,
                files={"key_file": pem}) as s:
        s.until_commits()
        sent = [q.headers["authorization"].split()[1] for q in server.requests if q.path != t.path]
        line = pem.split("\n")[5]
        found = copies(s.process.pid, [sent[0], sent[-1], SECRET, line])
        assert found[sent[0]] == 0 and found[line] == 0, found
        assert found[sent[-1]] >= 1, "or nothing is found at all"
        assert found[SECRET] == (1 if how == "secret" else 0), "once, to renew the token with"


# ---- again, and for how long ----

DATE = object()
PASSING = {
    "429_with_seconds": {"status": 429, "retry_after": 1},
    "429_with_a_date": {"status": 429, "retry_after": DATE},
    "429_with_the_instant_of_a_limit": {"status": 429, "rate": (600, 0, DATE)},
    "429_of_a_concurrent_limit": {"status": 429, "rate": (0, 0, 4000000000)},
    "429_with_nothing": {"status": 429},
    "500": {"status": 500},
    "503_with_seconds": {"status": 503, "retry_after": 1},
    "a_lost_connection": {"close": True},
    "a_body_that_is_cut": {"truncated": True},
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_waited_for_in_the_middle_of_paging(server, fault):
    what = dict(PASSING[fault])
    server.skew = 7200  # an instant is one of the server's clock
    at = int(server.now()) + 2
    if what.get("retry_after") is DATE:
        what["retry_after"] = email.utils.formatdate(at, usegmt=True)
    if what.get("rate", (0, 0, 0))[2] is DATE:
        what["rate"] = (600, 0, at)
    server.fault(path="after=2", **what)
    with source(server) as s:
        assert reads_all(s), s.story()
    first, second = server.asked("after=2")
    if "retry_after" in what or what.get("rate", (0,))[0]:
        assert second.time - first.time >= 0.9
    assert len(server.requests) == PAGES + 2


def test_who_asks_for_more_patience_than_the_budget_has_is_left_alone_for_so_long(server):
    server.fault(path="after=2", status=429, retry_after=3)
    with source(server, once=False, budget="..") as s:
        s.until_commits()
        assert "answered 429" in s.problems()[0]
    refused, again = server.asked(r"after=2|select")[1], server.asked(r"select")[1]
    assert again.time - refused.time >= 3


ENDING = {
    "words_that_are_cut_in_a_letter": ({"status": 400, "body": {"detail": "x" + "\u20ac" * 200}}, "answered 400: x"),
    "no_json": ({"body": b"<html>"}, "it is no JSON"),
    "another_type": ({"content_type": "text/html"}, "its type is not JSON"),
    "half_of_it": ({"short": True}, "it is cut short"),
    "a_member_twice": ({"body": b'[{"id":"1","id":"2"}]'}, "it has a member twice"),
    "a_nul": ({"body": b'["\\u0000"]'}, "it has a NUL in a string"),
    "no_utf_8": ({"body": b'["\xff"]'}, "it is not UTF-8"),
    "a_number_out_of_range": ({"body": b"[99999999999999999999]"}, "it has a number out of range"),
    "too_deep": ({"body": b"[" * 100000 + b"]" * 100000}, "it is nested too deeply"),
    "too_large": ({"huge": 33 << 20}, "larger than 32 MiB"),
    "too_large_in_gzip": ({"bomb": 64 << 20}, "larger than 32 MiB"),
    "headers_without_end": ({"body": [], "headers": [("X-A", "x" * 60000)] * 5}, "headers of more than 256 KiB"),
    "slow_bytes": ({"slow": 0.1}, "timed out"),
    "silence": ({"stall": True}, "timed out"),
    "403": ({"status": 403, "body": {"errorCode": "E0000006", "errorSummary": "no permission"}},
            "answered 403: E0000006: no permission"),
    "404": ({"status": 404}, "answered 404"),
    "410_again_and_again": ({"status": 410}, "answered 410"),
    "503_for_ever": ({"status": 503}, "answered 503"),
}


@pytest.mark.parametrize("fault", ENDING)
def test_a_listing_that_cannot_be_read_to_its_end_is_not_committed(server, fault):
    what, words = ENDING[fault]
    f = server.fault(path="after=2", times=None, **what)
    # Of large answers a busy machine must not make silent ones.
    with source(server, budget="." * (60 if "too_large" in fault else 2)) as s:
        assert s.wait() == 1
        assert not s.commits() and words in s.problems()[-1], s.problems()
        assert f"{server.origin}/users: " in s.problems()[-1] and "after=" not in s.problems()[-1]
    f.go_on()


# ---- a page that is asked for while the one before is taken ----

def taken_behind(server, tmp_path, fault, **more):
    """A source whose first page is taken only once the server has answered for the second, by `fault`."""
    f = server.fault(path="after=1", **fault)
    s = source(server, gate=str(tmp_path / "gate"), **more)
    s.until(lambda s: f.hits >= 1 or s.process.poll() is not None, "the second page is asked for")
    assert not s.users(), "the first one is not taken yet"
    return s, f


@pytest.mark.parametrize("fault", ["429_with_seconds", "429_with_nothing", "500", "a_lost_connection", "a_body_that_is_cut"])
def test_what_passes_ahead_of_its_time_is_waited_for_and_the_page_before_is_not_lost(server, tmp_path, fault):
    s, _ = taken_behind(server, tmp_path, PASSING[fault])
    with s:
        (tmp_path / "gate").touch()
        assert reads_all(s), s.story()


@pytest.mark.parametrize("fault", ["503_for_ever", "410_again_and_again", "404", "half_of_it", "no_json", "too_large", "too_large_in_gzip",
                                   "slow_bytes", "silence"])
def test_what_fails_ahead_of_its_time_commits_nothing(server, tmp_path, fault):
    what, words = ENDING[fault]
    s, f = taken_behind(server, tmp_path, {"times": None, **what}, budget="." * (60 if "too_large" in fault else 2))
    with s:
        (tmp_path / "gate").touch()
        assert s.wait() == 1
        assert {u["id"] for u in s.users()} == set(IDS[:10]), "the page before is said"
        assert not s.commits() and words in s.problems()[-1], s.problems()
    f.go_on()


def test_a_token_that_ends_ahead_of_its_page_is_renewed(server, tmp_path):
    t = tokens(server, secret=SECRET)
    s, _ = taken_behind(server, tmp_path, {"before": t.expire}, sign_in="secret", client_id="client", token_url=t.url)
    with s:
        (tmp_path / "gate").touch()
        assert reads_all(s), s.story()
    assert len(server.asked(t.path)) == 2


def test_the_engine_ends_it_while_a_page_is_on_its_way(server, tmp_path):
    s, f = taken_behind(server, tmp_path, {"stall": True, "times": None}, budget="." * 60)
    with s:
        assert s.end() == 0 and not s.users() and not s.commits()
    f.go_on()


def test_a_page_that_nobody_asks_for_is_given_up_with_its_listing(server):
    f = server.fault(path="after=1", stall=True, times=None)
    with source(server, gives_up="yes", trace=True, budget="." * 60) as s:
        assert s.wait() == 1 and not s.commits()
        assert re.search("users.after=1: no answer after .*: given up", s.errors()), s.errors()
    f.go_on()


def test_a_cursor_that_is_worth_nothing_is_dropped_and_all_is_read(server):
    server.fault(path="/users", status=410)
    with source(server, cursor='{"etag":"\\"v1\\""}') as s:
        assert reads_all(s), s.story()


def test_a_cause_is_said_once_until_something_was_read(server):
    def said(s):
        return [m for m in s.problems() if "answered 403" not in m]
    f = server.fault(path="/users", times=None, status=404)
    with source(server, once=False) as s:
        s.until(lambda s: f.hits >= 2, "two readings")
        assert len(said(s)) == 1
        f.stop()
        s.until_commits()
        again = server.fault(path="/users", times=None, status=404)
        s.until(lambda s: again.hits >= 2 and len(said(s)) == 2, "the cause anew")


# ---- a body as it comes ----

LONG = 40 << 20


@pytest.mark.parametrize("fault, status, took", [
    (None, 0, LONG), ({"status": 503}, 0, LONG), ({"truncated": True}, 1, LONG // 2),
    ({"content_type": "text/html"}, 1, 0), ({"status": 404}, 1, 0), ({"body": b"[X" + b" " * 999999}, 1, None)])
def test_a_body_of_any_length_is_taken_as_it_comes_and_not_twice(server, fault, status, took):
    server.compress = False
    long = fake_web.Page(b"[" + b" " * (LONG - 2) + b"]")
    server.get("/long", lambda q: fake_web.Answer(long))
    if fault:
        server.fault(path="/long", **fault)
    with source(server, stream=server.origin + "/long") as s:
        assert s.wait() == status, s.story()
        n, r = re.search(r"took (\d+) bytes: (-?\d+)", s.errors()).groups()
    assert (int(r) == 0) == (status == 0) and (int(n) == took if took is not None else int(n) < 999999)
    assert len(server.asked("/long")) == (2 if fault == {"status": 503} else 1)


# ---- behind the launcher's walls ----

def test_it_works_behind_the_walls_that_the_launcher_puts_up(server):
    """No folder but the libraries' and the CAs', no file written, no signal, the files as descriptors; names are
    found by libcurl's resolver and its thread."""
    shutil.copy(PROGRAM, "/usr/libexec/rollcall/sources/rollcall-source-weblist")
    key = pki.new_key("ec")
    t = tokens(server, key=pki.pem_of_public(key), kid="k1", dpop=True)
    files = {"ca_file": text_of(server.ca), "key_file": pki.pem_of_key(key)}
    with web_source.Source("weblist", files, confined=True, once=False, origin=server.origin, url=server.origin + "/users",
                           sign_in="key", client_id="client", key_id="k1", token_url=t.url) as s:
        s.until_commits()
        assert is_whole(s)
        status = open(f"/proc/{s.process.pid}/status", encoding="ascii").read()
        assert "Seccomp:\t2" in status and "Uid:\t0" not in status
        assert s.end() == 0


# ---- where it goes ----

@pytest.mark.parametrize("fault", ["redirect", "link"])
def test_no_credential_goes_elsewhere(server, fault):
    server.guard = fake_web.Bearer(SECRET.replace(" ", ""))
    with dress(fake_web.Server(ca=server.ca_of)) as other:
        elsewhere = other.origin + "/users?after=3"
        if fault == "redirect":
            server.fault(path="after=2", redirect=elsewhere)
        else:
            server.fault(path="after=2", body=[], headers=[fake_web.link(elsewhere)])
        with source(server, sign_in="bearer", files={"secret_file": server.guard.token}) as s:
            assert s.wait() == 1 and not s.commits()
            assert ("answered 302" if fault == "redirect" else "is of another server") in s.problems()[-1]
        assert not other.requests and other.connections == 0


@pytest.mark.parametrize("wrong", ["ca", "name", "time"])
def test_a_server_that_cannot_show_who_it_is_hears_nothing(server, wrong):
    ca = pki.Ca()
    cert = {"ca": None, "name": ca.issue("other.example", addresses=()), "time": ca.issue(days=(-3, -1))}[wrong]
    trusted = server.ca if wrong == "ca" else ca.file
    with dress(fake_web.Server(ca=ca, certificate=cert)) as other:
        with source(other, ca=trusted, sign_in="ssws") as s:
            assert s.wait() == 1 and "TLS: " in s.problems()[0], s.problems()
        assert not other.requests


def test_our_own_certificate_is_shown_where_tls_asks_for_it():
    ca = pki.Ca()
    cert, key = ca.issue("host")
    with dress(fake_web.Server(client_ca=ca.file)) as server:
        with source(server, tls_client="yes", files={"cert_file": text_of(cert), "key_file": text_of(key)}) as s:
            assert reads_all(s), s.story()
        with source(server, budget=".") as s:
            assert s.wait() == 1 and not s.commits()


# ---- between two readings ----

def test_a_hint_makes_it_read_at_once_and_a_hint_that_fails_is_said(server):
    changes = {"changes": 0}
    server.get("/log", lambda q: dict(changes))
    with source(server, once=False, poll=3600, hint=server.origin + "/log") as s:
        s.until_commits()
        wait.until(lambda: len(server.asked("/log")) >= 2, "two looks")
        assert len(s.ops("begin")) == 1, "nothing was new"
        changes["changes"] = 1
        wait.until(lambda: len(s.commits()) + len(s.ops("as_of")) == 2, "the second reading")
        server.fault(path="/log", status=403)
        s.until(lambda s: s.problems(), "the failure")
        changes["changes"] = 2
        wait.until(lambda: len(s.commits()) + len(s.ops("as_of")) == 3, "the third reading")


# ---- the engine's word ----

@pytest.mark.parametrize("where", ["between_readings", "in_a_pause", "in_a_silence"])
def test_closed_standard_input_ends_it_at_once(server, where):
    f = server.fault(path="after=2", times=0)
    if where == "in_a_pause":
        f = server.fault(path="after=2", status=429, retry_after=10)
    if where == "in_a_silence":
        f = server.fault(path="after=2", stall=True)
    with source(server, once=False, poll=3600) as s:
        if where == "between_readings":
            s.until_commits()
        else:
            wait.until(lambda: f.hits, "the fault")
        assert s.end() == 0
    f.go_on()


def test_another_tenant_than_ours_is_refused(server):
    server.fault(path="/me", body={"tenant": "theirs"})
    with source(server, once=False) as s:
        assert s.wait() == 1 and s.problems() == ["this is another tenant than ours"]
    assert not server.asked("/users")


# ---- rollcall source test ----

def findings(server, **more):
    with source(server, test=True, **more) as s:
        r = s.wait()
        assert not s.commits()
        return r, {m["what"]: (m["level"], m["text"]) for m in s.ops("finding")}


@pytest.mark.parametrize("skew, level, status", [(0, "ok", 0), (120, "warning", 0), (-400, "error", 1)])
def test_a_test_tells_of_the_clock(server, skew, level, status):
    server.skew = skew
    r, found = findings(server)
    assert r == status and found["clock"][0] == level
    assert found["connection"][0] == "ok" and found["credential"][0] == "ok"


@pytest.mark.parametrize("days, level", [(90, "ok"), (5, "warning"), (-2, "error")])
def test_a_test_tells_when_our_certificate_ends(server, days, level):
    key = pki.new_key("ec")
    pem = pki.pem_of_certificate(pki.certificate("rollcall", key, days=(-10, days)))
    t = tokens(server, certificate=pem)
    # One file for both.
    both = pki.pem_of_key(key) + pem
    r, found = findings(server, sign_in="certificate", client_id="client", token_url=t.url,
                        files={"key_file": both, "cert_file": both})
    assert (r == 1) == (level == "error") and found["certificate"][0] == level, found
    assert found["credential"][0] == "ok"


def test_a_test_tells_a_wrong_credential_from_a_wrong_certificate_and_from_no_server(server):
    t = tokens(server, secret="another")
    r, found = findings(server, sign_in="secret", client_id="client", token_url=t.url)
    assert r == 1 and found["credential"][0] == "error" and found["connection"][0] == "ok"
    r, found = findings(server, ca=pki.Ca().file)
    assert r == 1 and found["tls"][0] == "error"
    server.stop()
    r, found = findings(server, budget=".")
    assert r == 1 and found["connection"][0] == "error"
    r, found = findings(server, sign_in="key", client_id="client", token_url=t.url)
    assert r == 1 and "write key_file" in found["settings"][1]
