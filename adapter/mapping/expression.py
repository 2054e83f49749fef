"""FHIRPath expressions, each compiled once; https://hl7.org/fhirpath/N1/.

Expressions are evaluated with the FHIR model of the version, so that choice types (``performed``) and
``ofType(...)`` work, and below a base (``Claim.item``) where a mapping describes a repeated part. What ``compiled`` can
evaluate runs as Python closures, with the library's answers; the rest is the library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from antlr4.CommonTokenStream import CommonTokenStream
from antlr4.error.ErrorListener import ErrorListener
from antlr4.InputStream import InputStream
from antlr4.Token import Token
from fhirpathpy import apply_parsed_path
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.engine.nodes import FP_Type, ResourceNode, TypeInfo
from fhirpathpy.models import models
from fhirpathpy.parser import parse
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from adapter.fhir.version import READ_AS
from adapter.mapping.compiled.compiler import compile_tree
from adapter.mapping.compiled.results import results
from adapter.mapping.compiled.step import Node, NotCompiled, Unusual

Expression = Callable[[Any], Sequence[Any]]


@cache
def compile_expression(text: str, base: str, version: str) -> Expression:
    """Compile ``text`` for elements of type ``base`` (``Encounter``, ``Claim.item``).

    Raises:
        ValueError: not FHIRPath; the message is the parser's.
    """
    _check(text)
    tree, by_library = _parsed(text), library_expression(text, base, version)
    try:
        compiled = compile_tree(tree, base, models[READ_AS[version]])
    except NotCompiled:
        return by_library

    def evaluate(element: Any) -> Sequence[Any]:
        try:
            return results(compiled([element]))
        except (Unusual, RecursionError):
            return by_library(element)

    return evaluate


def library_expression(text: str, base: str, version: str) -> Expression:
    """``text`` as the library alone evaluates it: what a compiled expression is held against."""
    tree, model = _parsed(text), models[READ_AS[version]]

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
        compile_tree(_parsed(text), base, models[READ_AS[version]])
    except NotCompiled as error:
        return str(error)
    return None


@cache
def _parsed(text: str) -> Node:
    tree: Node = parse(text)  # type: ignore[no-untyped-call] # not annotated there
    return tree


class _Strict(ErrorListener):
    """Raises at the first syntax error; the library's own parser recovers and goes on with something else."""

    def syntaxError(  # noqa: N802 - antlr's name
        self, _recognizer: Any, _symbol: Any, _line: int, column: int, message: str, _error: Any
    ) -> None:
        raise ValueError(f"column {column + 1}: {message}")


def _check(text: str) -> None:
    """Parse strictly, to the end, and look up every function.

    Raises:
        ValueError: with the column of the first fault, or the name of a function that does not exist.
    """
    lexer = FHIRPathLexer(InputStream(text))
    parser = FHIRPathParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(_Strict())
    tree = parser.expression()
    rest = parser.getCurrentToken()
    if rest.type != Token.EOF:
        raise ValueError(f"column {rest.column + 1}: {rest.text!r} is too much")
    for name in _functions(tree):
        if name not in invocation_registry:
            raise ValueError(f"there is no function {name}()")


def _functions(node: Any) -> Iterator[str]:
    if isinstance(node, FHIRPathParser.FunctnContext):
        yield node.getChild(0).getText()
    for child in getattr(node, "children", None) or ():
        yield from _functions(child)


def _plain(value: Any) -> Any:
    """The library's own date and time types as the text they were read from."""
    return value.asStr if isinstance(value, FP_Type) and hasattr(value, "asStr") else value
