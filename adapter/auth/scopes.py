"""Scopes of SMART: what we ask for, and whether what was granted is enough.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html; version 1 says ``system/Claim.read``, version 2
``system/Claim.rs``, with the letters of create, read, update, delete and search, and maybe a query that narrows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

_SCOPE = re.compile(
    r"(?P<context>patient|user|system)/(?P<kind>\*|[A-Za-z]+)"
    r"\.(?P<may>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>.+))?"
)
_WORDS = {"read": "rs", "write": "cud", "*": "cruds"}


class Need(StrEnum):
    """What a command does on the server."""

    READ = "read"
    ANSWER = "answer"
    AUDITED = "audited answer"
    SUBSCRIBE = "subscribe"


_V1 = {
    Need.READ: ("system/*.read",),
    Need.ANSWER: ("system/*.read", "system/ClaimResponse.write", "system/Provenance.write"),
    Need.AUDITED: ("system/*.read", "system/ClaimResponse.write", "system/Provenance.write", "system/AuditEvent.write"),
    Need.SUBSCRIBE: ("system/*.read", "system/Subscription.write"),
}
_V2 = {
    Need.READ: ("system/*.rs",),
    Need.ANSWER: ("system/*.rs", "system/ClaimResponse.cu", "system/Provenance.c"),
    Need.AUDITED: ("system/*.rs", "system/ClaimResponse.cu", "system/Provenance.c", "system/AuditEvent.cu"),
    Need.SUBSCRIBE: ("system/*.rs", "system/Subscription.cud"),
}
_IF_OFFERED = {1: "system/OperationOutcome.write", 2: "system/OperationOutcome.cu"}
"""Few servers keep OperationOutcomes, and some refuse whoever asks for a scope they never heard of."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope, whichever version it is written in."""

    context: str
    kind: str
    letters: frozenset[str]
    query: str | None


def parse_scope(text: str) -> Scope | None:
    """A scope on FHIR resources; None for any other, which means what its server says it means."""
    match = _SCOPE.fullmatch(text)
    if match is None:
        return None
    letters = frozenset(_WORDS.get(match["may"], match["may"]))
    return Scope(match["context"], match["kind"], letters, match["query"])


def scopes_for(need: Need, capabilities: Iterable[str], supported: Sequence[str]) -> tuple[str, ...]:
    """The scopes a command asks for: in version 1, unless the server says that it knows version 2 alone."""
    known = set(capabilities)
    version = 2 if "permission-v2" in known and "permission-v1" not in known else 1
    asked = (_V1 if version == 1 else _V2)[need]
    more = _IF_OFFERED[version]
    return (*asked, more) if need in (Need.ANSWER, Need.AUDITED) and covers(supported, more) else asked


def missing(granted: Iterable[str], asked: Iterable[str]) -> list[str]:
    """Which of the scopes that were asked for the granted ones do not cover."""
    have = list(granted)
    return [each for each in asked if not covers(have, each)]


def covers(granted: Iterable[str], asked: str) -> bool:
    """Whether the granted scopes together allow all that one scope asks for; a narrowed one allows only itself."""
    have = set(granted)
    wanted = parse_scope(asked)
    if asked in have or wanted is None:
        return asked in have
    fitting = [scope for scope in map(parse_scope, have) if scope is not None and _reaches(scope, wanted)]
    return wanted.letters <= frozenset[str]().union(*(scope.letters for scope in fitting))


def _reaches(scope: Scope, wanted: Scope) -> bool:
    same = scope.context == wanted.context and scope.kind in ("*", wanted.kind)
    return same and scope.query in (None, wanted.query)
