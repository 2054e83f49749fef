"""Asking for an export; https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-kick-off-request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from adapter.errors import SourceError
from adapter.sources.bulk.pace import Pace, State, patiently, state_of
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import Refused

NDJSON = "application/fhir+ndjson"
OUTSIDE_PATIENTS = frozenset({"Location", "Organization", "Practitioner", "PractitionerRole"})
"""Types that we need and that the Patient compartment does not hold, so that the export of a Group may refuse them;
https://hl7.org/fhir/R4/compartmentdefinition-patient.html."""
_NOT_THOSE_TYPES = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: of the whole server or of one Group, everything or what changed since an instant."""

    types: tuple[str, ...]
    group: str | None = None
    since: str | None = None

    @property
    def path(self) -> str:
        return f"Group/{quote(self.group, safe='')}/$export" if self.group else "$export"

    def parameters(self, types: Sequence[str]) -> dict[str, str]:
        since = {"_since": self.since} if self.since else {}
        return {"_outputFormat": NDJSON, "_type": ",".join(types), **since}


@dataclass(frozen=True, slots=True)
class Begun:
    """An export that the server accepted: where to ask for it, and the types that it was asked for."""

    status_url: str
    types: tuple[str, ...]


async def begin(client: FhirClient, wanted: Wanted, pace: Pace) -> Begun:
    """Start an export. A Group's is asked for again without the types outside of patients when it refuses those.

    Raises:
        SourceError: the server has no export, or refuses this one.
    """
    try:
        return await _begin(client, wanted, wanted.types, pace)
    except Refused as refused:
        fewer = tuple(each for each in wanted.types if each not in OUTSIDE_PATIENTS)
        if wanted.group is None or refused.status not in _NOT_THOSE_TYPES or fewer == wanted.types:
            raise
        return await _begin(client, wanted, fewer, pace)


async def _begin(client: FhirClient, wanted: Wanted, types: tuple[str, ...], pace: Pace) -> Begun:
    what = "the request for a bulk export"

    async def ask() -> httpx.Response:
        request = client.request(
            "GET",
            f"{client.base}/{wanted.path}",
            wanted.parameters(types),
            Prefer="respond-async",
            Cache_Control="no-cache",  # HAPI hands out the files of an earlier, equal export otherwise
        )
        return await client.wire.look(request, what, repeatable=False)  # a second export would run beside the first

    response = await patiently(ask, pace, client.wire.shown, waiting=frozenset({State.BUSY}))
    if state_of(response) is not State.RUNNING:
        raise _refused(client, wanted, response, what)
    url = client.own_address(response.headers.get("Content-Location"), "tells the status of its export")
    return Begun(url, types)


def _refused(client: FhirClient, wanted: Wanted, response: httpx.Response, what: str) -> SourceError:
    if response.is_success:
        return SourceError(f"{client.wire.shown} answered {response.status_code} to {what}, where 202 was due")
    refusal = client.wire.refusals.of(response, what)
    if response.status_code in (404, 405, 501):
        refusal.hint = "does it offer bulk export, and is the Group there?" if wanted.group else "leave out --bulk"
    return refusal
