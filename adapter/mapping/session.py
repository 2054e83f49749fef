"""Builds coaching sessions from gathered evidence: the last place where a FHIR resource is known.

Pure: the same evidence gives the same sessions. Nothing is decided here; what cannot be told stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapter.evidence.coaches import CoachSession
from adapter.evidence.gather import ClaimEvidence, InsuranceEvidence, LineEvidence, PersonEvidence
from adapter.evidence.other_claims import related_claim
from adapter.evidence.references import parse_reference
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.documentation import SessionPapers, find_documentation, find_length
from adapter.mapping.history import named_visits
from adapter.mapping.loader import Mappings
from adapter.mapping.record import Record
from adapter.mapping.versioned import VersionedMapper
from adapter.session.model import (
    ClaimFacts,
    ClaimLine,
    CoachingSession,
    Code,
    Coverage,
    Credential,
    Diagnosis,
    Documentation,
    Encounter,
    Person,
    PriorService,
    Procedure,
    Related,
    SessionTime,
    Settlement,
    Sourced,
    Visit,
)
from adapter.session.time import Days, Interval, Moment, day_after, utc_day_before
from adapter.terminology.icd10cm import Icd10Cm

DECIDED = ("complete", "partial")
"""Outcomes of another payer's ClaimResponse that hold a result."""
WITHDRAWN = ("entered-in-error", "refuted")
"""Verification statuses of a Condition that nobody stands by; https://hl7.org/fhir/R4/valueset-condition-ver-status.html."""


@dataclass(frozen=True, slots=True)
class Builder:
    """What sessions are built with. ``settled`` tells how far a claim that this one replaces has come, by its key."""

    mappings: Mappings
    """The code tables, credentials and payers, which are the same for every version."""
    mapper: VersionedMapper
    store: EvidenceStore
    icd10cm: Icd10Cm
    site_timezone: str | None
    settled: Callable[[str], Settlement]
    coaching: Callable[[str], tuple[CoachSession, ...]]
    """The coaching sessions of a practitioner's key."""

    def sessions(
        self, evidence: ClaimEvidence, history: tuple[PriorService, ...]
    ) -> tuple[tuple[CoachingSession, ...], tuple[Located, ...]]:
        """One session per claim line, and the documents they rest on."""
        facts = self.claim(evidence)
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
            patient=self._key(claim, "patient"),
            provider=self._key(claim, "provider"),
            identifiers=claim.many("identifiers"),
            insurer=self._insurer(evidence),
            coverages=tuple(map(self._coverage, evidence.insurances)),
            diagnoses=tuple(self._diagnosis(each, evidence.conditions) for each in claim.group("diagnoses")),
            total=claim.one("total"),
            nets=tuple(item.value("net") for item in claim.group("items")),
            related=tuple(map(self._related, claim.group("related"))),
            sequences=tuple(item.value("sequence") or 0 for item in claim.group("items")),
            hospitalized=tuple(_hospital_stays(claim.group("information"))),
        )

    def _key(self, record: Record, name: str) -> Sourced[str] | None:
        """The key of what a reference names."""
        reference = record.one(name)
        key = None if reference is None else self.store.key_of(reference.value, record.located)
        return None if reference is None or key is None else Sourced(key, reference.origin)

    def _insurer(self, evidence: ClaimEvidence) -> Sourced[str | None] | None:
        reference, name = evidence.claim.one("insurer"), evidence.claim.one("insurer_name")
        if evidence.insurer is not None:
            return Sourced(self._payer(evidence.insurer, reference, ()), evidence.insurer.origin)
        if reference is None:
            return None
        return Sourced(self._payer(None, reference, () if name is None else (name.value,)), reference.origin)

    def _payer(
        self, organization: Record | None, reference: Sourced[object] | None, names: Iterable[str]
    ) -> str | None:
        """Recognise a payer by identifier, then by name; by the reference's own when it leads nowhere."""
        identifiers: list[tuple[str, str]] = []
        found = list(names)
        if organization is not None and "names" in organization.fields:
            identifiers += [_split(each.value) for each in organization.many("identifiers")]
            found += [each.value for each in organization.many("names")]
        pointer = parse_reference(reference.value) if reference is not None else None
        if pointer is not None and pointer.identifier is not None:
            identifiers.append((pointer.identifier[0] or "", pointer.identifier[1]))
        return self.mappings.payers.recognise(identifiers, found)

    def _coverage(self, evidence: InsuranceEvidence) -> Coverage:
        insurance, coverage = evidence.insurance, evidence.coverage
        focal, prior = insurance.one("focal"), evidence.prior_result
        decided = prior is not None and _holds_result(prior)
        named = Coverage(
            sequence=int(insurance.value("sequence") or 1),
            origin=insurance.origin,
            focal=focal,
            resolved=False,
            written=_as_written(insurance.value("coverage")),
            prior_result=Sourced(True, prior.origin) if prior is not None and decided else None,
        )
        if coverage is None or "beneficiary" not in coverage.fields:
            return named
        return replace(
            named,
            origin=coverage.origin,
            resolved=True,
            status=coverage.one("status"),
            beneficiary=self._key(coverage, "beneficiary"),
            period=coverage.one("period"),
            payers=self._payers_of(coverage, evidence.payers),
            plans=coverage.many("plans"),
        )

    def _payers_of(self, coverage: Record, organizations: Sequence[Record]) -> tuple[Sourced[str | None], ...]:
        """Each payor: by its Organization, else by the reference's identifier or its own display."""
        known = {each.located.key: each for each in organizations}
        payors, names = coverage.many("payors"), coverage.many("payor_names")
        displays = [(each.value,) for each in names] if len(names) == len(payors) else [()] * len(payors)
        return tuple(
            self._payor(each, self.store.resolve(each.value, coverage.located), known, display)
            for each, display in zip(payors, displays, strict=True)
        )

    def _payor(
        self,
        reference: Sourced[object],
        found: Located | None,
        known: Mapping[str, Record],
        display: Iterable[str],
    ) -> Sourced[str | None]:
        if found is None or found.key not in known:
            return Sourced(self._payer(None, reference, display), reference.origin)
        return Sourced(self._payer(known[found.key], None, ()), known[found.key].origin)

    def _diagnosis(self, record: Record, conditions: Mapping[int, Record]) -> Diagnosis:
        """A coded diagnosis, or the codes of the Condition it refers to."""
        sequence = int(record.value("sequence") or 0)
        codes, condition = record.many("codes"), conditions.get(sequence)
        if condition is not None and ("codes" not in condition.fields or condition.value("verification") in WITHDRAWN):
            condition = None
        if not codes and condition is not None:
            codes = condition.many("codes")
        plain = next((each.value.code for each in codes if each.value.system == "ICD-10-CM"), None)
        known, billable = (None, None) if plain is None else self.icd10cm.lookup(plain)
        lost = not codes and record.one("condition") is not None and condition is None
        written = _as_written(record.value("condition")) if lost else ""
        return Diagnosis(sequence, codes, record.origin, known, billable, written, lost)

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
        stated = find_length(self.mapper.documentation, papers, self.mappings.systems) if papers else None
        visit = self._visit(line, stated[0] if stated else None)
        time = self._time(visit, line)
        documentation, documents = (
            find_documentation(self.mapper.documentation, papers) if papers else (Documentation(), ())
        )
        if stated is not None:
            documents = (*documents, stated[1])
        serviced = line.serviced.value if line.serviced else None
        session = CoachingSession(
            claim=facts,
            line=self._line(facts, evidence, line),
            visit=visit,
            service_date=(serviced.start or serviced.end) if serviced else time.days[0][0] if time.days else None,
            time=time,
            renderers=tuple(map(self._person, line.renderers)),
            supervisors=tuple(map(self._person, line.supervisors)),
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
            for other in self.coaching(coach.key):
                with_others = other.patient not in (None, patient) and not own & other.records
                if with_others and other.interval.value.overlaps(time.interval.value):
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
            place_of_service=item.one("place_of_service"),
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

    def _visit(self, line: LineEvidence, stated: Sourced[Decimal] | None) -> Visit:
        return Visit(
            encounter=None if line.encounter is None else self._encounter(line.encounter, stated),
            procedure=None if line.procedure is None else self._procedure(line.procedure),
            rivals=tuple(each.origin for each in line.rivals),
            unresolved=line.unresolved,
            ignored=tuple(each.origin for each in line.ignored),
        )

    def _encounter(self, record: Record, stated: Sourced[Decimal] | None) -> Encounter:
        """``stated`` is the length that a document of the session gives; the Encounter's own counts before it."""
        length, unit = record.one("length") or stated, record.one("length_unit")
        subject = self._key(record, "subject")
        return Encounter(
            origin=record.origin,
            status=record.one("status"),
            encounter_class=record.one("class"),
            period=record.one("period"),
            length=length,
            length_unit_unknown=unit if length is None else None,
            for_group=_is_group(subject),
            patient=subject,
            service_codes=record.many("types"),
            modality=record.one("modality"),
        )

    def _procedure(self, record: Record) -> Procedure:
        subject = self._key(record, "subject")
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
        return SessionTime(interval, tuple(_possible_days(interval.value, zone)))

    # --- people and papers

    def _person(self, evidence: PersonEvidence) -> Person:
        practitioner = evidence.practitioner
        taxonomies = tuple(each for role in evidence.roles for each in role.many("taxonomies"))
        roles = (self._key(role, "organization") for role in evidence.roles)
        organizations = tuple(each for each in roles if each is not None)
        if practitioner is None:
            known = bool(evidence.roles)
            return Person(evidence.key, evidence.named_at.origin, (), taxonomies, organizations, resolved=known)
        credentials = tuple(
            self._credential(each, evidence.issuers.get(index))
            for index, each in enumerate(practitioner.group("qualifications"))
        )
        return Person(evidence.key, practitioner.origin, credentials, taxonomies, organizations)

    def _credential(self, record: Record, issuer: Record | None) -> Credential:
        issuers = [each.value for each in record.many("issuer_name")]
        issuers += [each.value for each in issuer.many("names")] if issuer else []
        texts = [each.value for each in record.many("texts")]
        codes = [each.value for each in record.many("codes")]
        known = self.mappings.credentials
        kind = known.recognise(codes, texts, issuers)
        return Credential(
            kind=None if kind is None else Sourced(kind, record.origin),
            period=record.one("period"),
            origin=record.origin,
            described=bool(texts or issuers or codes),
            doubted=known.doubted(texts),
            words_alone=kind is not None and not known.borne_out(kind, codes, issuers),
        )

    def _papers(self, evidence: ClaimEvidence, line: LineEvidence) -> SessionPapers | None:
        session = [each.located for each in (line.encounter, line.procedure) if each is not None]
        if not session or evidence.patient is None:
            return None
        return SessionPapers.of(self.store, self.mapper.version_of, evidence.patient, session, line.reports)


def _holds_result(response: Record) -> bool:
    decided = response.value("outcome") in DECIDED and response.value("decision") != "pending"
    return decided and response.value("status") == "active"


def _as_written(reference: object) -> str:
    """A reference as it stands, never its display; empty when there is nothing to follow."""
    pointer = parse_reference(reference)
    return pointer.written if pointer is not None else ""


def _hospital_stays(information: Iterable[Record]) -> Iterable[Sourced[Days]]:
    """When the patient was in hospital, as the supporting information says; a stay without dates may be any day.

    https://hl7.org/fhir/R4/valueset-claim-informationcategory.html
    """
    for each in information:
        if any(_means_hospitalized(category.value) for category in each.many("category")):
            yield each.one("timing") or Sourced(Days(None, None), each.origin)


def _means_hospitalized(category: Code) -> bool:
    return category.code == "hospitalized" and category.is_of("CLAIM-INFORMATION")


def _split(identifier: str) -> tuple[str, str]:
    system, _, value = identifier.rpartition("|")
    return system, value


def _is_group(subject: Sourced[str] | None) -> Sourced[bool] | None:
    return None if subject is None else Sourced(subject.value.startswith("Group/"), subject.origin)


def _possible_days(interval: Interval, zone: str | None) -> Iterable[tuple[date, str]]:
    """The local day a session began on, then the further days it can be said to be on, each with its reason.

    A time in UTC may have been converted: the facility's zone decides, and where that is unknown the UTC date and the
    day before are both possible (contract, rows 13 and 15).
    """
    start = interval.start
    if start is None:
        return
    if start.in_utc and (local := _local_day(start, zone)) is None:
        yield start.first_day, "the time is in UTC and the facility's time zone is unknown"
        yield utc_day_before(start), "the time is in UTC and the facility's time zone is unknown"
        return
    began = local if start.in_utc else start.day
    if began is None:
        return
    yield began, ""
    end = interval.end
    ended = None if end is None else _local_day(end, zone) if start.in_utc else end.day
    if ended is not None and ended == day_after(began, 1) != began:
        yield ended, "the session ended after midnight"


def _local_day(moment: Moment, zone: str | None) -> date | None:
    if zone is None or moment.instant is None:
        return None
    try:
        return moment.instant.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return None
