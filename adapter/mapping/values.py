"""What FHIR values become in the session: one converter for each ``as`` of the mapping language.

A converter takes the element as FHIRPath gave it and returns the session's value, None for *nothing usable*, or raises
``Unreadable`` with the kind of fault, so that the mapper can say where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from adapter.mapping.tables import CodeSystems
from adapter.session.model import Code, Money
from adapter.session.time import Days, Interval, Moment, parse_moment

Converter = Callable[[Any, CodeSystems], Any]

UCUM = ("http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8")
_NUMBERS = (int, float, Decimal)
SECONDS_PER_UNIT = {"min": 60, "h": 3600, "s": 1}
"""UCUM units of time that a session length may have; any other is as if the length were absent (row 18)."""


class Unreadable(ValueError):
    """A value of the wrong form; ``code`` is of the issue types of an OperationOutcome."""

    def __init__(self, problem: str, code: str = "value", element: str = "") -> None:
        super().__init__(problem)
        self.code = code
        self.element = element


def text(value: Any, _systems: CodeSystems) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def flag(value: Any, _systems: CodeSystems) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("is not true or false", "structure")
    return value


def number(value: Any, _systems: CodeSystems) -> Decimal:
    """A decimal exactly as written: ``85.1`` is 85.1 and not the nearest binary fraction."""
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        raise Unreadable("is not a number", "structure")
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise Unreadable("is not a number", "structure") from error


def whole_number(value: Any, systems: CodeSystems) -> int:
    if type(value) is int:
        return value
    exact = number(value, systems)
    if exact != int(exact):
        raise Unreadable("is not a whole number")
    return int(exact)


def moment(value: Any, _systems: CodeSystems) -> Moment:
    if not isinstance(value, str):
        raise Unreadable("is not a date or dateTime", "structure")
    try:
        return parse_moment(value)
    except ValueError as error:
        raise Unreadable(f"is no FHIR date or dateTime: {_why(error)}") from error


def _why(error: ValueError) -> str:
    """Our own words for what is wrong; the library's messages may repeat the value."""
    known = ("not a FHIR date or dateTime", "a time of day without a time zone offset")
    return str(error) if str(error) in known else "no such day or time"


def period(value: Any, systems: CodeSystems) -> Interval:
    """A Period, or a single dateTime as a start without an end.

    Raises:
        Unreadable: a bound is no dateTime (``value``), or the end lies before the start (``invariant``, per-1).
    """
    if isinstance(value, str):
        return Interval(moment(value, systems), None)
    if not isinstance(value, dict):
        raise Unreadable("is not a Period", "structure")
    found = Interval(_bound(value.get("start"), "start", systems), _bound(value.get("end"), "end", systems))
    if _ends_before_start(found):
        raise Unreadable("ends before it starts (per-1)", "invariant")
    return found


def _bound(value: Any, name: str, systems: CodeSystems) -> Moment | None:
    if value is None:
        return None
    try:
        return moment(value, systems)
    except Unreadable as error:
        raise Unreadable(str(error), error.code, f".{name}") from error


def _ends_before_start(found: Interval) -> bool:
    if found.start is None or found.end is None:
        return False
    if found.start.instant is not None and found.end.instant is not None:
        return found.end.instant < found.start.instant
    return found.end.last_day < found.start.first_day


def days(value: Any, systems: CodeSystems) -> Days:
    """A date, or a Period as the days it covers, each in its own offset; a missing bound is open."""
    found = period(value, systems)
    if isinstance(value, str):
        assert found.start is not None  # noqa: S101 - a text is always a start
        return Days(found.start.first_day, found.start.last_day, partial=found.start.day is None)
    return Days(found.start.first_day if found.start else None, found.end.last_day if found.end else None)


def minutes(value: Any, systems: CodeSystems) -> Decimal | None:
    """A Duration in minutes, to the whole second, rounded down.

    None for a unit that is not UCUM min, h or s, and for a length that is not definite.
    """
    if not isinstance(value, dict) or "value" not in value or indefinite(value, systems):
        return None
    factor = SECONDS_PER_UNIT.get(str(value.get("code"))) if value.get("system") in UCUM else None
    return None if factor is None else Decimal(int(number(value["value"], systems) * factor)) / 60


def indefinite(value: Any, systems: CodeSystems) -> bool:
    """Whether a length says no definite time: less or more than so long, or shorter than nothing."""
    return isinstance(value, dict) and ("comparator" in value or number(value.get("value", 0), systems) < 0)


def money(value: Any, systems: CodeSystems) -> Money | None:
    if not isinstance(value, dict):
        raise Unreadable("is not Money", "structure")
    if "value" not in value:
        return None
    currency = value.get("currency")
    return Money(number(value["value"], systems), currency if isinstance(currency, str) else None)


def coding(value: Any, systems: CodeSystems) -> Code | None:
    """A Coding (or bare code) with its system looked up; None when there is no code."""
    if isinstance(value, str):
        return Code(value)
    if not isinstance(value, dict):
        raise Unreadable("is not a Coding", "structure")
    code = value.get("code")
    if not isinstance(code, str) or not code:
        return None
    system = value.get("system")
    return systems.read(code, system if isinstance(system, str) else None)


def reference(value: Any, _systems: CodeSystems) -> Any:
    """A Reference as it is, for the gatherer to follow; nothing but its target is ever read."""
    return value if isinstance(value, dict) else None


def present(_value: Any, _systems: CodeSystems) -> bool:
    """That something is there, without reading it: for free text, which never enters the session."""
    return True


CONVERTERS: dict[str, Converter] = {
    "text": text,
    "boolean": flag,
    "number": number,
    "integer": whole_number,
    "instant": moment,
    "period": period,
    "date": days,
    "minutes": minutes,
    "money": money,
    "coding": coding,
    "reference": reference,
    "present": present,
}
"""The types of the mapping language."""
