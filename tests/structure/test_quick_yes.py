"""The quick yes: what it calls valid the models call valid too, and no Period in it ends before it starts."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Annotated, Any

import pytest
from fhir_core import types as fhir
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError, field_validator
from pydantic_core import SchemaValidator
from structure.near_valid import MOMENTS, NUMBERS, SHAPES, TEXTS, changed
from table.world import World

from adapter.evidence.store import Located
from adapter.fhir.elements import resource_model
from adapter.fhir.quick import DEEPEST, certainly_valid
from adapter.fhir.quick_rules import is_plain
from adapter.fhir.quick_values import value_schema
from adapter.fhir.validation import MODELS_OF, structural_issues

Json = dict[str, Any]
R4, R5 = MODELS_OF["r4"], MODELS_OF["r5"]
PRIMITIVES = {
    name: getattr(fhir, name) for name in fhir.__all__ if name.endswith("Type") and not name.startswith("create_")
}
CODED = {"url": "http://x.example/e", "valueCode": "y"}


def good(kind: str) -> Json:
    return deepcopy(next(each for each in World().resources if each["resourceType"] == kind))


@cache
def everything() -> tuple[Json, ...]:
    return tuple(World().resources)


def is_valid(resource: Json, version: str = "r4") -> bool:
    return structural_issues(Located(resource), version) == []


# --- nothing that is not valid


@settings(max_examples=1500, deadline=None)
@given(st.integers(min_value=0))
def test_what_it_calls_valid_is_valid(seed: int) -> None:
    random = Random(seed)
    resource = changed(random.choice(everything()), random)
    if certainly_valid(resource, R4):
        assert is_valid(resource)
        assert depth(resource) <= DEEPEST


@settings(max_examples=500, deadline=None)
@given(st.integers(min_value=0))
def test_so_it_is_with_the_models_of_r5(seed: int) -> None:
    random = Random(seed)
    resource = changed(random.choice(everything()), random)
    if certainly_valid(resource, R5):
        assert is_valid(resource, "r5")


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_no_value_passes_that_the_type_of_the_library_refuses(name: str) -> None:
    check, library = SchemaValidator(value_schema(PRIMITIVES[name])), TypeAdapter(PRIMITIVES[name])
    passed = [each for each in MOMENTS + TEXTS + NUMBERS + SHAPES if check.isinstance_python(each)]
    assert passed != []
    for each in passed:
        library.validate_python(each)


@settings(max_examples=300, deadline=None)
@given(st.dates(min_value=datetime.date(1000, 1, 1)), st.integers(0, 3))
def test_every_day_passes_and_no_day_that_the_calendar_lacks(day: datetime.date, more: int) -> None:
    check = SchemaValidator(value_schema(fhir.DateType))
    assert check.isinstance_python(day.isoformat())
    beyond = f"{day:%Y-%m}-{28 + more}"
    try:
        datetime.date.fromisoformat(beyond)
    except ValueError:
        assert not check.isinstance_python(beyond)
    else:
        assert check.isinstance_python(beyond)


# --- and all that is usual


@pytest.mark.parametrize("package", [R4, R5])
def test_every_good_resource_gets_it_in_its_version(package: str) -> None:
    version = "r4" if package == R4 else "r5"
    valid = [each for each in everything() if is_valid(each, version)]
    assert [each["id"] for each in valid if not certainly_valid(each, package)] == []
    assert len(valid) > 5


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param("Claim", {"id": "x" * 64}, id="a long id"),
        pytest.param("Claim", {"extension": [CODED]}, id="an extension"),
        pytest.param("Claim", {"extension": [{"url": "u", "extension": [CODED]}]}, id="an extension in another"),
        pytest.param("Claim", {"_created": {"extension": [CODED]}}, id="an extension of a value"),
        pytest.param(
            "Patient", {"name": [{"given": ["A", None], "_given": [None, {"extension": [CODED]}]}]}, id="holes"
        ),
        pytest.param("Claim", {"contained": [{"resourceType": "Patient", "id": "p"}]}, id="a contained resource"),
        pytest.param("Patient", {"birthDate": "2024-02-29"}, id="a leap day"),
        pytest.param("Claim", {"created": "2024-01-01T10:00:00.123456789+05:30"}, id="nine decimals of a second"),
        pytest.param("Claim", {"billablePeriod": {"start": "2024", "end": "2024-01-01"}}, id="a period from a year on"),
    ],
)
def test_what_is_usual_gets_it(kind: str, change: Json) -> None:
    resource = good(kind) | change
    assert is_valid(resource)
    assert certainly_valid(resource, R4)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param("Claim", {"id": "x" * 65}, id="an id too long for all but the models"),
        pytest.param("Claim", {"foo": 1}, id="an unknown element"),
        pytest.param("Claim", {"status": None}, id="a missing element"),
        pytest.param("Claim", {"patient": []}, id="a list"),
        pytest.param("Claim", {"insurance": {}}, id="no list"),
        pytest.param("Claim", {"created": "2023-02-29"}, id="a day that is not"),
        pytest.param("Claim", {"created": "2023-06-01T10:00:00"}, id="a time without an offset"),
        pytest.param("Claim", {"billablePeriod": {"start": "2023-06-02", "end": "2023-06-01"}}, id="an end before"),
        pytest.param(
            "Claim",
            {"billablePeriod": {"start": "2023-06-01T10:00:00Z", "end": "2023-06-01T10:00:00+01:00"}},
            id="an end before, by its offset",
        ),
        pytest.param(
            "Claim",
            {"billablePeriod": {"start": "2023-06-01T10:00:00-04:00", "end": "2023-06-01T10:30:00+01:00"}},
            id="an end before, by an offset as long",
        ),
        pytest.param("Claim", {"extension": [CODED | {"valueString": "x"}]}, id="two of a choice"),
        pytest.param("Claim", {"extension": [{"valueString": "x"}]}, id="an extension without its url"),
        pytest.param("Claim", {"diagnosis": [{"sequence": 1}]}, id="none of a choice that must be made"),
        pytest.param("Claim", {"_created": {}}, id="an empty companion"),
        pytest.param("Claim", {"contained": [{"resourceType": "Patient", "gender": 1}]}, id="a fault inside"),
        pytest.param("Claim", {"contained": [{"resourceType": "Nope"}]}, id="no resource inside"),
        pytest.param("Claim", {"resourceType": "Patient"}, id="another type"),
        pytest.param("Claim", {"resourceType": ["Claim"]}, id="no type"),
    ],
)
def test_what_is_at_fault_never_gets_it(kind: str, change: Json) -> None:
    resource = good(kind) | change
    assert not certainly_valid(resource, R4)
    assert not is_valid(resource)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"extension": [{"url": "u", "extension": [{"url": "u", "extension": [CODED]}]}]}, id="extensions"),
        pytest.param({"contained": [{"resourceType": "Patient", "contained": []}]}, id="a resource that contains"),
        pytest.param({"fhir_comments": ["x"]}, id="comments"),
        pytest.param({"created": "0999-12-31"}, id="an early day"),
    ],
)
def test_what_is_rare_is_left_to_the_models(change: Json) -> None:
    assert not certainly_valid(good("Claim") | change, R4)


def test_a_type_that_requires_what_is_not_looked_at_here_is_left_to_the_models() -> None:
    graph = {"resourceType": "GraphDefinition", "name": "x", "status": "draft"}  # its start is the name of a type
    assert not is_valid(graph)
    assert not certainly_valid(graph, R4)


def test_a_model_with_a_check_of_its_own_is_left_to_itself() -> None:
    model: Any = resource_model("Patient", R4)

    class Careful(model):  # type: ignore[misc]  # a model that is found by its name has no type
        @field_validator("active")
        @classmethod
        def never(cls, _value: object) -> object:
            raise ValueError

    assert is_plain(model)
    assert not is_plain(Careful)


def test_a_type_that_nobody_knows_is_no_value() -> None:
    with pytest.raises(ValidationError):
        SchemaValidator(value_schema(Annotated[bytes, "odd"])).validate_python(b"x")


def depth(value: Any) -> int:
    return 1 + max((depth(each) for each in _inside(value)), default=0) if isinstance(value, dict | list) else 0


def _inside(value: Any) -> Iterator[Any]:
    yield from value.values() if isinstance(value, dict) else value
