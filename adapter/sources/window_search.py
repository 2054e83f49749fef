"""One search of a walk over changes, page by page: what it has brought, and whether there is more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapter.evidence.references import Json
from adapter.sources.change_windows import Window
from adapter.sources.refusals import Unserved
from adapter.sources.seen import Seen

MOST_STALE = 20
"""Pages in a row on which there is nothing that the same search had not brought; it then goes round in circles."""


@dataclass
class Search:
    """What one search of a walk has brought so far, in the order of its pages."""

    window: Window
    trusted: bool
    """Whether the server was, when it began."""
    is_known: bool
    """Whether it has brought something that it has to bring: what was seen at its begin."""
    sent: Seen = field(default_factory=Seen)
    new: int = 0
    again: int = 0
    """How many of these are other versions of what was read; pages that links lead to may have shifted since."""
    newest: int = 0
    """How many of its last page are new."""
    size: int = 0
    """Of its last page."""
    linked: bool = False
    """Whether a page had a link to the next one."""
    stale: int = 0
    last: str | None = None
    """When the last of it changed."""
    more: bool = False
    """Whether there is more of the window, as far as the last page tells."""
    by_total: bool = False
    """Whether only a total tells so."""
    is_told: bool = False
    """Whether the server tells that there is no more."""

    def take(self, found: Sequence[Json], total: object, *, goes_on: bool) -> None:
        """Take in a page.

        Raises:
            Unserved: page after page brings what others had brought.
        """
        # What only an earlier search had brought is read over again: many claims may share one instant.
        self.stale = 0 if [each for each in found if self.sent.add(each)] else self.stale + 1
        if self.stale > MOST_STALE:
            raise Unserved("the server sends page after page of what it has sent before")
        self.size = len(found)
        self.is_told = total == self.sent.taken
        beyond = type(total) is int and total > self.sent.taken
        # Of whoever links, or pays no heed to how many are asked for, the total is no mere size of the page.
        whole = self.is_told and (self.linked or self.size > self.window.count)
        cut = goes_on or (self.size >= self.window.count and not whole)
        self.by_total, self.more = beyond and not cut, beyond or cut
        self.linked = self.linked or goes_on

    @property
    def goes_slowly(self) -> bool:
        """Whether its last page is mostly what was known, because it is asked for from earlier."""
        return self.window.back is not None and self.newest * 2 < self.size
