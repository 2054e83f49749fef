"""What goes out over HTTP: FHIR JSON, and OperationOutcomes that repeat nothing of what was sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import orjson
from starlette.responses import Response

from adapter.answers.operation_outcome import operation_outcome
from adapter.errors import Issue
from adapter.evidence.references import Json
from adapter.notifications.model import NotUnderstood
from adapter.receiver.door import NotAdmitted
from adapter.receiver.refusal import Refusal
from adapter.sources.wire import FHIR_JSON


def refused(refusal: NotAdmitted | NotUnderstood | Refusal) -> Response:
    """A refusal with its status, and where it passes with the seconds after which to come again."""
    issues = refusal.issues if isinstance(refusal, Refusal) else [Issue(refusal.code, str(refusal))]
    seconds = None if isinstance(refusal, NotUnderstood) else refusal.retry_after
    return outcome(refusal.status, issues, None if seconds is None else retry_after(seconds))


def retry_after(seconds: float) -> dict[str, str]:
    """The header ``Retry-After``, in whole seconds."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def outcome(status: int, issues: Sequence[Issue], headers: dict[str, str] | None = None) -> Response:
    """An OperationOutcome with an HTTP status."""
    return fhir_json(operation_outcome(issues), status, headers)


def fhir_json(content: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource with an HTTP status."""
    return Response(orjson.dumps(content), status, headers, FHIR_JSON)
