"""What is counted of a run is what its report says; what is told of it holds nothing but words of the table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest
from answers.story_stages import shipped
from metrics.world import (
    MARK,
    Fault,
    Ran,
    answered_hints,
    counted,
    long_ago,
    new_meters,
    samples,
    story,
    text_of,
    told,
    total,
)
from receiver.fhir_server import FhirServer

from adapter.metrics import table
from adapter.metrics.witnesses import RequestMeter, RunMeter
from adapter.metrics.words import Words
from adapter.sync.witness import Stage

APPROVED, SHORT = "0592t-approved", "0592t-29-minutes"


def test_lines_by_decision(clinic: Ran) -> None:
    lines = clinic.report.summary()["lines"]
    assert told(clinic.meters, table.LINES, "decision") == {name.lower(): n for name, n in lines.items() if n}
    assert len([n for n in lines.values() if n]) == 5, "the clinic has a line of each kind"


def test_rules_by_decision(clinic: Ran) -> None:
    deciding = {
        (("decision", name.lower()), ("rule", rule)): n
        for name, rules in clinic.report.tally.reasons.items()
        for rule, n in rules.items()
    }
    found = {
        tuple(sorted(labels)): n for (name, labels), n in samples(clinic.meters).items() if name == table.RULES.name
    }
    assert found == deciding
    assert len(found) > 20


def test_claims_by_what_they_got(clinic: Ran) -> None:
    summary = clinic.report.summary()
    outcomes = {name: n for name, n in summary["claim_responses"].items() if n}
    assert told(clinic.meters, table.RESPONSES, "outcome") == outcomes
    assert total(clinic.meters, table.OUTCOMES) == summary["operation_outcomes"]["claims"] > 0
    assert total(clinic.meters, table.UNANSWERED) == summary["claims"]["unanswered"]


def test_reason_codes_are_those_of_the_answers(clinic: Ran) -> None:
    reasons = told(clinic.meters, table.REASONS, "reason")
    assert reasons["152"] >= 1, "a session that is too short is denied by CARC 152"
    assert reasons["252"] == clinic.report.summary()["lines"]["PEND"]
    assert "133" in reasons


def test_answers_by_what_became_of_them(clinic: Ran) -> None:
    written = {action.value: n for action, n in clinic.report.written.items()}
    assert told(clinic.meters, table.ANSWERS, "action") == written


def test_each_request_is_counted_once(clinic: Ran) -> None:
    assert told(clinic.meters, table.REQUESTS, "method") == Counter(each.method for each in clinic.requests)
    assert total(clinic.meters, table.REQUEST_TIME) == len(clinic.requests)
    assert told(clinic.meters, table.RETRIES) == {}


def test_each_stage_is_measured_once_a_chunk(clinic: Ran) -> None:
    counts = {
        dict(labels)["stage"]: n
        for (name, labels), n in samples(clinic.meters).items()
        if name == f"{table.STAGES.name}_count"
    }
    assert counts.keys() == set(table.LABELS["stage"] or ())
    assert len(set(counts.values())) == 1
    assert min(counts.values()) >= 1


# --- no identifiers


def test_every_label_holds_a_word_of_its_vocabulary(clinic: Ran) -> None:
    words = Words.loaded(shipped().book).of
    by_name = {each.name: each for each in table.TABLE}
    for name, labels in samples(clinic.meters):
        metric = by_name.get(name) or by_name.get(name.rpartition("_")[0])
        if metric is None:
            assert name in table.OF_THE_PROCESS
            assert not labels
            continue
        held = dict(labels)
        held.pop("le", None)
        assert held.keys() == set(metric.labels)
        assert all(value in words[label] for label, value in held.items()), (name, held)


def test_no_mark_is_told_though_the_run_was_full_of_them(clinic: Ran) -> None:
    assert MARK not in text_of(clinic.meters)
    assert any(MARK in str(each.url) or MARK in each.content.decode() for each in clinic.requests)


@pytest.mark.parametrize(
    ("metric", "labels", "told_as"),
    [
        pytest.param(table.LINES, {"decision": "approve"}, ("approve",), id="a word"),
        pytest.param(table.LINES, {"decision": "Approve"}, ("other",), id="in other letters"),
        pytest.param(table.LINES, {"decision": ""}, ("other",), id="nothing"),
        pytest.param(table.REASONS, {"reason": "152", "list": "carc"}, ("carc", "152"), id="in the table's order"),
        pytest.param(table.REASONS, {"reason": "Claim/17", "list": "carc"}, ("carc", "other"), id="an identifier"),
        pytest.param(
            table.RULES, {"rule": "session_length", "decision": "deny"}, ("session_length", "deny"), id="rule"
        ),
        pytest.param(table.REQUESTS, {"method": "BREW", "code": "200"}, ("other", "200"), id="a method"),
        pytest.param(table.REQUESTS, {"method": "GET", "code": "7xx"}, ("GET", "other"), id="a class there is none of"),
    ],
)
def test_what_is_no_word_is_told_as_other(
    metric: table.Metric, labels: dict[str, str], told_as: tuple[str, ...]
) -> None:
    assert Words.loaded(shipped().book).closed(metric, labels) == told_as


@pytest.mark.parametrize("metric", table.TABLE, ids=lambda each: each.name)
def test_the_number_of_series_is_bounded(metric: table.Metric) -> None:
    assert Words.loaded(shipped().book).most_series(metric) <= 1000


# --- faults


def busy_first(times: int, status: int = 503) -> Fault:
    """The first requests of searches for visits are answered so."""
    left = times

    def fault(request: httpx.Request) -> httpx.Response | None:
        nonlocal left
        if "Encounter" not in request.url.path or left == 0:
            return None
        left -= 1
        return httpx.Response(status)

    return fault


@pytest.mark.parametrize(
    ("status", "code"),
    [pytest.param(503, "503", id="busy"), pytest.param(429, "429", id="too many"), pytest.param(504, "504", id="slow")],
)
def test_a_request_that_is_sent_again_is_a_retry(tmp_path: Path, status: int, code: str) -> None:
    server = FhirServer()
    server.put(*story(APPROVED))
    ran = counted(server, tmp_path, busy_first(1, status))
    assert (total(ran.meters, table.RETRIES), told(ran.meters, table.REQUESTS, "code")[code]) == (1, 1)
    assert told(ran.meters, table.LINES, "decision") == {"approve": 1}


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, "200"), (201, "201"), (226, "2xx"), (418, "4xx"), (429, "429"), (507, "5xx"), (999, "other")],
)
def test_a_status_by_itself_or_its_class(status: int, code: str) -> None:
    meters = new_meters()
    with RequestMeter(meters).attempt(httpx.Request("GET", "http://fhir.test"), 1) as answered:
        answered(status)
    assert told(meters, table.REQUESTS, "code") == {code: 1}


def test_a_request_without_an_answer() -> None:
    meters, clock = new_meters(), iter([10.0, 12.5])
    with (
        pytest.raises(httpx.ReadTimeout),
        RequestMeter(meters, lambda: next(clock)).attempt(httpx.Request("PUT", "http://fhir.test"), 2),
    ):
        raise httpx.ReadTimeout("slow")
    assert told(meters, table.REQUESTS, "code") == {"none": 1}
    assert told(meters, table.RETRIES, "method") == {"PUT": 1}
    assert samples(meters)[f"{table.REQUEST_TIME.name}_sum", frozenset({("method", "PUT")})] == 2.5


def test_a_claim_that_trips_the_server_is_unanswered_once_and_the_others_are_counted_once(tmp_path: Path) -> None:
    server = FhirServer()
    server.put(*story(APPROVED), *story(SHORT))
    server.refused = {f"{SHORT}-member"}
    ran = counted(server, tmp_path)
    assert [each.claim for each in ran.report.unanswered] == [SHORT]
    assert total(ran.meters, table.UNANSWERED) == 1
    assert told(ran.meters, table.LINES, "decision") == {"approve": 1}


def test_who_was_decided_anew_after_a_conflict_is_counted_once(tmp_path: Path) -> None:
    server = FhirServer()
    server.put(*story(APPROVED))
    counted(server, tmp_path)
    (answer,) = server.of("ClaimResponse")
    answer["disposition"] = "Somebody edited this."
    edits = iter([True])

    def meanwhile(request: httpx.Request) -> None:
        if request.method == "POST" and request.url.path == "/fhir" and next(edits, False):
            server.put(server.resources[f"ClaimResponse/{answer['id']}"])

    ran = counted(server, tmp_path, meanwhile)
    assert total(ran.meters, table.CONFLICTS) == 1
    assert told(ran.meters, table.ANSWERS, "action") == {"updated": 1}
    assert told(ran.meters, table.LINES, "decision") == {"approve": 1}


# --- lag


@pytest.mark.parametrize(
    ("newest", "age", "bucket"),
    [
        pytest.param(f"Claim/{APPROVED}", 45, "60.0", id="the claim itself"),
        pytest.param(f"Encounter/{APPROVED}-enc", 200, "300.0", id="its evidence"),
        pytest.param("", 365 * 86400, "+Inf", id="nothing is new"),
        pytest.param(f"Claim/{APPROVED}", -300, "1.0", id="a clock that is ahead"),
    ],
)
def test_lag_counts_from_the_newest_of_claim_and_evidence(tmp_path: Path, newest: str, age: float, bucket: str) -> None:
    server = FhirServer()
    server.put(*story(APPROVED))
    assert not newest or newest in server.resources, sorted(server.resources)
    long_ago(server, age, {newest})
    ran = counted(server, tmp_path)
    counts = {
        dict(labels)["le"]: n for (name, labels), n in samples(ran.meters).items() if name == f"{table.LAG.name}_bucket"
    }
    first = next(bound for bound, n in counts.items() if n)
    assert (first, counts["+Inf"]) == (bucket, 1)


def test_an_answer_that_stands_has_no_lag(tmp_path: Path) -> None:
    server = FhirServer()
    server.put(*story(APPROVED))
    counted(server, tmp_path)
    again = counted(server, tmp_path)
    assert (told(again.meters, table.ANSWERS, "action"), total(again.meters, table.LAG)) == ({"unchanged": 1}, 0)


def test_a_stage_that_fails_is_measured_too() -> None:
    meters, clock = new_meters(), iter([1.0, 4.0])
    with pytest.raises(OSError, match="gone"), RunMeter(meters, timer=lambda: next(clock)).stage(Stage.GATHER):
        raise OSError("gone")
    assert samples(meters)[f"{table.STAGES.name}_sum", frozenset({("stage", "gather")})] == 3.0


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(f"{SHORT}-member", id="looking for what it concerns"),
        pytest.param(f"{SHORT}-coverage", id="gathering its evidence"),
    ],
)
def test_a_hint_that_trips_the_server_leaves_its_claim_unanswered(tmp_path: Path, refused: str) -> None:
    server, meters = FhirServer(), new_meters()
    server.put(*story(APPROVED), *story(SHORT))
    server.refused = {refused}
    undone = answered_hints(server, RunMeter(meters), tmp_path, [f"Claim/{APPROVED}", f"Claim/{SHORT}"])
    assert list(undone) == [f"Claim/{SHORT}"]
    assert (total(meters, table.UNANSWERED), told(meters, table.LINES, "decision")) == (1, {"approve": 1})
