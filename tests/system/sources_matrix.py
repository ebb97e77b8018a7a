# SPDX-License-Identifier: BSD-2-Clause
"""What a change at each source does here, and how fast: docs/sources-matrix.md, written from the ROWS of the
tests that show it. Run from the top of the tree, it prints the page. A row: what happens, how fast, the tests
(of the same file, or FILE::TEST); None where there is nothing that could happen."""
import importlib
import re

CHANGES = ["add", "rename", "disable", "re-enable", "delete", "group change", "leave date", "guest", "customer tenant",
           "temporary lockout"]

LDAP = {
    "add": ("the account is there", "persist: at once; else poll",
            "test_ldap_source.py::test_changes_are_told_at_once_and_deletions_in_two_listings"),
    "rename": ("the new name is the account's; the same person", "persist: at once; else poll",
               "test_ldap_source.py::test_a_renamed_entry_is_the_same_person"),
    "disable": ("locked, sessions end", "persist: at once; else poll",
                "test_ldap.py::test_whoever_is_disabled_at_the_server_is_locked_and_out"),
    "re-enable": ("comes in again", "persist: at once; else poll",
                  "test_ldap.py::test_whoever_is_disabled_at_the_server_is_locked_and_out"),
    "delete": ("absent from two listings: locked", "two looks",
               "test_ldap.py::test_one_who_is_deleted_is_locked_by_two_listings"),
    "group change": ("in and out of groups, nested ones too", "persist: at once; else poll",
                     "test_ldap.py::test_a_new_group_membership_counts_at_once_and_its_end_too, "
                     "test_ldap.py::test_people_of_a_directory_and_of_groups_in_groups_log_in_with_a_code"),
    "leave date": ("shadowExpire, pwdEndTime, accountExpires and the like: the earliest counts", "at the instant",
                   "tests/unit/test_ldap_entry.c::the_strictest_of_several_dates_counts, "
                   "test_ldap_ad.py::test_each_change_is_followed_with_one_whole_reading"),
    "guest": ("whoever is outside user_base is nobody here; who is moved out of it is absent", "two looks",
              "test_ldap_source.py::test_an_entry_that_leaves_the_tree_of_people_is_absent"),
    "customer tenant": ("a directory has none; base says what is read", "never", None),
    "temporary lockout": ("no password counts; codes, keys and sessions stay", "persist: at once; else poll",
                          "test_ldap.py::test_wrong_passwords_of_a_stranger_end_no_session, test_ldap_password_source.py::"
                          "test_a_lockout_by_wrong_passwords_elsewhere_refuses_the_password_with_and_without_the_directory_"
                          "and_ends_nothing"),
}

CSV = {
    "add": ("the account is there, from the first day on", "file",
            "test_sources.py::test_a_file_that_is_renamed_into_place_is_read, "
            "tests/unit/test_core_dates.c::nobody_whose_first_day_is_to_come_is_in_the_public_file"),
    "rename": ("the new name is the account's, the old one logs nobody in; the uid stays", "file",
               "tests/unit/test_lifecycle_people.c::rule_15_a_renamed_persons_old_name_logs_nobody_in"),
    "disable": ("terminated, sessions end", "file",
                "test_enforcer.py::test_a_termination_ends_the_session_and_the_root_shell_within"),
    "re-enable": ("a rehire: the same uid, fresh factors", "file",
                  "tests/unit/test_lifecycle_people.c::rule_11_the_same_number_active_again_is_a_rehire_with_fresh_factors"),
    "delete": ("absent from two files: locked, no session ends", "two files",
               "test_sources.py::test_the_same_bytes_written_anew_are_a_second_listing_and_a_poll_is_none, "
               "tests/unit/test_lifecycle_people.c::rule_14_an_inferred_lock_refuses_and_an_explicit_word_ends_sessions"),
    "group change": ("in and out of groups", "file",
                     "tests/unit/test_lifecycle_rules.c::rule_1_a_group_gone_from_a_present_row_is_gone_at_once"),
    "leave date": ("known ahead; at the instant terminated, sessions end, with every daemon but the enforcer dead",
                   "at the instant", "test_enforcer.py::test_a_leave_date_bites_on_its_second_with_syncd_dead"),
    "guest": ("whoever is in the file is a person of HR's", "never", None),
    "customer tenant": ("HR's file has none", "never", None),
    "temporary lockout": ("HR's file has none", "never", None),
}

HEAD = """# Sources: what a change there does here

Each source, each change: what happens on a host, how fast, and the test that shows it. `tests/system/sources_matrix.py` writes this page from
the tests, and a test compares it. The figures of each source are in [figures.md](figures.md).

How fast:

- `poll`: with the next look, which `poll` sets: 5 minutes by default for sources over an API, 1 minute for others. `rollcall sync` looks at once.
- `log_poll` of okta: the System Log is asked every 3 seconds by default, slower where the org's rate limit is small; without it, `poll`.
- `log` of pingone: with the next look at the audit activities, each tenth of `poll`, between 2 and 30 seconds.
- `full_every`: the next whole reading, and one more `poll` that has to agree.
- `file`: 2 seconds after the file was renamed into place or last written.
- `at the instant`: the host's own clock decides, with no word from anybody.

Ends of sessions follow a lock within the second. "Locked" without more, and "no login", refuse logins; sessions end only where it is said,
for that takes a positive statement ([source-protocol.md](source-protocol.md)). Whoever is left out is in `rollcall source show`, with the reason.
"""


def sources():
    for name in ("graph", "okta", "json", "scim", "pingone"):
        yield name, importlib.import_module("test_" + name).ROWS
    yield "ldap", LDAP
    yield "csv", CSV


def tests_of(source, named):
    """`tests/...::test` of each."""
    for one in (named or "").split(", ") if named else ():
        path, _, test = one.rpartition("::")
        path = path or f"test_{source}.py"
        yield ("" if path.startswith("tests/") else "tests/system/") + path + "::" + test


def page():
    said = dict(sources())
    lines = [HEAD]
    for change in CHANGES:
        lines += [f"\n## {change[0].upper()}{change[1:]}\n\n", "| source | what happens | how fast | test |\n|---|---|---|---|\n"]
        for source, rows in said.items():
            what, fast, named = rows[change]
            shown = ", ".join(f"`{t}`" for t in tests_of(source, named)) or "nothing to show"
            lines.append(f"| {source} | {what} | {fast} | {shown} |\n")
    return "".join(lines)


def missing(path, test):
    with open(path, encoding="utf-8") as f:
        return not re.search(rf"^(def|static void) {test}\(", f.read(), re.M)


if __name__ == "__main__":
    print(page(), end="")
