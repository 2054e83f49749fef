"""A bearer token and HTTP Basic: sent to one server only, and read again when their file changed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import respx
from auth.clients import client_to, refusal

from adapter.auth.access import access_to
from adapter.auth.scopes import Need
from adapter.errors import AccessRefused, Step, UsageError
from adapter.settings import load_settings

pytestmark = pytest.mark.anyio
BASE = "https://fhir.test/r4"
FOUND = httpx.Response(200, json={"resourceType": "Claim", "id": "a"})


def sent(respx_mock: respx.MockRouter) -> list[str | None]:
    return [call.request.headers.get("Authorization") for call in respx_mock.calls]


def encoded(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("environment", "files", "header"),
    [
        pytest.param({}, {}, None, id="nothing set"),
        pytest.param({"TOKEN": "s3cret"}, {}, "Bearer s3cret", id="token"),
        pytest.param({}, {"TOKEN_FILE": "s3cret\n"}, "Bearer s3cret", id="token in a file"),
        pytest.param({}, {"TOKEN_FILE": "s3cret\r\n"}, "Bearer s3cret", id="token in a file of Windows"),
        pytest.param({"BASIC_USER": "me", "BASIC_PASSWORD": "s3 cret:é "}, {}, encoded("me:s3 cret:é "), id="basic"),
        pytest.param({"BASIC_USER": "me"}, {"BASIC_PASSWORD_FILE": " s3cret\n"}, encoded("me: s3cret"), id="its file"),
    ],
)
async def test_what_is_set_is_sent(
    environment: dict[str, str],
    files: dict[str, str],
    header: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    respx_mock: respx.MockRouter,
) -> None:
    respx_mock.get(f"{BASE}/Claim/a").mock(return_value=FOUND)
    for name, value in environment.items():
        monkeypatch.setenv(f"ADAPTER_{name}", value)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.encode())
        monkeypatch.setenv(f"ADAPTER_{name}", str(tmp_path / name))
    async with client_to(BASE, load_settings()) as client:
        assert await client.read("Claim", "a")
    assert sent(respx_mock) == [header]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A token in a file."""
    file = tmp_path / "token"
    file.write_text("first\n")
    monkeypatch.setenv("ADAPTER_TOKEN_FILE", str(file))
    return file


def rewrite(file: Path, text: str) -> None:
    file.write_text(text)


def replace(file: Path, text: str) -> None:
    """As Kubernetes and most tools do: another file takes the name."""
    other = file.with_name("new")
    other.write_text(text)
    other.replace(file)


@pytest.mark.parametrize("change", [rewrite, replace])
async def test_a_file_that_changed_is_read_again(
    file: Path, change: Callable[[Path, str], None], respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{BASE}/Claim/a").mock(return_value=FOUND)
    async with client_to(BASE, load_settings()) as client:
        await client.read("Claim", "a")
        change(file, "second\n")
        await client.read("Claim", "a")
        rewrite(file, "")  # somebody writes it at this moment
        await client.read("Claim", "a")
        rewrite(file, "third\n")
        await client.read("Claim", "a")
    assert sent(respx_mock) == ["Bearer first", "Bearer second", "Bearer second", "Bearer third"]


async def test_a_401_reads_the_file_again_however_unchanged_it_looks(file: Path, respx_mock: respx.MockRouter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer other":
            return FOUND
        before = file.stat()
        rewrite(file, "other\n")  # as long as the first
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        return httpx.Response(401)

    respx_mock.get(f"{BASE}/Claim/a").mock(side_effect=answer)
    async with client_to(BASE, load_settings()) as client:
        assert await client.read("Claim", "a")
    assert sent(respx_mock) == ["Bearer first", "Bearer other"]


async def test_a_401_to_the_same_token_is_not_asked_about_again(file: Path, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{BASE}/Claim/a").respond(401)
    refused = await refusal(client_to(BASE, load_settings()))
    assert (refused.step, sent(respx_mock)) == (Step.READ, ["Bearer first"])


def remove(file: Path, _text: str) -> None:
    file.unlink()


def spoil(file: Path, _text: str) -> None:
    file.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(remove, "", id="gone"),
        pytest.param(spoil, "", id="no text"),
        pytest.param(rewrite, "a b", id="no token"),
    ],
)
async def test_a_file_that_went_bad_is_told_and_looked_at_again(
    file: Path, change: Callable[[Path, str], None], text: str, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{BASE}/Claim/a").mock(return_value=FOUND)
    async with client_to(BASE, load_settings()) as client:
        change(file, text)
        with pytest.raises(AccessRefused, match=r"step token: the (file of ADAPTER_TOKEN_FILE|token is)"):
            await client.read("Claim", "a")
        assert sent(respx_mock) == []
        rewrite(file, "second")
        assert await client.read("Claim", "a")
    assert sent(respx_mock) == ["Bearer second"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("TOKEN_FILE", None, "the file of ADAPTER_TOKEN_FILE cannot be read"),
        ("TOKEN_FILE", b"", "the file of ADAPTER_TOKEN_FILE has nothing in it"),
        ("TOKEN_FILE", b"\n", "the file of ADAPTER_TOKEN_FILE has nothing in it"),
        ("TOKEN_FILE", b"a b", "characters that no HTTP header can carry"),
        ("TOKEN_FILE", b"a\nb", "characters that no HTTP header can carry"),
        ("TOKEN_FILE", b"\xff", "the file of ADAPTER_TOKEN_FILE is no text in UTF-8"),
        ("TOKEN_FILE", b"a" * 1_000_001, "has more than 1000000 bytes"),
        ("BASIC_PASSWORD_FILE", None, "the file of ADAPTER_BASIC_PASSWORD_FILE cannot be read"),
    ],
)
async def test_a_bad_file_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    monkeypatch.setenv(f"ADAPTER_{name}", str(tmp_path / "file"))
    if name.startswith("BASIC"):
        monkeypatch.setenv("ADAPTER_BASIC_USER", "me")
    with pytest.raises(UsageError, match=said):
        access_to(BASE, load_settings(), Need.READ)


async def test_a_pipe_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("ADAPTER_TOKEN_FILE", str(tmp_path / "pipe"))
    with pytest.raises(UsageError, match="is no regular file"):
        access_to(BASE, load_settings(), Need.READ)


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        ("https://fhir.test/r4/Claim", True),
        ("https://fhir.test:443/elsewhere", True),
        ("https://fhir.test:8443/r4/Claim", False),
        ("http://fhir.test/r4/Claim", False),
        ("https://fhir.test.evil.test/r4/Claim", False),
        ("https://files.test/r4/Claim", False),
    ],
)
async def test_no_other_server_is_shown_the_token(
    file: Path, url: str, goes: bool, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(url).mock(return_value=FOUND)
    async with httpx.AsyncClient(auth=access_to(BASE, load_settings(), Need.READ).auth) as http:
        await http.get(url, headers={"Authorization": "Bearer left over"})
    assert sent(respx_mock) == (["Bearer first"] if goes else [None])


async def test_the_answer_that_refused_us_is_not_read_however_long_it_is(
    file: Path, respx_mock: respx.MockRouter
) -> None:
    class Endless(httpx.AsyncByteStream):
        closed = False

        async def __aiter__(self):  # type: ignore[no-untyped-def] # a generator of bytes
            raise AssertionError("it was read")
            yield b""

        async def aclose(self) -> None:
            self.closed = True

    stream = Endless()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer other":
            return FOUND
        file.write_text("other")
        return httpx.Response(401, stream=stream)

    respx_mock.get(f"{BASE}/Claim/a").mock(side_effect=answer)
    async with client_to(BASE, load_settings()) as client:
        assert await client.read("Claim", "a")
    assert stream.closed
