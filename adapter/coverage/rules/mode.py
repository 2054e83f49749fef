"""How the session was held: face to face, with one individual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

REMOTE_MODIFIERS = ("telehealth", "audio-only")


@rule(
    Stage.MODE,
    outcomes=("silent", "excluded", "allowed"),
    values={"telehealth": Literal["silent", "excluded", "allowed"]},
)
def face_to_face(session: CoachingSession, terms: Terms) -> Finding:
    """Nothing marks the session as remote; where something does, the payer's stance decides (silence is REVIEW)."""
    markers = list(_remote_markers(session, terms))
    if not markers:
        return terms.met("no sign of telehealth")
    found = "telehealth: " + ", ".join(f"{each.name} {each.value}" for each in markers)
    return terms.finding(terms.value("telehealth"), found, "a session face to face", *markers)


def _remote_markers(session: CoachingSession, terms: Terms) -> Iterator[Used]:
    encounter = session.visit.encounter
    if encounter and encounter.modality is not None:
        yield Used("encounter", encounter.modality.value.code, encounter.modality.origin)
    for place in session.line.places:
        entry = terms.codes.places.get(place.value.code)
        if place.value.system == "POS" and entry is not None and entry.place_class == "telehealth":
            yield Used("POS", place.value.code, place.origin)
    for modifier in session.line.modifiers:
        listed = terms.codes.modifiers.get(modifier.value.code)
        if listed is not None and listed.kind in REMOTE_MODIFIERS:
            yield Used("modifier", modifier.value.code, modifier.origin)


@rule(Stage.MODE, outcomes=("group", "group_unsettled"), unknown=("group_unsettled",))
def individual(session: CoachingSession, terms: Terms) -> Finding:
    """A code for one person is not billed for a group."""
    markers = list(_group_markers(session, terms))
    entry = terms.codes.services.get(session.code or "")
    if entry is None or entry.individual is False:
        return terms.not_applicable("the code is not for one individual")
    if not markers:
        return terms.met("no sign of a group")
    found = "group: " + ", ".join(f"{each.name} {each.value}" for each in markers)
    outcome = "group" if entry.individual else "group_unsettled"
    return terms.finding(outcome, found, "a session with one individual", *markers)


def _group_markers(session: CoachingSession, terms: Terms) -> Iterator[Used]:
    for modifier in session.line.modifiers:
        listed = terms.codes.modifiers.get(modifier.value.code)
        if listed is not None and listed.kind == "group":
            yield Used("modifier", modifier.value.code, modifier.origin)
    for each in (session.visit.encounter, session.visit.procedure):
        if each is not None and each.for_group is not None and each.for_group.value:
            yield Used("subject", "a group", each.for_group.origin)
