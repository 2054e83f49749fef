"""What an element needs besides the types of its members: what is required, one of each choice, Periods in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_core.fhirabstractmodel import FHIRAbstractModel
from pydantic import BaseModel
from pydantic_core import CoreSchema, core_schema

from adapter.evidence.references import Json
from adapter.mapping.tables import CodeSystems
from adapter.mapping.values import period

_OF_EVERY_MODEL = {"reject_null_complex_elements", "validate_after_model_construction"}
"""Checks of the models that are made here too: no hole in a list of elements; what is required; one of each choice."""
_OF_EXTENDED = "validate_extension_or_fhir_comment_required"
"""A value's companion needs an id or an extension; here it is asked for an extension."""
_NO_SYSTEMS = CodeSystems({}, {})
_TIME_ENDS = 19
"""Where in a dateTime the seconds end; behind them are fractions and the offset."""


def is_plain(model: Any) -> bool:
    """Whether a model has no checks but those known here."""
    found = model.__pydantic_decorators__
    known = found.model_validators.keys() <= _OF_EVERY_MODEL | {_OF_EXTENDED}
    others = found.field_validators or found.validators or found.root_validators
    return known and not others and model.__init__ is FHIRAbstractModel.__init__


def required_names(model: Any) -> set[str]:
    """What must be there, by its name in JSON; a value that only an extension says is absent is not enough here."""
    required = {info.alias or name for name, info in model.model_fields.items() if info.is_required()}
    required |= {name for name, _extension in model.get_required_fields(None)}
    return required | ({"extension"} if _OF_EXTENDED in model.__pydantic_decorators__.model_validators else set())


def with_rules(schema: CoreSchema, model: type[BaseModel]) -> CoreSchema:
    """The schema of an element, with the rules about several of its members."""
    for names, required in _choices(model):
        schema = core_schema.no_info_after_validator_function(_one_of(names, required=required), schema)
    if {"start", "end"} <= model.model_fields.keys():
        schema = core_schema.no_info_after_validator_function(_in_order, schema)
    return schema


def _choices(model: Any) -> list[tuple[frozenset[str], bool]]:
    """The names that are one choice of types, and whether one must be there."""
    fields = model.model_fields
    found = ((prefix, names) for prefix, names in model.get_one_of_many_fields(None).items())
    return [
        (frozenset(fields[name].alias or name for name in names), _is_required(fields[names[0]], prefix))
        for prefix, names in found
    ]


def _is_required(info: Any, prefix: str) -> bool:
    extra = info.json_schema_extra
    assert extra["one_of_many"] == prefix  # noqa: S101 - as the models do
    return bool(extra["one_of_many_required"])


def _one_of(names: frozenset[str], *, required: bool) -> Callable[[Json], Json]:
    def check(element: Json) -> Json:
        found = len(names.intersection(element))
        if found > 1 or (required and not found):
            raise ValueError
        return element

    return check


def _in_order(element: Json) -> Json:
    """Refuses a Period, or anything like one, that ends before it starts."""
    start, end = element.get("start"), element.get("end")
    if start is not None and end is not None and not _plainly_in_order(start, end):
        period({"start": start, "end": end}, _NO_SYSTEMS)  # its error is a ValueError
    return element


def _plainly_in_order(start: str, end: str) -> bool:
    """Of the same precision and offset, texts stand in the order of the times they tell."""
    return len(start) == len(end) and start[_TIME_ENDS:] == end[_TIME_ENDS:] and start <= end
