# SPDX-License-Identifier: BSD-2-Clause
"""The files of a host that setup, doctor and adopt are about: every byte, mode and owner,
and the way back for tests that break them."""
import os
import shutil
import subprocess
import tempfile

TREES = ["/etc", "/var/lib/pam"]


def tree():
    found = {}
    for top in TREES:
        for folder, _, files in os.walk(top):
            for name in files:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                content = os.readlink(path) if os.path.islink(path) else open(path, "rb").read()
                found[path] = (content, st.st_mode, st.st_uid, st.st_gid)
    return found


def differing(a, b):
    return sorted(p for p in a.keys() | b.keys() if a.get(p) != b.get(p))


class Kept:
    """A copy of the trees as they stand; restore() puts back what differs."""

    def __init__(self):
        self.before = tree()
        self.copy = tempfile.mkdtemp(prefix="etc-")
        for top in TREES:
            shutil.copytree(top, self.copy + top, symlinks=True)

    def restore(self):
        for path in differing(self.before, tree()):
            if path not in self.before:
                os.unlink(path)
            else:
                subprocess.run(["cp", "-a", "--remove-destination", self.copy + path, path], check=True)
                os.chown(path, *self.before[path][2:], follow_symlinks=False)
        assert differing(self.before, tree()) == []


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
