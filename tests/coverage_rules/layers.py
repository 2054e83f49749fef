"""Policies that a test lays over the shipped ones, as an overlay's files would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapter.policy.book import Policy, PolicyBook
from adapter.policy.files import PolicyFile, RuleFile
from adapter.policy.layering import PolicyRule, carried_on, over

Dated = Sequence[tuple[str, Any, str]]
"""Days from which a value counts, the value, and the document it is written in."""


def stating(
    book: PolicyBook, name: str, rule: str, values: Mapping[str, Dated], *, outcomes: Mapping[str, str] | None = None
) -> PolicyBook:
    """The book where a policy states these values and decisions of a rule; a new name is an overlay on a plan."""
    below = book.policies["common"].rules.get(rule)
    file = RuleFile.model_validate(
        {
            "rule": rule,
            "description": "as a test states it",
            "kind": "coverage" if below is None else below.file.kind,
            "reference": {"document": "Plan document", "section": "1"},
            "values": {each: _series(dated) for each, dated in values.items()},
            "outcomes": {each: {"decision": decision, "carc": ["133"]} for each, decision in (outcomes or {}).items()},
        }
    )
    policy = book.policies.get(name) or Policy(_plan(name), {})
    own = PolicyRule(carried_on(file), file, name, policy.label, f"{name}/{rule}.yaml")
    laid = replace(policy, rules={**policy.rules, **over(policy.rules, [own])})
    return replace(book, policies={**book.policies, name: laid})


def _series(dated: Dated) -> dict[str, Any]:
    entries = [
        {"effective": day, "value": value, "reference": {"document": document, "section": "9"}, "reason": "a test"}
        for day, value, document in dated
    ]
    return {"description": "as a test states it", "dated": entries}


def _plan(name: str) -> PolicyFile:
    return PolicyFile.model_validate(
        {
            "policy": name,
            "title": name,
            "uri": f"https://plans.example.org/{name}",
            "version": "1",
            "effective": "2020-01-01",
            "overlay": {"plans": [name]},
            "decides": False,
            "document": "Plan document",
        }
    )
