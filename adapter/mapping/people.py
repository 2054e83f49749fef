"""Coaches and supervisors: their credentials, recognised, and the organizations they work for."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapter.evidence.people import PersonEvidence
from adapter.evidence.store import EvidenceStore
from adapter.mapping.record import Record, key_of
from adapter.mapping.tables import Credentials
from adapter.session.model import Credential, Person, Sourced


@dataclass
class People:
    """Who held or supervised the sessions of a store: the same few people, each looked at once."""

    known: Credentials
    store: EvidenceStore
    _found: dict[tuple[object, ...], Person] = field(default_factory=dict)

    def person(self, evidence: PersonEvidence) -> Person:
        """Somebody by what is on file; who is not on file is known by each claim in its own words."""
        if evidence.practitioner is None:
            return _person(evidence, self.known, self.store)
        issuers = ((index, issuer.located) for index, issuer in evidence.issuers.items())
        alike = (evidence.key, evidence.practitioner.located, *(role.located for role in evidence.roles), *issuers)
        found = self._found.get(alike)
        if found is None:
            found = self._found[alike] = _person(evidence, self.known, self.store)
        return found


def _person(evidence: PersonEvidence, known: Credentials, store: EvidenceStore) -> Person:
    """Who held or supervised a session, by what is on file."""
    practitioner = evidence.practitioner
    taxonomies = tuple(each for role in evidence.roles for each in role.many("taxonomies"))
    roles = (key_of(store, role, "organization") for role in evidence.roles)
    organizations = tuple(each for each in roles if each is not None)
    if practitioner is None:
        on_file = bool(evidence.roles)
        return Person(evidence.key, evidence.named_at.origin, (), taxonomies, organizations, resolved=on_file)
    credentials = tuple(
        _credential(each, evidence.issuers.get(index), known)
        for index, each in enumerate(practitioner.group("qualifications"))
    )
    return Person(evidence.key, practitioner.origin, credentials, taxonomies, organizations)


def _credential(record: Record, issuer: Record | None, known: Credentials) -> Credential:
    issuers = [each.value for each in record.many("issuer_name")]
    issuers += [each.value for each in issuer.many("names")] if issuer else []
    texts = [each.value for each in record.many("texts")]
    codes = [each.value for each in record.many("codes")]
    kind = known.recognise(codes, texts, issuers)
    return Credential(
        kind=None if kind is None else Sourced(kind, record.origin),
        period=record.one("period"),
        origin=record.origin,
        described=bool(texts or issuers or codes),
        doubted=known.doubted(texts),
        words_alone=kind is not None and not known.borne_out(kind, codes, issuers),
    )
