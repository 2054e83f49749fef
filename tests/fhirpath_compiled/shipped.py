"""The expressions of the shipped mappings, with what each is evaluated on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from adapter.fhir.version import READ_AS
from adapter.layers import Layers, shipped_mappings
from adapter.mapping import compiler, loader
from adapter.mapping.fhirpath.expression import Expression, compile_expression, library_expression
from adapter.sources.files import Reading, read_files

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"


@dataclass(frozen=True, order=True)
class Shipped:
    """One expression of a mapping, below the type or repeated part (``Claim.item``) it is evaluated on."""

    version: str
    base: str
    text: str

    def __str__(self) -> str:
        return f"{self.version} {self.base}: {self.text}"

    @property
    def compiled(self) -> Expression:
        return compile_expression(self.text, self.base, self.version)

    @property
    def library(self) -> Expression:
        return library_expression(self.text, self.base, self.version)

    def elements(self, resources: Iterable[dict[str, Any]]) -> list[Any]:
        """What the expression is evaluated on in resources of its type: the resources, or their repeated parts."""
        kind, _, part = self.base.partition(".")
        if not part:
            return list(resources)
        parts = library_expression(part, kind, self.version)
        return [element for resource in resources for element in parts(resource)]


def shipped(version: str) -> list[Shipped]:
    """Every expression that loading the mappings of a version compiles."""
    found: set[Shipped] = set()

    def noting(text: str, base: str, version: str) -> Expression:
        found.add(Shipped(version, base, text))
        return compile_expression(text, base, version)

    with patch.object(compiler, "compile_expression", noting):
        loader.load_mappings(Layers.of(shipped_mappings()), version)
    return sorted(found)


def versions() -> list[str]:
    """The FHIR versions that have a folder of mappings."""
    return [version for version in READ_AS if (shipped_mappings() / version).is_dir()]


def all_shipped() -> list[Shipped]:
    return [each for version in versions() for each in shipped(version)]


def resources_by_type(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every resource of the files of a folder; the resources inside Bundles and other resources count as well."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for located in read_files(folder, Reading()):
        for resource in (located.resource, *_contained(located.resource)):
            found[str(resource.get("resourceType"))].append(resource)
    return found


def _contained(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inside = resource.get("contained")
    return (each for each in (inside if isinstance(inside, list) else []) if isinstance(each, dict))
