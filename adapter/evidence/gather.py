"""Finds everything that speaks about one claim, in the order the contract gives.

    the line's encounter; the claim's procedureReference; the claim's encounter extension; Procedure.encounter;
    else the patient's Encounters and Procedures of the service date that carry the code or a coaching type

Evidence entered in error is set aside and named. A reference that leads nowhere is named too: it counts as missing
evidence, and a visit that the claim itself names is never replaced by one that merely fits the date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from adapter.evidence.references import parse_reference
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.loader import Mappings
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import Sourced
from adapter.session.time import Days, Interval, utc_day_before
from adapter.values import value

ENTERED_IN_ERROR = "entered-in-error"
DID_NOT_HAPPEN = frozenset({"cancelled", "not-done", "discontinued"})
"""Statuses that lose to a live rival: a cancelled booking beside the visit that took its place."""


@value(frozen=True, slots=True)
class PersonEvidence:
    """Someone who takes part: the Practitioner, the roles and the issuers of the certificates, as far as found."""

    key: str
    named_at: Sourced[object]
    practitioner: Record | None
    roles: tuple[Record, ...] = ()
    issuers: Mapping[int, Record] = field(default_factory=dict)
    """Index of the qualification to the Organization that issued it."""


@value(frozen=True, slots=True)
class InsuranceEvidence:
    """One insurance of the claim with its Coverage and the organizations that pay."""

    insurance: Record
    coverage: Record | None
    payers: tuple[Record, ...] = ()
    prior_result: Record | None = None
    """The ClaimResponse that the insurance names, where it is on file."""


@value(frozen=True, slots=True)
class LineEvidence:
    """What speaks about one line."""

    item: Record
    encounter: Record | None
    procedure: Record | None
    rivals: tuple[Record, ...]
    unresolved: tuple[Sourced[str], ...]
    ignored: tuple[Record, ...]
    serviced: Sourced[Days] | None
    renderers: tuple[PersonEvidence, ...]
    supervisors: tuple[PersonEvidence, ...]
    reports: tuple[Located, ...]
    location: Record | None


@value(frozen=True, slots=True)
class ClaimEvidence:
    """All evidence of one claim. ``used`` is every resource it rests on, the claim first."""

    claim: Record
    patient: str | None
    insurances: tuple[InsuranceEvidence, ...]
    insurer: Record | None
    conditions: Mapping[int, Record]
    """Sequence of the diagnosis to the Condition it refers to."""
    lines: tuple[LineEvidence, ...]
    used: tuple[Located, ...]


@dataclass
class _Visit:
    """The visit of a line while it is being looked for."""

    encounters: list[Located] = field(default_factory=list)
    procedures: list[Located] = field(default_factory=list)
    unresolved: list[Sourced[str]] = field(default_factory=list)
    ignored: list[Record] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Keys of encounters the claim names, found or not."""


def gather(claim: Located, store: EvidenceStore, mapper: Records, mappings: Mappings) -> ClaimEvidence:
    """Find the evidence of a claim in the store; pure, and independent of the order the store was filled in."""
    return _Gatherer(store, mapper, mappings, mapper.record(claim)).gather()


@dataclass
class _Gatherer:
    store: EvidenceStore
    mapper: Records
    mappings: Mappings
    claim: Record
    used: dict[str, Located] = field(default_factory=dict)

    def gather(self) -> ClaimEvidence:
        self._use(self.claim.located)
        patient = self._key(self.claim.one("patient"))
        self._resolve(self.claim.one("patient"))
        insurances = tuple(map(self._insurance, self.claim.group("insurance")))
        insurer = self._resolve(self.claim.one("insurer"))
        self._resolve(self.claim.one("provider"))
        conditions = self._conditions()
        lines = tuple(self._line(item, patient) for item in self.claim.group("items"))
        return ClaimEvidence(self.claim, patient, insurances, insurer, conditions, lines, tuple(self.used.values()))

    # --- following references

    def _use(self, located: Located) -> Record | None:
        """Note a resource as evidence and map it; None for a type that no mapping reads."""
        self.used.setdefault(located.key, located)
        return self.mapper.record(located) if self.mapper.knows(located) else None

    def _find(self, reference: Sourced[object] | None, holder: Record) -> Located | None:
        return None if reference is None else self.store.resolve(reference.value, holder.located)

    def _resolve(self, reference: Sourced[object] | None, holder: Record | None = None) -> Record | None:
        found = self._find(reference, holder or self.claim)
        return None if found is None else self._use(found)

    def _key(self, reference: Sourced[object] | None, holder: Record | None = None) -> str | None:
        return None if reference is None else self.store.key_of(reference.value, (holder or self.claim).located)

    # --- parts of the claim

    def _insurance(self, insurance: Record) -> InsuranceEvidence:
        coverage, prior = self._resolve(insurance.one("coverage")), self._resolve(insurance.one("prior_result"))
        prior = prior if prior is not None and prior.located.kind == "ClaimResponse" else None
        if coverage is None or coverage.located.kind != "Coverage":
            return InsuranceEvidence(insurance, None, (), prior)
        self._resolve(coverage.one("beneficiary"), coverage)
        payers = (self._resolve(each, coverage) for each in coverage.many("payors"))
        return InsuranceEvidence(insurance, coverage, tuple(each for each in payers if each is not None), prior)

    def _conditions(self) -> dict[int, Record]:
        found = {each.value("sequence"): self._resolve(each.one("condition")) for each in self.claim.group("diagnoses")}
        return {sequence: record for sequence, record in found.items() if record is not None}

    # --- the visit of a line

    def _line(self, item: Record, patient: str | None) -> LineEvidence:
        serviced = item.one("serviced") or self.claim.one("billable_period")
        visit = _Visit()
        self._named_by_claim(item, visit)
        codes = {each.value.code for each in item.many("services")}
        if visit.named or visit.unresolved or visit.procedures or visit.encounters or visit.ignored:
            self._procedures_of_visit(visit, patient, codes, serviced)
        elif patient is not None:
            self._search(visit, patient, codes, serviced)
        if not (visit.procedures or visit.encounters or visit.ignored or visit.unresolved):
            self._name_encounters(self._of_other_lines(), self.claim, visit)
        return self._settled(item, visit, serviced)

    def _of_other_lines(self) -> Sequence[Sourced[object]]:
        """The one Encounter that the claim's lines name: some senders name it on the first line alone (Synthea)."""
        named = [each for item in self.claim.group("items") for each in item.many("encounters")]
        return named[:1] if len({self._key(each) for each in named}) == 1 else ()

    def _named_by_claim(self, item: Record, visit: _Visit) -> None:
        """The line's encounter, the procedures it points to, the claim's encounter, the procedures' encounters."""
        self._name_encounters(item.many("encounters"), self.claim, visit)
        for reference in self._procedure_references(item):
            self._name_procedure(reference, visit)
        if not visit.encounters:
            self._name_encounters(self.claim.many("encounters"), self.claim, visit)
        if not visit.encounters:
            for located in list(visit.procedures):
                record = self.mapper.record(located)
                self._name_encounters(record.many("encounter"), record, visit)

    def _procedure_references(self, item: Record) -> Iterable[Sourced[object]]:
        """Those of procedureSequence; all of the claim's when it has one line, which they can only belong to."""
        wanted = {each.value for each in item.many("procedure_sequence")}
        alone = len(self.claim.group("items")) == 1
        for procedure in self.claim.group("procedures"):
            reference = procedure.one("procedure")
            if reference is not None and (procedure.value("sequence") in wanted or (alone and not wanted)):
                yield reference

    def _name_encounters(self, references: Iterable[Sourced[object]], holder: Record, visit: _Visit) -> None:
        for reference in references:
            key = self._key(reference, holder)
            if key is None:
                continue
            visit.named.add(key)
            found = self._find(reference, holder)
            if found is None or found.kind != "Encounter":
                visit.unresolved.append(_written(reference))
            elif not self._set_aside(found, visit):
                visit.encounters.append(found)

    def _name_procedure(self, reference: Sourced[object], visit: _Visit) -> None:
        found = self._find(reference, self.claim)
        if found is None or found.kind != "Procedure":
            visit.unresolved.append(_written(reference))
        elif not self._set_aside(found, visit):
            visit.procedures.append(found)

    def _set_aside(self, located: Located, visit: _Visit) -> bool:
        """Whether the evidence was entered in error, which is noted and then never looked at again."""
        record = self.mapper.record(located)
        if record.value("status") != ENTERED_IN_ERROR:
            return False
        if all(each.located is not located for each in visit.ignored):
            visit.ignored.append(record)
        return True

    def _procedures_of_visit(
        self, visit: _Visit, patient: str | None, codes: set[str], serviced: Sourced[Days] | None
    ) -> None:
        """Procedures tied to a named visit, also one that names no code; else those of the day tied to no visit."""
        if visit.procedures:
            return
        self._tied_procedures(visit, visit.named, codes)
        if visit.procedures or patient is None or not visit.encounters:
            return
        for located in self.store.about("Procedure", patient):
            record = self.mapper.record(located)
            loose = record.one("encounter") is None and _on_day(_performed(record), serviced)
            if loose and self._carries(record.many("codes"), codes) and not self._set_aside(located, visit):
                visit.procedures.append(located)

    def _tied_procedures(self, visit: _Visit, encounters: Iterable[str], codes: set[str]) -> None:
        tied = [each for key in sorted(encounters) for each in self.store.procedures_of(key)]
        visit.procedures = [each for each in tied if self._may_be(each, codes) and not self._set_aside(each, visit)]

    def _may_be(self, procedure: Located, codes: set[str]) -> bool:
        """Whether a procedure of the visit can be the line's: it carries the code, or does not say what it is."""
        coded = self.mapper.record(procedure).many("codes")
        return not coded or self._carries(coded, codes)

    def _search(self, visit: _Visit, patient: str, codes: set[str], serviced: Sourced[Days] | None) -> None:
        """The patient's Encounters and Procedures of the service date that carry the code or a coaching type."""
        for located in self.store.about("Procedure", patient):
            record = self.mapper.record(located)
            fits = self._carries(record.many("codes"), codes) and _on_day(_performed(record), serviced)
            if fits and not self._set_aside(located, visit):
                visit.procedures.append(located)
        for located in self.store.about("Encounter", patient):
            record = self.mapper.record(located)
            fits = self._carries(record.many("types"), codes) and _on_day(record.value("period"), serviced)
            if fits and not self._set_aside(located, visit):
                visit.encounters.append(located)
        if not visit.procedures:  # one that says nothing readable of its day is still that of its visit
            self._tied_procedures(visit, {each.key for each in visit.encounters}, codes)
        if not visit.encounters:
            for located in list(visit.procedures):
                record = self.mapper.record(located)
                self._name_encounters(record.many("encounter"), record, visit)

    def _carries(self, found: Iterable[Sourced[object]], codes: set[str]) -> bool:
        """The line's own code; a line whose code nobody can read is served by any coaching code."""
        wanted = codes or set(self.mappings.scope)
        return any(getattr(each.value, "code", None) in wanted for each in found)

    def _settled(self, item: Record, visit: _Visit, serviced: Sourced[Days] | None) -> LineEvidence:
        encounters, procedures = self._live(visit.encounters), self._live(visit.procedures)
        if len(encounters) > 1 and len(procedures) == 1:
            encounters = self._of_procedure(procedures[0], encounters)
        if len(procedures) > 1 and len(encounters) == 1:
            procedures = self._of_encounter(encounters[0], procedures) or procedures
        rivals = [each for group in (encounters, procedures) if len(group) > 1 for each in group]
        encounter = self._use(encounters[0]) if len(encounters) == 1 else None
        procedure = self._use(procedures[0]) if len(procedures) == 1 else None
        renderers, supervisors = self._people(item, encounter, procedure)
        return LineEvidence(
            item=item,
            encounter=encounter,
            procedure=procedure,
            rivals=tuple(self.mapper.record(each) for each in rivals),
            unresolved=tuple(visit.unresolved),
            ignored=tuple(visit.ignored),
            serviced=serviced,
            renderers=renderers,
            supervisors=supervisors,
            reports=self._reports(procedure),
            location=self._location(encounter),
        )

    def _live(self, found: Sequence[Located]) -> list[Located]:
        """Without those that did not happen, where one is left that did."""
        distinct = list({each.key: each for each in found}.values())
        live = [each for each in distinct if self.mapper.record(each).value("status") not in DID_NOT_HAPPEN]
        return live or distinct

    def _of_procedure(self, procedure: Located, encounters: list[Located]) -> list[Located]:
        record = self.mapper.record(procedure)
        own = self._key(record.one("encounter"), record)
        return [each for each in encounters if each.key == own] or encounters

    def _of_encounter(self, encounter: Located, procedures: list[Located]) -> list[Located]:
        records = [self.mapper.record(each) for each in procedures]
        return [each.located for each in records if self._key(each.one("encounter"), each) == encounter.key]

    def _reports(self, procedure: Record | None) -> tuple[Located, ...]:
        if procedure is None:
            return ()
        found = (self._find(each, procedure) for each in procedure.many("reports"))
        return tuple(each for each in found if each is not None)

    def _location(self, encounter: Record | None) -> Record | None:
        places = encounter.many("locations") if encounter else ()
        for reference, holder in [*((each, encounter) for each in places), (self.claim.one("facility"), self.claim)]:
            if (found := self._resolve(reference, holder)) is not None:
                return found
        return None

    # --- who took part

    def _people(
        self, item: Record, encounter: Record | None, procedure: Record | None
    ) -> tuple[tuple[PersonEvidence, ...], tuple[PersonEvidence, ...]]:
        """Who renders and who supervises: the care team of the line, else the performer, else the participants."""
        wanted = {each.value for each in item.many("care_team_sequence")}
        team = [each for each in self.claim.group("care_team") if not wanted or each.value("sequence") in wanted]
        rendering = [each for each in team if _has_role(each, "rendering")]
        if not rendering and len(team) == 1 and not _has_role(team[0], "supervisor"):
            rendering = team
        supervising = [
            each
            for each in team
            if _has_role(each, "supervisor") or (each.value("responsible") and each not in rendering)
        ]
        people = self._persons((each.one("provider"), self.claim) for each in rendering)
        people = people or self._performers(procedure) or self._participants(encounter)
        return people, self._persons((each.one("provider"), self.claim) for each in supervising)

    def _performers(self, procedure: Record | None) -> tuple[PersonEvidence, ...]:
        return self._persons((each, procedure) for each in procedure.many("performers")) if procedure else ()

    def _participants(self, encounter: Record | None) -> tuple[PersonEvidence, ...]:
        """The primary performer; all practitioners where nobody is marked as such."""
        if encounter is None:
            return ()
        taking_part = encounter.group("participants")
        primary = [each for each in taking_part if any(role.value.code == "PPRF" for role in each.many("roles"))]
        return self._persons((each.one("individual"), encounter) for each in primary or taking_part)

    def _persons(self, named: Iterable[tuple[Sourced[object] | None, Record]]) -> tuple[PersonEvidence, ...]:
        people = (self._person(reference, holder) for reference, holder in named if reference is not None)
        return tuple({each.key: each for each in people if each is not None}.values())

    def _person(self, reference: Sourced[object], holder: Record) -> PersonEvidence | None:
        found = self._find(reference, holder)
        if found is None or found.kind != "Practitioner":
            return self._no_practitioner(reference, holder, found)
        roles = tuple(filter(None, map(self._use, self.store.roles_of(found.key))))
        return self._with_issuers(PersonEvidence(found.key, reference, self._use(found), roles))

    def _no_practitioner(
        self, reference: Sourced[object], holder: Record, found: Located | None
    ) -> PersonEvidence | None:
        key = self._key(reference, holder)
        if key is None:
            return None
        if found is not None and found.kind == "PractitionerRole":
            return self._person_of_role(key, reference, found)
        if found is not None and found.kind in ("Organization", "Patient", "RelatedPerson", "Device"):
            return None  # takes part, and is nobody who coaches
        return PersonEvidence(key, reference, None)

    def _person_of_role(self, key: str, reference: Sourced[object], found: Located) -> PersonEvidence:
        role = self._use(found)
        assert role is not None  # noqa: S101 - PractitionerRole has a mapping, or the start fails
        practitioner = self._resolve(role.one("practitioner"), role)
        if practitioner is not None and practitioner.located.kind != "Practitioner":
            practitioner = None
        own = self._key(role.one("practitioner"), role)
        return self._with_issuers(PersonEvidence(own or key, reference, practitioner, (role,)))

    def _with_issuers(self, person: PersonEvidence) -> PersonEvidence:
        if person.practitioner is None:
            return person
        qualifications = person.practitioner.group("qualifications")
        found = {
            index: self._resolve(each.one("issuer"), person.practitioner) for index, each in enumerate(qualifications)
        }
        issuers = {index: record for index, record in found.items() if record is not None and "names" in record.fields}
        return PersonEvidence(person.key, person.named_at, person.practitioner, person.roles, issuers)


def _has_role(member: Record, role: str) -> bool:
    return any(each.value.code == role for each in member.many("roles"))


def _written(reference: Sourced[object]) -> Sourced[str]:
    """A reference as it was written, for the note that names it; never its display."""
    pointer = parse_reference(reference.value)
    return Sourced(pointer.written if pointer else "a reference without a target", reference.origin)


def _performed(procedure: Record) -> Interval | None:
    """When a Procedure was performed; a single dateTime is a start."""
    at = procedure.value("performed_at")
    return procedure.value("performed") or (Interval(at, None) if at else None)


def _on_day(period: Interval | None, serviced: Sourced[Days] | None) -> bool:
    """Whether an interval begins on a day of service, in its own offset; a UTC time may mean the day before, too."""
    if period is None or serviced is None or (start := period.start or period.end) is None:
        return False
    possible: set[date] = {start.first_day, *([utc_day_before(start)] if start.in_utc else [])}
    if period.end is not None:
        possible.add(period.end.last_day)
    return any(day in serviced.value for day in possible)
