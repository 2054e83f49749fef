"""The FHIR servers that claims are put on: HAPI, which can be stopped and started, and a small one in this process."""

from __future__ import annotations

import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx
from crash.nodes import SECRET, Fleet
from hapi_server import build_if_stale, free_port, start, stop, wait_until_ready
from receiver.fhir_server import FhirServer, listening

from adapter.answers.systems import DEFAULT_IDENTIFIER_SYSTEM

Json = dict[str, Any]
PATIENCE = 180.0
"""Seconds that a write is tried again while the server is away."""
BATCH = 100
GIVEN_UP = 60.0
"""Seconds after which HAPI, and the small server with it, gives a delivery up."""
PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})


class World(Protocol):
    """A FHIR server with Subscriptions."""

    url: str
    can_stop: bool

    def subscribe(self, fleet: Fleet, kinds: Sequence[str], payload: str) -> None:
        """Have changes of these types told to every node."""

    def load(self, resources: Sequence[Json]) -> None:
        """Put resources that nothing is told of yet."""

    def put(self, resource: Json) -> None:
        """One write by somebody else, tried again while the server is away."""

    def answers(self) -> dict[str, list[Json]]:
        """ClaimResponses of ours, by the claim they answer."""

    def of(self, kind: str) -> Iterable[Json]:
        """Every resource of a type."""

    def restart(self, seconds: float) -> None:
        """Stop it, and start it again after a while."""


class Hapi:
    """HAPI on a database in a file, so that a stop forgets nothing but the deliveries it had before it."""

    can_stop = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/fhir"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=self.url, timeout=60, headers={"Cache-Control": "no-cache"}, trust_env=False)

    def start(self) -> None:
        database = self._folder / "database"
        self._process = start(
            self._folder,
            f"--server.port={self._port}",
            # H2 writes half a second late unless told, and would forget what HAPI has already answered for.
            f"--spring.datasource.url=jdbc:h2:file:{database};WRITE_DELAY=0",
            "--testserver.schema=update",
        )
        wait_until_ready(self._process, self.url, self._folder / "server.log")

    def end(self) -> None:
        self._http.close()
        if self._process is not None:
            stop(self._process)

    def restart(self, seconds: float) -> None:
        if self._process is not None:
            stop(self._process)
        time.sleep(seconds)
        self.start()

    def subscribe(self, fleet: Fleet, kinds: Sequence[str], payload: str) -> None:
        types = [part for kind in kinds for part in ("--type", kind)]
        for node in fleet.nodes:
            where = {"ADAPTER_PUBLIC_URL": node.endpoint}
            made = fleet.run("subscribe", self.url, "create", *types, "--payload", payload, "--by", "criteria", **where)
            if made.exit_code != 0:
                raise RuntimeError(f"subscribe ended with {made.exit_code}: {made.exception or made.stderr}")
        deadline = time.monotonic() + PATIENCE
        while self._statuses() != {"active"}:
            if time.monotonic() > deadline:
                raise RuntimeError("the Subscriptions do not become active")
            time.sleep(0.2)

    def load(self, resources: Sequence[Json]) -> None:
        for begin in range(0, len(resources), BATCH):
            entries = [
                {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
                for each in resources[begin : begin + BATCH]
            ]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            self._http.post("", json=bundle).raise_for_status()

    def put(self, resource: Json) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is_put(resource):
            if time.monotonic() > deadline:
                raise RuntimeError("a write was not taken for too long")
            time.sleep(0.5)

    def answers(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for each in self._all("ClaimResponse", {"identifier": f"{DEFAULT_IDENTIFIER_SYSTEM}|", "_count": "500"}):
            found.setdefault(each["request"]["reference"].partition("/")[2], []).append(each)
        return found

    def of(self, kind: str) -> Iterable[Json]:
        return self._all(kind, {"_count": "500"})

    def _is_put(self, resource: Json) -> bool:
        try:
            answer = self._http.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        except httpx.TransportError:
            return False
        if answer.status_code in PASSING:  # also of a server that is about to end
            return False
        answer.raise_for_status()
        return True

    def _statuses(self) -> set[str]:
        return {each["status"] for each in self._all("Subscription", {"_count": "500"})}

    def _all(self, kind: str, query: dict[str, str]) -> Iterator[Json]:
        page = self._http.get(f"/{kind}", params=query).raise_for_status().json()
        while True:
            yield from (entry["resource"] for entry in page.get("entry", []))
            following = [link["url"] for link in page.get("link", []) if link["relation"] == "next"]
            if not following:
                return
            page = self._http.get(following[0]).raise_for_status().json()


class Small:
    """The server of the receiver's tests, which also tells what changes: again and again until it gives up."""

    can_stop = False

    def __init__(self, url: str, server: FhirServer) -> None:
        self.url = url
        self.server = server
        self._deliveries: queue.Queue[tuple[str, float] | None] = queue.Queue()
        self._endpoints: list[str] = []
        self._kinds: frozenset[str] = frozenset()

    def subscribe(self, fleet: Fleet, kinds: Sequence[str], payload: str) -> None:
        self._endpoints = [node.endpoint for node in fleet.nodes]
        self._kinds = frozenset(kinds)

    def load(self, resources: Sequence[Json]) -> None:
        self.server.put(*resources)

    def put(self, resource: Json) -> None:
        self.server.put(resource)
        if resource["resourceType"] in self._kinds:
            name = f"{resource['resourceType']}/{resource['id']}"
            for endpoint in self._endpoints:
                self._deliveries.put((f"{endpoint}/{name}", time.monotonic() + GIVEN_UP))

    def answers(self) -> dict[str, list[Json]]:
        return self.server.answers()

    def of(self, kind: str) -> Iterable[Json]:
        return self.server.of(kind)

    def restart(self, seconds: float) -> None:
        self.server.away = True
        time.sleep(seconds)
        self.server.away = False

    @contextmanager
    def delivering(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._deliver) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for _ in threads:
                self._deliveries.put(None)
            for thread in threads:
                thread.join()

    def _deliver(self) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {SECRET}"}, trust_env=False) as http:
            while (due := self._deliveries.get()) is not None:
                if not _delivered(http, due[0]) and time.monotonic() < due[1]:
                    time.sleep(0.02)
                    self._deliveries.put(due)


def _delivered(http: httpx.Client, address: str) -> bool:
    with suppress(httpx.TransportError):
        return http.put(address).is_success
    return False


@contextmanager
def hapi() -> Iterator[Hapi]:
    build_if_stale()
    folder = Path(tempfile.mkdtemp(prefix="crash-hapi-"))
    server = Hapi(folder)
    try:
        server.start()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def small() -> Iterator[Small]:
    server = FhirServer()
    with listening(server) as url:
        world = Small(url, server)
        with world.delivering():
            yield world


WORLDS: dict[str, Callable[[], Any]] = {"hapi": hapi, "small": small}
