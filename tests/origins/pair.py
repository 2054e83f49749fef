"""A server that leads wherever a test says, by every kind of address that a server can tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auth.clients import QUICK
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from adapter.auth.asking import Asking
from adapter.auth.discovery import discover
from adapter.auth.header import StaticAuth, bearer
from adapter.auth.secret_files import Given
from adapter.errors import Step
from adapter.limits import Limits
from adapter.sources.bulk.export import Export
from adapter.sources.bulk.folder import Folder
from adapter.sources.bulk.kickoff import Wanted
from adapter.sources.bulk.pace import Pace
from adapter.sources.fhir_client import FhirClient
from adapter.sources.gate import Elsewhere, public_authorities
from adapter.sources.origin import allowed_from, written_origins

TOKEN = "unmistakable-token"
COOKIE = "unmistakable-cookie"
VERIFY = public_authorities()
CLAIM = {"resourceType": "Claim", "id": "a"}
Json = dict[str, Any]


class Leading:
    """One of the two servers."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        """Path and headers of each request."""
        self.link = self.location = self.page = self.file = self.endpoint = self.redirect = ""
        """Where it leads, by each kind of address; nowhere where it is empty."""
        self.refusal = 0
        """The status of every answer; 0 for what is due."""

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    @property
    def headers(self) -> str:
        """All that it was sent in headers."""
        return str([headers for _, headers in self.seen])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self.seen.append((request.url.path, dict(request.headers)))
        await self._answer(request).__call__(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.url.path
        if self.refusal:
            return Response(status_code=self.refusal)
        if self.redirect:
            return Response(status_code=302, headers={"Location": self.redirect})
        if path.endswith("/$export"):
            where = self.location or f"{request.base_url}fhir/status"
            return Response(status_code=202, headers={"Content-Location": where})
        if path.endswith("/status"):
            return JSONResponse(self._manifest())
        if path.endswith("/smart-configuration"):
            return JSONResponse({"token_endpoint": self.endpoint})
        if path == "/file":
            return Response('{"resourceType": "Claim", "id": "a"}\n')
        if path == "/token":
            return JSONResponse({"access_token": "t", "token_type": "bearer"})
        if path.endswith("/metadata"):
            return JSONResponse({"resourceType": "CapabilityStatement"}, headers={"Set-Cookie": f"s={COOKIE}; Path=/"})
        following = (
            [{"relation": "next", "url": self.link}] if self.link and not request.query_params.get("page") else []
        )
        return JSONResponse({"resourceType": "Bundle", "type": "searchset", "link": following})

    def _manifest(self) -> Json:
        links = [{"relation": "next", "url": self.page}] if self.page else []
        output = [{"type": "Claim", "url": self.file or "/file"}]
        made = "2026-03-01T12:00:00Z"
        return {"transactionTime": made, "requiresAccessToken": True, "output": output, "error": [], "link": links}


@dataclass(frozen=True)
class Pair:
    """Both of them."""

    ours: Leading
    theirs: Leading
    home: str
    elsewhere: str

    @property
    def base(self) -> str:
        return f"{self.home}/fhir"

    def client(self, allowed: str = "") -> FhirClient:
        """As the commands make it, with a token."""
        auth = StaticAuth(self.base, Given(SecretStr(TOKEN)), bearer)
        beside = Elsewhere(written_origins(allowed), VERIFY)
        return FhirClient(self.base, auth=auth, verify=VERIFY, elsewhere=beside, timeout=5, patience=QUICK)

    def written(self, template: str) -> str:
        """An address of a table: ``PORT`` is ours, ``OTHER`` theirs."""
        ours, theirs = (url.rpartition(":")[2] for url in (self.home, self.elsewhere))
        return template.replace("PORT", ours).replace("OTHER", theirs)


# --- every way by which a server can lead us somewhere


async def search(pair: Pair, _folder: Path, allowed: str) -> None:
    async with pair.client(allowed) as client:
        await client.capabilities()
        async for _ in client.search("Claim", {}):
            pass


async def export(pair: Pair, folder: Path, allowed: str) -> None:
    async with pair.client(allowed) as client:
        await client.capabilities()
        exporting = Export(client, Folder(folder), Pace(0.01), Limits(), lambda *_: None)
        await exporting.fetch(Wanted(("Claim",)))


async def token(pair: Pair, _folder: Path, allowed: str) -> None:
    asking = Asking(VERIFY, 5, QUICK, allowed_from(pair.base, written_origins(allowed)))
    found = await discover(pair.base, "ES384", asking)
    url = found.token_endpoint
    await asking.ask(Step.TOKEN, "the request for a token", url, lambda http: http.build_request("POST", url))


Way = Callable[[Pair, Path, str], Awaitable[None]]
WAYS: dict[str, tuple[Way, str]] = {
    "link": (search, "links to a next page"),
    "location": (export, "tells the status of its export"),
    "page": (export, "links to a next page of its export"),
    "file": (export, "keeps the file of Claim in the export"),
    "endpoint": (token, "names a token endpoint"),
}
"""By the name of what leads: what follows it, and how a message names it."""
