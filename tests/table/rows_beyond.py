"""What the contract says beyond the table."""

from __future__ import annotations

from table.expected import (
    APPROVED,
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
from table.more import (
    alone,
    contained_coach,
    nobody,
    nothing_written,
    only_procedure,
    rival_visit,
    team,
    under_url,
    with_assessment,
    written_as,
)
from table.row import COACH, NO_TIME, OTHER_DAY, SUPERVISOR, Rows
from table.rows_again import NO_CREDENTIAL, NOT_ACCEPTED
from table.rows_codes import NO_DIAGNOSIS, NO_POINTER, OUT_OF_SCOPE, UNREADABLE, peer
from table.rows_settings import OTHER_PERSON
from table.world import (
    PAS_ENCOUNTER,
    Change,
    World,
    add,
    addressed_to,
    billed_as,
    concept,
    diagnoses,
    drop,
    insured,
    lasting,
    length,
    modifiers,
    no_assessment,
    of_class,
    on,
    paid_by,
    pos,
    put,
    serviced,
    to,
    units,
    without,
)

row = Rows()

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
