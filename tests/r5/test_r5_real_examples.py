"""R5 that others wrote: told from R4, valid, and read without a complaint.

``FHIR_EXAMPLES`` names a folder with folders of examples, those of R5 with ``r5`` in their name; without it a
converted story stands in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from answers.story_stages import bundle_of
from r5.convert import to_r5

from adapter.evidence.store import EvidenceStore, Located
from adapter.evidence.versions import Versions
from adapter.fhir.validation import structural_issues
from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import load_mappings
from adapter.mapping.mapper import Mapper
from adapter.sources.files import Reading, read_files

EXAMPLES = os.environ.get("FHIR_EXAMPLES")
FOLDERS = sorted(Path(EXAMPLES).glob("*r5*")) if EXAMPLES else [None]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name if folder else "a story")
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EvidenceStore:
    (tmp_path / "bundle.json").write_text(json.dumps(to_r5(bundle_of("0592t-approved"))), encoding="utf-8")
    found = EvidenceStore()
    found.extend(read_files(request.param or tmp_path, Reading()))
    return found


@cache
def mapper() -> Mapper:
    mappings = load_mappings(Layers.of(shipped_mappings()), "r5")
    return Mapper(mappings.resources, mappings.systems)


def read(store: EvidenceStore) -> Iterator[Located]:
    return (each for each in store.everything() if mapper().knows(each))


def test_all_of_it_is_told_from_r4(store: EvidenceStore) -> None:
    versions = Versions(store, "r4")
    assert {each.key: versions.of(each) for each in store.everything() if versions.of(each) != "r5"} == {}


def test_all_of_it_is_valid_and_read(store: EvidenceStore) -> None:
    faults = [issue.text for each in read(store) for issue in structural_issues(each, "r5")]
    faults += [issue.text for each in read(store) for issue in mapper().record(each).issues]
    assert faults == []
