"""FHIRPath of the compiled node types, and JSON that is FHIR, nearly FHIR, or nothing like it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from hypothesis import strategies as st

Text = st.SearchStrategy[str]

NAMES = [
    "status",
    "code",
    "coding",
    "value",
    "effective",
    "component",
    "extension",
    "url",
    "item",
    "length",
    "active",
    "`code`",
    "Observation",
]
TYPES = [
    "string",
    "code",
    "Quantity",
    "FHIR.Period",
    "dateTime",
    "Element",
    "CodeableConcept",
    "Observation",
    "System.String",
]
LITERALS = ["'x'", "'X  y'", "''", "1", "1.5", "0", "true", "false", "{}", "'2024-01-01'"]
OPERATORS = ["=", "!=", "~", "!~", "<", ">=", "and", "or", "+", "|"]
CALLS = ["exists()", "empty()", "not()", "count()", "first()", "last()", "tail()", "distinct()", "lower()", "upper()"]
TEXT_CALLS = ["startsWith('x')", "endsWith('y')", "contains('x')", "matches('^x')", "extension('x')"]
BODY_CALLS = ["where", "select", "exists", "all", "repeat"]

TEXTS = ["x", "x", "x", "X y", "x  Y", "", "2024-01-01", "2024-01-01T10:00:00Z", "Observation", "é"]
OTHERS: Sequence[object] = [None, True, False, 0, 1, 2, 1.0, 1.5, -0.5, 85.1, Decimal("1.5"), Decimal(1)]
CHOICES = [
    "valueString",
    "valueQuantity",
    "valueCodeableConcept",
    "valuePeriod",
    "valueUsageContext",
    "effectivePeriod",
]
MEMBERS = [*(name for name in NAMES if name.isidentifier()), *CHOICES]
ODD = ["_status", "_valueString", "_value", "_code", "resourceType", "extension"]
RESOURCES = ["Observation", "Encounter", "QuestionnaireResponse", "Patient"]
BASES = ["Observation", "Observation.component", "Extension", "Encounter", "QuestionnaireResponse", "Claim.item"]


def expressions() -> Text:
    """Expressions of up to a handful of nodes, mostly paths with conditions."""
    return st.recursive(_heads(), _larger, max_leaves=6)


def _heads() -> Text:
    names = st.sampled_from(NAMES)
    return st.one_of(names, names, names, st.sampled_from(LITERALS), st.just("$this"), _calls(st.just("$this")))


def _larger(inner: Text) -> Text:
    name = st.sampled_from(NAMES)
    return st.one_of(
        st.builds("{}.{}".format, inner, name),
        st.builds("{}.{}".format, inner, name),
        st.builds("{}.{}".format, inner, _calls(inner)),
        st.builds("{}[{}]".format, inner, st.sampled_from([0, 1])),
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["is", "as"]), st.sampled_from(TYPES)),
    )


def _calls(inner: Text) -> Text:
    types = st.sampled_from(TYPES)
    return st.one_of(
        st.sampled_from(CALLS),
        st.sampled_from(TEXT_CALLS),
        st.builds("{}({})".format, st.sampled_from(BODY_CALLS), inner),
        st.builds("{}({})".format, st.sampled_from(["ofType", "ofType", "is", "as"]), types),
        st.builds("iif({}, {}, {})".format, inner, inner, inner),
        st.builds("iif({}, {})".format, inner, inner),
    )


def element(random: Random) -> object:
    """An object mostly, sometimes a resource, sometimes what no mapping expects."""
    roll = random.random()
    if roll < 0.1:
        return _value(random, depth=2)
    return {"resourceType": random.choice(RESOURCES)} | _object(random, 3) if roll < 0.4 else _object(random, 3)


def _value(random: Random, depth: int) -> object:
    roll = random.random()
    if depth == 0 or roll < 0.4:
        return random.choice(TEXTS if roll < 0.25 else OTHERS)
    if roll < 0.7:
        return _object(random, depth - 1)
    return [_value(random, depth - 1) for _ in range(random.randint(0, 3))]


def _object(random: Random, depth: int) -> dict[str, object]:
    """With much of what expressions ask for, and now and then with what makes an object unusual."""
    names = random.sample(MEMBERS, random.randint(1, 6)) + random.sample(ODD, random.choice([0, 0, 0, 1]))
    return {name: _value(random, depth) for name in names}
