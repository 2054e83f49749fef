"""What a run has to look at: all claims, those changed since an instant, or all that a change since then concerns.

The same checkpoints and looks as those of one process (``SinceLast``), told to items in place of being gone through.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter.runs.model import Basis, Plan, Reached
from adapter.runs.windows import Cut, as_text, cut_claims
from adapter.sources.fhir_client import FhirClient
from adapter.sources.server import ServerSource
from adapter.sync.changes import Changes, marks_ahead
from adapter.sync.since_last import is_ahead


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked for, and by what it decides."""

    asked: str | None
    """``--since`` as it was given."""
    since: str | None
    """The instant that it names, where it names one."""
    instant: str
    basis: Basis
    query: str
    """The name of the checkpoint."""


async def planned(
    source: ServerSource, wanted: Wanted, last: Reached | None, overlap: timedelta
) -> tuple[Plan, str | None]:
    """The plan, and what a person should know of it; ``last`` is what ``--since auto`` goes on from."""
    client = source.client
    now = await client.ask_time()
    # In this order, as in ``SinceLast``: what changes after these marks, the next run sees by them.
    reaches = await _reaches(source, now, overlap) if wanted.since is None else None
    if last is None or is_ahead(client, last.instant):
        cut = await cut_claims(client, wanted.since, source.chunk_size)
        return _plan(client, wanted, cut, reaches), cut.warning or None
    changes = Changes(source, last.instant)
    kinds = [] if await changes.none_at_all() else await changes.since(dict(last.marks))
    if "Claim" in kinds or now is None:
        cut = await cut_claims(client, last.instant, source.chunk_size)
    else:
        cut = Cut((), as_text(now))
    return _plan(client, wanted, cut, reaches, last.instant, tuple(kinds)), cut.warning or None


async def _reaches(source: ServerSource, now: datetime | None, overlap: timedelta) -> Reached | None:
    """Where the next run goes on, once this one is complete; None where the server does not tell the time."""
    if now is None:
        return None
    return Reached((now - overlap).isoformat(timespec="seconds"), await marks_ahead(source, now, overlap))


def _plan(
    client: FhirClient,
    wanted: Wanted,
    cut: Cut,
    reaches: Reached | None,
    since: str | None = None,
    kinds: tuple[str, ...] = (),
) -> Plan:
    return Plan(
        client.base,
        wanted.asked,
        since or wanted.since,
        cut.started,
        wanted.instant,
        wanted.basis,
        cut.windows,
        wanted.query,
        reaches,
        kinds,
    )
