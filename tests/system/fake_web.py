# SPDX-License-Identifier: BSD-2-Clause
"""An HTTPS server on loopback that the fakes of APIs stand on: routes are functions, every
request is kept, and faults are switched on by a test. HTTP/1.1, a thread a connection; pages
that are made beforehand are sent as they are, so that it is never the slow one.

    server = fake_web.Server()

    @server.get("/v1/users")
    def users(request):
        return {"value": [...]}                 # or Answer(...), Page(...), (status, object)

    server.guard = fake_web.Bearer("t0ken")     # or Basic, Ssws, Tokens of fake_oauth.py
    server.fault(status=503, path="/v1/users", skip=2)   # the third such request, once
    server.start()
"""
import base64
import email.utils
import gzip
import json
import re
import socket
import ssl
import threading
import time
import traceback
import urllib.parse

import pki

LINE_MAX = 64 * 1024


class Request:
    """`time`, `method`, `path`, `query` (name to its last value), `target` (path and query as they came),
    `headers` (small letters), `body`, `match` (of a route that is a pattern), `connection` (a number)."""

    def __init__(self, method, target, headers, body, connection):
        self.time = time.time()
        self.method, self.target, self.headers, self.body, self.connection = method, target, headers, body, connection
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.match = None

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.method} {self.target}"


class Page:
    """A body that is made once: of an object, or of bytes. Compressed once, when somebody asks."""

    def __init__(self, body):
        self.raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        self._packed = None

    def packed(self):
        if self._packed is None:
            self._packed = gzip.compress(self.raw, 1)
        return self._packed


class Answer:
    """`body`: an object, bytes, or a Page; `headers`: pairs, a name may stand twice."""

    def __init__(self, body=b"", status=200, headers=(), content_type="application/json"):
        self.body = body if isinstance(body, Page) else Page(body)
        self.status, self.headers, self.content_type = status, list(headers), content_type


def link(url, rel="next"):
    return ("Link", f'<{url}>; rel="{rel}"')


REASONS = {200: "OK", 201: "Created", 204: "No Content", 302: "Found", 304: "Not Modified", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


class Fault:
    """For requests whose path and query match `path` (a pattern that is searched), after `skip` of them,
    `times` times (None: for ever; `stop()` ends it). What it does, any of:

    status, retry_after, rate (limit, remaining, reset or None), headers, body: that answer and not the route's
    redirect        302 to this URL
    content_type    of the route's answer, changed
    truncated       the length of the whole, the half of it, and the end of the connection
    short           the half of the body as if it were all
    slow            seconds between any two bytes of the body
    huge            a body of so many bytes: a JSON list of spaces
    close           the end of the connection, with no answer
    stall           silence, until `go_on()` is called; the answer then
    bomb            so many bytes of spaces in gzip
    before          a function that is called first: to expire a token, to change a person
    """

    def __init__(self, path="", method=None, skip=0, times=1, before=None, **what):
        self.path, self.method, self.skip, self.times, self.before, self.what = path, method, skip, times, before, what
        self.hits = 0
        self._go = threading.Event()

    def stop(self):
        self.times = 0

    def go_on(self):
        self._go.set()

    def takes(self, request):
        if self.times == 0 or (self.method and self.method != request.method) or not re.search(self.path, request.target):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.hits += 1
        return True

    def answer(self):
        w = self.what
        if "redirect" in w:
            return Answer(b"", 302, [("Location", w["redirect"])])
        if "huge" in w:
            return Answer(b"[" + b" " * (w["huge"] - 2) + b"]")
        if "status" in w or "body" in w:
            headers = list(w.get("headers", ()))
            if "retry_after" in w:
                headers.append(("Retry-After", str(w["retry_after"])))
            for name, value in zip(("Limit", "Remaining", "Reset"), w.get("rate", ())):
                if value is not None:
                    headers.append(("X-Rate-Limit-" + name, str(value)))
            return Answer(w.get("body", {"error": "a fault that the test asked for"}), w.get("status", 200), headers,
                          w.get("content_type", "application/json"))
        return None


# ---- who may come in ----

class Bearer:
    word = "Bearer"

    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        """None where it is good, or the answer."""
        if request.headers.get("authorization") == f"{self.word} {self.token}":
            return None
        return Answer({"error": "invalid_token"}, 401, [("WWW-Authenticate", self.word)])


class Ssws(Bearer):
    word = "SSWS"


class Basic(Bearer):
    word = "Basic"

    def __init__(self, user, password):
        super().__init__(base64.b64encode(f"{user}:{password}".encode()).decode())


# ---- the server ----

class Server:
    """`origin` (https://localhost:PORT), `ca` (its file), `requests` (all that came). `skew`: seconds that its
    clock is ahead. `compress`: gzip for who asks."""

    def __init__(self, ca=None, host="127.0.0.1", name="localhost", compress=True, client_ca=None, certificate=None):
        self.ca_of = ca or pki.Ca()
        self.ca = self.ca_of.file
        self.requests, self.faults, self.routes = [], [], []
        self.guard, self.open_paths = None, set()
        self.skew, self.compress = 0, compress
        self.connections = 0
        self._lock = threading.Lock()
        self._open = set()
        cert, key = certificate or self.ca_of.issue(name)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(cert, key)
        self._tls.set_alpn_protocols(["http/1.1"])
        if client_ca:
            self._tls.verify_mode = ssl.CERT_REQUIRED
            self._tls.load_verify_locations(client_ca)
        self._socket = socket.create_server((host, 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self.origin = f"https://{name}:{self.port}"
        self._stopped = False

    # -- what it is made of --

    def route(self, method, path, function=None, open_to_all=False):
        """`path` is a string, or a compiled pattern that has to match all of it."""
        def put(f):
            self.routes.append((method, path, f))
            if open_to_all:
                self.open_paths.add(path)
            return f
        return put(function) if function else put

    def get(self, path, function=None, **more):
        return self.route("GET", path, function, **more)

    def post(self, path, function=None, **more):
        return self.route("POST", path, function, **more)

    def fault(self, **what):
        if "bomb" in what:  # packed now: in an answer it would take as long as a silence
            what["bomb"] = gzip.compress(b" " * what["bomb"], 9)
        f = Fault(**what)
        with self._lock:
            self.faults.append(f)
        return f

    def mend(self):
        """No faults any more."""
        with self._lock:
            self.faults.clear()

    def asked(self, path="", method=None):
        """The requests so far whose path and query match the pattern."""
        return [r for r in list(self.requests) if re.search(path, r.target) and method in (None, r.method)]

    def now(self):
        return time.time() + self.skew

    # -- life --

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        if self._stopped:
            return
        self._stopped = True
        self._socket.shutdown(socket.SHUT_RDWR)  # whoever waits in accept would hold it open
        self._socket.close()
        self.hang_up()

    def hang_up(self):
        """Every connection ends."""
        with self._lock:
            open_, self._open = self._open, set()
        for c in open_:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while not self._stopped:
            try:
                c, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, raw):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(raw)
            self.connections += 1
            number = self.connections
        try:
            with self._tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) as c:
                with self._lock:
                    self._open.discard(raw)
                    self._open.add(c)
                c.do_handshake()
                reader = c.makefile("rb", 64 * 1024)
                while (request := self._read(reader, number)) and self._reply(c, request):
                    pass
                with self._lock:
                    self._open.discard(c)
        except (OSError, ValueError):
            pass

    @staticmethod
    def _read(reader, number):
        line = reader.readline(LINE_MAX).decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = {}
        while (h := reader.readline(LINE_MAX)) not in (b"\r\n", b"\n", b""):
            name, _, value = h.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return Request(line[0], line[1], headers, reader.read(int(headers.get("content-length", 0))), number)

    # -- answers --

    def _route(self, request):
        for method, path, function in self.routes:
            if method != request.method:
                continue
            if isinstance(path, str):
                if path != request.path:
                    continue
            else:
                request.match = path.fullmatch(request.path)
                if not request.match:
                    continue
            if self.guard and path not in self.open_paths:
                refused = self.guard(request)
                if refused:
                    return refused
            a = function(request)
            if isinstance(a, tuple):
                a = Answer(a[1], a[0])
            return a if isinstance(a, Answer) else Answer(a)
        return Answer({"error": "there is no such path here"}, 404)

    def _reply(self, c, request):
        self.requests.append(request)
        with self._lock:
            fault = next((f for f in self.faults if f.takes(request)), None)
        what = fault.what if fault else {}
        if fault and fault.before:
            fault.before()
        if what.get("close"):
            c.close()
            return False
        if what.get("stall"):
            fault._go.wait(60)
        try:
            a = (fault.answer() if fault else None) or self._route(request)
        except Exception as e:  # the test has to see it, and not a connection that ends
            traceback.print_exc()
            a = Answer({"error": repr(e)}, 599)
        return self._send(c, request, a, what)

    def _send(self, c, request, a, what):
        packed = self.compress and "gzip" in request.headers.get("accept-encoding", "") and len(a.body.raw) > 1024
        body = a.body.packed() if packed else a.body.raw
        if "bomb" in what:
            packed, body = True, what["bomb"]
        if what.get("short"):
            packed, body = False, a.body.raw[:len(a.body.raw) // 2]
        head = [f"HTTP/1.1 {a.status} {REASONS.get(a.status, 'Other')}", f"Date: {email.utils.formatdate(self.now(), usegmt=True)}"]
        if a.status not in (204, 304):
            head += [f"Content-Length: {len(body)}", f"Content-Type: {what.get('content_type', a.content_type)}"]
        if packed:
            head.append("Content-Encoding: gzip")
        head += [f"{name}: {value}" for name, value in a.headers]
        start = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
        if a.status in (204, 304):
            body = b""
        if what.get("truncated"):
            c.sendall(start + body[:len(body) // 2])
            return False
        if what.get("slow"):
            c.sendall(start)
            for i in range(len(body)):
                c.sendall(body[i:i + 1])
                time.sleep(what["slow"])
            return True
        c.sendall(start + body)
        return True


def pages(objects, size, wrap=lambda part: part):
    """A list of Pages, `size` objects each; `wrap` makes a page's body of its part."""
    objects = list(objects)
    return [Page(wrap(objects[i:i + size])) for i in range(0, max(1, len(objects)), size)]
