"""What an explanation says, whatever it is printed as: findings in their groups, what each weighs, what to do next.

Findings stand in the order a reviewer asks for them: what decided the line, what else was found, and only then what is
in order. Their sentences are those of the answer's notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from adapter.answers.answer import Answer
from adapter.answers.claim_response import reason_codes
from adapter.answers.systems import CARC
from adapter.answers.words import DECIDED, noteworthy
from adapter.cli.policy_values import PolicyValue, policy_values, titled
from adapter.coverage.adjudicate import rule_set
from adapter.coverage.finding import Decision, Finding, LineDetermination, Verdict
from adapter.policy.book import Policy, PolicyBook, RuleSet
from adapter.policy.terms import BeforeFirstDate, dated_value
from adapter.session.model import CoachingSession

NOTE = "note"
"""What a warning is called: its criterion is met, and its reader must know something."""


class Group(StrEnum):
    """Where a finding stands, first things first."""

    DECIDED = "What decided"
    OUTWEIGHED = "Also found"
    NOTES = "Notes"
    ADVICE = "Advice only"
    IN_ORDER = "In order"
    NOT_APPLICABLE = "Not applicable"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code with our own short words for it, empty where the tables have none."""

    kind: str
    code: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One line's decision with the session and the rule set it was drawn from."""

    line: LineDetermination
    session: CoachingSession
    rules: RuleSet
    book: PolicyBook
    claim_rejected: bool = False

    @property
    def answered(self) -> bool:
        """Whether the answer speaks of the line: of a rejected claim, only the lines it is rejected for."""
        return not self.claim_rejected or self.line.decision is Decision.REJECT

    @property
    def decided(self) -> str:
        """The decision in words."""
        return DECIDED[self.line.decision] if self.answered else "not answered"

    @property
    def payer(self) -> str:
        """Who pays, by title."""
        return self.rules.payer_title or "not recognised"

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policy the line was decided under, with the overlays that lie on it."""
        return (self.rules.policy, *self.rules.overlays)

    @property
    def required_minutes(self) -> int | None:
        """The least minutes of the code on the date of service; None where it has no minimum."""
        stated = self.rules.rules.get("session_length")
        if stated is None:
            return None
        try:
            by_code = dated_value(stated.file.values["minimum_minutes"], self.rules.on, "minimum_minutes")
        except BeforeFirstDate:
            return None
        minutes: int | None = by_code.get(self.session.code)
        return minutes

    @property
    def unit_minutes(self) -> int | None:
        """The length of one unit, for a code that is billed by time."""
        entry = self.book.codes.services.get(self.session.code or "")
        return entry.unit_minutes if entry else None

    @property
    def service(self) -> str:
        """What the code stands for, in our own words."""
        entry = self.book.codes.services.get(self.session.code or "")
        return entry.meaning if entry else ""

    @property
    def is_ours(self) -> bool:
        """Whether the line bills one of our services; no visit is looked for where it does not."""
        return self.book.codes.bills_ours(self.session.line)

    def criterion(self, finding: Finding) -> str:
        """The rule's own sentence."""
        return self.rules.rules[finding.rule].file.description

    def layer(self, finding: Finding) -> str:
        """The policy whose rule spoke, by title and version."""
        return titled(self.book.policies[finding.citation.layer], finding.citation.policy)

    def policy_values(self, finding: Finding) -> list[PolicyValue]:
        """The values of the policy that a finding rests on; none where the rule does not concern the line."""
        if finding.verdict is Verdict.NOT_APPLICABLE:
            return []
        return list(policy_values(finding.rule, self.rules, self.book, self.session.code))

    def reasons(self) -> list[Reason]:
        """The reason codes that go out with the line."""
        codes = reason_codes(self.line) if self.answered else []
        return [self._reason("CARC" if system == CARC else "RARC", code) for system, code in codes]

    def reasons_of(self, finding: Finding) -> list[Reason]:
        """The reason codes that the policy gives a finding, whether or not it decides."""
        carc = [self._reason("CARC", code) for code in finding.carc]
        return carc + [self._reason("RARC", code) for code in finding.rarc]

    def _reason(self, kind: str, code: str) -> Reason:
        codes = self.book.codes.carc if kind == "CARC" else self.book.codes.rarc
        entry = codes.get(code)
        return Reason(kind, code, entry.meaning if entry else "")

    def groups(self) -> Iterator[tuple[Group, list[Finding]]]:
        """The groups that hold anything: strongest first what must be seen, the rest in the order of the rules."""
        ordered = noteworthy(self.line) + [each for each in self.line.findings if not each.noteworthy]
        for group in Group:
            if found := [each for each in ordered if group_of(each, self.line) is group]:
                yield group, found

    def next_heading(self) -> str:
        """What stands above ``fixes``."""
        if self.line.decision is Decision.REVIEW:
            return "What happens next"
        return "What to fix and resubmit" if self.fixes() else "Nothing to fix"

    def fixes(self) -> list[str]:
        """What to do about the findings that stand against the line, each once, strongest first."""
        against = (Group.DECIDED, Group.OUTWEIGHED)
        found = [each.fix for each in noteworthy(self.line) if group_of(each, self.line) in against]
        return list(dict.fromkeys(each for each in found if each))


def explained_lines(answer: Answer, sessions: tuple[CoachingSession, ...], book: PolicyBook) -> list[ExplainedLine]:
    """Each line of a determination with its session; none where nothing was determined."""
    if answer.determination is None:
        return []
    rejected = answer.determination.decision is Decision.REJECT
    return [
        ExplainedLine(line, session, rule_set(session, book), book, rejected)
        for line, session in zip(answer.determination.lines, sessions, strict=True)
    ]


def group_of(finding: Finding, line: LineDetermination) -> Group:
    """The group a finding of a line stands in."""
    if finding.verdict is Verdict.NOT_APPLICABLE:
        return Group.NOT_APPLICABLE
    if not finding.noteworthy:
        return Group.IN_ORDER
    if finding.advisory:
        return Group.ADVICE
    if finding.decision is Decision.WARN:
        return Group.NOTES
    return Group.DECIDED if finding.decision is line.decision else Group.OUTWEIGHED


def label(finding: Finding) -> str:
    """The verdict in words; a warning is a note, for nothing about it needs to be met."""
    return NOTE if finding.decision is Decision.WARN else finding.verdict.value


def weight(finding: Finding, line: LineDetermination) -> str:
    """What a finding does to its line."""
    name = finding.decision.name
    if finding.advisory:
        return "none: advice only" if finding.decision is Decision.WARN else f"none: advice only, would be {name}"
    if finding.decision is Decision.WARN:
        return "a note, decides nothing"
    return (
        f"{name}: decides the line"
        if finding.decision is line.decision
        else f"{name}: outweighed by {line.decision.name}"
    )


def same_reason(findings: list[Finding]) -> dict[str, list[str]]:
    """The rules that say the same, by what they say; for what does not concern a line."""
    found: dict[str, list[str]] = {}
    for each in findings:
        found.setdefault(each.found, []).append(each.rule)
    return found


def source(finding: Finding) -> str:
    """The sentence a finding rests on; which policy applies it is its layer."""
    return f"{finding.citation.document}, {finding.citation.section}"


def standing(answer: Answer) -> str | None:
    """What became of an answer that no longer stands (voided, or reversed by a replacement); None when it stands."""
    response = answer.response or {}
    return str(response["disposition"]) if response.get("status") == "cancelled" else None
