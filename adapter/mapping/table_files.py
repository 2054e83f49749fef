"""The form of ``tables/*.json``: the parts of FHIR's ConceptMap and ValueSet that are used.

https://hl7.org/fhir/R4/conceptmap.html, https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator


def _not_understood(_value: Any) -> None:
    raise ValueError("is not understood here; list the codes that are meant")


NotUnderstood = Annotated[None, BeforeValidator(_not_understood)]
"""An element of FHIR that would change what a table means."""
SAME = frozenset(["equal", "equivalent"])
"""What says that both codes mean one thing, of R4's ``equivalence`` and of R5's ``relationship``."""
NO_MEANING = frozenset(["unmatched", "disjoint", "not-related-to"])
"""What says that a code does not mean the target. https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html"""


class ConceptMapTarget(BaseModel):
    code: str | None = None
    equivalence: str = "equivalent"
    relationship: str | None = None
    depends_on: NotUnderstood = Field(default=None, alias="dependsOn")

    @property
    def kind(self) -> str:
        return self.relationship or self.equivalence

    @model_validator(mode="after")
    def has_a_code_where_it_means_one(self) -> ConceptMapTarget:
        if self.code is None and self.kind not in NO_MEANING:
            raise ValueError("a target without code")
        return self


class ConceptMapElement(BaseModel):
    code: str
    target: list[ConceptMapTarget] = []

    @property
    def means(self) -> list[str]:
        """The codes of the closest targets: one, or several and nothing to choose by."""
        meant = [each for each in self.target if each.code is not None and each.kind not in NO_MEANING]
        closest = [each for each in meant if each.kind in SAME] or meant
        return sorted({str(each.code) for each in closest})


class ConceptMapGroup(BaseModel):
    source: str | None = None
    target: str
    element: list[ConceptMapElement]
    unmapped: NotUnderstood = None


class ValueSetConcept(BaseModel):
    code: str


class ValueSetInclude(BaseModel):
    system: str
    concept: list[ValueSetConcept]
    value_set: NotUnderstood = Field(default=None, alias="valueSet")


class ValueSetCompose(BaseModel):
    include: list[ValueSetInclude]
    exclude: NotUnderstood = None


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
