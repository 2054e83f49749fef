"""Rows 59 to 96: what is written on the claim."""

from __future__ import annotations

from table.expected import (
    APPROVED,
    NOTHING,
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
from table.more import alone, another_line, nothing_written
from table.row import SHORT, Rows
from table.world import (
    CPT,
    HCPCS,
    Change,
    billed_as,
    code,
    concept,
    currency,
    diagnoses,
    drop,
    lasting,
    member_of,
    modifiers,
    on,
    paid_by,
    put,
    qualified,
    serviced,
    taxonomy,
    times,
    to,
    units,
    without,
)

row = Rows()

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
