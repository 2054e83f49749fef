"""``sync URL`` on a real HAPI against plain ``httpx``, in one run: see README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from benchmarks.latency import Json, copies, load
from benchmarks.processes import ROOT, end_in_order
from benchmarks.ratio import Row
from hapi_server import running_hapi
from rich.console import Console
from rich.table import Table

from adapter.sinks.ledger import Ledger
from adapter.sinks.server import MOST_ENTRIES

PAGE = 200
OVERLAP = 2
"""Seconds that ``--since auto`` looks back here, so that nothing needs to be waited for."""

MOST_REQUESTS = 0.1
"""Requests for each claim in scope, that a run is to stay below."""
TAKES = 3
"""Of what is over in milliseconds the shortest of so many counts, ours as the floor's."""


@dataclass(frozen=True)
class Result:
    claims: int
    rows: list[Row]
    requests: int
    """Of the initial sync."""

    def figures(self) -> dict[str, Any]:
        a_claim = round(self.requests / self.claims, 3)
        return {"claims": self.claims, "rows": [each.figures() for each in self.rows], "requests_a_claim": a_claim}


@dataclass(frozen=True)
class Run:
    """One run of the command: seconds from its first claim on, without its start, and requests with it."""

    seconds: float
    requests: int


class Plain:
    """A program of a few lines that pages claims and writes answers, and decides nothing."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(timeout=300, trust_env=False, headers={"Cache-Control": "no-cache"})
        self.url = url

    def close(self) -> None:
        self.http.close()

    def pages(self, path: str) -> Iterator[Json]:
        following: str | None = f"{self.url}/{path}"
        while following:
            page: Json = self.http.get(following).raise_for_status().json()
            yield from (each["resource"] for each in page.get("entry", []))
            following = next((each["url"] for each in page["link"] if each["relation"] == "next"), None)

    def batch(self, entries: Sequence[Json]) -> None:
        for at in range(0, len(entries), MOST_ENTRIES):
            body = {"resourceType": "Bundle", "type": "batch", "entry": entries[at : at + MOST_ENTRIES]}
            self.http.post(self.url, json=body).raise_for_status()

    def initial(self, written: Sequence[Sequence[Json]]) -> float:
        begun = time.perf_counter()
        for _claim in self.pages(f"Claim?_sort=_lastUpdated&_count={PAGE}"):
            pass
        for entries in written:
            self.batch(entries)
        return time.perf_counter() - begun

    def window(self, since: str) -> float:
        begun = time.perf_counter()
        for _claim in self.pages(f"Claim?_lastUpdated=ge{quote(since)}&_sort=_lastUpdated&_count={PAGE}"):
            pass
        return time.perf_counter() - begun

    def clear(self) -> None:
        """Take away all answers; again what could not go while something just written referred to it."""
        for _ in range(5):
            kinds = ("Provenance", "ClaimResponse")
            left = [f"{kind}/{each['id']}" for kind in kinds for each in self.pages(f"{kind}?_count=1000&_elements=id")]
            if not left:
                return
            self.batch([{"request": {"method": "DELETE", "url": each}} for each in left])
        raise RuntimeError("answers of the last round stay on the server")


def entries_like(answers: Sequence[Json], trails: Sequence[Json], *, once: bool) -> list[list[Json]]:
    """Requests that write the same once more, on their own; ``once``: so that they could be repeated, as ours can."""
    responses = []
    for number, each in enumerate(answers):
        body = {name: value for name, value in each.items() if name not in ("id", "meta")}
        body["identifier"] = [{"system": "urn:floor", "value": str(number)}]
        condition = {"ifNoneExist": f"identifier=urn:floor|{number}"} if once else {}
        responses.append({"resource": body, "request": {"method": "POST", "url": "ClaimResponse", **condition}})
    written = []
    for each in trails:
        body = {name: value for name, value in each.items() if name not in ("id", "meta")}
        target = quote(each["target"][0]["reference"].split("/_history")[0], safe="")
        condition = {"ifNoneExist": f"target={target}x&recorded={quote(each['recorded'])}"} if once else {}
        written.append({"resource": body, "request": {"method": "POST", "url": "Provenance", **condition}})
    return [responses, written]


def run(url: str, ledger: Path, *arguments: str) -> Run:
    """The command in a process of its own."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("ADAPTER_")}
    settings = {"ADAPTER_LEDGER": str(ledger), "ADAPTER_OVERLAP_SECONDS": str(OVERLAP)}
    environment = {**known, **settings, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "benchmarks.counted", "sync", url, "--format", "json", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return Run(json.loads(done.stdout)["elapsed_seconds"], int(done.stderr.split()[-1]))


def measure(resources: Sequence[Json], rounds: int) -> Result:
    """Each round: ours and then the floor, on the same HAPI; the first warms it up, and counts where it is alone."""
    first = 1 if rounds else 0
    with running_hapi() as hapi, tempfile.TemporaryDirectory() as folder, closing(Plain(hapi.url)) as plain:
        asyncio.run(_loaded(hapi.url, resources))
        claims = sum(each["resourceType"] == "Claim" for each in resources)
        ours: list[Run] = []
        same: list[float] = []
        bare: list[float] = []
        quiet: list[float] = []
        window: list[float] = []
        for number in range(rounds + 1):
            ledger = Path(folder) / f"{number}.sqlite"
            ours.append(run(hapi.url, ledger))
            quiet_run, empty = _unchanged(plain, ledger)
            quiet.append(quiet_run)
            window.append(empty)
            answers, trails = (list(plain.pages(f"{kind}?_count=1000")) for kind in ("ClaimResponse", "Provenance"))
            for once, times in ((True, same), (False, bare)):
                plain.clear()
                times.append(plain.initial(entries_like(answers, trails, once=once)))
            plain.clear()
        seconds = [each.seconds for each in ours[first:]]
        rows = [
            Row("initial sync", "paging, and the same conditional creates", "<= 1.3", seconds, same[first:]),
            Row("initial sync", "paging, and plain creates", "<= 1.3", seconds, bare[first:]),
            Row("nothing changed", "one paged search of the window", "<= 1.3", quiet[first:], window[first:]),
        ]
        return Result(claims, rows, ours[-1].requests)


def _unchanged(plain: Plain, ledger: Path) -> tuple[float, float]:
    """A run for which nothing is left to do, and a search of its window. The run before sees to the overlap."""
    time.sleep(OVERLAP + 1)
    run(plain.url, ledger, "--since", "auto")
    time.sleep(OVERLAP + 1)
    run(plain.url, ledger, "--since", "auto")
    with Ledger(ledger) as opened:
        (since,) = opened.checkpoints(plain.url).values()
    ours = (run(plain.url, ledger, "--since", "auto").seconds for _ in range(TAKES))
    return min(ours), min(plain.window(since) for _ in range(TAKES))


async def _loaded(url: str, resources: Sequence[Json]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=300, trust_env=False) as http:
        await load(http, [each for each in resources if each["resourceType"] != "Claim"])
        await load(http, [each for each in resources if each["resourceType"] == "Claim"])


def population(folder: Path | None, claims: int) -> list[Json]:
    """The NDJSON of a folder, or copies of the stories."""
    if folder is None:
        return [each for copy in copies(0, claims) for each in copy]
    return [json.loads(line) for path in sorted(folder.glob("*.ndjson")) for line in path.open(encoding="utf-8")]


def table(result: Result) -> Table:
    a_claim = result.figures()["requests_a_claim"]
    shown = Table(title=f"{result.claims} claims on HAPI, {a_claim} requests for each (aim: {MOST_REQUESTS} at most)")
    for heading in ("what", "floor"):
        shown.add_column(heading)
    for heading in ("s", "floor s", "ratio", "aim", "met"):
        shown.add_column(heading, justify="right")
    for each in result.rows:
        told = each.figures()
        names = ("what", "floor", "seconds", "floor_seconds", "ratio", "aim")
        shown.add_row(*(str(told[name]) for name in names), "yes" if each.met else "no")
    return shown


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=600, help="copies of the stories, one claim each")
    parser.add_argument("--folder", type=Path, help="NDJSON files to load in their place")
    parser.add_argument("--rounds", type=int, default=3, help="beside the first, which warms the server up; 0 is a try")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    chosen = parser.parse_args(arguments)
    result = measure(population(chosen.folder, chosen.claims), chosen.rounds)
    if chosen.format == "json":
        print(json.dumps({**result.figures(), "load_average": os.getloadavg()}, indent=2))
    else:
        Console(width=120).print(table(result))


if __name__ == "__main__":
    end_in_order()
    main(sys.argv[1:])
