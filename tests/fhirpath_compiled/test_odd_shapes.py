"""Shapes and expressions of note, one a row: what is found, and that the library finds the same."""

from __future__ import annotations

from typing import Any

import pytest
from fhirpath_compiled.comparison import answer
from fhirpathpy.engine.nodes import TypeInfo
from fhirpathpy.models import models

from adapter.mapping.fhirpath.expression import compile_expression, library_expression, why_not_compiled

QUANTITY = {"value": 30, "code": "min"}


@pytest.mark.parametrize(
    ("text", "element", "found"),
    [
        pytest.param("status", {"status": None}, "[]", id="null is nothing"),
        pytest.param("status", {"status": []}, "[]", id="an empty list is nothing"),
        pytest.param("code", {"code": {}}, "[{}]", id="an empty object is something"),
        pytest.param("note", {"note": [None, "x"]}, "[None, 'x']", id="a null in a list stays"),
        pytest.param("note", {"note": [[1.5]]}, "[[1.5]]", id="a list in a list is handed out as it is"),
        pytest.param("status.code", {"status": "x"}, "[]", id="a text has no members"),
        pytest.param("status.length", {"status": "xyz"}, "[3]", id="but a length"),
        pytest.param("status.length", {"status": 3}, "raises TypeError", id="which a number has not"),
        pytest.param(
            "status", {"status": "x", "_status": {"id": "1"}}, "['x', {'id': '1'}]", id="the sibling of a primitive"
        ),
        pytest.param("status", {"_status": {"extension": []}}, "[]", id="nothing but an extension of a primitive"),
        pytest.param("value", {"valueString": "x"}, "['x']", id="a choice"),
        pytest.param("value", {"value": "x"}, "[]", id="a choice without its type"),
        pytest.param(
            "value", {"valueString": "x", "valueInteger": 1}, "['x']", id="a choice made twice: the model's order"
        ),
        pytest.param("value.ofType(Quantity)", {"valueQuantity": QUANTITY}, f"[{QUANTITY}]", id="of the type"),
        pytest.param("value.ofType(Quantity)", {"valueString": "x"}, "[]", id="of another type"),
        pytest.param("value.ofType(Element)", {"valueString": "x"}, "['x']", id="of a type it descends from"),
        pytest.param("value.value", {"valueQuantity": QUANTITY}, "[30]", id="a member of what was chosen"),
        pytest.param("value is Quantity", {"valueQuantity": QUANTITY}, "[True]", id="is"),
        pytest.param("(value as Quantity).code", {"valueQuantity": QUANTITY}, "['min']", id="as"),
        pytest.param("value = 'x'", {"valueString": "x"}, "[True]", id="equal"),
        pytest.param("value = 'x'", {"valueQuantity": "x"}, "raises AttributeError", id="a Quantity that is a text"),
        pytest.param("value.value = 85.1", {"valueQuantity": {"value": 85.1}}, "[False]", id="a binary fraction"),
        pytest.param("value.value", {"valueQuantity": {"value": 85.1}}, "[Decimal('85.1')]", id="is handed out exact"),
        pytest.param("value", {"valueQuantity": {"value": 85.1}}, "[{'value': Decimal('85.1')}]", id="also inside"),
        pytest.param("status = 'x'", {}, "[]", id="nothing equals nothing"),
        pytest.param("status = 'x'", {"status": ["x", "y"]}, "[False]", id="two are not equal to one"),
        pytest.param(
            "status = note", {"status": ["x", 1], "note": ["x", 2]}, "[True]", id="of several the first counts"
        ),
        pytest.param("status = true", {"status": 1}, "[True]", id="1 equals true"),
        pytest.param("status ~ 'A  b'", {"status": "a B"}, "[True]", id="alike but for case and spaces"),
        pytest.param("status = 'x' and note", {"status": "x", "note": "y"}, "raises Exception", id="and of a text"),
        pytest.param("status = 'y' and note", {"status": "x", "note": "y"}, "raises Exception", id="even after false"),
        pytest.param("status = 'x' and note", {"status": "x"}, "[]", id="true and nothing"),
        pytest.param("status = 'y' and note", {"status": "x"}, "[False]", id="false and nothing"),
        pytest.param("status = 'x' or note", {"status": "x"}, "[True]", id="true or nothing"),
        pytest.param(
            "note.where($this.active)", {"note": {"active": False}}, "[{'active': False}]", id="found is enough"
        ),
        pytest.param("note.where(active = true)", {"note": {"active": False}}, "[]", id="unless it is compared"),
        pytest.param("status.not()", {"status": "x"}, "[False]", id="not of a text"),
        pytest.param("note | status", {"note": ["x", "y"], "status": "x"}, "['x', 'y']", id="no duplicates"),
        pytest.param(
            "note | status", {"note": [1, True], "status": 1.0}, "[1, True, Decimal('1.0')]", id="by their JSON"
        ),
        pytest.param("(note | status).ofType(string)", {}, "[]", id="types are lost in a union"),
        pytest.param("(note | status).ofType(string)", {"note": "x"}, "raises AttributeError", id="and then missed"),
        pytest.param("note[1]", {"note": ["x", "y"]}, "['y']", id="an index"),
        pytest.param("note[2]", {"note": ["x", "y"]}, "[]", id="beyond the last"),
        pytest.param("'x' + note", {"note": "y"}, "['xy']", id="a sum of texts"),
        pytest.param("'x' + note", {"note": ["y", "z"]}, "raises Exception", id="of several"),
        pytest.param("status.startsWith('')", {"status": ""}, "[False]", id="an empty text begins with nothing"),
        pytest.param(
            "extension('a').value", {"extension": [{"url": "a", "valueCode": "x"}]}, "['x']", id="an extension"
        ),
        pytest.param(
            "extension('a')", {"extension": [{"url": "a"}, {"url": "a"}]}, "[{'url': 'a'}]", id="only the first"
        ),
        pytest.param("extension('a')", {"extension": [{}]}, "raises KeyError", id="an extension without a URL"),
        pytest.param(
            "contained.status", {"contained": [{"resourceType": "Claim", "status": "x"}]}, "['x']", id="contained"
        ),
        pytest.param(
            "contained.value",
            {"contained": [{"resourceType": "Observation", "valueString": "x"}]},
            "['x']",
            id="which has choices of its own",
        ),
        pytest.param(
            "(component | component).value", {"component": [{"valueString": "x"}]}, "[]", id="a union has no choices"
        ),
        pytest.param(
            "(note | note).extension.value",
            {"note": {"extension": [{"valueCode": "x"}]}},
            "['x']",
            id="but extensions have",
        ),
        pytest.param(
            "referenceRange.low = 'x'",
            {"referenceRange": {"low": "x"}},
            "raises AttributeError",
            id="no Quantity where one belongs",
        ),
        pytest.param(
            "value = component.value",
            {
                "valueQuantity": {"value": 60, "code": "min"},
                "component": [{"valueQuantity": {"value": 1, "code": "h"}}],
            },
            "[True]",
            id="Quantities by their units",
        ),
        pytest.param("status < note", {"status": 1, "note": "x"}, "raises Exception", id="a number before a text"),
        pytest.param("status < note", {"status": 1, "note": 1.5}, "[True]", id="a number before a number"),
        pytest.param("Observation.status", {"status": "x"}, "[]", id="a type at the head is read as a member"),
    ],
)
def test_what_is_found_in_an_observation(text: str, element: Any, found: str) -> None:
    resource = {"resourceType": "Observation", **element}
    assert answer(compile_expression(text, "Observation", "r4"), resource) == found
    assert answer(library_expression(text, "Observation", "r4"), resource) == found


@pytest.mark.parametrize(
    "element", [None, "x", 1, True, [], ["x"], [{"status": "x"}], {"resourceType": "Claim"}, {"resourceType": None}]
)
@pytest.mark.parametrize("text", ["status", "value", "status.exists()", "status | value"])
def test_what_is_no_observation_is_read_as_the_library_reads_it(text: str, element: Any) -> None:
    compiled, library = compile_expression(text, "Observation", "r4"), library_expression(text, "Observation", "r4")
    assert answer(compiled, element) == answer(library, element)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("birthDate = @2000-01-01", "DateTimeLiteral", id="dates have an arithmetic of their own"),
        pytest.param("today()", "today() with 0 parameters", id="a function of the clock"),
        pytest.param("%context.status", "ExternalConstantTerm", id="variables"),
        pytest.param("name.where(given = $index)", "IndexInvocation", id="the index in a condition"),
        pytest.param("$this", "$this where nothing is this", id="this at the top"),
        pytest.param("name.given & 'x'", "the operator &", id="another operator"),
        pytest.param("name.given.startsWith(id)", "a parameter that is no text", id="a computed parameter"),
        pytest.param("name[id]", "an index that is no number", id="a computed index"),
        pytest.param("birthDate + 'x'", "a sum with a date or time", id="a sum with a date"),
        pytest.param("active | 'x'", "a union of elements with what is no element", id="a mixed union"),
        pytest.param("exists().value", "a member of what is no element", id="a member of a boolean"),
        pytest.param("repeat(contact)", "repeat() through elements of several types", id="types that change"),
    ],
)
def test_what_is_not_compiled_is_left_to_the_library_with_a_reason(text: str, reason: str) -> None:
    patient = {"resourceType": "Patient", "birthDate": "2000-01-01", "name": [{"given": ["x"]}], "active": True}
    assert why_not_compiled(text, "Patient", "r4") == reason
    answers = [each(text, "Patient", "r4") for each in (compile_expression, library_expression)]
    assert answer(answers[0], patient) == answer(answers[1], patient)


@pytest.mark.parametrize("model", [None, models["r5"]], ids=["nothing", "an expression for R5"])
def test_types_do_not_depend_on_what_ran_before(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TypeInfo, "model", model)
    a_code_is_a_string = library_expression("value.ofType(string)", "Extension", "r4")
    assert answer(a_code_is_a_string, {"valueCode": "x"}) == "['x']"
