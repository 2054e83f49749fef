"""The commands below ``coaching-adapter failures``."""

from __future__ import annotations

from typing import Annotated

import typer

from adapter.cli.options import Format, FormatOption
from adapter.errors import UsageError

failures_app = typer.Typer(
    help="What `serve` gave up after several attempts: list, show, retry and drop it.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  coaching-adapter failures list",
)
CHANGED = typer.Argument(help="What changed, as the list has it: Claim/17.")


@failures_app.command("list", epilog="Example:  coaching-adapter failures list --format json")
def list_failures(output_format: FormatOption = Format.TABLE) -> None:
    """List what was given up: what changed, since when, and why."""
    from adapter.cli import failure_commands  # the database is slow to import

    raise typer.Exit(failure_commands.show(None, output_format.value))


@failures_app.command("show", epilog="Example:  coaching-adapter failures show Claim/17")
def show_failure(changed: Annotated[str, CHANGED], output_format: FormatOption = Format.TABLE) -> None:
    """Show one of them."""
    from adapter.cli import failure_commands

    raise typer.Exit(failure_commands.show(changed, output_format.value))


@failures_app.command("retry", epilog="Example:  coaching-adapter failures retry Claim/17")
def retry_failure(
    changed: Annotated[str | None, CHANGED] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Take one up again, or all; a running `serve` does the work."""
    from adapter.cli import failure_commands

    if everything == (changed is not None):
        raise UsageError("name one failure, or give --all.")
    raise typer.Exit(failure_commands.retry(changed))


@failures_app.command("drop", epilog="Example:  coaching-adapter failures drop Claim/17")
def drop_failure(changed: Annotated[str, CHANGED]) -> None:
    """Forget one."""
    from adapter.cli import failure_commands

    raise typer.Exit(failure_commands.drop(changed))


@failures_app.command("find", epilog="Example:  coaching-adapter failures find 17")
def find_failure(
    claim_id: Annotated[str, typer.Argument(help="Id of the Claim, or a digest from a log line.")],
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Print the digest of a claim in logs, and what of it was given up."""
    from adapter.cli import failure_search

    raise typer.Exit(failure_search.find(claim_id, output_format.value))
