"""The command against a small server: the same end however often, ours alone, and no secret on any output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from command_line import Command, Result
from subscriptions.offers import R4, R4B, R5, basic_topic, statement, supports_profile, topic
from subscriptions.small_server import BASE, SmallServer

from adapter.notifications.model import Heard
from adapter.receiver.gaps.event_logs import EventLogs

Json = dict[str, Any]
OURS = "https://adapter.example.org/hooks"
SECRET = "secret-of-the-door"
CLAIMS = "https://server.example/topics/claims"
Run = Callable[..., Result]


@pytest.fixture
def subscribe(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with our settings; whatever it prints, no secret is in it."""
    monkeypatch.setenv("ADAPTER_PUBLIC_URL", OURS)
    monkeypatch.setenv("ADAPTER_SUBSCRIPTION_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "ledger.sqlite"))

    def run(*arguments: str) -> Result:
        result = command("subscribe", BASE, *arguments)
        assert SECRET not in result.stdout + result.stderr
        return result

    return run


def serving(respx_mock: respx.MockRouter, capabilities: Json, topics: list[Json] | None = None) -> SmallServer:
    server = SmallServer(capabilities, topics)
    respx_mock.route(url__startswith=BASE).mock(side_effect=server.answer)
    return server


def rows(result: Result) -> list[Json]:
    found: list[Json] = json.loads(result.stdout)
    return found


def done(result: Result) -> dict[str, str]:
    return {row["watches"]: row["done"] for row in rows(result)}


BY_CRITERIA = statement(R4)
CONDITIONAL = statement(R4, conditionalCreate=True)
R4_TOPIC = (statement(R4, **supports_profile()), [basic_topic(CLAIMS, "Claim")])
R5_TOPIC = (statement(R5, "SubscriptionTopic", conditionalCreate=True), [topic(CLAIMS, "Claim")])
SERVERS = [
    pytest.param(BY_CRITERIA, [], "Claim?", id="R4 by criteria"),
    pytest.param(CONDITIONAL, [], "Claim?", id="R4 with conditional create"),
    pytest.param(statement(R4B), [], "Claim?", id="R4B by criteria"),
    pytest.param(*R4_TOPIC, CLAIMS, id="R4 by topic"),
    pytest.param(statement(R4B, "SubscriptionTopic"), [topic(CLAIMS, "Claim")], CLAIMS, id="R4B by topic"),
    pytest.param(*R5_TOPIC, CLAIMS, id="R5"),
]


@pytest.mark.parametrize(("capabilities", "topics", "subject"), SERVERS)
def test_made_once_renewed_and_removed(
    subscribe: Run, respx_mock: respx.MockRouter, capabilities: Json, topics: list[Json], subject: str
) -> None:
    server = serving(respx_mock, capabilities, topics)
    first = subscribe("create", "--type", "Claim", "--days", "1", "--format", "json")
    assert (first.code, done(first)) == (0, {subject: "created"})
    again = subscribe("create", "--type", "Claim", "--days", "1", "--format", "json")
    assert (again.code, done(again)) == (0, {subject: "kept"})
    ((id, made),) = server.kept.items()
    assert SECRET in json.dumps(made)
    assert rows(again)[0]["headers"] == ["Authorization: ***"]
    assert [row["status"] for row in rows(subscribe("status", "--format", "json"))] == ["active"]
    assert done(subscribe("renew", "--days", "90", "--format", "json")) == {subject: "renewed"}
    assert server.kept[id]["end"] > made["end"]
    assert done(subscribe("delete", "--format", "json")) == {subject: "deleted"}
    assert server.kept == {}
    assert server.methods == ["POST", "PUT", "DELETE"]


def test_status_tells_what_was_heard_and_what_never_came(
    subscribe: Run, respx_mock: respx.MockRouter, tmp_path: Path
) -> None:
    server = serving(respx_mock, *R4_TOPIC)
    subscribe("create", "--type", "Claim")
    assert [row["heard"] for row in rows(subscribe("status", "--format", "json"))] == [{}]
    (id,) = server.kept
    with EventLogs(f"sqlite:///{tmp_path / 'notifications.sqlite'}") as logs:
        logs.note([Heard("all", 1.0, id, numbers=(number,)) for number in (1, 2, 2, 5)])
    (row,) = rows(subscribe("status", "--format", "json"))
    assert row["heard"] == {"received": 4, "duplicates": 1, "gaps": 0, "recovered": 0, "restarts": 0, "open": 2}
    assert "4 received, 1 duplicates, 2 open" in " ".join(subscribe("status").stdout.split())


@pytest.mark.parametrize("capabilities", [CONDITIONAL, R5_TOPIC[0]], ids=["R4", "R5"])
def test_two_runs_at_once_make_one(subscribe: Run, respx_mock: respx.MockRouter, capabilities: Json) -> None:
    """The other run comes in between the look at the list and the writing."""
    server = serving(respx_mock, capabilities, R5_TOPIC[1])

    def other_run_first(request: httpx.Request) -> None:
        if request.method == "POST" and not server.kept:
            server.keep(json.loads(request.content))

    server.before = other_run_first
    assert subscribe("create", "--type", "Claim").code == 0
    assert len(server.kept) == 1


@pytest.mark.parametrize("answer", [200, 400, 412])
def test_a_condition_that_the_server_does_not_understand_stops_nothing(
    subscribe: Run, respx_mock: respx.MockRouter, answer: int
) -> None:
    """It refuses the query, or passes over it and takes the Subscription of others for ours."""
    server = serving(respx_mock, CONDITIONAL)
    server.keep(by_hand("https://other.example/hooks"))
    server.before = lambda request: httpx.Response(answer) if "If-None-Exist" in request.headers else None
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "created"}
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "kept"}
    assert len(server.kept) == 2


@pytest.mark.parametrize("status", ["error", "off"])
def test_renew_starts_what_stopped(subscribe: Run, respx_mock: respx.MockRouter, status: str) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    server.kept["s1"] |= {"status": status, "error": "the endpoint of Jane Doe is down"}
    stopped = subscribe("status")
    assert stopped.code == 3
    assert f"Subscription/s1 is {status}; `renew` starts it again." in stopped.stderr
    assert "Jane" not in stopped.stdout + stopped.stderr
    assert subscribe("renew").code == 0
    assert server.kept["s1"]["status"] == "active"
    assert "error" not in server.kept["s1"]


def test_a_new_secret_changes_what_is_there(
    subscribe: Run, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    monkeypatch.setenv("ADAPTER_SUBSCRIPTION_SECRET", "another")
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "changed"}
    assert server.kept["s1"]["channel"]["header"] == ["Authorization: Bearer another"]


def test_less_payload_is_a_change_too(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim", "--payload", "full-resource")
    assert server.kept["s1"]["channel"]["payload"] == "application/fhir+json"
    subscribe("create", "--type", "Claim")
    assert "payload" not in server.kept["s1"]["channel"]


def test_a_server_that_changes_it_meanwhile_is_asked_again(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim", "--days", "1")
    before = server.kept["s1"]["end"]

    def activated_meanwhile(request: httpx.Request) -> None:
        if request.method == "PUT" and server.methods.count("PUT") == 1:
            server.keep(server.kept["s1"])

    server.before = activated_meanwhile
    assert subscribe("renew", "--days", "90").code == 0
    assert server.methods == ["POST", "PUT", "PUT"]
    assert server.kept["s1"]["end"] > before


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(httpx.Response(409), "somebody else keeps changing it", id="changed again and again"),
        pytest.param(httpx.Response(422), "answered 422 to an update", id="not to the server's liking"),
    ],
)
def test_what_is_refused_is_named(
    subscribe: Run, respx_mock: respx.MockRouter, answer: httpx.Response, said: str
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    server.before = lambda request: answer if request.method == "PUT" else None
    refused = subscribe("renew")
    assert refused.code == 3
    assert "Claim?: " in refused.stderr
    assert said in refused.stderr


def test_one_that_goes_while_it_is_renewed_is_named(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")

    def deleted_meanwhile(request: httpx.Request) -> httpx.Response | None:
        if request.method != "PUT":
            return None
        server.kept.clear()
        return httpx.Response(412)

    server.before = deleted_meanwhile
    gone = subscribe("renew")
    assert (gone.code, "somebody deleted it meanwhile" in gone.stderr) == (3, True)


def test_one_type_that_is_refused_does_not_hold_up_the_others(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    server.before = lambda request: httpx.Response(422) if b"Coverage?" in request.content else None
    result = subscribe("create", "--type", "Coverage", "--type", "Claim", "--format", "json")
    assert (result.code, done(result)) == (3, {"Coverage?": "refused", "Claim?": "created"})
    assert "Coverage?: " in result.stderr


def by_hand(endpoint: str, **more: Any) -> Json:
    channel = {"type": "rest-hook", "endpoint": endpoint, "header": [f"X-Key: {SECRET}", SECRET]}
    return {"resourceType": "Subscription", "status": "active", "reason": "theirs", "criteria": "Claim?"} | {
        "channel": channel,
        **more,
    }


def test_what_others_made_is_shown_when_it_leads_to_us_and_never_removed(
    subscribe: Run, respx_mock: respx.MockRouter
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    for endpoint in (OURS, f"{OURS}/main?key={SECRET}", f"{OURS}-of-others", "https://other.example/hooks"):
        server.keep(by_hand(endpoint))
    server.keep({"resourceType": "Subscription", "status": "active", "channel": "nonsense", "criteria": 1})
    listed = rows(subscribe("list", "--format", "json"))
    assert [(row["endpoint"], row["made_by_us"], row["headers"]) for row in listed] == [
        (OURS, False, ["X-Key: ***", "***"]),
        (f"{OURS}/main", False, ["X-Key: ***", "***"]),
    ]
    assert "not made by us" in subscribe("list").stdout
    assert done(subscribe("delete", "--format", "json")) == {}
    assert done(subscribe("renew", "--format", "json")) == {}
    assert server.methods == []


def test_create_takes_over_what_leads_to_our_endpoint_already(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    server.keep(by_hand(OURS))
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "changed"}
    assert done(subscribe("delete", "--format", "json")) == {"Claim?": "deleted"}
    assert server.kept == {}


def test_ours_is_known_by_its_reason_where_the_identifier_got_lost(
    subscribe: Run, respx_mock: respx.MockRouter
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    del server.kept["s1"]["extension"]
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "kept"}
    assert done(subscribe("delete", "--format", "json")) == {"Claim?": "deleted"}


def test_endpoints_are_kept_apart(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, CONDITIONAL)
    subscribe("create", "--type", "Claim")
    subscribe("create", "--type", "Claim", "--endpoint", f"{OURS}/main")
    assert len(server.kept) == 2
    subscribe("delete", "--endpoint", f"{OURS}/main")
    assert [each["channel"]["endpoint"] for each in server.kept.values()] == [OURS]


def r4_status(code: str, events: str, *errors: str) -> Json:
    concepts = [{"name": "error", "valueCodeableConcept": {"coding": [{"code": each}]}} for each in errors]
    parameters = [
        {"name": "status", "valueCode": code},
        {"name": "events-since-subscription-start", "valueString": events},
        *concepts,
    ]
    return bundled({"resourceType": "Parameters", "parameter": parameters})


def r5_status(code: str, events: str, *errors: str) -> Json:
    concepts = [{"coding": [{"code": each}]} for each in errors]
    counted = {"status": code, "eventsSinceSubscriptionStart": events, "error": concepts}
    return bundled({"resourceType": "SubscriptionStatus", **counted})


def bundled(resource: Json) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource}]}


@pytest.mark.parametrize("status_of", [r4_status, r5_status])
def test_status_is_the_servers_own_word(
    subscribe: Run, respx_mock: respx.MockRouter, status_of: Callable[..., Json]
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    server.status_answer = httpx.Response(200, json=status_of("error", "12", "no-response", "words of Jane Doe"))
    result = subscribe("status", "--format", "json")
    (row,) = rows(result)
    assert (result.code, row["status"], row["events"], row["errors"]) == (3, "error", 12, ["no-response"])
    assert "error (no-response)" in result.stderr
    server.status_answer = httpx.Response(200, json=status_of("active", "13"))
    table = subscribe("status")
    assert (table.code, " 13 " in table.stdout) == (0, True)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(501), id="not supported"),
        pytest.param(httpx.Response(200, json=bundled({"resourceType": "Patient"})), id="another resource"),
        pytest.param(httpx.Response(200, json={"resourceType": "Bundle", "entry": "none"}), id="no entries"),
    ],
)
def test_without_an_own_word_the_resource_tells(
    subscribe: Run, respx_mock: respx.MockRouter, answer: httpx.Response
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    server.status_answer = answer
    (row,) = rows(subscribe("status", "--format", "json"))
    assert (row["status"], row["events"]) == ("active", None)


def test_status_of_nothing_is_no_success(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    serving(respx_mock, BY_CRITERIA)
    result = subscribe("status", "--format", "json")
    assert (result.code, rows(result)) == (3, [])
    assert "`create` makes them" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("create", "--endpoint", "https://evil.example/hooks"), "no address of ours", id="not ours"),
        pytest.param(("delete", "--endpoint", "https://evil.example/hooks"), "no address of ours", id="also to delete"),
        pytest.param(("create", "--type", "claims!"), "no resource type", id="no type"),
        pytest.param(("create", "--by", "criteria", "--topic", CLAIMS), "--by criteria asks for none", id="both"),
    ],
)
def test_wrong_usage_is_exit_code_2_before_any_request(
    subscribe: Run, respx_mock: respx.MockRouter, arguments: tuple[str, ...], said: str
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    result = subscribe(*arguments)
    assert (result.code, said in result.stderr) == (2, True)
    assert server.requests == []


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_server_that_refuses_us_is_exit_code_4(subscribe: Run, respx_mock: respx.MockRouter, status: int) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    server.before = lambda _: httpx.Response(status)
    assert [subscribe(action).code for action in ("create", "list", "status", "renew", "delete")] == [4] * 5


def test_topics_that_may_not_be_read_leave_the_criteria(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, R4_TOPIC[0])
    server.before = lambda request: httpx.Response(400) if request.url.path == "/fhir/Basic" else None
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "created"}


def test_an_address_that_others_can_read_on_the_way_is_told_of(
    subscribe: Run, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving(respx_mock, BY_CRITERIA)
    assert subscribe("create", "--type", "Claim").stderr == ""
    monkeypatch.setenv("ADAPTER_PUBLIC_URL", "http://adapter.internal/hooks")
    assert "plain http" in subscribe("create", "--type", "Claim").stderr


def test_without_a_secret_nothing_is_made_or_changed(
    subscribe: Run, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    monkeypatch.delenv("ADAPTER_SUBSCRIPTION_SECRET")
    result = subscribe("create", "--type", "Claim")
    assert (result.code, "ADAPTER_SUBSCRIPTION_SECRET is not set" in result.stderr) == (2, True)
    assert server.methods == ["POST"]


@pytest.mark.parametrize("status", ["error", "off"])
def test_create_starts_ours_again(subscribe: Run, respx_mock: respx.MockRouter, status: str) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    server.kept["s1"] |= {"status": status, "error": "unreachable"}
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "renewed"}
    assert server.kept["s1"]["status"] == "active"
    assert "error" not in server.kept["s1"]


@pytest.mark.parametrize(("conflicts", "code", "left"), [(2, 0, 0), (3, 3, 1)])
def test_a_server_that_is_busy_with_it_is_asked_again_to_delete_it(
    subscribe: Run,
    respx_mock: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    conflicts: int,
    code: int,
    left: int,
) -> None:
    monkeypatch.setattr("adapter.subscriptions.manage.SECONDS_BETWEEN_TRIES", (0.0, 0.0))
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    answers = iter([httpx.Response(409)] * conflicts)
    server.before = lambda request: next(answers, None) if request.method == "DELETE" else None
    assert subscribe("delete").code == code
    assert len(server.kept) == left


def test_ours_comes_before_what_another_pointed_here(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    subscribe("create", "--type", "Claim")
    server.keep({**by_hand(OURS), "id": "a-first"})
    assert done(subscribe("create", "--type", "Claim", "--format", "json")) == {"Claim?": "kept"}
    subscribe("delete")
    assert [each["reason"] for each in server.kept.values()] == ["theirs"]


def test_what_is_not_on_the_server_has_no_status(subscribe: Run, respx_mock: respx.MockRouter) -> None:
    server = serving(respx_mock, BY_CRITERIA)
    server.before = lambda request: httpx.Response(422) if b"Coverage?" in request.content else None
    made = rows(subscribe("create", "--type", "Coverage", "--type", "Claim", "--format", "json"))
    gone = rows(subscribe("delete", "--format", "json"))
    assert [(row["watches"], row["status"]) for row in [*made, *gone]] == [
        ("Coverage?", None),
        ("Claim?", "active"),
        ("Claim?", None),
    ]
