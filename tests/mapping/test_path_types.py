"""What the start takes and refuses of FHIRPath: only a path that certainly cannot exist is a fault."""

from __future__ import annotations

import pytest
from fhirpathpy.engine.invocations import invocation_registry

from adapter.mapping.model import model
from adapter.mapping.path_types import BOOLEAN, PER_ELEMENT, PathTypes


@pytest.mark.parametrize(
    ("path", "kind", "faults"),
    [
        pytest.param("contained.ofType(Practitioner)", "Observation", [], id="a resource of any kind"),
        pytest.param("contained.ofType(Practitioner).qualification", "Observation", [], id="and its elements"),
        pytest.param("value.ofType(Quantity)", "Observation", [], id="one type of a choice"),
        pytest.param(
            "value.ofType(Money)",
            "Observation",
            [
                "'Money' cannot stand there, only CodeableConcept, Period, Quantity, Range, Ratio, SampledData, "
                "boolean, dateTime, integer, string or time"
            ],
            id="none of the choice",
        ),
        pytest.param("value.ofType(Duration)", "Observation", [], id="a special one of the choice"),
        pytest.param("length.ofType(Quantity)", "Encounter", [], id="a general one"),
        pytest.param(
            "contained.ofType(Practitoner)", "Observation", ["there is no type 'Practitoner'"], id="no type at all"
        ),
        pytest.param("code.coding.combine(category.coding)", "Observation", [], id="an argument beside the elements"),
        pytest.param("code.coding.exclude(category.coding)", "Observation", [], id="what is left without others"),
        pytest.param(
            "code.coding.combine(display)",
            "Observation",
            ["Observation has no element 'display'"],
            id="an argument that stands inside the elements",
        ),
        pytest.param(
            "component.where(code.coding.combine(value.coding).exists())", "Observation", [], id="beside, inside where"
        ),
        pytest.param("code.coding.where(display = 'x')", "Observation", [], id="a condition on each element"),
        pytest.param(
            "code.coding.where(category = 'x')",
            "Observation",
            ["Coding has no element 'category'"],
            id="a condition on something beside them",
        ),
        pytest.param("code.coding.select(code)", "Observation", [], id="a part of each"),
        pytest.param("status.startsWith(id)", "Observation", [], id="a text beside it"),
    ],
)
def test_only_what_cannot_exist_is_a_fault(path: str, kind: str, faults: list[str]) -> None:
    types = PathTypes(model("r4"))
    types.of(path, frozenset([kind]))
    assert [each.partition(";")[0] for each in types.faults] == faults


def test_functions_that_the_library_lacks_are_not_known_here() -> None:
    assert set(invocation_registry) >= BOOLEAN | PER_ELEMENT
