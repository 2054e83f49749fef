"""From a claim's write on a real HAPI to its ClaimResponse, both on HAPI's own clock: see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
from benchmarks.notifications import percentile
from benchmarks.processes import NAME, SECRET, end_in_order, open_rows, serving
from hapi_server import running_hapi
from rich.console import Console
from rich.table import Table

from adapter.answers.systems import DEFAULT_IDENTIFIER_SYSTEM

STORIES = Path(__file__).parents[2] / "fixtures" / "stories"
LEFT_OUT = {"urn-uuid-references", "draft-claim"}
"""The first has references into its own Bundle, the second gets an OperationOutcome and no ClaimResponse."""
FIRST = (
    "Organization",
    "Location",
    "Practitioner",
    "Patient",
    "PractitionerRole",
    "Coverage",
    "Condition",
    "Encounter",
)
"""HAPI indexes a reference only when its target is there already, so what is referred to is written first."""
PAYLOADS = {"R4 rest-hook with payload": "application/fhir+json", "R4 rest-hook without payload": None}
BATCH = 100
AT_ONCE = 4
SETTLE_SECONDS = 35.0
"""A sweep reads again what changed half a minute before the last one, and the evidence is meant to be old."""
MOST_SECONDS = 600.0
Json = dict[str, Any]


@dataclass(frozen=True)
class Latency:
    """One way of being notified."""

    kind: str
    claims: int
    seconds: list[float]
    """From the claim's write to the ClaimResponse's, of each claim."""
    groups: list[int]
    """Claims decided together, of each group."""
    rewritten: int
    """ClaimResponses that were written more than once."""
    writing: float
    """Seconds that writing the claims took."""

    def figures(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "claims": self.claims,
            "answered": len(self.seconds),
            "per_second": round(self.claims / self.writing, 1),
            "p50_seconds": round(percentile(self.seconds, 50), 2),
            "p99_seconds": round(percentile(self.seconds, 99), 2),
            "longest_seconds": round(max(self.seconds), 2),
            "groups": len(self.groups),
            "claims_a_group": round(sum(self.groups) / len(self.groups), 1),
            "most_in_a_group": max(self.groups),
            "rewritten": self.rewritten,
        }


def copies(first: int, count: int) -> list[list[Json]]:
    """As many stories as asked for, each in turn, renamed so that each stands for itself."""
    paths = sorted(path for path in STORIES.glob("*/0_bundle.json") if path.parent.name not in LEFT_OUT)
    texts = [(path.parent.name, path.read_text(encoding="utf-8")) for path in paths]
    return [_copy(*texts[number % len(texts)], number) for number in range(first, first + count)]


def _copy(story: str, text: str, number: int) -> list[Json]:
    return [each["resource"] for each in json.loads(text.replace(story, f"{story}-{number}"))["entry"]]


async def measure(rate: float, seconds: float, settle: float = SETTLE_SECONDS) -> list[Latency]:
    """Each way of being notified, one after the other, with claims of its own."""
    count = max(1, round(rate * seconds))
    with running_hapi() as hapi:
        limits = httpx.Limits(max_connections=64)
        fresh = {"Cache-Control": "no-cache"}
        async with httpx.AsyncClient(
            base_url=hapi.url, headers=fresh, timeout=120, trust_env=False, limits=limits
        ) as http:
            work = {kind: copies(turn * count, count) for turn, kind in enumerate(PAYLOADS)}
            await load(http, [each for some in work.values() for copy in some for each in copy if not _is_claim(each)])
            await asyncio.sleep(settle)
            return [
                await _measured(http, hapi.url, kind, [each for copy in some for each in copy if _is_claim(each)], rate)
                for kind, some in work.items()
            ]


async def load(http: httpx.AsyncClient, resources: Sequence[Json]) -> None:
    for late in (False, True):
        await _batches(http, [each for each in resources if (each["resourceType"] not in FIRST) is late])


async def _batches(http: httpx.AsyncClient, resources: Sequence[Json]) -> None:
    """In the order of the types; those of one type in any order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def post(some: Sequence[Json]) -> None:
        entries = [{"resource": each, "request": {"method": "PUT", "url": _name(each)}} for each in some]
        async with gate:
            reply = await http.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
        refused = [each for each in reply.raise_for_status().json()["entry"] if each["response"]["status"][0] != "2"]
        if refused:
            raise RuntimeError(f"HAPI did not take {len(refused)} resources")

    by_type = sorted(resources, key=_rank)
    for _, same in groupby(by_type, key=_rank):
        all_of_it = list(same)
        await asyncio.gather(*(post(all_of_it[at : at + BATCH]) for at in range(0, len(all_of_it), BATCH)))


def _rank(resource: Json) -> int:
    kind = resource["resourceType"]
    return FIRST.index(kind) if kind in FIRST else len(FIRST)


async def _measured(http: httpx.AsyncClient, url: str, kind: str, claims: Sequence[Json], rate: float) -> Latency:
    with tempfile.TemporaryDirectory() as folder, serving(url, Path(folder)) as port:
        async with _subscribed(http, port, PAYLOADS[kind]):
            await _until(lambda: not open_rows(Path(folder)))  # the sweep of the start
            before, begun = await _count(http), time.monotonic()
            written = await _write(http, claims, rate)
            writing = time.monotonic() - begun
            await _until_answered(http, before + len(claims))
            await _until(lambda: not open_rows(Path(folder)))
        return await _latency(http, kind, written, writing)


@asynccontextmanager
async def _subscribed(http: httpx.AsyncClient, port: int, payload: str | None) -> AsyncIterator[None]:
    channel = {
        "type": "rest-hook",
        "endpoint": f"http://127.0.0.1:{port}/subscriptions/{NAME}",
        "header": [f"Authorization: Bearer {SECRET}"],
        **({"payload": payload} if payload else {}),
    }
    subscription = {"resourceType": "Subscription", "status": "requested", "reason": "benchmark", "criteria": "Claim?"}
    made = (await http.post("/Subscription", json={**subscription, "channel": channel})).raise_for_status().json()
    path = f"/Subscription/{made['id']}"
    deadline = time.monotonic() + MOST_SECONDS
    while (await http.get(path)).raise_for_status().json()["status"] != "active":
        if time.monotonic() > deadline:
            raise RuntimeError("the Subscription does not become active")
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        (await http.delete(path)).raise_for_status()


async def _write(http: httpx.AsyncClient, claims: Sequence[Json], rate: float) -> dict[str, datetime]:
    """Each at its time, however long the ones before take; returns when HAPI says that it wrote them."""

    async def put(claim: Json, seconds: float) -> tuple[str, datetime]:
        await asyncio.sleep(seconds)
        reply = (await http.put(f"/{_name(claim)}", json=claim)).raise_for_status()
        return claim["id"], _instant(reply.json())

    return dict(await asyncio.gather(*(put(claim, number / rate) for number, claim in enumerate(claims))))


async def _until_answered(http: httpx.AsyncClient, due: int) -> None:
    """Until there are so many answers; counted only, so that looking costs the server little."""
    deadline = time.monotonic() + MOST_SECONDS
    while (there := await _count(http)) < due:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{due - there} claims are not answered")
        await asyncio.sleep(1)


async def _count(http: httpx.AsyncClient) -> int:
    query = {"identifier": f"{DEFAULT_IDENTIFIER_SYSTEM}|", "_summary": "count"}
    return int((await http.get("/ClaimResponse", params=query)).raise_for_status().json()["total"])


async def _latency(http: httpx.AsyncClient, kind: str, written: dict[str, datetime], writing: float) -> Latency:
    responses = [each for each in await _all(http, "ClaimResponse") if _claim(each) in written]
    return Latency(
        kind,
        len(written),
        [(_instant(each) - written[_claim(each)]).total_seconds() for each in responses],
        groups(responses),
        sum(each["meta"]["versionId"] != "1" for each in responses),
        writing,
    )


def groups(responses: Sequence[Json]) -> list[int]:
    """A group is decided as of one instant, which its answers carry."""
    return list(Counter(str(each["created"]) for each in responses).values())


async def _all(http: httpx.AsyncClient, kind: str) -> list[Json]:
    found: list[Json] = []
    query = {"identifier": f"{DEFAULT_IDENTIFIER_SYSTEM}|"} if kind == "ClaimResponse" else {}
    page: Json = (await http.get(f"/{kind}", params={**query, "_count": "1000"})).raise_for_status().json()
    while True:
        found += [each["resource"] for each in page.get("entry", [])]
        following = next((each["url"] for each in page.get("link", []) if each["relation"] == "next"), None)
        if following is None:
            return found
        page = (await http.get(following)).raise_for_status().json()


async def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError("what was stored is not worked off")
        await asyncio.sleep(0.1)


def _instant(resource: Json) -> datetime:
    return datetime.fromisoformat(resource["meta"]["lastUpdated"])


def _claim(response: Json) -> str:
    return str(response["request"]["reference"]).split("/")[1]


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _is_claim(resource: Json) -> bool:
    return bool(resource["resourceType"] == "Claim")


def table(rows: Sequence[Latency]) -> Table:
    shown = Table(title="Seconds from a claim's write to its ClaimResponse, by HAPI's clock")
    shown.add_column("notified by", no_wrap=True)
    for heading in ("claims", "a second", "p50", "p99", "longest", "groups", "a group", "most"):
        shown.add_column(heading, justify="right")
    told = ("claims", "per_second", "p50_seconds", "p99_seconds", "longest_seconds")
    for row in rows:
        figures = row.figures()
        groups = ("groups", "claims_a_group", "most_in_a_group")
        shown.add_row(row.kind, *(str(figures[each]) for each in (*told, *groups)))
    return shown


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="claims written in a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each way of being notified")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    chosen = parser.parse_args(arguments)
    rows = asyncio.run(measure(chosen.rate, chosen.seconds))
    if chosen.format == "json":
        told = {"rate": chosen.rate, "load_average": os.getloadavg()}
        print(json.dumps({**told, "kinds": [each.figures() for each in rows]}, indent=2))
    else:
        Console(width=110).print(table(rows))


if __name__ == "__main__":
    end_in_order()
    main(sys.argv[1:])
