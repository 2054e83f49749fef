"""The shorter way to what plain members find gives what the whole expression does, or says that it must be asked."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from fhirpath_compiled.grammar import BASES, element
from fhirpath_compiled.test_same_answers import ELEMENTS, EXAMPLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapter.mapping.fhirpath.expression import Compiled, compile_expression
from adapter.mapping.fhirpath.quick import Quick
from adapter.mapping.fhirpath.results import as_handed_out, copied, results
from adapter.mapping.fhirpath.step import Unusual

SOME = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
MEMBERS = ["code", "coding", "value", "value.ofType(CodeableConcept)", "ofType(string)", "status", "item", "length"]
CHAINS = st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=3).map(".".join)
OTHERS = st.one_of(
    st.builds("{} | {}".format, CHAINS, CHAINS),
    st.builds("{}.where({}.exists())".format, CHAINS, CHAINS),
    st.builds("{}.select({} | status)".format, CHAINS, CHAINS),
    st.builds("({} | {}).{}".format, CHAINS, CHAINS, st.sampled_from(["first()", "code", "distinct()", "count()"])),
)


def compiled(text: str, base: str, version: str = "r4") -> tuple[Compiled, Quick]:
    expression = compile_expression(text, base, version)
    assert isinstance(expression, Compiled)
    assert expression.quick is not None
    return expression, expression.quick


def tried(text: str, base: str, version: str, seed: int) -> None:
    """Hold the shorter way of an expression, where it has one, against the whole expression."""
    expression = compile_expression(text, base, version)
    if isinstance(expression, Compiled) and expression.quick is not None:
        for each in objects(seed):
            same(expression, expression.quick, each)


def same(expression: Compiled, quick: Quick, json: dict[str, Any]) -> None:
    """Of a part as it stands in its resource, against the whole expression on what is handed out of it."""
    try:
        whole = list(expression(copied(json)))
    except Exception:  # noqa: BLE001 - the library raises anything; then the shorter way must not find an answer
        whole = None
    if not any(name in json for name in quick.names):
        assert whole == []
    elif quick.read is not None:
        try:
            assert results([*as_handed_out(quick.read(json))]) == whole
        except Unusual:
            return


def objects(seed: int) -> list[dict[str, Any]]:
    random = Random(seed)
    several = (element(random) for _ in range(ELEMENTS))
    return [each for each in several if isinstance(each, dict) and "resourceType" not in each]


@SOME
@given(CHAINS, st.sampled_from(BASES), st.sampled_from(["r4", "r5"]), st.integers(0, 2**32))
def test_of_chains(text: str, base: str, version: str, seed: int) -> None:
    tried(text, base, version, seed)


@SOME
@given(OTHERS, st.sampled_from(BASES), st.sampled_from(["r4", "r5"]), st.integers(0, 2**32))
def test_of_what_chains_are_part_of(text: str, base: str, version: str, seed: int) -> None:
    tried(text, base, version, seed)


@pytest.mark.parametrize(
    ("text", "base", "names", "reads"),
    [
        pytest.param("status", "Encounter", ("status", "_status"), True, id="a member"),
        pytest.param("participant.type.coding", "Encounter", ("participant", "_participant"), True, id="a chain"),
        pytest.param(
            "serviced.ofType(date)",
            "Claim.item",
            ("servicedDate", "servicedPeriod", "_servicedDate", "_servicedPeriod"),
            True,
            id="a choice of one type",
        ),
        pytest.param("extension.where(url = 'x')", "Claim", ("extension", "_extension"), False, id="a filter"),
        pytest.param(
            "type.coding | class", "Encounter", ("type", "class", "_type", "_class"), True, id="a union of both"
        ),
        pytest.param(
            "type.first() | class", "Encounter", ("type", "class", "_type", "_class"), False, id="a union with a filter"
        ),
    ],
)
def test_what_is_read_the_shorter_way(text: str, base: str, names: tuple[str, ...], reads: bool) -> None:
    _, quick = compiled(text, base)
    assert set(quick.names) == set(names)
    assert (quick.read is not None) is reads


@pytest.mark.parametrize("text", ["status.exists().not()", "count()", "iif(status.exists(), code, class)", "'x'"])
def test_no_shorter_way_where_something_is_found_in_nothing(text: str) -> None:
    expression = compile_expression(text, "Encounter", "r4")
    assert isinstance(expression, Compiled)
    assert expression.quick is None


@pytest.mark.parametrize(
    ("text", "json"),
    [
        pytest.param("status", {"status": "x", "_status": {"extension": []}}, id="a primitive's sibling"),
        pytest.param("status", {"_status": {"extension": []}}, id="a sibling alone"),
        pytest.param("type.coding", {"type": [[{"coding": []}]]}, id="a list in a list"),
        pytest.param("subject.reference", {"subject": {"resourceType": "Patient"}}, id="a resource inside"),
        pytest.param("value.ofType(Period)", {"valuePeriod": {}, "valueString": "x"}, id="two of a choice"),
    ],
)
def test_the_unusual_is_left_to_the_whole_expression(text: str, json: dict[str, Any]) -> None:
    _, quick = compiled(text, "Observation" if "value" in text else "Encounter")
    assert quick.read is not None
    with pytest.raises(Unusual):
        as_handed_out(quick.read(json))
