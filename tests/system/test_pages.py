# SPDX-License-Identifier: BSD-2-Clause
"""Pages that name tests name tests that are there, the map names what there is, and each link leads somewhere."""
import glob
import os
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


def test_the_map_names_every_folder_and_every_program():
    with open("docs/architecture.md", encoding="utf-8") as f:
        text = f.read()
    folders = re.search(r"^## Folders$(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1)
    programs = [name for top in ("/usr/libexec/rollcall", "/usr/sbin", "/usr/bin") for _, _, names in os.walk(top)
                for name in names if re.match(r"rollcall(-|$)", name)]
    assert len(programs) > 15
    for name in programs:
        assert f"`{name}`" in folders, name
    for top in ("cli", "include", "lib", "nss_module", "pam_module", "syncd", "tests"):
        for folder, _, names in os.walk(top):
            if any(name.endswith((".c", ".h", ".py")) for name in names):
                assert f"`{folder}/`" in folders or f"`{os.path.basename(folder)}/`" in folders, folder


LINK = re.compile(r"\]\(([^)#\s:]+)(?:#([\w-]+))?\)")


def links(page):
    """Of a page in Markdown: the files that it leads to, and the heading where one is named."""
    with open(page, encoding="utf-8") as f:
        return [(os.path.normpath(os.path.join(os.path.dirname(page), path)), heading) for path, heading in LINK.findall(f.read())]


def test_every_link_leads_to_a_page_and_every_page_is_led_to():
    seen, left = set(), ["README.md"]
    while left:
        page = left.pop()
        seen.add(page)
        for path, heading in links(page):
            assert os.path.exists(path), f"{page}: {path}"
            if heading:
                with open(path, encoding="utf-8") as f:
                    lines = [line.lstrip("#").strip().lower() for line in f if line.startswith("#")]
                headings = [re.sub(r"[^\w -]", "", line).replace(" ", "-") for line in lines]
                assert heading in headings, f"{page}: {path}#{heading}"
            if path.endswith(".md") and path not in seen:
                left.append(path)
    pages = [os.path.join(folder, name) for folder, _, names in os.walk("docs") for name in names if name.endswith(".md")]
    assert len(pages) > 20
    assert set(pages) <= seen, f"no page leads to {sorted(set(pages) - seen)}"


def test_every_file_of_the_tree_that_a_page_names_is_there():
    named = re.compile(r"`((?:cli|docs|include|lib|nss_module|packaging|pam_module|syncd|tests)/[\w./-]+)(?:::\w+)?`")
    pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
    pages += [os.path.join(folder, name) for folder, _, names in os.walk("docs") for name in names if name.endswith(".md")]
    found = 0
    for page in pages:
        with open(page, encoding="utf-8") as f:
            for path in named.findall(f.read()):
                assert os.path.exists(path) or glob.glob(path + ".*"), f"{page}: {path}"
                found += 1
    assert found > 50
