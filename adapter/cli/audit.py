"""``coaching-adapter audit``: whether the audit file is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapter.cli import audit_commands
from adapter.cli.options import Format, FormatOption

audit_app = typer.Typer(
    help="The audit file of reads and writes: whether its hash chain is whole.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  coaching-adapter audit verify",
)


@audit_app.command(
    "verify",
    epilog="Examples:  coaching-adapter audit verify   |   coaching-adapter audit verify audit-000000004211.ndjson",
)
def verify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Only these, in this order; of none, all that ADAPTER_AUDIT names."),
    ] = None,
    expect_head: Annotated[
        str | None, typer.Option("--expect-head", help="NUMBER:HASH as an earlier verify printed it, kept elsewhere.")
    ] = None,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Check that no line was changed, removed, inserted or moved; exit 0 when whole, 3 with the first broken line."""
    raise typer.Exit(audit_commands.verify_audit(files or (), expect_head, output_format.value))
