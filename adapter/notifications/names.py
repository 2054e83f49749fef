"""``Type/id``, however a server writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HISTORY = re.compile(r"/_history/[A-Za-z0-9\-.]{1,64}$")
_LOCAL = re.compile(r"(?:^|/)([A-Z][A-Za-z]{0,63}/[A-Za-z0-9\-.]{1,64})$")


def local_name(reference: object) -> str | None:
    """``Type/id`` at the end of a reference; None when it does not end in one.

    The server before it is left out, for we only ever ask our own. HAPI once wrote ``Encounter/Encounter/1``, which
    ends in ``Encounter/1`` all the same.
    """
    if not isinstance(reference, str):
        return None
    found = _LOCAL.search(_HISTORY.sub("", reference))
    return found[1] if found else None


def name_of(resource: Mapping[str, object]) -> str | None:
    """``Type/id`` of a resource; None without a type or an id."""
    kind, id = resource.get("resourceType"), resource.get("id")
    return local_name(f"{kind}/{id}") if isinstance(kind, str) and isinstance(id, str) else None
