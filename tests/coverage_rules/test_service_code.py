"""Which service a line bills (rows 30, 75 to 83)."""

from __future__ import annotations

from datetime import date

import pytest
from coverage_rules.sessions import a_session, put, sourced, without
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, denies, rejects, reviews, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code

CPT_OID = "urn:oid:2.16.840.1.113883.6.12"
HCPCS_URL = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def coded(*codes: Code, on: date | None = None) -> CoachingSession:
    services = tuple(sourced(each, "Claim.item[0].productOrService.coding") for each in codes)
    return put(a_session(on=on) if on else a_session(), "line.services", services)


def named(text: str, *codes: Code) -> CoachingSession:
    return put(coded(*codes), "line.named_in_text", sourced(text, "Claim.item[0].productOrService.text"))


TEXT_ONLY, NO_SYSTEM, FOREIGN, VARIANT, CONTRADICTORY = (
    rejects(each, "16", "M51") for each in ("text_only", "no_system", "foreign_system", "variant", "contradictory")
)
READ_AS = warns("read_as")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(coded(Code("0591T", "CPT")), MET, id="0591T of CPT"),
        row(coded(Code("0592T", "CPT")), MET, id="0592T of CPT"),
        row(coded(Code("0593T", "CPT")), MET, id="0593T of CPT"),
        row(coded(Code("H0038", "HCPCS")), MET, id="H0038 of HCPCS"),
        row(named("0592T"), TEXT_ONLY, id="0592T in text only"),
        row(named("0592T", Code("99499", "CPT")), TEXT_ONLY, id="0592T in text beside another code"),
        row(coded(Code("0592T", "CPT", CPT_OID)), READ_AS, id="CPT by its OID"),
        row(coded(Code("0592T", "HCPCS", HCPCS_URL)), READ_AS, id="CPT under the URL of HCPCS"),
        row(coded(Code("0592T", "HCPCS")), READ_AS, id="CPT under the preferred URL of HCPCS"),
        row(coded(Code("H0038", "HCPCS", "urn:oid:2.16.840.1.113883.6.285")), READ_AS, id="HCPCS by its OID"),
        row(coded(Code("0592T")), NO_SYSTEM, id="no code system"),
        row(coded(Code("0592T", "SNOMED")), FOREIGN, id="SNOMED CT"),
        row(coded(Code("0592T", None, "http://example.org/codes")), FOREIGN, id="a local code system"),
        row(coded(Code("H0038", "CPT")), FOREIGN, id="H0038 as if it were CPT"),
        row(coded(Code("0592t")), VARIANT, id="a lower-case t and no system"),
        row(coded(Code("0592t", "CPT")), VARIANT, id="a lower-case t"),
        row(coded(Code(" 0592T", "CPT")), VARIANT, id="a space before it"),
        row(coded(Code("0592T", "CPT"), Code("0593T", "CPT")), CONTRADICTORY, id="two coaching codes"),
        row(coded(Code("0592T", "CPT"), Code("99213", "CPT")), CONTRADICTORY, id="a coaching code and another"),
        row(coded(Code("0592T", "CPT"), Code("0593T", "SNOMED")), CONTRADICTORY, id="two, one of another system"),
        row(coded(Code("0592T", "CPT"), Code("0592T", "HCPCS")), MET, id="the same code twice"),
        row(coded(Code("0592T", "CPT"), Code("COACH", None, "http://local")), MET, id="a local code beside it"),
    ],
)
def test_service_code(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "service_code", session) == [expected]


OTHER_SERVICE = reviews("other_service")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(coded(Code("0592T", "CPT")), MET, id="a coaching code"),
        row(coded(Code("0592t", "CPT")), MET, id="a coaching code, badly written"),
        row(named("0592T"), MET, id="a coaching code in text"),
        row(coded(Code("99213", "CPT")), OTHER_SERVICE, id="an office visit"),
        row(coded(Code("90834", "CPT")), OTHER_SERVICE, id="psychotherapy"),
        row(coded(Code("0594T", "CPT")), OTHER_SERVICE, id="the next Category III code"),
        row(coded(), OTHER_SERVICE, id="no code"),
    ],
)
def test_line_in_scope(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "line_in_scope", session) == [expected]


EARLY = denies("not_in_effect", "181", "M84")


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(code="0591T", on=date(2019, 12, 31)), EARLY, id="0591T the day before it began"),
        row(a_session(code="0592T", on=date(2019, 12, 31)), EARLY, id="0592T the day before it began"),
        row(a_session(code="0593T", on=date(2019, 12, 31)), EARLY, id="0593T the day before it began"),
        row(a_session(code="0592T", on=date(2020, 1, 1)), MET, id="0592T on the day it began"),
        row(a_session(code="0592T", on=date(2025, 1, 1)), MET, id="0592T after its five years: no end is known"),
        row(a_session(code="H0038", on=date(2019, 12, 31)), MET, id="H0038 is older"),
        row(a_session(code="H0038", on=date(2003, 1, 1)), MET, id="H0038 on the day it began"),
        row(a_session(code="H0038", on=date(2002, 12, 31)), EARLY, id="H0038 the day before it began"),
        row(coded(Code("0592T")), NOT_APPLICABLE, id="a code without its system"),
        row(coded(Code("0592T", "CPT"), Code("0593T", "CPT")), NOT_APPLICABLE, id="two codes"),
        row(
            without(a_session(), "line.serviced", "visit.encounter.period"), NOT_APPLICABLE, id="the date is not known"
        ),
        row(coded(Code("0592t", "CPT")), NOT_APPLICABLE, id="a lower-case t"),
        row(coded(Code("0592T ", "CPT")), NOT_APPLICABLE, id="a space after it"),
        row(
            named("0592T", Code("99499", "CPT")),
            NOT_APPLICABLE,
            id="in text beside a code that is in no list",
        ),
    ],
)
def test_code_in_effect(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "code_in_effect", session) == [expected]


NOT_LISTED = reviews("not_listed")


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        row("0591T", date(2023, 6, 1), [MET], id="0591T is listed"),
        row("0592T", date(2023, 6, 1), [MET], id="0592T is listed"),
        row("H0038", date(2023, 6, 1), [MET], id="H0038 is listed"),
        row("0593T", date(2023, 6, 1), [NOT_LISTED], id="0593T is not, and the list may be incomplete"),
        row("0593T", date(2023, 4, 15), [NOT_LISTED], id="0593T on the first day of A015"),
        row("0593T", date(2023, 4, 14), [], id="0593T the day before: no list"),
    ],
)
def test_code_listed(book: PolicyBook, code: str, on: date, expected: list[Says]) -> None:
    assert answers(book, "code_listed", a_session(code=code, on=on)) == expected
