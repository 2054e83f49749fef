"""The same service on another claim: a duplicate, a second one of the day, or the original that this claim replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, PriorService, Settlement

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


UNDECIDED = (Settlement.OPEN, Settlement.UNKNOWN)


NEEDED = {
    "provider_unknown": "the billing provider of both claims",
    "same_day": "a service billed once, or a reason for a second",
}


@rule(
    Stage.DUPLICATE,
    outcomes=("exact", "original_open", "provider_unknown", "same_day", "same_claim"),
    unknown=("provider_unknown",),
)
def duplicate(session: CoachingSession, terms: Terms) -> Finding:
    """No earlier claim or line bills the same service of the same patient and day."""
    for outcome, found in _cases(session, _on_earlier_claims(session), terms):
        if found:
            used = Used("other claim", f"{found[0].claim} line {found[0].line}", found[0].origin)
            words = f"{session.code} of {found[0].day} is already on {found[0].claim}"
            if outcome == "same_day":
                words += f", with {_difference(found[0], session)}"
            return terms.finding(outcome, words, NEEDED.get(outcome, "a service billed once"), used)
    own = session.key
    if repeated := [each for each in session.history if each.claim == own and _earlier_line(each, session, terms)]:
        used = Used("earlier line", f"line {repeated[0].line}", repeated[0].origin)
        words = f"line {repeated[0].line} of this claim bills {session.code} of the same day"
        return terms.finding("same_claim", words, "a service billed once", used)
    return terms.met("no other claim bills this service")


def _cases(
    session: CoachingSession, alike: list[PriorService], terms: Terms
) -> tuple[tuple[str, list[PriorService]], ...]:
    """What can be found, the strongest first: the same line again, perhaps the same, another one of the day."""
    equal = [each for each in alike if _same_line(each, session)]
    same = [each for each in equal if not _unnamed(each, session) and not _other_provider(each, session)]
    return (
        ("exact", [each for each in same if each.settlement is Settlement.FINAL]),
        ("original_open", [each for each in same if each.settlement in UNDECIDED]),
        ("provider_unknown", [each for each in equal if _unnamed(each, session)]),
        ("same_day", [each for each in alike if not each.denied and not _may_recur(each, session, terms)]),
    )


def _on_earlier_claims(session: CoachingSession) -> list[PriorService]:
    """The same code of the same day on claims that were processed, and that this one does not replace."""
    code, day = session.code, session.service_date
    return [
        each
        for each in session.history
        if each.day == day and each.code == code and each.earlier and not each.tied and each.settlement.processed
    ]


def _same_line(other: PriorService, session: CoachingSession) -> bool:
    return other.modifiers == _modifiers(session) and not _other_visit(other, session)


def _modifiers(session: CoachingSession) -> tuple[str, ...]:
    return tuple(sorted(each.value.code for each in session.line.modifiers))


def _other_visit(other: PriorService, session: CoachingSession) -> bool:
    """Both lines name their visits, and none of them is the same."""
    return bool(other.visits and session.line.visits) and not set(other.visits) & set(session.line.visits)


def _unnamed(other: PriorService, session: CoachingSession) -> bool:
    return _provider(session) is None or other.provider is None


def _provider(session: CoachingSession) -> str | None:
    return session.claim.provider.value if session.claim.provider else None


def _other_provider(other: PriorService, session: CoachingSession) -> bool:
    return not _unnamed(other, session) and other.provider != _provider(session)


def _may_recur(other: PriorService, session: CoachingSession, terms: Terms) -> bool:
    """A code billed by time may be billed for several visits of a day: no source limits them."""
    entry = terms.codes.services.get(session.code or "")
    return entry is not None and entry.unit_minutes is not None and _other_visit(other, session)


def _difference(other: PriorService, session: CoachingSession) -> str:
    """What sets a service apart from the same one of the day, in words."""
    parts = (
        ("another visit", _other_visit(other, session)),
        ("other modifiers", other.modifiers != _modifiers(session)),
        ("another billing provider", _other_provider(other, session)),
    )
    return " and ".join(words for words, differs in parts if differs)


def _earlier_line(other: PriorService, session: CoachingSession, terms: Terms) -> bool:
    """The same service of the same day on an earlier line of the claim: as if the line had a second unit (row 69)."""
    return (
        other.line is not None
        and other.line < session.line.sequence
        and other.code == session.code
        and other.day == session.service_date
        and not _may_recur(other, session, terms)
    )


@rule(
    Stage.DUPLICATE,
    outcomes=("unidentified", "original_open", "original_unknown", "replaces"),
    unknown=("original_unknown",),
)
def replacement(session: CoachingSession, terms: Terms) -> Finding:
    """A claim that replaces another names it, and comes after its decision."""
    prior = next((each for each in session.claim.related if each.relationship == "prior"), None)
    if prior is None:
        return terms.not_applicable("replaces no other claim")
    used = Used("replaced claim", prior.claim or "by identifier", prior.origin)
    if not prior.identified:
        return terms.finding("unidentified", "the replaced claim is not named", "its reference or identifier", used)
    if prior.settlement is Settlement.OPEN:
        return terms.finding("original_open", f"{prior.claim} is still open", "a decision on the original first", used)
    if prior.settlement is Settlement.FINAL:
        return terms.finding("replaces", f"replaces {prior.claim}", "", used)
    if not prior.settlement.processed:
        return terms.met("the original was never decided, so this is a new claim", used)
    return terms.finding("original_unknown", "what became of the replaced claim is not known", "its decision", used)
