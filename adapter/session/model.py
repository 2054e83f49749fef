"""The coaching session: all that a coverage rule may know about one claim line.

No FHIR type, no name, no member number. A value that was read from a resource is a ``Sourced``: it carries the
versioned reference of the resource and the FHIRPath it was read by, so that every finding can say where its facts come
from. ``None`` means *not recorded*, which is never the same as zero, false or absent-by-choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

from adapter.session.time import Days, Interval, Moment
from adapter.values import value

T_co = TypeVar("T_co", covariant=True)


@value(frozen=True, slots=True)
class Origin:
    """Where a value was read: ``Encounter/1/_history/3`` and ``Encounter.period.start``."""

    resource: str
    path: str

    def __str__(self) -> str:
        return f"{self.resource} {self.path}"


def addressed(key: str) -> bool:
    """Whether a key is an address at all: a reference of mere words leads nowhere."""
    return "/" in key or ":" in key or " by identifier " in key


def comparable(key: str) -> bool:
    """Whether a key is of a resource on file: one contained, by a number only, or no address may be anyone."""
    return addressed(key) and "#" not in key and " by identifier " not in key


@value(frozen=True, slots=True)
class Sourced(Generic[T_co]):
    """A value and where it was read."""

    value: T_co
    origin: Origin


@value(frozen=True, slots=True)
class Code:
    """A coding whose system was looked up in ``mappings/tables/code-systems.yaml``.

    ``system`` is our short key (``CPT``, ``HCPCS``, ``ICD-10-CM``, ``POS`` ...), None when the coding has no system or
    one the table lacks. ``written_as`` is the system as written where it was not the preferred one.
    """

    code: str
    system: str | None = None
    written_as: str | None = None

    def is_of(self, system: str) -> bool:
        """Whether it is of a system, or of the one that its element is bound to, as none is written."""
        return self.system == system or (self.system is None and self.written_as is None)

    def __str__(self) -> str:
        return self.code


@value(frozen=True, slots=True)
class Money:
    """An amount; ``currency`` is None when the sender left it out."""

    amount: Decimal
    currency: str | None = None


@value(frozen=True)
class Diagnosis:
    """A diagnosis of the claim; ``known`` and ``billable`` by the packaged ICD-10-CM edition, None: not looked up."""

    sequence: int
    codes: tuple[Sourced[Code], ...]
    origin: Origin
    known: bool | None = None
    billable: bool | None = None
    written: str = ""
    """The reference to a Condition as written, where it leads nowhere."""
    unresolved: bool = False
    """It refers to a Condition that cannot be found."""

    @cached_property
    def icd10cm(self) -> str | None:
        """The ICD-10-CM code; None also where there are several different ones and nothing to choose by."""
        found = self.all_icd10cm
        return found[0] if len(found) == 1 else None

    @cached_property
    def all_icd10cm(self) -> tuple[str, ...]:
        """The different ICD-10-CM codes of the one diagnosis."""
        return icd10cm_codes(self.codes)


def icd10cm_codes(codes: Iterable[Sourced[Code]]) -> tuple[str, ...]:
    """The different ICD-10-CM codes among codings."""
    return tuple(dict.fromkeys(each.value.code for each in codes if each.value.system == "ICD-10-CM"))


@value(frozen=True, slots=True)
class ClaimLine:
    """One Claim.item; https://hl7.org/fhir/R4/claim-definitions.html#Claim.item."""

    sequence: int
    origin: Origin
    services: tuple[Sourced[Code], ...]
    """Every coding of productOrService that carries a code."""
    named_in_text: Sourced[str] | None
    """One of our codes that only the text or display names; never read as a code."""
    modifiers: tuple[Sourced[Code], ...]
    quantity: Sourced[Decimal] | None
    unit_price: Sourced[Money] | None
    factor: Sourced[Decimal] | None
    net: Sourced[Money] | None
    serviced: Sourced[Days] | None
    """Date or days of service: the line's, else the claim's billable period."""
    serviced_inherited: bool
    places: tuple[Sourced[Code], ...]
    """Every coding of the place of service: the standard one, and what a site writes beside it."""
    diagnoses: tuple[Diagnosis, ...]
    """Those the line points to; all of the claim's when it points to none."""
    points_to_diagnoses: bool
    dangling_pointers: tuple[int, ...] = ()
    modifiers_without_code: tuple[Sourced[bool], ...] = ()
    """Modifiers that are text only: something is meant, and nobody can tell what."""
    narrative_on_file: Sourced[bool] | None = None
    visits: tuple[str, ...] = ()
    """Keys of the encounters that the line names."""


@value(frozen=True, slots=True)
class Encounter:
    """The visit; ``classes`` of v3-ActCode (R5 may have several), ``length`` in minutes, to the whole second."""

    origin: Origin
    status: Sourced[str] | None
    classes: tuple[Sourced[Code], ...]
    period: Sourced[Interval] | None
    length: Sourced[Decimal] | None
    length_unit_unknown: Sourced[str] | None
    for_group: Sourced[bool] | None
    patient: Sourced[str] | None
    service_codes: tuple[Sourced[Code], ...] = ()
    modality: Sourced[Code] | None = None
    """``virtual`` where the record says so. None: not recorded, for no class proves that people met in person."""
    other_lengths: tuple[Sourced[Decimal], ...] = ()
    """What further documents of the session state, where that differs from ``length``: nothing chooses between them."""
    length_unclear: Sourced[bool] | None = None
    """A length is stated, and nobody can tell which: with a comparator, below zero, or in a wrong shape."""


@value(frozen=True, slots=True)
class Procedure:
    """What was performed; where there is one, it is the session and the Encounter is the visit around it."""

    origin: Origin
    status: Sourced[str] | None
    performed: Sourced[Interval] | None
    performed_at: Sourced[Moment] | None
    """A single dateTime instead of a period: a day or a start, never a length."""
    patient: Sourced[str] | None
    for_group: Sourced[bool] | None = None
    service_codes: tuple[Sourced[Code], ...] = ()


@value(frozen=True, slots=True)
class Visit:
    """The evidence of one line's session. ``rivals`` names candidates nothing chooses between."""

    encounter: Encounter | None = None
    procedure: Procedure | None = None
    rivals: tuple[Origin, ...] = ()
    unresolved: tuple[Sourced[str], ...] = ()
    """References that lead nowhere, as written."""
    ignored: tuple[Origin, ...] = ()
    """Evidence entered in error."""


@value(frozen=True, slots=True)
class SessionTime:
    """When the session was: of the Procedure when it has a period, else of the Encounter.

    ``days`` are the calendar days it can be said to be on, the certain one first; each further day has its reason.
    """

    interval: Sourced[Interval] | None = None
    days: tuple[tuple[date, str], ...] = ()


@value(frozen=True, slots=True)
class Credential:
    """A qualification; ``kind`` is a key of ``mappings/codes/credentials.yaml``, None when no entry matches."""

    kind: Sourced[str] | None
    period: Sourced[Days] | None
    origin: Origin
    described: bool = True
    """False when the element says neither what it is nor who issued it."""
    doubted: bool = False
    """Its words deny it or put it in the future: no credential, and no proof that there is none."""
    words_alone: bool = False
    """Neither a code nor an issuer bears out the words that it is recognised by."""


@value(frozen=True, slots=True)
class Person:
    """Someone who takes part in the care; ``key`` is the resource's reference, never a name."""

    key: str
    origin: Origin
    credentials: tuple[Credential, ...] = ()
    taxonomies: tuple[Sourced[Code], ...] = ()
    organizations: tuple[Sourced[str], ...] = ()
    """Keys of the organizations that the person has a role at."""
    resolved: bool = True
    """False when the reference leads nowhere: nothing is known about the person."""


@value(frozen=True, slots=True)
class Coverage:
    """One insurance of the claim and its Coverage; ``payers`` are keys of ``mappings/payers``, None: not recognised."""

    sequence: int
    origin: Origin
    focal: Sourced[bool] | None
    resolved: bool
    status: Sourced[str] | None = None
    beneficiary: Sourced[str] | None = None
    period: Sourced[Days] | None = None
    payers: tuple[Sourced[str | None], ...] = ()
    plans: tuple[Sourced[str], ...] = ()
    written: str = ""
    """The reference as written, where it leads nowhere."""
    prior_result: Sourced[bool] | None = None
    """A ClaimResponse of this insurance is attached."""


class Settlement(StrEnum):
    """How far another claim has come: what a duplicate or a replacement depends on."""

    OPEN = "open"
    FINAL = "final"
    REJECTED = "rejected"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def processed(self) -> bool:
        """False where it was turned away: nothing was decided, and nothing is billed by it."""
        return self not in (Settlement.REJECTED, Settlement.REFUSED)


@value(frozen=True, slots=True)
class PriorService:
    """A service of the same patient on file: on a line of a claim, or as a Procedure or Encounter."""

    code: str
    day: date
    origin: Origin
    claim: str | None = None
    line: int | None = None
    provider: str | None = None
    modifiers: tuple[str, ...] = ()
    quantity: Decimal | None = None
    visits: tuple[str, ...] = ()
    """Keys of the encounters that its line names."""
    identifiers: tuple[str, ...] = ()
    """Identifiers of the claim it stands on, as ``system|value``."""
    settlement: Settlement = Settlement.UNKNOWN
    earlier: bool = False
    """Its claim comes before the one that is decided: by its creation, or because that one replaces it."""
    tied: bool = False
    """One of the two claims stands in the place of the other: never both are paid."""
    denied: bool = False
    """Its line was denied here."""
    called_off: bool = False
    """The record of its line says that the session did not take place."""


@value(frozen=True, slots=True)
class Documentation:
    """What the record holds of the session's note; ``elements`` are keys of ``mappings/r4/documentation.yaml``."""

    note_on_file: Sourced[bool] | None = None
    elements: tuple[Sourced[str], ...] = ()


@value(frozen=True, slots=True)
class Related:
    """Claim.related: ``claim`` is the key of the other claim, ``settlement`` how far that one has come."""

    origin: Origin
    relationship: str | None
    claim: str | None
    identified: bool
    """A claim reference or an identifier is there, whether or not it leads anywhere."""
    settlement: Settlement = Settlement.UNKNOWN


@value(frozen=True, slots=True)
class ClaimFacts:
    """What all lines of a claim share."""

    id: str
    origin: Origin
    status: Sourced[str] | None
    use: Sourced[str] | None
    created: Sourced[Moment] | None
    patient: Sourced[str] | None
    provider: Sourced[str] | None
    identifiers: tuple[Sourced[str], ...]
    insurer: Sourced[str | None] | None
    """The payer the claim is addressed to: a payer key, or None inside when not recognised."""
    coverages: tuple[Coverage, ...]
    diagnoses: tuple[Diagnosis, ...]
    total: Sourced[Money] | None
    nets: tuple[Money | None, ...]
    related: tuple[Related, ...] = ()
    sequences: tuple[int, ...] = ()
    """Numbers of the lines, in the order of the claim."""
    hospitalized: tuple[Sourced[Days], ...] = ()
    """Hospital stays that the claim's supporting information names."""


@value(frozen=True)
class CoachingSession:
    """One claim line with everything that speaks about it: the only input of a rule besides the policy."""

    claim: ClaimFacts
    line: ClaimLine
    visit: Visit
    service_date: date | None
    """The date of service that codes, coverage and policy are looked up by; the first of several days."""
    time: SessionTime
    renderers: tuple[Person, ...]
    supervisors: tuple[Person, ...]
    documentation: Documentation
    history: tuple[PriorService, ...]
    elsewhere: tuple[Interval, ...] = ()
    """Sessions of the same coach with other patients that overlap this one; nothing else is told of them."""
    state: Sourced[str] | None = None
    """The state the session took place in, for rules of a state."""

    @cached_property
    def service_date_origin(self) -> Origin:
        """Where the date of service was read: the line, the claim, or the visit."""
        if self.line.serviced is not None:
            return self.line.serviced.origin
        return self.time.interval.origin if self.time.interval is not None else self.line.origin

    @cached_property
    def code_origin(self) -> Origin:
        """Where the service code was read."""
        return self.line.services[0].origin if self.line.services else self.line.origin

    @cached_property
    def key(self) -> str:
        """The key of the claim, as other claims know it."""
        return f"Claim/{self.claim.id}"

    @cached_property
    def code(self) -> str | None:
        """The service code when the line carries exactly one of a known system."""
        codes = {each.value.code for each in self.line.services if each.value.system in ("CPT", "HCPCS")}
        return codes.pop() if len(codes) == 1 else None

    @cached_property
    def coverage(self) -> Coverage | None:
        """The focal coverage, or the only one."""
        focal = [each for each in self.claim.coverages if each.focal is not None and each.focal.value]
        chosen = focal or list(self.claim.coverages)
        return chosen[0] if len(chosen) == 1 else None
