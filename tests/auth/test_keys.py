"""Keys: what is taken, what is refused, and ``keys new`` and ``keys jwks``, which never show or lose a private one."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from auth.clients import KeyFile
from auth.token_server import PRIVATE
from command_line import Command
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from adapter.auth.client import ASSERTION_SECONDS, Client
from adapter.auth.keys import Algorithm, load_signing_key
from adapter.errors import UsageError

Json = dict[str, Any]


def pem(key: Any, encryption: KeySerializationEncryption | None = None) -> bytes:
    written: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return written


def public_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def spoilt(key: KeyFile, **changes: Any) -> bytes:
    jwk = json.loads(key.path.read_text()) | changes
    return json.dumps({name: value for name, value in jwk.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(lambda _: b"", "is neither PEM nor JSON", id="empty"),
        pytest.param(lambda _: b"secret", "is neither PEM nor JSON", id="text"),
        pytest.param(lambda _: b"[]", "is no JWK and no JWK Set", id="a list"),
        pytest.param(lambda _: b'{"keys": [1]}', "is no JWK and no JWK Set", id="a set of numbers"),
        pytest.param(lambda _: b'{"keys": []}', "holds no private key", id="an empty set"),
        pytest.param(lambda key: json.dumps(key.jwks).encode(), "holds no private key", id="the public half"),
        pytest.param(lambda key: spoilt(key, x="AA"), "no sound RSA or EC key", id="a point of another length"),
        pytest.param(lambda key: spoilt(key, d="A" * 64), "no sound RSA or EC key", id="halves of two keys"),
        pytest.param(lambda key: spoilt(key, d=7), "no sound RSA or EC key", id="a number"),
        pytest.param(lambda key: spoilt(key, kty="oct", k="AA"), "no sound RSA or EC key", id="a shared secret"),
        pytest.param(lambda key: spoilt(key, alg="ES256"), "whose alg is not ES384", id="another algorithm"),
        pytest.param(lambda _: pem(ec.generate_private_key(ec.SECP256R1())), "than P-384", id="P-256"),
        pytest.param(lambda _: pem(rsa.generate_private_key(65537, 1024)), "less than 2048 bits", id="a short RSA key"),
        pytest.param(lambda _: pem(ed25519.Ed25519PrivateKey.generate()), "neither an RSA nor an EC key", id="Ed25519"),
        pytest.param(
            lambda _: pem(ec.generate_private_key(ec.SECP384R1()), BestAvailableEncryption(b"pw")),
            "is encrypted",
            id="encrypted",
        ),
        pytest.param(lambda _: public_pem(), "is no PEM of a private key", id="a public PEM"),
        pytest.param(lambda _: b"-----BEGIN PRIVATE KEY-----\nAA", "is no PEM of a private key", id="half a PEM"),
    ],
)
def test_a_file_we_cannot_sign_with_is_refused(
    key: KeyFile, tmp_path: Path, content: Callable[[KeyFile], bytes], said: str
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content(key))
    with pytest.raises(UsageError, match=said) as caught:
        load_signing_key(file, "the file of ADAPTER_PRIVATE_KEY_FILE")
    assert str(caught.value).startswith("the file of ADAPTER_PRIVATE_KEY_FILE ")


@pytest.mark.parametrize(
    ("stated", "wanted", "kid"),
    [
        pytest.param("mine", None, "mine", id="as the file states"),
        pytest.param("mine", "mine", "mine", id="as both say"),
        pytest.param(None, "mine", "mine", id="as the setting says"),
        pytest.param(None, None, "thumbprint", id="as nobody says"),
        pytest.param("mine", "yours", None, id="another than the file has"),
    ],
)
def test_the_id_of_a_key(key: KeyFile, tmp_path: Path, stated: str | None, wanted: str | None, kid: str | None) -> None:
    file = tmp_path / "key"
    file.write_bytes(spoilt(key, kid=stated))
    if kid is None:
        with pytest.raises(UsageError, match="no private key with the id yours; it holds mine"):
            load_signing_key(file, "it", wanted)
        return
    found = load_signing_key(file, "it", wanted)
    assert found.kid == (key.kid if kid == "thumbprint" else kid)
    assert str(found.private) not in repr(found)


def test_the_thumbprint_is_that_of_the_specification(tmp_path: Path) -> None:
    """https://www.rfc-editor.org/rfc/rfc7638#section-3.1, whose key is public only: its numbers are looked at."""
    from adapter.auth.keys import _thumbprint

    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    assert _thumbprint({"e": "AQAB", "kty": "RSA", "n": modulus}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_an_assertion_says_what_it_must_and_no_more(keys: dict[Algorithm, KeyFile], algorithm: Algorithm) -> None:
    key = load_signing_key(keys[algorithm].path, "it")
    one, other = (Client("us", key).assertion("https://as.test/token", 1000.9) for _ in range(2))
    assert jwt.get_unverified_header(one) == {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    claims, others = (jwt.decode(each, options={"verify_signature": False}) for each in (one, other))
    assert claims.pop("jti") != others.pop("jti")
    assert claims == {"iss": "us", "sub": "us", "aud": "https://as.test/token", "exp": 1000 + ASSERTION_SECONDS}
    assert 0 < ASSERTION_SECONDS <= 300


@pytest.mark.parametrize(
    ("options", "algorithm"), [([], "RS384"), (["--alg", "RS384"], "RS384"), (["--alg", "ES384"], "ES384")]
)
def test_a_new_pair(command: Command, options: list[str], algorithm: str) -> None:
    made = command("keys", "new", *options, "--out", "key.json")
    file = command.folder / "key.json"
    private = json.loads(file.read_text())
    assert (made.code, made.stderr) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert private["d"] not in made.stdout
    shown = command("keys", "jwks", "key.json")
    (public,) = json.loads(shown.stdout)["keys"]
    assert (shown.code, public["alg"], public["use"], public["kid"]) == (0, algorithm, "sig", private["kid"])
    assert not PRIVATE & public.keys()
    assert public.items() <= private.items()
    assert "key_ops" not in private  # https://www.rfc-editor.org/rfc/rfc7517#section-4.3


def test_the_mode_does_not_depend_on_the_mask(command: Command) -> None:
    before = os.umask(0)
    try:
        command("keys", "new", "--alg", "ES384", "--out", "key.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((command.folder / "key.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["file", "link", "link to nothing"])
def test_a_key_is_never_written_over(command: Command, kind: str) -> None:
    target = command.folder / "target"
    if kind != "link to nothing":
        target.write_text("precious")
    out = target
    if kind != "file":
        out = command.folder / "link"
        out.symlink_to(target)
    made = command("keys", "new", "--alg", "ES384", "--out", out)
    assert (made.code, "is there already and is not written over" in made.stderr) == (2, True)
    assert target.read_text() == "precious" if target.exists() else kind == "link to nothing"


def test_a_folder_that_is_not_there(command: Command) -> None:
    made = command("keys", "new", "--alg", "ES384", "--out", "no/key.json")
    assert (made.code, "no/key.json cannot be written" in made.stderr) == (2, True)


def test_the_public_half_of_a_pem_and_of_a_set(command: Command, keys: dict[Algorithm, KeyFile]) -> None:
    (command.folder / "key.pem").write_bytes(pem(load_signing_key(keys[Algorithm.RS384].path, "it").private))
    shown = json.loads(command("keys", "jwks", "key.pem").stdout)
    assert shown == keys[Algorithm.RS384].jwks
    named = json.loads(command("keys", "jwks", "key.pem", "--key-id", "2026").stdout)
    assert named["keys"][0]["kid"] == "2026"
    both = {"keys": [json.loads(key.path.read_text()) for key in keys.values()]}
    (command.folder / "both.json").write_text(json.dumps(both))
    shown = json.loads(command("keys", "jwks", "both.json").stdout)
    assert [key["alg"] for key in shown["keys"]] == ["RS384", "ES384"]
    assert not any(PRIVATE & key.keys() for key in shown["keys"])


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("{}", "holds no private key")])
def test_no_key_no_set(command: Command, content: str | None, said: str) -> None:
    if content is not None:
        (command.folder / "key.json").write_text(content)
    shown = command("keys", "jwks", "key.json")
    assert (shown.code, shown.stdout, said in shown.stderr) == (2, "", True)
