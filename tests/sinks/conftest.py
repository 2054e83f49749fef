"""A sink over the small server of `answering_server`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import respx
from sinks.answering_server import BASE, INSTANT, SYSTEM, Server

from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.patience import Patience


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(respx_mock: respx.MockRouter) -> Server:
    return Server(respx_mock)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as ledger:
        yield ledger


@pytest.fixture
async def sink(anyio_backend: str, server: Server, ledger: Ledger) -> AsyncIterator[ServerSink]:
    async with FhirClient(BASE, patience=Patience(attempts=1)) as client:
        yield ServerSink(client, SYSTEM, ledger, INSTANT)


@pytest.fixture
def alone(server: Server) -> Server:
    """The server, which declares that it takes no batches, and takes none."""
    server.as_a_whole, server.to_batches = ["history-system"], 501
    return server
