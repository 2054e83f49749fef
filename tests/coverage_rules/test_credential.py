"""Who held the session and who oversaw it (rows 50 to 54 and 93)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from coverage_rules.sessions import (
    COACH,
    DAY,
    LONG,
    SUPERVISOR,
    a_person,
    a_session,
    credential,
    put,
    said_by,
    sourced,
    without,
)
from coverage_rules.verdicts import (
    MET,
    NOT_APPLICABLE,
    Says,
    answers,
    denies,
    pends,
    reviews,
    row,
    warns,
    with_value,
)

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Code, Person
from adapter.session.time import Days

DAY_BEFORE, DAY_AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
NO_DATA, UNDATED = pends("no_data", "N570"), pends("undated", "N570")
NOT_ACCEPTED, EXPIRED = denies("not_accepted", "185", "N95"), denies("expired", "B7")
NOT_PEER, PHYSICIAN = pends("not_peer", "N570"), reviews("physician")


def held_by(*people: Person, code: str = "0592T") -> CoachingSession:
    return put(a_session(code=code), "renderers", people)


@pytest.mark.parametrize("code", ["0591T", "0592T"])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        row("nbc-hwc", MET, id="certified by NBHWC"),
        row("ches", MET, id="CHES of NCHEC"),
        row("mches", MET, id="MCHES of NCHEC"),
        row("psychology-license", MET, id="licensed in a psychology-related field"),
        row("health-professional-license", MET, id="licensed as a health professional"),
        row("peer", NOT_ACCEPTED, id="a peer specialist is no coach"),
        row(None, NOT_ACCEPTED, id="a certificate that is of no known kind"),
        row("physician", PHYSICIAN, id="a physician"),
    ],
)
def test_kinds_for_coaching(book: PolicyBook, code: str, kind: str | None, expected: Says) -> None:
    assert answers(book, "credential", held_by(a_person(credential(kind)), code=code)) == [expected]


@pytest.mark.parametrize(
    ("coach", "expected"),
    [
        row(a_person(credential("peer")), MET, id="a certified peer specialist"),
        row(a_person(taxonomies=["175T00000X"]), MET, id="enumerated as a peer specialist"),
        row(a_person(taxonomies=["171400000X"]), NOT_PEER, id="enumerated as a coach"),
        row(a_person(credential("nbc-hwc")), NOT_PEER, id="a health coach is no peer"),
        row(a_person(credential("nbc-hwc"), credential("peer")), MET, id="a coach who is a peer too"),
        row(a_person(), NOT_PEER, id="nothing known"),
        row(a_person(credential("peer", Days(None, DAY_BEFORE))), EXPIRED, id="a peer certificate that ended"),
        row(a_person(credential("peer", None)), UNDATED, id="a peer certificate without a period"),
        row(a_person(credential("peer"), credential("physician")), PHYSICIAN, id="a peer who is a physician"),
    ],
)
def test_peers(book: PolicyBook, coach: Person, expected: Says) -> None:
    assert answers(book, "credential", held_by(coach, code="H0038")) == [expected]


def enumerated(taxonomy: str, system: str) -> Person:
    """A certified coach with a taxonomy in some code system."""
    coded = (sourced(Code(taxonomy, system), "PractitionerRole.specialty", COACH),)
    return Person(COACH, said_by(COACH, "Practitioner"), credentials=(credential("nbc-hwc"),), taxonomies=coded)


@pytest.mark.parametrize(
    ("coach", "code", "expected"),
    [
        row(enumerated("175T00000X", "NUCC"), "H0038", MET, id="a peer specialist of NUCC"),
        row(enumerated("175T00000X", "SNOMED"), "H0038", NOT_PEER, id="the peer's code, of SNOMED"),
        row(enumerated("175T00000X", "CMS"), "H0038", NOT_PEER, id="the peer's code, of CMS"),
        row(enumerated("207Q00000X", "NUCC"), "0592T", PHYSICIAN, id="a physician of NUCC"),
        row(enumerated("207Q00000X", "SNOMED"), "0592T", MET, id="the physician's code, of SNOMED"),
        row(enumerated("207Q00000X", "CMS"), "0592T", MET, id="the physician's code, of CMS"),
    ],
)
def test_a_taxonomy_counts_in_its_own_code_system(book: PolicyBook, coach: Person, code: str, expected: Says) -> None:
    assert answers(book, "credential", held_by(coach, code=code)) == [expected]


@pytest.mark.parametrize(
    ("valid", "expected"),
    [
        row(LONG, MET, id="valid long before and after"),
        row(Days(DAY, LONG.end), MET, id="valid from the date of service"),
        row(Days(DAY_AFTER, LONG.end), EXPIRED, id="valid only from the day after, though valid today"),
        row(Days(LONG.start, DAY), MET, id="valid to the date of service, though expired today"),
        row(Days(LONG.start, DAY_BEFORE), EXPIRED, id="ended the day before"),
        row(Days(LONG.start, None), MET, id="no end"),
        row(Days(None, DAY), MET, id="no start, ends on the day"),
        row(None, UNDATED, id="no period"),
        row(Days(None, None), UNDATED, id="a period without bounds"),
    ],
)
def test_validity(book: PolicyBook, valid: Days | None, expected: Says) -> None:
    assert answers(book, "credential", held_by(a_person(credential(valid=valid)))) == [expected]


DOUBTED, WORDS_ALONE = pends("doubted", "N570"), warns("words_alone")
APPLICANT, BY_ITS_WORDS = credential("nbc-hwc", doubted=True), credential("nbc-hwc", words_alone=True)


@pytest.mark.parametrize(
    ("coach", "expected"),
    [
        row(a_person(BY_ITS_WORDS), WORDS_ALONE, id="neither code nor issuer says the same"),
        row(a_person(BY_ITS_WORDS, credential("ches")), MET, id="another one is borne out"),
        row(
            a_person(BY_ITS_WORDS, credential("ches", Days(None, DAY_BEFORE))),
            WORDS_ALONE,
            id="the one that is borne out has ended",
        ),
        row(a_person(credential("nbc-hwc", None, words_alone=True)), UNDATED, id="words without a period"),
        row(a_person(APPLICANT), DOUBTED, id="an applicant"),
        row(a_person(credential(None, doubted=True)), DOUBTED, id="a student of nothing we know"),
        row(a_person(APPLICANT, credential("ches")), MET, id="an applicant who holds another one"),
        row(a_person(APPLICANT, credential(None)), DOUBTED, id="an applicant with another title"),
        row(a_person(credential("physician", doubted=True)), PHYSICIAN, id="a retired physician: a person looks"),
    ],
)
def test_words_are_taken_with_care(book: PolicyBook, coach: Person, expected: Says) -> None:
    assert answers(book, "credential", held_by(coach)) == [expected]


ENDED = credential("nbc-hwc", Days(None, DAY_BEFORE))


@pytest.mark.parametrize(
    ("coach", "expected"),
    [
        row(a_person(), NO_DATA, id="no qualification data"),
        row(a_person(credential(None, described=False)), NO_DATA, id="a qualification that says nothing"),
        row(
            a_person(credential(None, described=False), credential(None)), NOT_ACCEPTED, id="one empty, one unaccepted"
        ),
        row(a_person(credential(None), credential("ches")), MET, id="one of two is accepted"),
        row(a_person(ENDED, credential("ches")), MET, id="one ended, another valid"),
        row(a_person(ENDED, credential("ches", None)), UNDATED, id="one ended, another undated"),
        row(a_person(credential("nbc-hwc"), taxonomies=["207Q00000X"]), PHYSICIAN, id="a family physician by taxonomy"),
        row(a_person(credential("nbc-hwc"), taxonomies=["2084P0800X"]), PHYSICIAN, id="a psychiatrist by taxonomy"),
        row(a_person(credential("nbc-hwc"), taxonomies=["171400000X"]), MET, id="a coach by taxonomy and certificate"),
        row(a_person(taxonomies=["171400000X"]), NO_DATA, id="a declared trade proves no certificate"),
        row(a_person(credential("nbc-hwc"), taxonomies=["163W00000X"]), MET, id="a nurse by taxonomy"),
        row(
            Person("Practitioner/gone", said_by("Claim/1", "Claim.careTeam[0].provider"), resolved=False),
            NO_DATA,
            id="a reference that leads nowhere",
        ),
    ],
)
def test_coaches(book: PolicyBook, coach: Person, expected: Says) -> None:
    assert answers(book, "credential", held_by(coach)) == [expected]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(without(a_session(), "renderers"), pends("nobody", "N570"), id="nobody named"),
        row(
            held_by(a_person(credential()), a_person(credential(), key="Practitioner/2")),
            pends("several", "N206"),
            id="two people and nothing to choose by",
        ),
    ],
)
def test_how_many_people(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "credential", session) == [expected]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        row(date(2023, 4, 14), [], id="the day before A015 nobody asks for a credential"),
        row(date(2023, 4, 15), [NO_DATA], id="on the first day of A015"),
    ],
)
def test_from_the_first_day_of_the_policy(book: PolicyBook, on: date, expected: list[Says]) -> None:
    assert answers(book, "credential", a_session(on=on, coach=a_person())) == expected


@pytest.mark.parametrize(
    "services",
    [
        row(("0592T", "0593T"), id="two codes on one line"),
        row(("0592t",), id="a code in lower case"),
    ],
)
def test_an_unreadable_code_says_nothing_about_the_coach(book: PolicyBook, services: tuple[str, ...]) -> None:
    coded = tuple(sourced(Code(each, "CPT"), "Claim.item[0].productOrService") for each in services)
    (found,) = answers(book, "credential", put(a_session(), "line.services", coded))
    assert found.verdict.value != "not met"


# --- supervision

NOBODY, UNLICENSED = warns("warn"), warns("unlicensed")


def lost(key: str) -> Person:
    """Somebody whose reference leads nowhere."""
    return Person(key, said_by("Claim/1", "Claim.careTeam[1].provider"), resolved=False)


def overseen_by(*people: Person, code: str = "0592T") -> CoachingSession:
    return put(a_session(code=code), "supervisors", people)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(overseen_by(), NOBODY, id="no supervisor"),
        row(overseen_by(a_person(credential("physician"), key=SUPERVISOR)), MET, id="a physician"),
        row(overseen_by(a_person(credential("psychology-license"), key=SUPERVISOR)), MET, id="a psychologist"),
        row(overseen_by(a_person(credential("health-professional-license"), key=SUPERVISOR)), MET, id="a nurse"),
        row(overseen_by(a_person(credential("nbc-hwc"), key=SUPERVISOR)), UNLICENSED, id="another coach"),
        row(overseen_by(a_person(key=SUPERVISOR)), UNLICENSED, id="somebody of whom nothing is known"),
        row(
            overseen_by(a_person(key="Practitioner/3"), a_person(key=SUPERVISOR)),
            UNLICENSED,
            id="of two of whom nothing is known the first is named",
        ),
        row(overseen_by(lost("Practitioner/3"), a_person(key=SUPERVISOR)), UNLICENSED, id="the first leads nowhere"),
        row(overseen_by(a_person(credential("psychology-license"))), NOBODY, id="the coach in person"),
        row(
            overseen_by(a_person(key="Practitioner/3"), a_person(credential("physician"), key=SUPERVISOR)),
            MET,
            id="one licensed supervisor of two is enough",
        ),
        row(overseen_by(code="H0038"), NOT_APPLICABLE, id="the sentence is about coaching, not peers"),
    ],
)
def test_supervision(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "supervision", session) == [expected]


def test_a_plan_may_require_supervision(book: PolicyBook) -> None:
    strict = with_value(book, "supervision", "supervision", "pend")
    assert answers(strict, "supervision", overseen_by()) == [pends("pend", "M136")]
