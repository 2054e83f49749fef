"""A trace goes from the notification through the inbox to the requests to the server; spans hold no identifiers."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from metrics.world import BASE, MARK, Fault, marked, run, story
from pydantic import SecretStr
from receiver.fhir_server import FhirServer

from adapter.errors import UsageError
from adapter.metrics.names_of_requests import template
from adapter.metrics.spans import OtelSpans, RequestSpans, RunSpans, sending_to
from adapter.notifications.model import Heard, Kind
from adapter.receiver.app import Receiver
from adapter.receiver.door import Door
from adapter.receiver.known import KnownSubscriptions
from adapter.receiver.submit.operation import Submit
from adapter.receiver.work.group_commit import GroupCommit
from adapter.receiver.work.inbox import _HEARD, Group, read_group
from adapter.receiver.work.worker import Worker
from adapter.sync.witness import NOBODY, Stage
from adapter.tracing import NO_SPANS, PassingOn, Spans, parent, parents, read_traceparent, within

TRACE, PARENT, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "a" * 32
ONE, TWO = f"00-{TRACE}-{PARENT}-01", f"00-{OTHER}-{PARENT}-00"
APPROVED = "0592t-approved"
ADAPTER = Path(__file__).parents[2] / "adapter"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        pytest.param([ONE], ONE, id="as it is written"),
        pytest.param([f" {ONE} "], ONE, id="with spaces around"),
        pytest.param([], None, id="absent"),
        pytest.param([ONE, TWO], None, id="twice"),
        pytest.param([""], None, id="empty"),
        pytest.param([ONE.upper()], None, id="capitals"),
        pytest.param([ONE[:-1]], None, id="too short"),
        pytest.param([ONE + "-more"], None, id="version 00 with more"),
        pytest.param([f"cc-{TRACE}-{PARENT}-01-more"], ONE, id="a later version with more"),
        pytest.param([f"ff-{TRACE}-{PARENT}-01"], None, id="the version that is none"),
        pytest.param([f"00-{'0' * 32}-{PARENT}-01"], None, id="no trace"),
        pytest.param([f"00-{TRACE}-{'0' * 16}-01"], None, id="no parent"),
        pytest.param([f"00-{TRACE}-{PARENT}-01\n"], ONE, id="a line end"),
        pytest.param(["John Smith 1970-01-01"], None, id="something else"),
    ],
)
def test_what_is_a_traceparent(sent: list[str], read: str | None) -> None:
    """https://www.w3.org/TR/trace-context/#traceparent-header."""
    assert read_traceparent(sent) == read


@pytest.mark.parametrize(
    ("came", "passed"),
    [
        pytest.param([], None, id="none"),
        pytest.param([None], None, id="none was sent"),
        pytest.param([ONE], ONE, id="one"),
        pytest.param([ONE, None, ONE], ONE, id="one, several times"),
        pytest.param([ONE, TWO], None, id="two, for a request has one parent"),
    ],
)
def test_what_is_passed_on(came: list[str | None], passed: str | None) -> None:
    request = httpx.Request("GET", BASE, headers={"traceparent": "of an attempt before"})
    with within(came), PassingOn().attempt(request, 2):
        assert request.headers.get("traceparent") == passed
    assert parents() == ()


def test_each_attempt_carries_it(tmp_path: Path) -> None:
    server, busy = FhirServer(), iter([httpx.Response(503)])
    server.put(*story(APPROVED))
    with within([ONE]):
        _, asked = run(server, NOBODY, PassingOn(), tmp_path, lambda _request: next(busy, None))
    assert {each.headers.get("traceparent") for each in asked} == {ONE}


# --- through the inbox


def test_it_is_stored_with_the_notification_and_costs_nothing_where_there_is_none() -> None:
    without, with_one = Heard("claims", 1.0), Heard("claims", 1.0, trace=ONE)
    assert _stored([without]) == '[{"name":"claims","at":1.0}]'
    assert len(_stored([with_one])) - len(_stored([without])) < 70
    assert read_group([], _stored([with_one])).heard == [with_one]


def _stored(heard: list[Heard]) -> str:
    return _HEARD.dump_json(heard, exclude_defaults=True).decode()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param({"traceparent": ONE}, ONE, id="a trace"),
        pytest.param({"traceparent": "nonsense"}, None, id="nonsense"),
        pytest.param({}, None, id="none"),
    ],
)
def test_the_receiver_keeps_it(sent: dict[str, str], kept: str | None) -> None:
    assert [each.trace for each in _received(sent, NO_SPANS)] == [kept]


def _received(headers: dict[str, str], spans: Spans) -> list[Heard]:
    """What is stored of one notification."""
    stored: list[Heard] = []

    async def nothing(_asked: Any) -> Any:
        return None

    def store(_hints: list[str], heard: list[Heard]) -> None:
        stored.extend(heard)

    async def send() -> httpx.Response:
        door, known = Door({"claims": SecretStr("0123456789abcdef")}), KnownSubscriptions(nothing, None)
        receiver = Receiver(
            door,
            GroupCommit(store),
            known,
            lambda: nothing(None),
            frozenset({"Claim"}),
            most_bytes=5000,
            submit=Submit(None, nothing, most_bytes=5000),
            spans=spans,
        )
        transport = httpx.ASGITransport(receiver.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://adapter.test") as http:
            proof = {"Authorization": "Bearer 0123456789abcdef"}
            return await http.put("/subscriptions/claims/Claim/42", headers=proof | headers)

    assert asyncio.run(send()).status_code == 204
    return stored


class Inbox:
    """One with further groups in it."""

    def __init__(self, *groups: Group) -> None:
        self._groups = {str(number): group for number, group in enumerate(groups)}

    def waiting(self) -> dict[str, Group]:
        return self._groups

    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments: None


@pytest.mark.parametrize(
    ("groups", "seen"),
    [
        pytest.param([Group(["Claim/1"], [Heard("a", 1.0, trace=ONE)])], (ONE,), id="one"),
        pytest.param(
            [Group(["Claim/1"], [Heard("a", 1.0, trace=ONE)]), Group(["Claim/2"], [Heard("a", 2.0, trace=TWO)])],
            (ONE, TWO),
            id="two that are worked off together",
        ),
        pytest.param(
            [
                Group(["Claim/1"], [Heard("a", 1.0, trace=ONE)]),
                Group([], [Heard("a", 2.0, kind=Kind.HEARTBEAT, trace=TWO)]),
            ],
            (ONE,),
            id="a heartbeat led to nothing",
        ),
        pytest.param([Group(["Claim/1"], [Heard("a", 1.0)])], (), id="none"),
    ],
)
def test_the_worker_takes_it_up(tmp_path: Path, groups: Sequence[Group], seen: tuple[str, ...]) -> None:
    found: list[tuple[str, ...]] = []

    def reconcile(_hints: Sequence[str]) -> Mapping[str, str]:
        found.append(parents())
        return {}

    inbox: Any = Inbox(*groups[1:])
    Worker(f"sqlite:///{tmp_path}/x", inbox, reconcile, lambda _heard: None, "node")._work_off(groups[0])
    assert found == [seen]


# --- OpenTelemetry


def test_nobody_imports_opentelemetry_before_it_is_asked_for() -> None:
    lines = [line for path in ADAPTER.rglob("*.py") for line in path.read_text().splitlines()]
    beforehand = [line for line in lines if line.startswith(("import ", "from "))]
    assert [line for line in beforehand if "opentelemetry" in line or "adapter.metrics.spans" in line] == []
    assert [line for line in lines if line.strip().startswith("from opentelemetry")], "later somebody does"


def test_traces_without_the_extra_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    refused = pytest.raises(UsageError, match=r"pip install 'fhir-coaching-adapter\[otel\]'")
    with refused, sending_to("http://127.0.0.1:4318/v1/traces"):
        pass


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"{BASE}/Patient/17?name=x", "/Patient/{id}"),
        (f"{BASE}/Claim/17/_history/3", "/Claim/{id}/_history/{id}"),
        (f"{BASE}/Claim?patient=17", "/Claim"),
        (f"{BASE}/Claim/_search", "/Claim/_search"),
        (f"{BASE}/Subscription/17/$events?x=1", "/Subscription/{id}/$events"),
        (f"{BASE}/metadata", "/metadata"),
        (f"{BASE}/_history?_since=2026", "/_history"),
        (f"{BASE}/john.smith/Claim", "/{id}/{id}"),
        (f"{BASE}?_getpages=uuid", "/"),
        (BASE, "/"),
        (f"{BASE}x/Claim", "/{id}/{id}"),
        ("http://fhir.test/other/17", "/{id}/{id}"),
    ],
)
def test_what_a_request_is_called(url: str, shown: str) -> None:
    assert template(url, BASE) == shown


class Kept:
    """Spans of a provider of their own, as they end."""

    def __init__(self) -> None:
        trace = pytest.importorskip("opentelemetry.sdk.trace")
        export = pytest.importorskip("opentelemetry.sdk.trace.export")
        memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        self._memory = memory.InMemorySpanExporter()
        provider = trace.TracerProvider()
        provider.add_span_processor(export.SimpleSpanProcessor(self._memory))
        self.spans = OtelSpans(provider)

    @property
    def ended(self) -> list[Any]:
        return list(self._memory.get_finished_spans())


@pytest.fixture
def kept() -> Kept:
    return Kept()


def _run(kept: Kept, folder: Path, fault: Fault = lambda _request: None) -> list[httpx.Request]:
    server = FhirServer()
    server.put(*(marked(each) for each in story(APPROVED)))
    _, asked = run(server, RunSpans(kept.spans), RequestSpans(kept.spans, BASE), folder, fault)
    return asked


def test_spans_of_a_run(kept: Kept, tmp_path: Path) -> None:
    asked = _run(kept, tmp_path)
    by_id = {each.context.span_id: each for each in kept.ended}
    names = Counter(each.name for each in kept.ended)
    assert all(names[stage.value] == 1 for stage in Stage)
    for each in kept.ended:
        if each.name in set(Stage) - {Stage.RECONCILE}:
            assert by_id[each.parent.span_id].name == "reconcile"
    of_writes = {by_id[each.parent.span_id].name for each in kept.ended if each.name == "POST /" and each.parent}
    assert "write" in of_writes
    assert sum(n for name, n in names.items() if " " in name) == len(asked)


def test_the_server_is_told_of_the_span_of_its_request(kept: Kept, tmp_path: Path) -> None:
    asked = _run(kept, tmp_path)
    ids = {f"{each.context.span_id:016x}" for each in kept.ended if " " in each.name}
    assert {each.headers["traceparent"].split("-")[2] for each in asked} == ids
    assert len(ids) == len(asked)


def test_spans_hold_no_identifiers(kept: Kept, tmp_path: Path) -> None:
    asked = _run(kept, tmp_path, lambda request: httpx.Response(500) if "/Encounter" in request.url.path else None)
    said = "\n".join(each.to_json() for each in kept.ended)
    assert MARK not in said
    assert any(MARK in str(each.url) for each in asked)
    assert {each.attributes.get("http.response.status_code") for each in kept.ended if " " in each.name} >= {200, 500}


def test_a_fault_is_told_by_its_type_alone(kept: Kept) -> None:
    with pytest.raises(OSError, match="John Smith"), kept.spans.span("gather"):
        raise OSError("John Smith")
    (span,) = kept.ended
    assert (span.status.status_code.name, dict(span.attributes), span.events) == (
        "ERROR",
        {"error.type": "OSError"},
        (),
    )
    assert "Smith" not in span.to_json()


@pytest.mark.parametrize(
    ("came", "parent_id", "links"),
    [
        pytest.param([], None, 0, id="a trace of its own"),
        pytest.param([ONE], int(PARENT, 16), 0, id="a part of the caller's"),
        pytest.param([ONE, f"00-{OTHER}-{PARENT}-01"], None, 2, id="linked to several"),
    ],
)
def test_whose_part_a_span_is(kept: Kept, came: list[str], parent_id: int | None, links: int) -> None:
    with within(came), kept.spans.span("reconcile"):
        assert parent() is not None
    (span,) = kept.ended
    assert (span.parent.span_id if span.parent else None, len(span.links)) == (parent_id, links)
    assert (f"{span.context.trace_id:032x}" == TRACE) == (parent_id is not None)


def test_the_trace_of_an_unsampled_caller_is_not_recorded(kept: Kept) -> None:
    with within([TWO]), kept.spans.span("reconcile"):
        assert str(parent()).endswith("-00")
        assert str(parent()).split("-")[1] == OTHER
    assert kept.ended == []


def test_a_notification_is_a_span_and_what_is_stored_is_its_child(kept: Kept) -> None:
    (heard,) = _received({"traceparent": ONE}, kept.spans)
    (span,) = kept.ended
    assert (span.name, f"{span.context.trace_id:032x}", span.parent.span_id) == ("notification", TRACE, int(PARENT, 16))
    assert str(heard.trace).startswith(f"00-{TRACE}-{span.context.span_id:016x}-")


def test_a_second_attempt_says_so(kept: Kept, tmp_path: Path) -> None:
    busy = iter([httpx.Response(503)])
    _run(kept, tmp_path, lambda _request: next(busy, None))
    counts = [each.attributes.get("http.request.resend_count") for each in kept.ended if " " in each.name]
    assert Counter(counts)[1] == 1
    assert set(counts) == {None, 1}
