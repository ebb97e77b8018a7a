# SPDX-License-Identifier: BSD-2-Clause
"""The console: the real login(1) on a pty, as getty starts it."""
from terminal import Terminal


def connect(user=None):
    """login as root runs it; without a user it asks for the name."""
    return Terminal("/bin/login", *(["--", user] if user else []))


def log_in(user, *answers):
    """Answers each (prompt, text), and stands in a shell."""
    session = connect(user)
    for prompt, text in answers:
        session.answer(prompt, text)
    return session.shell()
