"""Builds coaching sessions from gathered evidence: the last place where a FHIR resource is known.

Pure: the same evidence gives the same sessions. Nothing is decided here; what cannot be told stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapter.evidence.coaches import CoachSessions
from adapter.evidence.gather import ClaimEvidence, LineEvidence
from adapter.evidence.other_claims import related_claim
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.documentation import Papers, SessionPapers, StatedLength, find_documentation, find_lengths
from adapter.mapping.history import named_visits
from adapter.mapping.insurance import KnownPayers, coverage, insurer
from adapter.mapping.loader import Mappings
from adapter.mapping.local_days import possible_days
from adapter.mapping.people import People
from adapter.mapping.record import Record, as_written, key_of
from adapter.mapping.versioned import VersionedMapper
from adapter.session.model import (
    ClaimFacts,
    ClaimLine,
    CoachingSession,
    Code,
    Diagnosis,
    Documentation,
    Encounter,
    PriorService,
    Procedure,
    Related,
    SessionTime,
    Settlement,
    Sourced,
    Visit,
    icd10cm_codes,
)
from adapter.session.time import Days, Interval
from adapter.terminology.icd10cm import Icd10Cm

WITHDRAWN = ("entered-in-error", "refuted")
"""Verification statuses of a Condition that nobody stands by; https://hl7.org/fhir/R4/valueset-condition-ver-status.html."""

UNIT = "no UCUM unit of time"
"""What stands for the unit of a document's length that is not min, h or s."""


@dataclass(frozen=True, slots=True)
class Builder:
    """What sessions are built with. ``settled`` tells how far a claim that this one replaces has come, by its key."""

    mappings: Mappings
    """The code tables, which are the same for every version."""
    mapper: VersionedMapper
    store: EvidenceStore
    papers: Papers
    people: People
    payers: KnownPayers
    icd10cm: Icd10Cm
    site_timezone: str | None
    settled: Callable[[str], Settlement]
    coaching: Callable[[str], CoachSessions]
    """The coaching sessions of a practitioner's key."""

    def sessions(
        self, facts: ClaimFacts, evidence: ClaimEvidence, history: tuple[PriorService, ...]
    ) -> tuple[tuple[CoachingSession, ...], tuple[Located, ...]]:
        """One session per claim line, and the documents they rest on; ``facts`` are what ``claim`` tells of it."""
        built = [self._session(facts, evidence, line, history) for line in evidence.lines]
        documents = {each.key: each for _, found in built for each in found}
        return tuple(session for session, _ in built), tuple(documents.values())

    # --- the claim

    def claim(self, evidence: ClaimEvidence) -> ClaimFacts:
        """What all lines of the claim share."""
        claim = evidence.claim
        return ClaimFacts(
            id=str(claim.located.id),
            origin=claim.origin,
            status=claim.one("status"),
            use=claim.one("use"),
            created=claim.one("created"),
            patient=key_of(self.store, claim, "patient"),
            provider=key_of(self.store, claim, "provider"),
            identifiers=claim.many("identifiers"),
            insurer=insurer(evidence, self.payers),
            coverages=tuple(coverage(each, self.payers, self.store) for each in evidence.insurances),
            diagnoses=tuple(self._diagnosis(each, evidence.conditions) for each in claim.group("diagnoses")),
            total=claim.one("total"),
            nets=tuple(item.value("net") for item in claim.group("items")),
            related=tuple(map(self._related, claim.group("related"))),
            sequences=tuple(item.value("sequence") or 0 for item in claim.group("items")),
            hospitalized=tuple(_hospital_stays(claim.group("information"))),
        )

    def _diagnosis(self, record: Record, conditions: Mapping[int, Record]) -> Diagnosis:
        """A coded diagnosis, or the codes of the Condition it refers to."""
        sequence = int(record.value("sequence") or 0)
        codes, condition = record.many("codes"), conditions.get(sequence)
        if condition is not None and ("codes" not in condition.fields or condition.value("verification") in WITHDRAWN):
            condition = None
        if not codes and condition is not None:
            codes = condition.many("codes")
        lost = not codes and record.one("condition") is not None and condition is None
        written = as_written(record.value("condition")) if lost else ""
        distinct = icd10cm_codes(codes)
        known, billable = self.icd10cm.lookup(distinct[0]) if len(distinct) == 1 else (None, None)
        return Diagnosis(sequence, codes, record.origin, known, billable, written, unresolved=lost)

    def _related(self, record: Record) -> Related:
        relationship, named = record.one("relationship"), record.one("claim") or record.one("reference")
        found = related_claim(record, self.store)
        key = found.key if found is not None else self.store.key_of(record.value("claim"), record.located)
        return Related(
            origin=record.origin,
            relationship=None if relationship is None else relationship.value.code,
            claim=key,
            identified=named is not None,
            settlement=self.settled(key) if key is not None else Settlement.UNKNOWN,
        )

    # --- a line

    def _session(
        self, facts: ClaimFacts, evidence: ClaimEvidence, line: LineEvidence, history: tuple[PriorService, ...]
    ) -> tuple[CoachingSession, tuple[Located, ...]]:
        papers = self._papers(evidence, line)
        stated = find_lengths(self.mapper.documentation, papers, self.mappings.systems) if papers else ()
        visit = self._visit(line, stated)
        time = self._time(visit, line)
        documentation, documents = (
            find_documentation(self.mapper.documentation, papers) if papers else (Documentation(), ())
        )
        documents = (*documents, *(each.located for each in stated))
        serviced = line.serviced.value if line.serviced else None
        session = CoachingSession(
            claim=facts,
            line=self._line(facts, evidence, line),
            visit=visit,
            service_date=(serviced.start or serviced.end) if serviced else time.days[0][0] if time.days else None,
            time=time,
            renderers=tuple(map(self.people.person, line.renderers)),
            supervisors=tuple(map(self.people.person, line.supervisors)),
            documentation=documentation,
            history=history,
            elsewhere=tuple(self._elsewhere(line, time, evidence.patient)),
            state=line.location.one("state") if line.location and "state" in line.location.fields else None,
        )
        return session, documents

    def _elsewhere(self, line: LineEvidence, time: SessionTime, patient: str | None) -> Iterable[Interval]:
        """Sessions of the line's coach with other patients at the same time; the line's own visit is none of them."""
        if time.interval is None:
            return
        own = {each.located.key for each in (line.encounter, line.procedure) if each is not None}
        for coach in line.renderers:
            for other in self.coaching(coach.key).overlapping(time.interval.value):
                if other.patient not in (None, patient) and not own & other.records:
                    yield other.interval.value

    def _line(self, facts: ClaimFacts, evidence: ClaimEvidence, line: LineEvidence) -> ClaimLine:
        item = line.item
        pointers = [each.value for each in item.many("diagnosis_sequence")]
        known = {each.sequence: each for each in facts.diagnoses}
        return ClaimLine(
            sequence=int(item.value("sequence") or 0),
            origin=item.origin,
            services=item.many("services"),
            named_in_text=self._named_in_text(item),
            modifiers=item.many("modifiers"),
            modifiers_without_code=item.many("modifiers_without_code"),
            quantity=item.one("quantity"),
            unit_price=item.one("unit_price"),
            factor=item.one("factor"),
            net=item.one("net"),
            serviced=line.serviced,
            serviced_inherited=item.one("serviced") is None and line.serviced is not None,
            places=item.many("place_of_service"),
            diagnoses=tuple(known[each] for each in pointers if each in known) if pointers else facts.diagnoses,
            points_to_diagnoses=bool(pointers),
            dangling_pointers=tuple(each for each in pointers if each not in known),
            narrative_on_file=self._narrative(evidence.claim, item),
            visits=named_visits(item, self.store),
        )

    def _named_in_text(self, item: Record) -> Sourced[str] | None:
        """One of our codes in text or display, where no coding carries one."""
        if any(each.value.code.strip().upper() in self.mappings.scope for each in item.many("services")):
            return None
        for text in item.many("service_text"):
            if (code := self.mappings.named_in(text.value)) is not None:
                return Sourced(code, text.origin)
        return None

    def _narrative(self, claim: Record, item: Record) -> Sourced[bool] | None:
        """Supporting information that the line points to: what modifier 22 needs."""
        wanted = {each.value for each in item.many("information_sequence")}
        for each in claim.group("information"):
            if each.value("sequence") in wanted and each.one("content") is not None:
                return Sourced(True, each.origin)
        return None

    # --- the visit

    def _visit(self, line: LineEvidence, stated: Sequence[StatedLength]) -> Visit:
        return Visit(
            encounter=None if line.encounter is None else self._encounter(line.encounter, stated),
            procedure=None if line.procedure is None else self._procedure(line.procedure),
            rivals=tuple(each.origin for each in line.rivals),
            unresolved=line.unresolved,
            ignored=tuple(each.origin for each in line.ignored),
        )

    def _encounter(self, record: Record, stated: Sequence[StatedLength]) -> Encounter:
        """``stated`` are the lengths that documents of the session give; the Encounter's own counts before them."""
        subject = key_of(self.store, record, "subject")
        encounter = Encounter(
            origin=record.origin,
            status=record.one("status"),
            classes=record.many("class"),
            period=record.one("period"),
            length=record.one("length"),
            length_unit_unknown=None,
            for_group=_is_group(subject),
            patient=subject,
            service_codes=record.many("types"),
            modality=record.one("modality"),
            length_unclear=record.one("length_unclear"),
        )
        if encounter.length is not None or encounter.length_unclear is not None:
            return encounter
        return _with_length(encounter, stated, record.one("length_unit"))

    def _procedure(self, record: Record) -> Procedure:
        subject = key_of(self.store, record, "subject")
        return Procedure(
            origin=record.origin,
            status=record.one("status"),
            performed=record.one("performed"),
            performed_at=record.one("performed_at"),
            patient=subject,
            for_group=_is_group(subject),
            service_codes=record.many("codes"),
        )

    def _time(self, visit: Visit, line: LineEvidence) -> SessionTime:
        interval = (visit.procedure.performed if visit.procedure else None) or (
            visit.encounter.period if visit.encounter else None
        )
        if interval is None and visit.procedure is not None and visit.procedure.performed_at is not None:
            at = visit.procedure.performed_at
            interval = Sourced(Interval(at.value, None), at.origin)
        if interval is None:
            return SessionTime()
        zone = self.site_timezone or (line.location.value("timezone") if line.location else None)
        return SessionTime(interval, tuple(possible_days(interval.value, zone)))

    # --- papers

    def _papers(self, evidence: ClaimEvidence, line: LineEvidence) -> SessionPapers | None:
        session = [each.located for each in (line.encounter, line.procedure) if each is not None]
        if not session or evidence.patient is None:
            return None
        return SessionPapers.of(self.papers, evidence.patient, session, line.reports)


def _with_length(encounter: Encounter, stated: Sequence[StatedLength], unit: Sourced[str] | None) -> Encounter:
    """The encounter with the length that documents state; ``unit`` is that of a length of its own, of no time."""
    known = [Sourced(each.minutes, each.origin) for each in stated if each.minutes is not None]
    unclear = next((Sourced(True, each.origin) for each in stated if each.unclear), None)
    ignored = (Sourced(UNIT, each.origin) for each in stated if each.minutes is None and not each.unclear)
    if not known:
        return replace(encounter, length_unclear=unclear, length_unit_unknown=unit or next(ignored, None))
    others = tuple(each for each in known if each.value != known[0].value)
    return replace(encounter, length=known[0], other_lengths=others, length_unclear=unclear)


def _hospital_stays(information: Iterable[Record]) -> Iterable[Sourced[Days]]:
    """When the patient was in hospital, as the supporting information says; a stay without dates may be any day.

    https://hl7.org/fhir/R4/valueset-claim-informationcategory.html
    """
    for each in information:
        if any(_means_hospitalized(category.value) for category in each.many("category")):
            yield each.one("timing") or Sourced(Days(None, None), each.origin)


def _means_hospitalized(category: Code) -> bool:
    return category.code == "hospitalized" and category.is_of("CLAIM-INFORMATION")


def _is_group(subject: Sourced[str] | None) -> Sourced[bool] | None:
    return None if subject is None else Sourced(subject.value.startswith("Group/"), subject.origin)
