"""What a rule is expected to say, and how it is asked: all of an answer that a contract row names, in one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest
from coverage_rules.sessions import NOW

from adapter.coverage.adjudicate import adjudicate
from adapter.coverage.finding import Decision, Finding, LineDetermination, Verdict
from adapter.errors import Issue
from adapter.policy.book import Policy, PolicyBook
from adapter.policy.files import Series
from adapter.session.model import CoachingSession


@dataclass(frozen=True)
class Says:
    """Outcome, verdict, decision and reason codes of one finding; remark codes in any order."""

    outcome: str
    verdict: Verdict
    decision: Decision
    carc: frozenset[str] = frozenset()
    rarc: frozenset[str] = frozenset()


MET = Says("met", Verdict.MET, Decision.APPROVE)
NOT_APPLICABLE = Says("", Verdict.NOT_APPLICABLE, Decision.APPROVE)


def warns(outcome: str, *rarc: str) -> Says:
    """Approved with a note: no CARC."""
    return Says(outcome, Verdict.MET, Decision.WARN, rarc=frozenset(rarc))


def reviews(outcome: str) -> Says:
    """CARC 133 and no remark code."""
    return Says(outcome, Verdict.INSUFFICIENT, Decision.REVIEW, frozenset({"133"}))


def pends(outcome: str, *rarc: str) -> Says:
    """CARC 252 and the remark codes of the row."""
    return Says(outcome, Verdict.INSUFFICIENT, Decision.PEND, frozenset({"252"}), frozenset(rarc))


def denies(outcome: str, carc: str, *rarc: str) -> Says:
    return Says(outcome, Verdict.NOT_MET, Decision.DENY, frozenset({carc}), frozenset(rarc))


def rejects(outcome: str, carc: str, *rarc: str) -> Says:
    """CARC 16 rides with MA130, unprocessable (coverage facts, 1.3)."""
    unprocessable = {"MA130"} if carc == "16" else set()
    return Says(outcome, Verdict.NOT_MET, Decision.REJECT, frozenset({carc}), frozenset(rarc) | unprocessable)


NO_VALUE = reviews("no_value")
"""Before a value's first date there is none, and nothing is assumed."""


SAID: list[Finding | Issue] = []
"""What the rules said in the running test, for the files under ``words``."""


def says(finding: Finding) -> Says:
    outcome = "" if finding.verdict is Verdict.NOT_APPLICABLE else finding.outcome
    return Says(outcome, finding.verdict, finding.decision, frozenset(finding.carc), frozenset(finding.rarc))


def ask(book: PolicyBook, rule: str, session: CoachingSession, now: datetime = NOW) -> tuple[Finding, ...]:
    """The findings of one rule alone, by the policy in force; none where that policy has no such rule."""

    def alone(policy: Policy) -> Policy:
        return replace(policy, rules={name: each for name, each in policy.rules.items() if name == rule})

    narrowed = {name: alone(policy) for name, policy in book.policies.items()}
    findings = adjudicate(session, replace(book, policies=narrowed), now).findings
    SAID.extend(findings)
    return findings


def answers(book: PolicyBook, rule: str, session: CoachingSession, now: datetime = NOW) -> list[Says]:
    return [says(each) for each in ask(book, rule, session, now)]


def with_value(book: PolicyBook, rule: str, name: str, value: object) -> PolicyBook:
    """The book where every policy states another value, as a plan parameter would."""
    return _restated(book, rule, name, {"value": value})


def beginning(book: PolicyBook, rule: str, name: str, on: date) -> PolicyBook:
    """The book where the first value of a series is of this day."""
    return _restated(book, rule, name, {"effective": on})


def _restated(book: PolicyBook, rule: str, name: str, update: dict[str, object]) -> PolicyBook:
    def stated(policy: Policy) -> Policy:
        if rule not in policy.rules:
            return policy
        file = policy.rules[rule].file
        first = file.values[name].dated[0].model_copy(update=update)
        series: Series = file.values[name].model_copy(update={"dated": [first]})
        changed = file.model_copy(update={"values": {**file.values, name: series}})
        return replace(policy, rules={**policy.rules, rule: replace(policy.rules[rule], file=changed)})

    return replace(book, policies={each: stated(policy) for each, policy in book.policies.items()})


def line_codes(line: LineDetermination) -> tuple[set[str], set[str]]:
    """CARC and RARC of a line: those of every binding finding as strong as the decision, and M69 of row 67."""
    deciding = line.deciding
    carc = {code for each in deciding for code in each.carc}
    rarc = {code for each in deciding for code in each.rarc}
    if line.decision is Decision.APPROVE:
        rarc |= {code for each in line.findings if each.decision is Decision.WARN for code in each.rarc}
    return carc, rarc


INPUTS = ("determination_inputs", "incomplete")
"""The note on every line that no plan document and no state's rules were at hand (S26)."""


def outcomes(line: LineDetermination) -> set[tuple[str, str]]:
    """The noteworthy findings of a line as (rule, outcome), but for that note."""
    return {(each.rule, each.outcome) for each in line.findings if each.noteworthy} - {INPUTS}


def row(*values: Any, id: str) -> Any:
    """A row of a table."""
    return pytest.param(*values, id=id)
