# SPDX-License-Identifier: BSD-2-Clause
"""Security keys of software: files in /dev/softkey, for the real verifier and the real
program that talks to devices, linked with a device of the tests' own."""
import os
import shutil
import subprocess

import wait

TOOLS = os.path.join(os.environ.get("BUILD", "build"), "tests/tools")
PROGRAM = "/usr/libexec/rollcall/rollcall-security-key"
PROMPT = "Code (or touch your key and press Enter): "
PIN = "PIN of your security key: "
TOUCHED, BY_HAND, NEVER = 0, 1, 2
SOUND, WRONG_RP, WRONG_KEY, NO_UV, NO_UP = range(5)


def install():
    """In this sandbox alone, devices are files."""
    os.makedirs("/dev/softkey", exist_ok=True)
    shutil.copy(f"{TOOLS}/soft_security_key", PROGRAM + ".new")
    os.chmod(PROGRAM + ".new", 0o755)
    os.rename(PROGRAM + ".new", PROGRAM)


class Key:
    def __init__(self, name, pin="1234", has_uv=False):
        self.home, self.path, self.pin = f"/root/softkey-{name}", f"/dev/softkey/{name}", pin
        subprocess.run([f"{TOOLS}/softkey", "make", self.path, pin], check=True, timeout=60)
        if has_uv:
            self.set("has_uv", 1)

    def _where(self):
        return self.path if os.path.exists(self.path) else self.home

    def set(self, member, value):
        subprocess.run([f"{TOOLS}/softkey", "set", self._where(), member, str(value)], check=True, timeout=60)

    def get(self, member):
        return int(subprocess.run([f"{TOOLS}/softkey", "get", self._where(), member], check=True, timeout=60,
                                  capture_output=True, text=True).stdout)

    def take_out(self):
        shutil.move(self.path, self.home)
        return self

    def put_in(self):
        """Out and in again it takes PINs again."""
        if not os.path.exists(self.path):
            shutil.copy(self.home, self.path + ".")
            os.chmod(self.path + ".", 0o666)
            os.rename(self.path + ".", self.path)
            os.unlink(self.home)
        self.set("pin_tries_power", 3)
        return self

    def blinks(self):
        wait.until(lambda: self.get("asked"), "the key to blink")

    def touch(self):
        self.blinks()
        self.set("hand", 1)
