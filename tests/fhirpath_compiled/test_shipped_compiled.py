"""Every expression that ships is compiled, and answers as the library does on every resource at hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fhirpath_compiled.comparison import answer
from fhirpath_compiled.shipped import FIXTURES, Shipped, all_shipped, resources_by_type

from adapter.mapping.fhirpath.expression import why_not_compiled

SHIPPED = all_shipped()
EXAMPLES = os.environ.get("FHIR_EXAMPLES")
"""A folder of further FHIR files, of any version and quality, to compare on."""

Resources = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def at_hand() -> Resources:
    return resources_by_type(FIXTURES)


@pytest.fixture(scope="module")
def examples() -> Resources:
    return resources_by_type(Path(EXAMPLES or ""))


def differences(each: Shipped, resources: Resources) -> list[tuple[Any, str, str]]:
    """Elements on which the compiled expression and the library part ways, with what either answers."""
    elements = each.elements(resources.get(each.base.split(".")[0], []))
    answers = [(element, answer(each.compiled, element), answer(each.library, element)) for element in elements]
    return [(element, ours, theirs) for element, ours, theirs in answers if ours != theirs]


@pytest.mark.parametrize("each", SHIPPED, ids=str)
def test_every_shipped_expression_is_compiled(each: Shipped) -> None:
    assert why_not_compiled(each.text, each.base, each.version) is None


@pytest.mark.parametrize("each", SHIPPED, ids=str)
def test_shipped_expressions_answer_as_the_library_on_the_fixtures(each: Shipped, at_hand: Resources) -> None:
    assert differences(each, at_hand) == []


@pytest.mark.parametrize("each", SHIPPED if EXAMPLES else [], ids=str)
def test_shipped_expressions_answer_as_the_library_on_examples(each: Shipped, examples: Resources) -> None:
    assert differences(each, examples) == []
