# SPDX-License-Identifier: BSD-2-Clause
"""PingOne's API as far as rollcall-source-pingone asks it: written from its public reference
(developer.pingidentity.com, "PingOne Platform APIs"; the OpenAPI file of patrickcping/pingone-go-sdk-v2,
management: "the SDK" below). One environment; people, groups and populations are changed by the test,
each change with its entry in the log of activities."""
import datetime
import re
import uuid

import fake_oauth
import fake_web

ENV = "e0000000-0000-4000-8000-000000000001"
STAFF = "b0000000-0000-4000-8000-000000000001"  # populations
GUESTS = "b0000000-0000-4000-8000-000000000002"
USERS = "9a000000-0000-4000-8000-000000000001"  # groups
ADMINS = "9a000000-0000-4000-8000-000000000002"
SECRET = "w0rker-s3cret~"
CLIENT = "c0000000-0000-4000-8000-000000000001"


def error(status, code, message, target=None):
    """P1Error (the SDK: P1Error; DP: error codes)."""
    return fake_web.Answer({"id": str(uuid.uuid4()), "code": code, "message": message,
                            "details": [{"code": code, "target": target, "message": message}] if target else []}, status)


def user(number, name, **members):
    """A user as the list has it (the SDK: User)."""
    u = {"id": f"a0000000-0000-4000-8000-{number:012d}", "environment": {"id": ENV}, "username": name,
         "email": name.split("@")[0] + "@acme.example", "externalId": str(1000 + number), "type": "Employee",
         "name": {"given": name.split("@")[0].capitalize(), "family": "Example"}, "enabled": True,
         "account": {"status": "OK", "canAuthenticate": True}, "lifecycle": {"status": "ACCOUNT_OK"},
         "population": {"id": STAFF}, "identityProvider": {"type": "PING_ONE"}, "mfaEnabled": False,
         "verifyStatus": "NOT_INITIATED", "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z"}
    u.update(members)
    return u


class PingOne(fake_web.Server):
    """`people`: id to user; `members`: group's id to a set of users' ids; `solution`, `status`: of the environment;
    `page`: what it gives at most whatever was asked for; `roles`: what the worker may see."""

    def __init__(self, **more):
        super().__init__(**more)
        self.people, self.members, self.log = {}, {USERS: set(), ADMINS: set()}, []
        self.solution, self.status, self.page = "WORKFORCE", "ACTIVE", 200
        self.roles = {"users", "environment", "log"}
        self.indirect = {}  # members by another group: in the filter's answer, not in memberOfGroupIDs
        self.lagging = None  # people as lists have them still
        self.silent = False  # memberOfGroupIDs is not said, whatever was asked
        self.names = {USERS: "linux-users", ADMINS: "linux-admins"}
        self.populations = {STAFF: "Employees", GUESTS: "Guests"}
        # POST https://auth.pingone.TLD/ENV/as/token, client_credentials with Basic (the SDK: token; DP: worker apps).
        self.tokens = fake_oauth.Tokens(self, f"/{ENV}/as/token", client_id=CLIENT, secret=SECRET)
        self.guard = self.tokens
        base = f"/v1/environments/{ENV}"
        self.get(base, self._environment)
        self.get(base + "/billOfMaterials", self._bill)
        self.get(base + "/users", self._users)
        self.get(re.compile(base + "/users/([^/]+)"), self._user)
        self.get(re.compile(base + "/(groups|populations)/([^/]+)"), self._object)
        self.get(base + "/activities", self._activities)

    # -- what a test does --

    def put(self, u, groups=(USERS,), action=None):
        new = u["id"] not in self.people
        self.people[u["id"]] = u
        for g, ids in self.members.items():
            if (g in groups) != (u["id"] in ids) and not new:
                self.note_member("MEMBER_OF_GROUP." + ("CREATED" if g in groups else "DELETED"), u["id"], g)
            (ids.add if g in groups else ids.discard)(u["id"])
        if action != "":
            self.note(action or ("USER.CREATED" if new else "USER.UPDATED"), u["id"])
        return u["id"]

    def change(self, id, action="USER.UPDATED", **members):
        self.people[id] = {**self.people[id], **members}
        self.note(action, id)

    def delete(self, id):
        """Deleted users vanish (DP: delete user)."""
        del self.people[id]
        for ids in self.members.values():
            ids.discard(id)
        self.note("USER.DELETED", id)

    def note(self, action, *ids, at=None, kind="USER"):
        """An entry of the log: https://developer.pingidentity.com/pingone-api/platform/audit-activities.html (data model).
        The names of actions are those of a subscription (Ping's Terraform provider, pingone_webhook: included_action_types).
        A membership's resource has the id of the group, and the user's in its address alone, as entries of real
        environments have it that AppOmni published (event-maturity-matrix, products/pingone)."""
        at = at or self.now()
        self.log.append({"id": str(uuid.uuid4()), "recordedAt": self._time(at), "createdAt": self._time(at),
                         "action": {"type": action, "description": action}, "result": {"status": "SUCCESS"},
                         "resources": [{"type": kind, "id": i, "environment": {"id": ENV}} for i in ids]})

    def note_member(self, action, user, group):
        self.note(action, group, kind="MEMBER_OF_GROUP")
        self.log[-1]["resources"][0]["href"] = f"{self.origin}/v1/environments/{ENV}/users/{user}/memberOfGroups/{group}"

    @staticmethod
    def _time(at):
        return datetime.datetime.utcfromtimestamp(at).isoformat(timespec="milliseconds") + "Z"

    # -- what it answers --

    def _denied(self, role):
        # DP: error codes, ACCESS_FAILED (403).
        return None if role in self.roles else error(403, "ACCESS_FAILED", "The actor attempting to perform the request "
                                                     "is not authorized.")

    def _environment(self, q):
        """The SDK: ReadOneEnvironment."""
        return self._denied("environment") or {"id": ENV, "name": "Acme", "type": "PRODUCTION", "region": "EU",
                                               "status": self.status}

    def _bill(self, q):
        """The SDK: BillOfMaterials; solutionType may be absent."""
        return self._denied("environment") or {**({"solutionType": self.solution} if self.solution else {}),
                                               "products": [{"type": "PING_ONE_BASE"}, {"type": "PING_ONE_MFA"}]}

    def _paged(self, q, name, objects):
        """DP: paging, ordering, and filtering collections: `limit` is not always honoured; the last page has no
        next."""
        start = int(q.query.get("cursor", "0"))
        size = min(int(q.query.get("limit", self.page)), self.page)
        body = {"_links": {"self": {"href": self.origin + q.target}}, "_embedded": {name: objects[start:start + size]},
                "count": len(objects), "size": len(objects[start:start + size])}
        if start + size < len(objects):
            rest = "&".join(p for p in q.target.partition("?")[2].split("&") if p and not p.startswith("cursor="))
            body["_links"]["next"] = {"href": f"{self.origin}{q.path}?{rest}&cursor={start + size}"}
        return body

    def _users(self, q):
        """The SDK: ReadAllUsers; memberOfGroupIDs is never in a list."""
        people = list((self.lagging or self.people).values())
        if "filter" in q.query:
            m = re.fullmatch(r'memberOfGroups\[id eq "([^"]*)"\](?: and username eq "([^"]*)")?', q.query["filter"])
            if not m:
                return error(400, "INVALID_REQUEST", "The filter is not valid.", "filter")
            ids = self.members.get(m[1], set()) | self.indirect.get(m[1], set())
            people = [p for p in people if p["id"] in ids and m[2] in (None, p["username"])]
        return self._denied("users") or self._paged(q, "users", people)

    def _user(self, q):
        """The SDK: ReadUser, with include=memberOfGroupIDs."""
        u = self.people.get(q.match[1])
        if self._denied("users"):
            return self._denied("users")
        if not u:
            return error(404, "NOT_FOUND", "The requested resource was not found.")
        if q.query.get("include") == "memberOfGroupIDs" and not self.silent:
            u = {**u, "memberOfGroupIDs": [g for g, ids in self.members.items() if u["id"] in ids]}
        return u

    def _object(self, q):
        """The SDK: ReadOneGroup, ReadOnePopulation."""
        names = self.names if q.match[1] == "groups" else self.populations
        if q.match[2] not in names:
            return error(404, "NOT_FOUND", "The requested resource was not found.")
        return {"id": q.match[2], "name": names[q.match[2]]}

    def _activities(self, q):
        """DP: read audit activities: SCIM filter with recordedAt gt and lt."""
        m = re.fullmatch(r'recordedAt gt "([^"]*)" and recordedAt lt "([^"]*)"', q.query.get("filter", ""))
        if not m:
            return error(400, "INVALID_REQUEST", "The time range is missing.", "filter")
        return self._denied("log") or self._paged(q, "activities", [e for e in self.log if m[1] < e["recordedAt"] < m[2]])


def options(server, **more):
    """Of the section, for web_source.Source."""
    given = {"environment": ENV, "api_url": server.origin, "auth_url": server.origin, "client_id": CLIENT,
             "member_groups": [USERS, ADMINS], "domain": ["acme.example"]}
    given.update(more)
    return given
