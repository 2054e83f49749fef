"""A server with a bulk export, as a recording that a test spoils: it notes what it was asked for."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, TypeVar

import httpx
import respx

BASE = "http://fhir.test/fhir"
STATUS = f"{BASE}/$export-poll-status"
TRANSACTION_TIME = "2026-03-01T12:00:00.250Z"
CLOCK = "Sun, 01 Mar 2026 12:00:05 GMT"
FILES = ("http://fhir.test/files/1", "http://fhir.test/files/2")
Json = dict[str, Any]
T = TypeVar("T")


class Pieces(httpx.AsyncByteStream):
    """A body as it comes over a wire, in pieces that end anywhere; one that breaks off raises at its end."""

    def __init__(self, body: bytes, *, size: int = 7, breaks: bool = False) -> None:
        self._body, self._size, self._breaks = body, size, breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), self._size):
            yield self._body[start : start + self._size]
        if self._breaks:
            raise httpx.RemoteProtocolError("the connection was closed")


def ndjson(resources: Iterable[Json]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in resources)


def streamed(body: bytes, *, packed: bool = False, breaks: bool = False, **headers: str) -> httpx.Response:
    encoding = {"Content-Encoding": "gzip"} if packed else {}
    content = gzip.compress(body) if packed else body
    return httpx.Response(200, headers={**encoding, **headers}, stream=Pieces(content, breaks=breaks))


def outcome(code: str, status: int = 500) -> httpx.Response:
    issue = [{"severity": "error", "code": code, "diagnostics": "Jane Doe, M-4711"}]
    return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": issue})


def manifest(*output: Json, **more: Any) -> httpx.Response:
    content = {"transactionTime": TRANSACTION_TIME, "request": BASE, "requiresAccessToken": True, "error": []}
    return httpx.Response(200, json={**content, "output": list(output), **more}, headers={"Date": CLOCK})


def claim(id: str) -> Json:
    return {"resourceType": "Claim", "id": id}


class ExportServer:
    """Answers by lists of answers, each given once and the last for ever; what a test leaves alone goes well."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.kickoffs: list[httpx.Response | Exception] = [
            httpx.Response(202, headers={"Content-Location": f"{STATUS}?_jobId=1"})
        ]
        self.statuses: list[httpx.Response | Exception] = [
            httpx.Response(202),
            manifest({"type": "Claim", "url": FILES[0]}, {"type": "Patient", "url": FILES[1]}),
        ]
        self.files: dict[str, list[Callable[[], httpx.Response]]] = {
            FILES[0]: [lambda: streamed(ndjson([claim("a"), claim("b")]))],
            FILES[1]: [lambda: streamed(ndjson([{"resourceType": "Patient", "id": "p"}]))],
        }
        self.asked: list[httpx.Request] = []
        self.counts: Counter[str] = Counter()
        self.removals: list[httpx.Response | Exception] = [httpx.Response(202)]
        router.route().mock(side_effect=self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        url = str(request.url)
        if url in self.files:
            return self._next(url, self.files[url])()
        if request.method == "DELETE":
            answer = self._next("DELETE", self.removals)
        elif request.url.path.endswith("/$export"):
            answer = self._next("kickoff", self.kickoffs)
        else:
            answer = self._next("status", self.statuses)
        if isinstance(answer, Exception):
            raise answer
        answer.stream = httpx.ByteStream(answer.content)  # the last one is given again
        return answer

    def _next(self, name: str, answers: list[T]) -> T:
        self.counts[name] += 1
        return answers[0] if len(answers) == 1 else answers.pop(0)
