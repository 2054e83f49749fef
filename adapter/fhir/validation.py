"""Whether a resource has the shape FHIR gives it, by the models of ``fhir.resources`` (R4B models serve R4).

A fault of the shape is ``structure``; a value that its type does not allow (a time without an offset) is ``value``; a
missing element is ``required``; a Period that ends before it starts breaks the invariant per-1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.fhir.elements import UNREAD, WRONG_TYPE, element_faults, resource_model
from adapter.mapping.tables import CodeSystems
from adapter.mapping.values import Unreadable, period

MODELS_OF = {"r4": "fhir.resources.R4B", "r4b": "fhir.resources.R4B", "r5": "fhir.resources"}
MOST_FAULTS = 1000
"""Faults of one resource that are listed; a resource with more was made to keep us busy."""
_NO_SYSTEMS = CodeSystems({}, {})
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def is_resource_type(kind: object) -> bool:
    """Whether a release of FHIR that we read has such a resource."""
    return any(resource_model(kind, package) is not None for package in sorted(set(MODELS_OF.values())))


def structural_issues(located: Located, version: str, *, lenient: bool = False) -> list[Issue]:
    """Every fault of a resource, each with the FHIRPath it stands at; empty when it is valid.

    With ``lenient`` an element that FHIR does not know is a warning.
    """
    package = MODELS_OF[version]
    model = resource_model(located.kind, package)
    if model is None:
        return [Issue("structure", f"{located.kind} is no resource type of FHIR", located.kind, located.place())]
    issues = list(_model_issues(model, package, located, lenient=lenient))
    issues += _id_issues(located, {each.expression for each in issues})
    seen = {issue.expression for issue in issues}
    issues += [each for each in _period_issues(located.resource, located.kind, located) if each.expression not in seen]
    return issues


def _model_issues(model: type[BaseModel], package: str, located: Located, *, lenient: bool) -> Iterator[Issue]:
    """What the models find; they are asked element by element only when something is wrong, for that is slower."""
    resource = {name: value for name, value in located.resource.items() if name != "fhir_comments"}
    try:
        if not _is_valid(model, resource):
            faults = element_faults(model, package, resource, located.kind)
            found = list(islice(faults, MOST_FAULTS + 1)) or [("structure", located.kind, WRONG_TYPE)]
            for code, path, words in found[:MOST_FAULTS]:
                severity = "warning" if lenient and words in UNREAD else "error"
                yield Issue(code, f"{path}: {words}", path, located.place(path), severity)
            if len(found) > MOST_FAULTS:
                problem = f"{located.kind} has more faults than these {MOST_FAULTS}"
                yield Issue("structure", problem, located.kind, located.place())
    except RecursionError:
        yield Issue("structure", f"{located.kind} is nested too deeply", located.kind, located.place())


def _is_valid(model: type[BaseModel], resource: Json) -> bool:
    try:
        model.model_validate(resource)
    except (ValidationError, TypeError, AttributeError, KeyError):  # the models stumble over some shapes
        return False
    return True


def _id_issues(located: Located, seen: set[str]) -> Iterator[Issue]:
    """The models let a long id pass."""
    path = f"{located.kind}.id"
    if located.id is not None and not _ID.fullmatch(located.id) and path not in seen:
        words = "an id has 1 to 64 letters, digits, hyphens and points"
        yield Issue("value", f"{path}: {words}", path, located.place(path))


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
