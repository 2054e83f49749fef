"""The FHIR server that the tests of this folder talk to."""

import os
from collections.abc import Iterator

import pytest
from hapi_server import java_missing, running_hapi


@pytest.fixture(scope="session")
def hapi_url() -> Iterator[str]:
    """Base URL of a HAPI FHIR R4 server, started once a session (half a minute)."""
    missing = java_missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)  # a build that silently tests less is worse than a red one
    if missing:
        pytest.skip(missing)
    with running_hapi() as server:
        yield server.url
