"""Synchronisation of a server with itself, or from it to a folder."""

from __future__ import annotations

from collections.abc import Sequence

from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report


async def sync_server(
    reconciler: Reconciler,
    *,
    since: str | None,
    ids: Sequence[str],
    tell: Progress,
    until: str | None = None,
) -> Report:
    """Decide a server's claims, chunk by chunk; write the answers back where there is a sink."""
    report = Report()
    seen: set[str] = set()
    async for page in reconciler.source.claims(since=since, until=until, ids=ids):
        seen |= {str(each.id) for each in page}
        await reconciler.reconcile(page, report, tell)
        tell("claims read", len(seen))
    report.missing = tuple(sorted(set(ids) - seen))
    unsupported = reconciler.source.unsupported.items()
    report.warnings += [f"the server does not support {name}: {why}" for name, why in unsupported]
    return report
