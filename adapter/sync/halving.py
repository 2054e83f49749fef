"""Work on several things at once that a single one can spoil: halving finds that one, and the others are done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from adapter.sources.fhir_client import FhirClient

T = TypeVar("T")
R = TypeVar("R")


async def by_halves(
    items: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[R]],
    reason: Callable[[Exception], Awaitable[str]],
) -> tuple[list[R], list[tuple[T, str]]]:
    """What ``work`` made of the items, and the items that it fails for alone, each with the reason.

    ``reason`` puts a fault into words for a person; it raises when no item is to blame, and that ends it all. What
    failed is done anew in halves, so ``work`` must bear being repeated, and tell what it did by what it returns.
    """
    try:
        return [await work(items)], []
    except Exception as error:  # noqa: BLE001 - which faults are the matter of one item, the caller knows
        why = await reason(error)
    if len(items) <= 1:
        return [], [(each, why) for each in items]
    middle = len(items) // 2
    done, spoilt = await by_halves(items[:middle], work, reason)
    more, others = await by_halves(items[middle:], work, reason)
    return done + more, spoilt + others


async def ensure_there(client: FhirClient) -> None:
    """Ask the least there is to ask.

    Raises:
        SourceError: the server does not answer that either, so that no item is to blame for a fault.
    """
    async for _page in client.search("Claim", {"_count": "1"}):
        return
