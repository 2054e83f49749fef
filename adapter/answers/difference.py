"""What a new answer says otherwise than the one that went out before. Pure: two resources in, one difference out.

A difference holds decisions, codes, amounts, names of rules, policies and elements, and no text of either answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from adapter.answers.said import Amount, Line, Said, Standing, said
from adapter.evidence.references import Json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LineDifference:
    """One line of a claim, before and after; ``line`` is None for what is said of the claim beside its lines."""

    line: int | None
    before: Line
    after: Line

    @property
    def moved(self) -> bool:
        """Whether the decision is another; what is said beside the lines is no decision on a line."""
        return self.line is not None and self.before.standing is not self.after.standing

    @property
    def submitted(self) -> Amount | None:
        """What was asked for the line: as the new answer has it, or the old one where the new one names no line."""
        return self.after.submitted or self.before.submitted


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything two answers to one claim say differently; false when that is nothing."""

    before: Said
    after: Said
    lines: tuple[LineDifference, ...] = ()
    """The lines of which something else is said."""
    elements: tuple[str, ...] = ()
    """Names of the elements of the resource whose content is another, decisions and words alike."""

    def __bool__(self) -> bool:
        return bool(self.lines or self.elements or _head(self.before) != _head(self.after))


def difference(old: Json | None, new: Json | None, elements: Iterable[str] = ()) -> Difference:
    """The difference between two answers, each a ClaimResponse in any form, an OperationOutcome, or none.

    Args:
        elements: names of the elements with another content; whoever stores answers knows what counts as the same.
    """
    before, after = said(old), said(new)
    lines = (
        LineDifference(at, _line(before, at), _line(after, at))
        for at in sorted({*before.lines, *after.lines}, key=lambda at: (at is None, at or 0))
    )
    changed = tuple(each for each in lines if each.moved or _says(each.before) != _says(each.after))
    return Difference(before, after, changed, tuple(sorted(elements)))


_WITHOUT_ITEMS = frozenset({Standing.NO_ANSWER, Standing.OPERATION_OUTCOME, Standing.REJECT, Standing.CANCELLED})
"""Answers that hold for every line of the claim, whether or not they name it."""


def _line(answer: Said, at: int | None) -> Line:
    """A line as an answer has it. What an answer does not name stands as the answer does, or has no answer at all."""
    if at in answer.lines:
        return answer.lines[at]
    return Line(answer.standing if at is None or answer.standing in _WITHOUT_ITEMS else Standing.NO_ANSWER)


def _says(line: Line) -> tuple[object, ...]:
    return (line.decision, *line.reasons)


def _head(answer: Said) -> tuple[str | None, ...]:
    return (answer.standing, answer.status, answer.outcome, answer.decision)


def gone(before: frozenset[T], after: frozenset[T]) -> list[T]:
    """What is there before and not after, in order; the other way round, what is new."""
    return sorted(before - after)  # type: ignore[type-var] # texts, pairs of texts and amounts all have an order
