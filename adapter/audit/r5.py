"""An AuditEvent of R4 in the form of R5, which renamed most of it. https://hl7.org/fhir/R5/auditevent.html

BALP is a guide for R4: in R5 its elements are kept, and no profile is named.
"""

from __future__ import annotations

from adapter.audit.event import PERSON
from adapter.evidence.references import Json

OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
_MACHINE = "1"


def as_r5(event: Json) -> Json:
    """The same happening, for a server of R5."""
    entities = event["entity"]
    patient = [each["what"] for each in entities if each.get("type") == PERSON]
    written: Json = {
        "resourceType": "AuditEvent",
        "id": event["id"],
        "category": [_concept(event["type"])],
        "code": _concept(event["subtype"][0]),
        "action": event["action"],
        "recorded": event["recorded"],
        "outcome": {"code": {"system": OUTCOME, "code": event["outcome"]}},
        "agent": [_agent(each) for each in event["agent"]],
        "source": {**event["source"], "type": [_concept(each) for each in event["source"]["type"]]},
        "entity": [_entity(each) for each in entities],
    }
    return written | ({"patient": patient[0]} if patient else {})


def _agent(agent: Json) -> Json:
    network = agent.get("network")
    kept = {name: value for name, value in agent.items() if name != "network"}
    if network is None:
        return kept
    name = "networkString" if network["type"] == _MACHINE else "networkUri"
    return kept | {name: network["address"]}


def _entity(entity: Json) -> Json:
    kept: Json = {name: entity[name] for name in ("what", "query") if name in entity}
    if "role" in entity:
        kept["role"] = _concept(entity["role"])
    if "detail" in entity:
        kept["detail"] = [{**each, "type": {"text": each["type"]}} for each in entity["detail"]]
    return kept


def _concept(coding: Json) -> Json:
    return {"coding": [coding]}
