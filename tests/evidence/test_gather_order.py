"""Which visit speaks for a claim line: the order of the contract, and what is set aside, named or left alone."""

from __future__ import annotations

from typing import Any

import pytest
from evidence.small_world import (
    CLAIM_ENCOUNTER,
    CPT,
    DAY,
    claim,
    encounter,
    evidence_of,
    found_for,
    item,
    mappings,
    names,
    procedure,
    resource,
    times,
    to,
)

from adapter.evidence.gather import gather
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Mapper

Json = dict[str, Any]

# --- the order: the line's encounter, procedureReference, the claim's extension, Procedure.encounter, a search

LOST_URN = "urn:uuid:00000000-0000-4000-8000-000000000000"
EXTENSION = {"extension": [{"url": CLAIM_ENCOUNTER, "valueReference": to("Encounter/by-extension")}]}
PROCEDURE = {"procedure": [{"sequence": 1, "procedureReference": to("Procedure/named")}]}
VISITS = [
    encounter("by-line"),
    encounter("by-extension"),
    encounter("by-procedure"),
    procedure("named", encounter=to("Encounter/by-procedure")),
]


@pytest.mark.parametrize(
    ("line", "claimed", "found"),
    [
        pytest.param(
            {"encounter": [to("Encounter/by-line")], "procedureSequence": [1]},
            EXTENSION | PROCEDURE,
            ("by-line", "named"),
            id="the line's encounter comes first",
        ),
        pytest.param(
            {"procedureSequence": [1]},
            EXTENSION | PROCEDURE,
            ("by-extension", "named"),
            id="then the claim's extension, before the procedure's encounter",
        ),
        pytest.param(
            {"procedureSequence": [1]}, PROCEDURE, ("by-procedure", "named"), id="then the procedure's encounter"
        ),
        pytest.param({}, PROCEDURE, ("by-procedure", "named"), id="the claim's only line needs no procedureSequence"),
        pytest.param(
            {"encounter": [to("Encounter/by-procedure")]},
            {},
            ("by-procedure", "named"),
            id="the procedure that belongs to the line's encounter",
        ),
        pytest.param({}, EXTENSION, ("by-extension", None), id="the extension alone"),
    ],
)
def test_the_order_in_which_a_visit_is_looked_for(line: Json, claimed: Json, found: tuple[str, str]) -> None:
    assert names(found_for(claim(item(**line), **claimed), *VISITS)) == found


@pytest.mark.parametrize(
    ("visits", "found"),
    [
        pytest.param([encounter("e"), procedure("p")], ("e", "p"), id="encounter and procedure of the day"),
        pytest.param([encounter("e")], ("e", None), id="an encounter alone"),
        pytest.param([procedure("p")], (None, "p"), id="a procedure alone"),
        pytest.param(
            [procedure("p", encounter=to("Encounter/x")), encounter("x", code=None)],
            ("x", "p"),
            id="the encounter of the procedure found, whatever its type",
        ),
        pytest.param(
            [encounter("e", serviceType={"coding": [{"system": CPT, "code": "0592T"}]}, type=[])],
            ("e", None),
            id="the code as service type",
        ),
        pytest.param([encounter("e", day="2023-06-02")], (None, None), id="the day after"),
        pytest.param([encounter("e", code="0591T")], (None, None), id="another coaching service"),
        pytest.param([encounter("e", code="99213")], (None, None), id="an office visit"),
        pytest.param([encounter("e", code=None)], (None, None), id="a visit without a type"),
        pytest.param([encounter("e", patient="Patient/decoy")], (None, None), id="another patient's visit"),
        pytest.param([procedure("p", patient="Patient/decoy")], (None, None), id="another patient's procedure"),
        pytest.param([encounter("e", period=None)], (None, None), id="a visit without a date"),
        pytest.param([], (None, None), id="nothing"),
    ],
)
def test_without_a_reference_the_day_and_the_code_decide(visits: list[Json], found: tuple[str | None, ...]) -> None:
    assert names(found_for(claim(), resource("Patient/decoy"), *visits)) == found


@pytest.mark.parametrize(
    ("period", "fits"),
    [
        pytest.param(times("10:00", "10:40"), True, id="on the day"),
        pytest.param(times("23:45", "23:59", "2023-05-31"), False, id="the evening before"),
        pytest.param({"start": "2023-05-31T23:45:00-04:00", "end": f"{DAY}T00:20:00-04:00"}, True, id="past midnight"),
        pytest.param(times("01:00", "01:40", "2023-06-02", "+00:00"), True, id="UTC, the day before is possible"),
        pytest.param(times("01:00", "01:40", "2023-06-02"), False, id="the same hour in a local offset"),
        pytest.param({"start": DAY, "end": DAY}, True, id="date only"),
    ],
)
def test_the_day_of_a_visit_is_that_of_its_own_offset(period: Json, fits: bool) -> None:
    assert names(found_for(claim(), encounter("e", period=period)))[0] == ("e" if fits else None)


def test_procedure_sequence_gives_each_line_its_own_procedure() -> None:
    lines = (item(1, procedureSequence=[2]), item(2, "0591T", procedureSequence=[1]), item(3, "99213"))
    procedures = [
        {"sequence": 1, "procedureReference": to("Procedure/initial")},
        {"sequence": 2, "procedureReference": to("Procedure/follow-up")},
    ]
    evidence = evidence_of(claim(*lines, procedure=procedures), procedure("initial", "0591T"), procedure("follow-up"))
    assert [names(line)[1] for line in evidence.lines] == ["follow-up", "initial", None]


def test_a_visit_that_the_claim_names_need_not_carry_the_code() -> None:
    line = item(encounter=[to("Encounter/e")])
    assert names(found_for(claim(line), encounter("e", code=None, day="2022-01-01"))) == ("e", None)


# --- entered in error: set aside, and named


@pytest.mark.parametrize(
    ("line", "visits", "found", "ignored"),
    [
        pytest.param(
            {"encounter": [to("Encounter/wrong")]},
            [encounter("wrong", status="entered-in-error")],
            (None, None),
            ["Encounter/wrong"],
            id="the line's own encounter",
        ),
        pytest.param(
            {},
            [encounter("wrong", status="entered-in-error"), encounter("right")],
            ("right", None),
            ["Encounter/wrong"],
            id="one of two that fit",
        ),
        pytest.param(
            {"encounter": [to("Encounter/right")]},
            [encounter("right"), procedure("wrong", status="entered-in-error", encounter=to("Encounter/right"))],
            ("right", None),
            ["Procedure/wrong"],
            id="the procedure of the visit",
        ),
        pytest.param(
            {},
            [encounter("wrong", status="entered-in-error", day="2020-01-01")],
            (None, None),
            [],
            id="a visit of another day is nobody's business",
        ),
        pytest.param(
            {"encounter": [to("Encounter/right")]},
            [
                encounter("right"),
                procedure("elsewhere", status="entered-in-error", day="2020-01-01", encounter=to("Encounter/old")),
            ],
            ("right", None),
            [],
            id="a procedure of another visit is nobody's business",
        ),
    ],
)
def test_what_was_entered_in_error_is_set_aside_and_named(
    line: Json, visits: list[Json], found: tuple[str | None, ...], ignored: list[str]
) -> None:
    evidence = found_for(claim(item(**line)), *visits)
    assert names(evidence) == found
    assert [each.located.key for each in evidence.ignored] == ignored


# --- references that lead nowhere


@pytest.mark.parametrize(
    ("line", "claimed", "lost"),
    [
        pytest.param({"encounter": [to("Encounter/lost")]}, {}, "Encounter/lost", id="the line's encounter"),
        pytest.param(
            {"procedureSequence": [1]},
            {"procedure": [{"sequence": 1, "procedureReference": to("Procedure/lost")}]},
            "Procedure/lost",
            id="the procedure",
        ),
        pytest.param(
            {},
            {"extension": [{"url": CLAIM_ENCOUNTER, "valueReference": to("Encounter/lost")}]},
            "Encounter/lost",
            id="the claim's extension",
        ),
        pytest.param({"encounter": [to(LOST_URN)]}, {}, LOST_URN, id="a urn"),
        pytest.param({"encounter": [to("Patient/p")]}, {}, "Patient/p", id="something that is no visit"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(line: Json, claimed: Json, lost: str) -> None:
    evidence = found_for(claim(item(**line), **claimed))
    assert names(evidence) == (None, None)
    assert [each.value for each in evidence.unresolved] == [lost]
    assert evidence.unresolved[0].origin.resource == "Claim/c"


@pytest.mark.parametrize("bystander", [encounter("fits"), procedure("fits")], ids=["encounter", "procedure"])
def test_a_lost_encounter_is_not_replaced_by_one_that_merely_fits(bystander: Json) -> None:
    evidence = found_for(claim(item(encounter=[to("Encounter/lost")])), bystander)
    assert names(evidence) == (None, None)


def test_a_lost_procedure_is_not_replaced_by_one_that_merely_fits() -> None:
    named = {"procedure": [{"sequence": 1, "procedureReference": to("Procedure/lost")}]}
    evidence = found_for(claim(item(procedureSequence=[1]), **named), encounter("fits"), procedure("fits"))
    assert [each.value for each in evidence.unresolved] == ["Procedure/lost"]
    assert names(evidence) == (None, None)


# --- rivals


@pytest.mark.parametrize(
    ("visits", "found", "rivals"),
    [
        pytest.param([encounter("a"), encounter("b")], (None, None), ["a", "b"], id="two visits that both fit"),
        pytest.param([procedure("a"), procedure("b")], (None, None), ["a", "b"], id="two procedures that both fit"),
        pytest.param(
            [encounter("a"), encounter("b"), procedure("p", encounter=to("Encounter/b"))],
            ("b", "p"),
            [],
            id="the procedure chooses between visits",
        ),
        pytest.param(
            [encounter("e"), procedure("a"), procedure("b", encounter=to("Encounter/e"))],
            ("e", "b"),
            [],
            id="the visit chooses between procedures",
        ),
        pytest.param(
            [encounter("a"), encounter("b", status="cancelled")], ("a", None), [], id="a cancelled booking loses"
        ),
        pytest.param([procedure("a", status="not-done"), procedure("b")], (None, "b"), [], id="one not done loses"),
        pytest.param([encounter("a", status="cancelled")], ("a", None), [], id="a cancelled visit alone is kept"),
    ],
)
def test_where_nothing_chooses_the_rivals_are_named(
    visits: list[Json], found: tuple[str | None, ...], rivals: list[str]
) -> None:
    evidence = found_for(claim(), *visits)
    assert names(evidence) == found
    assert [each.located.id for each in evidence.rivals] == rivals


def test_two_encounters_on_one_line_are_rivals() -> None:
    line = item(encounter=[to("Encounter/a"), to("Encounter/b")])
    evidence = found_for(claim(line), encounter("a"), encounter("b"))
    assert [each.located.id for each in evidence.rivals] == ["a", "b"]


# --- two clinics in one folder


def test_a_namesake_of_another_bundle_is_another_patient() -> None:
    store = EvidenceStore()
    mine = [claim(), resource("Patient/p"), encounter("mine")]
    theirs = [resource("Patient/p"), encounter("theirs")]
    for bundle, (base, resources) in enumerate((("https://a.example", mine), ("https://b.example", theirs))):
        for each in resources:
            store.add(Located(each, full_url=f"{base}/{each['resourceType']}/{each['id']}", bundle=bundle))
    located = store.get("Claim/c")
    assert located is not None
    line = gather(located, store, Mapper(mappings().resources, mappings().systems), mappings()).lines[0]
    assert names(line) == ("mine", None)


# --- what it rests on


def test_everything_used_is_listed_the_claim_first_and_once() -> None:
    line = item(encounter=[to("Encounter/e")])
    evidence = evidence_of(claim(line, item(2)), encounter("e"), procedure("p", encounter=to("Encounter/e")))
    keys = [each.key for each in evidence.used]
    assert keys[0] == "Claim/c"
    assert sorted(keys) == sorted(set(keys))
    assert {"Patient/p", "Encounter/e", "Procedure/p"} <= set(keys)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        # (what each line names, the encounter found for the line that names none and that no search finds)
        pytest.param([[to("Encounter/e")], []], "e", id="the first line names it for all"),
        pytest.param([[to("Encounter/e")], [to("Encounter/e")], []], "e", id="two lines name the same"),
        pytest.param([[to("Encounter/e")], [to("Encounter/f")], []], None, id="two lines name two"),
        pytest.param([[]], None, id="no line names one"),
    ],
)
def test_a_line_without_a_visit_has_the_one_that_the_claim_names(lines: list[list[Json]], found: str | None) -> None:
    subject = claim(*(item(number, encounter=named) for number, named in enumerate(lines, 1)))
    unknown = (encounter(id, code=None) for id in ("e", "f"))
    assert names(found_for(subject, *unknown, line=len(lines) - 1)) == (found, None)
