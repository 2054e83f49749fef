"""Sends requests to a loopback port as fast as they are answered, at little cost to what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Taken:
    """How one side took a number of requests."""

    seconds: float
    waits: list[float]
    """From sending a request to the end of its answer, in seconds; of those that were answered 2xx."""
    refused: int

    @property
    def per_second(self) -> float:
        return len(self.waits) / self.seconds


def offer(port: int, requests: Sequence[bytes], senders: int, most_seconds: float) -> Taken:
    """Send each request once, over ``senders`` connections that are kept, each waiting for its answer."""
    return asyncio.run(_offered(port, iter(requests), senders, most_seconds))


async def _offered(port: int, requests: Iterator[bytes], senders: int, most_seconds: float) -> Taken:
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(senders)]
    waits: list[float] = []
    refused: list[int] = []
    start = perf_counter()
    try:
        async with asyncio.timeout(most_seconds):
            await asyncio.gather(*(_send(*each, requests, waits, refused) for each in connections))
    finally:
        for _, writer in connections:
            writer.close()
    return Taken(perf_counter() - start, waits, len(refused))


async def _send(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    requests: Iterator[bytes],
    waits: list[float],
    refused: list[int],
) -> None:
    for request in requests:
        sent = perf_counter()
        writer.write(request)
        status = await _status(reader)
        if 200 <= status < 300:
            waits.append(perf_counter() - sent)
        else:
            refused.append(status)


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    _, found, length = head.lower().partition(_LENGTH)
    if found:
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
    return int(head[9:12])
