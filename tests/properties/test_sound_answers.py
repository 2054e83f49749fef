"""What holds of every answer: each rule has spoken, and every reason code may be emitted the way it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.alterations import ROWS, Outcome, outcome_of, places, removed, world_of
from table.expected import CARC, codings
from table.judge import NOW
from table.plans import with_plans
from table.reason_codes import ABOUT_DOCUMENTS, ALERTS, NEEDS_REMARK

from adapter.coverage.finding import Determination
from adapter.layers import shipped_mappings

ON = date.fromisoformat(NOW[:10])


@cache
def listed() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, Any] = yaml.safe_load((shipped_mappings() / "codes" / "reason-codes.yaml").read_text())
    return {kind: found[kind] for kind in ("carc", "rarc")}


def reasons(outcome: Outcome) -> Iterator[tuple[set[str], set[str]]]:
    """CARC and RARC that stand together: those of one line, or of one error."""
    for answer in outcome.answers.values():
        response = answer.response or {}
        groups = [codings(each["code"]) for each in response.get("error", [])]
        for item in response.get("item", []):
            groups.append(
                [code for each in item["adjudication"] if "reason" in each for code in codings(each["reason"])]
            )
        for group in groups:
            yield {code for system, code in group if system == CARC}, {code for system, code in group if system != CARC}


def assert_sound(outcome: Outcome) -> None:
    assert not outcome.unanswered
    for carc, rarc in reasons(outcome):
        for kind, codes in (("carc", carc), ("rarc", rarc)):
            for each in codes:
                entry = listed()[kind][each]
                assert entry.get("start", ON) <= ON <= entry.get("end", ON), each
        if carc & NEEDS_REMARK:
            assert rarc - ALERTS - {"MA130"}, (carc, rarc)
        if "16" in carc:
            assert not rarc & ABOUT_DOCUMENTS, rarc
    for answer in outcome.answers.values():
        if answer.determination is not None:
            assert_every_rule_spoke(answer.determination)


def assert_every_rule_spoke(determination: Determination) -> None:
    """At least one finding for each rule of the policies that the answer cites, on every line."""
    policies = [each for each in with_plans().book.policies.values() if each.uri in determination.policy_uris]
    assert policies
    rules = {rule for each in policies for rule in each.rules}
    for line in determination.lines:
        assert {each.rule for each in line.findings} >= rules


@pytest.mark.parametrize("row", ROWS)
def test_of_every_row(row: str) -> None:
    assert_sound(outcome_of(world_of(row)))


@settings(max_examples=150)
@given(data=st.data(), row=st.sampled_from(list(ROWS)), times=st.integers(1, 4))
def test_whatever_is_missing(data: st.DataObject, row: str, times: int) -> None:
    world = world_of(row)
    for _ in range(times):
        removed(world, data.draw(st.sampled_from(places(world))))
    assert_sound(outcome_of(world))
