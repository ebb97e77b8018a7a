# SPDX-License-Identifier: BSD-2-Clause
"""Codes that the directory checks: a real slapd with slapo-otp, the code sent behind the password."""
import base64

import pytest

import console
import daemons
import door
import ppolicy
import totp
from test_ldap_password import ASK, answers, configure, refused, settings, source

PASSWORD = "long walks in the rain"
SECRET = b"12345678901234567890"


@pytest.fixture(scope="module")
def slapd():
    directory = ppolicy.Directory(modules="moduleload otp", overlays="overlay otp")
    params, token = f"cn=params,{ppolicy.BASE}", f"cn=token,{ppolicy.BASE}"
    directory.change(f"dn: {params}\nchangetype: add\nobjectClass: organizationalRole\nobjectClass: oathTOTPParams\ncn: params\n"
                     "oathOTPLength: 6\noathHMACAlgorithm: 1.2.840.113549.2.7\noathTOTPTimeStepPeriod: 30\noathTOTPTimeStepWindow: 3\n")
    directory.change(f"dn: {token}\nchangetype: add\nobjectClass: organizationalRole\nobjectClass: oathTOTPToken\ncn: token\n"
                     f"oathTOTPParams: {params}\noathSecret:: {base64.b64encode(SECRET).decode()}\n")
    directory.add("alice", PASSWORD, "objectClass: oathTOTPUser", f"oathTOTPToken: {token}")
    source(["alice"])
    with open("/etc/rollcall/rollcall.conf", "w", encoding="ascii") as f:
        f.write("[source hr]\ntype = exec\nrole = authority, directory\ncommand = /usr/local/libexec/people\n[access]\nallow_groups = linux-users\n")
    daemons.synced()
    configure(settings(directory, "append = otp\n"))
    yield directory
    directory.remove()


@pytest.fixture(scope="module")
def app():
    return totp.Authenticator(f"otpauth://totp/x?secret={base64.b32encode(SECRET).decode()}")


def test_the_directory_takes_password_and_code_each_code_once_and_neither_alone(slapd, app):
    console.log_in("alice", (ASK, PASSWORD), (totp.PROMPT, app.code())).close()
    refused("alice", PASSWORD, app.used())
    refused("alice", PASSWORD, app.wrong())
    refused("alice", "no such password", app.at(app.last + 1))


def test_ssh_and_sudo_ask_for_both(slapd):
    for service in ("sshd", "sudo"):
        v = door.Verifier().hello()
        kind, got = v.login("alice", service=service, tty="ssh")
        assert kind == door.PROMPT and got["text"].endswith(ASK)
        v.close()


def test_without_the_directory_its_codes_are_nothing_and_a_code_of_this_host_is(slapd, app):
    slapd.stop()
    try:
        refused("alice", PASSWORD, app.at(app.last + 1))  # it would take this one
        console.log_in("alice", *answers("alice", PASSWORD)).close()
    finally:
        slapd.start()
