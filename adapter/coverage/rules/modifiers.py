"""What the line's modifiers say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import ModifierKind
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

SYSTEMS = ("CPT", "HCPCS")
INCREASED = "increased"


@rule(Stage.FORM, outcomes=("unknown",))
def modifiers_known(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Every modifier is one of CPT or HCPCS."""
    unknown = [
        each
        for each in session.line.modifiers
        if each.value.system not in SYSTEMS or terms.codes.modifiers.get(each.value.code) is None
    ]
    for each in unknown:
        used = Used("modifier", each.value.code, each.origin)
        yield terms.finding("unknown", f"modifier {each.value.code}", "a modifier of CPT or HCPCS", used)
    for nameless in session.line.modifiers_without_code:
        used = Used("modifier", "text only", nameless.origin)
        yield terms.finding("unknown", "a modifier without a code", "a modifier of CPT or HCPCS", used)
    if not unknown and not session.line.modifiers_without_code:
        yield terms.met(f"{len(session.line.modifiers)} modifiers, all known")


@rule(Stage.CODE, outcomes=("not_in_effect",))
def modifiers_in_effect(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Every modifier was in effect on the date of service."""
    on = session.service_date
    late = [
        each
        for each in session.line.modifiers
        if on is not None and terms.codes.modifiers.in_effect(each.value.code, on) is False
    ]
    for each in late:
        used = Used("modifier", each.value.code, each.origin)
        yield terms.finding(
            "not_in_effect", f"modifier {each.value.code} on {on}", "a modifier in effect that day", used
        )
    if not late:
        yield terms.met("no modifier outside its dates")


@rule(
    Stage.MODE,
    outcomes=("silent", "review"),
    values={"modifier_kinds_to_review": list[ModifierKind], "modifier_kinds_decided_elsewhere": list[ModifierKind]},
)
def modifiers_meaning(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """A known modifier that the policy is silent about is noted, or goes to a person where it changes the service."""
    review, elsewhere = terms.value("modifier_kinds_to_review"), terms.value("modifier_kinds_decided_elsewhere")
    spoken = False
    for each in session.line.modifiers:
        listed = terms.codes.modifiers.get(each.value.code)
        if listed is None or listed.kind in elsewhere:
            continue
        spoken = True
        outcome = "review" if listed.kind in review else "silent"
        used = Used("modifier", each.value.code, each.origin)
        yield terms.finding(outcome, f"the policy does not speak about modifier {each.value.code}", "", used)
    if not spoken:
        yield terms.met("no modifier the policy is silent about")


@rule(Stage.MODE, outcomes=("no_narrative",))
def increased_service(session: CoachingSession, terms: Terms) -> Finding:
    """Modifier 22 is supported by a narrative; without one the service is paid at its regular rate."""
    marked = [
        each
        for each in session.line.modifiers
        if (listed := terms.codes.modifiers.get(each.value.code)) is not None and listed.kind == INCREASED
    ]
    if not marked:
        return terms.not_applicable("no modifier for increased services")
    used = Used("modifier", marked[0].value.code, marked[0].origin)
    if session.line.narrative_on_file is not None:
        return terms.met(
            "a narrative is attached", used, Used("narrative", "attached", session.line.narrative_on_file.origin)
        )
    return terms.finding("no_narrative", "modifier 22 without a narrative", "supporting information on the line", used)
