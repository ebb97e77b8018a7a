# SPDX-License-Identifier: BSD-2-Clause
"""A person at a terminal: a program on a pty, prompts read and answered, a shell used."""
import os
import re
import time

import pexpect

TIMEOUT = 30
SHELL = "rollcall-test-shell> "


class Terminal(pexpect.spawn):
    """A pty. Closing it hangs up, as when a person closes the window."""

    def __init__(self, program, *args, env=None):
        super().__init__(program, list(args), env=env or clean_environment(), encoding="utf-8",
                         codec_errors="replace", timeout=TIMEOUT, dimensions=(50, 200), echo=True)
        self.seen = []
        self.delaybeforesend = None

    def read_nonblocking(self, size=1, timeout=-1):
        # login hangs its terminal up and opens it again; for that moment nobody has
        # the other end open, and the kernel says end of file. So one that is followed
        # by more is none.
        for _ in range(100):
            try:
                text = super().read_nonblocking(size, timeout)
                self.seen.append(text)
                return text
            except pexpect.EOF:
                if not self.isalive():
                    raise
                self.flag_eof = False
                time.sleep(0.05)
        raise pexpect.EOF("the terminal was closed and its program lives on")

    def said(self):
        """All that stood on the screen so far."""
        return "".join(self.seen).replace("\r\n", "\n")

    def answer(self, prompt, text):
        """Waits for the prompt (a plain text), then types."""
        self.expect_exact(prompt)
        # What is typed before a program has switched its echo off would be flushed
        # or shown.
        self.sendline(text)
        return self.before

    def shell(self):
        """In a shell: makes its prompt one that can be waited for."""
        # What is typed before login has handed the terminal over would be flushed.
        self.expect(r"(@[a-z0-9]+:[^\r\n]*|sh-[0-9.]+)[$#] $")
        half = len(SHELL) // 2
        self.sendline(f"unset PROMPT_COMMAND; PS1='{SHELL[:half]}''{SHELL[half:]}'")
        self.expect_exact(SHELL)
        return self

    def run(self, command):
        """In a shell: the exit status and output of a command."""
        self.sendline(f"{command}; echo status'='$?")
        self.expect(r"status=(\d+)\r?\n")
        status, output = int(self.match.group(1)), without_echo(self.before)
        self.expect_exact(SHELL)
        return status, output

    def rest(self):
        """Waits for the program's end; what it still said, and its exit status."""
        self.expect(pexpect.EOF)
        text = self.before.replace("\r\n", "\n")
        self.close()
        return text, self.exitstatus if self.exitstatus is not None else 128 + self.signalstatus

    def gone(self, seconds=TIMEOUT):
        """Was this terminal's program ended, within so many seconds?"""
        try:
            self.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        return True


def without_echo(output):
    """What a command said, without the line that was typed and control sequences."""
    output = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", output.replace("\r\n", "\n"))
    echoed, _, rest = output.partition("\n")
    return rest if "echo status" in echoed else output


def clean_environment():
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb",
            "HOME": os.environ.get("HOME", "/root"), "LANG": "C.UTF-8"}
