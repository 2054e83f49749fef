"""Which policy speaks on the date of service, and what it does not know about itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import Day
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(
    Stage.POLICY,
    outcomes=("payer_unknown", "no_rule", "not_yet", "ended", "past_review", "sunset_unverified"),
    unknown=("payer_unknown", "no_rule", "not_yet", "ended"),
    values={"sunset_from": Day},
)
def policy_in_force(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """A coverage policy of the payer is in force on the date of service."""
    rules, on = terms.rules, session.service_date
    if rules.payer is None:
        yield terms.finding("payer_unknown", "the payer is not recognised", "a payer with a coverage policy")
    elif rules.not_yet is not None and rules.not_yet.header.decides:
        header = rules.not_yet.header
        found = f"{header.title} begins on {header.effective}, the service was on {on or 'an unknown day'}"
        yield terms.finding("not_yet", found, "a policy in force that day")
    elif rules.ended is not None and not rules.decides:
        found = f"{rules.ended.header.title} ended on {rules.ended.header.end}, the service was on {on}"
        yield terms.finding("ended", found, "a policy in force that day")
    elif not rules.decides:
        found = f"{rules.payer_title}: no coverage rule is published. {rules.payer_note}".strip()
        yield terms.finding("no_rule", found, "a coverage rule")
    else:
        yield from _caveats(session, terms)


def _caveats(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    header, on = terms.rules.policy.header, session.service_date
    yield terms.met(
        f"{header.title}, in force from {header.effective}",
        Used("date of service", str(on), session.service_date_origin),
    )
    if on is not None and header.next_review is not None and on > header.next_review:
        found = f"past the policy's review date {header.next_review}; it still applies, and may be superseded"
        yield terms.finding("past_review", found, "the policy's current revision")
    entry = terms.codes.services.get(session.code or "")
    if on is not None and entry is not None and entry.system == "CPT" and on >= terms.value("sunset_from"):
        found = f"whether {session.code} was extended past its five-year sunset is unverified"
        yield terms.finding("sunset_unverified", found, "the code's current status")
