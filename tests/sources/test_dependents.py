"""Which claims a change concerns, whatever changed, and also when it is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from receiver.fhir_server import FhirServer

from adapter.bootstrap import build
from adapter.settings import Settings
from adapter.sources.dependents import Dependents
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource

BASE = "http://fhir.test"
PLAN = build(Settings.model_construct()).mappings.plan
Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"reference": name}


def resource(name: str, **elements: Any) -> Json:
    kind, _, id = name.partition("/")
    return {"resourceType": kind, "id": id, **elements}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> FhirServer:
    """Two patients with two claims each; the coach, clinic and place of the first one's."""
    server = FhirServer()
    server.put(
        resource("Patient/p1", identifier=[{"system": "urn:members", "value": "7"}]),
        resource("Patient/p2"),
        resource("Claim/a1", patient=ref("Patient/p1"), careTeam=[{"provider": ref("Practitioner/coach")}]),
        resource("Claim/a2", patient=ref("Patient/p1"), provider=ref("Organization/clinic")),
        resource("Claim/b1", patient=ref("Patient/p2"), facility=ref("Location/room")),
        resource("Claim/b2", patient=ref("Patient/p2")),
        resource("Encounter/e1", subject=ref("Patient/p1")),
        resource("Procedure/pr1", subject=ref("Patient/p1")),
        resource("Coverage/c1", beneficiary=ref("Patient/p1")),
        resource("Coverage/c2", beneficiary=ref("Patient/p2"), payor=[ref("Organization/payer")]),
        resource("DocumentReference/note", subject=ref("Patient/p1")),
        resource("Goal/by-number", subject={"identifier": {"system": "urn:members", "value": "7"}, "type": "Patient"}),
        resource("Observation/group", subject=ref("Group/g")),
        resource("Practitioner/coach"),
        resource("PractitionerRole/role", practitioner=ref("Practitioner/other")),
        resource("Encounter/e2", subject=ref("Patient/p2"), participant=[{"individual": ref("PractitionerRole/role")}]),
        resource("ClaimResponse/r1", request=ref("Claim/b1"), patient=ref("Patient/p2")),
        resource("Provenance/v1", target=[ref("ClaimResponse/r1/_history/3")], entity=[{"what": ref("Goal/lost")}]),
    )
    return server


@pytest.fixture
async def dependents(anyio_backend: str, server: FhirServer) -> AsyncIterator[Dependents]:
    transport = httpx.ASGITransport(server.app())
    async with FhirClient(BASE, transport=transport, patience=Patience(attempts=1)) as client:
        yield Dependents(ServerSource(client, PLAN))


A, B = ["Claim/a1", "Claim/a2"], ["Claim/b1", "Claim/b2"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changed", "claims"),
    [
        pytest.param(["Claim/a1"], A, id="a claim, and what its patient's others may rest on"),
        pytest.param(["Patient/p1"], A, id="the patient"),
        pytest.param(["Encounter/e1"], A, id="the visit"),
        pytest.param(["Procedure/pr1"], A, id="the procedure"),
        pytest.param(["Coverage/c1"], A, id="the coverage"),
        pytest.param(["DocumentReference/note"], A, id="the note"),
        pytest.param(["Goal/by-number"], A, id="a patient named by an identifier"),
        pytest.param(["Practitioner/coach"], A, id="the coach, by the claim's care team"),
        pytest.param(["Practitioner/other"], B, id="a coach, by the role that takes part in a visit"),
        pytest.param(["PractitionerRole/role"], B, id="the role"),
        pytest.param(["Organization/clinic"], A, id="the provider"),
        pytest.param(["Organization/payer"], B, id="the payer, by the coverage"),
        pytest.param(["Location/room"], B, id="the place"),
        pytest.param(["Goal/lost"], ["Claim/b1"], id="deleted, but an answer rested on it"),
        pytest.param(["Encounter/e1", "Claim/b2", "Claim/b2"], A + B, id="several"),
        pytest.param(["Claim/lost"], [], id="a claim that is gone"),
        pytest.param(["Goal/nobody"], [], id="something that was never there"),
        pytest.param(["Observation/group"], [], id="no patient but a group"),
        pytest.param(["ClaimResponse/r1"], [], id="an answer of ours"),
        pytest.param(["Medication/m"], [], id="what no decision rests on"),
        pytest.param([], [], id="nothing"),
    ],
)
async def test_claims_concerned(dependents: Dependents, changed: list[str], claims: list[str]) -> None:
    assert [each.key for each in await dependents.claims(changed)] == claims


@pytest.mark.anyio
async def test_a_deleted_visit_concerns_the_claim_that_names_it(dependents: Dependents, server: FhirServer) -> None:
    server.put(resource("Claim/a1", patient=ref("Patient/p1"), item=[{"encounter": [ref("Encounter/e1")]}]))
    del server.resources["Encounter/e1"]
    assert [each.key for each in await dependents.claims(["Encounter/e1"])] == A


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["Coverage/c1", "DocumentReference/note", "Procedure/pr1", "Practitioner/coach"])
async def test_what_is_deleted_concerns_whom_its_last_version_was_about(
    dependents: Dependents, server: FhirServer, name: str
) -> None:
    server.remove(name)
    assert [each.key for each in await dependents.claims([name])] == A


@pytest.mark.anyio
async def test_no_more_than_some_of_what_is_not_there_is_asked_about(
    dependents: Dependents, server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapter.sources.dependents.MOST_GONE", 2)
    server.remove("Coverage/c1")
    assert await dependents.claims(["Claim/never", "Claim/nowhere", "Coverage/c1"]) == []
    assert [each.key for each in await dependents.claims(["Claim/never", "Coverage/c1"])] == A


@pytest.mark.anyio
async def test_what_was_deleted_since_an_instant_where_the_server_tells_it(
    dependents: Dependents, server: FhirServer
) -> None:
    for each in ("Coverage/c1", "Encounter/e2", "Goal/by-number"):
        server.remove(each)
    assert await dependents.deleted_since("2026-01-02T00:00:00+00:00") == ["Coverage/c1", "Encounter/e2"]


@pytest.mark.anyio
async def test_what_changed_since_an_instant(dependents: Dependents, server: FhirServer) -> None:
    for each in server.resources.values():
        each["meta"]["lastUpdated"] = "2026-01-01T00:00:00+00:00"
    server.put(resource("Location/room"), resource("Coverage/c1"), resource("ClaimResponse/r1"), resource("Basic/x"))
    found = await dependents.changed_since("2026-01-02T00:00:00+00:00")
    assert sorted(each["id"] for each in found) == ["c1", "room"]


@pytest.mark.anyio
async def test_many_changes_cost_few_requests(dependents: Dependents, server: FhirServer) -> None:
    for number in range(150):
        server.put(resource(f"Encounter/many-{number}", subject=ref(f"Patient/p{number % 2 + 1}")))
    await dependents.claims(f"Encounter/many-{number}" for number in range(150))
    assert dict(server.searches) == {"Encounter": 2, "Claim": 1}
