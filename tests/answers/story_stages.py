"""Runs FHIR input through the adapter in memory and keeps what each stage made of it: sessions, decisions, answers."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from adapter.answers.answer import Answer
from adapter.answers.decisions import line_json
from adapter.bootstrap import build
from adapter.coverage.adjudicate import determine as real
from adapter.coverage.finding import Determination
from adapter.reconcile.adjudicator import Adjudicator
from adapter.session.model import CoachingSession
from adapter.settings import Settings
from adapter.sync.files import Order, sync_files
from adapter.sync.report import Report

Json = dict[str, Any]

FIXTURES = Path(__file__).parents[2] / "fixtures"
CLINIC = FIXTURES / "clinic"
STORIES = sorted(path.parent for path in FIXTURES.glob("stories/*/0_bundle.json"))
STAGES = ("1_session.json", "2_determination.json", "3_response.json")
NOW = "2026-01-31T12:00:00-05:00"


@cache
def shipped() -> Adjudicator:
    """The adjudicator of the shipped mappings and default settings, whatever the environment says."""
    return build(Settings.model_construct())


@dataclass(frozen=True)
class Run:
    """What came of one input: the report, and the sessions every determination was drawn from."""

    report: Report
    answers: tuple[Answer, ...]
    sessions: tuple[CoachingSession, ...]

    def responses(self) -> list[Json]:
        return [each.response for each in self.answers if each.response is not None]

    def outcomes(self) -> list[Json]:
        return [each.outcome for each in self.answers if each.outcome is not None]

    def provenances(self) -> list[Json]:
        return [each.provenance for each in self.answers if each.provenance is not None]


def run(source: Path, adjudicator: Adjudicator | None = None, out: Path | None = None, ids: Sequence[str] = ()) -> Run:
    """Decide everything under a path; the answers are written to ``out``, or to a folder that is thrown away."""
    seen: list[CoachingSession] = []
    given: list[Answer] = []

    def determine(sessions: Sequence[CoachingSession], *arguments: Any) -> Determination:
        seen.extend(sessions)
        return real(sessions, *arguments)

    with tempfile.TemporaryDirectory() as folder, mock.patch("adapter.reconcile.reconciliation.determine", determine):
        order = Order(source, out or Path(folder), datetime.fromisoformat(NOW), ids)
        report = sync_files(order, adjudicator or shipped(), lambda *_: None, keep=given.extend)
    return Run(
        report,
        tuple(sorted(given, key=lambda each: each.claim or "")),
        tuple(sorted(seen, key=lambda each: (each.claim.id, each.line.sequence))),
    )


def run_resources(*resources: Any, adjudicator: Adjudicator | None = None) -> Run:
    """Decide resources, each a line of one NDJSON file; a Bundle may be one of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.ndjson"
        path.write_text("\n".join(json.dumps(each) for each in resources), encoding="utf-8")
        return run(path, adjudicator)


@cache
def clinic() -> Run:
    return run(CLINIC)


@cache
def story(name: str) -> Run:
    return run(FIXTURES / "stories" / name / "0_bundle.json")


def bundle_of(name: str) -> Json:
    """The input of a story, anew each time."""
    found: Json = json.loads((FIXTURES / "stories" / name / "0_bundle.json").read_text(encoding="utf-8"))
    return found


def part(bundle: Json, kind: str, ends: str = "") -> Json:
    """The one resource of a type in a Bundle, of those whose id ends in ``ends``."""
    found: list[Json] = [
        each["resource"]
        for each in bundle["entry"]
        if each["resource"]["resourceType"] == kind and each["resource"]["id"].endswith(ends)
    ]
    assert len(found) == 1, f"{len(found)} {kind} ending in {ends!r}"
    return found[0]


def stages(name: str) -> dict[str, Any]:
    """The contents of the later files of a story."""
    done = story(name)
    responses = [
        each for answer in done.answers for each in (answer.response, answer.outcome, answer.provenance) if each
    ]
    contents = (
        [as_json(each) for each in done.sessions],
        [
            line_json(line, each.determination.claim)
            for each in done.answers
            if each.determination is not None
            for line in each.determination.lines
        ],
        responses,
    )
    return dict(zip(STAGES, contents, strict=True))


def as_json(value: Any) -> Any:
    """A session as JSON: field by field; dates, moments and amounts as they print; nothing is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if type(value).__str__ is not object.__str__ and type(value).__name__ in ("Moment", "Days", "Origin"):
            return str(value)
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [as_json(each) for each in value]
    if value is None or isinstance(value, bool | int):
        return value
    return str(value) if not isinstance(value, Decimal) else format(value, "f")
