"""The form of the dated code lists under ``mappings/codes``: services, modifiers, places, reasons, NCCI edits."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import (
    Field,
    PositiveInt,
    model_validator,
)

from adapter.mapping.day import Day
from adapter.mapping.files import Strict


class DatedCode(Strict):
    """One code of a dated list; ``start`` and ``end`` are inclusive, absent when open or older than any decision."""

    meaning: str = ""
    start: Day | None = None
    end: Day | None = None
    note: str = ""

    @model_validator(mode="after")
    def ends_after_its_start(self) -> DatedCode:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"ends on {self.end}, before it starts")
        return self


class ServiceEntry(DatedCode):
    """``scope``: it puts a claim in scope. ``individual``: it is for one patient; absent where that is unsaid."""

    system: str
    scope: bool = False
    individual: bool | None = None
    unit_minutes: PositiveInt | None = None


ModifierKind = Literal[
    "telehealth",
    "audio-only",
    "supervision-by-video",
    "group",
    "increased",
    "distinct",
    "repeat",
    "reduced",
    "education-level",
    "program",
    "state-defined",
    "liability",
]


class ModifierEntry(DatedCode):
    system: str
    kind: ModifierKind | None = None


Setting = Literal["outpatient", "inpatient", "telehealth", "unusual"]


class PlaceEntry(DatedCode):
    place_class: Setting | None = Field(default=None, alias="class")


class ReasonEntry(DatedCode):
    """``needs_remark``: a remark that is no alert stands beside it. ``document``: the remark asks for a document."""

    groups: list[str] = []
    needs_remark: bool = False
    alert: bool = False
    document: bool = False


Entry = TypeVar("Entry", bound=DatedCode)


class CodeListFile(Strict, Generic[Entry]):
    name: str = Field(alias="list")
    source: str
    edition: str
    checked: Day
    codes: dict[str, Entry]


class ReasonCodesFile(Strict):
    name: Literal["reason-codes"] = Field(alias="list")
    source: str
    edition: str
    checked: Day
    carc: dict[str, ReasonEntry]
    rarc: dict[str, ReasonEntry]


class NcciPair(Strict):
    column_one: str
    column_two: str
    modifier_indicator: Literal[0, 1]


class NcciUnits(Strict):
    """Most units of a code; ``mai`` 1: of a line, 2: of a day, whatever the modifier. Indicator 3 is not understood."""

    units: PositiveInt
    mai: Literal[1, 2]


class NcciFile(Strict):
    name: Literal["ncci"] = Field(alias="list")
    source: str
    edition: str
    checked: Day
    start: Day
    pairs: list[NcciPair]
    mue: dict[str, NcciUnits]
