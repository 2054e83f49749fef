"""How long a session was, where an Encounter or the documents of the site of fixtures/site state it."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, run_resources

from adapter.bootstrap import build, mapping_layers
from adapter.errors import ConfigurationError
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings

Json = dict[str, Any]
SITE = Path(__file__).parents[2] / "fixtures" / "site"
UCUM = {"system": "http://unitsofmeasure.org", "code": "min"}


def of_site(*more: Path) -> Adjudicator:
    return build(Settings.model_construct(), mapping_layers([SITE / "mappings", *more]))


@pytest.fixture(scope="module")
def site() -> Adjudicator:
    return of_site()


def decided(bundle: Json, adjudicator: Adjudicator | None = None) -> tuple[str, set[str]]:
    """The decision of the only line, and the outcomes of the rules about its time that say something."""
    (answer,) = run_resources(bundle, adjudicator=adjudicator).answers
    assert answer.determination is not None
    (line,) = answer.determination.lines
    told = {
        each.outcome for each in line.findings if each.noteworthy and each.rule in ("session_times", "session_length")
    }
    return line.decision.name, {str(each) for each in told}


def measured(*quantities: Json) -> Json:
    """The visit of 40 minutes with an Observation for each quantity in place of its own."""
    bundle: Json = json.loads((SITE / "visits" / "site-40-minutes.json").read_text(encoding="utf-8"))
    own = part(bundle, "Observation")
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] != "Observation"]
    for number, quantity in enumerate(quantities):
        copy = deepcopy(own) | {"id": f"minutes-{number}", "valueQuantity": quantity}
        bundle["entry"].append({"resource": copy})
    return bundle


ONE_LENGTH, RIVALS = ("APPROVE", set[str]()), ("PEND", {"contradictory", "unknown"})
UNCLEAR, IGNORED = ("PEND", {"length_unclear", "unknown"}), ("APPROVE", {"length_ignored"})


@pytest.mark.parametrize(
    ("quantities", "expected"),
    [
        pytest.param([{"value": 40} | UCUM], ONE_LENGTH, id="one"),
        pytest.param([{"value": 40} | UCUM, {"value": 40} | UCUM], ONE_LENGTH, id="two that agree"),
        pytest.param([{"value": 40} | UCUM, {"value": 25} | UCUM], RIVALS, id="two that differ"),
        pytest.param([{"value": 40, "unit": "minutes"}], IGNORED, id="no UCUM unit"),
        pytest.param([{"value": 40}], IGNORED, id="no unit"),
        pytest.param([{"value": 40, "comparator": "<"} | UCUM], UNCLEAR, id="less than"),
        pytest.param([{"value": -40} | UCUM], UNCLEAR, id="below zero"),
        pytest.param([{"value": 40} | UCUM, {"value": 40, "comparator": ">"} | UCUM], UNCLEAR, id="one, and more than"),
    ],
)
def test_observations(site: Adjudicator, quantities: list[Json], expected: tuple[str, set[str]]) -> None:
    """What documents state counts where they agree; the order of their ids never decides."""
    for order in (quantities, quantities[::-1]):
        assert decided(measured(*order), site) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        pytest.param({"value": 35} | UCUM, ("APPROVE", set()), id="minutes"),
        pytest.param({"value": 35, "unit": "mins"}, IGNORED, id="no UCUM unit"),
        pytest.param({"value": 35}, IGNORED, id="no unit at all"),
        pytest.param({"value": 35, "comparator": "<"} | UCUM, UNCLEAR, id="less than"),
        pytest.param({"value": -5} | UCUM, UNCLEAR, id="below zero"),
    ],
)
def test_encounter_length(length: Json, expected: tuple[str, set[str]]) -> None:
    bundle = bundle_of("0592t-approved")
    bundle["entry"] = [each for each in bundle["entry"] if not each["resource"]["id"].endswith("approved-proc")]
    part(bundle, "Encounter", "approved-enc")["length"] = length
    assert decided(bundle) == expected


def overlay(folder: Path, value: str, links: str = "[encounter]") -> Path:
    (folder / "r4").mkdir()
    place = f"  - resource: Observation\n    where: status = 'final'\n    linked_by: {links}\n    value: {value}\n"
    (folder / "r4" / "documentation.yaml").write_text(f"minutes:\n{place}", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("component.value as Quantity", UNCLEAR, id="raises on two components"),
        pytest.param("component.single().value.ofType(Quantity)", IGNORED, id="finds nothing in two components"),
        pytest.param("component.value.ofType(Quantity)", ("DENY", {"short"}), id="two that agree"),
    ],
)
def test_an_expression_that_fails_is_never_silent(tmp_path: Path, value: str, expected: tuple[str, set[str]]) -> None:
    bundle = measured({"value": 40} | UCUM)
    parts = [{"code": {"text": each}, "valueQuantity": {"value": 20} | UCUM} for each in ("talk", "exercise")]
    part(bundle, "Observation")["component"] = parts
    assert decided(bundle, of_site(overlay(tmp_path, value))) == expected


def test_a_length_without_a_link_to_the_session_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="linked_by"):
        of_site(overlay(tmp_path, "value.ofType(Quantity)", links="[]"))
