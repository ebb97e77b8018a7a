# SPDX-License-Identifier: BSD-2-Clause
"""HR systems as their documentation has them, on fake_web's server: Workday's reports, BambooHR, SuccessFactors,
and lists that go on in each of the usual ways. `people` of each is a list of rows as that system has them; a test
changes it and reads again."""
import hashlib
import json
import re
import time

import fake_web

USER, PASSWORD = "ISU_rollcall@acme", "w0rkday-pass"
KEY = "bamb00-key"


def worker(number, name, **members):
    """A row of a report (Workday RaaS): all values are texts, and what is empty is not there. The columns' names
    are the report author's: these are the usual ones. community.workday.com, Reports-as-a-Service; facts: HR
    systems, 1."""
    row = {"WID": hashlib.md5(str(number).encode()).hexdigest(), "Employee_ID": str(number), "User_Name": name,
           "Worker_Name": name.capitalize() + " Example", "Email_Address": name + "@example.com",
           "Department": "Engineering", "Worker_Type": "Employee", "Active_Status": "1", "On_Leave": "0",
           "Hire_Date": "2020-01-01-08:00"}
    row.update(members)
    return {k: v for k, v in row.items() if v is not None}


class Workday(fake_web.Server):
    """One custom report: GET /ccx/service/customreport2/TENANT/OWNER/REPORT?format=json, Basic with an integration
    system user, {"Report_Entry": [...]}, no pages. Facts: HR systems, 1. `etag`: the server has validators, as a
    proxy before Workday may."""
    path = "/ccx/service/customreport2/acme/isu/workers"

    def __init__(self, people, etag=False, **more):
        super().__init__(**more)
        self.people, self.etag = people, etag
        self.guard = fake_web.Basic(USER, PASSWORD)
        self.url = self.origin + self.path + "?format=json"
        self.get(self.path, self.report)

    def report(self, q):
        if q.query.get("format") != "json":
            return fake_web.Answer(b"<wd:Report_Data/>", content_type="text/xml")
        body = fake_web.Page({"Report_Entry": self.people})
        tag = '"' + hashlib.sha256(body.raw).hexdigest()[:20] + '"'
        if not self.etag:
            return fake_web.Answer(body)
        if q.headers.get("if-none-match") == tag:
            return fake_web.Answer(b"", 304)
        return fake_web.Answer(body, headers=[("ETag", tag)])


class Bamboo(fake_web.Server):
    """BambooHR: Basic with the API key as the user; POST /reports/custom?format=JSON&onlyCurrent=false with the
    names of fields (https://documentation.bamboohr.com/reference/request-custom-report: a Content-Type that is not
    application/json to the letter makes the body XML, and a field that is not known is left out without a word); GET
    /employees/changed?since=, whose + has to be %2B (https://documentation.bamboohr.com/reference/get-changed-employee-ids).
    Facts: HR systems, 3. Whoever has dates to come is there only with onlyCurrent=false."""

    def __init__(self, people, **more):
        super().__init__(**more)
        self.people, self.changed = people, {}
        self.guard = fake_web.Basic(KEY, "x")
        self.url = self.origin + "/api/v1"
        self.post("/api/v1/reports/custom", self.report)
        self.get("/api/v1/employees/changed", self.changes)

    def report(self, q):
        if q.headers.get("content-type") != "application/json":
            return 400, {"error": "Malformed XML"}
        known = {k for p in self.people for k in p}
        fields = [f for f in q.json["fields"] if f in known]
        assert q.query["format"] == "JSON"
        today = time.strftime("%Y-%m-%d")
        rows = [{k: p.get(k) for k in ["id"] + fields} for p in self.people
                if q.query.get("onlyCurrent") == "false" or not p.get("terminationDate", "0") > today]
        return {"title": "rollcall", "fields": [{"id": f, "type": "text", "name": f} for f in fields], "employees": rows}

    def change(self, number, action):
        self.changed[str(number)] = {"id": str(number), "action": action, "lastChanged": stamp(self.now())}

    def changes(self, q):
        since = q.query["since"]
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", since):
            return 400, {"error": "since is no date"}
        return {"latest": stamp(self.now()), "employees": {k: v for k, v in self.changed.items() if v["lastChanged"] >= since[:19]}}


class SuccessFactors(fake_web.Server):
    """OData 2: {"d": {"results": [...], "__next": URL}}, dates as /Date(ms)/; without fromDate (or asOfDate) whoever
    left, or comes later, is not there. SAP, PerPerson and EmpEmployment; facts: HR systems, 2."""
    path = "/odata/v2/PerPerson"

    def __init__(self, people, size=2, **more):
        super().__init__(**more)
        self.people, self.size = people, size
        self.guard = fake_web.Basic("rollcall@acme", PASSWORD)
        self.url = self.origin + self.path + "?$format=json&fromDate=2000-01-01&$expand=employmentNav/jobInfoNav"
        self.get(self.path, self.page)

    def page(self, q):
        at = int(q.query.get("$skiptoken", 0))
        people = self.people if "fromDate" in q.query else [p for p in self.people if not ended(p)]
        d = {"results": people[at:at + self.size]}
        if at + self.size < len(people):
            d["__next"] = f"{self.origin}{q.target.split('&$skiptoken')[0]}&$skiptoken={at + self.size}"
        return {"d": d}


def ms(day):
    return f"/Date({int(time.mktime(time.strptime(day + ' UTC', '%Y-%m-%d %Z')) - time.timezone) * 1000})/"


def employed(start, end=None, status="A", jobs=None):
    e = {"userId": "u" + start, "startDate": ms(start), "endDate": end and ms(end),
         "jobInfoNav": {"results": jobs or [{"startDate": ms(start), "emplStatusNav": {"externalCode": status}}]}}
    return e


def sf_person(number, *employments):
    return {"personIdExternal": str(number), "employmentNav": {"results": list(employments)},
            "personalInfoNav": {"results": [{"firstName": "P", "lastName": str(number)}]}}


def ended(person):
    return all(e["endDate"] for e in person["employmentNav"]["results"])


class Listed(fake_web.Server):
    """The same list in five ways: /link (RFC 8288), /next (a URL in the body), /offset?offset=&limit=, /page?page= from
    1 on with 204 behind the last (ADP's stop), /cursor?cursor= (Rippling). Facts: HR systems, 4 to 6."""

    def __init__(self, people, size=3, **more):
        super().__init__(**more)
        self.people, self.size = people, size
        self.guard = fake_web.Bearer("t0ken")
        for how in ("link", "next", "offset", "page", "cursor"):
            self.get("/" + how, getattr(self, how))

    def part(self, at):
        return {"generated": "2026-11-01T03:00:00+01:00", "total": len(self.people), "workers": self.people[at:at + self.size]}

    def link(self, q):
        at = int(q.query.get("at", 0))
        more = [fake_web.link(f"/link?at={at + self.size}")] if at + self.size < len(self.people) else []
        return fake_web.Answer(self.part(at), headers=more)

    def next(self, q):
        at = int(q.query.get("at", 0))
        return {**self.part(at), "next": f"/next?at={at + self.size}" if at + self.size < len(self.people) else None}

    def offset(self, q):
        return {**self.part(int(q.query["offset"])), "limit": q.query["limit"]}

    def page(self, q):
        part = self.part((int(q.query["page"]) - 1) * self.size)
        return part if part["workers"] else fake_web.Answer(b"", 204)

    def cursor(self, q):
        at = int(q.query.get("cursor", "c0")[1:])
        return {**self.part(at), "next": f"c{at + self.size}" if at + self.size < len(self.people) else ""}


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(t))


def report_file(path, people):
    """The same report as a file."""
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"Report_Entry": people}, f)
