"""``serve`` in this process, but for uvicorn: a notification is counted at the door, in the queue and as an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from answers.story_stages import shipped
from metrics.world import Http, Samples, asking, read, story
from pydantic import SecretStr
from receiver.fhir_server import FhirServer, listening
from starlette.requests import Request
from starlette.responses import Response

from adapter.cli.commands import Choice
from adapter.cli.observing import observed
from adapter.cli.serving import _guarded, _receiver, _stored, _working
from adapter.metrics import table
from adapter.settings import Settings

SECRET = "0123456789abcdef"
APPROVED = "0592t-approved"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Listening(FhirServer):
    """Keeps the ``traceparent`` of what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.traces: list[str | None] = []

    async def _answer(self, request: Request) -> Response:
        self.traces.append(request.headers.get("traceparent"))
        return await super()._answer(request)


@contextmanager
def serving(url: str, folder: Path) -> Iterator[Http]:
    secrets = {"claims": SecretStr(SECRET)}
    settings = Settings.model_construct(ledger=folder / "ledger.sqlite", subscription_secrets=secrets)
    choice = Choice(url, (), "auto", "table", datetime.now(UTC))
    with (
        observed(settings, shipped(), always=True) as seen,
        _working(choice, settings, shipped(), seen) as service,
    ):
        receiver = _receiver(settings, shipped(), service, seen.spans)
        seen.stand(lambda: receiver.counts, lambda: _stored(service))
        with asking(_guarded(settings, receiver, seen.page("127.0.0.1"))) as http:
            yield http


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def value(found: Samples, metric: table.Metric, **labels: str) -> float:
    return found[metric.name, frozenset(labels.items())]


def test_a_notification_from_the_door_to_the_answer(tmp_path: Path) -> None:
    server = Listening()
    with listening(server) as url, serving(url, tmp_path) as http:

        def page() -> Samples:
            return read(http("GET", "/metrics").text)

        server.put(*story(APPROVED))
        headers = {"Authorization": f"Bearer {SECRET}", "traceparent": TRACE}
        assert http("PUT", f"/subscriptions/claims/Claim/{APPROVED}", headers).status_code == 204
        assert http("PUT", f"/subscriptions/claims/Claim/{APPROVED}").status_code == 401
        until(lambda: TRACE in server.traces)
        until(lambda: value(page(), table.ANSWERS, action="created") == 1)
        found = page()
        assert value(found, table.NOTIFICATIONS, result="received") == 1
        assert value(found, table.NOTIFICATIONS, result="refused") == 1
        assert value(found, table.DATABASE_UP) == 1
        assert value(found, table.DEAD_LETTERS) == 0
        assert value(found, table.LINES, decision="approve") >= 1
        assert value(found, table.REQUESTS, method="GET", code="200") >= 2
        assert found[f"{table.LAG.name}_count", frozenset()] == 1
    assert set(server.traces) <= {TRACE, None}
