"""Rows 34 to 58: the same claim again, eligibility, who held the session and who pays."""

from __future__ import annotations

from table.expected import (
    VOIDED,
    Expected,
    Line,
    approve,
    deny,
    either,
    pend,
    refused,
    reject,
    review,
    warn,
)
from table.more import (
    AETNA,
    alone,
    answered,
    earlier_claim,
    earlier_visit,
    nothing_written,
    on_a_ward,
    replaces,
    second_certificate,
    team,
    two_coverages,
)
from table.row import COACH, PLAIN, SHORT, SUPERVISOR, Rows
from table.rows_settings import OTHER_PERSON
from table.world import (
    BASE,
    DECISION,
    DECISIONS,
    RELATED,
    add,
    addressed_to,
    concept,
    insured,
    lasting,
    member_of,
    modifiers,
    paid_by,
    put,
    qualified,
    status,
    taxonomy,
    times,
    to,
    without,
)

row = Rows()

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
