# SPDX-License-Identifier: BSD-2-Clause
"""A directory that lies: as much of LDAP as a source asks for, on a local socket, and then
whatever bytes a test wants."""
import os
import socket
import tempfile
import threading

SYNC = "1.3.6.1.4.1.4203.1.9.1"


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def text(s, tag=4):
    return tlv(tag, s.encode() if isinstance(s, str) else s)


def number(n, tag=2):
    return tlv(tag, n.to_bytes(max(1, (n.bit_length() + 8) // 8), "big"))


def control(oid, value):
    return tlv(0xa0, tlv(0x30, text(oid), text(value)))


def message(id_, op, controls=b""):
    return tlv(0x30, number(id_), op, controls)


def result(code=0, tag=0x65, words=""):
    return tlv(tag, number(code, 10), text(""), text(words))


def entry(dn, **attributes):
    return tlv(0x64, text(dn), tlv(0x30, *(
        tlv(0x30, text(name), tlv(0x31, *(text(v) for v in (values if isinstance(values, list) else [values]))))
        for name, values in attributes.items())))


def state(uuid, what=1, cookie=None):
    return control(SYNC + ".2", tlv(0x30, number(what, 10), text(uuid), text(cookie) if cookie else b""))


def info(value):
    return tlv(0x79, text(SYNC + ".4", 0x80), text(value, 0x81))


def done(cookie="c1"):
    """The refresh is over; the search goes on."""
    return info(tlv(0xa1, text(cookie)))


def person(n, **more):
    name = f"u{n}"
    return entry(f"uid={name},dc=x", **{"objectClass": "posixAccount", "uid": name, "cn": name, **more})


def uuid(n):
    return n.to_bytes(16, "big")


class Fake:
    """`speak(connection, id)` answers the sync search; what it raises about a peer that went
    away is nobody's fault. `slices` gives the entry for `member;range=LOW-*`, `other` the operations
    before the result of any other search, or None."""

    def __init__(self, speak, bind=result(tag=0x61), abilities=(SYNC + ".1",), slices=None, other=None):
        self.path = tempfile.mkdtemp(prefix="fake-") + "/ldapi"
        self.uri = "ldapi://" + self.path.replace("/", "%2F")
        self.speak, self.bind, self.abilities, self.slices = speak, bind, abilities, slices
        self.other = other
        self.searches = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        try:
            while True:
                head = self._exactly(connection, 2)
                size = head[1]
                if size & 0x80:
                    size = int.from_bytes(self._exactly(connection, size & 0x7f), "big")
                self._answer(connection, self._exactly(connection, size))
        except OSError:
            pass
        connection.close()

    @staticmethod
    def _exactly(connection, n):
        got = b""
        while len(got) < n:
            more = connection.recv(n - len(got))
            if not more:
                raise OSError("gone")
            got += more
        return got

    def _answer(self, connection, body):
        n = body[1]
        id_, op = int.from_bytes(body[2:2 + n], "big"), body[2 + n]
        if op == 0x60:
            if self.bind is not None:
                connection.sendall(message(id_, self.bind))
        elif op == 0x63 and SYNC.encode() + b".1" in body:
            self.searches += 1
            self.speak(connection, id_)
        elif op == 0x63 and self.slices and b";range=" in body:
            low = int(body.rsplit(b";range=", 1)[1].split(b"-")[0])
            connection.sendall(message(id_, self.slices(low)) + message(id_, result()))
        elif op == 0x63 and self.other and (said := self.other(body)) is not None:
            connection.sendall(b"".join(message(id_, op) for op in said) + message(id_, result()))
        elif op == 0x63:
            connection.sendall(message(id_, entry("", supportedControl=list(self.abilities))) + message(id_, result()))

    def stop(self):
        self.listener.close()
