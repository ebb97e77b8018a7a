# SPDX-License-Identifier: BSD-2-Clause
"""What every system test shares. A file of tests has a sandbox of its own: nothing
here is taken back at its end but processes, and those by their id."""
import os

import pytest

import daemons
import ssh


def pytest_configure():
    # These tests lock accounts, end sessions and rewrite /etc.
    empty = os.environ.get("ROLLCALL_SANDBOX") == "empty"
    if os.uname().nodename != "web1" or not (empty or os.path.exists("/etc/rollcall/rollcall.conf")):
        pytest.exit("system tests run in the sandbox only: tests/sandbox/run or make check-system", 2)


@pytest.fixture(scope="module")
def keys(request):
    """An SSH key for everybody in the file's STAFF."""
    return {name: ssh.Key() for name in request.module.STAFF}


@pytest.fixture(scope="session")
def sshd():
    server = ssh.Sshd()
    yield server
    server.stop()


@pytest.fixture
def syncd():
    daemon = daemons.Syncd()
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def enforcer():
    daemon = daemons.Enforcer()
    daemon.start()
    yield daemon
    daemon.stop()
