"""FHIRPath of an element, for people and machines that look for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

ELEMENT = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
"""What an element's name can be. Any other key is somebody's text, which has no place in a message."""


TYPE = re.compile(r"[A-Z][A-Za-z0-9]{0,63}")
"""What the name of a resource type can be."""


def is_type_name(name: object) -> bool:
    """Whether this could name a resource type, in some release of FHIR."""
    return isinstance(name, str) and TYPE.fullmatch(name) is not None


def fhirpath(kind: str, steps: Sequence[str | int]) -> str:
    """``("item", 0, "net")`` of a Claim as ``Claim.item[0].net``; ends above a key that can be no element's name."""
    path = kind
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif ELEMENT.fullmatch(step):
            path += f".{step}"
        else:
            break
    return path
