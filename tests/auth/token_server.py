"""A strict authorization server, and the FHIR server that it guards.

It refuses, with the errors of RFC 6749 and a reason for the test, whatever is not to the letter of SMART App Launch 2
(Backend Services, asymmetric client authentication) or of RFC 7523.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import jwt
from jwt.types import Options
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

Json = dict[str, Any]
CLIENT = "coaching-adapter-client"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = {"grant_type", "scope", "client_assertion_type", "client_assertion"}
CLAIMS = {"iss", "sub", "aud", "exp", "jti"}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}
LONGEST = 300
ONLY_SIGNED: Options = {
    "verify_exp": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class Unfit(Exception):
    """A fault of a request for a token."""

    def __init__(self, error: str, reason: str, status: int = 400) -> None:
        self.error, self.reason, self.status = error, reason, status
        super().__init__(reason)


def demand(true: object, error: str, reason: str) -> None:
    if not true:
        raise Unfit(error, reason)


class TokenServer:
    """Grants tokens to one client by its registered JWK Set, and lets those who hold one through to ``guarded``."""

    def __init__(self, jwks: Json, guarded: ASGIApp | None = None, *, client: str = CLIENT) -> None:
        assert not any(PRIVATE & key.keys() for key in jwks["keys"]), "a private key was registered"
        self.client, self.keys = client, {key["kid"]: key for key in jwks["keys"]}
        self.guarded = guarded or _nothing
        self.told: Json = {}
        """What the SMART configuration says otherwise; None leaves a member out."""
        self.registered: set[str] | None = None
        """Scopes that may be asked for; None: any."""
        self.granted: Callable[[str], str | None] = lambda asked: asked
        self.answer: Json = {}
        """What the answer with a token says otherwise; None leaves a member out."""
        self.instead: list[Response] = []
        """What the token endpoint answers first, whatever it is sent."""
        self.discovery_instead: list[Response] = []
        self.may: Callable[[Request], bool] = lambda _request: True
        """What those who hold a token may do; else 403."""
        self.uses: int | None = None
        """How many requests a token is good for."""
        self.valid: list[str] = []
        self.seen: set[str] = set()
        """Every jti."""
        self.forms: list[Json] = []
        self.refusals: list[str] = []
        self.paths: list[str] = []
        self.unauthorized = 0
        self.used: Counter[str] = Counter()

    def app(self) -> ASGIApp:
        return self

    @property
    def asked(self) -> list[str]:
        """The scopes asked for, the last time."""
        return str(self.forms[-1]["scope"]).split()

    def revoke(self) -> None:
        self.valid.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path = request.url.path
        self.paths.append(path)
        if path.endswith("/.well-known/smart-configuration"):
            reply: ASGIApp = self._discovery(request)
        elif path == "/token":
            reply = await self._token(request)
        elif not self._lets_in(request.headers.get("Authorization", "")):
            self.unauthorized += 1
            reply = Response(status_code=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        else:
            reply = self.guarded if self.may(request) else Response(status_code=403)
        await reply(scope, receive, send)

    def _lets_in(self, header: str) -> bool:
        kind, _, token = header.partition(" ")
        if kind != "Bearer" or token not in self.valid:
            return False
        self.used[token] += 1
        if self.used[token] == self.uses:
            self.valid.remove(token)
        return True

    def _discovery(self, request: Request) -> Response:
        if self.discovery_instead:
            return self.discovery_instead.pop(0)
        told = {
            "token_endpoint": _endpoint(request),
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "scopes_supported": ["system/*.read"],
            "capabilities": ["client-confidential-asymmetric", "permission-v1"],
        }
        sent = {name: value for name, value in (told | self.told).items() if value is not None}
        fine = request.method == "GET" and request.headers["Accept"] == "application/json"
        return JSONResponse(sent) if fine and "Authorization" not in request.headers else Response(status_code=406)

    async def _token(self, request: Request) -> Response:
        body = (await request.body()).decode()
        if self.instead:
            self._note(body)
            return self.instead.pop(0)
        try:
            return JSONResponse(self._granted(request, body), headers={"Cache-Control": "no-store"})
        except Unfit as unfit:
            self.refusals.append(unfit.reason)
            told = {"error": unfit.error, "error_description": "Jane Doe"}
            return JSONResponse(told, unfit.status, headers={"Cache-Control": "no-store"})

    def _note(self, body: str) -> None:
        """What was not looked into still counts: an assertion sent twice is refused the second time."""
        form = dict(parse_qsl(body))
        self.seen.add(jwt.decode(form["client_assertion"], options={"verify_signature": False})["jti"])

    def _granted(self, request: Request, body: str) -> Json:
        form = self._form(request, body)
        self._check_assertion(form["client_assertion"], _endpoint(request))
        self.forms.append(form)
        asked = form["scope"].split()
        fine = asked and (self.registered is None or self.registered.issuperset(asked))
        demand(fine, "invalid_scope", "a scope that is not registered")
        token = f"token-{len(self.forms)}"
        self.valid.append(token)
        answer = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 300,
            "scope": self.granted(form["scope"]),
        }
        return {name: value for name, value in (answer | self.answer).items() if value is not None}

    def _form(self, request: Request, body: str) -> dict[str, str]:
        demand(request.method == "POST", "invalid_request", "no POST")
        demand(
            request.headers.get("Content-Type") == "application/x-www-form-urlencoded",
            "invalid_request",
            "content type",
        )
        demand("Authorization" not in request.headers, "invalid_request", "a second way to authenticate")
        pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        demand(len(pairs) == len(form), "invalid_request", "a parameter twice")
        demand(form.keys() == FORM, "invalid_request", "other parameters than those that are due")
        demand(form["grant_type"] == "client_credentials", "unsupported_grant_type", "grant type")
        demand(form["client_assertion_type"] == ASSERTION_TYPE, "invalid_request", "assertion type")
        return form

    def _check_assertion(self, assertion: str, endpoint: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
            key = self.keys.get(header.get("kid", ""))
            demand(key, "invalid_client", "kid")
            assert key is not None
            demand(header.get("typ") == "JWT", "invalid_client", "typ")
            demand(header.get("alg") == key["alg"], "invalid_client", "alg")
            demand(key["alg"] in ("RS384", "ES384"), "invalid_client", "alg")
            # PyJWT's own tests of claims are off: those below are stricter, and each names its reason.
            claims = jwt.decode(assertion, jwt.PyJWK(key), algorithms=[key["alg"]], options=ONLY_SIGNED)
        except jwt.InvalidTokenError as error:
            raise Unfit("invalid_client", "signature") from error
        self._check_claims(claims, endpoint)

    def _check_claims(self, claims: Json, endpoint: str) -> None:
        now = time.time()
        demand(claims.keys() >= CLAIMS, "invalid_client", "claims")
        demand(claims["iss"] == claims["sub"] == self.client, "invalid_client", "iss and sub")
        demand(claims["aud"] == endpoint, "invalid_client", "aud")
        demand(isinstance(claims["exp"], int), "invalid_client", "exp")
        demand(now < claims["exp"] <= now + LONGEST, "invalid_client", "exp")
        demand(isinstance(claims["jti"], str) and claims["jti"], "invalid_client", "jti")
        demand(claims["jti"] not in self.seen, "invalid_client", "replay")
        self.seen.add(claims["jti"])


def _endpoint(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers['Host']}/token"


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """A FHIR server with one resource, whatever it is asked."""
    found = {"resourceType": "Claim", "id": "a"}
    await JSONResponse(found, media_type="application/fhir+json")(scope, receive, send)
