# SPDX-License-Identifier: BSD-2-Clause
"""A host that follows a source: what it makes of one person, and a login of theirs."""
import json
import subprocess
import time

import people
import ssh
import totp
import wait


def user(name):
    """What `rollcall user` knows; {} of nobody."""
    got = subprocess.run(["rollcall", "user", name, "--json"], capture_output=True, text=True, timeout=60)
    return json.loads(got.stdout) if got.returncode == 0 else {}


def state(name):
    return user(name).get("state")


def unlocked(name):
    entry = people.passwd(name)
    return entry is not None and entry[6] != "/usr/sbin/nologin"


def becomes(name, wanted, since=None):
    """`since`: when it was changed at the source; else it was just now."""
    since = since or time.monotonic()
    wait.until(lambda: state(name) == wanted, f"{name} to be {wanted}: {user(name)}")
    print(f"figure: {name} {wanted} after {(time.monotonic() - since) * 1000:.0f} ms")


def log_in(name, keys, apps):
    return ssh.log_in(name, (totp.PROMPT, apps[name].code()), key=keys[name])
