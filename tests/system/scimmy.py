# SPDX-License-Identifier: BSD-2-Clause
"""A real SCIM 2.0 server (scimmy, on node) with TLS on loopback, and a client that does what an
administrator there would do, by SCIM."""
import json
import os
import ssl
import subprocess
import tempfile
import urllib.request

import pytest

import pki

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "../..", os.environ.get("BUILD", "build"), "tests/npm/scim")
SERVER = os.path.join(HERE, "../npm/scim/server.mjs")
TOKEN = "t0p-secret-token"
CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EMPLOYMENT = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"


class Server:
    def __init__(self):
        if not os.path.exists(BUILD + "/ready"):
            pytest.skip("npm ci had no registry to install scimmy from: make tests where there is one")
        self.ca_of = pki.Ca()
        self.ca = self.ca_of.file
        self.cert, self.key = self.ca_of.issue("localhost")
        self.log = tempfile.NamedTemporaryFile(prefix="scimmy-", suffix=".log", delete=False)
        self.process = subprocess.Popen(["node", SERVER, self.cert, self.key, TOKEN], cwd=BUILD, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, start_new_session=True)
        port = self.process.stdout.readline()
        assert port.strip(), open(self.log.name, encoding="utf-8").read()
        self.url = f"https://localhost:{int(port)}/scim"
        self._tls = ssl.create_default_context(cafile=self.ca)
        self.ids = {}

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def call(self, method, path, body=None):
        asked = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                       headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/scim+json"})
        with urllib.request.urlopen(asked, context=self._tls, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def hire(self, name, number, keys=(), **more):
        """A User; keyword arguments are attributes, `employment` the vendor's schema."""
        employment = {"sshKeys": list(keys), **more.pop("employment", {})}
        body = {"schemas": [CORE + "User", ENTERPRISE, EMPLOYMENT], "userName": name + "@example.com", "active": True,
                "displayName": name.capitalize() + " Example", "userType": "Employee",
                "emails": [{"value": name + "@example.com", "type": "work"}], EMPLOYMENT: employment, **more}
        if number is not None:
            body[ENTERPRISE] = {"employeeNumber": str(number)}
        self.ids[name] = self.call("POST", "/Users", body)["id"]
        return self.ids[name]

    def change(self, name, **members):
        """PATCH with an object, as Okta sends it (RFC 7644, 3.5.2.3)."""
        self._patch("/Users/" + self.ids[name], {"op": "replace", "value": members})

    def fire(self, name):
        self.call("DELETE", "/Users/" + self.ids[name])

    def group(self, name, *members):
        body = {"schemas": [CORE + "Group"], "displayName": name, "members": [{"value": self.ids[m]} for m in members]}
        self.ids["@" + name] = self.call("POST", "/Groups", body)["id"]
        return self.ids["@" + name]

    def join(self, name, *members):
        self._patch("/Groups/" + self.ids["@" + name],
                    {"op": "add", "path": "members", "value": [{"value": self.ids[m]} for m in members]})

    def leave(self, name, member):
        self._patch("/Groups/" + self.ids["@" + name],
                    {"op": "remove", "path": f'members[value eq "{self.ids[member]}"]'})

    def _patch(self, path, *operations):
        self.call("PATCH", path, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)})
