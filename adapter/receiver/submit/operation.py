"""The HTTP side of ``POST /Claim/$submit``; https://hl7.org/fhir/R4/claim-operation-submit.html.

A Claim, a Bundle or the operation's Parameters come in, a ClaimResponse, a Bundle of them or an OperationOutcome goes
out. It asks for a secret of its own, and is off without one. Nothing is logged of what is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapter.errors import Issue
from adapter.logs import events
from adapter.notifications.model import NotUnderstood
from adapter.receiver.bodies import read_body
from adapter.receiver.door import Credentials, Door, NotAdmitted
from adapter.receiver.refusal import Refusal
from adapter.receiver.replies import fhir_json, outcome, refused
from adapter.receiver.submit.submitting import Answered

log = events.logger(__name__)

PATH = "/Claim/$submit"
NAME = "$submit"
"""By which the door knows it."""
MOST_AT_ONCE = 8
"""Submissions that may be under way; whoever comes beyond it is asked to come again."""
BUSY_SECONDS = 5.0
_JSON = frozenset({"application/fhir+json", "application/json", "application/json+fhir", "text/json"})
_PASSED_OVER = frozenset({"_format", "_pretty"})


class Submit:
    """The operation; without ``door`` it is off. ``answer`` decides a body, and raises ``Refusal``."""

    def __init__(self, door: Door | None, answer: Callable[[bytes], Awaitable[Answered]], *, most_bytes: int) -> None:
        self._door = door
        self._answer = answer
        self._most_bytes = most_bytes
        self._under_way = 0

    @property
    def on(self) -> bool:
        return self._door is not None

    def route(self) -> Route:
        return Route(PATH, self._submitted, methods=["POST"])

    async def _submitted(self, request: Request) -> Response:
        try:
            self._admit(request)
            return await self._one_of_few(request)
        except (NotAdmitted, NotUnderstood, Refusal) as refusal:
            return refused(refusal)
        except Exception as error:  # noqa: BLE001 - what goes up from here is logged whole, with what was sent
            log.error("submission.internal_error", failed=error)
            return outcome(500, [Issue("exception", "internal error")])

    def _admit(self, request: Request) -> None:
        if self._door is None:
            raise NotAdmitted(
                "Claim/$submit is off: its secret, ADAPTER_SUBMIT_SECRET, is not set", "not-found", status=404
            )
        self._door.check(NAME, Credentials(request.headers.get("authorization"), None), b"")
        _check_form(request)

    async def _one_of_few(self, request: Request) -> Response:
        if self._under_way >= MOST_AT_ONCE:
            raise NotAdmitted("too many submissions are under way", "throttled", status=429, retry_after=BUSY_SECONDS)
        self._under_way += 1
        try:
            body = await read_body(request, "the submission", self._most_bytes)
            status, resource = await self._answer(body)
        finally:
            self._under_way -= 1
        return fhir_json(resource, status)


def _check_form(request: Request) -> None:
    """What can be told before the body.

    Raises:
        NotUnderstood: 400 for a parameter that would change what is done, 415 for another type of content.
    """
    if not _PASSED_OVER.issuperset(request.query_params):
        problem = (
            "Claim/$submit takes no such parameter, and stores nothing: put the claim on the FHIR server, and the "
            "Subscription's notification, or `sync`, stores the same answer"
        )
        raise NotUnderstood(problem, "not-supported")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = request.headers.get("content-encoding", "identity").strip().lower() != "identity"
    if media_type not in _JSON or packed:
        raise NotUnderstood(
            "submissions are read as application/fhir+json only, and not packed", "not-supported", status=415
        )
