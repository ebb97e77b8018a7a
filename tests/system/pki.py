# SPDX-License-Identifier: BSD-2-Clause
"""Keys and certificates for servers on loopback and for clients that sign in with them."""
import datetime
import ipaddress
import os
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def new_key(kind="ec"):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def pem_of_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def pem_of_public(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def pem_of_certificate(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def dn(text):
    """/DC=com/DC=example/CN=web1, the most significant part first; a name alone is the CN."""
    kinds = {"DC": NameOID.DOMAIN_COMPONENT, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "CN": NameOID.COMMON_NAME}
    parts = (part.split("=", 1) for part in text[1:].split("/")) if text.startswith("/") else (("CN", text),)
    return x509.Name([x509.NameAttribute(kinds[kind], value) for kind, value in parts])


def certificate(name, key, issuer=None, issuer_key=None, ca=False, days=(-1, 30), names=()):
    """Self-signed without an issuer."""
    now = datetime.datetime.utcnow()
    subject = dn(name)
    built = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
             .public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(now + datetime.timedelta(days=days[0]))
             .not_valid_after(now + datetime.timedelta(days=days[1]))
             .add_extension(x509.BasicConstraints(ca, None), True))
    if ca:
        built = built.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
    elif issuer:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                           ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(names), False)
    return built.sign(issuer_key or key, hashes.SHA256())


class Ca:
    """`file` is its certificate, `dir` the folder of all that it makes: NAME.pem and NAME.key."""

    def __init__(self, name="test CA", folder=None):
        self.dir = folder or tempfile.mkdtemp(prefix="ca-")
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)
        self._key = new_key()
        self._certificate = certificate(name, self._key, ca=True)
        self.file = self._put("ca.pem", pem_of_certificate(self._certificate))

    def path(self, name):
        return os.path.join(self.dir, name)

    def _put(self, name, text):
        path, mode = self.path(name), 0o600 if name.endswith(".key") else 0o644
        with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, mode)) as f:
            f.write(text)
        return path

    def issue(self, name="localhost", kind="ec", days=(-1, 30), addresses=("127.0.0.1", "::1"), subject=None, hosts=None):
        """The paths of a certificate for a server (or a client) of that name, and of its key; `hosts`: the names in
        it, where they are others."""
        key = new_key(kind)
        names = [x509.DNSName(h) for h in ([name] if hosts is None else hosts)]
        names += [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        made = certificate(subject or name, key, self._certificate, self._key, days=days, names=names)
        return self._put(name + ".pem", pem_of_certificate(made)), self._put(name + ".key", pem_of_key(key))
