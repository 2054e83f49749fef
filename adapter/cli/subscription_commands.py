"""What ``coaching-adapter subscribe`` does: settings, address, one call, a table. Exit codes are the contract's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from adapter.auth.scopes import Need
from adapter.cli import show_subscriptions as show
from adapter.cli.commands import client_of
from adapter.durable.database import configured_database
from adapter.errors import UsageError
from adapter.fhir.paths import is_type_name
from adapter.notifications.sequence import EventLog
from adapter.receiver.gaps.event_logs import EventLogs, counts
from adapter.settings import Settings, load_settings
from adapter.subscriptions.endpoint import checked_endpoint, is_below, is_open
from adapter.subscriptions.form import Delivery, Payload
from adapter.subscriptions.manage import Row, Subscriptions
from adapter.subscriptions.watches import DEFAULT_TYPES, Plan, Style, Wish

T = TypeVar("T")
OK, UNFINISHED = 0, 3
DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Target:
    """What every one of these commands is told."""

    server: str
    endpoint: str | None
    output_format: str


def wish(
    types: Sequence[str] | None, style: Style, topics: Sequence[str] | None, filters: Sequence[str] | None
) -> Wish:
    """What the operator asks for.

    Raises:
        UsageError: a type that none can be, or a topic where criteria are asked for.
    """
    for kind in types or ():
        if not is_type_name(kind):
            raise UsageError(f"--type {kind!r} is no resource type such as Claim.")
    if topics and style is Style.CRITERIA:
        raise UsageError("--topic names a topic, --by criteria asks for none.")
    return Wish(tuple(types or DEFAULT_TYPES), style, tuple(topics or ()), tuple(filters or ()))


def create(target: Target, wished: Wish, payload: Payload, heartbeat: int | None, days: int) -> int:
    """Make what is missing; 3 when the server refuses some.

    Raises:
        UsageError: no secret to send along, or an endpoint that is none of ours.
    """
    settings = load_settings()
    if settings.subscription_secret is None:
        raise UsageError("ADAPTER_SUBSCRIPTION_SECRET is not set; without it `serve` lets no notification in.")
    endpoint = checked_endpoint(target.endpoint, settings.public_url)
    delivery = Delivery(endpoint, _after(days), payload, settings.subscription_secret, heartbeat)

    async def made(ours: Subscriptions) -> tuple[list[Row], Plan]:
        offer, plan = await ours.plan(wished)
        return await ours.create(offer, plan.watches, delivery), plan

    rows, plan = _on(target, settings, endpoint, made)
    show.rows(rows, target.output_format, [*plan.notes, *_openness(delivery)])
    return _code(rows)


def list_all(target: Target) -> int:
    """Every Subscription that leads to us, by whomever."""
    settings = load_settings()
    base = checked_endpoint(None, settings.public_url)
    found = _on(target, settings, base, lambda ours: ours.all())
    show.rows([Row(each) for each in found if is_below(each.endpoint, base)], target.output_format)
    return OK


def status(target: Target) -> int:
    """How ours fare; 3 when there is none, or one that stopped."""
    heard = _heard(load_settings())

    async def state(ours: Subscriptions) -> list[Row]:
        return [replace(row, heard=_counts(heard.get(row.found.id))) for row in await ours.status()]

    rows = _at_endpoint(target, state)
    return _code(rows) if rows else UNFINISHED


def _heard(settings: Settings) -> dict[str, EventLog]:
    """What ``serve`` counted; nothing on a machine that cannot read its database."""
    try:
        with EventLogs(configured_database(settings)) as logs:
            return logs.by_subscription()
    except UsageError:
        return {}


def _counts(log: EventLog | None) -> dict[str, int]:
    return counts(log) if log is not None else {}


def renew(target: Target, days: int) -> int:
    """A later end for ours; 3 when the server refuses it for some."""
    return _code(_at_endpoint(target, lambda ours: ours.renew(_after(days))))


def delete(target: Target) -> int:
    """Ours removed; 3 when the server refuses it for some."""
    return _code(_at_endpoint(target, lambda ours: ours.delete()))


def _at_endpoint(target: Target, act: Callable[[Subscriptions], Awaitable[list[Row]]]) -> list[Row]:
    settings = load_settings()
    endpoint = checked_endpoint(target.endpoint, settings.public_url)
    rows = _on(target, settings, endpoint, act)
    notes = (
        [] if rows else [f"None of ours leads to {endpoint}; `create` makes them, `list` shows all that lead to us."]
    )
    show.rows(rows, target.output_format, notes)
    return rows


def _on(target: Target, settings: Settings, endpoint: str, act: Callable[[Subscriptions], Awaitable[T]]) -> T:
    async def run() -> T:
        async with client_of(target.server, settings, Need.SUBSCRIBE) as client:
            return await act(Subscriptions(client, endpoint))

    return asyncio.run(run())


def _after(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def _openness(delivery: Delivery) -> list[str]:
    if not is_open(delivery.endpoint):
        return []
    return ["The endpoint is plain http: what is sent there, the secret too, can be read on the way."]


def _code(rows: Sequence[Row]) -> int:
    return OK if all(row.works for row in rows) else UNFINISHED
