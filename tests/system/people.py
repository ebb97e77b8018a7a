# SPDX-License-Identifier: BSD-2-Clause
"""HR's file: people as rows, written beside the path and renamed over it, with a time
of its own that never goes back."""
import csv
import io
import os
import subprocess
import time

PATH = "/etc/rollcall/people.csv"
COLUMNS = ["employeeNumber", "userName", "displayName", "email", "department", "manager", "workerType", "status",
           "startDate", "endDate", "terminatedAt", "uidNumber", "gidNumber", "loginShell", "homeDirectory", "groups",
           "sshPublicKeys"]


def person(number, name, **members):
    """A row; what is not said is what an ordinary employee has, who may come in here."""
    row = {"employeeNumber": str(number), "userName": name, "displayName": name.capitalize() + " Example",
           "email": name + "@example.com", "department": "Engineering", "workerType": "employee",
           "status": "active", "startDate": "2020-01-01", "loginShell": "/bin/bash", "groups": "linux-users"}
    unknown = set(members) - set(COLUMNS)
    assert not unknown, f"no such columns: {unknown}"
    row.update(members)
    return row


def admins(keys):
    """Rows by name, numbered from 1, of people who may come in here and become root; `keys`: each one's SSH key."""
    return {name: person(n, name, sshPublicKeys=key.public, groups="linux-users;linux-admins")
            for n, (name, key) in enumerate(keys.items(), 1)}


def text(rows, columns=None, trailer=False):
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or COLUMNS, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    if trailer:
        out.write(f"#rows={len(rows)}\n")
    return out.getvalue()


def write(rows, path=PATH, at=None, **options):
    """Rows (or the raw text or bytes of the file) into HR's file. Returns the time of
    the rename."""
    content = rows if isinstance(rows, (str, bytes)) else text(rows, **options)
    if isinstance(content, str):
        content = content.encode()
    with open(path + ".new", "wb") as f:
        f.write(content)
        os.fchmod(f.fileno(), 0o644)
    old = os.stat(path).st_mtime if os.path.exists(path) else 0
    # Two files within one tick of the file system's clock would be one version.
    at = at if at is not None else max(time.time(), old + 0.02)
    os.utime(path + ".new", (at, at))
    os.rename(path + ".new", path)
    return time.time()


def shadow(name):
    got = subprocess.run(["getent", "shadow", name], capture_output=True, text=True, timeout=60)
    return got.stdout.strip() or None


def passwd(name):
    """The seven fields that every program sees, or None."""
    got = subprocess.run(["getent", "passwd", name], capture_output=True, text=True, timeout=60)
    return got.stdout.strip().split(":") if got.returncode == 0 else None


def groups(name):
    got = subprocess.run(["id", "-Gn", name], capture_output=True, text=True, timeout=60)
    return set(got.stdout.split()) if got.returncode == 0 else None
