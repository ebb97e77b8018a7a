# SPDX-License-Identifier: BSD-2-Clause
"""Sources over an API beside their floor: curl that fetches the same pages over one connection to /dev/null. The
fakes' answers are kept at a first reading that is not measured, and sent as bytes from then on, without gzip. The
source says its listing to a pipe that is counted and thrown away. SOURCES_PEOPLE ("1000 100000") changes the sizes,
RUNS how often each is measured: the least of them counts. `look`: the requests of a look that finds nothing new."""
import fcntl
import importlib
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

PROGRAMS = os.environ.get("SOURCES_IN", "/usr/libexec/rollcall/sources") + "/rollcall-source-"
SIZES = [int(n) for n in os.environ.get("SOURCES_PEOPLE", "1000 100000").split()]
RUNS = int(os.environ.get("RUNS", "3"))
FILES = ["password_file", "keytab", "ca_file", "cert_file", "key_file", "secret_file", "credential"]
POLL = 20  # seconds; who has a log looks at it every 2
SOON = {"poll": 2}  # who has none is asked for the rest of it by the next reading


# ---- what is measured: (server, files, options) with `n` people ----

def pingone(n):
    fake = importlib.import_module("fake_pingone")
    server = fake.PingOne(compress=False)
    server.page = 500
    server.people = {u["id"]: u for u in (fake.user(i, f"p{i}@acme.example") for i in range(n))}
    server.members[fake.USERS] = set(server.people)
    return server, {"secret_file": fake.SECRET}, fake.options(server)


def graph(n):
    fake, web = importlib.import_module("fake_graph"), importlib.import_module("fake_web")
    server = web.Server(compress=False)
    tenant = fake.Tenant(server)
    tenant.page_size, tenant.slice = 500, 100
    people = [tenant.add(f"p{i}", employeeId=str(i)) for i in range(n)]
    group = tenant.add_group("linux-users", *people)
    return server, {"secret_file": tenant.tokens.secret}, {
        "tenant": tenant.id, "client_id": tenant.tokens.client_id, "domain": [tenant.domain], "assigned_groups": [group],
        "role": ["authority", "directory"], "auth_url": server.origin, "api_url": server.origin, **SOON}


def okta(n):
    fake = importlib.import_module("fake_okta")
    server = fake.Okta(token="t0ken", compress=False)
    people = [server.add(f"p{i}", number=str(i), silent=True) for i in range(n)]
    group = server.group("linux-users", people)
    return server, {"secret_file": "t0ken"}, {"org": server.origin, "org_id": fake.ORG_ID, "domain": ["example.com"],
                                              "assigned_groups": [group], "log_poll": 2}


def scim(n, changes=True):
    fake = importlib.import_module("fake_scim")
    server = fake.Scim([fake.user(f"p{i}", i) for i in range(n)], [fake.group("linux-users", *(f"p{i}" for i in range(n // 10)))],
                       compress=False)
    if not changes:
        server.filters.discard("modified")
    for i, person in enumerate(server.people.values()):  # as of people who came one after the other, long ago
        if changes:
            person["meta"]["lastModified"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1577836800 + 600 * i))
        else:
            del person["meta"]["lastModified"]
    return server, {"secret_file": fake.TOKEN}, {"type": "scim", "url": server.url, "require_attributes": ["employeeNumber"], **SOON}


def scim_undated(n):
    return scim(n, changes=False)


def workday(n):
    fake = importlib.import_module("fake_hr")
    server = fake.Workday([fake.worker(i, f"p{i}") for i in range(n)], compress=False)
    return server, {"password_file": fake.PASSWORD}, {"type": "json", "preset": "workday-raas", "url": server.url,
                                                      "user": fake.USER, **SOON}


CASES = {"graph": graph, "okta": okta, "json": workday, "scim": scim, "scim_undated": scim_undated, "pingone": pingone}
LOOKS = {"scim": 2}  # the second one is another whole reading, whatever changed


# ---- the server, in a process of its own ----

def serve(case, n, pipe):
    try:
        server, files, options = CASES[case](n)
    except (ImportError, AttributeError) as e:
        pipe.send(str(e))
        return
    kept, live = {}, server._route

    def route(request):
        key = request.method, request.target, request.body
        if key not in kept:
            answer = live(request)
            if answer.status != 200 or "token" in request.path:
                return answer
            kept[key] = answer
        return kept[key]
    server._route = route
    server.start()
    with open(server.ca, encoding="ascii") as f:
        files = {"ca_file": f.read(), **files}
    pipe.send((server.origin, server.ca, files, options))
    while (word := pipe.recv()) != "end":
        asked, server.requests = server.requests, []
        pipe.send([(r.method, r.target) for r in asked] if word == "asked" else
                  sum(len(kept[k].body.raw) for k in kept if k[0] == "GET"))


class Api:
    def __init__(self, case, n):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(case, n, theirs), daemon=True)
        self.process.start()
        got = self.pipe.recv()
        if isinstance(got, str):
            raise LookupError(got)
        self.origin, self.ca, self.files, self.options = got

    def say(self, word):
        self.pipe.send(word)
        return self.pipe.recv()

    def end(self):
        self.pipe.send("end")
        self.process.join()


# ---- the source ----

def memory(text):
    fd = os.memfd_create("bench")
    os.write(fd, text.encode())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def start(case, api):
    section = {"name": case, "type": case, "poll": POLL, "timeout": 300, **api.options,
               "files": {name: 3 + FILES.index(name) for name in api.files}}
    held = {3 + FILES.index(name): memory(text + "\n") for name, text in api.files.items()}

    def place():
        for n, fd in [(n, fcntl.fcntl(fd, fcntl.F_DUPFD, 50)) for n, fd in held.items()]:
            os.dup2(fd, n)
    p = subprocess.Popen([PROGRAMS + section["type"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=place,
                         close_fds=False, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
                              "GLIBC_TUNABLES": "glibc.malloc.tcache_count=65535"})  # as syncd/confine.c
    for fd in held.values():
        os.close(fd)
    p.stdin.write(json.dumps({"section": section, "once": False, "timezone": "UTC"}).encode() + b"\n")
    p.stdin.flush()
    return p


def read_listing(p):
    """The people that it said, once it says commit."""
    people, rest = 0, b""
    while b'"op":"commit"' not in rest:
        some = os.read(p.stdout.fileno(), 1 << 20)
        if not some:
            raise SystemExit(f"the source ended: {rest[-500:].decode(errors='replace')}")
        people += some.count(b'"op":"user"')  # one that two reads share is not counted
        rest = rest[-100:] + some
    return people


def status(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{name}:\s+(\d+)", f.read(), re.M)[1])


def processor(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_look(api):
    """What the source asks by itself next, until it is silent."""
    asked, quiet = [], 0.0
    while quiet < (0.6 if asked else 10):
        time.sleep(0.2)
        new = api.say("asked")
        asked, quiet = asked + new, 0.0 if new else quiet + 0.2
    return asked


def measure(case, api, look):
    """Seconds until the first commit, seconds of processor, peak KiB, what was asked, and what was asked by one look
    afterwards."""
    api.say("asked")
    began = time.monotonic()
    p = start(case, api)
    people = read_listing(p)
    seconds = time.monotonic() - began
    got = types.SimpleNamespace(seconds=seconds, cpu=processor(p.pid), peak=status(p.pid, "VmHWM"), people=people, after=[])
    got.asked = api.say("asked")
    if look:
        for _ in range(LOOKS.get(case, 1)):
            got.after = one_look(api)
    p.stdin.close()
    p.stdout.close()
    p.wait()
    return got


def floor(api, asked):
    """curl for the same pages."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as f:
        for target in asked:
            f.write(f'url = "{api.origin}{target}"\noutput = "/dev/null"\n')
        f.flush()
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["curl", "--silent", "--globoff", "--cacert", api.ca, "--config", f.name], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# ---- the table ----

def row(case, n):
    api = Api(case, n)
    try:
        first = measure(case, api, True)  # what is asked is kept by this one
        assert first.people > n * 0.98, f"{first.people} of {n} people were said"
        pages = [t for m, t in first.asked if m == "GET"]
        runs = [measure(case, api, False) for _ in range(RUNS)]
        floors = [floor(api, pages) for _ in range(RUNS)]
        size = api.say("size")
    finally:
        api.end()
    source, curl = min(r.seconds for r in runs), min(f[0] for f in floors)
    peak = min(r.peak for r in runs) / 1024
    print(f"{case:12} {n:8} {len(pages):6} {size / 1e6:7.1f} {curl:8.3f} {min(f[1] for f in floors):6.2f} {source:8.3f}"
          f" {min(r.cpu for r in runs):6.2f} {source / curl:6.1f} {peak:7.1f} {len(first.after):6}", flush=True)
    return peak


def main():
    print(f"{'source':12} {'people':>8} {'pages':>6} {'MB':>7} {'curl s':>8} {'cpu':>6} {'source s':>8} {'cpu':>6} {'times':>6}"
          f" {'peak MB':>7} {'look':>6}")
    for case in sys.argv[1:] or CASES:
        program = PROGRAMS + case.partition("_")[0]
        if not os.path.exists(program):
            print(f"{case:12} there is no {program}")
            continue
        try:
            for n in SIZES:
                row(case, n)
        except LookupError as e:
            print(f"{case:12} {e}")


if __name__ == "__main__":
    main()
