"""Each long command tells of itself: a sync that watches, a worker, and whatever sends spans to a collector."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from answers.story_stages import shipped
from metrics.world import Samples, read, story
from receiver.fhir_server import FhirServer, listening

from adapter.cli.commands import Choice
from adapter.cli.observing import observed
from adapter.cli.run_items import Deciding, Parts
from adapter.cli.server_sync import _opened
from adapter.cli.syncing import Run
from adapter.errors import UsageError
from adapter.metrics import table
from adapter.metrics.spans import OtelSpans, sending_to
from adapter.runs.model import Basis, Item, Look
from adapter.settings import Settings

APPROVED = "0592t-approved"


@pytest.fixture
def url() -> Iterator[str]:
    server = FhirServer()
    server.put(*story(APPROVED))
    with listening(server) as url:
        yield url


def a_choice(url: str) -> Choice:
    return Choice(url, (), "auto", "table", datetime.now(UTC))


def of_port(told: str) -> Samples:
    """What is told at the address that a command names on stderr."""
    (address,) = [line.removeprefix("Metrics at ") for line in told.splitlines() if line.startswith("Metrics at ")]
    assert address.startswith("http://127.0.0.1:")
    return read(httpx.get(address, trust_env=False).text)


def created(found: Samples) -> float:
    return found[table.ANSWERS.name, frozenset({("action", "created")})]


@pytest.mark.parametrize(
    ("watch", "tells"), [pytest.param(60.0, True, id="watching"), pytest.param(None, False, id="once")]
)
def test_a_sync_tells_its_metrics_while_it_watches(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], watch: float | None, tells: bool
) -> None:
    settings = Settings.model_construct(ledger=tmp_path / "ledger.sqlite", metrics_port=0)

    async def once() -> str:
        async with _opened(a_choice(url), settings, shipped(), Run(watch=watch), lambda *_: None) as server:
            assert (await server.once(asyncio.Event())).complete
            told = capsys.readouterr().err
            if tells:
                assert created(await asyncio.to_thread(of_port, told)) == 1
            return told

    assert ("Metrics at" in asyncio.run(once())) == tells


def test_a_worker_tells_of_its_items(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.model_construct(ledger=tmp_path / "ledger.sqlite", metrics_port=0)
    item = Item("run", 1, Look.WINDOW, url, datetime.now(UTC).isoformat())

    async def work() -> None:
        with observed(settings, shipped()) as seen:
            deciding = Deciding(Parts(a_choice(url), settings, shipped(), Basis("p", "m", "s"), ""), seen)
            await deciding.decide(item)
            found = await asyncio.to_thread(of_port, capsys.readouterr().err)
            await deciding.aclose()
        assert created(found) == 1
        assert found[table.LINES.name, frozenset({("decision", "approve")})] == 1

    asyncio.run(work())


def test_others_may_ask_only_with_a_token() -> None:
    settings = Settings.model_construct(metrics_port=0, metrics_host="0.0.0.0")
    with pytest.raises(UsageError, match="ADAPTER_METRICS_TOKEN"), observed(settings, shipped()):
        pass


# --- a collector


class Collector(HTTPServer):
    """Takes what is sent, and answers with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.status = status
        self.taken: list[tuple[str, bytes]] = []


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the name of http.server

    def log_message(self, *_arguments: object) -> None:
        """Nothing to say."""


@contextmanager
def collecting(status: int) -> Iterator[Collector]:
    collector = Collector(status)
    thread = threading.Thread(target=collector.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.shutdown()
        collector.server_close()
        thread.join()


@pytest.mark.parametrize("status", [pytest.param(200, id="taken"), pytest.param(307, id="a redirect is not followed")])
def test_spans_go_to_the_collector_and_nowhere_else(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.sdk.trace")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with collecting(status) as collector:
        url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
        with sending_to(url) as provider, OtelSpans(provider).span("reconcile"):
            pass
        assert [path for path, _ in collector.taken] == ["/v1/traces"]
        assert b"reconcile" in collector.taken[0][1]
        assert b"fhir-coaching-adapter" in collector.taken[0][1]
