"""Fetches the files of an export, each whole or not at all; what lies on the disk is not fetched again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from adapter.errors import UsageError
from adapter.limits import Limits
from adapter.sources.bulk.folder import Folder
from adapter.sources.bulk.kickoff import NDJSON
from adapter.sources.bulk.lines import Lines
from adapter.sources.bulk.manifest import File
from adapter.sources.bulk.unpacking import Unpacker
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import Refused

_GONE = frozenset({404, 410})


class Expired(Exception):
    """The server does not keep the export, or a file of it, any longer."""


async def download(
    client: FhirClient, files: Sequence[File], folder: Folder, limits: Limits, tell: Callable[[int], None]
) -> None:
    """Fetch what is missing, as many files at once as the client makes requests; ``tell`` hears how many are there.

    Raises:
        Expired: a file is gone.
        SourceError: a file cannot be had, or leads to another server.
        UsageError: the folder cannot be written, as when the disk is full.
    """
    missing = [(index, each) for index, each in enumerate(files) if not folder.of(index, each).is_dir()]
    there = len(files) - len(missing)
    tell(there)

    async def one(index: int, file: File) -> None:
        nonlocal there
        await _fetch(client, file, folder.of(index, file), limits)
        there += 1
        tell(there)

    # Exceptions are collected, so that no file is left half-way when another one fails.
    ended = await asyncio.gather(*(one(*each) for each in missing), return_exceptions=True)
    for error in (each for each in ended if each is not None):
        raise error


async def _fetch(client: FhirClient, file: File, into: Path, limits: Limits) -> None:
    what = f"the file of {file.type} in the export"
    url, is_home = client.file_address(file.url, f"keeps {what}")
    beside = into.with_name(f"{into.name}.part")

    async def receive(response: httpx.Response) -> None:
        shutil.rmtree(beside, ignore_errors=True)  # of an attempt that broke off
        unpacker = Unpacker(response.headers.get("Content-Encoding", ""), limits, what)
        lines = Lines(beside, file.type, what, longest=limits.max_json_bytes)
        try:
            async for piece in response.aiter_raw():
                lines.write(unpacker.feed(piece))
            unpacker.end()
            lines.end(file.count)
        finally:
            lines.abandon()

    request = client.request("GET", url, Accept=NDJSON, Accept_Encoding="gzip")
    try:
        await client.wire.download(request, what, receive, anonymous=not (file.authorized and is_home))
        beside.rename(into)
    except Refused as refused:
        if refused.status in _GONE:
            raise Expired from refused
        raise
    except OSError as error:
        raise UsageError(f"{into.parent} cannot be written ({error.strerror}).") from error
