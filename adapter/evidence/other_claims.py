"""What the store tells of other claims: responses on file, who replaces whom, and who comes first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from adapter.evidence.references import Pointer
from adapter.evidence.store import EvidenceStore, Located
from adapter.mapping.mapper import Records
from adapter.mapping.record import Record
from adapter.session.model import Settlement
from adapter.session.time import instant_or_last

SETTLEMENT_OF = {
    "complete": Settlement.FINAL,
    "partial": Settlement.OPEN,
    "queued": Settlement.OPEN,
    "error": Settlement.REJECTED,
}
"""How far a claim has come by ``ClaimResponse.outcome``."""
FURTHER = [Settlement.UNKNOWN, Settlement.REFUSED, Settlement.REJECTED, Settlement.OPEN, Settlement.FINAL]
"""Settlements in the order in which a claim comes to them."""

Turn = tuple[datetime, int, datetime, str]


def furthest(*settlements: Settlement) -> Settlement:
    """The one that is furthest along; unknown when there is none."""
    return max(settlements, key=FURTHER.index, default=Settlement.UNKNOWN)


def settlement(response: Record) -> Settlement:
    """How far a response brings its claim; a pended one is open, also where its outcome is ``complete``."""
    found = SETTLEMENT_OF.get(str(response.value("outcome")), Settlement.UNKNOWN)
    pended = found is Settlement.FINAL and response.value("decision") == "pending"
    return Settlement.OPEN if pended else found


@dataclass
class OtherClaims:
    """Looks at claims beside the one that is decided; ``identifier_system`` tells our own answers from others'."""

    store: EvidenceStore
    mapper: Records
    identifier_system: str
    in_scope: Callable[[Located], bool]
    _originals: dict[str, list[Located]] = field(default_factory=dict)
    _lineages: dict[str, frozenset[str]] = field(default_factory=dict)
    _turns: dict[Located, Turn] = field(default_factory=dict)

    def own_response(self, claim: Located) -> Located | None:
        """Our earlier answer to a claim."""
        return next((each for each in self._responses.get(claim.key, []) if self._is_own(each)), None)

    def on_file(self, key: str) -> Settlement:
        """How far a claim has come by somebody else's response."""
        found = [self.mapper.record(each) for each in self._responses.get(key, []) if not self._is_own(each)]
        return furthest(*(settlement(each) for each in found if each.value("status") == "active"))

    def originals(self, claim: Located) -> list[Located]:
        """The claims that a claim replaces (Claim.related, ``prior``), as far as they are at hand."""
        if claim.key not in self._originals:
            self._originals[claim.key] = replaced_claims(self.mapper.record(claim), self.store)
        return self._originals[claim.key]

    def successors(self, claim: Located) -> list[Located]:
        """The claims that replace this one, in the order they are decided."""
        return self._successors.get(claim.key, [])

    def reached(self, claim: Located, through: Callable[[Located], bool]) -> frozenset[str]:
        """The keys of the claims it replaces, of those that they replace, and so on through links that hold."""
        found: set[str] = set()
        waiting = [claim]
        while waiting:
            new = [each for each in self.originals(waiting.pop()) if each.key not in found]
            found |= {each.key for each in new}
            waiting += filter(through, new)
        return frozenset(found)

    def lineage(self, claim: Located) -> frozenset[str]:
        """The keys of all claims it says it replaces, at any remove; its own where the chain comes back to it."""
        if claim.key not in self._lineages:
            self._lineages[claim.key] = self.reached(claim, lambda _link: True)
        return self._lineages[claim.key]

    def precedes(self, other: Located, claim: Located) -> bool:
        """Whether the other claim is decided first: it was created before, or the claim replaces it.

        One order for all claims: of two created together the one with the lesser id comes first.
        """
        return self._turn(other) < self._turn(claim)

    def first(self, claim: Located) -> list[Located]:
        """What is decided before a claim: those it replaces and the patient's that precede it, in their order."""
        turn, beside = self._turn(claim), self._of_patient.get(self.store.subject_key(claim) or "", [])
        before = beside[: bisect_left(beside, turn, key=self._turn)]
        if not self.originals(claim):
            return before
        originals = (each for each in self.originals(claim) if self.in_scope(each) and self._turn(each) < turn)
        return sorted({each.key: each for each in (*originals, *before)}.values(), key=self._turn)

    def _turn(self, claim: Located) -> Turn:
        """Its place in the order: after everything that it replaces, whenever that was created."""
        turn = self._turns.get(claim)
        if turn is None:
            replaced = [found for key in self.lineage(claim) if (found := self.store.get(key)) is not None]
            latest = max(map(self._created, [claim, *replaced]))
            turn = self._turns[claim] = (latest, len(self.lineage(claim)), self._created(claim), claim.key)
        return turn

    def _created(self, claim: Located) -> datetime:
        return instant_or_last(self.mapper.record(claim).value("created"))

    @cached_property
    def _responses(self) -> Mapping[str, list[Located]]:
        found: dict[str, list[Located]] = {}
        for each in self.store.all("ClaimResponse"):
            found.setdefault(self.store.key_of(each.resource.get("request"), each) or "", []).append(each)
        return found

    @cached_property
    def _successors(self) -> Mapping[str, list[Located]]:
        found: dict[str, list[Located]] = {}
        claims = [each for each in self.store.all("Claim") if "related" in each.resource]
        for each in sorted(claims, key=self._turn):
            for original in self.originals(each):
                found.setdefault(original.key, []).append(each)
        return found

    @cached_property
    def _of_patient(self) -> Mapping[str, list[Located]]:
        """The claims in scope of each patient, in their order."""
        found: dict[str, list[Located]] = {}
        for each in self.store.all("Claim"):
            if self.in_scope(each):
                found.setdefault(self.store.subject_key(each) or "", []).append(each)
        for several in found.values():
            several.sort(key=self._turn)
        return found

    def _is_own(self, response: Located) -> bool:
        identifiers = response.resource.get("identifier")
        several = identifiers if isinstance(identifiers, list) else [identifiers]
        return any(isinstance(each, dict) and each.get("system") == self.identifier_system for each in several)


def replaced_claims(claim: Record, store: EvidenceStore) -> list[Located]:
    """The claims that a claim replaces (Claim.related, ``prior``), as far as they are at hand."""
    found = (related_claim(each, store) for each in claim.group("related") if _is_prior(each))
    return [each for each in found if each is not None]


def related_claim(related: Record, store: EvidenceStore) -> Located | None:
    """The claim that ``Claim.related`` names: by reference, else by its number where exactly one claim has it."""
    holder = related.located
    found = store.resolve(related.value("claim"), holder)
    number = related.value("reference")
    if found is None and number is not None:
        found = store.follow(Pointer(written="by number", identifier=(None, number), kind="Claim"), holder)
    return found if found is not None and found.kind == "Claim" else None


def _is_prior(related: Record) -> bool:
    return any(each.value.code == "prior" for each in related.many("relationship"))
