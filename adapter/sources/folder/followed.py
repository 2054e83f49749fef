"""Whether the tokens of a folder know the elements that the mappings read: when something was done, and who did it.

Tokens are made while a folder is scanned, of elements that are named there (``tokens``). A site may map another one.
What is read from it would decide, and would not be looked up by it; so the folder is then decided as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from adapter.mapping.loader import Mappings
from adapter.mapping.mapper import PartMapping
from adapter.sources.folder.tokens import PEOPLE, SERVICED, TIMES

_TIMES_READ = {
    "Claim": (("billable_period",), ("items", "serviced")),
    "Encounter": (("period",),),
    "Procedure": (("performed",), ("performed_at",)),
}
"""Fields by which sessions of one day are found, with the group they stand in."""
_PEOPLE_READ = {"Encounter": (("participants", "individual"),), "Procedure": (("performers",),)}
_TIME = re.compile(r"(?P<element>\w+)(?:\.ofType\((?P<type>\w+)\))?(?:\.(?:start|end))?")
"""All that is understood of an expression here; whatever says more may lead anywhere."""


def not_followed(loaded: Iterable[Mappings]) -> Iterator[str]:
    """A sentence for each field that is read from elements no token is made of."""
    for each in loaded:
        for kind, part in each.resources.items():
            times = (name for name in _TIMES_READ.get(kind, ()) if not all(map(_is_time, _paths(part, *name))))
            people = (name for name in _PEOPLE_READ.get(kind, ()) if not PEOPLE[kind].issuperset(_paths(part, *name)))
            for name in (*times, *people):
                read = " or ".join(_paths(part, *name))
                yield (
                    f"{'.'.join(name)} of {kind} ({each.version}) is read from {read}, by which nothing is looked up "
                    "in a folder: all of it is decided at once, in one process and in memory"
                )


def _is_time(path: str) -> bool:
    """Whether each alternative is an element whose days are entered, whole or of one type."""
    return all(map(_is_entered, path.split("|")))


def _is_entered(path: str) -> bool:
    match = _TIME.fullmatch(path.strip())
    if match is None:
        return False
    kind = match["type"]
    return match["element"] + (kind[0].upper() + kind[1:] if kind else "") in (*TIMES, *SERVICED)


def _paths(part: PartMapping, *name: str) -> list[str]:
    """The expressions that lead to a field, each from the resource on for one in a group."""
    if len(name) == 1:
        return [text for each in part.fields if each.name == name[0] for text, _ in each.expressions]
    if name[0] not in part.groups:
        return []
    path, _, inside = part.groups[name[0]]
    return [text if name[0] == "items" and path == "item" else f"{path}.{text}" for text in _paths(inside, *name[1:])]
