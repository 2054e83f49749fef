"""Every event is valid FHIR, has the shape of its BALP pattern, and names nobody."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from audit.events import WHO
from fhir.resources.auditevent import AuditEvent as AuditEventR5
from fhir.resources.R4B.auditevent import AuditEvent as AuditEventR4B

from adapter.audit.event import (
    DCM,
    PROFILES,
    SERIOUS,
    Activity,
    Kind,
    activity_event,
    begun_event,
    read_event,
    reference,
    write_event,
)
from adapter.audit.outbox import unlinked
from adapter.audit.r5 import as_r5

Json = dict[str, Any]
NOW = "2026-03-04T10:00:00.000+00:00"
POLICY = [("decision", "DENY"), ("policy", "https://payer.test/policy|2023-04-15")]
EVIDENCE = ["Claim/c1/_history/3", "Encounter/e1/_history/1", "Procedure/p1"]


def read(patient: str | None = "Patient/p1", outcome: str = "0") -> Json:
    return read_event(WHO, NOW, "c1", patient, POLICY, EVIDENCE, outcome)


def written(kind: Kind, patient: str | None = "Patient/p1") -> Json:
    return write_event(WHO, NOW, kind, "ClaimResponse/r1/_history/2", patient, POLICY)


EVENTS = {
    "read": read(),
    "read without a patient": read(None),
    "read, then failed": read(outcome=SERIOUS),
    "created": written(Kind.CREATED),
    "updated": written(Kind.UPDATED),
    "looked at": written(Kind.LOOKED_AT),
    "kept in the ledger": write_event(WHO, NOW, Kind.CREATED, "the ledger", None, []),
    "begun": begun_event(WHO, NOW, ["c1", "c2"]),
    **{each.name: activity_event(WHO, NOW, each, [("torn-bytes", "7")]) for each in Activity},
    "without links": unlinked(read()),
}


@pytest.mark.parametrize("name", EVENTS)
def test_valid_in_r4_and_in_r5(name: str) -> None:
    AuditEventR4B.model_validate(EVENTS[name])
    r5 = as_r5(EVENTS[name])
    AuditEventR5.model_validate(r5)
    assert r5["id"] == EVENTS[name]["id"]


@pytest.mark.parametrize(
    ("event", "pattern", "interaction", "action", "client", "server"),
    [
        pytest.param(read(), "PatientQuery", "search", "E", "110153", "110152", id="query"),
        pytest.param(read(None), "Query", "search", "E", "110153", "110152", id="query, no patient"),
        pytest.param(written(Kind.CREATED), "PatientCreate", "create", "C", "110153", "110152", id="create"),
        pytest.param(written(Kind.CREATED, None), "Create", "create", "C", "110153", "110152", id="create, no patient"),
        pytest.param(written(Kind.UPDATED), "PatientUpdate", "update", "U", "110153", "110152", id="update"),
        pytest.param(written(Kind.LOOKED_AT), "PatientRead", "read", "R", "110152", "110153", id="read"),
    ],
)
def test_the_shape_of_its_pattern(
    event: Json, pattern: str, interaction: str, action: str, client: str, server: str
) -> None:
    """https://profiles.ihe.net/ITI/BALP/artifacts.html: what the profile of each name fixes."""
    assert event["meta"]["profile"] == [PROFILES + pattern]
    assert event["type"]["code"] == "rest"
    assert ([each["code"] for each in event["subtype"]], event["action"]) == ([interaction], action)
    assert (event["recorded"], event["outcome"]) == (NOW, "0")
    types = [each["type"]["coding"][0] for each in event["agent"]]
    assert types[:2] == [{"system": DCM, "code": client}, {"system": DCM, "code": server}]
    assert all("who" in each and "address" in each["network"] for each in event["agent"][:2])
    assert [each["requestor"] for each in event["agent"]] == [False, False, True]
    assert "network" not in event["agent"][2]
    assert "observer" in event["source"]
    of_type = [(each["type"]["code"], each.get("role", {}).get("code")) for each in event["entity"] if "type" in each]
    data = ("2", "24") if "Query" in pattern else ("2", "4")
    assert sorted(of_type) == sorted([data, *([("1", "1")] if "Patient" in pattern else [])])


def test_the_query_names_the_claim_and_the_evidence_stands_beside() -> None:
    query, patient, claim, *others = read()["entity"]
    assert b64decode(query["query"]) == b"Claim?_id=c1"
    assert set(query) == {"type", "role", "query"}
    assert patient["what"]["reference"] == "Patient/p1"
    assert claim["what"]["reference"] == "Claim/c1/_history/3"
    assert [(each["type"], each["valueString"]) for each in claim["detail"]] == [*POLICY, ("run", "run-1")]
    assert [each["what"]["reference"] for each in others] == EVIDENCE[1:]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Patient/p1", True),
        ("Patient/p1/_history/2", True),
        ("https://fhir.test/r4/Patient/p1", True),
        ("urn:uuid:0a6c1b1e-0000-4000-8000-000000000001", True),
        ("Patient?identifier=MEMBER-77", False),
        ("https://fhir.test/r4/Patient?name=Wren", False),
        ("https://user:secret@fhir.test/Patient/p1", False),
        ("Patient by identifier 0a6c1b1e", False),
        ("#contained", False),
        ("Wren Alder", False),
        ("Patient/" + "x" * 65, False),
        (None, False),
        ({"display": "Wren"}, False),
    ],
)
def test_only_what_names_nothing_but_a_resource_is_a_reference(text: object, is_one: bool) -> None:
    """Anything else may hold a member number or a name, and is left out."""
    assert (reference(text) is not None) is is_one
    event = read(text if isinstance(text, str) else None)
    assert (str(text) in str(event)) is is_one


def test_what_failed_is_of_no_pattern() -> None:
    event = read(outcome=SERIOUS)
    assert (event["outcome"], "meta" in event) == ("8", False)
