"""Key pairs for ``private_key_jwt``: RSA for RS384, EC on P-384 for ES384; https://www.rfc-editor.org/rfc/rfc7517."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from adapter.auth.secret_files import read_small
from adapter.errors import UsageError

Jwk = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LEAST_RSA_BITS, NEW_RSA_BITS = 2048, 3072
"""https://www.rfc-editor.org/rfc/rfc7518#section-3.3; NIST SP 800-57 wants 3072 beyond 2030."""
_PUBLIC = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
"""The members that make a public key, in the order of https://www.rfc-editor.org/rfc/rfc7638."""


class Algorithm(StrEnum):
    """What a SMART server may take; https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html."""

    RS384 = "RS384"
    ES384 = "ES384"


class _Unfit(Exception):
    """A key that we cannot sign with; the message says why, and nothing of the key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and what the server knows of it."""

    private: PrivateKey = field(repr=False)
    kid: str
    algorithm: Algorithm

    def public_jwk(self) -> Jwk:
        """What is registered: no private member is in it."""
        return {**_public(self.private), "kid": self.kid, "alg": str(self.algorithm), "use": "sig"}


def new_private_jwk(algorithm: Algorithm) -> tuple[Jwk, str]:
    """A new key as a private JWK, and its ``kid``: the thumbprint, which nobody has to invent."""
    private: PrivateKey
    if algorithm is Algorithm.ES384:
        private = ec.generate_private_key(ec.SECP384R1())
        jwk = ECAlgorithm.to_jwk(private, as_dict=True)
    else:
        private = rsa.generate_private_key(65537, NEW_RSA_BITS)
        jwk = RSAAlgorithm.to_jwk(private, as_dict=True)
        del jwk["key_ops"]  # https://www.rfc-editor.org/rfc/rfc7517#section-4.3: not beside "use"
    kid = _thumbprint(_public(private))
    return {**jwk, "kid": kid, "alg": str(algorithm), "use": "sig"}, kid


def load_signing_key(path: Path, what: str, kid: str | None = None) -> SigningKey:
    """The key of a file, called ``what`` in a message, that is a PEM, a JWK or a JWK Set.

    Raises:
        UsageError: none to sign with, or several and ``kid`` names none of them.
    """
    keys = load_signing_keys(path, what, kid)
    if len(keys) > 1:
        held = ", ".join(key.kid for key in keys)
        raise UsageError(f"{what} holds several private keys: name one by ADAPTER_PRIVATE_KEY_ID ({held})")
    return keys[0]


def load_signing_keys(path: Path, what: str, kid: str | None = None) -> list[SigningKey]:
    """All keys of a file, or those of one ``kid``; at least one. A key that states no ``kid`` takes the one given, else
    its thumbprint.

    Raises:
        UsageError: as above.
    """
    content = read_small(path, what)
    try:
        keys = list(_of_pem(content, kid) if b"-----BEGIN" in content else _of_json(content, kid))
    except _Unfit as unfit:
        raise UsageError(f"{what} {unfit}") from None  # what lies under it may quote the key
    found = [key for key in keys if kid in (None, key.kid)]
    if not found:
        held = f"; it holds {', '.join(key.kid for key in keys)}" if keys else ""
        raise UsageError(f"{what} holds no private key{f' with the id {kid}' if kid else ''}{held}")
    return found


def _of_pem(content: bytes, kid: str | None) -> Iterator[SigningKey]:
    try:
        private = load_pem_private_key(content, None)
    except TypeError:
        raise _Unfit("is encrypted, which is not read: keep the key in a file that only the adapter may read") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _Unfit("is no PEM of a private key") from None
    if not isinstance(private, PrivateKey):
        raise _Unfit("holds neither an RSA nor an EC key")
    yield _signing_key(private, kid)


def _of_json(content: bytes, kid: str | None) -> Iterator[SigningKey]:
    try:
        read = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise _Unfit("is neither PEM nor JSON") from None
    keys = read.get("keys", [read]) if isinstance(read, dict) else None
    if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        raise _Unfit("is no JWK and no JWK Set")
    private = [each for each in keys if "d" in each]
    yield from (_of_jwk(each, kid if len(private) == 1 else None) for each in private)


def _of_jwk(jwk: Jwk, kid: str | None) -> SigningKey:
    try:
        private = RSAAlgorithm.from_jwk(jwk) if jwk.get("kty") == "RSA" else ECAlgorithm.from_jwk(jwk)
    except (InvalidKeyError, ValueError, TypeError, KeyError, AttributeError):
        raise _Unfit("holds a JWK that is no sound RSA or EC key") from None
    if not isinstance(private, PrivateKey):
        raise _Unfit("holds a JWK that is not private")
    stated = jwk.get("kid")
    key = _signing_key(private, stated if isinstance(stated, str) and stated else kid)
    if jwk.get("alg") not in (None, key.algorithm):
        raise _Unfit(f"holds a JWK whose alg is not {key.algorithm}, as SMART wants it for this kind of key")
    return key


def _signing_key(private: PrivateKey, kid: str | None) -> SigningKey:
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size < LEAST_RSA_BITS:
            raise _Unfit(f"holds an RSA key of less than {LEAST_RSA_BITS} bits")
        algorithm = Algorithm.RS384
    else:
        if not isinstance(private.curve, ec.SECP384R1):
            raise _Unfit("holds an EC key on another curve than P-384, which ES384 needs")
        algorithm = Algorithm.ES384
    return SigningKey(private, kid or _thumbprint(_public(private)), algorithm)


def _public(private: PrivateKey) -> Jwk:
    if isinstance(private, rsa.RSAPrivateKey):
        whole = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    else:
        whole = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {name: whole[name] for name in _PUBLIC[whole["kty"]]}


def _thumbprint(public: Jwk) -> str:
    digest = hashlib.sha256(orjson.dumps(public, option=orjson.OPT_SORT_KEYS)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
