"""What else a coach did: the coaching sessions of each practitioner, for two people cannot be coached at one time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import Sourced
from adapter.session.time import Interval
from adapter.values import value

NO_SESSION = frozenset({"entered-in-error", "cancelled", "not-done", "planned", "preparation"})


@value(frozen=True, slots=True)
class CoachSession:
    """One session of a practitioner with one person: when, with which patient, by which records."""

    interval: Sourced[Interval]
    patient: str | None
    records: frozenset[str]
    """Keys of the Procedure or Encounter that shows it, and of the Encounter it was part of."""


@dataclass(frozen=True, slots=True)
class CoachSessions:
    """The sessions of one practitioner whose start and end are known, by their start."""

    starts: tuple[datetime, ...] = ()
    sessions: tuple[tuple[int, CoachSession], ...] = ()
    """Each with its place in the order of the records."""
    longest: timedelta = timedelta()

    @classmethod
    def of(cls, sessions: Iterable[CoachSession]) -> CoachSessions:
        timed = [(bounds, each) for each in enumerate(sessions) if (bounds := each[1].interval.value.instants)]
        timed.sort(key=lambda each: each[0][0])
        longest = max((end - start for (start, end), _ in timed), default=timedelta())
        return cls(tuple(start for (start, _), _ in timed), tuple(each for _, each in timed), longest)

    def overlapping(self, interval: Interval) -> list[CoachSession]:
        """Those that share more than an instant with an interval, in the order of the records."""
        bounds = interval.instants
        if bounds is None or not self.starts:
            return []
        try:
            first = bisect_right(self.starts, bounds[0] - self.longest)
        except OverflowError:  # no calendar goes back so far
            first = 0
        near = sorted(self.sessions[first : bisect_left(self.starts, bounds[1])], key=lambda each: each[0])
        return [each for _, each in near if each.interval.value.overlaps(interval)]


NO_SESSIONS = CoachSessions()


def sessions_by_coach(
    store: EvidenceStore, mapper: Records, individual: Collection[str]
) -> Mapping[str, tuple[CoachSession, ...]]:
    """Every session with a code for one person, by the key of who held it; a group is no other patient."""
    found: dict[str, list[CoachSession]] = defaultdict(list)
    for kind, codes, when in (("Procedure", "codes", "performed"), ("Encounter", "types", "period")):
        for located in store.all(kind):
            if not _may_carry(located, individual):
                continue
            record, patient = mapper.record(located), store.subject_key(located)
            carried = {each.value.code for each in record.many(codes)} & set(individual)
            interval = record.one(when)
            held = interval is not None and record.value("status") not in NO_SESSION
            if carried and interval is not None and held and not (patient or "").startswith("Group/"):
                session = CoachSession(interval, patient, _records(record, store))
                for coach in _coaches(record, store, mapper):
                    found[coach].append(session)
    return {coach: tuple(sessions) for coach, sessions in found.items()}


def _records(record: Record, store: EvidenceStore) -> frozenset[str]:
    visit = record.value("encounter") if record.located.kind == "Procedure" else None
    return frozenset(filter(None, (record.located.key, store.key_of(visit, record.located))))


def _may_carry(located: Located, individual: Collection[str]) -> bool:
    """A quick look at the codings, so that the many other visits are not mapped at all."""
    concept = located.resource.get("code" if located.kind == "Procedure" else "type")
    concepts = concept if isinstance(concept, list) else [concept]
    codings = [each.get("coding") for each in concepts if isinstance(each, dict)]
    codes = [
        coding.get("code") for each in codings if isinstance(each, list) for coding in each if isinstance(coding, dict)
    ]
    return any(isinstance(code, str) and code in individual for code in codes)


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
