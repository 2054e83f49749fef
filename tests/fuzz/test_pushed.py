"""The same promises as the long runs, on a few hundred inputs: whatever comes in, nothing but answers come out.

``FUZZ_EXAMPLES`` makes it more of them; ``run_atheris.py`` goes on for as long as one likes.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from fuzz import targets
from fuzz.mutations import mutated
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

STORIES = sorted((Path(__file__).parents[2] / "fixtures" / "stories").glob("*/0_bundle.json"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
thorough = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BYTES = st.binary(max_size=300)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "id", "item", "\x1b"]), inner, max_size=4
        )
        | inner.map(lambda value: {"resourceType": "Bundle", "entry": [{"resource": value}]})
        | inner.map(lambda value: {"resourceType": "Claim", "id": "a", "item": value})
    ),
    max_leaves=15,
)
NAMES = st.sampled_from(targets.FILES)


@cache
def story(number: int) -> bytes:
    return orjson.dumps(orjson.loads(STORIES[number].read_bytes()))


def spelt(value: Any) -> bytes:
    """As JSON; what orjson does not spell (a half surrogate, a great number) as the standard library does."""
    import json

    return json.dumps(value).encode("utf-8", "surrogatepass")


# --- reading


@thorough
@given(content=BYTES, name=NAMES, packed=st.booleans())
@example(content=b"\x1f\x8b\x08\x00", name="x.json.gz", packed=False)
@example(content=b'{"resourceType":""}', name="x.ndjson", packed=False)
@example(content=b"\xef\xbb\xbf\xef\xbb\xbf{}", name="x.ndjson", packed=False)
@example(content=b"\x00", name="x.ndjson", packed=False)
def test_no_bytes_stop_the_reading(content: bytes, name: str, *, packed: bool) -> None:
    targets.check_reading(targets.packed(content, name) if packed else content, name)


@thorough
@given(lines=st.lists(VALUES.map(spelt) | BYTES, max_size=6), name=NAMES)
def test_no_line_goes_missing(lines: list[bytes], name: str) -> None:
    targets.check_reading(targets.packed(b"\n".join(lines), name), name)


@thorough
@given(number=st.integers(0, len(STORIES) - 1), at=st.integers(0, 20_000), cut=st.integers(0, 50), junk=BYTES)
def test_damage_anywhere_in_a_good_file_is_named(number: int, at: int, cut: int, junk: bytes) -> None:
    content = story(number)
    targets.check_reading(content[:at] + junk[:20] + content[at + cut :], "x.json")


# --- deciding


@thorough
@given(number=st.integers(0, len(STORIES) - 1), seed=st.integers(0, 2**32))
@pytest.mark.parametrize("lenient", [False, True])
def test_changed_resources_are_answered_and_alike_each_time(number: int, seed: int, *, lenient: bool) -> None:
    try:
        content = orjson.dumps(mutated(orjson.loads(story(number)), seed))
    except TypeError:  # nested deeper than JSON is written
        return
    targets.check_deciding(content, lenient=lenient)


@thorough
@given(value=VALUES)
def test_any_value_in_place_of_the_lines_is_answered(value: Any) -> None:
    bundle = orjson.loads(story(0))
    claim = next(each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Claim")
    claim["item"] = [value, *claim["item"]]
    targets.check_deciding(spelt(bundle))
