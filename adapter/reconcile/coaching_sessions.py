"""What the rules are told: the coaching sessions of a claim, with what was paid for the patient before.

All of it is read from one store, and what several claims share (a patient's services, a coach's sessions) is read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapter.evidence.coaches import NO_SESSIONS, CoachSessions, sessions_by_coach
from adapter.evidence.gather import ClaimEvidence
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.documentation import Papers
from adapter.mapping.history import Service, by_itself, history_of, patient_services
from adapter.mapping.insurance import KnownPayers
from adapter.mapping.people import People
from adapter.mapping.session import Builder
from adapter.mapping.versioned import VersionedMapper
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.settling import Settling
from adapter.session.model import ClaimFacts, CoachingSession, PriorService, Settlement

History = tuple[PriorService, ...]


@dataclass
class CoachingSessions:
    """Builds the sessions of the claims of one store."""

    adjudicator: Adjudicator
    store: EvidenceStore
    mapper: VersionedMapper
    _papers: Papers = field(init=False)
    _people: People = field(init=False)
    _payers: KnownPayers = field(init=False)
    _coaches: Mapping[str, CoachSessions] | None = None
    _services: dict[str | None, tuple[Service, ...]] = field(default_factory=lambda: {None: ()})

    def __post_init__(self) -> None:
        mappings = self.adjudicator.mappings
        self._papers = Papers(self.store, self.mapper.version_of)
        self._people = People(mappings.credentials, self.store)
        self._payers = KnownPayers(mappings.payers)

    def of(
        self, evidence: ClaimEvidence, settling: Settling | None
    ) -> tuple[ClaimFacts, History, tuple[CoachingSession, ...], tuple[Located, ...]]:
        """The facts of a claim, its history, one session per line, and the documents that they rest on.

        ``settling`` tells how far other claims have come; without it the claim is seen as the patient's only one.
        """
        history, builder = self._history(evidence, settling), self._builder(evidence, settling)
        facts = builder.claim(evidence)
        return facts, history, *builder.sessions(facts, evidence, history)

    def _builder(self, evidence: ClaimEvidence, settling: Settling | None) -> Builder:
        adjudicator = self.adjudicator
        return Builder(
            adjudicator.mappings,
            self.mapper,
            self.store,
            self._papers,
            self._people,
            self._payers,
            adjudicator.icd10cm,
            adjudicator.site_timezone,
            (lambda _key: Settlement.UNKNOWN) if settling is None else settling.original(evidence.claim.located),
            self._coaching,
        )

    def _history(self, evidence: ClaimEvidence, settling: Settling | None) -> History:
        services = self._services_of(evidence.patient)
        if settling is None:
            return by_itself(evidence, services)
        return history_of(evidence, services, settling.seen_from(evidence.claim.located))

    def _services_of(self, patient: str | None) -> tuple[Service, ...]:
        """The patient's services, read once for all of the patient's claims."""
        if patient is not None and patient not in self._services:
            self._services[patient] = patient_services(patient, self.store, self.mapper)
        return self._services[patient]

    def _coaching(self, coach: str) -> CoachSessions:
        if self._coaches is None:
            scope, services = self.adjudicator.mappings.scope, self.adjudicator.book.codes.services.codes
            individual = frozenset(
                each for each in scope if each in services and services[each].individual is not False
            )
            found = sessions_by_coach(self.store, self.mapper, individual)
            self._coaches = {each: CoachSessions.of(sessions) for each, sessions in found.items()}
        return self._coaches.get(coach, NO_SESSIONS)
