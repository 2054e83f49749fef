"""Rows 21 to 33: where and how it was held, and what else was done."""

from __future__ import annotations

from table.expected import (
    APPROVED,
    PENDED,
    REVIEWED,
    Line,
    approve,
    deny,
    either,
    lines,
    pend,
    reject,
    review,
    warn,
)
from table.more import another_line, only_procedure, with_assessment
from table.row import SHORT, Rows
from table.world import (
    Change,
    World,
    add,
    classed,
    code,
    concept,
    drop,
    hospitalized,
    lasting,
    member_of,
    modifiers,
    no_assessment,
    of_class,
    on,
    paid_by,
    placed,
    pos,
    put,
    to,
    without,
)

row = Rows()

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
