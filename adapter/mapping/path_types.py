"""What a FHIRPath expression can give, told without a resource: a path that no resource can have is found at the start.

Only what is certain is a fault. Where the type cannot be told (a contained resource, a function of any kind) everything
is allowed. https://hl7.org/fhirpath/N1/#path-selection
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from adapter.mapping.fhirpath.syntax import parsed
from adapter.mapping.model import Model, Types

Node = Mapping[str, Any]

SAME = frozenset(["first", "last", "tail", "single", "skip", "take", "distinct", "where", "trace"])
"""Functions that give elements of what they are called on."""
BOOLEAN = frozenset(
    [
        *("exists", "all", "empty", "not", "allTrue", "anyTrue", "allFalse", "anyFalse"),
        *("contains", "startsWith", "endsWith", "matches"),
    ]
)
PER_ELEMENT = SAME | {"exists", "all", "select", "repeat", "aggregate", "iif", "coalesce"}
"""Functions that evaluate their arguments on each element they are called on; others, on what they stand in."""
_BOOLEAN: Types = frozenset(["boolean"])


@dataclass
class PathTypes:
    """Walks one expression; ``faults`` says what cannot exist."""

    model: Model
    faults: list[str] = field(default_factory=list)

    def of(self, text: str, base: Types) -> Types:
        """What ``text`` can give on elements of ``base``."""
        return self._walk(parsed(text), base)

    def _walk(self, node: Node, here: Types) -> Types:
        return _WALK.get(node.get("type") or "", PathTypes._all)(self, node, here)

    def _all(self, node: Node, here: Types) -> Types:
        """A node that only holds others: the type of an only child, else unknown."""
        found = [self._walk(each, here) for each in node.get("children", ())]
        return found[0] if len(found) == 1 else None

    def _operator(self, node: Node, here: Types) -> Types:
        self._all(node, here)
        return _BOOLEAN

    def _invocation(self, node: Node, here: Types) -> Types:
        left, right = node["children"]
        found = self._walk(left, here)
        if right.get("type") == "FunctionInvocation":
            return self._called(right, found, here)
        return self._walk(right, found)

    def _indexer(self, node: Node, here: Types) -> Types:
        left, index = node["children"]
        self._walk(index, here)
        return self._walk(left, here)

    def _union(self, node: Node, here: Types) -> Types:
        found = [self._walk(each, here) for each in node["children"]]
        return None if any(each is None for each in found) else frozenset().union(*(each or () for each in found))

    def _member(self, node: Node, here: Types) -> Types:
        name = _name(node)
        if here is not None and name in here:
            return here  # a path may begin with the type it is about
        try:
            return self.model.member(here, name)
        except KeyError:
            near = get_close_matches(name, self.model.names(here), 1)
            hint = f"; do you mean {near[0]!r}?" if near else ""
            self.faults.append(f"{_or(here)} has no element {name!r}{hint}")
            return None

    def _type_expression(self, node: Node, here: Types) -> Types:
        left, kind = node["children"]
        found = self._walk(left, here)
        return self._narrowed(found, _name(kind)) if "as" in node["terminalNodeText"] else _BOOLEAN

    def _narrowed(self, found: Types, name: str) -> Types:
        kind = name.rpartition(".")[2]
        if not self.model.is_type(kind):
            self.faults.append(f"there is no type {kind!r}")
            return None
        if found is not None and not self._may_be(kind, found):
            self.faults.append(f"{kind!r} cannot stand there, only {_or(found)}")
        return frozenset([kind])

    def _may_be(self, kind: str, found: frozenset[str]) -> bool:
        """Whether an element of one of the types may be of this kind: the same, a special one or a general one."""
        return bool(found & set(self.model.lineage(kind))) or any(kind in self.model.lineage(each) for each in found)

    def _function(self, node: Node, here: Types) -> Types:
        return self._called(node, here, here)

    def _called(self, node: Node, here: Types, outer: Types) -> Types:
        """What a function gives on elements of ``here``, called where ``outer`` is."""
        (call,) = node["children"]
        name = _name(call)
        parameters = [each for part in call["children"][1:] for each in part.get("children", ())]
        if name in ("ofType", "as"):
            return self._narrowed(here, _name(parameters[0])) if parameters else here
        if name == "is":
            return _BOOLEAN
        if name == "repeat":
            return self._repeated(parameters[0], here) if parameters else here
        found = [self._walk(each, here if name in PER_ELEMENT else outer) for each in parameters]
        if name == "extension":
            return frozenset(["Extension"])
        if name == "select":
            return found[0] if found else None
        if name in SAME:
            return here
        return _BOOLEAN if name in BOOLEAN else None

    def _repeated(self, parameter: Node, here: Types) -> Types:
        """``repeat(item)`` gives what is below, and what is below that where there is any."""
        once = self._walk(parameter, here)
        before = len(self.faults)
        self._walk(parameter, once)
        del self.faults[before:]
        return once


def _literal(kind: str) -> Callable[[PathTypes, Node, Types], Types]:
    return lambda _self, _node, _here: frozenset([kind])


def _unknown(_self: PathTypes, _node: Node, _here: Types) -> Types:
    return None


def _this(_self: PathTypes, _node: Node, here: Types) -> Types:
    return here


_WALK: dict[str, Callable[[PathTypes, Node, Types], Types]] = {
    "InvocationExpression": PathTypes._invocation,
    "IndexerExpression": PathTypes._indexer,
    "UnionExpression": PathTypes._union,
    "MemberInvocation": PathTypes._member,
    "FunctionInvocation": PathTypes._function,
    "TypeExpression": PathTypes._type_expression,
    "EqualityExpression": PathTypes._operator,
    "InequalityExpression": PathTypes._operator,
    "MembershipExpression": PathTypes._operator,
    "AndExpression": PathTypes._operator,
    "OrExpression": PathTypes._operator,
    "ImpliesExpression": PathTypes._operator,
    "StringLiteral": _literal("string"),
    "NumberLiteral": _literal("decimal"),
    "BooleanLiteral": _literal("boolean"),
    "DateLiteral": _literal("date"),
    "DateTimeLiteral": _literal("dateTime"),
    "ThisInvocation": _this,
    "ExternalConstantTerm": _unknown,
}
"""How each kind of node is walked; any other holds its children and nothing more is known."""


def _name(node: Node) -> str:
    """The identifier a node ends in, without quotes."""
    return "".join(_identifiers(node)[-1:]).strip("`")


def _identifiers(node: Node) -> list[str]:
    if node.get("type") == "Identifier":
        return [str(each) for each in node["terminalNodeText"]]
    return [name for each in _nodes(node) for name in _identifiers(each)]


def _nodes(node: Node) -> Iterator[Node]:
    children = node.get("children", ())
    yield from children[:1] if node.get("type") == "Functn" else children


def _or(types: Types) -> str:
    names = sorted(types or ())
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}" if names else "nothing"
