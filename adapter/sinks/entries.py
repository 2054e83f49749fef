"""Sends what is to be written as entries of a batch, or one by one where a server takes no batches.

Either way each entry has its reply, and of the replies nobody can tell how they came.
https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
import re
import string
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from adapter.errors import SourceError
from adapter.evidence.references import Json
from adapter.fhir.capabilities import as_a_whole
from adapter.sinks.on_server import ID
from adapter.sources.faults import codes_of, issue_codes
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sources.patience import BUSY
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.wire import FHIR_JSON

AT_ONCE = 16
"""Single requests after which we look whether anything goes well; how many go side by side, the client decides."""
_NEVER = frozenset({405, 501})
"""What a server that takes no batches answers to one; ..."""
_AT_FIRST = frozenset({404, *_NEVER})
"""... of one that took none so far also 404, which later is about what is in it; ..."""
_UNDECLARED = frozenset({400, *_AT_FIRST})
"""... and where it never said that it takes any, 400, which else is about what is in it."""
_AFTER_SOME = 500
"""From this status on, some entries of a batch may have been carried out."""
_BATCHES = frozenset({"batch", "transaction"})
_ETAG = re.compile(rf'(?:W/)?"?({ID})"?')
_PRINTABLE = string.punctuation + " "


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says of one entry. Never its diagnostics, for they quote the record."""

    status: int = 0
    """Of HTTP; 0 where it says none."""
    location: str = ""
    version: str | None = None
    codes: str = ""
    """The issue codes of its OperationOutcome."""
    fault: str = ""
    """Why there is no reply, where there is none."""

    @property
    def went_well(self) -> bool:
        return 200 <= self.status < 300


class Entries:
    """Writes to one server, and remembers whether it takes batches."""

    def __init__(self, client: FhirClient, halved_for: Container[int] = range(1000)) -> None:
        self.client = client
        self._halved_for = halved_for
        """The statuses by which a batch may be refused for a single entry."""
        self._taken = False
        """It has carried out a batch."""
        self._refused = False

    async def send(self, entries: Sequence[Json]) -> list[Reply]:
        """The reply to each entry.

        Raises:
            SourceError: the server is gone, refuses our credentials, or serves none of some requests in a row.
        """
        if not entries:
            return []
        declared = as_a_whole(await self.client.capabilities())
        if self._refused or (declared and not declared & _BATCHES):
            return await self._one_by_one(entries)
        not_taken = _NEVER if self._taken else _AT_FIRST if declared else _UNDECLARED
        return await self._together(entries, not_taken)

    async def _together(self, entries: Sequence[Json], not_taken: frozenset[int]) -> list[Reply]:
        try:
            replies = await self.client.batch(entries)
        except Refused as refused:
            if refused.status in not_taken:
                self._refused = True
                return await self._one_by_one(entries)
            if len(entries) > 1 and refused.status in self._halved_for:
                if refused.status >= _AFTER_SOME and not await self.client.can_repeat(entries):
                    raise Unserved(refused.problem, refused.hint) from refused
                return await self._by_halves(entries)
            return [Reply(refused.status, codes=refused.codes)] * len(entries)
        self._taken = True
        return [_of_entry(each) for each in replies]

    async def _by_halves(self, entries: Sequence[Json]) -> list[Reply]:
        """HAPI refuses a batch whole for one entry it cannot read: halving finds that one."""
        middle = len(entries) // 2
        return [*await self.send(entries[:middle]), *await self.send(entries[middle:])]

    async def _one_by_one(self, entries: Sequence[Json]) -> list[Reply]:
        replies: list[Reply] = []
        for some in batched(entries, AT_ONCE):
            answers = await asyncio.gather(*map(self._alone, some), return_exceptions=True)
            replies += _told(answers)
        return replies

    async def _alone(self, entry: Json) -> Reply:
        wire, kind = self.client.wire, entry["resource"]["resourceType"]
        what = f"a new {kind}" if entry["request"]["method"] == "POST" else f"an update of a {kind}"
        repeatable = await self.client.can_repeat([entry])
        response = await wire.look(self._request(entry), what, repeatable=repeatable, later=BUSY)
        if response.status_code == httpx.codes.UNAUTHORIZED or response.is_redirect:
            raise wire.refusals.of(response, what)
        # Whoever answers 200 with a page to log in has written nothing.
        if response.is_success and response.content:
            said = wire.decoded(response, what)["resourceType"]
            if said not in (kind, "OperationOutcome"):
                raise SourceError(f"{wire.shown} answered {what} with another resource")
        return _of_response(response)

    def _request(self, entry: Json) -> httpx.Request:
        asked, conditions = entry["request"], {"ifNoneExist": "If_None_Exist", "ifMatch": "If_Match"}
        # A version is the server's own word: what no header can hold fits none, and is a conflict.
        headers = {conditions[name]: quote(asked[name], safe=_PRINTABLE) for name in conditions.keys() & asked.keys()}
        path = "/".join(quote(part, safe="") for part in asked["url"].split("/", 1))
        return self.client.request(
            asked["method"],
            f"{self.client.base}/{path}",
            None,
            orjson.dumps(entry["resource"]),
            Content_Type=FHIR_JSON,
            Prefer="return=minimal",
            **headers,
        )


def _told(answers: Sequence[Reply | BaseException]) -> list[Reply]:
    """The replies, where only single requests were not served.

    Raises:
        SourceError: the first fault, if it is none of a single request, or of several none was served.
    """
    unserved = sum(isinstance(each, Unserved) for each in answers)
    replies = []
    for each in answers:
        if isinstance(each, BaseException):
            if not isinstance(each, Unserved) or unserved == len(answers) > 1:
                raise each
            replies.append(Reply(fault=str(each)))
        else:
            replies.append(each)
    return replies


def _of_entry(response: Json) -> Reply:
    status = re.match(r"[0-9]{3}", str(response.get("status") or ""))
    return Reply(
        int(status[0]) if status else 0,
        str(response.get("location") or ""),
        _version(response.get("etag")),
        issue_codes(response.get("outcome")),
    )


def _of_response(response: httpx.Response) -> Reply:
    location, etag = (response.headers.get(name, "") for name in ("Location", "ETag"))
    return Reply(response.status_code, location, _version(etag), codes_of(response))


def _version(etag: Any) -> str | None:
    """``W/"2"`` by the specification, a bare ``2`` in HAPI's batches."""
    match = _ETAG.fullmatch(str(etag or ""))
    return match[1] if match else None
