"""From the library's syntax tree to closures: one small function for each type of node."""

from __future__ import annotations

from collections.abc import Callable

from fhirpathpy.engine import do_eval

from adapter.mapping.fhirpath import types
from adapter.mapping.fhirpath.functions import FUNCTIONS, Call
from adapter.mapping.fhirpath.members import member
from adapter.mapping.fhirpath.operators import OPERATORS, union
from adapter.mapping.fhirpath.step import VALUES, Kind, Model, Node, NotCompiled, Run, Step, start
from adapter.mapping.fhirpath.strings import STRING_FUNCTIONS

CALLS = FUNCTIONS | STRING_FUNCTIONS
TYPE_OPERATORS = {"is": types.is_type, "as": types.as_type}


def compile_tree(tree: Node, base: str, model: Model) -> Run:
    """The function that evaluates a parsed expression on elements of type ``base``; hand out only its ``results``.

    It raises ``Unusual`` on data that it does not read as the library would.

    Raises:
        NotCompiled: the expression has a part that only the library evaluates.
    """
    (expression,) = tree["children"]
    if _head(expression)["type"] == "ThisInvocation":
        raise NotCompiled("$this where nothing is this")
    return _compile(model, expression, start(Kind(frozenset({base})))).run


def _compile(model: Model, node: Node, source: Step) -> Step:
    """The step that begins with what ``source`` finds."""
    compiled = NODES.get(node["type"])
    if compiled is None:
        raise NotCompiled(node["type"])
    return compiled(model, node, source)


def _head(node: Node) -> Node:
    """The first thing that an expression looks at."""
    heads = {"TermExpression", "InvocationTerm", "ParenthesizedTerm", "InvocationExpression", "IndexerExpression"}
    while node["type"] in heads:
        node = node["children"][0]
    return node


def _child(model: Model, node: Node, source: Step) -> Step:
    return _compile(model, node["children"][0], source)


def _this(_model: Model, _node: Node, source: Step) -> Step:
    return source


def _literal(_model: Model, node: Node, _source: Step) -> Step:
    constant = do_eval({}, [], node)  # type: ignore[no-untyped-call] # not annotated there
    return Step(lambda _: constant, VALUES if constant else Kind())


def _invocation(model: Model, node: Node, source: Step) -> Step:
    """``left.right``; the library's ``left.$this`` is something else than it seems."""
    left, right = node["children"]
    if right["type"] not in {"MemberInvocation", "FunctionInvocation"}:
        raise NotCompiled(f"{right['type']} after a dot")
    return _compile(model, right, _compile(model, left, source))


def _member(model: Model, node: Node, source: Step) -> Step:
    name = name_of(node)
    if not name:
        raise NotCompiled("a member without a name")
    return member(model, name, source)


def name_of(member_node: Node) -> str:
    """The name of a member, without the quotes of one that is quoted."""
    identifier = member_node["children"][0]
    (name,) = do_eval({}, [], identifier)  # type: ignore[no-untyped-call] # not annotated there
    return str(name).replace("`", "")


def _function(model: Model, node: Node, source: Step) -> Step:
    identifier, *parameter_lists = node["children"][0]["children"]
    parameters = [each for parameters in parameter_lists for each in parameters["children"]]
    name = identifier["text"]
    function = CALLS.get((name, len(parameters)))
    if function is None:
        raise NotCompiled(f"{name}() with {len(parameters)} parameters")
    return function(Call(model, source, parameters, lambda each, begin: _compile(model, each, begin)))


def _indexer(model: Model, node: Node, source: Step) -> Step:
    collection, index = node["children"]
    if _head(index)["type"] != "LiteralTerm":
        raise NotCompiled("an index that is no number")
    (written,) = _compile(model, index, source).run([]) or [""]
    if not isinstance(written, int):
        raise NotCompiled("an index that is no number")
    found = _compile(model, collection, source)
    run = found.run
    return Step(lambda data: run(data)[written : written + 1], found.kind)


def _operator(model: Model, node: Node, source: Step) -> Step:
    compiled = OPERATORS.get(node["terminalNodeText"][0])
    if compiled is None:
        raise NotCompiled(f"the operator {node['terminalNodeText'][0]}")
    left, right = (_compile(model, each, source) for each in node["children"])
    return compiled(left, right)


def _union(model: Model, node: Node, source: Step) -> Step:
    return union([_compile(model, each, source) for each in _operands(node)])


def _operands(node: Node) -> list[Node]:
    """All of ``a | b | c``: duplicates are looked for once."""
    left, right = node["children"]
    return [*(_operands(left) if left["type"] == "UnionExpression" else [left]), right]


def _type_operator(model: Model, node: Node, source: Step) -> Step:
    element, named = node["children"]
    return TYPE_OPERATORS[node["terminalNodeText"][0]](model, _compile(model, element, source), named)


NODES: dict[str, Callable[[Model, Node, Step], Step]] = {
    "TermExpression": _child,
    "InvocationTerm": _child,
    "ParenthesizedTerm": _child,
    "LiteralTerm": _child,
    "StringLiteral": _literal,
    "NumberLiteral": _literal,
    "BooleanLiteral": _literal,
    "NullLiteral": _literal,
    "ThisInvocation": _this,
    "MemberInvocation": _member,
    "FunctionInvocation": _function,
    "InvocationExpression": _invocation,
    "IndexerExpression": _indexer,
    "TypeExpression": _type_operator,
    "UnionExpression": _union,
    "EqualityExpression": _operator,
    "InequalityExpression": _operator,
    "AdditiveExpression": _operator,
    "AndExpression": _operator,
    "OrExpression": _operator,
}
"""Types of nodes that are compiled; the whole expression is the library's where another stands in it."""
