# SPDX-License-Identifier: BSD-2-Clause
"""A source program by itself, with the request and the files that engine and launcher would give it."""
import fcntl
import json
import os
import subprocess

# In the launcher's order, from descriptor 3 on.
FILES = ["password_file", "keytab", "ca_file", "cert_file", "key_file", "secret_file", "credential"]


def memory(text):
    """A file in memory with this text; its descriptor."""
    fd = os.memfd_create("test")
    os.write(fd, text.encode() if isinstance(text, str) else text)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def start(command, request, files=None, stderr=subprocess.PIPE, stdout=subprocess.PIPE):
    """`files`: an option's name to its text, handed over as descriptors; None: whoever is started places them."""
    fds = {3 + FILES.index(name): memory(text) for name, text in (files or {}).items()}

    def place():
        held = {n: fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for n, fd in fds.items()}
        for n, fd in held.items():
            os.dup2(fd, n)
            os.close(fd)

    more = {"preexec_fn": place, "close_fds": False} if fds else {}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr,
                               env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, **more)
    for fd in fds.values():
        os.close(fd)
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return process


def numbers(names):
    """The section's `files`."""
    return {name: 3 + FILES.index(name) for name in names}
