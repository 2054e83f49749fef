"""A finding that decided says the same in the terminal, as JSON and on the page; nothing is left to look up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from answers.story_stages import bundle_of, part, shipped
from explain.pages import Explained, Page, clinic, denied_for_three_reasons, explain_resources
from table.plans import with_plans

from adapter.cli.explained import ExplainedLine, Group, label
from adapter.cli.policy_values import policy_values
from adapter.cli.show_explanation import explanation
from adapter.coverage.finding import Finding

DAY = date(2023, 6, 1)
CLAIMS = {
    "approved": "a02-follow-up",
    "denied": "a03-29-minutes",
    "pended": "a05-no-end",
    "under review": "a06-modifier-95",
    "rejected": "a07-quantity-0",
    "no policy": "s31-aetna",
    "peer support": "g02-h0038-3-units",
    "another payer": "s32-wrong-payer",
    "Medicare": "s52-medicare-same-day",
}


@dataclass(frozen=True)
class Shown:
    """What one format says, without the white space a terminal folds at, and in whatever case it is written."""

    text: str

    def __contains__(self, wanted: str) -> bool:
        return bare(wanted) in self.text


def bare(text: str) -> str:
    return "".join(text.split()).casefold()


def strings(value: Any) -> Iterator[str]:
    """Every string and number of a JSON value, in its order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    else:
        yield str(value)


@pytest.fixture(params=["table at 80", "table at 140", "json", "html"])
def show(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Explains in one format, and gives what it says."""
    output_format, _, width = request.param.partition(" at ")
    monkeypatch.setenv("COLUMNS", width or "80")

    def shown(explained: Explained) -> Shown:
        explanation(explained.answer, explained.sessions, shipped().book, output_format)
        printed = capsys.readouterr().out
        if width:
            assert max(map(len, printed.splitlines())) <= int(width)
        text = {"json": lambda: " ".join(strings(json.loads(printed))), "html": lambda: Page(printed).text}
        return Shown(bare(text.get(output_format, lambda: printed)()))

    return shown


def deciding(line: ExplainedLine) -> list[Finding]:
    return dict(line.groups()).get(Group.DECIDED, [])


def parts(finding: Finding, line: ExplainedLine) -> Iterator[str]:
    """All that a reviewer may ask of a finding."""
    yield from (line.criterion(finding), label(finding), finding.found, finding.needed, finding.fix)
    yield from (finding.citation.document, finding.citation.section, line.layer(finding))
    for used in finding.used:
        yield from (used.name, used.value)
        yield from (used.origin.resource, used.origin.path) if used.origin else ()
    for value in line.policy_values(finding):
        yield from (value.words, str(value.since), value.layer)
        yield from (value.reference.document, value.reference.section) if value.reference else ()


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_everything_about_what_decided_stands_in_each_format(claim: str, show: Any) -> None:
    explained = clinic(claim)
    shown = show(explained)
    assert explained.answer.response is not None
    assert explained.answer.response["disposition"] in shown
    for line in explained.lines:
        assert line.payer in shown
        for policy in line.policies:
            assert policy.header.title in shown
            assert policy.header.version in shown
        for finding in (each for each in line.line.findings if line.policy_values(each) or each in deciding(line)):
            for text in parts(finding, line):
                assert text in shown, (finding.rule, text)


def test_three_reasons_stand_in_each_format(show: Any) -> None:
    explained = denied_for_three_reasons()
    shown = show(explained)
    (line,) = explained.lines
    assert len(deciding(line)) == 3
    for finding in deciding(line):
        for text in (line.criterion(finding), finding.found, finding.needed, finding.fix):
            assert text in shown, (finding.rule, text)


def test_the_minutes_that_a_met_finding_was_held_against_are_said(show: Any) -> None:
    shown = show(clinic("a02-follow-up"))
    for text in ("30 minutes for 0592T", "2020-01-01", "Overview of CPT 0592T", "Billing Code Overview"):
        assert text in shown


def test_each_bar_of_the_visit_stands_in_each_format(show: Any) -> None:
    bundle = bundle_of("0592t-approved")
    part(bundle, "Encounter", "approved-enc")["period"] = {
        "start": "2023-06-01T14:00:00Z",
        "end": "2023-06-01T15:00:00Z",
    }
    shown = show(explain_resources("0592t-approved", bundle))
    for text in ("Encounter", "14:00 to 15:00 UTC+00:00", "Procedure", "UTC-04:00", "Documented", "Required"):
        assert text in shown


def test_an_origin_is_never_cut(show: Any) -> None:
    shown = show(clinic("a02-follow-up"))
    (line,) = clinic("a02-follow-up").lines
    paths = [used.origin.path for each in line.line.findings for used in each.used if used.origin]
    assert max(map(len, paths)) > 200
    for path in paths:
        assert path in shown


COMMON = "Common claim rules for every payer [common 2026-11-22]"
A015 = "Cigna Administrative Policy A015 [cigna-a015 2023-04-15]"


@pytest.mark.parametrize(
    ("rule", "code", "plans", "on", "expected"),
    [
        ("session_length", "0592T", (), DAY, [("30 minutes for 0592T", "2020-01-01", COMMON)]),
        ("session_length", "0591T", (), DAY, [("none for 0591T", "2020-01-01", COMMON)]),
        ("session_length", None, (), DAY, [("0592T: 30 minutes; 0593T: 30 minutes", "2020-01-01", COMMON)]),
        (
            "session_length",
            "0592T",
            (),
            date(2019, 12, 31),
            [("minimum_minutes has no value before 2020-01-01", "None", "")],
        ),
        ("code_listed", "0592T", (), DAY, [("0591T, 0592T, H0038", "2023-04-15", A015)]),
        ("face_to_face", "0592T", (), DAY, [("silent", "2003-01-01", COMMON)]),
        ("timely_filing", "0592T", (), DAY, [("none", "2003-01-01", COMMON)]),
        (
            "supervision",
            "0592T",
            ("supervised",),
            DAY,
            [
                ("pend", "2020-01-01", "Plan supervised [plan-supervised 1]"),
                ("physician, psychology-license, health-professional-license", "2023-04-15", A015),
            ],
        ),
        (
            "timely_filing",
            "0592T",
            ("filed-in-90-days",),
            DAY,
            [("90 days", "2020-01-01", "Plan filed-in-90-days [plan-filed-in-90-days 1]")],
        ),
        ("charges", "0592T", (), DAY, []),
    ],
)
def test_a_value_says_since_when_and_names_the_layer_that_states_it(
    rule: str, code: str | None, plans: tuple[str, ...], on: date, expected: list[tuple[str, str, str]]
) -> None:
    book = with_plans(brief=True).book
    rules = book.in_force("cigna", on, plans)
    found = [(each.words, str(each.since), each.layer) for each in policy_values(rule, rules, book, code)]
    assert found == expected
