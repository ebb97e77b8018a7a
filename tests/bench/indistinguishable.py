# SPDX-License-Identifier: BSD-2-Clause
"""Can a stopwatch tell an employee from a leaver or from nobody? 200 attempts of each kind of
name at the verifier's own door, in random order; for each kind, beside a known name, the
difference of medians, the share of pairs in which it is the slower one (Mann-Whitney), and how
often as big a difference comes by chance (permutations). A difference of 5 ms that is planted must be found."""
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

import door  # noqa: E402
import test_indistinguishable as kinds  # noqa: E402

ATTEMPTS = int(os.environ.get("ATTEMPTS", "200"))
PLANTED = 0.005
# Told apart: as big a difference comes by chance once in a thousand, and it is half a millisecond or more:
# less than that no network shows.
CHANCE, EFFECT = 0.001, 0.0005


def attempt(name, planted=0.0):
    """From the answer to the next prompt: one try, as the module sees it."""
    talk = door.Verifier().hello()
    began = time.perf_counter()
    talk.login(name, **kinds.FROM)
    talk.answer("000000")
    if planted:
        time.sleep(planted)
    took = time.perf_counter() - began
    talk.close()
    return took


def slower_share(a, b):
    """Mann-Whitney's U as a share: 0.5 where neither is the slower."""
    return sum((x > y) + 0.5 * (x == y) for x in a for y in b) / (len(a) * len(b))


def by_chance(a, b, rounds=2000):
    """How often as big a difference of medians comes from the same values dealt at random."""
    want, both = abs(statistics.median(a) - statistics.median(b)), a + b
    dealer, hits = random.Random(7), 0
    for _ in range(rounds):
        dealer.shuffle(both)
        hits += abs(statistics.median(both[:len(a)]) - statistics.median(both[len(a):])) >= want
    return (hits + 1) / (rounds + 1)


def told_apart(a, b):
    return by_chance(a, b) <= CHANCE and abs(statistics.median(a) - statistics.median(b)) >= EFFECT


def main():
    kinds.hire()
    names = kinds.KINDS + ["planted"]
    plan = names * ATTEMPTS
    random.shuffle(plan)
    times = {name: [] for name in names}
    for name in plan:
        times[name].append(attempt("known", PLANTED) if name == "planted" else attempt(name))
    known = times["known"]
    print(f"{ATTEMPTS} attempts each, one wrong code, ms {'median':>10} {'p95':>8} {'beside known':>13} {'slower in':>10} {'by chance':>10}")
    found = {}
    for name, values in times.items():
        values = sorted(values)
        apart = found[name] = name != "known" and told_apart(values, known)
        print(f"{name:42} {statistics.median(values) * 1000:7.2f} {values[int(len(values) * 0.95)] * 1000:8.2f} "
              f"{(statistics.median(values) - statistics.median(known)) * 1000:+13.2f} {slower_share(values, known):10.1%} "
              f"{by_chance(values, known):10.4f}{'  TOLD APART' if apart else ''}")
    assert found.pop("planted"), "the planted difference of 5 ms was not found: this run shows nothing"
    print("the planted difference was found; " +
          ("told apart: " + ", ".join(n for n, a in found.items() if a) if any(found.values()) else "nobody else was told apart"))


if __name__ == "__main__":
    main()
