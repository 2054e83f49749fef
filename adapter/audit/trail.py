"""The witness that enters what a run does in the audit: before anything is written, and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import orjson

from adapter.answers.answer import Action, Answer, Written
from adapter.audit.event import (
    SERIOUS,
    SUCCESS,
    Activity,
    Kind,
    Who,
    activity_event,
    begun_event,
    read_event,
    reference,
    write_event,
)
from adapter.evidence.references import Json, objects
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.reconciliation import Unanswered
from adapter.sources.fhir_client import FhirClient
from adapter.sync.folder_trail import FolderTrail
from adapter.sync.witness import Witness

LEDGER = "OperationOutcome in the ledger of the adapter"
Details = list[tuple[str, str]]


class Book(Protocol):
    """Where events go."""

    def put(self, events: Sequence[bytes]) -> None:
        """Enter events; raises AuditError when they are not safe on the disk."""

    def through(self, client: FhirClient) -> None:
        """Use this client for the network from now on."""

    async def settle(self) -> str:
        """Do what can only be done on the network; returns what could not be done."""


def now() -> str:
    """An instant as FHIR has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Trail(Witness, FolderTrail):
    """Enters events in a book; without one (the audit is off) it does nothing."""

    def __init__(self, book: Book | None, who: Who, clock: Callable[[], str] = now) -> None:
        self._book, self._who, self._clock = book, who, clock
        self._patients: dict[str | None, str | None] = {}
        self._due: dict[str | None, list[Answer]] = {}
        """Answers that are about to be written, by claim."""

    # --- as a witness

    def read(self, claims: Sequence[Located], store: EvidenceStore) -> None:
        if self._book is not None:
            self._patients.update(_patients(claims))

    def decided(self, answers: Sequence[Answer], unanswered: Sequence[Unanswered]) -> None:
        names = [*(each.claim for each in answers), *(each.claim for each in unanswered)]
        patients = {name: self._patients.pop(name, None) for name in names}
        self.put(self._read_events(answers, unanswered, patients))

    def writing(self, answers: Sequence[Answer]) -> None:
        if self._book is None:
            return
        for each in answers:
            self._due.setdefault(each.claim, []).append(each)
        claims = [each.claim for each in answers if each.claim]
        if claims:
            self.put([begun_event(self._who, self._clock(), claims)])

    def wrote(self, written: Sequence[Written]) -> None:
        self.put([event for each in written for event in self._written(each)])

    async def settle(self) -> str:
        return "" if self._book is None else await self._book.settle()

    def through(self, client: FhirClient) -> None:
        """What goes to the server goes by this client from now on."""
        if self._book is not None:
            self._book.through(client)

    # --- for those who have no server

    def read_events(
        self, claims: Sequence[Located], answers: Sequence[Answer], unanswered: Sequence[Unanswered]
    ) -> list[bytes]:
        """What is to be put when the claims of a portion are read and decided; made where they were decided."""
        if self._book is None:
            return []
        return _lines(self._read_events(answers, unanswered, dict(_patients(claims))))

    def files_written(self, counts: Mapping[str, int]) -> None:
        """The answers are about to take their place in a folder, all at once."""
        details = [(name, str(count)) for name, count in counts.items()]
        self.put([write_event(self._who, self._clock(), Kind.CREATED, "the files of the answers", None, details)])

    def looked_at(self, located: Located, patient: str | None) -> None:
        """One resource was read, and is about to be shown."""
        self.put([write_event(self._who, self._clock(), Kind.LOOKED_AT, located.versioned, patient, [])])

    def put(self, events: Sequence[Json] | Iterator[Json]) -> None:
        """Enter events.

        Raises:
            AuditError: they are not on the disk.
        """
        if self._book is not None:
            self.put_lines(_lines(events))

    def put_lines(self, lines: Sequence[bytes]) -> None:
        """As ``put``, of events that are written already."""
        if self._book is not None and lines:
            self._book.put(lines)

    def note(self, activity: Activity, *, failed: bool = False) -> None:
        """Enter what the adapter itself does."""
        outcome = SERIOUS if failed else SUCCESS
        self.put([activity_event(self._who, self._clock(), activity, [], outcome)])

    # --- events

    def _read_events(
        self,
        answers: Sequence[Answer],
        unanswered: Sequence[Unanswered],
        patients: Mapping[str | None, str | None],
    ) -> Iterator[Json]:
        instant = self._clock()
        if self._book is None:
            return
        for answer in answers:
            evidence = [str(each["what"]["reference"]) for each in (answer.provenance or {}).get("entity", [])]
            details = [("decision", _decision(answer)), *_policies(answer)]
            patient = _patient_of(answer) or patients.get(answer.claim)
            yield read_event(self._who, instant, answer.claim or "", patient, details, evidence)
        for each in unanswered:
            details = [("decision", "none, for it failed")]
            yield read_event(self._who, instant, each.claim or "", patients.get(each.claim), details, [], SERIOUS)

    def _written(self, written: Written) -> Iterator[Json]:
        """One event for each resource; of what a dry run would write nothing was announced."""
        announced = self._due.get(written.claim)
        if not announced:
            return
        answer = announced.pop()
        details = [("claim", f"Claim/{written.claim}")] if reference(f"Claim/{written.claim}") else []
        details += _policies(answer)
        outcome = SERIOUS if written.action is Action.FAILED else SUCCESS
        for kind, target in _targets(written, answer):
            yield write_event(self._who, self._clock(), kind, target, _patient_of(answer), details, outcome)
        if not announced:
            del self._due[written.claim]


def _targets(written: Written, answer: Answer) -> Iterator[tuple[Kind, str]]:
    """What was written for a claim, and how: its answer, and what a Provenance or a withdrawal is beside it."""
    own = "OperationOutcome" if answer.response is None else "ClaimResponse"
    kind = Kind.CREATED if written.action is Action.CREATED else Kind.UPDATED
    if written.action is not Action.UNCHANGED and not any(each.startswith(own) for each in written.targets):
        yield kind, LEDGER if own == "OperationOutcome" else own
    for each in written.targets:
        if each.startswith(own):
            yield kind, each
        else:
            yield (Kind.CREATED if each.startswith("Provenance") else Kind.UPDATED), each


def _lines(events: Sequence[Json] | Iterator[Json]) -> list[bytes]:
    return [orjson.dumps(each) for each in events]


def _patients(claims: Sequence[Located]) -> Iterator[tuple[str | None, str | None]]:
    for each in claims:
        patient = each.resource.get("patient")
        yield each.id, patient.get("reference") if isinstance(patient, dict) else None


def _patient_of(answer: Answer) -> str | None:
    found = (answer.response or {}).get("patient")
    return reference(found.get("reference")) if isinstance(found, dict) else None


def _policies(answer: Answer) -> Details:
    """The policies that decided, with their versions: those that the Provenance of the answer names."""
    return [("policy", str(each)) for each in (answer.provenance or {}).get("policy", [])]


def _decision(answer: Answer) -> str:
    if answer.determination is not None and answer.response is not None:
        return answer.determination.decision.name
    if answer.outcome is not None:
        codes = sorted({str(each.get("code")) for each in objects(answer.outcome.get("issue"))})
        return f"OperationOutcome ({', '.join(codes)})"
    return "cancelled" if (answer.response or {}).get("status") == "cancelled" else "none"
