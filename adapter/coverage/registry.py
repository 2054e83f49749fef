"""All rules, found by importing every module of ``coverage/rules``.

A rule is a pure function of a session and its terms. Adding one touches one module there and one file in
``mappings/policies``: the file switches it on, gives it its dated values and says what follows when it fails.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from adapter.coverage.finding import Finding
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

RuleFunction = Callable[[CoachingSession, "Terms"], Finding | Iterable[Finding]]


class Stage(IntEnum):
    """The order in which findings are reported: form first, money last."""

    FORM = 1
    IDENTITY = 2
    CODE = 3
    DUPLICATE = 4
    POLICY = 5
    EVIDENCE = 6
    SETTING = 7
    MODE = 8
    DURATION = 9
    CREDENTIAL = 10
    DIAGNOSIS = 11
    SAME_DAY = 12
    DOCUMENTATION = 13
    MONEY = 14


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it is called in policy files, the outcomes it can end in and the values it looks up."""

    name: str
    stage: Stage
    outcomes: tuple[str, ...]
    values: Mapping[str, Any]
    """Names of the values it looks up, each with its type; a policy value of another type stops the start."""
    check: RuleFunction
    unknown: tuple[str, ...] = ()
    """Those of its outcomes that stand for evidence that is missing or contradicts itself: no policy may approve,
    deny or reject on one of them."""


RULES: dict[str, Rule] = {}


def rule(
    stage: Stage,
    *,
    outcomes: Iterable[str] = (),
    unknown: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Callable[[RuleFunction], RuleFunction]:
    """Register a function as the rule of its name."""

    def register(check: RuleFunction) -> RuleFunction:
        name = check.__name__
        RULES[name] = Rule(name, stage, tuple(outcomes), values or {}, check, tuple(unknown))
        return check

    return register


def load_rules() -> None:
    """Import every module of ``coverage/rules``, in the order of their names."""
    from adapter.coverage import rules

    for module in sorted(pkgutil.iter_modules(rules.__path__), key=lambda each: each.name):
        importlib.import_module(f"{rules.__name__}.{module.name}")
