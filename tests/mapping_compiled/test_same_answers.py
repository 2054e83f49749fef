"""Generated expressions of the compiled node types give the library's answers on generated elements, or its errors."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from mapping_compiled.answers import answer
from mapping_compiled.grammar import BASES, elements, expressions

from adapter.mapping.expression import compile_expression, library_expression, why_not_compiled

EXAMPLES = int(os.environ.get("ADAPTER_COMPILED_EXAMPLES", "0"))
"""How many expressions to try; the default is few and always the same ones."""


@settings(
    max_examples=EXAMPLES or 250,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(
    expressions(), st.sampled_from(BASES), st.sampled_from(["r4", "r5"]), st.lists(elements(), min_size=4, max_size=12)
)
def test_compiled_expressions_answer_as_the_library(text: str, base: str, version: str, given: list[object]) -> None:
    reason = why_not_compiled(text, base, version)
    event("compiled" if reason is None else f"left to the library: {reason.split()[0]}")
    assume(reason is None)
    compiled, library = compile_expression(text, base, version), library_expression(text, base, version)
    for element in given:
        assert answer(compiled, element) == answer(library, element), element
