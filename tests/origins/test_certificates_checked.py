"""Certificates of servers are always checked, on the way to each of them; ours is shown to those it is for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from auth.certificates import DAY, Authority, Certificate
from auth.clients import QUICK
from auth.loopback import serving
from origins.pair import Leading, Pair

from adapter.auth.access import access_to
from adapter.auth.asking import Asking
from adapter.auth.discovery import discover
from adapter.auth.scopes import Need
from adapter.auth.tls import elsewhere, tls
from adapter.errors import SourceError, Step
from adapter.settings import Settings, load_settings
from adapter.sources.fhir_client import FhirClient
from adapter.sources.origin import allowed_from

pytestmark = pytest.mark.anyio
OURS, OTHERS = Authority("ours"), Authority("others")
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "ca.pem").write_bytes(OURS.certificate)
    monkeypatch.setenv("ADAPTER_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return load_settings()


@pytest.mark.parametrize(
    ("certificate", "trusted"),
    [
        pytest.param(OURS.certify("s"), True, id="good"),
        pytest.param(OURS.certify("s", ends=HOUR), True, id="its last hour"),
        pytest.param(OURS.certify("s", begins=-2 * DAY, ends=-HOUR), False, id="ended"),
        pytest.param(OURS.certify("s", begins=HOUR), False, id="not begun"),
        pytest.param(OURS.certify("127.0.0.1", host="127.0.0.9"), False, id="another address"),
        pytest.param(OURS.certify("127.0.0.1", host="localhost"), False, id="a name, the address as common name only"),
        pytest.param(OTHERS.certify("s"), False, id="by an authority that we do not know"),
    ],
)
async def test_a_certificate_is_checked_on_the_way_to_the_server_and_to_its_tokens(
    settings: Settings, tmp_path: Path, certificate: Certificate, *, trusted: bool
) -> None:
    server = Leading()
    files = certificate.write(tmp_path, "server")
    with serving(server, ssl_certfile=str(files[0]), ssl_keyfile=str(files[1])) as url:
        server.endpoint = f"{url}/token"
        access = access_to(url, settings, Need.READ, timeout=5, patience=QUICK)
        asking = Asking(tls(settings), 5, QUICK, allowed_from(url))
        async with FhirClient(url, verify=access.verify, timeout=5, patience=QUICK) as client:
            if trusted:
                await client.capabilities()
                await discover(url, "ES384", asking)
            else:
                with pytest.raises(SourceError, match="no trusted TLS connection"):
                    await client.capabilities()
                with pytest.raises(SourceError, match="step discovery: no trusted TLS connection"):
                    await discover(url, "ES384", asking)
    assert bool(server.seen) is trusted


# --- our certificate


@dataclass(frozen=True)
class Wanting:
    """Two servers that want a client certificate of ours."""

    pair: Pair
    settings: Settings


@pytest.fixture
def wanting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Wanting]:
    server = OURS.certify("s").write(tmp_path, "server")
    client = OURS.certify("adapter").write(tmp_path, "client")
    monkeypatch.setenv("ADAPTER_CLIENT_CERTIFICATE_FILE", str(client[0]))
    monkeypatch.setenv("ADAPTER_CLIENT_KEY_FILE", str(client[1]))
    ours, theirs = Leading(), Leading()
    tls_of_both: dict[str, Any] = {
        "ssl_certfile": str(server[0]),
        "ssl_keyfile": str(server[1]),
        "ssl_ca_certs": str(settings.ca_bundle),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
    with serving(ours, **tls_of_both) as home, serving(theirs, **tls_of_both) as further:
        monkeypatch.setenv("ADAPTER_ALLOWED_ORIGINS", further)
        yield Wanting(Pair(ours, theirs, home, further), load_settings())


async def test_it_is_shown_to_the_server_and_not_to_who_keeps_its_files(wanting: Wanting) -> None:
    pair, settings = wanting.pair, wanting.settings
    access = access_to(pair.base, settings, Need.READ, timeout=5, patience=QUICK)
    async with FhirClient(
        pair.base, verify=access.verify, elsewhere=access.elsewhere, timeout=5, patience=QUICK
    ) as client:
        await client.capabilities()
        address, is_home = client.file_address(f"{pair.elsewhere}/file", "keeps a file")
        with pytest.raises(SourceError):
            await client.wire.send(client.request("GET", address), "a file")
    assert not is_home
    assert (len(pair.ours.seen), pair.theirs.seen) == (1, [])


async def test_it_is_shown_to_an_allowed_token_endpoint(wanting: Wanting) -> None:
    pair, settings = wanting.pair, wanting.settings
    url = f"{pair.elsewhere}/token"
    asking = Asking(tls(settings), 5, QUICK, allowed_from(pair.base, elsewhere(settings).origins))
    reply = await asking.ask(Step.TOKEN, "it", url, lambda http: http.build_request("POST", url))
    assert (reply.status, pair.theirs.paths) == (200, ["/token"])
