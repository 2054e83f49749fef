"""``coaching-adapter keys``: a key pair for SMART Backend Services, and the half of it that is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapter.cli import key_commands as commands
from adapter.cli.key_commands import SigningAlgorithm

keys_app = typer.Typer(
    help="Key pairs for SMART Backend Services: `new` makes one, `jwks` prints the public half to register.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Examples:  coaching-adapter keys new --out adapter-key.json"
    "   |   coaching-adapter keys jwks adapter-key.json",
)


@keys_app.command(epilog="Example:  coaching-adapter keys new --alg ES384 --out adapter-key.json")
def new(
    out: Annotated[Path, typer.Option("--out", help="File to write; one that is there is left alone.")],
    algorithm: Annotated[
        SigningAlgorithm, typer.Option("--alg", help="RS384 (RSA) or ES384 (EC P-384), as the server takes it.")
    ] = SigningAlgorithm.RS384,
) -> None:
    """Write a new private key as a JWK, for our eyes only (file mode 0600)."""
    raise typer.Exit(commands.new(algorithm, out))


@keys_app.command(epilog="Example:  coaching-adapter keys jwks adapter-key.json > jwks.json")
def jwks(
    file: Annotated[Path, typer.Argument(help="Private key: a JWK, a JWK Set or PEM.")],
    key_id: Annotated[str | None, typer.Option("--key-id", help="Only this kid; for a PEM, the kid it gets.")] = None,
) -> None:
    """Print the public JWK Set, to be registered at the server or published at a URL."""
    raise typer.Exit(commands.jwks(file, key_id))
