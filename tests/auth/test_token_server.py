"""The token endpoint of these tests is strict: each single fault is refused, for its own reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from auth.clients import KeyFile
from auth.token_server import ASSERTION_TYPE, CLIENT, TokenServer

from adapter.auth.keys import Algorithm, load_signing_key

Json = dict[str, Any]


class Request:
    """A request for a token that is right in every part, until a test spoils one."""

    def __init__(self, key: KeyFile, endpoint: str) -> None:
        self.private: Any = load_signing_key(key.path, "the key").private
        self.url, self.headers = endpoint, {"Content-Type": "application/x-www-form-urlencoded"}
        self.algorithm = "ES384"
        self.header: Json = {"kid": key.kid, "typ": "JWT"}
        self.claims: Json = {"iss": CLIENT, "sub": CLIENT, "aud": endpoint, "exp": int(time.time()) + 60, "jti": "one"}
        self.form: Json = {
            "grant_type": "client_credentials",
            "scope": "system/*.read",
            "client_assertion_type": ASSERTION_TYPE,
        }
        self.more = ""

    def send(self) -> httpx.Response:
        assertion = jwt.encode(self.claims, self.private, self.algorithm, self.header)
        form = httpx.QueryParams({"client_assertion": assertion, **self.form})
        return httpx.post(self.url, content=f"{form}{self.more}", headers=self.headers, trust_env=False)


@pytest.fixture
def request_(key: KeyFile, url: str) -> Request:
    return Request(key, f"{url.removesuffix('/fhir')}/token")


def _claim(name: str, value: Any) -> Callable[[Request], None]:
    return lambda request: request.claims.update({name: value})


def _form(name: str, value: str) -> Callable[[Request], None]:
    return lambda request: request.form.update({name: value})


def _header(name: str, value: str) -> Callable[[Request], None]:
    return lambda request: request.header.update({name: value})


def _now(seconds: float) -> Callable[[Request], None]:
    return lambda request: request.claims.update({"exp": int(time.time() + seconds)})


def _another_key(request: Request) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    request.private = ec.generate_private_key(ec.SECP384R1())


def _shared_secret(request: Request) -> None:
    request.private, request.algorithm = "0" * 48, "HS384"


def _none(request: Request) -> None:
    request.private, request.algorithm = None, "none"


def test_a_request_that_is_right_gets_a_token(request_: Request, server: TokenServer) -> None:
    answer = request_.send()
    assert (answer.status_code, answer.json()["token_type"], server.refusals) == (200, "bearer", [])


@pytest.mark.parametrize(
    ("spoil", "error", "reason"),
    [
        pytest.param(
            lambda r: r.headers.update({"Content-Type": "application/json"}), "invalid_request", "content type"
        ),
        pytest.param(lambda r: r.headers.update({"Authorization": "Basic eA=="}), "invalid_request", "a second way"),
        pytest.param(_form("grant_type", "password"), "unsupported_grant_type", "grant type"),
        pytest.param(_form("client_assertion_type", "jwt"), "invalid_request", "assertion type"),
        pytest.param(_form("client_id", CLIENT), "invalid_request", "other parameters"),
        pytest.param(lambda r: setattr(r, "more", "&scope=x"), "invalid_request", "a parameter twice"),
        pytest.param(_form("scope", "system/Patient.write"), "invalid_scope", "a scope that is not"),
        pytest.param(_header("kid", "another"), "invalid_client", "kid"),
        pytest.param(_header("typ", "at+jwt"), "invalid_client", "typ"),
        pytest.param(_shared_secret, "invalid_client", "alg"),
        pytest.param(_none, "invalid_client", "alg"),
        pytest.param(_another_key, "invalid_client", "signature"),
        pytest.param(_claim("iss", "another"), "invalid_client", "iss and sub"),
        pytest.param(_claim("sub", "another"), "invalid_client", "iss and sub"),
        pytest.param(_claim("aud", "http://127.0.0.1/token/"), "invalid_client", "aud"),
        pytest.param(_claim("exp", "soon"), "invalid_client", "exp"),
        pytest.param(_now(-5), "invalid_client", "exp"),
        pytest.param(_now(320), "invalid_client", "exp"),
        pytest.param(_claim("jti", ""), "invalid_client", "jti"),
        pytest.param(lambda r: r.claims.pop("jti"), "invalid_client", "claims"),
    ],
)
def test_a_single_fault_is_refused(
    request_: Request, server: TokenServer, spoil: Callable[[Request], None], error: str, reason: str
) -> None:
    server.registered = {"system/*.read"}
    spoil(request_)
    answer = request_.send()
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert server.refusals[0].startswith(reason)
    assert server.valid == []


def test_an_assertion_counts_once(request_: Request, server: TokenServer) -> None:
    assert [request_.send().status_code for _ in range(2)] == [200, 400]
    assert server.refusals == ["replay"]


def test_each_algorithm_is_known(keys: dict[Algorithm, KeyFile]) -> None:
    assert {key.jwks["keys"][0]["alg"] for key in keys.values()} == {"RS384", "ES384"}
