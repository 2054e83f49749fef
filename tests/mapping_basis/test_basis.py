"""What the policies cite can be looked up: every section of our own basis exists, other documents are known ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter.layers import shipped_mappings

MAPPINGS = shipped_mappings()
BASIS = MAPPINGS / "policies" / "common" / "basis.md"
OURS = "Common claim rules"
PUBLISHED: dict[str, frozenset[str]] = {
    # document: its headings, as far as anything rests on them; a part of a section stands in parentheses
    "Cigna A015": frozenset(
        {
            "Purpose",
            "Administrative Policy",
            "General Background",
            "General Background (Behavioral Health Coaching)",
            "General Background (Peer Support Services)",
            "Coding Information",
        }
    ),
    "NCCI practitioner files": frozenset({"2024-07-01"}),
    "NUCC provider taxonomy": frozenset({"Allopathic & Osteopathic Physicians"}),
    "Overview of CPT 0592T": frozenset(
        {
            "Billing Code Overview",
            "Clinical Context",
            "Clinical Context (documentation)",
            "Coding Specifications",
        }
    ),
}
UNCITED = "Not cited:"
"""How a section begins the sentence that explains why no rule cites it."""
INTERNAL = "coverage facts"
"""A note that is not in the repository, so nobody who gets an answer could look it up."""

POLICY_FILES = sorted((MAPPINGS / "policies").glob("*/*.yaml"))
PAYER_FILES = sorted((MAPPINGS / "payers").glob("*.yaml"))


def _named(path: Path) -> str:
    return str(path.relative_to(MAPPINGS))


def _references(data: Any) -> Iterator[tuple[str, str]]:
    """Document and section of every reference in a policy file, however deep."""
    children: list[Any] = []
    if isinstance(data, dict):
        children = list(data.values())
        reference = data.get("reference")
        if isinstance(reference, dict):
            for place in (reference, *reference.get("by_code", {}).values()):
                yield str(place["document"]), str(place["section"])
    elif isinstance(data, list):
        children = data
    for child in children:
        yield from _references(child)


def _references_of(path: Path) -> list[tuple[str, str]]:
    return list(_references(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _all_references() -> list[tuple[str, str]]:
    return [reference for path in POLICY_FILES for reference in _references_of(path)]


def _sections() -> list[tuple[str, str]]:
    """Heading and text of each section of the basis, in order."""
    _, *parts = BASIS.read_text(encoding="utf-8").split("\n## ")
    return [(heading.strip(), text) for heading, _, text in (part.partition("\n") for part in parts)]


HEADINGS = frozenset(heading for heading, _ in _sections())
CITED = frozenset(section for path in POLICY_FILES for document, section in _references_of(path) if document == OURS)


def test_the_basis_is_titled_as_it_is_cited() -> None:
    assert BASIS.read_text(encoding="utf-8").startswith(f"# {OURS}\n")


def test_every_heading_stands_once() -> None:
    headings = [heading for heading, _ in _sections()]
    assert sorted(headings) == sorted(HEADINGS)


@pytest.mark.parametrize("path", [path for path in POLICY_FILES if path.stem != "policy"], ids=_named)
def test_every_rule_file_cites_what_can_be_looked_up(path: Path) -> None:
    references = _references_of(path)
    assert references
    astray = [
        (document, section)
        for document, section in references
        if not set(section.split("; ")) <= (HEADINGS if document == OURS else PUBLISHED.get(document, frozenset()))
    ]
    assert not astray


def test_every_published_section_is_cited() -> None:
    cited = {(document, part) for document, section in _all_references() for part in section.split("; ")}
    listed = {(document, section) for document, sections in PUBLISHED.items() for section in sections}
    assert cited >= listed


@pytest.mark.parametrize(("heading", "text"), _sections(), ids=lambda each: each.partition("\n")[0][:40])
def test_every_section_is_cited_or_says_why_not(heading: str, text: str) -> None:
    assert (heading in CITED) != (UNCITED in text)


@pytest.mark.parametrize(
    ("heading", "text"), [each for each in _sections() if each[0] != "Sources"], ids=lambda each: each[:40]
)
def test_every_section_says_why_and_where_from(heading: str, text: str) -> None:
    assert [mark for mark in ("Why:", "Source:", "Our choice:") if text.count(f"\n- {mark} ") != 1] == [], heading


@pytest.mark.parametrize("path", [*POLICY_FILES, *PAYER_FILES, BASIS], ids=_named)
def test_nothing_points_to_a_note_outside_the_repository(path: Path) -> None:
    assert INTERNAL not in " ".join(path.read_text(encoding="utf-8").lower().split())


def test_every_statement_of_the_source_documents_is_accounted_for() -> None:
    """S01 to S47 number the statements of the two source documents: each is a rule's, or says why it is none."""
    named = [statement for path in POLICY_FILES for statement in yaml.safe_load(path.read_text()).get("statements", [])]
    others = yaml.safe_load((MAPPINGS / "policies" / "statements.yaml").read_text())["statements"]
    assert set(named) | set(others) == {f"S{number:02}" for number in range(1, 48)}
    assert set(named) & set(others) == set()
    assert all(entry["as"].strip() and entry["why"].strip() for entry in others.values())
