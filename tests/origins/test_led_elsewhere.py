"""Wherever a server leads us: what is not its own is refused by name of what led there, and nobody hears of us."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from origins.pair import COOKIE, TOKEN, WAYS, Pair, search, token

from adapter.errors import SourceError

pytestmark = pytest.mark.anyio
LINKED = [name for name in WAYS if name != "endpoint"]

ELSEWHERE = {
    "another port": "http://127.0.0.1:OTHER/file",
    "another host": "http://127.0.0.2:PORT/file",
    "another name of it": "http://localhost:PORT/file",
    "https": "https://127.0.0.1:PORT/file",
    "the scheme left out": "//127.0.0.1:OTHER/file",
    "us as the user": "http://127.0.0.1:PORT@127.0.0.1:OTHER/file",
    "us as user and password": "http://127.0.0.1:80@127.0.0.1:OTHER/file",
    "a backslash before @": "http://127.0.0.1:PORT\\@127.0.0.1:OTHER/file",
    "a dot at the end": "http://127.0.0.1.:PORT/file",
    "IPv6": "http://[::1]:PORT/file",
    "IPv4 in IPv6": "http://[::ffff:127.0.0.1]:PORT/file",
    "a number": "http://2130706433:PORT/file",
    "a short number": "http://127.1:PORT/file",
    "a file": "file:///etc/passwd",
}
MALFORMED = {
    "a port that is none": "http://127.0.0.1:x/file",
    "a tab in the port": "http://127.0.0.1:PORT\t.evil.test/file",
    "backslashes for slashes": "http:\\\\127.0.0.1:OTHER\\file",
    "one backslash for a slash": "/\\127.0.0.1:OTHER/file",
    "brackets left open": "http://[::1/file",
}
AT_HOME = {
    "absolute": "http://127.0.0.1:PORT/file?page=2",
    "scheme in capitals": "HTTP://127.0.0.1:PORT/file?page=2",
    "host and path alone": "//127.0.0.1:PORT/file?page=2",
    "a path": "/file?page=2",
    "a backslash in the query, as FHIR escapes": "/file?page=2\\,3",
    "no host": "http:///file?page=2",
}


@pytest.mark.parametrize("led", WAYS)
@pytest.mark.parametrize("written", [pytest.param(text, id=name) for name, text in (ELSEWHERE | MALFORMED).items()])
async def test_it_is_refused_by_the_name_of_what_led_there(pair: Pair, tmp_path: Path, led: str, written: str) -> None:
    way, named = WAYS[led]
    setattr(pair.ours, led, pair.written(written))
    with pytest.raises(SourceError, match=named if led != "endpoint" else "names (a|no) token endpoint") as caught:
        await way(pair, tmp_path, "")
    assert caught.value.exit_code == 4
    assert TOKEN not in str(caught.value)
    assert pair.theirs.seen == []
    assert "/file" not in pair.ours.paths


@pytest.mark.parametrize("led", LINKED)
async def test_the_other_server_is_named(pair: Pair, tmp_path: Path, led: str) -> None:
    setattr(pair.ours, led, f"{pair.elsewhere}/file?name=Jane")
    with pytest.raises(SourceError, match=f"another server, {pair.elsewhere}") as caught:
        await WAYS[led][0](pair, tmp_path, "")
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize("led", ["link", "file", "page"])
@pytest.mark.parametrize("written", [pytest.param(text, id=name) for name, text in AT_HOME.items()])
async def test_an_address_of_its_own_is_followed(pair: Pair, tmp_path: Path, led: str, written: str) -> None:
    """Whatever it says: that there is no manifest at that place is another matter, which the message tells."""
    setattr(pair.ours, led, pair.written(written))
    with suppress(SourceError):
        await WAYS[led][0](pair, tmp_path, "")
    assert pair.theirs.seen == []
    assert pair.ours.paths[-1].endswith("/file")
    assert pair.ours.seen[-1][1]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("led", WAYS)
async def test_a_user_in_an_address_is_refused_at_home_too(pair: Pair, tmp_path: Path, led: str) -> None:
    setattr(pair.ours, led, pair.written("http://jane:pw@127.0.0.1:PORT/file"))
    with pytest.raises(SourceError, match="with a user") as caught:
        await WAYS[led][0](pair, tmp_path, "")
    assert "jane" not in str(caught.value)
    assert "/file" not in pair.ours.paths


async def test_a_redirect_is_not_followed_and_told(pair: Pair, tmp_path: Path) -> None:
    pair.ours.redirect = f"{pair.elsewhere}/file?name=Jane"
    with pytest.raises(SourceError, match=f"a redirect to another server, {pair.elsewhere}, to") as caught:
        await search(pair, tmp_path, "")
    assert "Jane" not in str(caught.value)
    with pytest.raises(SourceError, match="302, a redirect"):
        await token(pair, tmp_path, pair.elsewhere)
    assert pair.theirs.seen == []


# --- what the operator allowed beside it


async def test_an_allowed_origin_is_sent_no_credentials_for_a_file(pair: Pair, tmp_path: Path) -> None:
    """Although the manifest says that the file wants our token; the cookie is for 127.0.0.1, on whatever port."""
    pair.ours.file = f"{pair.elsewhere}/file"
    await WAYS["file"][0](pair, tmp_path, pair.elsewhere)
    assert pair.theirs.paths == ["/file"]
    assert TOKEN not in pair.theirs.headers
    assert COOKIE not in pair.theirs.headers
    assert TOKEN in pair.ours.headers
    assert COOKIE in pair.ours.headers


async def test_who_keeps_a_file_and_refuses_it_is_named(pair: Pair, tmp_path: Path) -> None:
    pair.ours.file, pair.theirs.refusal = f"{pair.elsewhere}/file", 403
    with pytest.raises(
        SourceError, match=f"{pair.elsewhere} refused us: it answered 403 .*credentials go to {pair.base} only"
    ):
        await WAYS["file"][0](pair, tmp_path, pair.elsewhere)
    assert TOKEN not in pair.theirs.headers


async def test_an_allowed_token_endpoint_is_asked(pair: Pair, tmp_path: Path) -> None:
    pair.ours.endpoint = f"{pair.elsewhere}/token"
    await token(pair, tmp_path, pair.elsewhere)
    assert pair.theirs.paths == ["/token"]
    assert "authorization" not in pair.theirs.headers


@pytest.mark.parametrize("led", ["link", "location", "page"])
async def test_what_needs_our_credentials_stays_at_home_also_then(pair: Pair, tmp_path: Path, led: str) -> None:
    setattr(pair.ours, led, f"{pair.elsewhere}/file")
    with pytest.raises(SourceError, match="on another server"):
        await WAYS[led][0](pair, tmp_path, pair.elsewhere)
    assert pair.theirs.seen == []


async def test_another_origin_than_the_allowed_one_is_refused(pair: Pair, tmp_path: Path) -> None:
    pair.ours.file = f"{pair.elsewhere}/file"
    with pytest.raises(SourceError, match="name that one in ADAPTER_ALLOWED_ORIGINS"):
        await WAYS["file"][0](pair, tmp_path, "https://127.0.0.1:1")
    assert pair.theirs.seen == []
