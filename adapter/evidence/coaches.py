"""What else a coach did: the coaching sessions of each practitioner, for two people cannot be coached at one time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import Sourced
from adapter.session.time import Interval

NO_SESSION = frozenset({"entered-in-error", "cancelled", "not-done", "planned", "preparation"})


@dataclass(frozen=True, slots=True)
class CoachSession:
    """One coaching session of a practitioner: when, with which patient, by which codes."""

    interval: Sourced[Interval]
    patient: str | None
    codes: frozenset[str]


def sessions_by_coach(
    store: EvidenceStore, mapper: Records, scope: Collection[str]
) -> Mapping[str, tuple[CoachSession, ...]]:
    """Every session with one of the codes in scope, by the key of who held it."""
    found: dict[str, list[CoachSession]] = defaultdict(list)
    for kind, codes, when in (("Procedure", "codes", "performed"), ("Encounter", "types", "period")):
        for located in store.all(kind):
            if not _may_carry(located, scope):
                continue
            record = mapper.record(located)
            carried = frozenset(each.value.code for each in record.many(codes)) & frozenset(scope)
            interval = record.one(when)
            if carried and interval is not None and record.value("status") not in NO_SESSION:
                session = CoachSession(interval, store.subject_key(located), carried)
                for coach in _coaches(record, store, mapper):
                    found[coach].append(session)
    return {coach: tuple(sessions) for coach, sessions in found.items()}


def _may_carry(located: Located, scope: Collection[str]) -> bool:
    """A quick look at the codings, so that the many other visits are not mapped at all."""
    concept = located.resource.get("code" if located.kind == "Procedure" else "type")
    concepts = concept if isinstance(concept, list) else [concept]
    codings = [each.get("coding") for each in concepts if isinstance(each, dict)]
    codes = [
        coding.get("code") for each in codings if isinstance(each, list) for coding in each if isinstance(coding, dict)
    ]
    return any(isinstance(code, str) and code in scope for code in codes)


def _coaches(record: Record, store: EvidenceStore, mapper: Records) -> Iterator[str]:
    """The keys of the people who held a session; a role stands for its practitioner."""
    if record.located.kind == "Procedure":
        references = [each.value for each in record.many("performers")]
    else:
        references = [each.value for part in record.group("participants") for each in part.many("individual")]
    for reference in references:
        found = store.resolve(reference, record.located)
        if found is not None and found.kind == "PractitionerRole":
            role = mapper.record(found)
            key = store.key_of(role.value("practitioner"), found)
        else:
            key = store.key_of(reference, record.located)
        if key is not None:
            yield key
