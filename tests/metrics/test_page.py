"""Who gets the page, in which form, and what it tells of the door and the database."""

from __future__ import annotations

import re
import socket

import httpx
import pytest
from answers.story_stages import shipped
from metrics.world import asking, new_meters, of_serve, of_worker, samples, text_of, told, total
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.applications import Starlette

from adapter.cli.observing import observed, refuse_open
from adapter.errors import UsageError
from adapter.metrics import table
from adapter.metrics.listening import listening as metrics_at
from adapter.metrics.page import Page, is_loopback
from adapter.metrics.route import metrics_route
from adapter.metrics.standing import KEPT_SECONDS, Stored
from adapter.metrics.table import Kind
from adapter.settings import Settings, load_settings

TOKEN = SecretStr("metrics-0123456789")
NOTHING = Stored({}, {})


# --- what is told


def test_the_page_is_what_prometheus_reads_and_says_what_the_table_says() -> None:
    pages = [text_of(of_serve({}, lambda: NOTHING)), text_of(of_worker(dict))]
    families = {each.name: each for page in pages for each in text_string_to_metric_families(page)}
    for metric in table.TABLE:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
    assert {each.removesuffix("_total") for each in table.OF_THE_PROCESS} >= families.keys() - {
        each.name.removesuffix("_total") for each in table.TABLE
    }


@pytest.mark.parametrize("metric", table.TABLE, ids=lambda each: each.name)
def test_names_are_as_prometheus_asks(metric: table.Metric) -> None:
    """https://prometheus.io/docs/practices/naming/."""
    assert re.fullmatch(r"coaching_adapter_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_seconds") == (metric.kind is Kind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert metric.help.endswith(".")
    assert set(metric.labels) <= table.LABELS.keys()


def test_each_label_is_used_and_no_word_stands_twice() -> None:
    assert {label for each in table.TABLE for label in each.labels} == table.LABELS.keys()
    for words in table.LABELS.values():
        assert words is None or len(set(words)) == len(words)


def test_policies_are_told_with_their_versions() -> None:
    loaded = {(each.header.policy, str(each.header.version)) for each in shipped().book.policies.values()}
    found = [dict(labels) for (name, labels), _ in samples(new_meters()).items() if name == table.POLICY.name]
    assert {(each["policy"], each["policy_version"]) for each in found} == loaded


def test_what_can_be_counted_is_there_with_0_from_the_start() -> None:
    found = samples(new_meters())
    assert found[table.LINES.name, frozenset({("decision", "pend")})] == 0
    assert found[f"{table.STAGES.name}_count", frozenset({("stage", "write")})] == 0
    assert found[table.UNANSWERED.name, frozenset()] == 0


def test_two_processes_in_one_know_nothing_of_each_other() -> None:
    one, other = new_meters(), new_meters()
    one.count(table.LINES, decision="deny")
    assert (total(one, table.LINES), total(other, table.LINES)) == (1, 0)


# --- the door and the database


def test_what_came_to_the_door_and_what_the_database_has() -> None:
    depth = {"waiting": 3, "in_hand": 1, "failed": 2}
    events = {"received": 9, "duplicates": 4, "gaps": 2, "recovered": 1, "restarts": 0, "open": 5}
    meters = of_serve({"received": 7, "throttled": 2, "odd": 1}, lambda: Stored(depth, events))
    assert told(meters, table.NOTIFICATIONS, "result") == {"received": 7, "throttled": 2, "other": 1}
    assert told(meters, table.EVENTS, "event") == {"received": 9, "duplicate": 4, "gap": 2, "recovered": 1}
    assert told(meters, table.QUEUE, "state") == {"waiting": 3, "in_hand": 1}
    assert [total(meters, each) for each in (table.DEAD_LETTERS, table.EVENTS_OPEN, table.DATABASE_UP)] == [2, 5, 1]


def test_a_database_that_is_away_is_told_and_nothing_is_made_up() -> None:
    def away() -> Stored:
        raise OSError("gone")

    meters = of_serve({"received": 7}, away)
    names = {name for name, _ in samples(meters)}
    assert total(meters, table.DATABASE_UP) == 0
    assert told(meters, table.NOTIFICATIONS, "result") == {"received": 7}
    assert names & {table.QUEUE.name, table.DEAD_LETTERS.name, table.EVENTS.name} == set()


def test_the_database_is_asked_no_more_often_than_every_few_seconds() -> None:
    asked, now = [0.0], [0.0]

    def stored() -> Stored:
        asked.append(now[0])
        return Stored({"failed": len(asked)}, {})

    meters = of_serve({}, stored, lambda: now[0])
    for now[0] in (0.0, 1.0, KEPT_SECONDS, KEPT_SECONDS + 0.1):
        text_of(meters)
    assert asked[1:] == [0.0, KEPT_SECONDS + 0.1]


def test_items_of_runs() -> None:
    def away() -> dict[str, int]:
        raise OSError("gone")

    meters = of_worker(lambda: {"waiting": 3, "in_hand": 1})
    assert told(meters, table.RUN_ITEMS, "state") == {"waiting": 3, "in_hand": 1}
    assert total(meters, table.DATABASE_UP) == 1
    assert table.RUN_ITEMS.name not in {name for name, _ in samples(of_worker(away))}


# --- who may read it


@pytest.mark.parametrize(
    ("token", "guarded", "shown", "status"),
    [
        pytest.param(None, False, None, 200, id="only this machine asks"),
        pytest.param(None, True, None, 403, id="others could, and there is no token"),
        pytest.param(None, True, "Bearer ", 403, id="nor can one be guessed"),
        pytest.param(TOKEN, False, None, 401, id="a token is asked for"),
        pytest.param(TOKEN, True, "Bearer metrics-0123456789", 200, id="the token"),
        pytest.param(TOKEN, True, "bearer metrics-0123456789", 200, id="the scheme in small letters"),
        pytest.param(TOKEN, True, "Bearer metrics-012345678", 403, id="almost"),
        pytest.param(TOKEN, True, "Basic metrics-0123456789", 403, id="another scheme"),
        pytest.param(TOKEN, True, "Bearer ü", 403, id="not ASCII"),
    ],
)
def test_who_may_read(token: SecretStr | None, guarded: bool, shown: str | None, status: int) -> None:
    reply = Page(new_meters().registry, token, guarded=guarded).reply(shown, None)
    assert reply.status == status
    assert (b"coaching_adapter" in reply.body) == (status == 200)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.7", False),
        ("adapter.example.org", False),
    ],
)
def test_only_loopback_is_our_own(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours
    settings = Settings.model_construct(metrics_host=host, metrics_token=None)
    if ours:
        refuse_open(settings)
    else:
        with pytest.raises(UsageError, match="ADAPTER_METRICS_TOKEN"):
            refuse_open(settings)
    refuse_open(Settings.model_construct(metrics_host=host, metrics_token=TOKEN))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        pytest.param(None, "text/plain", id="nothing asked"),
        pytest.param("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", id="OpenMetrics"),
    ],
)
def test_the_form_that_is_asked_for(accept: str | None, form: str) -> None:
    reply = Page(new_meters().registry, None, guarded=False).reply(None, accept)
    assert reply.media_type.startswith(form)


# --- at addresses


def test_a_port_of_its_own() -> None:
    page = Page(new_meters().registry, TOKEN, guarded=True)
    with metrics_at(page, "127.0.0.1", 0) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        good = http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN.get_secret_value()}"})
        found = [http.get("/metrics").status_code, http.get("/").status_code, http.post("/metrics").status_code]
        assert (good.status_code, found) == (200, [401, 404, 501])
        assert good.headers["server"] == "coaching-adapter"
        assert "coaching_adapter_build_info" in good.text


def test_a_port_that_is_taken_is_told() -> None:
    page = Page(new_meters().registry, None, guarded=False)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(UsageError, match="ADAPTER_METRICS_PORT"),
        metrics_at(page, "127.0.0.1", taken.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize(("path", "status"), [("/metrics", 200), ("/metrics?x=1", 200), ("/metrics/x", 404)])
def test_the_route(path: str, status: int) -> None:
    app = Starlette(routes=[metrics_route(Page(new_meters().registry, None, guarded=False))])
    with asking(app) as http:
        assert (http("GET", path).status_code, http("POST", "/metrics").status_code) == (status, 405)


@pytest.mark.parametrize(
    ("port", "listens", "always", "counts"),
    [
        pytest.param(None, True, False, False, id="off by default"),
        pytest.param(None, True, True, True, id="serve has an address anyway"),
        pytest.param(0, True, False, True, id="a port"),
        pytest.param(0, False, False, False, id="a command that is soon over"),
    ],
)
def test_what_the_settings_switch_on(port: int | None, listens: bool, always: bool, counts: bool) -> None:
    settings = Settings.model_construct(metrics_port=port)
    with observed(settings, shipped(), listens=listens, always=always) as seen:
        assert (seen.meters is not None, seen.page("127.0.0.1") is not None) == (counts, counts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("ADAPTER_METRICS_PORT", "65536", id="no port"),
        pytest.param("ADAPTER_METRICS_PORT", "-1", id="below 0"),
        pytest.param("ADAPTER_METRICS_TOKEN", "fifteen-letters", id="a token that can be guessed"),
        pytest.param("ADAPTER_TRACES_URL", "127.0.0.1:4318", id="no address"),
        pytest.param("ADAPTER_TRACES_URL", "https://user:password@collector.example.org/v1/traces", id="a password"),
    ],
)
def test_a_wrong_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name) as raised:
        load_settings()
    assert value not in str(raised.value)
