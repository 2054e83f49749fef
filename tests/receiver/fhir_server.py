"""A FHIR server of a few hundred lines less than a real one: it keeps resources in memory and finds them again.

It searches by id, identifier, ``_lastUpdated`` and any reference, and writes batches as HAPI does. It can be told to be
away, and counts what it is asked.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapter.answers.systems import DEFAULT_IDENTIFIER_SYSTEM

Json = dict[str, Any]
_PAGING = {"_count", "_sort", "_include", "_revinclude", "_summary"}


class FhirServer:
    """Resources by ``Type/id``, newest version only."""

    def __init__(self, release: str = "4.0.1") -> None:
        self._release = release
        self.resources: dict[str, Json] = {}
        self.writes: Counter[str] = Counter()
        """How often each resource was written."""
        self.repeated: list[str] = []
        """What was written again although it says the same."""
        self.searches: Counter[str] = Counter()
        self.asked: list[str] = []
        """The queries of all searches, as they are meant."""
        self.away = False
        self.refused: set[str] = set()
        """Values that a search answers by 500: a poisoned record."""
        self.with_history = {"Claim", "Coverage", "DocumentReference", "Encounter"}
        """The types of which it tells what was deleted."""
        self.removed: dict[str, Json] = {}
        """What was deleted, as it was."""
        self.told_of_deletions: Json = {}
        """What the history tells of each deletion beside its address."""
        self.unknown: set[str] = set()
        """Search parameters that are answered by 400."""
        self.not_counting = False
        self.as_a_whole: list[str] = []
        """Interactions that it declares for itself, such as ``batch``."""
        self.to_batches = 200
        """The status of its answer to a batch; of another one nothing is carried out."""
        self._ids = count(1)
        self._lock = threading.Lock()

    def app(self) -> Starlette:
        verbs = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=verbs)])

    def put(self, *resources: Json) -> None:
        for resource in resources:
            name = f"{resource['resourceType']}/{resource['id']}"
            self.writes[name] += 1
            self.repeated += [name] if _content(resource) == _content(self.resources.get(name, {})) else []
            meta = {"versionId": str(self.writes[name]), "lastUpdated": datetime.now(UTC).isoformat()}
            self.resources[name] = {**resource, "meta": meta}

    def remove(self, name: str) -> None:
        """Delete a resource; its history stays."""
        with self._lock:
            self.removed[name] = self.resources.pop(name)

    def load(self, *folders: Path) -> None:
        for folder in folders:
            for path in sorted(folder.glob("*.ndjson")):
                self.put(*map(json.loads, path.read_text(encoding="utf-8").splitlines()))

    def of(self, kind: str) -> list[Json]:
        return [each for name, each in sorted(self.resources.items()) if name.startswith(f"{kind}/")]

    def answers(self) -> dict[str, list[Json]]:
        """ClaimResponses of ours, by the claim they answer."""
        found: dict[str, list[Json]] = {}
        for each in self.of("ClaimResponse"):
            if any(one.get("system") == DEFAULT_IDENTIFIER_SYSTEM for one in each.get("identifier", [])):
                found.setdefault(each["request"]["reference"].partition("/")[2], []).append(each)
        return found

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        if self.away:
            return Response(status_code=500)
        with self._lock:
            path = request.path_params["path"].strip("/")
            if request.method == "PUT" or (request.method == "POST" and path and not path.endswith("_search")):
                return self._written(request, path, json.loads(body))
            return self._reply(request.method, path, request.url.query, body)

    def _reply(self, method: str, path: str, query: str, body: bytes) -> Response:
        if path == "metadata":
            told = [{"type": kind, "interaction": [{"code": "history-type"}]} for kind in sorted(self.with_history)]
            whole = [{"code": each} for each in self.as_a_whole]
            rest = [{"mode": "server", "resource": told, **({"interaction": whole} if whole else {})}]
            return JSONResponse({"resourceType": "CapabilityStatement", "fhirVersion": self._release, "rest": rest})
        if not path and self.to_batches != 200:
            return Response(status_code=self.to_batches)
        if not path:
            entries = [self._entry(each) for each in json.loads(body)["entry"]]
            return JSONResponse({"resourceType": "Bundle", "type": "batch-response", "entry": entries})
        if path.endswith("_history"):
            return self._history(path.removesuffix("/_history"))
        if path.endswith("_search"):
            return self._search(path.partition("/")[0], body.decode())
        if "/" not in path:
            return self._search(path, query)
        if path not in self.resources:
            return Response(status_code=404)
        return JSONResponse(self.resources[path])

    def _history(self, path: str) -> Response:
        """Of one resource its last version, of a type what was deleted, whenever that was."""
        gone = {name: each for name, each in self.removed.items() if name == path or name.startswith(f"{path}/")}
        requests = [{"method": "DELETE", "url": f"{name}/_history/9"} for name in gone]
        deletions: list[Json] = [{"request": each, "response": self.told_of_deletions} for each in requests]
        versions = [{"resource": each} for each in gone.values()] if "/" in path else []
        if "/" in path and not gone:
            return Response(status_code=404)
        return JSONResponse({"resourceType": "Bundle", "type": "history", "entry": [*deletions, *versions]})

    def _search(self, kind: str, query: str) -> Response:
        self.searches[kind] += 1
        self.asked.append(unquote(query))
        asked = {name: values for name, values in parse_qs(query).items() if name not in _PAGING}
        if self.unknown & asked.keys():
            return Response(status_code=400)
        if any(each in unquote(query) for each in self.refused):
            return Response(status_code=500)
        found = [each for each in self.of(kind) if all(_matches(each, *one) for one in asked.items())]
        if "_summary=count" in query and not self.not_counting:
            return JSONResponse({"resourceType": "Bundle", "type": "searchset", "total": len(found)})
        names = {f"{kind}/{each['id']}" for each in found}
        if "Provenance:target" in query.replace("%3A", ":"):
            found += [each for each in self.of("Provenance") if names & set(_references(each["target"]))]
        entries = [{"resource": each} for each in found]
        return JSONResponse({"resourceType": "Bundle", "type": "searchset", "entry": entries})

    def _written(self, request: Request, path: str, resource: Json) -> Response:
        """What a single request wrote: as an entry of a batch, with its conditions and its outcome in headers."""
        names = {"If-None-Exist": "ifNoneExist", "If-Match": "ifMatch"}
        conditions = {member: request.headers[name] for name, member in names.items() if name in request.headers}
        asked = {"method": request.method, "url": unquote(path), **conditions}
        said = self._entry({"request": asked, "resource": resource})["response"]
        headers = {"Location": f"{request.base_url}{said['location']}"} if "location" in said else {}
        return Response(status_code=int(said["status"]), headers=headers)

    def _entry(self, entry: Json) -> Json:
        request, resource = entry["request"], entry["resource"]
        kind, condition = request["url"], request.get("ifNoneExist", "")
        if condition.startswith("identifier="):
            identifier = unquote(condition).partition("=")[2]
            if known := [each for each in self.of(kind) if _matches(each, "identifier", [identifier])]:
                return {"response": {"status": "200", "location": f"{kind}/{known[0]['id']}"}}
        if "/" not in kind:
            resource = {**resource, "id": f"r{next(self._ids)}"}
        name = f"{resource['resourceType']}/{resource['id']}"
        old = self.resources.get(name)
        if "ifMatch" in request and old and request["ifMatch"] != f'W/"{old["meta"]["versionId"]}"':
            return {"response": {"status": "409"}}
        self.put(resource)
        location = f"{name}/_history/{self.resources[name]['meta']['versionId']}"
        return {"response": {"status": "200" if old else "201", "location": location}}


def _content(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name not in ("meta", "created")}


def _matches(resource: Json, parameter: str, values: list[str]) -> bool:
    wanted = {unquote(each) for value in values for each in re.split(r"(?<!\\),", value)}
    if parameter == "_id":
        return resource["id"] in wanted
    if parameter == "_lastUpdated":
        return all(_is_on_its_side(resource["meta"]["lastUpdated"], each) for each in values)
    if parameter == "identifier":
        held = [each for each in resource.get("identifier", []) if "value" in each]
        return any({each["value"], f"{each.get('system')}|{each['value']}"} & wanted for each in held)
    if parameter in ("date", "code", "type"):
        return True
    return bool(wanted & set(_references(resource)))


def _is_on_its_side(instant: str, bound: str) -> bool:
    """Of ``ge2026-01-01T00:00:00Z``, or of ``lt...``."""
    found, limit = map(datetime.fromisoformat, (instant, bound[2:]))
    return found >= limit if bound.startswith("ge") else found < limit


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"].partition("/_history")[0]
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str):
        for each in value:
            yield from _references(each)


@contextmanager
def listening(server: FhirServer) -> Iterator[str]:
    """Serve on a free loopback port; yields the base URL."""
    http = uvicorn.Server(uvicorn.Config(server.app(), "127.0.0.1", 0, log_level="error"))
    thread = threading.Thread(target=http.run)
    thread.start()
    while not http.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{http.servers[0].sockets[0].getsockname()[1]}"
    finally:
        http.should_exit = True
        thread.join()
