"""Where the session took place: outpatient, as the visit's class and the line's place of service say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import EncounterClass, Setting
from adapter.session.model import CoachingSession, Code, Sourced
from adapter.session.time import Days

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

Codings = tuple[Sourced[Code], ...]
POS_SYSTEM = "POS"
CLASS_SYSTEM = "V3-ACT"
UNKNOWN = "unknown"


CONTRADICTORY = "contradictory"


@rule(Stage.FORM, outcomes=("unassigned", "not_in_effect", "unreadable", "several"))
def place_of_service(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """The place of service is one assigned code, in effect on the date of service."""
    places = _places(session)
    if not places:
        yield terms.not_applicable("no place of service on the line")
        return
    used = _used_places(places)
    if not _of_cms(places[0].value):
        words = "the place of service is of another code system"
        yield terms.finding("unreadable", words, "a CMS place of service", *used)
        return
    faults = [finding for each in places if (finding := _place_fault(each, session, terms)) is not None]
    if len(places) > 1:
        faults.append(terms.finding("several", f"POS {_written(places)}", "one place of service", *used))
    yield from faults or [terms.met(f"POS {_written(places)}", *used)]


def _place_fault(place: Sourced[Code], session: CoachingSession, terms: Terms) -> Finding | None:
    code, on = place.value.code, session.service_date
    used = Used("place of service", code, place.origin)
    if terms.codes.places.get(code) is None:
        return terms.finding("unassigned", f"POS {code} is not assigned", "an assigned code", used)
    if on is not None and not terms.codes.places.in_effect(code, on):
        return terms.finding("not_in_effect", f"POS {code} was not in effect on {on}", "a code of that day", used)
    return None


@rule(
    Stage.SETTING,
    outcomes=("inpatient", "conflict", "unusual", "unknown", "class_only", "place_only"),
    unknown=("conflict", "unknown"),
    values={"encounter_classes": dict[EncounterClass, Setting]},
)
def setting(session: CoachingSession, terms: Terms) -> Finding:
    """The session was outpatient. Class and place that contradict each other are asked about; neither is picked."""
    stay, classes, places = _stay(session), _classes(session), _places(session)
    used = _used(classes, places, stay)
    found = f"encounter class {_written(classes)}, POS {_written(places)}"
    found += ", within a hospital stay that the claim names" if stay else ""
    outcome = _outcome(_class_setting(classes, terms), _place_setting(places, terms), in_hospital=stay is not None)
    if outcome is None:
        return terms.met(f"outpatient: {found}", *used)
    return terms.finding(outcome, found, "an outpatient setting", *used)


def _outcome(by_class: str, by_place: str, *, in_hospital: bool) -> str | None:
    """What class and place come to; a hospital stay agrees with what says inpatient and contradicts anything else."""
    if CONTRADICTORY in (by_class, by_place):
        return "conflict"
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


def _class_setting(classes: Codings, terms: Terms) -> str:
    """What the classes say."""
    if not classes:
        return UNKNOWN
    settings: dict[str, str] = terms.value("encounter_classes")
    said = ((each.value, settings.get(each.value.code, UNKNOWN)) for each in classes)
    return _together(each if _of_v3(code) else _of_another_list(each) for code, each in said)


def _place_setting(places: Codings, terms: Terms) -> str:
    said = ((each.value, _said_of_place(each.value.code, terms)) for each in places)
    return _together(each if _of_cms(code) else _of_another_list(each) for code, each in said)


def _said_of_place(code: str, terms: Terms) -> str:
    entry = terms.codes.places.get(code)
    return UNKNOWN if entry is None else entry.place_class or "unusual"


def _together(said: Iterable[str]) -> str:
    """What several codes say of one session: the most doubtful counts; inpatient and anything else cannot both be."""
    known = set(said) - {UNKNOWN}
    if "inpatient" in known and len(known) > 1:
        return CONTRADICTORY
    return next((each for each in ("inpatient", "unusual", "telehealth", "outpatient") if each in known), UNKNOWN)


def _of_another_list(said: str) -> str:
    """A code of another list speaks for nothing; one that looks as if it spoke against outpatient is for a person."""
    return UNKNOWN if said in ("outpatient", UNKNOWN) else "unusual"


def _stay(session: CoachingSession) -> Sourced[Days] | None:
    """The hospital stay on the claim that the date of service lies in."""
    on = session.service_date
    return next((each for each in session.claim.hospitalized if on is not None and on in each.value), None)


def _classes(session: CoachingSession) -> Codings:
    encounter = session.visit.encounter
    return _that_count(encounter.classes, _of_v3) if encounter is not None else ()


def _places(session: CoachingSession) -> Codings:
    return _that_count(session.line.places, _of_cms)


def _of_v3(code: Code) -> bool:
    """Without a system it is a v3-ActCode, to which R4 binds a class."""
    return code.is_of(CLASS_SYSTEM)


def _of_cms(code: Code) -> bool:
    return code.system == POS_SYSTEM


def _that_count(codes: Codings, standard: Callable[[Code], bool]) -> Codings:
    """The different codes of the standard list: what a site writes beside one of them only says it in its own words."""
    if len(codes) < 2:
        return codes
    counting = [each for each in codes if standard(each.value)] or codes
    return tuple({each.value.code: each for each in counting}.values())


def _written(codes: Iterable[Sourced[Code]]) -> str:
    return ", ".join(each.value.code for each in codes) or "not recorded"


def _used(classes: Codings, places: Codings, stay: Sourced[Days] | None) -> list[Used]:
    used = [Used("encounter class", each.value.code, each.origin) for each in classes]
    used += _used_places(places)
    if stay:
        used.append(Used("hospital stay", str(stay.value), stay.origin))
    return used


def _used_places(places: Codings) -> list[Used]:
    return [Used("place of service", each.value.code, each.origin) for each in places]
