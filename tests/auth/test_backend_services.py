"""SMART Backend Services against a strict token endpoint, over real HTTP: what goes right, and every fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from auth.clients import QUICK, KeyFile, client_to, refusal
from auth.loopback import serving
from auth.token_server import CLIENT, TokenServer
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.responses import JSONResponse, RedirectResponse, Response

from adapter.auth.access import access_to
from adapter.auth.asking import Asking
from adapter.auth.backend_services import BackendServices
from adapter.auth.client import Client
from adapter.auth.keys import Algorithm, load_signing_key
from adapter.auth.scopes import Need
from adapter.errors import AccessRefused, Step, UsageError
from adapter.settings import Settings, load_settings
from adapter.sources.fhir_client import FhirClient
from adapter.sources.origin import allowed_from
from adapter.sources.patience import Patience

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
V2 = {"capabilities": ["client-confidential-asymmetric", "permission-v2"]}


def as_jwk(key: KeyFile) -> str:
    return key.path.read_text()


def as_jwk_set(key: KeyFile) -> str:
    return json.dumps({"keys": [json.loads(key.path.read_text()), *key.jwks["keys"]]})


def as_pem(key: KeyFile) -> str:
    private = load_signing_key(key.path, "the key").private
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("form", [as_jwk, as_jwk_set, as_pem])
async def test_a_key_in_any_form_gets_a_token_that_lets_us_in(
    keys: dict[Algorithm, KeyFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: Algorithm,
    form: Callable[[KeyFile], str],
) -> None:
    key, file = keys[algorithm], tmp_path / "key"
    file.write_text(form(key))
    monkeypatch.setenv("ADAPTER_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_FILE", str(file))
    server = TokenServer(key.jwks)
    with serving(server) as url:
        async with client_to(f"{url}/fhir", load_settings()) as client:
            assert await client.read("Claim", "a")
            assert await client.read("Claim", "b")
    assert (server.refusals, server.unauthorized, len(server.forms)) == ([], 0, 1)
    assert server.paths == ["/fhir/.well-known/smart-configuration", "/token", "/fhir/Claim/a", "/fhir/Claim/b"]


async def test_a_key_is_chosen_by_its_id(
    keys: dict[Algorithm, KeyFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, wanted = tmp_path / "key", keys[Algorithm.RS384]
    file.write_text(json.dumps({"keys": [json.loads(key.path.read_text()) for key in keys.values()]}))
    monkeypatch.setenv("ADAPTER_CLIENT_ID", CLIENT)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_FILE", str(file))
    with pytest.raises(UsageError, match="several private keys: name one by ADAPTER_PRIVATE_KEY_ID"):
        access_to("https://fhir.test", load_settings(), Need.READ)
    monkeypatch.setenv("ADAPTER_PRIVATE_KEY_ID", wanted.kid)
    server = TokenServer(wanted.jwks)
    with serving(server) as url:
        async with client_to(url, load_settings()) as client:
            assert await client.read("Claim", "a")


@pytest.mark.parametrize(
    ("told", "need", "asked"),
    [
        ({}, Need.READ, ["system/*.read"]),
        ({}, Need.ANSWER, ["system/*.read", "system/ClaimResponse.write", "system/Provenance.write"]),
        ({}, Need.SUBSCRIBE, ["system/*.read", "system/Subscription.write"]),
        (V2, Need.READ, ["system/*.rs"]),
        (V2, Need.ANSWER, ["system/*.rs", "system/ClaimResponse.cu", "system/Provenance.c"]),
        (V2, Need.SUBSCRIBE, ["system/*.rs", "system/Subscription.cud"]),
        ({"capabilities": ["permission-v1", "permission-v2"]}, Need.READ, ["system/*.read"]),
        ({"capabilities": None}, Need.READ, ["system/*.read"]),
        ({"scopes_supported": ["system/OperationOutcome.write"]}, Need.READ, ["system/*.read"]),
        (
            {"scopes_supported": ["system/*.write"]},
            Need.ANSWER,
            [
                "system/*.read",
                "system/ClaimResponse.write",
                "system/Provenance.write",
                "system/OperationOutcome.write",
            ],
        ),
    ],
)
async def test_the_scopes_are_those_that_the_command_needs(
    server: TokenServer, url: str, settings: Settings, told: Json, need: Need, asked: list[str]
) -> None:
    server.told = told
    async with client_to(url, settings, need) as client:
        await client.read("Claim", "a")
    assert server.asked == asked


async def test_scopes_of_ones_own_are_asked_for_and_no_others(
    server: TokenServer, url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADAPTER_SCOPES", "system/Claim.rs?status=active system/Encounter.rs")
    server.registered = {"system/Claim.rs?status=active", "system/Encounter.rs"}
    async with client_to(url, load_settings()) as client:
        await client.read("Claim", "a")
    assert server.asked == ["system/Claim.rs?status=active", "system/Encounter.rs"]


def elsewhere() -> Response:
    return RedirectResponse("http://127.0.0.1:1/token")


@pytest.mark.parametrize(
    ("told", "instead", "said"),
    [
        pytest.param({}, [Response(status_code=404)], "answered 404 to the request for its SMART", id="404"),
        pytest.param({}, [Response(status_code=401)], "answered 401", id="401"),
        pytest.param({}, [elsewhere()], "answered 307, a redirect,", id="a redirect"),
        pytest.param({}, [Response("<html>")], "something else than a JSON object", id="no JSON"),
        pytest.param({}, [JSONResponse(["x"])], "something else than a JSON object", id="a list"),
        pytest.param({}, [Response(b" " * 1_000_001)], "more than 1000000 bytes", id="without end"),
        pytest.param({}, [Response(status_code=503)] * 3, "answered 503 to the request", id="away for long"),
        pytest.param({"token_endpoint": None}, [], "names no token endpoint", id="no endpoint"),
        pytest.param({"token_endpoint": 7}, [], "names no token endpoint", id="a number"),
        pytest.param({"token_endpoint": "/token"}, [], "names no token endpoint", id="a relative address"),
        pytest.param({"token_endpoint": "http://x:y/"}, [], "names no token endpoint", id="a malformed address"),
        pytest.param({"token_endpoint": "http://as.test/token"}, [], "that is not https", id="plain http"),
        pytest.param({"token_endpoint": "ftp://as.test/token"}, [], "that is not https", id="no http at all"),
        pytest.param({"token_endpoint": "https://u:s3cret@as.test/"}, [], "with a user", id="a user in it"),
        pytest.param({"token_endpoint": "https://as.test/#x"}, [], "a fragment", id="a fragment in it"),
        pytest.param(
            {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, [], "private_key_jwt", id="another way"
        ),
        pytest.param(
            {"token_endpoint_auth_signing_alg_values_supported": ["RS384"]}, [], "does not list ES384", id="algorithm"
        ),
    ],
)
async def test_each_fault_of_the_discovery_is_named(
    server: TokenServer, url: str, settings: Settings, told: Json, instead: list[Response], said: str
) -> None:
    server.told, server.discovery_instead = told, instead
    refused = await refusal(client_to(url, settings))
    assert refused.step is Step.DISCOVERY
    assert said in str(refused)
    assert "/token" not in server.paths


async def test_a_server_elsewhere_cannot_send_us_to_this_machine(
    settings: Settings, respx_mock: respx.MockRouter
) -> None:
    told = {"token_endpoint": "http://127.0.0.1:9/token"}
    respx_mock.get("https://fhir.test/.well-known/smart-configuration").respond(200, json=told)
    refused = await refusal(client_to("https://fhir.test", settings))
    assert (refused.step, "that is not https" in str(refused)) == (Step.DISCOVERY, True)


@pytest.mark.parametrize("missing", ["token_endpoint_auth_methods_supported", "scopes_supported", "capabilities"])
async def test_what_the_configuration_may_leave_out_is_not_missed(
    server: TokenServer, url: str, settings: Settings, missing: str
) -> None:
    server.told = {missing: None}
    async with client_to(url, settings) as client:
        assert await client.read("Claim", "a")


@pytest.mark.parametrize(
    ("instead", "step", "said"),
    [
        ([JSONResponse({"error": "invalid_client"}, 401)], Step.TOKEN, "answered 401 (invalid_client)"),
        ([JSONResponse({"error": "invalid_request"}, 400)], Step.TOKEN, "answered 400 (invalid_request)"),
        ([JSONResponse({"error": "unauthorized_client"}, 400)], Step.TOKEN, "registered for client_credentials"),
        ([JSONResponse({"error": "invalid_scope"}, 400)], Step.SCOPE, "answered 400 (invalid_scope)"),
        ([JSONResponse({"error": "Jane Doe"}, 400)], Step.TOKEN, "answered 400 to the request for a token"),
        ([JSONResponse({"error": ["x"]}, 400)], Step.TOKEN, "answered 400 to the request for a token"),
        ([Response(status_code=500)], Step.TOKEN, "answered 500 to the request for a token"),
        ([elsewhere()], Step.TOKEN, "answered 307, a redirect,"),
        ([Response("<html>")], Step.TOKEN, "something else than a JSON object"),
        ([Response(b"{" * 1_000_001)], Step.TOKEN, "more than 1000000 bytes"),
        ([Response(status_code=429, headers={"Retry-After": "0"})] * 3, Step.TOKEN, "answered 429 to the request"),
    ],
)
async def test_each_fault_of_the_token_endpoint_is_named(
    server: TokenServer, url: str, settings: Settings, instead: list[Response], step: Step, said: str
) -> None:
    server.instead = instead
    refused = await refusal(client_to(url, settings))
    assert refused.step is step
    assert said in str(refused)
    assert "/fhir/Claim/a" not in server.paths


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"access_token": None}, "no bearer token"),
        ({"access_token": 7}, "no bearer token"),
        ({"token_type": "mac"}, "no bearer token"),
        ({"token_type": None}, "no bearer token"),
        ({"access_token": "a b"}, "no header can carry"),
        ({"access_token": ""}, "no header can carry"),
        ({"expires_in": 0}, "without a lifetime"),
        ({"expires_in": -1}, "without a lifetime"),
        ({"expires_in": 1.5}, "without a lifetime"),
        ({"expires_in": "soon"}, "without a lifetime"),
        ({"expires_in": True}, "without a lifetime"),
    ],
)
async def test_a_token_we_cannot_use_is_none(
    server: TokenServer, url: str, settings: Settings, answer: Json, said: str
) -> None:
    server.answer = answer
    refused = await refusal(client_to(url, settings))
    assert (refused.step, said in str(refused)) == (Step.TOKEN, True)


@pytest.mark.parametrize(
    "answer", [{"token_type": "Bearer"}, {"expires_in": "300"}, {"expires_in": None}, {"scope": None}]
)
async def test_what_servers_write_otherwise_is_understood(
    server: TokenServer, url: str, settings: Settings, answer: Json
) -> None:
    server.answer = answer
    async with client_to(url, settings) as client:
        assert await client.read("Claim", "a")


@pytest.mark.parametrize(
    ("granted", "lacks"),
    [
        pytest.param("system/*.read", "system/ClaimResponse.write, system/Provenance.write", id="only to read"),
        pytest.param("system/*.read system/ClaimResponse.write", "lacks system/Provenance.write", id="one less"),
        pytest.param("system/*.write", "lacks system/*.read", id="only to write"),
        pytest.param("system/*.rs?status=active system/*.write", "lacks system/*.read", id="narrowed by a query"),
        pytest.param("user/*.read system/*.write", "lacks system/*.read", id="in another context"),
        pytest.param("", "lacks system/*.read, ", id="nothing"),
        pytest.param(["system/*.read"], "lacks system/*.read, ", id="a list"),
    ],
)
async def test_less_than_was_asked_for_ends_it(
    server: TokenServer, url: str, settings: Settings, granted: Any, lacks: str
) -> None:
    server.granted = lambda _asked: granted
    refused = await refusal(client_to(url, settings))
    assert (refused.step, lacks in str(refused)) == (Step.SCOPE, True)
    assert "/fhir/Claim/a" not in server.paths


async def test_as_much_in_other_words_is_enough(server: TokenServer, url: str, settings: Settings) -> None:
    server.granted = lambda _asked: "launch system/*.rs system/ClaimResponse.cruds system/Provenance.*"
    async with client_to(url, settings) as client:
        assert await client.read("Claim", "a")


async def search(client: FhirClient, length: int) -> None:
    async for _page in client.search("Claim", {"_id": "a" * length}):
        break


@pytest.mark.parametrize(
    ("ask", "step"),
    [
        (lambda client: client.capabilities(), Step.READ),
        (lambda client: client.read("Claim", "a"), Step.READ),
        (lambda client: search(client, 1), Step.READ),
        (lambda client: search(client, 2000), Step.READ),
        (lambda client: client.create({"resourceType": "Claim"}), Step.WRITE),
        (lambda client: client.update({"resourceType": "Claim", "id": "a"}), Step.WRITE),
        (lambda client: client.delete("Claim", "a"), Step.WRITE),
        (lambda client: client.batch([]), Step.WRITE),
    ],
)
async def test_a_403_says_whether_it_was_read_or_written(
    server: TokenServer, url: str, settings: Settings, ask: Callable[[FhirClient], Awaitable[Any]], step: Step
) -> None:
    server.may = lambda _request: False
    async with client_to(url, settings) as client:
        with pytest.raises(AccessRefused, match="refused us: it answered 403 to") as caught:
            await ask(client)
    assert caught.value.step is step


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def timed(url: str, key: KeyFile, clock: Clock) -> FhirClient:
    client = Client(CLIENT, load_signing_key(key.path, "the key"))
    auth = BackendServices(url, client, Need.READ, Asking(True, 10, QUICK, allowed_from(url)), ticks=clock)
    return FhirClient(url, auth=auth, patience=QUICK)


@pytest.mark.parametrize(
    ("life", "passed", "tokens"),
    [
        pytest.param(300, 269.9, 1, id="not yet"),
        pytest.param(300, 270, 2, id="half a minute before its end"),
        pytest.param(60, 29.9, 1, id="a short life, not yet"),
        pytest.param(60, 30, 2, id="a short life"),
        pytest.param(20, 9.9, 1, id="a very short life, not yet"),
        pytest.param(20, 10, 2, id="of a very short life half"),
        pytest.param(None, 269.9, 1, id="the usual life, not yet"),
        pytest.param(None, 270, 2, id="the usual life"),
    ],
)
async def test_a_token_is_renewed_before_its_end(
    server: TokenServer, url: str, key: KeyFile, clock: Clock, life: int | None, passed: float, tokens: int
) -> None:
    server.answer = {"expires_in": life}
    async with timed(url, key, clock) as client:
        await client.read("Claim", "a")
        clock.now += passed
        await client.read("Claim", "a")
    assert (len(server.forms), server.unauthorized) == (tokens, 0)
    assert len(server.seen) == tokens
    assert server.paths.count("/fhir/.well-known/smart-configuration") == 1


async def test_a_token_that_is_refused_is_renewed_once_and_the_request_sent_again(
    server: TokenServer, url: str, settings: Settings
) -> None:
    async with client_to(url, settings) as client:
        await client.read("Claim", "a")
        server.revoke()
        assert await client.read("Claim", "a")
        assert (len(server.forms), server.unauthorized) == (2, 1)
        created = await client.create({"resourceType": "Claim"})
        assert (created, len(server.forms)) == (False, 2)


async def test_whoever_refuses_the_new_token_too_is_not_asked_a_third_time(
    server: TokenServer, url: str, settings: Settings
) -> None:
    server.valid = type("Never", (list,), {"__contains__": lambda *_: False})()
    refused = await refusal(client_to(url, settings))
    assert (refused.step, "answered 401 (invalid_token) to a read of Claim" in str(refused)) == (Step.READ, True)
    assert (len(server.forms), server.unauthorized) == (2, 2)


async def test_all_who_wait_share_one_token(server: TokenServer, url: str, key: KeyFile, clock: Clock) -> None:
    async with timed(url, key, clock) as client:
        await asyncio.gather(*(client.read("Claim", str(each)) for each in range(8)))
        assert len(server.forms) == 1
        clock.now += 280
        await asyncio.gather(*(client.read("Claim", str(each)) for each in range(8)))
        assert len(server.forms) == 2
        server.revoke()
        await asyncio.gather(*(client.read("Claim", str(each)) for each in range(8)))
    assert (len(server.forms), server.refusals) == (3, [])


async def test_all_who_wait_share_one_refusal_and_the_next_tries_again(
    server: TokenServer, url: str, settings: Settings
) -> None:
    server.instead = [JSONResponse({"error": "invalid_client"}, 401)]
    async with client_to(url, settings) as client:
        asked = [client.read("Claim", str(each)) for each in range(4)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert {str(each).partition(": ")[0] for each in found} == {"access failed at the step token"}
        assert server.paths.count("/token") == 1
        assert await client.read("Claim", "a")


async def test_whoever_no_longer_waits_holds_up_nobody(server: TokenServer, url: str, settings: Settings) -> None:
    async with client_to(url, settings) as client:
        first = asyncio.create_task(client.read("Claim", "a"))
        await asyncio.sleep(0)
        second = asyncio.create_task(client.read("Claim", "b"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second


async def test_each_attempt_has_an_assertion_of_its_own(server: TokenServer, url: str, settings: Settings) -> None:
    server.instead = [Response(status_code=503, headers={"Retry-After": "0"}) for _ in range(2)]
    async with client_to(url, settings) as client:
        assert await client.read("Claim", "a")
    assert (len(server.seen), server.paths.count("/token"), server.refusals) == (3, 3, [])


async def test_a_server_that_moved_its_endpoint_is_asked_where_it_is(
    server: TokenServer, url: str, key: KeyFile, clock: Clock
) -> None:
    async with timed(url, key, clock) as client:
        server.told = {"token_endpoint": f"{url}/gone"}
        await refusal_of(client)
        server.told = {}
        assert await client.read("Claim", "a")


async def refusal_of(client: FhirClient) -> None:
    with pytest.raises(Exception, match="step token"):
        await client.read("Claim", "a")


async def test_nobody_there(server: TokenServer, url: str, settings: Settings) -> None:
    server.told = {"token_endpoint": "http://127.0.0.1:1/token"}
    beside = settings.model_copy(update={"allowed_origins": "http://127.0.0.1:1"})
    refused = await refusal(client_to(url, beside))
    assert (refused.step, f"the token endpoint that {url} names did not answer" in str(refused)) == (Step.TOKEN, True)
    assert "127.0.0.1:1/" not in str(refused), "words of the server's discovery"


class Trickling(httpx.AsyncByteStream):
    """Always one byte more, so that no timeout from piece to piece ever ends it."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield b" "


async def test_an_answer_that_trickles_is_given_up(respx_mock: respx.MockRouter) -> None:
    respx_mock.get("https://fhir.test/x").mock(side_effect=lambda _: httpx.Response(200, stream=Trickling()))
    asking = Asking(True, 0.05, Patience(attempts=2, first_wait=0), allowed_from("https://fhir.test"))
    with pytest.raises(AccessRefused, match="did not answer it"):
        await asking.ask(
            Step.TOKEN, "it", "https://fhir.test", lambda http: http.build_request("GET", "https://fhir.test/x")
        )
    assert respx_mock.calls.call_count == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://fhir.test/r4", "is not https, as SMART Backend Services must be"),
        ("https://u:p@fhir.test/r4", "must have no user or password in it"),
    ],
)
async def test_an_address_that_does_not_go_with_it_stops_the_start(settings: Settings, url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        client_to(url, settings)
