"""What the differences of many answers come to: how many, which lines from what to what, why, and how much money.

Answers are taken one at a time and not kept, so the sums of a million take no more room than those of ten.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from enum import StrEnum
from typing import Self, TypeVar

from adapter.answers.answer import Action, Written
from adapter.answers.difference import Difference, LineDifference
from adapter.answers.said import Standing

Move = tuple[Standing, Standing]
"""From what to what."""
Reason = tuple[str, str]
"""(CARC, RARC or issue; code), or (decision; rule)."""
K = TypeVar("K", bound=Hashable)
EXACT = Context(prec=1000)
"""Digits enough for whatever number JSON holds beside any other: no amount is too large, and no cent is lost."""


class Effect(StrEnum):
    """What a dry run says would become of the answer to a claim, whatever resources that takes."""

    CREATE = "create"
    CHANGE = "change"
    LEAVE = "leave"
    REMOVE = "remove"
    FAIL = "fail"


UNCHANGING = frozenset({Effect.LEAVE, Effect.FAIL})
"""After these the answer is what it was."""


@dataclass
class Swaps:
    """On how many lines something is no longer said, and on how many it is newly said."""

    gone: int = 0
    new: int = 0


@dataclass
class Totals:
    """Sums over answers.

    Reasons are counted where an answer takes the place of another, so that what is new does not hide what changed. What
    is said of a claim beside its lines counts as a line there, but moves nowhere.
    """

    answers: Counter[Effect] = field(default_factory=Counter)
    claims: Counter[Move] = field(default_factory=Counter)
    lines: Counter[Move] = field(default_factory=Counter)
    submitted: dict[Move, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))
    """By move and currency (empty where none is stated): the amounts submitted on the lines that moved."""
    rules: dict[Reason, Swaps] = field(default_factory=lambda: defaultdict(Swaps))
    codes: dict[Reason, Swaps] = field(default_factory=lambda: defaultdict(Swaps))
    policies: dict[str, Swaps] = field(default_factory=lambda: defaultdict(Swaps))

    @classmethod
    def of(cls, written: Iterable[Written]) -> Self:
        totals = cls()
        for each in written:
            totals.add(each)
        return totals

    def add(self, written: Written) -> None:
        """Count one answer."""
        self.answers[effect(written)] += 1
        if written.difference is not None:
            self._add_difference(written.difference)

    def absorb(self, other: Totals) -> None:
        """Count what was counted elsewhere."""
        self.answers += other.answers
        self.claims += other.claims
        self.lines += other.lines
        for move, sums in other.submitted.items():
            for currency, value in sums.items():
                self._add_money(move, currency, value)
        _add_swaps(self.rules, other.rules)
        _add_swaps(self.codes, other.codes)
        _add_swaps(self.policies, other.policies)

    def _add_difference(self, difference: Difference) -> None:
        before, after = difference.before.standing, difference.after.standing
        if before is not after:
            self.claims[before, after] += 1
        for each in difference.lines:
            if each.moved:
                self._add_move(each)
            if Standing.NO_ANSWER not in (before, after):
                _swap(self.rules, each.before.rules, each.after.rules)
                _swap(self.codes, each.before.codes, each.after.codes)
                _swap(self.policies, each.before.policies, each.after.policies)

    def _add_move(self, line: LineDifference) -> None:
        move = (line.before.standing, line.after.standing)
        self.lines[move] += 1
        if amount := line.submitted:
            self._add_money(move, amount.currency, amount.value)

    def _add_money(self, move: Move, currency: str, value: Decimal) -> None:
        sums = self.submitted[move]
        sums[currency] = EXACT.add(sums.get(currency, Decimal(0)), value)


def is_change(written: Written) -> bool:
    """Whether a run would leave another answer than there is."""
    return effect(written) not in UNCHANGING


def effect(written: Written) -> Effect:
    """An outcome that takes the place of a ClaimResponse, or the other way round, changes the answer to a claim."""
    if written.action is Action.FAILED:
        return Effect.FAIL
    if written.action is Action.REMOVED:
        return Effect.REMOVE
    if not written.difference:
        return Effect.CREATE if written.action is Action.CREATED else Effect.LEAVE
    return Effect.CREATE if written.difference.before.standing is Standing.NO_ANSWER else Effect.CHANGE


def _add_swaps(into: dict[K, Swaps], other: Mapping[K, Swaps]) -> None:
    for each, swaps in other.items():
        into[each].gone += swaps.gone
        into[each].new += swaps.new


def _swap(into: dict[K, Swaps], before: frozenset[K], after: frozenset[K]) -> None:
    for each in before - after:
        into[each].gone += 1
    for each in after - before:
        into[each].new += 1
