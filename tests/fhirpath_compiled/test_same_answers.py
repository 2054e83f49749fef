"""Generated expressions of the compiled node types give the library's answers on generated elements, or its errors."""

from __future__ import annotations

import os
from random import Random

from fhirpath_compiled.comparison import answer
from fhirpath_compiled.grammar import BASES, element, expressions
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from adapter.mapping.fhirpath.expression import compile_expression, library_expression, why_not_compiled

EXAMPLES = int(os.environ.get("COMPILED_EXAMPLES", "0"))
"""How many expressions to try; the default is few and always the same ones."""
ELEMENTS = 60
"""How many elements each is tried on."""


@settings(
    max_examples=EXAMPLES or 400,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(expressions(), st.sampled_from(BASES), st.sampled_from(["r4", "r5"]), st.integers(0, 2**32))
def test_compiled_expressions_answer_as_the_library(text: str, base: str, version: str, seed: int) -> None:
    reason = why_not_compiled(text, base, version)
    event("compiled" if reason is None else f"left to the library: {reason.split()[0]}")
    assume(reason is None)
    compiled, library = compile_expression(text, base, version), library_expression(text, base, version)
    random = Random(seed)
    for each in (element(random) for _ in range(ELEMENTS)):
        assert answer(compiled, each) == answer(library, each), each
