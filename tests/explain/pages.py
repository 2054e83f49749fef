"""Explains claims in memory, and reads the page back as a browser would: elements, attributes, text."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from answers.story_stages import CLINIC, NOW, bundle_of, part, shipped

from adapter.answers.answer import Answer
from adapter.cli.explained import ExplainedLine, explained_lines
from adapter.cli.explanation_html import page
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.reconciliation import Reconciliation
from adapter.session.model import CoachingSession
from adapter.sources.files import Reading, read_files

Json = dict[str, Any]
EMPTY = ("meta", "br")


class Page(HTMLParser):
    """A page taken apart; ``unclosed`` is empty when every element ends where it should."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = markup
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.unclosed: list[str] = []
        self._texts: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed, f"</{tag}> ends nothing"
        assert self.unclosed[-1] == tag, f"</{tag}> inside {self.unclosed}"
        self.unclosed.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.unclosed:
            self._texts.append(data)

    @property
    def text(self) -> str:
        """All text in its order, one space where elements meet."""
        return " ".join(" ".join(self._texts).split())

    def of_class(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if wanted in (attributes.get("class") or "").split()]


@dataclass
class Explained:
    """An answer with what its explanation is made from."""

    answer: Answer
    sessions: tuple[CoachingSession, ...]

    @cached_property
    def lines(self) -> list[ExplainedLine]:
        return explained_lines(self.answer, self.sessions, shipped().book)

    @cached_property
    def page(self) -> Page:
        return Page(page(self.answer, self.sessions, shipped().book))


def read(source: Path) -> EvidenceStore:
    store = EvidenceStore()
    store.extend(read_files(source, Reading()))
    return store


def decided(store: EvidenceStore) -> Reconciliation:
    return Reconciliation(shipped(), store, datetime.fromisoformat(NOW))


@cache
def clinic_decided() -> Reconciliation:
    return decided(read(CLINIC))


@cache
def clinic(claim_id: str) -> Explained:
    """A claim of the clinic, decided and ready to be explained."""
    return explain(clinic_decided(), claim_id)


def explain(reconciliation: Reconciliation, claim_id: str) -> Explained:
    claim = reconciliation.store.get(f"Claim/{claim_id}")
    assert claim is not None, claim_id
    answer = reconciliation.answer([claim])[0]
    assert not reconciliation.unanswered
    return Explained(answer, reconciliation.sessions(claim))


def explain_resources(claim_id: str, *resources: Json) -> Explained:
    """A claim of resources or Bundles at hand."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.ndjson"
        path.write_text("\n".join(json.dumps(each) for each in resources), encoding="utf-8")
        return explain(decided(read(path)), claim_id)


def denied_for_three_reasons() -> Explained:
    """29 minutes, an expired certificate, and prediabetes as the only diagnosis."""
    bundle = bundle_of("expired-certificate")
    part(bundle, "Procedure", "certificate-proc")["performedPeriod"]["end"] = "2023-06-01T10:29:00-04:00"
    coding = part(bundle, "Claim")["diagnosis"][0]["diagnosisCodeableConcept"]["coding"][0]
    coding["code"] = "R73.03"
    return explain_resources("expired-certificate", bundle)


def names_in_the_clinic() -> frozenset[str]:
    """Every word of every person's name."""
    store = clinic_decided().store
    people = [each for kind in ("Patient", "Practitioner") for each in store.all(kind)]
    return frozenset(word for each in people for word in _names(each) if word[0].isupper())


def _names(person: Located) -> Iterator[str]:
    for name in person.resource.get("name", []):
        for written in (name.get("family"), name.get("text"), *name.get("given", [])):
            yield from re.findall(r"\w+", written or "")


def words_of(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


def claims_of_the_clinic() -> list[str]:
    return sorted(str(each.id) for each in clinic_decided().store.all("Claim") if shipped().in_scope(each))
