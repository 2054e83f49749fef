"""Who hears what a run does: the audit trail and the metrics. A witness changes nothing and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapter.answers.answer import Answer, Written
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile import Unanswered


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

    async def settle(self) -> str:
        return "; ".join([problem for one in self.each if (problem := await one.settle())])
