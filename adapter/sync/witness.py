"""Who hears what a run does: the audit trail and the metrics. A witness changes nothing and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

from adapter.answers.answer import Answer, Written
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.reconciliation import Unanswered


class Stage(StrEnum):
    """What a run spends its time on; ``RECONCILE`` is the whole of it, for one chunk of claims."""

    RECONCILE = "reconcile"
    LOOK_UP = "look_up"
    """What there is of answers to the claims."""
    GATHER = "gather"
    DECIDE = "decide"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Concluded:
    """What a chunk came to, each claim once: who was decided anew after a conflict is in here for the last time only.

    ``answers`` are those that stand now, ``written`` also names those that failed.
    """

    answers: Sequence[Answer]
    written: Sequence[Written]
    store: EvidenceStore


class Witness:
    """Hears of claims in chunks, in this order; each method does nothing unless a witness says otherwise."""

    def read(self, claims: Sequence[Located], store: EvidenceStore) -> None:
        """The claims of a chunk were read, with all that speaks about them."""

    def decided(self, answers: Sequence[Answer], unanswered: Sequence[Unanswered]) -> None:
        """They were decided; nothing is written yet."""

    def writing(self, answers: Sequence[Answer]) -> None:
        """The answers are about to be written; who raises, prevents it."""

    def wrote(self, written: Sequence[Written]) -> None:
        """What became of each answer on the server; ``problem`` says why it failed."""

    def concluded(self, concluded: Concluded) -> None:
        """What counts of it in the end, as the report does."""

    def left(self, unanswered: Sequence[Unanswered]) -> None:
        """Claims that stay without an answer this time, whatever the reason; it may also come alone."""

    def stage(self, _stage: Stage) -> AbstractContextManager[object]:
        """Around each stage of a chunk; several chunks may be under way, each in a task of its own."""
        return nullcontext()

    async def settle(self) -> str:
        """What is left to be done on the network is done; returns what could not be, empty when all is."""
        return ""


NOBODY = Witness()


@dataclass(frozen=True)
class Witnesses(Witness):
    """Several as one."""

    each: Sequence[Witness] = ()

    def read(self, claims: Sequence[Located], store: EvidenceStore) -> None:
        for one in self.each:
            one.read(claims, store)

    def decided(self, answers: Sequence[Answer], unanswered: Sequence[Unanswered]) -> None:
        for one in self.each:
            one.decided(answers, unanswered)

    def writing(self, answers: Sequence[Answer]) -> None:
        for one in self.each:
            one.writing(answers)

    def wrote(self, written: Sequence[Written]) -> None:
        for one in self.each:
            one.wrote(written)

    def concluded(self, concluded: Concluded) -> None:
        for one in self.each:
            one.concluded(concluded)

    def left(self, unanswered: Sequence[Unanswered]) -> None:
        for one in self.each:
            one.left(unanswered)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        with ExitStack() as stack:
            for one in self.each:
                stack.enter_context(one.stage(stage))
            yield

    async def settle(self) -> str:
        return "; ".join([problem for one in self.each if (problem := await one.settle())])
