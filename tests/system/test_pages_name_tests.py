# SPDX-License-Identifier: BSD-2-Clause
"""Pages that name tests name tests that are there."""
import re

import pytest

NAMED = re.compile(r"`(tests/[\w/.]+)::(\w+)`")


@pytest.mark.parametrize("page", ["docs/pam-contract.md", "docs/no-way-around.md"])
def test_every_row_names_a_test_and_every_test_is_there(page):
    with open(page, encoding="utf-8") as f:
        rows = [line for line in f if line.startswith("| ")][1:]
    assert len(rows) > 10
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for path, name in named:
            with open(path, encoding="utf-8") as f:
                text = f.read()
            assert re.search(rf"(def {name}\(|TEST\({name},|static void {name}\()", text), f"{path}::{name}"
