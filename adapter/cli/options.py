"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="A table for people, or JSON for machines.")]
MappingsOption = Annotated[
    list[Path] | None,
    typer.Option("--mappings", help="Folder of your own mappings, laid over those of the package; may be repeated."),
]
VersionOption = Annotated[str, typer.Option("--fhir-version", help="auto, R4, R4B or R5.")]
LenientOption = Annotated[
    bool, typer.Option("--lenient", help="Elements that FHIR does not know are noted in the answer; other faults stay.")
]
TrustOption = Annotated[
    bool, typer.Option("--trust-structure", help="Validate no resource: for data that was validated before.")
]
