"""From claims and a store of evidence to answers: the one path that sync, explain and every later caller take.

The same store gives the same answers, whatever the order it was filled in. A claim that cannot be processed is answered
by an OperationOutcome; a claim on which a rule crashes gets no answer and is named; neither touches another claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapter.answers.answer import Answer
from adapter.answers.claim_response import Envelope, claim_response, outcome, response_id
from adapter.answers.operation_outcome import operation_outcome
from adapter.answers.provenance import provenance
from adapter.coverage.adjudicate import RuleCrashed, determine
from adapter.coverage.finding import Determination
from adapter.coverage.refusal import refusals
from adapter.errors import Issue, raised_at
from adapter.evidence.coaches import CoachSession, sessions_by_coach
from adapter.evidence.gather import ClaimEvidence, gather
from adapter.evidence.references import Json
from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.validation import structural_issues
from adapter.mapping.history import history_of, patient_services
from adapter.mapping.loader import Mappings
from adapter.mapping.mapper import Mapper
from adapter.mapping.record import Record
from adapter.mapping.session import Builder
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, PriorService, Settlement
from adapter.terminology.icd10cm import Icd10Cm


@dataclass(frozen=True, slots=True)
class Adjudicator:
    """Everything a decision depends on besides the evidence."""

    mappings: Mappings
    book: PolicyBook
    icd10cm: Icd10Cm
    identifier_system: str
    site_timezone: str | None = None

    def in_scope(self, claim: Located) -> bool:
        """Whether a line of the claim carries, or by text claims to carry, one of our codes."""
        return any(self._is_ours(element) for element in _services(claim.resource.get("item")))

    def _is_ours(self, concept: Any) -> bool:
        for key, value in _texts(concept):
            if key == "code" and (value.strip().upper() in self.mappings.scope or value in self.mappings.local_codes):
                return True
            if key in ("text", "display") and self.mappings.names_scope(value):
                return True
        return False


def _services(items: Any) -> Iterator[Any]:
    """productOrService of every line; where the shape is wrong, everything below, so that no claim slips away."""
    if isinstance(items, list) and all(isinstance(each, dict) for each in items):
        yield from (each.get("productOrService") for each in items)
    else:
        yield items


def _texts(element: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text below an element with the name it stands under."""
    if isinstance(element, str):
        yield key, element
    elif isinstance(element, dict):
        for name, value in element.items():
            yield from _texts(value, name)
    elif isinstance(element, list):
        for value in element:
            yield from _texts(value, key)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A claim that got no answer, and why."""

    claim: str | None
    problem: str


@dataclass
class Reconciliation:
    """Answers to the claims of one store. ``instant`` is when the decisions are made."""

    adjudicator: Adjudicator
    store: EvidenceStore
    instant: datetime
    unanswered: list[Unanswered] = field(default_factory=list)
    _mapper: Mapper = field(init=False)
    _answers: dict[str, Answer | None] = field(default_factory=dict)
    _pending: set[str] = field(default_factory=set)
    _issues: dict[Located, list[Issue]] = field(default_factory=dict)
    _responses: Mapping[str, list[Located]] | None = None
    _settlements: dict[str, Settlement] = field(default_factory=dict)
    _coaches: Mapping[str, tuple[CoachSession, ...]] | None = None
    _successors: dict[str, Located] | None = None
    _services: dict[str | None, tuple[PriorService, ...]] = field(default_factory=lambda: {None: ()})

    def __post_init__(self) -> None:
        mappings = self.adjudicator.mappings
        self._mapper = Mapper(mappings.resources, mappings.systems)

    def answer(self, claims: Sequence[Located]) -> list[Answer]:
        """The answers to claims in scope, in the order of the claims; then those to claims they replace.

        A replaced claim may not have been asked for (it did not change), yet its earlier answer is cancelled.
        """
        answers = {each.key: self._answer(each) for each in claims}
        for claim in claims:
            for original in self._replaced_by(claim):
                if original.key not in answers and self._own_response(original) is not None:
                    answers[original.key] = self._answer(original)
        return [each for each in answers.values() if each is not None]

    def _answer(self, claim: Located) -> Answer | None:
        """The answer to one claim, made once; None when a rule crashed."""
        if claim.key not in self._answers:
            self._pending.add(claim.key)
            try:
                self._answers[claim.key] = self._decide(claim)
            except RuleCrashed as crash:
                self._answers[claim.key] = None
                self.unanswered.append(Unanswered(claim.id, str(crash)))
            except Exception as error:  # noqa: BLE001 - one claim that trips us must not hold up the others
                self._answers[claim.key] = None
                self.unanswered.append(Unanswered(claim.id, f"internal error, please report it: {raised_at(error)}"))
            finally:
                self._pending.discard(claim.key)
        return self._answers[claim.key]

    def _decide(self, claim: Located) -> Answer:
        if claim.id is None:
            issue = Issue("required", "a claim needs an id to be answered", "Claim.id", claim.place())
            return self._refuse(claim, [issue, *self._faults(claim)])
        if faults := self._faults(claim):
            return self._refuse(claim, faults)
        evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        if faults := [fault for each in evidence.used for fault in self._faults(each)]:
            return self._refuse(claim, faults)
        return self._adjudicate(claim, evidence)

    def _adjudicate(self, claim: Located, evidence: ClaimEvidence) -> Answer:
        history, builder = self._history(evidence), self._builder()
        sessions, documents = builder.sessions(evidence, history)
        before = self._own_response(claim)
        facts = builder.claim(evidence)
        if issues := list(refusals(facts, history, before is not None)):
            return self._refuse(claim, [replace(each, where=claim.place(each.expression)) for each in issues])
        if facts.status is not None and facts.status.value == "cancelled" and before is not None:
            return self._void(claim, before)
        if not sessions:
            return self._refuse(claim, [Issue("required", "the claim has no line", "Claim.item", claim.place())])
        determination = determine(sessions, self.adjudicator.book, self.instant.date())
        used = [*evidence.used, *documents]
        return self._respond(claim, evidence, determination, used)

    def sessions(self, claim: Located) -> tuple[CoachingSession, ...]:
        """What the rules were told about each line of a decided claim, for whoever shows the decision."""
        answer = self._answer(claim)
        if answer is None or answer.determination is None:
            return ()
        evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        return self._builder().sessions(evidence, self._history(evidence))[0]

    def _builder(self) -> Builder:
        adjudicator = self.adjudicator
        return Builder(
            adjudicator.mappings,
            self.store,
            adjudicator.icd10cm,
            adjudicator.site_timezone,
            self._settled,
            self._coaching,
        )

    def _history(self, evidence: ClaimEvidence) -> tuple[PriorService, ...]:
        return history_of(evidence.claim, self._services_of(evidence.patient), self._settled)

    def _services_of(self, patient: str | None) -> tuple[PriorService, ...]:
        """The patient's services, read once for all of the patient's claims."""
        if patient is not None and patient not in self._services:
            self._services[patient] = patient_services(patient, self.store, self._mapper)
        return self._services[patient]

    def _coaching(self, coach: str) -> tuple[CoachSession, ...]:
        if self._coaches is None:
            self._coaches = sessions_by_coach(self.store, self._mapper, self.adjudicator.mappings.scope)
        return self._coaches.get(coach, ())

    # --- the three kinds of answer

    def _refuse(self, claim: Located, issues: Sequence[Issue]) -> Answer:
        distinct = list({(each.code, each.expression, each.where): each for each in issues}.values())
        return Answer(claim.id, outcome=operation_outcome(distinct, claim.id or None))

    def _respond(
        self, claim: Located, evidence: ClaimEvidence, determination: Determination, used: Sequence[Located]
    ) -> Answer:
        instant = self.instant.isoformat(timespec="seconds")
        envelope = Envelope(
            claim=claim.resource,
            identifier_system=self.adjudicator.identifier_system,
            patient=self._taken_over(claim.resource["patient"], claim) or {},
            insurer=self._taken_over(claim.resource.get("insurer"), claim) or self._payor(evidence),
            requestor=self._taken_over(claim.resource.get("provider"), claim),
            instant=instant,
        )
        response = claim_response(determination, envelope)
        if (successor := self._successor(claim)) is not None and self._own_response(claim) is not None:
            response |= {"status": "cancelled", "disposition": f"Reversed: replaced by {successor.key}."}
        read = [each.versioned for each in used if each.container is None]
        origins = [value.origin for line in determination.lines for each in line.findings for value in each.used]
        references = list(
            dict.fromkeys(
                [*read, *(each.resource for each in origins if each is not None and "#" not in each.resource)]
            )
        )
        trail = provenance(response, determination.policy_uris, references, instant)
        return Answer(claim.id, response, trail, determination=determination)

    def _taken_over(self, reference: Any, holder: Located) -> Json | None:
        """A reference as the answer can hold it: one that only its own Bundle can resolve leads to ``Type/id``."""
        if not isinstance(reference, dict):
            return None
        if not _ONLY_HERE.match(str(reference.get("reference", ""))):
            return reference
        found = self.store.resolve(reference, holder)
        if found is None or found.container is not None or found.id is None:
            return reference
        return {**reference, "reference": found.local}

    def _payor(self, evidence: ClaimEvidence) -> Json:
        """The payor of the first coverage that names one: a ClaimResponse needs an insurer."""
        for each in evidence.insurances:
            if each.coverage is not None and (payors := each.coverage.many("payors")):
                payor = self._taken_over(payors[0].value, each.coverage.located) or {}
                inside = str(payor.get("reference", "")).startswith("#")
                return {"display": "the payor contained in the coverage"} if inside else payor
        return {"display": "not named on the claim"}

    def _void(self, claim: Located, before: Located) -> Answer:
        """The earlier answer, cancelled because the claim itself was (coverage facts, row 41)."""
        instant = self.instant.isoformat(timespec="seconds")
        response = {name: value for name, value in before.resource.items() if name not in ("meta", "text")}
        response |= {
            "id": response_id(str(claim.id)),
            "status": "cancelled",
            "disposition": f"Voided: Claim/{claim.id} was cancelled by its sender.",
        }
        trail = provenance(response, (self.adjudicator.book.policies["common"].uri,), [claim.versioned], instant)
        return Answer(claim.id, response, trail)

    # --- replacement

    def _replaced_by(self, claim: Located) -> list[Located]:
        """The claims that a claim replaces (Claim.related, ``prior``), as far as they are at hand."""
        if not self._mapper.knows(claim):
            return []
        related = [each for each in self._mapper.record(claim).group("related") if _is_prior(each)]
        found = (self.store.resolve(each.value("claim"), claim) for each in related)
        return [each for each in found if each is not None and each.kind == "Claim"]

    def _successor(self, claim: Located) -> Located | None:
        """The claim that replaces this one and was itself decided."""
        if self._successors is None:
            self._successors = {
                original.key: each for each in self.store.all("Claim") for original in self._replaced_by(each)
            }
        found = self._successors.get(claim.key)
        if found is None or found.key in self._pending:
            return found
        decided = self._as_answered(found.key) in (Settlement.FINAL, Settlement.OPEN)
        return found if decided else None

    # --- what other claims have come to

    def _settled(self, key: str) -> Settlement:
        """How far another claim has come: as decided here, or as somebody else's response on file says."""
        if key not in self._settlements:
            found = max((self._as_answered(key), self._as_on_file(key)), key=_SETTLED_ORDER.index)
            if key in self._pending:
                return found  # not the last word
            self._settlements[key] = found
        return self._settlements[key]

    def _as_answered(self, key: str) -> Settlement:
        claim = self.store.get(key)
        if claim is None or claim.kind != "Claim" or not self.adjudicator.in_scope(claim):
            return Settlement.UNKNOWN
        if key in self._pending:
            return Settlement.OPEN  # claims that name each other: neither is decided before the other
        answer = self._answer(claim)
        if answer is None:
            return Settlement.OPEN
        if answer.determination is None:
            return Settlement.REFUSED
        return _SETTLEMENT_OF[outcome(answer.determination)]

    def _as_on_file(self, key: str) -> Settlement:
        found = [self._mapper.record(each) for each in self._responses_to().get(key, []) if not self._is_own(each)]
        outcomes = {each.value("outcome") for each in found if each.value("status") == "active"}
        known = [_SETTLEMENT_OF[each] for each in outcomes if each in _SETTLEMENT_OF]
        return max(known, key=_SETTLED_ORDER.index, default=Settlement.UNKNOWN)

    def _responses_to(self) -> Mapping[str, list[Located]]:
        if self._responses is None:
            found: dict[str, list[Located]] = {}
            for each in self.store.all("ClaimResponse"):
                key = self.store.key_of(each.resource.get("request"), each)
                found.setdefault(key or "", []).append(each)
            self._responses = found
        return self._responses

    def _own_response(self, claim: Located) -> Located | None:
        return next((each for each in self._responses_to().get(claim.key, []) if self._is_own(each)), None)

    def _is_own(self, response: Located) -> bool:
        identifiers = response.resource.get("identifier") or []
        system = self.adjudicator.identifier_system
        return any(isinstance(each, dict) and each.get("system") == system for each in identifiers)

    # --- structure

    def _faults(self, located: Located) -> list[Issue]:
        """Faults of a resource's structure and of the values its mapping reads; found once for shared resources."""
        if located.container is not None:
            return []  # validated with its container
        if located not in self._issues:
            found = structural_issues(located, self.adjudicator.mappings.version)
            found = [each for each in found if not _JUDGED_BY_RULES.fullmatch(each.expression)]
            seen = {issue.expression for issue in found}
            mapped = self._mapper.record(located).issues if self._mapper.knows(located) else ()
            self._issues[located] = found + [each for each in mapped if not _told(each.expression, seen)]
        return self._issues[located]


_JUDGED_BY_RULES = re.compile(r"Claim\.item\[\d+\]\.productOrService\.coding\[\d+\]\.code")
"""A service code with spaces around it is no FHIR code, yet the table has an answer to it (row 81)."""


_ONLY_HERE = re.compile(r"urn:|.*\?")
"""References that an answer outside the claim's Bundle cannot use: ``urn:uuid:...`` and conditional ones."""


def _told(expression: str, seen: set[str]) -> bool:
    """Whether a fault of this element, or of one around or inside it, is listed already."""
    plain = re.sub(r"\.ofType\(.*?\)|\[\d+\]", "", expression)
    others = [re.sub(r"\[\d+\]", "", each) for each in seen]
    return any(plain.startswith(each) or each.startswith(plain) for each in others)


def _is_prior(related: Record) -> bool:
    return any(each.value.code == "prior" for each in related.many("relationship"))


_SETTLED_ORDER = [
    Settlement.UNKNOWN,
    Settlement.REFUSED,
    Settlement.REJECTED,
    Settlement.OPEN,
    Settlement.FINAL,
]
_SETTLEMENT_OF = {
    "complete": Settlement.FINAL,
    "partial": Settlement.OPEN,
    "queued": Settlement.OPEN,
    "error": Settlement.REJECTED,
}
