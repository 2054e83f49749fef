"""What is wrong with a resource: its structure by the FHIR models, and the values its mapping could not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.fhir.validation import structural_issues
from adapter.fhir.version import NAMES, READ_AS, told_version
from adapter.mapping.mapper import Records

_JUDGED_BY_RULES = re.compile(r"Claim\.item\[\d+\]\.productOrService\.coding\[\d+\]\.code")
"""A service code with spaces around it is no FHIR code, yet the table has an answer to it (row 81)."""


@dataclass
class Faults:
    """Finds the faults of resources, once for those that several claims share."""

    mapper: Records
    version_of: Callable[[Located], str]
    _found: dict[Located, list[Issue]] = field(default_factory=dict)

    def of(self, located: Located) -> list[Issue]:
        """All faults of a resource; a contained one is judged with its container."""
        if located.container is not None:
            return []
        if located not in self._found:
            version = self.version_of(located)
            found = structural_issues(located, version)
            found = [each for each in found if not _JUDGED_BY_RULES.fullmatch(each.expression)]
            seen = {issue.expression for issue in found}
            mapped = self.mapper.record(located).issues if self.mapper.knows(located) else ()
            found += [each for each in mapped if not _told(each.expression, seen)]
            self._found[located] = [*_another_version(located, version), *found] if found else []
        return self._found[located]


def _another_version(located: Located, version: str) -> Iterator[Issue]:
    """Where a faulty resource has the shape of another version, that is the fault to mend first."""
    told = told_version(located.resource)
    if told is not None and told != READ_AS[version]:
        words = f"{located.kind} is written in FHIR {NAMES[told]} and was to be read as {NAMES[version]}"
        yield Issue("structure", words, located.kind, located.place())


def _told(expression: str, seen: set[str]) -> bool:
    """Whether a fault of this element, or of one around or inside it, is listed already."""
    plain = re.sub(r"\.ofType\(.*?\)|\[\d+\]", "", expression)
    others = [re.sub(r"\[\d+\]", "", each) for each in seen]
    return any(plain.startswith(each) or each.startswith(plain) for each in others)
