"""Which of several copies of a resource is the newest, and whether two copies are of one resource at all.

Two Bundles of one folder may use the same ids for different people, so an id alone proves nothing: the same address
does, and so does an identifier. Where a later copy can neither be shown to be the same nor another, nobody may choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from adapter.evidence.references import Json
from adapter.session.time import parse_moment

if TYPE_CHECKING:
    from adapter.evidence.store import Located

ID_LIMIT = 64
"""Signs of an id, and so of a version, in FHIR."""
UNDATED = datetime.min.replace(tzinfo=UTC)
UNVERSIONED = (UNDATED, 0, "")
"""The rank of what says nothing of its version."""


def version_rank(resource: Json) -> tuple[datetime, int, str]:
    """Orders versions of one resource: by lastUpdated, then by a numeric, then by any versionId."""
    meta: Any = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    version = str(meta.get("versionId") or "")
    counted = version.isdecimal() and len(version) <= ID_LIMIT  # the number of a longer one Python would not read
    return (_updated(meta.get("lastUpdated")), int(version) if counted else 0, version)


def _updated(value: object) -> datetime:
    """``meta.lastUpdated`` as an instant; the beginning of time when it is none."""
    try:
        moment = parse_moment(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    return (moment.instant if moment else None) or UNDATED


def older(one: Json, other: Json) -> bool:
    """Whether the first loses to the second; of equal versions the content decides, never the order of reading."""
    ranks = version_rank(one), version_rank(other)
    if ranks[0] != ranks[1]:
        return ranks[0] < ranks[1]
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) < orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def newest_of(near: Located, copies: Iterable[Located], base: str | None) -> Located | None:
    """The newest version of a resource among all copies under its key; None where a later one may be another's.

    ``base`` is the service base that resources without an address are of.
    """
    newest = near
    for copy in copies:
        if version_rank(copy.resource) <= version_rank(near.resource):
            continue
        same = _same(near, copy, base)
        if same is None:
            return None
        if same and older(newest.resource, copy.resource):
            newest = copy
    return newest


def _same(near: Located, other: Located, base: str | None) -> bool | None:
    """Whether two copies with the same type and id are of one resource; None where it cannot be told."""
    if near.full_url is not None and near.full_url == other.full_url:
        return True
    if (shared := _by_identifier(near.resource, other.resource)) is not None:
        return shared
    if near.full_url and other.full_url:
        return False
    if near.base is not None and other.bundle is None:
        return near.base == base  # what has no address of its own is of the one server
    return None if version_rank(near.resource) != UNVERSIONED else False


def _by_identifier(one: Json, other: Json) -> bool | None:
    """Whether identifiers show the same resource, or another; None where no system numbers both."""
    numbers = [{each for each in identifiers(resource) if each[0] is not None} for resource in (one, other)]
    if numbers[0] & numbers[1]:
        return True
    systems = [{system for system, _ in each} for each in numbers]
    return False if systems[0] & systems[1] else None


def identifiers(resource: Json) -> Iterator[tuple[str | None, str]]:
    """(system, value) of each identifier, and (None, value) so that a reference without a system finds it too."""
    for system, value in written_identifiers(resource):
        yield None, value
        if system is not None:
            yield system, value


def written_identifiers(resource: Json) -> Iterator[tuple[str | None, str]]:
    """(system, value) of each identifier; None for the system of one that has none."""
    found = resource.get("identifier")
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict) and isinstance(each.get("value"), str):
            system = each.get("system")
            yield system if isinstance(system, str) else None, each["value"]
