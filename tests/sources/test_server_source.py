"""Claims and evidence from a server: few requests, nothing asked twice, and what is missing is no error."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
import yaml

from adapter.errors import SourceError
from adapter.evidence.plan import EvidencePlan, elements, parse_path
from adapter.evidence.store import EvidenceStore, Located
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource

BASE = "http://fhir.test/fhir"
ENCOUNTER_EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
EVIDENCE = yaml.safe_load((Path(__file__).parents[2] / "mappings/r4/evidence.yaml").read_text())
PLAN = EvidencePlan(**EVIDENCE)
NO_SEARCH = EvidencePlan(EVIDENCE["follow"], {}, {}, EVIDENCE["identified_as"])
"""References alone, so that a test sees only their requests."""

Json = dict[str, Any]


class Server:
    """A FHIR server of a few resources that knows ``_id``, ``identifier`` and patient searches; notes each query."""

    def __init__(self, router: respx.MockRouter, *resources: Json) -> None:
        self.resources = resources
        self.queries: list[tuple[str, str, frozenset[str]]] = []
        router.route(url__regex=rf"{BASE}/[A-Za-z]+(/_search)?(\?.*)?$").mock(side_effect=self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        kind = request.url.path.removesuffix("/_search").rpartition("/")[2]
        query = parse_qs(request.content.decode() or request.url.query.decode())
        (parameter,) = query.keys() - {"_count", "_sort"}
        values = frozenset(re.split(r"(?<!\\),", query[parameter][0]))
        self.queries.append((kind, parameter, values))
        found = [each for each in self.resources if each["resourceType"] == kind and values & _values(each, parameter)]
        return bundle(*found)


def _values(resource: Json, parameter: str) -> set[str]:
    if parameter == "_id":
        return {resource["id"]}
    if parameter == "identifier":
        known = [(each["system"], each["value"].replace(",", r"\,")) for each in resource.get("identifier", [])]
        return {value for _, value in known} | {f"{system}|{value}" for system, value in known}
    holder = resource.get(parameter) or resource.get("subject") or {}
    return {holder.get("reference", "")}


def bundle(*resources: Json, following: str | None = None) -> httpx.Response:
    link = [{"relation": "next", "url": following}] if following else []
    entry = [{"resource": each} for each in resources]
    return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry})


def resource(key: str, **elements: Any) -> Json:
    kind, _, id = key.partition("/")
    return {"resourceType": kind, "id": id, "meta": {"versionId": "1"}, **elements}


def ref(text: str) -> Json:
    return {"reference": text}


def claims_of(*resources: Json) -> list[Located]:
    return [Located(each, full_url=f"{BASE}/Claim/{each['id']}") for each in resources]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[FhirClient]:
    async with FhirClient(BASE, patience=Patience(attempts=1)) as client:
        yield client


async def chunks(source: ServerSource, **arguments: Any) -> list[list[str]]:
    return [[each.key for each in chunk] async for chunk in source.claims(**arguments)]


async def gathered(client: FhirClient, claims: Sequence[Json], plan: EvidencePlan = NO_SEARCH) -> EvidenceStore:
    return await ServerSource(client, plan).gather(claims_of(*claims))


# Claims


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        pytest.param({}, {"_sort": "_lastUpdated"}, id="all"),
        pytest.param(
            {"since": "2026-03-01T00:00:00+01:00"},
            {"_sort": "_lastUpdated", "_lastUpdated": "ge2026-03-01T00:00:00+01:00"},
            id="since",
        ),
        pytest.param({"ids": ["b", "a", "b"]}, {"_id": "a,b"}, id="by id"),
    ],
)
async def test_claims_are_asked_for(
    client: FhirClient, respx_mock: respx.MockRouter, arguments: Json, asked: dict[str, str]
) -> None:
    route = respx_mock.get(f"{BASE}/Claim").mock(return_value=bundle(resource("Claim/a"), resource("Claim/b")))
    assert await chunks(ServerSource(client, PLAN), **arguments) == [["Claim/a", "Claim/b"]]
    assert dict(route.calls.last.request.url.params) == {"_count": "200", **asked}


@pytest.mark.anyio
async def test_pages_of_any_size_become_chunks_of_ours(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    first = bundle(*(resource(f"Claim/{number}") for number in range(3)), following=f"{BASE}?page=2")
    respx_mock.get(f"{BASE}/Claim").mock(return_value=first)
    respx_mock.get(BASE, params={"page": "2"}).mock(return_value=bundle(resource("Claim/3"), resource("Claim/4")))
    source = ServerSource(client, PLAN, chunk_size=2)
    assert await chunks(source) == [["Claim/0", "Claim/1"], ["Claim/2", "Claim/3"], ["Claim/4"]]


@pytest.mark.anyio
async def test_a_claim_on_two_pages_comes_once_but_a_newer_version_comes_again(
    client: FhirClient, respx_mock: respx.MockRouter
) -> None:
    first, newer = resource("Claim/a"), resource("Claim/a") | {"meta": {"versionId": "2"}}
    respx_mock.get(f"{BASE}/Claim").mock(return_value=bundle(first, following=f"{BASE}?page=2"))
    respx_mock.get(BASE).mock(return_value=bundle(first, newer))
    found = [each async for chunk in ServerSource(client, PLAN).claims() for each in chunk]
    assert [each.versioned for each in found] == ["Claim/a/_history/1", "Claim/a/_history/2"]
    assert {each.full_url for each in found} == {f"{BASE}/Claim/a"}


@pytest.mark.anyio
async def test_what_was_not_named_is_left_out(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    answer = bundle(resource("Claim/a"), resource("Claim/b"), resource("Patient/a"))
    respx_mock.get(f"{BASE}/Claim").mock(return_value=answer)
    assert await chunks(ServerSource(client, PLAN), ids=["a"]) == [["Claim/a"]]


@pytest.mark.anyio
async def test_a_server_without_claims_is_a_fault(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{BASE}/Claim").mock(return_value=httpx.Response(404))
    with pytest.raises(SourceError, match="is this the FHIR base URL"):
        await chunks(ServerSource(client, PLAN))


# Evidence by reference


@pytest.mark.anyio
async def test_the_references_of_many_claims_are_one_search_per_type(
    client: FhirClient, respx_mock: respx.MockRouter
) -> None:
    numbers = range(1, 4)
    claims = [
        resource(f"Claim/c{n}", patient=ref(f"Patient/p{n}"), item=[{"encounter": [ref(f"{BASE}/Encounter/e{n}")]}])
        for n in numbers
    ]
    there = [resource(f"{kind}/{kind[0].lower()}{n}") for kind in ("Patient", "Encounter") for n in numbers]
    server = Server(respx_mock, *there)
    store = await gathered(client, claims)
    assert sorted(server.queries) == [
        ("Encounter", "_id", frozenset({"e1", "e2", "e3"})),
        ("Patient", "_id", frozenset({"p1", "p2", "p3"})),
    ]
    assert all(store.get(f"Patient/p{n}") and store.get(f"Encounter/e{n}") for n in numbers)


@pytest.mark.anyio
@pytest.mark.parametrize(("count", "requests"), [(100, 1), (101, 2)])
async def test_a_search_names_at_most_a_hundred_ids(
    client: FhirClient, respx_mock: respx.MockRouter, count: int, requests: int
) -> None:
    server = Server(respx_mock)
    await gathered(client, [resource(f"Claim/c{n}", patient=ref(f"Patient/p{n}")) for n in range(count)])
    assert len(server.queries) == requests


@pytest.mark.anyio
async def test_references_are_followed_level_by_level_and_never_twice(
    client: FhirClient, respx_mock: respx.MockRouter
) -> None:
    claim = resource("Claim/c", patient=ref("Patient/p"), careTeam=[{"provider": ref("PractitionerRole/r")}])
    role = resource("PractitionerRole/r", practitioner=ref("Practitioner/x"), organization=ref("Organization/o"))
    coach = resource("Practitioner/x", qualification=[{"issuer": ref("Organization/o")}])
    server = Server(respx_mock, resource("Patient/p"), role, coach, resource("Organization/o"))
    store = await gathered(client, [claim])
    assert [each.key for each in store.all("Practitioner")] == ["Practitioner/x"]
    assert sorted((kind, values) for kind, _, values in server.queries) == [
        ("Organization", frozenset({"o"})),
        ("Patient", frozenset({"p"})),
        ("Practitioner", frozenset({"x"})),
        ("PractitionerRole", frozenset({"r"})),
    ]


@pytest.mark.anyio
async def test_a_circle_of_references_ends(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    first = resource("Claim/a", related=[{"claim": ref("Claim/b")}])
    server = Server(respx_mock, first, resource("Claim/b", related=[{"claim": ref("Claim/a")}]))
    store = await gathered(client, [first])
    assert [each.key for each in store.all("Claim")] == ["Claim/a", "Claim/b"]
    assert store.superseded == 0
    assert len(server.queries) == 1


JANE = resource("Patient/p", identifier=[{"system": "urn:member", "value": "7,1"}])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reference", "asked", "found"),
    [
        pytest.param(ref("Patient/p"), ("Patient", "_id", "p"), True, id="relative"),
        pytest.param(ref("Patient/p/_history/3"), ("Patient", "_id", "p"), True, id="with a version"),
        pytest.param(ref(f"{BASE}/Patient/p"), ("Patient", "_id", "p"), True, id="absolute, this server"),
        pytest.param(
            ref("Patient?identifier=urn:member|7,1"),
            ("Patient", "identifier", r"urn:member|7\,1"),
            True,
            id="conditional",
        ),
        pytest.param(
            {"type": "Patient", "identifier": {"system": "urn:member", "value": "8"}},
            ("Patient", "identifier", "urn:member|8"),
            False,
            id="identifier and type",
        ),
        pytest.param(
            {"identifier": {"value": "8"}},
            ("Patient", "identifier", "8"),
            False,
            id="identifier, type from the element",
        ),
        pytest.param(ref("Patient/gone"), ("Patient", "_id", "gone"), False, id="leads nowhere"),
        pytest.param(ref("http://evil.test/fhir/Patient/p"), None, False, id="absolute, another server"),
        pytest.param(ref("http://fhir.test/other/Patient/p"), None, False, id="absolute, another base"),
        pytest.param(ref("urn:uuid:7b2ad1a8-1c1e-4f6c-9b1f-9d9d3c0f0001"), None, False, id="urn of a Bundle long gone"),
        pytest.param(ref("Patient?name=Jane"), None, False, id="conditional on a name"),
        pytest.param(ref("#p"), None, False, id="contained"),
        pytest.param({"display": "Jane"}, None, False, id="display only"),
        pytest.param({"type": "../x", "identifier": {"value": "8"}}, None, False, id="a type that is none"),
        pytest.param("Patient/p", None, False, id="no Reference"),
    ],
)
async def test_each_way_of_writing_a_reference(
    client: FhirClient, respx_mock: respx.MockRouter, reference: object, asked: tuple[str, str, str] | None, found: bool
) -> None:
    server = Server(respx_mock, JANE)
    store = await gathered(client, [resource("Claim/c", patient=reference)])
    assert server.queries == ([] if asked is None else [(asked[0], asked[1], frozenset({asked[2]}))])
    assert (store.get("Patient/p") is not None) is found


@pytest.mark.anyio
async def test_a_conditional_reference_is_resolved(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    coach = resource("Practitioner/x", identifier=[{"system": "urn:npi", "value": "1"}])
    Server(respx_mock, coach)
    claim = resource("Claim/c", provider=ref("Practitioner?identifier=urn:npi|1"))
    store = await gathered(client, [claim])
    found = store.resolve(claim["provider"], claims_of(claim)[0])
    assert found is not None
    assert found.key == "Practitioner/x"


@pytest.mark.anyio
async def test_a_contained_resource_leads_on(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": ref("Practitioner/x")}
    Server(respx_mock, resource("Practitioner/x"))
    store = await gathered(client, [resource("Claim/c", contained=[role], provider=ref("#r"))])
    assert store.get("Practitioner/x") is not None


# Evidence by patient and practitioner


@pytest.mark.anyio
async def test_what_is_on_file_about_the_patients(client: FhirClient, respx_mock: respx.MockRouter) -> None:
    plan = EvidencePlan(EVIDENCE["follow"], {"Encounter": "patient"}, {"PractitionerRole": "practitioner"})
    claims = [resource(f"Claim/c{n}", patient=ref(f"Patient/p{n}")) for n in (1, 2)]
    visit = resource("Encounter/e", subject=ref("Patient/p1"), participant=[{"individual": ref("Practitioner/x")}])
    role = resource("PractitionerRole/r", practitioner=ref("Practitioner/x"), organization=ref("Organization/o"))
    server = Server(respx_mock, visit, resource("Practitioner/x"), role, resource("Organization/o"))
    store = await gathered(client, claims, plan)
    assert ("Encounter", "patient", frozenset({"Patient/p1", "Patient/p2"})) in server.queries
    assert ("PractitionerRole", "practitioner", frozenset({"Practitioner/x"})) in server.queries
    assert store.get("Organization/o") is not None
    assert [each.key for each in store.about("Encounter", "Patient/p1")] == ["Encounter/e"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("patient", "asked"),
    [
        pytest.param({"identifier": {"system": "urn:member", "value": "7,1"}}, "Patient/p", id="known by identifier"),
        pytest.param(ref("Patient/gone"), "Patient/gone", id="not there, records may be"),
        pytest.param(ref("http://evil.test/fhir/Patient/p"), None, id="another server's patient of the same id"),
        pytest.param(ref("#p"), None, id="contained"),
        pytest.param(None, None, id="absent"),
    ],
)
async def test_whose_records_are_looked_up(
    client: FhirClient, respx_mock: respx.MockRouter, patient: Json | None, asked: str | None
) -> None:
    server = Server(respx_mock, JANE)
    plan = EvidencePlan(EVIDENCE["follow"], {"Encounter": "patient"}, {}, EVIDENCE["identified_as"])
    await gathered(client, [resource("Claim/c", patient=patient)], plan)
    about = [values for kind, _, values in server.queries if kind == "Encounter"]
    assert about == ([] if asked is None else [frozenset({asked})])


# Servers that cannot, or will not


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 404, 501])
async def test_a_search_the_server_does_not_know_is_noted_and_not_tried_again(
    client: FhirClient, respx_mock: respx.MockRouter, status: int
) -> None:
    goals = respx_mock.get(f"{BASE}/Goal").mock(return_value=httpx.Response(status))
    Server(respx_mock, resource("Patient/p"))
    source = ServerSource(client, EvidencePlan(EVIDENCE["follow"], {"Goal": "patient"}))
    for _ in range(2):
        store = await source.gather(claims_of(resource("Claim/c", patient=ref("Patient/p"))))
        assert store.get("Patient/p") is not None
    assert goals.call_count == 1
    assert list(source.unsupported) == ["Goal?patient"]
    assert f"answered {status}" in source.unsupported["Goal?patient"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "refused us"), (403, "refused us"), (500, "answered 500"), (503, "answered 503")],
)
async def test_evidence_that_is_withheld_is_fatal(
    client: FhirClient, respx_mock: respx.MockRouter, status: int, message: str
) -> None:
    respx_mock.get(f"{BASE}/Coverage").mock(return_value=httpx.Response(status))
    Server(respx_mock, resource("Patient/p"))
    claim = resource("Claim/c", patient=ref("Patient/p"), insurance=[{"coverage": ref("Coverage/v")}])
    with pytest.raises(SourceError, match=message):
        await gathered(client, [claim])


# The plan


@pytest.mark.parametrize(
    ("path", "holder"),
    [
        pytest.param("patient", {"patient": ref("X/1")}, id="member"),
        pytest.param("careTeam.provider", {"careTeam": [{"provider": ref("X/1")}, {}]}, id="array above"),
        pytest.param("item.encounter", {"item": [{"encounter": [ref("X/1")]}]}, id="array of references"),
        pytest.param(
            f"extension({ENCOUNTER_EXTENSION}).valueReference",
            {"extension": [{"url": "other"}, {"url": ENCOUNTER_EXTENSION, "valueReference": ref("X/1")}]},
            id="extension",
        ),
    ],
)
def test_paths(path: str, holder: Json) -> None:
    assert list(elements(holder, path)) == [ref("X/1")]


@pytest.mark.parametrize(
    "holder", [{}, {"item": "x"}, {"item": [None, 3, {"encounter": "x"}]}, {"item": {"encounter": None}}]
)
def test_shapes_that_hold_no_reference(holder: Json) -> None:
    assert list(elements(holder, "item.encounter")) == []


@pytest.mark.parametrize("path", ["", ".", "a.", "a..b", "a b", "extension(x", "a[0]", "extension()"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        parse_path(path)


def test_a_type_without_entry_has_nothing_to_follow() -> None:
    assert list(PLAN.references(resource("Binary/b", patient=ref("Patient/p")))) == []


def test_the_plan_on_file_holds_together() -> None:
    paths = {path for several in PLAN.follow.values() for path in several}
    assert all(parse_path(path) for path in paths)
    assert set(PLAN.identified_as) <= {parse_path(path)[-1] for path in paths}
    assert f"extension({ENCOUNTER_EXTENSION}).valueReference" in PLAN.follow["Claim"]
