# SPDX-License-Identifier: BSD-2-Clause
"""An Okta org as far as rollcall reads it, on fake_web.py. Written from Okta's published documents: the page stands
beside each endpoint. Users and groups live in dicts; the lists are an index that may lag behind them (`lag`), and
the System Log is in the order of arrival, whatever an event's own time."""
import datetime
import json
import re
import time
import urllib.parse

import fake_oauth
import fake_web
import pki
from fake_web import Answer, link

ORG_ID = "00o1a2b3c4D5e6F7g8h9"
CLIENT = "0oa1b2c3d4E5f6G7h8i9"
SCOPE = "okta.users.read okta.groups.read okta.logs.read"
TYPE = "oty1a2b3c4D5e6F7g8h9"
TRANSIENT = {"deactivate": "DEPROVISIONED", "suspend": "SUSPENDED", "unsuspend": "ACTIVE", "activate": "ACTIVE"}


def iso(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(t * 1000) % 1000:03d}Z"


def error(status, code, text):
    # https://developer.okta.com/docs/reference/error-codes/
    return Answer({"errorCode": code, "errorSummary": text, "errorLink": code, "errorId": "oae1", "errorCauses": []}, status)


class Okta(fake_web.Server):
    """`users` and `groups` by id; `limits`: {path pattern: (limit, window in seconds)}."""

    def __init__(self, key=None, dpop=True, token=None, page=200, **more):
        super().__init__(**more)
        self.users, self.groups, self.log, self.key = {}, {}, [], key
        self.page, self.lag, self.numbers = page, 0, 0
        self.org = {"id": ORG_ID, "pipeline": "idx", "_links": {"organization": {"href": self.origin}}}
        self.limits, self.spent, self.forbidden = {}, {}, set()
        self.tokens = None
        self._indexed = {}
        if token:
            self.guard = fake_web.Ssws(token)
        elif key is not None:
            # https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/ and .../dpop/: the org's
            # own authorization server, an assertion signed by the app's key, DPoP by default.
            self.tokens = self.guard = fake_oauth.Tokens(self, "/oauth2/v1/token", client_id=CLIENT,
                                                         key=pki.pem_of_public(key), kid="k1", scope=SCOPE, dpop=dpop)
        # https://developer.okta.com/docs/api/openapi/okta-management/management/tag/OrgSettingMetadata/: for everybody.
        self.get("/.well-known/okta-organization", lambda q: self.org if self.org else (404, {}), open_to_all=True)
        for path, f in {r"/api/v1/users": self._list_users, r"/api/v1/users/([^/]+)": self._user,
                        r"/api/v1/users/([^/]+)/groups": self._groups_of, r"/api/v1/groups": self._list_groups,
                        r"/api/v1/groups/([^/]+)": self._group, r"/api/v1/groups/([^/]+)/users": self._members,
                        r"/api/v1/logs": self._logs}.items():
            self.get(re.compile(path), lambda q, f=f, path=path: self._limited(q, path, f))

    # ---- what an administrator does ----

    def _id(self, prefix):
        self.numbers += 1
        return f"{prefix}{self.numbers:017d}"

    def event(self, kind, *targets, result="SUCCESS", published=None, arrives=True):
        """https://developer.okta.com/docs/reference/api/event-types/; `arrives=False` gives it back, to be put into
        the log later: published out of order."""
        e = {"uuid": f"e-{len(self.log)}-{time.time()}", "published": iso(published or self.now()), "eventType": kind,
             "actor": {"id": "00uadmin", "type": "User"}, "outcome": {"result": result},
             "target": [{"id": t, "type": "UserGroup" if t.startswith("00g") else "User", "alternateId": t} for t in targets]}
        if arrives:
            self.log.append(e)
        return e

    def touch(self, u):
        self._indexed.setdefault(u["id"], []).append((self.now(), json.loads(json.dumps(u))))
        u["lastUpdated"] = iso(self.now())

    def add(self, name, status="ACTIVE", domain="example.com", number=None, provider="OKTA", silent=False, **profile):
        i = self._id("00u")
        now = iso(self.now())
        self.users[i] = {
            "id": i, "status": status, "created": now, "activated": now, "statusChanged": now, "lastUpdated": now,
            "type": {"id": TYPE}, "transitioningToStatus": None, "realmId": "guo1",
            "profile": {"login": f"{name}@{domain}", "email": f"{name}@{domain}", "firstName": name.capitalize(),
                        "lastName": "Example", "employeeNumber": number or str(1000 + self.numbers), **profile},
            "credentials": {"provider": {"type": provider, "name": provider}}}
        if not silent:
            self.event("user.lifecycle.create", i)
        return i

    def change(self, user, silent=False, **profile):
        self.touch(self.users[user])
        self.users[user]["profile"].update(profile)
        if not silent:
            self.event("user.account.update_profile", user)

    def lifecycle(self, user, what, silent=False):
        self.set_status(user, TRANSIENT[what])
        if not silent:
            return self.event("user.lifecycle." + what, user)
        return None

    def set_status(self, user, status, event=None, **members):
        u = self.users[user]
        self.touch(u)
        u.update(status=status, statusChanged=iso(self.now()), **members)
        if event:
            self.event(event, user)

    def delete(self, user, silent=False):
        """A deactivated user alone can be deleted."""
        assert self.users[user]["status"] == "DEPROVISIONED"
        del self.users[user]
        for g in self.groups.values():
            g["members"] = [m for m in g["members"] if m != user]
        if not silent:
            self.event("user.lifecycle.delete.initiated", user)

    def group(self, name, members=(), kind="OKTA_GROUP"):
        i = self._id("00g")
        self.groups[i] = {"id": i, "type": kind, "profile": {"name": name}, "lastMembershipUpdated": iso(self.now()),
                          "members": list(members)}
        return i

    def join(self, group, user, silent=False):
        self.groups[group]["members"].append(user)
        self._moved(group, user, "add", silent)

    def leave(self, group, user, silent=False):
        self.groups[group]["members"].remove(user)
        self._moved(group, user, "remove", silent)

    def _moved(self, group, user, what, silent):
        self.groups[group]["lastMembershipUpdated"] = iso(self.now())
        if not silent:
            self.event("group.user_membership." + what, user, group)

    # ---- limits ----

    def _limited(self, request, path, f):
        """https://developer.okta.com/docs/reference/rl-best-practices/: X-Rate-Limit-*, the reset in seconds of UTC;
        429 with E0000047 and no Retry-After. A concurrency 429 says 0 and 0, by a fault of the test."""
        if path in self.forbidden:
            return error(403, "E0000006", "You do not have permission to perform the requested action")
        if path not in self.limits:
            return f(request)
        limit, window = self.limits[path]
        begun, n = self.spent.get(path, (0, 0))
        if self.now() >= begun + window:
            begun, n = self.now(), 0
        self.spent[path] = (begun, n + 1)
        a = error(429, "E0000047", "API call exceeded rate limit due to too many requests") if n >= limit else f(request)
        a = a if isinstance(a, Answer) else Answer(a)
        a.headers += [("X-Rate-Limit-Limit", str(limit)), ("X-Rate-Limit-Remaining", str(max(0, limit - n - 1))),
                      ("X-Rate-Limit-Reset", str(int(begun + window + 0.999)))]
        return a

    # ---- lists ----

    def _pages(self, request, objects):
        """Several Link headers, one of them `next`, with an opaque cursor."""
        q = request.query
        limit = min(int(q.get("limit", self.page)), self.page)
        at = int(q.get("after", "c0")[1:])
        keep = [(k, v) for k, v in q.items() if k != "after"]
        headers = [link(self.origin + request.target, "self")]
        if at + limit < len(objects):
            headers.append(link(f"{self.origin}{request.path}?" + urllib.parse.urlencode(keep + [("after", f"c{at + limit}")])))
        return Answer(objects[at:at + limit], headers=headers)

    def _seen(self, u):
        """The user as the index has it: what changed within `lag` seconds is not there yet."""
        for when, before in self._indexed.get(u["id"], []):
            if when > self.now() - self.lag:
                return before
        return u

    def _list_users(self, request):
        """https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/: the plain list leaves out
        DEPROVISIONED; `filter` does not."""
        f = request.query.get("filter")
        users = [self._seen(u) for u in list(self.users.values())]
        if f is None:
            return self._pages(request, [u for u in users if u["status"] != "DEPROVISIONED"])
        got = re.fullmatch(r'(status|lastUpdated) (eq|gt) "([^"]+)"', f)
        if not got:
            return error(400, "E0000031", "Invalid search criteria.")
        name, op, value = got.groups()
        return self._pages(request, [u for u in users if (u[name] == value if op == "eq" else u[name] > value)])

    def _user(self, request):
        u = self.users.get(urllib.parse.unquote(request.match[1]))
        return u or error(404, "E0000007", "Not found: Resource not found")

    def _groups_of(self, request):
        i = request.match[1]
        if i not in self.users:
            return error(404, "E0000007", "Not found: Resource not found")
        return [self._shown(g) for g in self.groups.values() if i in g["members"]]

    @staticmethod
    def _shown(g):
        return {k: v for k, v in g.items() if k != "members"}

    def _list_groups(self, request):
        """.../tag/Group/: `q` finds the beginning of names, `filter` type and times; expand=stats has numbers with each.
        Everyone is built in."""
        groups = [self._shown(g) for g in list(self.groups.values())]
        if "BUILT_IN" in request.query.get("filter", ""):
            everyone = {"id": "00gEveryone", "type": "BUILT_IN", "profile": {"name": "Everyone"}}
            if request.query.get("expand") == "stats":
                everyone["_embedded"] = {"stats": {"usersCount": sum(u["status"] != "DEPROVISIONED" for u in self.users.values())}}
            return self._pages(request, [everyone])
        q, f = request.query.get("q"), request.query.get("filter")
        if q is not None:
            groups = [g for g in groups if g["profile"]["name"].startswith(q)]
        if f is not None:
            name, op, value = re.fullmatch(r'(type|lastMembershipUpdated) (eq|gt) "([^"]+)"', f).groups()
            groups = [g for g in groups if (g[name] == value if op == "eq" else g[name] > value)]
        return self._pages(request, groups)

    def _group(self, request):
        g = self.groups.get(request.match[1])
        return self._shown(g) if g else error(404, "E0000007", "Not found: Resource not found")

    def _members(self, request):
        g = self.groups.get(request.match[1])
        if not g:
            return error(404, "E0000007", "Not found: Resource not found")
        return self._pages(request, [self.users[m] for m in g["members"]])

    def _logs(self, request):
        """https://developer.okta.com/docs/reference/system-log-query/: polling has no `until`, is ASCENDING and goes by
        arrival; `next` is there even behind an empty page; `since` and `after` exclude each other."""
        q = request.query
        if "until" in q or q.get("sortOrder") != "ASCENDING":
            return self._bounded()
        if ("since" in q) == ("after" in q):
            return error(400, "E0000001", "since and after are exclusive")
        wanted = set(re.findall(r'eventType eq "([^"]+)"', q.get("filter", "")))
        log = list(self.log)
        if "since" in q:
            at = next((n for n, e in enumerate(log) if e["published"] >= q["since"]), len(log))
        else:
            at = int(q["after"].split("_")[1])
        limit = int(q.get("limit", 100))
        found, n = [], at
        while n < len(log) and len(found) < limit:
            if not wanted or log[n]["eventType"] in wanted:
                found.append(log[n])
            n += 1
        keep = [(k, v) for k, v in q.items() if k not in ("after", "since")]
        following = f"{self.origin}/api/v1/logs?" + urllib.parse.urlencode(keep + [("after", f"b_{n}")])
        return Answer(found, headers=[link(self.origin + request.target, "self"), link(following)])

    def _bounded(self):
        return Answer(list(self.log)[:1])
