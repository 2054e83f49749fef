"""What a request to a FHIR server is called in a trace: its kind, without query, ids or versions."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_KIND = re.compile(r"[A-Z][A-Za-z]{2,40}|metadata|[_$][A-Za-z][A-Za-z-]{0,40}")
"""What may stand first: a type, the CapabilityStatement, or what is asked of the server as a whole."""
_ASKED = re.compile(r"[_$][A-Za-z][A-Za-z-]{0,40}")
"""What may stand later: a part of the API, or an operation."""


def template(url: str, base: str) -> str:
    """``/Patient/{id}/_history/{id}`` of an address below the base URL; of any other each part is an id."""
    path, below = urlsplit(url).path, urlsplit(base).path.rstrip("/")
    if path != below and not path.startswith(f"{below}/"):
        return "/" + "/".join("{id}" for part in path.split("/") if part)
    first, *later = path[len(below) :].strip("/").split("/")
    shown = [first if not first or _KIND.fullmatch(first) else "{id}"]
    shown += [part if _ASKED.fullmatch(part) else "{id}" for part in later]
    return "/" + "/".join(shown)
