"""Asks a server what it has of our answers: each ClaimResponse under its identifier, and the Provenances about it.

The Provenances are asked for along with the answers (``_revinclude``). A server may ignore that, send some of them,
or refuse it; a search by ``target`` then asks for those of the answers that came without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapter.evidence.references import Json, objects
from adapter.sinks.on_server import OnServer, by_target
from adapter.sources.fhir_client import FhirClient, batched, search_value
from adapter.sources.refusals import Refused

MOST_VALUES = 100
_ALONG = {"_revinclude": "Provenance:target"}
_UNKNOWN = frozenset({400, 422, 501})
"""Statuses by which a server says that it does not know a parameter."""


class Standing:
    """Looks for answers by identifiers of one system."""

    def __init__(self, client: FhirClient, identifier_system: str) -> None:
        self._client = client
        self._system = identifier_system
        self._along = _ALONG
        self._by_target = True

    async def look_up(self, identifiers: Iterable[str]) -> dict[str, OnServer]:
        """By identifier: what the server has."""
        known = {identifier: OnServer() for identifier in identifiers}
        for some in batched(list(known), MOST_VALUES):
            found = await self._found(some)
            about = by_target(each for each in found if each["resourceType"] == "Provenance")
            for response in (each for each in found if each["resourceType"] == "ClaimResponse"):
                on_server = known.get(self.value(response) or "")
                if on_server is not None:
                    on_server.responses.append(response)
                    on_server.provenances += about[response["id"]]
        return known

    def token(self, identifier: str) -> str:
        """An identifier as the value of a search."""
        return f"{search_value(self._system)}|{search_value(identifier)}"

    def value(self, response: Json) -> str | None:
        """The identifier of an answer of ours."""
        ours = (each.get("value") for each in objects(response.get("identifier")) if each.get("system") == self._system)
        return next((value for value in ours if isinstance(value, str) and value), None)

    async def _found(self, identifiers: Sequence[str]) -> list[Json]:
        """The ClaimResponses of these identifiers and their Provenances, each once."""
        found = await self._answers({"identifier": ",".join(map(self.token, identifiers))})
        about = by_target(each for each in found if each["resourceType"] == "Provenance")
        names = [str(each["id"]) for each in found if each["resourceType"] == "ClaimResponse" and each.get("id")]
        found += await self._provenances([each for each in names if each not in about])
        distinct = {(each["resourceType"], each.get("id")): each for each in found}
        return [resource for (_, name), resource in distinct.items() if name]

    async def _answers(self, query: dict[str, str]) -> list[Json]:
        try:
            return await self._search("ClaimResponse", {**query, **self._along})
        except Refused as refused:
            if refused.status not in _UNKNOWN or not self._along:
                raise
            self._along = {}
            return await self._answers(query)

    async def _provenances(self, answers: Sequence[str]) -> list[Json]:
        """Those about these ClaimResponses; none where the server cannot search for them."""
        if not answers or not self._by_target:
            return []
        try:
            return await self._search("Provenance", {"target": ",".join(f"ClaimResponse/{each}" for each in answers)})
        except Refused as refused:
            if refused.status not in _UNKNOWN | {404, 405}:
                raise
            self._by_target = False
            return []

    async def _search(self, kind: str, query: dict[str, str]) -> list[Json]:
        return [each async for page in self._client.search(kind, query) for each in page]
