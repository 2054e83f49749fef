"""Changes to a resource at every place of it, most of them just inside or just outside what FHIR allows."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

Json = dict[str, Any]
Steps = tuple[str | int, ...]

MOMENTS = [
    "2024", "2024-02", "2024-13", "2024-2", "2024-02-29", "2023-02-29", "2000-02-29", "1900-02-29", "2024-04-31",
    "2024-12-31", "0000-01-01", "0001-01-01", "0999-12-31", "1000-01-01", "9999-12-31", "2024-01-01\n",
    "\uff12\uff10\uff12\uff14-01-01",
    "2024-01-01T10:00:00", "2024-01-01T10:00:00Z", "2024-01-01T10:00Z", "2024-01-01T24:00:00Z",
    "2024-01-01T23:59:60Z", "2024-01-01t10:00:00Z", "2024-01-01T10:00:00z", "2024-01-01 10:00:00Z",
    "2024-01-01T10:00:00-00:00", "2024-01-01T10:00:00+13:59", "2024-01-01T10:00:00+14:00", "2024-01-01T10:00:00+14:01",
    "2024-01-01T10:00:00.1Z", "2024-01-01T10:00:00.123456Z", "2024-01-01T10:00:00.123456789Z",
    "2024-01-01T10:00:00.1234567890Z", "2024-01-01T10:00:00.Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00", "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "10:00:00", "23:59:60", "24:00:00",
    "10:00", "10:00:00.5",
]  # fmt: skip
TEXTS = [
    "", " ", "x", " x", "x ", "a b", "a  b", "a\tb", "a\nb", "x\n", "\u00a0", "a\u00a0b", "\x00", "é", "#", "true", "1",
    "x" * 64, "x" * 65, "x" * 255, "x" * 256, "a_b", "http://x.example/a b", "http://", "http://[::1", "Patient/1",
    "mailto:a@b.example", "/Patient/1", "urn:oid:1.2.3", "urn:oid:01.2", "urn:oid:3.1",
    "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "c757873d-ec9a-1326-a141-556f43239520", "aGk=", "aGk", "====",
    "a Gk=", "boolean", "code",
]  # fmt: skip
NUMBERS = [
    True, False, 0, 1, -1, 1.0, 0.5, -0.0, 1e22, 1e-7, 5e-324, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63, 10**30,
    10**5000, float("nan"), float("inf"),
]  # fmt: skip
SHAPES: list[Any] = [
    None, [], {}, [None], [[]], [{}], {"x": 1}, {"id": "1"}, {"extension": []}, {"extension": [{}]},
    {"extension": [None]}, {"extension": [{"url": "u"}]}, {"extension": [{"url": "u", "valueString": "x"}]},
    [{"extension": [{"url": "u"}]}, None],
    {"extension": [{"url": "u", "valueString": "x", "valueCode": "y"}]}, {"extension": [{"valueString": "x"}]},
    {"extension": [{"url": "u", "extension": [{"url": "v", "valueBoolean": True}]}]},
    {"extension": [{"url": "u", "valueUuid": "c757873d-ec9a-4326-a141-556f43239520"}]},
    {"extension": [{"url": "u", "valueUrl": "http://x.example"}]}, {"extension": [{"url": "u", "valueUrl": ["x"]}]},
    {"extension": [{"url": "u", "valueBase64Binary": "aGk"}]}, {"extension": [{"url": "u", "valueOid": "urn:oid:1.2"}]},
    {"extension": [{"url": "u", "valueAge": {"value": 1}}]}, {"extension": [{"url": "u", "valueTime": "10:00:00"}]},
    {"start": "2024-01-02", "end": "2024-01-01"}, {"start": "2024-01-02", "end": "2024-01-02T00:00:00Z"},
    {"start": "2024-01-02T00:00:00Z", "end": "2024-01-02T00:00:00+01:00"}, {"start": "2024", "end": "2023-12"},
    {"start": "2024-01-02T00:00:00.5Z", "end": "2024-01-02T00:00:00Z"}, {"end": "2024-01-01"}, {"start": "2024-01-02"},
    {"start": "2024-01-01T00:00:60Z", "end": "2024-01-01T00:00:59Z"}, {"reference": "Patient/1"}, {"reference": 1},
    {"identifier": {"assigner": {"identifier": {"assigner": {"identifier": {"assigner": {"display": "x"}}}}}}},
    {"coding": [{"code": "x"}]}, {"coding": {"code": "x"}}, {"coding": [{"code": "x "}], "text": ""}, {"value": "1"},
    {"value": 1.5, "currency": "USD"}, {"value": float("nan")}, {"fhir_comments": ["x"]}, {"resourceType": "Patient"},
    [{"resourceType": "Patient"}], [{"resourceType": "Patient", "birthDate": "soon"}], [{"resourceType": "Nope"}],
    [{"resourceType": ["Patient"]}], [{"resourceType": "Patient", "contained": [{"resourceType": "Patient"}]}],
    [{"resourceType": "Patient", "id": "x" * 65}], [{"resourceType": "Element"}], [{"resourceType": "Claim"}],
]  # fmt: skip
VALUES = MOMENTS + TEXTS + NUMBERS + SHAPES
NAMES = [
    "id", "_id", "extension", "modifierExtension", "contained", "resourceType", "resource_type", "fhir_comments",
    "language", "text", "meta", "implicitRules", "status", "_status", "status__ext", "class_fhir", "period", "start",
    "end", "_start", "identifier", "self", "foo", "a b", "", "valueString", "servicedDate", "servicedPeriod",
    "performedDateTime", "performedPeriod", "occurrenceDateTime", "onsetAge", "onsetString", "diagnosisReference",
]  # fmt: skip


def changed(resource: Json, random: Random) -> Json:
    """A copy with one to three changes."""
    copy: Json = deepcopy(resource)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(copy))
        _change(copy, random.choice(places) if places else (), random)
    return copy


def _places(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inside:
        yield (*steps, step)
        yield from _places(each, (*steps, step))


def _change(resource: Json, steps: Steps, random: Random) -> None:
    holder: Any = resource
    for step in steps[:-1]:
        holder = holder[step]
    kind = random.randrange(8)
    if kind == 0 or not steps:
        _add(holder if isinstance(holder, dict) else resource, random)
    elif kind == 1:
        del holder[steps[-1]]
    elif kind == 2:
        holder[steps[-1]] = [holder[steps[-1]]]
    elif kind == 3 and isinstance(holder[steps[-1]], list):
        holder[steps[-1]] = holder[steps[-1]][0] if holder[steps[-1]] else {}
    elif kind == 4 and isinstance(holder, dict):
        _as_another(holder, str(steps[-1]), random)
    elif kind == 5 and isinstance(holder[steps[-1]], dict):
        _add(holder[steps[-1]], random)
    else:
        holder[steps[-1]] = deepcopy(random.choice(_alike(holder[steps[-1]])))


def _alike(value: Any) -> list[Any]:
    """Mostly values of the same JSON type, which come nearer to being right."""
    if isinstance(value, str):
        return [*MOMENTS, *TEXTS, 1, None]
    return [*NUMBERS, "1", None] if isinstance(value, int | float) else [*SHAPES, "x"]


def _add(holder: Json, random: Random) -> None:
    holder[random.choice(NAMES)] = deepcopy(random.choice(VALUES))


def _as_another(holder: Json, name: str, random: Random) -> None:
    """The same element once more under another of its types, or its companion that says why it is absent."""
    stem = name.rstrip("abcdefghijklmnopqrstuvwxyz")
    other = random.choice(["String", "DateTime", "Period", "Code", "Boolean", "Reference", "CodeableConcept"])
    holder[random.choice((f"_{name}", f"{stem[:-1]}{other}"))] = deepcopy(random.choice(VALUES))
