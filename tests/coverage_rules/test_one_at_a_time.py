"""A coach with two patients at one time: overlapping sessions, by the policy's stance."""

from __future__ import annotations

import pytest
from coverage_rules.sessions import a_session, period, put
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, reviews, row, warns, with_value

from adapter.policy.book import PolicyBook

OTHER, LATER = period("2023-06-01T10:20:00-04:00", minutes=40), period("2023-06-01T10:35:00-04:00", minutes=30)


@pytest.mark.parametrize(
    ("code", "elsewhere", "expected"),
    [
        row("0592T", (), MET, id="nobody else"),
        row("0592T", (OTHER,), warns("warn"), id="another patient at the same time"),
        row("0592T", (OTHER, LATER), warns("warn"), id="of two other patients the first is named"),
        row("0591T", (OTHER,), warns("warn"), id="an assessment is with one person, too"),
        row("H0038", (OTHER,), warns("warn"), id="peer support as well"),
        row("0593T", (OTHER,), NOT_APPLICABLE, id="a group has several patients"),
    ],
)
def test_one_at_a_time(book: PolicyBook, code: str, elsewhere: tuple[object, ...], expected: Says) -> None:
    assert answers(book, "one_at_a_time", put(a_session(code=code), "elsewhere", elsewhere)) == [expected]


@pytest.mark.parametrize(
    ("stance", "expected"),
    [
        row("review", reviews("review"), id="review"),
        row("warn", warns("warn"), id="warn"),
        row("off", NOT_APPLICABLE, id="off"),
    ],
)
def test_the_stance_is_a_policy_value(book: PolicyBook, stance: str, expected: Says) -> None:
    changed = with_value(book, "one_at_a_time", "overlapping_sessions", stance)
    assert answers(changed, "one_at_a_time", put(a_session(), "elsewhere", (OTHER,))) == [expected]


def test_no_word_about_who_the_other_patient_is(book: PolicyBook) -> None:
    from coverage_rules.verdicts import ask

    (finding,) = ask(book, "one_at_a_time", put(a_session(), "elsewhere", (OTHER,)))
    assert "Patient/" not in finding.found
    assert all("Patient/" not in used.value for used in finding.used)
