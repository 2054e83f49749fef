"""What is wrong with a resource: its structure by the FHIR models, and the values its mapping could not read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from adapter.errors import Issue
from adapter.evidence.store import Located
from adapter.fhir.validation import structural_issues
from adapter.mapping.mapper import Mapper

_JUDGED_BY_RULES = re.compile(r"Claim\.item\[\d+\]\.productOrService\.coding\[\d+\]\.code")
"""A service code with spaces around it is no FHIR code, yet the table has an answer to it (row 81)."""


@dataclass
class Faults:
    """Finds the faults of resources, once for those that several claims share."""

    mapper: Mapper
    version: str
    _found: dict[Located, list[Issue]] = field(default_factory=dict)

    def of(self, located: Located) -> list[Issue]:
        """All faults of a resource; a contained one is judged with its container."""
        if located.container is not None:
            return []
        if located not in self._found:
            found = structural_issues(located, self.version)
            found = [each for each in found if not _JUDGED_BY_RULES.fullmatch(each.expression)]
            seen = {issue.expression for issue in found}
            mapped = self.mapper.record(located).issues if self.mapper.knows(located) else ()
            self._found[located] = found + [each for each in mapped if not _told(each.expression, seen)]
        return self._found[located]


def _told(expression: str, seen: set[str]) -> bool:
    """Whether a fault of this element, or of one around or inside it, is listed already."""
    plain = _plain(expression)
    return any(plain.startswith(each) or each.startswith(plain) for each in map(_plain, seen))


def _plain(expression: str) -> str:
    """Without indexes, and a choice of types as JSON names it: ``performed.ofType(Period)`` is ``performedPeriod``."""
    named = re.sub(r"\.ofType\((\w)(\w*)\)", lambda each: each[1].upper() + each[2], expression)
    return re.sub(r"\[\d+\]", "", named)
