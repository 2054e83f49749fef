"""The site of fixtures/site: certificates in an extension, codes of its own, minutes in an Observation; YAML alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import run_resources

from adapter.bootstrap import build, mapping_layers
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings

SITE = Path(__file__).parents[2] / "fixtures" / "site"
FILES = sorted(str(path.relative_to(SITE / "mappings")) for path in SITE.glob("mappings/*/*"))


def built(*folders: Path) -> Adjudicator:
    return build(Settings.model_construct(), mapping_layers(folders))


def decided(name: str, adjudicator: Adjudicator) -> tuple[str, set[str]]:
    bundle: dict[str, Any] = json.loads((SITE / "visits" / f"{name}.json").read_text(encoding="utf-8"))
    (answer,) = run_resources(bundle, adjudicator=adjudicator).answers
    assert answer.determination is not None
    (line,) = answer.determination.lines
    return line.decision.name, {each.rule for each in line.deciding if each.noteworthy}


@pytest.fixture(scope="module")
def own() -> Adjudicator:
    return built(SITE / "mappings")


@pytest.mark.parametrize(
    ("visit", "decision"),
    [
        ("site-40-minutes", ("APPROVE", set())),
        ("site-25-minutes", ("DENY", {"session_length"})),
        ("site-expired", ("DENY", {"credential"})),
    ],
)
def test_the_overlay_reads_what_the_site_writes(own: Adjudicator, visit: str, decision: tuple[str, set[str]]) -> None:
    assert decided(visit, own) == decision


def test_the_shipped_mappings_alone_find_no_visit() -> None:
    assert decided("site-40-minutes", built()) == ("PEND", {"evidence_on_file", "credential"})


@pytest.mark.parametrize(
    ("without", "visit", "decision"),
    [
        ("tables/service-codes.json", "site-40-minutes", ("PEND", {"evidence_on_file"})),
        ("r4/documentation.yaml", "site-25-minutes", ("APPROVE", set())),
        ("r4/practitioner.yaml", "site-40-minutes", ("PEND", {"credential"})),
    ],
)
def test_each_file_of_the_overlay_matters(
    tmp_path: Path, without: str, visit: str, decision: tuple[str, set[str]]
) -> None:
    folder = Path(shutil.copytree(SITE / "mappings", tmp_path / "mappings"))
    (folder / without).unlink()
    assert decided(visit, built(folder)) == decision


def test_the_table_above_names_every_file_but_the_variables() -> None:
    assert set(FILES) == {
        "r4/documentation.yaml",
        "r4/practitioner.yaml",
        "r4/variables.yaml",
        "tables/service-codes.json",
    }
