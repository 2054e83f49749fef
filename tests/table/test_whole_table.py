"""The whole edge-case table at the level of FHIR: each row a Bundle, each answer read from what goes back."""

from __future__ import annotations

import pytest
from table.judge import Row, judged, shown
from table.plans import TERMS, with_plans
from table.rows import TABLE


def _marked(row: Row) -> object:
    marks = pytest.mark.xfail(strict=True, reason=row.differs) if row.differs else ()
    return pytest.param(row, id=row.id, marks=marks)


@pytest.mark.parametrize("row", [_marked(each) for each in TABLE])
def test_row(row: Row) -> None:
    actual, faults = judged(row)
    assert not faults, " -> ".join(shown(row, actual))


def test_every_row_of_the_table_is_here() -> None:
    assert {int(each.number) for each in TABLE if each.number.isdigit()} - {0} == set(range(1, 97))


def test_no_two_cases_have_one_name() -> None:
    names = [each.id for each in TABLE]
    assert len(names) == len(set(names))


def test_two_plans_may_each_state_one_value_of_a_rule() -> None:
    """An overlay takes over the values it does not state itself (adapter/policy/files.py, PolicyFile)."""
    book = with_plans(brief=True).book
    assert {f"plan-{plan}" for plan in TERMS} <= set(book.policies)
