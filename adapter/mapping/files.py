"""The form of the files under ``mappings/``: what may stand in them, and nothing else.

An unknown key, a missing one or a value of another type is a fault with a line, and stops the start.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from adapter.errors import ConfigurationError
from adapter.mapping.day import Day
from adapter.mapping.wording import faults_of
from adapter.yaml_lines import Lined

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], lined: Lined) -> Model:
    """``lined`` as ``model``; raises ConfigurationError with a line for each fault."""
    try:
        return model.model_validate(lined.data)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, lined)) from error


class Strict(BaseModel):
    """A part of a file: an unknown key is a fault, and so is a value of a related type (true is no 1)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _says_something(words: str) -> str:
    if re.search(r"[^\W_]", words) is None:
        raise ValueError("holds no letter or digit, so it would be found everywhere or nowhere")
    return words


Words = Annotated[str, AfterValidator(_says_something)]
"""Words that something is recognised by."""


def _in_plain_letters(name: str) -> str:
    if re.search(r"[a-z0-9]", name.casefold()) is None:
        raise ValueError("holds no letter from a to z and no digit, which names are compared by")
    return name


Name = Annotated[str, AfterValidator(_in_plain_letters)]
"""A name of a payer, or a part of one."""


TRANSLATED = ("coding", "text")
"""The types that a table can translate."""


class FieldFile(Strict):
    path: str | list[str]
    kind: Literal[
        "text",
        "boolean",
        "number",
        "integer",
        "instant",
        "period",
        "date",
        "minutes",
        "money",
        "coding",
        "reference",
        "present",
    ] = Field(alias="as")
    table: str | None = None
    listed_only: bool = False
    """Drop codes that the table lacks, where they would mean something else."""

    @model_validator(mode="after")
    def has_a_table_for_what_it_can_translate(self) -> FieldFile:
        if self.table is not None and self.kind not in TRANSLATED:
            raise ValueError(f"a table translates {' or '.join(TRANSLATED)}, not {self.kind}")
        if self.listed_only and self.table is None:
            raise ValueError("listed_only without a table that lists something")
        return self


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
    """A place that states how long the session was; ``value`` leads to a Duration or Quantity of time.

    Without a link to the session the length of any other visit of the patient would count.
    """

    linked_by: list[str] = Field(min_length=1)
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
    dependents: dict[str, dict[str, list[str]]] = {}
    include: dict[str, list[str]] = {}


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
    names: list[Name] = []
    name_parts: list[Name] = []
    not_names: list[Name] = []
    policies: list[str] = []
    note: str = ""


CredentialCode = Annotated[str, StringConstraints(pattern=r"^[^|]*\|[^|\s]+$")]
"""``system key|code``; without a key, a coding of a system that nobody knows."""


class CredentialFile(Strict):
    """How one kind of credential is recognised; ``codes`` are ``system key|code``.

    ``confirmed_by`` are issuers that bear out the words of a title and recognise nothing by themselves.
    """

    title: str
    codes: list[CredentialCode] = []
    texts: list[Words] = []
    issuers: list[Words] = []
    confirmed_by: list[Words] = []


class CredentialsFile(Strict):
    name: Literal["credentials"] = Field(alias="list")
    source: str
    edition: str
    checked: Day
    doubts: list[Words] = []
    """Words that deny a credential or put it in the future, whatever else is said."""
    kinds: dict[str, CredentialFile]
