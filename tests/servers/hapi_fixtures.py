"""Fixtures for tests that need Java or a HAPI."""

import os
from collections.abc import Iterator

import pytest
from hapi_server import java_missing, running_hapi


@pytest.fixture(scope="session")
def java() -> None:
    """Ends a test that needs Java where there is none; a build that silently tests less is worse than a red one."""
    missing = java_missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def hapi_url(java: None) -> Iterator[str]:
    """Base URL of a HAPI FHIR R4 server, started once a session (half a minute)."""
    with running_hapi() as server:
        yield server.url
