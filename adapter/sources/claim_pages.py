"""All claims of a server in the order of their last change, whatever becomes of its pages; other types likewise.

A walk knows how far it has come: every claim that changed before ``reached`` was on a page. From there it searches anew
for each page. Where a server counts pages by offset, a claim that changes moves to the end, and its next page would
leave out as many claims as have moved; and a link that is left out or leads astray is not missed. A link is followed
only where a whole page was changed in one instant, or where a server keeps to no order or bound.

Nothing a server says of itself is believed. A walk is at its end when a search from ``reached`` brings nothing new, and
not on a page as large as pages get, which may be cut. Such a search has to bring something that is known: else the
server takes the bound for another instant, and is asked from earlier. A page in order proves no order (``sorting``);
where none is proven, all have to be counted. Whoever fails in any of that is read from begin to end by its links. What
a fault hides is looked for in ``narrowing``.
https://hl7.org/fhir/R4/search.html#lastUpdated
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.sources.change_windows import SMALLER, Window, stepped_back
from adapter.sources.fhir_client import FhirClient
from adapter.sources.instants import just_after, last_updated, moment
from adapter.sources.narrowing import Narrowing, says_no
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.seen import Seen
from adapter.sources.sorting import Sorting
from adapter.sources.window_search import Search


@dataclass(frozen=True, slots=True)
class Page:
    """Claims not on an earlier page. ``reached``: all that changed before it were; None where that cannot be told."""

    claims: Sequence[Json]
    reached: str | None


@dataclass
class ClaimPages:
    """One walk over the claims of a server, or over another ``kind``; ``unread`` says what could not be read."""

    client: FhirClient
    since: str | None = None
    until: str | None = None
    unread: list[str] = field(default_factory=list)
    kind: str = "Claim"
    _reached: str | None = None
    _ordered: bool = True
    _bounded: bool = True
    """Whether the server keeps to the bounds of a window."""
    _looked_into: bool = False
    _proven: bool = True
    """Whether the order was, as far as it was looked into; that is where the walk is longer than one page."""
    _counted: bool = False
    _counts: bool = True
    """Whether the server tells totals, as far as that was looked into."""
    _seen: Seen = field(default_factory=Seen)
    _any: bool = False
    _first: tuple[Window, str] | None = None
    """The window that the walk entered last, not where it had come to, and when the first in it changed."""
    _page_began: str | None = None
    """When the first changed on the last page of more than one instant."""
    _largest: int = 0
    """Resources on the largest page."""
    _cut_at: str | None = None
    """The instant behind which there was something that no search from it brought."""

    def __post_init__(self) -> None:
        self._narrowing = Narrowing(self.client, self.kind, self.unread)
        self._sorting = Sorting(self.client, self.kind)
        self._whole = Window(self.since, self.until, self.client.page_size)
        self._waiting = [self._whole]
        self._began: datetime | None = None

    async def pages(self) -> AsyncIterator[Page]:
        """The pages, oldest change first.

        Raises:
            SourceError: the server is away or refuses us, does not know such a search, or has not served a single page.
        """
        last: SourceError | None = None
        while self._waiting:
            window = self._waiting.pop()
            before = self._seen.taken, self._reached
            try:
                async for page in self._read(window):
                    yield page
            except (Refused, Unserved) as fault:
                if not self._any and says_no(fault):
                    raise
                await self._narrowing.still_there(fault)
                last = fault
                came_further = (self._seen.taken, self._reached) != before
                self._waiting += await self._instead(window, fault, came_further=came_further)
            if not self._waiting:
                self._waiting += await self._left_by_order()
        if last and not self._any:
            raise last

    @property
    def _trusted(self) -> bool:
        return self._ordered and self._bounded

    async def _read(self, window: Window) -> AsyncIterator[Page]:
        """The pages of a window until the walk has come further, from where it then begins anew; else all of them."""
        search = Search(window, self._trusted, not (self._trusted and self._is_at(window.begin)))
        async with aclosing(self.client.pages(self.kind, window.parameters)) as pages:
            async for page in pages:
                self._any = True
                found = self._resources_on(page)
                search.is_known = search.is_known or any(self._is_old(each, window) for each in found)
                if found and not search.is_known:  # so it counts for nothing that was asked for
                    yield Page([each for each in found if self._seen.add(each)], None)
                    break
                claims = await self._taken(search, found, page)
                if claims:
                    yield Page(claims, self._reached if self._trusted and self._proven else None)
                if self._seen.is_endless:
                    self._give_up()
                    return
                further = search.more and self._is_beyond(window) and not search.goes_slowly
                if further or self._lost_trust(search):
                    break
        self._waiting += await self._next(search)

    def _resources_on(self, page: Json) -> list[Json]:
        """What a page has of the type.

        Raises:
            Unserved: something else is on it; who sends that may leave out what was asked for.
        """
        found = self.client.resources_of(page)
        if any(each["resourceType"] not in (self.kind, "OperationOutcome") for each in found):
            what = "claims were" if self.kind == "Claim" else f"{self.kind} was"
            raise Unserved(f"the server sends something else where {what} asked for")
        return [each for each in found if each["resourceType"] == self.kind]

    async def _taken(self, search: Search, found: Sequence[Json], page: Json) -> list[Json]:
        """Take in a page, and what it tells of the server; returns what is new on it."""
        search.take(found, page.get("total") if self._counts else None, goes_on=self._goes_on(page))
        self._largest = max(self._largest, len(found))
        entered = search.last is None and not self._is_at(search.window.begin)
        again = self._seen.again
        claims = [each for each in found if self._seen.add(each, late=self._is_late(each))]
        search.again += self._seen.again - again
        search.new, search.newest = search.new + len(claims), len(claims)
        self._judge(search, found)
        if found and self._trusted:
            began = str(last_updated(found[0]))
            self._page_began = self._page_began if self._is_at(began) else began
            self._first = (search.window, began) if entered else self._first
            await self._prove(search)
        return claims

    def _goes_on(self, page: Json) -> bool:
        """Whether a page has a link to the next one; where it leads is for whoever follows it."""
        try:
            return self.client.goes_on(page)
        except SourceError:
            return True

    def _judge(self, search: Search, found: Sequence[Json]) -> None:
        """Note how far the walk has come, as long as the server keeps to the order and bounds it was asked for."""
        self._ordered = self._ordered and not self._seen.made_up
        for each in found:
            at = last_updated(each)
            if at is None or (search.last is not None and moment(at) < moment(search.last)):
                self._ordered = False
                return
            search.last = at
            self._bounded = self._bounded and not search.window.is_clear_of(at)
            if self._reached is None or moment(at) > moment(self._reached):
                self._reached = at

    async def _prove(self, search: Search) -> None:
        """Look once, where a walk is longer than one page, whether the order of what was read is one."""
        if self._looked_into or self._first is None or self._reached is None:
            return
        window, first = self._first
        if search.more or (search.new and search.window != window):
            self._looked_into = True
            found = await self._sorting.is_sorted(window, first, self._reached)
            self._proven, self._ordered = found is True, found is not False

    async def _next(self, search: Search) -> list[Window]:
        """Where to go on after a search.

        Raises:
            Unserved: there is more of the window, and no way to it.
        """
        window = search.window
        if self._lost_trust(search):
            return self._anew()
        if self._trusted and not search.is_known:
            return self._stepped_back(window)
        if self._trusted and self._is_beyond(window):
            return [Window(self._reached, window.end, min(window.count, self.client.page_size))]
        if search.by_total and not self._counted:
            self._counted, self._counts = True, await self._sorting.counts()
            return [window]
        if self._trusted and self._is_at(window.begin):
            return await self._rest_of_instant(search)
        if search.more and window.count <= self.client.page_size:
            return [replace(window, count=window.count * SMALLER)]
        if search.more:
            raise Unserved("the server says that there is more than it sends, and has no link to it")
        return [window] if search.again and not (self._trusted or self._seen.is_full) else []

    async def _left_by_order(self) -> list[Window]:
        """What is left at the end of a walk in an order that was not proven: all, unless they are counted."""
        if self._proven or not self._trusted or self.unread:
            return []
        if await self._sorting.counts_no_more(self._whole, self._seen.first):
            return []
        self._ordered = False
        return self._anew()

    def _stepped_back(self, window: Window) -> list[Window]:
        """Where to ask instead of from an instant of which the server did not bring again what it had brought."""
        for earlier in (window.begin, self._page_began):
            back = stepped_back(window, earlier, self.since)
            if window.back is None or moment(str(back.back)) < moment(window.back):
                return [back]
        self._bounded = False
        return self._anew()

    def _anew(self) -> list[Window]:
        """All of the walk once more, by links; what was read on trust may have left something out."""
        self._waiting.clear()
        return [self._whole]

    async def _rest_of_instant(self, search: Search) -> list[Window]:
        """Where to go on after a search that brought nothing behind its begin."""
        window = search.window
        if search.more and window.count <= self.client.page_size:
            return [replace(window, count=window.count * SMALLER)]
        if search.new and not self._seen.is_full:
            return [window]
        if not search.more and (search.is_told or search.size < self._largest):
            return []
        if search.more or await self._sorting.any_after(window, str(self._reached)):
            return self._behind_instant(window)
        return []

    def _behind_instant(self, window: Window) -> list[Window]:
        """Where to go on when there is more, and not on what is sent of an instant: the second time behind that."""
        if self._cut_at != self._reached:  # it may have come since
            self._cut_at = self._reached
            return [window]
        behind = just_after(str(self._reached))
        self._narrowing.note(str(self._reached), f"to {behind}", "the server sends only some of them, and has no link")
        if behind is None or (window.end is not None and moment(behind) >= moment(window.end)):
            return []
        return [Window(behind, window.end, self.client.page_size)]

    def _give_up(self) -> None:
        self._waiting.clear()
        self._narrowing.note(str(self._reached or self.since), "on", "they change as fast as they are read")

    async def _instead(self, window: Window, fault: SourceError, *, came_further: bool) -> list[Window]:
        """What to try in place of a window that was not read to its end; the last comes first."""
        come_to = [each for each in (window.begin, self._reached if self._trusted else None) if each]
        begin = max(come_to, key=moment, default=None)
        by_links = not (self._bounded or self._seen.is_full)
        if came_further and (begin != window.begin or by_links):
            return [replace(window, begin=begin, back=None)]
        window = replace(window, begin=begin)
        return await self._narrowing.instead(window, fault, sorts=self._ordered, keeps_bounds=self._bounded)

    def _lost_trust(self, search: Search) -> bool:
        """Whether the server was found out in a search that is not of the whole walk."""
        return search.trusted and not self._trusted and search.window != self._whole

    def _is_at(self, instant: str | None) -> bool:
        """Whether the walk has come just there."""
        return instant is not None and self._reached is not None and moment(instant) == moment(self._reached)

    def _is_beyond(self, window: Window) -> bool:
        """Whether the walk has come further than to where the window begins, as far as the server lets it tell."""
        if not self._trusted or self._reached is None:
            return False
        return window.begin is None or moment(self._reached) > moment(window.begin)

    def _is_old(self, resource: Json, window: Window) -> bool:
        """Whether a resource was brought before, and changed no later than where the window begins."""
        at = last_updated(resource)
        return at is not None and moment(at) <= moment(str(window.begin)) and self._seen.has(resource)

    def _is_late(self, resource: Json) -> bool:
        """Whether a resource was changed since the walk began, by the server's clock."""
        self._began = self._began or self.client.server_time
        at = last_updated(resource)
        return at is not None and self._began is not None and moment(at) >= self._began
