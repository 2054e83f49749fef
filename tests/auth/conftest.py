"""A key for each algorithm, and a server at which it is registered."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from auth.clients import KeyFile
from auth.loopback import Stage, serving
from auth.token_server import CLIENT, TokenServer
from command_line import command, no_settings

from adapter.auth.keys import Algorithm, load_signing_key, new_private_jwk
from adapter.settings import Settings, load_settings

__all__ = ["command", "no_settings"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[Algorithm, KeyFile]:
    """Made once, for RSA takes its time."""
    folder = tmp_path_factory.mktemp("keys")
    found = {}
    for algorithm in Algorithm:
        path = folder / f"{algorithm}.json"
        jwk, kid = new_private_jwk(algorithm)
        path.write_text(json.dumps(jwk))
        key = load_signing_key(path, "the key")
        found[algorithm] = KeyFile(path, {"keys": [key.public_jwk()]}, kid)
    return found


@pytest.fixture
def key(keys: dict[Algorithm, KeyFile]) -> KeyFile:
    """The quick one."""
    return keys[Algorithm.ES384]


@pytest.fixture
def server(key: KeyFile) -> TokenServer:
    return TokenServer(key.jwks)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with serving(stage) as stage.url:
        yield stage


@pytest.fixture
def url(server: TokenServer, stage: Stage) -> str:
    stage.app = server
    return f"{stage.url}/fhir"


@pytest.fixture
def settings(key: KeyFile, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ADAPTER_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_FILE", str(key.path))
    return load_settings()
