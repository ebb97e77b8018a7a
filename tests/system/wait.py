# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for something to become true. The deadline is a fuse against hanging for
ever; what a test decides, it decides by the condition."""
import time


def until(condition, what, seconds=60.0):
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain for: {what}")
        time.sleep(0.02)
