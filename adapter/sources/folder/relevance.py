"""Which of the many claims, visits and procedures of a folder can matter to a coaching claim by what they are.

Nearly all are somebody else's. One that carries none of the codes that any rule asks for is not looked up with its
patient; it is still found when something refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from adapter.evidence.references import Json
from adapter.mapping.loader import Mappings
from adapter.policy.codes import Ncci

MASSES = frozenset({"Claim", "Encounter", "Procedure"})
"""Types that a payer has in masses, and of which only those with a code we ask for matter by themselves."""
_DIGITS = re.compile(r"[0-9]{3,}")
_WORDS = re.compile(r"[a-z][A-Za-z]+")
_SAID_BY_ALL = frozenset(
    {"status", "code", "coding", "type", "subject", "encounter", "exists", "where", "and", "or", "not"}
)


@dataclass(frozen=True, slots=True)
class Relevance:
    """Tells by the bytes and the codings of a resource whether it can matter; in doubt it does."""

    spelt: re.Pattern[bytes]
    """Finds what every spelling of a code in scope has in common: its digits, for case and spaces may differ."""
    written: tuple[bytes, ...]
    """Local codes that stand for one in scope, as they are written."""
    billed: frozenset[str]
    """Codes that matter on another claim of the patient: those that a same-day edit pairs with one of ours."""
    telling: Mapping[str, frozenset[str]]
    """By type: elements by which a resource may document a session, whatever service it was."""
    masses: frozenset[str] = MASSES
    kinds: frozenset[str] = frozenset()
    """The types on which a decision can rest; what any other says leads nowhere."""

    @classmethod
    def of(cls, mappings: Iterable[Mappings], ncci: Ncci) -> Relevance:
        """For the mappings in use and the edits on file."""
        loaded = list(mappings)
        scope = {code for each in loaded for code in each.scope}
        local = {code for each in loaded for code in each.local_codes} | set(_translated(loaded, scope))
        paired = {column_one for column_one, _ in ncci.pairs} - scope
        written = tuple(sorted(code.encode() for code in local))
        telling = _telling(loaded)
        masses = frozenset(kind for kind in MASSES if telling.get(kind) != frozenset())
        kinds = frozenset(kind for each in loaded for kind in (*each.plan.watched, *each.resources))
        return cls(_spelling(scope), written, frozenset(paired), telling, masses, kinds)

    def matters(self, kind: str, resource: Json, content: bytes) -> bool:
        """Whether a resource of one of the ``masses``, read from that JSON text, is looked up with its patient."""
        if self.spelt.search(content) or b"\\" in content:  # a backslash may hide a code
            return True
        for code in self.written:
            if code in content:
                return True
        for name in self.telling.get(kind, ()):
            if name in resource:
                return True
        if kind == "Claim":
            return self._is_paired(resource)
        # One that does not say what it is may be anything.
        return kind == "Procedure" and not _is_coded(resource)

    def _is_paired(self, claim: Json) -> bool:
        try:
            for item in claim["item"]:
                for coding in item["productOrService"]["coding"]:
                    if coding["code"] in self.billed:
                        return True
        except (KeyError, TypeError):  # another shape than FHIR's: looked at more closely
            return True
        return False


def _is_coded(procedure: Json) -> bool:
    try:
        return bool(procedure["code"]["coding"][0]["code"])
    except (KeyError, IndexError, TypeError):
        return False


def _spelling(scope: Iterable[str]) -> re.Pattern[bytes]:
    """The longest run of digits of each code, for digits have no case; a code with hardly any is sought as it is."""
    found = ((code, max(_DIGITS.findall(code), key=len, default=None)) for code in scope)
    parts = {digits or f"(?i:{re.escape(code)})" for code, digits in found}
    return re.compile("|".join(sorted(parts)).encode())


def _translated(loaded: Iterable[Mappings], scope: set[str]) -> Iterable[str]:
    """Codes that a table turns into one of ours."""
    tables = (table for each in loaded for table in each.tables.values())
    return (code for table in tables for (_, code), target in table.targets.items() if target.code in scope - {code})


def _telling(loaded: Iterable[Mappings]) -> dict[str, frozenset[str]]:
    """The elements that the mappings of documentation ask for; none where a type has to be taken whole."""
    found: dict[str, frozenset[str]] = {}
    for each in loaded:
        papers = each.documentation
        listed = [papers.note, *papers.elements.values(), tuple(length.place for length in papers.minutes)]
        for place in (place for places in listed for place in places):
            names = frozenset(_WORDS.findall(place.where)) - _SAID_BY_ALL if place.linked_by else frozenset()
            known = found.get(place.resource)
            found[place.resource] = names if known is None else known | names if known and names else frozenset()
    return found
