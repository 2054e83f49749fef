"""Writes the answers that an export led to, without going over what happened on the server since.

A claim that changed meanwhile, or whose answer somebody gave meanwhile, is read and decided again by the one path that
every sync takes; so is one that gets an OperationOutcome, which names places: on a server, not in a file of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.claim_response import answer_identifier
from adapter.evidence.references import Json, objects
from adapter.reconcile.reconciliation import Unanswered
from adapter.session.time import parse_moment
from adapter.sinks.answers_in_files import answers_in
from adapter.sinks.on_server import OnServer, same_content
from adapter.sinks.server import ServerSink
from adapter.sinks.step import CONFLICT
from adapter.sources.dependents import Dependents, NoTimes
from adapter.sources.refusals import Refused, Unserved
from adapter.sync.bulk.changes import Stop, ends, never, reconcile_ids
from adapter.sync.bulk.recount import recounted
from adapter.sync.halving import by_halves
from adapter.sync.reconciler import Reconciler
from adapter.sync.report import Progress, Report
from adapter.sync.spoilt import Blame

OVERLAP = timedelta(seconds=30)
"""What is asked for again from before a server's instant: what was being written then may not have been in sight."""
_PASSED_OVER = "Warning (structure)"


@dataclass
class WriteBack:
    """Writes the answers in a folder to the server; ``instant`` is the server's when it exported."""

    reconciler: Reconciler
    sink: ServerSink
    instant: datetime
    report: Report
    tell: Progress
    again: set[str] = field(default_factory=set)
    """Claims to read and decide anew."""
    failed: set[str] = field(default_factory=set)
    """Claims whose answer the server refused, or could not serve us for: they stay unanswered."""
    stop: Stop = never
    _blame: Blame = field(init=False)

    def __post_init__(self) -> None:
        self._blame = Blame(self.reconciler.source.client)

    async def write(self, answers: Path) -> None:
        """Write what stands, then decide the rest anew. Each claim is counted once, as it was finally decided."""
        moved = await self._moved()
        found = answers_in(answers)
        total = self.report.tally.claims
        done = 0
        while some := list(islice(found, self.reconciler.source.chunk_size)):
            if ends(self.report, self.stop):
                break
            await self._write([each for each in some if not self._set_aside(each, moved)])
            done += len(some)
            self.tell("answers written", done, total)
        if elsewhere := self.again | self.failed:
            self.report.tally = recounted(answers, self.report.tally, elsewhere)
        await reconcile_ids(self.reconciler, sorted(self.again), self.report, self.tell, self.stop)

    async def _moved(self) -> set[str] | None:
        """The claims that may have another answer since the export, or be gone; None when the server cannot tell."""
        since = (self.instant - OVERLAP).isoformat(timespec="seconds")
        dependents = Dependents(self.reconciler.source)
        try:
            changed = await dependents.changed_since(since)
            gone = [each for each in await dependents.deleted_since(since) if dependents.matters(each)]
            claims = await dependents.claims_of(changed, gone)
        except NoTimes:
            return None
        except (Refused, Unserved) as fault:
            await self._blame.reason(fault)
            return None
        deleted = {name.partition("/")[2] for name in gone if name.startswith("Claim/")}
        return deleted | {each.id for each in claims if each.id}

    def _set_aside(self, answer: Answer, moved: set[str] | None) -> bool:
        claim = answer.claim or ""
        if (
            moved is not None
            and claim not in moved
            and answer.response is not None
            and not _names_places(answer.response)
        ):
            return False
        self.again.add(claim)
        return True

    async def _write(self, answers: Sequence[Answer]) -> None:
        """Write these; where the server fails at it, in halves, so that only those stay out that it fails for."""
        if not answers:
            return
        _, spoilt = await by_halves(answers, self._write_together, self._blame.reason)
        for answer, why in spoilt:
            self.report.unanswered.append(Unanswered(answer.claim, why))
            self.failed.add(str(answer.claim))

    async def _write_together(self, answers: Sequence[Answer]) -> None:
        known = await self.sink.look_up(each.claim for each in answers if each.claim)
        due = [each for each in answers if not self._answered_since(each, known)]
        witness = self.reconciler.witness
        if not self.reconciler.dry_run:
            witness.writing(due)
        written = await self.sink.write(due, known, dry_run=self.reconciler.dry_run)
        witness.wrote(written)
        self._blame.went_well()
        # Only now: of an attempt that failed nothing is noted.
        self.again |= {str(each.claim) for each in answers} - {str(each.claim) for each in due}
        if problem := await witness.settle():
            self._note_late(due, problem)
        self.again |= {str(each.claim) for each in written if each.problem == CONFLICT}
        self._note([each for each in written if each.problem != CONFLICT])

    def _note_late(self, answers: Sequence[Answer], problem: str) -> None:
        """What is not told of does not count as done."""
        late = sorted({str(each.claim) for each in answers} - self.again - self.failed)
        self.report.unanswered += [Unanswered(name, problem) for name in late]
        self.failed |= set(late)

    def _answered_since(self, answer: Answer, known: Mapping[str, OnServer]) -> bool:
        """Whether somebody gave another answer after the export; it may rest on newer evidence."""
        current = known[answer_identifier(str(answer.claim))].current
        if current is None or same_content(answer.response or {}, current, self.sink.client.base):
            return False
        updated = _last_updated(current)
        return updated is None or updated >= self.instant - OVERLAP

    def _note(self, written: Sequence[Written]) -> None:
        self.report.wrote(written, dry_run=self.reconciler.dry_run)
        for each in written:
            if each.action is Action.FAILED:
                problem = f"the answer could not be written: {each.problem}"
                self.report.unanswered.append(Unanswered(each.claim, problem))
                self.failed.add(str(each.claim))
            elif each.problem:
                self.report.warnings.append(f"Claim/{each.claim}: {each.problem}")


def _names_places(response: Json) -> bool:
    """Whether a note names the file and line of something; only those of elements passed over do."""
    return any(str(note.get("text")).startswith(_PASSED_OVER) for note in objects(response.get("processNote")))


def _last_updated(resource: Json) -> datetime | None:
    meta = resource.get("meta")
    try:
        return parse_moment(str(meta.get("lastUpdated")) if isinstance(meta, dict) else "").instant
    except ValueError:
        return None
