"""What the benefit plan says: it supersedes the policy. Off until an overlay states a plan's terms."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeInt

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import ServiceCode
from adapter.session.model import CoachingSession, Settlement

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(
    Stage.POLICY, outcomes=("excluded", "conflict"), values={"excluded_codes": list[ServiceCode], "conflicting": bool}
)
def plan_terms(session: CoachingSession, terms: Terms) -> Finding:
    """The plan does not exclude the service, and does not contradict the policy in a way only a person can settle."""
    if session.code in terms.value("excluded_codes"):
        return terms.finding("excluded", f"the plan excludes {session.code}", "a service that the plan covers")
    if terms.value("conflicting"):
        words = "plan document and policy contradict each other"
        return terms.resting_on("conflicting").finding("conflict", words, "a person's reading of both")
    return terms.met("no exclusion of the plan is known")


@rule(Stage.POLICY, outcomes=("custom_plan",), values={"custom_plans": list[str]})
def standard_plan(session: CoachingSession, terms: Terms) -> Finding:
    """The policy is written for standard plans; for a custom one it is only advice."""
    plans = session.coverage.plans if session.coverage else ()
    for plan in plans:
        if plan.value in terms.value("custom_plans"):
            used = Used("plan", plan.value, plan.origin)
            return terms.finding("custom_plan", f"plan {plan.value} is no standard plan", "a person's decision", used)
    return terms.met("no custom plan")


@rule(
    Stage.POLICY,
    outcomes=("exceeded", "uncertain"),
    unknown=("uncertain",),
    values={"sessions_per_year": NonNegativeInt | None},
)
def benefit_limit(session: CoachingSession, terms: Terms) -> Finding:
    """The sessions of the calendar year stay within the plan's limit, where it sets one."""
    limit, on = terms.value("sessions_per_year"), session.service_date
    if limit is None or on is None:
        return terms.not_applicable("the plan sets no limit")
    decided, possible = _sessions_before(session, terms, on)
    used = (Used("sessions decided earlier in the year", str(decided)), Used("limit", str(limit)))
    if decided >= limit:
        return terms.finding("exceeded", f"{decided} sessions in {on.year} before {on}", f"{limit} at most", *used)
    if possible >= limit:
        found = f"{decided} sessions of {on.year} are decided, {possible - decided} more are on file"
        return terms.finding("uncertain", found, f"{limit} at most", *used)
    return terms.met(f"session {possible + 1} of {limit} in {on.year}", *used)


def _sessions_before(session: CoachingSession, terms: Terms, on: date) -> tuple[int, int]:
    """Days of earlier sessions of the year: on claims decided, and on anything that was not turned away."""
    void = (Settlement.REJECTED, Settlement.REFUSED)
    earlier = [
        each
        for each in session.history
        if terms.codes.is_ours(each.code) and each.day.year == on.year and each.day < on and each.settlement not in void
    ]
    decided = {each.day for each in earlier if each.settlement is Settlement.FINAL}
    return len(decided), len({each.day for each in earlier})


@rule(Stage.POLICY, outcomes=("incomplete",), values={"inputs_not_available": dict[str, Literal["plan", "state"]]})
def determination_inputs(session: CoachingSession, terms: Terms) -> Finding:
    """A determination rests on plan document, law, collateral material and facts; what was not at hand is said."""
    missing = [
        name
        for name, layer in terms.value("inputs_not_available").items()
        if not any(layer == kind for kind in terms.rules.overlay_kinds)
    ]
    if not missing:
        return terms.met("plan document and state rules were at hand")
    return terms.finding(
        "incomplete", f"decided without {' and '.join(missing)}", "the terms that supersede the policy"
    )


@rule(Stage.CREDENTIAL, outcomes=("apart",))
def clinical_practice(session: CoachingSession, terms: Terms) -> Finding:
    """The coach belongs to the organization that bills, as far as roles are on file."""
    provider = session.claim.provider
    organizations = [each for person in session.renderers for each in person.organizations]
    if provider is None or not organizations:
        return terms.not_applicable("no role of the coach at an organization is on file")
    used = (
        Used("billing provider", provider.value, provider.origin),
        Used("role at", organizations[0].value, organizations[0].origin),
    )
    if any(each.value == provider.value for each in organizations):
        return terms.met("the coach belongs to the billing organization", *used)
    return terms.finding(
        "apart", "the coach's roles are at other organizations", "a coach of the billing practice", *used
    )
