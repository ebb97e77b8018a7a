// SPDX-License-Identifier: BSD-2-Clause
// A SCIM 2.0 server for tests: scimmy, with people and groups in memory and TLS on loopback.
//   node server.mjs CERTIFICATE KEY TOKEN
// Prints its port. People are made and changed by SCIM itself; it is ended by its process id.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

// The modules stand where `npm ci` put them, not beside this file.
const require = createRequire(process.cwd() + "/package.json");
const load = async (name) => {
    const module = (await import(pathToFileURL(require.resolve(name)))).default;
    return module.default ?? module;
};
const express = await load("express");
const SCIMMY = await load("scimmy");
const Routers = await load("scimmy-routers");

const [cert, key, token] = process.argv.slice(2);
const { Attribute, SchemaDefinition, Error: ScimError } = SCIMMY.Types;

// A vendor's own schema: what SCIM itself has no attribute for.
const leave = new SchemaDefinition("Employment", "urn:ietf:params:scim:schemas:extension:acme:2.0:User", "When somebody works here", [
    new Attribute("string", "firstDay"),
    new Attribute("string", "lastDay"),
    new Attribute("string", "state"),
    new Attribute("string", "sshKeys", { multiValued: true }),
]);

// One kind of resource in memory. Times grow, so that "changed since" has an answer.
function store(key) {
    const rows = new Map();
    const missing = () => new ScimError(404, null, "there is no such resource");
    return {
        ingress(resource, data) {
            const old = resource.id && rows.get(resource.id);
            if (resource.id && !old) throw missing();
            for (const other of rows.values())
                if (other.id !== resource.id && data[key] && other[key]?.toLowerCase() === data[key].toLowerCase())
                    throw new ScimError(409, "uniqueness", `${key} is taken`);
            const now = new Date().toISOString();
            const row = { ...JSON.parse(JSON.stringify(data)), id: old ? old.id : randomUUID(),
                meta: { created: old ? old.meta.created : now, lastModified: now } };
            rows.set(row.id, row);
            return row;
        },
        egress(resource) {
            if (resource.id) {
                if (!rows.has(resource.id)) throw missing();
                return rows.get(resource.id);
            }
            const all = [...rows.values()];
            return resource.filter ? resource.filter.match(all) : all;
        },
        degress(resource) {
            if (!rows.delete(resource.id)) throw missing();
        },
    };
}

for (const [resource, rows] of [[SCIMMY.Resources.User, store("userName")], [SCIMMY.Resources.Group, store("displayName")]])
    SCIMMY.Resources.declare(resource).ingress(rows.ingress).egress(rows.egress).degress(rows.degress);
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Resources.User.extend(leave, false);
SCIMMY.Config.set({ filter: { supported: true, maxResults: 200 }, patch: true });

const app = express();
app.use("/scim", new Routers({
    type: "bearer",
    handler: (request) => {
        if (request.get("authorization") !== `Bearer ${token}`) throw new Error("who are you?");
        return "sync";
    },
}));
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, app);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
