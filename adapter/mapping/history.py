"""The services a patient has on file elsewhere: on other claims, and as Procedures and Encounters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

from adapter.evidence.other_claims import replaced_claims
from adapter.evidence.store import EvidenceStore
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import PriorService, Settlement
from adapter.session.time import instant_or_last

NO_SERVICE = frozenset({"entered-in-error", "cancelled", "not-done", "draft", "planned", "preparation", "unknown"})
"""Statuses of resources that show no service: never begun, called off, or never meant."""

PROCEDURE_SYSTEMS = ("CPT", "HCPCS")


def patient_services(patient: str, store: EvidenceStore, mapper: Records) -> tuple[PriorService, ...]:
    """Every coded service of the patient, oldest first; how far its claim has come is not looked at yet."""
    found = [*_on_claims(patient, store, mapper)]
    for kind, codes, when in (("Procedure", "codes", "performed"), ("Encounter", "types", "period")):
        for located in store.about(kind, patient):
            found += _on_record(mapper.record(located), codes, when)
    return tuple(sorted(found, key=lambda each: (each.day, each.code, each.origin.resource, each.line or 0)))


def history_of(
    claim: Record, services: tuple[PriorService, ...], settled: Callable[[str], Settlement]
) -> tuple[PriorService, ...]:
    """The services as one claim sees them, its own lines among them.

    How far another claim has come is asked only of claims created before this one: a later claim can neither be its
    original nor its initial assessment, and two claims never wait for each other.
    """
    own = (instant_or_last(claim.value("created")), claim.located.key)
    return tuple(
        replace(each, settlement=settled(each.claim))
        if each.claim is not None and (instant_or_last(each.created), each.claim) < own
        else each
        for each in services
    )


def _on_claims(patient: str, store: EvidenceStore, mapper: Records) -> Iterator[PriorService]:
    for located in store.about("Claim", patient):
        record = mapper.record(located)
        if record.value("status") != "active" or record.value("use") != "claim":
            continue
        provider = store.key_of(record.value("provider"), located)
        replaces = tuple(each.key for each in replaced_claims(record, store))
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
                        created=record.value("created"),
                        identifiers=tuple(each.value for each in record.many("identifiers")),
                        replaces=replaces,
                    )


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
