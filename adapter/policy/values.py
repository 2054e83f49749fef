"""The types of policy values: what a rule says it looks up, and what the loader holds every file against.

A code that no table lists switches a check off without a word, so it is a fault. The types that name a table are
validated with the codes of each table as pydantic's context.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, StringConstraints, ValidationInfo

from adapter.mapping.code_files import ModifierKind, Setting
from adapter.mapping.day import Day

__all__ = ["Day", "ModifierKind", "Setting"]

SERVICE_CODE, CREDENTIAL_KIND = "service code", "credential kind"
"""The tables a type can name, as messages call their entries."""


def _listed(table: str) -> AfterValidator:
    def known(code: str, info: ValidationInfo) -> str:
        tables: Mapping[str, Collection[str]] = info.context or {}
        if code not in tables[table]:
            raise ValueError(f"{table} {code} is in no table")
        return code

    return AfterValidator(known)


def _diagnosis_range(written: str) -> str:
    first, dash, last = written.partition("-")
    if dash and not (_CATEGORY.fullmatch(first) and _CATEGORY.fullmatch(last) and first <= last):
        raise ValueError(f"{written} is no range of ICD-10-CM categories, such as F01-F99")
    if not dash and not _PREFIX.fullmatch(written):
        raise ValueError(f"{written} is not how an ICD-10-CM code begins, such as O99.34")
    return written


_CATEGORY = re.compile(r"[A-Z][0-9][0-9AB]")
_PREFIX = re.compile(r"[A-Z][0-9][0-9AB](\.[0-9A-Z]{0,4})?")

ServiceCode = Annotated[str, _listed(SERVICE_CODE)]
"""A code of ``codes/service-codes.yaml``."""
CredentialKind = Annotated[str, _listed(CREDENTIAL_KIND)]
"""A kind of ``codes/credentials.yaml``."""
EncounterClass = Literal["AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "OBSENC", "PRENC", "SS", "VR"]
"""A class of v3-ActCode; https://hl7.org/fhir/R4/v3/ActEncounterCode/vs.html."""
DiagnosisRange = Annotated[str, AfterValidator(_diagnosis_range)]
"""Categories of ICD-10-CM from one to another (``F01-F99``), or how a code begins (``O99.34``)."""
Taxonomy = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{9}X$")]
"""A code of the NUCC provider taxonomy."""
TaxonomyPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{3,10}$")]
"""How codes of the NUCC provider taxonomy begin; three characters name a group of providers."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""


def keyed_by_code(declared: Any) -> bool:
    """Whether a type is a map by code, which a policy above changes code by code and not as a whole."""
    return get_origin(declared) is dict and get_args(declared)[0] in (ServiceCode, EncounterClass)
