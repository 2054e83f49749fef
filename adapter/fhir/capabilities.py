"""What a CapabilityStatement declares; https://hl7.org/fhir/R4/capabilitystatement.html."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.evidence.references import Json, objects


def types_with(statement: Json, interaction: str) -> frozenset[str]:
    """The resource types for which a server declares an interaction, such as ``update`` or ``history-type``."""
    return frozenset(
        str(each.get("type"))
        for each in _types(statement)
        if any(one.get("code") == interaction for one in objects(each.get("interaction")))
    )


def created_once(statement: Json) -> frozenset[str]:
    """The resource types for which a server declares that it heeds ``If-None-Exist``; others may pass over it."""
    return frozenset(str(each.get("type")) for each in _types(statement) if each.get("conditionalCreate") is True)


def included_by(statement: Json, kind: str) -> frozenset[str]:
    """The ``_include`` values that a server offers in searches of a type, such as ``Claim:patient``."""
    offered = (each.get("searchInclude") for each in _types(statement) if each.get("type") == kind)
    return frozenset(str(each) for some in offered if isinstance(some, list) for each in some)


def does_as_a_whole(statement: Json, *interactions: str) -> bool:
    """Whether a server declares one of the interactions for itself and not for a type, such as ``history-system``."""
    return not as_a_whole(statement).isdisjoint(interactions)


def as_a_whole(statement: Json) -> frozenset[str]:
    """What a server declares for itself and not for a type; empty where it says nothing of that."""
    servers = (rest for rest in objects(statement.get("rest")) if rest.get("mode") == "server")
    return frozenset(str(each.get("code")) for rest in servers for each in objects(rest.get("interaction")))


def _types(statement: Json) -> Iterator[Json]:
    servers = (rest for rest in objects(statement.get("rest")) if rest.get("mode") == "server")
    return (each for rest in servers for each in objects(rest.get("resource")))
