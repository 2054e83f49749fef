"""The services a patient has on file elsewhere: on other claims, and as Procedures and Encounters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from adapter.evidence.gather import ClaimEvidence
from adapter.evidence.store import EvidenceStore
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import PriorService, Settlement
from adapter.values import value

NO_SERVICE = frozenset({"entered-in-error", "cancelled", "not-done", "draft", "planned", "preparation", "unknown"})
"""Statuses of resources that show no service: never begun, called off, or never meant."""

PROCEDURE_SYSTEMS = ("CPT", "HCPCS")


@value(frozen=True, slots=True)
class Standing:
    """What one claim is to another: before it or tied to it, how far it has come, and which of its lines fell."""

    settlement: Settlement = Settlement.UNKNOWN
    earlier: bool = False
    tied: bool = False
    denied: frozenset[int] = frozenset()
    called_off: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class Service:
    """A service of a patient, and as the last claim saw it that asked: most claims see it as the one before did."""

    on_file: PriorService
    _standing: Standing | None = None
    _seen: PriorService | None = None

    def seen(self, standing: Standing) -> PriorService:
        """As a claim sees it to which the service's claim stands so."""
        if self._seen is None or (standing is not self._standing and standing != self._standing):
            self._standing, self._seen = standing, _as_seen(self.on_file, standing)
        return self._seen


def patient_services(patient: str, store: EvidenceStore, mapper: Records) -> tuple[Service, ...]:
    """Every coded service of the patient, oldest first; how far its claim has come is not looked at yet."""
    found = [*_on_claims(patient, store, mapper)]
    for kind, codes, when in (("Procedure", "codes", "performed"), ("Encounter", "types", "period")):
        for located in store.about(kind, patient):
            found += _on_record(mapper.record(located), codes, when)
    found.sort(key=lambda each: (each.day, each.code, each.origin.resource, each.line or 0))
    return tuple(map(Service, found))


def history_of(
    evidence: ClaimEvidence, services: tuple[Service, ...], standing: Callable[[str], Standing]
) -> tuple[PriorService, ...]:
    """The services as one claim sees them, its own lines among them.

    How far a claim has come is not asked where it bills nothing but later days: no rule looks beyond a claim's own.
    """
    own, last = evidence.claim.located.key, _last_day(evidence)
    known: dict[str, Standing] = {}
    seen: list[PriorService] = []
    for each in services:
        service = each.on_file
        key = service.claim
        if key is None or key == own or service.day > last:
            seen.append(service)
            continue
        if key not in known:
            known[key] = standing(key)
        seen.append(each.seen(known[key]))
    return tuple(seen)


def by_itself(evidence: ClaimEvidence, services: tuple[Service, ...]) -> tuple[PriorService, ...]:
    """The services as a claim would see them if it were the patient's only one."""
    own = evidence.claim.located.key
    return tuple(each.on_file for each in services if each.on_file.claim in (None, own))


def _as_seen(service: PriorService, standing: Standing) -> PriorService:
    return PriorService(
        service.code,
        service.day,
        service.origin,
        service.claim,
        service.line,
        service.provider,
        service.modifiers,
        service.quantity,
        service.visits,
        service.identifiers,
        settlement=standing.settlement,
        earlier=standing.earlier,
        tied=standing.tied,
        denied=service.line in standing.denied,
        called_off=service.line in standing.called_off,
    )


def _last_day(evidence: ClaimEvidence) -> date:
    """The last day that a claim bills; the end of time where a line leaves it to the visit, or to be guessed."""
    days = [each.serviced.value if each.serviced else None for each in evidence.lines]
    return max((each.end or date.max if each else date.max for each in days), default=date.max)


def _on_claims(patient: str, store: EvidenceStore, mapper: Records) -> Iterator[PriorService]:
    for located in store.about("Claim", patient):
        record = mapper.record(located)
        if record.value("status") != "active" or record.value("use") != "claim":
            continue
        provider = store.key_of(record.value("provider"), located)
        for item in record.group("items"):
            day = _first_day(item, record)
            for service in item.many("services"):
                if day is not None and service.value.system in PROCEDURE_SYSTEMS:
                    yield PriorService(
                        code=service.value.code,
                        day=day,
                        origin=item.origin,
                        claim=located.key,
                        line=item.value("sequence"),
                        provider=provider,
                        modifiers=tuple(sorted(each.value.code for each in item.many("modifiers"))),
                        quantity=item.value("quantity"),
                        visits=named_visits(item, store),
                        identifiers=tuple(each.value for each in record.many("identifiers")),
                    )


def named_visits(item: Record, store: EvidenceStore) -> tuple[str, ...]:
    """The keys of the encounters that a line names, on file or not."""
    keys = (store.key_of(each.value, item.located) for each in item.many("encounters"))
    return tuple(each for each in keys if each is not None)


def _first_day(item: Record, claim: Record) -> date | None:
    serviced = item.value("serviced") or claim.value("billable_period")
    day: date | None = None if serviced is None else serviced.start or serviced.end
    return day


def _on_record(record: Record, codes: str, when: str) -> Iterator[PriorService]:
    if record.value("status") is None or record.value("status") in NO_SERVICE:
        return
    period = record.value(when)
    start = (period.start if period else None) or (record.value("performed_at") if codes == "codes" else None)
    if start is None or start.day is None:
        return
    for code in record.many(codes):
        if code.value.system in PROCEDURE_SYSTEMS:
            yield PriorService(code=code.value.code, day=start.day, origin=code.origin)
