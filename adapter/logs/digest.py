"""A keyed digest stands for a claim or a patient: the same for the same key, and of no use to who has no key.

A plain hash would not do: ids and member numbers are few enough to try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re

LENGTH = 16
"""Hexadecimal digits: that any two of a million claims share a digest has a chance of one in 37 million."""
_LAST_TWO = re.compile(r"(?:^|/)([A-Za-z]+/[A-Za-z0-9.-]+)(?:/_history/[^/]*)?$")


class Digests:
    """By one key; without one, by a random key that ends with the process and those it forks."""

    def __init__(self, key: bytes | None = None) -> None:
        self.lasting = key is not None
        self._key = key or os.urandom(32)

    def of(self, reference: str) -> str:
        """The digest of a resource, named as ``Type/id``, with or without a server before it and a version behind."""
        found = _LAST_TWO.search(reference)
        named = found[1] if found else reference
        return hmac.new(self._key, named.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:LENGTH]

    def of_claim(self, claim: str) -> str:
        """The digest of a claim by its id, with or without its type."""
        return self.of(claim if "/" in claim else f"Claim/{claim}")

    def of_patient(self, patient: str) -> str:
        """As above."""
        return self.of(patient if "/" in patient else f"Patient/{patient}")

    def of_change(self, hint: str) -> str:
        """What changed as it may be logged: its type, and the digest of the whole; a type by itself as it is."""
        kind, slash, _ = hint.partition("/")
        return f"{kind}/{self.of(hint)}" if slash else kind
