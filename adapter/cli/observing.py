"""What a command tells of itself while it runs, by the settings: metrics, traces, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import typer

from adapter.errors import UsageError
from adapter.metrics import table
from adapter.metrics.listening import listening
from adapter.metrics.meters import Meters
from adapter.metrics.page import PATH, Page, is_loopback
from adapter.metrics.standing import RunItems, Standing, Stored
from adapter.metrics.witnesses import RequestMeter, RunMeter
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings
from adapter.sources.fhir_client import FhirClient
from adapter.sources.witness import RequestWitness, RequestWitnesses
from adapter.sync.witness import NOBODY, Witness, Witnesses
from adapter.tracing import NO_SPANS, PassingOn, Spans


@dataclass(frozen=True)
class Observed:
    """Who hears of the runs of a command and of its requests."""

    settings: Settings
    run: Witness
    requests: Callable[[str], Sequence[RequestWitness]]
    """By the base URL of the server."""
    spans: Spans = NO_SPANS
    meters: Meters | None = None

    def watch(self, client: FhirClient) -> None:
        """Have the requests of a client heard of."""
        client.wire.witness = RequestWitnesses(self.requests(client.base))

    def stand(self, door: Callable[[], Mapping[str, int]], stored: Callable[[], Stored]) -> None:
        """Tell also what ``Standing`` does."""
        if self.meters is not None:
            self.meters.registry.register(Standing(self.meters.words, door, stored))

    def stand_runs(self, depth: Callable[[], Mapping[str, int]]) -> None:
        """Tell also what ``RunItems`` does."""
        if self.meters is not None:
            self.meters.registry.register(RunItems(self.meters.words, depth))

    def page(self, host: str) -> Page | None:
        """The page of metrics, as it is told at an address."""
        if self.meters is None:
            return None
        return Page(self.meters.registry, self.settings.metrics_token, guarded=not is_loopback(host))


@contextmanager
def observed(
    settings: Settings, adjudicator: Adjudicator, *, listens: bool = True, always: bool = False
) -> Iterator[Observed]:
    """Listen where ``ADAPTER_METRICS_PORT`` says, and send spans where ``ADAPTER_TRACES_URL`` says.

    Args:
        listens: whether the command runs for long, and so has somebody to read its metrics.
        always: whether it counts without a port of its own.

    Raises:
        UsageError: an address that is taken or not guarded, or traces without OpenTelemetry.
    """
    port = settings.metrics_port if listens else None
    with ExitStack() as stack:
        seen = _observed(settings, adjudicator, stack, counts=always or port is not None)
        page = seen.page(settings.metrics_host)
        if port is not None and page is not None:
            refuse_open(settings)
            at = stack.enter_context(listening(page, settings.metrics_host, port))
            typer.echo(f"Metrics at http://{settings.metrics_host}:{at}{PATH}", err=True)
        yield seen


def refuse_open(settings: Settings) -> None:
    """Raise UsageError where others than this machine could read the metrics, and no token is asked for."""
    if settings.metrics_token is None and not is_loopback(settings.metrics_host):
        raise UsageError("ADAPTER_METRICS_HOST lets other machines ask for metrics; set ADAPTER_METRICS_TOKEN as well.")


def _observed(settings: Settings, adjudicator: Adjudicator, stack: ExitStack, *, counts: bool) -> Observed:
    meters = Meters(adjudicator.book, table.OF_ALL) if counts else None
    meter = [RequestMeter(meters)] if meters else []
    runs: list[Witness] = [RunMeter(meters)] if meters else []
    if settings.traces_url is None:
        return Observed(settings, _one(runs), lambda _base: [*meter, PassingOn()], meters=meters)
    from adapter.metrics.spans import OtelSpans, RequestSpans, RunSpans, sending_to

    spans = OtelSpans(stack.enter_context(sending_to(settings.traces_url)))
    return Observed(
        settings, _one([*runs, RunSpans(spans)]), lambda base: [*meter, RequestSpans(spans, base)], spans, meters
    )


def _one(witnesses: Sequence[Witness]) -> Witness:
    return Witnesses(witnesses) if witnesses else NOBODY
