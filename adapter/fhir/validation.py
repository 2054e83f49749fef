"""Whether a resource has the shape FHIR gives it, by the models of ``fhir.resources`` (R4B models serve R4).

A fault of the shape is ``structure``; a value that its type does not allow (a time without an offset) is ``value``; a
missing element is ``required``; a Period that ends before it starts breaks the invariant per-1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.mapping.tables import CodeSystems
from adapter.mapping.values import Unreadable, period

MODELS_OF = {"r4": "fhir.resources.R4B", "r4b": "fhir.resources.R4B", "r5": "fhir.resources"}
_NO_SYSTEMS = CodeSystems({}, {})


def structural_issues(located: Located, version: str) -> list[Issue]:
    """Every fault of a resource, each with the FHIRPath it stands at; empty when it is valid."""
    model = _model(located.kind, MODELS_OF[version])
    if model is None:
        return [Issue("structure", f"{located.kind} is no resource type of FHIR", located.kind, located.place())]
    issues = list(_model_issues(model, located))
    seen = {issue.expression for issue in issues}
    issues += [each for each in _period_issues(located.resource, located.kind, located) if each.expression not in seen]
    return issues


@cache
def _model(kind: str, package: str) -> type[BaseModel] | None:
    try:
        model: type[BaseModel] = import_module(package).get_fhir_model_class(kind)
    except ValueError:
        return None
    return model


def _model_issues(model: type[BaseModel], located: Located) -> Iterator[Issue]:
    resource = {name: value for name, value in located.resource.items() if name != "fhir_comments"}
    try:
        model.model_validate(resource)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            path = fhirpath(located.kind, each["loc"])
            yield Issue(_code(each), f"{path}: {_words(each)}", path, located.place(path))
    except (
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:  # the models stumble over some shapes before judging them
        problem = f"{located.kind} has a shape that cannot be read ({type(error).__name__})"
        yield Issue("structure", problem, located.kind, located.place())


def fhirpath(kind: str, steps: Sequence[str | int]) -> str:
    """``("item", 0, "net")`` of a Claim as ``Claim.item[0].net``."""
    path = kind
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step not in ("root", "__root__"):
            path += f".{step}"
    return path


def _code(error: Any) -> str:
    if error["type"] in ("missing", "model_field_validation.missing") or "is missing" in error["msg"]:
        return "required"
    return "value" if "spec regex" in error["msg"] else "structure"


def _words(error: Any) -> str:
    """Our own words: the library's messages may repeat a value of the record."""
    if error["type"] == "extra_forbidden":
        return "no such element in FHIR"
    if _code(error) == "required":
        return "a required element is missing"
    if "spec regex" in error["msg"]:
        return "the value has not the form of its type (a date or time needs its format, a time of day its offset)"
    if "Any of one field value is expected" in error["msg"]:
        return "more than one of a choice of elements"
    return "the value is not of the type FHIR gives the element"


def _period_issues(element: Any, path: str, located: Located) -> Iterator[Issue]:
    """Every Period anywhere in the resource that ends before it starts, or holds what is no dateTime."""
    if isinstance(element, list):
        for index, each in enumerate(element):
            yield from _period_issues(each, f"{path}[{index}]", located)
    elif isinstance(element, dict):
        if _is_period(element):
            try:
                period(element, _NO_SYSTEMS)
            except Unreadable as error:
                place = f"{path}{error.element}"
                yield Issue(error.code, f"{place} {error}", place, located.place(place))
        else:
            for name, each in element.items():
                if name != "contained":
                    yield from _period_issues(each, f"{path}.{name}", located)


def _is_period(element: Json) -> bool:
    bounds = [element[name] for name in ("start", "end") if name in element]
    return (
        bool(bounds)
        and set(element) <= {"start", "end", "id", "extension", "_start", "_end"}
        and all(isinstance(each, str) for each in bounds)
    )
