"""Synchronisation from files to a folder of any size: one pass finds the claims in scope, then portions are decided."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import IO

from adapter.answers.answer import Answer, Written
from adapter.answers.operation_outcome import UNREADABLE, operation_outcome
from adapter.errors import Issue
from adapter.fhir.version import NAMES, READ_AS
from adapter.reconcile.adjudicator import Adjudicator
from adapter.sinks.earlier_files import EarlierAnswers
from adapter.sinks.spool import Spool, Spooled
from adapter.sinks.told import told_of, told_of_temporary
from adapter.sources.folder.followed import not_followed
from adapter.sources.folder.index import Due, Index
from adapter.sources.folder.portions import Portions, Whole
from adapter.sources.folder.relevance import Relevance
from adapter.sources.folder.scan import Contents, Scan
from adapter.sources.folder.unchanged import refuse_changed
from adapter.sources.walk import Reading, files_under
from adapter.sync.folder_trail import NO_TRAIL, FolderTrail
from adapter.sync.into_folder import Comparing, Writing, into_folder
from adapter.sync.memory import collected_between_portions
from adapter.sync.report import Progress, Report
from adapter.sync.work import Done, Sink, Work, decided

MB = 1_000_000
FEWEST = 50
"""Claims that a portion has, however much there is: most of a payer's export speaks about nobody of the portion."""
Keep = Callable[[Sequence[Answer]], None]
Folder = Writing | Comparing


@dataclass(frozen=True, slots=True)
class Way:
    """How a folder is worked off; none of it changes an answer."""

    processes: int = 1
    portion: int = 400
    """Claims decided together: enough that what they share is read once."""
    portion_bytes: int = 16 * MB
    """What may speak about the claims of a portion, on the average of the folder; in memory it takes thirty times as
    much, and a patient whose other claims are many is read with all of them."""
    memory: int = 64 * MB
    """Bytes of the index that each process holds in memory; the rest is on the disk."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be decided, and whether to write it. ``ids``: only these claims; of none, all."""

    source: Path
    out: Path
    instant: datetime
    ids: Sequence[str] = ()
    dry_run: bool = False


def sync_files(
    order: Order,
    adjudicator: Adjudicator,
    tell: Progress,
    way: Way = Way(),
    keep: Keep | None = None,
    trail: FolderTrail = NO_TRAIL,
) -> Report:
    """Decide the claims of a file or folder and write the answers to another.

    ``keep`` is given the answers as well, where one process does the work.

    Raises:
        SourceError: the source cannot be read.
        UsageError: the folder for the answers cannot be written; in a dry run, the one for temporary files.
    """
    report = Report(structure_trusted=adjudicator.trust_structure)
    with ExitStack() as stack:
        stack.enter_context(collected_between_portions())
        stack.enter_context(told_of_temporary() if order.dry_run else told_of(order.out))
        folder = stack.enter_context(into_folder(order.out, dry_run=order.dry_run, whole=True))
        run = _Run(order, adjudicator, report, tell, way, _beside(folder, stack), trail)
        stack.callback(run.close)
        run.scan()
        for done in run.decide(folder, keep):
            trail.put_lines(done.events)  # before: what cannot be entered is not answered
            folder.collect(done.taken)
        unreadable = [] if order.ids else [_unreadable(each) for each in report.reading.issues]
        report.count(unreadable)
        if keep:
            keep(unreadable)
        folder.take(unreadable)
        if not _asked_in_vain(order, report):
            if isinstance(folder, Writing):
                trail.files_written(report.summary()["claim_responses"])
            folder.finish(report)
    return report


def _asked_in_vain(order: Order, report: Report) -> bool:
    """Whether none of the claims asked for is there: then nothing takes the place of what the folder holds."""
    return bool(order.ids) and len(report.missing) == len(set(order.ids))


def _beside(folder: Folder, stack: ExitStack) -> Path:
    """Where a run keeps its own files: beside the answers, or where none are written, in a place that goes."""
    if isinstance(folder, Writing):
        return folder.files.beside
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adapter-")))


@dataclass
class _Run:
    order: Order
    adjudicator: Adjudicator
    report: Report
    tell: Progress
    way: Way
    beside: Path
    trail: FolderTrail
    index: Index = field(init=False)
    contents: Contents = field(init=False)
    at_once: bool = False
    """Whether a portion has to be all there is, for the mappings ask for what no token is made of."""
    _names: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.index = Index(self.beside / "index.sqlite", self.way.memory)
        self.contents = Contents(self.report.reading)

    def close(self) -> None:
        self.index.close()

    def scan(self) -> None:
        """The pass over all input."""
        adjudicator, source = self.adjudicator, self.order.source
        scan = Scan(
            source, self.index, self.relevance, adjudicator.in_scope, adjudicator.limits, self._spool_of, self.contents
        )
        for problem in not_followed(adjudicator.loaded):
            self.at_once = True
            self.report.warnings.append(problem)
        total = _bytes_under(source)
        scan.run(lambda done: self.tell("MB read", done // MB, total and total // MB))
        resources, distinct = self.index.count()
        self.report.superseded = resources - distinct
        self._warn_of_misread()

    def decide(self, folder: Folder, keep: Keep | None) -> Iterator[Done]:
        """Every claim in scope of those asked for; each portion as it is done."""
        total = len(self.order.ids) or self.index.count_due()
        processes = 1 if self.at_once else min(self.way.processes, -(-total // self.portion)) or 1
        so_far, used = 0, set[int]()
        for done in decided(self._asked_for(), lambda: self._work(processes, folder, keep), processes):
            so_far += done.claims
            used |= done.files
            self.report.tally.add(done.tally)
            self.report.unanswered += done.unanswered
            self.report.out_of_scope += done.out_of_scope
            self.tell("claims decided", so_far, total)
            yield done
        refuse_changed(each for number, each in self.index.files().items() if number in used)
        self.report.out_of_scope += self._beside_the_scope(so_far)

    def _asked_for(self) -> Iterator[list[Due]]:
        wanted = {f"Claim/{id}" for id in self.order.ids}
        due = (each for each in self.index.due() if not wanted or each.key in wanted)
        return portions_of(due, sys.maxsize if self.at_once else self.portion)

    @cached_property
    def relevance(self) -> Relevance:
        return Relevance.of(self.adjudicator.loaded, self.adjudicator.book.codes.ncci)

    @cached_property
    def portion(self) -> int:
        """Claims decided together: the fewer, the more stands beside each."""
        beside = self.contents.bytes // max(self.index.count_due(), 1)
        return min(self.way.portion, max(FEWEST, self.way.portion_bytes // max(beside, 1)))

    def _beside_the_scope(self, decided: int) -> int:
        """How many of the claims asked for are none of ours; those that are not there are told."""
        if not self.order.ids:
            return self.index.claims() - decided
        there = set(self.index.known(f"Claim/{id}" for id in self.order.ids))
        self.report.missing = tuple(sorted(id for id in set(self.order.ids) if f"Claim/{id}" not in there))
        return len(there) - decided

    def _work(self, processes: int, folder: Folder, keep: Keep | None) -> Work:
        if processes > 1:
            self.index.reopen()
        sink: Sink
        if isinstance(folder, Writing):
            sink = _Spooled(Spool(self.beside, f"part{os.getpid()}"), keep)
        else:
            sink = _Compared(folder.earlier if processes == 1 else EarlierAnswers(self.order.out).opened(), keep)
        portions = Portions(self.index, self._whole())
        return Work(
            portions, self.adjudicator, self.order.instant, sink, self.trail.read_events, only=bool(self.order.ids)
        )

    def _whole(self) -> Whole:
        contents = self.contents
        root = self.order.source
        return Whole(
            root,
            self.adjudicator.limits,
            contents.base,
            contents.versions(),
            contents.version(),
            contents.statements,
            self.at_once,
            contents.other_names,
            self.relevance.kinds,
        )

    def _spool_of(self, path: Path) -> IO[bytes]:
        return (self.beside / f"unpacked-{next(self._names)}-{path.stem}").open("wb")

    def _warn_of_misread(self) -> None:
        if self.adjudicator.others:
            return
        version = self.adjudicator.mappings.version
        misread = sum(times for told, times in self.contents.told.items() if told != READ_AS[version])
        if misread:
            self.report.warnings.append(
                f"{misread} resources are written in another version of FHIR than {NAMES[version]}, and were read as it"
            )


def portions_of(due: Iterable[Due], size: int) -> Iterator[list[Due]]:
    """Claims in runs of at least ``size``; neither a patient nor a document is torn apart."""
    portion: list[Due] = []
    for each in due:
        last = portion[-1] if portion else each
        together = each.patient == last.patient or (each.document is not None and each.document == last.document)
        if len(portion) >= size and not together:
            yield portion
            portion = []
        portion.append(each)
    if portion:
        yield portion


@dataclass
class _Spooled:
    """Answers go to a spool."""

    spool: Spool
    keep: Keep | None

    def take(self, answers: Sequence[Answer]) -> list[Spooled]:
        if self.keep:
            self.keep(answers)
        places = [self.spool.add(each) for each in answers]
        self.spool.flush()
        return places

    def close(self) -> None:
        self.spool.close()


@dataclass
class _Compared:
    """Answers are compared with those of an earlier run, and thrown away."""

    earlier: EarlierAnswers
    keep: Keep | None

    def take(self, answers: Sequence[Answer]) -> list[Written]:
        if self.keep:
            self.keep(answers)
        return [self.earlier.compare(each) for each in answers]

    def close(self) -> None:
        """It is closed by whoever opened it, or with its process."""


def _bytes_under(source: Path) -> int | None:
    """How much there is to read; None where some of it is packed, or cannot be looked at."""
    try:
        sizes = [(path, path.stat().st_size) for path, _ in files_under(source, Reading())]
    except OSError:
        return None
    return None if any(path.suffix.lower() == ".gz" for path, _ in sizes) else sum(size for _, size in sizes)


def _unreadable(issue: Issue) -> Answer:
    """The OperationOutcome of input in which no claim could be recognised, under an id derived from its place."""
    digest = sha256(f"{issue.where} {issue.expression}".encode()).hexdigest()[:24]
    return Answer(None, outcome=operation_outcome([issue], f"{UNREADABLE}{digest}"))
