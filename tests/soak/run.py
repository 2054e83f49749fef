"""Serve and sync against a real server through a proxy that does damage, for long: is anything lost, doubled, or kept?

    python tests/servers/hapi_server.py 8080
    cd tests && PYTHONPATH=..:servers python -m soak.run --minutes 30 --url http://127.0.0.1:8080/fhir

New and changed claims come at a steady rate (``--per-minute``), with notifications to ``serve``; ``sync --since auto
--watch`` runs beside it. Both reach the server through the proxy of ``tests/faults``, which spoils one answer in
``--fault-every``. Each minute prints what was done and the memory of both. At the end the faults stop, and it is looked
whether an undisturbed ``sync --dry-run`` would change anything, and whether each claim has one answer, written no more
often than something changed. Ends with 1 when it would, when one has not, or when memory grew.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
from faults.proxy import FaultProxy, Rule, answers, cuts_off, proxied, resets
from hapi_server import free_port
from soak.load import Load

ROOT = Path(__file__).parents[2]
SECRET = "soak-0123456789"
IDENTIFIERS = "https://soak.test/claim-response"
WARM_UP = 0.3
"""Part of the time after which memory counts."""
GROWTH_ALLOWED = 25_000_000
SETTLING_SECONDS = 300
FAULTS = (
    ("429", answers(429, Retry_After="1")),
    ("503", answers(503, Retry_After="1")),
    ("500", answers(500)),
    ("502", answers(502)),
    ("html", answers(200, b"<html>sign in</html>", Content_Type="text/html")),
    ("reset", resets()),
    ("cut off", cuts_off()),
)


def fault_rules(every: int, done: Counter[str]) -> list[Rule]:
    """One request in ``every`` is spoilt, by each of the faults in turn."""
    asked = 0

    def due(kind: int) -> bool:
        return asked % every == 0 and asked // every % len(FAULTS) == kind

    def fits(kind: int, name: str) -> Any:
        def fit(_request: object) -> bool:
            nonlocal asked
            asked += 1 if kind == 0 else 0  # the first rule is asked about each request once
            done[name] += due(kind)
            return due(kind)

        return fit

    return [Rule(fits(kind, name), act, times=None) for kind, (name, act) in enumerate(FAULTS)]


@dataclass
class Watched:
    """One of our processes and its memory, in bytes, minute by minute."""

    name: str
    process: subprocess.Popen[bytes]
    memory: list[int] = field(default_factory=list)

    def look(self) -> float:
        pages = (
            int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) if self.process.poll() is None else 0
        )
        self.memory.append(pages * resource.getpagesize())
        return self.memory[-1] / 1e6

    @property
    def growth(self) -> int:
        """From the end of the warm-up to the end, the middle of three minutes each time."""
        counted = self.memory[int(len(self.memory) * WARM_UP) :]
        first, last = sorted(counted[:3]), sorted(counted[-3:])
        return last[len(last) // 2] - first[len(first) // 2]


@contextmanager
def ours(name: str, folder: Path, *arguments: str, **more: str) -> Iterator[Watched]:
    """A command of the adapter, ended by SIGINT."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "adapter", *arguments], env=_environment(folder) | more, stdout=log, stderr=log
        )
        try:
            yield Watched(name, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: each for name, each in os.environ.items() if not name.startswith("ADAPTER_")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "ADAPTER_SUBSCRIPTION_SECRET": SECRET,
        "ADAPTER_LEDGER": str(folder / "ledger.sqlite"),
        "ADAPTER_DATABASE_URL": f"sqlite:///{folder / 'inbox.sqlite'}",
        "ADAPTER_IDENTIFIER_SYSTEM": IDENTIFIERS,
        "ADAPTER_SWEEP_SECONDS": "60",
        "ADAPTER_TIMEOUT": "20",
    }


def would_change(url: str, folder: Path) -> dict[str, int]:
    """What an undisturbed sync would do to the answers, other than leave them."""
    with tempfile.TemporaryDirectory() as fresh:
        command = [sys.executable, "-m", "adapter", "sync", url, "--dry-run", "--format", "json"]
        environment = _environment(folder) | {"ADAPTER_LEDGER": f"{fresh}/ledger.sqlite"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {f"exit {done.returncode}": 1}
    told: dict[str, int] = json.loads(done.stdout)["totals"]["answers"]
    return {name: count for name, count in told.items() if name != "leave" and count}


def doubled(url: str, load: Load) -> list[str]:
    """Claims of ours with none or several answers, or with one that was written more often than anything changed."""
    faults = []
    with httpx.Client(trust_env=False, timeout=60) as http:
        for claim, times in sorted(load.writes.items()):
            found = http.get(
                f"{url}/ClaimResponse", params={"request": f"Claim/{claim}"}, headers={"Cache-Control": "no-cache"}
            )
            responses = [each["resource"] for each in found.json().get("entry", [])]
            versions = [int(each["meta"]["versionId"]) for each in responses]
            if len(responses) != 1 or versions[0] > times:
                faults.append(f"Claim/{claim}: {len(responses)} answers, versions {versions}, written {times} times")
    return faults


def minute(number: int, load: Load, proxy: FaultProxy, done: Counter[str], watched: list[Watched]) -> None:
    """One line of the table."""
    memory = "  ".join(f"{each.name} {each.look():6.1f} MB" for each in watched)
    print(
        f"{number:3} min  claims {len(load.claims):5}  writes {load.writes.total():5}  notified {load.told.total():5}  "
        f"requests {len(proxy.seen):5}  faults {done.total():4}  {memory}",
        flush=True,
    )
    proxy.seen.clear()


def push(
    load: Load, proxy: FaultProxy, done: Counter[str], watched: list[Watched], options: argparse.Namespace
) -> None:
    """The load, at its rate, for as long as is asked."""
    began, steps, minutes = time.monotonic(), 0, 0
    while (passed := time.monotonic() - began) < options.minutes * 60:
        if passed >= minutes * 60:
            minute(minutes, load, proxy, done, watched)
            minutes += 1
        if steps < passed * options.per_minute / 60:
            load.step()
            steps += 1
        else:
            time.sleep(0.1)
    minute(minutes, load, proxy, done, watched)


def settled(url: str, folder: Path) -> dict[str, int]:
    """What is still to be changed once both had time to find all of it."""
    until = time.monotonic() + SETTLING_SECONDS
    while (left := would_change(url, folder)) and time.monotonic() < until:
        time.sleep(10)
    return left


def soak(options: argparse.Namespace, folder: Path) -> int:
    done: Counter[str] = Counter()
    port = free_port()
    with proxied(options.url) as proxy:
        proxy.scripted()
        serving = ours("serve", folder, "serve", proxy.url, "--port", str(port))
        syncing = ours("sync", folder, "sync", proxy.url, "--since", "auto", "--watch", "20")
        door = f"http://127.0.0.1:{port}/subscriptions/all"
        with serving as serve, syncing as sync:
            _wait_for(port, serve)
            load = Load(options.url, door, SECRET, Random(options.seed))
            proxy.scripted(*fault_rules(options.fault_every, done))
            push(load, proxy, done, [serve, sync], options)
            proxy.scripted()
            left = settled(options.url, folder)
            ended = [each.name for each in (serve, sync) if each.process.poll() is not None]
    return conclude(load, left, doubled(options.url, load), ended, [serve, sync], done)


def _wait_for(port: int, serve: Watched) -> None:
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
        if serve.process.poll() is not None:
            break
    raise SystemExit("serve does not listen; its output is in the folder of the run")


def conclude(
    load: Load, left: dict[str, int], twice: list[str], ended: list[str], watched: list[Watched], done: Counter[str]
) -> int:
    """Print what came of it; the exit code."""
    print(f"faults: {dict(done)}; notifications answered: {dict(load.told)}")
    print(f"{len(load.claims)} claims; an undisturbed sync would change: {left or 'nothing'}")
    print(f"claims without exactly one answer, or written too often: {len(twice)}", *twice[:20], sep="\n  ")
    grown = {each.name: each.growth for each in watched}
    print(
        "memory grew after the warm-up by " + ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in grown.items())
    )
    if ended:
        print(f"ended by themselves: {', '.join(ended)}")
    return 1 if left or twice or ended or max(grown.values()) > GROWTH_ALLOWED else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--url", required=True, help="base URL of a FHIR server for tests; it is written to")
    parser.add_argument("--per-minute", type=float, default=30.0, help="new or changed claims")
    parser.add_argument("--fault-every", type=int, default=20, help="requests of which one is spoilt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the state and the output of both; else a temporary one")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        return soak(options, options.keep.resolve())
    with tempfile.TemporaryDirectory() as folder:
        return soak(options, Path(folder))


if __name__ == "__main__":
    raise SystemExit(main())
