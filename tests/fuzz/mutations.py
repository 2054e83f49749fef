"""Changes to FHIR as a hostile or broken sender might make them; the same seed makes the same changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Steps = tuple[str | int, ...]

NASTY: list[Any] = [
    None, True, 0, -1, 1.5, 1e300, -1e-300, 10**18, 2**63, "", " ", "x", "#", "Patient/", "\x1b[31mred", "\u202e",
    "\x00", "../../etc/passwd", "[/bold]", "<script>alert(1)</script>", "x" * 70, "x" * 5000, "é\u2028\U0001f600",
    "0592T", " 0592T", "0591t", "2023-06-01", "2023-02-30", "2023-06-01T24:00:00Z", "2023-06-01T10:00:00+99:99",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2023", "2023-06", "T", "0000-01-01",
    [], {}, [None], [[]], [0, "x", {}], {"x": 1}, {"reference": 5}, {"reference": "#"}, {"reference": "#nothing"},
    {"reference": "Claim/base"}, {"reference": "Patient?identifier=|"}, {"reference": "http://[::1/Patient/1"},
    {"identifier": {"value": ""}}, {"coding": "0592T"}, {"coding": [{"code": "0592T"}]}, {"start": 1, "end": []},
    {"start": "2023-06-01", "end": "2022-06-01"}, {"value": 1e300, "currency": "USD"}, {"value": "NaN"},
    {"resourceType": "Patient"}, {"resourceType": "Bundle", "entry": []}, {"url": "x", "valueString": "y"},
]  # fmt: skip
NAMES = ["foo", "_status", "extension", "contained", "id", "resourceType", "item", "class_fhir", "status__ext", "a b"]


def mutated(value: Any, seed: int) -> Any:
    """A value (which is used up) with one to four changes."""
    random = Random(seed)
    for _ in range(random.randint(1, 4)):
        places = list(_places(value))
        if not places:
            return value
        random.choice(CHANGES)(value, random.choice(places), random)
    return value


def _places(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    if steps:
        yield steps
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inside:
        yield from _places(each, (*steps, step))


def _holder(value: Any, steps: Steps) -> Any:
    for step in steps[:-1]:
        value = value[step]
    return value


def _replace(value: Any, steps: Steps, random: Random) -> None:
    _holder(value, steps)[steps[-1]] = _copy(random.choice(NASTY))


def _remove(value: Any, steps: Steps, random: Random) -> None:
    del _holder(value, steps)[steps[-1]]


def _wrap(value: Any, steps: Steps, random: Random) -> None:
    """Nest an element in itself, now and then very deep."""
    inner = _holder(value, steps)[steps[-1]]
    for _ in range(random.choice([1, 1, 2, 60, 120])):
        inner = random.choice([[inner], {"extension": [inner]}])
    _holder(value, steps)[steps[-1]] = inner


def _repeat(value: Any, steps: Steps, random: Random) -> None:
    """A list holds the same many times over; a single thing becomes a list of it."""
    inner = _holder(value, steps)[steps[-1]]
    times = random.choice([2, 3, 20])
    _holder(value, steps)[steps[-1]] = [_copy(inner) for _ in range(times)]


def _graft(value: Any, steps: Steps, random: Random) -> None:
    """Put in the place of an element what stands somewhere else."""
    other = random.choice(list(_places(value)))
    _holder(value, steps)[steps[-1]] = _copy(_holder(value, other)[other[-1]])


def _add(value: Any, steps: Steps, random: Random) -> None:
    """An element more beside another."""
    holder = _holder(value, steps)
    if isinstance(holder, dict):
        holder[random.choice(NAMES)] = _copy(random.choice(NASTY))
    else:
        holder.append(_copy(random.choice(NASTY)))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


CHANGES: list[Callable[[Any, Steps, Random], None]] = [_replace, _replace, _remove, _wrap, _repeat, _graft, _add]
