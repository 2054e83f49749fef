"""The HTTP side of ``coaching-adapter serve``: notifications in, health out; ``submit`` has the operation.

A stored notification is answered 204: HAPI takes a 200 without a FHIR body for a failed delivery, and sends it again.
What is refused is answered by an OperationOutcome that repeats nothing of what was sent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.logs import events
from adapter.notifications.model import ANYTHING, Heard, Kind, Notification, NotUnderstood, Request
from adapter.notifications.requests import read_request
from adapter.receiver.bodies import Room, read_body
from adapter.receiver.capabilities import capability_statement
from adapter.receiver.door import Credentials, Door, NotAdmitted
from adapter.receiver.known import KnownSubscriptions
from adapter.receiver.replies import fhir_json, outcome, refused
from adapter.receiver.submit.operation import Submit
from adapter.receiver.work.group_commit import GroupCommit, NotStored
from adapter.tracing import HEADER, NO_SPANS, Spans, parent, read_traceparent, within

log = events.logger(__name__)

MOST_BODIES = 10
"""Bodies of the largest size that may be under way before their signature is known to be right."""
_WHAT = "the notification"
_METHODS = ["POST", "PUT", "DELETE"]
_RETRY_SECONDS = "5"
_CODES = {404: "not-found", 405: "not-supported", 413: "too-long"}


class Receiver:
    """Takes notifications in; ``inbox`` makes them durable.

    Args:
        totals: counts of what came and what was missed; None when the database cannot be reached.
        watched: the resource types that a decision can rest on; hints of others are dropped.
        most_bytes: of one body.
    """

    def __init__(
        self,
        door: Door,
        inbox: GroupCommit,
        known: KnownSubscriptions,
        totals: Callable[[], Awaitable[Mapping[str, int] | None]],
        watched: frozenset[str],
        *,
        most_bytes: int,
        submit: Submit,
        spans: Spans = NO_SPANS,
    ) -> None:
        self._door = door
        self._inbox = inbox
        self._known = known
        self._totals = totals
        self._watched = watched
        self._most_bytes = most_bytes
        self._submit = submit
        self._spans = spans
        self._unproven = Room(MOST_BODIES * most_bytes)
        self.counts: Counter[str] = Counter()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/metadata", self._metadata),
                Route("/health/live", _live),
                Route("/health/ready", self._ready),
                Route("/subscriptions/{name}", self._notified, methods=_METHODS),
                Route("/subscriptions/{name}/{path:path}", self._notified, methods=_METHODS),
                self._submit.route(),
            ],
            exception_handlers={HTTPException: _refused_by_route},
        )

    async def _notified(self, request: HttpRequest) -> Response:
        try:
            await self._take(request)
        except (NotAdmitted, NotUnderstood) as refusal:
            self.counts[_kind_of(refusal)] += 1
            return refused(refusal)
        except NotStored as problem:
            self.counts["not_stored"] += 1
            return outcome(503, [Issue("transient", str(problem))], {"Retry-After": _RETRY_SECONDS})
        except Exception as error:  # noqa: BLE001 - what goes up from here is logged whole, with what was sent
            self.counts["failed"] += 1
            log.error("notification.internal_error", failed=error)
            return outcome(500, [Issue("exception", "internal error")])
        self.counts["received"] += 1
        return Response(status_code=204)

    async def _take(self, request: HttpRequest) -> None:
        body, headers = await self._admitted(request), request.headers
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        deleted = headers.get("x-medplum-deleted-resource")
        path = request.path_params.get("path", "")
        notification = read_request(Request(request.method, path, body, media_type, deleted))
        with within([read_traceparent(headers.getlist(HEADER))]), self._spans.span("notification"):
            await self._keep(request.path_params["name"], notification)

    async def _keep(self, name: str, notification: Notification) -> None:
        heard = await self._heard(name, notification)
        hints = [each for each in notification.hints if self._matters(each)]
        if hints or notification.subscription is not None:
            await self._inbox.commit(hints, [heard])

    async def _heard(self, name: str, notification: Notification) -> Heard:
        """What is said of the Subscription, which must be one that notifies this address."""
        heard = Heard(name, time.time(), kind=notification.kind, trace=parent())
        if notification.subscription is None:
            return heard
        # Shaking hands, a server may not show the Subscription yet; and a handshake makes us read nothing.
        is_new = notification.kind is Kind.HANDSHAKE
        period = None if is_new else await self._known.period(name, notification.subscription)
        return replace(
            heard,
            subscription=notification.subscription,
            numbers=notification.numbers,
            since_start=notification.since_start,
            period=period,
        )

    def _matters(self, hint: str) -> bool:
        return hint == ANYTHING or hint.partition("/")[0] in self._watched

    async def _admitted(self, request: HttpRequest) -> bytes:
        """The body of a request that was let in; read before the door only where a signature is over all of it."""
        name = request.path_params["name"]
        shown = Credentials(request.headers.get("authorization"), request.headers.get("x-signature"))
        if shown.signature is None:
            self._door.check(name, shown, b"")
            return await read_body(request, _WHAT, self._most_bytes)
        self._door.secret_of(name)
        with self._unproven.for_body() as take:
            body = await read_body(request, _WHAT, self._most_bytes, take)
            self._door.check(name, shown, body)
        return body

    async def _metadata(self, _request: HttpRequest) -> Response:
        return fhir_json(capability_statement(submits=self._submit.on))

    async def _ready(self, _request: HttpRequest) -> Response:
        """Whether the next notification can be stored; after a failure that is found out by storing nothing."""
        totals = await self._totals()
        ready = totals is not None and (self._inbox.healthy or await self._can_write())
        status = "ready" if ready else "the database cannot be written"
        told = {"status": status, "notifications": dict(self.counts), "events": totals}
        return _health(told, 200 if ready else 503)

    async def _can_write(self) -> bool:
        try:
            await self._inbox.commit(())
        except NotStored:
            return False
        return True


def _kind_of(refusal: NotAdmitted | NotUnderstood) -> str:
    """What a refusal is counted as."""
    if refusal.code == "throttled":
        return "throttled"
    is_unknown = isinstance(refusal, NotAdmitted) and refusal.status == 404
    return "unknown_subscription" if is_unknown else "refused"


async def _live(_request: HttpRequest) -> Response:
    return _health({"status": "live"}, 200)


async def _refused_by_route(_request: HttpRequest, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return outcome(status, [Issue(_CODES.get(status, "processing"), "this address takes no such request")])


def _health(told: Json, status: int) -> Response:
    return Response(orjson.dumps(told), status, media_type="application/json")
