"""Who took part in the session of a claim line: who rendered it, and who supervised.

The care team of the line comes first, else the performer of the Procedure, else the participants of the Encounter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from adapter.evidence.follower import Follower
from adapter.evidence.store import Located
from adapter.mapping.record import Record
from adapter.session.model import Sourced
from adapter.values import value


@value(frozen=True, slots=True)
class PersonEvidence:
    """Someone who takes part: the Practitioner, the roles and the issuers of the certificates, as far as found."""

    key: str
    named_at: Sourced[object]
    practitioner: Record | None
    roles: tuple[Record, ...] = ()
    issuers: Mapping[int, Record] = field(default_factory=dict)
    """Index of the qualification to the Organization that issued it."""


PeopleEvidence = tuple[PersonEvidence, ...]


def who_took_part(
    item: Record, encounter: Record | None, procedure: Record | None, follower: Follower
) -> tuple[PeopleEvidence, PeopleEvidence]:
    """Who renders and who supervises: the care team of the line, else the performer, else the participants."""
    claim, wanted = follower.claim, {each.value for each in item.many("care_team_sequence")}
    team = [each for each in claim.group("care_team") if not wanted or each.value("sequence") in wanted]
    rendering = [each for each in team if _has_role(each, "rendering")]
    if not rendering and len(team) == 1 and not _has_role(team[0], "supervisor"):
        rendering = team
    supervising = [
        each for each in team if _has_role(each, "supervisor") or (each.value("responsible") and each not in rendering)
    ]
    people = _people(((each.one("provider"), claim) for each in rendering), follower)
    people = people or _performers(procedure, follower) or _participants(encounter, follower)
    return people, _people(((each.one("provider"), claim) for each in supervising), follower)


def _has_role(member: Record, role: str) -> bool:
    return any(each.value.code == role for each in member.many("roles"))


def _performers(procedure: Record | None, follower: Follower) -> PeopleEvidence:
    return _people(((each, procedure) for each in procedure.many("performers")), follower) if procedure else ()


def _participants(encounter: Record | None, follower: Follower) -> PeopleEvidence:
    """The primary performer; all practitioners where nobody is marked as such."""
    if encounter is None:
        return ()
    taking_part = encounter.group("participants")
    primary = [each for each in taking_part if any(role.value.code == "PPRF" for role in each.many("roles"))]
    return _people(((each.one("individual"), encounter) for each in primary or taking_part), follower)


def _people(named: Iterable[tuple[Sourced[object] | None, Record]], follower: Follower) -> PeopleEvidence:
    people = (_person(reference, holder, follower) for reference, holder in named if reference is not None)
    return tuple({each.key: each for each in people if each is not None}.values())


def _person(reference: Sourced[object], holder: Record, follower: Follower) -> PersonEvidence | None:
    found = follower.find(reference, holder)
    if found is None or found.kind != "Practitioner":
        return _no_practitioner(reference, holder, found, follower)
    own = follower.key(reference, holder) or found.key  # one that is contained may be on file, too
    roles = tuple(filter(None, map(follower.use, follower.store.roles_of(own))))
    return _with_issuers(PersonEvidence(own, reference, follower.use(found), roles), follower)


def _no_practitioner(
    reference: Sourced[object], holder: Record, found: Located | None, follower: Follower
) -> PersonEvidence | None:
    key = follower.key(reference, holder)
    if key is None:
        return None
    if found is not None and found.kind == "PractitionerRole":
        return _person_of_role(key, reference, found, follower)
    if found is not None and found.kind in ("Organization", "Patient", "RelatedPerson", "Device"):
        return None  # takes part, and is nobody who coaches
    return PersonEvidence(key, reference, None)


def _person_of_role(key: str, reference: Sourced[object], found: Located, follower: Follower) -> PersonEvidence:
    role = follower.use(found)
    assert role is not None  # noqa: S101 - PractitionerRole has a mapping, or the start fails
    practitioner = follower.resolve(role.one("practitioner"), role)
    if practitioner is not None and practitioner.located.kind != "Practitioner":
        practitioner = None
    own = follower.key(role.one("practitioner"), role)
    return _with_issuers(PersonEvidence(own or key, reference, practitioner, (role,)), follower)


def _with_issuers(person: PersonEvidence, follower: Follower) -> PersonEvidence:
    if person.practitioner is None:
        return person
    qualifications = person.practitioner.group("qualifications")
    found = {
        index: follower.resolve(each.one("issuer"), person.practitioner) for index, each in enumerate(qualifications)
    }
    issuers = {index: record for index, record in found.items() if record is not None and "names" in record.fields}
    return PersonEvidence(person.key, person.named_at, person.practitioner, person.roles, issuers)
