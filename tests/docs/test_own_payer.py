"""The payer and the plan of the mapping page, as files: they load, and they decide."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.answers.answer import Answer
from adapter.bootstrap import build, mapping_layers
from adapter.evidence.store import EvidenceStore, Located
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation
from adapter.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "mappings" / "README.md").read_text()
STORY = json.loads((ROOT / "fixtures" / "stories" / "0592t-approved" / "0_bundle.json").read_text())
NAMED_BLOCKS = re.findall(r"```yaml\n# ((?:payers|policies)/\S+\.yaml)\n(.*?)```", PAGE, re.DOTALL)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def adjudicator(tmp_path_factory: pytest.TempPathFactory) -> Adjudicator:
    """The shipped mappings with every file that the page shows."""
    mappings = tmp_path_factory.mktemp("site")
    for name, content in NAMED_BLOCKS:
        (mappings / name).parent.mkdir(parents=True, exist_ok=True)
        (mappings / name).write_text(content)
    return build(Settings(), mapping_layers([mappings]))


def visit(
    *,
    payer: str,
    day: str,
    minutes: int,
    code: str = "0592T",
    modifier: str | None = None,
    plan: str | None = None,
    type_of_class: str = "plan",
) -> EvidenceStore:
    """The approved story with another payer, day, length, code, modifier and plan."""
    resources: dict[str, Json] = {}
    for entry in json.loads(json.dumps(STORY).replace(service_day(), day).replace('"0592T"', f'"{code}"'))["entry"]:
        resource = entry["resource"]
        resources[f"{resource['resourceType']}/{resource['id']}"] = resource
    claim = of_kind(resources, "Claim")
    claim["created"] = "2026-01-01"
    coverage = of_kind(resources, "Coverage")
    payor = resources[coverage["payor"][0]["reference"]]
    payor.update(name=payer, identifier=[])
    if plan:
        coverage["class"] = [{"type": {"coding": [{"code": type_of_class}]}, "value": plan}]
    if modifier:
        claim["item"][0]["modifier"] = [{"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": modifier}]}]
    for resource in resources.values():
        for element in ("period", "performedPeriod"):
            if str(resource.get(element, {}).get("start", "")).startswith(f"{day}T"):
                start = datetime.fromisoformat(resource[element]["start"])
                resource[element]["end"] = start.replace(hour=start.hour, minute=start.minute + minutes).isoformat()
    store = EvidenceStore()
    store.extend(Located(each) for each in resources.values())
    return store


def service_day() -> str:
    claim = next(entry["resource"] for entry in STORY["entry"] if entry["resource"]["resourceType"] == "Claim")
    day: str = claim["item"][0]["servicedDate"]
    return day


def of_kind(resources: dict[str, Json], kind: str) -> Json:
    return next(each for each in resources.values() if each["resourceType"] == kind)


def decided(adjudicator: Adjudicator, store: EvidenceStore) -> Answer:
    (answer,) = Reconciliation(adjudicator, store, datetime(2026, 1, 31, tzinfo=UTC)).answer(list(store.all("Claim")))
    return answer


@pytest.mark.parametrize(
    ("case", "decision", "codes"),
    [
        pytest.param(
            {"payer": "Harbor Health Plan, Inc.", "minutes": 20}, "APPROVE", [], id="20 minutes are enough there"
        ),
        pytest.param({"payer": "Harbor Health Plan, Inc.", "minutes": 19}, "DENY", ["152"], id="19 are not"),
        pytest.param(
            {"payer": "Harbor Health Plan, Inc.", "minutes": 40, "modifier": "95"},
            "APPROVE",
            [],
            id="video is allowed there",
        ),
        pytest.param(
            {"payer": "Harbor Health Plan, Inc.", "minutes": 29, "code": "0593T"},
            "DENY",
            ["152"],
            id="a code it does not name keeps its 30 minutes",
        ),
        pytest.param(
            {"payer": "Harbor Health Plan, Inc.", "minutes": 30, "code": "0593T"}, "APPROVE", [], id="30 are enough"
        ),
        pytest.param({"payer": "Cigna", "minutes": 20}, "DENY", ["152"], id="Cigna keeps its 30 minutes"),
        pytest.param(
            {"payer": "Cigna", "minutes": 40, "plan": "ACME-ASO"}, "DENY", ["204"], id="the plan excludes coaching"
        ),
        pytest.param(
            {"payer": "Cigna", "minutes": 40, "plan": "ACME-ASO", "type_of_class": "group"},
            "DENY",
            ["204"],
            id="also where the plan is a group",
        ),
        pytest.param(
            {"payer": "Cigna", "minutes": 40, "plan": "ACME-ASO", "type_of_class": "rxbin"},
            "APPROVE",
            [],
            id="another class is no plan",
        ),
        pytest.param({"payer": "Cigna", "minutes": 40, "plan": "OTHER"}, "APPROVE", [], id="another plan does not"),
    ],
)
def test_the_files_of_the_page_decide(adjudicator: Adjudicator, case: Json, decision: str, codes: list[str]) -> None:
    determination = decided(adjudicator, visit(day="2024-02-05", **case)).determination
    assert determination is not None
    (line,) = determination.lines
    assert line.decision.name == decision
    assert [code for finding in line.deciding if decision == "DENY" for code in finding.carc] == codes


def test_the_finding_names_the_layer_that_spoke(adjudicator: Adjudicator) -> None:
    answer = decided(adjudicator, visit(payer="Cigna", day="2024-02-05", minutes=40, plan="ACME-ASO"))
    assert answer.determination is not None
    assert {each.citation.layer for each in answer.determination.lines[0].deciding} == {"acme-plan"}
    assert answer.determination.lines[0].policy == "cigna-a015 2023-04-15 + acme-plan 2024"
    assert answer.provenance is not None
    assert answer.provenance["policy"] == [
        "https://fhir-coaching-adapter.example/policy/cigna-a015|2023-04-15",
        "https://acme.example/plan/2024|2024",
    ]


def test_the_page_shows_files_for_a_payer_and_a_plan() -> None:
    assert {name.split("/")[0] for name, _ in NAMED_BLOCKS} == {"payers", "policies"}
    assert len(NAMED_BLOCKS) == 6
