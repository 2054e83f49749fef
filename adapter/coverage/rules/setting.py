"""Where the session took place: outpatient, as the visit's class and the line's place of service say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import EncounterClass, Setting
from adapter.session.model import CoachingSession, Sourced
from adapter.session.time import Days

if TYPE_CHECKING:
    from adapter.policy.book import Terms

POS_SYSTEM = "POS"
CLASS_SYSTEM = "V3-ACT"
UNKNOWN = "unknown"


@rule(Stage.FORM, outcomes=("unassigned", "not_in_effect", "unreadable"))
def place_of_service(session: CoachingSession, terms: Terms) -> Finding:
    """The place of service is an assigned code, in effect on the date of service."""
    place, on = session.line.place_of_service, session.service_date
    if place is None:
        return terms.not_applicable("no place of service on the line")
    used = Used("place of service", place.value.code, place.origin)
    if place.value.system != POS_SYSTEM:
        return terms.finding(
            "unreadable", "the place of service is of another code system", "a CMS place of service", used
        )
    if terms.codes.places.get(place.value.code) is None:
        return terms.finding("unassigned", f"POS {place.value.code} is not assigned", "an assigned code", used)
    if on is not None and not terms.codes.places.in_effect(place.value.code, on):
        return terms.finding(
            "not_in_effect", f"POS {place.value.code} was not in effect on {on}", "a code of that day", used
        )
    return terms.met(f"POS {place.value.code}", used)


@rule(
    Stage.SETTING,
    outcomes=("inpatient", "conflict", "unusual", "unknown", "class_only", "place_only"),
    unknown=("conflict", "unknown"),
    values={"encounter_classes": dict[EncounterClass, Setting]},
)
def setting(session: CoachingSession, terms: Terms) -> Finding:
    """The session was outpatient. Class and place that contradict each other are asked about; neither is picked."""
    stay = _stay(session)
    used = _used(session, stay)
    found = f"encounter class {_written_class(session)}, POS {_written_place(session)}"
    found += ", within a hospital stay that the claim names" if stay else ""
    outcome = _outcome(_class_setting(session, terms), _place_setting(session, terms), in_hospital=stay is not None)
    if outcome is None:
        return terms.met(f"outpatient: {found}", *used)
    return terms.finding(outcome, found, "an outpatient setting", *used)


def _outcome(by_class: str, by_place: str, *, in_hospital: bool) -> str | None:
    """What class and place come to; a hospital stay agrees with what says inpatient and contradicts anything else."""
    if not in_hospital:
        return SETTING_OF[by_class, by_place]
    return "inpatient" if {by_class, by_place} <= {"inpatient", UNKNOWN} else "conflict"


SETTING_OF: dict[tuple[str, str], str | None] = {
    # (class, place of service): None means outpatient.
    ("outpatient", "outpatient"): None,
    ("outpatient", "telehealth"): None,  # whether it was face to face is another rule's question
    ("outpatient", "unusual"): "unusual",
    ("outpatient", "inpatient"): "conflict",
    ("outpatient", UNKNOWN): "class_only",
    ("telehealth", "outpatient"): None,
    ("telehealth", "telehealth"): None,
    ("telehealth", "unusual"): "unusual",
    ("telehealth", "inpatient"): "conflict",
    ("telehealth", UNKNOWN): "class_only",
    ("unusual", "outpatient"): "unusual",
    ("unusual", "telehealth"): "unusual",
    ("unusual", "unusual"): "unusual",
    ("unusual", "inpatient"): "conflict",
    ("unusual", UNKNOWN): "unusual",
    ("inpatient", "outpatient"): "conflict",
    ("inpatient", "telehealth"): "conflict",
    ("inpatient", "unusual"): "conflict",  # home, street or emergency room is no ward
    ("inpatient", "inpatient"): "inpatient",
    ("inpatient", UNKNOWN): "inpatient",
    (UNKNOWN, "outpatient"): "place_only",
    (UNKNOWN, "telehealth"): "place_only",
    (UNKNOWN, "unusual"): "unusual",
    (UNKNOWN, "inpatient"): "inpatient",
    (UNKNOWN, UNKNOWN): "unknown",
}


def _class_setting(session: CoachingSession, terms: Terms) -> str:
    """What the class says; without a system it is a v3-ActCode, to which R4 binds it."""
    encounter = session.visit.encounter
    if encounter is None or encounter.encounter_class is None:
        return UNKNOWN
    written = encounter.encounter_class.value
    settings: dict[str, str] = terms.value("encounter_classes")
    said = settings.get(written.code, UNKNOWN)
    return said if written.is_of(CLASS_SYSTEM) else _of_another_list(said)


def _place_setting(session: CoachingSession, terms: Terms) -> str:
    place = session.line.place_of_service
    entry = None if place is None else terms.codes.places.get(place.value.code)
    if place is None or entry is None:
        return UNKNOWN
    said = entry.place_class or "unusual"
    return said if place.value.system == POS_SYSTEM else _of_another_list(said)


def _of_another_list(said: str) -> str:
    """A code of another list speaks for nothing; one that looks as if it spoke against outpatient is for a person."""
    return UNKNOWN if said in ("outpatient", UNKNOWN) else "unusual"


def _stay(session: CoachingSession) -> Sourced[Days] | None:
    """The hospital stay on the claim that the date of service lies in."""
    on = session.service_date
    return next((each for each in session.claim.hospitalized if on is not None and on in each.value), None)


def _written_class(session: CoachingSession) -> str:
    encounter = session.visit.encounter
    return encounter.encounter_class.value.code if encounter and encounter.encounter_class else "not recorded"


def _written_place(session: CoachingSession) -> str:
    return session.line.place_of_service.value.code if session.line.place_of_service else "not recorded"


def _used(session: CoachingSession, stay: Sourced[Days] | None) -> list[Used]:
    encounter, place = session.visit.encounter, session.line.place_of_service
    used = []
    if encounter and encounter.encounter_class:
        used.append(Used("encounter class", encounter.encounter_class.value.code, encounter.encounter_class.origin))
    if place:
        used.append(Used("place of service", place.value.code, place.origin))
    if stay:
        used.append(Used("hospital stay", str(stay.value), stay.origin))
    return used
