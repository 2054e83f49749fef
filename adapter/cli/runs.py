"""``worker`` and ``runs``: the commands beside ``sync URL --workers``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from adapter.cli.commands import Choice
from adapter.cli.options import Format, FormatOption, LenientOption, MappingsOption, TrustOption, VersionOption

runs_app = typer.Typer(
    help="Runs of `sync URL --workers`: how far each has come; `show` prints one, `cancel` ends it, `drop` forgets it.",
    rich_markup_mode=None,
    epilog="Example:  coaching-adapter runs --format json",
)
RUN = typer.Argument(help="Id of the run, as the list has it.")


def worker(
    url: Annotated[str | None, typer.Argument(help="Work only for runs of this FHIR server.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when no run is left to work for.")] = False,
    fhir_version: VersionOption = "auto",
    mappings: MappingsOption = None,
    lenient: LenientOption = False,
    trust_structure: TrustOption = False,
) -> None:
    """Work for the runs that `sync URL --workers` began, here or on another machine."""
    from adapter.cli import working  # the database is slow to import

    source = "." if url is None else url
    instant = datetime.now(UTC)  # each run has its own
    choice = Choice(source, tuple(mappings or ()), fhir_version, Format.TABLE.value, instant, lenient, trust_structure)
    raise typer.Exit(working.work(choice, limited=url is not None, once=once))


@runs_app.callback(invoke_without_command=True)
def runs(context: typer.Context, output_format: FormatOption = Format.TABLE) -> None:
    """List runs, the newest first."""
    if context.invoked_subcommand is None:
        from adapter.cli import run_commands

        raise typer.Exit(run_commands.list_runs(output_format.value))


@runs_app.command("show", epilog="Example:  coaching-adapter runs show 20260131-120000-ab12")
def show_run(run: Annotated[str, RUN], output_format: FormatOption = Format.TABLE) -> None:
    """Show one: its items, who works on them, what it did, and what went wrong."""
    from adapter.cli import run_commands

    raise typer.Exit(run_commands.show_run(run, output_format.value))


@runs_app.command("cancel", epilog="Example:  coaching-adapter runs cancel 20260131-120000-ab12")
def cancel_run(run: Annotated[str, RUN]) -> None:
    """End one; what is decided stays."""
    from adapter.cli import run_commands

    raise typer.Exit(run_commands.cancel_run(run))


@runs_app.command("drop", epilog="Example:  coaching-adapter runs drop 20260131-120000-ab12")
def drop_run(run: Annotated[str, RUN]) -> None:
    """Forget one that is over; `--since auto` reads on from the last complete one that is left."""
    from adapter.cli import run_commands

    raise typer.Exit(run_commands.drop_run(run))
