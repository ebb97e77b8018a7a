# SPDX-License-Identifier: BSD-2-Clause
"""The rows of the table: what is asked, and by whom at once."""
import lookups_peers as peers


class Cell:
    """One row of the table."""

    def __init__(self, ident, title, op, threads=1, processes=1, conf=False, keys=0):
        self.ident, self.title, self.op, self.threads = ident, title, op, threads
        self.processes, self.conf, self.keys = processes, conf, keys


CELLS = [
    Cell("getpwnam", "getpwnam", "getpwnam"),
    Cell("getpwnam-few", f"getpwnam, the same {peers.WARM_PEOPLE:,} people again and again", "getpwnam",
         keys=peers.WARM_PEOPLE),
    Cell("getpwuid", "getpwuid", "getpwuid"),
    Cell("unknown-name", "unknown name", "unknown-name"),
    Cell("unknown-uid", "unknown uid", "unknown-uid"),
    Cell("getgrgid", "getgrgid, 200 members", "getgrgid"),
    Cell("getgrnam", "getgrnam, 200 members", "getgrnam"),
    Cell("unknown-gid", "unknown gid", "unknown-gid"),
    Cell("getgrouplist", "getgrouplist, 10 groups", "getgrouplist"),
    Cell("grouplist-500", "getgrouplist, 500 groups", "grouplist-500"),
    Cell("grouplist-10000", "getgrouplist, 10,000 groups", "grouplist-10000"),
    Cell("crowd", "getgrgid, 50,000 members", "crowd"),
    Cell("getpwent", "enumeration, an entry", "getpwent"),
    Cell("getpwnam-threads", "getpwnam, 2 threads", "getpwnam", threads=2),
    Cell("getpwuid-threads", "getpwuid, 2 threads", "getpwuid", threads=2),
    Cell("unknown-threads", "unknown name, 2 threads", "unknown-name", threads=2),
    Cell("getpwnam-processes", "getpwnam, 2 processes", "getpwnam", processes=2),
    Cell("getpwuid-processes", "getpwuid, 2 processes", "getpwuid", processes=2),
    Cell("conf-getpwnam", "nsswitch.conf: getpwnam", "getpwnam", conf=True),
    Cell("conf-getpwuid", "nsswitch.conf: getpwuid", "getpwuid", conf=True),
    Cell("conf-unknown", "nsswitch.conf: unknown name", "unknown-name", conf=True),
    Cell("conf-getgrgid", "nsswitch.conf: getgrgid, 200 members", "getgrgid", conf=True),
    Cell("conf-getgrouplist", "nsswitch.conf: getgrouplist, 10 groups", "getgrouplist", conf=True),
]
