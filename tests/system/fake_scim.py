# SPDX-License-Identifier: BSD-2-Clause
"""A SCIM 2.0 server for what real ones do and scimmy does not: cursors, and the habits of vendors,
each switched on by the test. Sections cite RFC 7643, RFC 7644 and RFC 9865; habits that no RFC
has say whose they are.

    server = fake_scim.Scim(people=[fake_scim.user("alice", 1)]).start()
    server.total = "string"
"""
import copy
import re
import time
import urllib.parse

import fake_web

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
TOKEN = "t0p-secret-token"
TYPE = "application/scim+json"


def stamp(seconds=None):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() if seconds is None else seconds))


def user(name, number=None, active=True, **more):
    """A User (RFC 7643, 4.1) with the enterprise extension (4.3). active None: it is left out."""
    made = {"schemas": [CORE + "User"], "id": "id-" + name, "userName": name, "active": active, "userType": "Employee",
            "meta": {"resourceType": "User", "lastModified": stamp(), "location": "Users/id-" + name}}
    if active is None:
        del made["active"]
    if number is not None:
        made[ENTERPRISE] = {"employeeNumber": str(number)}
    made.update(more)
    return made


def group(name, *members, **more):
    """A Group (RFC 7643, 4.2); its members are people by name, or groups as "@name"."""
    return {"schemas": [CORE + "Group"], "id": "g-" + name, "displayName": name, "meta": {"resourceType": "Group"},
            "members": [{"value": "g-" + m[1:], "type": "Group"} if m[0] == "@" else {"value": "id-" + m, "type": "User"}
                        for m in members], **more}


def error(status, scim_type=None, detail="no"):
    """RFC 7644, 3.12: status is a string."""
    body = {"schemas": [MESSAGES + "Error"], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return fake_web.Answer(body, status, content_type=TYPE)


class Scim(fake_web.Server):
    """What it does otherwise than most:

    total           "right", "string", "absent", "page" (as many as the page has), or a number
    cap             entries of a page, whatever is asked (RFC 7644, 3.4.2.4 allows fewer)
    ignores_start   each page is the first one (AWS IAM Identity Center has no paging)
    beyond_is_400   nothing is behind the last one, and an error says so
    hides_inactive  disabled people are in no list that does not ask for them
    filters         which it knows: "active", "modified"; others are 400 invalidFilter (3.12), or are passed over
                    with passes_filters
    cursors         pages by cursor (RFC 9865); announced in ServiceProviderConfig where `discovery`
    etags           a list has one, and If-None-Match is heard (RFC 7644, 3.14)
    spelling        a function over each name of an attribute (RFC 7643, 2.1: names have no case)
    hidden          ids that no list has, though they are there by themselves
    on_page         called with the number of each page of people before it is made
    """

    def __init__(self, people=(), groups=(), base="/scim/v2", **options):
        super().__init__(**options)
        self.base, self.url = base, self.origin + base
        self.people = {u["id"]: u for u in people}
        self.groups = {g["id"]: g for g in groups}
        self.guard = fake_web.Bearer(TOKEN)
        self.total, self.cap, self.ignores_start, self.beyond_is_400 = "right", None, False, False
        self.hides_inactive, self.passes_filters, self.filters = False, False, {"active", "modified"}
        self.cursors, self.discovery, self.etags, self.lists_groups = False, False, False, True
        self.spelling = self.on_page = None
        self.hidden = set()
        self.get(base + "/Users", lambda r: self._list(r, self.people, True))
        self.get(base + "/Groups", lambda r: self._list(r, self.groups, False) if self.lists_groups else error(404))
        self.get(re.compile(re.escape(base) + "/(Users|Groups)/(.*)"), self._one)
        self.get(base + "/ServiceProviderConfig", self._config)

    def add(self, *people):
        for one in people:
            self.people[one["id"]] = one

    def change(self, name, **members):
        one = self.people["id-" + name]
        one.update(members)
        one["meta"]["lastModified"] = stamp()

    def remove(self, name):
        del self.people["id-" + name]

    # RFC 7643, 5, with `pagination` of RFC 9865, 3.
    def _config(self, _):
        if not self.discovery:
            return error(404)
        return self._answer({"schemas": [CORE + "ServiceProviderConfig"], "filter": {"supported": True, "maxResults": 200},
                             "pagination": {"cursor": self.cursors, "index": not self.cursors, "maxPageSize": 500}})

    # RFC 7644, 3.4.1.
    def _one(self, request):
        kind, ident = request.match.groups()
        rows = self.people if kind == "Users" else self.groups
        found = rows.get(urllib.parse.unquote(ident))
        return self._answer(found) if found else error(404, detail="Resource not found")

    # RFC 7644, 3.4.2: filter, startIndex and count; RFC 9865, 2: cursor.
    def _list(self, request, rows, people):
        rows = [row for row in rows.values() if row["id"] not in self.hidden]
        given = request.query.get("filter")
        if given and not self.passes_filters:
            rows = self._filter(rows, given)
            if rows is None:
                return error(400, "invalidFilter")
        elif people and self.hides_inactive:
            rows = [u for u in rows if u.get("active") is not False]
        count = min(int(request.query.get("count", 100)), self.cap or 10 ** 6)
        start, cursor = int(request.query.get("startIndex", 1)) - 1, request.query.get("cursor")
        if self.cursors and cursor:
            start = int(cursor.removeprefix("c"))
        if self.ignores_start:
            start = 0
        if self.on_page and people and count > 1:
            self.on_page(start // count + 1)
            rows = rows if given else [u for u in rows if u["id"] in self.people]
        if self.beyond_is_400 and start >= len(rows) > 0:
            return error(400, "invalidValue")
        part = rows[start:start + count]
        body = {"schemas": [MESSAGES + "ListResponse"], "Resources": part, "itemsPerPage": len(part)}
        total = {"right": len(rows), "string": str(len(rows)), "page": len(part), "absent": None}.get(self.total, self.total)
        if total is not None:
            body["totalResults"] = total
        if self.cursors and start + count < len(rows):
            body["nextCursor"] = f"c{start + count}"
        if not self.cursors:
            body["startIndex"] = start + 1
        if not part and not rows:
            del body["Resources"]  # RFC 7644, 3.4.2: may be missing where there is none
        return self._answer(body, request)

    def _filter(self, rows, given):
        """None: it is not known here."""
        changed = re.fullmatch(r'meta\.lastModified gt "(.*)"', given)
        if changed and "modified" in self.filters:
            return [u for u in rows if u["meta"]["lastModified"] > changed[1]]
        if given == "active eq false" and "active" in self.filters:
            return [u for u in rows if u.get("active") is False]
        return None

    def _answer(self, body, request=None):
        body = copy.deepcopy(body)
        if self.spelling:
            body = self._spell(body)
        page = fake_web.Page(body)
        headers = []
        if self.etags and request:
            tag = f'W/"{hash(page.raw):x}"'
            headers = [("ETag", tag)]
            if request.headers.get("if-none-match") == tag:
                return fake_web.Answer(b"", 304, headers)
        return fake_web.Answer(page, 200, headers, content_type=TYPE)

    def _spell(self, value):
        if isinstance(value, dict):
            return {self.spelling(k): self._spell(v) for k, v in value.items()}
        return [self._spell(v) for v in value] if isinstance(value, list) else value
