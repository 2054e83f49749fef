"""Before the door: the proxy's word on a client certificate comes on top of the secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapter.receiver.door import Credentials, Door, NotAdmitted
from adapter.receiver.guard import ClientCertificate, Guard
from adapter.receiver.replies import refused
from adapter.receiver.submit.operation import PATH

SECRET = "0123456789abcdef"
GOOD, WRONG = {"Authorization": f"Bearer {SECRET}"}, {"Authorization": "Bearer wrong"}
VERIFIED = {"X-Client-Verify": "SUCCESS"}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _ask(request: Request) -> Response:
    """A door with a secret, as both addresses have."""
    try:
        Door({"x": SecretStr(SECRET)}).check("x", Credentials(request.headers.get("authorization"), None), b"")
    except NotAdmitted as refusal:
        return refused(refusal)
    return Response(status_code=204)


async def _open(_request: Request) -> Response:
    return Response(status_code=200)


@asynccontextmanager
async def guarded(header: str | None = None, client: str = "198.51.100.1") -> AsyncIterator[httpx.AsyncClient]:
    routes = [Route(path, _ask, methods=["POST"]) for path in ("/subscriptions/{name}", PATH)]
    certificate = ClientCertificate.of(header) if header else None
    app = Guard(Starlette(routes=[*routes, Route("/health/live", _open)]), certificate)
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://adapter.test") as http:
        yield http


@pytest.mark.parametrize("path", ["/subscriptions/x", PATH])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([*GOOD.items(), *VERIFIED.items()], 204, id="both"),
        pytest.param([*GOOD.items(), ("x-client-VERIFY", "SUCCESS")], 204, id="a header's name has no case"),
        pytest.param(list(GOOD.items()), 403, id="the secret alone"),
        pytest.param(list(VERIFIED.items()), 401, id="the certificate alone"),
        pytest.param([*WRONG.items(), *VERIFIED.items()], 403, id="a wrong secret"),
        pytest.param([*GOOD.items(), ("X-Client-Verify", "FAILED:expired")], 403, id="a bad certificate"),
        pytest.param([*GOOD.items(), ("X-Client-Verify", "NONE")], 403, id="no certificate"),
        pytest.param([*GOOD.items(), ("X-Client-Verify", "")], 403, id="an empty word"),
        pytest.param([*GOOD.items(), ("X-Client-Verify", "success")], 403, id="another case"),
        pytest.param([*GOOD.items(), *VERIFIED.items(), ("X-Client-Verify", "NONE")], 403, id="twice, ours last"),
        pytest.param([*GOOD.items(), *VERIFIED.items(), *VERIFIED.items()], 403, id="twice the same"),
        pytest.param([*GOOD.items(), ("X-Client-Verify", "NONE, SUCCESS")], 403, id="joined by a proxy"),
    ],
)
async def test_the_certificate_comes_on_top(path: str, headers: list[tuple[str, str]], status: int) -> None:
    async with guarded("X-Client-Verify: SUCCESS") as http:
        assert (await http.post(path, headers=headers)).status_code == status
        assert (await http.get("/health/live")).status_code == 200


async def test_without_the_setting_the_header_means_nothing() -> None:
    async with guarded() as http:
        assert (await http.post(PATH, headers=VERIFIED)).status_code == 401
        assert (await http.post(PATH, headers=GOOD)).status_code == 204


async def test_what_one_shows_shuts_out_nobody_else_at_the_same_address() -> None:
    async with guarded() as http:
        assert {(await http.post(PATH, headers=WRONG)).status_code for _ in range(50)} == {403}
        assert (await http.post(PATH, headers=GOOD)).status_code == 204
