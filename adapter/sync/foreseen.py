"""What a dry run found out: sums, the changes that people see, and on the disk all of them, for JSON."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adapter.answers.answer import Action, Written
from adapter.answers.change_json import change_json
from adapter.answers.totals import Totals, is_change
from adapter.evidence.references import Json
from adapter.sinks.change_spool import ChangeSpool

CLAIMS_SHOWN = 300
"""Claims that are listed one by one to people; JSON has all of them."""


@dataclass
class Foreseen:
    """What would become of each answer. Answers come in any order, and no more is held in memory for many than for few;
    what is left as it is is only counted, and stands in JSON alone."""

    actions: Counter[Action] = field(default_factory=Counter)
    totals: Totals = field(default_factory=Totals)
    first: list[Written] = field(default_factory=list)
    """The first of those that would change, by claim: at most ``CLAIMS_SHOWN``."""
    spool: ChangeSpool = field(default_factory=ChangeSpool, compare=False)

    def add(self, written: Iterable[Written]) -> None:
        """Enter what would become of answers.

        Raises:
            UsageError: the folder for temporary files takes no more.
        """
        for each in written:
            self.actions[each.action] += 1
            self.totals.add(each)
            self._show(each)
            self.spool.add(each.claim, change_json(each))

    def absorb(self, other: Foreseen) -> None:
        """Take over what was found out of other answers; nothing is left there.

        Raises:
            UsageError: the folder for temporary files takes no more.
        """
        self.actions += other.actions
        self.totals.absorb(other.totals)
        for each in other.first:
            self._show(each)
        self.spool.absorb(other.spool)

    def in_order(self) -> Iterator[Json]:
        """What would become of every answer, as JSON, by claim."""
        return self.spool.in_order()

    def _show(self, written: Written) -> None:
        if not is_change(written):
            return
        if len(self.first) < CLAIMS_SHOWN or _claim(written) < _claim(self.first[-1]):
            insort(self.first, written, key=_claim)
            del self.first[CLAIMS_SHOWN:]


def _claim(written: Written) -> str:
    return written.claim or ""
