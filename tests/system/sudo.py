# SPDX-License-Identifier: BSD-2-Clause
"""sudo, in a session that somebody has."""
from terminal import SHELL, without_echo


def run(session, command, *answers):
    """Runs `sudo COMMAND` in the session, answering each (prompt, text). Returns the
    exit status and what was said after the last answer."""
    session.sendline(f"sudo {command}; echo status'='$?")
    for prompt, text in answers:
        session.answer(prompt, text)
    session.expect(r"status=(\d+)\r?\n")
    status, output = int(session.match.group(1)), without_echo(session.before)
    session.expect_exact(SHELL)
    return status, output


def root_shell(session, *answers):
    """`sudo -s`: the session's terminal is a root shell from here on."""
    session.sendline("sudo -s")
    for prompt, text in answers:
        session.answer(prompt, text)
    session.shell()
    status, who = session.run("id -u")
    assert (status, who.strip()) == (0, "0"), who
    return session
