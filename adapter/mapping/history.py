"""The services a patient has on file elsewhere: on other claims, and as Procedures and Encounters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Mapper
from adapter.mapping.record import Record
from adapter.session.model import PriorService, Settlement
from adapter.session.time import instant_or_last

NO_SERVICE = frozenset({"entered-in-error", "cancelled", "not-done", "draft", "planned", "preparation", "unknown"})
"""Statuses of resources that show no service: never begun, called off, or never meant."""

PROCEDURE_SYSTEMS = ("CPT", "HCPCS")


def find_history(
    claim: Located, patient: str | None, store: EvidenceStore, mapper: Mapper, settled: Callable[[str], Settlement]
) -> tuple[PriorService, ...]:
    """Every coded service of the patient, oldest first, the claim's own lines among them.

    How far another claim has come is asked only of claims created before this one: a later claim can neither be its
    original nor its initial assessment, and two claims never wait for each other.
    """
    if patient is None:
        return ()
    found = [*_on_claims(claim, patient, store, mapper, settled)]
    for kind, codes, when in (("Procedure", "codes", "performed"), ("Encounter", "types", "period")):
        for located in store.about(kind, patient):
            found += _on_record(mapper.record(located), codes, when)
    return tuple(sorted(found, key=lambda each: (each.day, each.code, each.origin.resource, each.line or 0)))


def _on_claims(
    claim: Located, patient: str, store: EvidenceStore, mapper: Mapper, settled: Callable[[str], Settlement]
) -> Iterator[PriorService]:
    own = _rank(mapper.record(claim))
    for located in store.about("Claim", patient):
        record = mapper.record(located)
        if record.value("status") != "active" or record.value("use") != "claim":
            continue
        settlement = settled(located.key) if _rank(record) < own else Settlement.UNKNOWN
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
                        net=item.value("net"),
                        settlement=settlement,
                        created=record.value("created"),
                        identifiers=tuple(each.value for each in record.many("identifiers")),
                    )


def _rank(record: Record) -> tuple[datetime, str]:
    """Claims in the order they were created; of two created together the one with the lesser id comes first."""
    return instant_or_last(record.value("created")), record.located.key


def _first_day(item: Record, claim: Record) -> date | None:
    serviced = item.value("serviced") or claim.value("billable_period")
    day: date | None = None if serviced is None else serviced.start or serviced.end
    return day


def _on_record(record: Record, codes: str, when: str) -> Iterator[PriorService]:
    if record.value("status") in NO_SERVICE:
        return
    period = record.value(when)
    start = (period.start if period else None) or (record.value("performed_at") if codes == "codes" else None)
    if start is None or start.day is None:
        return
    for code in record.many(codes):
        if code.value.system in PROCEDURE_SYSTEMS:
            yield PriorService(code=code.value.code, day=start.day, origin=code.origin)
