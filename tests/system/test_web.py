# SPDX-License-Identifier: BSD-2-Clause
"""The shared layer of sources over an API, by a source that is nothing else (web_source_main.c), over a server
whose faults a test switches on."""
import os

import pytest

import fake_oauth
import fake_web
import web_source

PROGRAM = os.path.abspath(os.environ.get("BUILD", "build") + "/tests/tools/rollcall-source-weblist")
SECRET = "s3cr et/+~."
PAGES = 5


@pytest.fixture
def server():
    with fake_web.Server() as s:
        s.pages = fake_web.pages([{"id": str(n), "userName": f"u{n}"} for n in range(PAGES * 10)], 10)
        s.get("/me", lambda q: {"tenant": "ours"})

        @s.get("/users")
        def users(q):
            n = int(q.query.get("after", 0))
            more = [fake_web.link(f"/users?after={n}", "self")]
            if n + 1 < PAGES:
                more.append(fake_web.link(f"/users?after={n + 1}"))
            return fake_web.Answer(s.pages[n], headers=more)
        yield s


def source(server, ca=None, **more):
    files = {"ca_file": open(ca or server.ca, encoding="ascii").read(), "secret_file": SECRET + "\n"}
    files.update(more.pop("files", {}))
    given = {"origin": server.origin, "url": server.origin + "/users", "once": True, "sign_in": "none"}
    given.update(more)
    return web_source.Source(PROGRAM, files, **given)


def whole(s):
    return s.wait() == 0 and [u["id"] for u in s.users()] == [str(n) for n in range(PAGES * 10)] and len(s.commits()) == 1


def test_pages_are_followed_to_the_end(server):
    with source(server) as s:
        assert whole(s), s.errors()
    assert server.connections == 1
    assert len(server.asked("/users")) == PAGES


@pytest.mark.parametrize("how", ["secret", "secret_post"])
def test_a_token_comes_by_a_secret(server, how):
    server.guard = fake_oauth.Tokens(server, client_id="a b", secret=SECRET, scope="x y")
    with source(server, sign_in=how, client_id="a b", scope="x y", token_url=server.guard.url, trace=True) as s:
        assert whole(s), s.errors()
        assert SECRET not in s.errors() and "at-" not in s.errors()
    assert len(server.asked("/oauth2/token")) == 1
