"""What ``coaching-adapter keys`` does. Nothing private is ever printed, and no key ever written over."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import orjson
import typer

from adapter.cli.console import print_json, visible
from adapter.errors import UsageError

OK = 0
OWNER_ONLY = 0o600


class SigningAlgorithm(StrEnum):
    """As ``adapter.auth.keys`` has it, which is slow to import."""

    RS384 = "RS384"
    ES384 = "ES384"


def new(algorithm: SigningAlgorithm, out: Path) -> int:
    """Make a key and write it where nothing is yet.

    Raises:
        UsageError: something is there, or nothing can be written.
    """
    from adapter.auth.keys import Algorithm, new_private_jwk

    jwk, kid = new_private_jwk(Algorithm(algorithm))
    _write(out, orjson.dumps(jwk, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    typer.echo(
        visible(f"{out} holds the private key {kid}. `coaching-adapter keys jwks {out}` prints what to register.")
    )
    return OK


def jwks(file: Path, key_id: str | None) -> int:
    """Print the public halves of the keys of a file.

    Raises:
        UsageError: there is no private key in it that SMART knows.
    """
    from adapter.auth.keys import load_signing_keys

    print_json({"keys": [key.public_jwk() for key in load_signing_keys(file, str(file), key_id)]})
    return OK


def _write(out: Path, content: bytes) -> None:
    try:
        with open(out, "xb", opener=_for_owner_only) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UsageError(f"{out} is there already and is not written over; name another file.") from error
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror})") from error


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, OWNER_ONLY)
