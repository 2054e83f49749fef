"""Who pays, as the claim and its coverages say: the insurer, each Coverage, each payor recognised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapter.evidence.gather import ClaimEvidence, InsuranceEvidence
from adapter.evidence.references import parse_reference
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.record import Record, as_written, key_of
from adapter.mapping.tables import Payers
from adapter.session.model import Coverage, Sourced

DECIDED = ("complete", "partial")
"""Outcomes of another payer's ClaimResponse that hold a result."""


@dataclass
class KnownPayers:
    """The payers as a store names them: the same few for most claims, each recognised once."""

    payers: Payers
    _found: dict[tuple[object, ...], str | None] = field(default_factory=dict)

    def recognise(self, identifiers: Sequence[tuple[str, str]], names: Sequence[str]) -> str | None:
        """The key of the payer; None when nobody or more than one matches."""
        named = (tuple(identifiers), tuple(names))
        if named not in self._found:
            self._found[named] = self.payers.recognise(identifiers, names)
        return self._found[named]


def insurer(evidence: ClaimEvidence, payers: KnownPayers) -> Sourced[str | None] | None:
    """Whom the claim is addressed to; None as the value where nobody recognises it."""
    reference, name = evidence.claim.one("insurer"), evidence.claim.one("insurer_name")
    if evidence.insurer is not None:
        return Sourced(_payer(payers, evidence.insurer, reference, ()), evidence.insurer.origin)
    if reference is None:
        return None
    return Sourced(_payer(payers, None, reference, () if name is None else (name.value,)), reference.origin)


def _payer(
    payers: KnownPayers, organization: Record | None, reference: Sourced[object] | None, names: Iterable[str]
) -> str | None:
    """Recognise a payer by identifier, then by name; by the reference's own when it leads nowhere."""
    identifiers: list[tuple[str, str]] = []
    found = list(names)
    if organization is not None and "names" in organization.fields:
        identifiers += [_split(each.value) for each in organization.many("identifiers")]
        found += [each.value for each in organization.many("names")]
    pointer = parse_reference(reference.value) if reference is not None else None
    if pointer is not None and pointer.identifier is not None:
        identifiers.append((pointer.identifier[0] or "", pointer.identifier[1]))
    return payers.recognise(identifiers, found)


def coverage(evidence: InsuranceEvidence, payers: KnownPayers, store: EvidenceStore) -> Coverage:
    """One insurance of the claim, with what its Coverage says where that was found."""
    insurance, found = evidence.insurance, evidence.coverage
    focal, prior = insurance.one("focal"), evidence.prior_result
    sequence, written = int(insurance.value("sequence") or 1), as_written(insurance.value("coverage"))
    result = Sourced(True, prior.origin) if prior is not None and _holds_result(prior) else None
    if found is None or "beneficiary" not in found.fields:
        return Coverage(sequence, insurance.origin, focal, resolved=False, written=written, prior_result=result)
    return Coverage(
        sequence,
        found.origin,
        focal,
        resolved=True,
        written=written,
        prior_result=result,
        status=found.one("status"),
        beneficiary=key_of(store, found, "beneficiary"),
        period=found.one("period"),
        payers=_payers_of(found, evidence.payers, payers, store),
        plans=found.many("plans"),
    )


def _payers_of(
    coverage: Record, organizations: Sequence[Record], payers: KnownPayers, store: EvidenceStore
) -> tuple[Sourced[str | None], ...]:
    """Each payor: by its Organization, else by the reference's identifier or its own display."""
    known = {each.located.key: each for each in organizations}
    payors, names = coverage.many("payors"), coverage.many("payor_names")
    displays = [(each.value,) for each in names] if len(names) == len(payors) else [()] * len(payors)
    return tuple(
        _payor(payers, each, store.resolve(each.value, coverage.located), known, display)
        for each, display in zip(payors, displays, strict=True)
    )


def _payor(
    payers: KnownPayers,
    reference: Sourced[object],
    found: Located | None,
    known: Mapping[str, Record],
    display: Iterable[str],
) -> Sourced[str | None]:
    if found is None or found.key not in known:
        return Sourced(_payer(payers, None, reference, display), reference.origin)
    return Sourced(_payer(payers, known[found.key], None, ()), known[found.key].origin)


def _holds_result(response: Record) -> bool:
    decided = response.value("outcome") in DECIDED and response.value("decision") != "pending"
    return decided and response.value("status") == "active"


def _split(identifier: str) -> tuple[str, str]:
    system, _, value = identifier.rpartition("|")
    return system, value
