"""What a rule finds, and what follows from all findings.

A rule's verdict is about a criterion; the decision it carries when the criterion fails is policy data. The strongest
decision of a line's findings is the line's, the strongest of the lines' is the claim's. Every finding is kept: a denied
line still says what else was missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum

from adapter.session.model import Origin
from adapter.values import value


class Verdict(StrEnum):
    """One rule's verdict on one session."""

    MET = "met"
    NOT_MET = "not met"
    INSUFFICIENT = "insufficient"
    NOT_APPLICABLE = "not applicable"


class Decision(IntEnum):
    """Line decisions; the larger is the stronger. ``WARN`` approves and leaves a note."""

    APPROVE = 0
    WARN = 1
    REVIEW = 2
    PEND = 3
    DENY = 4
    REJECT = 5


VERDICT_OF = {
    Decision.APPROVE: Verdict.MET,
    Decision.WARN: Verdict.MET,
    Decision.REVIEW: Verdict.INSUFFICIENT,
    Decision.PEND: Verdict.INSUFFICIENT,
    Decision.DENY: Verdict.NOT_MET,
    Decision.REJECT: Verdict.NOT_MET,
}
"""A denial or rejection says a criterion is not met; a pended or reviewed one that it cannot be told yet."""


@value(frozen=True, slots=True)
class Citation:
    """The sentence a finding rests on: document, section, and the policy (with version) that applies it."""

    document: str
    section: str
    policy: str
    layer: str

    def __str__(self) -> str:
        return f"{self.document}, {self.section} [{self.policy}]"


@value(frozen=True, slots=True)
class Used:
    """A value a rule used, written for a person, and where it was read; no name, no free text of the record."""

    name: str
    value: str
    origin: Origin | None = None


@dataclass(slots=True, eq=False)
class Kept:
    """What is made once of a finding that is said of many lines; whoever makes it fills it in."""

    json: bytes = b""


@value(frozen=True, slots=True)
class Finding:
    """One rule's verdict on one session.

    ``carc`` and ``rarc`` are emitted only when the decision is the line's (see ``answers``). ``advisory`` marks a
    finding that no policy in force makes binding: it goes to the notes and decides nothing.
    """

    rule: str
    outcome: str
    verdict: Verdict
    decision: Decision
    citation: Citation
    found: str = ""
    needed: str = ""
    fix: str = ""
    carc: tuple[str, ...] = ()
    rarc: tuple[str, ...] = ()
    used: tuple[Used, ...] = ()
    advisory: bool = False
    about_claim: bool = False
    """Whether it concerns the claim as a whole rather than its line."""
    kept: Kept | None = field(default=None, init=False, compare=False, repr=False)
    """Of a finding that a policy keeps for further lines; a copy with other words has none."""

    def keep(self) -> None:
        """It is said of further lines, too."""
        object.__setattr__(self, "kept", Kept())

    @property
    def noteworthy(self) -> bool:
        """Whether a reader of the answer must see it."""
        return self.decision is not Decision.APPROVE


@value(frozen=True, slots=True)
class LineDetermination:
    """All findings of one claim line and the decision drawn from them.

    ``policy`` names the policy and version that decided, ``policy_title`` does so in words.
    """

    sequence: int
    code: str | None
    service_date: date | None
    decision: Decision
    findings: tuple[Finding, ...]
    policy: str
    policy_title: str
    policy_uris: tuple[str, ...]
    decides: bool
    """Whether a coverage policy in force decided; where none did, only form and eligibility bind."""

    @property
    def deciding(self) -> tuple[Finding, ...]:
        """The findings as strong as the decision."""
        return tuple(each for each in self.findings if not each.advisory and each.decision is self.decision)


@value(frozen=True, slots=True)
class Determination:
    """All lines of a claim. Lines of different days may be decided by different policies."""

    claim: str
    lines: tuple[LineDetermination, ...]

    @property
    def policy_uris(self) -> tuple[str, ...]:
        """The canonical URIs of every policy that decided a line, each once."""
        return tuple(dict.fromkeys(uri for line in self.lines for uri in line.policy_uris))

    @property
    def decision(self) -> Decision:
        return max((line.decision for line in self.lines), default=Decision.REVIEW)
