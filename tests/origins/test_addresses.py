"""Which spellings of an address are the configured server, and which are another one."""

from __future__ import annotations

import httpx
import pytest

from adapter.auth.settings import AccessSettings
from adapter.errors import SourceError, UsageError
from adapter.settings import load_settings
from adapter.sources.addresses import checked_base, own_address
from adapter.sources.origin import allowed_from, written_origins
from adapter.sources.refusals import shown

HTTPS, IDN, SIX = "https://fhir.test/r4", "https://b\u00fccher.test/r4", "https://[2001:db8::1]/r4"


@pytest.mark.parametrize(
    ("base", "written", "is_ours"),
    [
        pytest.param(HTTPS, "https://fhir.test/x", True, id="the same"),
        pytest.param(HTTPS, "https://FHIR.Test/x", True, id="capitals"),
        pytest.param(HTTPS, "https://fhir.test:443/x", True, id="the default port spelled out"),
        pytest.param("https://fhir.test:443/r4", "https://fhir.test/x", True, id="and left out"),
        pytest.param(HTTPS, "https://fhir.test:0443/x", True, id="and with a zero"),
        pytest.param(HTTPS, "https://fhir.test/elsewhere/r5", True, id="another path"),
        pytest.param(HTTPS, "https://fhir.test/r4/../../x", True, id="a path that climbs"),
        pytest.param(HTTPS, "https://fhir.test:80/x", False, id="the default port of http"),
        pytest.param(HTTPS, "https://fhir.test:8443/x", False, id="another port"),
        pytest.param(HTTPS, "http://fhir.test/x", False, id="http for https"),
        pytest.param(HTTPS, "http://fhir.test:443/x", False, id="http on the port of https"),
        pytest.param(HTTPS, "ftp://fhir.test/x", False, id="ftp"),
        pytest.param("http://fhir.test/r4", "https://fhir.test/x", False, id="https for http"),
        pytest.param(HTTPS, "https://fhir.test./x", False, id="a dot at the end"),
        pytest.param(HTTPS, "https://fhir.test.evil.test/x", False, id="ours as the beginning"),
        pytest.param(HTTPS, "https://evilfhir.test/x", False, id="ours as the end"),
        pytest.param(HTTPS, "https://sub.fhir.test/x", False, id="below ours"),
        pytest.param(HTTPS, "https://fhir.test@evil.test/x", False, id="ours as the user"),
        pytest.param(HTTPS, "https://fhir.test:443@evil.test/x", False, id="ours as user and password"),
        pytest.param(HTTPS, "https://evil.test#@fhir.test/x", False, id="ours behind a fragment"),
        pytest.param(HTTPS, "https://evil.test?@fhir.test/x", False, id="ours behind a query"),
        pytest.param(HTTPS, "https://fhir%2etest/x", False, id="a dot as a percent sign"),
        pytest.param(HTTPS, "https://f\u04bbir.test/x", False, id="a letter that looks like ours"),
        pytest.param(IDN, "https://xn--bcher-kva.test/x", True, id="an IDN in ASCII"),
        pytest.param(IDN, "https://B\u00dcCHER.test/x", True, id="an IDN in capitals"),
        pytest.param("https://xn--bcher-kva.test/r4", "https://b\u00fccher.test/x", True, id="an IDN in letters"),
        pytest.param(IDN, "https://bucher.test/x", False, id="an IDN without its dots"),
        pytest.param(SIX, "https://[2001:DB8:0::1]:443/x", True, id="IPv6 in another spelling"),
        pytest.param(SIX, "https://[2001:db8::2]/x", False, id="another IPv6"),
        pytest.param("https://192.0.2.1", "https://[::ffff:192.0.2.1]/x", False, id="IPv4 in IPv6"),
        pytest.param("https://192.0.2.1", "https://3221225985/x", False, id="IPv4 as a number"),
    ],
)
def test_one_origin(base: str, written: str, *, is_ours: bool) -> None:
    try:
        address = own_address(checked_base(base), written, "links to a next page")
    except SourceError:
        assert not is_ours
    else:
        assert is_ours
        assert httpx.URL(address) in allowed_from(base)


@pytest.mark.parametrize("written", [None, 7, {"url": "x"}, "https://[::1/", "https://\x00/"])
def test_what_is_no_address(written: object) -> None:
    with pytest.raises(SourceError, match=r"links to a next page (without an address|by a malformed address)"):
        own_address(HTTPS, written, "links to a next page")


def test_a_message_shows_letters_of_other_scripts_for_what_they_are() -> None:
    assert shown("https://u:p@f\u04bbir.test:8443/x?y#z") == "https://xn--fir-2sd.test:8443/x"
    assert shown("https://[2001:db8::1]:8443/x/", path=False) == "https://[2001:db8::1]:8443"


@pytest.mark.parametrize(
    "base", ["https://jane@fhir.test/r4", "https://jane:s3cret@fhir.test/r4", "https://:s3cret@fhir.test/r4"]
)
def test_a_base_url_holds_no_user(base: str) -> None:
    """The command line is for all to see."""
    with pytest.raises(UsageError, match="must have no user or password in it") as caught:
        checked_base(base)
    assert "s3cret" not in str(caught.value)
    assert "jane" not in str(caught.value)


# --- ADAPTER_ALLOWED_ORIGINS


@pytest.mark.parametrize(
    ("written", "origins"),
    [
        ("", set()),
        ("https://files.test", {("https", "files.test", None)}),
        ("https://Files.test:443/", {("https", "files.test", None)}),
        (
            " https://files.test:8443  https://login.test ",
            {("https", "files.test", 8443), ("https", "login.test", None)},
        ),
        ("http://127.0.0.1:9000", {("http", "127.0.0.1", 9000)}),
        ("https://[2001:db8:0::1]", {("https", "2001:db8::1", None)}),
    ],
)
def test_origins_are_read(written: str, origins: set[object]) -> None:
    assert written_origins(written) == origins


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("files.test", "more or less than scheme, host and port", id="no scheme"),
        pytest.param("https://", "more or less than", id="no host"),
        pytest.param("https://files.test/r4", "more or less than", id="a path"),
        pytest.param("https://files.test?x", "more or less than", id="a query"),
        pytest.param("https://u:s3cret@files.test", "more or less than", id="a user"),
        pytest.param("https://a.test,https://b.test", "a malformed address|more or less", id="commas"),
        pytest.param("https://files.test:x", "a malformed address", id="a port that is none"),
        pytest.param("https://*.test", "a malformed address|more or less", id="a star"),
        pytest.param("http://files.test", "is not https", id="http"),
        pytest.param("ftp://files.test", "is not https", id="ftp"),
        pytest.param("https://ok.test http://files.test", "is not https", id="the second one"),
    ],
)
def test_anything_else_stops_the_start(monkeypatch: pytest.MonkeyPatch, written: str, said: str) -> None:
    monkeypatch.setenv("ADAPTER_ALLOWED_ORIGINS", written)
    with pytest.raises(UsageError, match=said) as caught:
        load_settings()
    assert "ADAPTER_ALLOWED_ORIGINS" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_none_is_allowed_by_default() -> None:
    assert AccessSettings().allowed_origins is None
