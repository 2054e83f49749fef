"""The command ``coaching-adapter``: commands of a few lines, errors as one readable line and an exit code."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import typer.main

from adapter import __version__
from adapter.cli import commands, mapping_commands, syncing
from adapter.cli.audit import audit_app
from adapter.cli.console import visible
from adapter.cli.ending import was_interrupted
from adapter.cli.failures import failures_app
from adapter.cli.keys import keys_app
from adapter.cli.options import Format, FormatOption, LenientOption, MappingsOption, TrustOption, VersionOption
from adapter.cli.purge import purge
from adapter.cli.runs import runs_app, worker
from adapter.cli.show_settings import show_settings
from adapter.cli.subscribe import subscribe_app
from adapter.errors import AdapterError, UsageError, raised_at
from adapter.logs import setup as logs
from adapter.logs.settings import load_log_settings
from adapter.session.time import instant_in

app = typer.Typer(
    name="coaching-adapter",
    help="Coverage decisions for health coaching claims (CPT 0591T to 0593T, HCPCS H0038): FHIR in, cited answers out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


policies_app = typer.Typer(
    help="Payers and policies; `show` prints one as it stands on a day.",
    rich_markup_mode=None,
    epilog="Example:  coaching-adapter policies --format json",
)
app.add_typer(policies_app, name="policies")
mappings_app = typer.Typer(
    help="Mapping files and the folders they come from; `show` prints one as it is in effect.",
    rich_markup_mode=None,
    epilog="Example:  coaching-adapter mappings --mappings our-mappings",
)
app.add_typer(mappings_app, name="mappings")
app.add_typer(subscribe_app, name="subscribe")
app.add_typer(keys_app, name="keys")
app.add_typer(runs_app, name="runs")
app.add_typer(audit_app, name="audit")
app.add_typer(failures_app, name="failures")


class ExplanationFormat(StrEnum):
    """How one claim's explanation is printed."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


SOURCE = typer.Argument(help="FHIR base URL, or a file or folder of JSON, Bundles or NDJSON (each also .gz).")
ExplanationFormatOption = Annotated[
    ExplanationFormat,
    typer.Option(
        "--format", help="A table for a terminal, JSON for machines, or HTML: one page to read, file or print."
    ),
]
NowOption = Annotated[
    str | None, typer.Option("--now", help="Instant of the decision, so that equal input gives equal bytes.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"coaching-adapter {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Coverage decisions for health coaching claims."""
    logs.follow(load_log_settings())


@app.command(
    epilog="Examples:  coaching-adapter sync fixtures/clinic --out answers"
    "   |   coaching-adapter sync https://fhir.example.org/r4 --since auto"
    "   |   coaching-adapter sync https://fhir.example.org/r4 --dry-run"
    "   |   coaching-adapter sync https://fhir.example.org/r4 --bulk --group members --since auto"
)
def sync(
    source: Annotated[str, SOURCE],
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the answers (files: adapter-out).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; print what would change.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="Claims changed since an instant, or auto.")] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option("--claim", help="Only this Claim id; may be repeated. A folder then holds only its answer."),
    ] = None,
    bulk: Annotated[bool, typer.Option("--bulk", help="Read the server by bulk export ($export).")] = False,
    group: Annotated[str | None, typer.Option("--group", help="With --bulk: only the patients of this Group.")] = None,
    fhir_version: VersionOption = "auto",
    mappings: MappingsOption = None,
    output_format: FormatOption = Format.TABLE,
    lenient: LenientOption = False,
    trust_structure: TrustOption = False,
    now: NowOption = None,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch",
            min=0.1,
            help="Keep a server's answers up to date, SECONDS apart. --format json: a line each time.",
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, max=64, help="Requests to the server at once, at most.")
    ] = None,
    workers: Annotated[bool, typer.Option("--workers", help="Share the work with `coaching-adapter worker`s.")] = False,
) -> None:
    """Decide claims and write the answers back: to the same server, or from files to a folder."""
    mine, form = tuple(mappings or ()), output_format.value
    choice = commands.Choice(source, mine, fhir_version, form, instant(now), lenient, trust_structure)
    run = syncing.Run(out, dry_run, since, tuple(claim or ()), bulk, group, watch, concurrency)
    if workers:
        from adapter.cli import working  # the database is slow to import

        raise typer.Exit(working.sync_with_workers(choice, run))
    raise typer.Exit(syncing.sync(choice, run))


@app.command(
    epilog="Examples:  coaching-adapter explain fixtures/clinic a03-29-minutes"
    "   |   coaching-adapter explain fixtures/clinic a03-29-minutes --format html > a03-29-minutes.html"
)
def explain(
    source: Annotated[str, SOURCE],
    claim_id: Annotated[str, typer.Argument(help="Id of the Claim.")],
    fhir_version: VersionOption = "auto",
    mappings: MappingsOption = None,
    output_format: ExplanationFormatOption = ExplanationFormat.TABLE,
    lenient: LenientOption = False,
    now: NowOption = None,
) -> None:
    """Print one claim's determination: every rule, its verdict, the values, their origin, the citation, what to fix."""
    choice = commands.Choice(source, tuple(mappings or ()), fhir_version, output_format.value, instant(now), lenient)
    raise typer.Exit(commands.explain(choice, claim_id))


@app.command(epilog="Example:  coaching-adapter serve https://fhir.example.org/r4 --port 8700")
def serve(
    url: Annotated[str, typer.Argument(help="FHIR base URL of the server that notifies us.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8700,
    fhir_version: VersionOption = "auto",
    mappings: MappingsOption = None,
    lenient: LenientOption = False,
) -> None:
    """Receive the notifications of a server's Subscriptions, and keep the answers to its claims up to date."""
    from adapter.cli import serving  # the web server and the database are slow to import

    choice = commands.Choice(url, tuple(mappings or ()), fhir_version, Format.TABLE.value, instant(None), lenient)
    raise typer.Exit(serving.serve(choice, host, port))


app.command(epilog="Example:  coaching-adapter worker --once")(worker)
app.command(epilog="Example:  coaching-adapter purge --before 2026-01-01 --dry-run")(purge)


@policies_app.callback(invoke_without_command=True)
def policies(
    context: typer.Context, mappings: MappingsOption = None, output_format: FormatOption = Format.TABLE
) -> None:
    """List payers, their policies, versions and effective dates."""
    if context.invoked_subcommand is None:
        raise typer.Exit(commands.policies(mappings or (), output_format.value))


@policies_app.command("show", epilog="Example:  coaching-adapter policies show cigna-a015 --on 2023-06-01")
def show_policy(
    name: Annotated[str, typer.Argument(help="Name of the policy, as the list has it.")],
    on: Annotated[str | None, typer.Option("--on", help="Date of service (default: today).")] = None,
    mappings: MappingsOption = None,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Print the rule set in force on a day: every value, its source, and what follows when a rule fails."""
    raise typer.Exit(commands.show_rules(name, day(on), mappings or (), output_format.value))


@app.command(epilog="Examples:  coaching-adapter check --mappings our-mappings   |   coaching-adapter check --settings")
def check(
    mappings: MappingsOption = None,
    fhir_version: VersionOption = "auto",
    settings: Annotated[
        bool, typer.Option("--settings", help="Print the settings in effect, secrets hidden, and check only them.")
    ] = False,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Validate mappings, policies and settings; each fault with file and line."""
    if settings:
        raise typer.Exit(show_settings(output_format.value))
    if output_format is not Format.TABLE:
        raise UsageError("--format goes with --settings; faults are told one by one in a line.")
    raise typer.Exit(commands.check(mappings or (), fhir_version))


@mappings_app.callback(invoke_without_command=True)
def mappings(
    context: typer.Context, mappings: MappingsOption = None, output_format: FormatOption = Format.TABLE
) -> None:
    """List the mapping files, each with the folders that say something in it."""
    if context.invoked_subcommand is None:
        raise typer.Exit(mapping_commands.list_files(mappings or (), output_format.value))


@mappings_app.command(
    "show",
    epilog="Examples:  coaching-adapter mappings show claim --mappings our-mappings"
    "   |   coaching-adapter mappings show tables/service-codes",
)
def show_mapping(
    name: Annotated[str, typer.Argument(help="A resource (claim), a table, a payer, or a file as the list has it.")],
    fhir_version: VersionOption = "auto",
    mappings: MappingsOption = None,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Print one mapping file as it is in effect: every entry with the file and line it came from."""
    raise typer.Exit(mapping_commands.show_effective(name, mappings or (), fhir_version, output_format.value))


@app.command("map", epilog="Example:  coaching-adapter map fixtures/clinic --resource Encounter/a03-29-minutes-enc")
def map_resource(
    source: Annotated[str, SOURCE],
    resource: Annotated[str, typer.Option("--resource", help="The resource, as a reference: Encounter/1.")],
    fhir_version: VersionOption = "auto",
    mappings: MappingsOption = None,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Show what the mapping makes of one resource: every expression, what it found, and which found nothing."""
    choice = commands.Choice(source, tuple(mappings or ()), fhir_version, output_format.value, instant(None))
    raise typer.Exit(mapping_commands.map_resource(choice, resource))


def instant(now: str | None) -> datetime:
    """The decision instant: the clock's, or the one given.

    Raises:
        UsageError: not a FHIR instant with a time of day and an offset.
    """
    if now is None:
        return datetime.now(UTC)
    found = instant_in(now)
    if found is None:
        raise UsageError(f"--now {now!r} is no instant such as 2026-01-31T12:00:00Z.")
    return found


def day(on: str | None) -> date:
    """The date of service that was asked for, or today.

    Raises:
        UsageError: not a date.
    """
    try:
        return date.fromisoformat(on) if on else datetime.now(UTC).date()
    except ValueError as error:
        raise UsageError(f"--on {on!r} is no date such as 2023-06-01.") from error


def run() -> None:
    """Run the command line; a known error is one line on stderr and its exit code."""
    logs.begin()
    try:
        typer.main.get_command(app)()  # calling `app` would put an excepthook of typer's in place of ours
    except AdapterError as error:
        typer.echo(visible(f"coaching-adapter: {error}"), err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a traceback may hold health data and helps no operator
        typer.echo(f"coaching-adapter: internal error, please report it: {raised_at(error)}", err=True)
        sys.exit(AdapterError.exit_code)
    except (KeyboardInterrupt, SystemExit) as ended:
        if not was_interrupted(ended):  # typer ends so whatever comes to its end
            raise
        typer.echo("coaching-adapter: interrupted; run it again to go on", err=True)
        sys.exit(130)
