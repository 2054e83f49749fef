"""Every fault of an invalid resource, element by element.

The models stop early: of an element with a wrong value they say nothing about what is missing beside it, of two missing
values they name one, and a resource inside another trips them. So each element is put to its own model with its simple
values only, and what is inside it follows in its turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from adapter.evidence.references import Json
from adapter.fhir.paths import ELEMENT, fhirpath, is_type_name

Fault = tuple[str, str, str]
"""Issue code, FHIRPath, and what is wrong in our own words: the models' messages may repeat a value of the record."""

UNKNOWN = "no such element in FHIR"
NO_NAME = "an element, or several, by a name that no element has"
UNREAD = frozenset({UNKNOWN, NO_NAME})
"""Faults that a lenient reader may pass over: what FHIR does not know, nobody reads."""
MISSING = "a required element is missing"
SEVERAL = "more than one of a choice of elements"
_NO_SUCH_DAY = frozenset({"date_from_datetime_parsing", "datetime_from_date_parsing"})
WRONG_TYPE = "the value is not of the type FHIR gives the element"
WRONG_FORM = "the value has not the form of its type (a date or time needs its format, a time of day its offset)"


@dataclass(frozen=True, slots=True)
class _Child:
    """An element that has elements of its own."""

    model: type[BaseModel]
    repeats: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the model of an element says of its own elements, by their names in JSON."""

    model: type[BaseModel]
    names: frozenset[str]
    children: Mapping[str, _Child]
    required: Mapping[str, tuple[str, ...]]
    """What one of must be there: an element or the extension that says why it is absent, or one of a choice."""
    choices: tuple[tuple[str, ...], ...]


def element_faults(model: type[BaseModel], package: str, element: Any, path: str) -> Iterator[Fault]:
    """The faults of an element, and of all elements inside it."""
    if not isinstance(element, dict):
        yield "structure", path, WRONG_TYPE
        return
    shape = _shape(model)
    resource = is_resource(model)
    names = {name for name in element if name in shape.names and not (resource and name == "resourceType")}
    yield from _unknown(set(element) - names - ({"resourceType"} if resource else set()), path)
    yield from _wrong_values(shape, {name: element[name] for name in names if name not in shape.children}, path)
    yield from _missing(shape, element, path)
    yield from (("structure", path, SEVERAL) for each in shape.choices if len(_present(each, element)) > 1)
    for name in sorted(names & shape.children.keys()):
        yield from _child_faults(shape.children[name], package, element[name], f"{path}.{name}")


def _unknown(names: set[str], path: str) -> Iterator[Fault]:
    named = sorted(name for name in names if ELEMENT.fullmatch(name))
    yield from (("structure", f"{path}.{name}", UNKNOWN) for name in named)
    if len(named) < len(names):
        yield "structure", path, NO_NAME


def _wrong_values(shape: _Shape, simple: Json, path: str) -> Iterator[Fault]:
    try:
        shape.model.model_validate(simple)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            if each["loc"] and each["loc"][0] in simple:
                malformed = "spec regex" in each["msg"] or each["type"] in _NO_SUCH_DAY
                yield "value" if malformed else "structure", fhirpath(path, each["loc"]), _words(malformed=malformed)
    except (TypeError, AttributeError, KeyError):
        yield "structure", path, WRONG_TYPE


def _words(*, malformed: bool) -> str:
    return WRONG_FORM if malformed else WRONG_TYPE


def _missing(shape: _Shape, element: Json, path: str) -> Iterator[Fault]:
    for name, several in shape.required.items():
        if not _present(several, element):
            yield "required", f"{path}.{name}", MISSING


def _present(names: tuple[str, ...], element: Json) -> list[str]:
    return [name for name in names if element.get(name) is not None]


def _child_faults(child: _Child, package: str, value: Any, path: str) -> Iterator[Fault]:
    if value is None:
        return
    if not child.repeats:
        yield from _one(child, package, value, path)
    elif not isinstance(value, list):
        yield "structure", path, WRONG_TYPE
    else:
        holes = path.rpartition(".")[2].startswith("_")  # the extensions of a list of values leave holes where none is
        for index, each in enumerate(value):
            if each is not None or not holes:
                yield from _one(child, package, each, f"{path}[{index}]")


def _one(child: _Child, package: str, value: Any, path: str) -> Iterator[Fault]:
    if child.model.__name__ != "Resource":
        yield from element_faults(child.model, package, value, path)
    elif not isinstance(value, dict):
        yield "structure", path, WRONG_TYPE
    elif (model := resource_model(value.get("resourceType"), package)) is None:
        yield "structure", f"{path}.resourceType", "no resource type of FHIR"
    else:
        yield from element_faults(model, package, value, path)


@cache
def _model_by_name(kind: str, package: str) -> type[BaseModel] | None:
    try:
        model: type[BaseModel] = import_module(package).get_fhir_model_class(kind)
    except (ValueError, KeyError):
        return None
    return model if is_resource(model) else None


def resource_model(kind: object, package: str) -> type[BaseModel] | None:
    """The model of a resource type; None when FHIR has no such type."""
    return _model_by_name(str(kind), package) if is_type_name(kind) else None


def is_resource(model: type[BaseModel]) -> bool:
    """Whether a model is that of a resource, not of an element in one."""
    return any(each.__name__ == "Resource" for each in model.__mro__)


@cache
def _shape(model: Any) -> _Shape:
    """Read off a model once: its fields carry what the specification says."""
    alias = {name: field.alias or name for name, field in model.model_fields.items()}
    children = {alias[name]: found for name, field in model.model_fields.items() if (found := _child(field.annotation))}
    choices: dict[str, list[str]] = {}
    for name, field in model.model_fields.items():
        if choice := (field.json_schema_extra or {}).get("one_of_many"):
            choices.setdefault(choice, []).append(alias[name])
    required: dict[str, tuple[str, ...]] = {}
    required |= {alias[name]: (alias[name],) for name, field in model.model_fields.items() if field.is_required()}
    required |= {name: (name, alias.get(extension, name)) for name, extension in model.get_required_fields(None)}
    required |= {choice: tuple(names) for choice, names in choices.items() if _is_required(model, choice)}
    return _Shape(model, frozenset(alias.values()), children, required, tuple(map(tuple, choices.values())))


def _is_required(model: Any, choice: str) -> bool:
    extras = (field.json_schema_extra or {} for field in model.model_fields.values())
    return any(each.get("one_of_many") == choice and each.get("one_of_many_required") for each in extras)


def _child(annotation: Any, *, repeats: bool = False) -> _Child | None:
    if hasattr(annotation, "get_model_klass"):
        return _Child(annotation.get_model_klass(), repeats)
    inside = (_child(each, repeats=repeats or get_origin(annotation) is list) for each in get_args(annotation))
    return next((each for each in inside if each is not None), None)
