"""A FHIR server of ClaimResponses, Provenances and OperationOutcomes, and answers to put there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
import orjson
import respx

from adapter.answers.answer import Action, Answer
from adapter.answers.claim_response import answer_identifier
from adapter.sinks.server import ServerSink

BASE = "http://fhir.test/fhir"
SYSTEM = "urn:coaching-adapter"
NOW, LATER = "2026-03-04T10:00:00Z", "2026-03-05T10:00:00Z"
INSTANT = datetime(2026, 3, 6, 10, tzinfo=UTC)

Json = dict[str, Any]
Fault = Callable[[httpx.Request], httpx.Response | None]
"""Answers a single request in the place of the server."""


REFUSAL = {
    "status": "422 Unprocessable Entity",
    "outcome": {"resourceType": "OperationOutcome", "issue": [{"code": "invalid", "diagnostics": "Jane Doe, M-4711"}]},
}


class Server:
    """A FHIR server of ClaimResponses, Provenances and OperationOutcomes; ``refuse`` answers in its place, per type."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.kept: dict[str, Json] = {}
        self.refuse: dict[str, Json] = {}
        self.stores: list[str] = []
        """Interactions offered for OperationOutcome."""
        self.as_a_whole = ["batch"]
        """Interactions offered for the server itself."""
        self.creates_once = ["ClaimResponse", "Provenance"]
        """The types for which it declares that it heeds ``If-None-Exist``; for the others it does not."""
        self.to_batches = 200
        """The status of its answer to a batch; of another one nothing is carried out."""
        self.asked_by_batch = 0
        self.batches: list[list[Json]] = []
        """The entries of each; those of single requests in ``singles``."""
        self.singles: list[httpx.Request] = []
        self.loses: Counter[str] = Counter()
        """Of how many writes of a type the answer is lost, after they were carried out."""
        self.fault: Fault = lambda _request: None
        """Answers a single request in its place."""
        self.searches: list[str] = []
        self.unreadable = ""
        """The claim whose answer makes it refuse a whole batch, ..."""
        self.to_unreadable = 400
        """... by this status."""
        self.along: int | None = 1000
        """How many Provenances come along with the answers; None: it refuses to be asked."""
        self.searches_provenances = True
        self.asked_about: list[str] = []
        self.strips_versions = False
        self.searches_outcomes = True
        self.meanwhile: Callable[[], object] = lambda: None
        """What somebody else does between our reading and our writing."""
        router.get(f"{BASE}/metadata").mock(side_effect=self._metadata)
        router.get(url__startswith=f"{BASE}/OperationOutcome/").mock(side_effect=self._read)
        router.get(f"{BASE}/OperationOutcome").mock(side_effect=self._outcomes)
        router.post(url__regex=rf"{BASE}/[A-Za-z]+$").mock(side_effect=self._single)
        router.put(url__startswith=BASE).mock(side_effect=self._single)
        router.route(url__startswith=f"{BASE}/ClaimResponse").mock(side_effect=self._search)
        router.route(url__startswith=f"{BASE}/Provenance").mock(side_effect=self._about)
        router.post(BASE).mock(side_effect=self._batch)

    def of(self, kind: str) -> list[Json]:
        return [each for key, each in self.kept.items() if key.startswith(f"{kind}/")]

    def put(self, kind: str, id: str, resource: Json) -> Json:
        version = int(self.kept.get(f"{kind}/{id}", {"meta": {"versionId": "0"}})["meta"]["versionId"]) + 1
        if self.strips_versions and kind == "Provenance":
            target = re.sub("/_history/.*", "", resource["target"][0]["reference"])
            resource = resource | {"target": [{"reference": target}]}
        self.kept[f"{kind}/{id}"] = resource | {"id": id, "meta": {"versionId": str(version)}}
        return {"status": "201 Created" if version == 1 else "200 OK", "location": f"{kind}/{id}/_history/{version}"}

    def _metadata(self, request: httpx.Request) -> httpx.Response:
        interaction = [{"code": code} for code in self.stores]
        types: list[Json] = [{"type": "OperationOutcome", "interaction": interaction}]
        types += [{"type": each, "conditionalCreate": True} for each in self.creates_once]
        rest: list[Json] = [{"mode": "server", "resource": types}]
        rest[0] |= {"interaction": [{"code": code} for code in self.as_a_whole]}
        return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": rest})

    def _read(self, request: httpx.Request) -> httpx.Response:
        found = self.kept.get(request.url.path.removeprefix("/fhir/"))
        return httpx.Response(200, json=found) if found else httpx.Response(404)

    def _outcomes(self, request: httpx.Request) -> httpx.Response:
        if not self.searches_outcomes:
            return httpx.Response(400)
        ids = parse_qs(request.url.query.decode())["_id"][0].split(",")
        entry = [{"resource": each} for each in self.of("OperationOutcome") if each["id"] in ids]
        hint = {"resourceType": "OperationOutcome", "id": "c1", "issue": [{"code": "informational"}]}
        entry.append({"resource": hint, "search": {"mode": "outcome"}})
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _search(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.content.decode() or request.url.query.decode())
        if "_revinclude" in query and self.along is None:
            return httpx.Response(400)
        self.searches.append(query["identifier"][0])
        found = [each for token in query["identifier"][0].split(",") for each in self._identified(token)]
        about = [each for each in self.of("Provenance") if any(target_of(each) == response["id"] for response in found)]
        sent = about[: self.along] if query.get("_revinclude") == ["Provenance:target"] else []
        entry = [{"resource": each} for each in found + sent]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _about(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.content.decode() or request.url.query.decode())
        self.asked_about.append(query["target"][0])
        names = query["target"][0].split(",")
        found = [each for each in self.of("Provenance") if f"ClaimResponse/{target_of(each)}" in names]
        if not self.searches_provenances:
            return httpx.Response(400)
        entry = [{"resource": each} for each in found]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _identified(self, token: str) -> list[Json]:
        system, _, value = token.partition("|")
        return [each for each in self.of("ClaimResponse") if {"system": system, "value": value} in each["identifier"]]

    def _batch(self, request: httpx.Request) -> httpx.Response:
        self.meanwhile()
        self.asked_by_batch += 1
        if self.to_batches != 200:
            return httpx.Response(self.to_batches)
        if self.unreadable and f'"value":"{self.unreadable}"'.encode() in request.content:
            return httpx.Response(self.to_unreadable)
        entries = orjson.loads(request.content)["entry"]
        self.batches.append(entries)
        answers = [{"response": self._entry(**each)} for each in entries]
        self._lose(entries[0]["resource"])
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "batch-response", "entry": answers})

    def _single(self, request: httpx.Request) -> httpx.Response:
        """As an entry of a batch, with its conditions and its outcome in headers."""
        self.meanwhile()
        self.singles.append(request)
        if (response := self.fault(request)) is not None:
            return response
        names = {"If-None-Exist": "ifNoneExist", "If-Match": "ifMatch"}
        conditions = {member: request.headers[name] for name, member in names.items() if name in request.headers}
        asked = {"method": request.method, "url": unquote(request.url.path.removeprefix("/fhir/")), **conditions}
        said = self._entry(asked, orjson.loads(request.content))
        self._lose(orjson.loads(request.content))
        headers = {
            name: said[member] for name, member in (("Location", "location"), ("ETag", "etag")) if said.get(member)
        }
        return httpx.Response(int(said["status"][:3]), headers=headers, json=said.get("outcome"))

    def _lose(self, resource: Json) -> None:
        if self.loses[resource["resourceType"]]:
            self.loses[resource["resourceType"]] -= 1
            raise httpx.ReadError("")

    def _entry(self, request: Json, resource: Json) -> Json:
        kind = resource["resourceType"]
        if kind in self.refuse:
            return self.refuse[kind]
        if request["method"] == "POST":
            return self._create(request, resource)
        path = request["url"]
        _, _, id = path.partition("/")
        current = self.kept.get(path, {"meta": {"versionId": "0"}})["meta"]["versionId"]
        if request.get("ifMatch", f'W/"{current}"') != f'W/"{current}"':
            return {"status": "412 Precondition Failed"}
        return self.put(kind, id, resource)

    def _create_response(self, condition: str, resource: Json) -> Json:
        assert "id" not in resource
        if found := self._identified(condition.removeprefix("identifier=")):
            return {"status": "200 OK", "location": f"ClaimResponse/{found[0]['id']}"}
        return self.put("ClaimResponse", f"r{len(self.kept)}", resource)

    def _create(self, request: Json, resource: Json) -> Json:
        if resource["resourceType"] not in self.creates_once:
            return self.put(resource["resourceType"], f"n{len(self.kept)}", resource)
        if resource["resourceType"] == "ClaimResponse":
            return self._create_response(unquote(request["ifNoneExist"]), resource)
        wanted = {name: values[0] for name, values in parse_qs(request.get("ifNoneExist", "")).items()}
        for each in self.of("Provenance"):
            if wanted == {"target": f"ClaimResponse/{target_of(each)}", "recorded": each["recorded"]}:
                return {"status": "200 OK"}
        return self.put("Provenance", f"p{len(self.kept)}", resource)


def target_of(provenance: Json) -> str:
    return str(provenance["target"][0]["reference"]).split("/")[1]


def to(kind: str, response: httpx.Response | Exception, claim: str = "") -> Fault:
    """What is written of a type, for a claim, is answered so."""

    def act(request: httpx.Request) -> httpx.Response | None:
        resource = orjson.loads(request.content)
        named = [each["value"] for each in resource.get("identifier", [])]
        if resource["resourceType"] != kind or (claim and claim not in named):
            return None
        if isinstance(response, Exception):
            raise response
        return response

    return act


def answer(claim: str = "c1", disposition: str = "Approved.", instant: str = NOW) -> Answer:
    response = {
        "resourceType": "ClaimResponse",
        "id": f"of-{claim}",
        "identifier": [{"system": SYSTEM, "value": claim}],
        "created": instant,
        "disposition": disposition,
    }
    target = [{"reference": f"ClaimResponse/of-{claim}"}]
    provenance = {"resourceType": "Provenance", "id": f"of-{claim}", "target": target, "recorded": instant}
    return Answer(claim, response=response, provenance=provenance)


def of_claim(disposition: str) -> Answer:
    """An answer to Claim/c1 under the identifier that answers to claims have."""
    plain = answer(disposition=disposition)
    number = [{"system": SYSTEM, "value": answer_identifier("c1")}]
    return Answer("c1", response={**(plain.response or {}), "identifier": number}, provenance=plain.provenance)


def fault(claim: str | None = "c1", code: str = "structure", id: str | None = "c1") -> Answer:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}
    return Answer(claim, outcome=outcome | ({"id": id} if id else {}))


async def actions(sink: ServerSink, *answers: Answer, dry_run: bool = False) -> list[Action]:
    return [written.action for written in await sink.write(answers, dry_run=dry_run)]
