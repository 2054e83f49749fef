"""A client certificate, and authorities of one's own, against a TLS server of this machine."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from auth.certificates import Authority
from auth.clients import QUICK, KeyFile, client_to, refusal
from auth.loopback import serving
from auth.token_server import CLIENT, TokenServer

from adapter.auth.access import check_access
from adapter.errors import SourceError, Step, UsageError
from adapter.settings import load_settings
from adapter.sources.fhir_client import FhirClient

pytestmark = pytest.mark.anyio
PASSWORD = "s3cret"


@dataclass(frozen=True)
class World:
    """A server that wants a certificate, and files of all kinds to show it; all below one folder."""

    url: str
    folder: Path
    server: TokenServer


@pytest.fixture
def world(tmp_path: Path, key: KeyFile) -> Iterator[World]:
    ours, others = Authority("ours"), Authority("others")
    (tmp_path / "ca.pem").write_bytes(b"# of the clinic\n" + ours.certificate)
    (tmp_path / "other-ca.pem").write_bytes(others.certificate)
    (tmp_path / "both-ca.pem").write_bytes(others.certificate + ours.certificate)
    client = ours.certify("adapter")
    client.write(tmp_path, "client")
    (tmp_path / "client-all.pem").write_bytes(client.certificate + client.key_pem())
    (tmp_path / "client-locked.key").write_bytes(client.key_pem(PASSWORD.encode()))
    others.certify("stranger").write(tmp_path, "stranger")
    (tmp_path / "empty").write_bytes(b"")
    certificate, server_key = ours.certify("server").write(tmp_path, "server")
    server = TokenServer(key.jwks)
    wants: dict[str, Any] = {"ssl_ca_certs": str(tmp_path / "ca.pem"), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    with serving(server, ssl_certfile=str(certificate), ssl_keyfile=str(server_key), **wants) as url:
        yield World(url, tmp_path, server)


def configure(monkeypatch: pytest.MonkeyPatch, folder: Path, **files: str) -> None:
    for name, file in files.items():
        monkeypatch.setenv(f"ADAPTER_{name.upper()}", str(folder / file))


def _certificate(certificate: str, key: str | None = None, ca: str | None = "ca.pem") -> dict[str, str]:
    named = {"client_certificate_file": certificate, "client_key_file": key, "ca_bundle": ca}
    return {name: file for name, file in named.items() if file is not None}


@pytest.mark.parametrize(
    ("files", "password"),
    [
        pytest.param(_certificate("client.pem", "client.key"), None, id="certificate and key"),
        pytest.param(_certificate("client-all.pem"), None, id="both in one file"),
        pytest.param(_certificate("client.pem", "client-locked.key"), PASSWORD, id="a key with a password"),
        pytest.param(_certificate("client.pem", "client.key", "both-ca.pem"), None, id="several authorities"),
    ],
)
async def test_a_certificate_lets_us_in(
    world: World, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], password: str | None
) -> None:
    configure(monkeypatch, world.folder, **files)
    if password is not None:
        monkeypatch.setenv("ADAPTER_CLIENT_KEY_PASSWORD", password)
    world.server.valid.append("s3cret")
    monkeypatch.setenv("ADAPTER_TOKEN", "s3cret")
    async with client_to(world.url, load_settings()) as client:
        assert await client.read("Claim", "a")


async def test_discovery_and_token_are_asked_for_over_the_same_tls(
    world: World, monkeypatch: pytest.MonkeyPatch, key: KeyFile
) -> None:
    configure(monkeypatch, world.folder, **_certificate("client.pem", "client.key"))
    monkeypatch.setenv("ADAPTER_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_FILE", str(key.path))
    async with client_to(world.url, load_settings()) as client:
        assert await client.read("Claim", "a")
    assert (len(world.server.forms), world.server.refusals) == (1, [])


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"ca_bundle": "ca.pem"}, id="no certificate"),
        pytest.param(_certificate("stranger.pem", "stranger.key"), id="a stranger's"),
    ],
)
async def test_without_a_good_certificate_the_server_refuses_us(
    world: World, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    """This one says so by hanging up; others raise the alarm of TLS, as below."""
    configure(monkeypatch, world.folder, **files)
    async with client_to(world.url, load_settings()) as client:
        with pytest.raises(SourceError, match="the right one is in ADAPTER_CLIENT_CERTIFICATE_FILE"):
            await client.read("Claim", "a")
    assert world.server.paths == []


@pytest.mark.parametrize(
    "reason", ["TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_HANDSHAKE_FAILURE"]
)
async def test_the_alarm_of_a_server_is_a_refusal(reason: str) -> None:
    tries = 0

    def alarmed(_request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        alarm = ssl.SSLError(1, "alert")
        alarm.reason = reason
        raise httpx.ReadError("") from alarm

    client = FhirClient("https://fhir.test", transport=httpx.MockTransport(alarmed), patience=QUICK)
    refused = await refusal(client)
    assert (refused.step, "refused us by TLS at a read of Claim" in str(refused), tries) == (Step.READ, True, 1)


@pytest.mark.parametrize("ca", [None, "other-ca.pem"])
async def test_a_server_that_we_do_not_trust_is_sent_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, ca: str | None, key: KeyFile
) -> None:
    configure(monkeypatch, world.folder, **_certificate("client.pem", "client.key", ca))
    async with client_to(world.url, load_settings()) as client:
        with pytest.raises(SourceError, match="no trusted TLS connection"):
            await client.read("Claim", "a")
    monkeypatch.setenv("ADAPTER_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_FILE", str(key.path))
    refused = await refusal(client_to(world.url, load_settings()))
    assert (refused.step, "no trusted TLS connection" in str(refused)) == (Step.DISCOVERY, True)
    assert world.server.paths == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({"ca_bundle": "none"}, "the file of ADAPTER_CA_BUNDLE cannot be read", id="no authorities"),
        pytest.param({"ca_bundle": "empty"}, "the file of ADAPTER_CA_BUNDLE holds no certificates", id="empty"),
        pytest.param({"ca_bundle": "client.key"}, "the file of ADAPTER_CA_BUNDLE holds no certificates", id="a key"),
        pytest.param(_certificate("none"), "the file of ADAPTER_CLIENT_CERTIFICATE_FILE cannot be read", id="nothing"),
        pytest.param(
            _certificate("client.pem", "none"), "the file of ADAPTER_CLIENT_KEY_FILE cannot be read", id="no key file"
        ),
        pytest.param(_certificate("client.pem"), "is no PEM certificate with its private key", id="no key"),
        pytest.param(_certificate("client.pem", "stranger.key"), "with its private key", id="another's key"),
        pytest.param(_certificate("client.pem", "client-locked.key"), "CLIENT_KEY_PASSWORD", id="no password"),
    ],
)
async def test_a_bad_file_stops_the_start_by_its_setting(
    world: World, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], said: str
) -> None:
    configure(monkeypatch, world.folder, **files)
    settings = load_settings()
    for start in (lambda: client_to(world.url, settings), lambda: check_access(settings)):
        with pytest.raises(UsageError, match=said):
            start()


async def test_a_wrong_password_stops_the_start_unnamed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, world.folder, **_certificate("client.pem", "client-locked.key"))
    monkeypatch.setenv("ADAPTER_CLIENT_KEY_PASSWORD", "guessed")
    with pytest.raises(UsageError, match="ADAPTER_CLIENT_KEY_PASSWORD does not open that") as caught:
        client_to(world.url, load_settings())
    assert "guessed" not in str(caught.value)


async def test_plain_http_can_be_shown_no_certificate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, world.folder, **_certificate("client.pem", "client.key"))
    with pytest.raises(UsageError, match="is not https, so ADAPTER_CLIENT_CERTIFICATE_FILE cannot be shown"):
        client_to("http://127.0.0.1:1/fhir", load_settings())
