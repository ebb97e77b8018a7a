# SPDX-License-Identifier: BSD-2-Clause
"""No cell where a managed or unknown account meets IGNORE or SUCCESS by error, none where
root or a local account is refused; and docs/pam-matrix.md says what was seen."""
import difflib

import pytest

import pam_matrix


@pytest.fixture(scope="module")
def seen():
    return pam_matrix.collect()


def test_every_cell_of_the_matrix_is_what_it_must_be(seen):
    assert len(seen) > 6000
    assert not pam_matrix.faults(seen)


def test_the_page_of_the_matrix_says_what_was_seen(seen):
    with open("docs/pam-matrix.md", encoding="utf-8") as f:
        committed = f.read()
    diff = difflib.unified_diff(committed.splitlines(), pam_matrix.page(seen).splitlines(), "committed", "seen", lineterm="")
    assert not list(diff), "\n".join(diff)


def test_a_cell_that_is_wrong_would_be_found(seen):
    for cell, code in ((("account", "terminated", "all dead", "good", "sshd"), "SUCCESS"),
                       (("auth, wrong code", "unknown", "all dead", "absent", "login"), "IGNORE"),
                       (("open session", "root", "no verifier", "corrupt", "su"), "SESSION_ERR")):
        assert pam_matrix.faults({**seen, cell: {code}})
