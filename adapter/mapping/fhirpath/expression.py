"""FHIRPath expressions, each compiled once; https://hl7.org/fhirpath/N1/.

Expressions are evaluated with the FHIR model of the version, so that choice types (``performed``) and
``ofType(...)`` work, and below a base (``Claim.item``) where a mapping describes a repeated part. What ``compiler``
knows runs as Python closures, with the library's answers; the rest is the library's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhirpathpy import apply_parsed_path
from fhirpathpy.engine.nodes import FP_Type, ResourceNode, TypeInfo
from fhirpathpy.models import models

from adapter.fhir.version import READ_AS
from adapter.mapping.fhirpath.compiler import compile_tree
from adapter.mapping.fhirpath.quick import Quick, quick
from adapter.mapping.fhirpath.results import results
from adapter.mapping.fhirpath.step import NotCompiled, Unusual
from adapter.mapping.fhirpath.syntax import check, parsed

Expression = Callable[[Any], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled expression, and the shorter way to what it finds where it has one."""

    evaluate: Expression
    quick: Quick | None

    def __call__(self, element: Any) -> Sequence[Any]:
        return self.evaluate(element)


@cache
def compile_expression(text: str, base: str, version: str) -> Expression:
    """Compile ``text`` for elements of type ``base`` (``Encounter``, ``Claim.item``).

    Raises:
        ValueError: not FHIRPath; the message is the parser's.
    """
    check(text)
    tree, by_library = parsed(text), library_expression(text, base, version)
    model = models[READ_AS[version]]
    try:
        compiled = compile_tree(tree, base, model)
    except NotCompiled:
        return by_library

    def evaluate(element: Any) -> Sequence[Any]:
        try:
            return results(compiled([element]))
        except (Unusual, RecursionError):
            return by_library(element)

    return Compiled(evaluate, quick(tree, base, model))


def library_expression(text: str, base: str, version: str) -> Expression:
    """``text`` as the library alone evaluates it: what a compiled expression is held against."""
    tree, model = parsed(text), models[READ_AS[version]]

    def evaluate(element: Any) -> Sequence[Any]:
        # Without it, ofType() would depend on which expression of which version ran before.
        TypeInfo.model = model  # type: ignore[assignment] # annotated as what it begins with
        node = ResourceNode.create_node(element, base)  # type: ignore[no-untyped-call] # not annotated there
        found = apply_parsed_path(node, tree, None, model)  # type: ignore[no-untyped-call] # as above
        return [_plain(value) for value in found]

    return evaluate


def why_not_compiled(text: str, base: str, version: str) -> str | None:
    """The part of an expression for which the library evaluates all of it; None when it is compiled."""
    try:
        compile_tree(parsed(text), base, models[READ_AS[version]])
    except NotCompiled as error:
        return str(error)
    return None


def _plain(value: Any) -> Any:
    """The library's own date and time types as the text they were read from."""
    return value.asStr if isinstance(value, FP_Type) and hasattr(value, "asStr") else value
