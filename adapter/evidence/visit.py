"""Which visit a claim line means: its Encounter and its Procedure, in the order the contract gives.

    the line's encounter; the claim's procedureReference; the claim's encounter extension; Procedure.encounter;
    else the patient's Encounters and Procedures of the service date that carry the code or a coaching type

Evidence entered in error is set aside and named. A reference that leads nowhere is named too: it counts as missing
evidence, and a visit that the claim itself names is never replaced by one that merely fits the date.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from adapter.evidence.follower import Follower
from adapter.evidence.references import parse_reference
from adapter.evidence.store import Located
from adapter.mapping.record import Record
from adapter.session.model import Sourced
from adapter.session.time import Days, Interval, utc_day_before

ENTERED_IN_ERROR = "entered-in-error"
DID_NOT_HAPPEN = frozenset({"cancelled", "not-done", "discontinued"})
"""Statuses that lose to a live rival: a cancelled booking beside the visit that took its place."""


@dataclass
class Visit:
    """The visit of a line: while it is being looked for, and as it was found."""

    item: Record
    serviced: Sourced[Days] | None
    codes: Collection[str]
    """The line's own; a line whose code nobody can read is served by any coaching code."""
    follower: Follower
    encounters: list[Located] = field(default_factory=list)
    procedures: list[Located] = field(default_factory=list)
    unresolved: list[Sourced[str]] = field(default_factory=list)
    ignored: list[Record] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Keys of encounters the claim names, found or not."""

    def look(self, patient: str | None) -> None:
        """Look everywhere the contract says, then choose."""
        self._named_by_claim()
        if self.named or self.unresolved or self.procedures or self.encounters or self.ignored:
            self._procedures_of_visit(patient)
        elif patient is not None:
            self._search(patient)
        if not (self.procedures or self.encounters or self.ignored or self.unresolved):
            self._name_encounters(self._of_other_lines(), self.follower.claim)
        self._choose()

    def rivals(self) -> list[Located]:
        """Those between which nothing chooses."""
        return [each for group in (self.encounters, self.procedures) if len(group) > 1 for each in group]

    # --- as the claim names it

    def _named_by_claim(self) -> None:
        """The line's encounter, the procedures it points to, the claim's encounter, the procedures' encounters."""
        claim = self.follower.claim
        self._name_encounters(self.item.many("encounters"), claim)
        for reference in self._procedure_references():
            self._name_procedure(reference)
        if not self.encounters:
            self._name_encounters(claim.many("encounters"), claim)
        if not self.encounters:
            self._name_those_of_procedures()

    def _procedure_references(self) -> Iterable[Sourced[object]]:
        """Those of procedureSequence; all of the claim's when it has one line, which they can only belong to."""
        claim, wanted = self.follower.claim, {each.value for each in self.item.many("procedure_sequence")}
        alone = len(claim.group("items")) == 1
        for procedure in claim.group("procedures"):
            reference = procedure.one("procedure")
            if reference is not None and (procedure.value("sequence") in wanted or (alone and not wanted)):
                yield reference

    def _of_other_lines(self) -> Sequence[Sourced[object]]:
        """The one Encounter that the claim's lines name: some senders name it on the first line alone (Synthea)."""
        follower = self.follower
        named = [each for item in follower.claim.group("items") for each in item.many("encounters")]
        return named[:1] if len({follower.key(each) for each in named}) == 1 else ()

    def _name_encounters(self, references: Iterable[Sourced[object]], holder: Record) -> None:
        for reference in references:
            key = self.follower.key(reference, holder)
            if key is None:
                continue
            self.named.add(key)
            found = self.follower.find(reference, holder)
            if found is None or found.kind != "Encounter":
                self.unresolved.append(_written(reference))
            elif not self._set_aside(found):
                self.encounters.append(found)

    def _name_those_of_procedures(self) -> None:
        for located in list(self.procedures):
            record = self.follower.mapper.record(located)
            self._name_encounters(record.many("encounter"), record)

    def _name_procedure(self, reference: Sourced[object]) -> None:
        found = self.follower.find(reference, self.follower.claim)
        if found is None or found.kind != "Procedure":
            self.unresolved.append(_written(reference))
        elif not self._set_aside(found):
            self.procedures.append(found)

    def _set_aside(self, located: Located) -> bool:
        """Whether the evidence was entered in error, which is noted and then never looked at again."""
        record = self.follower.mapper.record(located)
        if record.value("status") != ENTERED_IN_ERROR:
            return False
        if all(each.located is not located for each in self.ignored):
            self.ignored.append(record)
        return True

    # --- as it fits the line

    def _procedures_of_visit(self, patient: str | None) -> None:
        """Procedures tied to a named visit, also one that names no code; else those of the day tied to no visit."""
        if self.procedures:
            return
        self._tied_procedures(self.named)
        if self.procedures or patient is None or not self.encounters:
            return
        for located in self.follower.store.about("Procedure", patient):
            record = self.follower.mapper.record(located)
            loose = record.one("encounter") is None and _on_day(_performed(record), self.serviced)
            if loose and self._carries(record.many("codes")) and not self._set_aside(located):
                self.procedures.append(located)

    def _tied_procedures(self, encounters: Iterable[str]) -> None:
        tied = [each for key in sorted(encounters) for each in self.follower.store.procedures_of(key)]
        self.procedures = [each for each in tied if self._may_be(each) and not self._set_aside(each)]

    def _may_be(self, procedure: Located) -> bool:
        """Whether a procedure of the visit can be the line's: it carries the code, or does not say what it is."""
        coded = self.follower.mapper.record(procedure).many("codes")
        return not coded or self._carries(coded)

    def _search(self, patient: str) -> None:
        """The patient's Encounters and Procedures of the service date that carry the code or a coaching type."""
        store, mapper = self.follower.store, self.follower.mapper
        for located in store.about("Procedure", patient):
            record = mapper.record(located)
            fits = self._carries(record.many("codes")) and _on_day(_performed(record), self.serviced)
            if fits and not self._set_aside(located):
                self.procedures.append(located)
        for located in store.about("Encounter", patient):
            record = mapper.record(located)
            fits = self._carries(record.many("types")) and _on_day(record.value("period"), self.serviced)
            if fits and not self._set_aside(located):
                self.encounters.append(located)
        if not self.procedures:  # one that says nothing readable of its day is still that of its visit
            self._tied_procedures({each.key for each in self.encounters})
        if not self.encounters:
            self._name_those_of_procedures()

    def _carries(self, found: Iterable[Sourced[object]]) -> bool:
        return any(getattr(each.value, "code", None) in self.codes for each in found)

    # --- choosing

    def _choose(self) -> None:
        """Leave those that could each be the line's."""
        encounters, procedures = self._live(self.encounters), self._live(self.procedures)
        if len(encounters) > 1 and len(procedures) == 1:
            encounters = self._of_procedure(procedures[0], encounters)
        if len(procedures) > 1 and len(encounters) == 1:
            procedures = self._of_encounter(encounters[0], procedures) or procedures
        self.encounters, self.procedures = encounters, procedures

    def _live(self, found: Sequence[Located]) -> list[Located]:
        """Without those that did not happen, where one is left that did."""
        distinct = list({each.key: each for each in found}.values())
        live = [each for each in distinct if self.follower.mapper.record(each).value("status") not in DID_NOT_HAPPEN]
        return live or distinct

    def _of_procedure(self, procedure: Located, encounters: list[Located]) -> list[Located]:
        record = self.follower.mapper.record(procedure)
        own = self.follower.key(record.one("encounter"), record)
        return [each for each in encounters if each.key == own] or encounters

    def _of_encounter(self, encounter: Located, procedures: list[Located]) -> list[Located]:
        records = [self.follower.mapper.record(each) for each in procedures]
        return [each.located for each in records if self.follower.key(each.one("encounter"), each) == encounter.key]


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
