"""Which elements a FHIR type has, in one version: the model that FHIRPath is evaluated with, asked in advance.

Types are written as the model writes them: a data type or resource by its name (``Period``, ``Encounter``), a part
without a type of its own by its path (``Claim.item``). https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhirpathpy.models import models

from adapter.fhir.version import READ_AS

Types = frozenset[str] | None
"""What an expression may be; None where anything may stand, as in a contained resource."""

_PART = ("BackboneElement", "Element")
"""What a part without a type of its own inherits from."""
_OPEN = {"Resource", "DomainResource"}
"""Types that stand for any resource."""


@dataclass(frozen=True)
class Model:
    """The elements of one FHIR version."""

    types: dict[str, str]
    choices: dict[str, list[str]]
    elsewhere: dict[str, str]
    parents: dict[str, str]
    parts: frozenset[str]
    """Paths that have elements below them."""
    members: dict[str, frozenset[str]]
    """Names of the elements right below a type or part."""

    def member(self, of: Types, name: str) -> Types:
        """What the element ``name`` may be.

        Raises:
            KeyError: none of the types has it; the argument is the name.
        """
        if of is None or of & _OPEN:
            return None
        found = [each for kind in of if (each := self._member(kind, name)) is not None]
        if not found:
            raise KeyError(name)
        return frozenset().union(*found)

    def names(self, of: Types) -> Collection[str]:
        """All elements of any of the types."""
        lineage = [ancestor for kind in of or () for ancestor in self.lineage(kind)]
        return {name for ancestor in lineage for name in self.members.get(ancestor, ())}

    def is_type(self, name: str) -> bool:
        """Whether a data type or a resource is called so."""
        return name in self.parents or _lower(name) in PRIMITIVES

    def is_resource(self, name: str) -> bool:
        """Whether a resource is called so."""
        return not _OPEN.isdisjoint(self.lineage(name))

    def is_choice(self, of: Types, name: str) -> bool:
        """Whether an element may be of several types, so that JSON writes its name with the type."""
        return any(f"{ancestor}.{name}" in self.choices for kind in of or () for ancestor in self.lineage(kind))

    def _member(self, kind: str, name: str) -> frozenset[str] | None:
        for ancestor in self.lineage(kind):
            if (found := self._own(f"{ancestor}.{name}")) is not None:
                return found
            if (found := self._typed_choice(ancestor, name)) is not None:
                return found
        return None

    def _own(self, path: str) -> frozenset[str] | None:
        path = self.elsewhere.get(path, path)
        if path in self.choices:
            return frozenset(_plain(each) for each in self.choices[path])
        if path in self.types:
            return frozenset([_plain(self.types[path])])
        return frozenset([path]) if path in self.parts else None

    def _typed_choice(self, kind: str, name: str) -> frozenset[str] | None:
        """``valueQuantity`` as JSON spells the choice ``value``."""
        for length in range(1, len(name)):
            choice = self.choices.get(f"{kind}.{name[:length]}", ())
            if name[length:] in choice:
                return frozenset([_plain(name[length:])])
        return None

    def lineage(self, kind: str) -> list[str]:
        """A type and those it inherits from."""
        found = [kind]
        if "." in kind:
            return found + list(_PART)
        while (parent := self.parents.get(found[-1])) is not None and parent not in found:
            found.append(parent)
        return found if found[-1] in _OPEN or "Element" in found else [*found, "Element"]


PRIMITIVES = frozenset(
    [
        *("boolean", "integer", "integer64", "decimal", "positiveInt", "unsignedInt"),
        *("string", "code", "id", "markdown", "xhtml", "base64Binary"),
        *("uri", "url", "uuid", "oid", "canonical"),
        *("date", "dateTime", "instant", "time"),
    ]
)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _plain(kind: str) -> str:
    """A type as this module writes it: the model says ``DateTime`` in choices and ``System.String`` of ids."""
    name = kind.rpartition(".")[2]
    return _lower(name) if _lower(name) in PRIMITIVES else name


@cache
def model(version: str) -> Model:
    """The model that serves a FHIR version (``r4``, ``r4b``, ``r5``)."""
    read: dict[str, Any] = models[READ_AS[version]]
    paths = {*read["path2Type"], *read["choiceTypePaths"], *read["pathsDefinedElsewhere"]}
    members: dict[str, set[str]] = {}
    for path in paths:
        steps = path.split(".")
        for depth in range(1, len(steps)):
            members.setdefault(".".join(steps[:depth]), set()).add(steps[depth])
    return Model(
        types=read["path2Type"],
        choices=read["choiceTypePaths"],
        elsewhere=read["pathsDefinedElsewhere"],
        parents=read["type2Parent"],
        parts=frozenset(members),
        members={path: frozenset(names) for path, names in members.items()},
    )
