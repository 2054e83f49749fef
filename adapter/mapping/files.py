"""The form of the files under ``mappings/``: what may stand in them, and nothing else.

An unknown key, a missing one or a value of another type is a fault with a line, and stops the start.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.yaml_lines import Lined

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], lined: Lined) -> Model:
    """``lined`` as ``model``; raises ConfigurationError with a line for each fault."""
    try:
        return model.model_validate(lined.data)
    except ValidationError as error:
        raise ConfigurationError([_fault(lined, each) for each in error.errors()]) from error


def _fault(lined: Lined, error: Any) -> ConfigurationFault:
    path = [step for step in error["loc"] if isinstance(step, int | str)]
    name = ".".join(str(step) for step in path)
    return lined.fault(f"{name}: {error['msg']}" if name else str(error["msg"]), path)


class Strict(BaseModel):
    """A part of a file: an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldFile(Strict):
    path: str | list[str]
    kind: Literal[
        "text",
        "boolean",
        "number",
        "integer",
        "moment",
        "period",
        "days",
        "minutes",
        "money",
        "coding",
        "reference",
        "present",
    ] = Field(alias="as")
    table: str | None = None
    listed_only: bool = False
    """Drop codes that the table lacks, where they would mean something else."""


class GroupFile(Strict):
    path: str
    fields: dict[str, FieldFile]


class VariablesFile(Strict):
    """Pieces of FHIRPath with a name: ``%name`` in an expression stands for the piece, in parentheses."""

    variables: dict[str, str]


class ResourceFile(Strict):
    resource: str
    fields: dict[str, FieldFile]
    groups: dict[str, GroupFile] = {}


class PlaceFile(Strict):
    resource: str
    where: str
    linked_by: list[str] = []


class ElementFile(Strict):
    label: str
    found_in: list[PlaceFile]


class LengthFile(PlaceFile):
    """A place that states how long the session was; ``value`` leads to a Duration or Quantity of time."""

    value: str


class DocumentationFile(Strict):
    note: list[PlaceFile]
    elements: dict[str, ElementFile]
    minutes: list[LengthFile] = []


class CoachSearchFile(Strict):
    by: str
    code: str
    date: str


class EvidenceFile(Strict):
    follow: dict[str, list[str]]
    search: dict[str, str]
    by_practitioner: dict[str, str] = {}
    identified_as: dict[str, list[str]] = {}
    sessions_of_coach: dict[str, CoachSearchFile] = {}


class SystemFile(Strict):
    preferred: str
    accepted: list[str] = []


class CodeSystemsFile(Strict):
    systems: dict[str, SystemFile]


class PayerIdentifier(Strict):
    system: str
    value: str


class PayerFile(Strict):
    payer: str
    title: str
    identifiers: list[PayerIdentifier] = []
    names: list[str] = []
    name_parts: list[str] = []
    not_names: list[str] = []
    policies: list[str] = []
    note: str = ""


class CredentialFile(Strict):
    """How one kind of credential is recognised; ``codes`` are ``system key|code``.

    ``confirmed_by`` are issuers that bear out the words of a title and recognise nothing by themselves.
    """

    title: str
    codes: list[str] = []
    texts: list[str] = []
    issuers: list[str] = []
    confirmed_by: list[str] = []


class CredentialsFile(Strict):
    name: Literal["credentials"] = Field(alias="list")
    source: str
    edition: str
    checked: date
    doubts: list[str] = []
    """Words that deny a credential or put it in the future, whatever else is said."""
    kinds: dict[str, CredentialFile]


class CodeEntry(Strict):
    """One code of a dated list; ``start`` and ``end`` are inclusive, absent when open or older than any decision."""

    meaning: str = ""
    system: str | None = None
    start: date | None = None
    end: date | None = None
    kind: str | None = None
    scope: bool = False
    individual: bool | None = None
    unit_minutes: int | None = None
    note: str = ""
    alert: bool = False
    needs_remark: bool = False
    groups: list[str] = []
    place_class: str | None = Field(default=None, alias="class")


class CodeListFile(Strict):
    name: str = Field(alias="list")
    source: str
    edition: str
    checked: date
    codes: dict[str, CodeEntry]


class ConceptMapTarget(BaseModel):
    code: str


class ConceptMapElement(BaseModel):
    code: str
    target: list[ConceptMapTarget] = []


class ConceptMapGroup(BaseModel):
    source: str | None = None
    target: str
    element: list[ConceptMapElement]


class ValueSetConcept(BaseModel):
    code: str


class ValueSetInclude(BaseModel):
    system: str
    concept: list[ValueSetConcept]


class ValueSetCompose(BaseModel):
    include: list[ValueSetInclude]


class ValueSetFile(BaseModel):
    """A FHIR ValueSet that lists its codes; a field with this table keeps these codes and drops others."""

    resourceType: Literal["ValueSet"]  # noqa: N815 - FHIR's name
    id: str
    compose: ValueSetCompose


class ConceptMapFile(BaseModel):
    """The part of a FHIR ConceptMap that is used; the rest of the resource may say what it likes."""

    resourceType: Literal["ConceptMap"]  # noqa: N815 - FHIR's name
    id: str
    group: list[ConceptMapGroup] = []


class ReasonCodesFile(Strict):
    name: Literal["reason-codes"] = Field(alias="list")
    source: str
    edition: str
    checked: date
    carc: dict[str, CodeEntry]
    rarc: dict[str, CodeEntry]


class NcciPair(Strict):
    column_one: str
    column_two: str
    modifier_indicator: Literal[0, 1]


class NcciUnits(Strict):
    units: int
    mai: int


class NcciFile(Strict):
    name: Literal["ncci"] = Field(alias="list")
    source: str
    edition: str
    checked: date
    start: date
    pairs: list[NcciPair]
    mue: dict[str, NcciUnits]
