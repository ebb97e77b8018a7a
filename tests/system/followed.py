# SPDX-License-Identifier: BSD-2-Clause
"""A host that follows a source: what it makes of one person, and a login of theirs."""
import json
import os
import subprocess
import time

import people
import ssh
import totp
import wait

CONF = "/etc/rollcall/rollcall.conf"


def secret(name, text):
    """A file of root's alone among the secrets; its path."""
    path = "/etc/rollcall/secrets/" + name
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(text)
    return path


def write_conf(sections, allow_groups="linux-users"):
    """rollcall.conf with these sources, a name to its options; one that is None is not written."""
    text = "[rollcall]\nmode = enforce\ncontact = IT desk\n"
    for name, options in sections.items():
        text += f"[source {name}]\n" + "".join(f"{k} = {v}\n" for k, v in options.items() if v is not None)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(text + f"[access]\nallow_groups = {allow_groups}\n[mfa]\nfactors = totp\n")


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
