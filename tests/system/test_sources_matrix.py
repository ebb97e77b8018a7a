# SPDX-License-Identifier: BSD-2-Clause
"""docs/sources-matrix.md says what the tests of the sources show."""
import sources_matrix


def test_every_source_has_every_row_and_a_cell_without_a_test_says_that_nothing_happens():
    for source, rows in sources_matrix.sources():
        assert list(rows) == sources_matrix.CHANGES, source
        for change, (_, fast, named) in rows.items():
            assert named or fast == "never", f"{source}, {change}: no test"
            for path, test in (t.split("::") for t in sources_matrix.tests_of(source, named)):
                assert not sources_matrix.missing(path, test), f"{source}, {change}: {path}::{test}"


def test_the_page_says_what_the_tests_say():
    with open("docs/sources-matrix.md", encoding="utf-8") as f:
        assert f.read() == sources_matrix.page(), "write it anew: python3 tests/system/sources_matrix.py >docs/sources-matrix.md"
