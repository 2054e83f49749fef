"""Nothing of the environment leads a request another way or adds to it: no proxy, no .netrc, no authorities."""

from __future__ import annotations

from pathlib import Path

import pytest
from auth.certificates import Authority
from auth.clients import QUICK
from auth.loopback import serving
from origins.pair import TOKEN, VERIFY, Pair

from adapter.auth.asking import Asking
from adapter.errors import SourceError, Step
from adapter.settings import load_settings
from adapter.sources.fhir_client import FhirClient
from adapter.sources.origin import allowed_from

pytestmark = pytest.mark.anyio
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def surprises(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.setenv(name, pair.elsewhere)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login jane password {TOKEN}\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    (tmp_path / ".env").write_text("ADAPTER_TOKEN=of-the-folder\n")
    monkeypatch.chdir(tmp_path)


async def test_the_server_is_asked_itself_and_told_nothing_more(pair: Pair) -> None:
    async with FhirClient(pair.base, verify=VERIFY) as client:
        await client.capabilities()
    assert (pair.ours.paths, pair.theirs.seen) == (["/fhir/metadata"], [])
    assert "authorization" not in pair.ours.headers


async def test_a_token_is_asked_for_itself(pair: Pair) -> None:
    url = f"{pair.home}/token"
    asking = Asking(VERIFY, 5, QUICK, allowed_from(pair.base))
    await asking.ask(Step.TOKEN, "it", url, lambda http: http.build_request("POST", url))
    assert (pair.ours.paths, pair.theirs.seen) == (["/token"], [])
    assert "authorization" not in pair.ours.headers


async def test_the_authorities_of_the_environment_are_not_believed(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two servers, the one whose authority stands in SSL_CERT_FILE is trusted no more than any other."""
    authority = Authority("of the environment")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    files = authority.certify("s").write(tmp_path, "server")
    with serving(pair.ours, ssl_certfile=str(files[0]), ssl_keyfile=str(files[1])) as url:
        async with FhirClient(url, patience=QUICK) as client:
            with pytest.raises(SourceError, match="no trusted TLS connection"):
                await client.capabilities()
    assert pair.ours.seen == []


def test_a_file_of_the_folder_sets_nothing() -> None:
    assert load_settings().token is None
