"""What ``evidence.yaml`` names and no resource of the version has: it would be followed and searched for in vain.

The names of search parameters are the server's own affair and cannot be told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from adapter.errors import ConfigurationFault
from adapter.evidence.plan import is_extension, parse_path
from adapter.mapping.files import EvidenceFile
from adapter.mapping.model import Model, Types
from adapter.yaml_lines import Lined


def plan_faults(lined: Lined, read: EvidenceFile, known: Model) -> Iterator[ConfigurationFault]:
    """Resource types, paths and names of elements that do not exist."""
    for part in ("follow", "search", "by_practitioner", "sessions_of_coach", "include"):
        for kind in getattr(read, part):
            yield from _kinds(lined, [kind], (part, kind), known)
    for kind, paths in read.follow.items():
        for index, path in enumerate(paths):
            if known.is_resource(kind) and (problem := _path_problem(kind, path, known)) is not None:
                yield lined.fault(f"{path!r}: {problem}", ("follow", kind, index))
    followed = _last_members(read)
    for name, kinds in read.identified_as.items():
        yield from _kinds(lined, kinds, ("identified_as", name), known)
        if followed and name not in followed:
            near = get_close_matches(name, followed, 1)
            hint = f"do you mean {near[0]!r}?" if near else "it is the last member of a path under follow"
            yield lined.fault(f"no path that is followed ends in {name!r}", ("identified_as", name), hint)


def _kinds(lined: Lined, kinds: Iterable[str], at: tuple[str | int, ...], known: Model) -> Iterator[ConfigurationFault]:
    for kind in kinds:
        if not known.is_resource(kind):
            near = get_close_matches(kind, known.parents, 1)
            yield lined.fault(f"there is no resource {kind!r}", at, f"do you mean {near[0]!r}?" if near else "")


def _last_members(read: EvidenceFile) -> set[str]:
    found = set()
    for path in (path for paths in read.follow.values() for path in paths):
        try:
            found.add(parse_path(path)[-1])
        except ValueError:
            continue  # a fault of its own
    return found


def _path_problem(kind: str, path: str, known: Model) -> str | None:
    """What is wrong with a path; None where it may lead to a reference."""
    here: Types = frozenset([kind])
    try:
        steps = parse_path(path)
    except ValueError as error:
        return str(error)
    for step in steps:
        if is_extension(step):
            here = frozenset(["Extension"])
            continue
        try:
            below = known.member(here, step)
        except KeyError:
            near = get_close_matches(step, known.names(here), 1)
            hint = f"; do you mean {near[0]!r}?" if near else ""
            return f"{' or '.join(sorted(here or ()))} has no element {step!r}{hint}"
        if known.is_choice(here, step):
            return f"JSON has no element {step!r}; write its type too, as in '{step}Reference'"
        here = below
    return None if here is None or "Reference" in here else f"{' or '.join(sorted(here))} is no Reference"
