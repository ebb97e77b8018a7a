# SPDX-License-Identifier: BSD-2-Clause
"""Microsoft Graph v1.0 and its token endpoint, as far as a source reads them: a tenant whose people, groups,
risks and devices a test changes, with the delta queries' tokens and pages. Written from Microsoft's public
reference, which is named beside each endpoint; there is no real tenant behind it.

    tenant = fake_graph.Tenant(server)
    alice = tenant.add("alice", employeeId="1")
    linux = tenant.add_group("linux users", alice)
    tenant.change(alice, accountEnabled=False)

What a test turns: `page_size`; `permissions` (a set of names; what is not in it is a 403); `empty_pages`,
`duplicates`, `reordered`, `stale`, `partial` (see Feed); `forget_tokens(how)`; `tokens` is fake_oauth's.
"""
import copy
import re
import secrets
import threading
import time
import urllib.parse
import uuid

import fake_oauth
from fake_web import Answer

UUID = "[0-9a-f-]{36}"
GRANTED = {"User.Read.All", "GroupMember.Read.All", "Organization.Read.All", "User-LifeCycleInfo.Read.All",
           "IdentityRiskyUser.Read.All", "Device.Read.All"}


def instant(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def error(status, code, text, headers=()):
    """https://learn.microsoft.com/graph/errors"""
    return Answer({"error": {"code": code, "message": text}}, status, headers)


class Feed:
    """Changes of one kind of object, numbered; tokens stand for a number, and a list of pages that goes with it.
    https://learn.microsoft.com/graph/delta-query-overview: a round ends with a deltaLink; pages may be empty; an
    object may stand on several pages, in any order, and may be said again though nothing changed."""

    def __init__(self, tenant, name):
        self.tenant, self.name = tenant, name
        self.log = []       # ids, in the order of their changes
        self.before = {}    # number to what the object was before that change
        self.tokens = {}    # deltatoken to (number, select)
        self.rounds = {}    # skiptoken to (pages, index, number, select)

    def note(self, id_, was):
        self.before[len(self.log)] = (id_, was)
        self.log.append(id_)

    def link(self, kind, token):
        return f"{self.tenant.server.origin}/v1.0/{self.name}/delta?${kind}={token}"

    def pages(self, ids, show, since):
        t = self.tenant
        items = [(i, show(i, since)) for i in ids]
        if t.reordered:
            items.reverse()
        if t.stale and since is not None:  # what it was before comes too, and first
            old = [(i, was) for i, was in (self.before[n] for n in range(since, len(self.log))) if was]
            items = [(i, show(i, since, was)) for i, was in old] + items
        items = [part for _, item in items if item for part in t.slices(item)]
        pages = [items[i:i + t.page_size] for i in range(0, len(items), t.page_size)] or [[]]
        if t.duplicates:
            pages = [(pages[i - 1][-1:] if i else []) + p for i, p in enumerate(pages)]
        if t.empty_pages:
            pages = [x for p in pages for x in ([], p)]
        return pages

    def select_of(self, request):
        """What the round asked for that a link goes on with."""
        q = request.query
        return (self.tokens.get(q.get("$deltatoken")) or self.rounds.get(q.get("$skiptoken")) or ("",))[-1]

    def answer(self, request, show):
        """A page. `show(id, since)` is the object as it is said, or None; `since` None: of an initial round."""
        q = request.query
        if "$skiptoken" in q:
            got = self.rounds.get(q["$skiptoken"])
            return self.page(*got) if got else error(400, "Directory_ExpiredPageToken", "the token is not known")
        if q.get("$deltatoken"):
            got = self.tokens.get(q["$deltatoken"])
            if got is None:
                return self.tenant.lost(self)
            number, select = got
            ids = list(dict.fromkeys(self.log[number:]))
            if self.tenant.replays:
                ids = list(dict.fromkeys(self.log[:number][-self.tenant.replays:])) + ids
            pages = self.pages(ids, lambda i, s, was=None: show(i, s, select, was), number)
        else:
            select = q.get("$select", "")
            ids = list(self.tenant.objects[self.name])
            pages = self.pages(ids, lambda i, s, was=None: show(i, s, select, was), None)
        return self.page(pages, 0, len(self.log), select)

    def page(self, pages, index, number, select):
        token = secrets.token_urlsafe(120)
        if index + 1 < len(pages):
            self.rounds[token] = (pages, index + 1, number, select)
            return {"@odata.nextLink": self.link("skiptoken", token), "value": pages[index]}
        self.tokens[token] = (number, select)
        return {"@odata.deltaLink": self.link("deltatoken", token), "value": pages[index]}


class Tenant:
    def __init__(self, server, client_id="4b6f0b7e-0000-4000-8000-6c0d1c4c7d3a", domain="acme.com", **credential):
        self.server, self.domain = server, domain
        self.id = str(uuid.uuid4())
        self.type = "AAD"
        self.permissions = set(GRANTED)
        self.page_size = 100
        self.slice = 20  # members of a group on a page
        self.empty_pages = self.duplicates = self.reordered = self.stale = self.partial = False
        self.replays = 0
        self.lost_as = 410
        self.objects = {"users": {}, "groups": {}}
        self.members = {}  # group to {id: "user" or "group"}
        self.membership_log = []  # (number in the feed of groups, group, id, kind, added)
        self.removed = {}  # id to "changed" or "deleted"
        self.risky, self.devices = {}, {}
        self.risk_each = 0.0  # seconds between two requests; then 429 without Retry-After
        self.risk_asked = 0.0
        self.lock = threading.RLock()
        self.feeds = {name: Feed(self, name) for name in self.objects}
        if not credential:
            credential = {"secret": "s3cr.t~/+"}
        # https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
        self.tokens = fake_oauth.Tokens(server, f"/{self.id}/oauth2/v2.0/token", client_id=client_id,
                                        scope=server.origin + "/.default", **credential)
        server.guard = self.tokens
        self.routes()

    # ---- what a test changes ----

    def add(self, name, **properties):
        """An employee; the id."""
        with self.lock:
            i = properties.pop("id", None) or str(uuid.uuid4())
            upn = f"{name}@{self.domain}"
            self.objects["users"][i] = {
                "id": i, "userPrincipalName": upn, "accountEnabled": True, "userType": "Member", "displayName": name.title(),
                "mail": upn, "employeeType": "Employee",
                "identities": [{"signInType": "userPrincipalName", "issuer": self.domain, "issuerAssignedId": upn}]}
            self.objects["users"][i].update(properties)
            self.removed.pop(i, None)
            self.feeds["users"].note(i, None)
            return i

    def change(self, user, **properties):
        with self.lock:
            o = self.objects["users"][user]
            was = copy.deepcopy(o)
            o.update(properties)
            o["~"] = list(properties)  # for `partial`
            self.feeds["users"].note(user, was)

    def remove(self, user, reason="changed"):
        """"changed": into deletedItems, from where it may be restored; "deleted": for good."""
        with self.lock:
            was = self.objects["users"].pop(user)
            self.removed[user] = reason
            for group, inside in self.members.items():
                if user in inside:
                    self.leave(group, user)
            self.feeds["users"].note(user, was)
            return was

    def restore(self, was):
        with self.lock:
            self.objects["users"][was["id"]] = was
            self.removed.pop(was["id"], None)
            self.feeds["users"].note(was["id"], None)

    def add_group(self, name, *users, groups=()):
        with self.lock:
            i = str(uuid.uuid4())
            self.objects["groups"][i] = {"id": i, "displayName": name}
            self.members[i] = {}
            self.feeds["groups"].note(i, None)
            for u in users:
                self.join(i, u)
            for g in groups:
                self.join(i, g, "group")
            return i

    def remove_group(self, group):
        with self.lock:
            del self.objects["groups"][group]
            self.members.pop(group)
            self.removed[group] = "deleted"
            self.feeds["groups"].note(group, None)

    def join(self, group, member, kind="user"):
        with self.lock:
            self.members[group][member] = kind
            self.membership_log.append((len(self.feeds["groups"].log), group, member, kind, True))
            self.feeds["groups"].note(group, None)

    def leave(self, group, member):
        with self.lock:
            kind = self.members[group].pop(member)
            self.membership_log.append((len(self.feeds["groups"].log), group, member, kind, False))
            self.feeds["groups"].note(group, None)

    def forget_tokens(self, how=410):
        """As after seven days: 410 with a Location, or 400 with a code ("syncStateNotFound")."""
        self.lost_as = how
        for f in self.feeds.values():
            f.tokens.clear()
            f.rounds.clear()

    def lost(self, feed):
        # user-delta, "Response": 410 Gone, and a Location with an empty $deltatoken; older ones a 400.
        if self.lost_as == 410:
            return error(410, "Gone", "resync", [("Location", feed.link("deltatoken", ""))])
        return error(400, self.lost_as, "the sync state is not found")

    # ---- what is shown ----

    def denied(self, permission):
        if permission in self.permissions:
            return None
        return error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    @staticmethod
    def selected(o, select):
        """https://learn.microsoft.com/graph/query-parameters#select: `id` is always there; what was never set is not."""
        names = ["id"] + [n for n in select.split(",") if n]
        return {n: o[n] for n in names if n in o}

    def show_user(self, i, since, select, was=None):
        if i in self.removed and was is None:
            return {"id": i, "@removed": {"reason": self.removed[i]}} if since is not None else None
        o = was or self.objects["users"].get(i)
        shown = self.selected(o, select)
        if self.partial and since is not None and "~" in o:  # "at least" what changed
            shown = {n: v for n, v in shown.items() if n == "id" or n in o["~"]}
        return shown

    def show_group(self, i, since, select, was=None):
        """https://learn.microsoft.com/graph/api/group-delta: members@delta, of a later round what changed."""
        if i in self.removed:
            return {"id": i, "@removed": {"reason": self.removed[i]}} if since is not None else None
        o = self.selected(self.objects["groups"][i], select)
        if "members" not in select.split(","):
            return o
        if since is None:
            words = [(m, kind, True) for m, kind in self.members[i].items()]
        else:
            last = {m: (m, kind, added) for n, g, m, kind, added in self.membership_log if n >= since and g == i}
            words = list(last.values())
        if words:
            o["members@delta"] = [
                {"@odata.type": "#microsoft.graph." + kind, "id": m, **({} if added else {"@removed": {"reason": "deleted"}})}
                for m, kind, added in words]
            if self.partial and since is not None:  # "at least" what changed
                o.pop("displayName", None)
        return o

    def slices(self, item):
        """A large group stands on several pages, a part of its members on each (group-delta, "members@delta")."""
        members = item.get("members@delta", [])
        for k in range(0, max(1, len(members)), self.slice):
            yield {**item, "members@delta": members[k:k + self.slice]} if members else item

    # ---- endpoints ----

    def routes(self):
        s = self.server
        s.get("/v1.0/organization", self.organization)
        s.get("/v1.0/users/delta", self.users_delta)
        s.get("/v1.0/groups/delta", self.groups_delta)
        s.get("/v1.0/users", self.users)
        s.get(re.compile(f"/v1.0/users/({UUID})"), self.user)
        s.get(re.compile(f"/v1.0/users/({UUID})/transitiveMemberOf"), self.groups_of_user)
        s.get(re.compile(f"/v1.0/groups/({UUID})/members"), self.group_members)
        s.get("/v1.0/identityProtection/riskyUsers", self.risky_users)
        s.get("/v1.0/devices", self.device_list)

    def organization(self, q):
        """https://learn.microsoft.com/graph/api/organization-list"""
        return self.denied("Organization.Read.All") or {
            "value": [{"id": self.id, "displayName": "Acme", "tenantType": self.type}]}

    def users_denied(self, q):
        select = q.query.get("$select") or self.feeds["users"].select_of(q)
        # employeeLeaveDateTime needs a permission of its own (resources/user, "Properties").
        return self.denied("User.Read.All") or (
            self.denied("User-LifeCycleInfo.Read.All") if "employeeLeaveDateTime" in select.split(",") else None)

    def users_delta(self, q):
        """https://learn.microsoft.com/graph/api/user-delta. Not in tenants of customers."""
        bad = set(q.query) & {"$top", "$expand", "$orderby", "$search"}
        if bad:
            return error(400, "Request_UnsupportedQuery", f"not supported in delta: {bad}")
        with self.lock:
            return self.users_denied(q) or self.feeds["users"].answer(q, self.show_user)

    def groups_delta(self, q):
        with self.lock:
            refused = self.denied("GroupMember.Read.All")
            if refused:
                return refused
            return self.feeds["groups"].answer(q, self.show_group)

    def paged(self, q, items):
        """https://learn.microsoft.com/graph/paging"""
        size, at = min(int(q.query.get("$top", 100)), 999), int(q.query.get("$skiptoken", 0))
        answer = {"value": items[at:at + size]}
        # https://learn.microsoft.com/graph/aad-advanced-queries
        if q.query.get("$count") == "true" and q.headers.get("consistencylevel") == "eventual":
            answer["@odata.count"] = len(items)
        if at + size < len(items):
            more = urllib.parse.urlencode({**q.query, "$skiptoken": at + size})
            answer["@odata.nextLink"] = f"{self.server.origin}{q.path}?{more}"
        return answer

    def users(self, q):
        """https://learn.microsoft.com/graph/api/user-list"""
        with self.lock:
            select = q.query.get("$select", "id")
            return self.users_denied(q) or self.paged(q, [self.selected(o, select) for o in self.objects["users"].values()])

    def user(self, q):
        """https://learn.microsoft.com/graph/api/user-get"""
        with self.lock:
            o = self.objects["users"].get(q.match.group(1))
            if not o:
                return self.users_denied(q) or error(404, "Request_ResourceNotFound", "it does not exist")
            return self.users_denied(q) or self.selected(o, q.query.get("$select", "id"))

    def groups_of_user(self, q):
        """https://learn.microsoft.com/graph/api/user-list-transitivememberof: groups, and what else holds people."""
        with self.lock:
            found, more = set(), {q.match.group(1)}
            while more:
                more = {g for g, inside in self.members.items() if more & set(inside)} - found
                found |= more
            items = [{"@odata.type": "#microsoft.graph.group", **self.selected(self.objects["groups"][g], "displayName")} for g in found]
            return self.denied("GroupMember.Read.All") or self.paged(
                q, items + [{"@odata.type": "#microsoft.graph.directoryRole", "id": self.id, "displayName": "Reader"}])

    def group_members(self, q):
        """https://learn.microsoft.com/graph/api/group-list-members: direct members."""
        with self.lock:
            inside = self.members.get(q.match.group(1))
            if inside is None:
                return error(404, "Request_ResourceNotFound", "it does not exist")
            return self.denied("GroupMember.Read.All") or self.paged(
                q, [{"@odata.type": "#microsoft.graph." + kind, "id": m} for m, kind in inside.items()])

    def risky_users(self, q):
        """https://learn.microsoft.com/graph/api/riskyuser-list; one request a second a tenant, and a 429 without
        Retry-After (https://learn.microsoft.com/graph/throttling-limits)."""
        now = time.monotonic()
        if now - self.risk_asked < self.risk_each:
            return error(429, "TooManyRequests", "too many")
        self.risk_asked = now
        return self.denied("IdentityRiskyUser.Read.All") or self.paged(
            q, [{"id": i, "riskLevel": level, "riskState": state, "isDeleted": False}
                for i, (state, level) in self.risky.items()])

    def device_list(self, q):
        """https://learn.microsoft.com/graph/api/device-list"""
        wanted = re.fullmatch(f"deviceId eq '({UUID})'", q.query.get("$filter", ""))
        found = [d for d in self.devices.values() if not wanted or d["deviceId"] == wanted.group(1)]
        return self.denied("Device.Read.All") or self.paged(q, found)
