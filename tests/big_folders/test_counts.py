"""What the pass over a folder tells of all of it: how much there is, and which version of FHIR it is in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from adapter.evidence.store import EvidenceStore, Located
from adapter.evidence.versions import Versions
from adapter.sources.folder.index import Index
from adapter.sources.folder.scan import Contents
from adapter.sources.walk import Reading

ELSEWHERE = "http://other.example/fhir"


@pytest.mark.parametrize(
    ("looked_at", "aside", "resources", "distinct", "claims"),
    [
        pytest.param([], [], 0, 0, 0, id="nothing"),
        pytest.param([("", "Claim/1")], ["Claim/2", "Encounter/1"], 3, 3, 2, id="all different"),
        pytest.param([("", "Claim/1")], ["Claim/1"], 2, 1, 1, id="one that was put aside in another version"),
        pytest.param([], ["Claim/1", "Claim/1", "Procedure/1"], 3, 2, 1, id="twice aside"),
        pytest.param([("", "Claim/1"), ("", "Claim/1")], [], 2, 1, 1, id="twice looked at"),
        pytest.param([("", "Patient/1"), (ELSEWHERE, "Patient/1")], [], 2, 2, 0, id="the same id on another server"),
        pytest.param([(ELSEWHERE, "Encounter/1")], ["Encounter/1"], 2, 2, 0, id="aside here, looked at elsewhere"),
        pytest.param([("", "ClaimResponse/1")], ["Claim/1"], 2, 2, 1, id="a response is no claim"),
    ],
)
def test_what_is_counted(
    looked_at: list[tuple[str, str]], aside: list[str], resources: int, distinct: int, claims: int, tmp_path: Path
) -> None:
    index = Index(tmp_path / "index.sqlite", 1_000_000)
    for number, (scope, key) in enumerate(looked_at):
        index.resource(number, key, None, scope=scope, claim=key.startswith("Claim/"))
    for number, key in enumerate(aside):
        index.aside(key, 1, number, 1, number)
    index.complete()
    assert index.count() == (resources, distinct)
    assert index.claims() == claims
    index.close()


@pytest.mark.parametrize(
    ("told", "version"),
    [({}, None), ({"r4": 3}, "r4"), ({"r5": 1}, "r5"), ({"r4": 3, "r5": 1}, None)],
    ids=["nothing tells", "only r4", "only r5", "both, so each tells for itself"],
)
def test_the_version_of_all_input(told: dict[str, int], version: str | None) -> None:
    assert Contents(Reading(), told=Counter(told)).version() == version


@pytest.mark.parametrize(("of_all", "told"), [("r5", "r5"), (None, "r4")], ids=["of all input", "by itself"])
def test_where_all_input_is_in_one_version_no_resource_is_asked(of_all: str | None, told: str) -> None:
    encounter = Located({"resourceType": "Encounter", "id": "1", "period": {"start": "2026-01-01"}})
    assert Versions(EvidenceStore(version=of_all), "r4").of(encounter) == told
