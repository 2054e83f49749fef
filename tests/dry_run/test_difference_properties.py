"""What holds of any two answers: the same answer is no difference, and nothing decided differently goes unseen."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from answers.story_stages import clinic
from dry_run.made import FORMS, REASONS, response
from hypothesis import given
from hypothesis import strategies as st
from r5.alike import clinic_as_r5

from adapter.answers.difference import difference
from adapter.answers.said import said
from adapter.sinks.on_server import changed_elements

Json = dict[str, Any]
ANSWERS = [*clinic().responses(), *clinic().outcomes(), *clinic_as_r5().responses(), *clinic_as_r5().outcomes()]
RESPONSES = [each for each in ANSWERS if each.get("item")]
LINES = st.lists(st.sampled_from(sorted(REASONS)), min_size=1, max_size=4)


@given(answer=st.sampled_from(ANSWERS))
def test_an_answer_is_as_it_is(answer: Json) -> None:
    again = copy.deepcopy(answer)
    assert not difference(answer, again, changed_elements(answer, again))


@given(old=LINES, new=LINES, forms=st.tuples(st.sampled_from(FORMS), st.sampled_from(FORMS)))
def test_lines_differ_where_their_decisions_do(old: list[str], new: list[str], forms: tuple[str, str]) -> None:
    found = difference(response(*old, form=forms[0]), response(*new, form=forms[1]))
    one, other = [_whole(lines) for lines in (old, new)]
    last = max(len(old), len(new))
    expected = {at for at in range(1, last + 1) if _at(one, at, old) != _at(other, at, new)}
    # a line that neither of two rejections names, nor any item, is known to neither answer
    assert {each.line for each in found.lines if each.moved} == expected & {*said_of(one, old), *said_of(other, new)}


def _whole(lines: list[str]) -> str | None:
    return "REJECT" if "REJECT" in lines else None


def _at(whole: str | None, at: int, lines: list[str]) -> str:
    return whole or (lines[at - 1] if at <= len(lines) else "NO_ANSWER")


def said_of(whole: str | None, lines: list[str]) -> list[int]:
    return [at for at, each in enumerate(lines, 1) if whole is None or each == "REJECT"]


@given(data=st.data(), answer=st.sampled_from(RESPONSES))
def test_every_changed_adjudication_shows(data: st.DataObject, answer: Json) -> None:
    """Whatever entry of whichever line is taken away, or says something else, that line has a difference."""
    changed = copy.deepcopy(answer)
    places = [(item, at) for item in changed["item"] for at, each in enumerate(item["adjudication"]) if telling(each)]
    item, at = data.draw(st.sampled_from(places))
    if data.draw(st.booleans()):
        del item["adjudication"][at]
    else:
        spoil(item["adjudication"][at])
    found = difference(answer, changed, changed_elements(answer, changed))
    assert [each.line for each in found.lines] == [item["itemSequence"]]
    assert found.elements == ("item",)


def telling(entry: Json) -> bool:
    """An entry of a claim without amounts names its category and nothing else."""
    return "amount" in entry or "reason" in entry


def spoil(entry: Json) -> None:
    if "amount" in entry:
        entry["amount"]["value"] += 0.01
    else:
        entry["reason"]["coding"][0]["code"] = "999"


@given(data=st.data(), answer=st.sampled_from(RESPONSES))
def test_every_changed_decision_shows(data: st.DataObject, answer: Json) -> None:
    changed = copy.deepcopy(answer)
    places = list(decisions(changed))
    coding = data.draw(st.sampled_from(places))
    coding["code"] = data.draw(st.sampled_from(sorted({"approved", "denied", "pending"} - {coding["code"]})))
    assert difference(answer, changed)


def decisions(value: Any) -> Iterator[Json]:
    """Every coding of a decision, on the claim and on lines."""
    if isinstance(value, list):
        for each in value:
            yield from decisions(each)
    elif isinstance(value, dict):
        if value.get("system") == "http://hl7.org/fhir/claim-decision":
            yield value
        for each in value.values():
            yield from decisions(each)


@given(one=st.sampled_from(ANSWERS), other=st.sampled_from(ANSWERS))
def test_there_and_back_are_the_same_moves(one: Json, other: Json) -> None:
    there, back = difference(one, other), difference(other, one)
    assert [(each.line, each.before, each.after) for each in there.lines] == [
        (each.line, each.after, each.before) for each in back.lines
    ]
    assert (there.before, there.after) == (said(one), said(other))
