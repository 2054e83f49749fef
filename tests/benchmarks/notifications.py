"""Notifications that ``serve`` takes in a second, against a bare handler in the same run: see README.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from benchmarks.empty_fhir_server import SUBSCRIPTION
from benchmarks.load import Taken, offer
from benchmarks.processes import NAME, SECRET, end_in_order, free_port, open_rows, process, serving
from rich.console import Console
from rich.table import Table

MOST_SECONDS = 120.0
"""For one side of one round, and for the worker to finish after it."""
MILLISECONDS = 1000
Request = Callable[[int], bytes]


class Ports(NamedTuple):
    serve: int
    bare: int


@dataclass(frozen=True)
class Round:
    """Both sides, one after the other, with the same requests."""

    serve: Taken
    bare: Taken
    worked_off: float
    """Seconds until ``serve`` had also asked its server about everything."""

    @property
    def ratio(self) -> float:
        return self.serve.per_second / self.bare.per_second


@dataclass(frozen=True)
class Row:
    """One kind of notification, in some rounds."""

    kind: str
    rounds: list[Round]

    @property
    def ratio(self) -> float:
        return median(each.ratio for each in self.rounds)

    @property
    def refused(self) -> int:
        return sum(each.serve.refused + each.bare.refused for each in self.rounds)

    def side(self, of: Callable[[Round], Taken]) -> dict[str, float]:
        """The medians of the rounds."""
        sides = [of(each) for each in self.rounds]
        return {
            "per_second": round(median(each.per_second for each in sides), 1),
            "p50_ms": round(median(percentile(each.waits, 50) for each in sides) * MILLISECONDS, 2),
            "p99_ms": round(median(percentile(each.waits, 99) for each in sides) * MILLISECONDS, 2),
        }

    def figures(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "serve": self.side(lambda each: each.serve),
            "bare": self.side(lambda each: each.bare),
            "ratio": round(self.ratio, 2),
            "ratios": [round(each.ratio, 2) for each in self.rounds],
            "worked_off_seconds": round(median(each.worked_off for each in self.rounds), 2),
            "refused": self.refused,
        }


def percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def payload(number: int) -> bytes:
    """HAPI's classic rest-hook with payload."""
    name = f"c{number}"
    claim = {
        "resourceType": "Claim",
        "id": name,
        "meta": {"versionId": "1", "lastUpdated": "2026-01-31T12:00:00.000+00:00"},
        "status": "active",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional"}]},
        "use": "claim",
        "patient": {"reference": f"Patient/{name}-member"},
        "created": "2026-01-31",
        "provider": {"reference": "Organization/clinic"},
        "priority": {"coding": [{"code": "normal"}]},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": f"Coverage/{name}-coverage"}}],
        "item": [
            {
                "sequence": 1,
                "productOrService": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "0592T"}]},
                "servicedDate": "2026-01-30",
                "quantity": {"value": 1},
                "net": {"value": 45.5, "currency": "USD"},
                "encounter": [{"reference": f"Encounter/{name}-visit"}],
            }
        ],
    }
    return _request("PUT", f"/subscriptions/{NAME}/Claim/{name}", claim)


def id_only(number: int) -> bytes:
    """A Bundle of the R4 backport that names one claim."""
    parameters = [
        {"name": "subscription", "valueReference": {"reference": f"Subscription/{SUBSCRIPTION}"}},
        {"name": "topic", "valueCanonical": "http://coaching.example/topics/claims"},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "events-since-subscription-start", "valueString": str(number + 1)},
        {
            "name": "notification-event",
            "part": [
                {"name": "event-number", "valueString": str(number + 1)},
                {"name": "timestamp", "valueInstant": "2026-01-31T12:00:00.000+00:00"},
                {"name": "focus", "valueReference": {"reference": f"Claim/c{number}"}},
            ],
        },
    ]
    entries = [
        {"fullUrl": "urn:uuid:0f4cbb3c", "resource": {"resourceType": "Parameters", "parameter": parameters}},
        {"fullUrl": f"Claim/c{number}", "request": {"method": "PUT", "url": f"Claim/c{number}"}},
    ]
    return _request("POST", f"/subscriptions/{NAME}", {"resourceType": "Bundle", "type": "history", "entry": entries})


KINDS: dict[str, Request] = {"R4 rest-hook with payload": payload, "R4 backport, id only": id_only}


def _request(method: str, path: str, content: Any) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {SECRET}",
        "Content-Type: application/fhir+json;charset=UTF-8",
        "Accept: application/fhir+json",
        "User-Agent: HAPI-FHIR (FHIR Client; FHIR 4.0.1/R4; apache)",
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(head).encode() + body


def measure(requests: int, senders: int, rounds: int) -> list[Row]:
    """Each kind in so many rounds, after one that does not count; who begins a round changes from one to the next."""
    with tempfile.TemporaryDirectory() as folder, _both(Path(folder)) as ports:
        rows = []
        for kind, request in KINDS.items():
            numbers = iter(range((rounds + 1) * requests))
            done = []
            for turn in range(rounds + 1):
                sent = [request(next(numbers)) for _ in range(requests)]
                done.append(_round(ports, Path(folder), sent, senders, serve_first=turn % 2 == 0))
            rows.append(Row(kind, done[1:]))
        return rows


def _round(ports: Ports, state: Path, requests: Sequence[bytes], senders: int, *, serve_first: bool) -> Round:
    bare = None if serve_first else offer(ports.bare, requests, senders, MOST_SECONDS)
    begun = time.monotonic()
    serve = offer(ports.serve, requests, senders, MOST_SECONDS)
    _until_worked_off(state)
    worked_off = time.monotonic() - begun
    return Round(serve, bare or offer(ports.bare, requests, senders, MOST_SECONDS), worked_off)


def _until_worked_off(state: Path) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while open_rows(state):
        if time.monotonic() > deadline:
            raise RuntimeError("what was stored is not worked off")
        time.sleep(0.05)


@contextmanager
def _both(state: Path) -> Iterator[Ports]:
    """``serve`` with the server it asks, and the bare handler, each in its own process."""
    fhir, bare = free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(process(["benchmarks.empty_fhir_server", NAME, str(fhir)], fhir, "/metadata", {}))
        stack.enter_context(
            process(["benchmarks.bare_handler", str(state / "bare.sqlite"), str(bare)], bare, "/live", {})
        )
        yield Ports(stack.enter_context(serving(f"http://127.0.0.1:{fhir}", state)), bare)


def table(rows: Sequence[Row]) -> Table:
    shown = Table(title="Notifications stored and answered, medians of the rounds")
    for heading in ("kind", "side"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("a second", "p50 ms", "p99 ms", "ratio", "refused"):
        shown.add_column(heading, justify="right")
    for row in rows:
        told = row.figures()
        shown.add_row(row.kind, "serve", *map(str, told["serve"].values()), f"{row.ratio:.2f}", str(row.refused))
        shown.add_row("", "bare", *map(str, told["bare"].values()))
    return shown


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="of one side in one round")
    parser.add_argument("--senders", type=int, default=32, help="connections, each with one request under way")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    chosen = parser.parse_args(arguments)
    rows = measure(chosen.requests, chosen.senders, chosen.rounds)
    if chosen.format == "json":
        told = {"requests": chosen.requests, "senders": chosen.senders, "load_average": os.getloadavg()}
        print(json.dumps({**told, "kinds": [each.figures() for each in rows]}, indent=2))
    else:
        Console(width=110).print(table(rows))


if __name__ == "__main__":
    end_in_order()
    main(sys.argv[1:])
