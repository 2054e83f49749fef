"""The folder that the answers of a run go to, or in a dry run are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapter.answers.answer import Answer, Written
from adapter.sinks.earlier_files import EarlierAnswers
from adapter.sinks.files import AnswerFiles
from adapter.sinks.spool import Spooled
from adapter.sync.foreseen import Foreseen
from adapter.sync.report import Report


@dataclass
class Writing:
    """Answers take the place of what the folder holds."""

    files: AnswerFiles

    def take(self, answers: Sequence[Answer]) -> None:
        """Answers that this process decided."""
        self.files.add(answers)

    def collect(self, spooled: Sequence[Spooled]) -> None:
        """Answers that stand in a spool beside the files."""
        self.files.collect(spooled)

    def finish(self, report: Report) -> None:
        """All answers have come."""
        self.files.write(report.summary())


@dataclass
class Comparing:
    """Answers are compared with what the folder holds. ``whole``: nothing but these would stand there afterwards."""

    earlier: EarlierAnswers
    whole: bool
    found: Foreseen = field(default_factory=Foreseen)

    def take(self, answers: Sequence[Answer]) -> None:
        """Answers that this process decided."""
        self.found.add(map(self.earlier.compare, answers))

    def collect(self, written: Sequence[Written]) -> None:
        """Answers that were compared elsewhere."""
        for each in written:
            if each.claim is not None:
                self.earlier.seen(each.claim)
        self.found.add(written)

    def finish(self, report: Report) -> None:
        """All answers have come: of whole runs, what none of them was compared with would be gone."""
        if self.whole:
            self.found.add(self.earlier.left())
        report.foresaw(self.found)
        report.warnings += self.earlier.warnings()


@contextmanager
def into_folder(out: Path, *, dry_run: bool, whole: bool) -> Iterator[Writing | Comparing]:
    """The folder of a run, open as long as it runs.

    Raises:
        UsageError: it cannot be written, or in a dry run not be read.
    """
    if dry_run:
        with EarlierAnswers(out) as earlier:
            yield Comparing(earlier, whole)
    else:
        with AnswerFiles(out) as files:
            yield Writing(files)
