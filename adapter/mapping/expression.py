"""FHIRPath expressions, each compiled once; https://hl7.org/fhirpath/N1/.

Expressions are evaluated with the FHIR model of the version, so that choice types (``performed``) and
``ofType(...)`` work, and below a base (``Claim.item``) where a mapping describes a repeated part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import fhirpathpy
from antlr4.CommonTokenStream import CommonTokenStream
from antlr4.error.ErrorListener import ErrorListener
from antlr4.InputStream import InputStream
from antlr4.Token import Token
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.engine.nodes import FP_Type, ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from adapter.mapping.model import MODEL_OF

Expression = Callable[[Any], Sequence[Any]]


@cache
def compile_expression(text: str, base: str, version: str) -> Expression:
    """Compile ``text`` for elements of type ``base`` (``Encounter``, ``Claim.item``).

    Raises:
        ValueError: not FHIRPath; the message is the parser's.
    """
    _check(text)
    compiled = fhirpathpy.compile(text, models[MODEL_OF[version]])

    def evaluate(element: Any) -> Sequence[Any]:
        found = compiled(ResourceNode.create_node(element, base), None)  # type: ignore[no-untyped-call] # not annotated there
        return [_plain(value) for value in found]

    return evaluate


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
