"""A quick yes: whether a resource is certainly valid. No other answer means anything; ``validation`` then looks closer.

The models of ``fhir.resources`` run Python for every element. From what they say of their fields one native schema of
``pydantic-core`` is made for each resource type, at its first use. It accepts less than they do and never more: what
is rare is left out of it, and so is every model with checks that are not known here. It also sees to what is asked
besides the models: the length of an id, and that no Period ends before it starts. Extensions, and whatever else may
stand inside itself, do so only so often in it; hence what it accepts is never nested deeper than ``DEEPEST``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from adapter.evidence.references import Json
from adapter.fhir.elements import is_resource, resource_model
from adapter.fhir.quick_rules import is_plain, required_names, with_rules
from adapter.fhir.quick_values import MOMENTS, RESOURCE_ID, kind_of_value, value_schema

DEEPEST = 50
"""Levels of nesting that no resource exceeds which is called valid here."""
_DEEPEST_CONTAINED = DEEPEST - 2
"""A contained resource stands in a list in a resource."""
_IN_EXTENSIONS = frozenset(
    ["extension"]
    + [
        f"value{kind}"
        for kind in ("Address", "CodeableConcept", "Coding", "Identifier", "Money", "Period", "Quantity", "Reference")
    ]
)
"""The elements that extensions mostly hold; the models of the 40 others are not worth loading."""
_BOUNDS = ("start", "end")


def certainly_valid(resource: Json, package: str) -> bool:
    """Whether a resource has no fault at all; False says only that it takes a closer look."""
    kind = resource.get("resourceType")
    model = resource_model(kind, package)
    check = None if model is None else _check(model, package)
    return check is not None and check.isinstance_python(resource)


@cache
def _check(model: type[BaseModel], package: str) -> SchemaValidator | None:
    shapes = _Shapes(package)
    shape = shapes.of(model, _Left())
    if shape is None or shape.depth > _DEEPEST_CONTAINED:
        return None
    return SchemaValidator(core_schema.definitions_schema(shape.schema, shapes.definitions))


@dataclass(frozen=True, slots=True)
class _Left:
    """How often an extension, or another element, may still stand inside one of its kind."""

    extensions: int = 2
    others: int = 2
    around: frozenset[type[BaseModel]] = field(default=frozenset(), compare=False)

    def inside(self, model: type[BaseModel]) -> _Left | None:
        """What is left inside an element; None where it may not stand here any more."""
        if model.__name__ == "Extension":
            return _Left(self.extensions - 1, self.others, self.around) if self.extensions else None
        if model not in self.around:
            return _Left(self.extensions, self.others, self.around | {model})
        return _Left(self.extensions, self.others - 1, self.around) if self.others else None


@dataclass(frozen=True, slots=True)
class _Shape:
    """A schema, and the levels of nesting that it allows."""

    schema: CoreSchema
    depth: int = 0


@dataclass
class _Shapes:
    """The schemas of a resource type and of the elements in it; None stands for what is not looked at here."""

    package: str
    definitions: list[CoreSchema] = field(default_factory=list)
    _known: dict[tuple[type[BaseModel], _Left], _Shape | None] = field(default_factory=dict)

    def of(self, model: type[BaseModel], around: _Left) -> _Shape | None:
        """An element that stands in others."""
        left = around.inside(model)
        if left is None:
            return None
        if (model, left) not in self._known:
            self._known[model, left] = self._element(model, left) if is_plain(model) else None
        return self._known[model, left]

    def _element(self, model: type[BaseModel], left: _Left) -> _Shape | None:
        members = dict(self._members(model, left))
        required = required_names(model)
        if not required <= members.keys():
            return None  # without the element it would be called valid
        fields = {
            name: core_schema.typed_dict_field(each.schema, required=name in required) for name, each in members.items()
        }
        if is_resource(model):
            fields["resourceType"] = core_schema.typed_dict_field(core_schema.literal_schema([model.__name__]))
            fields["id"] = core_schema.typed_dict_field(RESOURCE_ID, required=False)
        name = f"{model.__module__}.{model.__name__} {left.extensions} {left.others}"
        schema = core_schema.typed_dict_schema(fields, extra_behavior="forbid", strict=True)
        self.definitions.append({**with_rules(schema, model), "ref": name})
        depth = 1 + max((each.depth for each in members.values()), default=0)
        return _Shape(core_schema.definition_reference_schema(name), depth)

    def _members(self, model: type[BaseModel], left: _Left) -> Iterator[tuple[str, _Shape]]:
        """The elements of an element by their names in JSON."""
        for field_name, info in model.model_fields.items():
            name = info.alias or field_name
            annotation, _ = _without_none(info.annotation)
            rare = model.__name__ == "Extension" and _is_element(annotation) and name not in _IN_EXTENSIONS
            foreign = name in _BOUNDS and kind_of_value(annotation) not in MOMENTS
            if name == "contained":
                yield name, _Shape(core_schema.list_schema(self._contained(), strict=True))
            elif not rare and not foreign and not info.metadata and (shape := self._shape(annotation, left)):
                yield name, shape

    def _shape(self, annotation: Any, left: _Left) -> _Shape | None:
        if get_origin(annotation) is list:
            each, holes = _without_none(get_args(annotation)[0])
            inner = self._shape(each, left)
            return inner and _list_of(inner, holes=holes)
        if _is_element(annotation):
            model = annotation.get_model_klass()
            return None if model.__name__ == "Resource" else self.of(model, left)
        if annotation is bool or get_origin(annotation) is Annotated:
            return _Shape(value_schema(annotation))
        return None

    def _contained(self) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(partial(_is_contained, self.package))


def _list_of(shape: _Shape, *, holes: bool) -> _Shape:
    """``holes``: a list of values has null where only its extensions say something."""
    each = core_schema.nullable_schema(shape.schema) if holes else shape.schema
    return _Shape(core_schema.list_schema(each, strict=True), shape.depth + 1)


def _is_contained(package: str, resource: Any) -> Any:
    """A resource inside another holds none itself."""
    if not isinstance(resource, dict) or "contained" in resource or not certainly_valid(resource, package):
        raise ValueError
    return resource


def _is_element(annotation: Any) -> bool:
    each = get_args(annotation)[0] if get_origin(annotation) is list else annotation
    return hasattr(each, "get_model_klass")


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """What is left of ``X | None``, and whether it was one."""
    if get_origin(annotation) is Annotated or NoneType not in get_args(annotation):
        return annotation, False
    others = [each for each in get_args(annotation) if each is not NoneType]
    return (others[0] if len(others) == 1 else None), True
