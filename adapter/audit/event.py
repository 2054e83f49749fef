"""AuditEvents in the shape of IHE Basic Audit Log Patterns, from what happened. No I/O, no clock.

https://profiles.ihe.net/ITI/BALP/content.html. The pattern of a query with a patient stands for the read of a claim's
evidence, for evidence is searched for; its one ``query`` entity holds a search for the claim by its id, and not what
was really asked, which names identifiers and days of many people. References only: no name, no member number, no text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import uuid4

from adapter.evidence.references import Json

PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
SUCCESS, MINOR, SERIOUS = "0", "4", "8"
"""http://terminology.hl7.org/CodeSystem/audit-event-outcome"""
_REFERENCE = re.compile(
    r"(?:https?://[^\s?#@]+/)?[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
    r"|urn:uuid:[0-9a-fA-F-]{36}"
)
PERSON, OBJECT = {"system": ENTITY_TYPE, "code": "1"}, {"system": ENTITY_TYPE, "code": "2"}
PATIENT, RESOURCE, QUERY = ({"system": ROLE, "code": code} for code in ("1", "4", "24"))


class Kind(Enum):
    """What happened: BALP's name of the pattern, the interaction, and the action."""

    READ = ("Query", "search", "E")
    LOOKED_AT = ("Read", "read", "R")
    """One resource was read by its id."""
    CREATED = ("Create", "create", "C")
    UPDATED = ("Update", "update", "U")
    BEGUN = ("", "batch", "E")
    """A write of several answers is about to begin: whatever ends without the event of its write was interrupted."""


class Activity(Enum):
    """What the adapter itself did; DICOM's codes of an application's activity, or of the audit's own use."""

    STARTED = ("110100", "Application Activity", "110120", "Application Start")
    STOPPED = ("110100", "Application Activity", "110121", "Application Stop")
    AUDIT_CHANGED = ("110101", "Audit Log Used", "110101", "Audit Log Used")
    """Lines were cut off, or removed with their files: what a reader of the chain has to know of."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, on behalf of whom, from where and on what."""

    name: str
    """The adapter with its version."""
    identifier: str
    """Its client id, where the server knows it by one; else a URN of the adapter."""
    machine: str
    user: str
    """Account of the operating system that runs it; empty where there is none."""
    server: str
    """Base URL; empty for files."""
    run: str
    """What all events of one process or run have in common."""

    @property
    def device(self) -> Json:
        return {"type": "Device", "identifier": {"value": self.identifier}, "display": self.name}


def reference(text: object) -> str | None:
    """A reference that names nothing but a resource; None for anything else, which may say more."""
    return text if isinstance(text, str) and _REFERENCE.fullmatch(text) else None


def read_event(
    who: Who,
    instant: str,
    claim: str,
    patient: str | None,
    details: Sequence[tuple[str, str]],
    evidence: Iterable[str],
    outcome: str = SUCCESS,
) -> Json:
    """The evidence of a claim was read, and it was decided by the policies that the details name.

    Args:
        claim: its id.
        details: name and value: policies, decision.
        evidence: versioned references of what the decision rests on.
    """
    name = reference(f"Claim/{claim}")
    query = {"type": OBJECT, "role": QUERY, "query": b64encode(f"Claim?_id={claim if name else ''}".encode()).decode()}
    read = list(evidence)
    own = next((each for each in read if each.partition("/_history")[0] == name), name)
    about = _entity(own, "a claim without a valid id", role=RESOURCE) | _details((*details, ("run", who.run)))
    others = (each for each in read if each != own)
    entities = [query, *_patient(patient), about, *(_entity(reference(each), "a resource") for each in others)]
    return _rest(who, instant, Kind.READ, patient, entities, outcome)


def write_event(
    who: Who,
    instant: str,
    kind: Kind,
    target: str,
    patient: str | None,
    details: Sequence[tuple[str, str]],
    outcome: str = SUCCESS,
) -> Json:
    """Something was written, or could not be, or was read by its id. ``target`` is its reference, else words for it."""
    data = {"type": OBJECT} | _entity(reference(target), target, role=RESOURCE) | _details((*details, ("run", who.run)))
    return _rest(who, instant, kind, patient, [*_patient(patient), data], outcome)


def begun_event(who: Who, instant: str, claims: Iterable[str]) -> Json:
    """The answers to claims are about to be written, where they differ from those that are there."""
    entities = [_entity(reference(f"Claim/{each}"), "a claim", role=RESOURCE) for each in claims]
    entities[0] |= _details([("run", who.run)])
    return _rest(who, instant, Kind.BEGUN, None, entities, SUCCESS)


def activity_event(
    who: Who, instant: str, activity: Activity, details: Sequence[tuple[str, str]], outcome: str = SUCCESS
) -> Json:
    """The adapter started, ended, or changed the audit."""
    code, display, sub, subdisplay = activity.value
    about = {"what": who.device} | _details((*details, ("run", who.run)))
    return {
        "resourceType": "AuditEvent",
        "id": str(uuid4()),
        "type": {"system": DCM, "code": code, "display": display},
        "subtype": [{"system": DCM, "code": sub, "display": subdisplay}],
        "action": "E",
        "recorded": instant,
        "outcome": outcome,
        "agent": _agents(who, "Query"),
        "source": _source(who),
        "entity": [about],
    }


def _rest(who: Who, instant: str, kind: Kind, patient: str | None, entities: Sequence[Json], outcome: str) -> Json:
    pattern, interaction, action = kind.value
    event: Json = {"resourceType": "AuditEvent", "id": str(uuid4())}
    if pattern and outcome == SUCCESS:  # the patterns are of what succeeded
        event["meta"] = {"profile": [f"{PROFILES}{'Patient' if reference(patient) else ''}{pattern}"]}
    return event | {
        "type": {"system": EVENT_TYPE, "code": "rest"},
        "subtype": [{"system": INTERACTION, "code": interaction}],
        "action": action,
        "recorded": instant,
        "outcome": outcome,
        "agent": _agents(who, pattern),
        "source": _source(who),
        "entity": list(entities),
    }


def _agents(who: Who, pattern: str) -> list[Json]:
    """The client that acts, the server, and who started the client: reads come to that user, writes are in their
    custody."""
    # In the pattern of a read the source is the server; in all others it is the client, which sends something.
    ours, theirs = ("110152", "110153") if pattern == Kind.LOOKED_AT.value[0] else ("110153", "110152")
    client = {
        "type": _concept(DCM, ours),
        "who": who.device,
        "requestor": not who.user,
        "network": {"address": who.machine, "type": "1"},
    }
    there = who.server or who.machine
    server = {
        "type": _concept(DCM, theirs),
        "who": {"identifier": {"value": there}} if who.server else {"display": "files"},
        "requestor": False,
        "network": {"address": there, "type": "5" if who.server else "1"},
    }
    part = "IRCP" if pattern in ("Query", "Read") else "CST"
    user = {"type": _concept(PARTICIPATION, part), "who": {"identifier": {"value": who.user}}, "requestor": True}
    return [client, server, user] if who.user else [client, server]


def _source(who: Who) -> Json:
    return {"observer": who.device, "type": [{"system": SOURCE_TYPE, "code": "4"}]}


def _patient(patient: str | None) -> list[Json]:
    known = reference(patient)
    return [{"what": {"reference": known}, "type": PERSON, "role": PATIENT}] if known else []


def _entity(known: str | None, words: str, role: Json | None = None) -> Json:
    entity: Json = {"what": {"reference": known} if known else {"display": words}}
    return entity | {"role": role} if role else entity


def _details(details: Iterable[tuple[str, str]]) -> Json:
    return {"detail": [{"type": name, "valueString": value} for name, value in details]}


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}
