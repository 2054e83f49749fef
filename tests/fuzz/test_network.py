"""A few of the executions of ``run.py``, the same ones each time: enough to see that what they promise still holds."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
import stamina
from fuzz.run import target


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Nothing is waited for between two attempts."""
    with stamina.set_testing(True, attempts=2):
        yield


def push(name: str, times: int) -> None:
    for execution in range(times):
        target(name)(Random(f"suite {name} {execution}"))


@pytest.mark.parametrize(("name", "times"), [("door", 100), ("submitting", 6), ("over_the_wire", 50)])
def test_any_request_is_answered_without_a_fault_of_ours(name: str, times: int) -> None:
    push(name, times)


@pytest.mark.parametrize(
    ("name", "times"), [("raw", 50), ("header_values", 300), ("token", 60), ("keys", 40), ("subscription", 100)]
)
def test_any_answer_is_read_or_refused_in_one_line(name: str, times: int) -> None:
    push(name, times)


def test_what_a_lying_server_answers_ends_in_answers_or_a_readable_error() -> None:
    push("syncing", 6)


def test_no_answer_of_an_export_leaves_its_folder() -> None:
    push("bulk", 25)
