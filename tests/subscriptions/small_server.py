"""A FHIR server of a page that keeps Subscriptions: conditional create, versions, and what a test makes it do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx

Json = dict[str, Any]
BASE = "http://fhir.test/fhir"


class SmallServer:
    """Answers every request below ``BASE``; activates at once what is requested."""

    def __init__(self, capabilities: Json, topics: list[Json] | None = None) -> None:
        self.capabilities, self.topics = capabilities, topics or []
        self.kept: dict[str, Json] = {}
        self.requests: list[httpx.Request] = []
        self.status_answer: httpx.Response = httpx.Response(404, json={"resourceType": "OperationOutcome"})
        self.before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        """What happens before a request is answered; an answer of its own wins."""

    @property
    def methods(self) -> list[str]:
        """The requests that change something."""
        return [each.method for each in self.requests if each.method != "GET"]

    def keep(self, resource: Json) -> Json:
        id = resource.get("id") or f"s{len(self.kept) + 1}"
        version = int(self.kept.get(id, {}).get("meta", {}).get("versionId", 0)) + 1
        status = "active" if resource["status"] == "requested" else resource["status"]
        meta = resource.get("meta", {}) | {"versionId": str(version)}
        self.kept[id] = resource | {"id": id, "status": status, "meta": meta}
        return self.kept[id]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.before(request) or self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        kind, _, rest = request.url.path.removeprefix("/fhir/").partition("/")
        if rest.endswith("/$status"):
            return self.status_answer
        match request.method, kind:
            case "GET", "metadata":
                return httpx.Response(200, json=self.capabilities)
            case "GET", "Subscription" if not rest:
                return page(list(self.kept.values()))
            case "GET", "Subscription":
                return httpx.Response(200, json=self.kept[rest]) if rest in self.kept else httpx.Response(404)
            case "POST", "Subscription":
                return self._create(request)
            case "PUT", "Subscription":
                return self._update(request, rest)
            case "DELETE", "Subscription":
                return httpx.Response(204 if self.kept.pop(rest, None) else 404)
        return page([each for each in self.topics if each["resourceType"] == kind])

    def _create(self, request: httpx.Request) -> httpx.Response:
        condition = parse_qs(request.headers.get("If-None-Exist", ""))
        if condition and any(_fits(each, condition) for each in self.kept.values()):
            return httpx.Response(200)
        self.keep(json.loads(request.content))
        return httpx.Response(201)

    def _update(self, request: httpx.Request, id: str) -> httpx.Response:
        if request.headers.get("If-Match") != f'W/"{self.kept[id]["meta"]["versionId"]}"':
            return httpx.Response(412)
        self.keep(json.loads(request.content))
        return httpx.Response(200)


def page(resources: list[Json]) -> httpx.Response:
    return httpx.Response(
        200, json={"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources]}
    )


def _fits(resource: Json, condition: dict[str, list[str]]) -> bool:
    known = {
        "url": resource.get("channel", resource).get("endpoint"),
        "criteria:exact": resource.get("criteria"),
        "identifier": "|".join(resource.get("identifier", [{"system": "", "value": ""}])[0].values()),
    }
    return all(known[name] == values[0].replace("\\", "") for name, values in condition.items())
