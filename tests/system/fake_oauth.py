# SPDX-License-Identifier: BSD-2-Clause
"""An authorization server for fake_web.py: client credentials (RFC 6749, 4.4) with a secret, or with
an assertion (RFC 7523) that is verified as a strict server would, and DPoP (RFC 9449). It guards
the other paths too: `server.guard = tokens`.

    tokens = fake_oauth.Tokens(server, "/oauth2/v1/token", client_id="0oa1", key=public_pem, kid="k1", dpop=True)
"""
import base64
import hashlib
import json
import secrets
import urllib.parse

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from fake_web import Answer

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    def __init__(self, error, text, status=400, headers=()):
        super().__init__(text)
        self.answer = Answer({"error": error, "error_description": text}, status, headers)


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def thumbprint(jwk):
    """RFC 7638."""
    need = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    return b64(hashlib.sha256(json.dumps({n: jwk[n] for n in need}, separators=(",", ":"), sort_keys=True).encode()).digest())


class Tokens:
    """One of: `secret`; `key` (a public key as PEM, with `kid`); `certificate` (PEM; x5t#S256 has to be its).
    `life`: seconds of a token. `tokens.expire()`: none of those given is good any more."""

    def __init__(self, server, path="/oauth2/token", client_id="client", secret=None, key=None, kid=None, certificate=None,
                 algorithms=("RS256", "ES256", "PS256"), scope=None, dpop=False, life=3600, audience=None):
        self.server, self.client_id, self.secret, self.kid, self.scope = server, client_id, secret, kid, scope
        self.path, self.algorithms, self.dpop, self.life = path, list(algorithms), dpop, life
        self.url = server.origin + path
        self.audience = audience or self.url
        self.key, self.x5t = key, None
        if certificate:
            c = x509.load_pem_x509_certificate(certificate.encode())
            self.key, self.x5t = c.public_key(), b64(c.fingerprint(hashes.SHA256()))
        self.given = {}  # token to (end, thumbprint or None)
        self.nonce = "n-" + secrets.token_hex(8)
        self.resource_nonce = None  # where proofs for the API need one too
        self.used, self.assertions, self.proofs = set(), [], []
        self.revoked = False
        server.route("POST", path, self._give, open_to_all=True)

    # -- what a test turns --

    def expire(self):
        self.given.clear()

    def renew_nonce(self):
        self.nonce = "n-" + secrets.token_hex(8)

    def renew_resource_nonce(self):
        self.resource_nonce = "r-" + secrets.token_hex(8)

    # -- the token endpoint --

    def _give(self, request):
        try:
            form = request.form
            if form.get("grant_type") != "client_credentials":
                raise Refused("unsupported_grant_type", "this is no client_credentials")
            if self.scope is not None and form.get("scope") != self.scope:
                raise Refused("invalid_scope", f"the scope is {form.get('scope')!r}")
            bound = self._bound(request)
            self._client(request, form)
        except Refused as e:
            return e.answer
        token = "at-" + secrets.token_urlsafe(24)
        self.given[token] = (self.server.now() + self.life, bound)
        return {"token_type": "DPoP" if bound else "Bearer", "expires_in": self.life, "access_token": token}

    def _client(self, request, form):
        if self.revoked:
            raise Refused("invalid_client", "the credential was revoked", 401)
        if self.secret is None:
            self._assertion(form)
            return
        got = form.get("client_id"), form.get("client_secret")
        header = request.headers.get("authorization", "")
        if header.startswith("Basic "):
            pair = base64.b64decode(header[6:]).decode().partition(":")
            got = urllib.parse.unquote_plus(pair[0]), urllib.parse.unquote_plus(pair[2])
        if got != (self.client_id, self.secret):
            raise Refused("invalid_client", "client or secret is wrong", 401)

    def _once(self, jti):
        if not jti or jti in self.used:
            raise Refused("invalid_client", f"the jti {jti!r} is none, or was used", 401)
        self.used.add(jti)

    def _assertion(self, form):
        if form.get("client_assertion_type") != ASSERTION or not form.get("client_assertion"):
            raise Refused("invalid_client", "there is no assertion", 401)
        try:
            header = jwt.get_unverified_header(form["client_assertion"])
            claims = jwt.decode(form["client_assertion"], self.key, algorithms=self.algorithms, audience=self.audience,
                                options={"require": ["exp", "iat", "iss", "sub", "aud", "jti"], "verify_exp": False,
                                         "verify_iat": False, "verify_nbf": False})
        except jwt.PyJWTError as e:
            raise Refused("invalid_client", f"the assertion is no good: {e}", 401) from e
        self.assertions.append((header, claims))
        if header.get("kid") != self.kid or (self.x5t and header.get("x5t#S256") != self.x5t):
            raise Refused("invalid_client", "the assertion names another key", 401)
        if claims["iss"] != self.client_id or claims["sub"] != self.client_id:
            raise Refused("invalid_client", "the assertion is another client's", 401)
        now = self.server.now()
        if not now < claims["exp"] <= now + 3600 or claims["iat"] > now + 300 or claims.get("nbf", 0) > now + 300:
            raise Refused("invalid_client", "the assertion is outside of its time", 401)
        self._once(claims["jti"])

    # -- DPoP --

    def _proof(self, request, nonce, url):
        """Its key's thumbprint."""
        try:
            proof = request.headers["dpop"]
            header = jwt.get_unverified_header(proof)
            key = jwt.PyJWK(header["jwk"], algorithm=header["alg"])
            claims = jwt.decode(proof, key.key, algorithms=["ES256", "RS256"], options={"verify_iat": False})
        except (KeyError, jwt.PyJWTError) as e:
            raise Refused("invalid_dpop_proof", f"the proof is missing, or no good: {e!r}") from e
        if header.get("typ") != "dpop+jwt" or "d" in header["jwk"]:
            raise Refused("invalid_dpop_proof", "the proof's header is no good")
        self.proofs.append((header, claims))
        if nonce is not None and claims.get("nonce") != nonce:
            raise Refused("use_dpop_nonce", "the proof needs a nonce", 400, [("DPoP-Nonce", nonce)])
        if claims.get("htm") != request.method or claims.get("htu") != url:
            raise Refused("invalid_dpop_proof", f"the proof is for {claims.get('htm')} {claims.get('htu')}")
        if abs(claims.get("iat", 0) - self.server.now()) > 300:
            raise Refused("invalid_dpop_proof", "the proof is outside of its time")
        if claims.get("jti") in self.used:
            raise Refused("invalid_dpop_proof", "the proof was used")
        self.used.add(claims.get("jti"))
        return thumbprint(header["jwk"]), claims

    def _bound(self, request):
        return self._proof(request, self.nonce, self.url)[0] if self.dpop else None

    # -- the other paths --

    def __call__(self, request):
        word, _, token = request.headers.get("authorization", "").partition(" ")
        end, bound = self.given.get(token, (0, None))
        if self.server.now() >= end or word != ("DPoP" if bound else "Bearer"):
            return Answer({"error": "invalid_token"}, 401, [("WWW-Authenticate", f'{word or "Bearer"} error="invalid_token"')])
        if not bound:
            return None
        try:
            print_, claims = self._proof(request, self.resource_nonce, self.server.origin + request.path)
            if print_ != bound or claims.get("ath") != b64(hashlib.sha256(token.encode()).digest()):
                raise Refused("invalid_dpop_proof", "the proof is of another token")
        except Refused as e:
            a = e.answer
            error = json.loads(a.body.raw)["error"]
            return Answer({"error": error}, 401, a.headers + [("WWW-Authenticate", f'DPoP error="{error}"')])
        return None
