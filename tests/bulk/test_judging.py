"""What is done to the files of an export before they are decided, and when they must not decide by themselves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from bulk.export_server import BASE, claim, ndjson

from adapter.errors import WriteError
from adapter.evidence.plan import EvidencePlan
from adapter.sinks.answers_in_files import answers_in
from adapter.sources.bulk.completing import ShelfFirst, complete, left_out
from adapter.sources.bulk.export import output_files
from adapter.sources.bulk.folder import Folder
from adapter.sources.bulk.shelf import Shelf, indexed
from adapter.sources.fhir_client import FhirClient
from adapter.sources.many import Search
from adapter.sources.patience import Patience
from adapter.sources.server import ServerSource
from adapter.sync.bulk.fetching import drop, exported_claims, foreign_references

Json = dict[str, Any]
PLAN = EvidencePlan({"Claim": ("patient", "provider")}, {"Encounter": "patient"})
PATIENT = {"resourceType": "Patient", "id": "p"}
VISIT = {"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p"}}
COACH = {"resourceType": "Practitioner", "id": "coach"}
BILLED: Json = {
    "resourceType": "Claim",
    "id": "a",
    "patient": {"reference": "Patient/p"},
    "provider": {"reference": "Practitioner/coach"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def put(folder: Folder, index: int, *resources: Json) -> None:
    kind = resources[0]["resourceType"]
    path = folder.output / f"{index:05}-{kind}" / f"{kind}.0000.ndjson"
    path.parent.mkdir(parents=True)
    path.write_bytes(ndjson(resources))


def test_what_was_deleted_is_gone_and_nothing_else(folder: Folder) -> None:
    put(folder, 0, claim("a"), claim("b"))
    put(folder, 1, {"resourceType": "Goal", "id": "a"})
    for _ in range(2):
        drop(folder, ["Claim/a", "Encounter/b", "Goal/zz"])
    assert [each["id"] for each in exported_claims(folder)] == ["b"]
    assert '"a"' in (folder.output / "00001-Goal" / "Goal.0000.ndjson").read_text()


@pytest.mark.parametrize(
    ("reference", "foreign"),
    [
        pytest.param("Patient/p", False, id="relative"),
        pytest.param(f"{BASE}/Patient/p", False, id="absolute, at home"),
        pytest.param("http://fhir.test/fhir2/Patient/p", True, id="another base that begins alike"),
        pytest.param("https://elsewhere.test/Patient/p", True, id="elsewhere"),
        pytest.param("urn:uuid:1", False, id="inside"),
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", " : ")])
def test_references_elsewhere_are_seen(
    folder: Folder, reference: str, separators: tuple[str, str], *, foreign: bool
) -> None:
    put(folder, 0, claim("a"))
    line = json.dumps({"resourceType": "Claim", "id": "b", "patient": {"reference": reference}}, separators=separators)
    path = folder.output / "00001-Claim" / "Claim.0000.ndjson"
    path.parent.mkdir()
    path.write_text("\n" * 1_048_570 + line)  # across the end of a block
    assert foreign_references(output_files(folder), BASE) is foreign


@pytest.fixture
def shelf(folder: Folder) -> Iterator[Shelf]:
    put(folder, 0, BILLED, claim("b"))
    put(folder, 1, PATIENT)
    put(folder, 2, VISIT)
    with indexed(output_files(folder), folder.path / "index.sqlite") as shelf:
        yield shelf


def test_the_shelf_finds_by_id_and_by_patient(shelf: Shelf) -> None:
    assert shelf.by_id("Claim", ["a", "zz"]) == [BILLED]
    assert shelf.of_patient("Encounter", "Patient/p") == [VISIT]
    assert shelf.of_patient("Claim", "Patient/p") == [BILLED]
    assert (shelf.has("Patient", "p"), shelf.has("Patient", "a")) == (True, False)
    assert [each["id"] for each in shelf.all("Claim")] == ["a", "b"]


@pytest.fixture
async def source(anyio_backend: str) -> AsyncIterator[ServerSource]:
    async with FhirClient(BASE, patience=Patience(attempts=1)) as client:
        yield ServerSource(client, PLAN)


def bundle(*resources: Json) -> httpx.Response:
    entry = [{"resource": each} for each in resources]
    return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})


@pytest.mark.anyio
async def test_only_what_the_export_lacks_is_fetched_and_laid_beside_it(
    source: ServerSource, shelf: Shelf, folder: Folder, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.get(f"{BASE}/Practitioner").mock(return_value=bundle(COACH))
    first = ShelfFirst(source, shelf, frozenset({"Encounter"}))
    others = await complete(first, shelf, lambda located: located.id == "a", folder, lambda _done: None)
    assert [each.request.url.params["_id"] for each in route.calls] == ["coach"]
    assert (folder.output / "fetched" / "Practitioner.ndjson").read_bytes() == json.dumps(
        COACH, separators=(",", ":")
    ).encode() + b"\n"
    assert [path.name for path in (folder.output / "fetched").iterdir()] == ["Practitioner.ndjson"]
    assert others is False


@pytest.mark.anyio
async def test_of_a_type_that_is_not_whole_the_server_is_asked(
    source: ServerSource, shelf: Shelf, folder: Folder, respx_mock: respx.MockRouter
) -> None:
    statement = {"resourceType": "CapabilityStatement"}
    respx_mock.get(f"{BASE}/metadata").mock(return_value=httpx.Response(200, json=statement))
    respx_mock.get(f"{BASE}/Practitioner").mock(return_value=bundle())
    visits = respx_mock.get(f"{BASE}/Encounter").mock(return_value=bundle(VISIT, {**VISIT, "id": "e2"}))
    first = ShelfFirst(source, shelf, frozenset())
    await complete(first, shelf, lambda located: located.id == "a", folder, lambda _done: None)
    assert visits.called
    (line,) = (folder.output / "fetched" / "Encounter.ndjson").read_text().splitlines()
    assert json.loads(line)["id"] == "e2"


@pytest.mark.anyio
@pytest.mark.respx(assert_all_called=False)
@pytest.mark.parametrize(
    ("search", "asked"),
    [
        pytest.param({"_id": "e"}, None, id="all of it is there"),
        pytest.param({"_id": "e,zz"}, {"_id": "zz"}, id="one is not"),
        pytest.param({"patient": "Patient/p"}, None, id="of a patient of the export"),
        pytest.param({"patient": "Patient/p,Patient/q"}, {"patient": "Patient/q"}, id="of another patient too"),
        pytest.param({"identifier": r"urn:x|1\,2"}, {"identifier": r"urn:x|1\,2"}, id="an escaped comma stays whole"),
        pytest.param({"_id": "e", "date": "2026"}, {"_id": "e", "date": "2026"}, id="narrowed"),
    ],
)
async def test_the_server_is_asked_for_the_rest_of_a_search(
    source: ServerSource,
    shelf: Shelf,
    respx_mock: respx.MockRouter,
    search: dict[str, str],
    asked: dict[str, str] | None,
) -> None:
    statement = {"resourceType": "CapabilityStatement"}
    respx_mock.get(f"{BASE}/metadata").mock(return_value=httpx.Response(200, json=statement))
    route = respx_mock.get(f"{BASE}/Encounter").mock(return_value=bundle({**VISIT, "id": "new"}))
    first = ShelfFirst(source, shelf, frozenset({"Encounter"}))
    (found,) = await first.find_all([Search("Encounter", search)])
    sent = [{name: each.request.url.params[name] for name in asked or {}} for each in route.calls]
    assert sent == ([asked] if asked else [])
    assert ("new" in [each["id"] for each in found]) is (asked is not None)


@pytest.mark.anyio
async def test_a_type_without_a_file_is_left_out_when_the_server_has_some(
    source: ServerSource, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{BASE}/Goal").mock(return_value=bundle())
    respx_mock.get(f"{BASE}/Location").mock(return_value=bundle({"resourceType": "Location", "id": "x"}))
    respx_mock.get(f"{BASE}/Composition").mock(return_value=httpx.Response(404))
    types = ("Claim", "Composition", "Goal", "Location")
    assert await left_out(source, types, frozenset({"Claim"})) == {"Location"}


# The answers read back


def response(id: str) -> Json:
    return {
        "resourceType": "ClaimResponse",
        "id": f"{id}-response",
        "outcome": "complete",
        "request": {"reference": f"Claim/{id}"},
    }


def trail(id: str) -> Json:
    return {"resourceType": "Provenance", "target": [{"reference": f"ClaimResponse/{id}-response"}]}


def written(
    folder: Path, responses: list[Json], provenances: list[Json], outcomes: list[Json], lines: Sequence[Json] = ()
) -> Path:
    files = [("ClaimResponse", responses), ("Provenance", provenances), ("OperationOutcome", outcomes)]
    for name, some in [*files, ("decisions", lines)]:
        (folder / f"{name}.ndjson").write_bytes(ndjson(some))
    return folder


def test_answers_are_read_back_with_their_provenances(tmp_path: Path) -> None:
    outcomes = [{"resourceType": "OperationOutcome", "id": id} for id in ("d", f"unreadable-{'0' * 24}")]
    found = list(
        answers_in(written(tmp_path, [response("a"), response("b"), response("c")], [trail("a"), trail("c")], outcomes))
    )
    assert [(each.claim, each.provenance) for each in found] == [
        ("a", trail("a")),
        ("b", None),
        ("c", trail("c")),
        ("d", None),
    ]
    assert found[3].outcome == outcomes[0]


def test_a_provenance_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="is about no ClaimResponse"):
        list(answers_in(written(tmp_path, [response("a")], [trail("b")], [])))
