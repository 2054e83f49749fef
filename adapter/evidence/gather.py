"""Finds everything that speaks about one claim: who pays, what was found, and of each line the visit and the people.

Which visit a line means is found in ``visit``, who took part in it in ``people``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from adapter.evidence.follower import Follower
from adapter.evidence.people import PersonEvidence, who_took_part
from adapter.evidence.store import EvidenceStore, Located
from adapter.evidence.visit import Visit
from adapter.mapping.loader import Mappings
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import Sourced
from adapter.session.time import Days
from adapter.values import value


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


def gather(claim: Located, store: EvidenceStore, mapper: Records, mappings: Mappings) -> ClaimEvidence:
    """Find the evidence of a claim in the store; pure, and independent of the order the store was filled in."""
    record = mapper.record(claim)
    follower = Follower(store, mapper, record)
    follower.use(record.located)
    patient = follower.key(record.one("patient"))
    follower.resolve(record.one("patient"))
    insurances = tuple(_insurance(each, follower) for each in record.group("insurance"))
    insurer = follower.resolve(record.one("insurer"))
    follower.resolve(record.one("provider"))
    conditions = _conditions(follower)
    lines = tuple(_line(item, patient, mappings.scope, follower) for item in record.group("items"))
    return ClaimEvidence(record, patient, insurances, insurer, conditions, lines, tuple(follower.used.values()))


def _insurance(insurance: Record, follower: Follower) -> InsuranceEvidence:
    coverage, prior = follower.resolve(insurance.one("coverage")), follower.resolve(insurance.one("prior_result"))
    prior = prior if prior is not None and prior.located.kind == "ClaimResponse" else None
    if coverage is None or coverage.located.kind != "Coverage":
        return InsuranceEvidence(insurance, None, (), prior)
    follower.resolve(coverage.one("beneficiary"), coverage)
    payers = (follower.resolve(each, coverage) for each in coverage.many("payors"))
    return InsuranceEvidence(insurance, coverage, tuple(each for each in payers if each is not None), prior)


def _conditions(follower: Follower) -> dict[int, Record]:
    diagnoses = follower.claim.group("diagnoses")
    found = {each.value("sequence"): follower.resolve(each.one("condition")) for each in diagnoses}
    return {sequence: record for sequence, record in found.items() if record is not None}


def _line(item: Record, patient: str | None, scope: Collection[str], follower: Follower) -> LineEvidence:
    serviced = item.one("serviced") or follower.claim.one("billable_period")
    visit = Visit(item, serviced, {each.value.code for each in item.many("services")} or scope, follower)
    visit.look(patient)
    encounter = follower.use(visit.encounters[0]) if len(visit.encounters) == 1 else None
    procedure = follower.use(visit.procedures[0]) if len(visit.procedures) == 1 else None
    renderers, supervisors = who_took_part(item, encounter, procedure, follower)
    return LineEvidence(
        item=item,
        encounter=encounter,
        procedure=procedure,
        rivals=tuple(map(follower.mapper.record, visit.rivals())),
        unresolved=tuple(visit.unresolved),
        ignored=tuple(visit.ignored),
        serviced=serviced,
        renderers=renderers,
        supervisors=supervisors,
        reports=_reports(procedure, follower),
        location=_location(encounter, follower),
    )


def _reports(procedure: Record | None, follower: Follower) -> tuple[Located, ...]:
    if procedure is None:
        return ()
    found = (follower.find(each, procedure) for each in procedure.many("reports"))
    return tuple(each for each in found if each is not None)


def _location(encounter: Record | None, follower: Follower) -> Record | None:
    places, claim = encounter.many("locations") if encounter else (), follower.claim
    for reference, holder in [*((each, encounter) for each in places), (claim.one("facility"), claim)]:
        if (found := follower.resolve(reference, holder)) is not None:
            return found
    return None
