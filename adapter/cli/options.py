"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="A table for people, or JSON for machines.")]
TrustOption = Annotated[
    bool, typer.Option("--trust-structure", help="Validate no resource: for data that was validated before.")
]
