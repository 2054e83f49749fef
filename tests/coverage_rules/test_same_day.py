"""NCCI pairs and unit limits: on for Medicare from 2024-07-01, off for Cigna (rows 32, 33 and 69)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from coverage_rules.sessions import CLINIC, a_service, a_session, put, sourced, without
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, denies, row

from adapter.coverage.finding import Decision
from adapter.mapping.code_files import NcciUnits
from adapter.policy.book import PolicyBook
from adapter.policy.codes import Ncci
from adapter.session.model import CoachingSession, Settlement

FIRST, BEFORE, AFTER = date(2024, 7, 1), date(2024, 6, 30), date(2024, 7, 2)
COLUMN_TWO, EXCEEDED = denies("column_two", "236", "N20"), denies("exceeded", "151", "N362")


def with_other(
    code: str,
    other: str,
    *,
    on: date = FIRST,
    payer: str = "medicare",
    modifiers_of_line: tuple[str, ...] = (),
    **more: Any,
) -> CoachingSession:
    """A line of ``code`` on a day with ``other``, on another claim of the same clinic."""
    session = a_session(code=code, on=on, payer=payer, modifiers=modifiers_of_line)
    service = replace(a_service(other, on), **more)
    return put(session, "history", (*session.history, service))


PSYCHOTHERAPY = ["90791", "90792", "90832", "90833", "90834", "90836", "90837", "90838"]


@pytest.mark.parametrize("other", PSYCHOTHERAPY)
@pytest.mark.parametrize("code", ["0591T", "0592T", "0593T"])
def test_psychotherapy_stands(book: PolicyBook, code: str, other: str) -> None:
    assert answers(book, "same_day_pairs", with_other(code, other)) == [COLUMN_TWO]


@pytest.mark.parametrize(
    ("code", "other", "expected"),
    [
        row("0591T", "0592T", COLUMN_TWO, id="an initial assessment beside a follow-up is denied"),
        row("0592T", "0591T", MET, id="the follow-up beside it stands"),
        row("0592T", "0593T", MET, id="no edit between follow-up and group"),
        row("0593T", "0592T", MET, id="nor between group and follow-up"),
        row("0591T", "0593T", MET, id="nor between assessment and group"),
        row("0591T", "96156", COLUMN_TWO, id="96156 stands over the assessment"),
        row("0592T", "96156", COLUMN_TWO, id="96156 stands over the follow-up"),
        row("0593T", "96156", MET, id="96156 and the group: no edit"),
        row("0592T", "96158", COLUMN_TWO, id="96158 stands over the follow-up"),
        row("0591T", "96158", MET, id="the assessment stands over 96158"),
        row("0592T", "98960", COLUMN_TWO, id="98960 stands over the follow-up"),
        row("0593T", "96164", COLUMN_TWO, id="96164 stands over the group"),
        row("0592T", "96164", MET, id="the follow-up stands over 96164"),
        row("0593T", "97150", COLUMN_TWO, id="97150 stands over the group"),
        row("0593T", "98961", COLUMN_TWO, id="98961 stands over the group"),
        row("0592T", "97802", MET, id="coaching stands over nutrition therapy"),
        row("0592T", "99213", MET, id="coaching stands over an office visit"),
        row("H0038", "90834", MET, id="peer support is in no edit"),
    ],
)
def test_pairs(book: PolicyBook, code: str, other: str, expected: Says) -> None:
    assert answers(book, "same_day_pairs", with_other(code, other)) == [expected]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(with_other("0592T", "90834", provider="Organization/2"), MET, id="another provider"),
        row(
            with_other("0592T", "90834", claim="Claim/2", provider="Organization/other"),
            MET,
            id="another provider, on a later claim",
        ),
        row(with_other("0592T", "90834", day=BEFORE), MET, id="the day before"),
        row(with_other("0592T", "90834", day=AFTER), MET, id="the day after"),
        row(
            put(
                with_other("0592T", "90834"),
                "history",
                (a_service("99213", FIRST), a_service("90834", FIRST, claim="Claim/00")),
            ),
            COLUMN_TWO,
            id="after an office visit that no edit names",
        ),
        row(with_other("0592T", "90834", claim=None, line=None), MET, id="recorded but not billed"),
        row(with_other("0592T", "90834", claim="Claim/1", line=2), COLUMN_TWO, id="on another line of the same claim"),
        row(
            with_other("0592T", "90834", modifiers_of_line=("59",)),
            COLUMN_TWO,
            id="indicator 0: modifier 59 does not help",
        ),
        row(with_other("0592T", "90834", settlement=Settlement.REJECTED), MET, id="on a claim that was rejected"),
        row(with_other("0592T", "90834", settlement=Settlement.REFUSED), MET, id="on a claim that was never processed"),
        row(with_other("0592T", "90834", denied=True), MET, id="on a line that was denied"),
        row(with_other("0592T", "90834", tied=True), MET, id="on a claim that this one replaces"),
        row(with_other("0592T", "90834", earlier=False), COLUMN_TWO, id="on a later claim"),
        row(
            without(with_other("0592T", "90834", provider=None), "claim.provider"),
            MET,
            id="neither claim names its provider",
        ),
        row(
            without(with_other("0592T", "90834", claim="Claim/1", line=2, provider=None), "claim.provider"),
            COLUMN_TWO,
            id="on another line of a claim that names no provider",
        ),
    ],
)
def test_same_day_same_provider(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "same_day_pairs", session) == [expected]


@pytest.mark.parametrize(
    ("on", "payer", "expected"),
    [
        row(BEFORE, "medicare", [], id="Medicare the day before the edits"),
        row(FIRST, "medicare", [COLUMN_TWO], id="Medicare on the first day of the edits"),
        row(FIRST, "cigna", [], id="Cigna: off"),
        row(FIRST, "aetna", [], id="Aetna: off"),
    ],
)
def test_who_applies_pairs(book: PolicyBook, on: date, payer: str, expected: list[Says]) -> None:
    assert answers(book, "same_day_pairs", with_other("0592T", "90834", on=on, payer=payer)) == expected


@pytest.mark.parametrize(
    ("code", "quantity", "expected"),
    [
        row("0592T", 1, MET, id="one follow-up"),
        row("0592T", 2, EXCEEDED, id="two follow-ups"),
        row("0591T", 2, EXCEEDED, id="two assessments"),
        row("0593T", 2, EXCEEDED, id="two group sessions"),
        row("0592T", None, MET, id="no quantity: read as 1"),
        row("H0038", 4, NOT_APPLICABLE, id="peer support has no limit"),
    ],
)
def test_unit_limit(book: PolicyBook, code: str, quantity: int | None, expected: Says) -> None:
    session = a_session(code=code, on=FIRST, payer="medicare", quantity=quantity, minutes=60)
    assert answers(book, "unit_limit", session) == [expected]


def second(other: str = "0592T", **more: Any) -> CoachingSession:
    """A Medicare line 2 of 0592T, with another one of the day on an earlier claim."""
    return put(with_other("0592T", other, **more), "line.sequence", 2)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(second(), EXCEEDED, id="on an earlier claim"),
        row(second(quantity=Decimal(1)), EXCEEDED, id="on an earlier claim, one unit"),
        row(second(quantity=Decimal(0)), MET, id="on an earlier claim, no unit"),
        row(second(settlement=Settlement.OPEN), EXCEEDED, id="on an earlier claim that is open"),
        row(second(settlement=Settlement.REJECTED), MET, id="on an earlier claim that was rejected"),
        row(second(denied=True), MET, id="on an earlier claim, denied"),
        row(second(tied=True), MET, id="on a claim that this one replaces"),
        row(second(earlier=False), MET, id="on a later claim: that one goes beyond the limit"),
        row(second(claim="Claim/2", earlier=False), MET, id="on line 1 of a later claim"),
        row(second(provider="Organization/2"), MET, id="of another provider"),
        row(second(day=BEFORE), MET, id="of the day before"),
        row(second(day=AFTER), MET, id="of the day after"),
        row(second("0591T"), MET, id="another code"),
        row(second(claim="Claim/1", line=1, earlier=False), EXCEEDED, id="on an earlier line of this claim"),
        row(second(claim="Claim/1", line=None, earlier=False), EXCEEDED, id="on a line of this claim without a number"),
        row(
            with_other("0592T", "0592T", claim="Claim/1", line=None, earlier=False),
            EXCEEDED,
            id="a line without a number comes before line 1, too",
        ),
    ],
)
def test_unit_limit_of_a_day(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "unit_limit", session) == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        row(1, MET, id="the first line stands"),
        row(2, EXCEEDED, id="the second goes beyond the limit"),
    ],
)
def test_unit_limit_of_two_lines(book: PolicyBook, line: int, expected: Says) -> None:
    other = a_service("0592T", FIRST, claim="Claim/1", line=3 - line, earlier=False)
    session = put(a_session(on=FIRST, payer="medicare"), "history", (other,))
    assert answers(book, "unit_limit", put(session, "line.sequence", line)) == [expected]


def test_a_limit_of_a_line_knows_no_other_line(book: PolicyBook) -> None:
    limits = {"0592T": NcciUnits(units=1, mai=1)}
    stated = replace(book, codes=replace(book.codes, ncci=replace(book.codes.ncci, unit_limits=limits)))
    assert answers(stated, "unit_limit", second()) == [MET]


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        row(1, MET, id="fewer than the limit"),
        row(2, MET, id="as many as the limit"),
        row(3, EXCEEDED, id="one more than the limit"),
    ],
)
def test_a_limit_of_several_units(book: PolicyBook, quantity: int, expected: Says) -> None:
    limits = {"0592T": NcciUnits(units=2, mai=2)}
    stated = replace(book, codes=replace(book.codes, ncci=replace(book.codes.ncci, unit_limits=limits)))
    assert answers(stated, "unit_limit", a_session(on=FIRST, payer="medicare", quantity=quantity)) == [expected]


@pytest.mark.parametrize("rule", ["same_day_pairs", "unit_limit"])
@pytest.mark.parametrize(
    ("on", "applies"), [row(BEFORE, False, id="the day before"), row(FIRST, True, id="the first day")]
)
def test_whoever_switches_them_on_has_no_edits_before_their_start(
    book: PolicyBook, rule: str, on: date, applies: bool
) -> None:
    """A plan of Cigna's that adopts the edits takes over the day they start on."""
    stated = {**book.policies["cigna-a015"].rules, rule: book.policies["medicare-ncci"].rules[rule]}
    cigna = replace(book.policies["cigna-a015"], rules=stated)
    session = put(with_other("0592T", "90834", on=on, payer="cigna"), "line.quantity", sourced(Decimal(2)))
    (found,) = answers(replace(book, policies={**book.policies, "cigna-a015": cigna}), rule, session)
    assert (found.decision is Decision.DENY) is applies
    assert applies or found == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("on", "payer", "expected"),
    [
        row(BEFORE, "medicare", [], id="Medicare the day before the limits"),
        row(FIRST, "medicare", [EXCEEDED], id="Medicare on the first day of the limits"),
        row(FIRST, "cigna", [], id="Cigna: off"),
    ],
)
def test_who_applies_limits(book: PolicyBook, on: date, payer: str, expected: list[Says]) -> None:
    assert answers(book, "unit_limit", a_session(on=on, payer=payer, quantity=2)) == expected


def test_the_other_line_is_the_clinics_own(book: PolicyBook) -> None:
    assert with_other("0592T", "90834").history[-1].provider == CLINIC


@pytest.mark.parametrize(
    ("indicator", "modifiers", "expected"),
    [
        row(1, (), COLUMN_TWO, id="indicator 1 without a modifier"),
        row(1, ("59",), MET, id="indicator 1 with modifier 59"),
        row(1, ("XE",), MET, id="indicator 1 with modifier XE"),
        row(1, ("22", "25"), MET, id="indicator 1 with modifier 25 among others"),
        row(1, ("22",), COLUMN_TWO, id="indicator 1 with another modifier"),
        row(1, ("93",), COLUMN_TWO, id="indicator 1 with modifier 93, which says only how they met"),
        row(1, ("ZZ",), COLUMN_TWO, id="indicator 1 with a modifier that nobody knows"),
        row(0, ("59",), COLUMN_TWO, id="indicator 0 with modifier 59"),
    ],
)
def test_indicators(book: PolicyBook, indicator: int, modifiers: tuple[str, ...], expected: Says) -> None:
    """No shipped pair has a coaching code in column two at indicator 1; one that comes must be read right."""
    pairs = Ncci({("99213", "0592T"): indicator}, {}, FIRST)
    stated = replace(book, codes=replace(book.codes, ncci=pairs))
    assert answers(stated, "same_day_pairs", with_other("0592T", "99213", modifiers_of_line=modifiers)) == [expected]
