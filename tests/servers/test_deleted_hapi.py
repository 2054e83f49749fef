"""What is deleted on HAPI: which claims it concerns, when nothing refers to it any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapter.bootstrap import build
from adapter.settings import Settings
from adapter.sources.dependents import Dependents
from adapter.sources.fhir_client import FhirClient
from adapter.sources.server import ServerSource

STORY = Path(__file__).parents[2] / "fixtures" / "stories" / "0592t-approved" / "0_bundle.json"
CLAIM = "deleted-0592t"
Json = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def resources(hapi_url: str) -> Iterator[list[Json]]:
    """The story under ids of this test, on the server; afterwards nothing of it is there."""
    text = STORY.read_text().replace("0592t-approved", CLAIM)
    found = [entry["resource"] for entry in json.loads(text)["entry"]]
    with httpx.Client(base_url=hapi_url, timeout=60, trust_env=False) as http:
        for each in found:
            http.put(f"/{each['resourceType']}/{each['id']}", json=each).raise_for_status()
        yield found
        for each in reversed(found):
            http.delete(f"/{each['resourceType']}/{each['id']}").raise_for_status()


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["Coverage", "DocumentReference", "Encounter", "Practitioner"])
async def test_the_claim_is_found_by_what_was_deleted(hapi_url: str, resources: list[Json], kind: str) -> None:
    since = (datetime.now(UTC) - timedelta(seconds=2)).isoformat(timespec="seconds")
    name = next(f"{kind}/{each['id']}" for each in resources if each["resourceType"] == kind)
    async with FhirClient(hapi_url) as client:
        await client.delete(*name.split("/"))
        assert await client.read(*name.split("/")) is None
        dependents = Dependents(ServerSource(client, build(Settings.model_construct()).mappings.plan))
        assert CLAIM in [each.id for each in await dependents.claims([name])]
        assert name in await dependents.deleted_since(since)
