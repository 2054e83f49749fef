"""Where the session took place: outpatient, as the visit's class and the line's place of service say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import EncounterClass, Setting
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.book import Terms

POS_SYSTEM = "POS"
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
    values={"encounter_classes": dict[EncounterClass, Setting]},
)
def setting(session: CoachingSession, terms: Terms) -> Finding:
    """The session was outpatient. Class and place that contradict each other are asked about; neither is picked."""
    by_class, by_place = _class_setting(session, terms), _place_setting(session, terms)
    used = _used(session)
    found = f"encounter class {_written_class(session)}, POS {_written_place(session)}"
    outcome = SETTING_OF.get((by_class, by_place), "unusual")
    if outcome is None:
        return terms.met(f"outpatient: {found}", *used)
    return terms.finding(outcome, found, "an outpatient setting", *used)


SETTING_OF: dict[tuple[str, str], str | None] = {
    # (class, place of service): None means outpatient; what is not listed is a setting for a person to judge.
    ("outpatient", "outpatient"): None,
    ("outpatient", "telehealth"): None,  # whether it was face to face is another rule's question
    ("telehealth", "telehealth"): None,
    ("telehealth", "outpatient"): None,
    ("telehealth", UNKNOWN): "class_only",
    ("outpatient", UNKNOWN): "class_only",
    (UNKNOWN, "outpatient"): "place_only",
    (UNKNOWN, "telehealth"): "place_only",
    ("outpatient", "inpatient"): "conflict",
    ("telehealth", "inpatient"): "conflict",
    ("unusual", "inpatient"): "conflict",
    ("inpatient", "outpatient"): "conflict",
    ("inpatient", "telehealth"): "conflict",
    ("inpatient", "inpatient"): "inpatient",
    ("inpatient", "unusual"): "inpatient",
    ("inpatient", UNKNOWN): "inpatient",
    (UNKNOWN, "inpatient"): "inpatient",
    (UNKNOWN, UNKNOWN): "unknown",
}


def _class_setting(session: CoachingSession, terms: Terms) -> str:
    encounter = session.visit.encounter
    if encounter is None or encounter.encounter_class is None:
        return UNKNOWN
    settings: dict[str, str] = terms.value("encounter_classes")
    return settings.get(encounter.encounter_class.value.code, UNKNOWN)


def _place_setting(session: CoachingSession, terms: Terms) -> str:
    place = session.line.place_of_service
    if place is None or place.value.system != POS_SYSTEM:
        return UNKNOWN
    entry = terms.codes.places.get(place.value.code)
    return UNKNOWN if entry is None else entry.place_class or "unusual"


def _written_class(session: CoachingSession) -> str:
    encounter = session.visit.encounter
    return encounter.encounter_class.value.code if encounter and encounter.encounter_class else "not recorded"


def _written_place(session: CoachingSession) -> str:
    return session.line.place_of_service.value.code if session.line.place_of_service else "not recorded"


def _used(session: CoachingSession) -> list[Used]:
    encounter, place = session.visit.encounter, session.line.place_of_service
    used = []
    if encounter and encounter.encounter_class:
        used.append(Used("encounter class", encounter.encounter_class.value.code, encounter.encounter_class.origin))
    if place:
        used.append(Used("place of service", place.value.code, place.origin))
    return used
