"""From claims and a store of evidence to answers: the one path that sync, explain and every later caller take.

The same store gives the same answers, whatever the order it was filled in. A claim that cannot be processed is answered
by an OperationOutcome; a claim on which a rule crashes gets no answer and is named; neither touches another claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapter.answers.answer import Answer
from adapter.answers.claim_response import Envelope, claim_response, response_id
from adapter.answers.forms import form_of
from adapter.answers.operation_outcome import fhir_id, nameless, operation_outcome
from adapter.answers.provenance import provenance
from adapter.answers.taken_over import LOST, payor, taken_over
from adapter.answers.withdrawal import cancelled
from adapter.coverage.adjudicate import RuleCrashed, determine
from adapter.coverage.finding import Determination
from adapter.coverage.refusal import refusals
from adapter.errors import Issue, raised_at
from adapter.evidence.coaches import NO_SESSIONS, CoachSessions, sessions_by_coach
from adapter.evidence.faults import Faults
from adapter.evidence.gather import ClaimEvidence, gather
from adapter.evidence.other_claims import OtherClaims
from adapter.evidence.store import EvidenceStore, Located
from adapter.evidence.versions import Versions
from adapter.fhir.version import READ_AS
from adapter.limits import DEFAULT, Limits
from adapter.mapping.documentation import Papers
from adapter.mapping.history import Service, by_itself, history_of, patient_services
from adapter.mapping.insurance import KnownPayers
from adapter.mapping.loader import Mappings
from adapter.mapping.people import People
from adapter.mapping.session import Builder
from adapter.mapping.versioned import VersionedMapper
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, PriorService, Settlement
from adapter.settling import Settling
from adapter.terminology.icd10cm import Icd10Cm


@dataclass(frozen=True, slots=True)
class Adjudicator:
    """Everything a decision depends on besides the evidence."""

    mappings: Mappings
    book: PolicyBook
    icd10cm: Icd10Cm
    identifier_system: str
    site_timezone: str | None = None
    others: Mapping[str, Mappings] = field(default_factory=dict)
    """The mappings of further FHIR versions, where resources may be in any of them; each is then told by itself."""
    limits: Limits = DEFAULT
    lenient: bool = False
    """Whether an element that FHIR does not know is noted in the answer, in place of refusing the claim."""
    trust_structure: bool = False
    """Whether resources are not validated, because somebody did before; the Provenance of each answer then says so."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The FHIR versions that there are mappings for."""
        served = {READ_AS[each] for each in (self.mappings.version, *self.others)}
        return tuple(version for version, read_as in READ_AS.items() if read_as in served)

    def only(self, version: str) -> Adjudicator:
        """For a source that is known to be in one of the versions, and in no other."""
        here = READ_AS[self.mappings.version] == READ_AS[version]
        return replace(self, mappings=self.mappings if here else self.others[version], others={})

    def version_of(self, store: EvidenceStore) -> Callable[[Located], str]:
        """Tells the FHIR version of each resource of a store."""
        default = self.mappings.version
        return Versions(store, default).of if self.others else lambda _located: default

    def faults(self, store: EvidenceStore, mapper: VersionedMapper) -> Faults:
        """Finds the faults of the resources of a store."""
        found = Faults(mapper, mapper.version_of, self.lenient, self.limits, trust_structure=self.trust_structure)
        return replace(found, foreign=Versions(store, self.mappings.version).foreign) if self.others else found

    def mapper(self, store: EvidenceStore) -> VersionedMapper:
        """Maps the resources of a store, each by the mappings of its version."""
        mappings = {self.mappings.version: self.mappings, **self.others}
        return VersionedMapper(mappings, self.version_of(store))

    def in_scope(self, claim: Located) -> bool:
        """Whether a line of the claim carries, or by text claims to carry, one of our codes."""
        return any(self._is_ours(element) for element in _services(claim.resource.get("item")))

    def _is_ours(self, concept: Any) -> bool:
        for key, value in _texts(concept):
            if key == "code" and (value.strip().upper() in self.mappings.scope or value in self.mappings.local_codes):
                return True
            if key not in NO_WORDS and self.mappings.names_scope(value):
                return True
        return False


TRUSTED = "Decided on resources whose structure was trusted and not validated (--trust-structure)."
NO_WORDS = ("system", "version", "url", "id", "reference")
"""Elements that name no service, whatever stands in them; a bare text where an element belongs still counts."""


def _services(items: Any) -> Iterator[Any]:
    """productOrService of every line, in R5 also the end of a range of services.

    Where the shape is wrong it is everything below, so that no claim slips away.
    """
    if isinstance(items, list) and all(isinstance(each, dict) for each in items):
        yield from (each.get(name) for each in items for name in ("productOrService", "productOrServiceEnd"))
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
    _mapper: VersionedMapper = field(init=False)
    _faults: Faults = field(init=False)
    _others: OtherClaims = field(init=False)
    _settling: Settling = field(init=False)
    _papers: Papers = field(init=False)
    _people: People = field(init=False)
    _payers: KnownPayers = field(init=False)
    _answers: dict[str, Answer | None] = field(default_factory=dict)
    _coaches: Mapping[str, CoachSessions] | None = None
    _services: dict[str | None, tuple[Service, ...]] = field(default_factory=lambda: {None: ()})

    def __post_init__(self) -> None:
        adjudicator = self.adjudicator
        self._mapper = adjudicator.mapper(self.store)
        self._papers = Papers(self.store, self._mapper.version_of)
        self._people = People(adjudicator.mappings.credentials, self.store)
        self._payers = KnownPayers(adjudicator.mappings.payers)
        self._faults = adjudicator.faults(self.store, self._mapper)
        self._others = OtherClaims(self.store, self._mapper, adjudicator.identifier_system, adjudicator.in_scope)
        self._settling = Settling(self._others, self._answers, self._alone)

    def answer(self, claims: Sequence[Located], tell: Callable[[int], None] = lambda _done: None) -> list[Answer]:
        """The answers to claims in scope, in the order of the claims; then those to claims they replace.

        A replaced claim may not have been asked for (it did not change), yet its earlier answer is cancelled. ``tell``
        hears how many claims are decided.
        """
        wanted = {each.key: each for each in claims}
        for claim in claims:
            answered = (each for each in self._others.originals(claim) if self._others.own_response(each) is not None)
            wanted |= {each.key: each for each in answered if each.key not in wanted}
        for done, claim in enumerate(wanted.values(), start=1):
            self._decide_in_order(claim)
            tell(done)
        answers = (self._reversed_if_replaced(each) for each in wanted.values())
        return [each for each in answers if each is not None]

    def sessions(self, claim: Located) -> tuple[CoachingSession, ...]:
        """What the rules were told about each line of a decided claim, for whoever shows the decision."""
        self._decide_in_order(claim)
        answer = self._answers[claim.key]
        if answer is None or answer.determination is None:
            return ()
        evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        builder = self._builder(claim)
        return builder.sessions(builder.claim(evidence), evidence, self._history(evidence))[0]

    def close(self) -> None:
        """Nothing more is asked: what was read can go at once.

        ``_settling`` calls back, and Python frees what goes round in a circle only when it looks for it, which takes
        longer than deciding the claims.
        """
        del self._settling

    # --- deciding

    def _decide_in_order(self, claim: Located) -> None:
        """Decide a claim after all that it depends on; a stack and no recursion, for chains can be long."""
        waiting, seen = [claim], {claim.key}
        while waiting:
            first = [
                each for each in self._first(waiting[-1]) if each.key not in self._answers and each.key not in seen
            ]
            if first:
                seen |= {each.key for each in first}
                waiting += reversed(first)
            else:
                self._answer(waiting.pop())

    def _first(self, claim: Located) -> list[Located]:
        return [] if claim.key in self._answers else self._others.first(claim)

    def _answer(self, claim: Located) -> None:
        """Make the answer to one claim, once; None stands for a claim on which a rule crashed."""
        if claim.key in self._answers:
            return
        try:
            self._answers[claim.key] = self._decide(claim)
        except RuleCrashed as crash:
            self._leave(claim, str(crash))
        except Exception as error:  # noqa: BLE001 - one claim that trips us must not hold up the others
            self._leave(claim, f"internal error, please report it: {raised_at(error)}")

    def _leave(self, claim: Located, problem: str) -> None:
        self._answers[claim.key] = None
        self.unanswered.append(Unanswered(claim.id, problem))

    def _alone(self, claim: Located) -> Answer | None:
        """The answer that a claim would get as the patient's only one; a crash is told when its own turn comes."""
        try:
            return self._decide(claim, alone=True)
        except Exception:  # noqa: BLE001 - as in ``_answer``
            return None

    def _decide(self, claim: Located, *, alone: bool = False) -> Answer:
        faults = self._faults.of(claim)
        if claim.id is None:
            faults = [Issue("required", "a claim needs an id to be answered", "Claim.id", claim.place()), *faults]
            faults = [replace(each, expression=claim.within(each.expression)) for each in faults]
        if _refusing(faults):
            return self._refuse(claim, [*faults, *self._faults_beside(claim)])
        evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        faults = [fault for each in evidence.used for fault in self._faults.of(each)]
        if _refusing(faults):
            return self._refuse(claim, faults)
        return self._adjudicate(claim, evidence, faults, alone=alone)

    def _faults_beside(self, claim: Located) -> list[Issue]:
        """The faults of the evidence of a claim that has faults itself, so that the sender hears of all at once."""
        if not self._faults.readable(claim):
            return []
        try:
            evidence = gather(claim, self.store, self._mapper, self.adjudicator.mappings)
        except Exception:  # noqa: BLE001 - a claim of the wrong shape need not lead anywhere; its own faults are told
            return []
        return [fault for each in evidence.used if each is not claim for fault in self._faults.of(each)]

    def _adjudicate(
        self, claim: Located, evidence: ClaimEvidence, passed_over: Sequence[Issue], *, alone: bool
    ) -> Answer:
        history, builder = self._history(evidence, alone=alone), self._builder(claim, alone=alone)
        facts = builder.claim(evidence)
        sessions, documents = builder.sessions(facts, evidence, history)
        before = self._others.own_response(claim)
        if issues := list(refusals(facts, history, before is not None)):
            placed = [replace(each, where=claim.place(each.expression)) for each in issues]
            return self._refuse(claim, [*placed, *passed_over])
        if facts.status is not None and facts.status.value == "cancelled" and before is not None:
            return self._void(claim, before)
        if not sessions:
            no_line = Issue("required", "the claim has no line", "Claim.item", claim.place())
            return self._refuse(claim, [no_line, *passed_over])
        determination = determine(sessions, self.adjudicator.book, self.instant)
        return self._respond(claim, evidence, determination, [*evidence.used, *documents], passed_over)

    def _builder(self, claim: Located, *, alone: bool = False) -> Builder:
        adjudicator = self.adjudicator
        return Builder(
            adjudicator.mappings,
            self._mapper,
            self.store,
            self._papers,
            self._people,
            self._payers,
            adjudicator.icd10cm,
            adjudicator.site_timezone,
            (lambda _key: Settlement.UNKNOWN) if alone else self._settling.original(claim),
            self._coaching,
        )

    def _history(self, evidence: ClaimEvidence, *, alone: bool = False) -> tuple[PriorService, ...]:
        services = self._services_of(evidence.patient)
        if alone:
            return by_itself(evidence, services)
        return history_of(evidence, services, self._settling.seen_from(evidence.claim.located))

    def _services_of(self, patient: str | None) -> tuple[Service, ...]:
        """The patient's services, read once for all of the patient's claims."""
        if patient is not None and patient not in self._services:
            self._services[patient] = patient_services(patient, self.store, self._mapper)
        return self._services[patient]

    def _coaching(self, coach: str) -> CoachSessions:
        if self._coaches is None:
            scope, services = self.adjudicator.mappings.scope, self.adjudicator.book.codes.services.codes
            individual = frozenset(
                each for each in scope if each in services and services[each].individual is not False
            )
            found = sessions_by_coach(self.store, self._mapper, individual)
            self._coaches = {each: CoachSessions.of(sessions) for each, sessions in found.items()}
        return self._coaches.get(coach, NO_SESSIONS)

    # --- the kinds of answer

    def _refuse(self, claim: Located, issues: Sequence[Issue]) -> Answer:
        distinct = list({(each.code, each.expression, each.where): each for each in issues}.values())
        id = fhir_id(claim.id) if claim.id else nameless(claim.place(), claim.entry)
        return Answer(claim.id, outcome=operation_outcome(distinct, id))

    def _respond(
        self,
        claim: Located,
        evidence: ClaimEvidence,
        determination: Determination,
        used: Sequence[Located],
        passed_over: Sequence[Issue],
    ) -> Answer:
        instant, store = self.instant.isoformat(timespec="seconds"), self.store
        envelope = Envelope(
            claim=claim.resource,
            identifier_system=self.adjudicator.identifier_system,
            patient=taken_over(claim.resource["patient"], claim, store) or {"display": LOST},
            insurer=taken_over(claim.resource.get("insurer"), claim, store) or payor(evidence, store),
            requestor=taken_over(claim.resource.get("provider"), claim, store),
            instant=instant,
            form=form_of(self._mapper.version_of(claim)),
            passed_over=passed_over,
        )
        response = claim_response(determination, envelope)
        trail = provenance(response, determination.policy_uris, _references(used, determination), instant)
        if self.adjudicator.trust_structure:
            trail |= {"activity": {"text": TRUSTED}}
        return Answer(claim.id, response, trail, determination=determination, passed_over=tuple(passed_over))

    def _void(self, claim: Located, before: Located) -> Answer:
        """The earlier answer, cancelled because the claim itself was (row 41)."""
        words = f"Voided: Claim/{claim.id} was cancelled by its sender."
        response = cancelled(before.resource, words) | {"id": response_id(str(claim.id))}
        instant = self.instant.isoformat(timespec="seconds")
        trail = provenance(response, (self.adjudicator.book.policies["common"].uri,), [claim.versioned], instant)
        return Answer(claim.id, response, trail)

    def _reversed_if_replaced(self, claim: Located) -> Answer | None:
        """The answer; where one of ours went out before and a decided claim has replaced this one, it is cancelled."""
        answer = self._answers[claim.key]
        if answer is None or answer.response is None or self._others.own_response(claim) is None:
            return answer
        for successor in self._others.successors(claim):
            self._decide_in_order(successor)
            if self._settling.stands(successor):
                words = f"Reversed: replaced by {successor.key}."
                return replace(answer, response={**answer.response, "status": "cancelled", "disposition": words})
        return answer


def _refusing(faults: Sequence[Issue]) -> bool:
    """Whether one of them is more than a warning."""
    return any(each.severity == "error" for each in faults)


def _references(used: Sequence[Located], determination: Determination) -> list[str]:
    """The versioned references of everything a decision rests on: the evidence, and what its findings read besides."""
    read = [each.versioned for each in used if each.container is None]
    origins = [value.origin for line in determination.lines for each in line.findings for value in each.used]
    besides = [each.resource for each in origins if each is not None and "#" not in each.resource]
    return list(dict.fromkeys([*read, *besides]))
