"""The visits of the clinic and the answer each claim must get.

One function is one member's record, or one kind of member. Expected answers are derived from the contract and its
edge-case table, never from running the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fixtures_build.people import (
    AETNA,
    CIGNA,
    SYNTHEA_AETNA,
    SYNTHEA_CIGNA,
    SYNTHEA_CODES,
    SYNTHEA_MEDICARE,
    SYNTHEA_UNITED,
)
from fixtures_build.resources import (
    CLAIM_ENCOUNTER,
    COACH_CERTIFICATE,
    CPT,
    HCPCS,
    NPI,
    THO,
    Cast,
    Resource,
    Service,
    Visit,
    coding,
    concept,
    insurance,
    npi,
    to,
)
from fixtures_build.story import APPROVE, PEND, REVIEW, Story, Unprocessable, deny, reject, told

A = Cast("member-a", "cov-a", CIGNA)
B = Cast("member-b", "cov-b", "payer-connecticut-general", coach="coach-tansy")
C = Cast("member-c", "cov-c", "payer-evernorth")
D = Cast("member-d", "cov-d", CIGNA)
E = Cast("member-e", "cov-e", "payer-cigna-management", "clinic-upper-gourd", "loc-upper-gourd", "coach-yarrow")
F = Cast("member-f", "cov-f", CIGNA)
G = Cast("member-g", "cov-g", CIGNA, coach="peer-larch")
H = Cast("member-h", "cov-h", CIGNA)
I = Cast("member-i", "cov-i", CIGNA)  # noqa: E741 - one letter a member
S1 = Cast(SYNTHEA_CIGNA, "cov-s1", CIGNA)
S2 = Cast(SYNTHEA_CODES, "cov-s2", CIGNA)
S3 = Cast(SYNTHEA_AETNA, "cov-s3", AETNA)
S4 = Cast(SYNTHEA_UNITED, "cov-s4", "payer-united")
S5 = Cast(SYNTHEA_MEDICARE, "cov-s5", "payer-medicare")

EAST, MOUNTAIN = "T10:00:00-04:00", "T14:15:00-06:00"
NOTHING: dict[str, Resource | None] = {"encounter": None, "procedure": None, "note": None, "plan": None}
UNWRITTEN: dict[str, Resource | None] = {"note": None, "plan": None}
PROGRESS = [{"text": "Walked on five days of seven."}]


def first(id: str, cast: Cast, day: str, **changes: Any) -> Story:
    """The initial assessment that every follow-up needs; it has no minimum length (row 6)."""
    visit = Visit(id, cast, f"{day}{EAST}", 20, "0591T", **changes)
    return told("Initial assessment of 20 minutes: 0591T names no minimum.", visit, APPROVE)


def everyday() -> Iterator[Story]:
    """Member A: the ordinary course, one departure at a time."""
    yield first("a01-initial", A, "2023-05-02")
    yield told(
        "Follow-up of 40 minutes, everything on file, progress noted on the procedure.",
        Visit("a02-follow-up", A, f"2023-05-16{EAST}", but={"procedure": {"note": PROGRESS}}),
        APPROVE,
    )
    yield told("29 minutes: one short of 30.", Visit("a03-29-minutes", A, f"2023-05-30{EAST}", 29), deny("152"))
    yield told("Exactly 30 minutes are enough.", Visit("a04-30-minutes", A, f"2023-06-13{EAST}", 30), APPROVE)
    yield told("Finished, but no end time: the length is unknown.", no_end("a05-no-end", A, f"2023-06-27{EAST}"), PEND)
    yield told(
        "Modifier 95: the policy says nothing about telehealth.",
        Visit("a06-modifier-95", A, f"2023-07-11{EAST}", modifiers=("95",)),
        REVIEW,
    )
    yield told("No units.", Visit("a07-quantity-0", A, f"2023-07-25{EAST}", quantity=0), reject())
    yield told(
        "There is no modifier ZZ.", Visit("a08-modifier-zz", A, f"2023-08-08{EAST}", modifiers=("ZZ",)), reject()
    )
    yield told(
        "An office visit on the same claim is outside the four codes.",
        Visit("a09-with-office-visit", A, f"2023-08-22{EAST}", services=(Service("99213"),)),
        APPROVE,
        REVIEW,
    )
    yield told(
        "A draft has not been submitted.",
        Visit("a10-draft", A, f"2023-09-05{EAST}", but={"claim": {"status": "draft"}}),
        Unprocessable("business-rule"),
    )


def no_end(id: str, cast: Cast, start: str) -> Visit:
    period = {"start": start}
    return Visit(id, cast, start, but={"encounter": {"period": period}, "procedure": {"performedPeriod": period}})


def credentials() -> Iterator[Story]:
    """Member B, insured by a Cigna company of another name: who may coach, and how the claim names the coach."""
    yield first("b01-initial", B, "2023-05-03")
    yield told(
        "The coach's certificate ended 17 days before.",
        Visit("b02-expired-certificate", replace(B, coach="coach-fennel"), f"2023-05-17{EAST}"),
        deny("B7"),
    )
    yield told(
        "Nothing is known of the coach's qualification.",
        Visit("b03-no-credential", replace(B, coach="coach-bramble"), f"2023-05-31{EAST}"),
        PEND,
    )
    yield told(
        "The coach is contained in the claim.", contained_coach("b04-contained-coach", f"2023-06-28{EAST}"), APPROVE
    )
    yield told(
        "Coach, clinic and insurer are named by identifier alone.",
        by_identifier("b05-by-identifier", f"2023-07-12{EAST}"),
        APPROVE,
    )
    yield told(
        "The coach is named by role, and no supervisor is: a warning.",
        coach_by_role("b06-by-role", f"2023-07-26{EAST}"),
        APPROVE,
    )


PRIMARY = concept(f"{THO}/claimcareteamrole", "primary")


def coach_as(who: Resource, **claim: Any) -> Resource:
    return {"careTeam": [{"sequence": 1, "provider": who, "role": PRIMARY}], **claim}


def contained_coach(id: str, start: str) -> Visit:
    name = [{"family": "Nutmegson", "given": ["Wilhelmina"]}]
    inside = {"resourceType": "Practitioner", "id": "coach", "name": name, "qualification": [COACH_CERTIFICATE]}
    unnamed = {"display": "Visiting coach"}
    return Visit(
        id,
        replace(B, supervisor=None),
        start,
        but={
            "claim": coach_as({"reference": "#coach"}, contained=[inside]),
            "encounter": {"participant": [{"individual": unnamed}]},
            "procedure": {"performer": [{"actor": unnamed}]},
        },
    )


def by_identifier(id: str, start: str) -> Visit:
    def known_as(kind: str, system: str, value: str) -> Resource:
        return {"type": kind, "identifier": {"system": system, "value": value}}

    insurer = known_as("Organization", "https://payers.example.org/id", "payer-connecticut-general")
    clinic = known_as("Organization", NPI, npi(9001))
    named = coach_as(known_as("Practitioner", NPI, npi(2)), insurer=insurer, provider=clinic)
    return Visit(id, replace(B, supervisor=None), start, but={"claim": named})


def coach_by_role(id: str, start: str) -> Visit:
    tansy = to("PractitionerRole", "role-tansy")
    encounter = {"participant": [{"individual": tansy}]}
    return Visit(id, replace(B, supervisor=None), start, but={"claim": coach_as(tansy), "encounter": encounter})


def diagnoses() -> Iterator[Story]:
    """Member C, insured by Evernorth (contained in the Coverage): what coverage is for."""
    yield first("c01-initial", C, "2023-05-04", diagnoses=("R73.03", "F17.210"))  # nicotine is enough
    yield told(
        "Prediabetes and obesity are no mental health or substance use disorder.",
        Visit("c02-prediabetes-only", C, f"2023-05-18{EAST}", diagnoses=("R73.03", "E66.9")),
        deny("167"),
    )
    yield told(
        "The line points to hypertension, not to the depression on the claim.",
        Visit("c03-points-elsewhere", C, f"2023-06-01{EAST}", diagnoses=("F32.1", "I10"), points=(2,)),
        PEND,
    )
    yield told("No diagnosis.", Visit("c04-no-diagnosis", C, f"2023-06-29{EAST}", diagnoses=()), reject())


def settings() -> Iterator[Story]:
    """Member D: where the session took place, and with whom."""
    hospital = replace(D, clinic="hospital-thimbleton")
    ward, emergency = replace(hospital, location="loc-ward"), replace(hospital, location="loc-emergency")
    yield first("d01-initial", D, "2023-05-05")
    yield told(
        "An inpatient stay.",
        Visit("d02-inpatient", ward, f"2023-05-19{EAST}", encounter_class="IMP", pos="21"),
        deny("58"),
    )
    yield told(
        "In the emergency room: neither inpatient nor a place for coaching.",
        Visit("d03-emergency-room", emergency, f"2023-06-02{EAST}", encounter_class="EMER", pos="23"),
        REVIEW,
    )
    yield told(
        "A virtual visit to the member's home.",
        Visit("d04-virtual", D, f"2023-06-16{EAST}", encounter_class="VR", pos="10"),
        REVIEW,
    )
    yield told(
        "Modifier HQ says group; 0592T is for one person.",
        Visit("d05-group-modifier", D, "2023-06-30T13:00:00-04:00", modifiers=("HQ",)),
        deny("4"),
    )
    yield told(
        "The policy does not list 0593T, and its list is not complete.",
        Visit("d06-0593t", D, f"2023-07-14{EAST}", code="0593T"),
        REVIEW,
    )


def clocks() -> Iterator[Story]:
    """Member E in Idaho, insured by a third Cigna company: what a clock may say."""
    yield told(
        "Initial assessment in mountain time.", Visit("e01-initial", E, f"2023-05-09{MOUNTAIN}", 45, "0591T"), APPROVE
    )
    yield told(
        "23:45 to 00:20 are 35 minutes, on the day they began.",
        Visit("e02-over-midnight", E, "2023-05-23T23:45:00-06:00", 35),
        APPROVE,
    )
    yield told(
        "19:00 in Idaho, written in UTC: the next day there.",
        Visit("e03-utc", E, "2023-06-07T01:00:00Z", serviced="2023-06-06"),
        APPROVE,
    )
    yield told(
        "Clocks go back: 01:45 to 01:20 are 35 minutes.",
        timed("e04-clocks-back", "2023-11-05T01:45:00-06:00", "2023-11-05T01:20:00-07:00"),
        APPROVE,
    )
    yield told(
        "Clocks go forward: 01:45 to 03:10 are 25 minutes.",
        timed("e05-clocks-forward", "2024-03-10T01:45:00-07:00", "2024-03-10T03:10:00-06:00"),
        deny("152"),
    )
    yield told(
        "The session ends before it starts.",
        timed("e06-end-before-start", "2023-07-18T14:15:00-06:00", "2023-07-18T13:35:00-06:00"),
        Unprocessable("invariant"),
    )
    several = {"start": "2023-08-01", "end": "2023-08-03"}
    yield told(
        "One unit for three days.",
        Visit(
            "e07-several-days",
            E,
            f"2023-08-01{MOUNTAIN}",
            but={"claim": {"billablePeriod": several}, "item": {"servicedDate": None, "servicedPeriod": several}},
        ),
        PEND,
    )


def timed(id: str, start: str, end: str) -> Visit:
    period = {"start": start, "end": end}
    return Visit(id, E, start, but={"encounter": {"period": period}, "procedure": {"performedPeriod": period}})


def insurances() -> Iterator[Story]:
    """Member F, insured twice, with Cigna until the end of June 2023."""
    other = insurance("cov-f-first", 1, False)
    paid = other | {"claimResponse": to("ClaimResponse", "aetna-f03")}
    yield first("f01-initial", F, "2023-05-08")
    yield told(
        "Cigna pays second, and the first insurer's answer is not there.",
        Visit("f02-secondary", F, f"2023-05-22{EAST}", but={"claim": {"insurance": [other, insurance("cov-f", 2)]}}),
        PEND,
    )
    yield told(
        "Cigna pays second, and the first insurer has answered.",
        Visit(
            "f03-secondary-answered",
            F,
            f"2023-06-05{EAST}",
            but={"claim": {"insurance": [paid, insurance("cov-f", 2)]}},
        ),
        APPROVE,
    )
    both = [insurance("cov-f-first", 1), insurance("cov-f", 2)]
    yield told(
        "Two coverages, both focal.",
        Visit("f04-two-focal", F, f"2023-06-19{EAST}", but={"claim": {"insurance": both}}),
        Unprocessable("business-rule"),
    )
    yield told("The last day of the coverage counts.", Visit("f05-last-day", F, f"2023-06-30{EAST}"), APPROVE)
    yield told("The coverage ended the day before.", Visit("f06-coverage-ended", F, f"2023-07-01{EAST}"), deny("27"))


def peers() -> Iterator[Story]:
    """Member G: peer support by the quarter of an hour."""
    f10 = ("F10.20",)
    coached = replace(G, coach="coach-wren")
    yield first("g01-initial", coached, "2023-05-10", diagnoses=f10)
    yield told(
        "Three units in 50 minutes under every way of rounding.",
        Visit("g02-h0038-3-units", G, f"2023-05-24{EAST}", 50, "H0038", 3, 20, diagnoses=f10),
        APPROVE,
    )
    yield told(
        "A fourth unit in 50 minutes under some ways of rounding only.",
        Visit("g03-h0038-4-units", G, f"2023-06-07{EAST}", 50, "H0038", 4, 20, diagnoses=f10),
        PEND,
    )
    yield told(
        "A health coach who is no peer specialist.",
        Visit("g04-h0038-by-coach", coached, f"2023-06-21{EAST}", 45, "H0038", 3, 20, diagnoses=f10),
        PEND,
    )
    peer = Visit("g05-peer", G, "2023-07-05T14:00:00-04:00", 45, "H0038", 3, 20, diagnoses=f10)
    yield told(
        "A coaching session of 29 minutes and peer support of 45 on one claim.",
        Visit("g05-two-services", coached, f"2023-07-05{EAST}", 29, diagnoses=f10, also=(peer,)),
        deny("152"),
        APPROVE,
    )


def histories() -> Iterator[Story]:
    """Member H, 12 years old: what came before."""
    yield told("No earlier 0591T on file.", Visit("h01-no-initial", H, f"2023-05-11{EAST}"), PEND)
    initial = Visit("h02-initial", H, "2023-05-25T14:00:00-04:00", 45, "0591T")
    yield told(
        "0591T on the same day is not an earlier one; NCCI edits are off for Cigna.",
        Visit("h02-same-day", H, f"2023-05-25{EAST}", also=(initial,)),
        PEND,
        APPROVE,
    )
    yield told(
        "Linked to its visit by the extension of prior authorization guides; the visit has no procedure.",
        linked_by_extension("h03-by-extension", f"2023-06-08{EAST}"),
        APPROVE,
    )


def linked_by_extension(id: str, start: str) -> Visit:
    extension = {"url": CLAIM_ENCOUNTER, "valueReference": to("Encounter", f"{id}-enc")}
    return Visit(
        id, H, start, but={"claim": {"extension": [extension]}, "item": {"encounter": None}, "procedure": None}
    )


def dates() -> Iterator[Story]:
    """Member I: what was in force on the day. The initial assessment of 2020 was never billed here."""
    yield told(
        "The code took effect the day after.", Visit("i02-before-the-code", I, "2019-12-31T10:00:00-05:00"), deny("181")
    )
    yield told("The day before the policy's first.", Visit("i03-before-the-policy", I, f"2023-04-14{EAST}"), REVIEW)
    yield told("The policy's first day.", Visit("i04-first-day", I, f"2023-04-15{EAST}"), APPROVE)
    yield told("The day after the review date: a warning.", Visit("i05-past-review", I, f"2024-04-16{EAST}"), APPROVE)


UNBILLED = Visit("i01-initial", I, "2020-02-04T10:00:00-05:00", 45, "0591T", but={"claim": None})


def paperwork() -> Iterator[Story]:
    """A Synthea member with Cigna: what is on file, and what is not."""
    yield first("s11-initial", S1, "2023-05-12")
    yield told("Nothing written about the session.", Visit("s12-no-note", S1, f"2023-05-26{EAST}", but=UNWRITTEN), PEND)
    error = {"status": "entered-in-error"}
    yield told(
        "Visit and procedure were entered in error, so no evidence is left.",
        Visit("s13-entered-in-error", S1, f"2023-06-09{EAST}", but={"encounter": error, "procedure": error}),
        PEND,
    )
    yield told("The session was cancelled.", cancelled("s14-cancelled", f"2023-06-23{EAST}"), deny("96"))
    yield told(
        "The claim names a visit that the server does not hold.",
        Visit("s15-lost-visit", S1, f"2023-07-07{EAST}", but=NOTHING),
        PEND,
    )
    yield told(
        "A request for authorization is no claim for payment.",
        Visit("s16-preauthorization", S1, f"2023-07-21{EAST}", but={"claim": {"use": "preauthorization"}}),
        Unprocessable("not-supported"),
    )
    yield told("The initial assessment, billed again three weeks later.", billed_again("s17-duplicate"), deny("18"))


def cancelled(id: str, start: str) -> Visit:
    encounter = {"status": "cancelled", "period": None}
    procedure = {"status": "not-done", "performedPeriod": None}
    return Visit(id, S1, start, but={"encounter": encounter, "procedure": procedure, "note": None, "plan": None})


def billed_again(id: str) -> Visit:
    same = {"encounter": [to("Encounter", "s11-initial-enc")]}
    return Visit(id, S1, f"2023-05-12{EAST}", 20, "0591T", billed_after=25, but={**NOTHING, "item": same})


def codes() -> Iterator[Story]:
    """Another Synthea member with Cigna: how a service may be written."""
    yield first("s21-initial", S2, "2023-05-15")
    yield told(
        "0592T in text only: a code in text is no code.",
        written("s22-text-only", "2023-05-29", {"text": "0592T"}),
        reject(),
    )
    two = {"coding": [coding(CPT, "0592T"), coding(CPT, "0593T")]}
    yield told("Two services in one line.", written("s23-two-codes", "2023-06-12", two), reject())
    yield told(
        "0592T under the HCPCS address, and linked by the procedure: read as 0592T, with a warning.",
        linked_by_procedure("s24-hcpcs-address", f"2023-06-26{EAST}"),
        APPROVE,
    )
    half = Visit("s25-peer", replace(S2, coach="peer-larch"), "2023-07-10T14:00:00-04:00", 50, "H0038", 1.5, 20)
    yield told(
        "Half a unit on the second line rejects the whole claim.",
        Visit("s25-half-a-unit", S2, f"2023-07-10{EAST}", also=(half,)),
        None,
        reject(),
    )
    yield told(
        "No note, but a questionnaire that answers every element.",
        Visit("s26-questionnaire", S2, f"2023-07-24{EAST}", but=UNWRITTEN),
        APPROVE,
    )


def written(id: str, day: str, service: Resource) -> Visit:
    return Visit(id, S2, f"{day}{EAST}", but={"item": {"productOrService": service}})


def linked_by_procedure(id: str, start: str) -> Visit:
    listed = [{"sequence": 1, "procedureReference": {"reference": f"Procedure/{id}-proc/_history/1"}}]
    item = {"productOrService": concept(HCPCS, "0592T"), "procedureSequence": [1], "encounter": None}
    return Visit(id, S2, start, but={"claim": {"procedure": listed}, "item": item})


def other_payers() -> Iterator[Story]:
    """Synthea members of other insurers: no policy of theirs is known."""
    yield told("Aetna: no rule is known.", Visit("s31-aetna", S3, "2023-05-16T13:00:00-04:00"), REVIEW)
    yield told(
        "Sent to Cigna, insured with Aetna.",
        Visit("s32-wrong-payer", replace(S3, payer=CIGNA), f"2023-05-30{EAST}"),
        deny("109"),
    )
    yield told("UnitedHealthcare: no rule is known.", Visit("s41-united", S4, f"2023-05-17{EAST}"), REVIEW)
    blue = replace(S4, coverage="cov-s4-blue", payer="payer-blue")
    yield told("Blue Cross Blue Shield: no rule is known.", Visit("s42-blue", blue, f"2023-07-12{EAST}"), REVIEW)
    yield told("Medicare: no rule is known.", Visit("s51-medicare", S5, f"2023-05-18{EAST}"), REVIEW)
    initial = Visit("s52-initial", S5, "2024-08-06T14:00:00-04:00", 45, "0591T")
    yield told(
        "Medicare's edits: 0591T is part of 0592T on the same day.",
        Visit("s52-medicare-same-day", S5, f"2024-08-06{EAST}", also=(initial,)),
        REVIEW,
        deny("236"),
    )


def stories() -> Iterator[Story]:
    for chapter in (everyday, credentials, diagnoses, settings, clocks, insurances, peers, histories, dates, paperwork):
        yield from chapter()
    yield from codes()
    yield from other_payers()
