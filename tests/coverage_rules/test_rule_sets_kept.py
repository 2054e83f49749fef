"""Rule sets are kept by payer, span of days and overlays: never by a day, a plan or a code of some patient's claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from adapter.policy.book import CODES, PolicyBook, RuleSet
from adapter.policy.layering import latest


def values(rules: RuleSet, on: date) -> dict[tuple[str, str], object]:
    return {
        (name, each): latest(series.dated, on)
        for name, rule in rules.rules.items()
        for each, series in rule.file.values.items()
    }


@pytest.mark.parametrize("payer", ["cigna", "medicare", "aetna", None])
def test_a_kept_set_says_what_a_new_one_says_on_both_sides_of_every_change(book: PolicyBook, payer: str | None) -> None:
    days = [each + timedelta(days=beside) for each in book._changes for beside in (-1, 0, 1)]
    assert days
    for day in days:
        kept, new = book.in_force(payer, day), replace(book).in_force(payer, day)
        assert kept.on is not None
        assert values(kept, kept.on) == values(new, day), day
        assert (kept.label, kept.decides, kept.not_yet, kept.ended) == (new.label, new.decides, new.not_yet, new.ended)


def test_between_two_changes_it_is_the_same_set(book: PolicyBook) -> None:
    for first, after in pairwise(book._changes):
        last = after - timedelta(days=1)
        assert book.in_force("cigna", first) is book.in_force("cigna", last)
        assert book.in_force("cigna", last) is not book.in_force("cigna", after)


def test_plans_that_no_overlay_names_are_not_kept(book: PolicyBook) -> None:
    fresh = replace(book)
    kept = {id(fresh.in_force("cigna", date(2023, 6, 1), {f"group {each}"}, None)) for each in range(50)}
    assert len(kept) == len(fresh._sets) == 1


def test_codes_beside_ours_are_kept_up_to_a_number(book: PolicyBook) -> None:
    rules = replace(book).in_force("cigna", date(2023, 6, 1))
    for each in range(CODES + 10):
        rules.terms(f"{each:05}", book.codes)
    assert len(rules._terms) == CODES
