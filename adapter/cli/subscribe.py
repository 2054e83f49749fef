"""``coaching-adapter subscribe URL ...``: the command line of Subscriptions."""

from __future__ import annotations

from typing import Annotated

import typer

from adapter.cli import subscription_commands as commands
from adapter.cli.options import Format, FormatOption
from adapter.subscriptions.form import Payload
from adapter.subscriptions.watches import DEFAULT_TYPES, Style

subscribe_app = typer.Typer(
    help="Subscriptions that tell `serve` what changes on a FHIR server. Exit code 3: some are refused or stopped.",
    rich_markup_mode=None,
    no_args_is_help=True,
    subcommand_metavar="create|list|status|renew|delete [OPTIONS]",
    epilog="Examples:  coaching-adapter subscribe https://fhir.example.org/r4 create"
    "   |   coaching-adapter subscribe https://fhir.example.org/r4 status --format json",
)
EXAMPLE = "Example:  coaching-adapter subscribe https://fhir.example.org/r4"
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint", help="Where notifications go: ADAPTER_PUBLIC_URL (the default) or a path below it."),
]
DaysOption = Annotated[int, typer.Option("--days", min=1, max=3650, help="Days until it ends, unless renewed.")]


@subscribe_app.callback()
def subscribe(context: typer.Context, url: Annotated[str, typer.Argument(help="FHIR base URL of the server.")]) -> None:
    context.obj = url


@subscribe_app.command(
    epilog=f"{EXAMPLE} create --endpoint https://adapter.example.org/hooks/main"
    "   |   coaching-adapter subscribe https://fhir.example.org/r4 create --type Claim --days 90"
)
def create(
    context: typer.Context,
    endpoint: EndpointOption = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help=f"Resource type to hear of; may be repeated. Default: {', '.join(DEFAULT_TYPES)}."),
    ] = None,
    style: Annotated[
        Style, typer.Option("--by", help="Topics or criteria; auto takes topics where the server shows fitting ones.")
    ] = Style.AUTO,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="URL of a topic to subscribe to; may be repeated.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="Of a topic, only what fits: Claim?patient=Patient/1; may be repeated."),
    ] = None,
    payload: Annotated[
        Payload, typer.Option("--payload", help="auto: empty by criteria, id-only by topic; full-resource sends all.")
    ] = Payload.AUTO,
    heartbeat: Annotated[
        int | None, typer.Option("--heartbeat", min=10, help="Seconds of silence after which a topic's server calls.")
    ] = None,
    days: DaysOption = commands.DEFAULT_DAYS,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Subscribe to what can change a decision. Doing it twice makes nothing new."""
    wish = commands.wish(types, style, topic, filters)
    target = commands.Target(context.obj, endpoint, output_format.value)
    raise typer.Exit(commands.create(target, wish, payload, heartbeat, days))


@subscribe_app.command("list", epilog=f"{EXAMPLE} list")
def list_all(context: typer.Context, output_format: FormatOption = Format.TABLE) -> None:
    """List the Subscriptions that lead to ADAPTER_PUBLIC_URL. Secrets are masked."""
    raise typer.Exit(commands.list_all(commands.Target(context.obj, None, output_format.value)))


@subscribe_app.command(epilog=f"{EXAMPLE} status")
def status(context: typer.Context, endpoint: EndpointOption = None, output_format: FormatOption = Format.TABLE) -> None:
    """Say how ours fare: active, stopped, events counted. Exit code 3 unless there is one and all of them work."""
    raise typer.Exit(commands.status(commands.Target(context.obj, endpoint, output_format.value)))


@subscribe_app.command(epilog=f"{EXAMPLE} renew --days 90")
def renew(
    context: typer.Context,
    endpoint: EndpointOption = None,
    days: DaysOption = commands.DEFAULT_DAYS,
    output_format: FormatOption = Format.TABLE,
) -> None:
    """Let ours end later, and start again those that stopped (error, off)."""
    raise typer.Exit(commands.renew(commands.Target(context.obj, endpoint, output_format.value), days))


@subscribe_app.command(epilog=f"{EXAMPLE} delete")
def delete(context: typer.Context, endpoint: EndpointOption = None, output_format: FormatOption = Format.TABLE) -> None:
    """Remove those that `create` made for this endpoint, and no other."""
    raise typer.Exit(commands.delete(commands.Target(context.obj, endpoint, output_format.value)))
