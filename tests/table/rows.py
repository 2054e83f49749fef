"""The edge-case table (coverage facts, section 4), with the contract's choices and what it says beyond the table.

A row is its number, the case in words, the expected answer and the changes to the base case; several rows share a
number where both sides of a limit exist. Expected answers were written from the contract, not from the program. Not
here: what only files or a server show (input that is no JSON, replay on a server).
"""

from __future__ import annotations

from collections.abc import Mapping

from table.expected import (
    APPROVED,
    NOTHING,
    PENDED,
    REVIEWED,
    VOIDED,
    Expected,
    Line,
    approve,
    deny,
    either,
    lines,
    pend,
    refused,
    reject,
    review,
    warn,
)
from table.judge import Row
from table.world import (
    AETNA,
    BASE,
    CPT,
    DECISION,
    DECISIONS,
    HCPCS,
    PAS_ENCOUNTER,
    RELATED,
    TIMEZONE,
    Change,
    World,
    add,
    addressed_to,
    alone,
    another_line,
    answered,
    billed_as,
    classed,
    code,
    concept,
    contained_coach,
    currency,
    diagnoses,
    drop,
    earlier_claim,
    earlier_visit,
    hospitalized,
    inner,
    insured,
    lasting,
    length,
    member_of,
    modifiers,
    no_assessment,
    nobody,
    nothing_written,
    of_class,
    on,
    on_a_ward,
    only_procedure,
    paid_by,
    placed,
    pos,
    put,
    qualified,
    replaces,
    rival_visit,
    second_certificate,
    serviced,
    status,
    taxonomy,
    team,
    times,
    to,
    two_coverages,
    under_url,
    units,
    visit,
    with_assessment,
    without,
    written_as,
)

TABLE: list[Row] = []


def row(
    number: str,
    case: str,
    expected: Expected | Mapping[str, Expected],
    *changes: Change,
    zone: str | None = None,
    differs: str = "",
) -> None:
    answers = {BASE: expected} if isinstance(expected, Expected) else expected
    TABLE.append(Row(number, case, changes, answers, zone, differs))


SHORT = deny("152", "N163")
NO_TIME = pend("N443")
NOT_FINISHED = reject("16", "M59|N301")
OTHER_DAY = pend("N206")
COACH, SUPERVISOR = "Practitioner/base-coach", "Practitioner/base-supervisor"
PLAIN: dict[str, Expected] = {"first": approve(warned=None)}

row("0", "the base case", approve())

# --- 1 to 6: minutes

row("1", "29 minutes", SHORT, lasting(29))
row("2", "29 minutes 59 seconds", SHORT, lasting(29, 59))
row("2", "29 minutes 59.999 seconds", SHORT, times("2023-06-01T10:00:00-04:00", "2023-06-01T10:29:59.999-04:00"))
row("3", "exactly 30 minutes", approve(), lasting(30))
row("3", "30 minutes 1 second", approve(), lasting(30, 1))
row("4", "31 minutes", approve(), lasting(31))
row("5", "16 minutes", SHORT, lasting(16))
row("5", "15 minutes", SHORT, lasting(15))
row("5", "begins and ends at one instant", SHORT, lasting(0))
row("6", "0591T, 20 minutes", approve(), code("0591T"), lasting(20))
row("6", "0591T, 1 minute", approve(), code("0591T"), lasting(1))

# --- 7 to 11: times missing or wrong

row("7", "no end, finished", NO_TIME, times("2023-06-01T10:00:00-04:00", None))
row("7", "no end, encounter alone", NO_TIME, alone, without("Encounter", "period.end"))
row("7", "no start", NO_TIME, without("Encounter", "period.start"), without("Procedure", "performedPeriod.start"))
row(
    "7",
    "a single time, no end of the visit",
    NO_TIME,
    without("Encounter", "period.end"),
    without("Procedure", "performedPeriod"),
    put("Procedure", "performedDateTime", "2023-06-01T10:00:00-04:00"),
)
for state in ("in-progress", "planned", "arrived"):
    row(
        "8",
        f"no end, {state}",
        NOT_FINISHED,
        times("2023-06-01T10:00:00-04:00", None),
        status(state, "in-progress" if state != "planned" else "preparation"),
    )
    row(
        "8", f"no end, {state}, encounter alone", NOT_FINISHED, alone, without("Encounter", "period.end"), status(state)
    )
row("9", "dates without times", NO_TIME, times("2023-06-01", "2023-06-01"))
row("9", "a date as the end", NO_TIME, times("2023-06-01T10:00:00-04:00", "2023-06-01"))
row("9", "dates of the encounter alone", NO_TIME, times("2023-06-01", "2023-06-01"), alone)
row(
    "10",
    "encounter without offset",
    refused("value", "Encounter.period.start"),
    put("Encounter", "period.start", "2023-06-01T10:00:00"),
)
row(
    "10",
    "procedure without offset",
    refused("value", "Procedure.performedPeriod.end"),
    put("Procedure", "performedPeriod.end", "2023-06-01T10:40:00"),
)
row(
    "10",
    "claim created without offset",
    refused("value", "Claim.created"),
    put("Claim", "created", "2023-06-05T09:30:00"),
)
row(
    "10",
    "encounter and claim: both faults are listed",
    Expected(issues=(("value", "Claim.created"),)),
    put("Claim", "created", "2023-06-05T09:30:00"),
    put("Encounter", "period.start", "2023-06-01T10:00:00"),
)
row(
    "11",
    "encounter ends before it starts",
    refused("invariant", "Encounter.period"),
    put("Encounter", "period.end", "2023-06-01T09:59:00-04:00"),
)
row(
    "11",
    "procedure ends before it starts",
    refused("invariant", "Procedure.performed"),
    put("Procedure", "performedPeriod.end", "2023-06-01T10:00:00-03:00"),
)
row(
    "11", "coverage ends before it starts", refused("invariant", "Coverage.period"), insured("2023-12-31", "2023-01-01")
)

# --- 12 to 15: midnight, the clock, offsets

MIDNIGHT = times("2023-06-01T23:45:00-05:00", "2023-06-02T00:20:00-05:00")
row("12", "over midnight, billed on the day it began", approve(), MIDNIGHT)
row("12", "over midnight, billed on the day it ended", warn(), MIDNIGHT, serviced("2023-06-02"))
row("12", "over midnight, billed the day before", OTHER_DAY, MIDNIGHT, serviced("2023-05-31"))
row("12", "over midnight, billed the day after", OTHER_DAY, MIDNIGHT, serviced("2023-06-03"))
row("12", "29 minutes over midnight", SHORT, times("2023-06-01T23:45:00-05:00", "2023-06-02T00:14:00-05:00"))
row(
    "13",
    "clocks back: 35 minutes",
    approve(),
    on("2023-11-05"),
    times("2023-11-05T01:45:00-04:00", "2023-11-05T01:20:00-05:00"),
)
row(
    "13",
    "clocks back: 29 minutes",
    SHORT,
    on("2023-11-05"),
    times("2023-11-05T01:45:00-04:00", "2023-11-05T01:14:00-05:00"),
)
row(
    "14",
    "clocks forward: 25 minutes",
    SHORT,
    on("2024-03-10"),
    times("2024-03-10T01:45:00-05:00", "2024-03-10T03:10:00-04:00"),
)
row(
    "14",
    "clocks forward: 30 minutes",
    approve(),
    on("2024-03-10"),
    times("2024-03-10T01:45:00-05:00", "2024-03-10T03:15:00-04:00"),
)
row("15", "two offsets, 30 minutes", approve(), times("2023-06-01T22:30:00-04:00", "2023-06-01T22:00:00-05:00"))
row("15", "two offsets, 29 minutes", SHORT, times("2023-06-01T22:30:00-04:00", "2023-06-01T21:59:00-05:00"))
row(
    "15",
    "local date is of the start's own offset",
    approve(),
    times("2023-06-01T23:00:00-05:00", "2023-06-02T00:45:00-04:00"),
)
EVENING = times("2023-06-02T01:00:00Z", "2023-06-02T01:45:00Z")
NEW_YORK = "America/New_York"
row("15", "UTC, zone unknown, billed on the UTC date", warn(), EVENING, serviced("2023-06-02"))
row("15", "UTC, zone unknown, billed on the day before", warn(), EVENING)
row("15", "UTC, zone unknown, billed two days before", OTHER_DAY, EVENING, serviced("2023-05-31"))
row("15", "UTC, zone unknown, billed the day after", OTHER_DAY, EVENING, serviced("2023-06-03"))
row("15", "UTC written +00:00, zone unknown", warn(), times("2023-06-02T01:00:00+00:00", "2023-06-02T01:45:00+00:00"))
row("15", "UTC, site in New York, billed on the local date", approve(), EVENING, zone=NEW_YORK)
row("15", "UTC, site in New York, billed on the UTC date", OTHER_DAY, EVENING, serviced("2023-06-02"), zone=NEW_YORK)
LOCATED = put("Location", "extension", [{"url": TIMEZONE, "valueCode": NEW_YORK}])
row("15", "UTC, location in New York, billed on the local date", approve(), EVENING, LOCATED)
row("15", "UTC, location in New York, billed on the UTC date", OTHER_DAY, EVENING, LOCATED, serviced("2023-06-02"))
row("15", "a site's zone leaves a local offset alone", approve(), zone="Asia/Tokyo")
row(
    "15",
    "UTC over local midnight, site in New York, billed on the second day",
    warn(),
    times("2023-06-02T03:45:00Z", "2023-06-02T04:20:00Z"),
    serviced("2023-06-02"),
    zone=NEW_YORK,
)

# --- 16 to 20: length, procedure and encounter

row("16", "length 25 in a period of 40", SHORT, length(25), alone)
row("16", "length 29 in a period of 40", SHORT, length(29), alone)
row("16", "length 30 in a period of 40", approve(), length(30), alone)
row("16", "length half an hour", approve(), length(0.5, "h", "hour"), alone)
row("16", "length 1799 seconds", SHORT, length(1799, "s", "sec"), alone)
row("16", "length 1800 seconds", approve(), length(1800, "s", "sec"), alone)
row("17", "length 45 in a period of 30", pend("N206|N443"), lasting(30), length(45), alone)
row("17", "length 41 in a period of 40", pend("N206|N443"), length(41), alone)
row("17", "length as long as the period", approve(), length(40), alone)
row("18", "length in mins, no UCUM code", warn(), length(25, None, "mins"), alone)
row("18", "length in weeks", warn(), length(1, "wk", "week"), alone)
row("18", "length in an unknown unit, 29 minutes", SHORT, lasting(29), length(45, None, "mins"), alone)
row("19", "procedure of 20 in an encounter of 60", SHORT, visit(60), inner(20))
row("19", "procedure of 29 in an encounter of 60", SHORT, visit(60), inner(29))
row("19", "procedure of 30 in an encounter of 60", approve(), visit(60), inner(30))
row("20", "procedure begins before its encounter", OTHER_DAY, visit(60), inner(40, "09:30"))
row("20", "procedure begins a minute before", OTHER_DAY, visit(60), inner(40, "09:59"))
row("20", "procedure ends after its encounter", OTHER_DAY, visit(60), inner(40, "10:30"))
row("20", "procedure longer than its encounter", OTHER_DAY, visit(20), inner(40))
row("20", "procedure from the encounter's start to its end", approve(), visit(40), inner(40))

# --- 21 to 24: telehealth

for each in ("95", "GT", "GQ", "G0"):
    row("21", f"office, modifier {each}", review(), modifiers(each))
row("22", "class VR", review(), of_class("VR"))
for system in (
    None,
    "urn:oid:2.16.840.1.113883.5.4",
    "http://hl7.org/fhir/v3/ActCode",
    "https://clinic.example/classes",
):
    row("22", f"class VR, system {system}", review(), classed("VR", system))
row("22", "class VR, POS 02", review(), of_class("VR"), pos("02"))
row("22", "POS 02", review(), pos("02"))
row("22", "POS 10", review(), pos("10"))
row("22", "POS 10, the plan excludes telehealth", deny("96", "N776"), pos("10"), member_of("no-telehealth"))
row("22", "modifier 95, the plan excludes telehealth", deny("96", "N776"), modifiers("95"), member_of("no-telehealth"))
row("22", "face to face, the plan excludes telehealth", approve(warned=None), member_of("no-telehealth"))
row("23", "modifier 93", review(), modifiers("93"))
row("23", "modifier FQ", review(), modifiers("FQ"))
row(
    "24",
    "Medicare at home, 95, 2024",
    review("telehealth"),
    paid_by("Medicare"),
    on("2024-01-02"),
    pos("10"),
    modifiers("95"),
)

# --- 25 to 28: setting

INPATIENT = deny("58", "N428")
row("25", "class IMP, POS 21", INPATIENT, of_class("IMP"), pos("21"))
row("25", "class ACUTE, POS 21", INPATIENT, of_class("ACUTE"), pos("21"))
row("25", "class NONAC, POS 61", INPATIENT, of_class("NONAC"), pos("61"))
for each in ("IMP", "ACUTE", "NONAC", "SS", "OBSENC"):
    row("25", f"class {each}, no POS", INPATIENT, of_class(each), pos(None))
for each in ("21", "51", "61"):
    row("25", f"POS {each}, no encounter", INPATIENT, only_procedure, pos(each))
    row("26", f"class AMB, POS {each}", pend("M77"), pos(each))
row("26", "class IMP, POS 11", pend("M77"), of_class("IMP"))
row("26", "class IMP, POS 22", pend("M77"), of_class("IMP"), pos("22"))
row("27", "class EMER, POS 23", review(), of_class("EMER"), pos("23"))
row("27", "class AMB, POS 23", review(), pos("23"))
row("27", "POS 12, home", review(), pos("12"))
for each in ("22", "49", "50", "53", "71", "72", "19", "17", "18", "57", "62", "05", "07", "15", "20", "58"):
    row("25", f"POS {each} is outpatient", approve(), pos(each))
for each in ("12", "23", "99", "02"):
    row("26", f"class IMP, POS {each}", pend("M77"), of_class("IMP"), pos(each))
row("26", "class EMER, POS 21", pend("M77"), of_class("EMER"), pos("21"))
for each in ("02", "21"):
    row("26", f"POS {each} without a system", review(), placed(each, None))
row("25", "POS 11 without a system", warn(), placed("11", None))
row("25", "class AMB without a system", approve(), classed("AMB", None))
row("25", "class AMB of another list", warn(), classed("AMB", "https://clinic.example/classes"))
row("26", "class IMP of another list, POS 11", review(), classed("IMP", "https://clinic.example/classes"))
row("26", "in hospital by the claim, class AMB, POS 11", pend("M77"), hospitalized("2023-05-30", "2023-06-03"))
row("26", "in hospital by the claim, a category without a system", pend("M77"), hospitalized("2023-06-01", system=None))
row("26", "in hospital by the claim, no dates", pend("M77"), hospitalized(None))
row("26", "in hospital until the day before", approve(), hospitalized("2023-05-30", "2023-05-31"))
row("26", "kept from work, not in hospital", approve(), hospitalized("2023-05-30", "2023-06-03", "employmentimpacted"))
row(
    "25",
    "in hospital by the claim, class IMP, POS 21",
    INPATIENT,
    of_class("IMP"),
    pos("21"),
    hospitalized("2023-06-01"),
)
row("28", "POS 10 on 2021-12-31", reject("16", "M77"), on("2021-12-31"), pos("10"))
row("28", "POS 10 on 2022-01-01", review(), on("2022-01-01"), pos("10"))
row("28", "POS 28, unassigned", reject("16", "M77"), pos("28"))
row("28", "POS 98, unassigned", reject("16", "M77"), pos("98"))
row("28", "POS 27 on 2023-09-30", reject("16", "M77"), on("2023-09-30"), pos("27"))
row("28", "POS 27 on 2023-10-01", review(), on("2023-10-01"), pos("27"))

# --- 29, 30: groups

GROUP = add({"resourceType": "Group", "id": "circle", "type": "person", "actual": True})
row("29", "modifier HQ", deny("4", "N519"), modifiers("HQ"))
row(
    "29",
    "a group as subject of the encounter",
    deny("4", "N519"),
    GROUP,
    put("Encounter", "subject", to("Group/circle")),
)
row(
    "29",
    "a group as subject of encounter and procedure",
    deny("4", "N519"),
    GROUP,
    put("Encounter", "subject", to("Group/circle")),
    put("Procedure", "subject", to("Group/circle")),
)
row("29", "0591T with HQ", deny("4", "N519"), code("0591T"), modifiers("HQ"))
row("30", "0593T", review(), code("0593T"))
row("30", "0593T with HQ", review(never="4 N519"), code("0593T"), modifiers("HQ"))
row("30", "0593T of 29 minutes", SHORT, code("0593T"), lasting(29))

# --- 31 to 33: other services

NO_ASSESSMENT = pend("N674")
ASSESSED = {
    "an encounter": drop("Procedure/base-initial-proc"),
    "a procedure": drop("Encounter/base-initial-enc"),
}
row("31", "no earlier 0591T", NO_ASSESSMENT, no_assessment)
for name, change in ASSESSED.items():
    row("31", f"an earlier 0591T as {name} only", approve(), change)


def assessed_on(day: str) -> Change:
    """The assessment as a procedure of another day."""

    def change(world: World) -> None:
        world.drop("Encounter/base-initial-enc")
        world.get("Procedure/base-initial-proc")["performedPeriod"] = {
            "start": f"{day}T08:00:00-04:00",
            "end": f"{day}T08:45:00-04:00",
        }

    return change


row("31", "0591T the day before", approve(), assessed_on("2023-05-31"))
row("31", "0591T the day after", NO_ASSESSMENT, assessed_on("2023-06-02"))
row(
    "31",
    "0591T entered in error",
    NO_ASSESSMENT,
    drop("Encounter/base-initial-enc"),
    put("Procedure/base-initial-proc", "status", "entered-in-error"),
)
row(
    "31",
    "0591T not done",
    NO_ASSESSMENT,
    drop("Encounter/base-initial-enc"),
    put("Procedure/base-initial-proc", "status", "not-done"),
)
row(
    "31",
    "0591T of status unknown",
    NO_ASSESSMENT,
    drop("Encounter/base-initial-enc"),
    put("Procedure/base-initial-proc", "status", "unknown"),
)
row(
    "31",
    "0591T without a status",
    either("PEND|REVIEW"),
    drop("Encounter/base-initial-enc"),
    without("Procedure/base-initial-proc", "status"),
)
OTHER_PERSON = add({"resourceType": "Patient", "id": "other"})
row(
    "31",
    "0591T of another patient",
    NO_ASSESSMENT,
    OTHER_PERSON,
    drop("Encounter/base-initial-enc"),
    put("Procedure/base-initial-proc", "subject", to("Patient/other")),
)
row(
    "31", "no earlier 0591T, the plan requires it", deny("B15", "N674"), no_assessment, member_of("assessment-required")
)
row(
    "31",
    "no earlier 0591T, the plan warns",
    approve(warned=None, says=("0591T",)),
    no_assessment,
    member_of("assessment-advised"),
)
row("32", "0591T and 0592T of one day, Cigna, an earlier 0591T", lines(APPROVED, APPROVED), with_assessment)
row(
    "32",
    "0591T and 0592T of one day, Cigna, no earlier 0591T",
    lines(PENDED("N674"), APPROVED),
    with_assessment,
    no_assessment,
)
row(
    "32",
    "0591T and 0592T of one day, Medicare",
    lines(REVIEWED, Line("DENY", ("236",), ("N20",))),
    paid_by("Medicare"),
    on("2024-07-01"),
    with_assessment,
)
row(
    "32",
    "0591T and 0592T of one day, Medicare, before the edits",
    lines(REVIEWED, REVIEWED),
    paid_by("Medicare"),
    on("2024-06-30"),
    with_assessment,
)
row(
    "32",
    "a modifier is no way round",
    lines(REVIEWED, Line("DENY", ("236",), ("N20",))),
    paid_by("Medicare"),
    on("2024-07-01"),
    with_assessment,
    put("Claim", "item.1.modifier", [concept("59")]),
)
row(
    "33",
    "0592T and 90834, Medicare",
    lines(Line("DENY", ("236",), ("N20",)), REVIEWED),
    paid_by("Medicare"),
    on("2024-07-01"),
    another_line("90834"),
)
row(
    "33",
    "0592T and 90834, Medicare, before the edits",
    lines(REVIEWED, REVIEWED),
    paid_by("Medicare"),
    on("2024-06-30"),
    another_line("90834"),
)
row("33", "0592T and 90834, Cigna", lines(APPROVED, REVIEWED), another_line("90834"))
row(
    "33",
    "0592T and 97802, Medicare: coaching stands",
    lines(REVIEWED, REVIEWED),
    paid_by("Medicare"),
    on("2024-07-01"),
    another_line("97802"),
)

# --- 34 to 42: the same claim again, replaced, void, in error

row("34", "duplicate of an approved claim", PLAIN | {BASE: deny("18")}, earlier_claim())
BOTH = Expected((Line("DENY", ("18", "152"), ("N163",)),))
row("34", "duplicate of a denied claim", {"first": SHORT, BASE: BOTH}, lasting(29), earlier_claim())
row(
    "34",
    "duplicate of a claim that the payer decided elsewhere",
    deny("18"),
    paid_by("Aetna"),
    earlier_claim(),
    answered("first", by_us=False),
)
row(
    "34",
    "like a rejected claim",
    {"first": reject("16", "M79"), BASE: approve(warned=None)},
    earlier_claim(put("Claim/first", "item.0.net.value", 90)),
)
row(
    "34",
    "like a claim that is still open",
    {"first": pend("N706"), BASE: either("PEND|REVIEW", never="18")},
    nothing_written,
    earlier_claim(),
)
row(
    "34",
    "another modifier: no exact duplicate",
    PLAIN | {BASE: either("APPROVE|REVIEW", never="18")},
    earlier_claim(),
    modifiers("76"),
)
row(
    "34",
    "another provider: no exact duplicate",
    PLAIN | {BASE: review(never="18")},
    earlier_claim(),
    add({"resourceType": "Organization", "id": "elsewhere", "name": "Elsewhere"}),
    put("Claim", "provider", to("Organization/elsewhere")),
)
row(
    "34",
    "another day: no duplicate",
    PLAIN | {BASE: approve(warned=None)},
    earlier_claim(
        put("Claim/first", "item.0.servicedDate", "2023-05-20"),
        put("Claim/first", "item.0.encounter", [to("Encounter/earlier")]),
        earlier_visit,
    ),
)
SECOND = {"provider": to("Organization/elsewhere"), "modifier": [concept("25")]}
row(
    "69",
    "a second claim of the day, another provider and modifier",
    PLAIN | {BASE: review(never="18")},
    earlier_claim(),
    add({"resourceType": "Organization", "id": "elsewhere", "name": "Elsewhere"}),
    put("Claim", "provider", SECOND["provider"]),
    put("Claim", "item.0.modifier", SECOND["modifier"]),
)
SAME_NUMBER = put("Claim/first", "identifier", [{"system": "https://clinic.example.org/claims", "value": "claim-base"}])
row(
    "35",
    "same identifier, the first still open",
    {"first": pend("N706"), BASE: refused("duplicate", "Claim.identifier")},
    nothing_written,
    earlier_claim(SAME_NUMBER),
)
row("35", "same identifier, the first decided", PLAIN | {BASE: deny("18")}, earlier_claim(SAME_NUMBER))
row("35", "the same claim twice in one message", approve(), lambda world: world.add(dict(world.claim)))
row(
    "36",
    "replaces a decided claim",
    PLAIN | {BASE: approve("MA67", warned=None)},
    earlier_claim(),
    replaces("Claim/first"),
)
row(
    "36",
    "replaces a claim we answered before",
    {"first": VOIDED, BASE: approve("MA67", warned=None)},
    earlier_claim(),
    replaces("Claim/first"),
    answered("first"),
)
row(
    "36",
    "replaces a denied claim, corrected",
    {"first": deny("58", "N428"), BASE: approve("MA67", warned=None)},
    earlier_claim(on_a_ward),
    replaces("Claim/first"),
)
row(
    "36",
    "replaces a claim the payer decided elsewhere",
    approve("MA67", warned=None),
    paid_by("Cigna"),
    earlier_claim(put("Claim/first", "status", "draft")),
    answered("first", by_us=False),
    replaces("Claim/first"),
)
row(
    "36",
    "replaces by number",
    PLAIN | {BASE: approve("MA67", warned=None)},
    earlier_claim(),
    put(
        "Claim",
        "related",
        [
            {
                "relationship": concept("prior", RELATED),
                "reference": {"system": "https://clinic.example.org/claims", "value": "claim-first"},
            }
        ],
    ),
)
row(
    "36",
    "the replacement is denied for itself",
    {"first": approve(warned=None), BASE: deny("4", "N519", never="18")},
    earlier_claim(),
    replaces("Claim/first"),
    modifiers("HQ"),
)
row(
    "37",
    "replaces an open claim",
    {"first": pend("N706"), BASE: reject("16", "N779")},
    nothing_written,
    earlier_claim(),
    replaces("Claim/first"),
)
row("38", "replaces nobody knows what", reject("16", "N152"), replaces(None))
row(
    "39",
    "replaces a rejected claim",
    {"first": reject("16", "M79"), BASE: approve(warned=None, never="MA67 18")},
    earlier_claim(put("Claim/first", "item.0.net.value", 90)),
    replaces("Claim/first"),
)
row("39", "replaces a claim that is not on file", either("PEND|REVIEW", never="MA67"), replaces("Claim/nowhere"))
row("40", "Claim.status draft", refused("business-rule", "Claim.status"), put("Claim", "status", "draft"))
row("41", "cancelled, never answered", refused("not-found", "Claim.status"), put("Claim", "status", "cancelled"))
row("41", "cancelled, answered before", VOIDED, put("Claim", "status", "cancelled"), answered("base"))
row(
    "41",
    "cancelled, answered only by another",
    refused("not-found", "Claim.status"),
    put("Claim", "status", "cancelled"),
    answered("base", by_us=False),
)
row(
    "42", "claim entered in error", refused("business-rule", "Claim.status"), put("Claim", "status", "entered-in-error")
)
REPORTED = put("Procedure", "report", [to("DocumentReference/base-note")])
row("42", "encounter in error, a procedure is left", warn(), status("entered-in-error"), REPORTED)
row("42", "procedure in error, an encounter is left", warn(), status("finished", "entered-in-error"))
row("42", "encounter and procedure in error", pend("N706"), status("entered-in-error", "entered-in-error"))
row("42", "encounter in error and no procedure", pend("N706"), alone, status("entered-in-error"))

# --- 43, 44

CANCELLED = deny("96", "N441")
row("43", "encounter cancelled", CANCELLED, status("cancelled", "not-done"))
row("43", "encounter cancelled, no procedure", CANCELLED, alone, status("cancelled"))
row(
    "43",
    "encounter cancelled, no end",
    CANCELLED,
    times("2023-06-01T10:00:00-04:00", None),
    status("cancelled", "not-done"),
)
row("43", "procedure not done", CANCELLED, status("finished", "not-done"))
for each in ("preauthorization", "predetermination"):
    row("44", each, refused("not-supported", "Claim.use"), put("Claim", "use", each))

# --- 45 to 49: eligibility

row("45", "coverage ended the day before", deny("27"), insured("2023-01-01", "2023-05-31"))
GAP = two_coverages({"period": {"start": "2023-01-01", "end": "2023-05-31"}})
row("45", "between two coverages", deny("200"), GAP, insured("2023-06-02", "2023-12-31"))
row("46", "coverage ends on the day", approve(), insured("2023-01-01", "2023-06-01"))
row("46", "coverage ends in the month", approve(), insured("2023-01", "2023-06"))
row("46", "coverage ended the month before", deny("27"), insured("2023-01", "2023-05"))
row("46", "coverage without an end", approve(), insured("2023-01-01", None))
row("47", "coverage starts on the day", approve(), insured("2023-06-01", "2023-12-31"))
row("47", "coverage starts the day after", deny("26"), insured("2023-06-02", "2023-12-31"))
row("48", "coverage cancelled", deny("27"), put("Coverage/base-coverage", "status", "cancelled"))
row("48", "coverage a draft", deny("27"), put("Coverage/base-coverage", "status", "draft"))
row("48", "coverage entered in error", reject("31"), put("Coverage/base-coverage", "status", "entered-in-error"))
row(
    "49",
    "coverage of another person",
    reject("31", "N382"),
    OTHER_PERSON,
    put("Coverage/base-coverage", "beneficiary", to("Patient/other")),
)

# --- 50 to 54: who

NO_CREDENTIAL = pend("N570")
NOT_ACCEPTED = deny("185", "N95")
row("50", "no qualification", NO_CREDENTIAL, without("Coach", "qualification"))
row(
    "50",
    "the coach leads nowhere",
    pend("N570", says=("Practitioner/nobody",)),
    team(("Practitioner/nobody", "primary"), (SUPERVISOR, "supervisor")),
)
row(
    "54",
    "the supervisor leads nowhere",
    warn("Practitioner/nobody"),
    team((COACH, "primary"), ("Practitioner/nobody", "supervisor")),
)
for each in ("Certified Personal Trainer", "Diploma in baking", "Medical assistant"):
    row("51", each, NOT_ACCEPTED, qualified(each))
for each in ("NBC-HWC", "CHES", "MCHES", "Licensed psychologist", "Registered nurse", "LCSW"):
    row("51", f"{each} is accepted, by its words alone", warn("words"), qualified(each))
for text, issuer in (
    ("NBC-HWC", "NBHWC"),
    ("MCHES", "National Commission for Health Education Credentialing"),
    ("CHES", "NCHEC"),
    ("Registered nurse", "Texas Board of Nursing"),
    ("Licensed psychologist", "Ohio Board of Psychology"),
):
    row(
        "51",
        f"{text} of {issuer}",
        approve(),
        qualified(text),
        put("Coach", "qualification.0.issuer", {"display": issuer}),
    )
row(
    "51",
    "CHES of an unknown school",
    warn("words"),
    qualified("CHES"),
    put("Coach", "qualification.0.issuer", {"display": "Moonlight Academy"}),
)
for each in ("Applicant for NBC-HWC", "Not NBC-HWC certified", "NBC-HWC candidate", "RN student", "CHES (expired)"):
    row("51", each, pend("N570"), qualified(each))
row(
    "51",
    "an applicant, though the issuer is named",
    pend("N570"),
    put("Coach", "qualification.0.code.text", "NBC-HWC, pending"),
)
row("51", "one of two qualifications is accepted", approve(), qualified("Diploma in baking", None))
EXPIRED = deny("B7")
row("52", "certificate ended the day before", EXPIRED, qualified(None, valid=("2018-01-01", "2023-05-31")))
row("52", "certificate ended on the day", approve(), qualified(None, valid=("2018-01-01", "2023-06-01")))
row("52", "certificate began on the day", approve(), qualified(None, valid=("2023-06-01", None)))
row("52", "certificate began the day after", EXPIRED, qualified(None, valid=("2023-06-02", None)))
row("52", "certificate without dates", either("PEND|REVIEW"), without("Coach", "qualification.0.period"))
row(
    "52",
    "one expired, one valid",
    warn("words"),
    qualified("CHES", valid=("2018-01-01", "2023-05-31")),
    second_certificate,
)
row("53", "a physician by qualification", review(never="185 B7"), qualified("Physician"))
row("53", "a physician by MD", review(never="185 B7"), qualified("MD"))
row("53", "a physician by taxonomy", review(), taxonomy("207Q00000X"))
row("54", "no supervisor", warn("supervis"), team((COACH, "primary")))
row("54", "no supervisor, the plan requires one", pend(), team((COACH, "primary")), member_of("supervised"))
row("54", "the coach as supervisor", warn("supervis"), team((COACH, "primary"), (COACH, "supervisor")))

# --- 55 to 58: who pays

row("55", "Cigna second, no primary result", pend("MA04|N479"), two_coverages(AETNA))
FIRST_ANSWER = answered("base", by_us=False, id="first-payer")
row(
    "55",
    "Cigna second, primary result attached",
    approve(warned=None),
    two_coverages(AETNA),
    FIRST_ANSWER,
    put("Claim", "insurance.0.claimResponse", to("ClaimResponse/first-payer")),
)
row(
    "55",
    "Cigna second, the primary result leads nowhere",
    pend("MA04|N479"),
    two_coverages(AETNA),
    put("Claim", "insurance.0.claimResponse", to("ClaimResponse/nowhere")),
)
row(
    "55",
    "Cigna second, the primary result was cancelled",
    pend("MA04|N479"),
    two_coverages(AETNA),
    FIRST_ANSWER,
    put("Claim", "insurance.0.claimResponse", to("ClaimResponse/first-payer")),
    put("ClaimResponse", "status", "cancelled"),
)
row(
    "55",
    "Cigna second, the primary result is still open",
    pend("MA04|N479"),
    two_coverages(AETNA),
    answered("base", "queued", by_us=False, id="first-payer"),
    put("Claim", "insurance.0.claimResponse", to("ClaimResponse/first-payer")),
)
row(
    "55",
    "Cigna second, the primary result says complete and is pended",
    pend("MA04|N479"),
    two_coverages(AETNA),
    FIRST_ANSWER,
    put("Claim", "insurance.0.claimResponse", to("ClaimResponse/first-payer")),
    put("ClaimResponse", "extension", [{"url": DECISION, "valueCodeableConcept": concept("pending", DECISIONS)}]),
)
row("55", "Cigna first", approve(warned=None), two_coverages(AETNA), put("Claim", "insurance.0.sequence", 3))
row("56", "two focal coverages", refused("business-rule", "Claim.insurance"), two_coverages(AETNA, (True, True)))
row("56", "no focal coverage of two", refused("business-rule", "Claim.insurance"), two_coverages(AETNA, (False, False)))
for each in ("Aetna", "UnitedHealthcare", "Blue Cross Blue Shield of Somewhere"):
    row("57", each, review(), paid_by(each))
row("57", "a payer nobody knows", review(), paid_by("Moonlight Mutual"))
WRONG_PAYER = deny("109", "N418")
row("58", "addressed to Cigna, covered by Aetna", WRONG_PAYER, paid_by("Aetna"), addressed_to("Cigna"))
row("58", "addressed to Aetna, covered by Cigna", WRONG_PAYER, addressed_to("Aetna"))
row("58", "addressed to an affiliate of Cigna's", approve(), addressed_to("Evernorth Behavioral Health"))

# --- 59 to 65: diagnoses

OUT_OF_SCOPE = deny("167", "N569")
for each in ("R73.03", "E66.9", "I10", "G47.00"):
    row("59", each, OUT_OF_SCOPE, diagnoses(each))
row("59", "R73.03, E66.9 and I10", OUT_OF_SCOPE, diagnoses("R73.03", "E66.9", "I10"))
for each in ("F17.210", "F41.1", "F10.20", "F99", "F32.A"):
    row("60", each, approve(), diagnoses(each))
row("60", "I10 and F41.1, both pointed to", approve(), diagnoses("I10", "F41.1"))
row("61", "F41.1 on the claim, the line points to I10", pend("N569"), diagnoses("I10", "F41.1", pointed=(1,)))
for each in ("O99.340", "O99.345", "Z71.3", "Z71.89", "Z63.0"):
    row("62", each, review(never="167"), diagnoses(each))
row("62", "Z71.3 and I10", review(never="167"), diagnoses("Z71.3", "I10"))
NO_DIAGNOSIS = reject("16", "MA63")
NO_POINTER = without("Claim", "item.0.diagnosisSequence")
row(
    "63",
    "no diagnosis anywhere",
    NO_DIAGNOSIS,
    without("Claim", "diagnosis"),
    NO_POINTER,
    without("Encounter", "diagnosis"),
)
row(
    "63",
    "no diagnosis, a pointer into nothing",
    NO_DIAGNOSIS,
    without("Claim", "diagnosis"),
    without("Encounter", "diagnosis"),
)
row("64", "F41.1 on the encounter only", NO_DIAGNOSIS, without("Claim", "diagnosis"), NO_POINTER)
row("65", "F41, a category header", reject("16", "M76|M81"), diagnoses("F41"))
row("65", "F41.99, no code", reject("16", "M76|M81"), diagnoses("F41.99"))
row("65", "XYZ, no code", reject("16", "M76|M81"), diagnoses("XYZ"))
row("65", "I10 pointed to, a header beside it", reject("16", "M76|M81"), diagnoses("F41.1", "F41"))

# --- 66 to 71: modifiers and units

row("66", "modifier ZZ", reject("16", "N823"), modifiers("ZZ"))
row("66", "modifier AC of 2026 in 2023", deny("182"), modifiers("AC"))
row("66", "modifier GD, ended 2019", deny("182"), modifiers("GD"))
row("66", "modifier 93 in 2021, before any policy", deny("182"), on("2021-12-01"), modifiers("93"))
row("66", "modifier JG on its last day", either("APPROVE|REVIEW"), on("2024-12-31"), modifiers("JG"))
row("66", "modifier JG on the day after", deny("182"), on("2025-01-01"), modifiers("JG"))
row("66", "a modifier in words only", reject("16", "N823"), put("Claim", "item.0.modifier", [{"text": "by video"}]))
NARRATIVE = {"sequence": 1, "category": {"text": "info"}, "valueString": "Two hours of crisis work."}
row("67", "modifier 22, no narrative", warn(rarc=("M69",)), modifiers("22"))
row(
    "67",
    "modifier 22 with a narrative",
    approve(warned=None, never="M69"),
    modifiers("22"),
    put("Claim", "supportingInfo", [NARRATIVE]),
    put("Claim", "item.0.informationSequence", [1]),
)
row("68", "modifier 22, 20 minutes", deny("152", "N163", never="M69"), modifiers("22"), lasting(20))
TWO_UNITS = units(2)
row("69", "two units, 60 minutes, Cigna", review(never="151"), lasting(60), TWO_UNITS)
row(
    "69",
    "two units, 60 minutes, Medicare",
    deny("151", "N362"),
    paid_by("Medicare"),
    on("2024-07-01"),
    lasting(60),
    TWO_UNITS,
)
row(
    "69",
    "two units, Medicare, before the edits",
    review(never="151"),
    paid_by("Medicare"),
    on("2024-06-30"),
    lasting(60),
    TWO_UNITS,
)
row("69", "one unit, 60 minutes, Cigna", approve(), lasting(60))
row("70", "no quantity", warn("quantity|unit"), units(None))
for quantity in (0, -1, 1.5, 0.5):
    row("71", f"quantity {quantity}", reject("16", "M53"), units(quantity))
row("71", "quantity 1.0", approve(), units(1.0))

# --- 72 to 75: money, other lines

row("72", "negative unit price and net", reject("16", "M79"), units(1, -85))
row("72", "negative net", reject("16", "M79"), units(1, 85, -85))
row("72", "an amount of zero", approve(), units(1, 0))
row("73", "euros", reject("16", "M79"), currency("EUR"))
row("73", "euros in the net alone", reject("16", "M79"), currency("EUR", "net"))
row("73", "euros in the total alone", reject("16", "M79"), currency("EUR", "total"))
row("73", "no currency", warn("currency"), currency(None))
row("74", "net a cent above", reject("16", "M79"), units(1, 85, 85.01))
row("74", "net a cent below", reject("16", "M79"), units(1, 85, 84.99))
row("74", "net in thirds of a cent", approve(), units(1, 85.0, 85.004))
row("74", "net with a factor", approve(), units(1, 85, 42.5), put("Claim", "item.0.factor", 0.5))
row("74", "net without its factor", reject("16", "M79"), put("Claim", "item.0.factor", 0.5))
row("74", "no unit price", approve(), without("Claim", "item.0.unitPrice"))
row("74", "total a cent above", warn("total"), put("Claim", "total.value", 85.01))
row("74", "total of another claim", warn("total"), put("Claim", "total.value", 10))
row("75", "0592T and 99213", lines(APPROVED, REVIEWED), another_line("99213"))
row(
    "75",
    "0592T of 29 minutes and 99213",
    lines(Line("DENY", ("152",), ("N163",)), REVIEWED),
    lasting(29),
    another_line("99213"),
)
row("76", "99213 alone", NOTHING, billed_as(concept("99213")))

# --- 77 to 82: how the code is written

UNREADABLE = reject("16", "M51")
row("77", "the code in text only", UNREADABLE, billed_as({"text": "0592T"}))
row("77", "the code within a text", UNREADABLE, billed_as({"text": "coaching (0592T), follow-up"}))
row("77", "the code in a display only", UNREADABLE, billed_as({"coding": [{"system": CPT, "display": "0592T"}]}))
row("78", "CPT by its OID", warn(), billed_as(concept("0592T", "urn:oid:2.16.840.1.113883.6.12")))
row("79", "CPT under HCPCS", warn(), billed_as(concept("0592T", HCPCS)))
row("79", "CPT under HCPCS with https", warn(), billed_as(concept("0592T", HCPCS.replace("http:", "https:"))))
row("80", "no code system", UNREADABLE, billed_as(concept("0592T", None)))
row("80", "SNOMED CT", UNREADABLE, billed_as(concept("0592T", "http://snomed.info/sct")))
row("80", "H0038 under CPT", UNREADABLE, billed_as(concept("H0038", CPT)))
row("80", "a system nobody knows", UNREADABLE, billed_as(concept("0592T", "urn:example:codes")))
row("81", "lower case", UNREADABLE, billed_as(concept("0592t")))
row("81", "a space before", UNREADABLE, billed_as(concept(" 0592T")))
row("81", "a space after", UNREADABLE, billed_as(concept("0592T ")))
row(
    "82",
    "0592T and 0593T in one",
    UNREADABLE,
    billed_as({"coding": [*concept("0592T")["coding"], *concept("0593T")["coding"]]}),
)
row(
    "82",
    "0592T and 99213 in one",
    UNREADABLE,
    billed_as({"coding": [*concept("0592T")["coding"], *concept("99213")["coding"]]}),
)

# --- 83 to 89: dates

row("83", "2019-12-31", deny("181", "M84"), on("2019-12-31"))
row("84", "2020-01-01", review(never="181"), on("2020-01-01"))
row("84", "2023-04-14", review(), on("2023-04-14"))
row("84", "2023-04-15", approve(), on("2023-04-15"))
row("84", "2023-04-14, 29 minutes: nobody denies", review(never="152"), on("2023-04-14"), lasting(29))
row("85", "2024-04-15, the review date", approve(), on("2024-04-15"))
row("85", "2024-04-16", warn("review"), on("2024-04-16"))
row("85", "2024-04-16, 29 minutes", SHORT, on("2024-04-16"), lasting(29))
row("86", "2024-12-31", warn("review"), on("2024-12-31"))
row("86", "2025-01-01", warn("review", "sunset|extended|extension"), on("2025-01-01"))
row("87", "billed the day before", reject("110|16", "N301"), put("Claim", "created", "2023-05-31"))
row("87", "billed on the day", approve(), put("Claim", "created", "2023-06-01"))
EAST = (times("2023-06-02T08:00:00+10:00", "2023-06-02T08:40:00+10:00"), serviced("2023-06-02"))
row("87", "east of UTC, billed after the session", approve(), *EAST, put("Claim", "created", "2023-06-01T23:30:00Z"))
row(
    "87",
    "east of UTC, billed the day before",
    reject("110|16", "N301"),
    *EAST,
    put("Claim", "created", "2023-06-01T13:59:00Z"),
)
row("87", "tomorrow", reject("110|16", "N301"), on("2026-02-01"))
row("87", "today", approve(warned=None), on("2026-01-31"))
FILED = {day: put("Claim", "created", day) for day in ("2023-08-30", "2023-08-31")}
row("88", "filed after 91 days", approve(), FILED["2023-08-31"])
row(
    "88",
    "filed after 90 days, the plan sets 90",
    approve(warned=None),
    FILED["2023-08-30"],
    member_of("filed-in-90-days"),
)
row("88", "filed after 91 days, the plan sets 90", deny("29"), FILED["2023-08-31"], member_of("filed-in-90-days"))
row("89", "three days, one unit", pend("N345"), serviced("2023-05-31", "2023-06-02"))
row("89", "two days, one unit", pend("N345"), serviced("2023-06-01", "2023-06-02"))
row("89", "a period of one day", approve(), serviced("2023-06-01", "2023-06-01"))

# --- 90 to 93: H0038

PEER = qualified("Certified Peer Specialist")


def peer(minutes: int, quantity: float) -> tuple[Change, ...]:
    """H0038 by a peer, that long, that many units of 20 dollars."""
    return code("H0038", HCPCS), PEER, lasting(minutes), units(quantity, 20)


ALL_SUPPORT, NONE_SUPPORTS, SOME_SUPPORT = approve(warned=None), deny("151", "N345"), pend("N345")
UNITS = [
    # minutes, units that all conventions support, that some support, that none supports
    ("92", 0, (), (), (1,)),
    ("92", 7, (), (1,), (2,)),
    ("92", 8, (), (1,), (2,)),
    ("92", 14, (), (1,), (2,)),
    ("92", 15, (1,), (), (2,)),
    ("92", 16, (1,), (2,), (3,)),
    ("92", 29, (1,), (2,), (3,)),
    ("90", 30, (2,), (), (3,)),
    ("90", 45, (3,), (), (4,)),
    ("90", 50, (1, 2, 3), (), ()),
    ("91", 50, (), (4,), (5,)),
    ("91", 53, (3,), (4,), (5,)),
]
for number, minutes, supported, between, excess in UNITS:
    for many, answer in ((supported, ALL_SUPPORT), (between, SOME_SUPPORT), (excess, NONE_SUPPORTS)):
        for billed in many:
            row(number, f"H0038, {minutes} minutes, {billed} units", answer, *peer(minutes, billed))
row("93", "H0038 by a health coach", pend("N570"), *peer(50, 3), qualified(None))
row(
    "93",
    "H0038 by a health coach with a peer's taxonomy",
    approve(warned=None),
    *peer(50, 3),
    qualified(None),
    taxonomy("175T00000X"),
)
row(
    "93",
    "H0038 by somebody with a peer's taxonomy alone",
    approve(warned=None),
    *peer(50, 3),
    without("Coach", "qualification"),
    taxonomy("175T00000X"),
)
row(
    "93",
    "H0038 by an expired peer",
    either("DENY|PEND"),
    *peer(50, 3),
    qualified("Certified Peer Specialist", valid=("2018-01-01", "2023-05-31")),
)
row("93", "H0038 needs no assessment", approve(warned=None), *peer(45, 3), alone)

# --- 94 to 96

row("94", "the plan excludes coaching", deny("204", "N130"), member_of("no-coaching"))
row("94", "the plan excludes coaching, not H0038", approve(warned=None), *peer(45, 3), member_of("no-coaching"))
row("94", "another plan", approve(), member_of("gold"))
ELEMENTS = ("topic", "goal", "barrier", "intervention", "readiness", "follow-up", "progress")
row("95", "nothing written", pend("N706", says=ELEMENTS), nothing_written)
row("95", "a goal and a plan only", pend("N706", says=("topic", "barrier", "readiness", "progress")), drop("Note"))
row("95", "a note without content", pend("N706"), without("Note", "content.0.attachment.data"))
row("95", "a note entered in error", pend("N706"), put("Note", "status", "entered-in-error"))
row("95", "a note of another visit", pend("N706"), put("Note", "context.encounter", [to("Encounter/base-initial-enc")]))
row("95", "a note alone", approve(), drop("CarePlan", "Goal"))
row("96", "12 years old", approve(), put("Patient", "birthDate", "2011-01-01"))
row("96", "91 years old", approve(), put("Patient", "birthDate", "1932-01-01"))

# --- beyond the table: evidence

NO_EVIDENCE = pend("N706")
NO_VISIT = without("Claim", "item.0.encounter")
row(
    "evidence",
    "no encounter and no procedure",
    pend("N706", says=("Encounter/base-enc",)),
    drop("Encounter", "Procedure"),
)
row("evidence", "none, and none is named", NO_EVIDENCE, drop("Encounter", "Procedure"), NO_VISIT)
row(
    "evidence",
    "the named encounter leads nowhere",
    pend("N706", says=("Encounter/nowhere",)),
    drop("Encounter", "Procedure"),
    put("Claim", "item.0.encounter", [to("Encounter/nowhere")]),
)
row("evidence", "the day before", OTHER_DAY, serviced("2023-05-31"))
row("evidence", "the day after", OTHER_DAY, serviced("2023-06-02"))
row("evidence", "several candidates", OTHER_DAY, rival_visit)
row(
    "evidence",
    "named by Procedure.encounter",
    approve(),
    NO_VISIT,
    put("Claim", "procedure", [{"sequence": 1, "procedureReference": to("Procedure/base-proc")}]),
    put("Claim", "item.0.procedureSequence", [1]),
)
row(
    "evidence",
    "named by the claim's extension",
    approve(),
    NO_VISIT,
    put("Claim", "extension", [{"url": PAS_ENCOUNTER, "valueReference": to("Encounter/base-enc")}]),
)
row("evidence", "found by date and code", approve(), NO_VISIT)
row("evidence", "found by date and code, encounter alone", approve(), NO_VISIT, alone)
row(
    "evidence",
    "of another patient",
    either("PEND|REVIEW|DENY|REJECT"),
    OTHER_PERSON,
    put("Encounter", "subject", to("Patient/other")),
    put("Procedure", "subject", to("Patient/other")),
)
row(
    "evidence",
    "of another coaching code",
    either("PEND|REVIEW|DENY|REJECT"),
    put("Encounter", "type", [concept("0593T")]),
    put("Procedure", "code", concept("0593T")),
)
row("evidence", "length alone", NO_TIME, alone, without("Encounter", "period"), length(45))
row("evidence", "length and a start", NO_TIME, alone, without("Encounter", "period.end"), length(45))

# --- beyond the table: references

row(
    "reference",
    "Bundle of urn:uuid",
    approve(),
    *(
        under_url(key, f"urn:uuid:{number:08}-0000-4000-8000-000000000000")
        for number, key in enumerate(
            (
                "Encounter/base-enc",
                "Practitioner/base-coach",
                "Coverage/base-coverage",
                "Patient/base-member",
                "Organization/base-payer",
            ),
            1,
        )
    ),
)
row(
    "reference",
    "absolute",
    approve(),
    written_as(COACH, to(f"https://clinic.example.org/fhir/{COACH}")),
    written_as("Encounter/base-enc", to("https://clinic.example.org/fhir/Encounter/base-enc")),
)
row(
    "reference",
    "conditional",
    approve(),
    put("Claim", "careTeam.0.provider", to("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999900019")),
)
row(
    "reference",
    "by identifier",
    approve(),
    put(
        "Claim",
        "careTeam.0.provider",
        {"type": "Practitioner", "identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "9999900019"}},
    ),
)
row("reference", "contained", approve(), contained_coach)

# --- beyond the table: coverage and payer

row(
    "payer",
    "coverage leads nowhere",
    review("Coverage/base-coverage"),
    drop("Coverage/base-coverage"),
)
row("payer", "coverage in words only", review(), put("Claim", "insurance.0.coverage", {"display": "Cigna"}))
row("payer", "payer leads nowhere", review(), drop("Payer"))
row(
    "payer",
    "payer in words, addressed in words",
    approve(warned=None),
    drop("Payer"),
    put("Coverage/base-coverage", "payor", [{"display": "Cigna"}]),
    put("Claim", "insurer", {"display": "Cigna"}),
)
for each in ("Cigna Medicare Advantage", "Cigna-HealthSpring", "Cigna Medicaid of Texas", "Cigna Global"):
    row("payer", f"{each} is no standard plan of Cigna's", review(), paid_by(each))
TWO_PAYORS = [to("Organization/base-payer"), {"display": "Aetna"}]
row("payer", "two payors, one in words", review(), put("Coverage/base-coverage", "payor", TWO_PAYORS))
row(
    "payer",
    "two payors, one leads nowhere",
    review(),
    put("Coverage/base-coverage", "payor", [*TWO_PAYORS[:1], to("Organization/nowhere")]),
)
row(
    "payer",
    "two payors, both Cigna",
    approve(),
    put(
        "Coverage/base-coverage", "payor", [to("Organization/base-payer") | {"display": "Cigna"}, {"display": "CHLIC"}]
    ),
)
row("payer", "addressed to a company nobody knows", review("insurer"), addressed_to("Zebra Mutual"))
row("payer", "addressed to a company that leads nowhere", review(), put("Claim", "insurer", to("Organization/nowhere")))
row("no policy", "Aetna, 29 minutes", review(never="152"), paid_by("Aetna"), lasting(29))
row("no policy", "Aetna, inpatient", review(never="58"), paid_by("Aetna"), of_class("IMP"), pos("21"))
row("no policy", "Aetna, nothing written", review(never="N706"), paid_by("Aetna"), nothing_written)
row("no policy", "Aetna, the code in text only", UNREADABLE, paid_by("Aetna"), billed_as({"text": "0592T"}))
row("no policy", "Aetna, no diagnosis", NO_DIAGNOSIS, paid_by("Aetna"), without("Claim", "diagnosis"), NO_POINTER)
row("no policy", "Aetna, coverage ended", deny("27"), paid_by("Aetna"), insured("2023-01-01", "2023-05-31"))
row("no policy", "Aetna, coverage not begun", deny("26"), paid_by("Aetna"), insured("2023-06-02", None))
row(
    "no policy",
    "Aetna, coverage of another",
    reject("31", "N382"),
    paid_by("Aetna"),
    OTHER_PERSON,
    put("Coverage/base-coverage", "beneficiary", to("Patient/other")),
)
row("no policy", "Aetna, 2019-12-31", deny("181", "M84"), paid_by("Aetna"), on("2019-12-31"))
row(
    "no policy",
    "Aetna, draft",
    refused("business-rule", "Claim.status"),
    paid_by("Aetna"),
    put("Claim", "status", "draft"),
)
row(
    "no policy",
    "Aetna, no offset",
    refused("value", "Encounter.period.start"),
    paid_by("Aetna"),
    put("Encounter", "period.start", "2023-06-01T10:00:00"),
)
row(
    "no policy",
    "nobody known, coverage ended",
    deny("27"),
    paid_by("Moonlight Mutual"),
    insured("2023-01-01", "2023-05-31"),
)
row("no policy", "before A015, coverage ended", deny("27"), on("2023-04-14"), insured("2023-01-01", "2023-04-13"))
row("no policy", "Medicare, 29 minutes", review(never="152"), paid_by("Medicare"), on("2024-07-01"), lasting(29))
row("no policy", "Medicare, R73.03", review(never="167"), paid_by("Medicare"), on("2024-07-01"), diagnoses("R73.03"))
row(
    "no policy",
    "Medicare, coverage ended",
    deny("27"),
    paid_by("Medicare"),
    on("2024-07-01"),
    insured("2023-01-01", "2024-06-30"),
)
row("no policy", "Medicare, H0038", review(), paid_by("Medicare"), on("2024-07-01"), *peer(45, 3))

# --- beyond the table: who performed, where, which diagnosis

BAKER = add(
    {
        "resourceType": "Practitioner",
        "id": "baker",
        "qualification": [{"code": {"text": "Diploma in baking"}, "period": {"start": "2018-01-01"}}],
    }
)
BY_BAKER = put("Procedure", "performer", [{"actor": to("Practitioner/baker")}])
row("who", "no care team: the performer", approve(warned=None), nobody)
row("who", "no care team: a performer without a credential that counts", NOT_ACCEPTED, nobody, BAKER, BY_BAKER)
row("who", "no care team, no procedure: the participant", approve(warned=None), nobody, alone)
row("who", "nobody anywhere", NO_CREDENTIAL, nobody, alone, without("Encounter", "participant"))
row("who", "the care team before the performer", approve(), BAKER, BY_BAKER)
row("who", "the role rendering", approve(), BAKER, team((COACH, "rendering"), (SUPERVISOR, "supervisor")), BY_BAKER)
row("who", "the only member, without a role", approve(warned=None), team((COACH, None)))
row(
    "who",
    "the line names one of two",
    approve(warned=None),
    BAKER,
    team((COACH, "primary"), ("Practitioner/baker", "primary")),
    put("Claim", "item.0.careTeamSequence", [1]),
)
row("where", "no encounter, POS 11", warn(), only_procedure)
row("where", "no POS, class AMB", warn(), pos(None))
row("where", "neither", pend("M77"), only_procedure, pos(None))
row("diagnosis", "no pointer: all count", warn("diagnos"), NO_POINTER)
row("diagnosis", "no pointer, one of two is F41.1", warn("diagnos"), diagnoses("I10", "F41.1"), NO_POINTER)
row("diagnosis", "no pointer, none is in scope", OUT_OF_SCOPE, diagnoses("I10"), NO_POINTER)
row(
    "diagnosis",
    "as a Condition",
    approve(),
    put("Claim", "diagnosis", [{"sequence": 1, "diagnosisReference": to("Condition/base-member-f41-1")}]),
)
row(
    "diagnosis",
    "as a Condition that leads nowhere",
    either("PEND|REVIEW|REJECT"),
    put("Claim", "diagnosis", [{"sequence": 1, "diagnosisReference": to("Condition/nowhere")}]),
)
CONDITION = put("Claim", "diagnosis", [{"sequence": 1, "diagnosisReference": to("Condition/base-member-f41-1")}])
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ERRONEOUS = put("Condition", "verificationStatus", concept("entered-in-error", VERIFICATION))
row(
    "diagnosis",
    "as a Condition entered in error",
    either("PEND|REVIEW|REJECT"),
    CONDITION,
    without("Condition", "clinicalStatus"),
    ERRONEOUS,
)
row(
    "diagnosis",
    "as a Condition that leads nowhere: it is named",
    Expected((Line("PEND|REVIEW|REJECT"),), says=("Condition/nowhere",)),
    put("Claim", "diagnosis", [{"sequence": 1, "diagnosisReference": to("Condition/nowhere")}]),
)

# --- beyond the table: one coach, two patients (issue 3, same-day interactions)


def beside(start: str, end: str, service: str = "0592T") -> Change:
    """A session of the same coach with another patient."""

    def change(world: World) -> None:
        period = {"start": f"2023-06-01T{start}:00-04:00", "end": f"2023-06-01T{end}:00-04:00"}
        theirs, done = {"subject": to("Patient/other")}, concept(service)
        world.add({"resourceType": "Patient", "id": "other"})
        world.add(world.encounter | theirs | {"id": "beside-enc", "period": period, "type": [done]})
        procedure = world.procedure | theirs | {"id": "beside-proc", "performedPeriod": period, "code": done}
        world.add(procedure | {"encounter": to("Encounter/beside-enc")})

    return change


row("two patients", "overlapping by half", warn("the coach was with another patient"), beside("10:20", "11:00"))
row("two patients", "overlapping by a minute", warn("the coach was with another patient"), beside("10:39", "11:10"))
row("two patients", "a group at the same time", approve(), beside("10:20", "11:00", "0593T"))
row("two patients", "one after the other", approve(), beside("10:40", "11:10"))
row("two patients", "one before the other", approve(), beside("09:20", "10:00"))


# --- beyond the table: several lines

row(
    "lines",
    "one denied, one approved",
    lines(Line("DENY", ("152",), ("N163",)), APPROVED),
    with_assessment,
    lasting(29),
)
row(
    "lines",
    "one rejected: the claim",
    Expected((Line("REJECT", ("16",), ("M53", "MA130")),)),
    with_assessment,
    put("Claim", "item.1.quantity.value", 0),
)
row(
    "lines",
    "all checks are reported: DENY carries the codes of each denial",
    Expected(
        (Line("DENY", ("152", "58", "167"), ("N163", "N428", "N569")),), forbidden=frozenset({"252", "N706", "N674"})
    ),
    lasting(29),
    of_class("IMP"),
    pos("21"),
    diagnoses("I10"),
    nothing_written,
    no_assessment,
)
row(
    "lines",
    "all checks are reported: PEND carries its remarks",
    pend("N706", "N674", "N570"),
    nothing_written,
    no_assessment,
    without("Coach", "qualification"),
)
row("lines", "DENY and PEND: PEND goes to the notes", deny("152", "N163", never="N706"), lasting(29), nothing_written)
row("lines", "REJECT and DENY: the rejection alone", reject("16", "M53"), lasting(29), units(0))
row("lines", "PEND and REVIEW", pend("N706", never="133"), nothing_written, modifiers("95"))
