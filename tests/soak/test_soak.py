"""The parts of the soak that decide whether its verdict means anything; the soak itself takes as long as one likes."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from faults.proxy import Request
from soak.load import NAMES, renamed, visits
from soak.run import FAULTS, Watched, fault_rules

ASKED = Request("GET", "/fhir/Claim", (), b"")


def test_every_story_is_there() -> None:
    assert len(visits()) == len(NAMES)


def test_visits_of_other_people_share_no_id_and_no_reference() -> None:
    one, other = (renamed(visits()[0], number) for number in ("1", "2"))
    assert {each["id"] for each in one} & {each["id"] for each in other} == set()
    assert all(each["id"].endswith("-1") for each in one)
    assert '"Patient/' in str(one).replace("'", '"')
    assert str(one) == str(renamed(visits()[0], "1"))
    names = {f"{each['resourceType']}/{each['id']}" for each in visits()[0]}
    assert [name for name in names if f"'{name}'" in str(one)] == []


@pytest.mark.parametrize("every", [1, 20])
def test_one_request_in_so_many_is_spoilt_by_each_fault_in_turn(every: int) -> None:
    done: Counter[str] = Counter()
    rules = fault_rules(every, done)
    taken = [next((number for number, rule in enumerate(rules) if rule.takes(ASKED)), None) for _ in range(every * 14)]
    spoilt = [each for each in taken if each is not None]
    assert len(spoilt) == 14
    assert set(spoilt) == set(range(len(FAULTS)))
    assert done.total() == 14


@pytest.mark.parametrize(
    ("memory", "growth"),
    [
        pytest.param([50, 90, 100, 100, 100, 100, 100, 100, 100, 100], 0, id="the warm-up does not count"),
        pytest.param([0, 0, 0, 10, 20, 30, 40, 50, 60, 70], 40, id="it grows"),
        pytest.param([0, 0, 0, 10, 10, 10, 10, 10, 10, 99], 0, id="one look does not count"),
    ],
)
def test_growth(memory: list[int], growth: int) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert Watched("x", process, memory).growth == growth
