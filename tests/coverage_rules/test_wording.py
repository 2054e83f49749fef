"""Numbers are said as people say them, and every outcome that stands against a line says what to do."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import yaml

from adapter.coverage.wording import counted
from adapter.layers import shipped_mappings

FIXES = [
    pytest.param(outcome["fix"], id=f"{path.parent.name}/{path.stem}: {name}")
    for path in sorted(shipped_mappings().glob("policies/*/*.yaml"))
    for name, outcome in (yaml.safe_load(path.read_text(encoding="utf-8")).get("outcomes") or {}).items()
]
# A fix that asks nothing of anybody says so: "No action ...".
ACTIONS = re.compile("Ask|Attach|Bill|Check|Correct|Explain|Identify|Name|No action|Point|Record|Say|Send|Wait")


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 units"), (1, "1 unit"), (2, "2 units"), (Decimal("1.5"), "1.5 units")]
)
def test_one_is_singular(number: int | Decimal, said: str) -> None:
    assert counted(number, "unit") == said


@pytest.mark.parametrize("fix", FIXES)
def test_what_to_fix_begins_with_what_to_do(fix: str) -> None:
    assert ACTIONS.match(fix)
