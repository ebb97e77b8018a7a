# SPDX-License-Identifier: BSD-2-Clause
"""A person's authenticator app: the secret from enrolment, and codes that were not
given before."""
import json
import subprocess
import time
import urllib.parse

STEP = 30
PROMPT = 'Code from your app (or "help"): '


class Authenticator:
    def __init__(self, uri):
        parts = urllib.parse.urlsplit(uri)
        assert (parts.scheme, parts.netloc) == ("otpauth", "totp"), uri
        said = {name: values[0] for name, values in urllib.parse.parse_qs(parts.query).items()}
        self.secret = said["secret"]
        self.algorithm = said.get("algorithm", "SHA1").lower()
        self.digits = int(said.get("digits", "6"))
        self.last = 0

    def at(self, step):
        got = subprocess.run(["oathtool", f"--totp={self.algorithm}", f"--digits={self.digits}", "--base32", f"--now=@{step * STEP}", "-"], input=self.secret,
                             capture_output=True, text=True, check=True, timeout=60)
        return got.stdout.strip()

    def code(self):
        """A code that will be taken now. Each is good once, so the second within half a
        minute is the next step's, and the third has to wait."""
        step = max(self.last + 1, int(time.time()) // STEP)
        while step > int(time.time()) // STEP + 1:
            time.sleep(0.2)
        self.last = step
        return self.at(step)

    def used(self):
        """The code given last: burnt."""
        return self.at(self.last)

    def wrong(self):
        """A code that no step near now has."""
        now = int(time.time()) // STEP
        near = {self.at(s) for s in range(now - 4, now + 5)}
        return next(c for c in (f"{n:06d}" for n in range(1000)) if c not in near)


def enroll(user, *options):
    got = subprocess.run(["rollcall", "enroll", "totp", user, "--json", *options], capture_output=True, text=True,
                         timeout=60)
    assert got.returncode == 0, got.stderr
    return Authenticator(json.loads(got.stdout)["uri"])
