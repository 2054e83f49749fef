"""A follow-up follows an initial assessment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import ServiceCode
from adapter.session.model import CoachingSession, PriorService, Settlement

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(
    Stage.SAME_DAY,
    outcomes=("pend", "warn", "deny", "undecided"),
    unknown=("undecided",),
    values={"prior_initial_assessment": Literal["pend", "warn", "deny"], "initial_code": ServiceCode},
)
def prior_assessment(session: CoachingSession, terms: Terms) -> Finding:
    """An initial assessment of an earlier day is on file; what follows when none is, is a policy value."""
    on = session.service_date
    if on is None:
        return terms.not_applicable("the date of service is unknown; service_date says so")
    initial, stance = terms.value("initial_code"), terms.value("prior_initial_assessment")
    earlier = [each for each in session.history if each.code == initial and each.day < on and _may_be_held(each)]
    if held := [each for each in earlier if _was_held(each)]:
        return terms.met(f"{initial} on {held[-1].day}", Used(initial, str(held[-1].day), held[-1].origin))
    if earlier:
        used = Used(initial, str(earlier[-1].day), earlier[-1].origin)
        found = f"{initial} of {earlier[-1].day} is billed on {earlier[-1].claim}, which is not decided"
        outcome = "undecided" if stance == "deny" else stance
        return terms.finding(outcome, found, f"an earlier {initial} that took place", used)
    return terms.finding(stance, f"no {initial} before {on} on file", f"an earlier {initial}")


def _may_be_held(service: PriorService) -> bool:
    """A claim that was turned away shows no service, and neither does a line whose session was called off."""
    return service.settlement.processed and not service.called_off


def _was_held(service: PriorService) -> bool:
    """A record shows the service, or the decision on its claim; a claim that is still open only says so."""
    return service.claim is None or service.settlement is Settlement.FINAL
