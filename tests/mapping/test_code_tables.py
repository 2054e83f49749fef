"""ConceptMaps and ValueSets of a site: what they translate, and what in them is a fault and not passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapter.bootstrap import build, mapping_layers
from adapter.errors import ConfigurationError
from adapter.reconcile.adjudicator import Adjudicator
from adapter.session.model import Code
from adapter.settings import Settings

Json = dict[str, Any]
CPT, LOCAL = "http://www.ama-assn.org/go/cpt", "https://site.example/codes"


def built(site: Path) -> Adjudicator:
    return build(Settings.model_construct(), mapping_layers([site]))


def write(site: Path, table: Json, name: str = "service-codes") -> None:
    (site / "tables").mkdir(parents=True, exist_ok=True)
    (site / "tables" / f"{name}.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


def faults(site: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        built(site)
    return [str(each).replace(f"{site}/", "") for each in caught.value.faults]


def concept_map(*elements: Json, id: str = "service-codes", **group: Any) -> Json:
    whole = {"source": LOCAL, "target": CPT, "element": elements} | group
    return {"resourceType": "ConceptMap", "id": id, "status": "active", "group": [whole]}


def coach(*targets: Json) -> Json:
    return {"code": "COACH", "target": targets}


def to(code: str, equivalence: str) -> Json:
    return {"code": code, "equivalence": equivalence}


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        pytest.param([to("0592T", "equivalent")], "0592T", id="the same"),
        pytest.param([to("0592T", "wider")], "0592T", id="a wider one"),
        pytest.param([{"code": "0592T"}], "0592T", id="not said how near"),
        pytest.param([{"code": "0592T", "relationship": "equivalent"}], "0592T", id="the same, in R5"),
        pytest.param([to("0592T", "disjoint")], None, id="what it is not"),
        pytest.param([{"code": "0592T", "relationship": "not-related-to"}], None, id="what it is not, in R5"),
        pytest.param([{"equivalence": "unmatched"}], None, id="nothing"),
        pytest.param([to("0591T", "wider"), to("0592T", "equivalent")], "0592T", id="the same before a wider one"),
        pytest.param([to("0591T", "disjoint"), to("0592T", "wider")], "0592T", id="a wider one beside what it is not"),
        pytest.param([], None, id="no target"),
    ],
)
def test_a_code_means_its_closest_target(tmp_path: Path, targets: list[Json], meant: str | None) -> None:
    write(tmp_path, concept_map(coach(*targets)))
    found = built(tmp_path).mappings.tables["service-codes"].translate(Code("COACH", None, LOCAL), [LOCAL])
    assert (found.code if found else None) == meant


@pytest.mark.parametrize(
    ("table", "says"),
    [
        pytest.param(
            concept_map(coach(to("0591T", "equivalent"), to("0592T", "equal"))),
            "tables/service-codes.json:10: 'COACH' has two targets and nothing to choose by",
            id="two that are the same",
        ),
        pytest.param(
            concept_map(coach(to("0591T", "wider"), to("0592T", "narrower"))),
            "'COACH' has two targets",
            id="two that are near",
        ),
        pytest.param(
            concept_map(coach(to("0592T", "equal")), coach(to("0591T", "equal"))),
            "'COACH' stands twice, with different targets",
            id="the same code twice",
        ),
        pytest.param(concept_map(coach({"equivalence": "equal"})), "a target without code", id="the same as nothing"),
        pytest.param(
            concept_map(coach(to("0592T", "equal")), target="http://www.ama-asn.org/go/cpt"),
            "tables/service-codes.json:8: no code system 'http://www.ama-asn.org/go/cpt'",
            id="a mistyped system",
        ),
        pytest.param(
            concept_map(coach(to("0592T", "equal")), unmapped={"mode": "fixed", "code": "0592T"}),
            "unmapped: is not understood here",
            id="all other codes",
        ),
        pytest.param(
            concept_map(coach(to("0592T", "equal") | {"dependsOn": [{"property": "x", "value": "y"}]})),
            "dependsOn: is not understood here",
            id="a target under a condition",
        ),
    ],
)
def test_what_a_map_cannot_mean_is_a_fault(tmp_path: Path, table: Json, says: str) -> None:
    write(tmp_path, table)
    (found,) = faults(tmp_path)
    assert says in found


@pytest.mark.parametrize(
    ("compose", "says"),
    [
        ({"exclude": [{"system": CPT, "concept": [{"code": "0592T"}]}]}, "exclude: is not understood here"),
        ({"include": [{"system": CPT, "concept": [], "valueSet": ["x"]}]}, "valueSet: is not understood here"),
    ],
)
def test_what_a_value_set_cannot_mean_is_a_fault(tmp_path: Path, compose: Json, says: str) -> None:
    include = [{"system": CPT, "concept": [{"code": "0592T"}]}]
    write(tmp_path, {"resourceType": "ValueSet", "id": "ours", "compose": {"include": include} | compose}, "ours")
    (found,) = faults(tmp_path)
    assert says in found


def test_a_table_has_one_file(tmp_path: Path) -> None:
    """Its entries belong into a file of the shipped name; in another they would take the shipped ones' place."""
    write(tmp_path, concept_map(coach(to("0592T", "equal"))), "our-codes")
    (found,) = faults(tmp_path)
    assert "service-codes' stands in two files" in found
    assert "our-codes.json" in found


def test_a_faulty_table_is_one_fault(tmp_path: Path) -> None:
    write(tmp_path, {"resourceType": "ConceptMap"})
    assert faults(tmp_path) == ["tables/service-codes.json:1: id: is missing"]


def test_without_code_systems_their_own_fault_is_all_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "code-systems.yaml").write_text("system: {}\n", encoding="utf-8")
    (found,) = faults(tmp_path)
    assert "tables/code-systems.yaml:1: system: is not permitted here" in found
