"""All claims of a server in the order of their last change, whatever becomes of its pages.

A walk knows how far it has come: every claim that changed before ``reached`` was on a page. From there it searches anew
for each page. Where a server counts pages by offset, a claim that changes moves to the end, and its next page would
leave out as many claims as have moved; and a link that is left out or leads astray is not missed. A link is followed
only where a whole page was changed in one instant, or where a server keeps to no order or bound.

When a page is gone (410), repeats, leads to another server or round in a circle, the search begins anew, too. When that
brings nothing new, its window is halved in time to a second, then its pages are made smaller to one claim, then it is
halved to an instant; what is left after that is noted as unread, and the walk goes on behind it.
https://hl7.org/fhir/R4/search.html#lastUpdated
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import Refused, Unserved

MOST_STALE = 20
"""Pages in a row on which there is nothing that the same search had not brought; it then goes round in circles."""
MOST_REMEMBERED = 50_000
"""Versions by which a claim is known that comes twice; pages shift by a few, and a load has one instant for many."""
SMALLEST = timedelta(seconds=1)
"""Span of a window that is not halved again while its pages can be made smaller."""
INSTANT = timedelta(milliseconds=2)
"""Span of a window that is never halved again: its middle, in whole milliseconds, might be its begin."""
SMALLER = 10
"""Times that pages are made smaller in one go."""
MOST_FAULTS = 150
"""Windows of one walk that are narrowed; a server on which more of them fail is not helped by ever smaller ones."""
_UNSUITED = frozenset({400, 404, 405, 422, 501})
FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any FHIR server; where a window begins whose first claim cannot be had."""

LEAST = ({"_count": "1"}, {"_count": "1", "_lastUpdated": f"lt{FIRST_DAY.isoformat()}"})
"""Searches that a server answers if any: for one claim, and for none in case it is that one which cannot be had."""


@dataclass(frozen=True, slots=True)
class Window:
    """Claims changed at or after ``begin`` and before ``end``; None is open. ``count`` of them are asked for a page."""

    begin: str | None
    end: str | None
    count: int

    @property
    def bounds(self) -> dict[str, list[str]]:
        """The window as search parameters."""
        bounds = [f"ge{self.begin}"] if self.begin else []
        bounds += [f"lt{self.end}"] if self.end else []
        return {"_lastUpdated": bounds} if bounds else {}

    @property
    def parameters(self) -> dict[str, str | list[str]]:
        return {"_sort": "_lastUpdated", "_count": str(self.count), **self.bounds}


@dataclass(frozen=True, slots=True)
class Page:
    """Claims not on an earlier page. ``reached``: all that changed before it were; None where that cannot be told."""

    claims: Sequence[Json]
    reached: str | None


class Versions:
    """The versions of claims that came last, at most ``MOST_REMEMBERED`` of them."""

    def __init__(self) -> None:
        self._known: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, claim: Json) -> bool:
        """Whether this version is a new one."""
        meta = claim.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        version = hash((claim.get("id"), str(meta.get("versionId")), str(meta.get("lastUpdated"))))
        if version in self._known:
            return False
        self._known[version] = None
        if len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        return True


@dataclass
class ClaimPages:
    """One walk over the claims of a server; ``unread`` says at its end what could not be read."""

    client: FhirClient
    since: str | None = None
    until: str | None = None
    unread: list[str] = field(default_factory=list)
    _reached: str | None = None
    _ordered: bool = True
    _bounded: bool = True
    """Whether the server keeps to the bounds of a window."""
    _seen: Versions = field(default_factory=Versions)
    _any: bool = False
    _more: bool = False
    """Whether there may be more of a window than was read."""
    _faults: int = 0

    async def pages(self) -> AsyncIterator[Page]:
        """The pages, oldest change first.

        Raises:
            SourceError: the server is away or refuses us, does not know such a search, or has not served a single page.
        """
        last: SourceError | None = None
        waiting = [Window(self.since, self.until, self.client.page_size)]
        while waiting:
            window = waiting.pop()
            before = len(self._seen), self._reached
            try:
                async for page in self._read(window):
                    yield page
                waiting += self._rest_of(window)
            except (Refused, Unserved) as fault:
                if not self._any and _says_no(fault):
                    raise
                await self._still_there(fault)
                last = fault
                came_further = (len(self._seen), self._reached) != before
                waiting += await self._instead(window, fault, came_further=came_further)
        if last and not self._any:
            raise last

    async def _read(self, window: Window) -> AsyncIterator[Page]:
        """The pages of a window until the walk has come further, from where it then begins anew; else all of them."""
        stale, sent = 0, Versions()
        self._more = False
        async with aclosing(self.client.pages("Claim", window.parameters)) as pages:
            async for page in pages:
                self._any = True
                read = self._claims_on(page)
                claims = [each for each in read if self._seen.add(each)]
                # What only an earlier search had brought is read over again: many claims may share one instant.
                stale = 0 if [each for each in read if sent.add(each)] else stale + 1
                if stale > MOST_STALE:
                    raise Unserved("the server sends page after page of claims that it has sent before")
                self._advance(claims)
                self._bounded = self._bounded and not any(_is_before(each, window.begin) for each in read)
                yield Page(claims, self._reached if self._ordered else None)
                total = page.get("total")
                more = type(total) is int and total > len(sent)
                self._more = self.client.goes_on(page) or len(read) >= window.count or more
                if self._more and self._is_beyond(window):
                    return

    def _claims_on(self, page: Json) -> list[Json]:
        """The claims of a page.

        Raises:
            Unserved: something else is on it; who sends that may leave out what was asked for.
        """
        found = self.client.resources_of(page)
        if any(each["resourceType"] not in ("Claim", "OperationOutcome") for each in found):
            raise Unserved("the server sends something else where claims were asked for")
        return [each for each in found if each["resourceType"] == "Claim"]

    def _rest_of(self, window: Window) -> list[Window]:
        """What is left of a window that was read as far as the walk has come."""
        return [replace(window, begin=self._reached)] if self._more and self._is_beyond(window) else []

    def _is_beyond(self, window: Window) -> bool:
        """Whether the walk has come further than to where the window begins, as far as the server lets it tell."""
        if not (self._ordered and self._bounded) or self._reached is None:
            return False
        return window.begin is None or moment(self._reached) > moment(window.begin)

    def _advance(self, claims: Sequence[Json]) -> None:
        """Note how far the walk has come, as long as the server keeps to the order that it was asked for."""
        for each in claims:
            at = last_updated(each)
            if at is None or (self._reached is not None and moment(at) < moment(self._reached)):
                self._ordered = False
                return
            self._reached = at

    async def _still_there(self, fault: SourceError) -> None:
        """Whether it is this window that the server does not serve, and not the server that is gone.

        Raises:
            SourceError: it does not serve the least of searches either.
        """
        for least in LEAST:
            try:
                async for _page in self.client.search("Claim", least):
                    return
            except (Refused, Unserved):
                continue
        raise fault

    async def _instead(self, window: Window, fault: SourceError, *, came_further: bool) -> list[Window]:
        """What to try in place of a window that was not read to its end; the last comes first."""
        come_to = [each for each in (window.begin, self._reached if self._ordered else None) if each]
        begin = max(come_to, key=moment, default=None)
        if came_further and begin != window.begin:
            return [replace(window, begin=begin)]
        self._faults += 1
        begin = begin or await self._oldest()
        end = window.end or (self.client.server_time or datetime.now(UTC)).isoformat()
        narrower = narrowed(window, begin, end) if self._faults < MOST_FAULTS else []
        return narrower or self._left_out(window, begin, end, fault)

    def _left_out(self, window: Window, begin: str, end: str, fault: SourceError) -> list[Window]:
        """Note what is not read; what follows is behind it, or nothing where it has no end."""
        goes_on = window.end is None and moment(end) > moment(begin)
        until = f"to {end}" if window.end or goes_on else "on"
        self.unread.append(f"claims changed from {begin} {until} could not be read: {fault}")
        return [Window(end, None, self.client.page_size)] if goes_on else []

    async def _oldest(self) -> str:
        try:
            async for page in self.client.search("Claim", {"_sort": "_lastUpdated", "_count": "1"}):
                found = [at for each in page if (at := last_updated(each))]
                return min([*found, FIRST_DAY.isoformat()], key=moment) if not found else found[0]
        except (Refused, Unserved):
            pass
        return FIRST_DAY.isoformat()


def narrowed(window: Window, begin: str, end: str) -> list[Window]:
    """Windows that ask for less at once, the last one first; none where it cannot be less."""
    span = moment(end) - moment(begin)
    if span > (SMALLEST if window.count > 1 else INSTANT):
        middle = (moment(begin) + span / 2).isoformat(timespec="milliseconds")
        return [Window(middle, window.end, window.count), Window(begin, middle, window.count)]
    return [Window(begin, window.end, max(1, window.count // SMALLER))] if window.count > 1 else []


def _says_no(fault: SourceError) -> bool:
    """Whether the server calls the search itself wrong or unknown, so that no narrower one will do."""
    return isinstance(fault, Refused) and fault.status in _UNSUITED


def _is_before(claim: Json, begin: str | None) -> bool:
    """Whether a claim is clearly outside the bound that was asked for; some servers only know seconds."""
    at = last_updated(claim)
    return begin is not None and at is not None and moment(at) < moment(begin) - SMALLEST


def last_updated(resource: Json) -> str | None:
    """``meta.lastUpdated``, where it is an instant."""
    meta = resource.get("meta")
    written = meta.get("lastUpdated") if isinstance(meta, dict) else None
    try:
        return written if isinstance(written, str) and moment(written) else None
    except ValueError:
        return None


def moment(instant: str) -> datetime:
    """An instant; where it says no offset it is in UTC."""
    found = datetime.fromisoformat(instant)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
