"""Coaching sessions for decision tables: a good Cigna 0592T session, and one change at a time.

``a_session()`` would be approved: 45 minutes in an office on 2023-06-01, F41.1, a board-certified coach under
supervision, an earlier 0591T, a note on file. Its arguments change what tables change most; ``put`` and ``without``
change anything else by its name. As in the adapter, the time of the session and the date of service follow from the
evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from adapter.session.model import (
    ClaimFacts,
    ClaimLine,
    CoachingSession,
    Code,
    Coverage,
    Credential,
    Diagnosis,
    Documentation,
    Encounter,
    Money,
    Origin,
    Person,
    PriorService,
    Procedure,
    SessionTime,
    Settlement,
    Sourced,
    Visit,
)
from adapter.session.time import Days, Interval, Moment, parse_moment

V = TypeVar("V")

DAY = date(2023, 6, 1)
"""The date of service of coverage facts, section 4."""
TODAY = date(2026, 11, 22)
NOW = datetime.combine(TODAY, time(12), UTC)
PATIENT, CLINIC, COACH, SUPERVISOR = "Patient/1", "Organization/clinic", "Practitioner/coach", "Practitioner/supervisor"
LONG = Days(date(2010, 1, 1), date(2035, 12, 31))
PRICE = Decimal("85.00")
DOCUMENTED = ("topics", "measurable_goals", "barriers", "interventions", "readiness", "follow_up_plan", "progress")


def said_by(resource: str, path: str) -> Origin:
    return Origin(f"{resource}/_history/1", path)


def sourced(value: V, path: str = "Claim.item", resource: str = "Claim/1") -> Sourced[V]:
    return Sourced(value, said_by(resource, path))


# --- times


def moment(text: str) -> Moment:
    return parse_moment(text)


def period(start: str, *, minutes: int = 0, seconds: int = 0, end: str | None = None) -> Interval:
    """From a start that long, or to ``end``; offsets stay as written."""
    begun = moment(start)
    if end is not None:
        return Interval(begun, moment(end))
    assert begun.instant is not None
    return Interval(begun, moment((begun.instant + timedelta(minutes=minutes, seconds=seconds)).isoformat()))


def ongoing(start: str) -> Interval:
    """A period whose end is missing."""
    return Interval(moment(start), None)


def at_ten(on: date, minutes: int, seconds: int = 0) -> Interval:
    return period(f"{on}T10:00:00-04:00", minutes=minutes, seconds=seconds)


# --- the visit


def an_encounter(
    interval: Interval | None,
    *,
    encounter_class: str | None = "AMB",
    status: str | None = "finished",
    length: str | int | None = None,
    **more: Any,
) -> Encounter:
    def read(value: V, path: str) -> Sourced[V]:
        return sourced(value, f"Encounter.{path}", "Encounter/1")

    plain = Encounter(
        origin=said_by("Encounter/1", "Encounter"),
        status=None if status is None else read(status, "status"),
        classes=() if encounter_class is None else (read(Code(encounter_class, "V3-ACT"), "class"),),
        period=None if interval is None else read(interval, "period"),
        length=None if length is None else read(Decimal(length), "length"),
        length_unit_unknown=None,
        for_group=None,
        patient=read(PATIENT, "subject"),
        modality=read(Code("virtual"), "class") if encounter_class == "VR" else None,
    )
    return replace(plain, **more)


def a_procedure(interval: Interval | None, *, status: str | None = "completed", **more: Any) -> Procedure:
    def read(value: V, path: str) -> Sourced[V]:
        return sourced(value, f"Procedure.{path}", "Procedure/1")

    plain = Procedure(
        origin=said_by("Procedure/1", "Procedure"),
        status=None if status is None else read(status, "status"),
        performed=None if interval is None else read(interval, "performed"),
        performed_at=None,
        patient=read(PATIENT, "subject"),
    )
    return replace(plain, **more)


# --- people


def credential(kind: str | None = "nbc-hwc", valid: Days | None = LONG, **more: bool) -> Credential:
    origin = said_by(COACH, "Practitioner.qualification[0]")
    return Credential(
        kind=None if kind is None else Sourced(kind, origin),
        period=None if valid is None else Sourced(valid, origin),
        origin=origin,
        **more,
    )


def a_person(*credentials: Credential, key: str = COACH, taxonomies: Iterable[str] = ()) -> Person:
    return Person(
        key=key,
        origin=said_by(key, "Practitioner"),
        credentials=credentials,
        taxonomies=tuple(sourced(Code(each, "NUCC"), "PractitionerRole.specialty", key) for each in taxonomies),
    )


# --- the claim


def a_coverage(payer: str | None = "cigna", *, sequence: int = 1, valid: Days | None = LONG, **more: Any) -> Coverage:
    def read(value: V, path: str) -> Sourced[V]:
        return sourced(value, f"Coverage.{path}", f"Coverage/{sequence}")

    plain = Coverage(
        sequence=sequence,
        origin=said_by(f"Coverage/{sequence}", "Coverage"),
        focal=sourced(True, "Claim.insurance[0].focal"),
        resolved=True,
        status=read("active", "status"),
        beneficiary=read(PATIENT, "beneficiary"),
        period=None if valid is None else read(valid, "period"),
        payers=(read(payer, "payor[0]"),),
    )
    return replace(plain, **more)


def a_diagnosis(code: str, sequence: int = 1, **more: Any) -> Diagnosis:
    origin = said_by("Claim/1", f"Claim.diagnosis[{sequence - 1}]")
    plain = Diagnosis(sequence, (Sourced(Code(code, "ICD-10-CM"), origin),), origin, known=True, billable=True)
    return replace(plain, **more)


def a_service(code: str, on: date, claim: str | None = "Claim/0", **more: Any) -> PriorService:
    """A service of the patient found elsewhere, by default on an older claim of the same clinic that was decided."""
    plain = PriorService(
        code=code,
        day=on,
        origin=said_by(claim or "Procedure/0", "Claim.item[0]" if claim else "Procedure.code"),
        claim=claim,
        line=1 if claim else None,
        provider=CLINIC if claim else None,
        settlement=Settlement.FINAL if claim else Settlement.UNKNOWN,
        earlier=claim is not None,
    )
    return replace(plain, **more)


def a_line(
    code: str, on: date, modifiers: Iterable[str], quantity: str | int | None, pos: str | None, pointed: Any
) -> ClaimLine:
    units = Decimal(1 if quantity is None else quantity)
    return ClaimLine(
        sequence=1,
        origin=said_by("Claim/1", "Claim.item[0]"),
        services=(sourced(Code(code, "HCPCS" if code.startswith("H") else "CPT"), "Claim.item[0].productOrService"),),
        named_in_text=None,
        modifiers=tuple(
            sourced(Code(each, "CPT" if each.isdigit() else "HCPCS"), "Claim.item[0].modifier") for each in modifiers
        ),
        quantity=None if quantity is None else sourced(units, "Claim.item[0].quantity"),
        unit_price=sourced(Money(PRICE, "USD"), "Claim.item[0].unitPrice"),
        factor=None,
        net=sourced(Money(units * PRICE, "USD"), "Claim.item[0].net"),
        serviced=sourced(Days(on, on), "Claim.item[0].serviced"),
        serviced_inherited=False,
        places=() if pos is None else (sourced(Code(pos, "POS"), "Claim.item[0].location"),),
        diagnoses=pointed,
        points_to_diagnoses=True,
    )


def a_session(
    *,
    code: str = "0592T",
    on: date = DAY,
    minutes: int = 45,
    seconds: int = 0,
    encounter: Encounter | None = None,
    procedure: Procedure | None = None,
    encounter_class: str | None = "AMB",
    pos: str | None = "11",
    modifiers: Iterable[str] = (),
    quantity: str | int | None = 1,
    diagnoses: Iterable[str] = ("F41.1",),
    payer: str | None = "cigna",
    coverages: tuple[Coverage, ...] | None = None,
    coach: Person | None = None,
    history: tuple[PriorService, ...] | None = None,
) -> CoachingSession:
    """A good session of Cigna's, but for what the arguments change."""
    shown = tuple(a_diagnosis(each, number) for number, each in enumerate(diagnoses, 1))
    line = a_line(code, on, modifiers, quantity, pos, shown)
    if encounter is None:
        encounter = an_encounter(at_ten(on, minutes, seconds), encounter_class=encounter_class)
    claim = ClaimFacts(
        id="1",
        origin=said_by("Claim/1", "Claim"),
        status=sourced("active", "Claim.status"),
        use=sourced("claim", "Claim.use"),
        created=sourced(moment(f"{on + timedelta(days=1)}T09:00:00-04:00"), "Claim.created"),
        patient=sourced(PATIENT, "Claim.patient"),
        provider=sourced(CLINIC, "Claim.provider"),
        identifiers=(sourced("urn:clinic|1", "Claim.identifier[0]"),),
        insurer=sourced(payer, "Claim.insurer"),
        coverages=(a_coverage(payer),) if coverages is None else coverages,
        diagnoses=shown,
        total=line.net,
        nets=(line.net.value if line.net else None,),
    )
    session = CoachingSession(
        claim=claim,
        line=line,
        visit=Visit(encounter=encounter, procedure=procedure),
        service_date=None,
        time=SessionTime(),
        renderers=(coach or a_person(credential("peer" if code == "H0038" else "nbc-hwc")),),
        supervisors=(a_person(credential("psychology-license"), key=SUPERVISOR),),
        documentation=Documentation(note_on_file=sourced(True, "DocumentReference", "DocumentReference/1")),
        history=(a_service("0591T", on - timedelta(days=30)),) if history is None else history,
    )
    return _derived(session)


# --- one change at a time


def put(session: CoachingSession, path: str, value: object) -> CoachingSession:
    """The session with the value at a dotted path replaced: ``put(session, "line.serviced", None)``."""
    changed: CoachingSession = _replaced(session, path.split("."), value)
    return changed if path.startswith(("time", "service_date")) else _derived(changed)


def without(session: CoachingSession, *paths: str) -> CoachingSession:
    """The session with nothing recorded at these paths: None, or an empty tuple where there were several."""
    for path in paths:
        here: Any = session
        for step in path.split("."):
            here = here[int(step)] if step.isdigit() else getattr(here, step)
        session = put(session, path, () if isinstance(here, tuple) else None)
    return session


def _replaced(here: Any, steps: list[str], value: object) -> Any:
    if not steps:
        return value
    first, *rest = steps
    if first.isdigit():
        at = int(first)
        return (*here[:at], _replaced(here[at], rest, value), *here[at + 1 :])
    return replace(here, **{first: _replaced(getattr(here, first), rest, value)})


def _derived(session: CoachingSession) -> CoachingSession:
    """The time is the Procedure's, else the Encounter's; the date of service is the line's, else that of the time."""
    encounter, procedure = session.visit.encounter, session.visit.procedure
    interval = (procedure.performed if procedure else None) or (encounter.period if encounter else None)
    if interval is None and procedure is not None and procedure.performed_at is not None:
        interval = Sourced(Interval(procedure.performed_at.value, None), procedure.performed_at.origin)
    time = SessionTime(interval, _days(interval.value) if interval else ())
    serviced = session.line.serviced.value if session.line.serviced else None
    on = (serviced.start or serviced.end) if serviced else time.days[0][0] if time.days else None
    return replace(session, time=time, service_date=on)


def _days(interval: Interval) -> tuple[tuple[date, str], ...]:
    """Contract, rows 12, 13 and 15: the local start day; the next one past midnight; in UTC also the day before."""
    start, end = interval.start, interval.end
    if start is None or start.day is None:
        return ()
    if start.in_utc and start.instant is not None:
        why = "in UTC, zone unknown"
        return (start.day, why), (start.instant.astimezone(UTC).date() - timedelta(days=1), why)
    after = ((end.day, "past midnight"),) if end and end.day == start.day + timedelta(days=1) else ()
    return (start.day, ""), *after
