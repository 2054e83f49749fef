"""A follow-up follows an initial assessment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import ServiceCode
from adapter.session.model import CoachingSession, Settlement

if TYPE_CHECKING:
    from adapter.policy.book import Terms


@rule(
    Stage.SAME_DAY,
    outcomes=("pend", "warn", "deny"),
    values={"prior_initial_assessment": Literal["pend", "warn", "deny"], "initial_code": ServiceCode},
)
def prior_assessment(session: CoachingSession, terms: Terms) -> Finding:
    """An initial assessment of an earlier day is on file; what follows when none is, is a policy value."""
    on = session.service_date
    if on is None:
        return terms.not_applicable("the date of service is unknown; service_date says so")
    initial = terms.value("initial_code")
    not_decided = (Settlement.REJECTED, Settlement.REFUSED)
    earlier = [
        each
        for each in session.history
        if each.code == initial and each.day < on and each.settlement not in not_decided
    ]
    if earlier:
        return terms.met(f"{initial} on {earlier[-1].day}", Used(initial, str(earlier[-1].day), earlier[-1].origin))
    return terms.finding(
        terms.value("prior_initial_assessment"), f"no {initial} before {on} on file", f"an earlier {initial}"
    )
