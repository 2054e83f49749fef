"""The text of a FHIRPath expression: checked strictly, and parsed by the library into the tree that is walked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from antlr4.CommonTokenStream import CommonTokenStream
from antlr4.error.ErrorListener import ErrorListener
from antlr4.InputStream import InputStream
from antlr4.Token import Token
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.parser import parse
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from adapter.mapping.fhirpath.step import Node


@cache
def parsed(text: str) -> Node:
    tree: Node = parse(text)  # type: ignore[no-untyped-call] # not annotated there
    return tree


class _Strict(ErrorListener):
    """Raises at the first syntax error; the library's own parser recovers and goes on with something else."""

    def syntaxError(  # noqa: N802 - antlr's name
        self, _recognizer: Any, _symbol: Any, _line: int, column: int, message: str, _error: Any
    ) -> None:
        raise ValueError(f"column {column + 1}: {message}")


def check(text: str) -> None:
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
