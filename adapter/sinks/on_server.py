"""What a server has of our answers, and whether it says the same as a new one. Pure: nothing is asked or written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapter.evidence.newest import ID_LIMIT
from adapter.evidence.references import Json, objects

_NOT_CONTENT = frozenset({"id", "meta", "created", "text"})
ID = r"[A-Za-z0-9\-.]{1,64}"
_VERSION = re.compile(rf"/_history/(?P<version>{ID})$")
LOCATION = re.compile(rf"(?:^|/)ClaimResponse/(?P<id>{ID})(?:/_history/(?P<version>{ID}))?$")


@dataclass
class OnServer:
    """What the server has under one identifier: usually one ClaimResponse, and its Provenances."""

    responses: list[Json] = field(default_factory=list)
    provenances: list[Json] = field(default_factory=list)

    @property
    def current(self) -> Json | None:
        """The oldest by id; only somebody else can have made more."""
        return min(self.responses, key=_id_order, default=None)


def same_content(one: Json, other: Json, base: str = "") -> bool:
    """Whether two resources say the same: apart from what a server or the clock adds, and from how it is spelt.

    85 and 85.0 are the same amount. A server may drop the version of a reference, or make it relative to ``base``.
    """
    return _content(one, base) == _content(other, base)


def changed_elements(one: Json, other: Json, base: str = "") -> list[str]:
    """The names of the elements in which two resources do not say the same."""
    before, after = _content(one, base), _content(other, base)
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def has_provenance(response: Json, provenances: Iterable[Json]) -> bool:
    """Whether one of the Provenances is about this version of the ClaimResponse."""
    return provenance_of(response, provenances) is not None


def provenance_of(response: Json, provenances: Iterable[Json]) -> Json | None:
    """The first of the Provenances that is about this version of the ClaimResponse.

    HAPI drops the version of a target unless told otherwise; then a Provenance counts when it was recorded no earlier
    than this version was decided.
    """
    return next((each for each in provenances if _is_about(response, each)), None)


def _is_about(response: Json, provenance: Json) -> bool:
    for reference in _targets(provenance):
        if target_id(reference) != response.get("id"):
            continue
        if match := _VERSION.search(reference):
            if match["version"] == version_of(response):
                return True
        elif not _before(provenance.get("recorded"), response.get("created")):
            return True
    return False


def _before(one: object, other: object) -> bool:
    """Whether an instant is before another; not when they cannot be compared."""
    try:
        return datetime.fromisoformat(str(one)) < datetime.fromisoformat(str(other))
    except (ValueError, TypeError):
        return False


def _content(resource: Json, base: str) -> Json:
    return {name: _plain(value, base, name) for name, value in resource.items() if name not in _NOT_CONTENT}


def _plain(value: Any, base: str, name: str) -> Any:
    if isinstance(value, dict):
        return {member: _plain(each, base, member) for member, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, base, name) for each in value]
    if name == "reference" and isinstance(value, str):
        return _VERSION.sub("", value).removeprefix(f"{base}/")
    return value


def by_target(provenances: Iterable[Json]) -> dict[str, list[Json]]:
    """Provenances by the id of the ClaimResponse they are about."""
    about: dict[str, list[Json]] = defaultdict(list)
    for provenance in provenances:
        for target in filter(None, {target_id(reference) for reference in _targets(provenance)}):
            about[target].append(provenance)
    return about


def _targets(provenance: Json) -> list[str]:
    return [str(target.get("reference") or "") for target in objects(provenance.get("target"))]


def target_id(reference: str) -> str | None:
    match = LOCATION.search(reference)
    return match["id"] if match else None


def versioned(id: str, version: str | None) -> str:
    return f"ClaimResponse/{id}/_history/{version}" if version else f"ClaimResponse/{id}"


def version_of(resource: Json) -> str | None:
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return str(version) if version else None


def duplicates(known: OnServer) -> str:
    count, kept = len(known.responses), (known.current or {}).get("id")
    return f"{count} ClaimResponses carry this identifier; ClaimResponse/{kept} is kept up to date, remove the others"


def _id_order(response: Json) -> tuple[bool, int, str]:
    """Numbers before names, and by their value: servers that count give the oldest the smallest."""
    id = str(response.get("id"))
    counted = id.isdecimal() and len(id) <= ID_LIMIT
    return (not counted, int(id) if counted else 0, id)
