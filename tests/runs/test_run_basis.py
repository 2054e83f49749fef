"""What decides has a digest: the same on every machine that decides alike, another wherever one thing differs."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from adapter.bootstrap import build, mapping_layers
from adapter.layers import shipped_mappings
from adapter.reconcile.adjudicator import Adjudicator
from adapter.runs.basis import basis_of
from adapter.runs.model import Basis
from adapter.settings import Settings

SITE = Path(__file__).parents[2] / "fixtures" / "site" / "mappings"


def _basis(*overlays: Path, fhir_version: str = "auto", **settings: Any) -> Basis:
    layers = mapping_layers(overlays)
    told = {name: settings.pop(name) for name in ("lenient", "trust_structure") if name in settings}
    return basis_of(build(Settings(**settings), layers, fhir_version, **told), layers, fhir_version)


@pytest.fixture(scope="module")
def usual() -> Basis:
    return _basis()


@pytest.mark.parametrize(
    ("settings", "differs"),
    [
        pytest.param({}, (), id="the same"),
        pytest.param({"concurrency": 3, "page_size": 7, "chunk_size": 9}, (), id="only how it is asked"),
        pytest.param({"fhir_version": "AUTO"}, (), id="another spelling"),
        pytest.param({"identifier_system": "urn:ours"}, ("settings",), id="how answers are found again"),
        pytest.param({"site_timezone": "America/New_York"}, ("settings",), id="the zone of the site"),
        pytest.param({"max_claim_lines": 7}, ("settings",), id="a limit"),
        pytest.param({"lenient": True}, ("settings",), id="lenient"),
        pytest.param({"trust_structure": True}, ("settings",), id="structure is trusted"),
        pytest.param({"fhir_version": "R4"}, ("settings",), id="one version of FHIR"),
    ],
)
def test_settings(usual: Basis, settings: dict[str, Any], differs: tuple[str, ...]) -> None:
    other = _basis(**settings)
    assert usual.differences(other) == differs
    assert (usual.digest == other.digest) == (differs == ())


def test_nothing_that_decides_is_left_out() -> None:
    mappings = {"mappings", "book", "others"}
    settings = {"identifier_system", "lenient", "limits", "site_timezone", "trust_structure"}
    program = {"icd10cm"}
    assert {each.name for each in fields(Adjudicator)} == mappings | settings | program, "put it into the basis as well"


def test_mappings_count_by_what_they_hold_and_not_by_where_they_are(usual: Basis, tmp_path: Path) -> None:
    shutil.copytree(SITE, tmp_path / "elsewhere")
    assert usual.differences(_basis(SITE)) == ("mappings",)
    assert _basis(SITE) == _basis(tmp_path / "elsewhere")
    changed = tmp_path / "elsewhere" / "tables" / "service-codes.json"
    changed.write_text(changed.read_text() + "\n")
    assert _basis(SITE).differences(_basis(tmp_path / "elsewhere")) == ("mappings",)


def test_the_shipped_mappings_are_part_of_it(usual: Basis) -> None:
    assert any(shipped_mappings().rglob("*.yaml"))
    assert len({usual.program, usual.mappings, usual.settings}) == 3
