# SPDX-License-Identifier: BSD-2-Clause
"""rollcall-password-ldap against Active Directory, for which Samba's domain controller stands in:
sub-codes, and changes by unicodePwd."""
import pytest

from samba_ad import PASSWORD, SERVER, Controller, person
from test_network_child import BLOCKED, CHANGE, CHECK, DISABLED, EXPIRED, REJECTED, TAKEN, WRONG, ask


@pytest.fixture(scope="module")
def domain():
    controller = Controller()
    yield controller
    controller.stop()


def check(domain, name, password=PASSWORD, uri=f"ldaps://{SERVER}"):
    return ask(CHECK, uris=uri, ca=domain.ca, dn=person(name), secret=password)[0]


def change(domain, name, new, password=PASSWORD):
    return ask(CHANGE, uris=f"ldaps://{SERVER}", ca=domain.ca, dn=person(name), secret=password, new=new, active_directory=1)[0]


def test_right_and_wrong_passwords_and_names_of_nobody(domain):
    assert check(domain, "alice") == TAKEN
    assert check(domain, "alice", uri=f"ldap://{SERVER}") == TAKEN  # StartTLS
    assert check(domain, "alice", "no such password") == WRONG
    assert check(domain, "nobody-here", "no such password") == WRONG


def test_a_disabled_account_and_one_whose_time_is_over_are_told_to_the_right_password_alone(domain):
    assert check(domain, "bob") == DISABLED
    assert check(domain, "bob", "no such password") == WRONG
    assert check(domain, "dora") == DISABLED
    assert check(domain, "dora", "no such password") == WRONG


def test_a_password_to_be_changed_first_is_an_expired_one(domain):
    assert check(domain, "carol") == EXPIRED
    assert check(domain, "carol", "no such password") == WRONG


def test_a_lock_by_wrong_passwords_is_blocked_whatever_the_password(domain):
    for _ in range(3):
        assert check(domain, "erik", "no such password") in (WRONG, BLOCKED)
    assert check(domain, "erik") == BLOCKED
    assert check(domain, "erik", "no such password") == BLOCKED


def test_a_change_by_unicode_password_holds_and_the_rules_are_the_directorys(domain):
    new = "Sp\u00e4ziergang \u20ac im Regen.2 \U0001f327"
    assert change(domain, "fred", "simple", PASSWORD) == REJECTED
    assert change(domain, "fred", new, "no such password") == WRONG
    assert change(domain, "fred", new) == TAKEN
    assert check(domain, "fred", new) == TAKEN
    assert change(domain, "fred", PASSWORD, new) == REJECTED  # used before
