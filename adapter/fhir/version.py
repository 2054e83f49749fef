"""Which version of FHIR something is in: by what it states, else by elements that only one version has.

R4B (4.3) changed none of the resources read here, so its files are read as R4. Most resources look alike in R4 and R5;
then nothing is told, and where the resource was found has to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapter.evidence.references import Json
from adapter.fhir.version_elements import ONLY_R4, ONLY_R5

R4, R4B, R5 = "r4", "r4b", "r5"
NAMES = {R4: "R4", R4B: "R4B", R5: "R5"}
RELEASES = {"4.0": R4, "4.3": R4B, "5.0": R5}
READ_AS = {R4: R4, R4B: R4, R5: R5}
"""The version whose mappings, and whose form of an answer, serve a version."""
_FORMS = {"{}": dict, "[]": list}


@dataclass(frozen=True, slots=True)
class _Signs:
    """The elements that only one version has of a resource, sorted by what tells them: all resources are asked."""

    names: frozenset[str]
    forms: Mapping[str, type]
    """Elements that are a list, or an object, in that version only."""
    inside: tuple[tuple[str, frozenset[str]], ...]
    """Elements of the parts of a list."""

    @classmethod
    def of(cls, written: Iterable[str]) -> _Signs:
        """As the tables write them."""
        written = frozenset(written)
        parts: dict[str, set[str]] = {}
        for name, dot, part in (each.partition(".") for each in sorted(written)):
            if dot:
                parts.setdefault(name, set()).add(part)
        return cls(
            frozenset(each for each in written if each[-1] not in "]}" and "." not in each),
            {each[:-2]: _FORMS[each[-2:]] for each in written if each[-2:] in _FORMS},
            tuple((name, frozenset(found)) for name, found in parts.items()),
        )

    def stand_in(self, resource: Json) -> bool:
        """Whether one of them does."""
        if not self.names.isdisjoint(resource):
            return True
        for name, form in self.forms.items():
            if isinstance(resource.get(name), form):
                return True
        for name, parts in self.inside:
            value = resource.get(name)
            if isinstance(value, list):
                for each in value:
                    if isinstance(each, dict) and not parts.isdisjoint(each):
                        return True
        return False


_SIGNS = {kind: (_Signs.of(names), _Signs.of(ONLY_R5[kind])) for kind, names in ONLY_R4.items()}
"""Of R4, and of R5."""
_PROFILE = re.compile(
    r"http://hl7\.org/fhir/(?:(?P<path>\d\.\d)/StructureDefinition/\w+|StructureDefinition/\w+\|(?P<version>\d\.\d)(?:\.\d+)?)$"
)


def version_of_release(release: object) -> str | None:
    """``r4`` of ``4.0.1``; None of a release that the adapter does not read."""
    return RELEASES.get(release[:3]) if isinstance(release, str) and release[3:4] in ("", ".", "-") else None


def told_version(resource: Json) -> str | None:
    """``r4`` or ``r5`` as the resource states it, or as its elements show it; None when it could be either."""
    return _stated(resource) or _shown(resource)


def _stated(resource: Json) -> str | None:
    """By ``fhirVersion`` of a CapabilityStatement or Parameters, or by a profile of the specification itself."""
    if "meta" not in resource and resource.get("resourceType") not in STATEMENTS:
        return None
    for release in _releases(resource):
        if (version := version_of_release(release)) is not None:
            return READ_AS[version]
    return None


STATEMENTS = ("CapabilityStatement", "Parameters")
"""Resources that name the version of what stands beside them."""


def stated_releases(resource: Json) -> tuple[str, ...]:
    """The releases that a resource names: its own, or as a CapabilityStatement or Parameters that of others."""
    releases = _releases(resource)
    return tuple(each for each in releases if isinstance(each, str)) if releases else ()


def foreign_release(releases: Iterable[str]) -> str | None:
    """The first of the releases, where the adapter reads none of them."""
    releases = tuple(releases)
    return None if not releases or any(map(version_of_release, releases)) else next(iter(releases), None)


def _releases(resource: Json) -> list[object]:
    """Every release that is named; nearly always none, and all resources are asked."""
    found: list[object] = []
    kind, meta = resource.get("resourceType"), resource.get("meta")
    if kind == "CapabilityStatement":
        found.append(resource.get("fhirVersion"))
    if kind == "Parameters":
        named = (each for each in _objects(resource.get("parameter")) if each.get("name") == "fhirVersion")
        found += [each.get("valueCode") or each.get("valueString") for each in named]
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    if isinstance(profiles, list):
        for profile in profiles:
            if match := _PROFILE.match(str(profile)):
                found.append(match["path"] or match["version"])
    return found


def _shown(resource: Json) -> str | None:
    signs = _SIGNS.get(str(resource.get("resourceType")))
    if signs is None:
        return None
    old, new = signs
    is_old, is_new = old.stand_in(resource), new.stand_in(resource)
    return (R4 if is_old else R5) if is_old != is_new else None


def _objects(value: Any) -> Iterator[Json]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
