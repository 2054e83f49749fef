"""Decides sessions: every rule of the policy in force speaks, the strongest decision wins, nothing is left out.

No I/O, no clock, no log: the same sessions, policies and instant give the same determination.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from adapter.coverage.finding import Decision, Determination, Finding, LineDetermination, Verdict
from adapter.coverage.registry import RULES
from adapter.errors import AdapterError, raised_at
from adapter.policy.book import PolicyBook, RuleSet
from adapter.policy.terms import BeforeFirstDate, RuleTerms, Terms
from adapter.session.model import CoachingSession


class RuleCrashed(AdapterError):
    """A rule raised: its claim stays unanswered, and says so loudly."""

    def __init__(self, rule: str, claim: str, line: int, error: Exception) -> None:
        super().__init__(f"rule {rule} failed on Claim/{claim} line {line}: {raised_at(error)}")


def determine(sessions: Sequence[CoachingSession], book: PolicyBook, now: datetime) -> Determination:
    """Decide all lines of a claim.

    Raises:
        RuleCrashed: a rule raised something that is no answer.
    """
    lines = tuple(adjudicate(session, book, now) for session in sessions)
    return Determination(sessions[0].claim.id, lines)


def adjudicate(session: CoachingSession, book: PolicyBook, now: datetime) -> LineDetermination:
    """Decide one line by the rule set of its payer and date of service."""
    rules = rule_set(session, book)
    ours = book.codes.bills_ours(session.line)
    findings: list[Finding] = []
    for shared in rules.terms(session.code, book.codes):
        if ours and shared.other_code is not None:
            findings.append(shared.other_code)
        else:
            _ask(shared, session, now, findings, ours=ours)
    return LineDetermination(
        session.line.sequence,
        session.code,
        session.service_date,
        decide(findings),
        tuple(findings),
        rules.label,
        rules.title,
        rules.uris,
        rules.decides,
    )


def decide(findings: Iterable[Finding]) -> Decision:
    """The strongest decision that binds; a warning approves, and nothing binding at all goes to a person."""
    strongest = max((each.decision for each in findings if not each.advisory), default=Decision.REVIEW)
    return Decision.APPROVE if strongest is Decision.WARN else strongest


def rule_set(session: CoachingSession, book: PolicyBook) -> RuleSet:
    coverage = session.coverage
    recognised = {each.value for each in coverage.payers} if coverage else set()
    payer = recognised.pop() if len(recognised) == 1 else None
    plans = {each.value for each in coverage.plans} if coverage else set()
    return book.in_force(payer, session.service_date, plans, session.state.value if session.state else None)


def _ask(shared: RuleTerms, session: CoachingSession, now: datetime, findings: list[Finding], *, ours: bool) -> None:
    """Add one rule's findings; a line of another service, or of a code the rule is not about, is not asked."""
    name = shared.name
    if not ours and name != "line_in_scope":
        findings.append(Terms(shared, now).not_applicable("the line bills another service"))
        return
    if shared.other_code is not None:
        findings.append(shared.other_code)
        return
    terms = Terms(shared, now)
    try:
        found = RULES[name].check(session, terms)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            findings += tuple(found)
    except BeforeFirstDate as gap:
        findings.append(_no_value(terms, str(gap)))
    except Exception as error:  # whatever a rule trips on stops this claim alone, and is named
        raise RuleCrashed(name, session.claim.id, session.line.sequence, error) from error


def _no_value(terms: Terms, why: str) -> Finding:
    """Nobody published a value for that day: a person decides, and nothing is assumed."""
    blank = terms.not_applicable(why)
    return replace(
        blank,
        outcome="no_value",
        verdict=Verdict.INSUFFICIENT,
        decision=Decision.REVIEW,
        needed="a value in force on the date of service",
        carc=("133",),
    )
