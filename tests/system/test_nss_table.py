# SPDX-License-Identifier: BSD-2-Clause
"""docs/nss-contract.md names the test beside each rule: they are all there, and run."""
import glob
import os
import re

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGE = os.path.join(TREE, "docs", "nss-contract.md")


def read(pattern):
    texts = []
    for path in sorted(glob.glob(os.path.join(TREE, pattern))):
        with open(path, encoding="utf-8") as f:
            texts.append(f.read())
    assert texts, pattern
    return "\n".join(texts)


def tests_that_run():
    unit = read("tests/unit/*.c")
    broken = read("tests/unit/broken_files.c")
    names = set(re.findall(r"cmocka_unit_test(?:_setup(?:_teardown)?)?\(\s*(\w+)", unit))
    names |= set(re.findall(r'^\s+\{"(\w+)",', broken, re.MULTILINE))  # test_cache_broken runs each
    names |= set(re.findall(r"^def (test_\w+)\(", read("tests/system/test_*.py"), re.MULTILINE))
    names |= set(re.findall(r"^FUZZ_TARGETS \+= (\w+)$", read("tests/fuzz/build.mk"), re.MULTILINE))
    return names


def rows():
    with open(PAGE, encoding="utf-8") as f:
        lines = f.read().splitlines()
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("| ")]
    return [r for r in found if r[0] != "rule"]


def test_every_rule_of_the_nss_contract_names_tests_that_exist():
    known = tests_that_run()
    assert len(rows()) > 30
    for rule, _, tests in rows():
        named = re.findall(r"`(\w+)`", tests)
        assert named, f"no test beside: {rule}"
        assert not set(named) - known, f"{rule}: no such test: {set(named) - known}"


def test_every_test_that_the_page_names_elsewhere_exists():
    with open(PAGE, encoding="utf-8") as f:
        after = f.read().rpartition("The PAM module and")[2]
    named = re.findall(r"`([a-z]\w+_\w+)`", after)
    assert named and not set(named) - tests_that_run()
