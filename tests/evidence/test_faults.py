"""One fault of one element is told once, though both the models and the mapping stumble over it."""

from __future__ import annotations

from typing import Any

import pytest
from table.judge import store_of
from table.plans import with_plans
from table.world import changed, put

from adapter.evidence.faults import Faults
from adapter.mapping.mapper import Mapper

LATE = "2023-06-01T24:00:00-04:00"


@pytest.mark.parametrize(
    ("kind", "path", "value", "expression"),
    [
        ("Procedure", "performedPeriod.end", LATE, "Procedure.performedPeriod.end"),
        ("Procedure", "performedPeriod.start", "2023-06-01T10:00:00", "Procedure.performedPeriod.start"),
        ("Encounter", "period.end", LATE, "Encounter.period.end"),
        ("Claim", "created", LATE, "Claim.created"),
        ("Claim", "item.0.servicedDate", "June", "Claim.item[0].servicedDate"),
    ],
)
def test_a_fault_is_told_once(kind: str, path: str, value: Any, expression: str) -> None:
    mappings = with_plans().mappings
    store = store_of(changed(put(kind, path, value)))
    faults = Faults(Mapper(mappings.resources, mappings.systems), lambda _located: mappings.version)
    (resource,) = (each for each in store.all(kind) if each.id in ("base", "base-proc", "base-enc"))
    assert [each.expression for each in faults.of(resource)] == [expression]
