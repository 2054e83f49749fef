"""The command ``purge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapter.cli.options import Format, FormatOption


def purge(
    before: Annotated[str, typer.Option("--before", help="Date, or instant, up to which what is finished goes.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; print what would go.")] = False,
    failures: Annotated[bool, typer.Option("--failures", help="Also what `serve` gave up.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder of answers, for what killed runs left in it.")] = Path(
        "adapter-out"
    ),
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Remove what our stores hold that is old and finished; never what is still owed."""
    from adapter.cli import purge_commands  # the database is slow to import

    raise typer.Exit(purge_commands.purge(before, out, output_format.value, failures=failures, dry_run=dry_run))
